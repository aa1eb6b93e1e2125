// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rows and labels from IDX, NPY and CSV, plain and gzip, and every kind of file that must be refused.

#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <locale.h>
#include <sys/resource.h>

#include "scratch_folder.h"
#include <zlib.h>

#include "core/core.h"
#include "data/rows.h"

static weir_rows *rows;
static int32_t *labels;
static size_t count;
static weir_error error;

static void write_bytes(const void *bytes, size_t size, bool gzip) {
    gzFile file = gzopen(path, gzip ? "wb" : "wbT");
    assert_non_null(file);
    if (size) assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

static void write_text(const char *text) { write_bytes(text, strlen(text), false); }

static void clear(void) {
    weir_rows_free(rows);
    weir_labels_free(labels);
    rows = NULL;
    labels = NULL;
    memset(&error, 0, sizeof error);
}

// The file is refused with that status, the text names the file and has the fragment, and nothing is returned.
static void refused(weir_status status, const char *fragment) {
    rows = (weir_rows *)1;
    labels = (int32_t *)1;
    const weir_status got = weir_rows_read(&rows, &labels, path, -1, &error);
    if (got != status || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, status);
    assert_int_equal(error.status, status);
    assert_non_null(strstr(error.text, "/file: "));
    assert_non_null(strstr(error.text, fragment));
    assert_null(rows);
    assert_null(labels);
    clear();
}

static void labels_refused(weir_status status, const char *fragment) {
    labels = (int32_t *)1;
    const weir_status got = weir_labels_read(&labels, &count, path, &error);
    if (got != status || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, status);
    assert_non_null(strstr(error.text, "/file: "));
    assert_non_null(strstr(error.text, fragment));
    assert_null(labels);
    clear();
}

static void assert_rows(size_t n, size_t columns, const float *expected) {
    const weir_status status = weir_rows_read(&rows, NULL, path, -1, &error);
    if (status != WEIR_OK) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_OK);
    const weir_shape shape = weir_rows_shape(rows);
    assert_int_equal(shape.rows, n);
    assert_int_equal(shape.columns, columns);
    float out[64];
    assert_true(n * columns <= sizeof out / sizeof *out);
    weir_rows_copy(rows, out, NULL, 0, n);
    assert_memory_equal(out, expected, n * columns * sizeof *out);
    clear();
}

static void assert_labels(size_t n, const int32_t *expected) {
    const weir_status status = weir_labels_read(&labels, &count, path, &error);
    if (status != WEIR_OK) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_OK);
    assert_int_equal(count, n);
    assert_memory_equal(labels, expected, n * sizeof *labels);
    clear();
}

static void rows_in_memory(void **state) {
    (void)state;
    float values[6] = {1, 2, 3, 4, 5, 6}, out[6];
    assert_int_equal(weir_rows_create(&rows, values, 3, 2, &error), WEIR_OK);
    values[0] = 9;
    const uint32_t index[] = {2, 0, 2};
    weir_rows_copy(rows, out, index, 0, 3);
    const float expected[] = {5, 6, 1, 2, 5, 6};
    assert_memory_equal(out, expected, sizeof out);
    weir_rows_copy(rows, out, NULL, 1, 2);
    assert_memory_equal(out, values + 2, 4 * sizeof *out);
    clear();
    values[3] = NAN;
    assert_int_equal(weir_rows_create(&rows, values, 3, 2, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "row 1, column 1"));
    assert_null(rows);
    assert_int_equal(weir_rows_create(&rows, values, 0, 2, &error), WEIR_SHAPE);
    assert_int_equal(weir_rows_create(&rows, values, 2, 0, &error), WEIR_SHAPE);
    assert_int_equal(weir_rows_create(&rows, values, SIZE_MAX / 2, 8, &error), WEIR_SHAPE);
    weir_rows_free(NULL);
    weir_labels_free(NULL);
}

static void reordering_keeps_labels_with_rows(void **state) {
    (void)state;
    enum { many = 101 };
    float values[many * 2], out[2];
    int32_t names[many];
    uint32_t order[many], kept[many];
    for (size_t i = 0; i < many; i++) {
        values[2 * i] = values[2 * i + 1] = (float)i;
        names[i] = (int32_t)i;
    }
    assert_int_equal(weir_rows_create(&rows, values, many, 2, &error), WEIR_OK);
    weir_random_permutation(order, (weir_noise){.seed = 4}, many);
    memcpy(kept, order, sizeof order);
    assert_int_equal(weir__rows_reorder(rows, names, order, &error), WEIR_OK);
    size_t moved = 0;
    for (size_t i = 0; i < many; i++) {
        weir_rows_copy(rows, out, NULL, i, 1);
        assert_int_equal(names[i], kept[i]);
        assert_true(out[0] == (float)kept[i] && out[1] == (float)kept[i]);
        moved += kept[i] != i;
    }
    assert_true(moved > many / 2);
    clear();
}

// ---- IDX

static const uint8_t idx_images[] = {0, 0,   8,  3, 0, 0, 0,  2,  0,  0,  0,  2, 0, 0, 0, 3, // 2 images of 2 x 3
                                     0, 255, 51, 1, 2, 3, 10, 20, 30, 40, 50, 60};

static void idx_bytes(void **state) {
    (void)state;
    float expected[12];
    for (size_t i = 0; i < 12; i++) expected[i] = (float)idx_images[16 + i] * (1.0F / 255);
    for (int gzip = 0; gzip < 2; gzip++) {
        write_bytes(idx_images, sizeof idx_images, gzip);
        assert_rows(2, 6, expected);
        assert_int_equal(weir_rows_read(&rows, NULL, path, -1, NULL), WEIR_OK);
        assert_int_equal(weir_rows_shape(rows).height, 2);
        assert_int_equal(weir_rows_shape(rows).width, 3);
        assert_non_null(rows->bytes); // a byte per pixel, not a float
        clear();
    }
    const float one = 255 * (1.0F / 255);
    assert_true(one == 1.0F);
}

static void idx_other_types(void **state) {
    (void)state;
    const uint8_t shorts[] = {0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFE, 1, 0};
    write_bytes(shorts, sizeof shorts, false);
    assert_rows(1, 2, (const float[]){-2, 256});
    const uint8_t floats[] = {0, 0, 13, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x3F, 0xC0, 0, 0};
    write_bytes(floats, sizeof floats, false);
    assert_rows(1, 1, (const float[]){1.5F});
    const uint8_t doubles[] = {0, 0, 14, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0xBF, 0xE0, 0, 0, 0, 0, 0, 0};
    write_bytes(doubles, sizeof doubles, false);
    assert_rows(1, 1, (const float[]){-0.5F});
    const uint8_t signed_bytes[] = {0, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x7F};
    write_bytes(signed_bytes, sizeof signed_bytes, false);
    assert_rows(1, 2, (const float[]){-128, 127});
    const uint8_t ints[] = {0, 0, 12, 1, 0, 0, 0, 2, 0x7F, 0xFF, 0xFF, 0xFE, 0, 0, 0, 7};
    write_bytes(ints, sizeof ints, true);
    assert_labels(2, (const int32_t[]){2147483646, 7});
    const uint8_t bytes[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 255};
    write_bytes(bytes, sizeof bytes, false);
    assert_labels(3, (const int32_t[]){7, 0, 255});
}

static void idx_refused(void **state) {
    (void)state;
    uint8_t bytes[sizeof idx_images + 1] = {0};
    memcpy(bytes, idx_images, sizeof idx_images);
    write_bytes(bytes, sizeof idx_images - 1, false);
    refused(WEIR_FORMAT, "ends in row 1, but its header says 2 rows");
    write_bytes(bytes, sizeof idx_images + 1, false);
    refused(WEIR_FORMAT, "more data than its header says");
    write_bytes(bytes, 9, false);
    refused(WEIR_FORMAT, "ends inside the sizes of the IDX header");
    write_bytes(bytes, 2, false);
    refused(WEIR_FORMAT, "ends inside the IDX magic number");
    bytes[2] = 7;
    write_bytes(bytes, sizeof idx_images, false);
    refused(WEIR_FORMAT, "IDX magic number 0x00000703");
    bytes[2] = 8;
    bytes[3] = 9;
    write_bytes(bytes, sizeof idx_images, false);
    refused(WEIR_FORMAT, "9 dimensions");
    bytes[3] = 0;
    write_bytes(bytes, sizeof idx_images, false);
    refused(WEIR_FORMAT, "0 dimensions");
    bytes[3] = 1;
    write_bytes(bytes, 8 + 2, false);
    refused(WEIR_SHAPE, "has 1 dimension;");
}

static void no_rows(void **state) {
    (void)state;
    const uint8_t no_images[] = {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3};
    write_bytes(no_images, sizeof no_images, false);
    refused(WEIR_DATA, "holds no rows");
    const uint8_t no_columns[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3};
    write_bytes(no_columns, sizeof no_columns, false);
    refused(WEIR_DATA, "size 2 in its header is 0");
    const uint8_t no_labels[] = {0, 0, 8, 1, 0, 0, 0, 0};
    write_bytes(no_labels, sizeof no_labels, false);
    labels_refused(WEIR_DATA, "holds no labels");
    write_text("a,b\n\n");
    refused(WEIR_DATA, "holds no rows: its only line was taken for names of columns");
    write_text("some words in a line");
    refused(WEIR_DATA, "holds no rows: its only line was taken for names of columns");
    write_text("a\n\n");
    labels_refused(WEIR_DATA, "holds no rows");
    write_text("");
    refused(WEIR_FORMAT, "is empty");
    labels_refused(WEIR_FORMAT, "is empty");
    write_bytes("", 0, true);
    refused(WEIR_FORMAT, "is empty");
}

// A header that speaks of petabytes: the file is refused for being short, and little memory was touched.
static void absurd_sizes_allocate_little(void **state) {
    (void)state;
    const uint8_t large[] = {0, 0, 8, 3, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 1, 2, 3};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    write_bytes(large, sizeof large, false);
    refused(WEIR_FORMAT, "ends in row 0, but its header says 16777215 rows");
    static uint8_t some[100000];
    memcpy(some, large, 16);
    write_bytes(some, sizeof some, false);
    refused(WEIR_FORMAT, "ends in row 0, but its header says 16777215 rows");
    const uint8_t absurd[] = {0, 0, 8, 3, 2, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 1, 2, 3};
    write_bytes(absurd, sizeof absurd, false);
    refused(WEIR_FORMAT, "(33554432 rows of 4294836225 values) are absurd");
    const uint8_t overflowing[] = {0,    0,    8,    4,    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,    2,    3};
    write_bytes(overflowing, sizeof overflowing, false);
    refused(WEIR_FORMAT, "more than 2^32 values per row");
    const uint8_t labels_only[] = {0, 0, 12, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1};
    write_bytes(labels_only, sizeof labels_only, false);
    labels_refused(WEIR_FORMAT, "ends in row 1, but its header says 4294967295 rows");
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
}

static void labels_out_of_range(void **state) {
    (void)state;
    const uint8_t negative[] = {0, 0, 9, 1, 0, 0, 0, 2, 3, 0xFF};
    write_bytes(negative, sizeof negative, false);
    labels_refused(WEIR_DATA, "label 1 is -1");
    const uint8_t huge[] = {0, 0, 12, 1, 0, 0, 0, 1, 0x7F, 0xFF, 0xFF, 0xFF};
    write_bytes(huge, sizeof huge, false);
    labels_refused(WEIR_DATA, "label 0 is 2147483647");
    const uint8_t floats[] = {0, 0, 13, 1, 0, 0, 0, 1, 0x3F, 0xC0, 0, 0};
    write_bytes(floats, sizeof floats, false);
    labels_refused(WEIR_UNSUPPORTED, "holds floats");
    write_bytes(idx_images, sizeof idx_images, false);
    labels_refused(WEIR_SHAPE, "3 dimensions");
    write_text("1\n2.5\n");
    labels_refused(WEIR_DATA, "line 2, column 0: label 2.5");
    write_text("1\n-1\n");
    labels_refused(WEIR_DATA, "line 2, column 0: label -1");
    write_text("1\n2147483647\n");
    labels_refused(WEIR_DATA, "line 2");
    write_text("1\nnan\n");
    labels_refused(WEIR_DATA, "line 2");
}

// ---- gzip

static size_t read_back(uint8_t *bytes, size_t most) {
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    const size_t size = fread(bytes, 1, most, stream);
    fclose(stream);
    return size;
}

static void write_back(const uint8_t *bytes, size_t size) {
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

static void damaged_gzip_is_refused(void **state) {
    (void)state;
    enum { n = 5000 };
    static uint8_t plain[16 + n * 4], packed[2 * sizeof plain], bent[2 * sizeof plain];
    const uint8_t head[16] = {0, 0, 8, 3, 0, 0, n >> 8, n & 255, 0, 0, 0, 2, 0, 0, 0, 2};
    memcpy(plain, head, sizeof head);
    for (size_t i = 16; i < sizeof plain; i++) plain[i] = (uint8_t)((i * 2654435761U) >> 11);
    write_bytes(plain, sizeof plain, true);
    const size_t size = read_back(packed, sizeof packed);
    assert_int_equal(weir_rows_read(&rows, NULL, path, -1, &error), WEIR_OK);
    clear();
    // Cut anywhere, in the trailing checksum as well.
    const size_t cuts[] = {4, 15, size / 2, size - 9, size - 8, size - 4, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        write_back(packed, cuts[i]);
        refused(WEIR_FORMAT, "gzip data is cut off");
    }
    // One bit changed in the checksum, and bytes overwritten in the middle.
    memcpy(bent, packed, size);
    bent[size - 6] ^= 4;
    write_back(bent, size);
    refused(WEIR_FORMAT, "gzip data is damaged");
    memcpy(bent, packed, size);
    memset(bent + size / 2, 0xFF, 64);
    write_back(bent, size);
    refused(WEIR_FORMAT, "gzip data is ");
}

// ---- NPY

static void write_npy(int version, const char *header, const void *body, size_t size) {
    static uint8_t bytes[8192];
    const size_t length = strlen(header), start = version == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)version;
    bytes[7] = 0;
    for (size_t i = 8; i < start; i++) bytes[i] = (uint8_t)(length >> (8 * (i - 8)));
    memcpy(bytes + start, header, length);
    memcpy(bytes + start + length, body, size);
    write_bytes(bytes, start + length + size, false);
}

static void npy_types(void **state) {
    (void)state;
    const float floats[] = {1.5F, -2, 3, 4, 5, 6};
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }     \n", floats, sizeof floats);
    assert_rows(3, 2, floats);
    write_npy(2, "{'shape': (2,3,),'descr':'<f4','fortran_order':False}\n", floats, sizeof floats);
    assert_rows(2, 3, floats);
    write_npy(3, "{\"shape\": (1, 2, 3), \"descr\": \"<f4\", \"fortran_order\": False}", floats, sizeof floats);
    assert_rows(1, 6, floats);
    const double doubles[] = {0.25, -1e10};
    write_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", doubles, sizeof doubles);
    assert_rows(1, 2, (const float[]){0.25F, -1e10F});
    const uint8_t bytes[] = {0, 255};
    write_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }", bytes, sizeof bytes);
    assert_rows(1, 2, (const float[]){0, 1});
    const uint8_t bools[] = {0, 1};
    write_npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2), }", bools, sizeof bools);
    assert_rows(1, 2, (const float[]){0, 1});
    const uint8_t big[] = {0xFF, 0xFF, 0xFF, 0xFE};
    write_npy(1, "{'descr': '>i4', 'fortran_order': False, 'shape': (1, 1), }", big, sizeof big);
    assert_rows(1, 1, (const float[]){-2});
    write_npy(1, "{'descr': '>u2', 'fortran_order': False, 'shape': (1, 2), }", big, sizeof big);
    assert_rows(1, 2, (const float[]){65535, 65534});
    const int64_t names[] = {3, 2147483646, 0};
    write_npy(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", names, sizeof names);
    assert_labels(3, (const int32_t[]){3, 2147483646, 0});
}

static void npy_refused(void **state) {
    (void)state;
    const float floats[] = {1, NAN, 3, INFINITY};
    write_npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "Fortran order");
    write_npy(1, "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 1), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "'descr' '<c8'");
    write_npy(1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 1), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "'descr'");
    write_npy(1, "{'descr': '<f16', 'fortran_order': False, 'shape': (2, 1), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "'descr' '<f16'");
    write_npy(1, "{'descr': '<i16', 'fortran_order': False, 'shape': (2, 1), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "'descr' '<i16'");
    write_npy(1, "{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }", floats, sizeof floats);
    refused(WEIR_UNSUPPORTED, "'descr'");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", floats, sizeof floats);
    refused(WEIR_DATA, "row 0, column 1 is nan");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", floats + 2, 2 * sizeof *floats);
    refused(WEIR_DATA, "row 0, column 1 is inf");
    const double beyond[] = {1e300};
    write_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", beyond, sizeof beyond);
    refused(WEIR_DATA, "is 1e+300");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 2), }", floats, sizeof *floats);
    refused(WEIR_FORMAT, "ends in row 0, but its header says 9 rows");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", floats, sizeof floats);
    refused(WEIR_SHAPE, "1 dimension");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", floats, sizeof *floats);
    refused(WEIR_SHAPE, "0 dimensions");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", floats, sizeof *floats);
    refused(WEIR_UNSUPPORTED, "more than 8 dimensions");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4), }", floats, 4);
    refused(WEIR_FORMAT, "'shape' is malformed");
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000000000000, 4), }", floats, 4);
    refused(WEIR_FORMAT, "absurd");
    const char *const malformed[] = {"(2", "(2 2)", "(-1, 2)", "(2, x)", "(, 2)"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char header[128];
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': %s", malformed[i]);
        write_npy(1, header, floats, sizeof floats);
        refused(WEIR_FORMAT, "'shape' is malformed");
    }
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': 4", floats, sizeof floats);
    refused(WEIR_FORMAT, "'shape'");
    write_npy(1, "{'fortran_order': False, 'shape': (2, 2), }", floats, sizeof floats);
    refused(WEIR_FORMAT, "'descr'");
    write_npy(1, "{'descr': '<f4', 'shape': (2, 2), }", floats, sizeof floats);
    refused(WEIR_FORMAT, "'fortran_order'");
    write_npy(1, "{'descr'", "", 0);
    refused(WEIR_FORMAT, "'descr'");
    write_npy(1, "{'descr': '", "", 0);
    refused(WEIR_UNSUPPORTED, "'descr'");
    write_npy(9, "{}", "", 0);
    refused(WEIR_VERSION, "NPY version 9.0");
    write_bytes("\x93NUMPY\2\0\xFF\xFF\xFF\xFFxxxx", 16, false);
    refused(WEIR_FORMAT, "NPY header length 4294967295");
    write_bytes("\x93NUMPY\1\0\x50\0{'descr'", 18, false);
    refused(WEIR_FORMAT, "ends inside the NPY header");
}

// ---- CSV

static void csv_forms(void **state) {
    (void)state;
    const float expected[] = {1, -2.5F, 3e2F, 4, 0, 6};
    const char *const forms[] = {
        "1,-2.5,3e2\n4,0,6\n",
        "1;-2.5;3e2\n4;0;6",
        "1\t-2.5\t3e2\n4\t0\t6\n\n",
        "  1   -2.5 3e2\n4 0    6  \n",
        "1 , -2.5 , 3e2\r\n\r\n4,0 ,6\r\n",
        "width, height, \"depth\"\n1,-2.5,3e2\n4,0,6\n",
        ("\xEF\xBB\xBF"
         "1,-2.5,3e2\n4,0,6\n"),
        "\n\na b c\n1 -2.5 300\n\n4 0 6",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (int gzip = 0; gzip < 2; gzip++) {
            write_bytes(forms[i], strlen(forms[i]), gzip);
            assert_rows(2, 3, expected);
        }
    }
    write_text("7\n0\n12\n");
    assert_labels(3, (const int32_t[]){7, 0, 12});
    write_text("label\n7\n");
    assert_labels(1, (const int32_t[]){7});
    assert_rows(1, 1, (const float[]){7});
    write_text("12345678,0.1,-0,16777217,123456789012");
    assert_rows(1, 5, (const float[]){12345678, 0.1F, -0.0F, 16777216, 123456789012.0F});
}

static void csv_stays_bytes_while_it_can(void **state) {
    (void)state;
    write_text("0,255\n7,8\n");
    assert_int_equal(weir_rows_read(&rows, NULL, path, -1, &error), WEIR_OK);
    assert_non_null(rows->bytes);
    clear();
    assert_rows(2, 2, (const float[]){0, 255, 7, 8});
    const char *const wider[] = {"0,255\n7,256\n", "0,255\n7,-1\n", "0,255\n7,0.5\n"};
    const float last[] = {256, -1, 0.5F};
    for (size_t i = 0; i < 3; i++) {
        write_text(wider[i]);
        assert_rows(2, 2, (const float[]){0, 255, 7, last[i]});
    }
}

static void csv_label_column(void **state) {
    (void)state;
    write_text("a,b,c\n1,2,3\n4,5,6\n");
    for (int column = 0; column < 3; column++) {
        float out[4];
        size_t at = 0;
        assert_int_equal(weir_rows_read(&rows, &labels, path, column, &error), WEIR_OK);
        assert_int_equal(weir_rows_shape(rows).columns, 2);
        weir_rows_copy(rows, out, NULL, 0, 2);
        for (int row = 0; row < 2; row++) {
            assert_int_equal(labels[row], 1 + 3 * row + column);
            for (int c = 0; c < 3; c++) {
                if (c != column) assert_true(out[at++] == (float)(1 + 3 * row + c));
            }
        }
        weir_rows_free(rows);
        assert_int_equal(weir_rows_read(&rows, NULL, path, column, &error), WEIR_OK);
        assert_int_equal(weir_rows_shape(rows).columns, 2);
        clear();
    }
    assert_int_equal(weir_rows_read(&rows, &labels, path, 3, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "has 3 columns, but the label's is 3"));
    write_text("1\n2\n");
    assert_int_equal(weir_rows_read(&rows, &labels, path, 0, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "a label and no values"));
    write_text("1,0.5\n2,0.5\n1.5,7");
    assert_int_equal(weir_rows_read(&rows, &labels, path, 0, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "line 3, column 0: label 1.5"));
    assert_null(labels);
    clear();
}

static void csv_refused(void **state) {
    (void)state;
    write_text("1,2,3\n4,5\n");
    refused(WEIR_DATA, "line 2 has 2 values, but line 1 has 3");
    write_text("a,b\n\n1,2\n3,4\n5,6,7\n");
    refused(WEIR_DATA, "line 5 has 3 values, but line 1 has 2");
    write_text("a,b\n1,2,3\n2,3,4\n");
    refused(WEIR_DATA, "line 2 has 3 values, but line 1 has 2 names; R's write.table");
    write_text("1,2\n3,four\n");
    refused(WEIR_DATA, "line 2, column 1: \"four\" is not a number");
    write_text("1,2\n3,4x\n");
    refused(WEIR_DATA, "line 2, column 1: \"4x\" is not a number");
    write_text("1;2\n3;4,5\n");
    refused(WEIR_DATA, "line 2, column 1: \"4,5\" is not a number");
    write_text("1,2\n3,\n");
    refused(WEIR_DATA, "line 2, column 1 is empty");
    write_text("1,2\n,3\n");
    refused(WEIR_DATA, "line 2, column 0 is empty");
    write_text("1,2\nnan,3\n");
    refused(WEIR_DATA, "line 2, column 0 is nan");
    write_text("1,inf\n");
    refused(WEIR_DATA, "line 1, column 1 is inf");
    write_text("1e39,1\n");
    refused(WEIR_DATA, "line 1, column 0 is 1e+39");
    write_text("1,2\n");
    labels_refused(WEIR_DATA, "line 1 has 2 values; labels are one per line");
    char text[4 * 100 + 4];
    for (size_t i = 0; i < 100; i++) memcpy(text + 4 * i, "1,2\n", 4);
    memcpy(text + 400, "1,\0\n", 4);
    write_bytes(text, sizeof text, false);
    refused(WEIR_FORMAT, "line 101 holds a byte 0");
    memcpy(text + 400, "1,\x1b\n", 4); // what would reach the terminal is shown as a question mark
    write_bytes(text, sizeof text, false);
    refused(WEIR_DATA, "line 101, column 1: \"?\" is not a number");
}

static void csv_in_another_locale(void **state) {
    (void)state;
    const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    bool found = false;
    for (size_t i = 0; i < 4 && !found; i++) found = setlocale(LC_ALL, commas[i]) != NULL;
    if (!found) print_message("no locale with a decimal comma is installed: only the C locale is tested\n");
    write_text("1.5,2.25\n");
    assert_rows(1, 2, (const float[]){1.5F, 2.25F});
    setlocale(LC_ALL, "C");
}

// ---- Files of other kinds

static void other_files_refused(void **state) {
    (void)state;
    write_bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, false);
    refused(WEIR_FORMAT, "neither IDX nor NPY nor CSV, plain or gzip: its first bytes are 89 50 4e 47");
    labels_refused(WEIR_FORMAT, "neither IDX");
    unlink(path);
    refused(WEIR_NOT_FOUND, "cannot be opened: No such file");
    assert_int_equal(weir_rows_read(&rows, NULL, folder, -1, &error), WEIR_IO);
    assert_non_null(strstr(error.text, "is a folder"));
    assert_int_equal(weir_labels_read(&labels, &count, folder, &error), WEIR_IO);
    assert_int_equal(weir_rows_read(&rows, NULL, "", -1, &error), WEIR_ARGUMENT);
    clear();
}

static void standard_input(void **state) {
    (void)state;
    const int kept = dup(STDIN_FILENO);
    for (int gzip = 0; gzip < 2; gzip++) {
        write_bytes(idx_images, sizeof idx_images, gzip);
        const int file = open(path, O_RDONLY);
        assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
        close(file);
        assert_int_equal(weir_rows_read(&rows, NULL, "-", -1, &error), WEIR_OK);
        assert_int_equal(weir_rows_shape(rows).rows, 2);
        clear();
    }
    // A pipe has no position to go back to.
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "1 2\n3 x\n", 8), 8);
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(weir_rows_read(&rows, NULL, "-", -1, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "standard input: line 2"));
    assert_true(dup2(kept, STDIN_FILENO) >= 0 || kept < 0);
    if (kept >= 0) close(kept);
    clear();
}

// Larger than every buffer, so that chunks, growth and lines across buffer ends all occur.
static void large_files(void **state) {
    (void)state;
    enum { n = 3001, width = 101 };
    static uint8_t bytes[16 + n * width];
    static float out[n * width];
    const uint8_t head[] = {0, 0, 8, 3, 0, 0, n >> 8, n & 255, 0, 0, 0, 1, 0, 0, 0, width};
    memcpy(bytes, head, 16);
    for (size_t i = 0; i < n * width; i++) bytes[16 + i] = (uint8_t)((i * 2654435761U) >> 9);
    write_bytes(bytes, sizeof bytes, true);
    assert_int_equal(weir_rows_read(&rows, NULL, path, -1, &error), WEIR_OK);
    weir_rows_copy(rows, out, NULL, 0, n);
    for (size_t i = 0; i < n * width; i++) assert_true(out[i] == (float)bytes[16 + i] * (1.0F / 255));
    clear();
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    for (size_t i = 0; i < n * width; i++) {
        const double value = i < n * width / 2 ? bytes[16 + i] : bytes[16 + i] / 8.0;
        fprintf(stream, "%g%c", value, i % width == width - 1 ? '\n' : ',');
    }
    fclose(stream);
    assert_int_equal(weir_rows_read(&rows, NULL, path, -1, &error), WEIR_OK);
    assert_int_equal(weir_rows_shape(rows).rows, n);
    weir_rows_copy(rows, out, NULL, 0, n);
    for (size_t i = 0; i < n * width; i++) assert_true(out[i] == (float)bytes[16 + i] / (i < n * width / 2 ? 1 : 8));
    clear();
}

// Every allocation fails in turn: an error each time, nothing leaked (the sanitizers look), success at the end.
static void out_of_memory(void **state) {
    (void)state;
    const char *const texts[] = {"a,b\n1,2\n3,0.5\n", "1,2\n3,4\n"};
    for (size_t t = 0; t < 4; t++) {
        if (t < 2) write_text(texts[t]);
        if (t == 2) write_bytes(idx_images, sizeof idx_images, true);
        if (t == 3) write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", "\0\0\0\0", 4);
        int failures = 0;
        for (long allowed = 0; allowed < 50; allowed++) {
            weir__alloc_fail_after(allowed);
            const weir_status status = weir_rows_read(&rows, &labels, path, t == 1 ? 0 : -1, &error);
            weir__alloc_fail_after(-1);
            if (status == WEIR_OK) break;
            assert_int_equal(status, WEIR_MEMORY);
            assert_null(rows);
            assert_null(labels);
            failures++;
        }
        assert_in_range(failures, 3, 30);
        assert_non_null(rows);
        clear();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_memory),
        cmocka_unit_test(reordering_keeps_labels_with_rows),
        cmocka_unit_test(idx_bytes),
        cmocka_unit_test(idx_other_types),
        cmocka_unit_test(idx_refused),
        cmocka_unit_test(no_rows),
        cmocka_unit_test(absurd_sizes_allocate_little),
        cmocka_unit_test(labels_out_of_range),
        cmocka_unit_test(damaged_gzip_is_refused),
        cmocka_unit_test(npy_types),
        cmocka_unit_test(npy_refused),
        cmocka_unit_test(csv_forms),
        cmocka_unit_test(csv_stays_bytes_while_it_can),
        cmocka_unit_test(csv_label_column),
        cmocka_unit_test(csv_refused),
        cmocka_unit_test(csv_in_another_locale),
        cmocka_unit_test(other_files_refused),
        cmocka_unit_test(standard_input),
        cmocka_unit_test(large_files),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
