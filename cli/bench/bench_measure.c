// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_measure.c
/// One case of `weir bench gated`: layers, batches and gates; the comparison with masked dense products; the timing,
/// in which gated, dense and peer take turns.
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double cold_bytes = 1073741824.0; // more than any cache
enum { MOST_SAMPLES = 500, LEAST_SAMPLES = 5, SAMPLED = 4, WARM_UPS = 2 };

/// The batches of one way through the stack: layer l reads x[l] and writes y[l].
typedef struct way {
    bool gated;
    weir_layer **layers; // [sets][stack]
    weir_batch **x, **y; // [stack]
} way;

/// All that a case needs.
typedef struct bed {
    const bench_case *c;
    size_t sets, turn;   // turn: passes so far, of all ways
    float **gates;       // [stack][batch·blocks]: the same in every set, so that all do the same work
    float *source_gates; // of a two-sided first input
    float *weights;      // [outputs·inputs], of every layer at first
    float *inputs;       // [batch·inputs], closed ones 0
    float *gradient;     // [batch·outputs] of the last output
    float *plain;        // [batch·max(inputs, outputs)]
    way gated, dense;
    bool own_dense_layers;
} bed;

static size_t blocks_of(size_t width, size_t block) { return (width + block - 1) / block; }

const char *bench_case_name(char text[120], const bench_case *c) {
    snprintf(text, 120, "%zux%zu block %zu share %.4g batch %zu %s %s-sided%s", c->inputs, c->outputs, c->block,
             c->share, c->batch, weir_precision_name(c->precision), c->two_sided ? "two" : "one",
             c->stack > 1 ? ", stacked" : "");
    return text;
}

// Making a bed.

/// Numbers in −1 … 1 that depend on row and seed alone.
static void fill(float *values, size_t count, uint32_t stream) {
    enum { ROW = 4096 };
    for (size_t at = 0, row = 0; at < count; at += ROW, row++) {
        size_t length = count - at < ROW ? count - at : ROW;
        weir_random_uniform(values + at, (weir_noise){.seed = 20130815, .step = stream}, (uint32_t)row, length);
        for (size_t k = 0; k < length; k++) values[at + k] = 2 * values[at + k] - 1;
    }
}

/// Each gate of each row open with probability share, on its own. Of several such draws the one whose share comes
/// nearest is taken: few gates would else be far from it by chance.
static void draw_gates(float *gates, size_t count, double share, uint32_t stream) {
    enum { DRAWS = 64 };
    double least = INFINITY;
    uint32_t best = 0;
    for (uint32_t draw = 0; draw <= DRAWS; draw++) {
        bool last = draw == DRAWS || least <= 0.01 * share;
        fill(gates, count, stream + 1000 * (last ? best : draw));
        double open = 0;
        for (size_t k = 0; k < count; k++) {
            gates[k] = 0.5 * ((double)gates[k] + 1) < share ? 1 : 0;
            open += (double)gates[k];
        }
        if (last) break;
        double away = fabs(open / (double)count - share);
        if (away < least) least = away, best = draw;
    }
}

static float *new_floats(size_t count) { return malloc((count > 0 ? count : 1) * sizeof(float)); }

static int make_layer(const bed *b, weir_layer **layer, bool blocks) {
    const bench_case *c = b->c;
    weir_error error = {0};
    weir_layer_options options = weir_layer_options_default(c->inputs, c->outputs);
    options.precision = c->precision;
    options.weights = b->weights;
    options.output_block = blocks ? c->block : 0;
    options.input_block = blocks && c->two_sided ? c->block : 0;
    return weir_layer_create(layer, &options, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static int make_layers(const bed *b, way *w, bool blocks) {
    size_t count = b->sets * b->c->stack;
    w->layers = calloc(count, sizeof *w->layers);
    if (w->layers == NULL) return cli_error("out of memory");
    for (size_t k = 0; k < count; k++)
        if (make_layer(b, &w->layers[k], blocks) != CLI_OK) return CLI_FAILED;
    return CLI_OK;
}

static int make_batch(weir_batch **batch, size_t width, size_t block, size_t rows) {
    weir_error error = {0};
    return weir_batch_create(batch, width, block, rows, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

/// In a stack of layers that share their form a layer's output is the next one's input; a dense input after blocks of
/// outputs is a batch of its own.
static int make_batches(const bed *b, way *w) {
    const bench_case *c = b->c;
    w->x = calloc(c->stack, sizeof *w->x);
    w->y = calloc(c->stack, sizeof *w->y);
    if (w->x == NULL || w->y == NULL) return cli_error("out of memory");
    for (size_t l = 0; l < c->stack; l++) {
        bool shared = l > 0 && (!w->gated || c->two_sided);
        if (make_batch(&w->y[l], c->outputs, w->gated ? c->block : 0, c->batch) != CLI_OK) return CLI_FAILED;
        if (shared)
            w->x[l] = w->y[l - 1];
        else if (make_batch(&w->x[l], c->inputs, w->gated && c->two_sided ? c->block : 0, c->batch) != CLI_OK)
            return CLI_FAILED;
    }
    return CLI_OK;
}

static int begin_batch(weir_batch *batch, size_t rows, const float *gates) {
    weir_error error = {0};
    return weir_batch_begin(batch, rows, gates, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static int make_gates(bed *b) {
    const bench_case *c = b->c;
    size_t count = c->batch * blocks_of(c->outputs, c->block);
    b->gates = calloc(c->stack, sizeof *b->gates);
    if (b->gates == NULL) return cli_error("out of memory");
    for (size_t k = 0; k < c->stack; k++) {
        b->gates[k] = new_floats(count);
        if (b->gates[k] == NULL) return cli_error("out of memory");
        draw_gates(b->gates[k], count, c->share, 100 + (uint32_t)k);
    }
    return CLI_OK;
}

static int make_numbers(bed *b) {
    const bench_case *c = b->c;
    size_t widest = c->inputs > c->outputs ? c->inputs : c->outputs, source = c->batch * blocks_of(c->inputs, c->block);
    b->weights = new_floats(c->outputs * c->inputs);
    b->inputs = new_floats(c->batch * c->inputs);
    b->gradient = new_floats(c->batch * c->outputs);
    b->plain = new_floats(c->batch * widest);
    b->source_gates = new_floats(source);
    if (b->weights == NULL || b->inputs == NULL || b->gradient == NULL || b->plain == NULL || b->source_gates == NULL)
        return cli_error("out of memory");
    // What goes through open blocks keeps its size from layer to layer.
    bool thins = (c->two_sided || c->stack > 1) && c->share > 0;
    float scale = sqrtf(3 / ((float)c->inputs * (thins ? (float)c->share : 1)));
    fill(b->weights, c->outputs * c->inputs, 1);
    for (size_t k = 0; k < c->outputs * c->inputs; k++) b->weights[k] *= scale;
    fill(b->inputs, c->batch * c->inputs, 2);
    fill(b->gradient, c->batch * c->outputs, 3);
    draw_gates(b->source_gates, source, c->share, 4);
    return CLI_OK;
}

static int fill_inputs(bed *b) {
    const bench_case *c = b->c;
    weir_batch *x = b->gated.x[0];
    if (begin_batch(x, c->batch, c->two_sided ? b->source_gates : NULL) != CLI_OK ||
        begin_batch(b->dense.x[0], c->batch, NULL) != CLI_OK)
        return CLI_FAILED;
    weir_batch_put(x, b->inputs);
    weir_batch_get(x, b->inputs); // closed ones are 0 from here on
    weir_batch_put(b->dense.x[0], b->inputs);
    return CLI_OK;
}

static int make_bed(bed *b) {
    const bench_case *c = b->c;
    double bytes = (double)c->stack * (double)c->outputs * (double)c->inputs * (c->precision == WEIR_BFLOAT16 ? 2 : 4);
    b->sets = c->cold && bytes < cold_bytes ? (size_t)ceil(cold_bytes / bytes) : 1;
    b->gated.gated = true;
    b->own_dense_layers = c->two_sided; // whose weights lie differently
    int status = make_numbers(b);
    if (status == CLI_OK) status = make_gates(b);
    if (status == CLI_OK) status = make_layers(b, &b->gated, true);
    if (status == CLI_OK && b->own_dense_layers) status = make_layers(b, &b->dense, false);
    if (!b->own_dense_layers) b->dense.layers = b->gated.layers;
    if (status == CLI_OK) status = make_batches(b, &b->gated);
    if (status == CLI_OK) status = make_batches(b, &b->dense);
    if (status == CLI_OK) status = fill_inputs(b);
    return status;
}

static void free_way(const bed *b, way *w, bool own_layers) {
    for (size_t k = 0; own_layers && w->layers != NULL && k < b->sets * b->c->stack; k++) weir_layer_free(w->layers[k]);
    if (own_layers) free(w->layers);
    for (size_t l = 0; l < b->c->stack; l++) {
        if (w->x != NULL && (l == 0 || w->x[l] != w->y[l - 1])) weir_batch_free(w->x[l]);
        if (w->y != NULL) weir_batch_free(w->y[l]);
    }
    free(w->x);
    free(w->y);
}

static void free_bed(bed *b) {
    free_way(b, &b->dense, b->own_dense_layers);
    free_way(b, &b->gated, true);
    for (size_t k = 0; b->gates != NULL && k < b->c->stack; k++) free(b->gates[k]);
    float *arrays[] = {b->source_gates, b->weights, b->inputs, b->gradient, b->plain};
    for (size_t k = 0; k < CLI_COUNT_OF(arrays); k++) free(arrays[k]);
    free(b->gates);
}

// Passes.

static weir_layer *layer_at(const bed *b, const way *w, size_t set, size_t l) {
    return w->layers[set * b->c->stack + l];
}

/// The input of layer l, where it is not the output of the one below itself.
static int hand_up(const bed *b, const way *w, size_t l) {
    if (l == 0 || w->x[l] == w->y[l - 1]) return CLI_OK;
    if (begin_batch(w->x[l], b->c->batch, NULL) != CLI_OK) return CLI_FAILED;
    weir_batch_get(w->y[l - 1], weir_batch_look(w->x[l]).values);
    return CLI_OK;
}

static int forward_pass(const bed *b, const way *w, size_t set) {
    weir_error error = {0};
    for (size_t l = 0; l < b->c->stack; l++) {
        if (begin_batch(w->y[l], b->c->batch, w->gated ? b->gates[l] : NULL) != CLI_OK || hand_up(b, w, l) != CLI_OK)
            return CLI_FAILED;
        if (weir_layer_forward(layer_at(b, w, set, l), w->y[l], w->x[l], &error) != WEIR_OK)
            return cli_weir_error(&error);
    }
    return CLI_OK;
}

static int backward_pass(const bed *b, const way *w, size_t set, const weir_layer_step *step) {
    weir_error error = {0};
    for (size_t l = b->c->stack; l-- > 0;) {
        weir_status status = weir_layer_backward(layer_at(b, w, set, l), w->x[l], w->y[l], true, step, &error);
        if (status == WEIR_OK && l > 0 && w->x[l] != w->y[l - 1])
            status = weir_batch_put_gradient(w->y[l - 1], weir_batch_look(w->x[l]).gradient, &error);
        if (status != WEIR_OK) return cli_weir_error(&error);
    }
    return CLI_OK;
}

static int put_gradient(const bed *b, const way *w) {
    weir_error error = {0};
    if (weir_batch_put_gradient(w->y[b->c->stack - 1], b->gradient, &error) == WEIR_OK) return CLI_OK;
    return cli_weir_error(&error);
}

/// One forward pass, or a training step, on the next set. What hands the loss's gradient over is not timed.
static int one_pass(bed *b, const way *w, bool train, bench_times *times) {
    static const weir_layer_step step = {.rate = 1e-6f}; // small: a hundred steps must leave the weights usable
    size_t set = b->turn++ % b->sets;
    double start = cli_clock(), middle = 0, end = 0;
    if (forward_pass(b, w, set) != CLI_OK) return CLI_FAILED;
    middle = cli_clock();
    *times = (bench_times){1e3 * (middle - start), NAN, NAN};
    if (!train) return CLI_OK;
    if (put_gradient(b, w) != CLI_OK) return CLI_FAILED;
    start = cli_clock();
    if (backward_pass(b, w, set, &step) != CLI_OK) return CLI_FAILED;
    end = cli_clock();
    times->backward = 1e3 * (end - start);
    times->train = times->forward + times->backward;
    return CLI_OK;
}

// Comparison.

static double tolerance(const bench_case *c) { return c->precision == WEIR_BFLOAT16 ? 1e-2 : 1e-5; }

/// Whether the gate of unit u of row r is open.
static bool is_open(const float *gates, size_t row, size_t unit, size_t width, size_t block) {
    return gates == NULL || gates[row * blocks_of(width, block) + unit / block] != 0;
}

/// Greatest |got − want| / greatest |want|; NaN where something is not a number.
static double difference(const float *got, const float *want, size_t count) {
    double worst = 0, scale = 0;
    for (size_t k = 0; k < count; k++) {
        double d = fabs((double)got[k] - (double)want[k]);
        if (!(d <= worst)) worst = d;
        if (isnan(worst)) return NAN;
        scale = fmax(scale, fabs((double)want[k]));
    }
    return worst > 0 ? worst / scale : 0;
}

static void mask(float *plain, const float *gates, size_t rows, size_t width, size_t block) {
    for (size_t r = 0; r < rows; r++)
        for (size_t u = 0; u < width; u++)
            if (!is_open(gates, r, u, width, block)) plain[r * width + u] = 0;
}

static int agree(const bench_case *c, const char *what, double error, bench_result *result) {
    char name[120];
    if (error <= tolerance(c)) {
        result->error = fmax(result->error, error);
        return CLI_OK;
    }
    return cli_error("%s: %s differs from the masked dense one by %.3g of its greatest value, more than %.0e; nothing "
                     "was measured",
                     bench_case_name(name, c), what, error, tolerance(c));
}

/// Dense y against sums in double precision, at a few rows and units.
static double sampled_forward(const bed *b, const float *y, const float *x) {
    const bench_case *c = b->c;
    double worst = 0, scale = 0;
    for (size_t p = 0; p < SAMPLED * SAMPLED * 4; p++) {
        size_t r = p % SAMPLED * c->batch / SAMPLED, o = (p * 7919 + 1) % c->outputs;
        const float *w = b->weights + o * c->inputs, *row = x + r * c->inputs;
        double sum = 0;
        for (size_t i = 0; i < c->inputs; i++) sum += (double)w[i] * (double)row[i];
        double d = fabs(sum - (double)y[r * c->outputs + o]);
        if (!(d <= worst)) worst = d;
        scale = fmax(scale, fabs(sum));
    }
    return worst > 0 ? worst / scale : 0;
}

/// Layer l of the first set, gated, dense and masked, from the same input.
static int compare_forward(const bed *b, size_t l, float *got, float *want, bench_result *result) {
    const bench_case *c = b->c;
    weir_error error = {0};
    if (begin_batch(b->dense.x[0], c->batch, NULL) != CLI_OK || begin_batch(b->dense.y[0], c->batch, NULL) != CLI_OK)
        return CLI_FAILED;
    weir_batch_get(b->gated.x[l], b->plain);
    weir_batch_put(b->dense.x[0], b->plain);
    if (weir_layer_forward(layer_at(b, &b->dense, 0, l), b->dense.y[0], b->dense.x[0], &error) != WEIR_OK)
        return cli_weir_error(&error);
    weir_batch_get(b->dense.y[0], want);
    if (agree(c, "a dense output", sampled_forward(b, want, b->plain), result) != CLI_OK) return CLI_FAILED;
    mask(want, b->gates[l], c->batch, c->outputs, c->block);
    weir_batch_get(b->gated.y[l], got);
    return agree(c, "an output", difference(got, want, c->batch * c->outputs), result);
}

/// The change of the weights, by a step of rate 1/batch.
static int compare_step(const bed *b, float *gated, float *dense, bench_result *result) {
    const bench_case *c = b->c;
    size_t count = c->outputs * c->inputs;
    weir_layer *g = layer_at(b, &b->gated, 0, 0), *d = layer_at(b, &b->dense, 0, 0);
    const weir_layer_step step = {.rate = 1.0f / (float)c->batch};
    weir_error error = {0};
    float *zero = calloc(c->outputs, sizeof *zero);
    if (zero == NULL) return cli_error("out of memory");
    weir_status status = weir_layer_backward(g, b->gated.x[0], b->gated.y[0], true, &step, &error);
    weir_layer_get_weights(g, gated, NULL);
    weir_layer_set_weights(g, b->weights, zero);
    if (status == WEIR_OK) status = weir_layer_backward(d, b->dense.x[0], b->dense.y[0], true, &step, &error);
    weir_layer_get_weights(d, dense, NULL);
    weir_layer_set_weights(d, b->weights, zero);
    free(zero);
    if (status != WEIR_OK) return cli_weir_error(&error);
    for (size_t k = 0; k < count; k++) {
        gated[k] -= b->weights[k];
        dense[k] -= b->weights[k];
    }
    return agree(c, "an update", difference(gated, dense, count), result);
}

/// The gradients and the update of the first layer; its batches hold a forward pass.
static int compare_backward(const bed *b, float *got, float *want, bench_result *result) {
    const bench_case *c = b->c;
    weir_error error = {0};
    memcpy(want, b->gradient, c->batch * c->outputs * sizeof *want);
    mask(want, b->gates[0], c->batch, c->outputs, c->block);
    if (weir_batch_put_gradient(b->gated.y[0], b->gradient, &error) != WEIR_OK ||
        weir_batch_put_gradient(b->dense.y[0], want, &error) != WEIR_OK)
        return cli_weir_error(&error);
    weir_batch_put(b->dense.x[0], b->inputs);
    float *gated = new_floats(c->outputs * c->inputs), *dense = new_floats(c->outputs * c->inputs);
    int status = gated == NULL || dense == NULL ? cli_error("out of memory") : compare_step(b, gated, dense, result);
    free(gated);
    free(dense);
    if (status != CLI_OK) return status;
    weir_batch_get_gradient(b->gated.x[0], got);
    weir_batch_get_gradient(b->dense.x[0], want);
    mask(want, c->two_sided ? b->source_gates : NULL, c->batch, c->inputs, c->block);
    return agree(c, "an input gradient", difference(got, want, c->batch * c->inputs), result);
}

static int compare(bed *b, bench_result *result) {
    const bench_case *c = b->c;
    size_t widest = c->inputs > c->outputs ? c->inputs : c->outputs;
    float *got = new_floats(c->batch * widest), *want = new_floats(c->batch * widest);
    int status = got == NULL || want == NULL ? cli_error("out of memory") : forward_pass(b, &b->gated, 0);
    for (size_t l = 0; l < c->stack && status == CLI_OK; l++) status = compare_forward(b, l, got, want, result);
    if (status == CLI_OK && (c->passes & BENCH_TRAIN)) status = compare_backward(b, got, want, result);
    free(got);
    free(want);
    return status == CLI_OK ? fill_inputs(b) : status;
}

// Counting.

/// Work and shares of the first set, whose batches hold a forward pass.
static int count_work(const bed *b, bench_result *result) {
    const bench_case *c = b->c;
    weir_error error = {0};
    size_t blocks = c->batch * blocks_of(c->outputs, c->block);
    double dense = 0, open = 0;
    for (size_t l = 0; l < c->stack; l++) {
        weir_layer_work work;
        if (weir_layer_count(layer_at(b, &b->gated, 0, l), &work, b->gated.y[l], b->gated.x[l], &error) != WEIR_OK)
            return cli_weir_error(&error);
        result->products += (double)work.products;
        result->needed += (double)work.weights_needed;
        result->bytes += (double)work.forward_bytes;
        dense += (double)work.dense;
        open += (double)weir_batch_look(b->gated.y[l]).slots;
    }
    result->share = result->products / dense;
    result->open = open / ((double)blocks * (double)c->stack);
    for (int operation = 0; operation < WEIR_OPERATION_COUNT; operation++)
        if (weir_layer_plan(layer_at(b, &b->gated, 0, 0), &result->plans[operation], (weir_operation)operation,
                            b->gated.y[0], b->gated.x[0], &error) != WEIR_OK)
            return cli_weir_error(&error);
    return CLI_OK;
}

/// The least time that the machine allows: the greater of multiply-adds at its rate and weights through its memory.
static void add_floor(const bench_case *c, const weir_machine *machine, bench_result *result) {
    bool half = c->precision == WEIR_BFLOAT16;
    double rate = half ? fmax(machine->bfloat16_flops, machine->float32_flops) : machine->float32_flops;
    double read = c->cold ? result->needed * (half ? 2 : 4) : 0;
    double moved = c->cold ? result->needed * 8 : 0; // floats, or both their halves, read and written
    double product = 2 * result->products / rate, memory = machine->read_bytes;
    result->floor = (bench_times){1e3 * fmax(product, read / memory), 1e3 * fmax(2 * product, moved / memory),
                                  1e3 * fmax(3 * product, moved / memory)};
}

// Timing.

/// Samples of one way.
typedef struct samples {
    double forward[MOST_SAMPLES], backward[MOST_SAMPLES], train[MOST_SAMPLES];
    size_t forwards, trains;
} samples;

static int sample(bed *b, const way *w, samples *s) {
    bench_times times;
    if (b->c->passes & BENCH_FORWARD) {
        if (one_pass(b, w, false, &times) != CLI_OK) return CLI_FAILED;
        s->forward[s->forwards++] = times.forward;
    }
    if (b->c->passes & BENCH_TRAIN) {
        if (one_pass(b, w, true, &times) != CLI_OK) return CLI_FAILED;
        s->backward[s->trains] = times.backward;
        s->train[s->trains++] = times.train;
    }
    return CLI_OK;
}

static bench_times medians(samples *s) {
    return (bench_times){weir_median(s->forward, s->forwards), weir_median(s->backward, s->trains),
                         weir_median(s->train, s->trains)};
}

/// Twice each way: batches and scratch memory then exist. Layers are complete from the start.
static int warm_up(bed *b, samples *scratch) {
    for (size_t k = 0; k < WARM_UPS; k++) {
        scratch->forwards = scratch->trains = 0;
        b->turn = k;
        if (sample(b, &b->gated, scratch) != CLI_OK) return CLI_FAILED;
        b->turn = k;
        if (sample(b, &b->dense, scratch) != CLI_OK) return CLI_FAILED;
        if (cli_interrupted()) return cli_error("interrupted");
    }
    return CLI_OK;
}

static int time_routes(bed *b, bench_result *result) {
    double times[LEAST_SAMPLES];
    for (size_t k = 0; k < LEAST_SAMPLES; k++) {
        double start = cli_clock();
        for (size_t l = 0; l < b->c->stack; l++)
            if (begin_batch(b->gated.y[l], b->c->batch, b->gates[l]) != CLI_OK) return CLI_FAILED;
        times[k] = 1e3 * (cli_clock() - start);
    }
    result->route = weir_median(times, LEAST_SAMPLES);
    return CLI_OK;
}

/// Rounds of samples, gated and dense in turn, and after each round the peer.
static int take_samples(bed *b, const bench_effort *effort, const bench_peer_options *peer, samples *gated,
                        samples *dense, bench_result *result) {
    size_t repeats = effort->repeats > LEAST_SAMPLES ? effort->repeats : LEAST_SAMPLES;
    size_t rounds = peer->script != NULL ? peer->rounds : 1;
    size_t share = (repeats + rounds - 1) / rounds;
    bench_peer *heard = calloc(rounds, sizeof *heard);
    int status = heard == NULL ? cli_error("out of memory") : CLI_OK;
    for (size_t round = 0; round < rounds && status == CLI_OK; round++) {
        double start = cli_clock(), least = effort->seconds / (double)rounds;
        for (size_t k = 0; status == CLI_OK && (k < share || cli_clock() - start < least); k++) {
            if (gated->forwards >= MOST_SAMPLES || gated->trains >= MOST_SAMPLES) break;
            status = sample(b, &b->gated, gated);
            if (status == CLI_OK) status = sample(b, &b->dense, dense);
            if (status == CLI_OK && cli_interrupted()) status = cli_error("interrupted");
        }
        if (status == CLI_OK && peer->script != NULL) status = bench_peer_run(peer, b->c, share, &heard[round]);
    }
    if (status == CLI_OK && peer->script != NULL) bench_peer_median(heard, rounds, &result->peer);
    free(heard);
    return status;
}

int bench_measure(const bench_case *c, const weir_machine *machine, const bench_effort *effort,
                  const bench_peer_options *peer, bench_result *result) {
    bed b = {.c = c};
    samples *gated = calloc(1, sizeof *gated), *dense = calloc(1, sizeof *dense);
    *result = (bench_result){0};
    int status = gated == NULL || dense == NULL ? cli_error("out of memory") : make_bed(&b);
    if (status == CLI_OK) status = compare(&b, result);
    if (status == CLI_OK) status = forward_pass(&b, &b.gated, 0);
    if (status == CLI_OK) status = count_work(&b, result);
    if (status == CLI_OK) status = warm_up(&b, gated);
    if (status == CLI_OK) status = time_routes(&b, result);
    if (status == CLI_OK) {
        gated->forwards = gated->trains = 0;
        status = take_samples(&b, effort, peer, gated, dense, result);
    }
    if (status == CLI_OK) {
        result->samples = gated->forwards > gated->trains ? gated->forwards : gated->trains;
        result->sets = b.sets;
        result->gated = medians(gated);
        result->dense = medians(dense);
        add_floor(c, machine, result);
    }
    free_bed(&b);
    free(gated);
    free(dense);
    return status;
}
