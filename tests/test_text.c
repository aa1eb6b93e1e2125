// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// data.source text: rows, labels, names and parts of bytes and of characters; bits per byte; what is refused.

#include <unistd.h>

#include "testing.h"

#include <weir/data.h>
#include <weir/file.h>
#include <weir/graph.h>
#include <weir/train.h>

static weir_error error;

/// A file with these bytes, removed by the caller.
static void write_file(char path[32], const char *bytes, size_t size) {
    strcpy(path, "/tmp/test_text.XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0 && write(file, bytes, size) == (ssize_t)size && close(file) == 0);
}

static weir_data_options options_of(const char *path, const char *tokens) {
    weir_data_options o = weir_data_options_default();
    o.source = "text";
    o.path = path;
    o.tokens = tokens;
    o.context = 3;
    return o;
}

static void check_rows(const weir_data *data, const int32_t *tokens, size_t count) {
    const weir_part parts[] = {weir_data_train(data), weir_data_valid(data), weir_data_test(data)};
    size_t seen = 0;
    for (size_t p = 0; p < 3; p++) {
        assert_int_equal(parts[p].first, seen);
        for (size_t r = seen; r < seen + parts[p].count; r++) {
            float row[3];
            weir_rows_copy(parts[p].rows, row, NULL, r, 1);
            for (size_t i = 0; i < 3; i++) assert_true(row[i] == (float)tokens[r + i]);
            assert_int_equal(parts[p].labels[r], tokens[r + 3]);
        }
        seen += parts[p].count;
    }
    assert_int_equal(seen, count - 3);
}

static void test_bytes(void **state) {
    (void)state;
    char path[32], bytes[100];
    int32_t tokens[100];
    for (int i = 0; i < 100; i++) bytes[i] = (char)(i * 37), tokens[i] = (uint8_t)bytes[i];
    write_file(path, bytes, sizeof bytes);
    const weir_data_options o = options_of(path, "bytes");
    weir_data *data = NULL;
    must(weir_data_load(&data, &o, &error), &error);
    check_rows(data, tokens, 100);
    assert_int_equal(weir_data_test(data).count, 97 / 20);
    assert_int_equal(weir_data_classes(data), 256);
    assert_string_equal(weir_names_at(weir_data_names(data), WEIR_NAMED_CLASSES, '\n'), "0x0a");
    weir_data_free(data);
    remove(path);
}

static void test_characters(void **state) {
    (void)state;
    char path[32];
    static const char text[] = "b\xc3\xa4"
                               "a\xe2\x82\xac"
                               "ab\xf0\x9f\x98\x80"
                               "abab";
    // by their numbers: a b ä € 😀
    static const int32_t tokens[] = {1, 2, 0, 3, 0, 1, 4, 0, 1, 0, 1};
    write_file(path, text, sizeof text - 1);
    weir_data_options o = options_of(path, "characters");
    weir_data *data = NULL, *again = NULL;
    must(weir_data_load(&data, &o, &error), &error);
    check_rows(data, tokens, COUNT(tokens));
    assert_int_equal(weir_data_classes(data), 5);
    assert_string_equal(weir_names_at(weir_data_names(data), WEIR_NAMED_CLASSES, 3), "\xe2\x82\xac");
    // A model's characters are another text's; one that it lacks is told.
    char other[32];
    write_file(other, "babbabba", 8);
    o.path = other;
    o.known_names = weir_data_names(data);
    must(weir_data_load(&again, &o, &error), &error);
    assert_int_equal(weir_data_classes(again), 5);
    weir_data_free(again);
    remove(other);
    write_file(other, "abcabcabc", 9);
    assert_int_equal(weir_data_load(&again, &o, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "\"c\" (U+0063) is none of those"));
    int32_t *found = NULL;
    size_t count = 0;
    must(weir_text_tokens(&found, &count, text, sizeof text - 1, "characters", weir_data_names(data), &error), &error);
    assert_int_equal(count, COUNT(tokens));
    assert_memory_equal(found, tokens, sizeof tokens);
    weir_labels_free(found);
    weir_data_free(data);
    remove(path);
    remove(other);
}

/// Bits per byte of a network that gives every token the same probability.
static void test_bits_per_byte(void **state) {
    (void)state;
    char path[32], text[301];
    for (size_t i = 0; i < 300; i += 3)
        memcpy(text + i,
               i % 2 ? "a\xc3\xa4"
                     : "\xc3\xa4"
                       "b",
               4);
    write_file(path, text, 300);
    const weir_data_options o = options_of(path, "characters");
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_evaluation found;
    must(weir_data_load(&data, &o, &error), &error);
    const weir_node nodes[] = {{.kind = "input", .size = 3},
                               {.kind = "embedding", .vocabulary = 3, .dimension = 2},
                               {.kind = "affine", .size = 3, .init = 1e-30},
                               {.kind = "softmax-cross-entropy"}};
    const weir_graph_options options = weir_graph_options_default(16);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    const weir_part part = weir_data_train(data);
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    double bytes = 0;
    for (size_t r = 0; r < part.count; r++) bytes += part.labels[r] == 2 ? 2 : 1;
    assert_true(bytes > (double)part.count);
    assert_true(fabs(found.loss - log(3)) < 1e-5);
    assert_true(fabs(found.bits_per_byte - (double)part.count * log2(3) / bytes) < 1e-5);
    weir_graph_free(graph);
    weir_data_free(data);
    remove(path);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *tokens, *text;
        size_t size;
        weir_status status;
    } cases[] = {
        {"abc\n\xff xyzabc", "characters", "line 2: byte 4 (0xff) is no UTF-8", 12, WEIR_DATA},
        {"abc\xc0\x80 xyzabc", "characters", "byte 3 (0xc0) is no UTF-8", 12, WEIR_DATA},
        {"abc\0defghijkl", "characters", "byte 3 is 0", 13, WEIR_DATA},
        {"abcd", "bytes", "4 tokens; a context of 3 needs at least 6", 4, WEIR_DATA},
        {"", "bytes", "is empty", 0, WEIR_DATA},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        char path[32];
        weir_data *data = NULL;
        write_file(path, cases[k].bytes, cases[k].size);
        const weir_data_options o = options_of(path, cases[k].tokens);
        const weir_status status = weir_data_load(&data, &o, &error);
        if (status != cases[k].status || !strstr(error.text, cases[k].text))
            fail_msg("case %zu: %s: %s", k, weir_status_name(status), error.text);
        remove(path);
    }
    weir_data *data = NULL;
    const weir_data_options none = options_of("", "bytes"), folder = options_of("/tmp", "bytes");
    assert_int_equal(weir_data_load(&data, &none, &error), WEIR_NOT_FOUND);
    assert_int_equal(weir_data_load(&data, &folder, &error), WEIR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_characters),
                                       cmocka_unit_test(test_bits_per_byte), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
