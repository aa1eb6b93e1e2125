// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Tables of numbers as strangers write them: headers, quotes, columns that are not numbers, values that are missing,
// several gzip members, archives of arrays.

#define _XOPEN_SOURCE 700

#include "scratch_folder.h"
#include "zip_archive.h"

#include "core/core.h"
#include <weir/data.h>

static weir_table table;
static weir_error error;

static weir_read_options with_header(const char *header) {
    weir_read_options options = weir_read_options_default();
    options.header = header;
    return options;
}

static void read_file(const char *name, const weir_read_options *options, size_t rows, size_t columns,
                      const float *values) {
    float out[64];
    const weir_status status = weir_table_read(&table, name, options, &error);
    if (status != WEIR_OK) print_message("%s\n", error.text);
    assert_int_equal(status, WEIR_OK);
    assert_int_equal(weir_rows_shape(table.rows).rows, rows);
    assert_int_equal(weir_rows_shape(table.rows).columns, columns);
    assert_true(rows * columns <= sizeof out / sizeof *out);
    weir_rows_copy(table.rows, out, NULL, 0, rows);
    assert_memory_equal(out, values, rows * columns * sizeof *out);
}

// The text is read as these values; note: a part of the note, or NULL for none.
static void reads(const char *text, const weir_read_options *options, size_t rows, size_t columns, const float *values,
                  const char *note) {
    write_file(path, text, strlen(text));
    read_file(path, options, rows, columns, values);
    if (note && !strstr(table.note, note)) print_message("%s\n", table.note);
    if (note) assert_non_null(strstr(table.note, note));
    if (!note) assert_string_equal(table.note, "");
    weir_table_free(&table);
}

static void refused_file(const char *name, const weir_read_options *options, weir_status status, const char *fragment) {
    const weir_status got = weir_table_read(&table, name, options, &error);
    if (got != status || !strstr(error.text, fragment)) print_message("%s\n", error.text);
    assert_int_equal(got, status);
    assert_non_null(strstr(error.text, fragment));
    assert_null(table.rows);
    assert_null(table.labels);
    assert_null(table.targets);
}

static void refused(const char *text, const weir_read_options *options, const char *fragment) {
    write_file(path, text, strlen(text));
    refused_file(path, options, WEIR_DATA, fragment);
}

// ---- CSV

static void names_of_columns(void **state) {
    (void)state;
    const weir_read_options guess = with_header("auto"), yes = with_header("yes"), no = with_header("no");
    const float numbers[] = {1, 2, 3, 4};
    reads("a,b\n1,2\n3,4\n", &guess, 2, 2, numbers, NULL);
    reads("a,b\n1,2\n3,4\n", &yes, 2, 2, numbers, NULL);
    reads("9,8\n1,2\n3,4\n", &yes, 2, 2, numbers, NULL);
    reads("1,2\n3,4\n", &no, 2, 2, numbers, NULL);
    reads("1,2\n3,4\n", &guess, 2, 2, numbers, NULL);
    reads("# made by hand\n# two columns\n1,2\n3,4\n", &guess, 2, 2, numbers, NULL);
    reads("# x y\n1 2\n3 4\n", &guess, 2, 2, numbers, NULL);
    refused("a,b\n1,2\n", &no, "line 1, column 0: \"a\" is not a number");
    // One cell that is no number does not make names of the others.
    refused("1,?,3,4\n5,6,7,8\n", &guess, "line 1, column 1: \"?\" stands for a missing value");
    refused("1,,3,4\n5,6,7,8\n", &guess, "line 1, column 1 is empty");
    refused("1,l0,3,4\n5,6,7,8\n", &guess, "line 1 has numbers, but in column 1 the text \"l0\"");
    refused("country,2019,2020\n1,2,3\n", &guess, "Say data.header (--header) yes or no");
    reads("country,2019,2020\n1,2,3\n", &yes, 1, 3, (const float[]){1, 2, 3}, NULL);
    // What pandas writes for columns without names, with and without its index.
    reads("0,1,2\n5,6,7\n", &guess, 1, 3, (const float[]){5, 6, 7}, "names of columns; data.header (--header) no");
    reads(",0,1\n0,6,7\n", &guess, 1, 3, (const float[]){0, 6, 7}, "names of columns");
    reads("0,1,2\n5,6,7\n", &no, 2, 3, (const float[]){0, 1, 2, 5, 6, 7}, NULL);
    reads("0,1\n5,6\n", &guess, 2, 2, (const float[]){0, 1, 5, 6}, "read as a row; data.header (--header) yes");
    reads("0,1,2,4\n", &guess, 1, 4, (const float[]){0, 1, 2, 4}, NULL);
    const weir_read_options wrong = with_header("maybe");
    refused_file(path, &wrong, WEIR_CONFIG, "data.header is \"maybe\"; expected auto, yes or no");
}

static void quotes(void **state) {
    (void)state;
    const weir_read_options guess = with_header(NULL);
    const float numbers[] = {1, -2.5F, 3, 4};
    reads("\"a\",\"b\"\n\"1\",\"-2.5\"\n\"3\",4\n", &guess, 2, 2, numbers, NULL);
    reads("\"a;x\",b\n\" 1 \" , \"-2.5\"\n3,\"4\"\n", &guess, 2, 2, numbers, NULL);
    reads("\"1\" \"-2.5\"\n3 4\n", &guess, 2, 2, numbers, NULL);
    refused("\"1,2\n3,4\n", &guess, "begins with a quote that is not closed");
    refused("1,2\n3,\"4\"x\n", &guess, "line 2, column 1: \"\"4\"x\" is not a number");
    refused("1,2\n3,\"\"\n", &guess, "line 2, column 1 is empty");
}

static void columns_that_are_not_used(void **state) {
    (void)state;
    weir_read_options options = weir_read_options_default();
    options.skip_columns = "0,3-4";
    const float numbers[] = {1, 2, 3, 4};
    reads("id,a,b,c,d\nx,1,2,?,\"a, b\"\ny z,3,4,,\"\"\"q\"\"\"\n", &options, 2, 2, numbers, NULL);
    reads("x,1,2,?,yes\ny,3,4,,no\n", &options, 2, 2, numbers, NULL);
    reads("x,1,2,7,8\ny,3,4,9,no\n", &options, 2, 2, numbers, NULL);
    refused("1,2\n", &options, "line 1 has 2 columns, but data.skip_columns goes up to 4");
    options.skip_columns = "0-1";
    refused("1,2\n", &options, "and no values");
    const char *const wrong[] = {"1,", ",1", "3-1", "-1", "1,,2", "99999999999", "\"a", "\"\"", "\"a\"b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.skip_columns = wrong[i];
        refused_file(path, &options, WEIR_CONFIG, "expected columns by number from 0 or by name, as in 0,3-5,width");
    }
}

static void labels_and_targets(void **state) {
    (void)state;
    weir_read_options options = weir_read_options_default();
    options.label_column = "1";
    options.target_columns = "3-4,0";
    const char text[] = "a,b,c,d,e\n0.5,7,1,-1,1e3\n1.5,8,2,-2,2e3\n";
    write_file(path, text, sizeof text - 1);
    read_file(path, &options, 2, 1, (const float[]){1, 2});
    assert_int_equal(table.labels[0], 7);
    assert_int_equal(table.labels[1], 8);
    assert_int_equal(weir_rows_shape(table.targets).columns, 3);
    float out[6];
    weir_rows_copy(table.targets, out, NULL, 0, 2);
    assert_memory_equal(out, ((const float[]){0.5F, -1, 1e3F, 1.5F, -2, 2e3F}), sizeof out);
    weir_table_free(&table);
    options.target_columns = "9";
    refused(text, &options, "line 1 has 5 columns, but data.target_columns goes up to 9");
    weir_table_free(NULL);
}

static void expect_names(weir_named list, const char *const *names, size_t count) {
    assert_int_equal(weir_names_count(table.names, list), count);
    for (size_t i = 0; i < count; i++) assert_string_equal(weir_names_at(table.names, list, i), names[i]);
}

static void columns_by_name(void **state) {
    (void)state;
    weir_read_options options = weir_read_options_default();
    options.label_column = "kind";
    options.skip_columns = "id, \"a, b\",5";
    options.target_columns = "\"2019\"";
    const char text[] = "id,x,kind,\"a, b\",2019,note,petal width\n1,0.5,red,?,9,hi,2\n2,1.5,green,,8,\"h,o\",3\n";
    write_file(path, text, sizeof text - 1);
    read_file(path, &options, 2, 2, (const float[]){0.5F, 2, 1.5F, 3});
    expect_names(WEIR_NAMED_COLUMNS, (const char *const[]){"x", "petal width"}, 2);
    expect_names(WEIR_NAMED_CLASSES, (const char *const[]){"green", "red"}, 2);
    expect_names(WEIR_NAMED_TARGETS, (const char *const[]){"2019"}, 1);
    expect_names(WEIR_NAMED_LABEL, (const char *const[]){"kind"}, 1);
    assert_int_equal(table.labels[0], 1);
    assert_int_equal(table.labels[1], 0);
    weir_table_free(&table);
    options.label_column = "knd";
    refused(text, &options,
            "has no column \"knd\" (data.label_column, --label-column); it has id, x, kind, \"a, b\", 2019, note, petal "
            "width; did you mean 'kind'?");
    options = weir_read_options_default();
    options.label_column = "kind";
    refused("1,2,3\n4,5,6\n", &options,
            "data.label_column, --label-column says \"kind\", but line 1 gives no names of columns");
    options.header = "no";
    refused_file(path, &options, WEIR_CONFIG, "data.header is \"no\", but data.label_column");
    options.header = "yes";
    refused("a,kind,kind\n1,2,3\n", &options, "columns 1 and 2 are both called \"kind\"");
    refused("a,a,kind\n1,2,3\n", &options, "columns 0 and 1 are both called \"a\"; rename one of them");
    refused("a,b\xe9,kind\n1,2,3\n", &options, ": the name is not in UTF-8");
    refused("a,b,kind\n1,x,3\n", &options, "line 2, column 1 (b): \"x\" is not a number");
    reads("a,b,kind\nTrue,false,1\nFALSE,true,0\n", &options, 2, 2, (const float[]){1, 0, 0, 1}, NULL);
    refused("a,b,kind\nTrue,fAlse,1\n", &options, "line 2, column 1 (b): \"fAlse\" is not a number");
    reads(",b,kind\n0,7,3\n", &options, 1, 2, (const float[]){0, 7}, NULL); // pandas' index
}

static void lines_that_end_with_cr(void **state) {
    (void)state;
    const weir_read_options plain = weir_read_options_default();
    static const char *const bare[] = {"1,2\r3,4\r", "a,b\r1,2\r\n"};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        write_file(path, bare[i], strlen(bare[i]));
        refused_file(path, &plain, WEIR_FORMAT, "line 1 holds a carriage return (CR) before its end");
    }
    reads("1,2\r\n3,4\r\n", &plain, 2, 2, (const float[]){1, 2, 3, 4}, NULL);
    reads("1,2\r\r\n3,4", &plain, 2, 2, (const float[]){1, 2, 3, 4}, NULL);
}

static void labels_that_are_texts(void **state) {
    (void)state;
    weir_read_options options = weir_read_options_default();
    options.label_column = "1";
    const struct {
        const char *text, *names[4];
        int32_t labels[4];
        size_t rows;
    } cases[] = {
        {"1,b\n2,a\n3,b\n", {"a", "b"}, {1, 0, 1}, 3},                                // no header: values are numbers
        {"x,y\n1,b\n2,a\n", {"a", "b"}, {1, 0}, 2},                                   // a header
        {"x,y\n1,1\n2,-1\n3,-1.0\n4,10\n", {"-1", "1", "10"}, {1, 0, 0, 2}, 4},       // numbers in their order
        {"x,y\n1,true\n2,false\n", {"false", "true"}, {1, 0}, 2},                     //
        {"x,y\n1,none\n2,-\n3,\"NA\"\n", {"-", "NA", "none"}, {2, 0, 1}, 3},          // quoted: no missing label
        {"x,y\n1,\"say \"\"hi\"\"\"\n2,\"a,b\"\n", {"a,b", "say \"hi\""}, {1, 0}, 2}, // as RFC 4180 writes
        {"x,y\n1, z\xc3\xa9 \n2,zz\n", {"zz", "z\xc3\xa9"}, {1, 0}, 2},               // UTF-8
        {"x,y\n1,3\n2,1\n", {NULL}, {3, 1}, 2},                                       // whole numbers are the classes
        {"x,y\n1,3.0\n2,1e0\n", {NULL}, {3, 1}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        while (count < 4 && cases[i].names[count]) count++;
        write_file(path, cases[i].text, strlen(cases[i].text));
        must(weir_table_read(&table, path, &options, &error), &error);
        expect_names(WEIR_NAMED_CLASSES, cases[i].names, count);
        assert_int_equal(weir_rows_shape(table.rows).rows, cases[i].rows);
        for (size_t r = 0; r < cases[i].rows; r++) assert_int_equal(table.labels[r], cases[i].labels[r]);
        weir_table_free(&table);
    }
    refused("x,y\n1,a\n2,\n", &options, "line 3, column 1: the label is missing");
    refused("x,y\n1,a\n2,NA\n", &options, "line 3, column 1: the label is missing (\"NA\")");
    refused("x,y\n1,0.5\n2,1.5\n", &options,
            "line 2, column 1: label \"0.5\"; labels are whole numbers or names; a "
            "value to be predicted is a target");
    refused("x,y\n1,a\n2,\xff\n", &options, "line 3, column 1: the label is not in UTF-8");
    write_file(path, "x,y\n1,a\n2,b\n", 12);
    weir_rows *rows = NULL;
    int32_t *labels = NULL;
    assert_int_equal(weir_rows_read(&rows, &labels, path, 1, &error), WEIR_DATA); // nowhere to put names
    assert_non_null(strstr(error.text, "line 2, column 1: label a; labels are whole numbers"));
    options.labels_may_lack = true;
    write_file(path, "x,y\n1,a\n2,\n3,b\n", 15);
    must(weir_table_read(&table, path, &options, &error), &error);
    assert_int_equal(table.labels[1], -1);
    assert_int_equal(table.labels[2], 1);
    weir_table_free(&table);
}

// Rows for a model that knows names: the order of the file does not count.
static void names_of_a_model(void **state) {
    (void)state;
    weir_names *names = NULL;
    must(weir_names_create(&names, &error), &error);
    weir_read_options options = weir_read_options_default();
    options.names = names;
    options.label_column = "2";
    refused("x,y,k\n1,2,a\n", &options, "label \"a\"; the classes that were trained are numbers");
    options.label_column = NULL;
    must(weir_names_set(names, WEIR_NAMED_COLUMNS, (const char *const[]){"x", "y"}, 2, &error), &error);
    must(weir_names_set(names, WEIR_NAMED_CLASSES, (const char *const[]){"-1", "red"}, 2, &error), &error);
    must(weir_names_set(names, WEIR_NAMED_LABEL, (const char *const[]){"k"}, 1, &error), &error);
    const float numbers[] = {1, 2};
    reads("y,x\n2,1\n", &options, 1, 2, numbers, NULL);
    reads("y,k,x\n2,red,1\n", &options, 1, 2, numbers, NULL);
    reads("z,y,k,x\n?,2,-1.0,1\n", &options, 1, 2, numbers, "1 column that the model does not know is left out: z");
    reads(",z,y,x\n8,9,2,1\n", &options, 1, 2, numbers,
          "2 columns that the model does not know are left out: column 0 (no name), z");
    reads("\"z, a\",y,x\n9,2,1\n", &options, 1, 2, numbers, "is left out: \"z, a\"");
    reads("1,2\n", &options, 1, 2, numbers, "gives no names of columns: taken in the order of training");
    refused("x,k\n1,red\n", &options, "lacks 1 of the 2 columns that were trained on: \"y\"; it has x, k");
    refused("x,y,x\n1,2,3\n", &options, "columns 0 and 2 are both called \"x\"");
    refused("x,y,k\n1,2,read\n", &options,
            "line 2, column 2: label \"read\"; none of the classes that were trained: "
            "-1, red; did you mean 'red'?");
    options.skip_columns = "k";
    reads("x,y,k\n1,2,read\n", &options, 1, 2, numbers, NULL);
    options.skip_columns = NULL;
    options.label_column = "other";
    reads("x,y,other\n1,2,red\n", &options, 1, 2, numbers, NULL);
    weir_names_free(names);
}

static void missing_values(void **state) {
    (void)state;
    const weir_read_options guess = with_header("auto");
    const char *const words[] = {"?", "NA", "N/A", "null", "None", "-", "."};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char text[64], wanted[64];
        snprintf(text, sizeof text, "1,2\n3,%s\n", words[i]);
        snprintf(wanted, sizeof wanted, "line 2, column 1: \"%s\" stands for a missing value; fill it in", words[i]);
        refused(text, &guess, wanted);
        snprintf(text, sizeof text, "%s,%s\n3,4\n", words[i], words[i]); // no names of columns
        refused(text, &guess, "line 1, column 0");
    }
    refused("1,2\n3,0x10\n", &guess, "\"0x10\" is not a number");
    refused("1;2\n3;4,5\n", &guess, "\"4,5\" is not a number; decimal points are points");
    refused("1,2\n3,four\n", &guess, "\"four\" is not a number; write it as one, or leave out the column");
}

// ---- gzip

static size_t pack(uint8_t *to, size_t room, const char *text) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    z.next_in = (unsigned char *)copy;
    z.avail_in = (uInt)strlen(copy);
    z.next_out = to;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t size = z.total_out;
    deflateEnd(&z);
    return size;
}

static void gzip_members(void **state) {
    (void)state;
    uint8_t bytes[1024] = {0};
    const float numbers[] = {1, 2, 3, 4};
    const weir_read_options guess = with_header(NULL);
    const size_t first = pack(bytes, sizeof bytes, "1,2\n"), second = pack(bytes + first, 512, "3,4\n"),
                 both = first + second;
    write_file(path, bytes, both);
    read_file(path, &guess, 2, 2, numbers);
    weir_table_free(&table);
    write_file(path, bytes, both + 100); // padded with zeros, as tapes and some servers do
    read_file(path, &guess, 2, 2, numbers);
    weir_table_free(&table);
    write_file(path, bytes, both - 3);
    refused_file(path, &guess, WEIR_FORMAT, "gzip data is cut off");
    write_file(path, bytes, first + 1);
    refused_file(path, &guess, WEIR_FORMAT, "something that is not gzip data follows");
    memcpy(bytes + first, "3,4\n", 4); // plain text appended to a packed file
    write_file(path, bytes, first + 4);
    refused_file(path, &guess, WEIR_FORMAT, "something that is not gzip data follows its gzip data");
    memset(bytes + first, 0, 8);
    memcpy(bytes + first + 8, "3,4\n", 4);
    write_file(path, bytes, first + 12);
    refused_file(path, &guess, WEIR_FORMAT, "something that is not gzip data follows its gzip data");
}

// ---- NPY and archives of it

static size_t npy(uint8_t *to, const char *type, const char *shape, const void *body, size_t size) {
    char header[128];
    snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': %s, }\n", type, shape);
    const size_t length = strlen(header);
    memcpy(to, "\x93NUMPY\1", 8);
    to[8] = (uint8_t)length;
    to[9] = 0;
    memcpy(to + 10, header, length);
    memcpy(to + 10 + length, body, size);
    return 10 + length + size;
}

static void write_npy(const char *type, const char *shape, const void *body, size_t size) {
    uint8_t bytes[512];
    write_file(path, bytes, npy(bytes, type, shape, body, size));
}

static void npy_of_all_kinds(void **state) {
    (void)state;
    const weir_read_options guess = with_header(NULL);
    const float values[] = {1, 2, 3, 4};
    write_npy("'<f4'", "(2L, 2L)", values, sizeof values);
    for (int k = 0; k < 2; k++) {
        const weir_read_options no_lines = with_header(k ? "yes" : "no");
        refused_file(path, &no_lines, WEIR_ARGUMENT, "is NPY; only CSV has a line that may name columns");
    }
    read_file(path, &guess, 2, 2, values);
    weir_table_free(&table);
    // 1, −2, 65504 (the greatest), 2^−24 (the least)
    const uint8_t halves[] = {0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x01, 0x00};
    write_npy("'<f2'", "(1, 4)", halves, sizeof halves);
    read_file(path, &guess, 1, 4, (const float[]){1, -2, 65504, 0x1p-24F});
    weir_table_free(&table);
    const uint8_t infinite[] = {0x00, 0x7C}, none[] = {0x01, 0x7C};
    write_npy("'<f2'", "(1, 1)", infinite, 2);
    refused_file(path, &guess, WEIR_DATA, "row 0, column 0 is inf");
    write_npy("'<f2'", "(1, 1)", none, 2);
    refused_file(path, &guess, WEIR_DATA, "row 0, column 0 is nan");
    const struct {
        const char *type, *wanted;
    } types[] = {
        {"'<V2'", "'descr' '<V2' is not supported: probably bfloat16 of ml_dtypes; save it with numpy.save(file, "
                  "array.astype('float32'))"},
        {"'<f1'", "'descr' '<f1' is not supported: probably float8_e5m2"},
        {"'<V1'", "'descr' '<V1' is not supported: probably an 8-bit float"},
        {"'<f16'", "'descr' '<f16' is not supported: longer than float64"},
        {"'<U21'", "is an array of text, which labels alone may be; save it with numpy.save(file, "
                   "array.astype('float32')), if it is numbers"},
        {"'<Ux'", "'descr' '<Ux' is not supported"},
        {"'|V16'", "'descr' '|V16' is not supported: raw bytes"},
        {"'<M8[ns]'", "'descr' '<M8[ns]' is not supported: dates"},
        {"'<c16'", "'descr' '<c16' is not supported: complex"},
        {"'|O'", "'descr' '|O' is not supported: Python objects"},
        {"[('x', '<f4'), ('y', '<i4')]", "'descr' [('x', '<f4'), ('y', '<i4')] is not supported: a structured array"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        write_npy(types[i].type, "(2, 2)", values, sizeof values);
        refused_file(path, &guess, WEIR_UNSUPPORTED, types[i].wanted);
    }
}

static void labels_in_a_column(void **state) {
    (void)state;
    int32_t *labels = NULL;
    size_t count = 0;
    const int64_t names[] = {3, 0, 7};
    write_npy("'<i8'", "(3, 1)", names, sizeof names);
    assert_int_equal(weir_labels_read(&labels, &count, path, &error), WEIR_OK);
    assert_int_equal(count, 3);
    assert_int_equal(labels[2], 7);
    weir_labels_free(labels);
    write_npy("'<i8'", "(1, 3)", names, sizeof names);
    assert_int_equal(weir_labels_read(&labels, &count, path, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "has 2 dimensions; labels have one"));
}

static void arrays_of_texts(void **state) {
    (void)state;
    int32_t *labels = NULL;
    size_t count = 0;
    const uint32_t twelve[] = {'1', '2', '0', 0, '1', '2'};
    write_npy("'<U2'", "(3,)", twelve, sizeof twelve);
    assert_int_equal(weir_labels_read(&labels, &count, path, &error), WEIR_OK);
    assert_int_equal(count, 3);
    assert_int_equal(labels[0], 12);
    assert_int_equal(labels[1], 0);
    assert_int_equal(labels[2], 12);
    weir_labels_free(labels);
    const uint8_t bytes[] = {'7', 0, '3', '1'};
    write_npy("'|S2'", "(2, 1)", bytes, sizeof bytes);
    assert_int_equal(weir_labels_read(&labels, &count, path, &error), WEIR_OK);
    assert_int_equal(labels[1], 31);
    weir_labels_free(labels);
    const uint8_t big[] = {0, 0, 0, '5'};
    write_npy("'>U1'", "(1,)", big, sizeof big);
    assert_int_equal(weir_labels_read(&labels, &count, path, &error), WEIR_OK);
    assert_int_equal(labels[0], 5);
    weir_labels_free(labels);
    const struct {
        const char *type, *shape;
        uint32_t body[3];
        weir_status status;
        const char *says;
    } cases[] = {{"'<U1'", "(3,)", {'1', 0, '2'}, WEIR_DATA, "label 1: the label is missing"},
                 {"'<U1'", "(3,)", {'1', 0xd800, '2'}, WEIR_DATA, "label 1 is no text"},
                 {"'<U1'", "(3,)", {'1', 0x110000, '2'}, WEIR_DATA, "label 1 is no text"},
                 {"'<U3'", "(1,)", {'1', 0, '2'}, WEIR_DATA, "label 0 is no text"},
                 {"'<U1'", "(3,)", {'1', 'x', '2'}, WEIR_DATA, "label 1: label x; labels are whole numbers"},
                 {"'<U1'", "(4,)", {'1', 'x', '2'}, WEIR_FORMAT, ""},
                 {"'<U1'", "(2,)", {'1', '2', '2'}, WEIR_FORMAT, ""},
                 {"'<U1'", "(1, 3)", {'1', '2', '2'}, WEIR_SHAPE, "labels have one"},
                 {"'<U99999999999999999999'", "(1,)", {'1', '2', '2'}, WEIR_UNSUPPORTED, "at most 65536"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        write_npy(cases[c].type, cases[c].shape, cases[c].body, sizeof cases[c].body);
        const weir_status status = weir_labels_read(&labels, &count, path, &error);
        if (status != cases[c].status || !strstr(error.text, cases[c].says))
            fail_msg("%zu: %s: %s", c, weir_status_name(status), error.text);
    }
}

static void archives_of_arrays(void **state) {
    (void)state;
    const weir_read_options guess = with_header(NULL);
    const float values[] = {1, 2, 3, 4};
    const int64_t names[] = {5, 6};
    char named[96];
    for (int deflated = 0; deflated < 2; deflated++) {
        uint8_t body[512];
        archive a = {0};
        a.at = a.bytes;
        a.end = a.directory;
        size_t size = npy(body, "'<f4'", "(2, 2)", values, sizeof values);
        add_entry(&a, "x.npy", body, size, deflated);
        archive one = a;
        one.at = one.bytes + (a.at - a.bytes);
        one.end = one.directory + (a.end - a.directory);
        write_file(path, one.bytes, finish(&one));
        read_file(path, &guess, 2, 2, values);
        weir_table_free(&table);

        size = npy(body, "'<i8'", "(2,)", names, sizeof names);
        add_entry(&a, "y.npy", body, size, deflated);
        const size_t all = finish(&a);
        write_file(path, a.bytes, all);
        refused_file(path, &guess, WEIR_ARGUMENT, "holds 2 arrays (x, y); name one, as in ");
        snprintf(named, sizeof named, "%s:x", path);
        read_file(named, &guess, 2, 2, values);
        weir_table_free(&table);
        int32_t *labels = NULL;
        size_t count = 0;
        snprintf(named, sizeof named, "%s:y.npy", path);
        assert_int_equal(weir_labels_read(&labels, &count, named, &error), WEIR_OK);
        assert_int_equal(count, 2);
        assert_int_equal(labels[1], 6);
        weir_labels_free(labels);
        snprintf(named, sizeof named, "%s:z", path);
        refused_file(named, &guess, WEIR_NOT_FOUND, "has no array \"z\"; it has x, y");

        // Cut anywhere, or damaged: an error, never other numbers.
        snprintf(named, sizeof named, "%s:x", path);
        for (size_t cut = 4; cut < all; cut += 7) {
            write_file(path, a.bytes, cut);
            assert_int_not_equal(weir_table_read(&table, named, &guess, &error), WEIR_OK);
        }
        for (size_t at = 4; at < all; at++) {
            a.bytes[at] ^= 0x10;
            write_file(path, a.bytes, all);
            if (weir_table_read(&table, named, &guess, &error) == WEIR_OK) {
                float out[4];
                assert_int_equal(weir_rows_shape(table.rows).columns, 2);
                weir_rows_copy(table.rows, out, NULL, 0, 2);
                assert_memory_equal(out, values, sizeof out);
                weir_table_free(&table);
            }
            a.bytes[at] ^= 0x10;
        }
    }
    write_file(path, "1,2\n", 4);
    refused_file(named, &guess, WEIR_FORMAT, "is no .npz archive");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_columns),      cmocka_unit_test(quotes),
        cmocka_unit_test(labels_and_targets),    cmocka_unit_test(columns_that_are_not_used),
        cmocka_unit_test(columns_by_name),       cmocka_unit_test(lines_that_end_with_cr),
        cmocka_unit_test(labels_that_are_texts), cmocka_unit_test(names_of_a_model),
        cmocka_unit_test(missing_values),        cmocka_unit_test(gzip_members),
        cmocka_unit_test(npy_of_all_kinds),      cmocka_unit_test(labels_in_a_column),
        cmocka_unit_test(arrays_of_texts), cmocka_unit_test(archives_of_arrays),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
