// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rows in memory. Bytes stay bytes until a batch is copied out: MNIST takes 55 MB, as floats it would take 220.

#include <math.h>
#include <string.h>

#include "../core/noise.h"
#include "rows.h"
#include "streams.h"

enum { first_room = 1 << 16 };

weir_status weir__grow(weir__growing *array, size_t more, const char *what, weir_error *error) {
    if (more <= array->room - array->count) return WEIR_OK;
    size_t room = array->room ? array->room * 2 : first_room;
    if (room < array->count + more) room = array->count + more;
    if (array->limit && room > array->limit) room = array->limit;
    void *fresh = NULL;
    const weir_status status = weir__new(&fresh, room, array->size, what, error);
    if (status != WEIR_OK) return status;
    if (array->count) memcpy(fresh, array->data, array->count * array->size);
    weir__free(array->data);
    array->data = fresh;
    array->room = room;
    return WEIR_OK;
}

weir_status weir__rows_adopt(weir_rows **rows, weir_shape shape, uint8_t *bytes, float scale, float *floats,
                             weir_error *error) {
    weir_rows *fresh = NULL;
    const weir_status status = weir__new(&fresh, 1, sizeof *fresh, "rows", error);
    if (status == WEIR_OK) {
        *fresh = (weir_rows){.shape = shape, .scale = scale, .pixels = scale < 1, .bytes = bytes, .floats = floats};
    } else {
        weir__free(bytes);
        weir__free(floats);
    }
    *rows = fresh;
    return status;
}

weir_status weir_rows_create(weir_rows **rows, const float *values, size_t count, size_t columns, weir_error *error) {
    weir_status status = WEIR_OK;
    float *copy = NULL;
    *rows = NULL;
    TRY_THAT(count && columns, WEIR_SHAPE, "rows need at least one row and one column, not %zu x %zu", count, columns);
    TRY_THAT(count <= SIZE_MAX / columns / sizeof *copy, WEIR_SHAPE, "%zu x %zu rows are too many", count, columns);
    const size_t all = count * columns;
    for (size_t i = 0; i < all; i++) {
        TRY_THAT(isfinite(values[i]), WEIR_DATA, "row %zu, column %zu is %g, but values must be finite", i / columns,
                 i % columns, (double)values[i]);
    }
    TRY(weir__new(&copy, all, sizeof *copy, "rows", error));
    memcpy(copy, values, all * sizeof *copy);
    const weir_shape shape = {.rows = count, .columns = columns, .height = 1, .width = columns};
    TRY(weir__rows_adopt(rows, shape, NULL, 1, copy, error));
done:
    return status;
}

void weir_rows_free(weir_rows *rows) {
    if (!rows) return;
    if (!rows->borrowed) {
        weir__free(rows->bytes);
        weir__free(rows->floats);
    }
    weir__free(rows->pairs);
    weir__free(rows);
}

void weir_labels_free(int32_t *labels) { weir__free(labels); }

weir_shape weir_rows_shape(const weir_rows *rows) { return rows->shape; }

static void copy_row(const weir_rows *rows, float *restrict out, size_t row) {
    const size_t columns = rows->shape.columns;
    const float *floats = rows->floats ? rows->floats + weir__row_begin(rows, row) : NULL;
    const uint8_t *bytes = rows->bytes ? rows->bytes + weir__row_begin(rows, row) : NULL;
    const float scale = rows->scale;
    if (rows->pairs) {
        const float *offset = rows->pairs, *factor = rows->pairs + columns;
        for (size_t j = 0; j < columns; j++) out[j] = ((floats ? floats[j] : (float)bytes[j]) - offset[j]) * factor[j];
    } else if (bytes) {
        for (size_t j = 0; j < columns; j++) out[j] = scale * (float)bytes[j];
    } else if (scale < 1) {
        for (size_t j = 0; j < columns; j++) out[j] = scale * floats[j];
    } else {
        memcpy(out, floats, columns * sizeof *out);
    }
}

/// Makes each value the draw of its 1 or 0, a pure function of (seed, draw, set, row, column).
static void draw_row(const weir_rows *rows, float *values, size_t row, uint32_t draw) {
    enum { piece = 256 };
    float u[piece];
    const weir_noise noise = {.seed = rows->seed, .step = draw, .stream = weir__redraw_stream, .sample = rows->set};
    for (size_t first = 0; first < rows->shape.columns; first += piece) {
        const size_t left = rows->shape.columns - first, size = left < piece ? left : piece;
        weir__random_uniform_at(u, noise, (uint32_t)row, first, size);
        for (size_t j = 0; j < size; j++) values[first + j] = values[first + j] > u[j];
    }
}

void weir__rows_copy_drawn(const weir_rows *rows, float *out, const uint32_t *index, size_t first, size_t count,
                           uint32_t draw) {
    for (size_t i = 0; i < count; i++) {
        const size_t row = index ? index[i] : first + i;
        float *values = out + i * rows->shape.columns;
        copy_row(rows, values, row);
        if (rows->redrawn) draw_row(rows, values, row, draw);
    }
}

void weir_rows_copy(const weir_rows *rows, float *out, const uint32_t *index, size_t first, size_t count) {
    weir__rows_copy_drawn(rows, out, index, first, count, 0);
}

weir_status weir__rows_reorder(weir_rows *rows, int32_t *labels, uint32_t *order, weir_error *error) {
    const size_t size = rows->shape.columns * (rows->bytes ? 1 : sizeof(float));
    char *data = rows->bytes ? (char *)rows->bytes : (char *)rows->floats;
    char *held = NULL;
    const weir_status status = weir__new(&held, size, 1, "a row", error);
    if (status != WEIR_OK) return status;
    // One cycle of the permutation at a time; order[i] == i marks what is in place.
    for (size_t start = 0; start < rows->shape.rows; start++) {
        memcpy(held, data + start * size, size);
        const int32_t held_label = labels ? labels[start] : 0;
        size_t to = start;
        while (order[to] != start) {
            const size_t from = order[to];
            memcpy(data + to * size, data + from * size, size);
            if (labels) labels[to] = labels[from];
            order[to] = (uint32_t)to;
            to = from;
        }
        memcpy(data + to * size, held, size);
        if (labels) labels[to] = held_label;
        order[to] = (uint32_t)to;
    }
    weir__free(held);
    return WEIR_OK;
}
