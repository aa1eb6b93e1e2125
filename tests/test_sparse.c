// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Sparse rows: texts with and without a header, matrices of SciPy, stored rows, and what is refused of each.

#define _XOPEN_SOURCE 700

#include "scratch_folder.h"
#include "zip_archive.h"

#include "core/core.h"
#include <weir/sparse.h>

static weir_sparse *sparse;
static weir_error error;
static char note[WEIR_NOTE];

/// Rows as a text of their own: "labels|column:value …;" of each, to be compared as a whole.
static const char *shown(const weir_sparse *of) {
    static char text[512];
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < weir_sparse_shape_of(of).rows; i++) {
        const weir_sparse_row row = weir_sparse_row_at(of, i);
        for (size_t j = 0; j < row.label_count; j++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", j ? "," : "", row.labels[j]);
        at += (size_t)snprintf(text + at, sizeof text - at, "|");
        for (size_t j = 0; j < row.count; j++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u:%g", j ? " " : "", row.columns[j],
                                   (double)row.values[j]);
        at += (size_t)snprintf(text + at, sizeof text - at, ";");
        assert_true(at < sizeof text);
    }
    return text;
}

static void holds(const char *file, const weir_sparse_options *options, size_t columns, size_t classes,
                  const char *rows, const char *remark) {
    must(weir_sparse_read(&sparse, file, options, note, &error), &error);
    assert_string_equal(shown(sparse), rows);
    assert_int_equal(weir_sparse_shape_of(sparse).columns, columns);
    assert_int_equal(weir_sparse_shape_of(sparse).classes, classes);
    assert_string_equal(note, remark);
    weir_sparse_free(sparse);
}

static void reads(const char *text, const weir_sparse_options *options, size_t columns, size_t classes,
                  const char *rows, const char *remark) {
    write_file(path, text, strlen(text));
    holds(path, options, columns, classes, rows, remark);
}

static void refused_file(const char *file, const weir_sparse_options *options, weir_status status,
                         const char *fragment) {
    const weir_status got = weir_sparse_read(&sparse, file, options, note, &error);
    if (got != status || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, status);
    assert_non_null(strstr(error.text, fragment));
    assert_null(sparse);
}

static void refused(const char *text, const weir_sparse_options *options, const char *fragment) {
    write_file(path, text, strlen(text));
    refused_file(path, options, WEIR_DATA, fragment);
}

static void texts_with_a_header(void **state) {
    (void)state;
    reads("3 5 4\n0,2 1:0.5 3:2\n3 0:1\n1 4:-1e-3\n", NULL, 5, 4, "0,2|1:0.5 3:2;3|0:1;1|4:-0.001;", "");
    // Rows without labels or without pairs, empty ones, CRLF, no newline at the end, empty lines behind the last row.
    reads("4 5 4\r\n 1:0.5\r\n2,1,2\r\n\r\n3:7", NULL, 5, 4, "|1:0.5;1,2|;|;|3:7;", "");
    reads("1 5 4\n0 1:1\n\n \n", NULL, 5, 4, "0|1:1;", "");
    // Unsorted columns, a 0, numbers in every form, tabs.
    reads("1 9 1\n0\t8:1 2:+.5 3:0 4:1E2 5:12345678901234567890\n", NULL, 9, 1,
          "0|2:0.5 4:100 5:1.23457e+19 8:1;", "");
    weir_sparse_options from_one = weir_sparse_options_default();
    from_one.first_column = 1;
    reads("1 2 1\n0 1:1 2:2\n", &from_one, 2, 1, "0|0:1 1:2;", "");
    refused("1 2 1\n0 1:1 2:2\n", NULL, "line 2: column 2; there are 2, counted from 0");
    refused("1 2 1\n1 1:1\n", NULL, "line 2: label 1; there are 1, counted from 0");
    refused("2 2 1\n0 1:1\n", NULL, "ends behind 1 rows; its header says 2");
    refused("1 2 1\n0 1:1\n\n0 0:1\n", NULL, "line 4: stands behind the 1 rows of the header");
    refused("0 2 1\n", NULL, "counts of the header");
    refused("1 99999999999 1\n0 1:1\n", NULL, "counts of the header");
    refused("1 2 1\n-1 1:1\n", NULL, "line 2: \"-1\", where a label");
    // A header is believed as far as the file goes: nothing of this size is allocated.
    refused("4000000000 4000000000 2000000000\n0 1:1\n", NULL, "ends behind 1 rows");
}

static void texts_without_a_header(void **state) {
    (void)state;
    weir_sparse_options from_zero = weir_sparse_options_default();
    from_zero.first_column = 0;
    reads("# made by hand\n\n1 1:0.5 3:2 # a remark\n0 2:1\n", NULL, 3, 2, "1|0:0.5 2:2;0|1:1;", "");
    reads("1 0:0.5 3:2\n", &from_zero, 4, 2, "1|0:0.5 3:2;", "");
    reads("\xef\xbb\xbf"
          "+1 1:1\n-1 1:2\n",
          NULL, 1, 2, "1|0:1;0|0:2;", "labels -1 and 1 are classes 0 and 1");
    reads("1.0 1:1\n2.00 1:2\n", NULL, 1, 3, "1|0:1;2|0:2;", "");
    reads("1:1\n", NULL, 1, 0, "|0:1;", "");
    weir_sparse_options wide = weir_sparse_options_default();
    wide.columns = 7;
    wide.classes = 3;
    reads("1 1:1\n", &wide, 7, 3, "1|0:1;", "");
    refused("1 0:0.5\n", NULL, "line 1: column 0, where columns are counted from 1");
    refused("1 8:1\n", &wide, "line 1: column 8; there are 7, counted from 1");
    refused("3 1:1\n", &wide, "line 1: label 3; there are 3");
    refused("-1 1:1\n0 1:1\n", NULL, "line 1: label -1 beside others than 1");
    refused("-2 1:1\n", NULL, "line 1: \"-2\", where a label");
    refused("0.5 1:1\n", NULL, "line 1: \"0.5\", where a label");
    refused("a 1:1\n", NULL, "line 1: \"a\", where a label");
    refused("1, 1:1\n", NULL, "where a label");
    refused("1 1:1 2\n", NULL, "line 1: \"2\", where COLUMN:VALUE is expected");
    refused("1 1:\n", NULL, "where COLUMN:VALUE");
    refused("1 1:nan\n", NULL, "where COLUMN:VALUE");
    refused("1 1:0x10\n", NULL, "where COLUMN:VALUE");
    refused("1 1:1e39\n", NULL, "line 1: column 1 has the value 1e+39");
    refused("1 x:1\n", NULL, "where COLUMN:VALUE");
    refused("1 99999999999999999999:1\n", NULL, "where COLUMN:VALUE");
    refused("1 qid:3 1:1\n", NULL, "\"qid\" groups rows");
    refused("", NULL, "holds no rows");
    refused("# nothing\n", NULL, "holds no rows");
    write_file(path, "1 1:\0001\n", 8);
    refused_file(path, NULL, WEIR_FORMAT, "is a binary file");
    char late[400];
    memset(late, '#', sizeof late);
    late[300] = 0;
    write_file(path, late, sizeof late);
    refused_file(path, NULL, WEIR_DATA, "line 1: holds a zero byte");
    refused_file(path_of("none"), NULL, WEIR_NOT_FOUND, "none");
}

static void duplicates(void **state) {
    (void)state;
    weir_sparse_options sum = weir_sparse_options_default();
    sum.duplicates = "sum";
    refused("1 3:1 1:1 3:2\n", NULL, "line 1: column 2 (counted from 0) stands 2 times");
    reads("1 3:1 1:1 3:2\n", &sum, 3, 2, "1|0:1 2:3;", "1 repeated columns were added to those before them");
    reads("1 3:1 1:1 3:-1\n", &sum, 3, 2, "1|0:1;", "1 repeated columns were added to those before them");
    refused("1 3:3e38 3:3e38\n", &sum, "the values of column 2 sum to");
    sum.duplicates = "last";
    refused_file(path, &sum, WEIR_CONFIG, "\"refuse\" or \"sum\", not \"last\"");
}

/// The text read value by value is what strtod makes of it.
static void numbers_are_the_c_librarys(void **state) {
    (void)state;
    enum { NUMBERS = 20000 };
    static char texts[NUMBERS][48];
    random_state = 5;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < NUMBERS; i++) {
        const int digits = (int)(next_random() % 18) + 1;
        const double value = (double)next_random() * exp2((double)(next_random() % 60) - 60);
        snprintf(texts[i], sizeof texts[i], next_random() % 2 ? "%.*f" : "%.*g", digits, value);
        fprintf(file, "1 1:%s\n", texts[i]);
    }
    assert_int_equal(fclose(file), 0);
    must(weir_sparse_read(&sparse, path, NULL, NULL, &error), &error);
    for (size_t i = 0; i < NUMBERS; i++) {
        const weir_sparse_row row = weir_sparse_row_at(sparse, i);
        const float expected = (float)strtod(texts[i], NULL), got = row.count ? row.values[0] : 0;
        if (memcmp(&expected, &got, sizeof got))
            fail_msg("%s is read as %a, not %a", texts[i], (double)got, (double)expected);
    }
    weir_sparse_free(sparse);
}

// ---- SciPy's matrices ----------------------------------------------------------------------------------------------

static size_t npy(uint8_t *out, const char *type, const char *shape, const void *body, size_t size) {
    char header[128];
    snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': %s, }", type, shape);
    memset(out, 0, 10);
    memcpy(out, "\x93NUMPY\x01", 7);
    out[8] = (uint8_t)strlen(header);
    memcpy(out + 10, header, strlen(header));
    memcpy(out + 10 + strlen(header), body, size);
    return 10 + strlen(header) + size;
}

/// [3][6] with row 1 empty, columns out of order in row 2, room behind the last pair.
static const int32_t begin4[] = {0, 2, 2, 4}, indices4[] = {0, 5, 3, 1, 77};
static const int64_t begin8[] = {0, 2, 2, 4}, indices8[] = {0, 5, 3, 1, 77};
static const double values8[] = {1, 2, 3, 4, 99};

static size_t write_matrix(const char *file, bool wide, bool deflated, bool reversed, const char *format) {
    uint8_t body[512];
    archive a = {0};
    a.at = a.bytes;
    a.end = a.directory;
    const int64_t shape[] = {3, 6};
    for (int i = 0; i < 5; i++) {
        switch (reversed ? 4 - i : i) {
        case 0:
            add_entry(&a, "indices.npy", body,
                      wide ? npy(body, "'<i8'", "(5,)", indices8, sizeof indices8)
                           : npy(body, "'<i4'", "(5,)", indices4, sizeof indices4),
                      deflated);
            break;
        case 1:
            add_entry(&a, "indptr.npy", body,
                      wide ? npy(body, "'<i8'", "(4,)", begin8, sizeof begin8)
                           : npy(body, "'<i4'", "(4,)", begin4, sizeof begin4),
                      deflated);
            break;
        case 2:
            add_entry(&a, "format.npy", body, npy(body, "'|S3'", "()", format, 3), deflated);
            break;
        case 3:
            add_entry(&a, "shape.npy", body, npy(body, "'<i8'", "(2,)", shape, sizeof shape), deflated);
            break;
        default:
            add_entry(&a, "data.npy", body, npy(body, "'<f8'", "(5,)", values8, sizeof values8), deflated);
        }
    }
    const size_t size = finish(&a);
    write_file(file, a.bytes, size);
    return size;
}

static void matrices_of_scipy(void **state) {
    (void)state;
    const char *x = path_of("x.npz"), *y = path_of("y.npz");
    for (int way = 0; way < 8; way++) {
        write_matrix(x, way & 1, way & 2, way & 4, "csr");
        holds(x, NULL, 6, 0, "|0:1 5:2;|;|1:4 3:3;", "");
    }
    weir_sparse_options labelled = weir_sparse_options_default();
    labelled.labels = y;
    write_matrix(y, false, true, false, "csr");
    holds(x, &labelled, 6, 6, "0,5|0:1 5:2;|;1,3|1:4 3:3;", "");
    labelled.classes = 9;
    refused_file(x, &labelled, WEIR_DATA, "has 6 columns; 9 classes are wanted");
    write_matrix(y, false, false, false, "csc");
    labelled.classes = 0;
    refused_file(x, &labelled, WEIR_UNSUPPORTED, "in the form \"csc\"; save it with");
    weir_sparse_options from_one = weir_sparse_options_default();
    from_one.first_column = 1;
    refused_file(x, &from_one, WEIR_CONFIG, "columns of a matrix are counted from 0");
    // Each byte of the archive changed: an error or the same shape, never a crash, never a number out of range.
    const size_t size = write_matrix(x, true, false, false, "csr");
    uint8_t bytes[4096];
    FILE *file = fopen(x, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), size);
    fclose(file);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x81;
        write_file(x, bytes, size);
        if (weir_sparse_read(&sparse, x, NULL, note, &error) == WEIR_OK) {
            assert_true(weir_sparse_shape_of(sparse).columns >= 6);
            for (size_t r = 0; r < weir_sparse_shape_of(sparse).rows; r++) {
                const weir_sparse_row row = weir_sparse_row_at(sparse, r);
                for (size_t j = 0; j < row.count; j++) assert_true(row.columns[j] < weir_sparse_shape_of(sparse).columns);
            }
        } else {
            assert_null(sparse);
        }
        weir_sparse_free(sparse);
        bytes[i] ^= 0x81;
    }
}

// ---- memory and stored rows ----------------------------------------------------------------------------------------

static void stored_rows(void **state) {
    (void)state;
    const uint64_t begin[] = {0, 3, 3}, label_begin[] = {0, 0, 2};
    const uint32_t columns[] = {4, 0, 2}, labels[] = {7, 1};
    const float values[] = {1, 2, 0};
    static const char rows[] = "|0:2 4:1;1,7|;";
    must(weir_sparse_create(&sparse, 2, 5, 8, begin, columns, values, label_begin, labels, NULL, &error), &error);
    assert_string_equal(shown(sparse), rows);
    must(weir_sparse_save(sparse, path, &error), &error);
    weir_sparse_free(sparse);
    holds(path, NULL, 5, 8, rows, "");
    weir_sparse_options wide = weir_sparse_options_default();
    wide.columns = 6;
    refused_file(path, &wide, WEIR_DATA, "has 5 columns and 8 classes; 6 and 0 are wanted");
    uint8_t bytes[1024];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 8; cut < size; cut++) {
        write_file(path, bytes, cut);
        refused_file(path, NULL, WEIR_FORMAT, "store them again");
    }
    for (size_t i = 8; i < size; i++) {
        bytes[i] ^= 0xff;
        write_file(path, bytes, size);
        const weir_status status = weir_sparse_read(&sparse, path, NULL, NULL, &error);
        assert_true(status == WEIR_OK || status == WEIR_FORMAT || status == WEIR_DATA);
        if (status == WEIR_OK) assert_in_range(weir_sparse_row_at(sparse, 0).count, 0, 2);
        if (status == WEIR_OK) assert_in_range(weir_sparse_row_at(sparse, 1).count, 0, 2);
        weir_sparse_free(sparse);
        bytes[i] ^= 0xff;
    }
    const uint64_t falling[] = {0, 3, 2};
    assert_int_equal(weir_sparse_create(&sparse, 2, 5, 8, falling, columns, values, NULL, NULL, NULL, &error),
                     WEIR_ARGUMENT);
    const float infinite[] = {1, INFINITY, 0};
    assert_int_equal(weir_sparse_create(&sparse, 2, 5, 8, begin, columns, infinite, NULL, NULL, NULL, &error),
                     WEIR_DATA);
    assert_non_null(strstr(error.text, "row 0: column 0 has the value inf"));
}

static void memory_runs_out(void **state) {
    (void)state;
    static const char text[] = "2 5 4\n0,2 3:0.5 1:2\n3 0:1\n";
    write_file(path, text, strlen(text));
    for (long allowed = 0;; allowed++) {
        weir__alloc_fail_after(allowed);
        const weir_status status = weir_sparse_read(&sparse, path, NULL, NULL, &error);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) break;
        assert_int_equal(status, WEIR_MEMORY);
        assert_null(sparse);
        assert_true(allowed < 100);
    }
    assert_string_equal(shown(sparse), "0,2|1:2 3:0.5;3|0:1;");
    weir_sparse_free(sparse);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_with_a_header), cmocka_unit_test(texts_without_a_header),
        cmocka_unit_test(duplicates),          cmocka_unit_test(numbers_are_the_c_librarys),
        cmocka_unit_test(matrices_of_scipy),   cmocka_unit_test(stored_rows),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
