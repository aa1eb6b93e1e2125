// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The public layer against masked dense products in double precision: forms of both sides × block sizes × instruction
// sets; two steps of descent in a row, gated and dense ones mixed; NaN in weights that no row needs; counted work; bad
// input; memory that runs out.

#include "testing.h"

#include <weir/weir.h>

#include "core/core.h"

// ---- helpers -------------------------------------------------------------------------------------------------------

static uint32_t drawn; // rows of noise used

static float *numbers(size_t count) {
    float *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    weir_random_uniform(values, (weir_noise){.seed = 3}, drawn++, count);
    for (size_t k = 0; k < count; k++) values[k] = 2 * values[k] - 1;
    return values;
}

static void check(weir_status status, const weir_error *error) {
    if (status != WEIR_OK) fail_msg("%s", error->text);
}

/// Fails with the worst element unless all are within the bound of the greatest one of want; all 0 is no comparison.
static void compare(const char *what, const float *got, const double *want, size_t count, double bound) {
    double scale = 0, worst = 0;
    size_t at = 0;
    for (size_t k = 0; k < count; k++) scale = fmax(scale, fabs(want[k]));
    if (!(scale > 0)) fail_msg("%s: nothing but 0 to compare with", what);
    for (size_t k = 0; k < count; k++) {
        const double difference = fabs((double)got[k] - want[k]);
        if (!(difference <= worst)) worst = difference, at = k;
        if (!(difference <= bound * scale)) break;
    }
    if (!(worst <= bound * scale)) fail_msg("%s[%zu] is %.9g, expected %.9g", what, at, (double)got[at], want[at]);
}

typedef struct shape {
    size_t rows, outputs, output_block, inputs, input_block;
    float share;
} shape;

/// A batch with values, and the same values in plain form, 0 where closed.
typedef struct side {
    weir_batch *batch;
    float *gates, *plain, *gradient;
    size_t blocks, width, block;
} side;

static bool is_open(const side *s, size_t row, size_t unit) {
    return !s->gates || s->gates[row * s->blocks + unit / s->block] != 0;
}

static void zero_closed(const side *s, size_t rows, float *plain) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t u = 0; u < s->width; u++) {
            if (!is_open(s, r, u)) plain[r * s->width + u] = 0;
        }
    }
}

static side make_side(size_t rows, size_t width, size_t block, float share) {
    weir_error error = {0};
    side s = {.width = width, .block = block ? block : width, .blocks = block ? (width + block - 1) / block : 1};
    if (block) {
        s.gates = numbers(rows * s.blocks);
        for (size_t k = 0; k < rows * s.blocks; k++) s.gates[k] = s.gates[k] + 1 < 2 * share ? 0.5f : 0;
        s.gates[0] = 0.5f; // something to compare
    }
    s.plain = numbers(rows * width);
    s.gradient = numbers(rows * width);
    check(weir_batch_create(&s.batch, width, block, rows, &error), &error);
    check(weir_batch_begin(s.batch, rows, s.gates, &error), &error);
    weir_batch_put(s.batch, s.plain);
    zero_closed(&s, rows, s.plain);
    return s;
}

static void free_side(side *s) {
    weir_batch_free(s->batch);
    free(s->gates), free(s->plain), free(s->gradient);
}

/// The layer in double precision.
typedef struct truth {
    double *weights, *bias, *weights_v, *bias_v, *y, *dx;
} truth;

static truth make_truth(const shape *c, const float *weights, const float *bias) {
    const size_t count = c->outputs * c->inputs;
    truth t = {calloc(count, sizeof(double)),
               calloc(c->outputs, sizeof(double)),
               calloc(count, sizeof(double)),
               calloc(c->outputs, sizeof(double)),
               calloc(c->rows * c->outputs, sizeof(double)),
               calloc(c->rows * c->inputs, sizeof(double))};
    assert_true(t.weights && t.bias && t.weights_v && t.bias_v && t.y && t.dx);
    for (size_t k = 0; k < count; k++) t.weights[k] = (double)weights[k];
    for (size_t k = 0; k < c->outputs; k++) t.bias[k] = (double)bias[k];
    return t;
}

static void free_truth(truth *t) {
    free(t->weights), free(t->bias), free(t->weights_v), free(t->bias_v), free(t->y), free(t->dx);
}

static void true_forward(truth *t, const shape *c, const side *y, const side *x) {
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t o = 0; o < c->outputs; o++) {
            double sum = t->bias[o];
            for (size_t i = 0; i < c->inputs; i++) {
                if (is_open(x, r, i)) sum += t->weights[o * c->inputs + i] * (double)x->plain[r * c->inputs + i];
            }
            t->y[r * c->outputs + o] = is_open(y, r, o) ? sum : 0;
        }
    }
}

static void true_input_gradient(truth *t, const shape *c, const side *y, const side *x) {
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t i = 0; i < c->inputs; i++) {
            double sum = 0;
            for (size_t o = 0; o < c->outputs; o++) {
                if (is_open(y, r, o)) sum += t->weights[o * c->inputs + i] * (double)y->gradient[r * c->outputs + o];
            }
            t->dx[r * c->inputs + i] = is_open(x, r, i) ? sum : 0;
        }
    }
}

/// Whether some row has both blocks open.
static bool is_needed(const shape *c, const side *y, size_t o, const side *x, size_t i) {
    for (size_t r = 0; r < c->rows; r++) {
        if (is_open(y, r, o) && is_open(x, r, i)) return true;
    }
    return false;
}

static void true_step(truth *t, const shape *c, const side *y, const side *x, const weir_layer_step *step) {
    const double rate = (double)step->rate, momentum = (double)step->momentum;
    for (size_t o = 0; o < c->outputs; o++) {
        double bias = 0;
        bool any = !y->gates;
        for (size_t r = 0; r < c->rows; r++) {
            if (is_open(y, r, o)) bias += (double)y->gradient[r * c->outputs + o], any = true;
        }
        if (any) t->bias_v[o] = momentum * t->bias_v[o] + bias, t->bias[o] -= rate * t->bias_v[o];
        for (size_t i = 0; i < c->inputs; i++) {
            const size_t at = o * c->inputs + i;
            double sum = 0;
            if (!is_needed(c, y, o, x, i)) continue;
            for (size_t r = 0; r < c->rows; r++) {
                if (!is_open(y, r, o) || !is_open(x, r, i)) continue;
                sum += (double)y->gradient[r * c->outputs + o] * (double)x->plain[r * c->inputs + i];
            }
            t->weights_v[at] = momentum * t->weights_v[at] + sum;
            t->weights[at] -= rate * t->weights_v[at];
        }
    }
}

// ---- products ------------------------------------------------------------------------------------------------------

static void check_forward(weir_layer *layer, const shape *c, truth *t, const side *y, const side *x, double bound) {
    weir_error error = {0};
    float *got = numbers(c->rows * c->outputs);
    check(weir_layer_forward(layer, y->batch, x->batch, &error), &error);
    weir_batch_get(y->batch, got);
    true_forward(t, c, y, x);
    compare("y", got, t->y, c->rows * c->outputs, bound);
    free(got);
}

static void check_backward(weir_layer *layer, const shape *c, truth *t, const side *y, const side *x,
                           const weir_layer_step *step, double bound) {
    weir_error error = {0};
    float *dx = numbers(c->rows * c->inputs), *weights = numbers(c->outputs * c->inputs), *bias = numbers(c->outputs);
    check(weir_batch_put_gradient(y->batch, y->gradient, &error), &error);
    check(weir_layer_backward(layer, x->batch, y->batch, true, step, &error), &error);
    weir_batch_get_gradient(x->batch, dx);
    true_input_gradient(t, c, y, x);
    compare("dx", dx, t->dx, c->rows * c->inputs, bound);
    if (step) true_step(t, c, y, x, step);
    weir_layer_get_weights(layer, weights, bias);
    compare("weights", weights, t->weights, c->outputs * c->inputs, bound);
    compare("bias", bias, t->bias, c->outputs, bound);
    free(dx), free(weights), free(bias);
}

/// Steps with fresh gates, and with the layer's dense form in between.
static void run_shape(const shape *c, weir_precision precision, float momentum) {
    weir_error error = {0};
    weir_layer *layer = NULL;
    weir_layer_options options = weir_layer_options_default(c->inputs, c->outputs);
    const weir_layer_step step = {.rate = 0.01f, .momentum = momentum};
    float *weights = numbers(c->outputs * c->inputs), *bias = numbers(c->outputs);
    const double bound = precision == WEIR_FLOAT32 ? 1e-5 : 1e-2;
    options.precision = precision;
    options.input_block = c->input_block;
    options.output_block = c->output_block;
    options.weights = weights;
    options.bias = bias;
    check(weir_layer_create(&layer, &options, &error), &error);
    truth t = make_truth(c, weights, bias);
    for (int turn = 0; turn < 5; turn++) {
        const bool dense = turn == 1 || turn == 4;
        side y = make_side(c->rows, c->outputs, dense ? 0 : c->output_block, c->share);
        side x = make_side(c->rows, c->inputs, dense ? 0 : c->input_block, c->share);
        check_forward(layer, c, &t, &y, &x, bound);
        check_backward(layer, c, &t, &y, &x, turn == 2 ? NULL : &step, bound);
        free_side(&y), free_side(&x);
    }
    weir_layer_free(layer);
    free_truth(&t);
    free(weights), free(bias);
}

static const shape shapes[] = {
    {9, 40, 8, 33, 0, 0.4f}, {70, 64, 16, 48, 16, 0.4f}, {12, 50, 7, 41, 5, 0.5f},
    {8, 20, 1, 24, 0, 0.5f}, {6, 30, 1, 30, 1, 0.5f},    {20, 10, 0, 60, 4, 0.5f},
    {7, 12, 0, 15, 0, 1},    {1, 64, 16, 64, 16, 0.8f},  {5, 17, 17, 9, 9, 0.8f},
};

static void masked_dense(void **state) {
    (void)state;
    const weir_isa before = weir_isa_current();
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            for (int p = WEIR_FLOAT32; p <= (int)WEIR_BFLOAT16; p++) {
                run_shape(&shapes[k], (weir_precision)p, 0);
                run_shape(&shapes[k], (weir_precision)p, 0.9f);
            }
        }
    }
    assert_int_equal(weir_isa_use(before), WEIR_OK);
}

static void weights_come_back(void **state) {
    (void)state;
    weir_error error = {0};
    weir_layer *layer = NULL;
    weir_layer_options options = weir_layer_options_default(11, 13);
    options.input_block = 4, options.output_block = 5;
    check(weir_layer_create(&layer, &options, &error), &error);
    float *first = numbers(143), *set = numbers(143), *got = numbers(143), bias[13] = {1}, got_bias[13];
    weir_layer_get_weights(layer, first, got_bias);
    double sum = 0;
    for (int k = 0; k < 143; k++) {
        assert_true(fabsf(first[k]) <= 1 / sqrtf(11));
        sum += fabs((double)first[k]);
    }
    assert_true(sum / 143 > 0.4 / sqrt(11) && sum / 143 < 0.6 / sqrt(11));
    for (int k = 0; k < 13; k++) assert_true(got_bias[k] == 0);
    weir_layer_set_weights(layer, set, NULL);
    weir_layer_set_weights(layer, NULL, bias);
    weir_layer_get_weights(layer, got, NULL);
    weir_layer_get_weights(layer, NULL, got_bias);
    assert_memory_equal(got, set, 143 * sizeof *set);
    assert_memory_equal(got_bias, bias, sizeof bias);
    free(first), free(set), free(got);
    weir_layer_free(layer);
}

// ---- memory of the caller ------------------------------------------------------------------------------------------

/// What a layer learns in memory of its own, it learns in the caller's: the same bits, of weights and of v; a gradient
/// is what a step of rate 1 moves by; a dense input where it lies. NULL for a bias: as a bias of 0 that stays 0.
static void run_borrowed(const shape *c, weir_precision precision, float momentum) {
    weir_error error = {0};
    weir_layer *own = NULL, *lent = NULL;
    const size_t count = c->outputs * c->inputs;
    weir_layer_options options = weir_layer_options_default(c->inputs, c->outputs);
    const weir_layer_step step = {.rate = 0.01f, .momentum = momentum};
    float *plain = numbers(count), *bias = numbers(c->outputs), *first = numbers(count), *got = numbers(count);
    float *want = numbers(count), *got_bias = numbers(c->outputs), *want_bias = numbers(c->outputs);
    float *velocity = calloc(count, sizeof *velocity), *bias_velocity = calloc(c->outputs, sizeof *velocity);
    uint16_t *halves = calloc(2 * count, sizeof *halves);
    assert_true(velocity && bias_velocity && halves);
    options.precision = precision;
    options.input_block = c->input_block, options.output_block = c->output_block;
    options.weights = plain, options.bias = bias;
    check(weir_layer_create(&own, &options, &error), &error);
    weir_layer_memory memory = {.weights = first,
                                .upper = halves,
                                .lower = halves + count,
                                .bias = got_bias,
                                .velocity = velocity,
                                .bias_velocity = bias_velocity};
    check(weir_layer_borrow(&lent, &options, &memory, &error), &error);
    weir_layer_set_weights(lent, plain, bias);
    for (int turn = 0; turn < 3; turn++) {
        side y = make_side(c->rows, c->outputs, c->output_block, c->share);
        side x = make_side(c->rows, c->inputs, c->input_block, c->share);
        float *y_own = numbers(c->rows * c->outputs), *y_lent = numbers(c->rows * c->outputs);
        float *dx = numbers(c->rows * c->inputs), *dx_lent = numbers(c->rows * c->inputs);
        check(weir_layer_use(lent, &memory, &error), &error);
        check(weir_layer_forward(own, y.batch, x.batch, &error), &error);
        weir_batch_get(y.batch, y_own);
        check(weir_batch_put_gradient(y.batch, y.gradient, &error), &error);
        check(weir_layer_backward(own, x.batch, y.batch, true, &step, &error), &error);
        weir_batch_get_gradient(x.batch, dx);
        if (!c->input_block) check(weir_batch_use(x.batch, c->rows, x.plain, dx_lent, &error), &error);
        check(weir_layer_forward(lent, y.batch, x.batch, &error), &error);
        weir_batch_get(y.batch, y_lent);
        check(weir_layer_backward(lent, x.batch, y.batch, true, &step, &error), &error);
        if (c->input_block) weir_batch_get_gradient(x.batch, dx_lent);
        assert_memory_equal(y_own, y_lent, c->rows * c->outputs * sizeof *y_own);
        assert_memory_equal(dx, dx_lent, c->rows * c->inputs * sizeof *dx);
        weir_layer_get_weights(own, want, want_bias);
        weir_layer_get_weights(lent, got, bias);
        assert_memory_equal(want, got, count * sizeof *want);
        assert_memory_equal(want_bias, bias, c->outputs * sizeof *bias);
        assert_memory_equal(got_bias, bias, c->outputs * sizeof *bias);
        free(y_own), free(y_lent), free(dx), free(dx_lent);
        free_side(&y), free_side(&x);
    }
    weir_layer_free(own), weir_layer_free(lent);
    free(plain), free(bias), free(first), free(got), free(want), free(got_bias), free(want_bias);
    free(velocity), free(bias_velocity), free(halves);
}

/// The gradient beside dense products in double, in an array full of something else.
static void run_gradient(const shape *c, weir_precision precision) {
    weir_error error = {0};
    weir_layer *layer = NULL;
    const size_t count = c->outputs * c->inputs;
    weir_layer_options options = weir_layer_options_default(c->inputs, c->outputs);
    float *zero = calloc(count, sizeof *zero), *zero_bias = calloc(c->outputs, sizeof *zero_bias);
    float *dw = numbers(count), *db = numbers(c->outputs), *tiles = calloc(count, sizeof *tiles);
    assert_true(zero && zero_bias && tiles);
    options.input_block = c->input_block, options.output_block = c->output_block;
    options.weights = zero, options.precision = precision;
    check(weir_layer_create(&layer, &options, &error), &error);
    side y = make_side(c->rows, c->outputs, c->output_block, c->share);
    side x = make_side(c->rows, c->inputs, c->input_block, c->share);
    truth t = make_truth(c, zero, zero_bias);
    check(weir_layer_forward(layer, y.batch, x.batch, &error), &error);
    assert_int_equal(weir_layer_gradient(layer, dw, db, y.batch, x.batch, &error), WEIR_ARGUMENT);
    check(weir_batch_put_gradient(y.batch, y.gradient, &error), &error);
    check(weir_layer_gradient(layer, dw, db, y.batch, x.batch, &error), &error);
    true_step(&t, c, &y, &x, &(weir_layer_step){.rate = -1});
    weir_layer_memory memory = {.weights = tiles};
    weir_layer *order = NULL; // puts what is plain into the order of the memory
    options.precision = WEIR_FLOAT32;
    check(weir_layer_borrow(&order, &options, &memory, &error), &error);
    memcpy(tiles, dw, count * sizeof *dw);
    weir_layer_get_weights(order, dw, NULL);
    compare("dW", dw, t.weights, count, 1e-5);
    compare("dbias", db, t.bias, c->outputs, 1e-5);
    for (size_t k = 0; k < count; k++) {
        if (!is_needed(c, &y, k / c->inputs, &x, k % c->inputs)) assert_true(dw[k] == 0);
    }
    weir_layer_free(layer), weir_layer_free(order);
    free_side(&y), free_side(&x), free_truth(&t);
    free(zero), free(zero_bias), free(dw), free(db), free(tiles);
}

static void memory_of_the_caller(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        for (int p = WEIR_FLOAT32; p <= (int)WEIR_BFLOAT16; p++) {
            run_borrowed(&shapes[k], (weir_precision)p, 0);
            run_borrowed(&shapes[k], (weir_precision)p, 0.9f);
            run_gradient(&shapes[k], (weir_precision)p);
        }
    }
}

static void gates_scale(void **state) {
    (void)state;
    enum { ROWS = 3, WIDTH = 7, BLOCK = 3 };
    const float gates[ROWS * 3] = {1, 0, 0.5f, -2, 0, 0, 0, 4, 1};
    weir_error error = {0};
    weir_batch *y = NULL;
    float *z = numbers(ROWS * WIDTH), *dy = numbers(ROWS * WIDTH), got[ROWS * WIDTH], dgates[ROWS * 3];
    check(weir_batch_create(&y, WIDTH, BLOCK, ROWS, &error), &error);
    check(weir_batch_begin(y, ROWS, gates, &error), &error);
    weir_batch_put(y, z);
    weir_batch_gate(y, gates);
    weir_batch_get(y, got);
    for (size_t k = 0; k < ROWS * WIDTH; k++) assert_true(got[k] == gates[k / WIDTH * 3 + k % WIDTH / BLOCK] * z[k]);
    check(weir_batch_put_gradient(y, dy, &error), &error);
    weir_batch_gate_backward(y, dgates, gates);
    weir_batch_get_gradient(y, got);
    for (size_t k = 0; k < ROWS * WIDTH; k++) assert_true(got[k] == gates[k / WIDTH * 3 + k % WIDTH / BLOCK] * dy[k]);
    for (size_t g = 0; g < ROWS * 3; g++) {
        double sum = 0;
        for (size_t u = g % 3 * BLOCK; u < WIDTH && u < (g % 3 + 1) * BLOCK; u++) {
            sum += (double)z[g / 3 * WIDTH + u] * (double)dy[g / 3 * WIDTH + u];
        }
        assert_true(gates[g] != 0 ? fabs((double)dgates[g] - sum) <= 1e-6 : dgates[g] == 0);
    }
    weir_batch_free(y);
    free(z), free(dy);
}

static void borrowed_bad_input(void **state) {
    (void)state;
    weir_error error = {0};
    weir_layer *layer = NULL, *own = NULL;
    weir_batch *x = NULL, *y = NULL;
    float weights[8] = {0}, values[4] = {0}, dy[2] = {0};
    uint16_t upper[8] = {0};
    weir_layer_options options = weir_layer_options_default(4, 2);
    weir_layer_memory memory = {.weights = weights};
    assert_int_equal(weir_layer_borrow(&layer, &options, &(weir_layer_memory){0}, &error), WEIR_ARGUMENT);
    assert_null(layer);
    check(weir_layer_create(&own, &options, &error), &error);
    assert_int_equal(weir_layer_use(own, &memory, &error), WEIR_ARGUMENT);
    check(weir_layer_borrow(&layer, &options, &memory, &error), &error);
    check(weir_batch_create(&x, 4, 0, 1, &error), &error);
    check(weir_batch_create(&y, 2, 0, 1, &error), &error);
    assert_int_equal(weir_batch_use(x, 2, values, NULL, &error), WEIR_SHAPE);
    assert_int_equal(weir_batch_use(x, 1, NULL, NULL, &error), WEIR_ARGUMENT);
    check(weir_batch_use(x, 1, values, NULL, &error), &error);
    check(weir_batch_begin(y, 1, NULL, &error), &error);
    check(weir_layer_forward(layer, y, x, &error), &error);
    check(weir_batch_put_gradient(y, dy, &error), &error);
    assert_int_equal(weir_layer_backward(layer, x, y, false, &(weir_layer_step){.rate = 1, .momentum = 0.5f}, &error),
                     WEIR_ARGUMENT);
    check(weir_layer_backward(layer, x, y, false, &(weir_layer_step){.rate = 1}, &error), &error);
    weir_layer_free(layer);
    options.precision = WEIR_BFLOAT16;
    check(weir_layer_borrow(&layer, &options, &(weir_layer_memory){.upper = upper}, &error), &error);
    check(weir_layer_forward(layer, y, x, &error), &error);
    check(weir_batch_put_gradient(y, dy, &error), &error);
    assert_int_equal(weir_layer_backward(layer, x, y, false, &(weir_layer_step){.rate = 1}, &error), WEIR_ARGUMENT);
    weir_layer_free(layer), weir_layer_free(own);
    weir_batch_free(x), weir_batch_free(y);
}

// ---- poison --------------------------------------------------------------------------------------------------------

/// Weights, bias and inputs that only closed blocks would need hold NaN: nothing of it may arrive, nothing may change.
static void closed_is_not_read(void **state) {
    (void)state;
    enum { ROWS = 5, OUT = 12, OUT_BLOCK = 4, IN = 9, IN_BLOCK = 3 };
    const float y_gates[ROWS * 3] = {1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0}; // block 1 never open
    const float x_gates[ROWS * 3] = {1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0}; // block 2 never open
    weir_error error = {0};
    weir_layer *layer = NULL;
    weir_batch *y = NULL, *x = NULL;
    weir_layer_options options = weir_layer_options_default(IN, OUT);
    options.input_block = IN_BLOCK, options.output_block = OUT_BLOCK;
    float *weights = numbers(OUT * IN), *bias = numbers(OUT), *inputs = numbers(ROWS * IN), *dy = numbers(ROWS * OUT);
    for (size_t k = 0; k < OUT * IN; k++) {
        if (k / IN / OUT_BLOCK == 1 || k % IN / IN_BLOCK == 2) weights[k] = NAN;
    }
    for (size_t k = OUT_BLOCK; k < 2 * OUT_BLOCK; k++) bias[k] = NAN;
    for (size_t k = 0; k < ROWS * IN; k++) {
        if (x_gates[k / IN * 3 + k % IN / IN_BLOCK] == 0) inputs[k] = NAN;
    }
    for (size_t k = 0; k < ROWS * OUT; k++) {
        if (y_gates[k / OUT * 3 + k % OUT / OUT_BLOCK] == 0) dy[k] = NAN;
    }
    options.weights = weights, options.bias = bias;
    check(weir_layer_create(&layer, &options, &error), &error);
    check(weir_batch_create(&y, OUT, OUT_BLOCK, ROWS, &error), &error);
    check(weir_batch_create(&x, IN, IN_BLOCK, ROWS, &error), &error);
    check(weir_batch_begin(y, ROWS, y_gates, &error), &error);
    check(weir_batch_begin(x, ROWS, x_gates, &error), &error);
    weir_batch_put(x, inputs);
    check(weir_layer_forward(layer, y, x, &error), &error);
    check(weir_batch_put_gradient(y, dy, &error), &error);
    check(weir_layer_backward(layer, x, y, true, &(weir_layer_step){.rate = 0.1f, .momentum = 0.5f}, &error), &error);
    float out[ROWS * OUT], dx[ROWS * IN], after[OUT * IN], bias_after[OUT];
    weir_batch_get(y, out);
    weir_batch_get_gradient(x, dx);
    weir_layer_get_weights(layer, after, bias_after);
    for (size_t k = 0; k < ROWS * OUT; k++) assert_true(isfinite(out[k]));
    for (size_t k = 0; k < ROWS * IN; k++) assert_true(isfinite(dx[k]));
    for (size_t k = 0; k < OUT * IN; k++) assert_int_equal(isnan(after[k]) != 0, isnan(weights[k]) != 0);
    for (size_t k = 0; k < OUT; k++) assert_int_equal(isnan(bias_after[k]) != 0, isnan(bias[k]) != 0);
    weir_layer_free(layer);
    weir_batch_free(y), weir_batch_free(x);
    free(weights), free(bias), free(inputs), free(dy);
}

// ---- counted work --------------------------------------------------------------------------------------------------

static void work_is_counted(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const shape *c = &shapes[k];
        weir_error error = {0};
        weir_layer *layer = NULL;
        weir_layer_options options = weir_layer_options_default(c->inputs, c->outputs);
        options.input_block = c->input_block, options.output_block = c->output_block;
        check(weir_layer_create(&layer, &options, &error), &error);
        side y = make_side(c->rows, c->outputs, c->output_block, c->share);
        side x = make_side(c->rows, c->inputs, c->input_block, c->share);
        uint64_t products = 0, needed = 0;
        for (size_t o = 0; o < c->outputs; o++) {
            for (size_t i = 0; i < c->inputs; i++) {
                for (size_t r = 0; r < c->rows; r++) products += is_open(&y, r, o) && is_open(&x, r, i);
                needed += is_needed(c, &y, o, &x, i);
            }
        }
        weir_layer_work work;
        check(weir_layer_count(layer, &work, y.batch, x.batch, &error), &error);
        assert_true(work.products == products);
        assert_true(work.dense == c->rows * c->outputs * c->inputs);
        assert_true(work.weights == c->outputs * c->inputs);
        assert_true(work.weights_needed == needed);
        assert_true(work.forward_bytes == 4 * needed && work.input_gradient_bytes == 4 * needed);
        assert_true(work.step_bytes == 8 * needed);
        weir_plan plan;
        check(weir_layer_plan(layer, &plan, WEIR_OPERATION_FORWARD, y.batch, x.batch, &error), &error);
        assert_true(plan.rows == c->rows && plan.out == c->outputs && plan.in_block == c->input_block);
        free_side(&y), free_side(&x);
        weir_layer_free(layer);
    }
}

// ---- batches -------------------------------------------------------------------------------------------------------

static void batches_show_what_they_hold(void **state) {
    (void)state;
    const float gates[6] = {0, 2, 0, 1, 1, 0}, dense[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    weir_error error = {0};
    weir_batch *batch = NULL;
    float back[10], gradient[10] = {1};
    check(weir_batch_create(&batch, 5, 2, 3, &error), &error);
    check(weir_batch_begin(batch, 2, gates, &error), &error); // row 0: block 1; row 1: blocks 0 and 1
    weir_batch_put(batch, dense);
    const weir_batch_view view = weir_batch_look(batch);
    assert_true(view.rows == 2 && view.width == 5 && view.block == 2 && view.blocks == 3 && view.slots == 3);
    const int32_t start[] = {0, 1, 3, 3}, row[] = {1, 0, 1};
    const float values[] = {5, 6, 2, 3, 7, 8}, spread[] = {0, 0, 2, 3, 0, 5, 6, 7, 8, 0};
    assert_memory_equal(view.start, start, sizeof start);
    assert_memory_equal(view.row, row, sizeof row);
    assert_memory_equal(view.values, values, sizeof values);
    assert_null(view.gradient);
    weir_batch_get(batch, back);
    assert_memory_equal(back, spread, sizeof spread);
    weir_batch_get_gradient(batch, gradient);
    for (int k = 0; k < 10; k++) assert_true(gradient[k] == 0);
    check(weir_batch_put_gradient(batch, dense, &error), &error);
    weir_batch_get_gradient(batch, gradient);
    assert_memory_equal(gradient, spread, sizeof spread);
    assert_non_null(weir_batch_look(batch).gradient);
    check(weir_batch_begin(batch, 0, NULL, &error), &error);
    assert_null(weir_batch_look(batch).gradient);
    assert_true(weir_batch_look(batch).slots == 0);
    weir_batch_free(batch);
    weir_batch_free(NULL);
}

// ---- what is refused -----------------------------------------------------------------------------------------------

#define REFUSED(call, code, part)                                                                                      \
    do {                                                                                                               \
        memset(&error, 0, sizeof error);                                                                               \
        assert_int_equal(call, code);                                                                                  \
        if (!strstr(error.text, part)) fail_msg("\"%s\" does not say \"%s\"", error.text, part);                       \
    } while (0)

static void bad_input(void **state) {
    (void)state;
    weir_error error;
    weir_layer *layer = (weir_layer *)state;
    weir_batch *batch = (weir_batch *)state, *x = NULL, *y = NULL, *narrow = NULL;
    const float gates[12] = {1};
    REFUSED(weir_batch_create(&batch, 0, 0, 1, &error), WEIR_SHAPE, "at least 1");
    assert_null(batch);
    REFUSED(weir_batch_create(&batch, 8, 0, 0, &error), WEIR_SHAPE, "at least 1");
    REFUSED(weir_batch_create(&batch, 8, 9, 1, &error), WEIR_SHAPE, "blocks of 9");
    REFUSED(weir_batch_create(&batch, SIZE_MAX / 8, 0, 4, &error), WEIR_SHAPE, "too large");
    weir_layer_options options = weir_layer_options_default(6, 0);
    REFUSED(weir_layer_create(&layer, &options, &error), WEIR_SHAPE, "at least 1");
    assert_null(layer);
    options = weir_layer_options_default(6, 8);
    options.input_block = 7;
    REFUSED(weir_layer_create(&layer, &options, &error), WEIR_SHAPE, "input blocks of 7");
    options.input_block = 0, options.output_block = 9;
    REFUSED(weir_layer_create(&layer, &options, &error), WEIR_SHAPE, "output blocks of 9");
    options.output_block = 2, options.precision = (weir_precision)7;
    REFUSED(weir_layer_create(&layer, &options, &error), WEIR_ARGUMENT, "precision 7");
    options = weir_layer_options_default(SIZE_MAX / 2, 8);
    REFUSED(weir_layer_create(&layer, &options, &error), WEIR_SHAPE, "too large");
    options = weir_layer_options_default(6, 8);
    options.output_block = 2;
    check(weir_layer_create(&layer, &options, &error), &error);
    check(weir_batch_create(&x, 6, 0, 3, &error), &error);
    check(weir_batch_create(&y, 8, 2, 3, &error), &error);
    check(weir_batch_create(&narrow, 8, 4, 3, &error), &error);
    REFUSED(weir_batch_begin(x, 4, NULL, &error), WEIR_SHAPE, "at most 3");
    REFUSED(weir_batch_begin(x, 3, gates, &error), WEIR_ARGUMENT, "no gates");
    REFUSED(weir_batch_begin(y, 3, NULL, &error), WEIR_ARGUMENT, "needs gates");
    check(weir_batch_begin(x, 3, NULL, &error), &error);
    check(weir_batch_begin(y, 2, gates, &error), &error);
    check(weir_batch_begin(narrow, 3, gates, &error), &error);
    weir_layer_work work;
    weir_plan plan;
    REFUSED(weir_layer_forward(layer, y, x, &error), WEIR_SHAPE, "3 and 2 rows");
    REFUSED(weir_layer_forward(layer, x, y, &error), WEIR_SHAPE, "8 and 6 units");
    REFUSED(weir_layer_forward(layer, narrow, x, &error), WEIR_SHAPE, "blocks of 0 and 4");
    REFUSED(weir_layer_count(layer, &work, narrow, x, &error), WEIR_SHAPE, "blocks of 0 and 4");
    REFUSED(weir_layer_plan(layer, &plan, WEIR_OPERATION_FORWARD, y, x, &error), WEIR_SHAPE, "3 and 2 rows");
    check(weir_batch_begin(y, 3, gates, &error), &error);
    REFUSED(weir_layer_plan(layer, &plan, (weir_operation)9, y, x, &error), WEIR_ARGUMENT, "operation 9");
    const weir_layer_step good = {.rate = 0.1f}, endless = {.rate = INFINITY}, strong = {0.1f, 1};
    REFUSED(weir_layer_backward(layer, x, y, true, &good, &error), WEIR_ARGUMENT, "no gradient");
    const float dy[24] = {1};
    check(weir_batch_put_gradient(y, dy, &error), &error);
    REFUSED(weir_layer_backward(layer, x, y, true, &endless, &error), WEIR_ARGUMENT, "rate inf");
    REFUSED(weir_layer_backward(layer, x, y, true, &strong, &error), WEIR_ARGUMENT, "momentum 1");
    REFUSED(weir_layer_backward(layer, y, x, true, &good, &error), WEIR_SHAPE, "8 and 6 units");
    assert_string_equal(weir_precision_name(WEIR_BFLOAT16), "bf16");
    assert_string_equal(weir_precision_name((weir_precision)9), "unknown");
    weir_layer_free(layer), weir_layer_free(NULL);
    weir_batch_free(x), weir_batch_free(y), weir_batch_free(narrow);
}

static weir_status all_calls(const float *gates, const float *values, float *weights, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_layer *layer = NULL;
    weir_batch *x = NULL, *y = NULL, *dense_x = NULL, *dense_y = NULL;
    weir_layer_work work;
    weir_layer_options options = weir_layer_options_default(6, 8);
    options.input_block = 3, options.output_block = 2;
    options.precision = WEIR_BFLOAT16;
    const weir_layer_step step = {0.1f, 0.5f};
    TRY(weir_layer_create(&layer, &options, error));
    TRY(weir_batch_create(&x, 6, 3, 4, error));
    TRY(weir_batch_create(&y, 8, 2, 4, error));
    TRY(weir_batch_create(&dense_x, 6, 0, 4, error));
    TRY(weir_batch_create(&dense_y, 8, 0, 4, error));
    TRY(weir_batch_begin(x, 4, gates, error));
    TRY(weir_batch_begin(y, 4, gates, error));
    TRY(weir_batch_begin(dense_x, 4, NULL, error));
    TRY(weir_batch_begin(dense_y, 4, NULL, error));
    weir_batch_put(x, values), weir_batch_put(dense_x, values);
    TRY(weir_layer_forward(layer, y, x, error));
    TRY(weir_layer_forward(layer, dense_y, dense_x, error));
    TRY(weir_layer_count(layer, &work, y, x, error));
    TRY(weir_batch_put_gradient(y, values, error));
    TRY(weir_batch_put_gradient(dense_y, values, error));
    weir_layer_get_weights(layer, weights, NULL);
    TRY(weir_layer_backward(layer, x, y, true, &step, error));
    weir_layer_get_weights(layer, weights, NULL);
    TRY(weir_layer_backward(layer, dense_x, dense_y, true, &step, error));
done:
    if (status != WEIR_OK && layer) { // a call that fails leaves the weights alone
        float now[48];
        weir_layer_get_weights(layer, now, NULL);
        if (weights[0] != 0) assert_memory_equal(now, weights, sizeof now);
    }
    weir_layer_free(layer);
    weir_batch_free(x), weir_batch_free(y), weir_batch_free(dense_x), weir_batch_free(dense_y);
    return status;
}

static void memory_runs_out(void **state) {
    (void)state;
    float gates[16], *values = numbers(32);
    for (int k = 0; k < 16; k++) gates[k] = k % 3 != 0;
    long count = 0;
    for (weir_status status = WEIR_MEMORY; status != WEIR_OK; count++) {
        weir_error error = {0};
        float weights[48] = {0};
        weir__alloc_fail_after(count);
        status = all_calls(gates, values, weights, &error);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, error.text);
        if (status == WEIR_MEMORY) assert_non_null(strstr(error.text, "memory"));
    }
    assert_true(count > 20);
    free(values);
}

static void the_machine_has_rates(void **state) {
    (void)state;
    weir_machine machine;
    weir_error error = {0};
    check(weir_machine_measure(&machine, false, &error), &error);
    assert_true(machine.float32_flops > 1e5 && machine.read_bytes == 0 && machine.bfloat16_flops >= 0);
    check(weir_machine_measure(&machine, true, &error), &error);
    assert_true(machine.float32_flops > 1e5 && machine.read_bytes > 1e5);
    weir__alloc_fail_after(0);
    assert_int_equal(weir_machine_measure(&machine, true, &error), WEIR_MEMORY);
    weir__alloc_fail_after(-1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_dense),
        cmocka_unit_test(weights_come_back),
        cmocka_unit_test(memory_of_the_caller),
        cmocka_unit_test(gates_scale),
        cmocka_unit_test(borrowed_bad_input),
        cmocka_unit_test(closed_is_not_read),
        cmocka_unit_test(work_is_counted),
        cmocka_unit_test(batches_show_what_they_hold),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(the_machine_has_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
