// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rounding to bf16, and that products round both of their factors and nothing else. The products themselves: all
// shapes, routes and instruction sets are in test_gated.c.

#include "testing.h"

#include "kernels/bf16/bf16.h"

static float float_of(uint32_t bits) {
    float a;
    memcpy(&a, &bits, sizeof a);
    return a;
}

/// The specification: of the two bf16 numbers around a the nearer one, of two equally near ones the even one.
static uint16_t nearest(uint32_t bits) {
    const uint32_t below = bits >> 16, rest = bits & 0xffff;
    if (rest > 0x8000 || (rest == 0x8000 && below % 2)) return (uint16_t)(below + 1);
    return (uint16_t)below;
}

static void rounds_to_nearest_even(void **state) {
    (void)state;
    static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (uint32_t upper = 0; upper <= 0xffff; upper++) {
        for (size_t k = 0; k < sizeof lower / sizeof *lower; k++) {
            const uint32_t bits = upper << 16 | lower[k];
            const uint16_t is = weir__bf16_of(float_of(bits));
            if (isnan(float_of(bits))) {
                if (!isnan(weir__bf16_value(is))) fail_msg("NaN %08x became %04x", bits, is);
            } else if (is != nearest(bits)) {
                fail_msg("%08x became %04x, expected %04x", bits, is, nearest(bits));
            }
        }
        const uint16_t again = weir__bf16_of(weir__bf16_value((uint16_t)upper));
        if (!isnan(weir__bf16_value((uint16_t)upper))) assert_int_equal(again, upper);
    }
    assert_int_equal(weir__bf16_of(float_of(0x7f7fffff)), 0x7f80); // the greatest float: infinity is nearer
}

/// A weight in halves is the float again, bit for bit, and its upper half the nearest bf16 number, of two equally near
/// ones that farther from 0. Of a NaN it stays that it is one.
static void halves_are_the_float(void **state) {
    (void)state;
    static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (uint32_t upper = 0; upper <= 0xffff; upper++) {
        for (size_t k = 0; k < sizeof lower / sizeof *lower; k++) {
            const uint32_t bits = upper << 16 | lower[k];
            const float a = float_of(bits);
            const uint16_t high = weir__bf16_upper(a), low = weir__bf16_lower(a);
            const float again = weir__bf16_joined(high, low);
            if (isnan(a)) {
                if (!isnan(again) || !isnan(weir__bf16_value(high)))
                    fail_msg("NaN %08x became %04x %04x", bits, high, low);
                continue;
            }
            if (memcmp(&again, &a, sizeof a) != 0) fail_msg("%08x became %04x %04x", bits, high, low);
            if (high != upper + (lower[k] >= 0x8000)) fail_msg("the upper half of %08x is %04x", bits, high);
        }
    }
}

static void arrays_are_rounded_as_numbers_are(void **state) {
    (void)state;
    enum { MOST = 100000 };
    float *from = malloc((MOST + 1) * sizeof *from), *back = malloc((MOST + 1) * sizeof *back);
    uint16_t *to = malloc((MOST + 1) * sizeof *to), *low = malloc((MOST + 1) * sizeof *low);
    assert_true(from && back && to && low);
    for (size_t k = 0; k <= MOST; k++) from[k] = float_of((uint32_t)k * 2654435761u);
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 31, 33, 64, 1000, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const size_t count = counts[c];
        memset(to, 0x5a, (MOST + 1) * sizeof *to);
        weir__bf16_round(count, to, from);
        for (size_t k = 0; k < count; k++) assert_int_equal(to[k], weir__bf16_of(from[k]));
        assert_int_equal(to[count], 0x5a5a);
        for (int with_lower = 0; with_lower < 2; with_lower++) {
            const weir__halves halves = {to, with_lower ? low : NULL};
            memset(to, 0x5a, (MOST + 1) * sizeof *to), memset(low, 0x5a, (MOST + 1) * sizeof *low);
            weir__halves_split(count, &halves, from);
            for (size_t k = 0; k < count; k++) {
                assert_int_equal(to[k], weir__bf16_upper(from[k]));
                assert_int_equal(low[k], with_lower ? weir__bf16_lower(from[k]) : 0x5a5a);
            }
            assert_true(to[count] == 0x5a5a && low[count] == 0x5a5a);
        }
        back[count] = -1;
        weir__halves_join(count, back, to, low);
        for (size_t k = 0; k < count; k++) {
            const float joined = weir__bf16_joined(to[k], low[k]);
            assert_memory_equal(&back[k], &joined, sizeof joined);
        }
        assert_true(back[count] == -1);
    }
    free(from), free(back), free(to), free(low);
}

/// A layer of 2 rows × 3 outputs × 5 inputs, whose numbers are not bf16.
static void products_round_both_factors(void **state) {
    (void)state;
    enum { ROWS = 2, OUT = 3, IN = 5 };
    float x[ROWS * IN], y[ROWS * OUT], w[OUT * IN], bias[OUT] = {0.1f, -0.2f, 0.3f};
    uint16_t half[OUT * IN];
    for (int k = 0; k < ROWS * IN; k++) x[k] = sinf((float)k + 1);
    for (int k = 0; k < OUT * IN; k++) w[k] = cosf(3 * (float)k + 2);
    weir__bf16_round(OUT * IN, half, w);
    const weir__side out = {NULL, OUT, OUT, y}, in = {NULL, IN, IN, x};
    const weir_isa before = weir_isa_current();
    weir__buffer scratch = {0};
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        assert_int_equal(weir__bf16_forward(ROWS, &out, &in, half, bias, &scratch, NULL), WEIR_OK);
        double differs = 0;
        for (int r = 0; r < ROWS; r++) {
            for (int o = 0; o < OUT; o++) {
                double wanted = (double)bias[o], exact = wanted;
                for (int i = 0; i < IN; i++) {
                    const float a = x[r * IN + i], b = w[o * IN + i];
                    wanted += (double)weir__bf16_value(weir__bf16_of(a)) * (double)weir__bf16_value(weir__bf16_of(b));
                    exact += (double)a * (double)b;
                }
                if (!(fabs((double)y[r * OUT + o] - wanted) <= 1e-6)) {
                    fail_msg("%s: y = %.9g, expected %.9g", weir_isa_name((weir_isa)isa), (double)y[r * OUT + o],
                             wanted);
                }
                if (!(fabs((double)y[r * OUT + o] - exact) <= 0.02)) fail_msg("far from the product of floats");
                differs += fabs((double)y[r * OUT + o] - exact);
            }
        }
        assert_true(differs > 1e-4); // else nothing was rounded
    }
    weir__buffer_free(&scratch);
    assert_int_equal(weir_isa_use(before), WEIR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_to_nearest_even),
        cmocka_unit_test(halves_are_the_float),
        cmocka_unit_test(arrays_are_rounded_as_numbers_are),
        cmocka_unit_test(products_round_both_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
