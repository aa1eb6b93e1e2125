// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate.h
/// What the parts of `weir estimate` share: the tool's side of the laboratory (weir/lab.h), options, tables and
/// figures.
#ifndef WEIR_CLI_ESTIMATE_H
#define WEIR_CLI_ESTIMATE_H

#include "base/cli.h"

#include <weir/lab.h>

enum { LAB_TEXT = 96 };

/// What the command line asks for.
typedef struct lab_options {
    const char *rules;     ///< "reinforce,rloo:samples=4"; NULL: all
    double draws;          ///< per rule
    size_t steps, seeds;   ///< of the toys
    const char *out;       ///< folder of figures, or NULL
    const char *format;    ///< "svg" or "png"
    const char *peer;      ///< script, "" for our own, NULL for none
    const char *python;    ///< its interpreter
    const char *data;      ///< folder of the data set, or NULL
    size_t points, epochs; ///< of `variance`
    bool json, markdown;
} lab_options;

/// The rules that take part.
typedef struct lab_rules {
    size_t count;
    weir_unit *units;
    char (*texts)[LAB_TEXT]; ///< "rloo:samples=3", as written
} lab_rules;

/// The rules that a list names, "a,b:c=1,d=2", or every form of every rule (alone: of every rule whose outputs are drawn
/// alone, as the rule says). Free with lab_rules_free in any case.
/// CLI_USAGE or CLI_FAILED after a message.
int lab_rules_read(lab_rules *rules, const char *list, bool alone);
void lab_rules_free(lab_rules *rules);

/// weir_lab_progress with a bar as its context: shows it, and stops when the user does.
typedef struct lab_bar {
    cli_bar bar;
    double started;
    const char *what;
} lab_bar;
void lab_bar_begin(lab_bar *bar, const char *what);
int lab_bar_show(void *bar, double share);

/// A line of JSON on the standard output; frees it.
void lab_print_line(json_t *line);
/// A number, or null.
json_t *lab_number(double value);

/// A curve over the steps of a training.
typedef struct lab_curve {
    const char *label;
    const double *x, *y;
    size_t count;
} lab_curve;

/// A figure of curves, file.svg or file.png; low and high NAN: as the values are. log_y needs values above 0.
typedef struct lab_panel {
    const char *file, *title, *axis;
    const lab_curve *curves;
    size_t count;
    double low, high;
    bool log_y;
} lab_panel;
/// Draws figures into the folder options->out and prints their names.
int lab_draw(const lab_panel *panels, size_t count, const lab_options *options);

/// The parts of the command. CLI_OK, CLI_FAILED after a message or when something does not hold, CLI_USAGE.
int lab_exactness(const lab_options *options);
int lab_toy(const lab_options *options);
int lab_routers(const lab_options *options);
int lab_throughput(const lab_options *options);
int lab_variance(const lab_options *options, const char *operand);

#endif
