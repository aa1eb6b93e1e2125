// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Measures the rates that plans are made from.
//
// Every rate is that of a product of a square layer whose weights no cache holds any more, done by the way it is for,
// with every gate open. In each round all ways of an operation have their turn, so that what else the machine does now
// and then meets different ones, and the median of the rounds leaves it out. Operations come one after the other: a
// plan compares ways of the same one, and what another left in the caches would favour some of them.

#include "bf16/bf16.h"
#include "product.h"
#include "rates.h"
#include "scatter.h"

enum { MOST_ROUNDS = 7, MOST_PROBES = 256 };
static const weir__calibration_effort usual = {.width = 1024, .layers = 24, .rounds = MOST_ROUNDS}; // 96 MiB of weights

/// One rate.
typedef struct probe {
    weir_precision precision;
    weir_operation operation;
    weir_way way;
    size_t block, rows; // block 0: dense sides
    double *rate;
    double seconds[MOST_ROUNDS];
} probe;

typedef struct bed {
    size_t width, layers, rounds;
    float *weights;         // [layers][width][width]
    weir__halves halves;    // the same in bf16
    float *x, *y, *gates;   // [rows][width]
    float *out;             // the same; what products write, so that what they read stays of ordinary size
    float *bias, *gradient; // [width], [width][width]
    uint8_t *touched;       // [2][width]
    size_t turn;            // the layer whose turn it is
    weir__route route;
    weir__scratch scratch;
    probe probes[MOST_PROBES];
    size_t count;
} bed;

static size_t most_rows(void) { return (size_t)weir__rated_rows[WEIR_CALIBRATION_ROWS - 1]; }

static const char measuring[] = "measuring the rates of this machine";

static weir_status make_bed(bed *b, const weir__calibration_effort *effort, weir_error *error) {
    const char *what = measuring;
    const size_t layer = effort->width * effort->width, batch = most_rows() * effort->width;
    weir_status status = WEIR_OK;
    b->width = effort->width;
    b->layers = effort->layers;
    b->rounds = effort->rounds < MOST_ROUNDS ? effort->rounds : MOST_ROUNDS;
    TRY(weir__new(&b->weights, b->layers * layer, sizeof(float), what, error));
    TRY(weir__halves_new(&b->halves, b->layers * layer, true, what, error));
    TRY(weir__new(&b->x, batch, sizeof(float), what, error));
    TRY(weir__new(&b->y, batch, sizeof(float), what, error));
    TRY(weir__new(&b->gates, batch, sizeof(float), what, error));
    TRY(weir__new(&b->out, batch, sizeof(float), what, error));
    TRY(weir__new(&b->bias, b->width, sizeof(float), what, error));
    TRY(weir__new(&b->gradient, layer, sizeof(float), what, error));
    TRY(weir__new(&b->touched, 2 * b->width, 1, what, error));
    // Numbers of ordinary size: those near 0 would be slow.
    for (size_t k = 0; k < b->layers * layer; k++) b->weights[k] = (float)(k % 509 + 1) / 4096;
    for (size_t k = 0; k < batch; k++) b->x[k] = (float)(k % 251 + 1) / 256;
    for (size_t k = 0; k < batch; k++) b->y[k] = (float)(k % 241 + 1) / 256;
    for (size_t k = 0; k < batch; k++) b->gates[k] = 1;
    weir__halves_split(b->layers * layer, &b->halves, b->weights);
done:
    return status;
}

static void free_bed(bed *b) {
    if (!b) return;
    float *const arrays[] = {b->weights, b->x, b->y, b->gates, b->out, b->bias, b->gradient};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) weir__free(arrays[k]);
    weir__halves_free(&b->halves);
    weir__free(b->touched);
    weir__route_free(&b->route);
    weir__scratch_free(&b->scratch);
    weir__free(b);
}

// ---- probes --------------------------------------------------------------------------------------------------------

static void add_probes(bed *b, weir_precision precision, weir_operation operation, weir_way way, size_t block,
                       double rates[WEIR_CALIBRATION_ROWS]) {
    for (size_t k = 0; k < WEIR_CALIBRATION_ROWS; k++) {
        b->probes[b->count++] = (probe){.precision = precision,
                                        .operation = operation,
                                        .way = way,
                                        .block = block,
                                        .rows = (size_t)weir__rated_rows[k],
                                        .rate = &rates[k]};
    }
}

static bool is_done_in(weir_precision precision, weir_operation operation) {
    return precision == WEIR_FLOAT32 || weir__precision_of(operation, WEIR_BFLOAT16) == precision;
}

static void list_probes(bed *b, weir_calibration *c) {
    for (int precision = WEIR_FLOAT32; precision <= WEIR_BFLOAT16; precision++) {
        weir_rates *rates = &c->rates[precision];
        for (int operation = 0; operation < WEIR_OPERATION_COUNT; operation++) {
            const weir_precision p = (weir_precision)precision;
            const weir_operation o = (weir_operation)operation;
            if (!is_done_in(p, o)) continue;
            add_probes(b, p, o, WEIR_WAY_DENSE, 0, rates->dense[o]);
            if (p == WEIR_FLOAT32) add_probes(b, p, o, WEIR_WAY_STREAM, 0, rates->stream[o]);
            for (size_t k = 0; k < WEIR_CALIBRATION_BLOCKS; k++) {
                add_probes(b, p, o, WEIR_WAY_GATED, (size_t)weir__rated_blocks[k], rates->gated[o][k]);
            }
        }
    }
}

static weir__side side_of(const bed *b, size_t block, float *values) {
    const weir__side compact = {.route = &b->route, .width = b->width, .block = block, .values = values};
    return block ? compact : (weir__side){.width = b->width, .block = b->width, .values = values};
}

static weir_status run_product(bed *b, const probe *p, size_t layer, weir_error *error) {
    const bool in_bf16 = p->precision == WEIR_BFLOAT16;
    float *weights = b->weights + layer;

    const weir_plan plan = {.operation = p->operation, .way = p->way};
    const weir__weights w = {weights, in_bf16 ? b->halves.upper + layer : NULL};
    const weir__side x = side_of(b, 0, p->operation == WEIR_OPERATION_INPUT_GRADIENT ? b->out : b->x);
    const weir__side y = side_of(b, p->block, p->operation == WEIR_OPERATION_FORWARD ? b->out : b->y);
    const weir__update bias_update = {.rule = &weir__sgd, .move = {.rate = 1e-12f}};
    weir__update update = bias_update;
    if (in_bf16) update.halves = weir__halves_at(&b->halves, layer);
    switch (p->operation) {
    case WEIR_OPERATION_FORWARD:
        return weir__product_forward(&plan, p->rows, &y, &x, &w, b->bias, &b->scratch, error);
    case WEIR_OPERATION_INPUT_GRADIENT:
        return weir__product_input_gradient(&plan, p->rows, &x, &y, &w, &b->scratch, error);
    case WEIR_OPERATION_WEIGHT_GRADIENT:
        return weir__product_weight_gradient(&plan, p->rows, b->gradient, b->bias, b->touched, b->touched + b->width,
                                             &y, &x, &b->scratch, error);
    default:
        return weir__product_weight_update(&plan, p->rows, weights, b->bias, &y, &x, &update, &bias_update, &b->scratch,
                                           error);
    }
}

static weir_status time_probe(bed *b, probe *p, size_t round, weir_error *error) {
    const size_t layer = b->turn++ % b->layers * b->width * b->width;
    weir_status status = WEIR_OK;
    if (p->block) TRY(weir__route_build(&b->route, p->rows, b->width / p->block, b->gates, NULL, error));
    const double start = weir__seconds();
    TRY(run_product(b, p, layer, error));
    p->seconds[round] = weir__seconds() - start;
done:
    return status;
}

static bool is_same_operation(const probe *a, const probe *b) {
    return a->precision == b->precision && a->operation == b->operation;
}

// ---- moving --------------------------------------------------------------------------------------------------------

/// Seconds to spread all pairs and collect them again, half of that.
static weir_status time_moving(bed *b, size_t block, double *seconds, weir_error *error) {
    const size_t rows = (size_t)weir__rated_rows[WEIR_CALIBRATION_ROWS - 2];
    const weir__side side = side_of(b, block, b->y);
    double samples[MOST_ROUNDS];
    weir_status status = WEIR_OK;
    TRY(weir__route_build(&b->route, rows, b->width / block, b->gates, NULL, error));
    for (size_t k = 0; k < b->rounds; k++) {
        const double start = weir__seconds();
        weir__scatter(&side, rows, b->x, weir__by_rows(&side));
        weir__gather(&side, rows, b->x, weir__by_rows(&side), NULL);
        samples[k] = (weir__seconds() - start) / 2;
    }
    *seconds = weir_median(samples, b->rounds);
done:
    return status;
}

/// Blocks of one unit and wide ones tell a pair's cost from that of its numbers.
static weir_status measure_moving(bed *b, weir_calibration *c, weir_error *error) {
    const double floats = weir__rated_rows[WEIR_CALIBRATION_ROWS - 2] * (double)b->width;
    double narrow = 0, wide = 0;
    weir_status status = WEIR_OK;
    TRY(time_moving(b, 1, &narrow, error));
    TRY(time_moving(b, 64, &wide, error));
    c->float_seconds = wide / floats;
    c->pair_seconds = narrow > wide ? (narrow - wide) / floats : 0;
done:
    return status;
}

// ---- all -----------------------------------------------------------------------------------------------------------

weir_status weir__calibrate(weir_calibration *calibration, const weir__calibration_effort *effort, weir_error *error) {
    weir_calibration c = {.isa = weir_isa_current(), .threads = weir_threads()};
    bed *b = NULL;
    weir_status status = WEIR_OK;
    TRY_THAT(c.isa != WEIR_ISA_REFERENCE, WEIR_UNSUPPORTED,
             "the reference kernels are not there to be fast: there is nothing to choose between");
    weir__processor_name(c.processor, sizeof c.processor);
    TRY(weir__new(&b, 1, sizeof *b, measuring, error));
    TRY(make_bed(b, effort, error));
    list_probes(b, &c);
    for (size_t first = 0, last = 0; first < b->count; first = last) {
        while (last < b->count && is_same_operation(&b->probes[first], &b->probes[last])) last++;
        for (size_t k = first; k < last; k++) TRY(time_probe(b, &b->probes[k], 0, error)); // makes sure of the memory
        for (size_t round = 0; round < b->rounds; round++) {
            for (size_t k = first; k < last; k++) TRY(time_probe(b, &b->probes[k], round, error));
        }
    }
    for (size_t k = 0; k < b->count; k++) {
        probe *p = &b->probes[k];
        *p->rate = (double)p->rows * (double)b->width * (double)b->width / weir_median(p->seconds, b->rounds);
    }
    TRY(measure_moving(b, &c, error));
    *calibration = c;
done:
    free_bed(b);
    return status;
}

weir_status weir_calibration_measure(weir_calibration *calibration, weir_error *error) {
    return weir__calibrate(calibration, &usual, error);
}
