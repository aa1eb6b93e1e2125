// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Model files: what is saved is loaded and predicts the same bits; tensors have PyTorch's layout whatever the memory
// order; files that are hostile, cut, of another kind or from a newer version are refused by name.

#include <float.h>

#include "scratch_folder.h"

#include <weir/weir.h>

#include "core/core.h"
#include "store/safetensors.h"

enum { inputs = 7, outputs = 3, row_count = 11, most_values = 64, most_arrays = 16 };

static const char text[] = "name: tiny\n"
                           "rule: sts\n"
                           "network:\n"
                           "- {name: in, kind: input, size: 7}\n"
                           "- {kind: affine, size: 5}\n"
                           "- {name: gates, kind: unit}\n"
                           "- {name: experts, kind: gated-affine, from: in, gates: gates, size: 9, block: 2}\n"
                           "- {name: logits, kind: affine, size: 3, bias: 0.25}\n"
                           "- {kind: softmax-cross-entropy}\n"
                           "train: {epochs: 5}\n";

static weir_graph *make_graph(const char *config_text) {
    weir_config config;
    weir_graph *graph = NULL;
    weir_error error = {0};
    weir_graph_options options = weir_graph_options_default(4);
    options.seed = 5;
    if (weir_config_parse(&config, config_text, "tiny", NULL, 0, &error) != WEIR_OK ||
        weir_graph_create(&graph, config.network, config.network_count, &options, &error) != WEIR_OK) {
        fail_msg("%s", error.text);
    }
    weir_config_free(&config);
    return graph;
}

static weir_graph *save(float threshold, const char *config_text) {
    weir_error error = {0};
    weir_graph *graph = make_graph(text);
    assert_int_equal(weir_graph_threshold_set(graph, weir_graph_find(graph, "gates"), threshold, NULL), WEIR_OK);
    if (weir_model_save(graph, path, config_text, 0.4, &error) != WEIR_OK) fail_msg("%s", error.text);
    return graph;
}

static weir_graph *load(weir_config *config, size_t max_rows) {
    weir_graph *graph = NULL;
    weir_error error = {0};
    if (weir_model_load(&graph, config, path, max_rows, &error) != WEIR_OK) fail_msg("%s", error.text);
    return graph;
}

static weir_rows *make_rows(void) {
    float values[row_count * inputs];
    weir_rows *rows = NULL;
    for (size_t i = 0; i < row_count * inputs; i++) values[i] = (float)((i * 37) % 23) / 11 - 1;
    assert_int_equal(weir_rows_create(&rows, values, row_count, inputs, NULL), WEIR_OK);
    return rows;
}

typedef struct prediction {
    int32_t classes[row_count];
    float probabilities[row_count * outputs];
} prediction;

static prediction predict(weir_graph *graph) {
    prediction p;
    weir_error error = {0};
    weir_rows *rows = make_rows();
    if (weir_predict(graph, p.classes, p.probabilities, rows, 0, row_count, &error) != WEIR_OK) {
        fail_msg("%s", error.text);
    }
    weir_rows_free(rows);
    return p;
}

static void test_saved_model_predicts_the_same(void **state) {
    (void)state;
    const float threshold = -0.123456789f;
    weir_config config;
    weir_graph *graph = save(threshold, text);
    weir_graph *loaded = load(&config, 3); // other batches: 3, 3, 3, 2 instead of 4, 4, 3
    const prediction before = predict(graph), after = predict(loaded);
    assert_true(weir_graph_threshold(loaded, weir_graph_find(loaded, "gates")) == threshold);
    assert_memory_equal(before.classes, after.classes, sizeof before.classes);
    bool differ = false;
    for (size_t r = 0; r < row_count; r++) {
        float sum = 0, most = 0;
        for (size_t i = 0; i < outputs; i++) {
            const float b = before.probabilities[r * outputs + i], a = after.probabilities[r * outputs + i];
            assert_true(fabsf(a - b) <= 1e-6f);
            differ = differ || fabsf(a - after.probabilities[i]) > 1e-3f;
            sum += a;
            most = fmaxf(most, a);
        }
        assert_true(fabsf(sum - 1) <= 1e-5f);
        assert_true(after.probabilities[r * outputs + (size_t)after.classes[r]] == most);
    }
    assert_true(differ); // rows are not all the same
    assert_string_equal(config.name, "tiny");
    assert_string_equal(config.network[2].rule, "sts");
    assert_int_equal(config.train.epochs, 5);
    weir_config_free(&config);
    weir_graph_free(graph);
    weir_graph_free(loaded);
}

static void test_parameters_are_exact_and_plain(void **state) {
    (void)state;
    weir_graph *graph = save(0, text), *loaded = load(NULL, 4);
    const weir_parameters a = weir_graph_parameters(graph), b = weir_graph_parameters(loaded);
    weir__safetensors *file = NULL;
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.values, b.values, a.count * sizeof *a.values);
    assert_null(b.gradients);
    // The file holds logits.weight as [outputs][inputs], though memory may be in tiles of a block's columns.
    assert_int_equal(weir__safetensors_open(&file, path, NULL), WEIR_OK);
    assert_int_equal(weir__safetensors_count(file), a.tensor_count);
    size_t checked = 0;
    for (size_t t = 0; t < a.tensor_count; t++) {
        const weir_tensor *tensor = &a.tensors[t];
        float plain[most_values], stored[most_values];
        const weir__stored *array = weir__safetensors_find(file, tensor->name);
        assert_non_null(array);
        assert_int_equal(array->rank, strstr(tensor->name, ".bias") ? 1 : 2);
        assert_int_equal(array->shape[0], tensor->rows);
        if (array->rank == 2) assert_int_equal(array->shape[1], tensor->columns);
        assert_int_equal(weir_graph_values_get(graph, plain, t, NULL), WEIR_OK);
        assert_int_equal(weir__safetensors_read(file, array, stored, NULL), WEIR_OK);
        assert_memory_equal(plain, stored, tensor->rows * tensor->columns * sizeof *plain);
        checked++;
    }
    assert_int_equal(checked, 6);
    assert_string_equal(weir__safetensors_metadata(file, "weir.format"), "1");
    assert_string_equal(weir__safetensors_metadata(file, "weir.version"), weir_version());
    assert_string_equal(weir__safetensors_metadata(file, "weir.config"), text);
    assert_true(strtod(weir__safetensors_metadata(file, "weir.share"), NULL) == 0.4);
    weir__safetensors_close(file);
    weir_graph_free(graph);
    weir_graph_free(loaded);
}

static void test_infinite_thresholds(void **state) {
    (void)state;
    static const float thresholds[] = {INFINITY, -INFINITY, FLT_MAX, 0x1.fffffep-120f};
    for (size_t i = 0; i < 4; i++) {
        weir_graph_free(save(thresholds[i], text));
        weir_graph *loaded = load(NULL, 4);
        const float got = weir_graph_threshold(loaded, weir_graph_find(loaded, "gates"));
        assert_true(got == fmaxf(-FLT_MAX, fminf(FLT_MAX, thresholds[i])));
        weir_graph_free(loaded);
    }
}

static void test_without_configuration(void **state) {
    (void)state;
    weir_config config;
    weir_graph *graph = save(0, NULL), *loaded = load(&config, 4);
    const prediction before = predict(graph), after = predict(loaded);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(config.network_count, 6);
    assert_string_equal(config.network[1].name, "affine2");
    weir_config_free(&config);
    weir_graph_free(graph);
    weir_graph_free(loaded);
}

static void test_predict_refuses(void **state) {
    (void)state;
    weir_error error = {0};
    weir_graph *graph = make_graph(text);
    weir_rows *rows = make_rows(), *narrow = NULL;
    int32_t classes[row_count];
    const float values[6] = {0};
    assert_int_equal(weir_rows_create(&narrow, values, 1, 6, NULL), WEIR_OK);
    assert_int_equal(weir_predict(graph, classes, NULL, narrow, 0, 1, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "6 values"));
    assert_int_equal(weir_predict(graph, classes, NULL, rows, row_count - 1, 2, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_predict(graph, classes, NULL, rows, SIZE_MAX, 2, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_predict(graph, classes, NULL, rows, row_count, 0, &error), WEIR_OK);
    assert_int_equal(weir_predict(graph, classes, NULL, rows, row_count - 1, 1, &error), WEIR_OK);
    assert_int_equal(weir_predict(graph, NULL, NULL, rows, 0, row_count, &error), WEIR_OK);
    weir_rows_free(rows);
    weir_rows_free(narrow);
    weir_graph_free(graph);
}

// ---- files that others made ----------------------------------------------------------------------------------------

typedef struct contents {
    weir__stored arrays[most_arrays];
    float values[most_arrays][most_values];
    size_t count;
    weir__metadata metadata[6];
    size_t metadata_count;
} contents;

// Everything of a good model, to be changed and written to `other`. The metadata lives as long as the file is open.
static weir__safetensors *take_apart(contents *c) {
    static const char *const keys[] = {"weir.format", "weir.version", "weir.kind", "weir.thresholds", "weir.config"};
    weir__safetensors *file = NULL;
    *c = (contents){0};
    weir_graph_free(save(0.5f, text));
    assert_int_equal(weir__safetensors_open(&file, path, NULL), WEIR_OK);
    c->count = weir__safetensors_count(file);
    for (size_t i = 0; i < c->count; i++) {
        c->arrays[i] = *weir__safetensors_at(file, i);
        assert_true(weir__stored_values(&c->arrays[i]) <= most_values);
        assert_int_equal(weir__safetensors_read(file, &c->arrays[i], c->values[i], NULL), WEIR_OK);
        c->arrays[i].data = c->values[i];
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        c->metadata[c->metadata_count++] = (weir__metadata){keys[i], weir__safetensors_metadata(file, keys[i])};
    }
    return file;
}

// From memory a file gives the same status, and the same text but for its name.
static void expect_same_from_memory(const char *bytes, size_t size, weir_status expected, const char *said) {
    weir_graph *graph = NULL;
    weir_error error = {0};
    char wanted[WEIR_ERROR_TEXT] = "";
    char *copy = malloc(size ? size : 1); // exactly so large: a sanitizer sees what reads beyond it
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const weir_status status = weir_model_load_memory(&graph, NULL, copy, size, 4, &error);
    free(copy);
    assert_int_equal(status, expected);
    assert_true((graph != NULL) == (status == WEIR_OK));
    weir_graph_free(graph);
    if (status == WEIR_OK) return;
    const char *at = strstr(said, path_of("other"));
    assert_non_null(at);
    snprintf(wanted, sizeof wanted, "%.*smemory%s", (int)(at - said), said, at + strlen(path_of("other")));
    // A text that filled its place with the longer name ends earlier there.
    if (strlen(said) + 1 < sizeof wanted) assert_string_equal(error.text, wanted);
}

static void expect_load(const contents *c, weir_status expected, const char *part) {
    weir_graph *graph = NULL;
    weir_config config;
    weir_error error = {0};
    assert_int_equal(
        weir__safetensors_write(path_of("other"), c->arrays, c->count, c->metadata, c->metadata_count, &error),
        WEIR_OK);
    const weir_status status = weir_model_load(&graph, &config, path_of("other"), 4, &error);
    if (status != expected || !strstr(error.text, part)) {
        fail_msg("got %s \"%s\", expected %s with \"%s\"", weir_status_name(status), error.text,
                 weir_status_name(expected), part);
    }
    if (status == WEIR_OK) {
        weir_graph_free(graph);
        weir_config_free(&config);
    } else {
        assert_null(graph);
        assert_null(config.memory);
        assert_non_null(strstr(error.text, path_of("other")));
    }
    void *printed = NULL;
    char *bytes = NULL;
    size_t printed_size = 0, size = 0;
    assert_int_equal(weir__file_read(path_of("other"), 1 << 20, &bytes, &size, NULL), WEIR_OK);
    assert_int_equal(
        weir__safetensors_print(&printed, &printed_size, c->arrays, c->count, c->metadata, c->metadata_count, NULL),
        WEIR_OK);
    assert_int_equal(printed_size, size);
    assert_memory_equal(printed, bytes, size);
    expect_same_from_memory(bytes, size, status, error.text);
    weir_bytes_free(printed);
    weir__free(bytes);
}

static void test_foreign_metadata(void **state) {
    (void)state;
    static const struct {
        int key; // in take_apart's order
        const char *value;
        weir_status status;
        const char *part;
    } cases[] = {{0, "1", WEIR_OK, ""},
                 {0, "2", WEIR_VERSION, "format 2"},
                 {0, "0", WEIR_FORMAT, "weir.format"},
                 {0, "x", WEIR_FORMAT, "weir.format"},
                 {0, "", WEIR_FORMAT, "weir.format"},
                 {2, "checkpoint", WEIR_FORMAT, "is a checkpoint"},
                 {3, "", WEIR_FORMAT, "weir.thresholds"},
                 {3, "[]", WEIR_FORMAT, "weir.thresholds"},
                 {3, "{}", WEIR_FORMAT, "\"gates\""},
                 {3, "{\"gates\":\"0\"}", WEIR_FORMAT, "\"gates\""},
                 {3, "{\"gates\":1e300}", WEIR_FORMAT, "\"gates\""},
                 {3, "{\"gates\":1e999}", WEIR_FORMAT, "weir.thresholds"},
                 {3, "{\"gates\":2,\"more\":3}", WEIR_OK, ""},
                 {4, "", WEIR_FORMAT, "weir.config"},
                 {4, "nonsense: 1", WEIR_FORMAT, "unknown key"},
                 {4, "network: [{kind: input, size: 3}]", WEIR_FORMAT, "a network has"}};
    contents c;
    weir__safetensors *file = take_apart(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir__metadata *changed = &c.metadata[cases[i].key];
        const char *kept = changed->value;
        changed->value = cases[i].value;
        expect_load(&c, cases[i].status, cases[i].part);
        changed->value = kept;
    }
    for (int missing = 0; missing < 5; missing++) {
        contents less = c;
        for (int k = missing; k < 4; k++) less.metadata[k] = less.metadata[k + 1];
        less.metadata_count--;
        // Version and kind may be missing, as in a file that another program made.
        const bool needed = missing == 0 || missing == 3 || missing == 4;
        expect_load(&less, needed ? WEIR_FORMAT : WEIR_OK, needed ? c.metadata[missing].key : "");
    }
    weir__safetensors_close(file);
}

static void test_foreign_tensors(void **state) {
    (void)state;
    contents c, changed;
    weir__safetensors *file = take_apart(&c);
    expect_load(&c, WEIR_OK, "");
    for (size_t i = 0; i < c.count; i++) {
        changed = c; // missing
        changed.arrays[i] = changed.arrays[--changed.count];
        expect_load(&changed, WEIR_FORMAT, "");
        changed = c; // other shape, same number of values
        changed.arrays[i].rank = 3;
        changed.arrays[i].shape[2] = 1;
        if (c.arrays[i].rank == 1) changed.arrays[i].shape[1] = 1;
        expect_load(&changed, WEIR_FORMAT, c.arrays[i].name);
        changed = c; // other type
        changed.arrays[i].dtype = WEIR__DTYPE_I32;
        expect_load(&changed, WEIR_FORMAT, c.arrays[i].name);
        static const float bad[] = {NAN, INFINITY, -INFINITY};
        for (size_t k = 0; k < 3; k++) {
            const float kept = c.values[i][1];
            c.values[i][1] = bad[k];
            expect_load(&c, WEIR_DATA, c.arrays[i].name);
            c.values[i][1] = kept;
        }
    }
    weir__safetensors_close(file);
}

// A small file that describes an enormous network must not take the memory of one.
static void test_absurd_networks(void **state) {
    (void)state;
    static const char *const configs[] = {
        "network: [{kind: input, size: 16777216}, {name: logits, kind: affine, size: 16777216}]",
        "network: [{kind: input, size: 4294967295}, {name: logits, kind: affine, size: 4294967295}]",
        "network: [{kind: input, size: 7}, {kind: affine, size: 5}, {name: logits, kind: affine, size: 1000000}]",
        "rule: sts\nnetwork: [{kind: input, size: 7}, {name: affine2, kind: affine, size: 5}, {name: gates, kind: "
        "unit},"
        "{kind: gated-affine, from: affine2, gates: gates, size: 1000000}]",
        "network: [{kind: input, size: 4294967295}, {kind: tanh}]",
    };
    contents c;
    weir__safetensors *file = take_apart(&c);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        c.metadata[4].value = configs[i];
        expect_load(&c, WEIR_FORMAT, i < 4 ? "more than the file holds" : "too many");
    }
    weir__safetensors_close(file);
}

static void test_truncated_files(void **state) {
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    weir_graph_free(save(0, text));
    assert_int_equal(weir__file_read(path, 1 << 20, &bytes, &size, NULL), WEIR_OK);
    for (size_t kept = 0; kept < size; kept += kept < 16 || kept > size - 16 ? 1 : 17) {
        weir_graph *graph = NULL;
        FILE *stream = fopen(path_of("other"), "wb");
        assert_non_null(stream);
        assert_int_equal(fwrite(bytes, 1, kept, stream), kept);
        assert_int_equal(fclose(stream), 0);
        weir_error error = {0};
        assert_int_equal(weir_model_load(&graph, NULL, path_of("other"), 4, &error), WEIR_FORMAT);
        assert_null(graph);
        expect_same_from_memory(bytes, kept, WEIR_FORMAT, error.text);
    }
    weir__free(bytes);
}

// Saved to memory and to a file: the same bytes; loaded from memory, which is then overwritten and freed: the same
// predictions. At an odd address, too.
static void test_in_memory(void **state) {
    (void)state;
    void *bytes = NULL;
    char *file = NULL;
    size_t size = 0, file_size = 0;
    weir_error error = {0};
    weir_graph *graph = save(0.25f, text), *loaded = NULL;
    weir_config config;
    if (weir_model_save_memory(graph, &bytes, &size, text, 0.4, &error)) fail_msg("%s", error.text);
    assert_int_equal(weir__file_read(path, 1 << 20, &file, &file_size, NULL), WEIR_OK);
    assert_int_equal(size, file_size);
    assert_memory_equal(bytes, file, size);
    char *odd = malloc(size + 1);
    assert_non_null(odd);
    memcpy(odd + 1, bytes, size);
    weir_bytes_free(bytes);
    if (weir_model_load_memory(&loaded, &config, odd + 1, size, 4, &error)) fail_msg("%s", error.text);
    memset(odd, 0xff, size + 1);
    free(odd);
    const prediction before = predict(graph), after = predict(loaded);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(weir_graph_threshold(loaded, weir_graph_find(loaded, "gates")) == 0.25f);
    assert_string_equal(config.name, "tiny");
    weir_config_free(&config);
    weir_graph_free(loaded);

    assert_int_equal(weir_model_load_memory(&loaded, NULL, NULL, 0, 4, &error), WEIR_FORMAT);
    weir_graph_parameters(graph).values[0] = NAN;
    bytes = &error;
    assert_int_equal(weir_model_save_memory(graph, &bytes, &size, text, 0.4, &error), WEIR_DATA);
    assert_null(bytes);
    assert_non_null(strstr(error.text, "memory: tensor"));
    weir_bytes_free(NULL);
    weir__free(file);
    weir_graph_free(graph);
}

static void test_missing_file(void **state) {
    (void)state;
    weir_graph *graph = NULL;
    weir_error error = {0};
    assert_int_equal(weir_model_load(&graph, NULL, "/nowhere/model.safetensors", 4, &error), WEIR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/model.safetensors"));
}

static void test_save_refuses(void **state) {
    (void)state;
    weir_error error = {0};
    weir_graph *graph = save(0, text);
    float *value = weir_graph_parameters(graph).values;
    const float kept = *value;
    *value = NAN;
    assert_int_equal(weir_model_save(graph, path, text, 0.1, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "affine2.weight"));
    *value = kept;
    assert_true(weir_model_save(graph, "/nowhere/model.safetensors", text, 0.1, &error) != WEIR_OK);
    assert_int_equal(weir_model_save(graph, path, "\xff", 0.1, &error), WEIR_ARGUMENT);
    weir_graph_free(load(NULL, 4)); // the former file is whole
    assert_int_equal(weir_model_save(graph, path, text, NAN, &error), WEIR_OK);
    weir_graph_free(load(NULL, 4));
    weir_graph_free(graph);
}

static void test_allocation_failures(void **state) {
    (void)state;
    weir_graph *graph = save(0, text);
    weir_status status = WEIR_MEMORY;
    long count = 0;
    for (; status != WEIR_OK; count++) {
        weir__alloc_fail_after(count);
        status = weir_model_save(graph, path, NULL, 0.1, NULL);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, weir_status_name(status));
    }
    assert_true(count > 10);
    weir_graph_free(graph);
    status = WEIR_MEMORY;
    for (count = 0; status != WEIR_OK; count++) {
        weir_config config;
        weir__alloc_fail_after(count);
        status = weir_model_load(&graph, &config, path, 4, NULL);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, weir_status_name(status));
        assert_true((graph != NULL) == (status == WEIR_OK));
        weir_config_free(&config);
    }
    assert_true(count > 50);
    status = WEIR_MEMORY;
    for (count = 0; status != WEIR_OK; count++) {
        void *bytes = NULL;
        size_t size = 0;
        weir__alloc_fail_after(count);
        status = weir_model_save_memory(graph, &bytes, &size, NULL, 0.1, NULL);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, weir_status_name(status));
        assert_true((bytes != NULL) == (status == WEIR_OK));
        weir_bytes_free(bytes);
    }
    assert_true(count > 10);
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved_model_predicts_the_same),
        cmocka_unit_test(test_parameters_are_exact_and_plain),
        cmocka_unit_test(test_infinite_thresholds),
        cmocka_unit_test(test_without_configuration),
        cmocka_unit_test(test_predict_refuses),
        cmocka_unit_test(test_foreign_metadata),
        cmocka_unit_test(test_foreign_tensors),
        cmocka_unit_test(test_absurd_networks),
        cmocka_unit_test(test_truncated_files),
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_save_refuses),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
