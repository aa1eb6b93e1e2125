// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file compare.h
/// Steps of `weir compare`: variants.c makes the rows of an experiment, summary.c says what its runs come to.
#ifndef WEIR_COMPARE_H
#define WEIR_COMPARE_H

#include "experiment/plan.h"

/// The rows: every combination of the values of some settings, the last setting changing first.
typedef struct variants {
    experiment_row *rows;
    size_t count;
    cli_list texts; ///< owns names, labels and settings
} variants;

/// changes: "KEY=a,b,c", one for each setting that is varied; none: one row, the configuration as it is. config: what
/// every row starts from.
int variants_make(variants *out, const cli_list *changes, const char *config);
void variants_free(variants *v);

/// What networks are judged by: its number in result.json and metrics.jsonl.
typedef struct judged {
    const char *test, *valid, *what, *unit; ///< "test_error", "valid_error", "test error", " %"
    double factor;
} judged;
judged judged_by(const weir_config *config);

/// Prints how far each row is from the first one, seed by seed, and writes OUT/summary.json; *json, unless NULL,
/// receives what is in it.
int summary_write(const experiment_plan *plan, const judged *by, FILE *out, json_t **json);

#endif
