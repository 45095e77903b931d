-- anomaly_evaluate against the same numbers computed in SQL.
\set VERBOSITY terse
CREATE TABLE labelled AS
SELECT i AS id, sin(i) + CASE WHEN i % 40 = 0 THEN (i % 7) * 0.5 ELSE 0 END AS x,
	   cos(i * 1.7) + CASE WHEN i % 40 = 0 THEN (i % 5) * 0.5 ELSE 0 END AS y,
	   i % 40 = 0 AS attack
FROM generate_series(1, 4000) i;
SELECT rows_used FROM anomaly_train('judge', 'SELECT x, y FROM labelled', options => '{"contamination": 0.05}');

-- ROC AUC is the chance that an anomalous row scores above a normal one (ties half);
-- average precision sums precision over the steps of recall; the rest are counts.
CREATE VIEW expected AS
WITH s AS MATERIALIZED (
	SELECT attack, (d).score, (d).is_anomaly FROM (SELECT attack, anomaly_detect('judge', l) AS d FROM labelled l) t),
ranked AS (
	SELECT score, count(*) FILTER (WHERE attack) AS here,
		   sum(count(*) FILTER (WHERE attack)) OVER w AS hits, sum(count(*)) OVER w AS taken
	FROM s GROUP BY score WINDOW w AS (ORDER BY score DESC))
SELECT (SELECT avg(CASE WHEN p.score > n.score THEN 1.0 WHEN p.score = n.score THEN 0.5 ELSE 0 END)
		FROM s p, s n WHERE p.attack AND NOT n.attack)::float8 AS roc_auc,
	   (SELECT sum(here * hits / taken) / sum(here) FROM ranked)::float8 AS pr_auc,
	   count(*) FILTER (WHERE attack AND is_anomaly) AS tp, count(*) FILTER (WHERE NOT attack AND is_anomaly) AS fp,
	   count(*) FILTER (WHERE NOT attack AND NOT is_anomaly) AS tn, count(*) FILTER (WHERE attack AND NOT is_anomaly) AS fn
FROM s;
SELECT rows, positives, abs(e.roc_auc - x.roc_auc) < 1e-9 AS roc_auc, abs(e.pr_auc - x.pr_auc) < 1e-9 AS pr_auc,
	   (e.tp, e.fp, e.tn, e.fn) = (x.tp, x.fp, x.tn, x.fn) AS counts, x.tp > 0 AND x.fp > 0 AND x.fn > 0 AS worth_it,
	   abs(accuracy - (x.tp + x.tn) / 4000.0) < 1e-12 AS accuracy,
	   abs("precision" - x.tp::float8 / (x.tp + x.fp)) < 1e-12 AS "precision",
	   abs(recall - x.tp::float8 / (x.tp + x.fn)) < 1e-12 AS recall,
	   abs(f1 - 2 * "precision" * recall / ("precision" + recall)) < 1e-12 AS f1
FROM anomaly_evaluate('judge', 'SELECT * FROM labelled', 'attack') e, expected x;

-- Numbers and texts as labels; rows without one are left out.
SELECT rows, positives FROM anomaly_evaluate('judge', 'SELECT x, y, attack::int AS l FROM labelled', 'l');
SELECT rows, positives FROM anomaly_evaluate('judge',
	'SELECT x, y, CASE WHEN attack THEN ''scan'' WHEN id % 2 = 0 THEN ''NORMAL'' END AS l FROM labelled', 'l');
-- What cannot be told is NULL.
SELECT rows, positives, roc_auc, pr_auc, recall FROM anomaly_evaluate('judge', 'SELECT * FROM labelled WHERE NOT attack', 'attack');
SELECT * FROM anomaly_evaluate('judge', 'SELECT * FROM labelled WHERE false', 'attack');

SELECT * FROM anomaly_evaluate('judge', 'SELECT * FROM labelled', 'nonsense');
SELECT * FROM anomaly_evaluate('judge', 'SELECT x, y, now() AS attack FROM labelled', 'attack');
SELECT * FROM anomaly_evaluate('judge', 'SELECT x, attack FROM labelled', 'attack');
SELECT * FROM anomaly_evaluate('judge', 'SELECT x, ''NaN''::float8 AS y, attack FROM labelled', 'attack');
SELECT * FROM anomaly_evaluate('nobody', 'SELECT * FROM labelled', 'attack');
SET maintenance_work_mem = '1MB';
SELECT * FROM anomaly_evaluate('judge', 'SELECT x, y, attack FROM labelled, generate_series(1, 20)', 'attack');
RESET maintenance_work_mem;

SELECT anomaly_drop(name) FROM anomaly.model;
DROP VIEW expected;
DROP TABLE labelled;
