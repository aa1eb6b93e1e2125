// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_toy.c
/// `weir estimate toy`: the two toys of the literature (weir_lab_toy) as tables, JSON or figures.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL_CURVES = 10, POINTS = WEIR_TOY_POINTS, CURVE = WEIR_TOY_CURVE, MARKS = WEIR_TOY_MARKS };

/// Without --rules: the forms whose losses are known.
static void keep_known(lab_rules *rules) {
    size_t kept = 0;
    for (size_t k = 0; k < rules->count; k++) {
        const weir_form *form = weir_unit_form(&rules->units[k]);
        if (form == NULL || (form->toy[0] == 0 && form->uphill == 0)) continue;
        rules->units[kept] = rules->units[k];
        memmove(rules->texts[kept++], rules->texts[k], LAB_TEXT);
    }
    rules->count = kept;
}

static bool holds(const weir_toy *toy) { return toy->agrees[0] && toy->agrees[1] && toy->in_time; }

static json_t *array(const double *values, size_t count) {
    json_t *all = json_array();
    for (size_t k = 0; k < count; k++) json_array_append_new(all, lab_number(values[k]));
    return all;
}

/// A known value of a unit's form; NaN where there is none.
static double known_of(const weir_unit *unit, size_t target) {
    const weir_form *form = weir_unit_form(unit);
    return form != NULL && form->toy[target] > 0 ? form->toy[target] : NAN;
}

static void print_json(const char *rule, const weir_unit *unit, const weir_toy *toy) {
    json_t *line = json_pack("{s:s}", "rule", rule);
    for (size_t k = 0; k < WEIR_TOY_TARGETS; k++) {
        const weir_toy_bit *bit = &toy->bit[k];
        char name[CLI_NUMBER];
        snprintf(name, sizeof name, "one_bit_%g", weir_toy_target(k));
        json_object_set_new(line, name,
                            json_pack("{s:o, s:o, s:o, s:o}", "loss", array(bit->mark, MARKS), "sd",
                                      array(bit->spread, MARKS), "curve", array(bit->curve, CURVE + 1), "reference",
                                      lab_number(known_of(unit, k))));
    }
    if (!toy->wide.unsupported)
        json_object_set_new(line, "two_hundred",
                            json_pack("{s:o, s:o, s:o, s:o}", "step", array(toy->wide.step, POINTS + 1), "objective",
                                      array(toy->wide.loss, POINTS + 1), "variance",
                                      array(toy->wide.variance, POINTS + 1), "reached", lab_number(toy->wide.reached)));
    json_object_set_new(line, "pass", json_boolean(holds(toy)));
    lab_print_line(line);
}

static void print_bits(const lab_rules *rules, const weir_toy *toys, size_t target, size_t steps, size_t seeds) {
    cli_table table = {.align = "lrrrrrr"};
    const double t = weir_toy_target(target);
    printf("One bit, min E(b - %g)^2: mean loss of %zu seeds (sd at the end); start %.6f, optimum %.6f\n\n", t, seeds,
           weir_toy_loss(0, t), t * t);
    cli_table_add(&table, "rule\tstep %zu\t%zu\t%zu\t%zu\tsd\tknown", steps / 10, steps / 5, steps / 2, steps);
    for (size_t k = 0; k < rules->count; k++) {
        const weir_toy_bit *b = &toys[k].bit[target];
        char known[CLI_NUMBER] = "", spread[CLI_NUMBER] = "";
        const double value = known_of(&rules->units[k], target);
        if (!isnan(value) && steps == 10000)
            snprintf(known, sizeof known, "%.6f%s", value, toys[k].agrees[target] ? "" : " DIFFERS");
        if (b->spread[MARKS - 1] >= 5e-7) snprintf(spread, sizeof spread, "%.6f", b->spread[MARKS - 1]);
        cli_table_add(&table, "%s\t%.6f\t%.6f\t%.6f\t%.6f\t%s\t%s", rules->texts[k], b->mark[0], b->mark[1], b->mark[2],
                      b->mark[3], spread, known);
    }
    cli_table_print(&table, stdout);
    putchar('\n');
}

static void print_wide(const lab_rules *rules, const weir_toy *toys) {
    cli_table table = {.align = "lrrrrrrr"};
    printf("200 units, max E mean (b - 0.499)^2: variance of the gradient per unit, and the objective (greatest "
           "0.251001)\n\n");
    cli_table_add(&table, "rule\tvariance at 0\t1000\t2000\tat 1500\tat 2000\tpublished\t0.25099 at step");
    for (size_t k = 0; k < rules->count; k++) {
        const weir_toy_wide *w = &toys[k].wide;
        const weir_form *form = weir_unit_form(&rules->units[k]);
        char reached[CLI_NUMBER] = "-", published[CLI_NUMBER] = "";
        if (w->unsupported) continue;
        if (!isnan(w->reached)) snprintf(reached, sizeof reached, "%.0f", w->reached);
        if (form != NULL && form->uphill > 0) snprintf(published, sizeof published, "%.5f", form->uphill);
        cli_table_add(&table, "%s\t%.4g\t%.3g\t%.3g\t%.6f\t%.6f\t%s\t%s%s", rules->texts[k], w->variance[0],
                      w->variance[POINTS / 2], w->variance[POINTS], w->loss[POINTS * 3 / 4], w->loss[POINTS], published,
                      reached, toys[k].in_time ? "" : " LATE");
    }
    cli_table_print(&table, stdout);
}

/// At most so many curves that colours and labels can be told apart: the first rules.
static int draw_figures(const lab_rules *rules, const weir_toy *toys, size_t all, const lab_options *o) {
    lab_curve bit[PANEL_CURVES], objective[PANEL_CURVES], variance[PANEL_CURVES];
    double steps[CURVE + 1];
    size_t bits = 0, wide = 0;
    for (size_t k = 0; k <= CURVE; k++) steps[k] = (double)(k * all) / CURVE;
    for (size_t k = 0; k < rules->count; k++) {
        const weir_toy_wide *w = &toys[k].wide;
        if (bits < PANEL_CURVES) bit[bits++] = (lab_curve){rules->texts[k], steps, toys[k].bit[0].curve, CURVE + 1};
        if (w->unsupported || wide == PANEL_CURVES) continue;
        objective[wide] = (lab_curve){rules->texts[k], w->step, w->loss, POINTS + 1};
        variance[wide++] = (lab_curve){rules->texts[k], w->step, w->variance, POINTS + 1};
    }
    const lab_panel panels[] = {
        {"toy-one-bit", "One bit, t = 0.499", "mean exact loss", bit, bits, 0.2488, 0.25005, false},
        {"toy-200-objective", "200 units", "objective", objective, wide, 0.2498, 0.25105, false},
        {"toy-200-variance", "200 units", "variance of the gradient, per unit", variance, wide, NAN, NAN, true},
    };
    return lab_draw(panels, CLI_COUNT_OF(panels), o);
}

int lab_toy(const lab_options *o) {
    lab_rules rules;
    lab_bar bar;
    weir_error error = {0};
    bool failed = false;
    const size_t steps = o->steps > 0 ? o->steps : 10000, seeds = o->seeds > 0 ? o->seeds : 200;
    if (steps % CURVE != 0) return cli_usage("estimate", "toy: --steps must be a multiple of %d", CURVE);
    int status = lab_rules_read(&rules, o->rules, true);
    if (status == CLI_OK && o->rules == NULL) keep_known(&rules);
    weir_toy *toys = calloc(rules.count + 1, sizeof *toys);
    if (status == CLI_OK && toys == NULL) status = cli_error("out of memory");
    if (status == CLI_OK) {
        lab_bar_begin(&bar, "toys");
        const weir_status run = weir_lab_toy(toys, rules.units, rules.count, steps, seeds, lab_bar_show, &bar, &error);
        cli_bar_clear(&bar.bar);
        if (run != WEIR_OK) status = cli_weir_error(&error);
    }
    for (size_t k = 0; status == CLI_OK && k < rules.count; k++) {
        if (o->json) print_json(rules.texts[k], &rules.units[k], &toys[k]);
        failed = failed || !holds(&toys[k]);
    }
    if (status == CLI_OK && !o->json) {
        for (size_t t = 0; t < WEIR_TOY_TARGETS; t++) print_bits(&rules, toys, t, steps, seeds);
        print_wide(&rules, toys);
    }
    if (status == CLI_OK && o->out != NULL) status = draw_figures(&rules, toys, steps, o);
    lab_rules_free(&rules);
    free(toys);
    return status == CLI_OK && failed ? CLI_FAILED : status;
}
