// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file options.h
/// The fields of the options of training, described once (options.c).
#ifndef WEIR_CONFIG_OPTIONS_H
#define WEIR_CONFIG_OPTIONS_H

#include <weir/options.h>

#include "../core/field.h"

/// Facts that conditions of fields name: the network has gates; it has units that name no rule; it predicts targets.
#define WEIR__FACT_GATES   "gates"
#define WEIR__FACT_UNITS   "units without a rule"
#define WEIR__FACT_TARGETS "targets"

/// Those of weir_train_options without the two structs in it, which have tables of their own.
extern const weir__fields weir__train_fields, weir__optimizer_fields, weir__sparsity_fields;

/// Checks every value: WEIR_CONFIG, with its path, what was expected and what was found.
weir_status weir__options_check(const weir__fields *fields, const void *options, weir_error *error);

#endif
