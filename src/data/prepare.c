// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What becomes of rows after they are read: values made 0 or 1, and rows cut into inputs and targets.
//
// binarise "fixed": each value is the probability of its 1, drawn once for all as a pure function of (seed, set, row,
// column), as in the binarised MNIST of Salakhutdinov and Murray 2008; the numbers drawn there are not these. "dynamic":
// drawn whenever a row is read, of training rows anew in each epoch; evaluations see draw 0.

#include <math.h>
#include <string.h>

#include "rows.h"
#include "streams.h"

typedef enum binarisation { keep_values, threshold_values, draw_values, redraw_values } binarisation;

static const char *const binarisations[] = {
    [keep_values] = "none", [threshold_values] = "threshold", [draw_values] = "fixed",
    [redraw_values] = "dynamic"};
typedef enum targets_kind { targets_labels, targets_half, targets_values, targets_inputs } targets_kind;
static const char *const targets_kinds[] = {"labels", "lower-half", "values", "inputs"};

static weir_status find_name(size_t *index, const char *name, const char *const *names, size_t count,
                             const char *setting, weir_error *error) {
    char list[128] = "";
    for (size_t i = 0, used = 0; i < count; i++) {
        *index = i;
        if (!name || strcmp(name, names[i]) == 0) return WEIR_OK;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    return weir__fail(error, WEIR_CONFIG, "%s is \"%s\"; expected one of %s", setting, name, list);
}

static weir_status check_probabilities(const weir_rows *rows, binarisation how, weir_error *error) {
    const size_t columns = rows->shape.columns;
    for (size_t i = 0; i < rows->shape.rows * columns; i++) {
        const float value = weir__rows_value(rows, i);
        if (value >= 0 && value <= 1) continue;
        return weir__fail(
            error, WEIR_DATA,
            "row %zu, column %zu is %g, but data.binarise \"%s\" takes values as probabilities, 0 to 1", i / columns,
            i % columns, (double)value, binarisations[how]);
    }
    return WEIR_OK;
}

static weir_status binarise(weir_rows *rows, binarisation how, uint64_t seed, uint32_t set, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t columns = rows->shape.columns;
    float *u = NULL;
    uint8_t *bits = NULL;
    if (how != threshold_values) TRY(check_probabilities(rows, how, error));
    if (how == redraw_values) {
        rows->redrawn = true;
        rows->seed = seed;
        rows->set = (uint16_t)set;
        goto done;
    }
    TRY(weir__new(&u, columns, sizeof *u, "a row", error));
    TRY(weir__new(&bits, rows->shape.rows * columns, 1, "binarised rows", error));
    const weir_noise noise = {.seed = seed, .step = set, .stream = weir__binarise_stream};
    for (size_t j = 0; j < columns; j++) u[j] = 0.5F;
    for (size_t r = 0; r < rows->shape.rows; r++) {
        if (how == draw_values) weir_random_uniform(u, noise, (uint32_t)r, columns);
        for (size_t j = 0; j < columns; j++) bits[r * columns + j] = weir__rows_value(rows, r * columns + j) > u[j];
    }
    if (!rows->borrowed) {
        weir__free(rows->bytes);
        weir__free(rows->floats);
    }
    weir__free(rows->pairs);
    *rows = (weir_rows){.shape = rows->shape, .scale = 1, .bytes = bits};
    bits = NULL;
done:
    weir__free(bits);
    weir__free(u);
    return status;
}

/// A copy of columns first … first + columns − 1.
static weir_status copy_columns(weir_rows **out, const weir_rows *rows, size_t first, size_t columns,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t all = rows->shape.columns, size = rows->bytes ? 1 : sizeof(float);
    const char *from = rows->bytes ? (const char *)rows->bytes : (const char *)rows->floats;
    char *to = NULL;
    weir_shape shape = rows->shape;
    shape.height = shape.height > 1 ? columns / shape.width : 1;
    shape.width = columns / shape.height;
    shape.columns = columns;
    TRY(weir__new(&to, shape.rows * columns, size, "a half of the rows", error));
    for (size_t r = 0; r < shape.rows; r++) {
        memcpy(to + r * columns * size, from + (r * all + first) * size, columns * size);
    }
    TRY(weir__rows_adopt(out, shape, rows->bytes ? (uint8_t *)to : NULL, rows->scale,
                         rows->bytes ? NULL : (float *)(void *)to, error));
    (*out)->pixels = rows->pixels;
    (*out)->redrawn = rows->redrawn;
    (*out)->seed = rows->seed;
    (*out)->set = rows->set;
    if (!rows->pairs) goto done;
    TRY(weir__new(&(*out)->pairs, 2 * columns, sizeof *rows->pairs, "a scale", error));
    memcpy((*out)->pairs, rows->pairs + first, columns * sizeof *rows->pairs);
    memcpy((*out)->pairs + columns, rows->pairs + all + first, columns * sizeof *rows->pairs);
done:
    if (status != WEIR_OK && *out) {
        weir_rows_free(*out);
        *out = NULL;
    }
    return status;
}

/// Rows that share the memory of others, which must live longer.
static weir_status look_at(weir_rows **out, const weir_rows *rows, weir_error *error) {
    weir_status status = WEIR_OK;
    float *pairs = NULL;
    if (rows->pairs) {
        TRY(weir__new(&pairs, 2 * rows->shape.columns, sizeof *pairs, "a scale", error));
        memcpy(pairs, rows->pairs, 2 * rows->shape.columns * sizeof *pairs);
    }
    TRY(weir__new(out, 1, sizeof **out, "rows", error));
    **out = *rows;
    (*out)->borrowed = true;
    (*out)->pairs = pairs;
    pairs = NULL;
done:
    weir__free(pairs);
    return status;
}

/// Upper half of the image rows (of the values, where rows are no images) and lower half.
static weir_status halve(weir_rows *rows, weir_rows **targets, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_rows *upper = NULL;
    const weir_shape shape = rows->shape;
    const bool images = shape.height > 1;
    TRY_THAT(
        !((images ? shape.height : shape.columns) % 2), WEIR_DATA,
        "rows of %zu x %zu values have no two halves of one size; data.targets \"lower-half\" needs an even number "
        "of %s",
        shape.height, shape.width, images ? "lines" : "values");
    TRY(copy_columns(&upper, rows, 0, shape.columns / 2, error));
    TRY(copy_columns(targets, rows, shape.columns / 2, shape.columns / 2, error));
    (*targets)->set |= 0x100; // draws of its own
    weir_rows swapped = *rows;
    *rows = *upper;
    *upper = swapped;
done:
    weir_rows_free(upper);
    return status;
}

weir_status weir_rows_prepare(weir_rows *rows, weir_rows **targets, const weir_data_options *options, uint32_t set,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    size_t how = 0, kind = 0;
    *targets = NULL;
    TRY(find_name(&how, options->binarise, binarisations, sizeof binarisations / sizeof *binarisations, "data.binarise",
                  error));
    TRY(find_name(&kind, options->targets, targets_kinds, sizeof targets_kinds / sizeof *targets_kinds, "data.targets",
                  error));
    if (how != keep_values) TRY(binarise(rows, (binarisation)how, options->seed, set, error));
    if (kind == targets_half) TRY(halve(rows, targets, error));
    if (kind == targets_inputs) TRY(look_at(targets, rows, error));
done:
    return status;
}
