// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Parameters from other files (weir_model_transfer): by name and by a map, in every floating type, and nothing is
// changed where something does not fit.

#include <string.h>

#include "scratch_folder.h"

#include <weir/weir.h>

#include "core/core.h"
#include "store/safetensors.h"

static const weir_node nodes[] = {
    {.name = "in", .kind = "input", .size = 3},
    {.name = "gater", .kind = "affine", .size = 2},
    {.name = "gates", .kind = "unit", .rule = "sts"},
    {.name = "experts", .kind = "gated-affine", .from = "in", .gates = "gates", .size = 4, .block = 2},
    {.name = "logits", .kind = "affine", .size = 2},
    {.kind = "softmax-cross-entropy"},
};

static weir_graph *make(uint64_t seed) {
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(4);
    options.seed = seed;
    assert_int_equal(weir_graph_create(&graph, nodes, 6, &options, NULL), WEIR_OK);
    return graph;
}

// All parameters, one after the other as files hold them.
typedef struct values {
    float at[64];
} values;

static values read_all(weir_graph *graph) {
    values v = {{0}};
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    size_t used = 0;
    for (size_t i = 0; i < p.tensor_count; i++) {
        assert_int_equal(weir_graph_values_get(graph, v.at + used, i, NULL), WEIR_OK);
        used += p.tensors[i].rows * p.tensors[i].columns;
    }
    return v;
}

static void write_arrays(const weir__stored *arrays, size_t count) {
    weir_error error = {0};
    if (weir__safetensors_write(path, arrays, count, NULL, 0, &error) != WEIR_OK) fail_msg("%s", error.text);
}

static const float eight[] = {1, -2, 0.5f, 4, -8, 0.25f, 3, -1};

// A model of weir gives everything, thresholds with it, to a graph with the same nodes.
static void test_model(void **state) {
    (void)state;
    weir_graph *from = make(1), *to = make(2);
    weir_transfer done;
    assert_int_equal(weir_graph_threshold_set(from, 2, 0.75f, NULL), WEIR_OK);
    assert_int_equal(weir_model_save(from, path, NULL, 0.5, NULL), WEIR_OK);
    const values before = read_all(to);
    assert_int_equal(weir_model_transfer(to, &done, path, NULL, 0, NULL), WEIR_OK);
    const values wanted = read_all(from), found = read_all(to);
    assert_memory_not_equal(&before, &wanted, sizeof wanted);
    assert_memory_equal(&found, &wanted, sizeof wanted);
    assert_float_equal(weir_graph_threshold(to, 2), 0.75f, 0);
    assert_int_equal(done.taken, 6);
    assert_int_equal(done.missing_count + done.unused_count, 0);
    weir_transfer_free(&done);
    weir_graph_free(from);
    weir_graph_free(to);
}

// Arrays of each floating type under names of others, by nodes and by tensors; what lacks and what is left is named.
static void test_types_and_map(void **state) {
    (void)state;
    static const double f64[] = {1, -2, 0.5, 4, -8, 0.25, 3, -1};
    static const uint16_t f16[] = {0x3c00, 0xc000, 0x3800, 0x4400, 0xc800, 0x3400, 0x4200, 0xbc00};
    static const uint16_t bf16[] = {0x3f80, 0xc000, 0x3f00, 0x4080, 0xc100, 0x3e80, 0x4040, 0xbf80};
    static const char *const map[] = {"logits=head", "experts.bias=up.b"};
    const struct {
        weir__dtype dtype;
        const void *data;
    } forms[] = {{WEIR__DTYPE_F32, eight}, {WEIR__DTYPE_F64, f64}, {WEIR__DTYPE_F16, f16}, {WEIR__DTYPE_BF16, bf16}};
    for (size_t k = 0; k < 4; k++) {
        const weir__stored arrays[] = {
            {.name = "head.weight", .dtype = forms[k].dtype, .rank = 2, .shape = {2, 4}, .data = forms[k].data},
            {.name = "up.b", .dtype = forms[k].dtype, .rank = 1, .shape = {4}, .data = forms[k].data},
            {.name = "other", .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {1}, .data = eight},
        };
        weir_graph *graph = make(3);
        weir_transfer done;
        weir_error error = {0};
        float plain[8];
        write_arrays(arrays, 3);
        const values before = read_all(graph);
        if (weir_model_transfer(graph, &done, path, map, 2, &error) != WEIR_OK) fail_msg("%s", error.text);
        assert_int_equal(weir_graph_values_get(graph, plain, 4, NULL), WEIR_OK);
        assert_memory_equal(plain, eight, sizeof eight);
        assert_int_equal(weir_graph_values_get(graph, plain, 3, NULL), WEIR_OK);
        assert_memory_equal(plain, eight, 4 * sizeof *eight);
        const values after = read_all(graph);
        assert_memory_equal(after.at, before.at, 20 * sizeof(float)); // gater, weights of experts
        assert_int_equal(done.taken, 2);
        assert_int_equal(done.missing_count, 4);
        assert_string_equal(done.missing[3], "logits.bias");
        assert_int_equal(done.unused_count, 1);
        assert_string_equal(done.unused[0], "other");
        weir_transfer_free(&done);
        weir_graph_free(graph);
    }
}

// Half precision: the smallest subnormal number, the largest, zeros of either sign.
static void test_half(void **state) {
    (void)state;
    static const uint16_t f16[] = {0x0001, 0x7bff, 0x8000, 0x83ff};
    static const float wanted[] = {0x1p-24f, 65504, -0.0f, -1023 * 0x1p-24f};
    static const char *const map[] = {"experts=x"};
    const weir__stored array = {.name = "x.bias", .dtype = WEIR__DTYPE_F16, .rank = 1, .shape = {4}, .data = f16};
    weir_graph *graph = make(3);
    float plain[4];
    write_arrays(&array, 1);
    assert_int_equal(weir_model_transfer(graph, NULL, path, map, 1, NULL), WEIR_OK);
    assert_int_equal(weir_graph_values_get(graph, plain, 3, NULL), WEIR_OK);
    assert_memory_equal(plain, wanted, sizeof wanted);
    weir_graph_free(graph);
}

static void refuse(const weir__stored *arrays, size_t count, const char *entry, weir_status wanted, const char *text) {
    weir_graph *graph = make(4);
    weir_transfer done;
    weir_error error = {0};
    const values before = read_all(graph);
    write_arrays(arrays, count);
    assert_int_equal(weir_model_transfer(graph, &done, path, &entry, entry ? 1 : 0, &error), wanted);
    if (!strstr(error.text, text)) fail_msg("\"%s\" does not say \"%s\"", error.text, text);
    const values after = read_all(graph);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(done.taken + done.missing_count, 0);
    weir_graph_free(graph);
}

static void test_refusals(void **state) {
    (void)state;
    static const float infinite[] = {1, 1.0f / 0.0f};
    static const int32_t whole[] = {1, 2};
    const weir__stored good = {.name = "gater.bias", .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {2}, .data = eight};
    const weir__stored shape[] = {
        good, {.name = "logits.weight", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {4, 2}, .data = eight}};
    const weir__stored rank[] = {
        good, {.name = "logits.bias", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {2, 1}, .data = eight}};
    const weir__stored value[] = {
        good, {.name = "logits.bias", .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {2}, .data = infinite}};
    const weir__stored type[] = {
        good, {.name = "logits.bias", .dtype = WEIR__DTYPE_I32, .rank = 1, .shape = {2}, .data = whole}};
    const weir__stored none[] = {{.name = "x", .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {2}, .data = eight}};
    refuse(shape, 2, NULL, WEIR_SHAPE, "\"logits.weight\" is F32 [4, 2], but \"logits.weight\" of the network is F32 [2, 4]");
    refuse(rank, 2, NULL, WEIR_SHAPE, "is F32 [2, 1], but");
    refuse(value, 2, NULL, WEIR_DATA, "\"logits.bias\" has a value that is not finite");
    refuse(type, 2, NULL, WEIR_FORMAT, "\"logits.bias\" is of I32");
    refuse(none, 1, NULL, WEIR_FORMAT, "none of its 1 tensors");
    refuse(&good, 1, "gatr=x", WEIR_NOT_FOUND, "called 'gatr'");
    refuse(&good, 1, "logits=x", WEIR_NOT_FOUND, "no tensor 'x'");
    refuse(&good, 1, "logits", WEIR_ARGUMENT, "'logits' is not HERE=THERE");
    refuse(&good, 1, "in=gater", WEIR_NOT_FOUND, "called 'in'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_types_and_map, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_half, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_refusals, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
