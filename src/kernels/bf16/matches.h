// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file matches.h
/// The rows that a block of outputs and a block of inputs have in common: where both sides are compact, what a tile of
/// weights is for.
#ifndef WEIR_BF16_MATCHES_H
#define WEIR_BF16_MATCHES_H

#include "panel.h"

/// Slots of two blocks that have the same row, some at a time.
typedef struct matches {
    const weir__side *out, *in;
    weir__range out_slots, in_slots; ///< that are looked at; of a dense side all rows
    size_t out_next, in_next;
    bool complete; ///< all of them are at hand
    size_t count;
    int32_t out_slot[PANEL_NUMBERS], in_slot[PANEL_NUMBERS];
} matches;

static bool are_more_matches(const matches *m) {
    return m->out_next < m->out_slots.last && m->in_next < m->in_slots.last;
}

/// Slots of a compact side (of a dense one, rows), each with the row that it is of a dense one.
static void match_dense(matches *m, const weir__side *side, size_t *next, size_t last, int32_t *slot, int32_t *row) {
    for (; m->count < PANEL_NUMBERS && *next < last; m->count++, (*next)++) {
        slot[m->count] = (int32_t)*next;
        row[m->count] = (int32_t)weir__row(side, *next);
    }
}

static void next_matches(matches *m) {
    m->count = 0;
    if (!m->in->route) {
        match_dense(m, m->out, &m->out_next, m->out_slots.last, m->out_slot, m->in_slot);
    } else if (!m->out->route) {
        match_dense(m, m->in, &m->in_next, m->in_slots.last, m->in_slot, m->out_slot);
    } else {
        while (m->count < PANEL_NUMBERS && are_more_matches(m)) {
            const int32_t a = m->out->route->row[m->out_next], b = m->in->route->row[m->in_next];
            m->out_slot[m->count] = (int32_t)m->out_next;
            m->in_slot[m->count] = (int32_t)m->in_next;
            m->count += a == b;
            m->out_next += a <= b;
            m->in_next += b <= a;
        }
    }
}

/// The first of them, once more.
static void first_matches(matches *m) {
    if (m->complete) return;
    m->out_next = m->out_slots.first, m->in_next = m->in_slots.first;
    next_matches(m);
    m->complete = !are_more_matches(m);
}

/// Begins with slots of a block of either side, in which rows ascend.
static void match_slots(matches *m, const weir__side *out, weir__range out_slots, const weir__side *in,
                        weir__range in_slots) {
    m->out = out, m->out_slots = out_slots;
    m->in = in, m->in_slots = in_slots;
    m->complete = false;
    first_matches(m);
}

static weir__range open_slots(const weir__side *side, size_t block, size_t rows) {
    return (weir__range){weir__first(side, block), weir__open(side, block, rows)};
}

/// The same with all open slots of two blocks.
static void match_open(matches *m, size_t rows, const weir__side *out, size_t jo, const weir__side *in, size_t ji) {
    match_slots(m, out, open_slots(out, jo, rows), in, open_slots(in, ji, rows));
}

/// Whether rows share the tiles of two compact sides often enough for tiles to be brought into panels: the mean number
/// of rows of a tile.
static bool tiles_are_shared(size_t rows, const weir__side *written, const weir__side *read) {
    enum { LEAST_BLOCK = 16, LEAST_ROWS = 2 };
    if (!written->route || !read->route || written->block < LEAST_BLOCK || read->block < LEAST_BLOCK) return false;
    const double pairs_of_slots = (double)written->route->slots * (double)read->route->open_slots / (double)rows;
    return pairs_of_slots >= LEAST_ROWS * (double)weir__blocks(written) * (double)weir__blocks(read);
}

#endif
