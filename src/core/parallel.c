// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "parallel.h"

#include "core.h"
#include "pool.h"

// Nanoseconds of a piece that is worth handing over to a thread that is looking for work, and of a job that is worth
// waking one.
static const double worth_a_piece = 5e3, worth_waking = 60e3;
static const double often = 1e6, often_share = 0.3; // nanoseconds that are looked back on, and what makes jobs frequent

enum { RANGES_PER_THREAD = 4 }; // so that the one who is quicker does more

void weir__in_turn(size_t count, weir__piece_function *function, const void *context) {
    for (size_t k = 0; k < count; k++) function(context, (weir__piece){k, count, 0});
}

void weir__parallel(size_t count, weir__piece_function *function, const void *context) {
    const size_t threads = (size_t)weir_threads();
    if (count < 2 || !weir__pool_run(count, threads, function, context)) weir__in_turn(count, function, context);
}

/// Whether so much of this thread's time goes into jobs that are not worth waking a thread each that all of them are.
static bool come_often(double work) {
    static _Thread_local struct {
        double since, work; // seconds, nanoseconds
    } lately;
    const double now = weir__seconds();
    if (now - lately.since > 1e-9 * often) {
        lately.since = now;
        lately.work = 0;
    }
    lately.work += work;
    return lately.work > often_share * often;
}

static size_t pieces_of(double work, size_t most) {
    const double pieces = work / worth_a_piece;
    if (pieces < 2 || (work < worth_waking && !weir__pool_is_awake())) return 1;
    return pieces < (double)most ? (size_t)pieces : most;
}

size_t weir__pieces_for(double work) {
    const size_t threads = (size_t)weir_threads();
    return threads < 2 ? 1 : pieces_of(work, threads);
}

size_t weir__pieces_for_often(double work) {
    const size_t threads = (size_t)weir_threads();
    if (threads < 2) return 1;
    return pieces_of(come_often(work) && work < worth_waking && work >= 2 * worth_a_piece ? worth_waking : work,
                     threads);
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
    const size_t threads = (size_t)weir_threads();
    const size_t most = threads < 2 ? 1 : pieces_of((double)count * work, RANGES_PER_THREAD * threads);
    const size_t pieces = most < count ? most : count;
    if (pieces > 1) {
        weir__parallel(pieces, run_range, &(ranges){count, function, context});
    } else if (count) {
        function(context, (weir__range){0, count});
    }
}
