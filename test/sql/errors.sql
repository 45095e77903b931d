-- Every bad input: a clear error with its own code, and nothing stored.
CREATE FUNCTION catch(command text) RETURNS TABLE (code text, message text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN QUERY SELECT 'ok', ''::text, ''::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT SQLSTATE::text, SQLERRM::text, hint;
END $$;
CREATE FUNCTION train(query text, rest text DEFAULT '') RETURNS TABLE (code text, message text, hint text)
	LANGUAGE sql AS $$ SELECT * FROM catch(format('SELECT anomaly_train(%L, %L%s)', 'bad', query, rest)) $$;
CREATE TABLE good AS SELECT sin(i) AS a, cos(i) AS b, i % 3 AS c, now() AS at FROM generate_series(1, 200) i;
SELECT version FROM anomaly_train('good', 'SELECT a, b FROM good');
\x on
\t on

-- Unknown names.
SELECT * FROM catch($$SELECT anomaly_score('goood', g) FROM good g$$);
SELECT code, message, hint LIKE 'The detectors are: isolation_forest%' AND
	cardinality(string_to_array(hint, ', ')) = (SELECT count(DISTINCT detector) FROM anomaly_detectors()) AS lists_all
FROM train('SELECT * FROM good', ', algorithm => ''forest''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"tree": 10}''');
SELECT * FROM train('SELECT * FROM good', ', features => ''{a,bb}''');
SELECT * FROM train('SELECT * FROM good', ', exclude => ''{zz}''');
SELECT * FROM train('SELECT * FROM good', ', label => ''attack''');
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, c FROM good) g$$);
-- Options.
SELECT * FROM train('SELECT * FROM good', ', options => ''{"trees": 0}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"trees": 2.5}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"trees": "many"}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"trees": null}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"trees": [1]}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"contamination": 0.9}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''{"missing": "guess"}''');
SELECT * FROM train('SELECT * FROM good', ', options => ''[1]''');
SELECT * FROM train('SELECT * FROM good', ', options => NULL');
-- Rows.
SELECT * FROM train('SELECT * FROM good WHERE false');
SELECT * FROM train('SELECT a, b FROM good LIMIT 1');
SELECT * FROM train('SELECT 1 AS x, 2 AS y FROM good');
SELECT * FROM train('SELECT NULL::int AS x FROM good');
SELECT * FROM train('SELECT at FROM good');
SELECT * FROM train('SELECT * FROM good', ', features => ''{a,at}''');
SELECT * FROM train('SELECT ''NaN''::float8 AS x, a FROM good');
SELECT * FROM train('SELECT a, NULL::bool AS l FROM good', ', label => ''l''');
SELECT * FROM train('SELECT a, true AS l FROM good', ', label => ''l''');
SELECT * FROM train('SELECT a, at FROM good', ', label => ''at''');
SELECT * FROM train('SELECT a, b, a FROM good');
SELECT code, message FROM train('SELECT ' || (SELECT string_agg('a AS c' || i, ', ') FROM generate_series(1, 10000) i) || ' FROM good');
SELECT code, message FROM train('SELECT ' || (SELECT string_agg('a AS c' || i, ', ') FROM generate_series(1, 1650) i) || ' FROM good');
SET maintenance_work_mem = '1MB';
SELECT code, regexp_replace(message, '\d+', 'N', 'g') AS message, hint
FROM train('SELECT i AS x, i * 2 AS y, i * 3 AS z FROM generate_series(1, 100000) i', ', options => ''{"max_rows": 1000000}''');
RESET maintenance_work_mem;
-- Queries that are none, or write.
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO good (a) VALUES (1); RETURN 1; END $$;
CREATE SEQUENCE counter;
SELECT * FROM train('');
SELECT * FROM train('SELECT a FROM good; SELECT b FROM good');
SELECT * FROM train('INSERT INTO good SELECT * FROM good RETURNING *');
SELECT * FROM train('WITH d AS (DELETE FROM good RETURNING *) SELECT * FROM d');
SELECT * FROM train('SELECT a INTO stolen FROM good');
SELECT * FROM train('DROP TABLE good');
SELECT * FROM train('SELECT a, writes() AS w FROM good');
SELECT * FROM train('SELECT a, nextval(''counter'') AS n FROM good');
SELECT * FROM train('SELECT a FROM good FOR UPDATE');
SELECT * FROM train('SELECT a FRM good');
SELECT * FROM train('SELECT nothing FROM good');
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', 'SELECT a, b, c, at, writes() FROM good', NULL::good)$$);
SELECT * FROM catch($$SELECT anomaly_evaluate('good', 'DELETE FROM good RETURNING *', 'c')$$);
SELECT count(*) AS rows, current_setting('transaction_read_only') AS read_only FROM good;
-- Arguments.
SELECT * FROM catch($$SELECT anomaly_train('', 'SELECT * FROM good')$$);
SELECT * FROM catch($$SELECT anomaly_train(NULL, 'SELECT * FROM good')$$);
SELECT * FROM train('SELECT * FROM good', ', features => ''{a,NULL}''');
-- Rows to score.
SELECT * FROM catch($$SELECT anomaly_score('good', ROW(1, 2))$$);
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, b::text AS b FROM good) g$$);
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, b > 0 AS b FROM good) g$$);
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, at AS b FROM good) g$$);
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, 'infinity'::float8 AS b FROM good) g$$);
SELECT * FROM catch($$SELECT anomaly_score('good', g) FROM (SELECT a, '-1e999'::numeric AS b FROM good) g$$);
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', 'SELECT * FROM good', 5)$$);
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', 'SELECT a, b FROM good', NULL::good)$$);
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', 'SELECT a, b, c::text AS c, at FROM good', NULL::good)$$);
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', 'SELECT a, b, c, at FROM good', NULL::good, top => 0)$$);
SELECT * FROM catch($$SELECT count(*) FROM anomaly_detect_query('good', NULL, NULL::good)$$);
\t off
\x off
SELECT name FROM anomaly.model;
SELECT anomaly_drop('good');
DROP TABLE good;
DROP SEQUENCE counter;
DROP FUNCTION catch, train, writes;
