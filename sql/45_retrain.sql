-- Fresh models: has the traffic moved, and is a new version better?

CREATE FUNCTION @extschema@.anomaly_drift(model text, query text)
	RETURNS TABLE (
		feature text,
		rows bigint,
		psi float8,
		ks float8,
		missing float8,
		missing_trained float8,
		unknown float8,
		verdict text)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'pga_drift_query';
COMMENT ON FUNCTION @extschema@.anomaly_drift(text, text) IS
'how far the rows of a query have moved from those the active version of a model was trained on, a row per feature
query: one SELECT, run read-only with the caller''s rights (PA011)
psi: population stability index over about ten bins, 0 for the same distribution (Siddiqi 2006); ks: largest gap between both cumulative distributions, 0 to 1, of numbers
missing, missing_trained: share of NULLs now and in training; unknown: share of texts that training did not see
verdict: shifted when psi is 0.25 or more, or missing moved or unknown rose by more than 0.05; moderate from psi 0.1 on; else stable
What cannot be told is NULL: without rows, or of models trained by versions that kept no distributions.';
