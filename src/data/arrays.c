// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets from the caller's memory. Rows keep raw values and are scaled when they are copied out, so that shared
// arrays are never written.

#include <math.h>

#include "batches.h"
#include "dataset.h"
#include "scale.h"

enum { share_split_off = 6 };

static weir_status check_finite(const float *values, size_t rows, size_t columns, const char *part, const char *what,
                                weir_error *error) {
    for (size_t i = 0; i < rows * columns; i++) {
        if (isfinite(values[i])) continue;
        return weir__fail(error, WEIR_DATA, "%s%srow %zu, %s %zu is %g; it must be finite", part, *part ? " part, " : "",
                          i / columns, what, i % columns, (double)values[i]);
    }
    return WEIR_OK;
}

// Rows over the caller's array, or over a copy of it. Exactly one of values and bytes is not NULL.
static weir_status take_rows(weir_rows **out, weir_shape shape, const float *values, const uint8_t *bytes, bool shared,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    const void *from = values ? (const void *)values : bytes;
    const size_t count = shape.rows * shape.columns, size = values ? sizeof *values : 1;
    void *copy = NULL;
    weir_rows *rows = NULL;
    if (!shared) {
        TRY(weir__new(&copy, count, size, "rows", error));
        memcpy(copy, from, count * size);
    }
    TRY(weir__new(&rows, 1, sizeof *rows, "rows", error));
    void *held = shared ? (void *)(uintptr_t)from : copy;
    *rows = (weir_rows){.shape = shape,
                        .scale = 1,
                        .pixels = bytes != NULL,
                        .borrowed = shared,
                        .bytes = bytes ? held : NULL,
                        .floats = values ? held : NULL};
    copy = NULL;
    *out = rows;
done:
    weir__free(copy);
    return status;
}

weir_status weir_rows_share(weir_rows **rows, const float *values, const uint8_t *bytes, size_t count, size_t columns,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    *rows = NULL;
    TRY_THAT(!values != !bytes, WEIR_ARGUMENT, "rows need either values or bytes");
    TRY_THAT(columns, WEIR_SHAPE, "rows of no values");
    TRY_THAT(count <= UINT32_MAX && count <= SIZE_MAX / sizeof(float) / columns, WEIR_SHAPE,
             "%zu rows of %zu values are too many", count, columns);
    if (values) TRY(check_finite(values, count, columns, "", "column", error));
    TRY(take_rows(rows, (weir_shape){count, columns, 1, columns}, values, bytes, true, error));
done:
    return status;
}

static weir_status take_labels(weir__labelled *set, const weir_array_part *part, bool shared, const char *name,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < part->rows; i++) {
        TRY_THAT(part->labels[i] >= 0 && part->labels[i] < INT32_MAX, WEIR_DATA,
                 "%s part, row %zu: label %d; labels are 0 or more, below %d", name, i, part->labels[i], INT32_MAX);
    }
    set->borrowed = shared;
    if (shared) {
        set->labels = (int32_t *)(uintptr_t)part->labels;
        goto done;
    }
    TRY(weir__new(&set->labels, part->rows, sizeof *set->labels, "labels", error));
    memcpy(set->labels, part->labels, part->rows * sizeof *set->labels);
done:
    return status;
}

static weir_status check_part(const weir_data_arrays *arrays, const weir_array_part *part, const char *name,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t wide = arrays->columns > arrays->targets ? arrays->columns : arrays->targets;
    TRY_THAT(arrays->columns, WEIR_SHAPE, "rows of no values");
    TRY_THAT(!arrays->height || arrays->height * arrays->width == arrays->columns, WEIR_SHAPE,
             "images of %zu x %zu values, but %zu columns", arrays->height, arrays->width, arrays->columns);
    TRY_THAT(part->rows <= UINT32_MAX && part->rows <= SIZE_MAX / sizeof(float) / wide, WEIR_SHAPE,
             "%s part: %zu rows of %zu values are too many", name, part->rows, wide);
    TRY_THAT(!part->values != !part->bytes, WEIR_ARGUMENT, "%s part: needs either values or bytes", name);
    TRY_THAT(!arrays->targets || part->targets, WEIR_ARGUMENT,
             "%s part: has no targets, but %zu per row were announced", name, arrays->targets);
    if (part->values) TRY(check_finite(part->values, part->rows, arrays->columns, name, "column", error));
    if (arrays->targets) TRY(check_finite(part->targets, part->rows, arrays->targets, name, "target", error));
done:
    return status;
}

weir_status weir__take_part(weir__labelled *set, const weir_data_arrays *arrays, const weir_array_part *part,
                            const char *name, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_part(arrays, part, name, error));
    const bool image = arrays->height > 0;
    const weir_shape shape = {.rows = part->rows,
                              .columns = arrays->columns,
                              .height = image ? arrays->height : 1,
                              .width = image ? arrays->width : arrays->columns};
    TRY(take_rows(&set->rows, shape, part->values, part->bytes, arrays->shared, error));
    if (part->labels) TRY(take_labels(set, part, arrays->shared, name, error));
    if (arrays->targets) {
        const weir_shape wide = {part->rows, arrays->targets, 1, arrays->targets};
        TRY(take_rows(&set->targets, wide, part->targets, NULL, arrays->shared, error));
    }
done:
    return status;
}

weir_status weir__array_options(weir_data_options *out, const weir_data_options *options, size_t targets,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    *out = options ? *options : weir_data_options_default();
    TRY_THAT(!targets || weir__wants_labels(out) || weir__wants_values(out), WEIR_CONFIG,
             "data.targets is \"%s\", but the arrays bring %zu targets per row", out->targets, targets);
    TRY_THAT(targets || !weir__wants_values(out), WEIR_CONFIG, "data.targets is \"values\", but the arrays bring none");
    if (targets) out->targets = "values";
done:
    return status;
}

weir_status weir_data_create(weir_data **data, const weir_data_arrays *arrays, const weir_data_options *options,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir_data *fresh = NULL;
    weir_data_options o;
    *data = NULL;
    TRY(weir__array_options(&o, options, arrays->targets, error));
    TRY_THAT(arrays->train.rows >= 2 || (arrays->train.rows && arrays->valid.rows), WEIR_SHAPE,
             "%zu training rows; at least one is needed, two without validation rows", arrays->train.rows);
    TRY(weir__new(&fresh, 1, sizeof *fresh, "a data set", error));
    TRY(weir__take_part(&fresh->sets[0], arrays, &arrays->train, "training", error));
    const size_t all = arrays->train.rows, sixth = all / share_split_off ? all / share_split_off : 1;
    fresh->train = weir__part_of(&fresh->sets[0], 0, arrays->valid.rows ? all : all - sixth);
    fresh->valid = weir__part_of(&fresh->sets[0], all - sixth, sixth);
    fresh->test = weir__part_of(&fresh->sets[0], all, 0);
    if (arrays->valid.rows) {
        TRY(weir__take_part(&fresh->sets[1], arrays, &arrays->valid, "validation", error));
        fresh->valid = weir__part_of(&fresh->sets[1], 0, arrays->valid.rows);
    }
    if (arrays->test.rows) {
        TRY(weir__take_part(&fresh->sets[2], arrays, &arrays->test, "test", error));
        fresh->test = weir__part_of(&fresh->sets[2], 0, arrays->test.rows);
    }
    TRY_THAT(fresh->train.labels || !weir__wants_labels(&o), WEIR_ARGUMENT,
             "the training part has neither labels nor targets");
    TRY(weir_names_copy(&fresh->names, arrays->names, error));
    TRY(weir__data_finish(fresh, &o, error));
    *data = fresh;
    fresh = NULL;
done:
    weir_data_free(fresh);
    return status;
}
