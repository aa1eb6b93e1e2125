// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file units.c
/// `weir units`: the stochastic rules and their properties, read from the library's descriptors.
#include "base/cli.h"

#include <math.h>
#include <string.h>

enum { FORMULA = 512, NAME = 100 };

static bool as_json, as_markdown;

static const cli_option options[] = {
    {"json", NULL, CLI_FLAG, &as_json, NULL, "print JSON"},
    {"markdown", NULL, CLI_FLAG, &as_markdown, NULL, "print the page docs/estimators.md"},
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
    {WEIR_TRAIT_BOUND, "bound", "the loss of an example is a bound of all samples together", NULL},
    {WEIR_TRAIT_ANNEALED, "annealed", "what it does depends on the training step", NULL},
    {WEIR_TRAIT_SKIPS, "skips", "training may skip what a closed gate gates",
     "training needs what closed gates gate (see 'closed' of gated layers)"},
};

/// The name of choice number index out of "a|b|c".
static void choice_name(const char *choices, size_t index, char *text, size_t size) {
    for (; index > 0 && strchr(choices, '|') != NULL; index--) choices = strchr(choices, '|') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(choices, "|"), choices);
}

/// Rules of one kind stand together in the page.
typedef enum family { ORDINARY, STRAIGHT_THROUGH, SCORE, SCORE_SEVERAL, CONTROL, PERTURBATION, FAMILIES } family;

static const struct {
    const char *name, *title, *about;
} families[FAMILIES] = {
    [ORDINARY] = {"ordinary", "Ordinary gradients",
                  "The output is differentiated as it was drawn, with the noise held fixed."},
    [STRAIGHT_THROUGH] =
        {"straight-through", "Straight-through and its relatives",
         "One evaluation and one backward pass; a weight stands for what the draw has no derivative of. "
         "Biased."},
    [SCORE] = {"score-function", "Score function, one evaluation",
               "The loss alone is needed, no back-propagated signal."},
    [SCORE_SEVERAL] = {"several-evaluations", "Score function, several evaluations",
                       "Several outcomes of the same example: independent, antithetic, or one unit flipped at a time."},
    [CONTROL] = {"control-variate", "Control variates from the gradient of the loss",
                 "Unbiased, and the gradient of the loss takes variance away."},
    [PERTURBATION] = {"perturbation", "Perturbation",
                      "The loss at moved points: no back-propagation, biased by the size of the move."},
};

static family family_of(const weir_rule *rule) {
    const unsigned has = rule->traits;
    if (!(has & WEIR_TRAIT_USES_LOSS))
        return has & WEIR_TRAIT_PATHWISE || !(has & WEIR_TRAIT_BINARY) ? ORDINARY : STRAIGHT_THROUGH;
    if (has & WEIR_TRAIT_USES_DH) return CONTROL;
    if (!(has & WEIR_TRAIT_UNBIASED)) return PERTURBATION;
    return rule->evaluations == 1 ? SCORE : SCORE_SEVERAL;
}

/// Evaluations of the loss as text: a number, or a formula.
static const char *evaluations_of(const weir_rule *rule, char text[CLI_NUMBER]) {
    snprintf(text, CLI_NUMBER, "%d", rule->evaluations);
    return rule->cost != NULL ? rule->cost : text;
}

/// A rule with its own draw and the defaults, as those stand in the list.
static weir_unit unit_of(const weir_rule *rule) {
    weir_unit unit;
    if (weir_rule_form(rule, &unit, NULL, 0, NULL) != WEIR_OK) unit = (weir_unit){.rule = rule};
    return unit;
}

/// The name, or, of a rule that another one precedes under its name, what a text must say.
static const char *name_of(const weir_rule *rule, char text[NAME]) {
    const weir_unit unit = unit_of(rule);
    if (weir_rule_find(rule->name) == rule) return rule->name;
    weir_unit_print(&unit, text, NAME);
    return text;
}

/// The output as a formula. Rules of coins are said of a coin: another draw says it for them.
static const char *forward_of(const weir_unit *unit) {
    const weir_draw *draw = weir_unit_draw(unit);
    return unit->rule->draw == NULL && draw != weir_draw_bernoulli() ? draw->forward : unit->rule->forward;
}

/// What stands in a gradient for h − σ(a), which is the score of a coin; NULL where the formula holds as it is.
static const char *score_of(const weir_unit *unit) {
    const bool scored = (unit->rule->traits & WEIR_TRAIT_USES_LOSS) && strstr(unit->rule->gradient, "σ(a") != NULL;
    return scored && forward_of(unit) != unit->rule->forward ? "∂ log P(h | a)/∂a in place of h − σ(a)" : NULL;
}

/// Traits of the rule, but for the randomness of draws that have none.
static unsigned traits_of(const weir_unit *unit) {
    const weir_draw *draw = weir_unit_draw(unit);
    const bool fixed = draw->name != NULL && !(draw->traits & WEIR_DRAW_RANDOM);
    return unit->rule->traits & ~(fixed ? (unsigned)WEIR_TRAIT_STOCHASTIC : 0U);
}

/// The parameter at index: first those of the rule, then those of its draw; NULL beyond.
static const weir_parameter *parameter_of(const weir_unit *unit, size_t index) {
    const weir_draw *draw = weir_unit_draw(unit);
    if (index < unit->rule->parameter_count) return &unit->rule->parameters[index];
    index -= unit->rule->parameter_count;
    return index < draw->parameter_count ? &draw->parameters[index] : NULL;
}

/// The draws that a rule takes: their names in one text, and how many.
static size_t draws_of(const weir_rule *rule, char *text, size_t size) {
    size_t count = 0, used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < weir_draw_count() && used < size; i++) {
        if (!weir_rule_takes(rule, weir_draw_at(i))) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", count++ ? ", " : "", weir_draw_at(i)->name);
    }
    return count;
}

static json_t *parameter_json(const weir_parameter *p) {
    json_t *one = json_pack("{s:s, s:s}", "name", p->name, "about", p->about);
    if (p->choices != NULL) {
        char choice[CLI_NUMBER];
        choice_name(p->choices, (size_t)p->initial, choice, sizeof choice);
        json_object_set_new(one, "default", json_string(choice));
        json_object_set_new(one, "choices", json_string(p->choices));
        return one;
    }
    json_object_set_new(one, "default", json_real(p->initial));
    if (isfinite(p->least)) json_object_set_new(one, "least", json_real(p->least));
    if (isfinite(p->greatest)) json_object_set_new(one, "greatest", json_real(p->greatest));
    return one;
}

static json_t *unit_json(const weir_unit *unit) {
    const weir_rule *rule = unit->rule;
    json_t *all = json_array(), *parameters = json_array(), *draws = json_array();
    for (size_t i = 0; i < CLI_COUNT_OF(traits); i++)
        if (traits_of(unit) & (unsigned)traits[i].bit) json_array_append_new(all, json_string(traits[i].name));
    for (size_t i = 0; parameter_of(unit, i) != NULL; i++)
        json_array_append_new(parameters, parameter_json(parameter_of(unit, i)));
    char evaluations[CLI_NUMBER], decided[FORMULA];
    weir_unit_decided(unit, decided, sizeof decided);
    for (size_t i = 0; i < weir_draw_count(); i++)
        if (weir_rule_takes(rule, weir_draw_at(i))) json_array_append_new(draws, json_string(weir_draw_at(i)->name));
    return json_pack("{s:s, s:s?, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:s, s:i, s:o}", "name", rule->name,
                     "draw", weir_unit_draw(unit)->name, "draws", draws, "family", families[family_of(rule)].name,
                     "summary", rule->summary, "forward", forward_of(unit), "decided", decided, "expected",
                     weir_unit_draw(unit)->expected, "gradient", rule->gradient, "source", rule->source, "traits", all,
                     "evaluations", rule->evaluations, "cost", evaluations_of(rule, evaluations), "backward_passes",
                     rule->gradients, "parameters", parameters);
}

static void print_parameter(const weir_parameter *p) {
    char value[CLI_NUMBER];
    if (p->choices != NULL) {
        choice_name(p->choices, (size_t)p->initial, value, sizeof value);
        printf("    %-10s %s (%s; default %s)\n", p->name, p->about, p->choices, value);
    } else
        printf("    %-10s %s (%g to %g; default %g)\n", p->name, p->about, p->least, p->greatest, p->initial);
}

static void print_unit(const weir_unit *unit) {
    const weir_rule *rule = unit->rule;
    const weir_draw *draw = weir_unit_draw(unit);
    const bool named = draw->name != NULL && draw != weir_draw_bernoulli();
    char evaluations[CLI_NUMBER], decided[FORMULA];
    printf("%s%s%s: %s\n\n  family       %s\n", cli_bold(stdout), rule->name, cli_plain(stdout), rule->summary,
           families[family_of(rule)].name);
    if (named) printf("  draw         %s: %s\n", draw->name, draw->summary);
    weir_unit_decided(unit, decided, sizeof decided);
    printf("  forward      %s\n  test time    %s\n  noise-free   %s\n  gradient     %s\n", forward_of(unit), decided,
           draw->expected, rule->gradient);
    if (score_of(unit) != NULL) printf("               with %s\n", score_of(unit));
    printf("  source       %s\n", rule->source);
    if (named && unit->rule->draw != draw) printf("               the draw: %s\n", draw->source);
    printf("  evaluations  %s of the loss per example, %d of them with its gradient\n\n",
           evaluations_of(rule, evaluations), rule->gradients);
    for (size_t i = 0; i < CLI_COUNT_OF(traits); i++) {
        const char *sentence = traits_of(unit) & (unsigned)traits[i].bit ? traits[i].yes : traits[i].no;
        if (sentence != NULL) printf("  - %s\n", sentence);
    }
    if (draws_of(rule, decided, sizeof decided) > 1) printf("  - defined for draw=%s\n", decided);
    if (parameter_of(unit, 0) == NULL) return;
    printf("\n  Parameters, as in '%s:%s=…':\n", rule->name, parameter_of(unit, 0)->name);
    for (size_t i = 0; parameter_of(unit, i) != NULL; i++) print_parameter(parameter_of(unit, i));
}

static const char *mark(const weir_rule *rule, weir_trait bit) { return rule->traits & (unsigned)bit ? "yes" : "-"; }

static void print_draws(void) {
    cli_table table = {.align = "lll"};
    printf("\nDraws, as in 'rloo:draw=one-of,of=8':\n\n");
    cli_table_add(&table, "draw\tparameters\tsummary");
    for (size_t i = 0; i < weir_draw_count(); i++) {
        const weir_draw *d = weir_draw_at(i);
        char parameters[CLI_NUMBER] = "";
        for (size_t k = 0, used = 0; k < d->parameter_count && used < sizeof parameters; k++)
            used += (size_t)snprintf(parameters + used, sizeof parameters - used, "%s%s", k ? ", " : "",
                                     d->parameters[k].name);
        cli_table_add(&table, "%s\t%s\t%s", d->name, parameters, d->summary);
    }
    cli_table_print(&table, stdout);
}

static void print_table(void) {
    cli_table table = {.align = "llrrlll"};
    cli_table_add(&table, "rule\tunbiased\tevals\tbwd\tcloses\tskips\tsummary");
    for (size_t i = 0; i < weir_rule_count(); i++) {
        const weir_rule *r = weir_rule_at(i);
        char evaluations[CLI_NUMBER], name[NAME];
        cli_table_add(&table, "%s\t%s\t%s\t%d\t%s\t%s\t%s", name_of(r, name), mark(r, WEIR_TRAIT_UNBIASED),
                      evaluations_of(r, evaluations), r->gradients, mark(r, WEIR_TRAIT_SPARSE),
                      mark(r, WEIR_TRAIT_SKIPS), r->summary);
    }
    cli_table_print(&table, stdout);
    print_draws();
    printf("\nA rule in full: weir units NAME\n");
}

/// Text that Markdown takes as it is: no '|', '*' or '_' of its own.
static void print_plain(const char *text) {
    for (; *text != '\0'; text++) {
        if (strchr("|*_[]<>", *text) != NULL) putchar('\\');
        putchar(*text);
    }
}

static void print_row(const weir_rule *r) {
    char evaluations[CLI_NUMBER], name[NAME];
    printf("| `%s` | %s | ", name_of(r, name), mark(r, WEIR_TRAIT_UNBIASED));
    print_plain(evaluations_of(r, evaluations));
    printf(" | %d | %s | %s | ", r->gradients, mark(r, WEIR_TRAIT_SPARSE), mark(r, WEIR_TRAIT_SKIPS));
    print_plain(r->summary);
    printf(" |\n");
}

static void print_heading(void) {
    printf("| rule | unbiased | evaluations | backward | closes | training skips | what it is |\n"
           "|---|---|---|---|---|---|---|\n");
}

static void print_parameter_plain(const weir_parameter *p) {
    char value[CLI_NUMBER];
    printf("- `%s`: ", p->name);
    print_plain(p->about);
    if (p->choices == NULL) {
        printf(" (%g to %g; default %g)\n", p->least, p->greatest, p->initial);
        return;
    }
    choice_name(p->choices, (size_t)p->initial, value, sizeof value);
    printf(" (");
    print_plain(p->choices);
    printf("; default %s)\n", value);
}

static void print_full(const weir_unit *unit) {
    const weir_rule *r = unit->rule;
    char decided[FORMULA], draws[FORMULA], name[NAME];
    weir_unit_decided(unit, decided, sizeof decided);
    printf("### %s\n\n- output: ", name_of(r, name));
    print_plain(forward_of(unit));
    printf("\n- at test time: ");
    print_plain(decided);
    printf("\n- noise-free: ");
    print_plain(weir_unit_draw(unit)->expected);
    printf("\n- gradient: ");
    print_plain(r->gradient);
    if (score_of(unit) != NULL) {
        printf(", with ");
        print_plain(score_of(unit));
    }
    printf("\n- source: ");
    print_plain(r->source);
    putchar('\n');
    if (draws_of(r, draws, sizeof draws) > 1) printf("- defined for draw=%s\n", draws);
    for (size_t i = 0; parameter_of(unit, i) != NULL; i++) print_parameter_plain(parameter_of(unit, i));
    putchar('\n');
}

static void print_draw(const weir_draw *d) {
    printf("### draw=%s\n\n- source: ", d->name);
    print_plain(d->source);
    putchar('\n');
    for (size_t i = 0; i < d->parameter_count; i++) print_parameter_plain(&d->parameters[i]);
    putchar('\n');
}

/// The page docs/estimators.md.
static void print_page(void) {
    printf(
        "<!-- SPDX-FileCopyrightText: 2026 The weir authors -->\n<!-- SPDX-License-Identifier: MIT -->\n"
        "<!-- Written by: weir units --markdown. Change the rules, not this page. -->\n\n"
        "# Gradient estimators\n\n"
        "The rules of `src/units`: how a stochastic unit draws its output h from its pre-activation a, and how the "
        "gradient of the\nexpected loss L passes through the draw. `weir estimate exactness` holds each of them to "
        "what this page says.\n\n"
        "- unbiased: the mean of the gradient is the gradient of the mean loss (of the rule's own outputs).\n"
        "- evaluations: of the loss per example; K samples, D units. backward: how many of them need the gradient of "
        "the loss.\n"
        "- closes: outputs can be exactly 0, so that what they gate costs nothing; training skips: that holds in "
        "training, too.\n"
        "- at test time: mode decide, which predictions use; noise-free: mode expect, the mean of the output or what "
        "stands for it.\n\n"
        "`weir.reference`, in the Python package, has each as a few lines of NumPy, which a test holds to the "
        "library.\n\n");
    for (int f = 0; f < FAMILIES; f++) {
        size_t members = 0;
        for (size_t i = 0; i < weir_rule_count(); i++) members += family_of(weir_rule_at(i)) == (family)f;
        if (members == 0) continue;
        printf("## %s\n\n%s\n\n", families[f].title, families[f].about);
        print_heading();
        for (size_t i = 0; i < weir_rule_count(); i++)
            if (family_of(weir_rule_at(i)) == (family)f) print_row(weir_rule_at(i));
        putchar('\n');
        for (size_t i = 0; i < weir_rule_count(); i++) {
            const weir_unit unit = unit_of(weir_rule_at(i));
            if (family_of(unit.rule) == (family)f) print_full(&unit);
        }
    }
    printf("## Draws\n\nA rule that is defined for other draws than its own takes them by name: "
           "`rloo:samples=4,draw=one-of,of=8`.\n\n| draw | output | what it is |\n|---|---|---|\n");
    for (size_t i = 0; i < weir_draw_count(); i++) {
        const weir_draw *d = weir_draw_at(i);
        printf("| `%s` | ", d->name);
        print_plain(d->forward);
        printf(" | ");
        print_plain(d->summary);
        printf(" |\n");
    }
    putchar('\n');
    for (size_t i = 0; i < weir_draw_count(); i++) print_draw(weir_draw_at(i));
    printf("## Use\n\nAs the rule of a unit node in a network (`rule: rloo:samples=4` in a configuration, `weir train "
           "--rule`), and around any loss\nof your own with `weir_estimate` "
           "([estimate.h](../include/weir/estimate.h)).\n");
}

static void print_markdown(const weir_unit *only) {
    if (only == NULL) {
        print_page();
        return;
    }
    print_heading();
    print_row(only->rule);
    putchar('\n');
    print_full(only);
}

static int run(char **operands, size_t count) {
    weir_unit unit;
    const weir_unit *only = NULL;
    if (count == 1) {
        weir_error error = {0};
        if (weir_unit_parse(&unit, operands[0], &error) != WEIR_OK) return cli_usage("units", "%s", error.text);
        only = &unit;
    }
    if (as_json) {
        json_t *all = only != NULL ? unit_json(only) : json_array();
        for (size_t i = 0; only == NULL && i < weir_rule_count(); i++) {
            const weir_unit one = unit_of(weir_rule_at(i));
            json_array_append_new(all, unit_json(&one));
        }
        cli_print_json(all);
        json_decref(all);
    } else if (as_markdown)
        print_markdown(only);
    else if (only != NULL)
        print_unit(only);
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
        "unbiased: the mean of the gradient is the gradient of the mean loss. evals: evaluations of the loss per "
        "example "
        "(K samples, D units). bwd: how many of them need its gradient. closes: outputs can be exactly 0, so that what "
        "they gate costs nothing. skips: that holds in training, too.\n\n"
        "'weir estimate exactness' checks what is said here.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .most = 1,
    .examples = {"weir units", "weir units straight-through", "weir units --markdown > docs/estimators.md"},
    .run = run,
};
