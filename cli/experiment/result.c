// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file experiment_result.c
/// Results of the runs of an experiment, as their result.json has them.
#include "plan.h"

#include <math.h>
#include <stdlib.h>

json_t *experiment_result(const experiment_run *run) {
    char *path = cli_path(run->folder, "result.json");
    json_error_t reason;
    json_t *result = path != NULL ? json_load_file(path, 0, &reason) : NULL;
    if (path != NULL && !json_is_object(result))
        cli_error("%s: %s", path, result == NULL ? reason.text : "is no JSON object");
    if (!json_is_object(result)) {
        json_decref(result);
        result = NULL;
    }
    free(path);
    return result;
}

double experiment_field(const json_t *result, const char *field) {
    const json_t *value = json_object_get(result, field);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

double experiment_number(const json_t *result, const experiment_value *value) {
    double sum = experiment_field(result, value->field);
    if (value->plus != NULL) sum += experiment_field(result, value->plus);
    return value->factor * sum;
}
