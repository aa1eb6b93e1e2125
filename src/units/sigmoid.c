// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// h = σ(a + z) with no noise, Gaussian or Beta noise z, and ordinary back-propagation: the sigmoid baselines of
// Bengio, Léonard and Courville 2013, section 5, and their Beta noise (appendix A.2) with r = s. Never 0, and not
// closed at test time either, whatever the threshold. The mean of Beta noise stands for it where nothing is drawn; the
// mean of the output itself has no closed form.

#include "../core/math.h"
#include "beta.h"
#include "define.h"
#include "rules.h"

enum { noise_index, sd_index, target_index, beta_index };
enum { no_noise, gaussian_noise, beta_noise };

static const weir_parameter parameters[] = {
    [noise_index] = {"noise", 0, 0, beta_noise, "none|gaussian|beta", "distribution of noise added to a"},
    [sd_index] = {"sd", 1, 0, 1e3, NULL, "gaussian noise: standard deviation"},
    [target_index] = {"target", 0.1, 0.01, 0.99, NULL, "beta noise: mode of the distribution, the mean output wanted"},
    [beta_index] = {"beta", 40.1, 1, 1000, NULL, "beta noise: second shape parameter"},
};

static float mean_noise(const weir_unit *unit) {
    if (unit->values[noise_index] != beta_noise) return 0;
    return weir__beta_mean(unit->values[target_index], unit->values[beta_index], unit->values[target_index]);
}

WEIR__CLONES static void sigmoid_of_noisy(float *restrict h, const float *restrict a, float factor, size_t count) {
    for (size_t i = 0; i < count; i++) h[i] = weir__sigmoid(a[i] + factor * h[i]);
}

static void sample_gaussian_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const weir_unit *unit = context;
    float *h = batch->h + span.at;
    weir__span_normal(h, batch->noise, span);
    sigmoid_of_noisy(h, batch->a + span.at, (float)unit->values[sd_index], span.count);
}

static void sample_beta_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    float *h = batch->h + span.at;
    weir__beta_noise_at(context, h, batch->noise, span);
    sigmoid_of_noisy(h, batch->a + span.at, 1.0f, span.count);
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    if (unit->values[noise_index] == no_noise) {
        weir__expect_sigmoid(unit, batch);
    } else if (unit->values[noise_index] == gaussian_noise) {
        weir__for_spans(unit, batch, sample_gaussian_span);
    } else {
        weir__beta_noise noise;
        weir__beta_prepare(&noise, unit->values[target_index], unit->values[beta_index], unit->values[target_index]);
        weir__for_spans(&noise, batch, sample_beta_span);
    }
}

static void expect(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__expect_moved(batch, 1, mean_noise(unit));
}

static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    weir__opening_moved(count, a, q, dq, 1, mean_noise(unit));
}

static void point(const weir_unit *unit, double a, double z, double *h, double *weight) {
    *h = weir__logistic(a + unit->values[sd_index] * z);
    *weight = *h * (1 - *h);
}

static void define_plain(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    (void)unit;
    visit(context, 1, weir__logistic(a), 0);
}

static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    if (unit->values[noise_index] == gaussian_noise)
        weir__over_normal(unit, a, 0, point, visit, context);
    else if (unit->values[noise_index] == beta_noise)
        weir__over_beta(unit, a, unit->values[target_index], unit->values[beta_index], unit->values[target_index],
                        define_plain, visit, context);
    else
        define_plain(unit, a, visit, context);
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "noise=gaussian"},
    {.text = "noise=gaussian,sd=2"},
    {.text = "noise=beta,target=0.3"},
};

static const weir_draw outputs = {
    .decided = "h = σ(a) or, with Beta noise, σ(a + E z), E z = |log(1/target − 1)|·(α/(α + β) − ½), "
               "α = (target·(β − 2) + 1)/(1 − target)",
    .expected = "h = σ(a) or, with Beta noise, σ(a + E z)",
    .sample = sample,
    .expect = expect,
    .decide = expect,
    .opening = opening,
    .define = define,
};

const weir_rule weir__rule_sigmoid = {
    .name = "sigmoid",
    .summary = "sigmoid, with or without noise before it; the mean is replaced by σ(a + E z)",
    .forward = "h = σ(a + z), z none, Gaussian or Beta",
    .gradient = "∂L/∂a = h(1 − h)·∂L/∂h",
    .source = "Bengio, Léonard and Courville 2013 (arXiv 1308.3432), section 5 (baselines), appendix A.2",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_UNBIASED | WEIR_TRAIT_PATHWISE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .draw = &outputs,
    .backward = weir__backward_sigmoid,
    WEIR__FORMS,
};
