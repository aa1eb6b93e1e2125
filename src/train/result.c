// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What a run came to, and result.json.

#include <math.h>
#include <string.h>

#include "trainer.h"

weir_result weir_result_empty(void) {
    weir_result r = {
        .version = weir_version(),
        .train_loss = NAN,
        .train_share = NAN,
        .valid_error = NAN,
        .seconds = NAN,
        .rows_per_second_train = NAN,
        .test_loss = NAN,
        .test_error = NAN,
        .valid_nll = NAN,
        .valid_rmse = NAN,
        .test_rmse = NAN,
        .test_r2 = NAN,
        .test_bits_per_byte = NAN,
        .test_nll = NAN,
        .share = NAN,
        .load_entropy = NAN,
        .load_overlap = NAN,
        .load_same_class = NAN,
        .load_other_class = NAN,
        .threshold = NAN,
        .multiply_adds_dense = NAN,
        .multiply_adds_done = NAN,
        .multiply_adds_gater = NAN,
        .predict_ms_dense = NAN,
        .predict_ms_gated = NAN,
    };
    for (size_t i = 0; i < WEIR_RESULT_GATES; i++) r.thresholds[i] = NAN;
    return r;
}

void weir_trainer_result(const weir_trainer *t, weir_result *result) {
    double seconds = 0, train_seconds = 0;
    for (size_t i = 0; i < t->epoch_count; i++) {
        seconds += t->epochs[i].seconds;
        train_seconds += t->epochs[i].train_seconds;
    }
    result->seed = t->options.seed;
    result->epochs = t->epoch_count;
    result->best_epoch = t->place.best_epoch;
    result->seconds = seconds;
    const size_t rows = weir__training_rows(t);
    if (train_seconds > 0 && rows) {
        result->rows_per_second_train = (double)rows * (double)t->epoch_count / train_seconds;
    }
    if (!t->place.best_epoch) return;
    const weir_epoch *best = &t->epochs[t->place.best_epoch - 1];
    result->train_loss = best->train_loss;
    result->train_share = best->train_share;
    result->valid_error = best->valid_error;
    result->valid_nll = best->valid_nll;
    result->valid_rmse = best->valid_rmse;
}

static int set_thresholds(json_t *json, const weir_result *r) {
    json_t *by_node = json_object();
    int failed = 0;
    for (size_t i = 0; i < r->gate_count && i < WEIR_RESULT_GATES; i++) {
        failed |= json_object_set_new(by_node, r->gates[i], weir__json_real(r->thresholds[i]));
    }
    failed |= json_object_set_new(json, "threshold", weir__json_real(r->threshold));
    return failed | json_object_set_new(json, "thresholds", by_node);
}

static json_t *string_or_null(const char *text) { return text && *text ? json_string(text) : json_null(); }

// The seed may be beyond what a JSON integer of 64 bits with a sign holds; then it is written as a string.
static json_t *seed_of(uint64_t seed) {
    if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    return json_string(text);
}

static json_t *to_json(const weir_result *r) {
    json_t *json = json_object();
    int failed = 0;
#define SET(name, value) failed |= json_object_set_new(json, #name, value)
#define REAL(name)       SET(name, weir__json_real(r->name))
#define COUNT(name)      SET(name, json_integer((json_int_t)r->name))
    SET(name, string_or_null(r->name));
    SET(rule, string_or_null(r->rule));
    REAL(train_loss);
    REAL(valid_error);
    REAL(test_error);
    REAL(test_loss);
    if (isfinite(r->test_bits_per_byte)) REAL(test_bits_per_byte);
    if (isfinite(r->test_rmse)) {
        REAL(valid_rmse);
        REAL(test_rmse);
        REAL(test_r2);
    }
    if (r->samples) {
        REAL(valid_nll);
        REAL(test_nll);
        COUNT(samples);
    }
    REAL(share);
    REAL(train_share);
    if (r->gate_count) {
        COUNT(gates_never_open);
        REAL(load_entropy);
        REAL(load_overlap);
        REAL(load_same_class);
        REAL(load_other_class);
    }
    failed |= set_thresholds(json, r);
    COUNT(epochs);
    COUNT(best_epoch);
    REAL(seconds);
    REAL(rows_per_second_train);
    REAL(multiply_adds_dense);
    REAL(multiply_adds_done);
    REAL(multiply_adds_gater);
    REAL(predict_ms_dense);
    REAL(predict_ms_gated);
    COUNT(predict_rows);
    COUNT(predict_batch);
    COUNT(predict_repeats);
    COUNT(parameters);
    COUNT(memory_peak);
    COUNT(threads);
    SET(isa, string_or_null(r->isa));
    SET(precision, string_or_null(r->precision));
    SET(seed, seed_of(r->seed));
    SET(version, string_or_null(r->version));
#undef SET
#undef REAL
#undef COUNT
    if (!failed) return json;
    json_decref(json);
    return NULL;
}

weir_status weir_result_write(const weir_result *result, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__file file = {0};
    json_t *json = to_json(result);
    TRY_THAT(json, WEIR_MEMORY, "out of memory (or a name that is not UTF-8): the result");
    TRY(weir__file_begin(&file, path, error));
    // Nine digits give a float back exactly, and 0.059 stays 0.059.
    (void)json_dump_callback(json, weir__file_put, &file,
                             JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    (void)weir__file_put("\n", 1, &file);
    TRY(weir__file_commit(&file, error));
done:
    weir__file_abandon(&file);
    json_decref(json);
    return status;
}
