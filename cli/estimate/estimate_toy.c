// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_toy.c
/// `weir estimate toy`: the two toys of the literature, with every rule.
///
/// One bit: min E (b − t)² from η = 0 by Adam at 0.01, an estimate of one row per step; mean exact loss over seeds.
/// 200 units: max E 1/D Σ (b_i − 0.499)² from η = 0 by RMSprop at 0.01 with 0.9 for the past (Titsias and Shi 2022),
/// one row a step; the variance of the gradient from 2000 draws at the same place, every 100 steps.
#include "estimate.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 4, TARGETS = 2, WIDE = 200, WIDE_POINTS = 20, WIDE_DRAWS = 2000, CURVE = 100, PANEL_CURVES = 10 };
static const double targets[TARGETS] = {0.499, 0.49};
static const double wide_target = 0.499;
static const size_t reference_seeds = 200;
static const double marks[MARKS] = {0.1, 0.2, 0.5, 1}; // of all steps

/// Mean exact losses after 10 000 steps at t = 0.499 and t = 0.49 from an independent program with 200 seeds; 0: none.
/// digit: half of the last digit of each.
static const struct toy_reference {
    const char *text;
    double loss[TARGETS], digit[TARGETS];
} references[] = {
    {"reinforce:baseline=none", {0.249873, 0.24171}, {5e-7, 5e-6}},
    {"reinforce:baseline=average,decay=0.99", {0.249002, 0.240115}, {5e-7, 5e-7}},
    {"reinforce:decay=0.99", {0.249002, 0.240106}, {5e-7, 5e-7}},
    {"rloo", {0.249002, 0.240109}, {5e-7, 5e-7}},
    {"arm", {0.249002, 0.240109}, {5e-7, 5e-7}},
    {"disarm", {0.249002, 0.240109}, {5e-7, 5e-7}},
    {"exact", {0.249001, 0.240101}, {5e-7, 5e-7}},
    {"rebar:tune=none", {0.249891, 0.24216}, {5e-7, 5e-6}},
    {"half", {0.249948, 0.24406}, {5e-7, 5e-6}},
    {"straight-through:derivative=sigmoid", {0.250001, 0.24992}, {5e-7, 5e-6}},
    {"st-gumbel", {0.249998, 0.2498}, {5e-7, 5e-5}},
    {"st-gumbel:temperature=0.5", {0.249997, 0.2498}, {5e-7, 5e-5}},
    {"concrete", {0.249994, 0}, {5e-7, 0}},
    {"concrete:temperature=0.5", {0.249993, 0.24948}, {5e-7, 5e-6}},
};

/// Without --rules. The first are those of the figures.
static const char default_rules[] =
    "reinforce:baseline=none,reinforce:decay=0.99,rloo,disarm,arm,double-cv:decay=0.9,rebar:tune=none,half,"
    "straight-through:derivative=sigmoid,exact,reinforce:baseline=average,decay=0.99,rloo:samples=4,arms,leg,muprop,"
    "bitflip,ugc,nvil,rebar,straight-through,st-gumbel,st-gumbel:temperature=0.5,gumbel-rao,gapped-straight-through,"
    "reinmax:temperature=1.3,concrete,concrete:temperature=0.5";

typedef struct bit_result {
    double mark[MARKS], spread[MARKS]; ///< mean and standard deviation over seeds
    double curve[CURVE + 1];           ///< mean, at equal distances from step 0
} bit_result;

typedef struct wide_result {
    double step[WIDE_POINTS + 1], loss[WIDE_POINTS + 1], variance[WIDE_POINTS + 1];
    double reached; ///< first step whose loss is at least 0.25099; NaN: none
    bool unsupported;
} wide_result;

typedef struct toy_row {
    bit_result bit[TARGETS];
    wide_result wide;
    weir_error error;
} toy_row;

static double reference_of(const char *text, size_t target, double *digit) {
    for (size_t k = 0; k < CLI_COUNT_OF(references); k++) {
        if (strcmp(references[k].text, text) != 0 || references[k].loss[target] == 0) continue;
        *digit = references[k].digit[target];
        return references[k].loss[target];
    }
    return NAN;
}

/// Does the last loss agree with the reference, both being means of runs? Only after as many steps as it had.
static bool agrees(const char *text, size_t target, const bit_result *result, const lab_options *o, size_t seeds) {
    double digit = 0;
    const double known = reference_of(text, target, &digit), sd = result->spread[MARKS - 1];
    if (isnan(known) || o->steps != 10000) return true;
    const double noise = 4 * sd * sqrt(1 / (double)seeds + 1 / (double)reference_seeds);
    return fabs(result->mark[MARKS - 1] - known) <= noise + digit + 1e-6;
}

static double loss_at(double eta, double t) {
    const double p = 1 / (1 + exp(-eta));
    return p * (1 - t) * (1 - t) + (1 - p) * t * t;
}

/// Estimates before the first step, for baselines to settle: an optimizer remembers the first gradients for long.
static size_t settle_steps(const weir_unit *unit) { return weir_unit_state(unit, 1) > 0 ? 100 : 0; }

/// All seeds side by side, as rows of one estimator: each row is a run of its own. Rules with baselines would share
/// them between rows, so that those are run one by one.
static weir_status run_bits(const lab_rule *rule, double t, size_t steps, size_t rows, uint64_t seed, double *sums,
                            double *squares, double *curve, weir_error *error) {
    float *eta = calloc(4 * rows, sizeof *eta), *g = eta + rows, *m = g + rows, *v = m + rows;
    weir_estimator *estimator = NULL;
    weir_status status = eta == NULL ? WEIR_MEMORY : WEIR_OK;
    double first = 1, second = 1;
    size_t mark = 0;
    if (status == WEIR_OK) status = weir_estimator_create(&estimator, &rule->unit, 1, rows, seed, error);
    for (size_t k = 0; status == WEIR_OK && k < settle_steps(&rule->unit); k++)
        status = weir_estimate(estimator, g, NULL, eta, rows, lab_quadratic, &t, error);
    for (size_t step = 0; status == WEIR_OK; step++) {
        if (step * CURVE % steps == 0)
            for (size_t r = 0; r < rows; r++) curve[step * CURVE / steps] += loss_at((double)eta[r], t);
        if (mark < MARKS && (double)step >= marks[mark] * (double)steps - 0.5) {
            for (size_t r = 0; r < rows; r++) {
                const double loss = loss_at((double)eta[r], t);
                sums[mark] += loss;
                squares[mark] += (loss - 0.25) * (loss - 0.25);
            }
            mark++;
        }
        if (step == steps || cli_interrupted()) break;
        status = weir_estimate(estimator, g, NULL, eta, rows, lab_quadratic, &t, error);
        first *= 0.9, second *= 0.999;
        const float bias = (float)(0.01 / (1 - first)), scale = (float)(1 / (1 - second));
        for (size_t r = 0; status == WEIR_OK && r < rows; r++) {
            m[r] = 0.9f * m[r] + 0.1f * g[r];
            v[r] = 0.999f * v[r] + 0.001f * g[r] * g[r];
            eta[r] -= bias * m[r] / (sqrtf(v[r] * scale) + 1e-8f);
        }
    }
    weir_estimator_free(estimator);
    free(eta);
    return status;
}

/// Do the rows of a batch share a baseline or anything else?
static bool rows_are_apart(const weir_unit *unit) {
    const double baseline = weir_unit_value(unit, "baseline");
    return weir_unit_state(unit, 1) == 0 || baseline == 0;
}

static weir_status one_bit(bit_result *result, const lab_rule *rule, double t, const lab_options *o, size_t seeds,
                           weir_error *error) {
    double sums[MARKS] = {0}, squares[MARKS] = {0};
    weir_status status = WEIR_OK;
    const size_t runs = rows_are_apart(&rule->unit) ? 1 : seeds, rows = seeds / runs;
    for (size_t run = 0; run < runs && status == WEIR_OK; run++)
        status = run_bits(rule, t, o->steps, rows, 499 + run, sums, squares, result->curve, error);
    for (size_t k = 0; k < MARKS; k++) {
        const double mean = sums[k] / (double)seeds;
        result->mark[k] = mean;
        result->spread[k] = sqrt(fmax(0, squares[k] / (double)seeds - (mean - 0.25) * (mean - 0.25)));
    }
    for (size_t k = 0; k <= CURVE; k++) result->curve[k] /= (double)seeds;
    return status;
}

static double wide_loss(const float *eta) {
    double sum = 0;
    for (size_t i = 0; i < WIDE; i++) sum += loss_at((double)eta[i], wide_target) / WIDE;
    return sum;
}

static weir_status variance_here(const lab_rule *rule, weir_estimator *trained, const float *eta, double *variance,
                                 weir_error *error) {
    enum { rows = 100 };
    double t = wide_target, mean[WIDE], each[WIDE];
    weir_moments moments = {.mean = mean, .variance = each};
    weir_estimator *estimator = NULL;
    size_t count = 0;
    weir_status status = weir_estimator_create(&estimator, &rule->unit, WIDE, rows, 77, error);
    const float *state = weir_estimator_state(trained, &count);
    if (status == WEIR_OK && count > 0) memcpy(weir_estimator_state(estimator, NULL), state, count * sizeof *state);
    if (status == WEIR_OK)
        status = weir_estimate_moments(estimator, &moments, eta, WIDE_DRAWS, lab_quadratic, &t, error);
    *variance = 0;
    for (size_t i = 0; status == WEIR_OK && i < WIDE; i++) *variance += each[i] / WIDE;
    weir_estimator_free(estimator);
    return status;
}

static weir_status two_hundred(wide_result *result, const lab_rule *rule, const lab_options *o, weir_error *error) {
    enum { steps = 2000 };
    float eta[WIDE] = {0}, g[WIDE], v[WIDE] = {0};
    double t = wide_target;
    weir_estimator *estimator = NULL;
    (void)o;
    weir_status status = weir_estimator_create(&estimator, &rule->unit, WIDE, 1, 2022, error);
    result->reached = NAN;
    result->unsupported = status == WEIR_UNSUPPORTED;
    for (size_t k = 0; status == WEIR_OK && k < settle_steps(&rule->unit); k++)
        status = weir_estimate(estimator, g, NULL, eta, 1, lab_quadratic, &t, error);
    for (size_t step = 0; status == WEIR_OK && step <= steps && !cli_interrupted(); step++) {
        const double loss = wide_loss(eta);
        if (isnan(result->reached) && loss >= 0.25099) result->reached = (double)step;
        if (step % (steps / WIDE_POINTS) == 0) {
            const size_t at = step / (steps / WIDE_POINTS);
            result->step[at] = (double)step;
            result->loss[at] = loss;
            status = variance_here(rule, estimator, eta, &result->variance[at], error);
        }
        if (status == WEIR_OK) status = weir_estimate(estimator, g, NULL, eta, 1, lab_quadratic, &t, error);
        for (size_t i = 0; status == WEIR_OK && i < WIDE; i++) { // uphill
            v[i] = 0.9f * v[i] + 0.1f * g[i] * g[i];
            eta[i] += 0.01f * g[i] / (sqrtf(v[i]) + 1e-10f);
        }
    }
    weir_estimator_free(estimator);
    if (result->unsupported) return WEIR_OK;
    return status;
}

/// The objective at step 2000 as far as it can be read off the figure of Titsias and Shi 2022.
static const char *published_of(const char *text) {
    static const char *const read[][2] = {
        {"rloo", "0.25054"}, {"disarm", "0.25057"}, {"double-cv:decay=0.9", "0.25100"}};
    for (size_t k = 0; k < CLI_COUNT_OF(read); k++)
        if (strcmp(read[k][0], text) == 0) return read[k][1];
    return "";
}

/// Double CV is all but there at step 1500.
static bool wide_holds(const char *text, const wide_result *result) {
    return strcmp(text, "double-cv:decay=0.9") != 0 || result->loss[WIDE_POINTS * 3 / 4] >= 0.25099;
}

static json_t *array(const double *values, size_t count) {
    json_t *all = json_array();
    for (size_t k = 0; k < count; k++)
        json_array_append_new(all, isfinite(values[k]) ? json_real(values[k]) : json_null());
    return all;
}

static void print_json(const lab_rule *rule, const toy_row *row, const lab_options *o, size_t seeds) {
    bool holds = true;
    json_t *line = json_pack("{s:s}", "rule", rule->text);
    for (size_t k = 0; k < TARGETS; k++) {
        char name[CLI_NUMBER];
        snprintf(name, sizeof name, "one_bit_%g", targets[k]);
        double digit = 0;
        const double known = reference_of(rule->text, k, &digit);
        holds = holds && agrees(rule->text, k, &row->bit[k], o, seeds) && wide_holds(rule->text, &row->wide);
        json_object_set_new(line, name,
                            json_pack("{s:o, s:o, s:o, s:o}", "loss", array(row->bit[k].mark, MARKS), "sd",
                                      array(row->bit[k].spread, MARKS), "curve", array(row->bit[k].curve, CURVE + 1),
                                      "reference", isnan(known) ? json_null() : json_real(known)));
    }
    if (!row->wide.unsupported)
        json_object_set_new(line, "two_hundred",
                            json_pack("{s:o, s:o, s:o, s:o}", "step", array(row->wide.step, WIDE_POINTS + 1),
                                      "objective", array(row->wide.loss, WIDE_POINTS + 1), "variance",
                                      array(row->wide.variance, WIDE_POINTS + 1), "reached",
                                      isnan(row->wide.reached) ? json_null() : json_real(row->wide.reached)));
    json_object_set_new(line, "pass", json_boolean(holds));
    if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
    json_decref(line);
}

static void print_bits(const lab_rule *rules, const toy_row *rows, size_t count, size_t target, const lab_options *o,
                       size_t seeds) {
    cli_table table = {.align = "lrrrrrr"};
    printf("One bit, min E(b - %g)^2: mean loss of %zu seeds (sd at the end); start %.6f, optimum %.6f\n\n",
           targets[target], seeds, loss_at(0, targets[target]), targets[target] * targets[target]);
    cli_table_add(&table, "rule\tstep %zu\t%zu\t%zu\t%zu\tsd\tknown", o->steps / 10, o->steps / 5, o->steps / 2,
                  o->steps);
    for (size_t k = 0; k < count; k++) {
        const bit_result *b = &rows[k].bit[target];
        char known[CLI_NUMBER] = "", spread[CLI_NUMBER] = "";
        double digit = 0;
        const double value = reference_of(rules[k].text, target, &digit);
        const char *mark = agrees(rules[k].text, target, b, o, seeds) ? "" : " DIFFERS";
        if (!isnan(value) && o->steps == 10000) snprintf(known, sizeof known, "%.6f%s", value, mark);
        if (b->spread[MARKS - 1] >= 5e-7) snprintf(spread, sizeof spread, "%.6f", b->spread[MARKS - 1]);
        cli_table_add(&table, "%s\t%.6f\t%.6f\t%.6f\t%.6f\t%s\t%s", rules[k].text, b->mark[0], b->mark[1], b->mark[2],
                      b->mark[3], spread, known);
    }
    cli_table_print(&table, stdout);
    putchar('\n');
}

static void print_wide(const lab_rule *rules, const toy_row *rows, size_t count) {
    cli_table table = {.align = "lrrrrrrr"};
    printf("200 units, max E mean (b - 0.499)^2: variance of the gradient per unit, and the objective (greatest "
           "0.251001)\n\n");
    cli_table_add(&table, "rule\tvariance at 0\t1000\t2000\tat 1500\tat 2000\tpublished\t0.25099 at step");
    for (size_t k = 0; k < count; k++) {
        const wide_result *w = &rows[k].wide;
        char reached[CLI_NUMBER] = "-";
        if (w->unsupported) continue;
        if (!isnan(w->reached)) snprintf(reached, sizeof reached, "%.0f", w->reached);
        cli_table_add(&table, "%s\t%.4g\t%.3g\t%.3g\t%.6f\t%.6f\t%s\t%s%s", rules[k].text, w->variance[0],
                      w->variance[WIDE_POINTS / 2], w->variance[WIDE_POINTS], w->loss[WIDE_POINTS * 3 / 4],
                      w->loss[WIDE_POINTS], published_of(rules[k].text), reached,
                      wide_holds(rules[k].text, w) ? "" : " LATE");
    }
    cli_table_print(&table, stdout);
}

/// At most so many curves that colours and labels can be told apart: the first rules.
static int draw_figures(const lab_rule *rules, const toy_row *rows, size_t count, const lab_options *o) {
    lab_curve bit[PANEL_CURVES], objective[PANEL_CURVES], variance[PANEL_CURVES];
    double steps[CURVE + 1];
    size_t bits = 0, wide = 0;
    for (size_t k = 0; k <= CURVE; k++) steps[k] = (double)(k * o->steps) / CURVE;
    for (size_t k = 0; k < count; k++) {
        const wide_result *w = &rows[k].wide;
        if (bits < PANEL_CURVES) bit[bits++] = (lab_curve){rules[k].text, steps, rows[k].bit[0].curve, CURVE + 1};
        if (w->unsupported || wide == PANEL_CURVES) continue;
        objective[wide] = (lab_curve){rules[k].text, w->step, w->loss, WIDE_POINTS + 1};
        variance[wide++] = (lab_curve){rules[k].text, w->step, w->variance, WIDE_POINTS + 1};
    }
    const lab_panel panels[] = {
        {"toy-one-bit", "One bit, t = 0.499", "mean exact loss", bit, bits, 0.2488, 0.25005, false},
        {"toy-200-objective", "200 units", "objective", objective, wide, 0.2498, 0.25105, false},
        {"toy-200-variance", "200 units", "variance of the gradient, per unit", variance, wide, NAN, NAN, true},
    };
    return lab_draw(panels, CLI_COUNT_OF(panels), o);
}

static int run_all(const lab_rule *rules, toy_row *rows, size_t count, const lab_options *o, size_t seeds) {
    cli_bar bar;
    size_t done = 0;
    const double started = cli_clock();
    cli_bar_begin(&bar);
#pragma omp parallel for schedule(dynamic, 1) num_threads(weir_threads())
    for (size_t k = 0; k < 3 * count; k++) {
        toy_row *row = &rows[k / 3];
        size_t now;
        weir_error error = {0};
        weir_status status = k % 3 == 2 ? two_hundred(&row->wide, &rules[k / 3], o, &error)
                                        : one_bit(&row->bit[k % 3], &rules[k / 3], targets[k % 3], o, seeds, &error);
        if (status != WEIR_OK) row->error = error;
#pragma omp atomic capture
        now = ++done;
        if (omp_get_thread_num() == 0) {
            const double share = (double)now / (3 * (double)count);
            cli_bar_show(&bar, share, (cli_clock() - started) * (1 / share - 1), rules[k / 3].text, "");
        }
    }
    cli_bar_clear(&bar);
    if (cli_interrupted()) return cli_error("stopped");
    for (size_t k = 0; k < count; k++)
        if (rows[k].error.status != WEIR_OK) return cli_weir_error(&rows[k].error);
    return CLI_OK;
}

int lab_toy(const lab_options *options) {
    lab_rule *rules = NULL;
    size_t count = 0;
    bool failed = false;
    lab_options o = *options;
    if (o.steps == 0) o.steps = 10000;
    if (o.steps % CURVE != 0) return cli_usage("estimate", "toy: --steps must be a multiple of %d", CURVE);
    const size_t seeds = o.seeds > 0 ? o.seeds : 200;
    int status = lab_rules(o.rules != NULL ? o.rules : default_rules, &rules, &count);
    toy_row *rows = calloc(count + 1, sizeof *rows);
    if (rows == NULL) status = cli_error("out of memory");
    if (status == CLI_OK) status = run_all(rules, rows, count, &o, seeds);
    for (size_t k = 0; status == CLI_OK && o.json && k < count; k++) print_json(&rules[k], &rows[k], &o, seeds);
    if (status == CLI_OK && !o.json) {
        for (size_t t = 0; t < TARGETS; t++) print_bits(rules, rows, count, t, &o, seeds);
        print_wide(rules, rows, count);
    }
    for (size_t k = 0; status == CLI_OK && k < count; k++)
        for (size_t t = 0; t < TARGETS; t++)
            if (!agrees(rules[k].text, t, &rows[k].bit[t], &o, seeds) || !wide_holds(rules[k].text, &rows[k].wide))
                failed = true;
    if (status == CLI_OK && o.out != NULL) status = draw_figures(rules, rows, count, &o);
    free(rules);
    free(rows);
    return status == CLI_OK && failed ? CLI_FAILED : status;
}
