// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file reproduce.h
/// The steps of `weir reproduce`, a file reproduce_STEP.c for each: plan, jobs (the trainings), timing, table, figures;
/// all of them read results by experiment_result.c.
#ifndef WEIR_EXPERIMENT_PLAN_H
#define WEIR_EXPERIMENT_PLAN_H

#include "experiment.h"

#include <sys/types.h>

typedef enum experiment_state {
    EXPERIMENT_WAITING,
    EXPERIMENT_RUNNING,
    EXPERIMENT_DONE,
    EXPERIMENT_SHARED, ///< another run of the plan has the same folder, and is trained and timed for both
} experiment_state;

/// One training: a row with a seed.
typedef struct experiment_run {
    const experiment_part *part;
    const experiment_row *row;
    size_t seed;
    char *folder; ///< OUT/ROW/SEED, of the row that it is the same as if there is one
    experiment_state state;
    bool begun;        ///< the folder holds a run that goes on
    size_t epochs;     ///< of the configuration
    size_t done;       ///< epochs finished
    double mean_epoch; ///< seconds, over the epochs finished; 0 before
    double latest;     ///< clock at the end of the latest epoch, or at the start
    long long seen;    ///< bytes of metrics.jsonl that were read
    pid_t process;
} experiment_run;

typedef struct experiment_plan {
    const experiment *experiment;
    const char *command; ///< "reproduce", for messages
    const char *out, *data_folder;
    const cli_list *settings; ///< changes of every row, from the command line
    const cli_list *rows;     ///< names of the rows and parts that are wanted; none: the first part, or
    bool extended;            ///< all of them
    size_t seeds;             ///< 1 … seeds; 0: as many as the experiment says
    FILE *messages;           ///< lines about the trainings; NULL: standard output
    bool resume;              ///< runs that are there already go on
    bool tensorboard;         ///< each run writes event files, too
    experiment_run *runs;     ///< all rows with the first seed, then with the second, …
    size_t run_count;
    size_t jobs, threads; ///< processes at a time; threads of all of them together
} experiment_plan;

/// Fills in the runs and finds out how far each of them is, and whether the data is there. Reports failures.
int experiment_plan_make(experiment_plan *plan);
/// Frees the runs.
void experiment_plan_free(experiment_plan *plan);

/// The name of the row whose training stands for this one: of the row that it is the same as if there is one.
const char *experiment_row_name(const experiment_row *row);

/// The settings of a run in the order in which they apply: the row's, the command line's, the seed.
bool experiment_settings(const experiment_plan *plan, const experiment_run *run, cli_list *settings);

/// Trains what is not done, `jobs` processes at a time, and shows how far it is. Ctrl-C stops all of them in an orderly
/// way.
int experiment_train(experiment_plan *plan);

/// Times prediction with each trained network, one after the other on the idle machine, and puts "row" and the times
/// into each result.json.
int experiment_time(const experiment_plan *plan);

/// Tables: text to a stream, and Markdown to OUT/table.md.
int experiment_tables(const experiment_plan *plan, FILE *out);

/// Figures: OUT/NAME.svg and OUT/NAME.png for each part that has runs; their names go to `out`.
int experiment_figures(const experiment_plan *plan, FILE *out);

/// result.json of a run, or NULL after a message.
json_t *experiment_result(const experiment_run *run);
/// A number of a JSON object (a result, or a line of metrics.jsonl); NaN when it is missing.
double experiment_field(const json_t *object, const char *name);
/// A value of a result; NaN when it is missing.
double experiment_number(const json_t *result, const experiment_value *value);

#endif
