/*
 * nn_train.c - training a dense network: mini-batches, validation, schedule.
 *
 * Some rows, drawn at random, only measure the validation loss, unless option
 * patience is 0.  The others are seen once in each pass, in random order, with
 * two exceptions.  A row that stands for more rows than the average one is
 * seen several times, in different mini-batches, so that the part of its
 * weight in each is at most the average; a pass is then at most twice as long.
 * And what is left of a mini-batch is spread over all of them, unless the task
 * wants it as it is: a smaller mini-batch, as PyTorch has it, with which the
 * autoencoder told anomalies better on small tables.
 */
#include "nn.h"

#include <math.h>
#include <string.h>

#include "fmath.h"

#define LEAST_EPOCHS 10
#define MOST_EPOCHS 400
#define PASS_STEPS 20			/* mini-batches in a pass, at least, or they get smaller */
#define LEAST_BATCH 16
#define MOST_VALIDATION 16384	/* rows */
#define MOST_NOTES 100			/* of the losses of passes that nobody judges */

/* ---- schedule -------------------------------------------------------------------- */

bool
nn_schedule_epoch(pga_ctx *ctx, nn_schedule *s, pga_report *report, double train_loss,
				  double validation_loss, bool *keep)
{
	pga_report_append(ctx, report, "train_loss", train_loss);
	pga_report_append(ctx, report, "validation_loss", validation_loss);
	pga_report_append(ctx, report, "learning_rate", s->rate);
	*keep = validation_loss < s->best;
	s->since_best++;
	s->since_halved++;
	if (*keep)
	{
		s->best = validation_loss;
		s->since_best = s->since_halved = 0;
	}
	/* A loss that is no number does not come back. */
	if (!isfinite(train_loss) || !isfinite(validation_loss) || s->since_best >= s->patience)
		return false;
	if (s->since_halved >= (s->patience + 2) / 3)
	{
		s->rate /= 2;
		s->since_halved = 0;
	}
	return true;
}

/* ---- passes over the rows ------------------------------------------------------------ */

/* What a training goes through. */
typedef struct passes
{
	const nn_task *task;
	uint32_t   *visit;			/* [nvisits] rows to learn from, shuffled anew for each pass */
	size_t		nvisits;
	double		most;			/* rows that one visit may stand for: the average */
	float	   *weight;			/* [rows] in each visit, 1 on average */
	uint32_t   *check;			/* [nchecks] rows to validate on */
	size_t		nchecks;
	size_t		batch;
	float	   *clean;			/* [batch][in] what to rebuild, under noise */
	float	   *batch_weight;	/* [batch] */
	uint32_t   *batch_target;	/* [batch] */
	pga_rng		rng;
} passes;

/* Visits to a row of the given weight when none may carry more than `most` >= 1. */
static uint64_t
visits(uint64_t weight, double most)
{
	return (uint64_t) ceil((double) weight / most);
}

static size_t
batch_size(const nn_task *task, size_t rows, const pga_params *params)
{
	size_t		asked = (size_t) pga_param(params, "batch_size");
	size_t		fitting = rows / PASS_STEPS > LEAST_BATCH ? rows / PASS_STEPS : LEAST_BATCH;

	if (task->rest)
		fitting = rows;
	return asked < fitting ? asked : fitting;
}

/* The class of each row weighs in here too. */
static void
weigh(passes *p)
{
	const nn_task *t = p->task;
	double		sum = 0;
	double		n = 0;

	for (size_t i = 0; i < t->m->rows; i++)
	{
		double		w = (double) t->m->weight[i];

		w /= p->most * (double) visits(t->m->weight[i], p->most);
		if (t->class_weight != NULL)
			w *= (double) t->class_weight[t->target[i]];
		p->weight[i] = (float) w;
		sum += w * (double) visits(t->m->weight[i], p->most);
		n += (double) visits(t->m->weight[i], p->most);
	}
	for (size_t i = 0; i < t->m->rows; i++)
		p->weight[i] = (float) ((double) p->weight[i] * (n / sum));
}

/*
 * Rows in random order, those to validate on first: their share of each class
 * to one row, at least one row in all, and none of a share of 0.
 */
static uint32_t *
draw_checks(pga_ctx *ctx, passes *p, double share)
{
	size_t		rows = p->task->m->rows;
	uint32_t   *order = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(uint32_t)));
	uint64_t	seen[PGA_MAX_CLASSES] = {0};

	for (size_t i = 0; i < rows; i++)
	{
		size_t		k = (size_t) pga_rng_below(&p->rng, i + 1);

		order[i] = order[k];
		order[k] = (uint32_t) i;
	}
	share = fmin(share, MOST_VALIDATION / (double) rows);
	for (size_t i = 0; i < rows; i++)
	{
		uint32_t	row = order[i];
		uint64_t   *n = &seen[p->task->target ? p->task->target[row] : 0];

		if (floor((double) *n * share + 0.5) < floor((double) (*n + 1) * share + 0.5))
		{
			order[i] = order[p->nchecks];
			order[p->nchecks++] = row;
		}
		++*n;
	}
	p->nchecks = p->nchecks > 0 || share == 0 ? p->nchecks : 1;
	return order;
}

/* Draws the validation rows and lists the visits to the others. */
static void
plan_passes(pga_ctx *ctx, passes *p, const pga_params *params)
{
	size_t		rows = p->task->m->rows;
	const uint64_t *weight = p->task->m->weight;
	bool		validated = pga_param(params, "patience") > 0;
	uint32_t   *order = draw_checks(ctx, p, validated ? pga_param(params, "validation") : 0);
	uint64_t	all = 0;
	size_t		n = 0;

	for (size_t i = 0; i < rows; i++)
		all += weight[i];
	p->most = (double) all / (double) rows;
	p->check = order;
	p->weight = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(float)));
	weigh(p);
	for (size_t i = p->nchecks; i < rows; i++)
		n += visits(weight[order[i]], p->most);
	p->visit = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint32_t)));
	for (size_t i = p->nchecks; i < rows; i++)
		for (uint64_t v = visits(weight[order[i]], p->most); v > 0; v--)
			p->visit[p->nvisits++] = order[i];
	p->batch = batch_size(p->task, p->nvisits, params);
	p->batch_weight = ctx->alloc(ctx, p->batch * sizeof(float));
	p->batch_target = ctx->alloc(ctx, p->batch * sizeof(uint32_t));
}

static void
shuffle(pga_ctx *ctx, passes *p)
{
	for (size_t i = p->nvisits; i > 1; i--)
	{
		size_t		k = (size_t) pga_rng_below(&p->rng, i);
		uint32_t	row = p->visit[i - 1];

		p->visit[i - 1] = p->visit[k];
		p->visit[k] = row;
		if (i % 65536 == 0)
			ctx->poll(ctx);
	}
}

/* Holds n numbers within what the task learns of them. */
static void
limit(const nn_task *task, float *x, size_t n)
{
	float		most = task->limit > 0 ? task->limit : NN_LIMIT;

	for (size_t i = 0; i < n; i++)
	{
		float		v = x[i] < most ? x[i] : most;

		x[i] = v > -most ? v : -most;
	}
}

/* Copies rows into the network's input, each for one of its visits or for all. */
static void
gather(passes *p, nn_net *net, const uint32_t *row, size_t n, bool all)
{
	const pga_matrix *m = p->task->m;
	size_t		width = net->layer[0].in;

	for (size_t i = 0; i < n; i++)
	{
		memcpy(net->x + i * width, m->x + row[i] * m->cols, m->cols * sizeof(float));
		p->batch_weight[i] = p->weight[row[i]] * (float) (all ? visits(m->weight[row[i]], p->most) : 1);
		if (p->task->target != NULL)
			p->batch_target[i] = p->task->target[row[i]];
	}
	limit(p->task, net->x, n * width);
	if (p->clean != NULL)
		memcpy(p->clean, net->x, n * width * sizeof(float));
}

/*
 * Swap noise: a share of the numbers is taken from other rows of the batch.
 * What is to be rebuilt stays behind in p->clean.
 */
static void
swap_numbers(passes *p, nn_net *net, size_t n)
{
	size_t		width = net->layer[0].in;
	uint64_t	limit = (uint64_t) (p->task->noise * 65536);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < p->task->m->cols; j += 3)
		{
			uint64_t	bits = pga_rng_next(&p->rng);
			size_t		other = (size_t) (bits >> 48) % n;

			for (size_t k = j; k < j + 3 && k < p->task->m->cols; k++, bits >>= 16)
				if ((bits & 0xffff) < limit)
					net->x[i * width + k] = p->clean[other * width + k];
		}
}

/* The loss of the rows just gone forward; its gradient in net->dy. */
static double
loss(const passes *p, nn_net *net, size_t n)
{
	const nn_layer *last = &net->layer[net->nlayers - 1];

	if (p->task->target == NULL)
		return nn_square_error(last->y, p->clean, n, last->used_out, last->out,
							   p->batch_weight, net->dy);
	memcpy(net->dy, last->y, n * last->out * sizeof(float));
	return nn_cross_entropy(net->dy, n, last->used_out, last->out, p->batch_target, p->batch_weight);
}

/* The gradient of the penalty; norms and biases have none. */
static void
penalise(nn_net *net, float l2)
{
	for (size_t l = 0; l2 > 0 && l < net->nlayers; l++)
	{
		const nn_layer *y = &net->layer[l];
		float	   *grad = net->block.grad + y->weight;
		const float *value = net->block.value + y->weight;

		for (size_t i = 0; i < y->in * y->out; i++)
			grad[i] += 2 * l2 * value[i];
	}
}

static double
sum_weights(const passes *p, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) p->batch_weight[i];
	return sum;
}

/* The first visit of a mini-batch, the s-th of so many. */
static size_t
batch_begin(const passes *p, size_t s, size_t steps)
{
	if (!p->task->rest)
		return p->nvisits * s / steps;
	return s < steps ? p->batch * s : p->nvisits;
}

/* One pass; the mean loss on the way. */
static double
learn(pga_ctx *ctx, passes *p, nn_net *net, double rate, float l2)
{
	size_t		steps = (p->nvisits + p->batch - 1) / p->batch;
	double		sum = 0;
	double		weight = 0;

	shuffle(ctx, p);
	for (size_t s = 0; s < steps; s++)
	{
		size_t		from = batch_begin(p, s, steps);
		size_t		n = batch_begin(p, s + 1, steps) - from;

		gather(p, net, p->visit + from, n, false);
		if (p->task->noise > 0)
			swap_numbers(p, net, n);
		nn_forward(ctx, net, n, true);
		sum += loss(p, net, n);
		weight += sum_weights(p, n);
		nn_backward(ctx, net, n);
		penalise(net, l2);
		nn_adam(ctx, &net->block, rate, 0);
	}
	return sum / weight;
}

static double
validate(pga_ctx *ctx, passes *p, nn_net *net)
{
	double		sum = 0;
	double		weight = 0;

	for (size_t i = 0; i < p->nchecks; i += p->batch)
	{
		size_t		n = p->nchecks - i < p->batch ? p->nchecks - i : p->batch;

		gather(p, net, p->check + i, n, true);
		nn_forward(ctx, net, n, false);
		sum += loss(p, net, n);
		weight += sum_weights(p, n);
	}
	return sum / weight;
}

/*
 * A column that is the same in every row is part of the bias of what it goes
 * to.  That must be made so: its weights are wherever chance put them, and a
 * value met after training, of a category that was never seen say, would be
 * taken as it is.
 */
static void
forget_constants(pga_ctx *ctx, nn_net *net, const pga_matrix *m)
{
	nn_layer   *l = &net->layer[0];
	bool	   *varies = ctx->alloc(ctx, m->cols);

	for (size_t i = 1; i < m->rows; i++)
		for (size_t j = 0; j < m->cols; j++)
			varies[j] |= m->x[i * m->cols + j] != m->x[j];
	for (size_t j = 0; j < m->cols; j++)
	{
		float	   *weight = net->block.value + l->weight + j * l->out;

		for (size_t o = 0; o < l->out && !varies[j]; o++)
		{
			float		constant = weight[o] * nn_clamp(m->x[j]);

			if (l->norm)
				l->mean[o] -= constant;
			else
				net->block.value[l->bias + o] += constant;
			weight[o] = 0;
		}
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static size_t
epochs(const passes *p, const pga_params *params)
{
	double		asked = pga_param(params, "epochs");
	double		steps = (double) p->nvisits / (double) p->batch;

	if (asked > 0)
		return (size_t) asked;
	if (p->task->rest)
		return (size_t) ceil((double) p->task->steps / steps);
	return (size_t) fmax(LEAST_EPOCHS, fmin(MOST_EPOCHS, ceil((double) p->task->steps / ceil(steps))));
}

size_t
nn_train_bytes(pga_ctx *ctx, const nn_task *task, const pga_params *params)
{
	const pga_matrix *shape = task->m;
	size_t		batch = batch_size(task, 2 * shape->rows, params);

	/* Order and weight of each row, and at most two visits. */
	return pga_add(ctx, pga_mul(ctx, shape->rows, 4 * sizeof(uint32_t)),
				   pga_add(ctx, nn_net_bytes(ctx, &task->plan, batch),
							shape->cols + pga_mul(ctx, batch, 8 + nn_pad(shape->cols) * sizeof(float))));
}

/* Once a pass is over; notes its losses.  keep: it is to be kept so far.  False: stop. */
static bool
judge(pga_ctx *ctx, passes *p, nn_net *net, nn_schedule *s, pga_report *report, double train_loss,
	  bool *keep)
{
	if (p->nchecks > 0)
		return nn_schedule_epoch(ctx, s, report, train_loss, validate(ctx, p, net), keep);
	s->epoch++;
	if (s->epoch * MOST_NOTES / s->epochs > (s->epoch - 1) * MOST_NOTES / s->epochs)
		pga_report_append(ctx, report, "train_loss", train_loss);
	s->best = train_loss < INFINITY ? train_loss : s->best;
	*keep = isfinite(train_loss);
	return *keep;
}

nn_net *
nn_train(pga_ctx *ctx, const nn_task *task, const pga_params *params, pga_report *report)
{
	passes		p = {.task = task};
	nn_schedule schedule = {
		.patience = (size_t) pga_param(params, "patience"),
		.rate = pga_param(params, "learning_rate"),
		.best = INFINITY
	};
	nn_net	   *net;
	bool		going = true;

	pga_rng_seed(&p.rng, task->seed, 2);
	plan_passes(ctx, &p, params);
	schedule.epochs = epochs(&p, params);
	net = nn_net_create(ctx, &task->plan, p.batch, task->seed);
	if (task->target == NULL)
		p.clean = ctx->alloc(ctx, pga_mul(ctx, p.batch, net->layer[0].in * sizeof(float)));
	memcpy(net->block.best, net->block.value, net->block.n * sizeof(float));
	memcpy(net->best_running, net->running, net->nrunning * sizeof(float));
	for (size_t left = schedule.epochs; left > 0 && going; left--)
	{
		double		train_loss = learn(ctx, &p, net, schedule.rate, (float) pga_param(params, "l2"));
		bool		keep;

		going = judge(ctx, &p, net, &schedule, report, train_loss, &keep);
		if (!keep)
			continue;
		memcpy(net->block.best, net->block.value, net->block.n * sizeof(float));
		memcpy(net->best_running, net->running, net->nrunning * sizeof(float));
	}
	if (schedule.best == INFINITY)
		ctx->warn(ctx, "training never came to a finite loss, lower option \"learning_rate\" or scale the columns");
	memcpy(net->block.value, net->block.best, net->block.n * sizeof(float));
	memcpy(net->running, net->best_running, net->nrunning * sizeof(float));
	forget_constants(ctx, net, task->m);
	return net;
}
