// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file rules.h
/// What several rules of src/units share.
#ifndef WEIR_RULES_H
#define WEIR_RULES_H

#include <stdbool.h>

#include <weir/units.h>

#include "../core/clones.h"
#include "../core/math.h"
#include "../core/parallel.h"

/// Fields of a descriptor whose arrays are called parameters and forms.
#define WEIR__PARAMETERS .parameters = parameters, .parameter_count = sizeof parameters / sizeof *parameters
#define WEIR__FORMS      .forms = forms, .form_count = sizeof forms / sizeof *forms

/// Traits of every rule for a binary unit, and of those that need its loss alone.
enum {
    weir__binary = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_BINARY | WEIR_TRAIT_SPARSE,
    weir__by_score = weir__binary | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_USES_LOSS | WEIR_TRAIT_SKIPS
};

/// h − σ(a) of a draw h, without cancellation: the slope of log P(h | a).
WEIR__INLINE float weir__score(float a, float h) {
    float p, rest;
    weir__sigmoid_pair(a, &p, &rest);
    return h > 0.5f ? rest : -p;
}

/// Draws of which every score-function rule can do with one.
enum { weir__scored = WEIR_DRAW_SCORE };

/// Most values of a span: a few kilobytes per array, so that what one step leaves in the first cache the next finds
/// there.
enum { weir__span_units = 2048 };

/// Whole rows from row on, as many as are a span (rows > 1, first = 0); or part of a row, units first … first + count −
/// 1 of it. at = row·units + first is where the count values lie in the arrays. first is a multiple of
/// weir__span_units, hence of a quad of random words.
typedef struct weir__span {
    uint32_t row;
    size_t rows, first, count, at;
} weir__span;

/// Noise for the values of a span, from its coordinates (noise.h).
void weir__span_uniform(float *out, weir_noise noise, weir__span span);
void weir__span_logistic(float *out, weir_noise noise, weir__span span);
void weir__span_normal(float *out, weir_noise noise, weir__span span);

/// What a rule does to one span. context: the unit, or what the rule made of it once per call.
typedef void weir__span_function(const void *context, const weir_unit_batch *batch, weir__span span);

/// Calls function for every span of the batch, in parallel and in any order.
void weir__for_spans(const void *context, const weir_unit_batch *batch, weir__span_function *function);

/// Defines a function of a draw or of a rule that calls NAME_span for every span, with the unit for its context.
#define WEIR__BY_SPANS(name)                                                                                           \
    static void name(const weir_unit *unit, const weir_unit_batch *batch) { weir__for_spans(unit, batch, name##_span); }

/// Rows first … last − 1 of a batch. A batch is cut into at most weir__pieces pieces, by the number of its rows alone,
/// so that sums over pieces in their order do not depend on the threads.
enum { weir__pieces = 32 };
typedef struct weir__rows {
    size_t first, last, piece;
} weir__rows;

/// What a rule does to some rows, all units and groups of them. context: as for spans.
typedef void weir__rows_function(const void *context, const weir_unit_batch *batch, weir__rows rows);

/// Calls function for every piece of the batch, in parallel and in any order. work: values that a row costs.
void weir__for_rows(const void *context, const weir_unit_batch *batch, size_t work, weir__rows_function *function);

/// weir_draw.opening of count values at once. context: as for spans.
typedef void weir__opening_function(const void *context, size_t count, const float *a, float *q, float *dq);

/// Calls function for pieces of the arrays, in parallel.
void weir__for_openings(const void *context, size_t count, const float *a, float *q, float *dq,
                        weir__opening_function *function);

/// Defines an opening that calls opening_piece for pieces of the arrays.
#define WEIR__OPENING_BY_PIECES                                                                                        \
    static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {                    \
        weir__for_openings(unit, count, a, q, dq, opening_piece);                                                      \
    }

/// σ(a) and σ'(a): the opening of binary units, and of units that are never 0.
void weir__opening_sigmoid(const weir_unit *unit, size_t count, const float *a, float *q, float *dq);
/// q = σ(scale·a + shift), with its slope.
void weir__opening_moved(size_t count, const float *a, float *q, float *dq, float scale, float shift);
/// h = σ(a), and h = σ(scale·a + shift).
void weir__expect_sigmoid(const weir_unit *unit, const weir_unit_batch *batch);
void weir__expect_moved(const weir_unit_batch *batch, float scale, float shift);
/// h = 1 where a > threshold, else 0.
void weir__decide_binary(const weir_unit *unit, const weir_unit_batch *batch);
/// The outcomes of a bit (weir_draw.outcomes, .outcome): 0 and 1.
size_t weir__bit_outcomes(const weir_unit *unit);
void weir__bit_outcome(const weir_unit *unit, size_t index, float *h);
/// h ~ Bernoulli(σ(a)): 1 where the uniform number is below p. A p under 2⁻²⁴ is never drawn, one that rounds to 1
/// always. A NaN stays NaN, so that a diverged gater is noticed in the loss.
void weir__sample_bernoulli(const weir_unit *unit, const weir_unit_batch *batch);
/// h ~ Bernoulli(σ(a)) in all batch->groups row groups, independent of each other: group g draws at noise.sample + g.
void weir__sample_bernoulli_groups(const weir_unit *unit, const weir_unit_batch *batch);
/// Outputs of a finished network: by a function of the unit's draw, weighed as the rule says.
void weir__unit_finished(const weir_unit *unit, const weir_unit_batch *batch,
                         void (*function)(const weir_unit *unit, const weir_unit_batch *batch));
/// Draws all batch->groups row groups by the unit's draw, independent of each other: group g at noise.sample + g.
void weir__sample_groups_of_draw(const weir_unit *unit, const weir_unit_batch *batch);

/// Most outputs of a variable.
enum { weir__variable_most = 4096 };
/// Adds factor·∂ log P(h)/∂a to da of a row, h being that of a group.
void weir__add_score(const weir_unit *unit, const weir_unit_batch *batch, size_t row, size_t group, float factor);
/// to[rows][units] = ∂ log P(h)/∂a of the first group.
void weir__write_scores(const weir_unit *unit, const weir_unit_batch *batch, float *to);
static inline bool weir__is_bernoulli(const weir_unit *unit) { return weir_unit_draw(unit) == weir_draw_bernoulli(); }
/// ∂L/∂a = ∂L/∂h where h ≠ 0, else 0 without reading ∂L/∂h.
void weir__backward_open(const weir_unit *unit, const weir_unit_batch *batch);
/// ∂L/∂a = ∂L/∂h·saved: sample left the slope.
void weir__backward_saved(const weir_unit *unit, const weir_unit_batch *batch);
/// ∂L/∂a = ∂L/∂h·h(1 − h): through a sigmoid whose output is h.
void weir__backward_sigmoid(const weir_unit *unit, const weir_unit_batch *batch);

/// Sets weir_unit_state floats to 0: weir_rule.start of sums and averages.
void weir__start_from_zero(const weir_unit *unit, size_t units, float *state);
/// The sum of what the pieces of a batch left, in their order.
double weir__sum_of_pieces(const double sums[weir__pieces]);

/// groups of weir_rule, whatever the units and layers: two or three row groups, or as many as the parameter "samples"
/// says.
size_t weir__two_groups(const weir_unit *unit, size_t units, size_t layers);
size_t weir__three_groups(const weir_unit *unit, size_t units, size_t layers);
size_t weir__sample_groups(const weir_unit *unit, size_t units, size_t layers);

/// ∂L/∂a = scale·(L_plus − L_minus)·saved, of the losses of the two row groups of those numbers.
void weir__backward_difference(const weir_unit_batch *batch, float scale, size_t plus, size_t minus);

/// Whether one of the values is NaN.
bool weir__has_nan(const float *values, size_t count);

/// Merges of weir_rule: all groups count alike (what NULL means).
void weir__merge_mean(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights);
/// The loss of the first group alone counts: merge of rules whose other groups serve the gradient of the units only.
void weir__merge_first(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights);

/// Reads "parameter=value,…" (NULL: the defaults) for a given rule.
weir_status weir__unit_read(weir_unit *unit, const weir_rule *rule, const char *parameters, weir_error *error);
/// Whether a rule is one of the library's.
bool weir__in_table(const weir_rule *rule);

#endif
