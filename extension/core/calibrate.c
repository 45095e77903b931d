/*
 * calibrate.c - p-values, threshold and severity from held-out scores.
 *
 * The p-value of a score s is the conformal one (Vovk, Gammerman & Shafer
 * 2005): with m held-out rows, (1 + rows scoring at least s) / (m + 1).  The
 * curve is kept as a few hundred knots, no two neighbours skipped that differ
 * by more than 3 %, and read by linear interpolation, which errs upwards.
 *
 * Counting says nothing beyond the sample.  Above the score that only ten
 * held-out rows reach, the curve continues as a generalized Pareto tail
 * (Pickands 1975) fitted to the top tenth of the scores by probability-
 * weighted moments (Hosking & Wallis 1987).  Its shape is 0, an exponential
 * tail, unless the scores clearly show another: the shape's error grows with
 * every decade beyond the data.  A bounded tail, below 0, would call the first
 * row past its end impossible; it tells how steep the curve is where the
 * counting stops, and from there on an exponential follows.
 */
#include "calibrate.h"

#include <float.h>
#include <math.h>

#include "fmath.h"

#define KNOT_RATIO 1.03
#define TAIL_SHARE 0.1			/* of the rows, for the fit */
#define TAIL_ROWS 10			/* rows that must reach a score to count them */
#define LEAST_P 1e-12

/* ---- reading the curve ------------------------------------------------------ */

/* S(y) = (1 + shape y / scale) ^ (-1 / shape), or exp(-y / scale). */
static double
tail_survival(const pga_calibration *c, double y)
{
	double		log_s;

	if (c->tail_shape < 1e-6)
		log_s = -y / c->tail_scale;
	else
		log_s = -pga_log(1 + c->tail_shape * (y / c->tail_scale)) / c->tail_shape;
	return pga_exp2(log_s / PGA_LN2);
}

double
pga_calibration_p(const pga_calibration *c, double score)
{
	uint32_t	lo = 0;
	uint32_t	hi = c->n - 1;
	double		p;

	if (!(score > c->score[0]))
		return c->p[0];
	if (score >= c->score[hi])
	{
		p = c->p[hi] * tail_survival(c, fmin(score - c->score[hi], DBL_MAX));
		return p > LEAST_P ? p : LEAST_P;
	}
	while (hi - lo > 1)
	{
		uint32_t	mid = lo + (hi - lo) / 2;

		if (c->score[mid] <= score)
			lo = mid;
		else
			hi = mid;
	}
	p = c->p[lo] + (c->p[hi] - c->p[lo]) *
		((score - c->score[lo]) / (c->score[hi] - c->score[lo]));
	return p > c->p[hi] ? p : c->p[hi];
}

/* The score whose p-value is p: the curve read the other way. */
static double
inverse(const pga_calibration *c, double p)
{
	uint32_t	last = c->n - 1;
	uint32_t	i = 0;

	if (p >= c->p[0])
		return c->score[0];
	if (p < c->p[last])
	{
		double		log_s = pga_log(p / c->p[last]);

		if (c->tail_shape < 1e-6)
			return c->score[last] - log_s * c->tail_scale;
		return c->score[last] + c->tail_scale / c->tail_shape *
			(pga_exp2(-c->tail_shape * log_s / PGA_LN2) - 1);
	}
	while (c->p[i + 1] > p)
		i++;
	return c->score[i] + (c->score[i + 1] - c->score[i]) *
		((c->p[i] - p) / (c->p[i] - c->p[i + 1]));
}

/*
 * Rounded to a millionth, so that powers of ten give whole numbers and bands
 * begin where they say.
 */
double
pga_severity(double p_value)
{
	double		severity;

	if (!(p_value > 0))
		return 100;
	severity = 25 * (-pga_log(p_value) / 2.30258509299404568402 - 1);
	severity = floor(severity * 1e6 + 0.5) / 1e6;
	return severity < 0 ? 0 : severity > 100 ? 100 : severity;
}

/* ---- fitting ------------------------------------------------------------------ */

/*
 * Hosking & Wallis 1987: with a0 the mean and a1 the mean of y (1 - F(y)),
 * F at plotting positions (i - 0.35) / n, shape = 2 - a0 / (a0 - 2 a1) and
 * scale = 2 a0 a1 / (a0 - 2 a1).
 */
void
pga_gpd_fit(const double *excess, const uint64_t *weight, size_t n,
			double *scale, double *shape)
{
	double		total = 0;
	double		before = 0;
	double		a0 = 0;
	double		a1 = 0;

	for (size_t i = 0; i < n; i++)
		total += (double) weight[i];
	for (size_t i = 0; i < n; i++)
	{
		double		w = (double) weight[i];
		double		position = (before + (w + 1) / 2 - 0.35) / total;

		a0 += w * excess[i];
		a1 += w * excess[i] * (1 - position);
		before += w;
	}
	a0 /= total;
	a1 /= total;
	*scale = a0;
	*shape = 0;
	if (a0 - 2 * a1 > 0)
	{
		*scale = 2 * a0 * a1 / (a0 - 2 * a1);
		*shape = 2 - a0 / (a0 - 2 * a1);
	}
}

/* Mean of the excesses over y0, of those that are over it. */
static double
mean_beyond(const double *excess, const uint64_t *weight, size_t n, double y0)
{
	double		sum = 0;
	double		rows = 0;

	for (size_t i = 0; i < n; i++)
		if (excess[i] > y0)
		{
			sum += (excess[i] - y0) * (double) weight[i];
			rows += (double) weight[i];
		}
	return rows > 0 ? sum / rows : 0;
}

/* Fits the tail to the top of ascending scores. */
static void
fit_tail(pga_ctx *ctx, pga_calibration *c, const pga_item *scores, size_t n)
{
	double		want = TAIL_SHARE * (double) c->rows;
	double		lowest = pga_unordered(scores[0].key);
	double		highest = pga_unordered(scores[n - 1].key);
	double		above = 0;
	double		mean = 0;
	double		y0;
	double		least;
	size_t		first = n;
	double	   *excess;
	uint64_t   *weight;

	if (want < TAIL_ROWS)
		want = TAIL_ROWS;
	while (first > 0 && above < want)
		above += (double) scores[--first].payload;
	excess = ctx->alloc(ctx, (n - first) * sizeof(double));
	weight = ctx->alloc(ctx, (n - first) * sizeof(uint64_t));
	for (size_t i = first; i < n; i++)
	{
		excess[i - first] = pga_unordered(scores[i].key) - pga_unordered(scores[first].key);
		weight[i - first] = scores[i].payload;
		mean += excess[i - first] * ((double) weight[i - first] / above);
	}
	pga_gpd_fit(excess, weight, n - first, &c->tail_scale, &c->tail_shape);
	/* The estimate's standard error at shape 0 is sqrt(4 / 3n). */
	if (fabs(c->tail_shape) < 2 * sqrt(4 / (3 * above)))
	{
		c->tail_shape = 0;
		c->tail_scale = mean;
	}
	c->tail_shape = fmin(c->tail_shape, 0.5);

	/* The tail beyond the last knot, at excess y0 of the fit, is again
	 * generalized Pareto: same shape, scale + shape y0; but a bounded one goes
	 * on without a bound, no steeper than the rows out there. */
	y0 = c->score[c->n - 1] - pga_unordered(scores[first].key);
	c->tail_scale += c->tail_shape * y0;
	if (c->tail_shape < 0)
	{
		c->tail_shape = 0;
		c->tail_scale = fmax(c->tail_scale, mean_beyond(excess, weight, n - first, y0));
	}
	least = fmax(1e-3 * (highest - lowest), 1e-6 * fabs(highest));
	c->tail_scale = fmin(fmax(c->tail_scale, fmax(least, DBL_MIN)), DBL_MAX);
}

/* One item per distinct score, rows added up. */
static size_t
merge_ties(pga_item *scores, size_t n)
{
	size_t		m = 0;

	for (size_t i = 1; i < n; i++)
		if (scores[i].key == scores[m].key)
			scores[m].payload += scores[i].payload;
		else
			scores[++m] = scores[i];
	return m + 1;
}

/* Knots from the highest countable score down, then turned round. */
static void
choose_knots(pga_ctx *ctx, pga_calibration *c, const pga_item *scores, size_t n)
{
	double		m = (double) c->rows;
	double		enough = fmin(TAIL_ROWS, fmax(1, floor(m / 10)));
	double		reached = 0;
	double		last_p = 0;

	c->score = ctx->alloc(ctx, n * sizeof(double));
	c->p = ctx->alloc(ctx, n * sizeof(double));
	for (size_t i = n; i-- > 0;)
	{
		double		p,
					next;

		reached += (double) scores[i].payload;
		if (reached < enough && i > 0)
			continue;
		p = (1 + reached) / (m + 1);
		next = i > 0 ? p + (double) scores[i - 1].payload / (m + 1) : 2;
		if (next <= KNOT_RATIO * last_p)
			continue;
		c->score[c->n] = pga_unordered(scores[i].key);
		c->p[c->n++] = last_p = p;
	}
	for (uint32_t i = 0, j = c->n - 1; i < j; i++, j--)
	{
		double		score = c->score[i];
		double		p = c->p[i];

		c->score[i] = c->score[j];
		c->p[i] = c->p[j];
		c->score[j] = score;
		c->p[j] = p;
	}
}

pga_calibration *
pga_calibrate(pga_ctx *ctx, pga_item *scores, pga_item *scratch, size_t n,
			  double contamination)
{
	pga_calibration *c = ctx->alloc(ctx, sizeof(pga_calibration));

	pga_sort(ctx, scores, scratch, n);
	n = merge_ties(scores, n);
	for (size_t i = 0; i < n; i++)
		c->rows += scores[i].payload;
	choose_knots(ctx, c, scores, n);
	fit_tail(ctx, c, scores, n);
	c->threshold = inverse(c, contamination);
	return c;
}

/* ---- saving and loading --------------------------------------------------------- */

void
pga_calibration_save(const pga_calibration *c, pga_buf *buf)
{
	pga_put_u64(buf, c->rows);
	pga_put_f64(buf, c->tail_scale);
	pga_put_f64(buf, c->tail_shape);
	pga_put_f64(buf, c->threshold);
	pga_put_u32(buf, c->n);
	for (uint32_t i = 0; i < c->n; i++)
	{
		pga_put_f64(buf, c->score[i]);
		pga_put_f64(buf, c->p[i]);
	}
}

pga_calibration *
pga_calibration_load(pga_reader *r)
{
	pga_calibration *c = r->ctx->alloc(r->ctx, sizeof(pga_calibration));

	c->rows = pga_get_u64(r);
	c->tail_scale = pga_get_f64(r);
	c->tail_shape = pga_get_f64(r);
	c->threshold = pga_get_f64(r);
	c->n = pga_get_count(r, 16);
	if (c->n == 0 || !(c->tail_scale >= DBL_MIN) || !(c->tail_shape >= 0 && c->tail_shape < 1))
		pga_corrupt(r, "its calibration is out of range");
	c->score = r->ctx->alloc(r->ctx, c->n * sizeof(double));
	c->p = r->ctx->alloc(r->ctx, c->n * sizeof(double));
	for (uint32_t i = 0; i < c->n; i++)
	{
		c->score[i] = pga_get_f64(r);
		c->p[i] = pga_get_f64(r);
		if (!(c->p[i] > 0 && c->p[i] <= 1) ||
			(i > 0 && !(c->score[i] > c->score[i - 1] && c->p[i] < c->p[i - 1])))
			pga_corrupt(r, "its calibration is not monotone");
	}
	return c;
}
