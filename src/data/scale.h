// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file scale.h
/// How raw values become what the network reads.
#ifndef WEIR_DATA_SCALE_H
#define WEIR_DATA_SCALE_H

#include "rows.h"

/// Finds the scale `name` ("auto", "none", "1/255" or "standardise"; NULL: "auto") from rows first … first + count − 1,
/// the training rows. Free with weir_scale_free. WEIR_CONFIG for another name.
weir_status weir__scale_find(weir_scale **scale, const char *name, const weir_rows *rows, size_t first, size_t count,
                             weir_error *error);

/// Writes to note [WEIR_NOTE] whether a part's values can hardly be on the scale; "" where they can.
void weir__scale_note(char *note, const weir_scale *scale, const weir_part *part);

#endif
