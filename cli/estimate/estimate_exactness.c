// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_exactness.c
/// `weir estimate exactness`: what the laboratory says of every rule, as tables or JSON.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>

static double or_none(double known) { return known > 0 ? known : NAN; }

static json_t *verdict_json(const char *text, const weir_unit *unit, const weir_verdict *v) {
    json_t *line = json_pack("{s:s, s:b, s:b, s:b}", "rule", text, "unbiased", v->truth.unbiased, "pass", v->pass,
                             "judged", v->judged);
    json_t *bits = json_object();
    json_object_set_new(line, "z_max", lab_number(v->z));
    json_object_set_new(line, "bias", lab_number(v->bias));
    json_object_set_new(line, "bias_reference", lab_number(or_none(v->known.bias)));
    json_object_set_new(line, "bias_noise", lab_number(v->noise));
    json_object_set_new(line, "variance", lab_number(v->variance));
    json_object_set_new(line, "variance_reference", lab_number(or_none(v->known.variance)));
    json_object_set_new(line, "evaluations", json_integer((json_int_t)v->evaluations));
    json_object_set_new(line, "backward_passes", json_integer(unit->rule->gradients));
    json_object_set_new(line, "variance_times_evaluations", lab_number(v->variance * (double)v->evaluations));
    for (size_t k = 0; k < WEIR_LAB_PLACES; k++) {
        char name[CLI_NUMBER];
        snprintf(name, sizeof name, "%g", weir_lab_place(k));
        json_object_set_new(bits, name, lab_number(v->bit_variance[k]));
    }
    json_object_set_new(line, "one_bit_variance", bits);
    json_object_set_new(line, "variance_200_units", lab_number(v->wide_variance));
    json_object_set_new(line, "draws", lab_number(v->draws));
    return line;
}

static const char *cell(char text[CLI_NUMBER], double value, int digits) {
    if (isnan(value))
        text[0] = '\0';
    else
        snprintf(text, CLI_NUMBER, "%.*g", digits, value);
    return text;
}

static void fill_row(const char *rule, const weir_unit *unit, const weir_verdict *v, const char *separator, char *text,
                     size_t size) {
    char bias[CLI_NUMBER], known_bias[CLI_NUMBER], known_variance[CLI_NUMBER], z[CLI_NUMBER];
    if (v->truth.unbiased && v->truth.known && v->pass_mean)
        snprintf(bias, sizeof bias, "0");
    else
        cell(bias, v->bias, 3);
    snprintf(text, size, "%s%s%s%s%zu%s%d%s%s%s%s%s%.4g%s%s%s%.3g%s%s%s%s", rule, separator,
             v->truth.unbiased ? "yes" : "no", separator, v->evaluations, separator, unit->rule->gradients, separator,
             bias, separator, cell(known_bias, or_none(v->known.bias), 4), separator, v->variance, separator,
             cell(known_variance, or_none(v->known.variance), 4), separator, v->variance * (double)v->evaluations,
             separator, cell(z, v->z, 2), separator, weir_verdict_text(v));
}

static const char legend[] =
    "Four units, f = exp(½(h₁ − h₂ + ½h₃ + 2h₄)): bias: distance of the mean from the exact gradient (0.7558 long); "
    "variance: of the four coordinates together; known: published or exact value; var·ev: variance times evaluations "
    "of "
    "the loss; z: greatest distance of a mean from what the rule's definition gives, in standard errors, also on one "
    "bit.";

static void print_table(const lab_rules *rules, const weir_verdict *verdicts, bool markdown) {
    char text[400];
    cli_table table = {.align = "llrrrrrrrrl"};
    if (markdown)
        printf("| rule | unbiased | evals | bwd | bias | known | variance | known | var·ev | z | result |\n"
               "|---|---|---|---|---|---|---|---|---|---|---|\n");
    else
        cli_table_add(&table, "rule\tunbiased\tevals\tbwd\tbias\tknown\tvariance\tknown\tvar·ev\tz\tresult");
    for (size_t k = 0; k < rules->count; k++) {
        fill_row(rules->texts[k], &rules->units[k], &verdicts[k], markdown ? " | " : "\t", text, sizeof text);
        if (markdown)
            printf("| %s |\n", text);
        else
            cli_table_add(&table, "%s", text);
    }
    if (!markdown) cli_table_print(&table, stdout);
}

/// Variances of one bit beside the closed forms.
static void print_bits(const lab_rules *rules, const weir_verdict *verdicts, bool markdown) {
    cli_table table = {.align = "lrrrrr"};
    printf("\nVariance of one bit, (h − %g)², at p =\n\n", WEIR_LAB_TARGET);
    if (markdown)
        printf("| rule | 0.5 | 0.3 | 0.2 | 0.1 | 0.02 |\n|---|---|---|---|---|---|\n");
    else
        cli_table_add(&table, "rule\t0.5\t0.3\t0.2\t0.1\t0.02");
    for (size_t k = 0; k < rules->count; k++) {
        double known[WEIR_LAB_PLACES];
        if (verdicts[k].known.one_bit == NULL) continue;
        for (size_t i = 0; i < WEIR_LAB_PLACES; i++)
            known[i] = verdicts[k].known.one_bit(weir_lab_place(i), WEIR_LAB_TARGET);
        for (int exact = 0; exact < 2; exact++) {
            const double *v = exact ? known : verdicts[k].bit_variance;
            const char *name = exact ? "  exact" : rules->texts[k];
            if (markdown)
                printf("| %s | %.3e | %.3e | %.3e | %.3e | %.3e |\n", name, v[0], v[1], v[2], v[3], v[4]);
            else
                cli_table_add(&table, "%s\t%.3e\t%.3e\t%.3e\t%.3e\t%.3e", name, v[0], v[1], v[2], v[3], v[4]);
        }
    }
    if (!markdown) cli_table_print(&table, stdout);
    for (size_t k = 0; k < rules->count; k++)
        if (!isnan(verdicts[k].wide_variance))
            printf("%s200 units at p = 0.5, %s: variance %.5g per unit, exact %.5g%s\n",
                   k == 0 || !markdown ? "" : "\n", rules->texts[k], verdicts[k].wide_variance, verdicts[k].known.wide,
                   markdown ? "  " : "");
}

static int print(const lab_options *options, const lab_rules *rules, const weir_verdict *verdicts, double seconds) {
    size_t held = 0, bits = 0, unjudged = 0;
    char time[CLI_NUMBER];
    for (size_t k = 0; k < rules->count; k++) {
        held += verdicts[k].pass;
        unjudged += !verdicts[k].judged;
        bits += verdicts[k].known.one_bit != NULL;
        if (options->json) lab_print_line(verdict_json(rules->texts[k], &rules->units[k], &verdicts[k]));
    }
    if (!options->json) {
        print_table(rules, verdicts, options->markdown);
        if (bits > 0) print_bits(rules, verdicts, options->markdown);
        putchar('\n');
        cli_wrap(stdout, 0, legend);
        printf("\n%zu of %zu rules hold; %.3g draws each, %s\n", held, rules->count, options->draws,
               cli_duration(time, seconds));
        if (unjudged > 0)
            printf("%zu not judged, which counts as failed: there is nothing exact to compare so many evaluations "
                   "with\n",
                   unjudged);
    }
    return held == rules->count ? CLI_OK : CLI_FAILED;
}

int lab_exactness(const lab_options *options) {
    lab_rules rules;
    lab_bar bar;
    weir_error error = {0};
    int status = lab_rules_read(&rules, options->rules, false);
    weir_verdict *verdicts = calloc(rules.count + 1, sizeof *verdicts);
    if (status == CLI_OK && verdicts == NULL) status = cli_error("out of memory");
    if (status == CLI_OK) {
        lab_bar_begin(&bar, "estimates");
        if (weir_lab_exactness(verdicts, rules.units, rules.count, options->draws, lab_bar_show, &bar, &error) !=
            WEIR_OK)
            status = CLI_FAILED;
        cli_bar_clear(&bar.bar);
        status =
            status == CLI_OK ? print(options, &rules, verdicts, cli_clock() - bar.started) : cli_weir_error(&error);
    }
    lab_rules_free(&rules);
    free(verdicts);
    return status;
}
