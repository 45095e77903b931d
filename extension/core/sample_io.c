/*
 * sample_io.c - a sampler as bytes, for aggregate states that travel between
 * processes.
 *
 * The bytes depend on the rows alone: kept rows in order of their hash, texts
 * in order of theirs.  Hashes are not stored but computed again, which also
 * proves the rows whole.  Loading trusts nothing, for a state can be typed in
 * by hand.
 */
#include "sample.h"

#include <math.h>

#include "bytes.h"
#include "params.h"

#define MAGIC UINT32_C(0x73616770)	/* "pgas" */
#define FORMAT 2

/* The texts of the rows that are saved, by hash. */
static const pga_item *
texts_in_use(const pga_sampler *s, const uint32_t *order, size_t n, size_t *ntexts)
{
	size_t		ncat = 0;
	size_t		used = 0;
	pga_item   *items,
			   *scratch;

	for (size_t j = 0; j < s->nfeatures; j++)
		ncat += s->features[j].kind == PGA_CATEGORICAL;
	items = s->ctx->alloc(s->ctx, pga_mul(s->ctx, n * ncat + 1, sizeof(pga_item)));
	scratch = s->ctx->alloc(s->ctx, pga_mul(s->ctx, n * ncat + 1, sizeof(pga_item)));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < s->nfeatures; j++)
		{
			uint64_t	cell = s->cells[order[i] * s->nfeatures + j];

			if (s->features[j].kind == PGA_CATEGORICAL && cell != PGA_CELL_MISSING)
				items[used++].key = cell;
		}
	pga_sort(s->ctx, items, scratch, used);
	*ntexts = 0;
	for (size_t i = 0; i < used; i++)
		if (i == 0 || items[i].key != items[i - 1].key)
			items[(*ntexts)++] = items[i];
	return items;
}

void
pga_sampler_save(const pga_sampler *s, pga_buf *buf)
{
	size_t		n;
	size_t		ntexts;
	const uint32_t *order = pga_sampler_order(s, &n);
	const pga_item *texts = texts_in_use(s, order, n, &ntexts);
	uint64_t	limit = s->limit;

	if (s->kept > n)
		limit = s->hash[order[n - 1]];
	pga_put_u32(buf, MAGIC);
	pga_put_u16(buf, FORMAT);
	pga_put_u64(buf, s->seed);
	pga_put_u64(buf, s->max_rows);
	pga_put_u8(buf, (uint8_t) s->missing_policy);
	pga_put_u64(buf, s->rows);
	pga_put_u64(buf, s->skipped);
	pga_put_u64(buf, limit);
	pga_put_u32(buf, (uint32_t) s->nfeatures);
	for (size_t j = 0; j < s->nfeatures; j++)
	{
		pga_put_u8(buf, (uint8_t) s->features[j].kind);
		pga_put_u8(buf, (uint8_t) s->features[j].role);
		pga_put_text(buf, s->features[j].name, strlen(s->features[j].name));
		pga_put_u64(buf, s->missing[j]);
	}
	pga_put_u32(buf, (uint32_t) ntexts);
	for (size_t i = 0; i < ntexts; i++)
	{
		const pga_text *t = pga_sampler_text(s, texts[i].key);

		pga_put_text(buf, t->text, t->len);
	}
	pga_put_u32(buf, (uint32_t) n);
	for (size_t i = 0; i < n; i++)
	{
		pga_put_u64(buf, s->count[order[i]]);
		for (size_t j = 0; j < s->nfeatures; j++)
			pga_put_u64(buf, s->cells[order[i] * s->nfeatures + j]);
	}
}

/* ---- loading ---------------------------------------------------------------- */

static void
load_texts(pga_sampler *s, pga_reader *r)
{
	uint32_t	n = pga_get_count(r, 4);

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	len;
		const char *text = pga_get_text(r, PGA_MAX_TEXT, &len);

		pga_sampler_keep_text(s, pga_text_hash(text, len), text, len);
	}
}

static uint64_t
load_cell(const pga_sampler *s, pga_reader *r, pga_kind kind)
{
	uint64_t	cell = pga_get_u64(r);

	if (cell == PGA_CELL_MISSING)
		return cell;
	if (kind == PGA_CATEGORICAL)
	{
		if (s->ntexts == 0 || cell == 0 || pga_sampler_text(s, cell)->hash != cell)
			pga_corrupt(r, "a category has no text");
	}
	else if (!isfinite(pga_bits_double(cell)))
		pga_corrupt(r, "a number is not finite");
	return cell;
}

static void
load_rows(pga_sampler *s, pga_reader *r)
{
	uint32_t	n = pga_get_count(r, 8 * (s->nfeatures + 1));
	uint64_t	total = 0;
	uint64_t	last = 0;

	if (n > s->max_rows)
		pga_corrupt(r, "it holds more rows than its limit");
	for (uint32_t i = 0; i < n; i++)
	{
		uint64_t	count = pga_get_u64(r);
		uint64_t	hash;

		for (size_t j = 0; j < s->nfeatures; j++)
			s->row[j] = load_cell(s, r, s->features[j].kind);
		hash = pga_sampler_keep_row(s, count);
		if (count == 0 || __builtin_add_overflow(total, count, &total) || total > s->rows)
			pga_corrupt(r, "its counts do not add up");
		if ((i > 0 && hash <= last) || hash > s->limit)
			pga_corrupt(r, "its rows are out of order");
		last = hash;
	}
	if (s->limit == UINT64_MAX ? total != s->rows : n != s->max_rows || last != s->limit)
		pga_corrupt(r, "rows are missing");
}

/* At most one column of each role, of a kind that can have it; *roles collects them. */
static void
check_role(pga_reader *r, unsigned role, unsigned kind, unsigned *roles)
{
	if (role == PGA_FEATURE && kind != PGA_TIME)
		return;
	if (role < PGA_TARGET || role > PGA_ORDER || (*roles & 1u << role))
		pga_corrupt(r, "a column is of unknown or repeated role");
	if ((role == PGA_ORDER) == (kind == PGA_CATEGORICAL))
		pga_corrupt(r, "a column is of the wrong kind for its role");
	*roles |= 1u << role;
}

pga_sampler *
pga_sampler_load(pga_reader *r)
{
	pga_sampler head = {0};
	pga_sampler *s;
	pga_feature *features;
	uint64_t   *missing;
	unsigned	roles = 0;

	if (pga_get_u32(r) != MAGIC || pga_get_u16(r) != FORMAT)
		pga_corrupt(r, "not a training sample");
	head.seed = pga_get_u64(r);
	head.max_rows = (size_t) pga_get_u64(r);
	head.missing_policy = pga_get_u8(r);
	head.rows = pga_get_u64(r);
	head.skipped = pga_get_u64(r);
	head.limit = pga_get_u64(r);
	head.nfeatures = pga_get_count(r, 14);
	if (head.max_rows < PGA_LEAST_MAX_ROWS || head.max_rows > PGA_MOST_MAX_ROWS)
		pga_corrupt(r, "a limit of rows is out of range");
	if (head.missing_policy > PGA_MISSING_ERROR)
		pga_corrupt(r, "an unknown policy for missing values");
	if (head.nfeatures == 0 || head.nfeatures > PGA_MAX_FEATURES)
		pga_corrupt(r, "a number of features is out of range");

	features = r->ctx->alloc(r->ctx, head.nfeatures * sizeof(pga_feature));
	missing = r->ctx->alloc(r->ctx, head.nfeatures * sizeof(uint64_t));
	for (size_t j = 0; j < head.nfeatures; j++)
	{
		uint8_t		kind = pga_get_u8(r);
		uint8_t		role = pga_get_u8(r);
		uint32_t	len;

		if (kind < PGA_NUMERIC || kind > PGA_TIME)
			pga_corrupt(r, "a column is of unknown kind");
		check_role(r, role, kind, &roles);
		features[j] = (pga_feature) {pga_get_text(r, 63, &len), (pga_kind) kind, (pga_role) role};
		missing[j] = pga_get_u64(r);
		if (len == 0 || missing[j] > head.rows)
			pga_corrupt(r, "a column makes no sense");
	}
	s = pga_sampler_make(r->ctx, features, head.nfeatures);
	s->seed = head.seed;
	s->max_rows = head.max_rows;
	s->missing_policy = head.missing_policy;
	s->rows = head.rows;
	s->skipped = head.skipped;
	s->limit = head.limit;
	s->missing = missing;
	load_texts(s, r);
	load_rows(s, r);
	return s;
}
