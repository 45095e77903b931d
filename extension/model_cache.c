/*
 * model_cache.c - fitted models of this backend, ready to score.
 *
 * Loading a model takes milliseconds, scoring with it less than one
 * microsecond, so a backend keeps what it loaded.  A model has one of three
 * keys:
 *
 *   a version's id and its table's oid    neither is ever used again
 *   a toast pointer                       within one transaction
 *   length and hash of the bytes          for values given in line
 *
 * Nothing has to be invalidated: no key comes to mean another model.  Whoever
 * scores holds the model; a hold ends with the memory context it was made in,
 * on success as on error.  Beyond pg_anomaly.cache_size the models that were
 * longest unused go first.
 */
#include "model_cache.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "registry.h"

typedef enum key_kind
{
	KEY_VERSION = 1, KEY_TOASTED, KEY_BYTES
} key_kind;

typedef struct cache_key
{
	uint64		kind,
				a,
				b,
				c;
} cache_key;

typedef struct pga_cache_entry
{
	cache_key	key;			/* first: the hash table's */
	pga_cached	cached;
	MemoryContext memory;
	size_t		bytes;
	int			holds;
	dlist_node	idle;			/* in idle_entries while holds is 0 */
} pga_cache_entry;

int			pga_cache_size_kb;

static MemoryContext cache_memory;
static HTAB *entries;
static size_t total_bytes;
static dlist_head idle_entries = DLIST_STATIC_INIT(idle_entries);	/* oldest first */

static void
create_cache(void)
{
	HASHCTL		ctl = {0};

	cache_memory = AllocSetContextCreate(TopMemoryContext, "pg_anomaly models",
										 ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(cache_key);
	ctl.entrysize = sizeof(pga_cache_entry);
	ctl.hcxt = cache_memory;
	entries = hash_create("pg_anomaly models", 64, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* ---- entries -------------------------------------------------------------------- */

static void
evict_idle(size_t limit)
{
	while (total_bytes > limit && !dlist_is_empty(&idle_entries))
	{
		pga_cache_entry *entry = dlist_container(pga_cache_entry, idle,
												 dlist_pop_head_node(&idle_entries));

		total_bytes -= entry->bytes;
		MemoryContextDelete(entry->memory);
		hash_search(entries, &entry->key, HASH_REMOVE, NULL);
	}
}

static void
release(pga_hold *hold)
{
	pga_cache_entry *entry = hold->cached.entry;

	if (entry == NULL)
		return;
	hold->cached = (pga_cached) {0};
	if (--entry->holds == 0)
		dlist_push_tail(&idle_entries, &entry->idle);
}

static void
hold_entry(pga_hold *hold, pga_cache_entry *entry)
{
	release(hold);
	if (entry->holds++ == 0)
		dlist_delete(&entry->idle);
	hold->cached = entry->cached;
	evict_idle((size_t) pga_cache_size_kb * 1024);
}

static pga_cache_entry *
find_entry(const cache_key *key)
{
	if (entries == NULL)
		create_cache();
	return hash_search(entries, key, HASH_FIND, NULL);
}

/* Loads a model; the entry is made last, so that an error leaves nothing. */
static pga_cache_entry *
add_entry(const cache_key *key, const void *bytes, size_t len)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "pg_anomaly model",
												 ALLOCSET_DEFAULT_SIZES);
	pga_host   *host = pga_host_create(memory);
	pga_cached	cached;
	pga_cache_entry *entry;

	cached.model = pga_model_load(&host->ctx, bytes, len);
	cached.scratch = host->ctx.alloc(&host->ctx, pga_model_scratch_bytes(cached.model));
	entry = hash_search(entries, key, HASH_ENTER, NULL);
	MemoryContextSetParent(memory, cache_memory);
	cached.entry = entry;
	entry->cached = cached;
	entry->memory = memory;
	entry->bytes = MemoryContextMemAllocated(memory, true);
	entry->holds = 0;
	dlist_push_tail(&idle_entries, &entry->idle);
	total_bytes += entry->bytes;
	return entry;
}

/* ---- holds ------------------------------------------------------------------------ */

static void
release_on_reset(void *hold)
{
	release(hold);
}

pga_hold *
pga_hold_create(MemoryContext owner)
{
	pga_hold   *hold = MemoryContextAllocZero(owner, sizeof(pga_hold));

	hold->on_reset.func = release_on_reset;
	hold->on_reset.arg = hold;
	MemoryContextRegisterResetCallback(owner, &hold->on_reset);
	return hold;
}

void
pga_hold_named(pga_hold *hold, const char *name)
{
	pga_version_id version = pga_find_version(name);
	cache_key	key = {KEY_VERSION, (uint64) version.id, version.table, 0};
	pga_cache_entry *entry = find_entry(&key);

	if (entry == NULL)
	{
		bytea	   *body = pga_fetch_body(version);

		entry = add_entry(&key, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));
		pfree(body);
	}
	hold_entry(hold, entry);
}

/* The key of a value that is a toast pointer; false when it is none. */
static bool
toast_key(Datum value, cache_key *key)
{
	struct varatt_external pointer;

	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		return false;
	VARATT_EXTERNAL_GET_POINTER(pointer, DatumGetPointer(value));
	key->kind = KEY_TOASTED;
	key->a = (uint64) pointer.va_toastrelid << 32 | pointer.va_valueid;
	key->b = (uint32) pointer.va_rawsize;
	key->c = (uint64) GetCurrentTransactionStartTimestamp();
	return true;
}

void
pga_hold_value(pga_hold *hold, Datum value)
{
	cache_key	key = {0};
	pga_cache_entry *entry;
	struct varlena *bytes = NULL;

	if (!toast_key(value, &key))
	{
		bytes = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
		key.kind = KEY_BYTES;
		key.a = VARSIZE_ANY_EXHDR(bytes);
		key.b = hash_bytes_extended((unsigned char *) VARDATA_ANY(bytes), (int) key.a, 0);
		key.c = hash_bytes_extended((unsigned char *) VARDATA_ANY(bytes), (int) key.a, 1);
	}
	entry = find_entry(&key);
	if (entry == NULL)
	{
		if (bytes == NULL)
			bytes = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
		entry = add_entry(&key, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
	if (bytes != NULL && (Pointer) bytes != DatumGetPointer(value))
		pfree(bytes);
	hold_entry(hold, entry);
}
