/* host.c - see host.h.  A failure nobody waits for ends the program. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct host_block
{
	struct host_block *next,
			   **link;			/* what points here */
	max_align_t data[];
} host_block;

static void *
host_alloc(pga_ctx *ctx, size_t size)
{
	host	   *h = (host *) ctx;
	host_block *b = calloc(1, sizeof(host_block) + size);

	if (b == NULL)
		abort();
	b->next = h->blocks;
	b->link = &h->blocks;
	if (b->next != NULL)
		b->next->link = &b->next;
	h->blocks = b;
	h->taken += size;
	return b->data;
}

/* Always moves, so that a stale pointer is found. */
static void *
host_resize(pga_ctx *ctx, void *p, size_t old_size, size_t new_size)
{
	void	   *q = host_alloc(ctx, new_size);

	if (p != NULL)
	{
		host_block *b = (host_block *) ((char *) p - offsetof(host_block, data));

		((host *) ctx)->taken -= old_size;
		memcpy(q, p, old_size < new_size ? old_size : new_size);
		*b->link = b->next;
		if (b->next != NULL)
			b->next->link = b->link;
		free(b);
	}
	return q;
}

static void
host_poll(pga_ctx *ctx)
{
	((host *) ctx)->polls++;
}

static void __attribute__((noreturn))
host_fail(pga_ctx *ctx, pga_error error, const char *hint, const char *fmt,...)
{
	host	   *h = (host *) ctx;
	va_list		args;

	h->error = error;
	snprintf(h->hint, sizeof(h->hint), "%s", hint != NULL ? hint : "");
	va_start(args, fmt);
	vsnprintf(h->message, sizeof(h->message), fmt, args);
	va_end(args);
	longjmp(h->failed, 1);
}

static void
host_warn(pga_ctx *ctx, const char *fmt,...)
{
	host	   *h = (host *) ctx;
	size_t		len = strlen(h->warnings);
	va_list		args;

	va_start(args, fmt);
	vsnprintf(h->warnings + len, sizeof(h->warnings) - len, fmt, args);
	va_end(args);
	len = strlen(h->warnings);
	snprintf(h->warnings + len, sizeof(h->warnings) - len, "\n");
}

void
host_init(host *h)
{
	memset(h, 0, sizeof(*h));
	h->ctx = (pga_ctx) {
		.alloc = host_alloc,
		.resize = host_resize,
		.poll = host_poll,
		.fail = host_fail,
		.warn = host_warn,
		.memory_limit = (size_t) 1 << 30,
	};
	if (setjmp(h->failed) != 0)
	{
		fprintf(stderr, "unexpected failure: %s\n", h->message);
		abort();
	}
}

void
host_reset(host *h)
{
	while (h->blocks != NULL)
	{
		host_block *b = h->blocks;

		h->blocks = b->next;
		free(b);
	}
	h->error = 0;
	h->message[0] = h->hint[0] = h->warnings[0] = '\0';
}

void
small_params(host *h, pga_params *params, const pga_detector *detector)
{
	const double few = 4;

	pga_params_init(&h->ctx, params, detector);
	for (const pga_param_spec *spec = detector->params; spec->name != NULL; spec++)
	{
		double		number = few < spec->min ? spec->min : few;

		if (spec->type == PGA_PARAM_SIZES)
			pga_params_set_sizes(&h->ctx, params, spec->name, &number, 1);
		else if (spec->type == PGA_PARAM_INT && spec->def > number)
			pga_params_set_number(&h->ctx, params, spec->name, number);
	}
}
