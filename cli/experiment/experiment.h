// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file experiment.h
/// An experiment as one descriptor: what is trained, measured, tabulated and drawn.
///
/// An experiment is a list of parts, a part a list of rows, a row a built-in configuration with some settings changed
/// and the figures that the paper gives for it. To add a published one: write NAME.c after
/// cli/reproduce/bengio2013.c and one row of the table in reproduce.c.
#ifndef WEIR_EXPERIMENT_H
#define WEIR_EXPERIMENT_H

#include "base/cli.h"

enum { EXPERIMENT_SETTINGS = 8, EXPERIMENT_PUBLISHED = 2 };

/// One network to train, with each seed.
typedef struct experiment_row {
    const char *name;                          ///< of --row, of its folder, and "row" in result.json
    const char *label;                         ///< in tables and figures
    const char *config;                        ///< built-in configuration
    const char *settings[EXPERIMENT_SETTINGS]; ///< changes of it, "key=value"
    double published[EXPERIMENT_PUBLISHED];    ///< figures of the paper; 0: it gives none
    const char *same;                          ///< row whose runs are this one's, too; NULL: it has its own
    const char *series;                        ///< rows of one series share a colour in figures against an axis
} experiment_row;

/// A number of result.json, as tables and axes show it.
typedef struct experiment_value {
    const char *field, *plus; ///< names in result.json; the second, or NULL, is added
    double factor;
} experiment_value;

/// A column of the tables.
typedef struct experiment_column {
    const char *heading;
    experiment_value value;
    int digits;       ///< after the point; −1: a whole number with its thousands apart; −2: three that count
    bool spread;      ///< the standard deviation over seeds follows
    size_t published; ///< 1 + index into experiment_row.published that is shown before it; 0: none
} experiment_column;

/// A figure: curves over the epochs, or rows as points against a quantity.
typedef struct experiment_figure {
    const char *name, *title, *axis; ///< file name without its ending; heading; what y is
    const char *metric;              ///< curves: the field of metrics.jsonl; NULL: points
    double factor;                   ///< of the metric
    bool linear;                     ///< curves: a linear axis over their own range, not a logarithmic one
    experiment_value x[2], y;        ///< points: one panel for each x
    const char *x_title[2];
} experiment_figure;

/// Rows that answer one question.
typedef struct experiment_part {
    const char *name, *title, *question; ///< name: for --row, too
    const experiment_row *rows;
    size_t row_count;
    experiment_figure figure;
} experiment_part;

typedef struct experiment {
    const char *name, *summary, *source; ///< source: the paper
    size_t seeds;                        ///< runs of each row unless --seeds says otherwise
    const experiment_column *columns;
    size_t column_count;
    const experiment_part *parts; ///< the first is the table of the paper; the others need --extended
    size_t part_count;
} experiment;

#endif
