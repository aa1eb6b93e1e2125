// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file parallel.h
/// The one way to run in parallel.
///
/// Work is cut into pieces, and which pieces there are may depend on the number of threads and on the moment; what they
/// write may not: results have the same bits for any number. Pieces are claimed: the caller runs what nobody else has
/// begun, and waits only for pieces that others are at. A barrier is two calls. A call from within a piece runs in its
/// own thread. Any number of threads may call at a time.
#ifndef WEIR_PARALLEL_H
#define WEIR_PARALLEL_H

#include <stddef.h>

/// first … last − 1.
typedef struct weir__range {
    size_t first, last;
} weir__range;

/// Part `part` of `parts` of count things.
static inline weir__range weir__part(size_t count, size_t part, size_t parts) {
    return (weir__range){count * part / parts, count * (part + 1) / parts};
}

/// Part `part` of `parts`, in whole groups, of which the last may be short.
static inline weir__range weir__groups_of_part(size_t count, size_t group, size_t part, size_t parts) {
    weir__range own = weir__part((count + group - 1) / group, part, parts);
    own.first *= group;
    own.last = own.last * group < count ? own.last * group : count;
    return own;
}

/// Piece `index` of `count`. Pieces that run at the same time have different lanes, 0 ≤ lane < weir_threads(): what a
/// piece needs of scratch memory is kept per lane.
typedef struct weir__piece {
    size_t index, count, lane;
} weir__piece;

typedef void weir__piece_function(const void *context, weir__piece piece);

/// Calls function(context, piece) for pieces 0 … count − 1, in any order and several at a time; returns when all are
/// done. One piece runs in the calling thread.
void weir__parallel(size_t count, weir__piece_function *function, const void *context);

/// All pieces one after the other, in the calling thread.
void weir__in_turn(size_t count, weir__piece_function *function, const void *context);

/// How many pieces to cut something into that takes one thread about `work` nanoseconds: 1 where a second thread would
/// cost more than it saves, and else no more than there are lanes.
size_t weir__pieces_for(double work);
/// As weir__pieces_for, of jobs that are done again and again in a loop: many small ones wake a thread together.
size_t weir__pieces_for_often(double work);

/// Has the calls of this thread use so many threads until weir__threads_end gets what this returns. 0: as many as now.
int weir__threads_begin(int threads);
void weir__threads_end(int former);

typedef void weir__range_function(const void *context, weir__range items);

/// Calls function(context, items) for ranges that make up items 0 … count − 1, each of which takes about `work`
/// nanoseconds.
void weir__parallel_ranges(size_t count, double work, weir__range_function *function, const void *context);

#endif
