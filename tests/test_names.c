// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Names of columns, classes and targets: lists, data sets from arrays, graphs, model files.

#include <weir/weir.h>

#include "testing.h"

static const char *const classes[] = {"setosa", "versicolor", "väx"}, *const columns[] = {"länge", "width"};

static void lists(void **state) {
    (void)state;
    weir_error error = {0};
    weir_names *names = NULL, *copy = NULL;
    assert_int_equal(weir_names_create(&names, &error), WEIR_OK);
    assert_int_equal(weir_names_count(names, WEIR_NAMED_CLASSES), 0);
    assert_true(weir_names_find(names, WEIR_NAMED_CLASSES, "setosa") == SIZE_MAX);
    assert_int_equal(weir_names_set(names, WEIR_NAMED_CLASSES, classes, 3, &error), WEIR_OK);
    assert_int_equal(weir_names_count(names, WEIR_NAMED_CLASSES), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(weir_names_at(names, WEIR_NAMED_CLASSES, i), classes[i]);
        assert_int_equal(weir_names_find(names, WEIR_NAMED_CLASSES, classes[i]), i);
    }
    assert_true(weir_names_find(names, WEIR_NAMED_CLASSES, "virginica") == SIZE_MAX);
    assert_null(weir_names_at(names, WEIR_NAMED_CLASSES, 3));
    assert_int_equal(weir_names_copy(&copy, names, &error), WEIR_OK);
    weir_names_free(names);
    assert_string_equal(weir_names_at(copy, WEIR_NAMED_CLASSES, 2), classes[2]);
    const char *const doubled[] = {"a", "b", "a"}, *const empty[] = {"a", ""};
    assert_int_equal(weir_names_set(copy, WEIR_NAMED_CLASSES, doubled, 3, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "\"a\" occurs twice, as name 0 and as name 2"));
    assert_int_equal(weir_names_set(copy, WEIR_NAMED_CLASSES, empty, 2, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_names_set(copy, WEIR_NAMED_LABEL, classes, 2, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_names_count(copy, WEIR_NAMED_CLASSES), 3); // as before
    assert_int_equal(weir_names_set(copy, WEIR_NAMED_CLASSES, NULL, 0, &error), WEIR_OK);
    assert_int_equal(weir_names_count(copy, WEIR_NAMED_CLASSES), 0);
    weir_names_free(copy);
    assert_int_equal(weir_names_count(NULL, WEIR_NAMED_COLUMNS), 0);
    assert_null(weir_names_at(NULL, WEIR_NAMED_COLUMNS, 0));
    weir_names_free(NULL);
}

static weir_names *make_names(void) {
    weir_error error = {0};
    weir_names *names = NULL;
    assert_int_equal(weir_names_create(&names, &error), WEIR_OK);
    assert_int_equal(weir_names_set(names, WEIR_NAMED_CLASSES, classes, 3, &error), WEIR_OK);
    assert_int_equal(weir_names_set(names, WEIR_NAMED_COLUMNS, columns, 2, &error), WEIR_OK);
    return names;
}

static const weir_node network[] = {{.kind = "input", .name = "x", .size = 2},
                                    {.kind = "affine", .name = "y", .size = 3},
                                    {.kind = "softmax-cross-entropy", .name = "loss"}};

// From arrays to a trainer, a graph, a model in memory, a graph again, and a context of it.
static void travel(void **state) {
    (void)state;
    weir_error error = {0};
    const float values[8] = {0, 1, 1, 0, 1, 1, 0, 0};
    const int32_t labels[4] = {0, 1, 0, 1};
    weir_names *names = make_names();
    weir_data_arrays arrays = {.columns = 2, .names = names, .train = {.rows = 4, .values = values, .labels = labels}};
    weir_data *data = NULL;
    assert_int_equal(weir_data_create(&data, &arrays, NULL, &error), WEIR_OK);
    weir_names_free(names);
    assert_int_equal(weir_data_classes(data), 3); // the third has a name, though no row
    weir_graph *graph = NULL, *loaded = NULL, *context = NULL;
    weir_graph_options making = weir_graph_options_default(4);
    making.training = true;
    assert_int_equal(weir_graph_create(&graph, network, 3, &making, &error), WEIR_OK);
    assert_null(weir_graph_names(graph));
    weir_train_options options = weir_train_options_default();
    options.batch = 2;
    weir_trainer *trainer = NULL;
    assert_int_equal(weir_trainer_create(&trainer, graph, data, &options, &error), WEIR_OK);
    void *bytes = NULL;
    size_t size = 0;
    assert_int_equal(weir_model_save_memory(graph, &bytes, &size, NULL, (double)NAN, &error), WEIR_OK);
    assert_int_equal(weir_model_load_memory(&loaded, NULL, bytes, size, 4, &error), WEIR_OK);
    assert_int_equal(weir_graph_share(&context, loaded, 1, &error), WEIR_OK);
    const weir_names *kept = weir_graph_names(context);
    for (size_t i = 0; i < 3; i++) assert_string_equal(weir_names_at(kept, WEIR_NAMED_CLASSES, i), classes[i]);
    for (size_t i = 0; i < 2; i++) assert_string_equal(weir_names_at(kept, WEIR_NAMED_COLUMNS, i), columns[i]);
    assert_int_equal(weir_names_count(kept, WEIR_NAMED_LABEL), 0);
    weir_graph_free(context);
    weir_graph_free(loaded);
    weir_bytes_free(bytes);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}

static void that_do_not_fit(void **state) {
    (void)state;
    weir_error error = {0};
    const float values[4] = {0, 1, 1, 0};
    const int32_t labels[2] = {0, 3};
    weir_names *names = make_names();
    weir_data_arrays arrays = {.columns = 2, .names = names, .train = {.rows = 2, .values = values, .labels = labels}};
    weir_data *data = NULL;
    assert_int_equal(weir_data_create(&data, &arrays, NULL, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "names of 3 classes, but a label is 3"));
    arrays.columns = 1;
    assert_int_equal(weir_data_create(&data, &arrays, NULL, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "names of 2 columns, but rows of 1 values"));
    weir_graph *graph = NULL;
    weir_graph_options making = weir_graph_options_default(1);
    weir_node two[3] = {network[0], network[1], network[2]};
    two[1].size = 2;
    assert_int_equal(weir_graph_create(&graph, two, 3, &making, &error), WEIR_OK);
    assert_int_equal(weir_graph_names_set(graph, names, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "names of 3 classes, but the network has 2 outputs"));
    assert_null(weir_graph_names(graph));
    const char *const latin[] = {"a", "b\xe9"};
    assert_int_equal(weir_names_set(names, WEIR_NAMED_CLASSES, latin, 2, &error), WEIR_OK);
    assert_int_equal(weir_graph_names_set(graph, names, &error), WEIR_OK);
    void *bytes = NULL;
    size_t size = 0;
    assert_int_equal(weir_model_save_memory(graph, &bytes, &size, NULL, (double)NAN, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "no UTF-8"));
    assert_int_equal(weir_graph_names_set(graph, NULL, &error), WEIR_OK);
    weir_names_free(names);
    weir_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(travel),
        cmocka_unit_test(that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
