// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Files of rates: an object in JSON that says what it was measured on, and an array of numbers per way and operation.

#include <weir/calibration.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/core.h"
#include "rates.h"

static const size_t most_bytes = 1 << 20;
static const char format_name[] = "weir rates 1";

/// The three tables of rates of a precision, each some rows of WEIR_CALIBRATION_ROWS numbers.
typedef struct rate_table {
    const char *name;
    size_t offset, lines;
} rate_table;
static const rate_table tables[] = {
    {"dense", offsetof(weir_rates, dense), WEIR_OPERATION_COUNT},
    {"stream", offsetof(weir_rates, stream), WEIR_OPERATION_COUNT},
    {"gated", offsetof(weir_rates, gated), (size_t)WEIR_OPERATION_COUNT *WEIR_CALIBRATION_BLOCKS},
};
enum { TABLES = sizeof tables / sizeof *tables, PRECISIONS = 2 };

static double *line_of(weir_rates *rates, const rate_table *table, size_t line) {
    return (double *)(void *)((char *)rates + table->offset) + line * WEIR_CALIBRATION_ROWS;
}

// ---- where ---------------------------------------------------------------------------------------------------------

weir_status weir_calibration_path(char *path, size_t size, weir_error *error) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const bool own = cache && cache[0] == '/'; // as the specification of these folders asks
    weir_status status = WEIR_OK;
    TRY_THAT(own || (home && home[0]), WEIR_NOT_FOUND,
             "neither XDG_CACHE_HOME nor HOME names a folder for the rates of this machine");
    snprintf(path, size, "%s%s/weir/rates-%s-%d.json", own ? cache : home, own ? "" : "/.cache",
             weir_isa_name(weir_isa_current()), weir_threads());
done:
    return status;
}

// ---- writing -------------------------------------------------------------------------------------------------------

static json_t *table_json(const weir_rates *rates, const rate_table *table) {
    json_t *lines = json_array();
    for (size_t k = 0; k < table->lines; k++) {
        const double *values = line_of((weir_rates *)(uintptr_t)rates, table, k); // only read
        json_t *line = json_array();
        for (size_t r = 0; r < WEIR_CALIBRATION_ROWS; r++) json_array_append_new(line, json_real(values[r]));
        json_array_append_new(lines, line);
    }
    return lines;
}

/// NULL: no memory.
static json_t *object_of(const weir_calibration *c) {
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:f}", "format", format_name, "weir", weir_version(),
                               "processor", c->processor, "isa", weir_isa_name(c->isa), "threads", c->threads,
                               "pair_seconds", c->pair_seconds, "float_seconds", c->float_seconds);
    for (int p = 0; object && p < PRECISIONS; p++) {
        json_t *rates = json_object();
        for (size_t t = 0; t < TABLES; t++) {
            json_object_set_new(rates, tables[t].name, table_json(&c->rates[p], &tables[t]));
        }
        json_object_set_new(object, weir_precision_name((weir_precision)p), rates);
    }
    return object;
}

static weir_status make_folder_of(const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *slash = strrchr(path, '/');
    char *folder = slash && slash != path ? weir__copy_string(path) : NULL;
    if (!folder) return WEIR_OK;
    folder[slash - path] = 0;
    status = weir_folder_make(folder, error);
    weir__free(folder);
    return status;
}

weir_status weir_calibration_save(const weir_calibration *calibration, const char *path, weir_error *error) {
    weir__file file = {0};
    weir_status status = WEIR_OK;
    json_t *object = object_of(calibration);
    TRY_THAT(object, WEIR_MEMORY, "out of memory: the rates of this machine");
    TRY(make_folder_of(path, error));
    TRY(weir__file_begin(&file, path, error));
    TRY_THAT(!json_dump_callback(object, weir__file_put, &file, JSON_INDENT(1) | JSON_REAL_PRECISION(17)), WEIR_MEMORY,
             "out of memory: the rates of this machine");
    weir__file_put("\n", 1, &file);
    status = weir__file_commit(&file, error);
done:
    weir__file_abandon(&file);
    json_decref(object);
    return status;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static weir_status want_text(const json_t *object, const char *path, const char *key, const char *wanted,
                             weir_error *error) {
    const char *got = json_string_value(json_object_get(object, key));
    if (got && strcmp(got, wanted) == 0) return WEIR_OK;
    return weir__fail(error, WEIR_FORMAT, "%s: \"%s\" is \"%s\", expected \"%s\"; measure this machine anew", path, key,
                      got ? got : "not text", wanted);
}

static weir_status read_number(const json_t *value, const char *path, const char *what, double *number,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    const double got = json_is_number(value) ? json_number_value(value) : NAN;
    TRY_THAT(got >= 0 && isfinite(got), WEIR_FORMAT, "%s: \"%s\" has something other than numbers of at least 0", path,
             what);
    *number = got;
done:
    return status;
}

static weir_status read_table(const json_t *lines, const char *path, const rate_table *table, weir_rates *rates,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(json_array_size(lines) == table->lines, WEIR_FORMAT, "%s: \"%s\" has %zu lines, expected %zu", path,
             table->name, json_array_size(lines), table->lines);
    for (size_t k = 0; k < table->lines; k++) {
        const json_t *line = json_array_get(lines, k);
        TRY_THAT(json_array_size(line) == WEIR_CALIBRATION_ROWS, WEIR_FORMAT,
                 "%s: a line of \"%s\" has %zu numbers, expected %d", path, table->name, json_array_size(line),
                 WEIR_CALIBRATION_ROWS);
        for (size_t r = 0; r < WEIR_CALIBRATION_ROWS; r++) {
            TRY(read_number(json_array_get(line, r), path, table->name, line_of(rates, table, k) + r, error));
        }
    }
done:
    return status;
}

static weir_status read_object(const json_t *object, const char *path, weir_calibration *c, weir_error *error) {
    char processor[sizeof c->processor];
    weir_status status = WEIR_OK;
    weir__processor_name(processor, sizeof processor);
    TRY(want_text(object, path, "format", format_name, error));
    TRY(want_text(object, path, "weir", weir_version(), error));
    TRY(want_text(object, path, "processor", processor, error));
    TRY(want_text(object, path, "isa", weir_isa_name(weir_isa_current()), error));
    const json_int_t threads = json_integer_value(json_object_get(object, "threads"));
    TRY_THAT(threads == weir_threads(), WEIR_FORMAT, "%s: of %lld threads, expected %d; measure this machine anew",
             path, (long long)threads, weir_threads());
    memcpy(c->processor, processor, sizeof processor);
    c->isa = weir_isa_current();
    c->threads = weir_threads();
    TRY(read_number(json_object_get(object, "pair_seconds"), path, "pair_seconds", &c->pair_seconds, error));
    TRY(read_number(json_object_get(object, "float_seconds"), path, "float_seconds", &c->float_seconds, error));
    for (int p = 0; p < PRECISIONS; p++) {
        const json_t *rates = json_object_get(object, weir_precision_name((weir_precision)p));
        for (size_t t = 0; t < TABLES; t++) {
            TRY(read_table(json_object_get(rates, tables[t].name), path, &tables[t], &c->rates[p], error));
        }
    }
done:
    return status;
}

weir_status weir_calibration_load(weir_calibration *calibration, const char *path, weir_error *error) {
    weir_calibration c = {0};
    char *text = NULL;
    size_t size = 0;
    json_t *object = NULL;
    json_error_t where;
    weir_status status = WEIR_OK;
    TRY(weir__file_read(path, most_bytes, &text, &size, error));
    object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    TRY_THAT(json_is_object(object), WEIR_FORMAT, "%s: line %d: %s", path, object ? 1 : where.line,
             object ? "expected an object" : where.text);
    TRY(read_object(object, path, &c, error));
    *calibration = c;
done:
    json_decref(object);
    weir__free(text);
    return status;
}
