// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Every unit drawn many times on losses whose exact gradient is known.
//
// The draws of a unit are shared among tasks with estimators and seeds of their own; sums are added in the order of the
// tasks, so that no number depends on the threads. Standard errors come from the means of batches: rules whose
// baselines join the rows of a batch, or learn, are judged rightly, too.

#include <math.h>
#include <string.h>

#include "../core/core.h"
#include "tasks.h"

enum { CHUNKS = 4, SETTLE_LEAST = 50, SETTLE_MOST = 2500, SETTLE_ROWS = 200, WIDE_UNITS = 200 };
enum { TASKS = CHUNKS + WEIR_LAB_PLACES + 1 }; // of a unit; the last one is that of 200 units
static const double bound_z = 4;               // standard errors
static const uint64_t first_seed = 1308343200;

double weir_lab_place(size_t k) {
    static const double places[WEIR_LAB_PLACES] = {0.5, 0.3, 0.2, 0.1, 0.02};
    return places[k];
}

/// Draws of one rule on one problem: sums over rows and over batches of estimate − expected mean.
typedef struct tally {
    size_t rows, batches;
    double sum[WEIR_PROBLEM_UNITS], square[WEIR_PROBLEM_UNITS], batch_square[WEIR_PROBLEM_UNITS]; ///< per unit
    double power, batch_power; ///< Σ over units of squares: of rows, and squared over batches
} tally;

/// Where a task draws.
typedef enum place { PLACE_FOUR, PLACE_BIT, PLACE_WIDE } place;

typedef struct task {
    weir_unit unit; ///< one of the problem's layer
    place place;
    size_t chunk; ///< of four units; index of the probability of one bit
    weir_problem problem;
    weir_truth truth;
    double draws, cost;
    tally seen;
    double wide_variance; ///< PLACE_WIDE: mean over the units
    weir_error error;     ///< status OK: done
} task;

static void add_batch(tally *t, const float *estimates, size_t rows, size_t units, const double *mean) {
    double power = 0;
    for (size_t i = 0; i < units; i++) {
        double sum = 0, square = 0;
        for (size_t r = 0; r < rows; r++) {
            const double off = (double)estimates[r * units + i] - mean[i];
            sum += off;
            square += off * off;
        }
        t->sum[i] += sum;
        t->square[i] += square;
        t->batch_square[i] += (sum / (double)rows) * (sum / (double)rows);
        power += square;
    }
    t->power += power;
    t->batch_power += (power / (double)rows) * (power / (double)rows);
    t->rows += rows;
    t->batches++;
}

/// Rows of a batch: many batches, so that their spread is known, and not so few rows that calls are all that it does.
static size_t batch_rows(double draws) { return draws >= 400000 ? 1000 : draws >= 40000 ? 250 : 100; }

/// Rules that change with the training step are judged at step 0: each call has a seed of its own instead.
static weir_status estimate(weir_estimator *e, float *estimates, const float *logits, size_t rows, task *t,
                            uint64_t call, weir_error *error) {
    if (t->unit.rule->traits & WEIR_TRAIT_ANNEALED) {
        weir_estimator_step_set(e, 0);
        weir_estimator_seed_set(e, first_seed + 16 * t->chunk + t->place + (call << 16));
    }
    return weir_estimate(e, estimates, NULL, logits, rows, t->problem.objective, &t->problem, error);
}

/// Draws of a task, after baselines and control variates have settled.
static void draw_task(task *t, weir__work *work) {
    weir_status status = WEIR_OK;
    weir_error *error = &t->error;
    const size_t rows = batch_rows(t->draws), units = t->problem.units;
    const size_t few = rows < SETTLE_ROWS ? rows : SETTLE_ROWS;
    float *logits = NULL, *estimates = NULL;
    weir_estimator *e = NULL;
    size_t settling = (size_t)fmin(SETTLE_MOST, fmax(SETTLE_LEAST, t->draws / 100));
    uint64_t call = 0;
    TRY(weir__new(&logits, rows * units, sizeof *logits, "pre-activations", error));
    TRY(weir__new(&estimates, rows * units, sizeof *estimates, "estimates", error));
    TRY(weir_estimator_create(&e, &t->unit, units, rows, first_seed + 16 * t->chunk + t->place, error));
    for (size_t k = 0; k < rows * units; k++) logits[k] = (float)t->problem.logits[k % units];
    if (!weir_estimator_state(e, NULL)) settling = 0;
    for (; settling > 0; settling--) TRY(estimate(e, estimates, logits, few, t, call++, error));
    while ((double)t->seen.rows < t->draws && weir__work_done(work, t->cost / t->draws * (double)rows)) {
        TRY(estimate(e, estimates, logits, rows, t, call++, error));
        add_batch(&t->seen, estimates, rows, units, t->truth.mean);
    }
done:
    t->error.status = status;
    weir_estimator_free(e);
    weir__free(logits);
    weir__free(estimates);
}

/// Variance per unit of 200 units at p = ½.
static void draw_wide(task *t, weir__work *work) {
    enum { rows = 200 };
    weir_status status = WEIR_OK;
    weir_error *error = &t->error;
    double target = WEIR_LAB_TARGET, mean[WIDE_UNITS], variance[WIDE_UNITS];
    const float logits[WIDE_UNITS] = {0};
    weir_moments moments = {.mean = mean, .variance = variance};
    weir_estimator *e = NULL;
    TRY(weir_estimator_create(&e, &t->unit, WIDE_UNITS, rows, first_seed, error));
    TRY(weir_estimate_moments(e, &moments, logits, (uint64_t)t->draws, weir_problem_quadratic, &target, error));
    for (size_t i = 0; i < WIDE_UNITS; i++) t->wide_variance += variance[i] / WIDE_UNITS;
    weir__work_done(work, t->cost);
done:
    t->error.status = status;
    weir_estimator_free(e);
}

/// The chunks of four units have one truth, that of the first.
static void find_truth(void *context, size_t index, weir__work *work) {
    task *t = (task *)context + index;
    (void)work;
    if (t->error.status != WEIR_OK) return;
    if (t->place == PLACE_BIT || (t->place == PLACE_FOUR && t->chunk == 0))
        t->truth = weir_truth_of(&t->unit, &t->problem);
}

static void run_task(void *context, size_t index, weir__work *work) {
    task *t = (task *)context + index;
    if (t->error.status != WEIR_OK) return;
    if (t->place == PLACE_FOUR && t->chunk > 0) t->truth = (t - t->chunk)->truth;
    if (t->place != PLACE_WIDE)
        draw_task(t, work);
    else if (t->draws > 0)
        draw_wide(t, work);
}

/// The small problem at a place. A rule whose outputs are not binary may have a kink at a = 0, where its gradient is a
/// matter of taste.
static weir_status small_problem(weir_problem *problem, weir_unit *unit, size_t k, weir_error *error) {
    if (weir_unit_variable(unit) != 1) return weir_problem_for(problem, unit, (int)k, error);
    *problem = weir_problem_bit(weir_lab_place(k), WEIR_LAB_TARGET);
    if (!(unit->rule->traits & WEIR_TRAIT_BINARY) && problem->logits[0] == 0) problem->logits[0] = 0.1;
    return WEIR_OK;
}

static void set_task(task *t, const weir_unit *unit, place at, size_t chunk, double draws) {
    *t = (task){.unit = *unit, .place = at, .chunk = chunk, .draws = draws};
    t->error.status = at == PLACE_BIT ? small_problem(&t->problem, &t->unit, chunk, &t->error)
                                      : weir_problem_for(&t->problem, &t->unit, -1, &t->error);
    if (t->error.status != WEIR_OK) return;
    const double groups = (double)weir_unit_groups(&t->unit, t->problem.units, 1);
    t->cost = at == PLACE_FOUR ? draws * (1 + groups) : draws / 2 * (1 + groups);
    if (at == PLACE_WIDE) t->cost = draws * 50;
}

static void set_tasks(task *tasks, const weir_unit *unit, double draws) {
    const weir_form *known = weir_unit_form(unit);
    const double bit_draws = known && known->one_bit ? fmax(draws / 10, 1e5) : fmax(draws / 50, 2e4);
    const double wide_draws = known && known->wide > 0 ? fmin(1e6, fmax(draws / 10, 2e4)) : 0;
    for (size_t c = 0; c < CHUNKS; c++) set_task(&tasks[c], unit, PLACE_FOUR, c, draws / CHUNKS);
    for (size_t c = 0; c < WEIR_LAB_PLACES; c++) set_task(&tasks[CHUNKS + c], unit, PLACE_BIT, c, bit_draws);
    set_task(&tasks[TASKS - 1], unit, PLACE_WIDE, 0, wide_draws);
}

/// The greatest distance of a mean from what it ought to be, in standard errors. Sums of float leave a rounding of
/// their own, which is all that rules without variance have.
static double z_of(const tally *t, size_t units, const double *mean) {
    double most = 0;
    const double rows = (double)t->rows, batches = (double)t->batches;
    for (size_t i = 0; i < units; i++) {
        const double off = t->sum[i] / rows;
        const double spread = fmax(0, t->batch_square[i] / batches - off * off);
        const double error = sqrt(spread / (batches - 1)) + 1e-6 * fabs(mean[i]) + 1e-8;
        if (!(fabs(off) / error <= most)) most = fabs(off) / error; // a NaN stays
        if (isnan(most)) return INFINITY;
    }
    return most;
}

static double variance_of(const tally *t, size_t units) {
    double total = 0;
    for (size_t i = 0; i < units; i++) {
        const double off = t->sum[i] / (double)t->rows;
        total += t->square[i] / (double)t->rows - off * off;
    }
    return total < 1e-20 ? 0 : total; // less is what rounding leaves of equal numbers
}

/// Standard error of a variance, from the spread of batches.
static double variance_error(const tally *t) {
    const double mean = t->power / (double)t->rows, batches = (double)t->batches;
    return sqrt(fmax(0, t->batch_power / batches - mean * mean) / (batches - 1));
}

static void add_tally(tally *sum, const tally *part) {
    for (size_t i = 0; i < WEIR_PROBLEM_UNITS; i++) {
        sum->sum[i] += part->sum[i];
        sum->square[i] += part->square[i];
        sum->batch_square[i] += part->batch_square[i];
    }
    sum->power += part->power;
    sum->batch_power += part->batch_power;
    sum->rows += part->rows;
    sum->batches += part->batches;
}

static void judge_four(weir_verdict *v, const task *tasks) {
    const weir_form *known = &v->known;
    tally all = {0};
    double square = 0;
    const size_t units = tasks[0].problem.units;
    for (size_t c = 0; c < CHUNKS; c++) add_tally(&all, &tasks[c].seen);
    v->truth = tasks[0].truth;
    for (size_t i = 0; i < units; i++) {
        const double mean = v->truth.mean[i] + all.sum[i] / (double)all.rows;
        square += pow(mean - v->truth.gradient[i], 2);
    }
    v->draws = (double)all.rows;
    v->bias = v->truth.known ? sqrt(square) : NAN;
    v->variance = variance_of(&all, units);
    v->noise = bound_z * sqrt(v->variance / v->draws);
    const double variance_noise = bound_z * variance_error(&all);
    if (v->truth.known) v->z = z_of(&all, units, v->truth.mean);
    v->pass_mean = !v->truth.known || v->z <= bound_z;
    // the published bias is rounded, and itself a mean of 4·10⁶ draws
    const double allowed = known->digit + v->noise + bound_z * sqrt(v->variance / 4e6);
    v->pass_bias = known->bias == 0 || fabs(v->bias - known->bias) <= allowed;
    // good to 0.3 %
    v->pass_variance =
        known->variance == 0 || fabs(v->variance - known->variance) <= 0.02 * known->variance + variance_noise;
}

static void judge_bit(weir_verdict *v, const task *t) {
    const double p = weir_lab_place(t->chunk);
    v->bit_variance[t->chunk] = variance_of(&t->seen, t->problem.units);
    // units that are not binary may hardly ever open at the lower probabilities
    if (!(t->unit.rule->traits & WEIR_TRAIT_BINARY) && p < 0.3) return;
    if (t->truth.known) {
        const double z = z_of(&t->seen, t->problem.units, t->truth.mean);
        v->z = isnan(v->z) ? z : fmax(v->z, z);
        v->pass_bit = v->pass_bit && z <= bound_z;
    }
    if (!v->known.one_bit) return;
    const double known = v->known.one_bit(p, WEIR_LAB_TARGET);
    // 10⁻¹³: what the rounding of losses near ¼ to float leaves
    const double allowed = 0.01 * known + bound_z * variance_error(&t->seen) + 1e-13;
    v->pass_bit = v->pass_bit && fabs(v->bit_variance[t->chunk] - known) <= allowed;
}

static weir_status judge(weir_verdict *v, const weir_unit *unit, const task *tasks, weir_error *error) {
    const weir_form *known = weir_unit_form(unit);
    *v = (weir_verdict){
        .evaluations = weir_unit_groups(&tasks->unit, tasks->problem.units, 1), .z = NAN, .wide_variance = NAN};
    if (known) v->known = *known;
    for (size_t k = 0; k < TASKS; k++) {
        if (tasks[k].error.status == WEIR_UNSUPPORTED) return WEIR_OK; // not judged
        if (tasks[k].error.status == WEIR_OK) continue;
        weir_error found = tasks[k].error;
        return weir__fail(error, found.status, "%s: %s", unit->rule->name, found.text);
    }
    v->pass_bit = v->pass_wide = true;
    judge_four(v, tasks);
    for (size_t c = 0; c < WEIR_LAB_PLACES; c++) judge_bit(v, &tasks[CHUNKS + c]);
    const task *wide = &tasks[TASKS - 1];
    if (wide->draws > 0) {
        v->wide_variance = wide->wide_variance;
        // all units share the difference of two losses, whose square has a relative spread of √2
        v->pass_wide = fabs(v->wide_variance / v->known.wide - 1) <= 0.01 + bound_z * sqrt(2 / wide->draws);
    }
    v->judged = !isnan(v->z);
    v->pass = v->judged && v->pass_mean && v->pass_bias && v->pass_variance && v->pass_bit && v->pass_wide;
    return WEIR_OK;
}

const char *weir_verdict_text(const weir_verdict *v) {
    if (!v->judged) return "NOT JUDGED";
    if (!v->pass_mean) return "MEAN";
    if (!v->pass_bias) return "BIAS";
    if (!v->pass_variance) return "VARIANCE";
    if (!v->pass_bit) return "ONE BIT";
    if (!v->pass_wide) return "200 UNITS";
    return "holds";
}

weir_status weir_lab_exactness(weir_verdict *verdicts, const weir_unit *units, size_t count, double draws,
                               weir_lab_progress progress, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__work work = {.progress = progress, .context = context};
    task *tasks = NULL;
    TRY_THAT(draws >= 1000, WEIR_ARGUMENT, "%g draws: a rule is judged by at least 1000", draws);
    TRY(weir__new(&tasks, count * TASKS, sizeof *tasks, "tasks", error));
    for (size_t k = 0; k < count; k++) set_tasks(tasks + k * TASKS, &units[k], draws);
    for (size_t k = 0; k < count * TASKS; k++) work.total += tasks[k].cost;
    TRY(weir__tasks(count * TASKS, find_truth, tasks, &work, error));
    TRY(weir__tasks(count * TASKS, run_task, tasks, &work, error));
    for (size_t k = 0; k < count; k++) TRY(judge(&verdicts[k], &units[k], tasks + k * TASKS, error));
done:
    weir__free(tasks);
    return status;
}
