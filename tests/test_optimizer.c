// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The update rules against their formulas in double, in plain and tiled tensors, with max-norm, decay and blocks that
// must not be visited (their moving averages hold NaN, which would spread).

#include <float.h>

#include "testing.h"

#include "graph/graph.h"
#include "train/optimizer.h"

enum { most_values = 1 << 16, most_tiles = 512 };

// One tensor with its flat arrays, and the same in double, plain row-major.
typedef struct bed {
    weir_tensor tensor;
    weir_parameters parameters;
    float values[most_values], gradients[most_values];
    uint8_t touched[most_tiles];
    double w[most_values], g[most_values], slot[2][most_values];
} bed;

static double draw(void) { return 2 * (double)uniform() - 1; }

static void bed_init(bed *b, size_t rows, size_t columns, size_t block_rows, size_t block_columns, bool track) {
    memset(b, 0, sizeof *b);
    assert_true(rows * columns <= most_values);
    b->tensor = (weir_tensor){.name = "t",
                              .rows = rows,
                              .columns = columns,
                              .block_rows = block_rows,
                              .block_columns = block_columns,
                              .rate = 1,
                              .role = WEIR_ROLE_WEIGHT,
                              .touched = track ? b->touched : NULL};
    b->parameters = (weir_parameters){.values = b->values,
                                      .gradients = b->gradients,
                                      .count = rows * columns,
                                      .tensors = &b->tensor,
                                      .tensor_count = 1};
    memset(b->touched, 1, sizeof b->touched);
    float plain[most_values];
    for (size_t i = 0; i < rows * columns; i++) plain[i] = (float)draw();
    for (size_t i = 0; i < rows * columns; i++) b->w[i] = plain[i];
    weir__tensor_pack(&b->tensor, b->values, plain);
}

static size_t tiles_per_strip(const bed *b) {
    return (b->tensor.columns + b->tensor.block_columns - 1) / b->tensor.block_columns;
}

static bool is_touched(const bed *b, size_t i) {
    const size_t r = i / b->tensor.columns, c = i % b->tensor.columns;
    return b->touched[r / b->tensor.block_rows * tiles_per_strip(b) + c / b->tensor.block_columns];
}

// New gradients; zero where untouched, as backward leaves them.
static void bed_gradients(bed *b) {
    const size_t count = b->tensor.rows * b->tensor.columns;
    static float plain[most_values];
    for (size_t i = 0; i < count; i++) plain[i] = is_touched(b, i) ? (float)draw() : 0;
    for (size_t i = 0; i < count; i++) b->g[i] = plain[i];
    weir__tensor_pack(&b->tensor, b->gradients, plain);
}

// The formulas of train.h, written down again in double.
static void reference_step(bed *b, const weir_optimizer_options *o, double rate, int t) {
    const size_t rows = b->tensor.rows, columns = b->tensor.columns;
    const bool everywhere = !strcmp(o->kind, "sgd") && o->decay > 0 && b->tensor.role == WEIR_ROLE_WEIGHT;
    rate *= b->tensor.rate;
    for (size_t r = 0; r < rows; r++) {
        double squares = 0;
        bool moved = false;
        for (size_t i = r * columns; i < (r + 1) * columns; i++) {
            if (is_touched(b, i) || everywhere) {
                const double g = b->g[i] + (b->tensor.role == WEIR_ROLE_WEIGHT ? o->decay * b->w[i] : 0);
                moved = true;
                if (!strcmp(o->kind, "sgd")) {
                    b->w[i] -= rate * g;
                } else if (!strcmp(o->kind, "momentum")) {
                    b->slot[0][i] = o->momentum * b->slot[0][i] + g;
                    b->w[i] -= rate * b->slot[0][i];
                } else {
                    b->slot[0][i] = o->beta1 * b->slot[0][i] + (1 - o->beta1) * g;
                    b->slot[1][i] = o->beta2 * b->slot[1][i] + (1 - o->beta2) * g * g;
                    const double m = b->slot[0][i] / (1 - pow(o->beta1, t)), v = b->slot[1][i] / (1 - pow(o->beta2, t));
                    b->w[i] -= rate * m / (sqrt(v) + o->epsilon);
                }
            }
            squares += b->w[i] * b->w[i];
        }
        const double norm = sqrt(squares), most = b->tensor.max_norm;
        if (moved && most > 0 && norm > most) {
            for (size_t i = r * columns; i < (r + 1) * columns; i++) b->w[i] *= most / norm;
        }
    }
}

static void compare(const bed *b, double tolerance) {
    const size_t count = b->tensor.rows * b->tensor.columns;
    static float plain[most_values];
    double greatest = 0;
    weir__tensor_unpack(&b->tensor, plain, b->values);
    for (size_t i = 0; i < count; i++) {
        const double distance = fabs(plain[i] - b->w[i]);
        if (!(distance <= tolerance)) fail_msg("element %zu: %.9g, expected %.9g", i, plain[i], b->w[i]);
        greatest = fmax(greatest, fabs(b->w[i]));
    }
    assert_true(count > 0 && greatest > 0.01);
}

// One step of all parameters from their gradients.
static void optimizer_step(weir_optimizer *optimizer, const weir_parameters *parameters, double rate) {
    assert_int_equal(weir_optimizer_step_parameters(optimizer, parameters, rate, NULL), WEIR_OK);
}

typedef struct layout {
    size_t rows, columns, block_rows, block_columns;
    bool track;
} layout;

static const layout layouts[] = {
    {37, 53, 37, 53, false},                         // dense
    {1, 7, 1, 7, false},      {50, 61, 1, 61, true}, // one unit per block
    {50, 301, 16, 301, true},                        // blocks of 16, the last one short
    {50, 61, 8, 16, true},                           // two-sided: tiles
    {300, 1, 8, 1, true},                            // the bias of blocks
    {300, 1, 300, 1, false},
};

static weir_optimizer_options options_of(const char *kind, double decay) {
    weir_optimizer_options o = weir_optimizer_options_default();
    o.kind = kind;
    o.decay = decay;
    o.momentum = 0.7;
    return o;
}

static void test_formulas(void **unused) {
    (void)unused;
    static bed b;
    static const char *const kinds[] = {"sgd", "momentum", "adam"};
    for (size_t k = 0; k < 3; k++) {
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
            for (int variant = 0; variant < 4; variant++) {
                const layout *at = &layouts[l];
                const weir_optimizer_options o = options_of(kinds[k], variant & 1 ? 0.05 : 0);
                weir_optimizer optimizer;
                bed_init(&b, at->rows, at->columns, at->block_rows, at->block_columns, at->track);
                b.tensor.max_norm = variant & 2 ? 0.55 * sqrt((double)at->columns) : 0;
                b.tensor.rate = 0.5;
                b.tensor.role = l % 2 == 0 ? WEIR_ROLE_WEIGHT : WEIR_ROLE_BIAS;
                assert_int_equal(weir__optimizer_init(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
                for (int t = 1; t <= 7; t++) {
                    for (size_t i = 0; i < most_tiles && at->track; i++) b.touched[i] = draw() < 0;
                    bed_gradients(&b);
                    reference_step(&b, &o, 0.1, t);
                    optimizer_step(&optimizer, &b.parameters, 0.1);
                }
                compare(&b, 2e-6);
                weir__optimizer_free(&optimizer);
            }
        }
    }
}

static void test_max_norm_holds(void **unused) {
    (void)unused;
    static bed b;
    const weir_optimizer_options o = options_of("sgd", 0);
    weir_optimizer optimizer;
    bed_init(&b, 48, 100, 16, 32, true);
    b.tensor.max_norm = 2;
    assert_int_equal(weir__optimizer_init(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
    bed_gradients(&b);
    optimizer_step(&optimizer, &b.parameters, 0.5);
    static float plain[most_values];
    weir__tensor_unpack(&b.tensor, plain, b.values);
    for (size_t r = 0; r < 48; r++) {
        double squares = 0;
        for (size_t c = 0; c < 100; c++) squares += (double)plain[r * 100 + c] * plain[r * 100 + c];
        // Every row began at a norm of about 5.8.
        if (!(fabs(sqrt(squares) - 2) <= 1e-5)) fail_msg("row %zu has norm %g", r, sqrt(squares));
    }
    weir__optimizer_free(&optimizer);
}

// What a closed block owns holds NaN: a visit would spread it or change its bits.
static void test_untouched_is_not_visited(void **unused) {
    (void)unused;
    static bed b;
    static const char *const kinds[] = {"sgd", "momentum", "adam"};
    static const struct {
        size_t block_rows, block_columns;
        double max_norm;
    } cases[] = {{1, 40, 0}, {1, 40, 1}, {8, 40, 0}, {8, 40, 1}, {8, 16, 0}};
    for (size_t k = 0; k < 3; k++) {
        for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
            // Momentum and adam leave untouched blocks alone even with decay.
            const weir_optimizer_options o = options_of(kinds[k], k ? 0.1 : 0);
            weir_optimizer optimizer;
            bed_init(&b, 36, 40, cases[n].block_rows, cases[n].block_columns, true);
            b.tensor.max_norm = cases[n].max_norm;
            assert_int_equal(weir__optimizer_init(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
            for (size_t i = 0; i < most_tiles; i++) b.touched[i] = i % 3 == 0;
            bed_gradients(&b);
            static float marks[most_values], packed[most_values];
            size_t poisoned = 0;
            for (size_t i = 0; i < 36 * 40; i++) marks[i] = is_touched(&b, i) ? 0 : NAN;
            weir__tensor_pack(&b.tensor, packed, marks);
            for (size_t i = 0; i < 36 * 40; i++) {
                if (!isnan(packed[i])) continue;
                b.values[i] = b.gradients[i] = NAN;
                for (size_t s = 0; s < 2; s++) {
                    if (optimizer.slots[s]) optimizer.slots[s][i] = NAN;
                }
                poisoned++;
            }
            const float *before = memcpy(marks, b.values, sizeof marks);
            for (int t = 0; t < 3; t++) optimizer_step(&optimizer, &b.parameters, 0.1);
            size_t moved = 0, clean = 0;
            for (size_t i = 0; i < 36 * 40; i++) {
                clean += !isnan(b.values[i]);
                moved += !isnan(b.values[i]) && memcmp(&before[i], &b.values[i], sizeof(float));
            }
            assert_true(poisoned > 100);
            assert_int_equal(clean, 36 * 40 - poisoned);
            assert_int_equal(moved, clean);
            weir__optimizer_free(&optimizer);
        }
    }
}

static void test_sgd_decays_untouched(void **unused) {
    (void)unused;
    static bed b;
    const weir_optimizer_options o = options_of("sgd", 0.1);
    weir_optimizer optimizer;
    bed_init(&b, 10, 10, 1, 10, true);
    memset(b.touched, 0, sizeof b.touched);
    bed_gradients(&b);
    assert_int_equal(weir__optimizer_init(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
    optimizer_step(&optimizer, &b.parameters, 0.5);
    for (size_t i = 0; i < 100; i++) b.w[i] *= 1 - 0.05;
    compare(&b, 1e-6);
    weir__optimizer_free(&optimizer);
}

// Padding between tensors stays 0, and each tensor has its own rate.
static void test_two_tensors(void **unused) {
    (void)unused;
    enum { count = 16 + 32 };
    float values[count] = {0}, gradients[count] = {0};
    const weir_tensor tensors[] = {
        {.rows = 3,
         .columns = 3,
         .block_rows = 3,
         .block_columns = 3,
         .offset = 0,
         .rate = 1,
         .role = WEIR_ROLE_WEIGHT},
        {.rows = 20, .columns = 1, .block_rows = 4, .block_columns = 1, .offset = 16, .rate = 0.01},
    };
    const weir_parameters parameters = {
        .values = values, .gradients = gradients, .count = count, .tensors = tensors, .tensor_count = 2};
    for (size_t i = 0; i < 9; i++) gradients[i] = 1;
    for (size_t i = 16; i < 36; i++) gradients[i] = 1;
    const weir_optimizer_options o = options_of("momentum", 0);
    weir_optimizer optimizer;
    assert_int_equal(weir__optimizer_init(&optimizer, &o, count, NULL), WEIR_OK);
    optimizer_step(&optimizer, &parameters, 0.1);
    for (size_t i = 0; i < count; i++) {
        const double expected = i < 9 ? -0.1 : i >= 16 && i < 36 ? -0.001 : 0;
        if (!(fabs(values[i] - expected) <= 1e-7)) fail_msg("element %zu: %g, expected %g", i, values[i], expected);
    }
    weir__optimizer_free(&optimizer);
}

static void test_same_bits_for_any_threads(void **unused) {
    (void)unused;
    static bed a, b;
    const weir_optimizer_options o = options_of("adam", 0.01);
    const int before = weir_threads();
    bed *const beds[] = {&a, &b};
    for (int n = 0; n < 2; n++) {
        weir_optimizer optimizer;
        weir_threads_use(n ? 3 : 1);
        random_state = 5;
        bed_init(beds[n], 120, 400, 8, 100, true);
        beds[n]->tensor.max_norm = 3;
        assert_int_equal(weir__optimizer_init(&optimizer, &o, beds[n]->parameters.count, NULL), WEIR_OK);
        for (int t = 0; t < 5; t++) {
            bed_gradients(beds[n]);
            optimizer_step(&optimizer, &beds[n]->parameters, 0.1);
        }
        weir__optimizer_free(&optimizer);
    }
    weir_threads_use(before);
    assert_memory_equal(a.values, b.values, sizeof a.values);
}

// A weight that has overflowed is left for the trainer to report, not scaled to 0.
static void test_overflow_is_not_hidden(void **unused) {
    (void)unused;
    static bed b;
    const weir_optimizer_options o = options_of("sgd", 0);
    weir_optimizer optimizer;
    bed_init(&b, 2, 20, 2, 20, false);
    b.tensor.max_norm = 1;
    bed_gradients(&b);
    b.gradients[3] = FLT_MAX;
    assert_int_equal(weir__optimizer_init(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
    optimizer_step(&optimizer, &b.parameters, 100);
    assert_true(isinf(b.values[3]));
    assert_true(fabsf(b.values[4]) > 0);
    weir__optimizer_free(&optimizer);
}

static void test_bad_options(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_optimizer optimizer;
    weir_optimizer_options o = options_of("adagrad", 0);
    assert_int_equal(weir__optimizer_init(&optimizer, &o, 16, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "adagrad"));
    double *const fields[] = {&o.rate, &o.momentum, &o.beta1, &o.beta2, &o.epsilon, &o.decay};
    static const double wrong[] = {-1, NAN};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        for (size_t n = 0; n < 2; n++) {
            o = options_of("sgd", 0);
            *fields[f] = wrong[n];
            assert_int_equal(weir__optimizer_init(&optimizer, &o, 16, &error), WEIR_CONFIG);
        }
    }
    o = options_of("adam", 0);
    weir__alloc_fail_after(1);
    assert_int_equal(weir__optimizer_init(&optimizer, &o, 16, &error), WEIR_MEMORY);
    weir__alloc_fail_after(-1);
    assert_null(optimizer.slots[0]);
}

// ---- without a trainer ----------------------------------------------------------------------------------------------

enum { plain_count = 40000 }; // several pieces of work, the last one short

// w after n steps of a constant gradient g, from the formulas of optimizer.h summed up.
static double closed_form(const weir_optimizer_options *o, double w, double g, double rate, int n) {
    if (!strcmp(o->kind, "sgd")) { // w ← (1 − rate·decay)·w − rate·g
        const double past = 1 - rate * o->decay;
        return o->decay > 0 ? pow(past, n) * (w + g / o->decay) - g / o->decay : w - n * rate * g;
    }
    if (!strcmp(o->kind, "momentum")) { // v_k = g·(1 − momentum^k) / (1 − momentum)
        const double m = o->momentum;
        return w - rate * g / (1 - m) * (n - m * (1 - pow(m, n)) / (1 - m));
    }
    assert_string_equal(o->kind, "adam"); // m̂ = g and v̂ = g² in every step
    return w - n * rate * g / (fabs(g) + o->epsilon);
}

// Every kind of the table over one array, its end beside a guard.
static void test_alone_closed_forms(void **unused) {
    (void)unused;
    static float values[plain_count + 1], gradients[plain_count];
    assert_true(weir_optimizer_kind_count() >= 3);
    assert_null(weir_optimizer_kind_at(weir_optimizer_kind_count()));
    for (size_t k = 0; k < weir_optimizer_kind_count(); k++) {
        for (int decays = 0; decays < 2; decays++) {
            const weir_optimizer_options o = options_of(weir_optimizer_kind_at(k), decays ? 0.5 : 0);
            weir_optimizer *optimizer = NULL;
            if (decays && strcmp(o.kind, "sgd") != 0) continue; // no closed form
            for (size_t i = 0; i < plain_count; i++) {
                values[i] = (float)(i % 7) / 4 - 0.5f;
                gradients[i] = (float)(i % 11) / 8 - 0.7f;
            }
            values[plain_count] = 12345;
            assert_int_equal(weir_optimizer_create(&optimizer, &o, plain_count, NULL), WEIR_OK);
            for (int n = 0; n < 6; n++) {
                assert_int_equal(weir_optimizer_step(optimizer, values, gradients, 0.125, NULL), WEIR_OK);
            }
            assert_int_equal(weir_optimizer_steps(optimizer), 6);
            for (size_t i = 0; i < plain_count; i++) {
                const double w = closed_form(&o, (double)(i % 7) / 4 - 0.5, gradients[i], 0.125, 6);
                if (!(fabs(values[i] - w) <= 3e-6)) fail_msg("%s: value %zu: %.9g, not %.9g", o.kind, i, values[i], w);
            }
            assert_true(values[plain_count] == 12345);
            weir_optimizer_free(optimizer);
        }
    }
}

// Averages and steps put into a fresh optimizer continue bit for bit.
static void test_alone_continues(void **unused) {
    (void)unused;
    enum { count = 100 };
    for (size_t k = 0; k < weir_optimizer_kind_count(); k++) {
        const weir_optimizer_options o = options_of(weir_optimizer_kind_at(k), 0.1);
        weir_optimizer *first = NULL, *second = NULL;
        float straight[count], resumed[count], gradients[count];
        assert_int_equal(weir_optimizer_create(&first, &o, count, NULL), WEIR_OK);
        assert_int_equal(weir_optimizer_create(&second, &o, count, NULL), WEIR_OK);
        for (size_t i = 0; i < count; i++) straight[i] = (float)draw(), gradients[i] = (float)draw();
        for (int n = 0; n < 3; n++) weir_optimizer_step(first, straight, gradients, 0.1, NULL);
        memcpy(resumed, straight, sizeof resumed);
        size_t averages = 0;
        const char *name = NULL, *other = NULL;
        for (float *from = NULL; (from = weir_optimizer_average(first, averages, &name)) != NULL; averages++) {
            float *to = weir_optimizer_average(second, averages, &other);
            assert_string_equal(name, other);
            assert_true(*from != 0);
            memcpy(to, from, count * sizeof *to);
        }
        assert_null(name);
        assert_int_equal(averages, !strcmp(o.kind, "adam") ? 2 : !strcmp(o.kind, "momentum"));
        weir_optimizer_steps_set(second, weir_optimizer_steps(first));
        for (int n = 0; n < 3; n++) {
            weir_optimizer_step(first, straight, gradients, 0.1, NULL);
            weir_optimizer_step(second, resumed, gradients, 0.1, NULL);
        }
        assert_memory_equal(straight, resumed, sizeof straight);
        weir_optimizer_free(first);
        weir_optimizer_free(second);
    }
}

// Over parameters: rates, decay, limits and untouched tiles of each tensor, as the formulas have them.
static void test_alone_over_parameters(void **unused) {
    (void)unused;
    static bed b;
    for (size_t k = 0; k < weir_optimizer_kind_count(); k++) {
        const weir_optimizer_options o = options_of(weir_optimizer_kind_at(k), 0.05);
        weir_optimizer *optimizer = NULL;
        bed_init(&b, 50, 61, 8, 16, true);
        b.tensor.max_norm = 4;
        b.tensor.rate = 0.5;
        assert_int_equal(weir_optimizer_create(&optimizer, &o, b.parameters.count, NULL), WEIR_OK);
        for (int t = 1; t <= 5; t++) {
            for (size_t i = 0; i < most_tiles; i++) b.touched[i] = draw() < 0;
            bed_gradients(&b);
            reference_step(&b, &o, 0.1, t);
            assert_int_equal(weir_optimizer_step_parameters(optimizer, &b.parameters, 0.1, NULL), WEIR_OK);
        }
        compare(&b, 2e-6);
        weir_optimizer_free(optimizer);
    }
}

static void test_alone_wrong_use(void **unused) {
    (void)unused;
    static const double rates[] = {-1, NAN, INFINITY};
    static bed b;
    const weir_optimizer_options o = options_of("adam", 0);
    weir_optimizer_options wrong = options_of("adamw", 0);
    weir_optimizer *optimizer = NULL;
    weir_error error = {0};
    double rate = 7;
    assert_int_equal(weir_optimizer_create(&optimizer, &wrong, 4, &error), WEIR_CONFIG);
    assert_null(optimizer);
    assert_non_null(strstr(error.text, "adamw"));
    wrong = o;
    wrong.schedule = "linear";
    assert_int_equal(weir_optimizer_create(&optimizer, &wrong, 4, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "linear"));
    assert_int_equal(weir_schedule_rate(&rate, &wrong, 0, 0, 1, &error), WEIR_CONFIG);
    assert_int_equal(weir_schedule_rate(&rate, &o, 0, 1, 1, &error), WEIR_ARGUMENT);
    assert_true(rate == 7);
    for (long n = 0; n < 3; n++) { // the object, and both averages
        weir__alloc_fail_after(n);
        assert_int_equal(weir_optimizer_create(&optimizer, &o, 4, &error), WEIR_MEMORY);
        weir__alloc_fail_after(-1);
        assert_null(optimizer);
    }
    bed_init(&b, 4, 4, 4, 4, false);
    bed_gradients(&b);
    assert_int_equal(weir_optimizer_create(&optimizer, &o, 16, &error), WEIR_OK);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        assert_int_equal(weir_optimizer_step(optimizer, b.values, b.gradients, rates[i], &error), WEIR_ARGUMENT);
        assert_int_equal(weir_optimizer_step_parameters(optimizer, &b.parameters, rates[i], &error), WEIR_ARGUMENT);
    }
    b.parameters.count = 15;
    assert_int_equal(weir_optimizer_step_parameters(optimizer, &b.parameters, 0.1, &error), WEIR_ARGUMENT);
    b.parameters.count = 16;
    b.parameters.gradients = NULL;
    assert_int_equal(weir_optimizer_step_parameters(optimizer, &b.parameters, 0.1, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "training"));
    compare(&b, 0); // nothing has moved
    assert_int_equal(weir_optimizer_steps(optimizer), 0);
    weir_optimizer_free(optimizer);
    weir_optimizer_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_closed_forms),
        cmocka_unit_test(test_alone_continues),
        cmocka_unit_test(test_alone_over_parameters),
        cmocka_unit_test(test_alone_wrong_use),
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_max_norm_holds),
        cmocka_unit_test(test_untouched_is_not_visited),
        cmocka_unit_test(test_sgd_decays_untouched),
        cmocka_unit_test(test_two_tensors),
        cmocka_unit_test(test_same_bits_for_any_threads),
        cmocka_unit_test(test_overflow_is_not_hidden),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
