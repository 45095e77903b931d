/*
 * pcapgen_sim.c - random numbers, the queues, and the file that comes out.
 *
 * Two queues, both binary heaps: frames waiting to be written and actors
 * waiting to act.  An actor that fires at time t produces nothing earlier than
 * t, so before it fires every frame up to t can go to the file; that is why
 * the capture is ordered by time although conversations are laid out whole.
 *
 * The file is a classic pcap, little-endian, microseconds, Ethernet:
 * https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pcapgen.h"

#define PCAP_MAGIC 0xa1b2c3d4u
#define PCAP_SNAPLEN 65535u
#define PCAP_ETHERNET 1u

void *
allocate(size_t size)
{
	void	   *p = calloc(1, size);

	if (p == NULL)
	{
		fprintf(stderr, "pcapgen: out of memory: %zu bytes\n", size);
		exit(1);
	}
	return p;
}

/* ---- randomness ---------------------------------------------------------- */

/*
 * SplitMix64: Steele, Lea & Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014.
 */
uint64_t
rng_next(rng *r)
{
	uint64_t	z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

rng
rng_make(uint64_t seed, uint64_t stream)
{
	rng			r = {seed};

	r.state = rng_next(&r) ^ (stream * UINT64_C(0xd1342543de82ef95));
	rng_next(&r);
	return r;
}

double
rng_unit(rng *r)
{
	return (double) (rng_next(r) >> 11) * 0x1p-53;
}

int64_t
rng_range(rng *r, int64_t low, int64_t high)
{
	return low + (int64_t) (rng_unit(r) * (double) (high - low + 1));
}

bool
rng_chance(rng *r, double probability)
{
	return rng_unit(r) < probability;
}

double
rng_exponential(rng *r, double mean)
{
	return -mean * log1p(-rng_unit(r));
}

/* Normal deviate by Box & Muller, 1958. */
double
rng_lognormal(rng *r, double median, double sigma)
{
	double		radius = sqrt(-2 * log1p(-rng_unit(r)));

	return median * exp(sigma * radius * cos(2 * M_PI * rng_unit(r)));
}

void
rng_fill(rng *r, void *bytes, size_t length)
{
	uint8_t    *p = bytes;

	while (length > 0)
	{
		uint64_t	word = rng_next(r);
		size_t		n = length < sizeof(word) ? length : sizeof(word);

		memcpy(p, &word, n);
		p += n;
		length -= n;
	}
}

/* ---- queues --------------------------------------------------------------- */

static bool
earlier(const queue_entry *a, const queue_entry *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
queue_push(queue *q, int64_t at, void *item)
{
	queue_entry e = {at, q->next_order++, item};
	size_t		i = q->count++;

	if (q->count > q->capacity)
	{
		q->capacity = q->capacity > 0 ? 2 * q->capacity : 1024;
		q->heap = realloc(q->heap, q->capacity * sizeof(queue_entry));
		if (q->heap == NULL)
		{
			fprintf(stderr, "pcapgen: out of memory: queue of %zu\n", q->capacity);
			exit(1);
		}
	}
	for (; i > 0 && earlier(&e, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = e;
}

static queue_entry
queue_pop(queue *q)
{
	queue_entry top = q->heap[0];
	queue_entry last = q->heap[--q->count];
	size_t		i = 0;

	for (size_t child; (child = 2 * i + 1) < q->count; i = child)
	{
		if (child + 1 < q->count && earlier(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!earlier(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
	}
	q->heap[i] = last;
	return top;
}

/* ---- the file ------------------------------------------------------------- */

static void
write_words(sim *s, const uint32_t *words, size_t count)
{
	uint8_t		bytes[24];

	for (size_t i = 0; i < 4 * count; i++)
		bytes[i] = (uint8_t) (words[i / 4] >> (8 * (i % 4)));
	fwrite(bytes, 4, count, s->out);
}

static void
write_frame(sim *s, const frame *f, int64_t at)
{
	uint32_t	header[4] = {(uint32_t) (at / SEC), (uint32_t) (at % SEC), f->length, f->length};

	write_words(s, header, 4);
	fwrite(f->bytes, 1, f->length, s->out);
	s->packets++;
	s->bytes += f->length;
}

/* Everything before `until` goes out; nothing earlier can come any more. */
static void
flush_frames(sim *s, int64_t until)
{
	while (s->frames.count > 0 && s->frames.heap[0].at < until)
	{
		queue_entry e = queue_pop(&s->frames);

		write_frame(s, e.item, e.at);
		free(e.item);
	}
}

void
sim_open(sim *s, FILE *out, int64_t start, int64_t end)
{
	const uint32_t header[6] = {PCAP_MAGIC, 4u << 16 | 2u, 0, 0, PCAP_SNAPLEN, PCAP_ETHERNET};

	*s = (sim) {.out = out, .start = start, .end = end};
	write_words(s, header, 6);
}

void
sim_schedule(sim *s, actor *a, int64_t at)
{
	queue_push(&s->events, at, a);
}

/* Takes the frame over.  What passes after the end is not captured. */
void
sim_emit(sim *s, frame *f, int64_t at, truth *t)
{
	if (at >= s->end)
	{
		free(f);
		return;
	}
	if (t != NULL)
	{
		if (t->packets++ == 0 || at < t->first)
			t->first = at;
		if (at > t->last)
			t->last = at;
	}
	queue_push(&s->frames, at, f);
}

void
sim_run(sim *s)
{
	while (s->events.count > 0)
	{
		queue_entry e = queue_pop(&s->events);
		actor	   *a = e.item;
		int64_t		next;

		if (e.at >= s->end)
			continue;
		flush_frames(s, e.at);
		next = a->fire(s, a, e.at);
		if (next != NEVER)
			sim_schedule(s, a, next > e.at ? next : e.at + 1);
	}
	flush_frames(s, s->end);
	free(s->frames.heap);
	free(s->events.heap);
}
