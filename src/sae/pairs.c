// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The open pairs of a batch by rows, and their order by features: a counting sort.

#include <string.h>

#include "../core/parallel.h"
#include "best.h"
#include "pairs.h"

static weir_status renew(void *memory, size_t count, size_t size, weir_error *error) {
    void *former;
    memcpy(&former, memory, sizeof former);
    weir__free(former);
    return weir__new(memory, count, size, "the open pairs of a batch", error);
}

weir_status weir__pairs_reserve(weir__pairs *p, size_t rows, size_t room, weir_error *error) {
    weir_status status = WEIR_OK;
    p->rows = rows, p->count = 0;
    if (p->start_room < rows + 1) {
        p->start_room = 0;
        TRY(renew(&p->start, rows + 1, sizeof *p->start, error));
        p->start_room = rows + 1;
    }
    TRY_THAT(room <= INT32_MAX, WEIR_SHAPE, "%zu open pairs in one batch; at most %d fit", room, INT32_MAX);
    if (p->room < room) {
        p->room = 0;
        TRY(renew(&p->feature, room, sizeof *p->feature, error));
        TRY(renew(&p->row, room, sizeof *p->row, error));
        TRY(renew(&p->score, room, sizeof *p->score, error));
        TRY(renew(&p->value, room, sizeof *p->value, error));
        TRY(renew(&p->slope, room, sizeof *p->slope, error));
        TRY(renew(&p->bias_slope, room, sizeof *p->bias_slope, error));
        TRY(renew(&p->side_slope, room, sizeof *p->side_slope, error));
        p->room = room;
    }
    memset(p->start, 0, (rows + 1) * sizeof *p->start);
done:
    return status;
}

/// Cells of pairs by rows, feature·2³² + bits of the score.
typedef struct filling {
    weir__pairs *pairs;
    uint64_t *cells;
    uint64_t *keys; ///< of BY_ROW: [rows][segments][k]
    const uint32_t *counts;
    size_t segments, k;
} filling;

static uint64_t cell_of(uint32_t feature, float score) {
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    return (uint64_t)feature << 32 | bits;
}

static void fill_rows(const void *context, weir__range rows) {
    const filling *f = context;
    weir__pairs *p = f->pairs;
    for (size_t r = rows.first; r < rows.last; r++) {
        const size_t first = (size_t)p->start[r], count = (size_t)p->start[r + 1] - first;
        weir__keys_sort(f->cells + first, count);
        for (size_t i = first; i < first + count; i++) {
            const uint32_t bits = (uint32_t)f->cells[i];
            p->feature[i] = (int32_t)(f->cells[i] >> 32);
            p->row[i] = (int32_t)r;
            memcpy(&p->score[i], &bits, sizeof bits);
        }
    }
}

/// Of the keys of a row, segment by segment, the k greatest become its cells.
static void merge_rows(const void *context, weir__range rows) {
    const filling *f = context;
    for (size_t r = rows.first; r < rows.last; r++) {
        const size_t first = (size_t)f->pairs->start[r], count = (size_t)f->pairs->start[r + 1] - first;
        uint64_t *keys = f->keys + r * f->segments * f->k;
        size_t found = 0;
        for (size_t s = 0; s < f->segments; s++) {
            const size_t some = f->counts[r * f->segments + s];
            memmove(keys + found, keys + s * f->k, some * sizeof *keys);
            found += some;
        }
        if (found > count) weir__keys_select(keys, found, count);
        for (size_t i = 0; i < count; i++)
            f->cells[first + i] = cell_of(weir__key_index(keys[i]), weir__key_value(keys[i]));
    }
}

weir_status weir__pairs_of_keys(weir__pairs *pairs, size_t rows, size_t segments, size_t k, uint64_t *keys,
                                const uint32_t *counts, weir_error *error) {
    weir_status status = WEIR_OK;
    filling f = {pairs, NULL, keys, counts, segments, k};
    TRY(weir__pairs_reserve(pairs, rows, rows * k, error));
    for (size_t r = 0; r < rows; r++) {
        size_t found = 0;
        for (size_t g = 0; g < segments; g++) found += counts[r * segments + g];
        pairs->start[r + 1] = pairs->start[r] + (int64_t)(found < k ? found : k);
    }
    const size_t count = (size_t)pairs->start[rows];
    TRY(weir__new(&f.cells, count, sizeof *f.cells, "open pairs", error));
    weir__parallel_ranges(rows, 10.0 * (double)k, merge_rows, &f);
    weir__parallel_ranges(rows, 20.0 * (double)k, fill_rows, &f);
    pairs->count = count;
done:
    weir__free(f.cells);
    return status;
}

weir_status weir__pairs_of_places(weir__pairs *pairs, size_t rows, const uint64_t *places, const float *scores,
                                  size_t count, weir_error *error) {
    weir_status status = WEIR_OK;
    filling f = {.pairs = pairs};
    TRY(weir__pairs_reserve(pairs, rows, count, error));
    TRY(weir__new(&f.cells, count, sizeof *f.cells, "open pairs", error));
    for (size_t i = 0; i < count; i++) pairs->start[(places[i] >> 32) + 1]++;
    for (size_t r = 0; r < rows; r++) pairs->start[r + 1] += pairs->start[r];
    for (size_t i = 0; i < count; i++)
        f.cells[pairs->start[places[i] >> 32]++] = cell_of((uint32_t)places[i], scores[i]);
    for (size_t r = rows; r; r--) pairs->start[r] = pairs->start[r - 1]; // each start has become the next one's
    pairs->start[0] = 0;
    weir__parallel_ranges(rows, 10.0 * (double)(count / rows + 1), fill_rows, &f);
    pairs->count = count;
done:
    weir__free(f.cells);
    return status;
}

weir_status weir__pairs_transpose(weir__pairs *p, size_t features, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!p->by_feature) TRY(weir__new(&p->by_feature, features + 1, sizeof *p->by_feature, "open features", error));
    if (p->order_room < p->room) {
        p->order_room = 0;
        TRY(renew(&p->order, p->room, sizeof *p->order, error));
        p->order_room = p->room;
    }
    uint32_t *start = p->by_feature;
    memset(start, 0, (features + 1) * sizeof *start);
    for (size_t i = 0; i < p->count; i++) start[p->feature[i] + 1]++;
    for (size_t f = 0; f < features; f++) start[f + 1] += start[f];
    for (size_t i = 0; i < p->count; i++) p->order[start[p->feature[i]]++] = (uint32_t)i;
    for (size_t f = features; f; f--) start[f] = start[f - 1]; // each start has become the next one's
    start[0] = 0;
done:
    return status;
}

void weir__pairs_free(weir__pairs *p) {
    weir__free(p->start), weir__free(p->feature), weir__free(p->row), weir__free(p->score), weir__free(p->value);
    weir__free(p->slope), weir__free(p->bias_slope), weir__free(p->side_slope);
    weir__free(p->by_feature), weir__free(p->order);
    *p = (weir__pairs){0};
}
