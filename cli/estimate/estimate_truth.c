// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_truth.c
/// What each rule ought to do on a problem, from its definition and not from its code: one-dimensional integrals over
/// the noise of a unit, and differences of the mean loss for rules that move the logits.
///
/// With L(h) = Π F_j(h_j) and independent units, E L = Π E F_j(h_j), and a rule that multiplies ∂L/∂h_i by a weight w_i
/// of its own has the mean E[F'_i(h_i) w_i]·Π_{j≠i} E F_j(h_j).
#include "estimate.h"

#include <math.h>
#include <string.h>

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }
static double slope_of(double z, double temperature) {
    const double y = sigmoid(z / temperature);
    return y * (1 - y) / temperature;
}

static double four_factor(const lab_problem *problem, size_t unit, double h) {
    static const double powers[LAB_UNITS] = {0.5, -0.5, 0.25, 1};
    (void)problem;
    return exp(powers[unit] * h);
}

static double four_slope(const lab_problem *problem, size_t unit, double h) {
    static const double powers[LAB_UNITS] = {0.5, -0.5, 0.25, 1};
    return powers[unit] * four_factor(problem, unit, h);
}

static weir_status four_objective(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                  float *loss, float *dh, weir_error *error) {
    static const float powers[LAB_UNITS] = {0.5f, -0.5f, 0.25f, 1};
    (void)context, (void)units, (void)example, (void)error;
    for (size_t r = 0; r < rows; r++, h += LAB_UNITS) {
        loss[r] = expf(powers[0] * h[0] + powers[1] * h[1] + powers[2] * h[2] + powers[3] * h[3]);
        for (size_t i = 0; dh != NULL && i < LAB_UNITS; i++) dh[r * LAB_UNITS + i] = powers[i] * loss[r];
    }
    return WEIR_OK;
}

const lab_problem lab_four = {.units = LAB_UNITS,
                              .logits = {0.4, -0.8, 1.5, -0.2},
                              .factor = four_factor,
                              .slope = four_slope,
                              .objective = four_objective};

static double bit_factor(const lab_problem *problem, size_t unit, double h) {
    (void)unit;
    return (h - problem->target) * (h - problem->target);
}

static double bit_slope(const lab_problem *problem, size_t unit, double h) {
    (void)unit;
    return 2 * (h - problem->target);
}

static weir_status bit_objective(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                                 float *loss, float *dh, weir_error *error) {
    double target = ((const lab_problem *)context)->target;
    return lab_quadratic(&target, rows, units, example, h, loss, dh, error);
}

weir_status lab_quadratic(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                          float *loss, float *dh, weir_error *error) {
    const double t = *(const double *)context, per_unit = 1 / (double)units;
    const float target = (float)t, slope = (float)(2 * per_unit);
    (void)example, (void)error;
    enum { lanes = 16 }; // partial sums: one alone would make each addition wait for the one before it
    for (size_t r = 0; r < rows; r++) {
        // Σ (h − t)² = Σ h² − 2tΣ h + Dt²: sums of 0 and 1 are exact in float
        const float *row = h + r * units;
        float sums[lanes] = {0}, squares[lanes] = {0}, sum = 0, square = 0;
        size_t i = 0;
        for (; i + lanes <= units; i += lanes) {
            for (size_t k = 0; k < lanes; k++) {
                sums[k] += row[i + k];
                squares[k] += row[i + k] * row[i + k];
            }
        }
        for (; i < units; i++) {
            sums[0] += row[i];
            squares[0] += row[i] * row[i];
        }
        for (size_t k = 0; k < lanes; k++) {
            sum += sums[k];
            square += squares[k];
        }
        loss[r] = (float)(((double)square - 2 * t * (double)sum) * per_unit + t * t);
        if (dh == NULL) continue;
        for (i = 0; i < units; i++) dh[r * units + i] = slope * (row[i] - target);
    }
    return WEIR_OK;
}

lab_problem lab_one_bit(double p, double t) {
    return (lab_problem){.units = 1,
                         .logits = {log(p / (1 - p))},
                         .factor = bit_factor,
                         .slope = bit_slope,
                         .objective = bit_objective,
                         .target = t};
}

/// The noise z behind one output.
typedef enum lab_noise {
    NOISE_COIN,     ///< 1 with a probability, else 0
    NOISE_LOGISTIC, ///< standard
    NOISE_NORMAL
} lab_noise;

/// A rule by its definition: the output h and the weight w of ∂L/∂h, for one noise.
typedef struct lab_model {
    const char *rule;
    bool relaxes; ///< its outputs stand for binary ones, by whose gradient it is judged
    bool kinked;  ///< E h has a kink at a = 0
    lab_noise (*noise)(const weir_unit *unit, double a, double *chance);
    void (*draw)(const weir_unit *unit, double a, double z, double *h, double *w);
} lab_model;

static double value_of(const weir_unit *unit, const char *name) { return weir_unit_value(unit, name); }

static lab_noise coin(const weir_unit *unit, double a, double *chance) {
    (void)unit;
    *chance = sigmoid(a);
    return NOISE_COIN;
}
static lab_noise logistic(const weir_unit *unit, double a, double *chance) {
    (void)unit, (void)a, (void)chance;
    return NOISE_LOGISTIC;
}
static lab_noise normal(const weir_unit *unit, double a, double *chance) {
    (void)unit, (void)a, (void)chance;
    return NOISE_NORMAL;
}
static lab_noise either(const weir_unit *unit, double a, double *chance) {
    return value_of(unit, "noise") == 1 ? logistic(unit, a, chance) : normal(unit, a, chance);
}
static lab_noise root_coin(const weir_unit *unit, double a, double *chance) {
    (void)unit;
    *chance = sqrt(sigmoid(a));
    return NOISE_COIN;
}
static lab_noise kept(const weir_unit *unit, double a, double *chance) {
    (void)a;
    *chance = 1 - value_of(unit, "rate");
    return NOISE_COIN;
}

static void straight_through(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double form = value_of(unit, "derivative");
    *h = z;
    *w = form == 0 ? 1 : form == 1 ? slope_of(a, 1) : fabs(a) <= 1;
}

static void slope_annealed(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double s = value_of(unit, "start");
    *h = z;
    *w = value_of(unit, "shape") == 1 ? s * slope_of(s * a, 1) : fabs(s * a) < 1 ? s / 2 : 0;
}

static void half(const weir_unit *unit, double a, double z, double *h, double *w) {
    (void)unit;
    *h = z;
    *w = fabs(z - sigmoid(a)) / 2;
}

/// Two classes: the first component of 2J(m)e₁ − ½J(π)e₁, J(x) = diag(x) − x·xᵀ.
static void reinmax(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double p = sigmoid(a), m = (sigmoid(a / value_of(unit, "temperature")) + z) / 2;
    *h = z;
    *w = 2 * m * (1 - m) - p * (1 - p) / 2;
}

static void st_gumbel(const weir_unit *unit, double a, double z, double *h, double *w) {
    *h = a + z > 0;
    *w = slope_of(a + z, value_of(unit, "temperature"));
}

static void gapped(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double p = z > 0 ? sigmoid(a) : sigmoid(-a);
    const double gap = value_of(unit, "form") == 1 ? -log1p(-p) / p : value_of(unit, "gap");
    *h = z;
    *w = slope_of(z > 0 ? fmax(a, gap) : fmin(a, -gap), value_of(unit, "temperature"));
}

static void decoupled(const weir_unit *unit, double a, double z, double *h, double *w) {
    *h = a / value_of(unit, "forward") + z > 0;
    *w = slope_of(value_of(unit, "noise") == 1 ? a + z : a, value_of(unit, "backward"));
}

static void concrete(const weir_unit *unit, double a, double z, double *h, double *w) {
    *h = sigmoid((a + z) / value_of(unit, "temperature"));
    *w = slope_of(a + z, value_of(unit, "temperature"));
}

static void hard_concrete(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double low = value_of(unit, "low"), width = value_of(unit, "high") - low,
                 beta = value_of(unit, "temperature");
    const double s = sigmoid((a + z) / beta) * width + low;
    *h = fmin(1, fmax(0, s));
    *w = s > 0 && s < 1 ? width * slope_of(a + z, beta) : 0;
}

static void noisy_rectifier(const weir_unit *unit, double a, double z, double *h, double *w) {
    *h = fmax(0, a + value_of(unit, "sd") * z);
    *w = *h > 0;
}

static void rectifier(const weir_unit *unit, double a, double z, double *h, double *w) {
    (void)unit, (void)z;
    *h = fmax(0, a);
    *w = a > 0;
}

static void sts(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double p = sigmoid(a);
    (void)unit;
    *h = z * sqrt(p);
    *w = *h * (1 - p) / 2;
}

static void noisy_sigmoid(const weir_unit *unit, double a, double z, double *h, double *w) {
    *h = sigmoid(a + value_of(unit, "sd") * z);
    *w = *h * (1 - *h);
}

static void plain_sigmoid(const weir_unit *unit, double a, double z, double *h, double *w) {
    if (value_of(unit, "noise") == 1) {
        noisy_sigmoid(unit, a, z, h, w);
        return;
    }
    *h = sigmoid(a);
    *w = *h * (1 - *h);
}

static void improved_hashing(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double p = sigmoid(a + value_of(unit, "sd") * z), y = fmin(1, fmax(0, 1.2 * p - 0.1));
    *h = value_of(unit, "mix") == 1 ? y > 0.5 : y;
    *w = y > 0 && y < 1 ? 1.2 * p * (1 - p) : 0;
}

static void dropout(const weir_unit *unit, double a, double z, double *h, double *w) {
    *w = z / (1 - value_of(unit, "rate"));
    *h = a * *w;
}

static void concrete_dropout(const weir_unit *unit, double a, double z, double *h, double *w) {
    const double t = value_of(unit, "temperature"), y = sigmoid((a + z) / t), p = sigmoid(a);
    *h = y / p;
    *w = (y * (1 - y) / t - y * (1 - p)) / p;
}

static const lab_model models[] = {
    {"straight-through", false, false, coin, straight_through},
    {"slope-annealed", false, false, coin, slope_annealed},
    {"half", false, false, coin, half},
    {"reinmax", false, false, coin, reinmax},
    {"st-gumbel", false, false, logistic, st_gumbel},
    {"gumbel-rao", false, false, logistic, st_gumbel}, // the mean over the conditional draws is that of st-gumbel
    {"gapped-straight-through", false, false, coin, gapped},
    {"decoupled-straight-through", false, false, logistic, decoupled},
    {"concrete", true, false, logistic, concrete},
    {"hard-concrete", false, false, logistic, hard_concrete},
    {"noisy-rectifier", false, false, either, noisy_rectifier},
    {"rectifier", false, true, logistic, rectifier},
    {"sts", false, false, root_coin, sts},
    {"sigmoid", false, false, normal, plain_sigmoid},
    {"semantic-hashing", false, false, normal, noisy_sigmoid},
    {"improved-semantic-hashing", false, false, normal, improved_hashing},
    {"dropout", false, true, kept, dropout},
    {"concrete-dropout", false, false, logistic, concrete_dropout},
};

/// Schedules move what these rules do from step to step; noise of other kinds and mixtures are not integrated.
static bool integrable(const weir_unit *unit) {
    const char *name = unit->rule->name;
    if (strcmp(name, "slope-annealed") == 0) return value_of(unit, "growth") == 0;
    if (strcmp(name, "st-gumbel") == 0 || strcmp(name, "concrete") == 0) return value_of(unit, "decay") == 0;
    if (strcmp(name, "improved-semantic-hashing") == 0) return fmod(value_of(unit, "mix"), 1) == 0;
    if (strcmp(name, "sts") == 0) return value_of(unit, "noise") == 0;
    if (strcmp(name, "sigmoid") == 0) return value_of(unit, "noise") != 2;
    return true;
}

static const lab_model *model_of(const weir_unit *unit) {
    for (size_t k = 0; k < CLI_COUNT_OF(models); k++)
        if (strcmp(models[k].rule, unit->rule->name) == 0) return integrable(unit) ? &models[k] : NULL;
    return NULL;
}

/// E F(h) and E[F'(h)·w] of one unit.
typedef struct integral {
    double factor, weighted;
} integral;

typedef struct integrand {
    const lab_model *model;
    const weir_unit *unit;
    const lab_problem *problem;
    size_t index;
    double a;
} integrand;

static void add_point(const integrand *at, double z, double chance, integral *sum) {
    double h, w;
    at->model->draw(at->unit, at->a, z, &h, &w);
    sum->factor += chance * at->problem->factor(at->problem, at->index, h);
    sum->weighted += chance * at->problem->slope(at->problem, at->index, h) * w;
}

/// Midpoint rules whose cells meet where a + z = 0, where an output may jump.
static void add_logistic(const integrand *at, double edge, integral *sum) {
    enum { points = 20000 };
    const double middle = sigmoid(-edge);
    for (int side = 0; side < 2; side++) {
        const double from = side ? middle : 0, width = side ? 1 - middle : middle;
        for (int k = 0; k < points; k++) {
            const double u = from + width * (k + 0.5) / points;
            add_point(at, log(u / (1 - u)), width / points, sum);
        }
    }
}

static void add_normal(const integrand *at, double edge, integral *sum) {
    const double step = 1e-3;
    for (int k = -12000; k < 12000; k++) {
        const double z = -edge + (k + 0.5) * step;
        if (fabs(z) < 9) add_point(at, z, step * exp(-z * z / 2) * 0.3989422804014327, sum);
    }
}

static integral integrate(const lab_model *model, const weir_unit *unit, const lab_problem *problem, size_t index,
                          double a) {
    const integrand at = {model, unit, problem, index, a};
    integral sum = {0, 0};
    double chance = 0, edge = a;
    if (strcmp(model->rule, "decoupled-straight-through") == 0) edge = a / value_of(unit, "forward");
    if (!isnan(value_of(unit, "sd"))) edge = a / value_of(unit, "sd");
    switch (model->noise(unit, a, &chance)) {
    case NOISE_COIN:
        add_point(&at, 1, chance, &sum);
        add_point(&at, 0, 1 - chance, &sum);
        break;
    case NOISE_LOGISTIC:
        add_logistic(&at, edge, &sum);
        break;
    case NOISE_NORMAL:
        add_normal(&at, edge, &sum);
        break;
    }
    return sum;
}

/// The gradient of the mean loss of binary units.
static void binary_gradient(const lab_problem *problem, double *gradient) {
    double mean[LAB_UNITS];
    for (size_t i = 0; i < problem->units; i++) {
        const double p = sigmoid(problem->logits[i]);
        mean[i] = p * problem->factor(problem, i, 1) + (1 - p) * problem->factor(problem, i, 0);
    }
    for (size_t i = 0; i < problem->units; i++) {
        gradient[i] =
            slope_of(problem->logits[i], 1) * (problem->factor(problem, i, 1) - problem->factor(problem, i, 0));
        for (size_t j = 0; j < problem->units; j++)
            if (j != i) gradient[i] *= mean[j];
    }
}

/// Loss and probability of one of the 2^units outcomes of binary units.
static double outcome_loss(const lab_problem *problem, size_t set, double *chance) {
    double loss = 1;
    *chance = 1;
    for (size_t i = 0; i < problem->units; i++) {
        const double p = sigmoid(problem->logits[i]), bit = (double)(set >> i & 1);
        loss *= problem->factor(problem, i, bit);
        *chance *= bit > 0 ? p : 1 - p;
    }
    return loss;
}

/// The gradient of E[−log 1/K Σ exp(−L_k)] over K independent outcomes, by enumeration of all of them. False when they
/// are too many.
static bool bound_gradient(const lab_problem *problem, size_t samples, double *gradient) {
    const size_t outcomes = (size_t)1 << problem->units;
    double loss[1 << LAB_UNITS], chance[1 << LAB_UNITS];
    if (pow((double)outcomes, (double)samples) > 2e6) return false;
    size_t all = 1;
    for (size_t k = 0; k < samples; k++) all *= outcomes;
    for (size_t s = 0; s < outcomes; s++) loss[s] = outcome_loss(problem, s, &chance[s]);
    for (size_t i = 0; i < problem->units; i++) gradient[i] = 0;
    for (size_t set = 0; set < all; set++) {
        double weight = 1, sum = 0, score[LAB_UNITS] = {0};
        for (size_t k = 0, rest = set; k < samples; k++, rest /= outcomes) {
            const size_t s = rest % outcomes;
            weight *= chance[s];
            sum += exp(-loss[s]);
            for (size_t i = 0; i < problem->units; i++) score[i] += (double)(s >> i & 1) - sigmoid(problem->logits[i]);
        }
        for (size_t i = 0; i < problem->units; i++) gradient[i] -= weight * log(sum / (double)samples) * score[i];
    }
    return true;
}

// Rules that move the logits: differences of the mean loss Π E F_j itself.

/// E F of one binary unit.
static double mean_factor(const lab_problem *problem, size_t unit, double a) {
    const double p = sigmoid(a);
    return p * problem->factor(problem, unit, 1) + (1 - p) * problem->factor(problem, unit, 0);
}

/// Mean over all signs Δ of [L(a + cΔ) − L(a − cΔ)] / (2cΔ_i).
static void spsa_mean(const weir_unit *unit, const lab_problem *problem, double *mean) {
    const double step = value_of(unit, "step");
    const size_t signs = (size_t)1 << problem->units;
    for (size_t i = 0; i < problem->units; i++) mean[i] = 0;
    for (size_t set = 0; set < signs; set++) {
        double up = 1, down = 1;
        for (size_t j = 0; j < problem->units; j++) {
            const double move = set >> j & 1 ? step : -step;
            up *= mean_factor(problem, j, problem->logits[j] + move);
            down *= mean_factor(problem, j, problem->logits[j] - move);
        }
        for (size_t i = 0; i < problem->units; i++)
            mean[i] += (set >> i & 1 ? 1 : -1) * (up - down) / (2 * step * (double)signs);
    }
}

/// One unit's own factor moved, those of the others as they are.
static void differences_mean(const weir_unit *unit, const lab_problem *problem, double *mean) {
    const double step = value_of(unit, "step");
    for (size_t i = 0; i < problem->units; i++) {
        const double a = problem->logits[i];
        mean[i] = (mean_factor(problem, i, a + step) - mean_factor(problem, i, a - step)) / (2 * step);
        for (size_t j = 0; j < problem->units; j++)
            if (j != i) mean[i] *= mean_factor(problem, j, problem->logits[j]);
    }
}

/// E[L(a + sξ)·ξ_i] / s: one unit's factor weighted by its noise, those of the others smoothed.
static void node_mean(const weir_unit *unit, const lab_problem *problem, double *mean) {
    const double sd = value_of(unit, "sd"), step = 0.01;
    double smooth[LAB_UNITS] = {0}, weighted[LAB_UNITS] = {0};
    for (size_t i = 0; i < problem->units; i++)
        for (int k = -900; k <= 900; k++) {
            const double z = k * step, density = step * exp(-z * z / 2) * 0.3989422804014327;
            const double factor = mean_factor(problem, i, problem->logits[i] + sd * z);
            smooth[i] += density * factor;
            weighted[i] += density * factor * z / sd;
        }
    for (size_t i = 0; i < problem->units; i++) {
        mean[i] = weighted[i];
        for (size_t j = 0; j < problem->units; j++)
            if (j != i) mean[i] *= smooth[j];
    }
}

static const struct {
    const char *rule;
    void (*mean)(const weir_unit *unit, const lab_problem *problem, double *mean);
} perturbations[] = {{"spsa", spsa_mean}, {"finite-differences", differences_mean}, {"node-perturbation", node_mean}};

lab_truth lab_truth_of(const weir_unit *unit, const lab_problem *problem) {
    const unsigned traits = unit->rule->traits;
    const lab_model *model = model_of(unit);
    lab_truth truth = {.unbiased = (traits & WEIR_TRAIT_UNBIASED) != 0, .known = true};
    binary_gradient(problem, truth.gradient);
    if (strcmp(unit->rule->name, "vimco") == 0) // its loss is a bound of several samples
        truth.known = bound_gradient(problem, weir_unit_groups(unit, problem->units, 1), truth.gradient);
    for (size_t k = 0; k < CLI_COUNT_OF(perturbations); k++) {
        if (strcmp(unit->rule->name, perturbations[k].rule) != 0) continue;
        perturbations[k].mean(unit, problem, truth.mean);
        return truth;
    }
    if (model == NULL) {
        truth.known = truth.known && truth.unbiased && (traits & WEIR_TRAIT_BINARY);
        memcpy(truth.mean, truth.gradient, sizeof truth.mean);
        return truth;
    }
    for (size_t i = 0; model->kinked && i < problem->units; i++) truth.known = truth.known && problem->logits[i] != 0;
    integral at[LAB_UNITS];
    double own[LAB_UNITS];
    for (size_t i = 0; i < problem->units; i++) {
        const double a = problem->logits[i], step = 1e-4;
        at[i] = integrate(model, unit, problem, i, a);
        own[i] = (integrate(model, unit, problem, i, a + step).factor -
                  integrate(model, unit, problem, i, a - step).factor) /
                 (2 * step);
    }
    for (size_t i = 0; i < problem->units; i++) {
        // a rule that says it is unbiased is held to the derivative of the mean, not to its weights
        double others = 1;
        for (size_t j = 0; j < problem->units; j++)
            if (j != i) others *= at[j].factor;
        truth.mean[i] = others * (truth.unbiased ? own[i] : at[i].weighted);
        if (!model->relaxes) truth.gradient[i] = others * own[i];
    }
    truth.unbiased = truth.unbiased && !model->relaxes;
    return truth;
}
