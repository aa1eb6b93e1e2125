// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rounding to bf16, and that products round both of their factors and nothing else. The products themselves: all
// shapes, routes and instruction sets are in test_gated.c.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void arrays_are_rounded_as_numbers_are(void **state) {
    (void)state;
    enum { MOST = 100000 };
    float *from = malloc((MOST + 1) * sizeof *from);
    uint16_t *to = malloc((MOST + 1) * sizeof *to);
    assert_true(from && to);
    for (size_t k = 0; k <= MOST; k++) from[k] = float_of((uint32_t)k * 2654435761u);
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 31, 33, 64, 1000, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        memset(to, 0x5a, (MOST + 1) * sizeof *to);
        weir__bf16_round(counts[c], to, from);
        for (size_t k = 0; k < counts[c]; k++) assert_int_equal(to[k], weir__bf16_of(from[k]));
        assert_int_equal(to[counts[c]], 0x5a5a);
    }
    free(from), free(to);
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
        cmocka_unit_test(arrays_are_rounded_as_numbers_are),
        cmocka_unit_test(products_round_both_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
