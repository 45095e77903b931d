-- Ensembles: members by name or inline, combined by their p-values.
SELECT setseed(0.25);
CREATE TABLE mix AS
	SELECT i, random() + random() + random() AS a, random() * 100 AS b,
		CASE WHEN random() < 0.7 THEN 'tcp' WHEN random() < 0.9 THEN 'udp' ELSE 'icmp' END AS proto
	FROM generate_series(1, 2000) i;
SELECT version FROM anomaly_train('forest', 'SELECT a, b, proto FROM mix', options => '{"trees": 20}');
SELECT algorithm, features FROM anomaly_train('both', 'SELECT a, b, proto FROM mix', 'ensemble',
	options => '{"members": ["forest", {"algorithm": "isolation_forest", "options": {"seed": 7, "trees": 10}, "weight": 3}]}');
SELECT options->'members'->0 AS first,
	options->'members'->1->>'algorithm' AS second, options->'members'->1->'weight' AS weight,
	options->'members'->1->'options'->'seed' AS seed
FROM anomaly.model_version WHERE model = 'both';

-- The mean and the maximum of surprises are those of the members' p-values.
SELECT anomaly_train('max', 'SELECT a, b, proto FROM mix', 'ensemble',
	options => '{"combine": "max", "members": ["forest", {"model": "forest", "weight": 2}]}') IS NOT NULL;
SELECT anomaly_train('mean', 'SELECT a, b, proto FROM mix', 'ensemble',
	options => '{"members": ["forest", {"model": "forest", "weight": 2}]}') IS NOT NULL;
SELECT anomaly_train('any', 'SELECT a, b, proto FROM mix', 'ensemble',
	options => '{"combine": "any", "members": ["forest", {"model": "forest", "weight": 2}]}') IS NOT NULL;
SELECT count(*),
	max(abs(anomaly_score('mean', mix) + log(p.p_value))) < 1e-9 AS mean_is_mean,
	max(abs(anomaly_score('max', mix) + 2 * log(p.p_value))) < 1e-9 AS max_is_weighted,
	max(abs(anomaly_score('any', mix) + log(p.p_value))) < 1e-9 AS any_is_not
FROM mix, anomaly_detect('forest', mix) p;

-- Two votes of three: the surprise that two members reach.
SELECT anomaly_train('f' || seed, 'SELECT a, b, proto FROM mix', options => jsonb_build_object('trees', 5, 'seed', seed)) IS NOT NULL
FROM generate_series(1, 3) seed;
SELECT anomaly_train('votes', 'SELECT a, b, proto FROM mix', 'ensemble',
	options => '{"combine": "votes", "votes": 2, "members": ["f1", "f2", "f3"]}') IS NOT NULL;
SELECT max(abs(anomaly_score('votes', mix) -
	(SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY -log(s.p_value))
	 FROM generate_series(1, 3) k, anomaly_detect('f' || k, mix) s))) < 1e-9 AS second_largest
FROM mix WHERE i <= 300;
-- The threshold holds the promised share of rows like the training ones.
SELECT model, round(avg(d.is_anomaly::int), 3) < 0.03 AS few
FROM unnest('{mean,max,any,votes}'::text[]) model, mix, anomaly_detect(model, mix) d GROUP BY model ORDER BY model;

-- A member stays as it was when its model is trained anew, or dropped.
SELECT sum(anomaly_score('mean', mix)) AS before FROM mix \gset
SELECT version FROM anomaly_train('forest', 'SELECT a, b, proto FROM mix', options => '{"seed": 3}');
SELECT anomaly_drop('forest');
SELECT sum(anomaly_score('mean', mix)) = :before AS same FROM mix;

-- A row with an unknown text scores; reasons name the features.
SELECT anomaly_score('both', r) > anomaly_score('both', q) AS rarer
FROM (SELECT 1.5 AS a, 50.0 AS b, 'sctp' AS proto) r, (SELECT 1.5 AS a, 50.0 AS b, 'tcp' AS proto) q;
SELECT feature, round(share::numeric, 3) = 1 AS all_of_it FROM (SELECT 9.0 AS a, 50.0 AS b, 'tcp' AS proto) r, anomaly_explain('both', r, 1);

-- As an aggregate, one model per group.
SELECT proto, anomaly_fit(m, 'ensemble', '{"members": ["isolation_forest"]}') IS NOT NULL AS fitted
FROM (SELECT a, b, proto FROM mix) m GROUP BY proto ORDER BY proto;

-- What cannot be is refused.
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": ["nobody"]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": []}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": [3]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": [{"weight": 1}]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": [{"model": "max", "weight": 0}]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": ["max"]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": ["ensemble"]}');
SELECT anomaly_train('bad', 'SELECT * FROM mix', 'ensemble', options => '{"members": ["seasonal"]}');
SELECT version FROM anomaly_train('wide', 'SELECT i, a FROM mix');
SELECT anomaly_train('bad', 'SELECT a, b, proto FROM mix', 'ensemble', options => '{"members": ["wide"]}');

SELECT anomaly_drop(m) FROM unnest('{both,max,mean,any,votes,f1,f2,f3,wide}'::text[]) m;
DROP TABLE mix;
