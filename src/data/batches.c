// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Data sets whose training rows are never all in memory. Their training part is an empty set of rows with the right
// columns; the trainer takes batches instead.

#include <math.h>

#include "batches.h"
#include "scale.h"

const weir_batches *weir__data_batches(const weir_data *data) { return data->batches.next ? &data->batches : NULL; }

weir_status weir__batches_begin(const weir_data *data, size_t epoch, weir_error *error) {
    const weir_batches *b = &data->batches;
    if (!b->begin || !b->begin(b->context, epoch)) return WEIR_OK;
    return weir__fail(error, WEIR_DATA, "the stream of training rows cannot begin epoch %zu", epoch + 1);
}

static weir_status check_rows(const weir_batches *b, const float *inputs, const int32_t *labels, const float *targets,
                              size_t row, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < rows * b->columns; i++) {
        TRY_THAT(isfinite(inputs[i]), WEIR_DATA, "the stream's row %zu, column %zu is %g; it must be finite",
                 row + i / b->columns, i % b->columns, (double)inputs[i]);
    }
    for (size_t i = 0; labels && i < rows; i++) {
        TRY_THAT(labels[i] >= 0 && (size_t)labels[i] < b->classes, WEIR_DATA,
                 "the stream's row %zu has the label %d, but %zu classes were announced", row + i, labels[i],
                 b->classes);
    }
    for (size_t i = 0; targets && i < rows * b->targets; i++) {
        TRY_THAT(isfinite(targets[i]), WEIR_DATA, "the stream's row %zu, target %zu is %g; it must be finite",
                 row + i / b->targets, i % b->targets, (double)targets[i]);
    }
done:
    return status;
}

weir_status weir__batches_take(const weir_data *data, float *inputs, int32_t *labels, float *targets, size_t *got,
                               size_t row, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_batches *b = &data->batches;
    int32_t *to_labels = b->targets ? NULL : labels;
    float *to_targets = b->targets ? targets : NULL;
    *got = 0;
    while (*got < rows) {
        const size_t now = b->next(b->context, inputs + *got * b->columns, to_labels ? to_labels + *got : NULL,
                                   to_targets ? to_targets + *got * b->targets : NULL, rows - *got);
        TRY_THAT(now != SIZE_MAX, WEIR_DATA, "the stream of training rows failed at row %zu of its epoch", row + *got);
        TRY_THAT(now <= rows - *got, WEIR_DATA, "the stream brought %zu rows, but at most %zu were asked for", now,
                 rows - *got);
        if (!now) break;
        *got += now;
    }
    TRY(check_rows(b, inputs, to_labels, to_targets, row, *got, error));
    weir_scale_apply(data->scale, inputs, *got, b->columns);
done:
    return status;
}

static weir_status check(const weir_batches *b, const weir_data_arrays *arrays, const weir_data_options *o,
                         weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(b->next, WEIR_ARGUMENT, "the batches have no function `next`");
    TRY_THAT(b->columns && b->columns == arrays->columns && b->targets == arrays->targets, WEIR_SHAPE,
             "the batches have %zu values and %zu targets per row, the arrays %zu and %zu; they must agree", b->columns,
             b->targets, arrays->columns, arrays->targets);
    TRY_THAT(!b->classes != !b->targets, WEIR_ARGUMENT, "batches bring either labels, of some classes, or targets");
    TRY_THAT(arrays->valid.rows, WEIR_ARGUMENT, "a stream needs arrays of validation rows");
    TRY_THAT(!o->binarise || strcmp(o->binarise, "none") == 0, WEIR_CONFIG,
             "data.binarise is \"%s\"; rows of a stream are binarised by the stream", o->binarise);
    TRY_THAT(o->known_scale || !o->scale || strcmp(o->scale, "standardise") != 0, WEIR_CONFIG,
             "data.scale is \"standardise\", but a stream cannot be looked at in advance; give a known_scale");
done:
    return status;
}

static weir_status find_scale(weir_scale **scale, const weir_data_options *o, weir_error *error) {
    if (o->known_scale) return weir_scale_copy(scale, o->known_scale, error);
    const bool guess = !o->scale || strcmp(o->scale, "auto") == 0;
    return weir_scale_create(scale, guess ? "none" : o->scale, 0, error);
}

static weir_status empty_rows(weir_rows **rows, size_t columns, weir_error *error) {
    const weir_shape shape = {.rows = 0, .columns = columns, .height = 1, .width = columns};
    return weir__rows_adopt(rows, shape, NULL, 1, NULL, error);
}

static weir_status take_judges(weir_data *data, const weir_data_arrays *arrays, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__take_part(&data->sets[1], arrays, &arrays->valid, "validation", error));
    data->valid = weir__part_of(&data->sets[1], 0, arrays->valid.rows);
    data->test = weir__part_of(&data->sets[1], 0, 0);
    if (!arrays->test.rows) goto done;
    TRY(weir__take_part(&data->sets[2], arrays, &arrays->test, "test", error));
    data->test = weir__part_of(&data->sets[2], 0, arrays->test.rows);
done:
    return status;
}

weir_status weir_data_stream(weir_data **data, const weir_batches *batches, const weir_data_arrays *arrays,
                             const weir_data_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_data *fresh = NULL;
    weir_data_options o;
    *data = NULL;
    TRY(weir__array_options(&o, options, batches->targets, error));
    TRY(check(batches, arrays, &o, error));
    TRY(weir__new(&fresh, 1, sizeof *fresh, "a data set", error));
    fresh->batches = *batches;
    fresh->classes = batches->classes;
    TRY(empty_rows(&fresh->sets[0].rows, batches->columns, error));
    if (batches->targets) TRY(empty_rows(&fresh->sets[0].targets, batches->targets, error));
    TRY(find_scale(&fresh->scale, &o, error));
    fresh->train = weir__part_of(&fresh->sets[0], 0, 0);
    fresh->train.targets = fresh->sets[0].targets;
    TRY(take_judges(fresh, arrays, error));
    TRY(weir_names_copy(&fresh->names, arrays->names, error));
    TRY(weir__data_finish(fresh, &o, error));
    *data = fresh;
    fresh = NULL;
done:
    weir_data_free(fresh);
    return status;
}
