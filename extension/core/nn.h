/*
 * nn.h - the small neural core that dnn, autoencoder and lstm share; nobody
 * else includes it.
 *
 * Everything is float32 and row-major.  The width of every layer is rounded
 * up to NN_LANE in memory, and the columns that adds are zero in activations,
 * weights and gradients alike, so that loops need no remainders.  Below,
 * B is the rows of a mini-batch, and in and out are such rounded widths.
 *
 *   nn_kernel.c	loops over batches, and the product scoring uses
 *   nn.c			dense layers forward and backward, losses, Adam
 *   nn_train.c		mini-batches, validation, early stopping
 *   nn_folded.c	the trained network as it is saved and scored with
 *   nn_lstm.c		recurrent layers forward and backward
 *
 * Training multiplies matrices with CBLAS; it may differ between machines in
 * the last digits.  Scoring does not use it and is the same everywhere.
 */
#ifndef PGA_NN_H
#define PGA_NN_H

#include "core.h"
#include "rng.h"

#define NN_LANE 8
#define NN_MAX_LAYERS (2 * PGA_MAX_SIZES + 1)
#define NN_MAX_WIDTH 1024		/* of a hidden layer */
#define NN_MAX_BATCH 1024
/* Inputs, weights and activations are held within this, so that no product of
 * sums can leave the range of float32. */
#define NN_LIMIT 1e6f

static inline size_t
nn_pad(size_t width)
{
	return (width + NN_LANE - 1) / NN_LANE * NN_LANE;
}

static inline float
nn_clamp(float x)
{
	x = x < NN_LIMIT ? x : NN_LIMIT;
	return x > -NN_LIMIT ? x : -NN_LIMIT;
}

/* ---- loops over batches (nn_kernel.c) ----------------------------------------- */

/* y[rows][out] = b + x w, x[rows][stride] of which `in` are used; b may be NULL: y += x w.
 * Each sum is in order of the inputs, whatever rows is. */
void		nn_product(const float *x, size_t rows, size_t in, size_t stride,
					   const float *w, const float *b, size_t out, float *y);
void		nn_relu_rows(float *y, size_t n);	/* and holds within NN_LIMIT */
void		nn_clamp_rows(float *y, size_t n);

/* z[B][out] += bias[out]. */
void		nn_add_bias(float *z, size_t rows, size_t out, const float *bias);
/* Mean and 1 / deviation over the batch of each column. */
void		nn_moments(const float *z, size_t rows, size_t out, float *mean, float *variance);
/* z = (z - mean) / deviation; y = gamma z + beta. */
void		nn_normalise(float *z, size_t rows, size_t out, const float *mean, const float *factor,
						 const float *gamma, const float *beta, float *y);
/* dbeta = sum dy, dgamma = sum dy z. */
void		nn_normalise_sums(const float *dy, const float *z, size_t rows, size_t out,
							  float *dgamma, float *dbeta);
/* dy becomes the gradient of the input of nn_normalise. */
void		nn_normalise_back(float *dy, const float *z, size_t rows, size_t out,
							  const float *gamma, const float *factor,
							  const float *dgamma, const float *dbeta);
/* y = scale y where y > 0, else 0; and back: dy = scale dy where y > 0, else 0. */
void		nn_relu(float *y, size_t n, float scale);
void		nn_relu_back(float *dy, const float *y, size_t n, float scale);
/* y = 0 where drop is set, else scale y. */
void		nn_drop(float *y, const uint8_t *drop, size_t n, float scale);
/* sum[out] = sum over the batch of dy. */
void		nn_column_sums(const float *dy, size_t rows, size_t out, float *sum);
/* One step of Adam on n parameters. */
void		nn_adam_step(float *value, const float *grad, float *mean, float *square, size_t n,
						 float rate, float mean_scale, float square_scale);

/*
 * LSTM gates of one step.  g[B][4H] are the sums of input, forget, cell and
 * output gate, one after the other, and become the gates; c[B][H] goes from
 * cell_before to cell, h[B][H] gets the output.  H is padded.
 */
void		nn_lstm_gates(float *g, const float *cell_before, float *cell, float *h,
						  size_t rows, size_t width);
/* dh[B][H] is the gradient of h; dcell[B][H] that of cell, and becomes that of
 * cell_before; g[B][4H] goes from gates to the gradients of their sums. */
void		nn_lstm_gates_back(float *g, const float *cell_before, const float *cell,
							   const float *dh, float *dcell, size_t rows, size_t width);

/* ---- parameters ------------------------------------------------------------------ */

/* All parameters of a network, end to end, and what training keeps of each. */
typedef struct nn_block
{
	size_t		n;
	float	   *value,
			   *grad,
			   *mean,			/* Adam's moments */
			   *square,
			   *best;			/* values at the best validation loss */
	double		mean_power,		/* beta ^ steps taken */
				square_power;
} nn_block;

size_t		nn_block_bytes(pga_ctx *, size_t n);
void		nn_block_alloc(pga_ctx *, nn_block *, size_t n);
/* Adam (Kingma & Ba 2015) along grad, whose norm is first held to max_norm (0: not). */
void		nn_adam(pga_ctx *, nn_block *, double rate, double max_norm);

/*
 * c[m][n] = a b + beta c, where a is [m][k], or [k][m] when its transpose is
 * meant, and b likewise; cut into pieces of a millisecond with polls between.
 */
void		nn_gemm(pga_ctx *, bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k,
					const float *a, size_t a_stride, const float *b, size_t b_stride,
					float beta, float *c, size_t c_stride);

/* Sets a share of drop[n], n a multiple of NN_LANE, by chance. */
void		nn_draw_drops(pga_rng *, uint8_t *drop, size_t n, float share);

/* ---- dense networks (nn.c) ---------------------------------------------------------- */

typedef struct nn_layer
{
	size_t		in,
				out,			/* rounded up */
				used_in,
				used_out;		/* as asked for */
	bool		hidden;			/* ReLU behind it, and dropout */
	bool		norm;			/* batch norm before the ReLU, in place of a bias */
	float		dropout;		/* share of outputs set to 0 in training */
	size_t		weight,			/* [in][out] in the block */
				bias,			/* [out]; beta of a norm */
				gamma;			/* [out], norm only */
	float	   *z,				/* [B][out] normalised sums, norm only */
			   *y;				/* [B][out] */
	uint8_t    *drop;			/* [B][out] */
	float	   *batch_mean,		/* [out] of the batch at hand */
			   *batch_factor,
			   *mean,			/* [out] running, for use after training */
			   *variance;
} nn_layer;

typedef struct nn_net
{
	nn_layer	layer[NN_MAX_LAYERS];
	size_t		nlayers;
	size_t		batch;			/* most rows at once */
	nn_block	block;
	float	   *x;				/* [B][in] */
	float	   *dy,				/* [B][widest] two gradients in turn */
			   *dx;
	float	   *running,		/* all running moments, end to end, and the best's */
			   *best_running;
	size_t		nrunning;
	pga_rng		rng;			/* dropout's */
} nn_net;

/* Widths from input to output, hidden layers all alike. */
typedef struct nn_plan
{
	uint32_t	width[NN_MAX_LAYERS + 1];
	size_t		nlayers;
	bool		norm;
	double		dropout;
	bool		small;			/* weights start as in LeCun et al. (1998), smaller than for ReLU */
} nn_plan;

size_t		nn_net_bytes(pga_ctx *, const nn_plan *, size_t batch);
nn_net	   *nn_net_create(pga_ctx *, const nn_plan *, size_t batch, uint64_t seed);
/* The last layer's y for net->x; in training the batch's own moments, and dropout. */
float	   *nn_forward(pga_ctx *, nn_net *, size_t rows, bool training);
/* Fills block.grad from net->dy, the gradient of the output. */
void		nn_backward(pga_ctx *, nn_net *, size_t rows);

/* Losses: the sum over rows of weight times loss; gradients of it / rows. */
/* y[rows][out]: logits become their gradient; cross-entropy of softmax. */
double		nn_cross_entropy(float *y, size_t rows, size_t classes, size_t out,
							 const uint32_t *target, const float *weight);
/* Mean square over the columns. */
double		nn_square_error(const float *y, const float *x, size_t rows, size_t cols, size_t out,
							const float *weight, float *dy);

/* ---- training (nn_train.c) -------------------------------------------------------------- */

/* Options the neural detectors have in common. */
#define NN_PATIENCE "Passes without a better validation loss after which training stops; the best one is kept"
#define NN_PARAMS(epochs_doc_, batch_, rate_, dropout_, l2_, patience_, least_patience_, patience_doc_) \
	{"epochs", PGA_PARAM_INT, 0, 0, 10000, NULL, epochs_doc_}, \
	{"batch_size", PGA_PARAM_INT, batch_, 1, NN_MAX_BATCH, NULL, \
	"Most rows in a mini-batch; small tables take smaller ones."}, \
	{"learning_rate", PGA_PARAM_REAL, rate_, 1e-6, 1, NULL, \
	"Step size of Adam; halved when the validation loss stands still."}, \
	{"dropout", PGA_PARAM_REAL, dropout_, 0, 0.9, NULL, \
	"Share of hidden outputs left out at random in training."}, \
	{"l2", PGA_PARAM_REAL, l2_, 0, 1, NULL, \
	"Penalty on the squares of the weights."}, \
	{"patience", PGA_PARAM_INT, patience_, least_patience_, 10000, NULL, patience_doc_}, \
	{"validation", PGA_PARAM_REAL, 0.1, 0.01, 0.5, NULL, \
	"Share of the training rows that only measure the validation loss."}

/* When to halve the rate, when to stop, what to keep. */
typedef struct nn_schedule
{
	size_t		epochs,			/* planned */
				epoch,			/* gone by, when nothing is validated */
				patience,
				since_best,
				since_halved;
	double		rate,
				best;			/* validation loss */
} nn_schedule;

/* After an epoch; notes the losses.  keep: this is the best one so far.  False: stop. */
bool		nn_schedule_epoch(pga_ctx *, nn_schedule *, pga_report *, double train_loss,
							  double validation_loss, bool *keep);

/* What is learnt: classes, or with target NULL the rows themselves. */
typedef struct nn_task
{
	const pga_matrix *m;
	const uint32_t *target;		/* [rows] */
	const float *class_weight;	/* [classes] */
	nn_plan		plan;
	uint64_t	seed;
	size_t		steps;			/* mini-batches when option epochs is 0 */
	float		limit;			/* numbers beyond +-limit are learnt as that; 0: none are */
	double		noise;			/* share of the numbers that are swapped between rows */
	bool		rest;			/* what is left of a pass is a smaller mini-batch, and of few
								 * rows a pass may be one; else they are alike, and several */
} nn_task;

/* m of the task is the shape alone. */
size_t		nn_train_bytes(pga_ctx *, const nn_task *, const pga_params *);
/* With option patience 0 no row is kept to validate on: all are learnt from, to
 * the last pass. */
nn_net	   *nn_train(pga_ctx *, const nn_task *, const pga_params *, pga_report *);

/* ---- trained networks (nn_folded.c) -------------------------------------------------------- */

/* A network for scoring: batch norms folded into the weights, ReLU behind all
 * layers but the last. */
typedef struct nn_folded
{
	size_t		nlayers;
	uint32_t	width[NN_MAX_LAYERS + 1];
	const float *weight[NN_MAX_LAYERS]; /* [width][nn_pad(next width)] */
	const float *bias[NN_MAX_LAYERS];	/* [nn_pad(next width)] */
	size_t		widest;			/* of all layers but the input, rounded up */
} nn_folded;

/* f32 weights, as many rows of as many numbers, held within NN_LIMIT; in
 * memory the rows are rounded up. */
float	   *nn_load_rows(pga_reader *, size_t rows, size_t width);
void		nn_save_rows(pga_buf *, const float *w, size_t rows, size_t width);

/* Bytes nn_fold and loading its result take. */
size_t		nn_folded_bytes(pga_ctx *, const nn_plan *);
void		nn_fold(const nn_net *, pga_buf *);
/* Loads what nn_fold or nn_folded_save wrote: u8 layers, u32 widths, then each
 * layer's f32 weights by input, and biases. */
void		nn_folded_load(pga_reader *, nn_folded *, size_t in, size_t out);
void		nn_folded_save(const nn_folded *, pga_buf *);
#define NN_ROWS 24				/* that go through the layers together */
size_t		nn_folded_scratch(const nn_folded *);
/* Output of at most NN_ROWS rows x[rows][width[0]]: [rows][nn_pad(last width)], in scratch. */
const float *nn_folded_apply(const nn_folded *, const float *x, size_t rows, float *scratch);

/* ---- recurrent networks (nn_lstm.c) --------------------------------------------------------- */

/* One LSTM layer; T is the steps of a window, H its padded width. */
typedef struct nn_cell
{
	size_t		in,
				width,			/* rounded up */
				used_in,
				used_width;
	size_t		input,			/* [in][4H] in the block: input, forget, cell and output gate */
				back,			/* [H][4H] from the step before */
				bias;			/* [4H] */
	float	   *g,				/* [T][B][4H] gates */
			   *c,				/* [T + 1][B][H] cells, the first 0 */
			   *h,				/* [T + 1][B][H] outputs, the first 0 */
			   *up;				/* [T][B][H] outputs as the next layer gets them */
	uint8_t    *drop;			/* [T][B][H] */
} nn_cell;

/* LSTM layers, and a forecast of the next row from the last one's output and
 * the row itself. */
typedef struct nn_recurrent
{
	nn_cell		cell[PGA_MAX_SIZES];
	size_t		ncells;
	size_t		cols,
				out;			/* cols rounded up */
	size_t		steps,
				batch;			/* most at once */
	float		dropout;
	size_t		head,			/* [H][out] */
				direct,			/* [out][out] */
				bias;			/* [out] */
	nn_block	block;
	float	   *x,				/* [T][B][out] */
			   *y,				/* [T][B][out] forecasts */
			   *dy,				/* [T][B][out] */
			   *dh,				/* [T][B][widest] */
			   *dcell;			/* [B][widest] */
	pga_rng		rng;
} nn_recurrent;

size_t		nn_recurrent_bytes(pga_ctx *, size_t cols, const uint32_t *width, size_t n,
							   size_t steps, size_t batch);
nn_recurrent *nn_recurrent_create(pga_ctx *, size_t cols, const uint32_t *width, size_t n,
								  size_t steps, size_t batch, double dropout, uint64_t seed);
/* y from x, with rows in place of B throughout. */
void		nn_recurrent_forward(pga_ctx *, nn_recurrent *, size_t rows, bool training);
/* block.grad from dy. */
void		nn_recurrent_backward(pga_ctx *, nn_recurrent *, size_t rows);

#endif							/* PGA_NN_H */
