// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A program in a locale with a decimal comma writes and reads the same files as one in the C locale: configurations,
// checkpoints, models, results, rates. The locale is made by localedef where the machine has none.

#include <locale.h>
#include <unistd.h>

#include "testing.h"

#include "core/core.h"
#include "train_bed.h"
#include <weir/train.h>

static char folder[] = "/tmp/weir-locale-XXXXXX";
static bool has_comma;
static const char *found; // its name

static int find_locale(void **state) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    char command[256];
    (void)state;
    if (!mkdtemp(folder)) return -1;
    for (int turn = 0; turn < 2 && !has_comma; turn++) {
        for (size_t i = 0; i < sizeof names / sizeof *names && !has_comma; i++) {
            found = names[i];
            has_comma = setlocale(LC_ALL, found) && !strcmp(localeconv()->decimal_point, ",");
        }
        if (has_comma || turn) break;
        snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
        if (system(command) != 0) break;
        setenv("LOCPATH", folder, 1);
    }
    setlocale(LC_ALL, "C");
    return 0;
}

static int remove_files(void **state) {
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void use_comma(bool comma) {
    if (!has_comma) {
        print_message("no locale with a decimal comma is installed, and localedef makes none\n");
        skip();
    }
    assert_non_null(comma ? setlocale(LC_ALL, found) : setlocale(LC_ALL, "C"));
}

static weir_status train(const char *name, size_t epochs, bool resume, weir_error *error) {
    char path[256];
    weir_node nodes[bed_nodes_most];
    const size_t count = bed_network(nodes, "noisy-rectifier:sd=0.3");
    weir_graph_options making = weir_graph_options_default(32);
    weir_train_options o = weir_train_options_default();
    weir_data *data = bed_digits(96, 32, 32);
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    o.epochs = epochs;
    o.optimizer.rate = 0.0125;
    o.average = 0.5;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    weir_status status = weir_graph_create(&graph, nodes, count, &making, error);
    if (status == WEIR_OK) status = weir_trainer_create(&trainer, graph, data, &o, error);
    if (status == WEIR_OK && resume) status = weir_trainer_resume(trainer, path, error);
    if (status == WEIR_OK && resume) assert_null(weir_trainer_remark(trainer));
    if (status == WEIR_OK) status = weir_trainer_run(trainer, path, NULL, NULL, NULL, error);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
    return status;
}

static void assert_same_file(const char *one, const char *other, const char *name) {
    char command[512];
    snprintf(command, sizeof command, "cmp %s/%s/%s %s/%s/%s", folder, one, name, folder, other, name);
    assert_int_equal(system(command), 0);
}

static void test_checkpoints(void **state) {
    (void)state;
    weir_error error = {0};
    use_comma(false);
    must(train("whole", 3, false, &error), &error);
    for (int begun = 0; begun < 2; begun++) { // in one locale begun, in the other ended
        char name[16];
        snprintf(name, sizeof name, "parts%d", begun);
        use_comma(begun == 0);
        must(train(name, 1, false, &error), &error);
        use_comma(begun == 1);
        must(train(name, 3, true, &error), &error);
        assert_same_file("whole", name, "model.safetensors");
    }
    use_comma(false);
}

static void test_texts(void **state) {
    (void)state;
    static const char text[] = "rule: noisy-rectifier:sd=0.3\nnetwork: [{kind: input, size: 3}, {kind: unit}]\n"
                               "train: {optimizer: {rate: 0.25}}\n";
    weir_config config;
    weir_error error = {0};
    char *printed = NULL;
    use_comma(true);
    must(weir_config_parse(&config, text, "text", NULL, 0, &error), &error);
    assert_true(config.train.optimizer.rate == 0.25);
    must(weir_config_print(&config, &printed, &error), &error);
    assert_non_null(strstr(printed, "rate: 0.25\n"));
    assert_non_null(strstr(printed, "sd=0.3\n"));
    weir_text_free(printed);
    weir_config_free(&config);
    weir__fail(&error, WEIR_DATA, "%g", 0.5);
    assert_string_equal(error.text, "0.5");
    use_comma(false);
}

static void test_rates(void **state) {
    (void)state;
    char path[256];
    weir_calibration written, read;
    weir_error error = {0};
    snprintf(path, sizeof path, "%s/rates.json", folder);
    for (int comma = 0; comma < 2; comma++) {
        use_comma(comma);
        weir_calibration_default(&written);
        weir__processor_name(written.processor, sizeof written.processor);
        must(weir_calibration_save(&written, path, &error), &error);
        use_comma(!comma);
        must(weir_calibration_load(&read, path, &error), &error);
        assert_memory_equal(written.rates, read.rates, sizeof read.rates);
    }
    use_comma(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests(tests, find_locale, remove_files);
}
