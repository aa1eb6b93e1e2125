// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Straight-through with a slope that grows during training, so that what stands for the draw in the backward pass
// tends to the step that the forward pass ends up with: Chung, Ahn and Bengio 2016, section 3.2 ("slope annealing
// trick"). The hard form differentiates max(0, min(1, (s·a + 1)/2)): s/2 where |s·a| < 1, else 0. The sigmoid form
// differentiates σ(s·a).
//
// The slope is a function of the training step alone: s = min(greatest, start + growth·step), so that a resumed run
// goes on with it. The paper's language model has s = min(5, 1 + 0.04·epoch): growth = 0.04 / (batches of an epoch).

#include "../core/math.h"
#include "define.h"
#include "rules.h"

enum { shape_index, start_index, growth_index, greatest_index };
enum { hard, sigmoid };

static const weir_parameter parameters[] = {
    [shape_index] = {"shape", 0, 0, sigmoid, "hard|sigmoid",
                     "what is differentiated: the hard sigmoid of s·a, or σ(s·a)"},
    [start_index] = {"start", 1, 1e-3, 1e3, NULL, "slope at the first step"},
    [growth_index] = {"growth", 1e-4, 0, 1e3, NULL,
                      "what a training step adds to the slope: 0.04 / (batches of an epoch) in the paper"},
    [greatest_index] = {"greatest", 5, 1e-3, 1e6, NULL, "largest slope"},
};

static float slope_at(const weir_unit *unit, uint32_t step) {
    const double *values = unit->values, slope = values[start_index] + values[growth_index] * (double)step;
    return (float)(slope < values[greatest_index] ? slope : values[greatest_index]);
}

WEIR__CLONES static void hard_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float slope = slope_at(context, batch->noise.step), edge = 1.0f / slope;
    const float *restrict a = batch->a + span.at;
    float *restrict saved = batch->saved + span.at;
    for (size_t i = 0; i < span.count; i++) saved[i] = a[i] > -edge && a[i] < edge ? 0.5f * slope : 0.0f;
}

WEIR__CLONES static void sigmoid_span(const void *context, const weir_unit_batch *batch, weir__span span) {
    const float slope = slope_at(context, batch->noise.step);
    const float *restrict a = batch->a + span.at;
    float *restrict saved = batch->saved + span.at;
    for (size_t i = 0; i < span.count; i++) {
        float p, rest;
        weir__sigmoid_pair(slope * a[i], &p, &rest);
        saved[i] = slope * (p * rest);
    }
}

static void sample(const weir_unit *unit, const weir_unit_batch *batch) {
    weir__sample_bernoulli(unit, batch);
    weir__for_spans(unit, batch, unit->values[shape_index] == sigmoid ? sigmoid_span : hard_span);
}

static double weight(const weir_unit *unit, double a, double h) {
    (void)h;
    const double s = unit->values[start_index];
    return unit->values[shape_index] == sigmoid ? s * weir__logistic_slope(s * a, 1) : fabs(s * a) < 1 ? s / 2 : 0;
}

static const weir_form forms[] = {
    {.text = ""},
    {.text = "start=2,growth=0"},
    {.text = "shape=sigmoid,start=2"},
};

const weir_rule weir__rule_slope_annealed = {
    .name = "slope-annealed",
    .summary = "straight-through through a hard sigmoid whose slope grows during training",
    .forward = "h ~ Bernoulli(σ(a))",
    .gradient = "∂L/∂a := ½s·1[|s·a| < 1]·∂L/∂h, or s·σ'(s·a)·∂L/∂h; s = min(greatest, start + growth·step)",
    .source = "Chung, Ahn and Bengio 2016 (arXiv 1609.01704), section 3.2",
    .traits = weir__binary | WEIR_TRAIT_USES_DH | WEIR_TRAIT_ANNEALED,
    .evaluations = 1,
    .gradients = 1,
    WEIR__PARAMETERS,
    .saved = 1,
    .sample = sample,
    .backward = weir__backward_saved,
    .weight = weight,
    WEIR__FORMS,
};
