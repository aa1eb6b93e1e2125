// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file matches.h
/// The rows that a block of outputs and a block of inputs have in common: where both sides are compact, what a tile of
/// weights is for.
///
/// Of two compact sides with many rows the route has a word of bits for each 64 rows of a block: what two words have in
/// common are the rows, and the bits below one, counted, are its place among the slots. Else two lists of rows are
/// merged.
#ifndef WEIR_MATCHES_H
#define WEIR_MATCHES_H

#include <stdbool.h>

#include "side.h"
#include "strategy.h"

enum { MATCHES_AT_ONCE = 128 };

/// Slots of a block that are looked at: open ones, or closed ones that are evaluated; of a dense side all rows.
typedef struct part_of_block {
    const weir__side *side;
    weir__range slots;
    const uint64_t *bits; ///< a bit per row; NULL: none
} part_of_block;

/// Slots of two blocks that have the same row, some at a time.
typedef struct matches {
    part_of_block out, in;
    size_t out_next, in_next;
    size_t word, words; ///< of bits; words 0: without
    uint64_t left;      ///< rows of the word in both that have not been listed
    bool complete;      ///< all of them are at hand
    size_t count;
    int32_t out_slot[MATCHES_AT_ONCE], in_slot[MATCHES_AT_ONCE];
} matches;

static bool are_more_matches(const matches *m) {
    if (m->words) return m->word < m->words;
    return m->out_next < m->out.slots.last && m->in_next < m->in.slots.last;
}

/// Slots of a compact side (of a dense one, rows), each with the row that it is of a dense one.
static void match_dense(matches *m, const part_of_block *part, size_t *next, int32_t *slot, int32_t *row) {
    for (; m->count < MATCHES_AT_ONCE && *next < part->slots.last; m->count++, (*next)++) {
        slot[m->count] = (int32_t)*next;
        row[m->count] = (int32_t)weir__row(part->side, *next);
    }
}

static void begin_word(matches *m) { m->left = m->word < m->words ? m->out.bits[m->word] & m->in.bits[m->word] : 0; }

static void match_bits(matches *m) {
    for (; m->word < m->words; m->word++, begin_word(m)) {
        const uint64_t out = m->out.bits[m->word], in = m->in.bits[m->word];
        for (; m->left; m->left &= m->left - 1) {
            const uint64_t below = (m->left & -m->left) - 1;
            if (m->count == MATCHES_AT_ONCE) return;
            m->out_slot[m->count] = (int32_t)m->out_next + __builtin_popcountll(out & below);
            m->in_slot[m->count++] = (int32_t)m->in_next + __builtin_popcountll(in & below);
        }
        m->out_next += (size_t)__builtin_popcountll(out);
        m->in_next += (size_t)__builtin_popcountll(in);
    }
}

static void merge_rows(matches *m) {
    const int32_t *out = m->out.side->route->row, *in = m->in.side->route->row;
    while (m->count < MATCHES_AT_ONCE && are_more_matches(m)) {
        const int32_t a = out[m->out_next], b = in[m->in_next];
        m->out_slot[m->count] = (int32_t)m->out_next;
        m->in_slot[m->count] = (int32_t)m->in_next;
        m->count += a == b;
        m->out_next += a <= b;
        m->in_next += b <= a;
    }
}

static void next_matches(matches *m) {
    m->count = 0;
    if (!m->in.side->route) {
        match_dense(m, &m->out, &m->out_next, m->out_slot, m->in_slot);
    } else if (!m->out.side->route) {
        match_dense(m, &m->in, &m->in_next, m->in_slot, m->out_slot);
    } else if (m->words) {
        match_bits(m);
    } else {
        merge_rows(m);
    }
}

/// The first of them, once more.
static void first_matches(matches *m) {
    if (m->complete) return;
    m->out_next = m->out.slots.first, m->in_next = m->in.slots.first;
    m->words = m->out.bits && m->in.bits ? m->out.side->route->block_words : 0;
    m->word = 0;
    begin_word(m);
    next_matches(m);
    m->complete = !are_more_matches(m);
}

/// Begins with parts of a block of either side, in which rows ascend.
static void match_parts(matches *m, const part_of_block *out, const part_of_block *in) {
    m->out = *out, m->in = *in;
    m->complete = false;
    first_matches(m);
}

static part_of_block open_slots(const weir__side *side, size_t block, size_t rows) {
    return (part_of_block){side,
                           {weir__first(side, block), weir__open(side, block, rows)},
                           side->route ? weir__block_bits(side->route, block, false) : NULL};
}

static part_of_block closed_slots(const weir__side *side, size_t block, size_t rows) {
    return (part_of_block){side,
                           {weir__open(side, block, rows), weir__evaluated(side, block, rows)},
                           side->route ? weir__block_bits(side->route, block, true) : NULL};
}

/// Begins with all open slots of two blocks.
static void match_open(matches *m, size_t rows, const weir__side *out, size_t jo, const weir__side *in, size_t ji) {
    const part_of_block of_out = open_slots(out, jo, rows), of_in = open_slots(in, ji, rows);
    match_parts(m, &of_out, &of_in);
}

#endif
