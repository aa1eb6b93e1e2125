// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The built-in digits: pure function of (seed, index), of the right shape, varied, and learnable by hand.

#include "testing.h"

#include <weir/data.h>
#include <weir/system.h>

enum { side = 28, pixels = side * side, some = 500 };

static uint8_t images[some * pixels], others[some * pixels];
static int32_t labels[some], other_labels[some];

// FNV-1a, so that a change of a single pixel on any machine shows.
static uint64_t hash_of(const uint8_t *bytes, size_t count) {
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 1099511628211U;
    return hash;
}

static void same_on_every_machine(void **state) {
    (void)state;
    assert_int_equal(weir_digits(images, labels, 1, 0, some, NULL), WEIR_OK);
    assert_int_equal(hash_of(images, sizeof images), 0x942e3bce5c3a8658U);
    const int32_t first[] = {3, 0, 3, 1, 7, 1, 8, 6, 8, 3, 4, 5};
    assert_memory_equal(labels, first, sizeof first);
}

static void pure_function_of_seed_and_index(void **state) {
    (void)state;
    assert_int_equal(weir_digits(images, labels, 5, 1000, some, NULL), WEIR_OK);
    for (size_t i = 0; i < some; i += 37) {
        assert_int_equal(weir_digits(others, other_labels, 5, 1000 + i, 1, NULL), WEIR_OK);
        assert_memory_equal(others, images + i * pixels, pixels);
        assert_int_equal(other_labels[0], labels[i]);
    }
    const int threads = weir_threads();
    weir_threads_use(threads == 1 ? 3 : 1);
    assert_int_equal(weir_digits(others, other_labels, 5, 1000, some, NULL), WEIR_OK);
    weir_threads_use(threads);
    assert_memory_equal(others, images, sizeof images);
    assert_memory_equal(other_labels, labels, sizeof labels);
    assert_int_equal(weir_digits(others, other_labels, 6, 1000, some, NULL), WEIR_OK);
    assert_memory_not_equal(others, images, sizeof images);
    // Indices beyond 32 bits are different digits, not the first ones again.
    assert_int_equal(weir_digits(others, other_labels, 5, ((size_t)1 << 32) + 1000, 1, NULL), WEIR_OK);
    assert_memory_not_equal(others, images, pixels);
}

static void look_like_digits(void **state) {
    (void)state;
    double mean_ink = 0;
    int counts[10] = {0};
    assert_int_equal(weir_digits(images, labels, 2, 0, some, NULL), WEIR_OK);
    for (size_t i = 0; i < some; i++) {
        const uint8_t *image = images + i * pixels;
        double ink = 0, x_sum = 0, y_sum = 0;
        int brightest = 0, edge = 0;
        for (int p = 0; p < pixels; p++) {
            const int x = p % side, y = p / side;
            ink += image[p];
            x_sum += image[p] * (x + 0.5);
            y_sum += image[p] * (y + 0.5);
            if (image[p] > brightest) brightest = image[p];
            if (!x || !y || x == side - 1 || y == side - 1) edge += image[p];
        }
        assert_in_range(labels[i], 0, 9);
        counts[labels[i]]++;
        assert_in_range(brightest, 180, 255);
        assert_true(fabs(x_sum / ink - side / 2) < 2.5 && fabs(y_sum / ink - side / 2) < 2.5);
        assert_true(ink / pixels > 3 && ink / pixels < 110);
        assert_true(edge < ink / 20);
        mean_ink += ink / pixels / some;
    }
    for (int d = 0; d < 10; d++) assert_in_range(counts[d], 20, 90);
    assert_true(mean_ink > 25 && mean_ink < 40); // MNIST: 33
}

// Nearest neighbour among the others: far better than chance, not perfect, and no image twice.
static void learnable_but_not_trivial(void **state) {
    (void)state;
    assert_int_equal(weir_digits(images, labels, 3, 0, some, NULL), WEIR_OK);
    int right = 0;
    for (size_t i = 0; i < some; i++) {
        long best = INT32_MAX;
        int32_t found = -1;
        for (size_t j = 0; j < some; j++) {
            if (i == j) continue;
            long distance = 0;
            for (int p = 0; p < pixels; p++) {
                const int d = images[i * pixels + (size_t)p] - images[j * pixels + (size_t)p];
                distance += d * d;
            }
            if (distance < best) {
                best = distance;
                found = labels[j];
            }
        }
        assert_true(best > 10000);
        right += found == labels[i];
    }
    assert_in_range(right, some * 75 / 100, some * 98 / 100);
}

static void bad_arguments(void **state) {
    (void)state;
    weir_error error = {0};
    assert_int_equal(weir_digits(NULL, labels, 1, 0, 1, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_digits(images, NULL, 1, 0, 1, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_digits(images, labels, 1, SIZE_MAX, 2, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_digits(NULL, NULL, 1, 0, 0, &error), WEIR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_on_every_machine), cmocka_unit_test(pure_function_of_seed_and_index),
        cmocka_unit_test(look_like_digits),      cmocka_unit_test(learnable_but_not_trivial),
        cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
