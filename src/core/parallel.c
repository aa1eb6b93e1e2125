// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "parallel.h"

#include <omp.h>

#include "core.h"

static const double worth_a_thread = 8192; // operations: handing over takes as long as some thousand

void weir__parallel(size_t count, weir__piece_function *function, const void *context) {
    if (count <= 1 || omp_in_parallel()) {
        for (size_t k = 0; k < count; k++) function(context, (weir__piece){k, count, 0});
        return;
    }
#pragma omp parallel for num_threads(weir_threads()) schedule(dynamic, 1)
    for (size_t k = 0; k < count; k++) {
        function(context, (weir__piece){k, count, (size_t)omp_get_thread_num()});
    }
}

size_t weir__pieces_for(double work) {
    const double pieces = work / worth_a_thread, most = (double)weir_threads();
    return pieces < 2 ? 1 : (size_t)(pieces < most ? pieces : most);
}

typedef struct ranges {
    size_t count;
    weir__range_function *function;
    const void *context;
} ranges;

static void run_range(const void *context, weir__piece piece) {
    const ranges *r = context;
    r->function(r->context, weir__part(r->count, piece.index, piece.count));
}

void weir__parallel_ranges(size_t count, double work, weir__range_function *function, const void *context) {
    const size_t most = weir__pieces_for((double)count * work), pieces = most < count ? most : count;
    if (pieces <= 1) {
        if (count) function(context, (weir__range){0, count});
        return;
    }
    weir__parallel(pieces, run_range, &(ranges){count, function, context});
}
