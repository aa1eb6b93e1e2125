// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file fields.h
/// The fields of weir_data_options, described once (fields.c).
#ifndef WEIR_DATA_FIELDS_H
#define WEIR_DATA_FIELDS_H

#include <weir/data.h>

#include "../core/field.h"

extern const weir__fields weir__data_fields;

#endif
