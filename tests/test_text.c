// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// data.source text: rows, labels, names and parts of bytes and of characters; bits per byte; what is refused.

#include <stdlib.h>
#include <sys/resource.h>
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

// Words with the blank before them, other characters alone; the most frequent ones have classes, equal ones by their bytes.
static void test_words(void **state) {
    (void)state;
    static const char text[] = "the cat, the  dog: the cat-\xc3\xa4 3 the cat!\n";
    // "the"" cat"","" the"" "" dog"":"" the"" cat""-""ä"" 3"" the"" cat""!""\n"
    static const char *const all[] = {"<unknown>", " cat", " the", "\n", " ", " 3", " dog", "!", ",", "-", ":", "the", "\xc3\xa4"};
    static const int32_t tokens[] = {11, 1, 8, 2, 4, 6, 10, 2, 1, 9, 12, 5, 2, 1, 7, 3};
    static const int32_t few[] = {0, 1, 0, 2, 0, 0, 0, 2, 1, 0, 0, 0, 2, 1, 0, 0};
    char path[32];
    write_file(path, text, sizeof text - 1);
    weir_data_options o = options_of(path, "words");
    weir_data *data = NULL, *again = NULL;
    must(weir_data_load(&data, &o, &error), &error);
    assert_int_equal(weir_data_classes(data), COUNT(all));
    for (size_t k = 0; k < COUNT(all); k++) {
        bool found = false;
        for (size_t i = 0; i < COUNT(all); i++)
            found |= strcmp(weir_names_at(weir_data_names(data), WEIR_NAMED_CLASSES, k), all[i]) == 0;
        assert_true(found);
    }
    for (size_t k = 0; k < 3; k++) assert_string_equal(weir_names_at(weir_data_names(data), WEIR_NAMED_CLASSES, k), all[k]);
    int32_t *found = NULL;
    size_t count = 0;
    must(weir_text_tokens(&found, &count, text, sizeof text - 1, "words", weir_data_names(data), &error), &error);
    assert_int_equal(count, COUNT(tokens));
    check_rows(data, found, count);
    for (size_t k = 0; k < count; k++)
        assert_string_equal(weir_names_at(weir_data_names(data), WEIR_NAMED_CLASSES, (size_t)found[k]), all[tokens[k]]);
    weir_labels_free(found);
    // A limit of three: two words, and all others unknown; a model's words are another text's.
    o.vocabulary = 3;
    must(weir_data_load(&again, &o, &error), &error);
    assert_int_equal(weir_names_count(weir_data_names(again), WEIR_NAMED_CLASSES), 3);
    check_rows(again, few, COUNT(few));
    must(weir_text_tokens(&found, &count, " cat  cats the", 14, "words", weir_data_names(again), &error), &error);
    assert_int_equal(count, 4);
    assert_memory_equal(found, ((const int32_t[]){1, 0, 0, 2}), 4 * sizeof *found);
    weir_labels_free(found);
    weir_data_free(again);
    o.known_names = weir_data_names(data);
    o.vocabulary = 2;
    must(weir_data_load(&again, &o, &error), &error);
    assert_int_equal(weir_data_classes(again), COUNT(all));
    weir_data_free(again);
    weir_data_free(data);
    remove(path);
}

// Letters without an end are cut into words of 64 bytes, never inside a character.
static void test_long_words(void **state) {
    (void)state;
    char path[32], text[401];
    for (size_t i = 0; i < 400; i += 2) memcpy(text + i, "\xc3\xa4", 3);
    text[0] = ' ', text[1] = 'x';
    write_file(path, text, 400);
    const weir_data_options o = options_of(path, "words");
    weir_data *data = NULL;
    must(weir_data_load(&data, &o, &error), &error);
    size_t longest = 0;
    const weir_names *names = weir_data_names(data);
    for (size_t k = 1; k < weir_names_count(names, WEIR_NAMED_CLASSES); k++) {
        const size_t length = strlen(weir_names_at(names, WEIR_NAMED_CLASSES, k));
        if (length > longest) longest = length;
    }
    assert_int_equal(longest, 64);
    weir_data_free(data);
    remove(path);
}

// Unknown words are spelled: 8 bits for each of their bytes and for their end, beside the loss of their class.
static void test_bits_of_unknown_words(void **state) {
    (void)state;
    char path[32], text[1000];
    size_t size = 0;
    for (int i = 0; size < 900; i++) size += (size_t)snprintf(text + size, sizeof text - size, "go%s", i % 3 ? " on " : " away ");
    write_file(path, text, size);
    weir_data_options o = options_of(path, "words");
    o.vocabulary = 3; // two of "go"… are words, the rest unknown
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
    int32_t *tokens = NULL;
    size_t count = 0;
    const weir_names *all = weir_data_names(data);
    const weir_part part = weir_data_valid(data);
    must(weir_text_tokens(&tokens, &count, text, size, "words", all, &error), &error);
    // The bytes of each token, from where tokens begin in the text: letters stay with the blank before them.
    double bytes = 0, bits = 0;
    size_t at = 0;
    for (size_t k = 0; k < count; k++) {
        size_t length = 1;
        while (at + length < size && text[at + length] != ' ' && (text[at] != ' ' || text[at + length] != ' ')) length++;
        if (k >= part.first + 3 && k < part.first + 3 + part.count) {
            bytes += (double)length;
            bits += log2(3) + (tokens[k] == 0 ? 8.0 * (double)(length + 1) : 0);
        }
        at += length;
    }
    assert_int_equal(at, size);
    must(weir_evaluate(graph, &found, NULL, &part, WEIR_MODE_DECIDE, &error), &error);
    assert_true(bits > 1.5 * log2(3) * (double)part.count);
    assert_true(fabs(found.bits_per_byte - bits / bytes) < 1e-5);
    weir_labels_free(tokens);
    weir_graph_free(graph);
    weir_data_free(data);
    remove(path);
}

/// Bytes of private memory that the process has.
static size_t private_bytes(void) {
    char line[256];
    size_t found = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmData:", 7) == 0) found = (size_t)strtoul(line + 7, NULL, 10) * 1024;
    fclose(file);
    return found;
}

static int stop_soon(void *context, const weir_progress *progress) {
    (void)context;
    return progress->batch >= 3;
}

// A text that is larger than the memory there is: it is mapped, its labels lie in a file, the order of its rows is computed.
// A list of its 20 million rows would take 80 MB, five times what may be had.
static void test_larger_than_memory(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); // the sanitizer has memory of its own
#endif
    char path[32];
    struct rlimit former;
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    write_file(path, "a", 1);
    assert_int_equal(truncate(path, 20000000), 0);
    const weir_node nodes[] = {{.kind = "input", .size = 3},
                               {.kind = "embedding", .vocabulary = 256, .dimension = 2},
                               {.kind = "affine", .size = 256},
                               {.kind = "softmax-cross-entropy"}};
    const weir_graph_options options = weir_graph_options_default(64);
    weir_train_options train = weir_train_options_default();
    weir_data_options o = options_of(path, "bytes");
    o.valid = o.test = 100;
    assert_int_equal(getrlimit(RLIMIT_DATA, &former), 0);
    const struct rlimit narrow = {.rlim_cur = private_bytes() + 16000000, .rlim_max = former.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &narrow), 0);
    void *list = malloc(80000000); // such a list cannot be had
    assert_null(list);
    must(weir_data_load(&data, &o, &error), &error);
    must(weir_graph_create(&graph, nodes, COUNT(nodes), &options, &error), &error);
    must(weir_trainer_create(&trainer, graph, data, &train, &error), &error);
    assert_int_equal(weir_trainer_run(trainer, NULL, NULL, stop_soon, NULL, &error), WEIR_INTERRUPTED);
    assert_int_equal(setrlimit(RLIMIT_DATA, &former), 0);
    weir_trainer_free(trainer);
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
        {"abc\n\xff xyzabc", "words", "line 2: byte 4 (0xff) is no UTF-8", 12, WEIR_DATA},
        {"abc\0defghijkl", "words", "byte 3 is 0", 13, WEIR_DATA},
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
                                       cmocka_unit_test(test_words), cmocka_unit_test(test_long_words),
                                       cmocka_unit_test(test_bits_of_unknown_words),
                                       cmocka_unit_test(test_larger_than_memory),
                                       cmocka_unit_test(test_bits_per_byte), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
