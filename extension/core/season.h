/*
 * season.h - one value of one group over time, taken apart into trend, level
 * by time of the week, and scale.
 *
 * The parts are estimated one after the other from medians and quantiles, so
 * that what is anomalous in the training rows hardly moves them; this is the
 * plan of robust seasonal-trend decompositions (Cleveland, Cleveland, McRae &
 * Terpenning, "STL", J. Official Statistics 6(1), 1990; Hyndman &
 * Athanasopoulos, "Forecasting", 2021, ch. 3) with each step closed:
 *
 * 1. Trend.  Of each slot of the week, every row of the first half is paired
 *    with one of the second (Theil 1950, incomplete method; slot by slot as
 *    Hirsch, Slack & Smith, Water Resources Research 18(1), 1982); the slope
 *    is the median over the pairs, if their signs say that there is one (Cox &
 *    Stuart, Biometrika 42, 1955).
 * 2. Level.  The median of each slot of the day, drawn to its neighbours', and
 *    of each slot of the week, drawn to that of the day, by as much as chance
 *    explains the distance: d becomes d (1 - 4 v / d^2), v the variance of the
 *    median (the garrote of Breiman, Technometrics 37(4), 1995).  With few
 *    weeks the days of the week are alike unless they clearly are not.
 * 3. Scale.  The 75 % quantile of the absolute residuals in deviations of a
 *    normal, of the group, the slot of the day and the slot of the week, each
 *    the geometric mean of itself and the one before, which counts as a few
 *    rows.
 */
#ifndef PGA_SEASON_H
#define PGA_SEASON_H

#include "bytes.h"

typedef struct pga_season
{
	pga_ctx    *ctx;
	bool		trend;			/* may there be one? */
	uint32_t	per_day,		/* slots; 1 where time is not known */
				slots;			/* of the week: 7 per_day, or 1 */

	/* Of the group at hand, set by the caller. */
	size_t		n;				/* rows */
	const uint64_t *weight;		/* [n] */
	double	   *day,			/* [n] time */
			   *value;			/* [n]; the trend is taken out */
	uint32_t   *slot;			/* [n] of the week */

	/* From pga_season_times. */
	uint32_t   *slot_of_day,	/* [n] */
			   *by_time,		/* [n] rows by slot of the week, then time */
			   *weeks,			/* [slots] in which rows were seen */
			   *days;			/* [per_day] the same */
	double		span;			/* days from first to last row */

	/* From pga_season_fit. */
	double		slope,			/* per day */
			   *level,			/* [slots] at day 0 */
			   *scale;			/* [slots] > 0 */

	double	   *rest,			/* [n] absolute residuals */
			   *day_median,		/* [per_day], NaN where there is no row */
			   *week_median,	/* [slots] */
			   *day_scale;		/* [per_day] */
	pga_item   *items,
			   *scratch;		/* [n] */
} pga_season;

/* Room for groups of at most `rows` rows. */
pga_season *pga_season_create(pga_ctx *, size_t rows, uint32_t per_day, uint32_t slots, bool trend);
size_t		pga_season_bytes(pga_ctx *, size_t rows, size_t per_day);

/* When day and slot are set. */
void		pga_season_times(pga_season *);

/* Was there a row in this slot more often than not? */
bool		pga_season_expects(const pga_season *, size_t slot);

/* When value is set: slope, level, scale. */
void		pga_season_fit(pga_season *);

#endif							/* PGA_SEASON_H */
