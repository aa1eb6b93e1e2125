// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Routes: from the gates of a batch, its open pairs listed by block and by row.
//
// Gates become bits, 64 blocks of a row to a word; a square of 64 such words is transposed, and there are the words of
// the blocks, 64 rows each. Counting bits gives the places of the lists, and a list is written from its own words: from
// the rows' ones the blocks of each row, from the blocks' ones the rows of each block, so that all is written in order,
// whatever the share. Few rows are not worth the turning: the lists of the blocks are then written in the sweep over
// the rows. Pieces are done in parallel, and the result does not depend on their number.

#include <string.h>

#include "../core/parallel.h"
#include "bits.h"
#include "gated.h"

static const size_t few_rows = 16;

const uint8_t weir__route_all[1] = {1};

typedef struct gate_matrix {
    size_t rows, blocks, parts;
    size_t row_words;   // of a row: a bit per block
    size_t block_words; // of a block: a bit per row; 0: there are few rows, and no such words
    size_t kinds;       // 1: open pairs; 2: closed ones that are evaluated, too
    const float *h;
    const uint8_t *evaluate;
} gate_matrix;

void weir__route_free(weir__route *route) {
    int32_t *const arrays[] = {route->start,    route->open,      route->row,      route->row_start,
                               route->row_open, route->row_block, route->row_slot, route->cursors};
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) weir__free(arrays[k]);
    weir__free(route->bits);
    memset(route, 0, sizeof *route);
}

const uint64_t *weir__block_bits(const weir__route *route, size_t block, bool closed) {
    if (!route->block_words || (closed && route->slots == route->open_slots)) return NULL;
    return route->block_bits + (closed * route->blocks + block) * route->block_words;
}

static weir_status grow(int32_t **array, size_t count, weir_error *error) {
    weir__free(*array);
    return weir__new(array, count, sizeof **array, "the list of open gates", error);
}

static size_t with_room(size_t count) { return count + count / 4 + 1; }

static weir_status reserve_counts(weir__route *route, const gate_matrix *gates, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!route->start || gates->blocks > route->block_capacity) {
        route->block_capacity = gates->blocks;
        TRY(grow(&route->start, gates->blocks + 1, error));
        TRY(grow(&route->open, gates->blocks + 1, error));
    }
    if (!route->row_start || gates->rows > route->row_capacity) {
        route->row_capacity = gates->rows;
        TRY(grow(&route->row_start, gates->rows + 1, error));
        TRY(grow(&route->row_open, gates->rows + 1, error));
    }
    const size_t cursors = gates->parts * gates->blocks;
    if (!route->cursors || cursors > route->cursor_capacity) {
        route->cursor_capacity = cursors;
        TRY(grow(&route->cursors, cursors, error));
    }
    const size_t words = gates->kinds * (gates->rows * gates->row_words + gates->blocks * gates->block_words);
    if (!route->bits || words > route->bit_capacity) {
        route->bit_capacity = words;
        weir__free(route->bits);
        TRY(weir__new(&route->bits, words, sizeof *route->bits, "the list of open gates", error));
    }
done:
    return status;
}

static weir_status reserve_slots(weir__route *route, size_t slots, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!route->row || slots > route->slot_capacity) {
        route->slot_capacity = with_room(slots);
        TRY(grow(&route->row, route->slot_capacity, error));
        TRY(grow(&route->row_block, route->slot_capacity, error));
        TRY(grow(&route->row_slot, route->slot_capacity, error));
    }
done:
    return status;
}

/// Words of a row, and of a block.
WEIR__INLINE uint64_t *words_of_row(const weir__route *route, const gate_matrix *gates, size_t kind, size_t r) {
    return route->bits + (kind * gates->rows + r) * gates->row_words;
}
WEIR__INLINE uint64_t *words_of_block(const weir__route *route, const gate_matrix *gates, size_t kind, size_t j) {
    uint64_t *first = route->bits + gates->kinds * gates->rows * gates->row_words;
    return first + (kind * gates->blocks + j) * gates->block_words;
}

WEIR__INLINE size_t least_of(size_t a, size_t b) { return a < b ? a : b; }

// ---- bits ----------------------------------------------------------------------------------------------------------

/// Bit k: whether the pair of row r with block first + k is closed and evaluated.
WEIR__INLINE uint64_t evaluated_bits(const gate_matrix *gates, size_t r, size_t first, size_t count, uint64_t open) {
    uint64_t bits = 0;
    if (gates->evaluate == weir__route_all) return ~open & (~UINT64_C(0) >> (WEIR__WORD - count));
    const uint8_t *evaluate = gates->evaluate + r * gates->blocks + first;
    for (size_t k = 0; k < count; k++) bits |= (uint64_t)(evaluate[k] != 0) << k;
    return bits & ~open;
}

/// A row's words, and how many are set in them: open ones in row_open, closed ones in row_start.
WEIR__CLONES static void take_row(weir__route *route, const gate_matrix *gates, size_t r) {
    int32_t count[2] = {0};
    for (size_t w = 0; w < gates->row_words; w++) {
        const size_t first = w * WEIR__WORD, some = least_of(gates->blocks - first, WEIR__WORD);
        const uint64_t open = weir__open_bits(gates->h + r * gates->blocks + first, some);
        words_of_row(route, gates, 0, r)[w] = open;
        count[0] += __builtin_popcountll(open);
        if (gates->kinds == 1) continue;
        const uint64_t closed = evaluated_bits(gates, r, first, some, open);
        words_of_row(route, gates, 1, r)[w] = closed;
        count[1] += __builtin_popcountll(closed);
    }
    route->row_open[r] = count[0];
    route->row_start[r] = count[1];
}

/// From word w of all rows, the counts of up to WEIR__WORD blocks.
WEIR__INLINE void add_rows(const weir__route *route, const gate_matrix *gates, size_t kind, size_t w, size_t rows,
                           int32_t *counts) {
    for (size_t r = 0; r < rows; r++) weir__bits_add(counts, words_of_row(route, gates, kind, r)[w]);
}

/// Counts the bits of many rows and transposes them into the words of the blocks.
WEIR__INLINE void transpose_rows(const weir__route *route, const gate_matrix *gates, size_t kind, size_t w,
                                 size_t blocks, int32_t *counts) {
    for (size_t v = 0; v < gates->block_words; v++) {
        const size_t rows = least_of(gates->rows - v * WEIR__WORD, WEIR__WORD);
        uint64_t words[WEIR__WORD] = {0};
        for (size_t i = 0; i < rows; i++) words[i] = words_of_row(route, gates, kind, v * WEIR__WORD + i)[w];
        weir__bits_turn(words);
        for (size_t k = 0; k < blocks; k++) {
            words_of_block(route, gates, kind, w * WEIR__WORD + k)[v] = words[k];
            counts[k] += __builtin_popcountll(words[k]);
        }
    }
}

/// Counts of the blocks of word w: open ones in open, closed ones in start.
WEIR__CLONES static void count_blocks(weir__route *route, const gate_matrix *gates, size_t w) {
    const size_t first = w * WEIR__WORD, blocks = least_of(gates->blocks - first, WEIR__WORD);
    for (size_t kind = 0; kind < 2; kind++) {
        int32_t counts[WEIR__WORD] = {0};
        if (kind < gates->kinds && gates->block_words) {
            transpose_rows(route, gates, kind, w, blocks, counts);
        } else if (kind < gates->kinds) {
            add_rows(route, gates, kind, w, gates->rows, counts);
        }
        memcpy((kind ? route->start : route->open) + first, counts, blocks * sizeof *counts);
    }
}

// ---- lists ---------------------------------------------------------------------------------------------------------

/// first [count + 1] and open [count] hold the counts of closed and open pairs: afterwards where the pairs of each one
/// begin, and where its open ones end. Returns how many are open.
static size_t sum_counts(int32_t *first, int32_t *open, size_t count) {
    int32_t at = 0;
    size_t all_open = 0;
    for (size_t k = 0; k < count; k++) {
        const int32_t closed = first[k];
        first[k] = at;
        all_open += (size_t)open[k];
        at += open[k];
        open[k] = at;
        at += closed;
    }
    first[count] = at;
    return all_open;
}

/// The rows of a part of the blocks.
WEIR__CLONES static void list_rows(weir__route *route, const gate_matrix *gates, size_t part) {
    const size_t begin = gates->blocks * part / gates->parts, past = gates->blocks * (part + 1) / gates->parts;
    const int32_t *end = route->row + route->start[past];
    for (size_t j = begin; j < past; j++) {
        int32_t *to = route->row + route->start[j];
        for (size_t kind = 0; kind < gates->kinds; kind++) {
            to = weir__bits_list(to, end, words_of_block(route, gates, kind, j), gates->block_words);
        }
    }
}

/// Of each block the first slot whose row is `row` or comes after it.
WEIR__INLINE void find_slots(const weir__route *route, const gate_matrix *gates, size_t kind, size_t row,
                             int32_t *slots) {
    const size_t whole = row / WEIR__WORD, rest = row % WEIR__WORD;
    memcpy(slots, kind ? route->open : route->start, gates->blocks * sizeof *slots);
    for (size_t j = 0; gates->block_words && row && j < gates->blocks; j++) {
        const uint64_t *words = words_of_block(route, gates, kind, j);
        slots[j] += weir__bits_count(words, whole);
        if (rest) slots[j] += __builtin_popcountll(words[whole] << (WEIR__WORD - rest));
    }
    for (size_t w = 0; !gates->block_words && row && w < gates->row_words; w++) {
        int32_t counts[WEIR__WORD] = {0};
        add_rows(route, gates, kind, w, row, counts);
        for (size_t j = w * WEIR__WORD, k = 0; j < gates->blocks && k < WEIR__WORD; j++, k++) slots[j] += counts[k];
    }
}

/// The blocks of a part of the rows, and their slots; of few rows these, too.
WEIR__CLONES static void list_blocks(weir__route *route, const gate_matrix *gates, size_t part) {
    const size_t begin = gates->rows * part / gates->parts, past = gates->rows * (part + 1) / gates->parts;
    const int32_t *end = route->row_block + route->row_start[past];
    int32_t *slots = route->cursors + part * gates->blocks;
    for (size_t kind = 0; kind < gates->kinds && begin < past; kind++) {
        find_slots(route, gates, kind, begin, slots);
        for (size_t r = begin; r < past; r++) {
            const size_t entry = (size_t)(kind ? route->row_open[r] : route->row_start[r]);
            int32_t *list = route->row_block + entry, *to = route->row_slot + entry;
            // What a word writes beyond its list is written again later, but for the open pairs behind closed ones.
            const int32_t *stop = kind ? route->row_block + route->row_start[r + 1] : end;
            const int32_t *listed = weir__bits_list(list, stop, words_of_row(route, gates, kind, r), gates->row_words);
            const size_t count = (size_t)(listed - list);
            for (size_t k = 0; k < count; k++) to[k] = slots[list[k]]++;
            for (size_t k = 0; !gates->block_words && k < count; k++) route->row[to[k]] = (int32_t)r;
        }
    }
}

// ---- all of it -----------------------------------------------------------------------------------------------------

typedef struct making {
    weir__route *route;
    const gate_matrix *gates;
} making;

static void take_rows(const void *context, weir__piece p) {
    const making *m = context;
    const weir__range rows = weir__part(m->gates->rows, p.index, p.count);
    for (size_t r = rows.first; r < rows.last; r++) take_row(m->route, m->gates, r);
}

static void count_words(const void *context, weir__piece p) {
    const making *m = context;
    const weir__range words = weir__part(m->gates->row_words, p.index, p.count);
    for (size_t w = words.first; w < words.last; w++) count_blocks(m->route, m->gates, w);
}

static void write_lists(const void *context, weir__piece p) {
    const making *m = context;
    if (m->gates->block_words) list_rows(m->route, m->gates, p.index);
    list_blocks(m->route, m->gates, p.index);
}

weir_status weir__route_build(weir__route *route, size_t rows, size_t blocks, const float *h, const uint8_t *evaluate,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    // Slots are 32-bit; the pairs bound them.
    TRY_THAT(!blocks || rows <= INT32_MAX / blocks, WEIR_SHAPE,
             "%zu rows x %zu gates are too many for one batch: use smaller batches", rows, blocks);
    TRY_THAT(rows <= INT32_MAX && blocks <= INT32_MAX, WEIR_SHAPE, "%zu rows x %zu gates: too many for one batch", rows,
             blocks);
    const gate_matrix gates = {.rows = rows,
                               .blocks = blocks,
                               .parts = weir__pieces_for(0.5 * (double)rows * (double)blocks),
                               .row_words = weir__words(blocks),
                               .block_words = rows > few_rows ? weir__words(rows) : 0,
                               .kinds = evaluate ? 2 : 1,
                               .h = h,
                               .evaluate = evaluate};
    const making m = {route, &gates};
    TRY(reserve_counts(route, &gates, error));
    weir__parallel(gates.parts, take_rows, &m);
    weir__parallel(gates.parts, count_words, &m);
    route->open_slots = sum_counts(route->row_start, route->row_open, rows);
    sum_counts(route->start, route->open, blocks);
    const size_t slots = (size_t)route->start[blocks];
    TRY(reserve_slots(route, slots, error));
    weir__parallel(gates.parts, write_lists, &m);
    route->rows = rows;
    route->blocks = blocks;
    route->slots = slots;
    route->block_words = gates.block_words;
    route->block_bits = words_of_block(route, &gates, 0, 0);
done:
    if (status != WEIR_OK) weir__route_free(route);
    return status;
}
