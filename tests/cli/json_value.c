// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// json_value FILE [PATH]: prints the value at a path like "layers.2.name", exactly; fails if the file is no valid JSON
// or has no such value. json_value --lines FILE: every line is a JSON object; prints how many. "-" is standard input.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static int print_value(const json_t *value) {
    if (json_is_string(value)) return printf("%s\n", json_string_value(value)) < 0;
    if (json_is_array(value)) return printf("%zu entries\n", json_array_size(value)) < 0;
    if (json_is_object(value)) return printf("%zu fields\n", json_object_size(value)) < 0;
    return json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) != 0 || putchar('\n') < 0;
}

static int count_lines(FILE *file) {
    char *line = NULL;
    size_t size = 0, count = 0;
    int status = 0;
    while (status == 0 && getline(&line, &size, file) > 0) {
        json_t *value = json_loads(line, 0, NULL);
        status = !json_is_object(value);
        if (status != 0) fprintf(stderr, "line %zu is no JSON object: %s", count + 1, line);
        json_decref(value);
        count++;
    }
    free(line);
    if (status == 0) printf("%zu\n", count);
    return status;
}

int main(int argc, char **argv) {
    int lines = argc > 1 && strcmp(argv[1], "--lines") == 0;
    if (argc < 2 + lines || argc > 3) return 2;
    const char *name = argv[1 + lines];
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    if (file == NULL) {
        perror(name);
        return 1;
    }
    if (lines) return count_lines(file);
    json_error_t error;
    json_t *root = json_loadf(file, 0, &error);
    if (root == NULL) {
        fprintf(stderr, "%s:%d: %s\n", name, error.line, error.text);
        return 1;
    }
    const json_t *value = root;
    for (char *part = argc == 3 ? strtok(argv[2], ".") : NULL; part != NULL; part = strtok(NULL, "."))
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10)) : json_object_get(value, part);
    if (value == NULL) fprintf(stderr, "%s: no such value\n", name);
    int status = value == NULL || print_value(value);
    json_decref(root);
    return status;
}
