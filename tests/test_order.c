// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The computed order of rows: a permutation for any count, another one for each epoch and seed, without a pattern.

#include <math.h>
#include <stdlib.h>

#include "testing.h"

#include "train/order.h"

static void test_permutations(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4096, 4097, 100003};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        uint8_t *seen = calloc(counts[c], 1);
        assert_non_null(seen);
        for (uint32_t i = 0; i < counts[c]; i++) {
            const uint32_t value = weir__order_at((weir_noise){.seed = 3, .step = 1}, counts[c], i);
            assert_true(value < counts[c]);
            assert_int_equal(seen[value]++, 0);
        }
        free(seen);
    }
    // the greatest count: distinct neighbours, no place beyond
    const uint32_t most = UINT32_MAX;
    for (uint32_t i = 0; i < 100; i++)
        assert_true(weir__order_at((weir_noise){.seed = 1}, most, most - 1 - i) < most);
}

// Correlation of place and value, and of values at neighbouring places, within five standard deviations of none; epochs and
// seeds agree at about one place.
static void test_disorder(void **state) {
    (void)state;
    enum { COUNT = 50000 };
    const double mean = (COUNT - 1) / 2.0, variance = ((double)COUNT * COUNT - 1) / 12, limit = 5 / sqrt(COUNT);
    double with_place = 0, with_next = 0;
    int same_epoch = 0, same_seed = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        const weir_noise noise = {.seed = 7, .step = 2};
        const double value = weir__order_at(noise, COUNT, i) - mean;
        with_place += value * (i - mean);
        with_next += value * (weir__order_at(noise, COUNT, (i + 1) % COUNT) - mean);
        same_epoch += weir__order_at((weir_noise){.seed = 7, .step = 3}, COUNT, i) == weir__order_at(noise, COUNT, i);
        same_seed += weir__order_at((weir_noise){.seed = 8, .step = 2}, COUNT, i) == weir__order_at(noise, COUNT, i);
    }
    assert_true(fabs(with_place / COUNT / variance) < limit);
    assert_true(fabs(with_next / COUNT / variance) < limit);
    assert_true(same_epoch < 10 && same_seed < 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_permutations), cmocka_unit_test(test_disorder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
