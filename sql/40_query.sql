-- Whole queries: scored in blocks, or measured against labels.

CREATE FUNCTION @extschema@.anomaly_detect_query(
	model text,
	query text,
	"row" anyelement,
	min_severity float8 DEFAULT NULL,
	top int DEFAULT 3,
	context text DEFAULT NULL)
	RETURNS TABLE (
		"row" anyelement,
		score float8,
		p_value float8,
		severity float8,
		is_anomaly bool,
		reasons jsonb)
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'pga_detect_query';
COMMENT ON FUNCTION @extschema@.anomaly_detect_query(text, text, anyelement, float8, int, text) IS
'scores the rows of a query in blocks, the fastest way to score many
query: one SELECT, run read-only with the caller''s rights (PA011); in a trigger it may read the transition tables
row: any value of the composite type the rows are given back as, such as NULL::my_table; columns go by name (PA004, PA012, PA014)
min_severity: 0 to 100, less severe rows are left out; NULL keeps all
reasons: [{"feature", "value", "expected", "share"}, ...], at most top of them, for rows of severity 25 and more
A model that looks back (seasonal, lstm) gets the rows by its partition and in its order, and gives them back so; each is judged after the rows before it.
context: another SELECT of the same columns, whose rows are looked back at and not given back; other models leave it alone';

CREATE FUNCTION @extschema@.anomaly_evaluate(model text, query text, label text)
	RETURNS TABLE (
		rows bigint,
		positives bigint,
		roc_auc float8,
		pr_auc float8,
		accuracy float8,
		"precision" float8,
		recall float8,
		f1 float8,
		tp bigint,
		fp bigint,
		tn bigint,
		fn bigint,
		classes jsonb)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 ROWS 1
	AS 'MODULE_PATHNAME', 'pga_evaluate_model';
COMMENT ON FUNCTION @extschema@.anomaly_evaluate(text, text, text) IS
'scores the labelled rows of a query and compares: areas under the ROC and the precision-recall curve (average precision), and what the model''s threshold gets right
label: column that is false, 0 or ''normal'' for normal rows; rows where it is NULL are left out (PA016)
classes: of a supervised model, {"rows", "accuracy", "macro", "weighted", "of": {class: {"rows", "precision", "recall", "f1", "roc_auc", "pr_auc"}}, "confusion": {actual: {predicted: rows}}}; areas are of a class against the rest
What cannot be told, such as an area without rows of both kinds, is NULL.';
