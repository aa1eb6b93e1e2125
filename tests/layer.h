// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file layer.h
/// For tests of units: a unit read from text, and a batch with all its arrays. Includes come before this header.
#ifndef WEIR_TEST_LAYER_H
#define WEIR_TEST_LAYER_H

/// Every rule in every form that computes something different.
static const char *const every_form[] = {
    "noisy-rectifier",
    "noisy-rectifier:sd=0.3",
    "noisy-rectifier:noise=logistic",
    "rectifier",
    "sts",
    "sts:noise=beta",
    "reinforce",
    "reinforce:baseline=none",
    "reinforce:baseline=average",
    "straight-through",
    "straight-through:derivative=sigmoid",
    "sigmoid",
    "sigmoid:noise=gaussian,sd=2",
    "sigmoid:noise=beta,target=0.3",
    "semantic-hashing",
    "noisy-rectifier:noise=logistic,sd=2",
    "straight-through:derivative=clipped",
    "half",
    "reinmax",
    "reinmax:temperature=1.3",
    "slope-annealed",
    "slope-annealed:shape=sigmoid,start=2",
    "st-gumbel",
    "st-gumbel:decay=0.1,least=0.8",
    "gumbel-rao",
    "gumbel-rao:temperature=1,draws=3",
    "gapped-straight-through",
    "gapped-straight-through:form=average",
    "decoupled-straight-through:forward=2",
    "decoupled-straight-through:backward=0.5,noise=logistic",
    "concrete",
    "concrete:temperature=0.5",
    "hard-concrete",
    "hard-concrete:temperature=1,low=-0.5,high=1.2",
    "improved-semantic-hashing",
    "dropout",
    "concrete-dropout:temperature=0.5",
};
enum { form_count = sizeof every_form / sizeof *every_form };

/// A batch whose arrays belong to it; a, dh and loss are writable.
typedef struct layer {
    weir_unit unit;
    weir_unit_batch batch;
    float *a, *dh, *loss;
} layer;

static inline float *new_floats(size_t count) {
    float *values = calloc(count ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

static inline weir_unit unit_of(const char *text) {
    weir_unit unit;
    weir_error error = {0};
    if (weir_unit_parse(&unit, text, &error) != WEIR_OK) fail_msg("%s", error.text);
    return unit;
}

static inline layer layer_make(const char *text, size_t rows, size_t units) {
    layer made = {.unit = unit_of(text)};
    const weir_rule *rule = made.unit.rule;
    made.a = new_floats(rows * units);
    made.dh = new_floats(rows * units);
    made.loss = new_floats(rows);
    made.batch = (weir_unit_batch){.rows = rows,
                                   .units = units,
                                   .a = made.a,
                                   .h = new_floats(rows * units),
                                   .saved = rule->saved ? new_floats(rule->saved * rows * units) : NULL,
                                   .state = rule->state ? new_floats(rule->state * units) : NULL,
                                   .noise = {.seed = 20130815, .step = 3, .stream = 2, .sample = 0},
                                   .dh = made.dh,
                                   .loss = made.loss,
                                   .row_weight = 1.0f / (float)(rows ? rows : 1),
                                   .da = new_floats(rows * units)};
    if (rule->start) rule->start(&made.unit, units, made.batch.state);
    return made;
}

static inline void layer_free(layer *made) {
    free(made->a);
    free(made->dh);
    free(made->loss);
    free(made->batch.h);
    free(made->batch.saved);
    free(made->batch.state);
    free(made->batch.da);
}

static inline void sample_layer(layer *made) { made->unit.rule->sample(&made->unit, &made->batch); }
static inline void back_layer(layer *made) { made->unit.rule->backward(&made->unit, &made->batch); }

/// Fails with the place and both values unless |got − want| ≤ bound.
static inline void check_near(const char *what, double at, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%s at %.9g is %.9g, expected %.9g within %.3g", what, at, got, want, bound);
    }
}

#endif
