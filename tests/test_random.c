// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Philox against Random123's published answers, and the distributions against their moments and limits. The vector
// code (several clones, one of which runs here) is held to the bits of plain scalar code.

#include <pthread.h>

#include "testing.h"

#include "core/math.h"
#include "core/noise.h"

#include <weir/random.h>
#include <weir/system.h>

enum { many = 1 << 20 };

static const weir_noise somewhere = {.seed = 0x0123456789abcdefu, .step = 77, .stream = 5, .sample = 9};

static void check_words(weir_noise noise, uint32_t row, uint32_t quad, const uint32_t want[4]) {
    uint32_t words[4];
    weir_random_words(words, noise, row, quad);
    for (int i = 0; i < 4; i++) assert_int_equal(words[i], want[i]);
}

/// The three vectors for philox4x32-10 in kat_vectors of Random123; the counter is (quad, row, step, stream:sample).
static void test_known_answers(void **state) {
    (void)state;
    const weir_noise zeros = {0};
    const weir_noise ones = {.seed = UINT64_MAX, .step = UINT32_MAX, .stream = UINT16_MAX, .sample = UINT16_MAX};
    const weir_noise pi = {.seed = 0x299f31d0a4093822u, .step = 0x13198a2eu, .stream = 0x0370, .sample = 0x7344};
    check_words(zeros, 0, 0, (const uint32_t[]){0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
    check_words(ones, UINT32_MAX, UINT32_MAX, (const uint32_t[]){0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
    check_words(pi, 0x85a308d3u, 0x243f6a88u, (const uint32_t[]){0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

/// A uniform by the definition in the header.
static float uniform_of(weir_noise noise, uint32_t row, size_t unit) {
    uint32_t words[4];
    weir_random_words(words, noise, row, (uint32_t)(unit / 4));
    return (float)(((double)(words[unit % 4] >> 9) + 0.5) / 8388608.0);
}

/// Every length up to some quads beyond two blocks, and nothing written behind the end; on every instruction set.
static void test_uniform_is_the_definition(void **state) {
    (void)state;
    enum { most = 300 };
    float want[most];
    const weir_isa before = weir_isa_current();
    for (size_t i = 0; i < most; i++) want[i] = uniform_of(somewhere, 3, i);
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        for (size_t units = 0; units <= most; units++) {
            float out[most + 1];
            for (size_t i = 0; i <= most; i++) out[i] = -1;
            weir_random_uniform(out, somewhere, 3, units);
            for (size_t i = 0; i < units; i++) assert_true(out[i] == want[i]);
            for (size_t i = units; i <= most; i++) assert_true(out[i] == -1);
        }
    }
    weir_isa_use(before);
}

/// The counters of the last quads wrap around within a block.
static void test_uniform_wraps(void **state) {
    (void)state;
    float out[160];
    const size_t first = (size_t)4 * (UINT32_MAX - 10);
    weir__random_uniform_at(out, somewhere, 3, first, 160);
    for (size_t i = 0; i < 160; i++) assert_true(out[i] == uniform_of(somewhere, 3, first + i));
}

/// Rows drawn together are the rows drawn one by one; on every instruction set.
static void test_rows(void **state) {
    (void)state;
    enum { most = 23, widest = 600 };
    void (*const row[])(float *, weir_noise, uint32_t, size_t) = {weir_random_uniform, weir_random_logistic,
                                                                  weir_random_normal};
    void (*const all[])(float *, weir_noise, uint32_t, size_t,
                        size_t) = {weir__random_uniform_rows, weir__random_logistic_rows, weir__random_normal_rows};
    static const size_t widths[] = {1, 2, 3, 4, 7, 8, 12, 16, 20, 28, 32, 36, 50, 64, 100, 200, 513, widest};
    static float want[most * widest], got[most * widest + 1];
    const weir_isa before = weir_isa_current();
    const uint32_t first = UINT32_MAX - 5 - somewhere.first_row; // the rows' number wraps around
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        for (size_t kind = 0; kind < 3; kind++) {
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                const size_t units = widths[w];
                for (size_t rows = 0; rows <= most; rows += rows < 4 ? 1 : 19) {
                    for (size_t r = 0; r < rows; r++)
                        row[kind](want + r * units, somewhere, first + (uint32_t)r, units);
                    got[rows * units] = -7;
                    all[kind](got, somewhere, first, rows, units);
                    assert_memory_equal(got, want, rows * units * sizeof *got);
                    assert_true(got[rows * units] == -7);
                }
            }
        }
    }
    weir_isa_use(before);
}

static void test_logistic_and_normal_are_their_formulas(void **state) {
    (void)state;
    for (size_t units = 0; units <= 150; units++) {
        float logistic[151], normal[151];
        logistic[units] = normal[units] = -1;
        weir_random_logistic(logistic, somewhere, 4, units);
        weir_random_normal(normal, somewhere, 4, units);
        assert_true(logistic[units] == -1 && normal[units] == -1);
        for (size_t i = 0; i < units; i++) {
            const float v = uniform_of(somewhere, 4, i);
            const float size = weir__log(v < 0.5f ? (1 - v) / v : v / (1 - v));
            assert_true(logistic[i] == (v < 0.5f ? -size : size)); // the same bits as scalar code
            const float u = uniform_of(somewhere, 4, i & ~(size_t)1), w = uniform_of(somewhere, 4, i | 1);
            float sine, cosine;
            weir__sincos_turn(w, &sine, &cosine);
            assert_true(normal[i] == sqrtf(-2.0f * weir__log(u)) * (i % 2 ? sine : cosine));
            const double angle = 6.283185307179586 * (double)w, radius = sqrt(-2 * log((double)u));
            assert_true(fabs((double)normal[i] - radius * (i % 2 ? sin(angle) : cos(angle))) <= 2e-6);
        }
    }
}

/// A row drawn in pieces is the row drawn at once.
static void test_pieces(void **state) {
    (void)state;
    void (*const whole[])(float *, weir_noise, uint32_t, size_t) = {weir_random_uniform, weir_random_logistic,
                                                                    weir_random_normal};
    void (*const piece[])(float *, weir_noise, uint32_t, size_t,
                          size_t) = {weir__random_uniform_at, weir__random_logistic_at, weir__random_normal_at};
    for (size_t kind = 0; kind < 3; kind++) {
        float row[103], part[103];
        whole[kind](row, somewhere, 8, 103);
        piece[kind](part, somewhere, 8, 0, 36);
        piece[kind](part + 36, somewhere, 8, 36, 64);
        piece[kind](part + 100, somewhere, 8, 100, 3);
        assert_memory_equal(row, part, sizeof row);
    }
}

static void test_every_coordinate_counts(void **state) {
    (void)state;
    weir_noise others[4] = {somewhere, somewhere, somewhere, somewhere};
    others[0].seed ^= (uint64_t)1 << 40;
    others[1].step++;
    others[2].stream++;
    others[3].sample++;
    float here[64], there[64];
    weir_random_uniform(here, somewhere, 1, 64);
    for (int i = 0; i < 5; i++) {
        weir_random_uniform(there, i < 4 ? others[i] : somewhere, i < 4 ? 1 : 2, 64);
        for (int k = 0; k < 64; k++) assert_true(here[k] != there[k]);
    }
}

/// First four moments of a sample, about zero.
static void moments_of(const float *x, size_t count, double moments[4]) {
    for (int k = 0; k < 4; k++) moments[k] = 0;
    for (size_t i = 0; i < count; i++) {
        double power = 1;
        for (int k = 0; k < 4; k++) moments[k] += power *= (double)x[i];
    }
    for (int k = 0; k < 4; k++) moments[k] /= (double)count;
}

/// Each moment within 4 standard errors; deviation[k] is the standard deviation of the (k+1)th power.
static void check_moments(const float *x, const double want[4], const double deviation[4]) {
    double got[4];
    moments_of(x, many, got);
    for (int k = 0; k < 4; k++) {
        const double error = deviation[k] / sqrt((double)many);
        if (!(fabs(got[k] - want[k]) <= 4 * error)) {
            fail_msg("moment %d is %.6g, expected %.6g with standard error %.2g", k + 1, got[k], want[k], error);
        }
    }
}

static void test_uniform_distribution(void **state) {
    (void)state;
    float *x = malloc(many * sizeof *x);
    assert_non_null(x);
    size_t bins[64] = {0};
    weir_random_uniform(x, somewhere, 0, many);
    for (size_t i = 0; i < many; i++) {
        const double k = (double)x[i] * 8388608 - 0.5;
        assert_true(k >= 0 && k <= 8388607 && k == floor(k));
        assert_true(1.0f - (1.0f - x[i]) == x[i]); // 1 − u is exact
        bins[(size_t)(x[i] * 64)]++;
    }
    double chi = 0;
    for (int b = 0; b < 64; b++)
        chi += ((double)bins[b] - many / 64.0) * ((double)bins[b] - many / 64.0) / (many / 64.0);
    assert_true(chi > 63 - 4 * sqrt(126.0) && chi < 63 + 4 * sqrt(126.0));
    check_moments(x, (const double[]){1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5},
                  (const double[]){sqrt(1.0 / 12), sqrt(4.0 / 45), sqrt(9.0 / 112), sqrt(16.0 / 225)});
    free(x);
}

static void test_logistic_distribution(void **state) {
    (void)state;
    float *x = malloc(many * sizeof *x);
    assert_non_null(x);
    weir_random_logistic(x, somewhere, 0, many);
    for (size_t i = 0; i < many; i++) assert_true(fabsf(x[i]) < 16.7f && x[i] != 0);
    // moments of the logistic distribution: E x² = π²/3, E x⁴ = 7π⁴/15, E x⁶ = 31π⁶/21, E x⁸ = 127π⁸/15
    const double pi2 = 9.869604401089358, m2 = pi2 / 3, m4 = 7 * pi2 * pi2 / 15;
    const double m6 = 31 * pow(pi2, 3) / 21, m8 = 127 * pow(pi2, 4) / 15;
    check_moments(x, (const double[]){0, m2, 0, m4},
                  (const double[]){sqrt(m2), sqrt(m4 - m2 * m2), sqrt(m6), sqrt(m8 - m4 * m4)});
    free(x);
}

static void test_normal_distribution(void **state) {
    (void)state;
    float *x = malloc(many * sizeof *x);
    assert_non_null(x);
    weir_random_normal(x, somewhere, 0, many);
    double product = 0;
    for (size_t i = 0; i < many; i++) assert_true(fabsf(x[i]) < 5.9f);
    for (size_t i = 0; i < many; i += 2) product += (double)x[i] * (double)x[i + 1];
    assert_true(fabs(product / (many / 2)) <= 4 / sqrt(many / 2.0)); // the two of a pair are uncorrelated
    check_moments(x, (const double[]){0, 1, 0, 3}, (const double[]){1, sqrt(2.0), sqrt(15.0), sqrt(96.0)});
    free(x);
}

static void test_below(void **state) {
    (void)state;
    size_t seen[7] = {0};
    for (uint32_t unit = 0; unit < 70000; unit++) {
        const uint32_t value = weir_random_below(somewhere, 2, unit, 7);
        assert_in_range(value, 0, 6);
        seen[value]++;
        assert_int_equal(weir_random_below(somewhere, 2, unit, 1), 0);
    }
    for (int i = 0; i < 7; i++) assert_true(fabs((double)seen[i] - 10000) <= 4 * sqrt(10000 * 6.0 / 7));
}

static void test_permutation(void **state) {
    (void)state;
    enum { count = 1000, times = 20000 };
    uint32_t order[count], same[count];
    char seen[count] = {0};
    weir_random_permutation(order, somewhere, count);
    weir_random_permutation(same, somewhere, count);
    assert_memory_equal(order, same, sizeof order);
    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < count && !seen[order[i]]);
        seen[order[i]] = 1;
    }
    weir_random_permutation(order, somewhere, 0);
    weir_random_permutation(order, somewhere, 1);
    assert_int_equal(order[0], 0);
    size_t kinds[6] = {0}; // all six orders of three equally often
    for (uint32_t k = 0; k < times; k++) {
        weir_noise noise = somewhere;
        noise.step = k;
        weir_random_permutation(order, noise, 3);
        kinds[2 * order[0] + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++) assert_true(fabs((double)kinds[i] - times / 6.0) <= 4 * sqrt(times * 5.0 / 36));
}

enum { rows_drawn = 64, units_drawn = 250 };
static float alone[rows_drawn][units_drawn], together[rows_drawn][units_drawn];

static void *draw_fourth(void *first) {
    for (uint32_t row = *(const uint32_t *)first; row < rows_drawn; row += 4) {
        weir_random_normal(together[row], somewhere, row, units_drawn);
    }
    return NULL;
}

/// Rows drawn by several threads at once are the rows drawn by one.
static void test_threads(void **state) {
    (void)state;
    pthread_t threads[4];
    uint32_t first[4] = {0, 1, 2, 3};
    for (uint32_t row = 0; row < rows_drawn; row++) weir_random_normal(alone[row], somewhere, row, units_drawn);
    for (int k = 0; k < 4; k++) assert_int_equal(pthread_create(&threads[k], NULL, draw_fourth, &first[k]), 0);
    for (int k = 0; k < 4; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
    assert_memory_equal(alone, together, sizeof alone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_uniform_is_the_definition),
        cmocka_unit_test(test_uniform_wraps),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_logistic_and_normal_are_their_formulas),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_every_coordinate_counts),
        cmocka_unit_test(test_uniform_distribution),
        cmocka_unit_test(test_logistic_distribution),
        cmocka_unit_test(test_normal_distribution),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
