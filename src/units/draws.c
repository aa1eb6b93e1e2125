// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Draws that a unit's text can name, and what those of several outputs share. A new draw is one file, which defines
// weir__draw_NAME, and one row here.

#include "draws.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/core.h"
#include "../core/math.h"

#define DRAWS(ROW)                                                                                                     \
    ROW(bernoulli)                                                                                                     \
    ROW(hard_sigmoid)                                                                                                  \
    ROW(one_of)                                                                                                        \
    ROW(tempered_one_of)                                                                                               \
    ROW(k_subset)                                                                                                      \
    ROW(top_k)                                                                                                         \
    ROW(gumbel_top_k)                                                                                                  \
    ROW(noisy_top_k)                                                                                                   \
    ROW(statistical_top_k)                                                                                             \
    ROW(threshold)

#define DECLARE(name) extern const weir_draw weir__draw_##name;
DRAWS(DECLARE)

#define REFER(name) &weir__draw_##name,
static const weir_draw *const draws[] = {DRAWS(REFER)};

size_t weir_draw_count(void) { return sizeof draws / sizeof *draws; }

const weir_draw *weir_draw_at(size_t index) { return index < weir_draw_count() ? draws[index] : NULL; }

const weir_draw *weir_draw_find(const char *name) {
    for (size_t i = 0; name && i < weir_draw_count(); i++)
        if (strcmp(draws[i]->name, name) == 0) return draws[i];
    return NULL;
}

const weir_draw *weir_draw_bernoulli(void) { return &weir__draw_bernoulli; }

const weir_draw *weir_unit_draw(const weir_unit *unit) {
    return unit->draw ? unit->draw : unit->rule->draw ? unit->rule->draw : &weir__draw_bernoulli;
}

bool weir_rule_takes(const weir_rule *rule, const weir_draw *draw) {
    const weir_unit plain = {.rule = rule};
    return draw == weir_unit_draw(&plain) || (rule->draws & draw->traits);
}

// ---- variables -----------------------------------------------------------------------------------------------------

static bool has(const weir_draw *draw, size_t index, const char *name) {
    return draw->parameter_count > index && strcmp(draw->parameters[index].name, name) == 0;
}

size_t weir_unit_variable(const weir_unit *unit) {
    return has(weir_unit_draw(unit), weir__of_index, "of") ? weir__of(unit) : 1;
}

size_t weir_unit_decided(const weir_unit *unit, char *text, size_t size) {
    const weir_draw *draw = weir_unit_draw(unit);
    const char *closed = !(unit->rule->traits & WEIR_TRAIT_SPARSE) ? ", never closed"
                         : !has(draw, weir__of_index, "of")        ? " where a > threshold, else 0"
                                                                   : ", else 0";
    const bool weighed = unit->rule->weigh && strncmp(draw->decided, "h = 1", 5) == 0; // gates with weights
    return (size_t)snprintf(text, size, "%s%s%s", weighed ? "h = w" : "", draw->decided + (weighed ? 5 : 0), closed);
}

double weir_unit_share(const weir_unit *unit) {
    const weir_draw *draw = weir_unit_draw(unit);
    if (!has(draw, weir__of_index, "of") || weir__of(unit) == 0) return NAN;
    if (has(draw, weir__k_index, "k")) return (double)weir__k(unit) / (double)weir__of(unit);
    return draw->traits & WEIR_DRAW_ONE_OF ? 1 / (double)weir__of(unit) : NAN;
}

weir_status weir__draw_check(const weir_unit *unit, weir_error *error) {
    const weir_draw *draw = weir_unit_draw(unit);
    weir_status status = WEIR_OK;
    if (!has(draw, weir__of_index, "of")) return status;
    const bool counts = has(draw, weir__k_index, "k");
    const double of = unit->draw_values[weir__of_index], k = unit->draw_values[weir__k_index];
    const size_t least = counts || (draw->traits & WEIR_DRAW_ONE_OF) ? 2 : 1;
    TRY_THAT(of == floor(of) && (of == 0 || of >= (double)least), WEIR_ARGUMENT,
             "%s: a variable of of=%g outputs; expected a whole number from %zu to %d, or 0 for all units of the layer",
             draw->name, of, least, weir__variable_most);
    if (!counts) goto done;
    TRY_THAT(k == floor(k) && (of == 0 || k <= of), WEIR_ARGUMENT,
             "%s: k=%g of %zu outputs; expected a whole number from 1 to %zu", draw->name, k,
             of > 0 ? weir__of(unit) : (size_t)weir__variable_most,
             of > 0 ? weir__of(unit) : (size_t)weir__variable_most);
    if (draw->most) TRY(draw->most(unit, error));
done:
    return status;
}

weir_status weir_unit_fit(weir_unit *unit, size_t units, weir_error *error) {
    const weir_draw *draw = weir_unit_draw(unit);
    weir_status status = WEIR_OK;
    if (!has(draw, weir__of_index, "of")) return status;
    if (weir__of(unit) == 0) {
        TRY_THAT(units <= weir__variable_most, WEIR_SHAPE, "%s: a variable of all %zu units; expected at most %d",
                 draw->name, units, weir__variable_most);
        unit->draw_values[weir__of_index] = (double)units;
    }
    TRY(weir__draw_check(unit, error));
    TRY_THAT(units > 0 && units % weir__of(unit) == 0, WEIR_SHAPE,
             "%s:of=%zu does not fit %zu units: they are not whole variables", draw->name, weir__of(unit), units);
done:
    return status == WEIR_OK && unit->rule->check ? unit->rule->check(unit, error) : status;
}

typedef struct variables {
    const weir_unit *unit;
    weir__variable_function *function;
} variables;

static void run_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const variables *v = context;
    const size_t size = weir__of(v->unit);
    for (size_t at = rows.first * batch->units; at < rows.last * batch->units; at += size)
        v->function(v->unit, batch->a + at, batch->h + at);
}

void weir__for_variables(const weir_unit *unit, const weir_unit_batch *batch, size_t work,
                         weir__variable_function *function) {
    weir__for_rows(&(variables){unit, function}, batch, work * batch->units, run_rows);
}

WEIR__CLONES float weir__softmax(float *p, const float *a, size_t count) {
    float most = a[0], sum = 0, check = 0;
    for (size_t i = 1; i < count; i++) most = a[i] > most ? a[i] : most;
    for (size_t i = 0; i < count; i++) {
        p[i] = weir__exp(a[i] - most);
        sum += p[i];
        check += a[i] - a[i]; // NaN where a is, also where the first comparison has lost it
    }
    const float inverse = 1 / sum + check;
    for (size_t i = 0; i < count; i++) p[i] *= inverse;
    return sum;
}

WEIR__CLONES void weir__softmax_pull(float *out, const float *p, const float *v, size_t count) {
    float mean = 0;
#pragma omp simd reduction(+ : mean)
    for (size_t i = 0; i < count; i++) mean += p[i] * v[i];
    for (size_t i = 0; i < count; i++) out[i] = p[i] * (v[i] - mean);
}

void weir__softmax_double(double *p, const double *a, double scale, size_t count) {
    double most = a[0], sum = 0;
    for (size_t i = 1; i < count; i++) most = fmax(most, a[i]);
    for (size_t i = 0; i < count; i++) sum += p[i] = exp(scale * (a[i] - most));
    for (size_t i = 0; i < count; i++) p[i] /= sum;
}

void weir__softmax_jacobian(double *w, const double *p, double scale, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) w[i * count + j] = scale * ((i == j ? p[i] : 0) - p[i] * p[j]);
}

void weir__top(float *h, const float *a, size_t count, size_t k) {
    float check = 0;
    for (size_t i = 0; i < count; i++) check += a[i] - a[i];
    for (size_t i = 0; i < count; i++) h[i] = check; // 0, or NaN
    if (check != 0 || isnan(check)) return;
    for (; k > 0; k--) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (h[i] == 0 && (best == count || a[i] > a[best])) best = i;
        h[best] = 1;
    }
}

// ---- subsets -------------------------------------------------------------------------------------------------------

static const double most_subsets = 65536;

size_t weir__subsets(size_t n, size_t k) {
    double ways = 1;
    for (size_t i = 1; i <= k && ways <= most_subsets; i++) ways = ways * (double)(n - k + i) / (double)i;
    return ways <= most_subsets ? (size_t)(ways + 0.5) : 0;
}

void weir__subset_at(float *h, size_t index, size_t n, size_t k) {
    for (size_t i = 0; i < n; i++) {
        const size_t with = k > 0 ? weir__subsets(n - i - 1, k - 1) : 0; // of those that are left, the ones with i
        h[i] = k > 0 && index < with ? 1.0f : 0.0f;
        if (h[i] == 1)
            k--;
        else
            index -= with;
    }
}

void weir__over_subsets(const weir_unit *unit, const double *a, size_t k,
                        double (*chance)(const weir_unit *unit, const double *a, const double *h), weir_state visit,
                        void *context) {
    float set[weir__variable_most];
    double h[64];
    const size_t n = weir__of(unit), count = n <= 64 ? weir__subsets(n, k) : 0;
    for (size_t s = 0; s < count; s++) {
        weir__subset_at(set, s, n, k);
        for (size_t i = 0; i < n; i++) h[i] = (double)set[i];
        visit(context, chance(unit, a, h), h, NULL);
    }
}

// ---- scores --------------------------------------------------------------------------------------------------------

/// Most outputs that are treated at a time: some variables, or one of them.
static size_t strip_of(const weir_unit *unit) {
    const size_t size = weir_unit_variable(unit);
    return size > weir__span_units ? size : weir__span_units / size * size;
}

WEIR__CLONES static void add_bernoulli(float *restrict da, float factor, const float *restrict h,
                                       const float *restrict a, size_t units) {
    for (size_t i = 0; i < units; i++) da[i] += factor * weir__score(a[i], h[i]);
}

void weir__add_score(const weir_unit *unit, const weir_unit_batch *batch, size_t row, size_t group, float factor) {
    const size_t units = batch->units, at = row * units, strip = strip_of(unit);
    const float *h = batch->h + group * batch->rows * units + at, *a = batch->a + at;
    float *da = batch->da + at, score[weir__variable_most];
    if (weir__is_bernoulli(unit)) {
        add_bernoulli(da, factor, h, a, units);
        return;
    }
    for (size_t first = 0; first < units; first += strip) {
        const size_t left = units - first, count = left < strip ? left : strip;
        weir_unit_draw(unit)->score(unit, count, a + first, h + first, score);
        for (size_t i = 0; i < count; i++) da[first + i] += factor * score[i];
    }
}

typedef struct writing {
    const weir_unit *unit;
    float *to;
} writing;

static void write_rows(const void *context, const weir_unit_batch *batch, weir__rows rows) {
    const writing *w = context;
    const size_t units = batch->units, strip = strip_of(w->unit);
    for (size_t row = rows.first; row < rows.last; row++) {
        for (size_t first = 0; first < units; first += strip) {
            const size_t at = row * units + first, left = units - first;
            weir_unit_draw(w->unit)->score(w->unit, left < strip ? left : strip, batch->a + at, batch->h + at,
                                           w->to + at);
        }
    }
}

void weir__write_scores(const weir_unit *unit, const weir_unit_batch *batch, float *to) {
    weir__for_rows(&(writing){unit, to}, batch, batch->units, write_rows);
}

void weir__sample_groups_of_draw(const weir_unit *unit, const weir_unit_batch *batch) {
    if (weir__is_bernoulli(unit)) {
        weir__sample_bernoulli_groups(unit, batch);
        return;
    }
    weir_unit_batch one = *batch;
    for (size_t g = 0; g < batch->groups; g++) {
        weir_unit_draw(unit)->sample(unit, &one);
        one.h += batch->rows * batch->units;
        one.noise.sample++;
    }
}
