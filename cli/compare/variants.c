// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file variants.c
/// The rows of a comparison, and what its networks are judged by.
#include "compare.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1000, MOST_AXES = EXPERIMENT_SETTINGS, NAME_ROOM = 200 };

/// A setting that is varied.
typedef struct axis {
    char key[128];
    cli_list values;
} axis;

static int read_axis(axis *to, const char *change) {
    const size_t length = strcspn(change, "=");
    if (length == 0 || length >= sizeof to->key) return cli_usage("compare", "--vary %s: expected KEY=A,B,C", change);
    snprintf(to->key, sizeof to->key, "%.*s", (int)length, change);
    if (!cli_list_split(&to->values, change + length + 1)) return cli_error("out of memory");
    if (to->values.count == 0) return cli_usage("compare", "--vary %s: no values", change);
    for (size_t i = 0; i < to->values.count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(to->values.items[i], to->values.items[k]) == 0)
                return cli_usage("compare", "%s is given twice as a value of %s", to->values.items[i], to->key);
    return CLI_OK;
}

/// Appends a value to a name of a folder, and to a label for people.
static void append(char name[NAME_ROOM], char label[NAME_ROOM], const axis *of, const char *value) {
    const char *dot = strrchr(of->key, '.'), *key = dot != NULL ? dot + 1 : of->key;
    const bool said = strcmp(key, "rule") != 0;
    const size_t named = strlen(name), labelled = strlen(label);
    snprintf(label + labelled, NAME_ROOM - labelled, "%s%s%s%s", labelled > 0 ? ", " : "", said ? key : "",
             said ? " " : "", value);
    snprintf(name + named, NAME_ROOM - named, "%s%s%s%s", named > 0 ? "_" : "", said ? key : "", said ? "-" : "", value);
    for (char *c = name + named; *c != '\0'; c++)
        if (strchr("/ \t\n", *c) != NULL) *c = '-';
}

static const char *last_text(const variants *v) { return v->texts.items[v->texts.count - 1]; }

static int make_row(variants *v, const axis *axes, size_t count, size_t number, const char *config) {
    char name[NAME_ROOM] = "", label[NAME_ROOM] = "";
    experiment_row *row = &v->rows[v->count];
    *row = (experiment_row){.config = config};
    size_t places[MOST_AXES];
    for (size_t a = count; a-- > 0; number /= axes[a].values.count) places[a] = number % axes[a].values.count;
    for (size_t a = 0; a < count; a++) {
        const char *value = axes[a].values.items[places[a]];
        append(name, label, &axes[a], value);
        if (!cli_list_add(&v->texts, "%s=%s", axes[a].key, value)) return cli_error("out of memory");
        row->settings[a] = last_text(v);
    }
    if (count == 0) snprintf(name, sizeof name, "%s", "as-it-is");
    if (count == 0) snprintf(label, sizeof label, "%s", "as it is");
    if (!cli_list_add(&v->texts, "%s", name)) return cli_error("out of memory");
    row->name = last_text(v);
    if (!cli_list_add(&v->texts, "%s", label)) return cli_error("out of memory");
    row->label = last_text(v);
    v->count++;
    return CLI_OK;
}

int variants_make(variants *out, const cli_list *changes, const char *config) {
    axis axes[MOST_AXES] = {0};
    size_t rows = 1;
    int status = changes->count <= MOST_AXES ? CLI_OK : cli_usage("compare", "at most %d settings can be varied", MOST_AXES);
    *out = (variants){0};
    for (size_t a = 0; a < changes->count && status == CLI_OK; a++) {
        status = read_axis(&axes[a], changes->items[a]);
        for (size_t b = 0; b < a && status == CLI_OK; b++)
            if (strcmp(axes[a].key, axes[b].key) == 0) status = cli_usage("compare", "%s is varied twice", axes[a].key);
        if (status == CLI_OK) rows *= axes[a].values.count;
        if (status == CLI_OK && rows > MOST_ROWS)
            status = cli_usage("compare", "these are more than %d combinations", MOST_ROWS);
    }
    if (status == CLI_OK) out->rows = calloc(rows, sizeof *out->rows);
    if (status == CLI_OK && out->rows == NULL) status = cli_error("out of memory");
    for (size_t r = 0; r < rows && status == CLI_OK; r++) status = make_row(out, axes, changes->count, r, config);
    for (size_t a = 0; a < MOST_AXES; a++) cli_list_free(&axes[a].values);
    return status;
}

void variants_free(variants *v) {
    free(v->rows);
    cli_list_free(&v->texts);
}

judged judged_by(const weir_config *config) {
    static const judged by_error = {"test_error", "valid_error", "error", " %", 100},
                        by_likelihood = {"test_nll", "valid_nll", "negative log-likelihood", " nats", 1},
                        by_distance = {"test_rmse", "valid_rmse", "root mean square error", "", 1};
    const weir_kind *loss = weir_kind_find(config->network[config->network_count - 1].kind);
    if (loss == NULL || loss->takes != WEIR_TAKES_TARGETS) return by_error;
    return loss->traits & WEIR_KIND_LIKELIHOOD ? by_likelihood : by_distance;
}
