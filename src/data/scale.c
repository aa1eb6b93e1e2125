// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Scales: value = (raw − offset)·factor, one pair for all columns or one per column.
//
// "auto" looks at the numbers and not at the kind of file, so that a picture is the same picture in IDX, NPY and CSV:
// whole numbers 0 … 255 of which one is above 127 are grey values and become 0 … 1. Unsigned bytes of a file that says
// so (IDX, NPY) are grey values from 2 on. Everything else stays: bytes 0 and 1 are switches.

#include <math.h>
#include <string.h>

#include "scale.h"

#define GREY (1.0F / 255)

static const char as_read[] = "as-read", none[] = "none", grey[] = "1/255", standardise[] = "standardise";

/// The values of some rows.
typedef struct extent {
    double least, greatest;
    bool whole; ///< no value has a fraction
} extent;

static extent find_extent(const weir_rows *rows, size_t first, size_t count) {
    extent e = {HUGE_VAL, -HUGE_VAL, true};
    const size_t begin = first * rows->shape.columns, end = (first + count) * rows->shape.columns;
    for (size_t i = begin; i < end; i++) {
        const float value = weir__rows_raw(rows, i);
        if ((double)value < e.least) e.least = (double)value;
        if ((double)value > e.greatest) e.greatest = (double)value;
        if (rows->floats) e.whole &= value == rintf(value);
    }
    return e;
}

static bool is_grey(const weir_rows *rows, extent e) {
    if (!e.whole || e.least < 0 || e.greatest > 255) return false;
    return e.greatest > (rows->pixels ? 1 : 127);
}

// Mean and standard deviation of each column in two passes of doubles. A constant column becomes 0: factor 0.
static void standardise_columns(weir_scale *scale, double *sums, const weir_rows *rows, size_t first, size_t count) {
    const size_t columns = scale->columns;
    double *const means = sums, *const squares = sums + columns;
    for (size_t i = 0; i < count * columns; i++)
        means[i % columns] += (double)weir__rows_raw(rows, first * columns + i);
    for (size_t j = 0; j < columns; j++) means[j] /= (double)count;
    for (size_t i = 0; i < count * columns; i++) {
        const double apart = (double)weir__rows_raw(rows, first * columns + i) - means[i % columns];
        squares[i % columns] += apart * apart;
    }
    for (size_t j = 0; j < columns; j++) {
        const double spread = sqrt(squares[j] / (double)count);
        const bool constant = !(spread > 1e-7 * fabs(means[j])); // what floats that are all the same differ by
        scale->offset[j] = (float)means[j];
        scale->factor[j] = constant ? 0 : (float)(1 / spread);
    }
}

static weir_status make(weir_scale **scale, const char *kind, size_t columns, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_scale *fresh = NULL;
    TRY(weir__new(&fresh, 1, sizeof *fresh, "a scale", error));
    *fresh = (weir_scale){.kind = kind, .least = (double)NAN, .greatest = (double)NAN, .columns = columns};
    if (columns) {
        TRY(weir__new(&fresh->offset, columns, sizeof *fresh->offset, "a scale", error));
        TRY(weir__new(&fresh->factor, columns, sizeof *fresh->factor, "a scale", error));
    }
    *scale = fresh;
    fresh = NULL;
done:
    weir_scale_free(fresh);
    return status;
}

weir_status weir__scale_find(weir_scale **scale, const char *name, const weir_rows *rows, size_t first, size_t count,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    const char *const names[] = {none, grey, standardise};
    const char *kind = NULL;
    double *sums = NULL;
    const size_t columns = rows->shape.columns;
    const extent e = find_extent(rows, first, count);
    if (!name || strcmp(name, "auto") == 0) kind = is_grey(rows, e) ? grey : none;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (name && strcmp(name, names[i]) == 0) kind = names[i];
    }
    *scale = NULL;
    TRY_THAT(kind, WEIR_CONFIG, "data.scale is \"%s\"; expected one of auto, none, 1/255, standardise", name);
    TRY(make(scale, kind, kind == standardise ? columns : 0, error));
    (*scale)->least = e.least;
    (*scale)->greatest = e.greatest;
    if (kind == standardise) {
        TRY(weir__new(&sums, 2 * columns, sizeof *sums, "sums of columns", error));
        standardise_columns(*scale, sums, rows, first, count);
    }
done:
    weir__free(sums);
    if (status != WEIR_OK) {
        weir_scale_free(*scale);
        *scale = NULL;
    }
    return status;
}

weir_status weir_scale_create(weir_scale **scale, const char *kind, size_t columns, weir_error *error) {
    const char *const kinds[] = {as_read, none, grey, standardise};
    *scale = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i])) continue;
        return make(scale, kinds[i], kinds[i] == standardise ? columns : 0, error);
    }
    return weir__fail(error, WEIR_ARGUMENT, "unknown scale \"%.40s\"; there are as-read, none, 1/255 and standardise",
                      kind);
}

weir_status weir_scale_copy(weir_scale **copy, const weir_scale *scale, weir_error *error) {
    *copy = NULL;
    if (!scale) return WEIR_OK;
    const weir_status status = make(copy, scale->kind, scale->columns, error);
    if (status != WEIR_OK) return status;
    (*copy)->least = scale->least;
    (*copy)->greatest = scale->greatest;
    if (scale->columns) {
        memcpy((*copy)->offset, scale->offset, scale->columns * sizeof *scale->offset);
        memcpy((*copy)->factor, scale->factor, scale->columns * sizeof *scale->factor);
    }
    return WEIR_OK;
}

void weir_scale_free(weir_scale *scale) {
    if (!scale) return;
    weir__free(scale->offset);
    weir__free(scale->factor);
    weir__free(scale);
}

void weir_scale_apply(const weir_scale *scale, float *values, size_t rows, size_t columns) {
    const bool divided = strcmp(scale->kind, grey) == 0;
    if (!scale->columns && !divided) return;
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t j = i % columns;
        values[i] = divided ? GREY * values[i] : (values[i] - scale->offset[j]) * scale->factor[j];
    }
}

static size_t constant_columns(const weir_scale *scale) {
    size_t count = 0;
    for (size_t j = 0; j < scale->columns; j++) count += !(scale->factor[j] > 0);
    return count;
}

const char *weir_scale_text(const weir_scale *scale, char *text, size_t size) {
    char constant[64] = "";
    if (strcmp(scale->kind, as_read) == 0) {
        snprintf(text, size, "1/255 of unsigned bytes in IDX and NPY, else none (a model that does not say)");
        return text;
    }
    const bool bytes = strcmp(scale->kind, grey) == 0 && scale->least >= 0 && scale->greatest <= 255;
    const size_t constants = constant_columns(scale);
    if (constants)
        snprintf(constant, sizeof constant, "; %zu constant column%s become%s 0", constants, constants == 1 ? "" : "s",
                 constants == 1 ? "s" : "");
    weir__print(text, size, "%s (%s %g to %g%s)", scale->kind, bytes ? "bytes" : "values", scale->least,
                scale->greatest, constant);
    return text;
}

weir_status weir_rows_scale(weir_rows *rows, const weir_scale *scale, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = rows->shape.columns;
    float *pairs = NULL;
    TRY_THAT(!scale->columns || scale->columns == columns, WEIR_SHAPE,
             "the scale is of rows of %zu values, but these have %zu", scale->columns, columns);
    if (scale->columns) {
        TRY(weir__new(&pairs, 2 * columns, sizeof *pairs, "a scale", error));
        memcpy(pairs, scale->offset, columns * sizeof *pairs);
        memcpy(pairs + columns, scale->factor, columns * sizeof *pairs);
    }
    const bool divided = strcmp(scale->kind, grey) == 0 || (strcmp(scale->kind, as_read) == 0 && rows->pixels);
    weir__free(rows->pairs);
    rows->pairs = pairs;
    rows->scale = divided ? GREY : 1;
done:
    return status;
}

static double reach(double least, double greatest) { return fmax(fabs(least), fabs(greatest)); }

// Whether values can hardly be on the scale of those that the scale was found on.
static bool elsewhere(const weir_scale *scale, extent e) {
    enum { far = 10, near = 1000, bright = 127 };
    if (!isfinite(scale->least) || !isfinite(scale->greatest)) return false;
    const bool bytes = strcmp(scale->kind, grey) == 0 && scale->least >= 0 && scale->greatest <= 255;
    const bool divided = scale->least >= 0 && scale->greatest > bright && e.least >= 0 && e.greatest <= 1;
    const double here = reach(e.least, e.greatest), there = reach(scale->least, scale->greatest);
    if (bytes && (e.least < 0 || e.greatest > 255)) return true;
    return here > far * there || (e.greatest > 0 && (divided || near * here < there));
}

static void note_elsewhere(char *note, const weir_scale *scale, extent e) {
    note[0] = 0;
    if (elsewhere(scale, e))
        weir__print(note, WEIR_NOTE, "values %g to %g, but in training %g to %g: are they on another scale?", e.least,
                    e.greatest, scale->least, scale->greatest);
}

void weir__scale_note(char *note, const weir_scale *scale, const weir_part *part) {
    note_elsewhere(note, scale, find_extent(part->rows, part->first, part->count));
}

weir_status weir_rows_scale_like(weir_rows *rows, char *note, const weir_scale *scale, weir_error *error) {
    const extent e = find_extent(rows, 0, rows->shape.rows);
    const weir_status status = weir_rows_scale(rows, scale, error);
    note[0] = 0;
    if (status != WEIR_OK || strcmp(scale->kind, as_read) == 0) return status;
    const bool known = isfinite(scale->least) && isfinite(scale->greatest);
    const bool small = known && scale->least >= 0 && scale->greatest <= 1 && scale->greatest > 0;
    if (strcmp(scale->kind, grey) == 0 && e.least >= 0 && e.greatest > 0 && e.greatest <= 1) {
        rows->scale = 1;
        weir__print(note, WEIR_NOTE, "values %g to %g, but in training %g to %g: taken as divided by 255 already",
                    e.least, e.greatest, scale->least, scale->greatest);
    } else if (strcmp(scale->kind, none) == 0 && small && is_grey(rows, e)) {
        rows->scale = GREY;
        weir__print(note, WEIR_NOTE, "bytes %g to %g, but in training values %g to %g: divided by 255", e.least,
                    e.greatest, scale->least, scale->greatest);
    } else
        note_elsewhere(note, scale, e);
    return WEIR_OK;
}
