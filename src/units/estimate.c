// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// weir_estimate: a rule around the caller's own loss. Draw all points, evaluate them in one call, combine.

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <weir/estimate.h>

#include "../core/core.h"
#include "rules.h"

struct weir_estimator {
    weir_unit unit;
    size_t units, max_rows, groups, state_count;
    uint64_t seed;
    uint32_t step;
    bool split;
    uint32_t *example;   ///< [groups][rows] for the number of rows of the last call
    size_t example_rows; ///< that number
    float *h, *dh, *loss, *saved, *state;
    float *merged, *weights;                ///< loss per example, and its derivatives
    float *draw_logits, *draws, *draw_loss; ///< of weir_estimate_moments
};

/// Most values of h in one pass: 4 GiB.
static const size_t most_values = (size_t)1 << 30;

static weir_status allocate(weir_estimator *e, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t rows = e->groups * e->max_rows, saved = weir_unit_saved(&e->unit, e->max_rows, e->units);
    TRY(weir__new(&e->example, rows, sizeof *e->example, "examples", error));
    TRY(weir__new(&e->h, rows * e->units, sizeof *e->h, "outputs of units", error));
    TRY(weir__new(&e->loss, rows, sizeof *e->loss, "losses", error));
    TRY(weir__new(&e->weights, rows, sizeof *e->weights, "losses", error));
    TRY(weir__new(&e->merged, e->max_rows, sizeof *e->merged, "losses", error));
    if (e->unit.rule->traits & WEIR_TRAIT_USES_DH) {
        TRY(weir__new(&e->dh, rows * e->units, sizeof *e->dh, "gradients of the loss", error));
    }
    if (saved) TRY(weir__new(&e->saved, saved, sizeof *e->saved, "what a rule keeps for backward", error));
    e->state_count = weir_unit_state(&e->unit, e->units);
    if (e->state_count) {
        TRY(weir__new(&e->state, e->state_count, sizeof *e->state, "a rule's state", error));
        e->unit.rule->start(&e->unit, e->units, e->state);
    }
done:
    return status;
}

weir_status weir_estimator_create(weir_estimator **estimator, const weir_unit *unit, size_t units, size_t max_rows,
                                  uint64_t seed, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_estimator *e = NULL;
    *estimator = NULL;
    TRY(weir_rule_check(unit->rule, error));
    TRY_THAT(units > 0 && units <= UINT32_MAX && max_rows > 0 && max_rows <= UINT32_MAX, WEIR_ARGUMENT,
             "an estimator of %zu units for %zu rows: expected at least 1 of each", units, max_rows);
    weir_unit fitted = *unit;
    TRY(weir_unit_fit(&fitted, units, error));
    const size_t groups = weir_unit_groups(&fitted, units, 1);
    TRY_THAT(groups > 0 && groups <= most_values / units / max_rows, WEIR_UNSUPPORTED,
             "%s evaluates the loss too often for %zu units and %zu rows; give it fewer, or take another rule",
             unit->rule->name, units, max_rows);
    TRY(weir__new(&e, 1, sizeof *e, "an estimator", error));
    *e = (weir_estimator){.unit = fitted, .units = units, .max_rows = max_rows, .groups = groups, .seed = seed};
    TRY(allocate(e, error));
    *estimator = e;
    e = NULL;
done:
    weir_estimator_free(e);
    return status;
}

void weir_estimator_free(weir_estimator *e) {
    if (!e) return;
    weir__free(e->example);
    weir__free(e->h);
    weir__free(e->dh);
    weir__free(e->loss);
    weir__free(e->saved);
    weir__free(e->state);
    weir__free(e->merged);
    weir__free(e->weights);
    weir__free(e->draw_logits);
    weir__free(e->draws);
    weir__free(e->draw_loss);
    weir__free(e);
}

static void number_examples(weir_estimator *e, size_t rows) {
    if (e->example_rows == rows) return;
    for (size_t k = 0; k < e->groups * rows; k++) e->example[k] = (uint32_t)(k % rows);
    e->example_rows = rows;
}

/// losses [groups][rows], of the examples from first on.
static weir_status check_losses(const weir_estimator *e, const float *losses, size_t first, size_t rows,
                                weir_error *error) {
    for (size_t k = 0; k < e->groups * rows; k++) {
        if (isfinite(losses[k])) continue;
        return weir__fail(error, WEIR_DIVERGED,
                          "the objective gave a loss of %g for example %zu (evaluation %zu of "
                          "%zu)",
                          (double)losses[k], first + k % rows, k / rows + 1, e->groups);
    }
    return WEIR_OK;
}

/// A loss that compares outputs gives a number for NaN, too, which a rule would learn from. logits: of the examples
/// from first on.
static weir_status check_logits(const weir_estimator *e, const float *logits, size_t first, size_t rows,
                                weir_error *error) {
    if (!weir__has_nan(logits, rows * e->units)) return WEIR_OK;
    size_t k = 0;
    while (logits[k] == logits[k]) k++;
    return weir__fail(error, WEIR_DIVERGED, "the logit of example %zu, unit %zu is NaN", first + k / e->units,
                      k % e->units);
}

/// A call of weir_estimate.
typedef struct call {
    weir_estimator *e;
    float *gradient, *loss;
    const float *logits;
    size_t rows;
    weir_objective objective;
    void *context;
} call;

/// Some rows of it: they lie in the estimator's arrays as if `place` rows were before them.
static weir_status estimate_rows(const call *c, size_t first, size_t rows, size_t place, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_estimator *e = c->e;
    const weir_rule *rule = e->unit.rule;
    const size_t at = e->groups * place;
    float *loss = e->loss + at, *h = e->h + at * e->units, *dh = e->dh ? e->dh + at * e->units : NULL;
    const weir_unit_batch batch = {.rows = rows,
                                   .units = e->units,
                                   .a = c->logits + first * e->units,
                                   .h = h,
                                   .saved = e->saved ? e->saved + rule->saved * place * e->units : NULL,
                                   .state = e->state,
                                   .noise = {.seed = e->seed, .step = e->step, .first_row = (uint32_t)first},
                                   .dh = dh,
                                   .loss = loss,
                                   .row_weight = 1,
                                   .da = c->gradient + first * e->units,
                                   .groups = e->groups,
                                   .layers = 1};
    TRY(check_logits(e, batch.a, first, rows, error));
    weir_unit_sample(&e->unit, &batch);
    TRY(c->objective(c->context, e->groups * rows, e->units, e->example + at, h, loss, dh, error));
    TRY(check_losses(e, loss, first, rows, error));
    if (c->loss) weir_unit_merge(&e->unit, &batch, c->loss + first, e->weights + at);
    rule->backward(&e->unit, &batch);
done:
    return status;
}

// ---- a few rows at a time ------------------------------------------------------------------------------------------

static const size_t tile_bytes = 64 << 10; // of all arrays of a few rows: they stay in the first caches
static const double work_of_value = 0.4;   // nanoseconds of a value of an array

static bool splits(const weir_estimator *e) { return e->split && !e->state_count && !e->unit.rule->saved_count; }

/// Values of all arrays per row.
static size_t row_values(const weir_estimator *e) {
    return e->units * (2 + e->groups * (e->dh ? 2 : 1) + e->unit.rule->saved);
}

typedef struct tiles {
    const call *call;
    size_t most; ///< rows of a tile
    pthread_mutex_t *mutex;
    size_t *failed; ///< the first row of those that failed; SIZE_MAX: none
    weir_status *status;
    weir_error *error;
} tiles;

static bool has_failed(const tiles *t) {
    pthread_mutex_lock(t->mutex);
    const bool failed = *t->failed < SIZE_MAX;
    pthread_mutex_unlock(t->mutex);
    return failed;
}

static void note_failure(const tiles *t, size_t row, weir_status status, const weir_error *error) {
    pthread_mutex_lock(t->mutex);
    if (row < *t->failed) {
        *t->failed = row;
        *t->status = status;
        if (t->error) *t->error = *error;
    }
    pthread_mutex_unlock(t->mutex);
}

/// The rows of a piece in tiles of about the same size, one after another in the place of the first.
static void run_tiles(const void *context, weir__piece piece) {
    const tiles *t = context;
    const call *c = t->call;
    const weir__range own = weir__part(c->rows, piece.index, piece.count);
    const size_t all = own.last - own.first, count = (all + t->most - 1) / t->most;
    uint32_t *example = c->e->example + c->e->groups * own.first;
    for (size_t k = 0; k < count && !has_failed(t); k++) {
        weir_error error = {0};
        const weir__range tile = weir__part(all, k, count);
        const size_t first = own.first + tile.first, rows = tile.last - tile.first;
        for (size_t g = 0; g < c->e->groups; g++) {
            for (size_t r = 0; r < rows; r++) example[g * rows + r] = (uint32_t)(first + r);
        }
        const weir_status status = estimate_rows(c, first, rows, own.first, &error);
        if (status != WEIR_OK) note_failure(t, first, status, &error);
    }
}

static weir_status estimate_tiles(const call *c, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t values = row_values(c->e), fit = tile_bytes / sizeof(float) / values;
    const size_t pieces = weir__pieces_for_often((double)(values * c->rows) * work_of_value);
    size_t failed = SIZE_MAX;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const tiles t = {c, fit < 1 ? 1 : fit, &mutex, &failed, &status, error};
    c->e->example_rows = 0; // no longer those of whole batches
    weir__parallel(pieces < c->rows ? pieces : c->rows, run_tiles, &t);
    pthread_mutex_destroy(&mutex);
    return status;
}

weir_status weir_estimate(weir_estimator *e, float *gradient, float *loss, const float *logits, size_t rows,
                          weir_objective objective, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    const call c = {e, gradient, loss, logits, rows, objective, context};
    TRY_THAT(rows > 0 && rows <= e->max_rows, WEIR_SHAPE, "%zu rows: the estimator was made for 1 to %zu", rows,
             e->max_rows);
    if (splits(e)) {
        TRY(estimate_tiles(&c, error));
    } else {
        number_examples(e, rows);
        TRY(estimate_rows(&c, 0, rows, 0, error));
    }
    e->step++;
done:
    return status;
}

void weir_estimator_split_set(weir_estimator *e, bool split) { e->split = split; }

size_t weir_estimator_evaluations(const weir_estimator *e) { return e->groups; }

float *weir_estimator_state(weir_estimator *e, size_t *count) {
    if (count) *count = e->state_count;
    return e->state;
}

uint32_t weir_estimator_step(const weir_estimator *e) { return e->step; }

void weir_estimator_step_set(weir_estimator *e, uint32_t step) { e->step = step; }

void weir_estimator_seed_set(weir_estimator *e, uint64_t seed) { e->seed = seed; }

/// Adds the rows of draws, less the unit's offset, to the sums of values and of squares.
WEIR__CLONES static void add_draws(double *restrict sums, double *restrict squares, const double *restrict offset,
                                   const float *restrict draws, size_t rows, size_t units) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < units; i++) {
            const double value = (double)draws[r * units + i] - offset[i];
            sums[i] += value;
            squares[i] += value * value;
        }
    }
}

weir_status weir_estimate_moments(weir_estimator *e, weir_moments *moments, const float *logits, uint64_t draws,
                                  weir_objective objective, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    double *sums = NULL, *squares, *offset, loss = 0;
    uint64_t made = 0;
    TRY_THAT(draws >= 2, WEIR_ARGUMENT, "a variance needs at least 2 draws");
    TRY(weir__new(&sums, 3 * e->units, sizeof *sums, "moments", error));
    squares = sums + e->units;
    offset = squares + e->units;
    if (!e->draws) {
        TRY(weir__new(&e->draw_logits, e->max_rows * e->units, sizeof(float), "draws", error));
        TRY(weir__new(&e->draw_loss, e->max_rows, sizeof(float), "draws", error));
        TRY(weir__new(&e->draws, e->max_rows * e->units, sizeof(float), "draws", error));
    }
    for (size_t r = 0; r < e->max_rows; r++) memcpy(e->draw_logits + r * e->units, logits, e->units * sizeof(float));
    while (made < draws) {
        TRY(weir_estimate(e, e->draws, e->draw_loss, e->draw_logits, e->max_rows, objective, context, error));
        // The first batch's mean is the offset: squares of what is left of it do not cancel.
        if (made == 0) {
            add_draws(sums, squares, offset, e->draws, e->max_rows, e->units);
            for (size_t i = 0; i < e->units; i++) {
                offset[i] = sums[i] / (double)e->max_rows;
                sums[i] = squares[i] = 0;
            }
        }
        add_draws(sums, squares, offset, e->draws, e->max_rows, e->units);
        for (size_t r = 0; r < e->max_rows; r++) loss += (double)e->draw_loss[r];
        made += e->max_rows;
    }
    const double n = (double)made;
    for (size_t i = 0; i < e->units; i++) {
        moments->mean[i] = offset[i] + sums[i] / n;
        moments->variance[i] = (squares[i] - sums[i] * (sums[i] / n)) / (n - 1);
    }
    moments->loss = loss / n;
    moments->draws = made;
done:
    weir__free(sums);
    return status;
}
