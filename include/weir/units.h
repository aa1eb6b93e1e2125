// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file units.h
/// Stochastic units: a draw says how a unit's output is distributed, a rule how the gradient passes through the draw.
///
/// A rule is one constant descriptor (weir_rule) that carries its own truth: its draw, what backward must be on average
/// (define, expectation), and the forms of it that the laboratory (lab.h) and the tests look at. A weir_unit is a rule
/// with values for its parameters. A program may write descriptors of its own: weir_rule_check, and `rules` of
/// weir_graph_options.
/// All arrays are row-major [rows][units] float, contiguous, and may be NULL only where said. Notation:
/// a pre-activation (logit), p = σ(a), h output, L loss per row.
///
/// A rule may want the loss at several points of each row (antithetic pairs, flips, control variates): its sample
/// draws all of them first, as row groups h[group][row][unit]; the loss is evaluated at groups·rows rows in one pass;
/// backward combines what comes back. weir_estimate (estimate.h) and graphs drive every rule in the same way.
#ifndef WEIR_UNITS_H
#define WEIR_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#include "random.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What is true of a rule; or-ed together in weir_rule.traits.
typedef enum weir_trait {
    WEIR_TRAIT_STOCHASTIC = 1 << 0, ///< the output is random in training
    WEIR_TRAIT_BINARY = 1 << 1,     ///< outputs are exactly 0 or 1
    WEIR_TRAIT_SPARSE = 1 << 2,     ///< outputs can be exactly 0: usable as a gate that closes
    WEIR_TRAIT_UNBIASED = 1 << 3,   ///< the mean of backward is the gradient of the expected loss
    WEIR_TRAIT_PATHWISE = 1 << 4,   ///< backward is the derivative of the drawn output, noise held fixed
    WEIR_TRAIT_USES_DH = 1 << 5,    ///< backward reads ∂L/∂h
    WEIR_TRAIT_USES_LOSS = 1 << 6,  ///< backward reads the loss per row
    WEIR_TRAIT_SKIPS = 1 << 7,      ///< training may skip what a closed gate gates: ∂L/∂h is not read where h = 0
    WEIR_TRAIT_LAYERS = 1 << 8,     ///< several layers of the rule may share one set of evaluations (see groups)
    WEIR_TRAIT_BOUND = 1 << 9,      ///< the loss of an example is the bound −log (1/K) Σ_k exp(−L_k) of K samples
    WEIR_TRAIT_PIECEWISE = 1 << 10, ///< P(h ≠ 0) is piecewise constant in a: its slope is 0
    WEIR_TRAIT_ANNEALED = 1 << 11,  ///< what the rule does depends on the training step (noise.step)
    WEIR_TRAIT_ENUMERATES = 1 << 12 ///< sample lists outcomes and draws none: what is counted of draws (the share of
                                    ///< open gates, a penalty on outputs) is of a draw beside them
} weir_trait;

/// A named parameter of a rule. With choices the value is an index into them.
typedef struct weir_parameter {
    const char *name;
    double initial, least, greatest; ///< default and inclusive range
    const char *choices;             ///< "none|gaussian|beta", or NULL for a number
    const char *about;               ///< one line
} weir_parameter;

#define WEIR_RULE_PARAMETERS 8 ///< most parameters that a rule can have

/// A rule: constant, so that any number of threads may read one at a time.
typedef struct weir_rule weir_rule;

#define WEIR_DRAW_PARAMETERS 4 ///< most parameters that a draw can have

/// A draw: constant, so that any number of threads may read one at a time.
typedef struct weir_draw weir_draw;

/// A rule and a draw with their parameter values, in the order of rule->parameters and of draw->parameters. Plain data:
/// copy freely.
typedef struct weir_unit {
    const weir_rule *rule;
    double values[WEIR_RULE_PARAMETERS];
    const weir_draw *draw; ///< NULL: that of the rule (weir_unit_draw)
    double draw_values[WEIR_DRAW_PARAMETERS];
} weir_unit;

/// One layer of units over a batch of rows: what a rule's functions read and write.
typedef struct weir_unit_batch {
    size_t rows, units;
    const float *a;       ///< pre-activations
    float *h;             ///< outputs: written by sample ([groups][rows][units]), expect and decide; read by backward
    float *saved;         ///< weir_unit_saved floats written by sample for backward; NULL when there are none
    float *state;         ///< weir_unit_state floats kept from step to step, from rule->start; NULL when there are none
    weir_noise noise;     ///< sample draws from it: row r, unit i at coordinates (noise, r, i); other draws of the
                          ///< same row and unit take noise.sample + 1, + 2 …
    const float *dh;      ///< ∂L/∂h times row_weight (backward, when WEIR_TRAIT_USES_DH), laid out as h
    const float *loss;    ///< [groups][rows] L of each row (backward, when WEIR_TRAIT_USES_LOSS); not divided
    float row_weight;     ///< weight of a row in the mean loss, 1/rows: factor of score-function gradients
    float *da;            ///< backward writes (does not add) the estimate of ∂(mean loss)/∂a
    float threshold;      ///< decide: a gate that can close is open if and only if a > threshold
    size_t groups;        ///< row groups, from weir_unit_groups; rules without a function groups do not read it
    size_t layer, layers; ///< WEIR_TRAIT_LAYERS: place among the layers, from 0; others do not read them. From the
                          ///< second layer on, a and da have groups, too: [groups][rows][units]
} weir_unit_batch;

/// Takes one outcome of a unit: its probability, its output, and the weight w of a gradient w·∂L/∂h (draws: 0).
typedef void (*weir_outcome)(void *context, double chance, double h, double weight);
/// Visits the outcomes of one unit at the pre-activation a, in double and from the definition, not by the code that it
/// judges: each outcome of a coin, or the points of a quadrature over the noise. Chances add up to 1.
typedef void (*weir_definition)(const weir_unit *unit, double a, weir_outcome visit, void *context);
/// The exact mean loss of a layer of units that are independent given a[units].
typedef double (*weir_mean_loss)(const void *context, const double *a);

/// What is true of a draw; or-ed together in weir_draw.traits. A rule names those of which a draw must have one
/// (weir_rule.draws).
typedef enum weir_draw_trait {
    WEIR_DRAW_SCORE = 1 << 0,    ///< there is a score
    WEIR_DRAW_MARGINAL = 1 << 1, ///< there is pull: the chance of each output, and its derivatives, are exact
    WEIR_DRAW_OUTCOMES = 1 << 2, ///< there are outcomes that can be listed
    WEIR_DRAW_ONE_OF = 1 << 3,   ///< categorical: one output of each variable is 1, by softmax
    WEIR_DRAW_SUBSET = 1 << 4,   ///< about k outputs of each variable are 1
    WEIR_DRAW_NATURAL = 1 << 5,  ///< the score is h − E h: the pre-activations are natural parameters
    WEIR_DRAW_RANDOM = 1 << 6    ///< the output is random
} weir_draw_trait;

/// Takes one outcome of a whole variable of C outputs: its probability, its outputs h[C], and, unless NULL, the matrix
/// w[C][C] of a gradient Σ_j w[i][j]·∂L/∂h[j].
typedef void (*weir_state)(void *context, double chance, const double *h, const double *weights);
/// Visits the outcomes of one variable at a[C], in double and from the definition, as weir_definition does for one
/// output.
typedef void (*weir_states)(const weir_unit *unit, const double *a, weir_state visit, void *context);

/// How outputs are distributed: what a finished network draws, its mean and its decision. Outputs come in *variables*:
/// of one output each (define), or of C outputs that are drawn together (states; C is the parameter "of"). A layer is
/// whole variables, output after output. Functions never fail; those that take a batch work in parallel inside and give
/// the same bits for any number of threads, the others belong to the calling thread.
struct weir_draw {
    const char *decided;  ///< the value of an open gate at test time as a formula: "h = √σ(a)"
    const char *expected; ///< what expect gives as a formula: "h = σ(a)"
    /// Draws h, one output per row and unit. A closed gate is exactly 0. A NaN in a stays NaN.
    void (*sample)(const weir_unit *unit, const weir_unit_batch *batch);
    /// h = E[h | a], or the usual noise-free form where that has no closed form (say which in the rule's summary).
    void (*expect)(const weir_unit *unit, const weir_unit_batch *batch);
    /// Test time gates: the deterministic value of an open gate; with WEIR_TRAIT_SPARSE exactly 0 where
    /// !(a > threshold). Rules without that trait are never closed and do not read the threshold. Variables of several
    /// outputs do not read it either: they say themselves which are open.
    void (*decide)(const weir_unit *unit, const weir_unit_batch *batch);
    /// q[k] = P(h ≠ 0 | a[k]) (σ(a) for units that are never 0) and, unless NULL, dq[k] = ∂q[k]/∂a[k]; k < count, whole
    /// variables.
    void (*opening)(const weir_unit *unit, size_t count, const float *a, float *q, float *dq);
    weir_definition define;
    /// The pre-activation at or under which decide gives 0 whatever the threshold. NULL: there is none.
    double (*floor)(const weir_unit *unit);

    // ---- draws that a text can name (draw=NAME); 0 and NULL for those of one rule -----------------------------------
    const char *name;    ///< "one-of"
    const char *summary; ///< one line for a person
    const char *forward; ///< the distribution as a formula
    const char *source;  ///< where it is from
    unsigned traits;     ///< weir_draw_trait bits
    const weir_parameter *parameters;
    size_t parameter_count;
    /// Outcomes of a whole variable: in place of define.
    weir_states states;
    /// score[i] = ∂ log P(h | a)/∂a[i] of count outputs, whole variables.
    void (*score)(const weir_unit *unit, size_t count, const float *a, const float *h, float *score);
    /// out[i] = Σ_j v[j]·∂E h[j]/∂a[i] of count outputs, whole variables. out and v may be one array.
    void (*pull)(const weir_unit *unit, size_t count, const float *a, const float *v, float *out);
    /// Number of outcomes of a variable (0: too many), outputs of the one at index, and the probability of outputs.
    size_t (*outcomes)(const weir_unit *unit);
    void (*outcome)(const weir_unit *unit, size_t index, float *h);
    double (*chance)(const weir_unit *unit, const float *a, const float *h);
    /// Refuses what the parameters ask for beyond "of" and "k" (weir_unit_fit). NULL: nothing.
    weir_status (*most)(const weir_unit *unit, weir_error *error);
};

/// A form of a rule that computes something of its own, with what is known of it: published values, exact ones, or
/// those of an independent program. 0 and NULL mean "not known".
typedef struct weir_form {
    const char *text;                      ///< "samples=3"; "": the defaults
    double variance;                       ///< total, on the function of four units (weir_problem_four in lab.h)
    double bias, digit;                    ///< distance of the mean from the exact gradient there; half its last digit
    double (*one_bit)(double p, double t); ///< variance on one bit with P(h = 1) = p and the loss (h − t)²
    double wide;                           ///< variance per unit of 200 units at p = ½, the mean of (h − 0.499)²
    double toy[2], toy_digit[2];           ///< mean loss after 10 000 steps on one bit, t = 0.499 and 0.49; as digit
    double uphill;                         ///< objective after 2000 steps on 200 units, read off a figure
} weir_form;

/// A stochastic rule. Functions never fail, work in parallel inside, and give the same bits for any number of threads.
struct weir_rule {
    const char *name;     ///< "straight-through"
    const char *summary;  ///< one line for a person
    const char *forward;  ///< the output as a formula: "h ~ Bernoulli(σ(a))"
    const char *gradient; ///< the backward rule as a formula
    const char *source;   ///< paper, section, equation
    unsigned traits;      ///< weir_trait bits
    int evaluations;      ///< of the loss, per example, with the default parameters; 0: depends on the units
    int gradients;        ///< of those, how many have their ∂L/∂h read
    const char *cost;     ///< evaluations as a formula, where they vary: "K", "D + 1"; else NULL
    const weir_parameter *parameters;
    size_t parameter_count;
    size_t saved; ///< floats per row and unit that sample leaves for backward
    size_t state; ///< floats per unit kept from step to step (baselines)

    /// The distribution of the outputs, unless a text names another. NULL: h ~ Bernoulli(σ(a)) (weir_draw_bernoulli).
    const weir_draw *draw;
    /// Other draws for which the rule is defined: those with one of these traits (weir_draw_trait). Rules of the same
    /// name may stand in the table one after another, for different draws.
    unsigned draws;
    /// Fills state for the first step. NULL when state is 0.
    void (*start)(const weir_unit *unit, size_t units, float *state);
    /// Draws h in training, all row groups of it; fills saved. NULL: as the draw.
    void (*sample)(const weir_unit *unit, const weir_unit_batch *batch);
    /// da from h, saved, state and dh or loss; updates state. Never NULL.
    void (*backward)(const weir_unit *unit, const weir_unit_batch *batch);

    /// Number of row groups that sample writes, for a layer of so many units; layers: how many layers of the rule share
    /// them (1 without WEIR_TRAIT_LAYERS). 0: more than can be evaluated. NULL: always 1.
    size_t (*groups)(const weir_unit *unit, size_t units, size_t layers);
    /// The loss of an example, [rows], from those of its groups, and its derivatives with respect to them,
    /// weights[groups][rows]: what the parameters after the units learn from. NULL: the mean.
    void (*merge)(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights);
    /// Floats of saved and of state where they are not so many per unit; NULL: saved·rows·units, state·units.
    size_t (*saved_count)(const weir_unit *unit, size_t rows, size_t units);
    size_t (*state_count)(const weir_unit *unit, size_t units);

    /// Gates with weights: puts them in the place of the outputs that the unit's draw gave, drawn (unless the rule has
    /// a sample of its own), decided or expected; and of one variable in double, for definitions. NULL: outputs stay.
    void (*weigh)(const weir_unit *unit, const weir_unit_batch *batch);
    void (*weighed)(const weir_unit *unit, const double *a, double *h);
    /// Refuses values of parameters that do not go together, or not with the unit's draw. NULL: all do.
    weir_status (*check)(const weir_unit *unit, weir_error *error);

    /// What the rule is held to. With WEIR_TRAIT_UNBIASED the mean of backward is ∂E L/∂a over the outcomes of the
    /// draw, without it the mean of w·∂L/∂h over them, w = weight(a, h). A rule whose outcomes in training are others,
    /// or whose w depends on more than h, has a define of its own. NULL where not needed. Annealed rules are defined at
    /// step 0.
    double (*weight)(const weir_unit *unit, double a, double h);
    weir_definition define;
    /// As weight and define, for variables of several outputs: weights[C][C] of ∂L/∂h given the outputs h[C], or the
    /// outcomes with their weights.
    void (*weights)(const weir_unit *unit, const double *a, const double *h, double *weights);
    weir_states states;
    /// As weights, for variables of several outputs whose estimate is no linear function of ∂L/∂h: its mean[C] given the
    /// outputs h[C] and dh[C] = ∂L/∂h there.
    void (*given)(const weir_unit *unit, const double *a, const double *h, const double *dh, double *mean);
    /// What backward is on average, mean[units], where define cannot say it: rules that evaluate the loss at moved
    /// pre-activations, and are biased by that. mean_loss is E L at any a. NULL: define says it.
    void (*expectation)(const weir_unit *unit, size_t units, const double *a, weir_mean_loss mean_loss,
                        const void *context, double *mean);
    /// A unit whose rows follow one of several forms by chance, all units of a row the same one: sets *part to form
    /// number index and returns its probability; a negative one ends. NULL: the unit itself.
    double (*mixture)(const weir_unit *unit, size_t index, weir_unit *part);
    /// Every form that computes something different, the defaults ("") among them. NULL: the defaults alone.
    const weir_form *forms;
    size_t form_count;
};

/// h ~ Bernoulli(σ(a)); at test time h = 1 where a > threshold, else 0.
WEIR_API const weir_draw *weir_draw_bernoulli(void);
/// The draw of a unit; never NULL.
WEIR_API const weir_draw *weir_unit_draw(const weir_unit *unit);
/// The number of draws that a text can name, the draw at index 0 … count−1 (NULL beyond), and the one of that name, or
/// NULL.
WEIR_API size_t weir_draw_count(void);
WEIR_API const weir_draw *weir_draw_at(size_t index);
WEIR_API const weir_draw *weir_draw_find(const char *name);
/// Whether a rule is defined for a draw.
WEIR_API bool weir_rule_takes(const weir_rule *rule, const weir_draw *draw);

/// Outputs of a variable: 1, or C. 0: all units of a layer, which weir_unit_fit has not been told yet.
WEIR_API size_t weir_unit_variable(const weir_unit *unit);
/// Makes a unit one of a layer of so many units: `of=0` becomes their number. WEIR_SHAPE when they are not whole
/// variables, WEIR_ARGUMENT when the draw's parameters do not go together (k of n with k > n).
WEIR_API weir_status weir_unit_fit(weir_unit *unit, size_t units, weir_error *error);

/// Row groups that a unit's rule asks for: evaluations of the loss per example. 0: too many, or a unit that does not
/// fit a layer of so many (weir_unit_fit). The functions of rules and draws want a unit that has been fitted.
WEIR_API size_t weir_unit_groups(const weir_unit *unit, size_t units, size_t layers);
/// Floats that a layer's saved and state arrays hold; 0 for a unit that does not fit it.
WEIR_API size_t weir_unit_saved(const weir_unit *unit, size_t rows, size_t units);
WEIR_API size_t weir_unit_state(const weir_unit *unit, size_t units);
/// Loss per example [rows] and weights [groups][rows] (see weir_rule.merge) from batch->loss; NaN for a row that has a
/// NaN in batch->a (unless that is NULL).
WEIR_API void weir_unit_merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights);
/// The two halves of a training step around the caller's loss: outputs of all row groups and what is saved; then the
/// loss of each example, as weir_unit_merge gives it, and the gradient da. WEIR_DIVERGED, and nothing is written, where
/// a loss is not finite and batch->state, which moves, would be spoiled.
WEIR_API void weir_unit_sample(const weir_unit *unit, const weir_unit_batch *batch);
WEIR_API weir_status weir_unit_learn(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights,
                                     weir_error *error);

/// Number of rules, and the rule at index 0 … count−1 in the order of the table (NULL beyond).
WEIR_API size_t weir_rule_count(void);
WEIR_API const weir_rule *weir_rule_at(size_t index);

/// The rule of that name, or NULL.
WEIR_API const weir_rule *weir_rule_find(const char *name);

/// Number of a rule's forms (at least 1), and the form at index with its values: *form, unless form is NULL, is then
/// its row, whose text is "" for the defaults. WEIR_ARGUMENT for a form that the rule's parameters do not allow.
WEIR_API size_t weir_rule_forms(const weir_rule *rule);
WEIR_API weir_status weir_rule_form(const weir_rule *rule, weir_unit *unit, const weir_form **form, size_t index,
                                    weir_error *error);
/// The row of the form that has exactly this unit's values, or NULL.
WEIR_API const weir_form *weir_unit_form(const weir_unit *unit);

/// Whether a descriptor is complete and says nothing that contradicts itself: names, traits, functions, parameters and
/// forms. WEIR_ARGUMENT names the rule, the field, and what is expected of it.
WEIR_API weir_status weir_rule_check(const weir_rule *rule, weir_error *error);

/// Reads "NAME" or "NAME:parameter=value,parameter=value" into *unit; what is not named keeps its default. One of the
/// parameters may be draw=DRAW, with the parameters of that draw beside those of the rule:
/// "rloo:samples=4,draw=one-of,of=8". WEIR_UNSUPPORTED for a draw that the rule is not defined for.
/// WEIR_NOT_FOUND for an unknown rule or parameter (the error names the nearest), WEIR_ARGUMENT for a value that is
/// malformed, out of range, or possible in no layer (k of n with k > n).
WEIR_API weir_status weir_unit_parse(weir_unit *unit, const char *text, weir_error *error);

/// As weir_unit_parse, with count rules of the caller's own before those of the library (they hide rules of their
/// name).
WEIR_API weir_status weir_unit_parse_among(weir_unit *unit, const char *text, const weir_rule *const *rules,
                                           size_t count, weir_error *error);

/// Writes the text that weir_unit_parse reads back to the same unit, at most size bytes with the terminating
/// zero; returns the length it needs without that zero. Only values other than the default are named.
WEIR_API size_t weir_unit_print(const weir_unit *unit, char *text, size_t size);

/// The share of its outputs that the draw of a fitted unit opens, whatever the pre-activations: 1/C of categorical
/// ones, k/C of subsets (about that of statistical-top-k). NaN where the pre-activations decide how many.
WEIR_API double weir_unit_share(const weir_unit *unit);

/// Writes what the unit is at test time as a formula, "h = 1 where a > threshold, else 0", at most size bytes with the
/// terminating zero; returns the length it needs without that zero.
WEIR_API size_t weir_unit_decided(const weir_unit *unit, char *text, size_t size);

/// Value of a parameter of the rule or the draw by name; NaN when there is none of that name.
WEIR_API double weir_unit_value(const weir_unit *unit, const char *parameter);

#ifdef __cplusplus
}
#endif
#endif
