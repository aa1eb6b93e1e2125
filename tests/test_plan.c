// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Ways of products against the gated kernels, flags and moved weights included; what the planner chooses; rates, and
// their files.

#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include <weir/weir.h>

#include "kernels/bf16/bf16.h"
#include "kernels/product.h"
#include "kernels/rates.h"
#include "kernels/scatter.h"

static void fill(float *values, size_t count) {
    for (size_t k = 0; k < count; k++) values[k] = 2 * uniform() - 1;
}

// ---- ways ----------------------------------------------------------------------------------------------------------

typedef struct shape {
    size_t rows, out, block, in;
    float share, evaluated;
    size_t closed; // this block is closed in every row
} shape;

static const shape shapes[] = {
    {1, 7, 1, 5, 1, 0, 99},         {3, 20, 1, 9, 0.5f, 0.3f, 99}, {300, 37, 1, 12, 0.7f, 0, 4},
    {70, 24, 8, 33, 0.6f, 0.2f, 1}, {260, 21, 4, 8, 1, 0, 99},     {40, 70, 32, 16, 0.4f, 0, 1},
    {9, 33, 16, 40, 0.8f, 0, 1},    {5, 6, 2, 3, 0, 1, 99},        {600, 18, 1, 4, 0.9f, 1, 5},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/// A layer, a batch of it, and room for two results of each product.
typedef struct bed {
    const shape *s;
    weir__route route;
    size_t blocks, slots, weight_count;
    float *weights, *bias, *x, *dy; // dy compact
    uint16_t *half;
    weir__scratch scratch;
} bed;

static float *floats(size_t count) {
    float *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    fill(values, count);
    return values;
}

static bed make_bed(const shape *s) {
    bed b = {.s = s, .blocks = (s->out + s->block - 1) / s->block, .weight_count = s->out * s->in};
    float *h = floats(s->rows * b.blocks);
    uint8_t *evaluate = calloc(s->rows * b.blocks, 1);
    assert_non_null(evaluate);
    for (size_t k = 0; k < s->rows * b.blocks; k++) {
        h[k] = uniform() < s->share && k % b.blocks != s->closed ? 1 : 0;
        evaluate[k] = uniform() < s->evaluated;
    }
    assert_int_equal(weir__route_build(&b.route, s->rows, b.blocks, h, evaluate, NULL), WEIR_OK);
    b.slots = b.route.slots * s->block;
    b.weights = floats(b.weight_count), b.bias = floats(s->out), b.x = floats(s->rows * s->in), b.dy = floats(b.slots);
    b.half = malloc((b.weight_count + 1) * sizeof *b.half);
    assert_non_null(b.half);
    weir__halves_split(b.weight_count, &(weir__halves){.upper = b.half}, b.weights);
    free(h), free(evaluate);
    return b;
}

static void free_bed(bed *b) {
    weir__route_free(&b->route);
    weir__scratch_free(&b->scratch);
    free(b->weights), free(b->bias), free(b->x), free(b->dy), free(b->half);
}

static weir__side compact(const bed *b, float *values) {
    return (weir__side){.route = &b->route, .width = b->s->out, .block = b->s->block, .values = values};
}
static weir__side dense(size_t width, float *values) {
    return (weir__side){.width = width, .block = width, .values = values};
}

static void check_close(const char *what, const bed *b, const float *got, const float *want, size_t count,
                        double most) {
    double scale = 0;
    for (size_t k = 0; k < count; k++) scale = fmax(scale, fabs((double)want[k]));
    for (size_t k = 0; k < count; k++) {
        const double error = fabs((double)got[k] - (double)want[k]);
        if (!(error <= most * scale)) {
            fail_msg("%s of %zu x %zu / %zu <- %zu: [%zu] is %g, not %g", what, b->s->rows, b->s->out, b->s->block,
                     b->s->in, k, (double)got[k], (double)want[k]);
        }
    }
}

/// Values of units that a short last block lacks are nobody's.
static void clear_beyond(const bed *b, float *values) {
    const weir__side side = compact(b, values);
    const size_t last = b->blocks - 1, units = b->s->out - last * b->s->block;
    for (size_t slot = (size_t)b->route.start[last]; slot < b->route.slots; slot++) {
        memset(side.values + slot * b->s->block + units, 0, (b->s->block - units) * sizeof *values);
    }
}

static void compare_ways(const shape *s, weir_way way, bool half) {
    bed b = make_bed(s);
    const weir_plan plan = {.way = way}, gated = {.way = WEIR_WAY_GATED};
    const weir__weights w = {b.weights, half ? b.half : NULL};
    const double most = half ? 1e-5 : 2e-6 * sqrt((double)(s->rows + s->out + s->in));
    float *got = floats(b.slots), *want = floats(b.slots);
    const weir__side x = dense(s->in, b.x), y = compact(&b, got), wanted_y = compact(&b, want);
    for (int k = 0; k < 2; k++) { // with and without a bias
        const float *bias = k ? NULL : b.bias;
        assert_int_equal(weir__product_forward(&plan, s->rows, &y, &x, &w, bias, &b.scratch, NULL), WEIR_OK);
        assert_int_equal(weir__product_forward(&gated, s->rows, &wanted_y, &x, &w, bias, &b.scratch, NULL), WEIR_OK);
        clear_beyond(&b, got), clear_beyond(&b, want);
        check_close("y", &b, got, want, b.slots, most);
    }
    float *dx = floats(s->rows * s->in), *wanted_dx = floats(s->rows * s->in);
    const weir__side dy = compact(&b, b.dy), to = dense(s->in, dx), wanted_to = dense(s->in, wanted_dx);
    assert_int_equal(weir__product_input_gradient(&plan, s->rows, &to, &dy, &w, &b.scratch, NULL), WEIR_OK);
    assert_int_equal(weir__product_input_gradient(&gated, s->rows, &wanted_to, &dy, &w, &b.scratch, NULL), WEIR_OK);
    check_close("dx", &b, dx, wanted_dx, s->rows * s->in, most);
    free(got), free(want), free(dx), free(wanted_dx);
    free_bed(&b);
}

static void test_forward_and_input_gradient(void **state) {
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        compare_ways(&shapes[k], WEIR_WAY_DENSE, false);
        compare_ways(&shapes[k], WEIR_WAY_STREAM, false);
        compare_ways(&shapes[k], WEIR_WAY_DENSE, true);
    }
}

static void compare_gradients(const shape *s, weir_way way) {
    bed b = make_bed(s);
    const weir_plan plans[] = {{.way = way}, {.way = WEIR_WAY_GATED}};
    const weir__side dy = compact(&b, b.dy), x = dense(s->in, b.x);
    float *dweights[2], *dbias[2];
    uint8_t *flags[2], *bias_flags[2];
    for (int k = 0; k < 2; k++) {
        dweights[k] = floats(b.weight_count), dbias[k] = floats(s->out);
        flags[k] = malloc(b.blocks), bias_flags[k] = malloc(b.blocks);
        assert_true(flags[k] && bias_flags[k]);
        memset(flags[k], 1, b.blocks), memset(bias_flags[k], 1, b.blocks); // as after a step that touched everything
        assert_int_equal(weir__product_weight_gradient(&plans[k], s->rows, dweights[k], dbias[k], flags[k],
                                                       bias_flags[k], &dy, &x, &b.scratch, NULL),
                         WEIR_OK);
    }
    const double most = 2e-6 * sqrt((double)s->rows);
    check_close("dW", &b, dweights[0], dweights[1], b.weight_count, most);
    check_close("db", &b, dbias[0], dbias[1], s->out, most);
    assert_memory_equal(flags[0], flags[1], b.blocks);
    assert_memory_equal(bias_flags[0], bias_flags[1], b.blocks);
    for (int k = 0; k < 2; k++) free(dweights[k]), free(dbias[k]), free(flags[k]), free(bias_flags[k]);
    free_bed(&b);
}

/// Weights, the bias and the moving averages after a step; blocks without a pair stay as they were.
static void compare_updates(const shape *s, weir_way way, const weir__update_rule *rule, float decay, float most_norm) {
    bed b = make_bed(s);
    const weir_plan plans[] = {{.way = way}, {.way = WEIR_WAY_GATED}};
    const weir__side dy = compact(&b, b.dy), x = dense(s->in, b.x);
    float *weights[2], *bias[2], *average[2], *bias_average[2];
    for (int k = 0; k < 2; k++) {
        weights[k] = floats(b.weight_count), bias[k] = floats(s->out);
        average[k] = floats(b.weight_count), bias_average[k] = floats(s->out);
        memcpy(weights[k], b.weights, b.weight_count * sizeof **weights);
        memcpy(bias[k], b.bias, s->out * sizeof **bias);
        for (size_t i = 0; i < b.weight_count; i++) average[k][i] = (float)(i % 7);
        for (size_t i = 0; i < s->out; i++) bias_average[k][i] = (float)(i % 5);
        const weir__move move = {.rate = 0.01f, .momentum = 0.5f, .decay = decay};
        weir__update update = {.rule = rule, .move = move, .most = most_norm};
        weir__update bias_update = {.rule = rule, .move = {.rate = 0.01f, .momentum = 0.5f}};
        if (rule == &weir__momentum) update.slot[0] = average[k], bias_update.slot[0] = bias_average[k];
        assert_int_equal(weir__product_weight_update(&plans[k], s->rows, weights[k], bias[k], &dy, &x, &update,
                                                     &bias_update, &b.scratch, NULL),
                         WEIR_OK);
    }
    const double most = 2e-6 * sqrt((double)s->rows);
    check_close("W", &b, weights[0], weights[1], b.weight_count, most);
    check_close("b", &b, bias[0], bias[1], s->out, most);
    check_close("average", &b, average[0], average[1], b.weight_count, most);
    check_close("average of b", &b, bias_average[0], bias_average[1], s->out, most);
    if (s->closed < b.blocks) {
        const size_t first = s->closed * s->block * s->in;
        assert_memory_equal(weights[0] + first, b.weights + first, s->block * s->in * sizeof **weights);
    }
    for (int k = 0; k < 2; k++) free(weights[k]), free(bias[k]), free(average[k]), free(bias_average[k]);
    free_bed(&b);
}

static void test_weight_gradient_and_update(void **state) {
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        for (int way = WEIR_WAY_DENSE; way <= WEIR_WAY_STREAM; way++) {
            compare_gradients(&shapes[k], (weir_way)way);
            compare_updates(&shapes[k], (weir_way)way, &weir__sgd, 0, 0);
            compare_updates(&shapes[k], (weir_way)way, &weir__sgd, 0.1f, 0);
            compare_updates(&shapes[k], (weir_way)way, &weir__sgd, 0, 0.5f);
            compare_updates(&shapes[k], (weir_way)way, &weir__momentum, 0, 0);
        }
    }
}

/// What is spread comes back, and closed pairs are 0, in both orders of a dense array.
static void test_spread(void **state) {
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        const shape *s = &shapes[k];
        bed b = make_bed(s);
        float *plain = floats(s->rows * s->out), *back = floats(b.slots);
        const weir__side from = compact(&b, b.dy), to = compact(&b, back);
        for (int order = 0; order < (s->block == 1 ? 2 : 1); order++) {
            const weir__strides at = order ? weir__by_units(s->rows) : weir__by_rows(&from);
            double sum = 0, wanted = 0;
            weir__scatter(&from, s->rows, plain, at);
            weir__gather(&to, s->rows, plain, at, NULL);
            clear_beyond(&b, b.dy), clear_beyond(&b, back);
            for (size_t j = 0; j < b.blocks; j++) {
                for (size_t slot = (size_t)b.route.start[j]; slot < (size_t)b.route.start[j + 1]; slot++) {
                    const bool open = slot < (size_t)b.route.open[j];
                    for (size_t u = 0; u < s->block; u++) {
                        const double value = (double)b.dy[slot * s->block + u];
                        assert_true((double)back[slot * s->block + u] == (open ? value : 0));
                        if (open) wanted += fabs(value);
                    }
                }
            }
            for (size_t i = 0; i < s->rows * s->out; i++) sum += fabs((double)plain[i]);
            assert_true(fabs(sum - wanted) <= 1e-9 * (1 + wanted)); // nothing else is there
        }
        free(plain), free(back);
        free_bed(&b);
    }
}

// ---- choices -------------------------------------------------------------------------------------------------------

static weir_plan plan_of(weir_operation operation, size_t rows, size_t block, double share) {
    weir_plan plan = {.operation = operation, .rows = rows, .out = 1024, .out_block = block, .in = 1024, .in_share = 1};
    plan.out_share = share;
    weir_plan_choose(&plan);
    return plan;
}

/// Rates by which the gated way takes twice the time of the dense one for the same multiply-adds.
static weir_calibration half_as_fast(void) {
    weir_calibration c = {.isa = weir_isa_current(), .threads = weir_threads()};
    for (int p = 0; p < 2; p++) {
        for (int o = 0; o < WEIR_OPERATION_COUNT; o++) {
            for (int r = 0; r < WEIR_CALIBRATION_ROWS; r++) {
                c.rates[p].dense[o][r] = 2e9;
                for (int k = 0; k < WEIR_CALIBRATION_BLOCKS; k++) c.rates[p].gated[o][k][r] = 1e9;
            }
        }
    }
    return c;
}

static void test_choice(void **state) {
    (void)state;
    char text[256];
    weir_calibration c = half_as_fast();
    assert_int_equal(weir_calibration_use(&c, NULL), WEIR_OK);
    for (int o = 0; o < WEIR_OPERATION_COUNT; o++) {
        for (size_t rows = 1; rows <= 2048; rows = rows * 3 + 1) {
            const weir_operation operation = (weir_operation)o;
            assert_int_equal(plan_of(operation, rows, 32, 0.49).way, WEIR_WAY_GATED);
            assert_int_equal(plan_of(operation, rows, 32, 0.51).way, WEIR_WAY_DENSE);
            assert_int_equal(plan_of(operation, rows, 32, 0).way, WEIR_WAY_GATED);
            assert_int_equal(plan_of(operation, rows, 0, 1).way, WEIR_WAY_DENSE);
        }
    }
    // Pairs that cost as much to move as they save.
    c.float_seconds = 1024 * 0.5e-9;
    assert_int_equal(weir_calibration_use(&c, NULL), WEIR_OK);
    assert_int_equal(plan_of(WEIR_OPERATION_FORWARD, 100, 32, 0.9).way, WEIR_WAY_GATED);
    // The stream is twice as fast as that.
    for (int r = 0; r < WEIR_CALIBRATION_ROWS; r++) c.rates[0].stream[WEIR_OPERATION_FORWARD][r] = 4e9;
    assert_int_equal(weir_calibration_use(&c, NULL), WEIR_OK);
    weir_plan plan = plan_of(WEIR_OPERATION_FORWARD, 100, 32, 0.9);
    assert_int_equal(plan.way, WEIR_WAY_STREAM);
    weir_plan_describe(&plan, text, sizeof text);
    assert_non_null(strstr(text, "forward by the way stream, gathered rows: gated 94.4 ms"));
    assert_int_equal(plan_of(WEIR_OPERATION_INPUT_GRADIENT, 100, 32, 0.9).way, WEIR_WAY_GATED);
    // A compact input: only the gated kernels can read such weights.
    plan.in_block = 16;
    weir_plan_choose(&plan);
    assert_int_equal(plan.way, WEIR_WAY_GATED);
    assert_int_equal(weir_plan_use(WEIR_WAY_DENSE), WEIR_OK);
    weir_plan_choose(&plan);
    assert_true(plan.way == WEIR_WAY_GATED && !plan.forced);
    assert_int_equal(plan_of(WEIR_OPERATION_FORWARD, 1, 32, 0.1).way, WEIR_WAY_DENSE);
    assert_int_equal(weir_plan_use(WEIR_WAY_AUTO), WEIR_OK);
    assert_int_equal(weir_plan_use((weir_way)7), WEIR_ARGUMENT);
    assert_int_equal(weir_calibration_use(NULL, NULL), WEIR_OK);
}

/// What is built in knows every way that it needs to, for every instruction set; gates that are all closed cost
/// nothing.
static void test_built_in(void **state) {
    (void)state;
    for (int isa = WEIR_ISA_GENERIC; isa <= (int)weir_isa_best(); isa++) {
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        for (int o = 0; o < WEIR_OPERATION_COUNT; o++) {
            for (size_t rows = 1; rows <= 1024; rows *= 2) {
                for (size_t block = 1; block <= 128; block *= 2) {
                    const weir_plan plan = plan_of((weir_operation)o, rows, block, 0.5);
                    for (int way = WEIR_WAY_GATED; way < WEIR_WAY_COUNT; way++) {
                        assert_true(plan.seconds[way] > 0 && isfinite(plan.seconds[way]));
                    }
                    assert_int_equal(plan_of((weir_operation)o, rows, block, 0).way, WEIR_WAY_GATED);
                    assert_int_equal(plan_of((weir_operation)o, rows, block, 0.01).way, WEIR_WAY_GATED);
                }
            }
        }
    }
    assert_int_equal(weir_isa_use(weir_isa_best()), WEIR_OK);
}

static void test_rates_between(void **state) {
    (void)state;
    weir_calibration c = half_as_fast();
    double *rates = c.rates[0].dense[0];
    rates[0] = 1e9, rates[1] = 8e9, rates[2] = 2e9;
    c.rates[0].gated[0][1][2] = 4e9;
    const weir__rates r = {&c, 3, 1};
#define RATE(way, block, rows) weir__rate(&r, WEIR_FLOAT32, way, WEIR_OPERATION_FORWARD, block, rows)
    assert_true(fabs(RATE(WEIR_WAY_DENSE, 0, 1) - 3e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_DENSE, 0, 0.01) - 3e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_DENSE, 0, 2) - 6e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_DENSE, 0, 16) - 12e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_DENSE, 0, 1e6) - 6e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_GATED, 4, 32) - 12e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_GATED, 2, 32) - 6e9) < 1);
    assert_true(fabs(RATE(WEIR_WAY_GATED, 500, 32) - 3e9) < 1);
    assert_true(RATE(WEIR_WAY_STREAM, 0, 32) == 0);
#undef RATE
}

// ---- rates ---------------------------------------------------------------------------------------------------------

static void test_measure(void **state) {
    (void)state;
    const weir__calibration_effort little = {.width = 64, .layers = 2, .rounds = 1};
    weir_calibration c = {.threads = -1};
    weir_error error;
    assert_int_equal(weir_isa_use(WEIR_ISA_REFERENCE), WEIR_OK);
    assert_int_equal(weir__calibrate(&c, &little, &error), WEIR_UNSUPPORTED);
    assert_int_equal(c.threads, -1);
    assert_int_equal(weir_isa_use(weir_isa_best()), WEIR_OK);
    assert_int_equal(weir__calibrate(&c, &little, &error), WEIR_OK);
    assert_int_equal(c.threads, weir_threads());
    assert_true(c.processor[0] != 0);
    for (int o = 0; o < WEIR_OPERATION_COUNT; o++) {
        for (int r = 0; r < WEIR_CALIBRATION_ROWS; r++) {
            assert_true(c.rates[0].dense[o][r] > 0 && c.rates[0].stream[o][r] > 0);
            for (int b = 0; b < WEIR_CALIBRATION_BLOCKS; b++) assert_true(c.rates[0].gated[o][b][r] > 0);
        }
    }
    assert_true(c.rates[1].dense[WEIR_OPERATION_FORWARD][0] > 0 && c.rates[1].gated[WEIR_OPERATION_FORWARD][3][4] > 0);
    assert_int_equal(weir_calibration_use(&c, NULL), WEIR_OK);
    assert_int_equal(weir_calibration_use(NULL, NULL), WEIR_OK);
    weir_status status = WEIR_MEMORY;
    for (long k = 0; status == WEIR_MEMORY; k++) {
        weir__alloc_fail_after(k);
        status = weir__calibrate(&c, &little, &error);
        weir__alloc_fail_after(-1);
        assert_true(k < 1000);
    }
    assert_int_equal(status, WEIR_OK);
}

static void test_use(void **state) {
    (void)state;
    weir_calibration c, now;
    weir_error error;
    weir_calibration_default(&c);
    weir_calibration_current(&now);
    assert_memory_equal(&c, &now, sizeof c);
    c.rates[0].dense[0][0] *= 2;
    assert_int_equal(weir_calibration_use(&c, &error), WEIR_OK);
    weir_calibration_current(&now);
    assert_memory_equal(&c, &now, sizeof c);
    // Of other threads: built in.
    const int threads = weir_threads();
    weir_threads_use(threads + 1);
    weir_calibration_current(&now);
    assert_true(now.threads == threads + 1 && now.rates[0].dense[0][0] < c.rates[0].dense[0][0]);
    weir_threads_use(threads);
    weir_calibration bad = c;
    bad.rates[1].gated[3][3][4] = NAN;
    assert_int_equal(weir_calibration_use(&bad, &error), WEIR_ARGUMENT);
    bad = c;
    bad.pair_seconds = -1;
    assert_int_equal(weir_calibration_use(&bad, &error), WEIR_ARGUMENT);
    weir_calibration_current(&now);
    assert_memory_equal(&c, &now, sizeof c);
    assert_int_equal(weir_calibration_use(NULL, &error), WEIR_OK);
}

static char folder[] = "/tmp/weir_plan_XXXXXX";

/// The file with one text in place of another.
static void change(const char *path, const char *from, const char *to) {
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    const char *at = strstr(text, from);
    assert_non_null(at);
    file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(fclose(file), 0);
}

static void test_files(void **state) {
    (void)state;
    char path[256], cut[64];
    weir_calibration c, got = {.threads = 77};
    weir_error error;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
    assert_int_equal(weir_calibration_path(path, sizeof path, &error), WEIR_OK);
    snprintf(cut, sizeof cut, "/weir/rates-%s-%d.json", weir_isa_name(weir_isa_current()), weir_threads());
    assert_memory_equal(path, folder, strlen(folder));
    assert_string_equal(path + strlen(folder), cut);
    assert_int_equal(weir_calibration_load(&got, path, &error), WEIR_NOT_FOUND);

    weir_calibration_default(&c);
    weir__processor_name(c.processor, sizeof c.processor);
    c.rates[0].dense[1][2] = 1.0 / 3;
    assert_int_equal(weir_calibration_save(&c, path, &error), WEIR_OK);
    assert_int_equal(weir_calibration_load(&got, path, &error), WEIR_OK);
    assert_int_equal(memcmp(got.rates, c.rates, sizeof c.rates), 0);
    assert_true(got.pair_seconds == c.pair_seconds && got.float_seconds == c.float_seconds);
    assert_string_equal(got.processor, c.processor);
    assert_true(got.isa == c.isa && got.threads == c.threads);

    static const struct {
        const char *from, *to, *says;
    } wrongs[] = {
        {"\"processor\": \"", "\"processor\": \"Abacus ", "\"processor\" is \"Abacus "},
        {"weir rates 1", "weir rates 9", "expected \"weir rates 1\""},
        {"\"weir\": \"", "\"weir\": \"9", "\"weir\" is \"9"},
        {"\"isa\": \"", "\"isa\": \"not ", "\"isa\" is \"not "},
        {"\"threads\": ", "\"threads\": 9", "of 9"},
        {"\"pair_seconds\": ", "\"pair_seconds\": -", "\"pair_seconds\" has something other than"},
        {"\"dense\": [", "\"dense\": [[1],", "\"dense\" has 5 lines, expected 4"},
        {"\"gated\": [\n   [", "\"gated\": [\n   [1,", "a line of \"gated\" has 6 numbers, expected 5"},
        {"{", "[", "line "},
    };
    for (size_t k = 0; k < sizeof wrongs / sizeof *wrongs; k++) {
        assert_int_equal(weir_calibration_save(&c, path, &error), WEIR_OK);
        change(path, wrongs[k].from, wrongs[k].to);
        got.threads = 77;
        assert_int_equal(weir_calibration_load(&got, path, &error), WEIR_FORMAT);
        assert_int_equal(got.threads, 77);
        if (!strstr(error.text, wrongs[k].says) || !strstr(error.text, path)) fail_msg("case %zu: %s", k, error.text);
    }
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0);
    assert_int_equal(setenv("HOME", folder, 1), 0);
    assert_int_equal(weir_calibration_path(path, sizeof path, &error), WEIR_OK);
    assert_non_null(strstr(path, "/.cache/weir/rates-"));
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(weir_calibration_path(path, sizeof path, &error), WEIR_NOT_FOUND);
    snprintf(path, sizeof path, "%s%s", folder, cut);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/weir", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    weir_threads_use(2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_forward_and_input_gradient),
        cmocka_unit_test(test_weight_gradient_and_update),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_rates_between),
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
