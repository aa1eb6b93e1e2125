// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file units.c
/// `weir units`: the stochastic rules and their properties, read from the library's descriptors.
#include "cli.h"

#include <math.h>
#include <string.h>

static bool as_json, as_markdown;

static const cli_option options[] = {
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print JSON"},
    {"markdown", NULL, CLI_FLAG, &as_markdown, NULL, "print a Markdown table"},
};

static const struct {
    weir_trait bit;
    const char *name, *yes, *no; // the sentence about a rule that has it, or has it not
} traits[] = {
    {WEIR_TRAIT_STOCHASTIC, "stochastic", "the output is random in training", "the output is not random"},
    {WEIR_TRAIT_BINARY, "binary", "outputs are exactly 0 or 1", NULL},
    {WEIR_TRAIT_SPARSE, "sparse", "outputs can be exactly 0: usable as a gate that closes", "outputs are never 0"},
    {WEIR_TRAIT_UNBIASED, "unbiased", "the gradient is unbiased", "the gradient is biased"},
    {WEIR_TRAIT_PATHWISE, "pathwise", "backward is the derivative of the drawn output", NULL},
    {WEIR_TRAIT_USES_DH, "uses-dh", "backward reads dL/dh", NULL},
    {WEIR_TRAIT_USES_LOSS, "uses-loss", "backward reads the loss per row", NULL},
    {WEIR_TRAIT_SKIPS, "skips", "training may skip what a closed gate gates",
     "training needs what closed gates gate (see 'closed' of gated layers)"},
};

/// The name of choice number index out of "a|b|c".
static void choice_name(const char *choices, size_t index, char *text, size_t size) {
    for (; index > 0 && strchr(choices, '|') != NULL; index--) choices = strchr(choices, '|') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(choices, "|"), choices);
}

static json_t *rule_json(const weir_rule *rule) {
    json_t *all = json_array(), *parameters = json_array();
    for (size_t i = 0; i < CLI_COUNT_OF(traits); i++)
        if (rule->traits & (unsigned)traits[i].bit) json_array_append_new(all, json_string(traits[i].name));
    for (size_t i = 0; i < rule->parameter_count; i++) {
        const weir_parameter *p = &rule->parameters[i];
        json_t *one = json_pack("{s:s, s:s}", "name", p->name, "about", p->about);
        if (p->choices != NULL) {
            char choice[CLI_NUMBER];
            choice_name(p->choices, (size_t)p->initial, choice, sizeof choice);
            json_object_set_new(one, "default", json_string(choice));
            json_object_set_new(one, "choices", json_string(p->choices));
            json_array_append_new(parameters, one);
            continue;
        }
        json_object_set_new(one, "default", json_real(p->initial));
        if (isfinite(p->least)) json_object_set_new(one, "least", json_real(p->least));
        if (isfinite(p->greatest)) json_object_set_new(one, "greatest", json_real(p->greatest));
        json_array_append_new(parameters, one);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:o}", "name", rule->name, "summary", rule->summary,
                     "forward", rule->forward, "gradient", rule->gradient, "source", rule->source, "traits", all,
                     "evaluations", rule->evaluations, "parameters", parameters);
}

static void print_parameter(const weir_parameter *p) {
    char value[CLI_NUMBER];
    if (p->choices != NULL) {
        choice_name(p->choices, (size_t)p->initial, value, sizeof value);
        printf("    %-10s %s (%s; default %s)\n", p->name, p->about, p->choices, value);
    } else
        printf("    %-10s %s (%g to %g; default %g)\n", p->name, p->about, p->least, p->greatest, p->initial);
}

static void print_rule(const weir_rule *rule) {
    printf("%s%s%s: %s\n\n", cli_bold(stdout), rule->name, cli_plain(stdout), rule->summary);
    char evaluations[CLI_NUMBER];
    snprintf(evaluations, sizeof evaluations, "%d", rule->evaluations);
    printf("  forward      %s\n  gradient     %s\n  source       %s\n  evaluations  %s of the loss per example\n\n",
           rule->forward, rule->gradient, rule->source, rule->cost != NULL ? rule->cost : evaluations);
    for (size_t i = 0; i < CLI_COUNT_OF(traits); i++) {
        const char *sentence = rule->traits & (unsigned)traits[i].bit ? traits[i].yes : traits[i].no;
        if (sentence != NULL) printf("  - %s\n", sentence);
    }
    if (rule->parameter_count > 0) {
        printf("\n  Parameters, as in '%s:%s=…':\n", rule->name, rule->parameters[0].name);
        for (size_t i = 0; i < rule->parameter_count; i++) print_parameter(&rule->parameters[i]);
    }
}

static const char *mark(const weir_rule *rule, weir_trait bit) { return rule->traits & (unsigned)bit ? "yes" : "-"; }

static void print_table(void) {
    cli_table table = {.align = "llllll"};
    cli_table_add(&table, "rule\tunbiased\tcloses\tskips\tneeds\tsummary");
    for (size_t i = 0; i < weir_rule_count(); i++) {
        const weir_rule *r = weir_rule_at(i);
        cli_table_add(&table, "%s\t%s\t%s\t%s\t%s\t%s", r->name, mark(r, WEIR_TRAIT_UNBIASED),
                      mark(r, WEIR_TRAIT_SPARSE), mark(r, WEIR_TRAIT_SKIPS),
                      r->traits & WEIR_TRAIT_USES_LOSS ? (r->traits & WEIR_TRAIT_USES_DH ? "L, dL/dh" : "L") : "dL/dh",
                      r->summary);
    }
    cli_table_print(&table, stdout);
    printf("\nA rule in full: weir units NAME\n");
}

/// A cell of a Markdown table: no '|' of its own.
static void print_cell(const char *text, bool last) {
    for (; *text != '\0'; text++) {
        if (*text == '|') putchar('\\');
        putchar(*text);
    }
    printf(last ? " |\n" : " | ");
}

static void print_markdown(const weir_rule *only) {
    printf("| rule | output | gradient | unbiased | closes | training skips | source |\n"
           "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < weir_rule_count(); i++) {
        const weir_rule *r = weir_rule_at(i);
        if (only != NULL && r != only) continue;
        const char *cells[] = {r->forward,
                               r->gradient,
                               mark(r, WEIR_TRAIT_UNBIASED),
                               mark(r, WEIR_TRAIT_SPARSE),
                               mark(r, WEIR_TRAIT_SKIPS),
                               r->source};
        printf("| `%s` | ", r->name);
        for (size_t c = 0; c < CLI_COUNT_OF(cells); c++) print_cell(cells[c], c + 1 == CLI_COUNT_OF(cells));
    }
}

static int run(char **operands, size_t count) {
    const weir_rule *only = NULL;
    if (count == 1) {
        weir_error error = {0};
        weir_unit unit;
        if (weir_unit_parse(&unit, operands[0], &error) != WEIR_OK) return cli_usage("units", "%s", error.text);
        only = unit.rule;
    }
    if (as_json) {
        json_t *all = only != NULL ? rule_json(only) : json_array();
        for (size_t i = 0; only == NULL && i < weir_rule_count(); i++)
            json_array_append_new(all, rule_json(weir_rule_at(i)));
        cli_print_json(all);
        json_decref(all);
    } else if (as_markdown)
        print_markdown(only);
    else if (only != NULL)
        print_rule(only);
    else
        print_table();
    return CLI_OK;
}

const cli_command cli_units = {
    .name = "units",
    .operands = "[NAME]",
    .summary = "list the stochastic units and their properties",
    .about =
        "List the rules for stochastic neurons: how a unit's output is drawn, how the gradient passes through the "
        "draw, and what is true of it. With NAME, one rule in full with its parameters.\n\n"
        "unbiased: the mean of the gradient is the gradient of the mean loss. closes: outputs can be exactly 0, so "
        "that what they gate costs nothing. skips: that holds in training, too. needs: what the gradient reads.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .most = 1,
    .examples = {"weir units", "weir units straight-through", "weir units --markdown > units.md"},
    .run = run,
};
