// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Safetensors files: the exact bytes written, everything read back, and hostile files of every kind refused by name.

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "scratch_folder.h"

#include "core/core.h"
#include "store/safetensors.h"

// A file from a header's text and that many zero bytes of data.
static void put_header(const char *header, size_t data_bytes) {
    const uint64_t length = strlen(header);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(&length, sizeof length, 1, stream), 1);
    assert_int_equal(fwrite(header, 1, (size_t)length, stream), length);
    for (size_t i = 0; i < data_bytes; i++) assert_int_not_equal(fputc(0, stream), EOF);
    assert_int_equal(fclose(stream), 0);
}

static void expect_open(weir_status expected, const char *part) {
    weir__safetensors *file = NULL;
    weir_error error = {0};
    const weir_status status = weir__safetensors_open(&file, path, &error);
    if (status != expected || (part && !strstr(error.text, part))) {
        fail_msg("got %s \"%s\", expected %s with \"%s\"", weir_status_name(status), error.text,
                 weir_status_name(expected), part ? part : "");
    }
    if (expected != WEIR_OK) {
        assert_null(file);
        assert_non_null(strstr(error.text, path));
    }
    weir__safetensors_close(file);
}

static void expect_refused(const char *header, size_t data_bytes, const char *part) {
    put_header(header, data_bytes);
    expect_open(WEIR_FORMAT, part);
}

static const uint8_t flags[3] = {1, 2, 3};
static const float weights[6] = {0, 1, 2, 3, 4, -0.0f};
static const uint64_t step[1] = {0x1122334455667788u};

static weir_status write_sample(weir_error *error) {
    const weir__stored arrays[] = {
        {.name = "flags", .dtype = WEIR__DTYPE_U8, .rank = 1, .shape = {3}, .data = flags},
        {.name = "a.weight", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {2, 3}, .data = weights},
        {.name = "step", .dtype = WEIR__DTYPE_U64, .rank = 0, .data = step},
        {.name = "none", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {0, 7}},
    };
    const weir__metadata metadata[] = {{"weir.format", "1"}, {"note", "quote \" and \xc3\xbc"}};
    return weir__safetensors_write(path, arrays, 4, metadata, 2, error);
}

static void test_writes_these_bytes(void **state) {
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"weir.format\":\"1\",\"note\":\"quote \\\" and \xc3\xbc\"},"
                                 "\"step\":{\"dtype\":\"U64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                 "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
                                 "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[32,32]},"
                                 "\"flags\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[32,35]}}";
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__file_read(path, 4096, &bytes, &size, NULL), WEIR_OK);
    const size_t padded = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal(size, 8 + padded + 35);
    assert_int_equal((unsigned char)bytes[0], padded & 255);
    assert_int_equal((unsigned char)bytes[1], padded >> 8);
    for (int i = 2; i < 8; i++) assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++) assert_int_equal(bytes[8 + i], ' ');
    const char *data = bytes + 8 + padded;
    assert_memory_equal(data, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
    assert_memory_equal(data + 8, "\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\0\x80", 24);
    assert_memory_equal(data + 32, "\1\2\3", 3);
    weir__free(bytes);
}

static void test_reads_back(void **state) {
    (void)state;
    weir__safetensors *file = NULL;
    float got[6] = {9, 9, 9, 9, 9, 9};
    uint64_t number = 0;
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__safetensors_open(&file, path, NULL), WEIR_OK);
    assert_int_equal(weir__safetensors_count(file), 4);
    assert_string_equal(weir__safetensors_at(file, 0)->name, "step");
    assert_string_equal(weir__safetensors_at(file, 3)->name, "flags");
    assert_null(weir__safetensors_at(file, 4));
    assert_null(weir__safetensors_find(file, "__metadata__"));
    assert_string_equal(weir__safetensors_metadata(file, "note"), "quote \" and \xc3\xbc");
    assert_null(weir__safetensors_metadata(file, "other"));
    const weir__stored wanted = {.name = "a.weight", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {2, 3}};
    assert_int_equal(weir__safetensors_read(file, &wanted, got, NULL), WEIR_OK);
    assert_memory_equal(got, weights, sizeof got);
    const weir__stored scalar = {.name = "step", .dtype = WEIR__DTYPE_U64};
    assert_int_equal(weir__safetensors_read(file, &scalar, &number, NULL), WEIR_OK);
    assert_true(number == step[0]);
    weir__safetensors_close(file);
    weir__safetensors_close(NULL);
}

static void test_read_names_what_differs(void **state) {
    (void)state;
    weir__safetensors *file = NULL;
    weir_error error = {0};
    float got[8];
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__safetensors_open(&file, path, NULL), WEIR_OK);
    weir__stored wanted = {.name = "b.weight", .dtype = WEIR__DTYPE_F32, .rank = 2, .shape = {2, 3}};
    assert_int_equal(weir__safetensors_read(file, &wanted, got, &error), WEIR_FORMAT);
    assert_non_null(strstr(error.text, "\"b.weight\" is missing, expected F32 [2, 3]"));
    wanted.name = "a.weight";
    wanted.shape[1] = 4;
    assert_int_equal(weir__safetensors_read(file, &wanted, got, &error), WEIR_FORMAT);
    assert_non_null(strstr(error.text, "\"a.weight\" is F32 [2, 3], expected F32 [2, 4]"));
    wanted.shape[1] = 3;
    wanted.dtype = WEIR__DTYPE_I32;
    assert_int_equal(weir__safetensors_read(file, &wanted, got, &error), WEIR_FORMAT);
    wanted.dtype = WEIR__DTYPE_F32;
    wanted.rank = 1;
    assert_int_equal(weir__safetensors_read(file, &wanted, got, &error), WEIR_FORMAT);
    weir__safetensors_close(file);
}

static void test_other_writers(void **state) {
    (void)state;
    // Arrays in any order in the header, spaces, no metadata; a file of nothing.
    put_header("{ \"b\": {\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[4,8]},\n"
               "\"a\":{\"dtype\":\"I32\",\"data_offsets\":[0,4],\"shape\":[1,1,1,1]}}   ",
               8);
    expect_open(WEIR_OK, NULL);
    put_header("{}", 0);
    expect_open(WEIR_OK, NULL);
    // A field that only its writer knows, as the format's library lets it pass.
    put_header("{\"a\":{\"dtype\":\"I32\",\"data_offsets\":[0,4],\"shape\":[1],\"unit\":{\"of\":[\"metre\"]}}}", 4);
    expect_open(WEIR_OK, NULL);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__file_read(path, 4096, &bytes, &size, NULL), WEIR_OK);
    assert_true(size > 100);
    for (size_t kept = 0; kept < size; kept++) {
        write_file(path, bytes, kept);
        expect_open(WEIR_FORMAT, NULL);
    }
    write_file(path, bytes, size);
    expect_open(WEIR_OK, NULL);
    weir__free(bytes);
}

static void test_every_changed_byte_is_survived(void **state) {
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__file_read(path, 4096, &bytes, &size, NULL), WEIR_OK);
    static const unsigned char values[] = {0, '"', '9', '{', ']', 0xff};
    size_t refused = 0;
    for (size_t at = 0; at < size - 35; at++) {
        for (size_t i = 0; i < sizeof values; i++) {
            weir__safetensors *file = NULL;
            const char kept = bytes[at];
            bytes[at] = (char)values[i];
            write_file(path, bytes, size);
            refused += weir__safetensors_open(&file, path, NULL) != WEIR_OK;
            weir__safetensors_close(file);
            bytes[at] = kept;
        }
    }
    assert_true(refused > size);
    weir__free(bytes);
}

static void test_hostile_headers(void **state) {
    (void)state;
    static const uint64_t absurd[] = {UINT64_MAX, INT64_MAX, (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        write_file(path, &absurd[i], sizeof absurd[i]);
        expect_open(WEIR_FORMAT, "header length");
    }
    expect_refused("", 0, "does not start with '{'");
    expect_refused("[]", 0, "does not start with '{'");
    expect_refused("{\"a\":", 0, "header:");
    expect_refused("{} x", 0, "header:");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
                   "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                   0, "duplicate");
    expect_refused("{\"a\\u0000b\":{}}", 0, "header:");
    expect_refused("{\"\xff\":{}}", 0, "header:");
    expect_refused("{\"__metadata__\":[]}", 0, "__metadata__");
    expect_refused("{\"__metadata__\":{\"k\":1}}", 0, "\"k\" is not a string");
}

#define ARRAY(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void test_hostile_arrays(void **state) {
    (void)state;
    expect_refused("{\"a\":[]}", 0, "expected an object");
    expect_refused("{\"a\":null}", 0, "expected an object");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0, "expected an object");
    expect_refused(ARRAY("\"F8_E4M3\"", "[1]", "[0,1]"), 1, "\"a\": dtype");
    expect_refused(ARRAY("7", "[1]", "[0,4]"), 4, "\"a\": dtype");
    expect_refused(ARRAY("\"F32\"", "[-1]", "[0,4]"), 4, "\"a\": shape");
    expect_refused(ARRAY("\"F32\"", "[1.0]", "[0,4]"), 4, "\"a\": shape");
    expect_refused(ARRAY("\"F32\"", "{}", "[0,4]"), 4, "\"a\": shape");
    expect_refused(ARRAY("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4, "\"a\": shape");
    // Products that wrap around to 0 or to a small number.
    expect_refused(ARRAY("\"F32\"", "[4611686018427387904,4]", "[0,0]"), 0, "\"a\": shape");
    expect_refused(ARRAY("\"F32\"", "[4294967296,4294967296,4294967296]", "[0,4]"), 4, "\"a\": shape");
    expect_refused(ARRAY("\"U8\"", "[9223372036854775807,3]", "[0,4]"), 4, "\"a\": shape");
    expect_refused(ARRAY("\"U8\"", "[18446744073709551617]", "[0,1]"), 1, "header:");
    expect_refused(ARRAY("\"F32\"", "[1]", "[0,4,4]"), 4, "data_offsets");
    expect_refused(ARRAY("\"F32\"", "[1]", "[4,0]"), 4, "data_offsets");
    expect_refused(ARRAY("\"F32\"", "[1]", "[-4,0]"), 4, "data_offsets");
    expect_refused(ARRAY("\"F32\"", "[1]", "\"04\""), 4, "data_offsets");
    expect_refused(ARRAY("\"F32\"", "[1]", "[0,8]"), 8, "need 4");
    expect_refused(ARRAY("\"F32\"", "[1]", "[4,8]"), 8, "hole");
    expect_refused(ARRAY("\"F32\"", "[1]", "[0,4]"), 5, "the tensors fill 4 bytes, but the file has 5");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"b\":{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[2,8]}}",
                   8, "overlap");
}

static void test_deep_nesting(void **state) {
    (void)state;
    enum { depth = 1 << 20 };
    char *text = malloc(depth + 1);
    assert_non_null(text);
    memset(text, '[', depth);
    memcpy(text, "{\"a\":", 5);
    text[depth] = 0;
    expect_refused(text, 0, "header:");
    free(text);
}

static void test_no_such_file(void **state) {
    (void)state;
    unlink(path);
    expect_open(WEIR_NOT_FOUND, "cannot be opened");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_open(WEIR_IO, "not a regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_open(WEIR_IO, "not a regular file");
    assert_int_equal(rmdir(path), 0);
}

static void test_write_refuses(void **state) {
    (void)state;
    weir_error error = {0};
    const weir__stored twice[] = {{.name = "a", .dtype = WEIR__DTYPE_U8, .rank = 1, .shape = {3}, .data = flags},
                                  {.name = "a", .dtype = WEIR__DTYPE_U8, .rank = 1, .shape = {3}, .data = flags}};
    const weir__metadata bad = {"note", "\xff"};
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(weir__safetensors_write(path, twice, 2, NULL, 0, &error), WEIR_ARGUMENT);
    assert_non_null(strstr(error.text, "\"a\""));
    assert_int_equal(weir__safetensors_write(path, twice, 1, &bad, 1, &error), WEIR_ARGUMENT);
    assert_int_equal(weir__safetensors_write("/nowhere/at/all", twice, 1, NULL, 0, &error), WEIR_NOT_FOUND);
    expect_open(WEIR_OK, NULL); // the former file is whole
}

// A limit on the size of files fails a write as a full disk does.
static void test_full_disk(void **state) {
    (void)state;
    enum { count = 1 << 16 };
    static float values[count];
    const weir__stored array = {.name = "a", .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {count}, .data = values};
    struct rlimit before, small;
    weir_error error = {0};
    assert_int_equal(write_sample(NULL), WEIR_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const weir_status status = weir__safetensors_write(path, &array, 1, NULL, 0, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, WEIR_IO);
    assert_non_null(strstr(error.text, path));
    expect_open(WEIR_OK, NULL); // the former file is whole
    assert_int_equal(weir__safetensors_write(path, &array, 1, NULL, 0, &error), WEIR_OK);
}

static void test_allocation_failures(void **state) {
    (void)state;
    weir_status status = WEIR_MEMORY;
    long count = 0;
    for (; status != WEIR_OK; count++) {
        weir__alloc_fail_after(count);
        status = write_sample(NULL);
        weir__alloc_fail_after(-1);
        assert_true(status == WEIR_OK || status == WEIR_MEMORY);
    }
    assert_true(count > 2);
    status = WEIR_MEMORY;
    for (count = 0; status != WEIR_OK; count++) {
        weir__safetensors *file = NULL;
        weir__alloc_fail_after(count);
        status = weir__safetensors_open(&file, path, NULL);
        weir__alloc_fail_after(-1);
        assert_true(status == WEIR_OK || status == WEIR_MEMORY);
        assert_true((file != NULL) == (status == WEIR_OK));
        weir__safetensors_close(file);
    }
    assert_true(count > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_these_bytes),
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_read_names_what_differs),
        cmocka_unit_test(test_other_writers),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_hostile_arrays),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_no_such_file),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
