/*
 * sample.c - the order-free training sample.
 *
 * Bottom-k sampling of distinct rows with exact counts (Cohen & Kaplan 2007):
 * a row's keyed hash decides whether it is kept, so the sample is a function
 * of the set of rows alone.  Order, repetition, parallel plans and the way
 * partial samplers are merged leave no trace.
 *
 * A row is first laid out as eight-byte cells (sample.h), which are hashed;
 * most rows of a large table end there, above the limit.  The others are
 * looked up in a hash table and counted, or appended.  When an eighth more
 * than max_rows are held, the sampler is pruned: the limit falls to the
 * max_rows-th smallest hash and everything above goes.  A row under the final
 * limit was under every earlier one, so its count is exact.
 *
 * Rows are told apart by their 64-bit hash: for the sampled rows to meet one
 * collision takes on the order of 10^14 distinct rows.
 */
#include "sample.h"

#include <math.h>

#include "bytes.h"
#include "params.h"
#include "rng.h"

#define FIRST_CAP 1024

/* Most rows held before pruning. */
#define MOST_ROWS(s) ((s)->max_rows + (s)->max_rows / 8)

/* ---- hashing -------------------------------------------------------------- */

/* One link of a hash chain; a bijection of h for every v, and of v for every h. */
static inline uint64_t
chain(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	return h ^ (h >> 32);
}

uint64_t
pga_text_hash(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *) text;
	uint64_t	h = chain(UINT64_C(0x2545f4914f6cdd1d), len);

	while (len > 0)
	{
		size_t		n = len < 8 ? len : 8;
		uint64_t	word = 0;

		for (size_t i = 0; i < n; i++)
			word |= (uint64_t) p[i] << (8 * i);
		h = chain(h, word);
		p += n;
		len -= n;
	}
	return pga_mix64(h) | 1;
}

static uint64_t
row_hash(const pga_sampler *s, const uint64_t *row)
{
	uint64_t	h = pga_mix64(s->seed ^ UINT64_C(0x6a09e667f3bcc909));

	for (size_t j = 0; j < s->nfeatures; j++)
		h = chain(h, row[j]);
	return pga_mix64(h);
}

/* ---- memory ---------------------------------------------------------------- */

size_t
pga_sampler_bytes(const pga_sampler *s)
{
	size_t		per_row = pga_mul(s->ctx, s->nfeatures + 2, sizeof(uint64_t));

	return pga_mul(s->ctx, s->cap, per_row) + s->nslots * sizeof(uint32_t)
		+ s->text_slots * sizeof(pga_text) + s->text_bytes;
}

static void
check_memory(const pga_sampler *s, size_t more)
{
	size_t		need = pga_add(s->ctx, pga_sampler_bytes(s), more);

	if (need > s->ctx->memory_limit)
		s->ctx->fail(s->ctx, PGA_ERR_MEMORY_LIMIT,
					 "Lower option \"max_rows\", train on fewer columns, or allow more memory.",
					 "training sample of %zu rows needs %zu kB, more than the limit of %zu kB",
					 s->kept, need / 1024, s->ctx->memory_limit / 1024);
}

static inline uint32_t *
find_slot(const pga_sampler *s, uint64_t hash)
{
	size_t		i = (size_t) hash & (s->nslots - 1);

	while (s->slots[i] != 0 && s->hash[s->slots[i] - 1] != hash)
		i = (i + 1) & (s->nslots - 1);
	return &s->slots[i];
}

static void
fill_slots(pga_sampler *s)
{
	if (s->nslots > 0)
		memset(s->slots, 0, s->nslots * sizeof(uint32_t));
	for (size_t i = 0; i < s->kept; i++)
		*find_slot(s, s->hash[i]) = (uint32_t) i + 1;
}

static void *
grow_array(pga_sampler *s, void *p, size_t old_n, size_t new_n, size_t size)
{
	return s->ctx->resize(s->ctx, p, pga_mul(s->ctx, old_n, size),
						  pga_mul(s->ctx, new_n, size));
}

/* Makes room for twice the rows, at most MOST_ROWS. */
static void
grow_rows(pga_sampler *s)
{
	size_t		cap = s->cap == 0 ? FIRST_CAP : s->cap * 2;
	size_t		row_bytes = pga_mul(s->ctx, s->nfeatures, sizeof(uint64_t));
	size_t		nslots = FIRST_CAP;

	if (cap > MOST_ROWS(s))
		cap = MOST_ROWS(s);
	while (nslots < cap + cap / 2)
		nslots *= 2;
	check_memory(s, pga_add(s->ctx,
							pga_mul(s->ctx, cap - s->cap, row_bytes + 2 * sizeof(uint64_t)),
							(nslots - s->nslots) * sizeof(uint32_t)));
	s->cells = grow_array(s, s->cells, s->cap, cap, row_bytes);
	s->hash = grow_array(s, s->hash, s->cap, cap, sizeof(uint64_t));
	s->count = grow_array(s, s->count, s->cap, cap, sizeof(uint64_t));
	s->slots = grow_array(s, s->slots, s->nslots, nslots, sizeof(uint32_t));
	s->cap = cap;
	s->nslots = nslots;
	fill_slots(s);
}

/* ---- texts ------------------------------------------------------------------ */

static pga_text *
text_slot(const pga_sampler *s, uint64_t hash)
{
	size_t		i = (size_t) (hash >> 1) & (s->text_slots - 1);

	while (s->texts[i].hash != 0 && s->texts[i].hash != hash)
		i = (i + 1) & (s->text_slots - 1);
	return &s->texts[i];
}

const pga_text *
pga_sampler_text(const pga_sampler *s, uint64_t cell)
{
	return text_slot(s, cell);
}

static void
grow_texts(pga_sampler *s)
{
	pga_text   *old = s->texts;
	size_t		nold = s->text_slots;
	size_t		n = nold == 0 ? 256 : nold * 2;

	check_memory(s, pga_mul(s->ctx, n, sizeof(pga_text)));
	s->texts = s->ctx->alloc(s->ctx, n * sizeof(pga_text));
	s->text_slots = n;
	for (size_t i = 0; i < nold; i++)
		if (old[i].hash != 0)
			*text_slot(s, old[i].hash) = old[i];
}

void
pga_sampler_keep_text(pga_sampler *s, uint64_t hash, const char *text, uint32_t len)
{
	pga_text   *slot;
	char	   *copy;

	if (s->ntexts + s->ntexts / 2 >= s->text_slots)
		grow_texts(s);
	slot = text_slot(s, hash);
	if (slot->hash != 0)
		return;
	s->text_bytes += (size_t) len + 1;
	check_memory(s, 0);
	copy = s->ctx->alloc(s->ctx, (size_t) len + 1);
	memcpy(copy, text, len);
	*slot = (pga_text) {hash, copy, len};
	s->ntexts++;
}

/* ---- keeping and pruning ------------------------------------------------------ */

/*
 * The max_rows-th smallest hash of the kept rows: radix selection, one byte
 * of the answer at a time from the top.
 */
static uint64_t
kth_hash(const pga_sampler *s)
{
	uint64_t	prefix = 0;
	uint64_t	mask = 0;
	size_t		rank = s->max_rows - 1;

	for (int shift = 56; shift >= 0; shift -= 8)
	{
		size_t		count[256] = {0};
		uint64_t	digit = 0;

		for (size_t i = 0; i < s->kept; i++)
			if ((s->hash[i] & mask) == prefix)
				count[(s->hash[i] >> shift) & 0xff]++;
		while (rank >= count[digit])
			rank -= count[digit++];
		prefix |= digit << shift;
		mask |= UINT64_C(0xff) << shift;
	}
	return prefix;
}

/* Drops every row above the limit. */
static void
prune(pga_sampler *s)
{
	size_t		n = 0;

	for (size_t i = 0; i < s->kept; i++)
	{
		if (s->hash[i] > s->limit)
			continue;
		if (n != i)
		{
			s->hash[n] = s->hash[i];
			s->count[n] = s->count[i];
			memcpy(s->cells + n * s->nfeatures, s->cells + i * s->nfeatures,
				   s->nfeatures * sizeof(uint64_t));
		}
		n++;
	}
	s->kept = n;
	fill_slots(s);
}

/* Room for one more row; false when the hash is now above the limit. */
static bool
make_room(pga_sampler *s, uint64_t hash)
{
	if (s->kept < s->cap)
		return true;
	if (s->cap < MOST_ROWS(s))
	{
		grow_rows(s);
		return true;
	}
	s->limit = kth_hash(s);
	prune(s);
	s->ctx->poll(s->ctx);
	return hash <= s->limit;
}

/* Counts `count` occurrences of s->row; true when it is new to the sample. */
static bool
keep(pga_sampler *s, uint64_t hash, uint64_t count)
{
	if (s->kept > 0)
	{
		uint32_t	slot = *find_slot(s, hash);

		if (slot != 0)
		{
			s->count[slot - 1] += count;
			return false;
		}
	}
	if (!make_room(s, hash))
		return false;
	memcpy(s->cells + s->kept * s->nfeatures, s->row, s->nfeatures * sizeof(uint64_t));
	s->hash[s->kept] = hash;
	s->count[s->kept] = count;
	*find_slot(s, hash) = (uint32_t) ++s->kept;
	return true;
}

uint32_t *
pga_sampler_order(const pga_sampler *s, size_t *n)
{
	size_t		bytes = pga_mul(s->ctx, s->kept + 1, sizeof(pga_item));
	pga_item   *items = s->ctx->alloc(s->ctx, bytes);
	pga_item   *scratch = s->ctx->alloc(s->ctx, bytes);
	uint32_t   *order = s->ctx->alloc(s->ctx, (s->kept + 1) * sizeof(uint32_t));

	for (size_t i = 0; i < s->kept; i++)
		items[i] = (pga_item) {s->hash[i], i};
	pga_sort(s->ctx, items, scratch, s->kept);
	*n = s->kept < s->max_rows ? s->kept : s->max_rows;
	for (size_t i = 0; i < *n; i++)
		order[i] = (uint32_t) items[i].payload;
	return order;
}

/* ---- the interface -------------------------------------------------------------- */

pga_sampler *
pga_sampler_make(pga_ctx *ctx, const pga_feature *features, size_t nfeatures)
{
	pga_sampler *s;

	if (nfeatures == 0)
		ctx->fail(ctx, PGA_ERR_NO_FEATURES, NULL, "there is no column to train on");
	if (nfeatures > PGA_MAX_FEATURES)
		ctx->fail(ctx, PGA_ERR_TOO_MANY_FEATURES, NULL,
				  "%zu columns exceed the limit of %d features",
				  nfeatures, PGA_MAX_FEATURES);
	s = ctx->alloc(ctx, sizeof(pga_sampler));
	s->ctx = ctx;
	s->nfeatures = nfeatures;
	s->limit = UINT64_MAX;
	s->features = ctx->alloc(ctx, nfeatures * sizeof(pga_feature));
	s->missing = ctx->alloc(ctx, nfeatures * sizeof(uint64_t));
	s->row = ctx->alloc(ctx, nfeatures * sizeof(uint64_t));
	for (size_t j = 0; j < nfeatures; j++)
	{
		size_t		size = strlen(features[j].name) + 1;
		char	   *name = ctx->alloc(ctx, size);

		memcpy(name, features[j].name, size);
		s->features[j] = (pga_feature) {name, features[j].kind, features[j].role};
		s->has_text |= features[j].kind == PGA_CATEGORICAL;
	}
	return s;
}

pga_sampler *
pga_sampler_create(pga_ctx *ctx, const pga_feature *features, size_t nfeatures,
				   const pga_params *params)
{
	pga_sampler *s = pga_sampler_make(ctx, features, nfeatures);

	s->seed = (uint64_t) pga_param(params, "seed");
	s->max_rows = (size_t) pga_param(params, "max_rows");
	s->missing_policy = (int) pga_param(params, "missing");
	return s;
}

/* A row with a missing value, under a policy other than to impute. */
static void
refuse_missing(pga_sampler *s, size_t feature)
{
	if (s->missing_policy == PGA_MISSING_ERROR)
		s->ctx->fail(s->ctx, PGA_ERR_MISSING,
					 "Set option \"missing\" to impute or skip to train on rows with NULL.",
					 "column \"%s\" is null in a training row",
					 s->features[feature].name);
	s->skipped++;
}

/*
 * Lays the cells out in s->row; -1, or the first missing feature.  *stray tells
 * of a row that has no class or no place.
 */
static ptrdiff_t
lay_out(pga_sampler *s, const pga_cell *cells, bool *stray)
{
	ptrdiff_t	missing = -1;

	for (size_t j = 0; j < s->nfeatures; j++)
	{
		const pga_cell *cell = &cells[j];

		if (cell->missing)
		{
			pga_role	role = s->features[j].role;

			s->row[j] = PGA_CELL_MISSING;
			*stray |= role == PGA_TARGET || role == PGA_ORDER;
			if (missing < 0 && role != PGA_PARTITION)
				missing = (ptrdiff_t) j;
		}
		else if (s->features[j].kind == PGA_CATEGORICAL)
			s->row[j] = pga_text_hash(cell->text,
									  pga_clip(cell->text, cell->len, PGA_MAX_TEXT));
		else
			s->row[j] = pga_double_bits(cell->number + 0.0);	/* -0 becomes 0 */
	}
	return missing;
}

void
pga_sampler_add(pga_sampler *s, const pga_cell *cells)
{
	bool		stray = false;
	ptrdiff_t	missing = lay_out(s, cells, &stray);
	uint64_t	hash;

	if (stray)
	{
		s->skipped++;
		return;
	}
	if (missing >= 0)
	{
		if (s->missing_policy != PGA_MISSING_IMPUTE)
		{
			refuse_missing(s, (size_t) missing);
			return;
		}
		for (size_t j = (size_t) missing; j < s->nfeatures; j++)
			s->missing[j] += cells[j].missing;
	}
	s->rows++;
	hash = row_hash(s, s->row);
	if (hash > s->limit || !keep(s, hash, 1) || !s->has_text)
		return;
	for (size_t j = 0; j < s->nfeatures; j++)
		if (s->features[j].kind == PGA_CATEGORICAL && !cells[j].missing)
			pga_sampler_keep_text(s, s->row[j], cells[j].text,
					  pga_clip(cells[j].text, cells[j].len, PGA_MAX_TEXT));
}

uint64_t
pga_sampler_keep_row(pga_sampler *s, uint64_t count)
{
	uint64_t	hash = row_hash(s, s->row);

	keep(s, hash, count);
	return hash;
}

void
pga_sampler_skip(pga_sampler *s)
{
	s->skipped++;
}

uint64_t
pga_sampler_rows(const pga_sampler *s)
{
	return s->rows;
}

uint64_t
pga_sampler_skipped(const pga_sampler *s)
{
	return s->skipped;
}

static bool
same_shape(const pga_sampler *a, const pga_sampler *b)
{
	if (a->nfeatures != b->nfeatures || a->seed != b->seed || a->max_rows != b->max_rows)
		return false;
	for (size_t j = 0; j < a->nfeatures; j++)
		if (a->features[j].kind != b->features[j].kind ||
			a->features[j].role != b->features[j].role ||
			strcmp(a->features[j].name, b->features[j].name) != 0)
			return false;
	return true;
}

/*
 * Rows between the two limits are incomplete in one of the samplers; the
 * lower limit makes both whole again, and there are at least max_rows rows
 * under it.
 */
void
pga_sampler_merge(pga_sampler *into, const pga_sampler *from)
{
	size_t		nf = into->nfeatures;

	if (!same_shape(into, from))
		into->ctx->fail(into->ctx, PGA_ERR_CORRUPT_MODEL, NULL,
						"training samples of different columns or options cannot be merged");
	into->rows += from->rows;
	into->skipped += from->skipped;
	for (size_t j = 0; j < nf; j++)
		into->missing[j] += from->missing[j];
	if (from->limit < into->limit)
	{
		into->limit = from->limit;
		prune(into);
	}
	for (size_t i = 0; i < from->kept; i++)
	{
		if (from->hash[i] > into->limit)
			continue;
		memcpy(into->row, from->cells + i * nf, nf * sizeof(uint64_t));
		if (!keep(into, from->hash[i], from->count[i]))
			continue;
		for (size_t j = 0; j < nf; j++)
			if (into->features[j].kind == PGA_CATEGORICAL && into->row[j] != PGA_CELL_MISSING)
			{
				const pga_text *t = pga_sampler_text(from, into->row[j]);

				pga_sampler_keep_text(into, t->hash, t->text, t->len);
			}
	}
}
