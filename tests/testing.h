// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file testing.h
/// What all tests share: cmocka with the headers that it needs, and small helpers that fail with what they compared.
#ifndef TESTING_H
#define TESTING_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/status.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/// Fails the test with the error's text unless status is WEIR_OK.
static inline void must(weir_status status, const weir_error *error) {
    if (status != WEIR_OK) fail_msg("%s: %s", weir_status_name(status), error->text);
}

/// count zeros, freed by the caller; never NULL.
static inline float *new_floats(size_t count) {
    float *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

static inline double *new_doubles(size_t count) {
    double *array = calloc(count ? count : 1, sizeof *array);
    assert_non_null(array);
    return array;
}

/// Random numbers of a test (splitmix64); a test that sets the state repeats them.
static uint64_t random_state;

static inline uint32_t next_random(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

/// In [0, 1).
static inline float uniform(void) { return (float)(next_random() >> 8) * 0x1p-24f; }

#endif
