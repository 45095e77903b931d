/*
 * core.h - the numeric core's interface and its manual.
 *
 * Nothing under core/ knows PostgreSQL.  The host (the server glue, a unit
 * test, a fuzzer) hands in a pga_ctx and gets back fitted models and scores.
 *
 * The way of a training row:
 *
 *   cells --pga_sampler_add--> sampler --pga_train--> model --pga_model_save--> bytes
 *
 * and of a scored row:
 *
 *   bytes --pga_model_load--> model
 *   raw doubles --pga_model_score--> score --pga_p_value--> p --pga_severity--> 0..100
 *
 * Rules that make this sound:
 *  - Any ctx function may not return (ereport in the server, longjmp in a
 *    test).  Therefore the core owns nothing but ctx memory, and frees nothing:
 *    the host drops the arena.
 *  - A model that pga_model_load accepted needs no further checks: scoring
 *    cannot fail, allocate or read out of bounds, whatever the bytes were.
 *  - Scoring takes blocks of rows.  A row scores the same, bit for bit, alone
 *    and at any place of any block.
 *  - Same rows, options and seed give the same bytes, in whatever order the
 *    rows came.
 *  - float32 inside detectors, double at every border.
 */
#ifndef PGA_CORE_H
#define PGA_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- context ---------------------------------------------------------- */

/* Why something failed; the host maps each to an error code of its own. */
typedef enum pga_error
{
	PGA_ERR_UNKNOWN_DETECTOR = 1,
	PGA_ERR_UNKNOWN_OPTION,
	PGA_ERR_OPTION_VALUE,		/* out of range or not of the option's type */
	PGA_ERR_NO_ROWS,			/* the query gave nothing */
	PGA_ERR_TOO_FEW_ROWS,		/* fewer rows than a model can be made from */
	PGA_ERR_NO_FEATURES,		/* every column constant, empty or unusable */
	PGA_ERR_TOO_MANY_FEATURES,
	PGA_ERR_NOT_FINITE,			/* NaN or infinity where a number is needed */
	PGA_ERR_CORRUPT_MODEL,		/* bytes that are no model */
	PGA_ERR_MEMORY_LIMIT,		/* would exceed ctx->memory_limit */
	PGA_ERR_MISSING,			/* a NULL under option missing = error */
	PGA_ERR_UNKNOWN_FEATURE,	/* a member's feature that the rows lack */
	PGA_ERR_LABEL,				/* classes that nothing can be learnt from */
} pga_error;

typedef struct pga_ctx pga_ctx;
struct pga_ctx
{
	/* size zeroed bytes, never NULL */
	void	   *(*alloc) (pga_ctx *, size_t size);
	/* p (of old_size bytes, or NULL) grown to new_size; new bytes zeroed */
	void	   *(*resize) (pga_ctx *, void *p, size_t old_size, size_t new_size);
	/* look for a cancel; called at least every millisecond of work */
	void		(*poll) (pga_ctx *);
	/* message: lower case, no period; hint: a sentence, or NULL */
	void		(*fail) (pga_ctx *, pga_error, const char *hint, const char *fmt,...)
		__attribute__((noreturn, format(printf, 4, 5)));
	/* something the user should know about a training that goes on */
	void		(*warn) (pga_ctx *, const char *fmt,...)
		__attribute__((format(printf, 2, 3)));
	size_t		memory_limit;	/* bytes a training may hold at once */
};

/* Overflow-checked sizes: fail with PGA_ERR_MEMORY_LIMIT. */
size_t		pga_mul(pga_ctx *, size_t a, size_t b);
size_t		pga_add(pga_ctx *, size_t a, size_t b);

/* ---- growing bytes and a bounded reader (buf.c) ------------------------ */

typedef struct pga_buf
{
	pga_ctx    *ctx;
	uint8_t    *data;
	size_t		len,
				cap;
} pga_buf;

void		pga_put(pga_buf *, const void *p, size_t n);
void		pga_put_u8(pga_buf *, uint8_t);
void		pga_put_u16(pga_buf *, uint16_t);
void		pga_put_u32(pga_buf *, uint32_t);
void		pga_put_u64(pga_buf *, uint64_t);
void		pga_put_f32(pga_buf *, float);
void		pga_put_f64(pga_buf *, double);
void		pga_put_text(pga_buf *, const char *s, size_t n);	/* u32 length, bytes */

/* Reading past the end fails with PGA_ERR_CORRUPT_MODEL. */
typedef struct pga_reader
{
	pga_ctx    *ctx;
	const uint8_t *p,
			   *end;
} pga_reader;

const uint8_t *pga_get(pga_reader *, size_t n);
uint8_t		pga_get_u8(pga_reader *);
uint16_t	pga_get_u16(pga_reader *);
uint32_t	pga_get_u32(pga_reader *);
uint64_t	pga_get_u64(pga_reader *);
float		pga_get_f32(pga_reader *);	/* finite, or corrupt */
double		pga_get_f64(pga_reader *);	/* finite, or corrupt */
/* A count of items of at least item_size bytes each that are still to come. */
uint32_t	pga_get_count(pga_reader *, size_t item_size);
void		pga_corrupt(pga_reader *, const char *what) __attribute__((noreturn));

/* ---- options (params.c) ------------------------------------------------ */

typedef enum pga_param_type
{
	PGA_PARAM_INT, PGA_PARAM_REAL, PGA_PARAM_BOOL, PGA_PARAM_CHOICE,
	PGA_PARAM_SIZES,			/* a few whole numbers: the widths of layers */
	PGA_PARAM_COLUMN,			/* the name of a column of the training rows */
	PGA_PARAM_MEMBERS			/* the members of a composite model */
} pga_param_type;

typedef struct pga_param_spec
{
	const char *name;			/* NULL ends a list */
	pga_param_type type;
	double		def,			/* default; for CHOICE an index */
				min,
				max;			/* inclusive range; of each number of SIZES */
	const char *const *choices; /* CHOICE: names, NULL ends; SIZES: its first is
								 * the default, as in "128, 64" */
	const char *doc;			/* one sentence, with the unit */
} pga_param_spec;

/* Options every training knows: seed, contamination, preprocessing ... */
extern const pga_param_spec pga_common_params[];

#define PGA_MAX_PARAMS 64
#define PGA_MAX_SIZES 8			/* numbers of a SIZES option */
#define PGA_MAX_MEMBERS 16

typedef struct pga_detector pga_detector;
typedef struct pga_params pga_params;

/* One member of a composite model: a detector to train, or a trained model. */
typedef struct pga_member
{
	const char *name;			/* as the user wrote it */
	double		weight;
	const pga_params *params;	/* to train on the same rows, or NULL */
	const void *bytes;			/* of a model, when params is NULL */
	size_t		len;
} pga_member;

struct pga_params
{
	const pga_detector *detector;
	double		value[PGA_MAX_PARAMS];	/* the common ones first, then the detector's */
	const char *text[PGA_MAX_PARAMS];	/* SIZES, COLUMN (NULL when not named) */
	const pga_member *members;
	size_t		nmembers;
};

void		pga_params_init(pga_ctx *, pga_params *, const pga_detector *);	/* all defaults */
/* Unknown name: the hint lists what exists.  Out of range: the error names both limits. */
void		pga_params_set_number(pga_ctx *, pga_params *, const char *name, double value);
void		pga_params_set_text(pga_ctx *, pga_params *, const char *name, const char *value);
void		pga_params_set_bool(pga_ctx *, pga_params *, const char *name, bool value);
void		pga_params_set_sizes(pga_ctx *, pga_params *, const char *name,
								 const double *value, size_t n);
/* Checks count, weights and names; `members` must live as long as the params. */
void		pga_params_set_members(pga_ctx *, pga_params *, const char *name,
								   const pga_member *members, size_t n);
/* For code: the name must exist. */
double		pga_param(const pga_params *, const char *name);
const char *pga_param_text(const pga_params *, const char *name);
/* The numbers of a SIZES option; how many. */
size_t		pga_param_sizes(const pga_params *, const char *name, uint32_t out[PGA_MAX_SIZES]);

/* ---- features and rows -------------------------------------------------- */

typedef enum pga_kind
{
	PGA_NUMERIC = 1,			/* any number */
	PGA_BOOLEAN,				/* 0 or 1 */
	PGA_INTERVAL,				/* seconds */
	PGA_CATEGORICAL,			/* text or enum label */
	PGA_TIME					/* seconds since 2000-01-01 00:00, UTC or local as the column has it */
} pga_kind;

/* What a column of the training rows is for. */
typedef enum pga_role
{
	PGA_FEATURE = 0,			/* the detector sees it */
	PGA_TARGET,					/* the class of the row, a category; "normal" is normal */
	PGA_PARTITION,				/* which series the row belongs to, a category */
	PGA_ORDER					/* the row's place in its series */
} pga_role;

#define PGA_MAX_FEATURES 1600	/* as many as a table can have */
#define PGA_MAX_COLUMNS 32767	/* that features become, one-hot ones included */
#define PGA_MAX_TEXT 255		/* bytes of a category that are told apart */
#define PGA_MAX_CLASSES 256		/* of a label */

typedef struct pga_feature
{
	const char *name;			/* column name, NUL-terminated, at most 63 bytes */
	pga_kind	kind;
	pga_role	role;			/* at most one column of each but PGA_FEATURE */
} pga_feature;

/* One value of a training row. */
typedef struct pga_cell
{
	double		number;			/* all kinds but CATEGORICAL; finite */
	const char *text;			/* CATEGORICAL; NULL otherwise */
	uint32_t	len;
	bool		missing;
} pga_cell;

/*
 * The order-free training sample (sample.c): the max_rows distinct rows whose
 * keyed hash is smallest, each with the exact number of its occurrences
 * (bottom-k; Cohen & Kaplan 2007).  Merging two samplers equals adding the
 * rows of both to one.  While there are fewer distinct rows than max_rows it
 * is the data itself.
 */
typedef struct pga_sampler pga_sampler;

pga_sampler *pga_sampler_create(pga_ctx *, const pga_feature *, size_t nfeatures,
								const pga_params *);
/* nfeatures cells.  Option `missing` is applied here: a row with a missing value
 * is kept as it is (impute), counted as skipped, or fails with PGA_ERR_MISSING.
 * Scoring always fills missing values in.  A row without target or order is
 * counted as skipped; one without partition belongs to a series of such rows. */
void		pga_sampler_add(pga_sampler *, const pga_cell *row);
void		pga_sampler_skip(pga_sampler *);	/* counts a row that was refused */
void		pga_sampler_merge(pga_sampler *into, const pga_sampler *from);	/* same features and options */
void		pga_sampler_save(const pga_sampler *, pga_buf *);
pga_sampler *pga_sampler_load(pga_reader *);
uint64_t	pga_sampler_rows(const pga_sampler *);	/* rows added */
uint64_t	pga_sampler_skipped(const pga_sampler *);

/* ---- what a training found out ----------------------------------------------- */

typedef struct pga_note
{
	const char *name;
	bool		is_series;		/* a value per epoch, in order; else one number */
	double	   *value;
	size_t		n;
} pga_note;

typedef struct pga_report
{
	uint64_t	rows_used;		/* rows the sample stands for */
	uint64_t	rows_skipped;
	uint64_t	rows_distinct;	/* distinct rows kept in the sample */
	uint64_t	rows_held_out;	/* rows the calibration saw */
	double		threshold;
	/* Of a supervised model, per feature of the model: how much worse it ranks
	 * held-out rows when that feature is shuffled (Breiman 2001); else NULL. */
	double	   *importance;
	/* The same model on the distinct held-out rows of all classes; else NULL. */
	struct pga_class_metrics *held_out;
	pga_note   *notes;			/* what the detector itself wants to be kept */
	size_t		nnotes;
} pga_report;

/* For fit(): a number, or the next value of a series.  name must be static. */
void		pga_report_number(pga_ctx *, pga_report *, const char *name, double value);
void		pga_report_append(pga_ctx *, pga_report *, const char *series, double value);

/* ---- detectors ---------------------------------------------------------- */

typedef struct pga_rows pga_rows;	/* prep.h */
typedef struct pga_prep pga_prep;

/*
 * Prepared training rows: row-major float32, finite.
 *
 * For a SEQUENCE detector the rows stand in the order of their series, one
 * series after another.  For a COMPOSITE one there is no x, only source.
 */
typedef struct pga_matrix
{
	const float *x;				/* rows x cols */
	const uint64_t *weight;		/* [rows] occurrences of each row, >= 1 */
	size_t		rows,
				cols;

	const uint32_t *target;		/* SUPERVISED: [rows] class of each row */
	size_t		classes;		/* >= 2, or 0 */
	size_t		normal;			/* the class of normal rows */

	const uint32_t *series;		/* SEQUENCE: [nseries + 1] where each series begins; last: rows */
	size_t		nseries;

	const pga_rows *source;		/* COMPOSITE: the same rows as they were sampled */
	const pga_prep *prep;		/* which feature is behind which columns */
} pga_matrix;

#define PGA_BLOCK 240			/* most rows a score call gets; splits evenly into many widths */

/*
 * How features become columns, as a detector wants it; the user's options
 * `scaling`, `encoding` and `log1p` overrule it.
 */
typedef enum pga_scaling
{
	PGA_SCALE_NONE, PGA_SCALE_STANDARD, PGA_SCALE_ROBUST, PGA_SCALE_MINMAX
} pga_scaling;

typedef enum pga_encoding
{
	PGA_ENCODE_FREQUENCY,		/* logarithm of the category's share: one column */
	PGA_ENCODE_ONE_HOT,			/* a column per category, the rarest together */
	PGA_ENCODE_ORDINAL			/* the category's number by its text: one column */
} pga_encoding;

typedef enum pga_logarithm
{
	PGA_LOG1P_OF_NONE,
	PGA_LOG1P_OF_SKEWED,		/* never negative, and of a skewness above 2 */
	PGA_LOG1P_OF_WIDE			/* of a range above 100; negative ones as -ln(1 - x) */
} pga_logarithm;

typedef struct pga_wants
{
	pga_scaling scaling;
	pga_encoding encoding;
	pga_logarithm log1p;
	double		clip;			/* a scaled value beyond +-clip grows by 1 only when it
								 * grows by a factor of e; 0: no limit */
} pga_wants;

/* Flags of a detector. */
#define PGA_SUPERVISED 1		/* learns classes: fit gets target, classify is there */
#define PGA_SEQUENCE 2			/* a row is judged by the rows before it: score_series is there */
#define PGA_KEYED 4				/* partition and order are columns too: the partition's
								 * number, then second of the week and day */
#define PGA_COMPOSITE 8			/* made of models: fit gets the sample, score_raw is there */
#define PGA_REFIT 16			/* worse for every row it lacks: of few rows, fitted again on
								 * all of them once it is calibrated */

struct pga_detector
{
	const char *name;			/* as in SQL */
	uint16_t	tag,			/* in the envelope; never reused */
				version;		/* of the payload; load reads all older ones */
	unsigned	flags;
	const char *summary;		/* one sentence */
	const char *reference;		/* paper or standard */
	const pga_param_spec *params;
	pga_wants	wants;

	/* Bytes fit() will take for rows of this shape: x, weight, target, series
	 * and source are NULL. */
	size_t		(*fit_bytes) (pga_ctx *, const pga_matrix *shape, const pga_params *);
	void	   *(*fit) (pga_ctx *, const pga_matrix *, const pga_params *, pga_report *);

	/* Scratch bytes score, classify, score_series or score_raw need for a block
	 * of at most `rows` rows (score_series: beside context). */
	size_t		(*scratch_bytes) (const void *fitted, size_t rows);
	/* x is rows x cols, row-major; out[rows]; higher is more anomalous.  NULL
	 * for a SUPERVISED detector: its score is 1 - P(normal). */
	void		(*score) (const void *fitted, const float *x, size_t rows,
						  double *out, void *scratch);

	/* SUPERVISED: probability[rows][classes], each row sums to 1. */
	void		(*classify) (const void *fitted, const float *x, size_t rows,
							 double *probability, void *scratch);

	/* SEQUENCE: rows before a row that can change its score ... */
	size_t		(*history) (const void *fitted);
	/* ... and scores of consecutive rows of one series, of which the first
	 * `context` (at most history) are not scored: out[rows - context], at most
	 * PGA_BLOCK.  score() is the same without any context for each row. */
	void		(*score_series) (const void *fitted, const float *x, size_t rows,
								 size_t context, double *out, void *scratch);

	/* COMPOSITE: raw rows (see "Scoring"), columns by the model's features. */
	void		(*score_raw) (const void *fitted, const double *raw, size_t rows,
							  double *out, void *scratch);

	/* Shares per column of one row, or NULL for the default explainer. */
	void		(*explain) (const void *fitted, const float *x, double *share, void *scratch);
	/* In its place: of the last of `rows` consecutive rows of a series, at most
	 * history + 1; and expected[cols], what the row's columns should have been,
	 * NaN where the detector does not say. */
	void		(*explain_series) (const void *fitted, const float *x, size_t rows,
								   double *share, double *expected, void *scratch);

	void		(*save) (const void *fitted, pga_buf *);
	/* Everything scoring relies on is checked here.  shape: cols, classes,
	 * normal and prep are set, all else is 0. */
	void	   *(*load) (pga_reader *, unsigned version, const pga_matrix *shape);
};

extern const pga_detector *const pga_detectors[];	/* NULL ends; THE table */

const pga_detector *pga_detector_by_name(pga_ctx *, const char *name);	/* fails, hint lists all */
const pga_detector *pga_detector_by_tag(uint16_t tag);	/* NULL when unknown */

/* ---- models (train.c, model.c) ------------------------------------------ */

typedef struct pga_model pga_model;

/* The whole of training: split, fit preprocessing, fit, calibrate. */
pga_model  *pga_train(pga_ctx *, const pga_sampler *, const pga_params *, pga_report *);

void		pga_model_save(const pga_model *, pga_buf *);
/* The one validator of model bytes; rejects trailing bytes. */
pga_model  *pga_model_load(pga_ctx *, const void *bytes, size_t n);

size_t		pga_model_nfeatures(const pga_model *);
/* In binding order; without the columns that training left out for being
 * constant or empty. */
const pga_feature *pga_model_features(const pga_model *);
double		pga_model_threshold(const pga_model *);
const pga_detector *pga_model_detector(const pga_model *);
const pga_params *pga_model_params(const pga_model *);
/* Names of the classes a supervised model tells apart; 0 of any other. */
size_t		pga_model_classes(const pga_model *, const char *const **names);
/* The class of normal rows. */
size_t		pga_model_normal(const pga_model *);
/* SEQUENCE: rows before a row that can change its score; else 0. */
size_t		pga_model_history(const pga_model *);

/*
 * Scoring.  A raw row is nfeatures doubles: numbers as they are, booleans 0/1,
 * intervals in seconds, categories as pga_model_category() says, NaN for a
 * missing value.  No infinities: the host refuses them.
 */
double		pga_model_category(const pga_model *, size_t feature, const char *text, size_t len);
size_t		pga_model_scratch_bytes(const pga_model *);	/* for blocks up to PGA_BLOCK */
void		pga_model_score(const pga_model *, const double *raw, size_t rows,
							double *score, void *scratch);
/* The rows of one series in order: score[rows - context]; the first `context`,
 * at most pga_model_history, are there to be looked back at. */
void		pga_model_score_series(const pga_model *, const double *raw, size_t rows,
								   size_t context, double *score, void *scratch);
/* Of a supervised model: probability[rows][classes]. */
void		pga_model_classify(const pga_model *, const double *raw, size_t rows,
							   double *probability, void *scratch);
size_t		pga_most_likely(const double *probability, size_t classes);	/* the first of equals */

/* Calibration (calibrate.c). */
double		pga_model_p_value(const pga_model *, double score);	/* in (0, 1] */
double		pga_severity(double p_value);	/* 25 (-log10 p - 1), clamped to 0..100 */

/*
 * Explanation: share[nfeatures] >= 0, sums to 1 (all zero when no feature
 * raises the score above the expected row's).  Expected values as text:
 * median and 5-95 % range, or the most frequent category.
 */
void		pga_model_explain(const pga_model *, pga_ctx *, const double *raw, double *share);
/* The same of the last of `rows` consecutive rows of a series, at most history
 * + 1.  expected[nfeatures]: what each should have been there, as in a raw row;
 * NaN where the detector does not say, and for texts. */
void		pga_model_explain_series(const pga_model *, pga_ctx *, const double *raw, size_t rows,
									 double *share, double *expected);
#define PGA_EXPECTED_MAX 512	/* enough bytes for any of them */
size_t		pga_model_expected(const pga_model *, size_t feature, char *out, size_t cap);

/* ---- evaluation (evaluate.c) --------------------------------------------- */

typedef struct pga_scored
{
	double		score;
	bool		positive;
} pga_scored;

/* Puts the highest score first, in place: what the others need. */
void		pga_sort_scored(pga_ctx *, pga_scored *, size_t n);

/* Areas under the ROC and precision-recall curves of n sorted rows, ties
 * counted as half (Fawcett 2006).  NaN without both classes. */
double		pga_roc_auc(const pga_scored *, size_t n);
double		pga_average_precision(const pga_scored *, size_t n);

/*
 * Both curves as counts: what a threshold just below each score finds, highest
 * score first.  Points less than a fiftieth of either axis apart are thinned out.
 */
#define PGA_CURVE_MAX 102
typedef struct pga_curve_point
{
	double		score,
				tp,				/* positives that score at least as high */
				fp;				/* negatives */
} pga_curve_point;

/* Of sorted rows; gives the number of points, 0 without both classes. */
size_t		pga_curve(const pga_scored *, size_t n, pga_curve_point out[PGA_CURVE_MAX]);

/*
 * How well classes are told (classes.c).  A class that is never predicted has
 * no precision, NaN, and counts as 0 in the means, which are over the classes
 * that occur or are predicted, each alike (macro) or by its rows (weighted).
 */
typedef struct pga_class_metric
{
	double		rows,
				predicted,
				right,
				precision,
				recall,
				f1,
				roc_auc,		/* this class against the rest; NaN without both */
				pr_auc;
} pga_class_metric;

/*
 * Whatever the class, anomalous or not: scored by 1 - p(normal), as the model
 * scores, and found where that is above its threshold.
 */
typedef struct pga_anomaly_metrics
{
	double		positives,		/* rows of any class but the normal one */
				tp,
				fp,
				roc_auc,		/* NaN without both kinds */
				pr_auc;
	pga_curve_point curve[PGA_CURVE_MAX];
	size_t		points;
} pga_anomaly_metrics;

typedef struct pga_class_metrics
{
	size_t		classes,		/* that are predicted */
				actual;			/* that occur: the same first, then unknown ones */
	pga_class_metric *of;		/* [actual] */
	double	   *confusion;		/* [actual][classes] rows */
	double		rows,
				accuracy;
	pga_class_metric macro,
				weighted;		/* precision, recall, f1, roc_auc, pr_auc */
	pga_anomaly_metrics *anomalous; /* NULL unless measured */
} pga_class_metrics;

/* actual[rows] below nactual >= classes; probability[rows][classes]. */
pga_class_metrics *pga_measure_classes(pga_ctx *, const uint32_t *actual, size_t nactual,
									   const float *probability, size_t classes, size_t rows);

/* Adds what the same rows say when all classes but the normal one are alike. */
void		pga_measure_anomalous(pga_ctx *, pga_class_metrics *, const uint32_t *actual,
								  const float *probability, size_t normal, double threshold);

/* ---- drift (drift.c) ------------------------------------------------------- */

typedef enum pga_drift_verdict
{
	PGA_DRIFT_STABLE, PGA_DRIFT_MODERATE, PGA_DRIFT_SHIFTED
} pga_drift_verdict;

/* One feature, rows now against training rows; NaN where it cannot be told. */
typedef struct pga_drifted
{
	double		rows,
				psi,			/* population stability index, >= 0 */
				ks,				/* Kolmogorov-Smirnov distance, 0..1; of numbers */
				missing,
				missing_then,	/* shares of rows without a value */
				unknown;		/* share of texts that training did not see */
	pga_drift_verdict verdict;
} pga_drifted;

typedef struct pga_drift pga_drift;

pga_drift  *pga_drift_create(pga_ctx *, const pga_model *);
void		pga_drift_add(pga_drift *, const double *raw);
pga_drifted pga_drift_of(const pga_drift *, size_t feature);

#endif							/* PGA_CORE_H */
