// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The open pairs of a batch by rows, and their order by features: a counting sort.

#include <string.h>

#include "sae.h"

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
