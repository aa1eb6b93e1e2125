// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The two toys of the literature.

#include <math.h>
#include <string.h>

#include "../core/core.h"
#include "tasks.h"

enum { WIDE = 200, WIDE_DRAWS = 2000, WIDE_STEPS = 2000, PARTS = WEIR_TOY_TARGETS + 1 };
static const double reference_seeds = 200, reference_steps = 10000; // of weir_form.toy
static const double wide_target = 0.499, wide_goal = 0.25099;
static const double marks[WEIR_TOY_MARKS] = {0.1, 0.2, 0.5, 1}; // of all steps

double weir_toy_target(size_t k) {
    static const double targets[WEIR_TOY_TARGETS] = {0.499, 0.49};
    return targets[k];
}

double weir_toy_loss(double logit, double t) {
    const double p = 1 / (1 + exp(-logit));
    return p * (1 - t) * (1 - t) + (1 - p) * t * t;
}

/// Estimates before the first step, for baselines to settle: an optimizer remembers the first gradients for long.
static size_t settle_steps(const weir_unit *unit) { return weir_unit_state(unit, 1) > 0 ? 100 : 0; }

typedef struct run {
    const weir_unit *unit;
    double target;
    size_t steps, rows;
    double sums[WEIR_TOY_MARKS], squares[WEIR_TOY_MARKS]; ///< over seeds; squares of the distance from ¼
    double curve[WEIR_TOY_CURVE + 1];
} run;

static void note(run *r, const float *logits, size_t step, size_t *mark) {
    if (step * WEIR_TOY_CURVE % r->steps == 0)
        for (size_t i = 0; i < r->rows; i++)
            r->curve[step * WEIR_TOY_CURVE / r->steps] += weir_toy_loss((double)logits[i], r->target);
    if (*mark == WEIR_TOY_MARKS || (double)step < marks[*mark] * (double)r->steps - 0.5) return;
    for (size_t i = 0; i < r->rows; i++) {
        const double loss = weir_toy_loss((double)logits[i], r->target);
        r->sums[*mark] += loss;
        r->squares[*mark] += (loss - 0.25) * (loss - 0.25);
    }
    ++*mark;
}

/// Seeds side by side, as rows of one estimator: each row is a run of its own.
static weir_status run_bits(run *r, uint64_t seed, weir__work *work, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t rows = r->rows;
    float *logits = NULL;
    weir_estimator *e = NULL;
    double first = 1, second = 1;
    size_t mark = 0;
    TRY(weir__new(&logits, 4 * rows, sizeof *logits, "a toy", error));
    float *g = logits + rows, *m = g + rows, *v = m + rows;
    TRY(weir_estimator_create(&e, r->unit, 1, rows, seed, error));
    for (size_t k = 0; k < settle_steps(r->unit); k++)
        TRY(weir_estimate(e, g, NULL, logits, rows, weir_problem_quadratic, &r->target, error));
    for (size_t step = 0;; step++) {
        note(r, logits, step, &mark);
        if (step == r->steps || !weir__work_done(work, 0)) break;
        TRY(weir_estimate(e, g, NULL, logits, rows, weir_problem_quadratic, &r->target, error));
        first *= 0.9, second *= 0.999;
        const float bias = (float)(0.01 / (1 - first)), scale = (float)(1 / (1 - second));
        for (size_t i = 0; i < rows; i++) {
            m[i] = 0.9f * m[i] + 0.1f * g[i];
            v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
            logits[i] -= bias * m[i] / (sqrtf(v[i] * scale) + 1e-8f);
        }
    }
done:
    weir_estimator_free(e);
    weir__free(logits);
    return status;
}

/// Do the rows of a batch share a baseline or anything else? Then they are run one by one.
static bool rows_are_apart(const weir_unit *unit) {
    return weir_unit_state(unit, 1) == 0 || weir_unit_value(unit, "baseline") == 0;
}

static weir_status one_bit(weir_toy_bit *result, const weir_unit *unit, double target, size_t steps, size_t seeds,
                           weir__work *work, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t runs = rows_are_apart(unit) ? 1 : seeds;
    run r = {.unit = unit, .target = target, .steps = steps, .rows = seeds / runs};
    for (size_t k = 0; k < runs; k++) TRY(run_bits(&r, 499 + k, work, error));
    for (size_t k = 0; k < WEIR_TOY_MARKS; k++) {
        const double mean = r.sums[k] / (double)seeds;
        result->mark[k] = mean;
        result->spread[k] = sqrt(fmax(0, r.squares[k] / (double)seeds - (mean - 0.25) * (mean - 0.25)));
    }
    for (size_t k = 0; k <= WEIR_TOY_CURVE; k++) result->curve[k] = r.curve[k] / (double)seeds;
done:
    return status;
}

static weir_status variance_here(double *variance, weir_estimator *trained, const weir_unit *unit, const float *logits,
                                 weir_error *error) {
    enum { rows = 100 };
    weir_status status = WEIR_OK;
    double t = wide_target, mean[WIDE], each[WIDE];
    weir_moments moments = {.mean = mean, .variance = each};
    weir_estimator *e = NULL;
    size_t count = 0;
    const float *state = weir_estimator_state(trained, &count);
    TRY(weir_estimator_create(&e, unit, WIDE, rows, 77, error));
    if (count > 0) memcpy(weir_estimator_state(e, NULL), state, count * sizeof *state);
    TRY(weir_estimate_moments(e, &moments, logits, WIDE_DRAWS, weir_problem_quadratic, &t, error));
    *variance = 0;
    for (size_t i = 0; i < WIDE; i++) *variance += each[i] / WIDE;
done:
    weir_estimator_free(e);
    return status;
}

static weir_status two_hundred(weir_toy_wide *result, const weir_unit *unit, weir__work *work, weir_error *error) {
    enum { each = WIDE_STEPS / WEIR_TOY_POINTS };
    weir_status status = WEIR_OK;
    float logits[WIDE] = {0}, g[WIDE], v[WIDE] = {0};
    double t = wide_target;
    weir_estimator *e = NULL;
    result->reached = NAN;
    status = weir_estimator_create(&e, unit, WIDE, 1, 2022, error);
    result->unsupported = status == WEIR_UNSUPPORTED;
    if (result->unsupported) return WEIR_OK;
    TRY(status);
    for (size_t k = 0; k < settle_steps(unit); k++)
        TRY(weir_estimate(e, g, NULL, logits, 1, weir_problem_quadratic, &t, error));
    for (size_t step = 0; step <= WIDE_STEPS && weir__work_done(work, 0); step++) {
        double loss = 0;
        for (size_t i = 0; i < WIDE; i++) loss += weir_toy_loss((double)logits[i], wide_target) / WIDE;
        if (isnan(result->reached) && loss >= wide_goal) result->reached = (double)step;
        if (step % each == 0) {
            result->step[step / each] = (double)step;
            result->loss[step / each] = loss;
            TRY(variance_here(&result->variance[step / each], e, unit, logits, error));
        }
        TRY(weir_estimate(e, g, NULL, logits, 1, weir_problem_quadratic, &t, error));
        for (size_t i = 0; i < WIDE; i++) { // uphill
            v[i] = 0.9f * v[i] + 0.1f * g[i] * g[i];
            logits[i] += 0.01f * g[i] / (sqrtf(v[i]) + 1e-10f);
        }
    }
done:
    weir_estimator_free(e);
    return status;
}

typedef struct toys {
    weir_toy *all;
    const weir_unit *units;
    size_t steps, seeds;
    weir_error *errors; ///< [toys][PARTS]
} toys;

static void run_part(void *context, size_t index, weir__work *work) {
    const toys *t = context;
    const size_t part = index % PARTS;
    weir_toy *toy = &t->all[index / PARTS];
    const weir_unit *unit = &t->units[index / PARTS];
    weir_error *error = &t->errors[index];
    error->status = part == WEIR_TOY_TARGETS
                        ? two_hundred(&toy->wide, unit, work, error)
                        : one_bit(&toy->bit[part], unit, weir_toy_target(part), t->steps, t->seeds, work, error);
    weir__work_done(work, 1);
}

static void judge(weir_toy *toy, const weir_unit *unit, size_t steps, size_t seeds) {
    const weir_form *known = weir_unit_form(unit);
    toy->in_time = !known || known->uphill < wide_goal || toy->wide.loss[WEIR_TOY_POINTS * 3 / 4] >= wide_goal;
    for (size_t k = 0; k < WEIR_TOY_TARGETS; k++) {
        const weir_toy_bit *bit = &toy->bit[k];
        const double sd = bit->spread[WEIR_TOY_MARKS - 1];
        toy->agrees[k] = true;
        if (!known || known->toy[k] == 0 || (double)steps != reference_steps) continue;
        const double noise = 4 * sd * sqrt(1 / (double)seeds + 1 / reference_seeds);
        const double off = fabs(bit->mark[WEIR_TOY_MARKS - 1] - known->toy[k]);
        toy->agrees[k] = off <= noise + known->toy_digit[k] + 1e-6;
    }
}

weir_status weir_lab_toy(weir_toy *all, const weir_unit *units, size_t count, size_t steps, size_t seeds,
                         weir_lab_progress progress, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__work work = {.total = (double)(PARTS * count), .progress = progress, .context = context};
    toys t = {all, units, steps, seeds, NULL};
    TRY_THAT(steps > 0 && steps % WEIR_TOY_CURVE == 0 && seeds > 0, WEIR_ARGUMENT,
             "%zu steps and %zu seeds: the steps of a toy are a multiple of %d, and there is at least one seed", steps,
             seeds, WEIR_TOY_CURVE);
    TRY(weir__new(&t.errors, PARTS * count, sizeof *t.errors, "toys", error));
    memset(all, 0, count * sizeof *all);
    TRY(weir__tasks(PARTS * count, run_part, &t, &work, error));
    for (size_t k = 0; k < PARTS * count; k++)
        TRY_THAT(!t.errors[k].status, t.errors[k].status, "%s", t.errors[k].text);
    for (size_t k = 0; k < count; k++) judge(&all[k], &units[k], steps, seeds);
done:
    weir__free(t.errors);
    return status;
}
