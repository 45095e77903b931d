-- Models as documents: what anomaly_export gives, anomaly_import takes.
SELECT setseed(0.5);
CREATE TABLE box AS SELECT random() AS a, random() * 10 AS b FROM generate_series(1, 500);
SELECT version FROM anomaly_train('box', 'SELECT * FROM box', options => '{"trees": 10}');
SELECT anomaly_import(anomaly_export('box'), 'copy');
SELECT count(*) FROM box WHERE anomaly_score('box', box) IS DISTINCT FROM anomaly_score('copy', box);
SELECT c.algorithm, c.features, c.threshold = b.threshold AS same_threshold, c.options = b.options AS same_options,
	c.metrics = b.metrics AS same_metrics, c.query, c.rows_used
FROM anomaly.model_version b, anomaly.model_version c WHERE b.model = 'box' AND c.model = 'copy';

-- Under its own name it is a new version of it.
SELECT anomaly_import(anomaly_export('box', 1));
SELECT active_version FROM anomaly.model WHERE name = 'box';

-- What is none is refused, and leaves nothing.
\set SHOW_CONTEXT never
SELECT anomaly_export('bix');
SELECT anomaly_export('box', 7);
SELECT anomaly_import('{"model": "x"}');
SELECT anomaly_import(anomaly_export('box') - 'body', 'bad');
SELECT anomaly_import(jsonb_set(anomaly_export('box'), '{body}', '"AAAA"'), 'bad');
SELECT count(*) FROM anomaly.model WHERE name = 'bad';

SELECT anomaly_drop('box'), anomaly_drop('copy');
DROP TABLE box;
