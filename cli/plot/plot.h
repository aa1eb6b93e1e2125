// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file plot.h
/// What `weir plot` knows of a run, and how it is drawn.
#ifndef WEIR_PLOT_H
#define WEIR_PLOT_H

#include "base/cli.h"

/// Columns of metrics.jsonl that are drawn; shares in percent, and errors, which are likelihoods in nats where targets
/// are predicted.
typedef enum plot_column { PLOT_LOSS, PLOT_ERROR, PLOT_TRAIN_SHARE, PLOT_SHARE, PLOT_COLUMNS } plot_column;

enum { PLOT_BINS = 40 };

/// One run directory, or several that differ in their seeds alone.
typedef struct plot_run {
    char *folder, *name;
    cli_judge judged;    ///< what its errors are
    size_t epochs, best; ///< best: index of the epoch of the least validation error
    size_t seeds;        ///< runs of which the columns are means; 0 before plot_join_seeds
    double *epoch, *column[PLOT_COLUMNS];
    double *spread[PLOT_COLUMNS]; ///< standard deviations over the seeds; NULL of one run
    double target; ///< share in percent; NaN without gates
    size_t gates;  ///< gates counted; 0: no histogram
    size_t never, always;
    double bins[PLOT_BINS]; ///< gates by how often they are open, 0 … 100 %
    double mean_open;       ///< percent
    weir_load *loads;       ///< of the layers of gates, each by how often its gates are open
    char **load_name;       ///< [load_count] names of the layers
    size_t load_count;
    size_t classes;         ///< 0: no map of gates by class
    float *by_class;        ///< [classes][gates]: how often each gate is open for rows of each class, percent
    char **class_name;      ///< [names] or NULL
    size_t names;
    uint8_t *picture;       ///< [classes][side][side]: a row of each class, where rows are square images; or NULL
    size_t side;
} plot_run;

/// Joins runs that differ in their seeds alone to the first of them; *count is how many are left, at the front.
int plot_join_seeds(plot_run *runs, size_t *count);
void plot_run_free(plot_run *run);

/// The figures as a gnuplot script. formats: "svg", "png". Names of the files go to `written`.
void plot_script(FILE *out, const plot_run *runs, size_t count, const char *folder, const char *format,
                 const char *part, cli_list *written);

#endif
