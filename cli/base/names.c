// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file names.c
/// Names of columns, classes and targets, as text and as JSON.
#include "cli.h"

#include <stdlib.h>
#include <string.h>

void cli_print_names(FILE *out, const char *label, size_t indent, const weir_names *names, weir_named list) {
    enum { most = 40 };
    char *text = NULL;
    size_t size = 0, count = weir_names_count(names, list);
    FILE *line = count > 0 ? open_memstream(&text, &size) : NULL;
    for (size_t i = 0; line != NULL && i < count && i < most; i++) {
        const char *name = weir_names_at(names, list, i), *quote = strchr(name, ',') != NULL ? "\"" : "";
        fprintf(line, "%s%s%s%s", i > 0 ? ", " : "", quote, name, quote);
    }
    if (line != NULL && count > most) fprintf(line, " and %zu others", count - most);
    if (line != NULL && fclose(line) == 0 && text != NULL) {
        fprintf(out, "%s", label);
        cli_wrap(out, indent, text);
    }
    free(text);
}

void cli_names_json(json_t *object, const weir_names *names) {
    static const char *const keys[] = {[WEIR_NAMED_COLUMNS] = "columns",
                                       [WEIR_NAMED_CLASSES] = "classes",
                                       [WEIR_NAMED_TARGETS] = "targets"};
    for (size_t list = 0; list < CLI_COUNT_OF(keys); list++) {
        const size_t count = weir_names_count(names, (weir_named)list);
        json_t *items = count > 0 ? json_array() : NULL;
        for (size_t i = 0; i < count; i++)
            json_array_append_new(items, json_string(weir_names_at(names, (weir_named)list, i)));
        if (count > 0) json_object_set_new(object, keys[list], items);
    }
    const char *label = weir_names_at(names, WEIR_NAMED_LABEL, 0);
    if (label != NULL) json_object_set_new(object, "label", json_string(label));
}
