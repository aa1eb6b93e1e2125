// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file batches.h
/// Training rows that come batch by batch, for the trainer.
#ifndef WEIR_DATA_BATCHES_H
#define WEIR_DATA_BATCHES_H

#include "dataset.h"

/// The batches of a data set, or NULL when its training rows are in memory.
const weir_batches *weir__data_batches(const weir_data *data);

/// Begins an epoch, from 0. WEIR_DATA when the caller's function fails.
weir_status weir__batches_begin(const weir_data *data, size_t epoch, weir_error *error);
/// Takes `rows` rows, scaled and checked, or as many as the epoch still has; *got says how many. labels or targets, as
/// the batches bring them. row: number of the first one in its epoch, for errors.
weir_status weir__batches_take(const weir_data *data, float *inputs, int32_t *labels, float *targets, size_t *got,
                               size_t row, size_t rows, weir_error *error);

/// One part of arrays as a set; name is for errors.
weir_status weir__take_part(weir__labelled *set, const weir_data_arrays *arrays, const weir_array_part *part,
                            const char *name, weir_error *error);
/// The options of a data set from memory: the defaults for NULL, targets "values" where there are some.
weir_status weir__array_options(weir_data_options *out, const weir_data_options *options, size_t targets,
                                weir_error *error);

#endif
