// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_rules.c
/// The rules that take part, and what the parts of `weir estimate` show while and after they run.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool add(lab_rules *rules, const char *text, const weir_unit *unit, weir_error *error) {
    const size_t count = rules->count + 1;
    weir_unit *units = realloc(rules->units, count * sizeof *units);
    if (units != NULL) rules->units = units;
    char(*texts)[LAB_TEXT] = realloc(rules->texts, count * sizeof *texts);
    if (texts != NULL) rules->texts = texts;
    if (units == NULL || texts == NULL) {
        snprintf(error->text, sizeof error->text, "out of memory");
        return false;
    }
    units[rules->count] = *unit;
    snprintf(texts[rules->count++], LAB_TEXT, "%s", text);
    return true;
}

static bool add_text(lab_rules *rules, const char *text, weir_error *error) {
    weir_unit unit;
    return weir_unit_parse(&unit, text, error) == WEIR_OK && add(rules, text, &unit, error);
}

static int read_list(lab_rules *rules, const char *text) {
    weir_error error = {0};
    cli_list list = {0};
    int status = cli_list_split(&list, text) ? CLI_OK : cli_error("out of memory");
    for (size_t i = 0; i < list.count && status == CLI_OK; i++) {
        if (strlen(list.items[i]) >= LAB_TEXT)
            status = cli_usage("estimate", "a rule of --rules is too long: %.40s…", list.items[i]);
        else if (!add_text(rules, list.items[i], &error))
            status = cli_usage("estimate", "%s", error.text);
    }
    if (status == CLI_OK && rules->count == 0) status = cli_usage("estimate", "--rules is empty");
    cli_list_free(&list);
    return status;
}

int lab_rules_read(lab_rules *rules, const char *list, bool alone) {
    weir_error error = {0};
    *rules = (lab_rules){0};
    if (list != NULL) return read_list(rules, list);
    for (size_t r = 0; r < weir_rule_count(); r++)
        for (size_t k = 0; k < weir_rule_forms(weir_rule_at(r)); k++) {
            weir_unit unit;
            char text[LAB_TEXT];
            if (weir_rule_form(weir_rule_at(r), &unit, NULL, k, &error) != WEIR_OK) return cli_error("%s", error.text);
            if (alone && (unit.draw != NULL || weir_unit_variable(&unit) != 1)) continue;
            weir_unit_print(&unit, text, sizeof text);
            if (!add(rules, text, &unit, &error)) return cli_error("%s", error.text);
        }
    return CLI_OK;
}

void lab_rules_free(lab_rules *rules) {
    free(rules->units);
    free(rules->texts);
}

void lab_bar_begin(lab_bar *bar, const char *what) {
    *bar = (lab_bar){.started = cli_clock(), .what = what};
    cli_bar_begin(&bar->bar);
}

int lab_bar_show(void *context, double share) {
    lab_bar *bar = context;
    const double spent = cli_clock() - bar->started;
    cli_bar_show(&bar->bar, share, share > 0.01 ? spent / share - spent : -1, bar->what, "");
    return cli_interrupted();
}

void lab_print_line(json_t *line) {
    if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
    json_decref(line);
}

json_t *lab_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }
