// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include <time.h>

#include "core.h"

double weir__seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
