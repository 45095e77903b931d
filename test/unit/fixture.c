/* fixture.c - see fixture.h. */
#include "fixture.h"

#include "rng.h"

host h;

const pga_feature table_features[TABLE_COLS] = {
	{"bytes", PGA_NUMERIC},
	{"packets", PGA_NUMERIC},
	{"urgent", PGA_BOOLEAN},
	{"duration", PGA_INTERVAL},
	{"service", PGA_CATEGORICAL},
};

static const char *const services[] = {"dns", "http", "ntp", "ssh", "telnet"};

int
setup(void **state)
{
	(void) state;
	host_init(&h);
	return 0;
}

int
teardown(void **state)
{
	(void) state;
	host_reset(&h);
	return 0;
}

void
table_row(size_t i, pga_cell *cells)
{
	pga_rng		rng;
	uint64_t	kind;

	pga_rng_seed(&rng, 7, i);
	memset(cells, 0, TABLE_COLS * sizeof(pga_cell));
	cells[0].number = floor(40 / pga_rng_real(&rng));
	cells[1].number = 1 + (double) pga_rng_below(&rng, 20);
	cells[2].number = pga_rng_below(&rng, 50) == 0;
	cells[3].number = -2.5 * pga_log(pga_rng_real(&rng));
	kind = pga_rng_below(&rng, 100);
	cells[4].text = services[kind < 60 ? 1 : kind < 85 ? 0 : kind < 95 ? 3 : kind < 99 ? 2 : 4];
	cells[4].len = (uint32_t) strlen(cells[4].text);
	if (pga_rng_below(&rng, 8) == 0)
		cells[pga_rng_below(&rng, TABLE_COLS)].missing = true;
}

void
table_raw(const pga_model *model, size_t i, double *raw)
{
	pga_cell	cells[TABLE_COLS];
	size_t		n = pga_model_nfeatures(model);

	table_row(i, cells);
	for (size_t j = 0; j < n; j++)
		for (size_t k = 0; k < TABLE_COLS; k++)
		{
			if (strcmp(pga_model_features(model)[j].name, table_features[k].name) != 0)
				continue;
			if (cells[k].missing)
				raw[j] = NAN;
			else if (table_features[k].kind == PGA_CATEGORICAL)
				raw[j] = pga_model_category(model, j, cells[k].text, cells[k].len);
			else
				raw[j] = cells[k].number;
		}
}

pga_params
default_params(const pga_detector *detector)
{
	pga_params	params;

	pga_params_init(&h.ctx, &params, detector);
	return params;
}

pga_sampler *
table_sampler(const pga_params *params, size_t from, size_t to)
{
	pga_sampler *s = pga_sampler_create(&h.ctx, table_features, TABLE_COLS, params);
	pga_cell	cells[TABLE_COLS];

	for (size_t i = from; i < to; i++)
	{
		table_row(i, cells);
		pga_sampler_add(s, cells);
	}
	return s;
}

pga_buf
saved(const pga_model *model)
{
	pga_buf		buf = {.ctx = &h.ctx};

	pga_model_save(model, &buf);
	return buf;
}

pga_model *
trained(const pga_params *params, size_t rows)
{
	pga_report	report;

	return pga_train(&h.ctx, table_sampler(params, 0, rows), params, &report);
}
