// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Configurations: defaults, files, settings and variants, in the right order; printing that reads back to the same
// configuration; and for every kind of mistake an error that names file, line and key.

#include <locale.h>
#include <unistd.h>

#include "testing.h"

#include "config/settings.h"
#include "core/core.h"
#include "graph/fields.h"

static const char small[] = "rule: sts\n"
                            "network:\n"
                            "  - {name: in, kind: input, size: 4}\n"
                            "  - {kind: affine, size: 3, max_norm: 2.1}\n"
                            "  - {name: gates, kind: unit}\n"
                            "  - {name: own, kind: unit, rule: rectifier}\n"
                            "train:\n"
                            "  epochs: 7\n"
                            "  optimizer: {rate: 0.5}\n"
                            "variants:\n"
                            "  - {rule: sts, set: [rate=0.25, epochs=8]}\n"
                            "  - rule: reinforce\n"
                            "    set:\n"
                            "      - rule=reinforce:decay=0.5\n"
                            "      - affine2.rate=0.01\n"
                            "      - sparsity.kind=l1\n";

static weir_config parse(const char *text, const char *const *settings, size_t count) {
    weir_config config;
    weir_error error = {0};
    if (weir_config_parse(&config, text, "a/small.yaml", settings, count, &error) != WEIR_OK)
        fail_msg("%s", error.text);
    return config;
}

static void test_defaults(void **state) {
    (void)state;
    weir_config c = parse("network: [{kind: input, size: 3}]", NULL, 0);
    const weir_train_options train = weir_train_options_default();
    const weir_data_options data = weir_data_options_default();
    assert_string_equal(c.name, "small"); // after the file
    assert_null(c.about);
    assert_null(c.rule);
    assert_int_equal(c.network_count, 1);
    assert_null(c.network[0].name);
    assert_int_equal(c.network[0].size, 3);
    assert_true(c.network[0].rate == 0);
    assert_true(c.train.seed == train.seed && c.train.epochs == train.epochs && c.train.batch == train.batch);
    assert_true(c.train.optimizer.rate == train.optimizer.rate);
    assert_true(c.train.sparsity.average == train.sparsity.average);
    assert_string_equal(c.train.sparsity.kind, train.sparsity.kind);
    assert_string_equal(c.data.source, data.source);
    assert_true(c.data.seed == data.seed);
    assert_string_equal(c.data.label_column, data.label_column);
    weir_config_free(&c);
    weir_config_free(&c);
    weir_config_free(NULL);
}

static void test_file_values(void **state) {
    (void)state;
    weir_config c = parse("name: n\nabout: 'a: b'\n"
                          "network: [{kind: input, size: 3}]\n"
                          "data: {source: files, label_column: 0, seed: 18446744073709551615, train_rows: \"x #1\"}\n"
                          "train: {test_threshold: no, sparsity: {target: 1e-3, adapt: 1}, seed: 007}\n",
                          NULL, 0);
    assert_string_equal(c.name, "n");
    assert_string_equal(c.about, "a: b");
    assert_string_equal(c.data.source, "files");
    assert_string_equal(c.data.train_rows, "x #1");
    assert_string_equal(c.data.label_column, "0");
    assert_true(c.data.seed == UINT64_MAX);
    assert_false(c.train.test_threshold);
    assert_true(c.train.sparsity.target == 1e-3);
    assert_int_equal(c.train.seed, 7);
    weir_config_free(&c);
}

static void test_order_of_settings(void **state) {
    (void)state;
    weir_config c = parse(small, NULL, 0);
    assert_true(c.train.optimizer.rate == 0.25); // the variant of the file's own rule
    assert_int_equal(c.train.epochs, 8);
    assert_string_equal(c.network[2].rule, "sts");
    assert_string_equal(c.network[3].rule, "rectifier");
    assert_null(c.network[1].rule);
    weir_config_free(&c);

    const char *const late_rule[] = {"epochs=2", "rule=reinforce", "train.sparsity.kind=none"};
    c = parse(small, late_rule, 3);
    assert_true(c.train.optimizer.rate == 0.5); // no variant of sts
    assert_int_equal(c.train.epochs, 2);
    assert_string_equal(c.rule, "reinforce:decay=0.5"); // the variant's parameters
    assert_string_equal(c.network[2].rule, "reinforce:decay=0.5");
    assert_true(c.network[1].rate == 0.01);
    assert_string_equal(c.train.sparsity.kind, "none"); // settings win over variants
    weir_config_free(&c);

    const char *const with_parameters[] = {"rule=reinforce:baseline=none"};
    c = parse(small, with_parameters, 1);
    assert_string_equal(c.rule, "reinforce:baseline=none"); // not the variant's
    assert_string_equal(c.train.sparsity.kind, "l1");
    weir_config_free(&c);

    const char *const last_wins[] = {"epochs=2", "epochs=3", "rule=sts", "rule=rectifier"};
    c = parse(small, last_wins, 4);
    assert_string_equal(c.rule, "rectifier");
    assert_int_equal(c.train.epochs, 3);
    weir_config_free(&c);
}

static void test_keys_of_settings(void **state) {
    (void)state;
    const char *const settings[] = {"train.optimizer.beta1=0.5",
                                    "optimizer.beta2=0.25",
                                    "epsilon=1e-3",
                                    "network.in.size=9",
                                    "affine2.init=2",
                                    "gates.rule=rectifier",
                                    "name=x=y",
                                    "network.affine2.bias=-1",
                                    "data.seed=5"};
    weir_config c = parse(small, settings, sizeof settings / sizeof *settings);
    assert_true(c.train.optimizer.beta1 == 0.5);
    assert_true(c.train.optimizer.beta2 == 0.25);
    assert_true(c.train.optimizer.epsilon == 1e-3);
    assert_int_equal(c.network[0].size, 9);
    assert_true(c.network[1].init == 2);
    assert_true(c.network[1].bias == -1);
    assert_string_equal(c.network[2].rule, "rectifier");
    assert_string_equal(c.name, "x=y");
    assert_int_equal(c.data.seed, 5);
    weir_config_free(&c);
}

static void expect_error(const char *text, const char *setting, const char *first, const char *second) {
    weir_config c;
    weir_error error = {0};
    const weir_status status = weir_config_parse(&c, text, "f.yaml", &setting, setting != NULL, &error);
    if (status != WEIR_CONFIG || error.status != WEIR_CONFIG || !strstr(error.text, first) ||
        !strstr(error.text, second)) {
        fail_msg("got %s \"%s\", expected CONFIG with \"%s\" and \"%s\"", weir_status_name(status), error.text, first,
                 second);
    }
    assert_null(c.network);
    assert_null(c.memory);
}

static void test_errors_in_files(void **state) {
    (void)state;
    static const struct {
        const char *text, *place, *what;
    } cases[] = {
        {"a: 1", "f.yaml:1: a: unknown key", "known are name, about, rule, precision, data, network, train, variants"},
        {"name: x\n\ntrian: 1", "f.yaml:3: trian: unknown key", "did you mean 'train'?"},
        {"train:\n  # rate\n  optimizer:\n    kind: sgd\n    raet: 1\n", "f.yaml:5: train.optimizer.raet", "'rate'?"},
        {"network:\n- {kind: input}\n- {kind: tanh,\n   sise: 3}", "f.yaml:4: network.1.sise", "'size'?"},
        {"variants:\n- {rule: sts, sets: []}", "f.yaml:2: variants.0.sets", "'set'?"},
        {"train:\n  optimizer:\n    rate: fast", "f.yaml:3: train.optimizer.rate", "a number > 0, found 'fast'"},
        {"train:\n  optimizer: {rate: 0}", "f.yaml:2: train.optimizer.rate", "> 0, found '0'"},
        {"train: {optimizer: {rate: nan}}", "f.yaml:1: train.optimizer.rate", "found 'nan'"},
        {"train: {optimizer: {rate: 1e999}}", "f.yaml:1: train.optimizer.rate", "found '1e999'"},
        {"train: {optimizer: {rate: 0x1p3}}", "f.yaml:1: train.optimizer.rate", "found '0x1p3'"},
        {"train: {optimizer: {rate: ''}}", "f.yaml:1: train.optimizer.rate", "found ''"},
        {"train: {optimizer: {momentum: 1}}", "train.optimizer.momentum", "[0, 1), found '1'"},
        {"train: {optimizer: {kind: adm}}", "train.optimizer.kind",
         "sgd, momentum, adam, found 'adm'; did you mean 'adam'"},
        {"train: {sparsity: {target: 0}}", "train.sparsity.target", "in (0, 1), found '0'"},
        {"train: {sparsity: {target: 1}}", "train.sparsity.target", "in (0, 1), found '1'"},
        {"train: {sparsity: {adapt: 0.9}}", "train.sparsity.adapt", ">= 1, found '0.9'"},
        {"train: {batch: 0}", "train.batch", "from 1 to 1048576, found '0'"},
        {"train: {batch: 2.5}", "train.batch", "found '2.5'"},
        {"train: {epochs: -1}", "train.epochs", "found '-1'"},
        {"train: {epochs: 99999999999999999999}", "train.epochs", "found '99999999999999999999'"},
        {"train: {seed: 18446744073709551616}", "train.seed", "found '18446744073709551616'"},
        {"train: {seed: -1}", "train.seed", "found '-1'"},
        {"train: {test_threshold: maybe}", "train.test_threshold", "true or false, found 'maybe'"},
        {"data: {label_column: -2}", "data.label_column", "data.label_column is \"-2\""},
        {"data: {label_column: 'a,b'}", "data.label_column", "expected one column, by number from 0 or by name"},
        {"data: {skip_columns: '3-1'}", "data.skip_columns", "expected columns by number from 0 or by name"},
        {"data: {source: mist}", "data.source", "did you mean 'mnist'?"},
        {"rule: stss", "f.yaml:1: rule: ", "stss"},
        {"rule: 'sts:nose=beta'", "f.yaml:1: rule: ", "nose"},
        {"network:\n- {kind: inptu}", "f.yaml:2: network.0.kind", "did you mean 'input'?"},
        {"network:\n- {name: a.b}", "f.yaml:2: network.0.name", "without dots"},
        {"network:\n- {name: ''}", "f.yaml:2: network.0.name", "found ''"},
        {"network:\n- {kind: gated-affine, block: 0}", "f.yaml:2: network.0.block", "from 1"},
        {"network:\n- {kind: dropout, dropout: 1}", "f.yaml:2: network.0.dropout", "[0, 1)"},
        {"network:\n- {kind: input, name: a}\n- {kind: tanh, name: a}", "f.yaml:3: network.1.name", "called 'a'"},
        {"network:\n- {size: 3}", "f.yaml:2: network.0", "no kind"},
        {"network:\n- {kind: unit}", "f.yaml:2: network.0", "no rule"},
        {"name: x", "f.yaml: network", "missing"},
        {"network: []", "f.yaml: network", "missing"},
        {"", "f.yaml", "empty"},
        {"network: 3", "f.yaml:1: network", "expected a list"},
        {"network:\n- 3", "f.yaml:2: network.0", "expected keys with values"},
        {"train: 3", "f.yaml:1: train", "expected keys with values"},
        {"name: [a]", "f.yaml:1: name", "expected a single value"},
        {"- a", "f.yaml", "expected keys with values"},
        {"train:\n  epochs: 1\n  epochs: 2", "f.yaml:2: train.epochs", "once more"},
        {"variants: [{rule: sts}]", "f.yaml:1: variants.0: ", "set is missing"},
        {"variants: [{rule: stx, set: []}]", "f.yaml:1: variants.0.rule", "stx"},
        {"name: &a x\nabout: *a", "f.yaml:2: about", "aliases"},
        {"name: a\n---\nname: b", "f.yaml:2: ", "second document"},
        {"network: [{kind: input}]\ntrain: {epochs: 1}\ntrain: {batch: 2}", "f.yaml:2: train: ", "once more in line 3"},
        {"network: [{kind: input}]\nnetwork: []", "f.yaml:1: network: ", "once more in line 2"},
        {"network:\n- kind: input\n  kind: tanh", "f.yaml:2: network.0.kind: ", "once more in line 3"},
        {"train.epochs: 3", "f.yaml:1: train.epochs: unknown key", "known are name, about"},
        {"lr: 3", "f.yaml:1: lr: unknown key", "known are name, about"},
        {"[a]: 3", "f.yaml:1: ", "a key that is a single word"},
        {"name: \"a\\0b\"", "f.yaml:1: name: ", "zero byte"},
        {"name: a\nabout: [b", "f.yaml:2: about: ", "expected a single value"},
        {"name: a\nabout: 'b\n", "f.yaml:3: not valid YAML: ", "in column 1"},
        {"network:\n- {kind: add, from: [a, [b]]}", "f.yaml:2: network.0.from.1: ", "expected a single value"},
        {"network:\n- kind: add\n  from:\n    - a\n    - b,c\n", "f.yaml:5: network.0.from.1: ", "without commas"},
        {"network:\n- kind: add\n  from:\n    - a\n    - {b: c}\n", "f.yaml:5: network.0.from.1: ", "a single value"},
        {"network:\n- {kind: input, size: [3]}", "f.yaml:2: network.0.size: ", "expected a single value"},
        {"name: a\n\tb: c", "f.yaml:2: not valid YAML", "tab"},
        {"name: [", "f.yaml:1: ", ""},
        {"name: \"\xff\"", "f.yaml:1: not valid YAML", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_error(cases[i].text, NULL, cases[i].place, cases[i].what);
    }
}

static void test_errors_in_settings(void **state) {
    (void)state;
    static const struct {
        const char *setting, *first, *second;
    } cases[] = {
        {"epochs=x", "setting 'epochs=x'", "found 'x'"},
        {"epochs=", "setting 'epochs='", "found ''"},
        {"epochs", "'epochs'", "expected key=value"},
        {"=3", "'=3'", "expected key=value"},
        {"", "''", "expected key=value"},
        {"epocsh=3", "no setting 'epocsh'", "did you mean 'epochs'?"},
        {"nothing=3", "no setting 'nothing'", ""},
        {"seed=3", "'seed' is not unique", "data.seed, train.seed"},
        {"kind=sgd", "'kind' is not unique", "train.optimizer.kind, train.sparsity.kind"},
        {"size=3", "no setting 'size'", "NODE.size"},
        {"train=3", "'train=3'", "no value of its own"},
        {"network=3", "'network=3'", "no value of its own"},
        {"network.foo=3", "no node 'foo'", "in, affine2, gates, own"},
        {"network.foo.size=3", "no node 'foo'", "in, affine2, gates, own"},
        {"gates.siez=3", "a node has no 'siez'", "did you mean 'size'?"},
        {"gates.rule=foo", "'gates.rule=foo'", "foo"},
        {"rule=foo", "'rule=foo'", "foo"},
        {"gates.name=own", "network.3.name", "unique"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_error(small, cases[i].setting, cases[i].first, cases[i].second);
    }
}

static void test_errors_in_variants(void **state) {
    (void)state;
    static const char text[] = "rule: sts\n"
                               "network: [{kind: input, size: 2}]\n"
                               "variants:\n"
                               "  - {rule: reinforce, set: [rule=sts]}\n"
                               "  - {rule: sts, set: []}\n"
                               "  - rule: sts\n"
                               "    set:\n"
                               "      - epochs=4\n"
                               "      - rate=no\n";
    expect_error(text, NULL, "f.yaml:9: variants.2.set.1", "setting 'rate=no'");
    expect_error(text, "rule=reinforce", "f.yaml:4: variants.0.set.0", "cannot choose 'sts'");
}

static void test_hostile_texts(void **state) {
    (void)state;
    enum { size = 1 << 20 };
    weir_config c;
    weir_error error = {0};
    char *text = malloc(size + 2);
    assert_non_null(text);
    const char fills[] = "[{a:- &*\n\"'!|";
    for (size_t i = 0; i < sizeof fills - 1; i++) {
        memset(text, fills[i], size);
        memcpy(text, "name: ", 6);
        text[size] = 0;
        assert_true(weir_config_parse(&c, text, "f", NULL, 0, &error) != WEIR_OK);
    }
    memset(text, ' ', size + 1);
    text[size + 1] = 0;
    assert_int_equal(weir_config_parse(&c, text, "f", NULL, 0, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "longer than"));
    free(text);
}

static void test_print_reads_back(void **state) {
    (void)state;
    // Numbers that need 17 digits, texts that need quotes, and all types.
    static const char text[] =
        "name: 'x: # y'\nabout: \"\\u00fc \\\\ ' \\\" \\n end \"\nrule: noisy-rectifier:sd=0.3\n"
        "data: {seed: 18446744073709551615, label_column: 3, path: ' ', test_rows: 'null', test_labels: '~'}\n"
        "network:\n"
        "- {name: \"0\", kind: input, size: 4294967295}\n"
        "- {kind: gated-affine, gates: g, size: 3, block: 2, activation: tanh, closed: sample,\n"
        "   closed_share: 0.30000000000000004, init: 1e-300, init_inputs: 5, bias: -0.1, rate: 3.3333333333333335,\n"
        "   max_norm: 1.7976931348623157e308}\n"
        "- {kind: unit}\n- {kind: unit, rule: sts}\n- {kind: dropout, dropout: 0.1}\n"
        "train: {checkpoint_seconds: 0.1, test_threshold: false, optimizer: {rate: 5e-324, epsilon: 1e-8},\n"
        "  sparsity: {target: 0.99999999999999989}}\n"
        "variants:\n- {rule: noisy-rectifier, set: [epochs=77]}\n";
    weir_config first = parse(text, NULL, 0), second;
    char *once = NULL, *twice = NULL;
    weir_error error = {0};
    assert_int_equal(weir_config_print(&first, &once, &error), WEIR_OK);
    second = parse(once, NULL, 0);
    assert_int_equal(weir_config_print(&second, &twice, &error), WEIR_OK);
    assert_string_equal(once, twice);
    assert_null(strstr(once, "variants"));

    assert_string_equal(first.name, "x: # y");
    assert_string_equal(second.name, first.name);
    assert_string_equal(second.about, "\u00fc \\ ' \" \n end ");
    assert_string_equal(second.data.path, " ");
    assert_string_equal(second.data.test_rows, "null");
    assert_string_equal(second.data.test_labels, "~");
    assert_true(second.data.seed == UINT64_MAX);
    assert_string_equal(second.data.label_column, "3");
    assert_int_equal(second.train.epochs, 77);
    assert_false(second.train.test_threshold);
    assert_true(second.train.optimizer.rate == 5e-324);
    assert_true(second.train.sparsity.target == 0.99999999999999989);
    assert_int_equal(second.network_count, 5);
    const weir_node *a = &first.network[1], *b = &second.network[1];
    assert_true(a->closed_share == b->closed_share && a->closed_share == 0.30000000000000004);
    assert_true(a->init == b->init && a->bias == b->bias && a->rate == b->rate && a->max_norm == b->max_norm);
    assert_true(b->size == 3 && b->block == 2 && b->init_inputs == 5);
    assert_string_equal(b->closed, "sample");
    assert_string_equal(second.network[2].rule, "noisy-rectifier:sd=0.3");
    assert_string_equal(second.network[3].rule, "sts");
    weir_text_free(once);
    weir_text_free(twice);
    weir_config_free(&first);
    weir_config_free(&second);
}

static void test_printed_rule_can_be_changed(void **state) {
    (void)state;
    weir_config c = parse(small, NULL, 0);
    char *text = NULL;
    assert_int_equal(weir_config_print(&c, &text, NULL), WEIR_OK);
    weir_config_free(&c);
    const char *const rule[] = {"rule=rectifier"};
    c = parse(text, rule, 1);
    assert_string_equal(c.network[2].rule, "rectifier");
    weir_config_free(&c);
    weir_text_free(text);
}

// Every setting of the table survives: a value other than the default is printed and read back.
static void test_every_setting(void **state) {
    (void)state;
    size_t seen = 0;
    assert_true(weir__setting_count() <= weir__settings_most && weir__node_fields.count <= weir__node_settings_most);
    for (size_t i = 0; i < weir__setting_count(); i++) {
        const weir__field *s = weir__setting_at(i).field;
        if (!weir__field_is_value(s)) continue;
        const char *value = "0.5";
        if (s->choices) value = strrchr(s->choices, '|') + 1;
        if (s->type == WEIR__TEXT) value = s->check ? "rectifier" : "other";
        if (s->type == WEIR__FLAG) value = "false";
        if (s->type == WEIR__SIZE || s->type == WEIR__SEED || s->type == WEIR__INTEGER) value = "13";
        if (s->range && s->range->least >= 1 && s->type == WEIR__NUMBER) value = "1.5";
        char setting[128];
        snprintf(setting, sizeof setting, "%s=%s", s->path, value);
        const char *const settings[] = {setting};
        weir_config plain = parse("network: [{kind: input, size: 3}]", NULL, 0);
        weir_config set = parse("network: [{kind: input, size: 3}]", settings, 1);
        char *plain_text = NULL, *set_text = NULL, *again = NULL;
        assert_int_equal(weir_config_print(&plain, &plain_text, NULL), WEIR_OK);
        assert_int_equal(weir_config_print(&set, &set_text, NULL), WEIR_OK);
        // Some defaults are 0.5 already, and the name is the file's: then nothing is shown to survive.
        if (strcmp(plain_text, set_text)) seen++;
        weir_config back = parse(set_text, NULL, 0);
        assert_int_equal(weir_config_print(&back, &again, NULL), WEIR_OK);
        assert_string_equal(set_text, again);
        weir_text_free(plain_text);
        weir_text_free(set_text);
        weir_text_free(again);
        weir_config_free(&plain);
        weir_config_free(&set);
        weir_config_free(&back);
    }
    assert_true(seen >= 37); // all but momentum and step_factor
}

static void test_list_of_settings(void **state) {
    (void)state;
    size_t of_nodes = 0, rates = 0;
    for (size_t i = 0; i < weir_setting_count(); i++) {
        const weir_setting s = weir_setting_at(i);
        assert_true(s.path && *s.path && s.expects && *s.expects && s.about && *s.about);
        of_nodes += s.of_node;
        if (strcmp(s.path, "train.optimizer.rate") == 0) rates += !s.of_node && !strcmp(s.expects, "a number > 0");
    }
    assert_int_equal(of_nodes, weir__node_fields.count);
    assert_int_equal(rates, 1);
    assert_null(weir_setting_at(weir_setting_count()).path);
    assert_true(weir_setting_at(weir_setting_count() - 1).of_node);
}

static void test_other_locales(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < 3 && !found; i++) found = setlocale(LC_ALL, names[i]) != NULL;
    if (!found) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    weir_config c = parse("network: [{kind: input, size: 3}]\ntrain: {optimizer: {rate: 0.25}}", NULL, 0);
    assert_true(c.train.optimizer.rate == 0.25);
    char *text = NULL;
    assert_int_equal(weir_config_print(&c, &text, NULL), WEIR_OK);
    assert_non_null(strstr(text, "rate: 0.25\n"));
    weir_text_free(text);
    weir_config_free(&c);
    setlocale(LC_ALL, "C");
}

static void test_files_and_names(void **state) {
    (void)state;
    char path[] = "/tmp/weir-config-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, small, sizeof small - 1), (ssize_t)sizeof small - 1);
    weir_config c;
    weir_error error = {0};
    assert_int_equal(weir_config_load(&c, path, NULL, 0, &error), WEIR_OK);
    assert_string_equal(c.name, strrchr(path, '/') + 1);
    weir_config_free(&c);
    assert_int_equal(write(descriptor, "\0x", 2), 2);
    assert_int_equal(weir_config_load(&c, path, NULL, 0, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "zero byte"));
    close(descriptor);
    unlink(path);
    assert_int_equal(weir_config_load(&c, path, NULL, 0, &error), WEIR_NOT_FOUND);
    assert_int_equal(weir_config_load(&c, "digist", NULL, 0, &error), WEIR_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'digits'?"));
    assert_int_equal(weir_config_load(&c, "/tmp", NULL, 0, &error), WEIR_IO);
}

// An example loads, prints, and makes the graph that it describes.
static void check_example(const char *name, const char *rule) {
    char setting[64];
    const char *const settings[] = {setting};
    weir_config c;
    weir_error error = {0};
    weir_graph *graph = NULL;
    char *text = NULL;
    weir_graph_options options = weir_graph_options_default(4);
    options.training = false;
    snprintf(setting, sizeof setting, "rule=%s", rule ? rule : "");
    if (weir_config_load(&c, name, settings, rule ? 1 : 0, &error) != WEIR_OK) fail_msg("%s", error.text);
    assert_string_equal(c.name, name);
    assert_non_null(c.about);
    assert_int_equal(weir_config_print(&c, &text, NULL), WEIR_OK);
    weir_text_free(text);
    const weir_status made = weir_graph_create(&graph, c.network, c.network_count, &options, &error);
    // a rule may be for fewer outputs than the example's layer has
    if (made != WEIR_OK && !(rule && made == WEIR_UNSUPPORTED && strstr(error.text, "a variable of"))) {
        fail_msg("%s with %s: %s", name, rule ? rule : "its own rule", error.text);
    }
    weir_graph_free(graph);
    weir_config_free(&c);
}

// What an example says has an effect in it.
static void check_idle(const char *name) {
    weir_config c;
    weir_error error = {0};
    char *lines = NULL;
    assert_int_equal(weir_config_load(&c, name, NULL, 0, &error), WEIR_OK);
    assert_int_equal(weir_config_idle(&c, &lines, NULL, 0, &error), WEIR_OK);
    if (lines) fail_msg("%s: %s", name, lines);
    assert_int_equal(weir_config_set(&c, "train.optimizer.step_epochs=3", &error), WEIR_OK);
    assert_int_equal(weir_config_idle(&c, &lines, NULL, 0, &error), WEIR_OK);
    assert_non_null(lines); // no example has that schedule
    weir_text_free(lines);
    weir_config_free(&c);
}

// Every example with its own rule; those that are made for any rule with each.
static void test_examples(void **state) {
    (void)state;
    static const char *const general[] = {"digits", "mnist-blocks", "mnist-dense", "mnist-lower-half", "mnist-paper"};
    size_t found = 0;
    for (size_t i = 0; i < weir_example_count(); i++) {
        const char *name = weir_example_name(i);
        assert_non_null(weir_example_text(i));
        check_example(name, NULL);
        check_idle(name);
        size_t g = 0;
        while (g < sizeof general / sizeof *general && strcmp(general[g], name)) g++;
        if (g == sizeof general / sizeof *general) continue;
        found++;
        for (size_t r = 0; r < weir_rule_count(); r++) check_example(name, weir_rule_at(r)->name);
    }
    assert_int_equal(found, sizeof general / sizeof *general);
    assert_null(weir_example_name(weir_example_count()));
    assert_null(weir_example_text(weir_example_count()));
}

static void test_variants_of_the_paper(void **state) {
    (void)state;
    const char *setting = "rule=sts";
    weir_config c;
    assert_int_equal(weir_config_load(&c, "mnist-paper", &setting, 1, NULL), WEIR_OK);
    assert_string_equal(c.train.optimizer.kind, "momentum");
    assert_true(c.train.optimizer.momentum == 0.5 && c.train.sparsity.weight == 0.001);
    assert_non_null(strstr(c.network[4].rule, "noise=beta"));
    weir_config_free(&c);
    setting = "rule=reinforce";
    assert_int_equal(weir_config_load(&c, "mnist-paper", &setting, 1, NULL), WEIR_OK);
    assert_string_equal(c.train.optimizer.kind, "adam");
    assert_true(c.network[1].rate == 0.1 && c.network[3].rate == 0.1 && c.network[5].rate == 0);
    weir_config_free(&c);
    setting = "rule=noisy-rectifier:sd=0.5";
    assert_int_equal(weir_config_load(&c, "mnist-paper", &setting, 1, NULL), WEIR_OK);
    assert_string_equal(c.train.sparsity.kind, "l1");
    assert_int_equal(c.network[3].init_inputs, 15);
    assert_string_equal(c.network[4].rule, "noisy-rectifier:sd=0.5");
    weir_config_free(&c);
}

// What is a list of words may be written as one, in a line or in several.
static void test_lists_of_words(void **state) {
    (void)state;
    static const char *const forms[] = {"\"0, 3-5\"", "[0, 3-5]", "['0', \"3-5\"]", "\n    - 0\n    - 3-5",
                                        "\n  - '0'\n  - 3-5"};
    char text[256];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(text, sizeof text,
                 "network: [{kind: input, size: 3}]\ndata:\n  source: files\n  skip_columns: %s\n  seed: 4\n",
                 forms[i]);
        weir_config c = parse(text, NULL, 0);
        assert_string_equal(c.data.skip_columns, "0, 3-5");
        assert_int_equal(c.data.seed, 4);
        weir_config_free(&c);
    }
    weir_config c = parse("network: [{kind: input, size: 3}]\ndata: {skip_columns: []}\n", NULL, 0);
    assert_string_equal(c.data.skip_columns, "");
    weir_config_free(&c);
}

static void test_allocation_failures(void **state) {
    (void)state;
    const char *const settings[] = {"rule=reinforce", "gates.rule=sts", "name=x", "about=y", "data.path=a",
                                    "data.path=b",    "own.name=other", "name=z", "about=w", "data.path=c"};
    const size_t setting_count = sizeof settings / sizeof *settings;
    weir_config c;
    weir_status status = WEIR_MEMORY;
    char *text = NULL;
    long count = 0;
    for (; status != WEIR_OK; count++) {
        weir__alloc_fail_after(count);
        status = weir_config_parse(&c, small, "small", settings, setting_count, NULL);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, weir_status_name(status));
        if (status != WEIR_OK) assert_null(c.memory);
    }
    assert_true(count > 50);
    status = WEIR_MEMORY;
    for (count = 0; status != WEIR_OK; count++) {
        weir__alloc_fail_after(count);
        status = weir_config_print(&c, &text, NULL);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("allocation %ld: %s", count, weir_status_name(status));
        if (status != WEIR_OK) assert_null(text);
    }
    assert_true(count > 50);
    weir_text_free(text);
    weir_config_free(&c);
}

// The text of a configuration that was read from a text with settings.
static char *printed(const char *yaml, const char *setting) {
    weir_config c;
    weir_error error = {0};
    char *text = NULL;
    must(weir_config_parse(&c, yaml, "synonym", &setting, setting ? 1 : 0, &error), &error);
    must(weir_config_print(&c, &text, &error), &error);
    weir_config_free(&c);
    return text;
}

static void same_text(const char *yaml, const char *setting, const char *other, const char *other_setting) {
    char *one = printed(yaml, setting), *two = printed(other, other_setting);
    assert_string_equal(one, two);
    weir_text_free(one);
    weir_text_free(two);
}

static const char least_network[] =
    "network: [{name: in, kind: input, size: 4}, {name: last, kind: affine, size: 3}]\n";

// "a.b.word: 7" as YAML, its sections those of the path.
static void write_key(char *yaml, size_t size, const char *path, const char *word) {
    size_t used = (size_t)snprintf(yaml, size, "%s", least_network);
    int depth = 0;
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1, depth++) {
        used += (size_t)snprintf(yaml + used, size - used, "%*s%.*s:\n", 2 * depth, "", (int)(dot - path), path);
    }
    snprintf(yaml + used, size - used, "%*s%s: 7\n", 2 * depth, "", word);
}

static void check_key(const weir_synonym *synonym) {
    char one[512], two[512], setting[128], canonical[128];
    const char *key = strrchr(synonym->name, '.') + 1;
    write_key(one, sizeof one, synonym->name, synonym->word);
    write_key(two, sizeof two, synonym->name, key);
    same_text(one, NULL, two, NULL);
    snprintf(canonical, sizeof canonical, "%s=7", synonym->name);
    same_text(least_network, canonical, two, NULL);
    snprintf(setting, sizeof setting, "%s=7", synonym->word);
    same_text(least_network, setting, least_network, canonical);
    snprintf(setting, sizeof setting, "%.*s%s=7", (int)(key - synonym->name), synonym->name, synonym->word);
    same_text(least_network, setting, least_network, canonical);
    // A node has no such field.
    weir_config c;
    weir_error error = {0};
    snprintf(setting, sizeof setting, "last.%s=7", synonym->word);
    const char *list[] = {setting};
    assert_int_equal(weir_config_parse(&c, least_network, "synonym", list, 1, &error), WEIR_CONFIG);
}

static void check_value(const weir_synonym *synonym) {
    char text[2][512], setting[2][128];
    const bool of_node = !strchr(synonym->setting, '.');
    for (int k = 0; k < 2; k++) {
        const char *value = k ? synonym->name : synonym->word;
        if (!strcmp(synonym->setting, "kind")) {
            snprintf(text[k], sizeof text[k], "network: [{name: in, kind: input, size: 4}, {name: last, kind: %s}]\n",
                     value);
        } else {
            snprintf(text[k], sizeof text[k],
                     "network: [{name: in, kind: input, size: 4}, {name: g, kind: unit, rule: sts}, {name: last, kind: "
                     "gated-affine, gates: g, from: in, size: 3, activation: %s}]\n",
                     value);
        }
        snprintf(setting[k], sizeof setting[k], "%s%s=%s", of_node ? "last." : "", synonym->setting, value);
    }
    if (of_node) same_text(text[0], NULL, text[1], NULL);
    const char *base = of_node ? text[1] : least_network;
    same_text(base, setting[0], base, setting[1]);
}

static void test_synonyms(void **state) {
    (void)state;
    assert_true(weir_synonym_count() > 10);
    assert_null(weir_synonym_at(weir_synonym_count()).word);
    for (size_t i = 0; i < weir_synonym_count(); i++) {
        const weir_synonym synonym = weir_synonym_at(i);
        if (synonym.setting) {
            check_value(&synonym);
        } else {
            check_key(&synonym);
        }
    }
    weir_config c;
    weir_error error = {0};
    assert_int_equal(weir_config_parse(&c, "network: [{kind: input, size: 1}]\ntrain: {optimizer: {lr: 1, rate: 2}}\n",
                                       "twice", NULL, 0, &error),
                     WEIR_CONFIG);
    assert_non_null(strstr(error.text, "train.optimizer.rate"));
    assert_non_null(strstr(error.text, "once more as lr"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),           cmocka_unit_test(test_file_values),
        cmocka_unit_test(test_order_of_settings),  cmocka_unit_test(test_keys_of_settings),
        cmocka_unit_test(test_errors_in_files),    cmocka_unit_test(test_errors_in_settings),
        cmocka_unit_test(test_errors_in_variants), cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_print_reads_back),   cmocka_unit_test(test_printed_rule_can_be_changed),
        cmocka_unit_test(test_every_setting),      cmocka_unit_test(test_list_of_settings),
        cmocka_unit_test(test_other_locales),      cmocka_unit_test(test_files_and_names),
        cmocka_unit_test(test_examples),           cmocka_unit_test(test_variants_of_the_paper),
        cmocka_unit_test(test_lists_of_words),     cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_synonyms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
