// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Row groups: how many points of an example a rule evaluates, and how their losses become the loss of the example.

#include <math.h>

#include "rules.h"

// The unit as one of a layer of so many units; false where it does not fit them.
static bool fits(weir_unit *fitted, const weir_unit *unit, size_t units) {
    *fitted = *unit;
    return weir_unit_fit(fitted, units, NULL) == WEIR_OK;
}

size_t weir_unit_groups(const weir_unit *unit, size_t units, size_t layers) {
    weir_unit fitted;
    if (!fits(&fitted, unit, units)) return 0;
    return unit->rule->groups ? unit->rule->groups(&fitted, units, layers) : 1;
}

size_t weir_unit_saved(const weir_unit *unit, size_t rows, size_t units) {
    const weir_rule *rule = unit->rule;
    weir_unit fitted;
    if (!fits(&fitted, unit, units)) return 0;
    return rule->saved_count ? rule->saved_count(&fitted, rows, units) : rule->saved * rows * units;
}

size_t weir_unit_state(const weir_unit *unit, size_t units) {
    const weir_rule *rule = unit->rule;
    weir_unit fitted;
    if (!fits(&fitted, unit, units)) return 0;
    return rule->state_count ? rule->state_count(&fitted, units) : rule->state * units;
}

void weir__start_from_zero(const weir_unit *unit, size_t units, float *state) {
    for (size_t i = 0; i < weir_unit_state(unit, units); i++) state[i] = 0;
}

double weir__sum_of_pieces(const double sums[weir__pieces]) {
    double sum = 0;
    for (size_t piece = 0; piece < weir__pieces; piece++) sum += sums[piece];
    return sum;
}

size_t weir__two_groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)unit;
    (void)units;
    (void)layers;
    return 2;
}

size_t weir__three_groups(const weir_unit *unit, size_t units, size_t layers) {
    return 1 + weir__two_groups(unit, units, layers);
}

size_t weir__sample_groups(const weir_unit *unit, size_t units, size_t layers) {
    (void)units;
    (void)layers;
    return (size_t)weir_unit_value(unit, "samples");
}

void weir__merge_mean(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    const size_t groups = unit->rule->groups ? batch->groups : 1;
    const float share = 1 / (float)groups;
    for (size_t r = 0; r < batch->rows; r++) {
        double sum = 0;
        for (size_t g = 0; g < groups; g++) sum += (double)batch->loss[g * batch->rows + r];
        loss[r] = (float)(sum / (double)groups);
    }
    for (size_t k = 0; k < groups * batch->rows; k++) weights[k] = share;
}

WEIR__CLONES bool weir__has_nan(const float *values, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) found |= values[i] != values[i];
    return found;
}

void weir_unit_merge(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    if (unit->rule->merge) {
        unit->rule->merge(unit, batch, loss, weights);
    } else {
        weir__merge_mean(unit, batch, loss, weights);
    }
    // A loss that compares its outputs (h > ½) takes a NaN for a closed unit: such a row has no loss.
    if (!batch->a || !weir__has_nan(batch->a, batch->rows * batch->units)) return;
    for (size_t r = 0; r < batch->rows; r++)
        if (weir__has_nan(batch->a + r * batch->units, batch->units)) loss[r] = NAN;
}

void weir__merge_first(const weir_unit *unit, const weir_unit_batch *batch, float *loss, float *weights) {
    (void)unit;
    for (size_t r = 0; r < batch->rows; r++) {
        loss[r] = batch->loss[r];
        weights[r] = 1;
    }
    for (size_t k = batch->rows; k < batch->groups * batch->rows; k++) weights[k] = 0;
}
