// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate.h
/// What the parts of `weir estimate`, the laboratory of gradient estimators, share: rules by their text, problems whose
/// exact gradient is known, and what each rule ought to do on them.
#ifndef WEIR_CLI_ESTIMATE_H
#define WEIR_CLI_ESTIMATE_H

#include "base/cli.h"

enum { LAB_TEXT = 96, LAB_UNITS = 4, LAB_PLACES = 5 };

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

/// A rule that takes part.
typedef struct lab_rule {
    char text[LAB_TEXT]; ///< "rloo:samples=3"
    weir_unit unit;
} lab_rule;

/// The rules that a list names, or those that are always in the table and then the others at their defaults: new
/// memory. CLI_USAGE or CLI_FAILED after a message.
int lab_rules(const char *list, lab_rule **rules, size_t *count);

/// A loss of few units that is a product of one factor per unit, L(h) = Π F_i(h_i): with independent units its mean is
/// a product of means, and so is every mean gradient.
typedef struct lab_problem {
    size_t units;
    double logits[LAB_UNITS];
    double (*factor)(const struct lab_problem *problem, size_t unit, double h);
    double (*slope)(const struct lab_problem *problem, size_t unit, double h); ///< F'
    weir_objective objective;                                                  ///< context: the problem
    double target;                                                             ///< t of (h − t)²
} lab_problem;

/// exp(½(h₁ − h₂ + ½h₃ + 2h₄)) at logits (0.4, −0.8, 1.5, −0.2).
extern const lab_problem lab_four;
/// (h − t)² of one unit that is 1 with probability p.
lab_problem lab_one_bit(double p, double t);
/// weir_objective of the mean of (h − t)² over any number of units; context: double t.
weir_status lab_quadratic(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                          float *loss, float *dh, weir_error *error);

/// What a rule ought to do on a problem.
typedef struct lab_truth {
    double gradient[LAB_UNITS]; ///< of the mean loss of what the rule stands for: binary units, or its own outputs
    double mean[LAB_UNITS];     ///< of the rule's estimate: the gradient, or what its bias makes of it
    bool unbiased;              ///< for that gradient
    bool known;                 ///< the mean is known; an unbiased rule's always is
} lab_truth;
lab_truth lab_truth_of(const weir_unit *unit, const lab_problem *problem);

/// Published or exact values of a form; NaN where there is none.
typedef struct lab_reference {
    double variance, tolerance; ///< total, on lab_four; relative
    double bias, digit;         ///< on lab_four; half of its last digit
    double one_bit[LAB_PLACES]; ///< variance of one bit at lab_places
    double two_hundred;         ///< variance per unit of 200 units at p = ½, K = 2
} lab_reference;
extern const double lab_places[LAB_PLACES];
extern const double lab_target; ///< t of the one-bit problem
lab_reference lab_reference_of(const char *text);

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
int lab_throughput(const lab_options *options);
int lab_variance(const lab_options *options, const char *operand);

#endif
