// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// NPY headers (NumPy Enhancement Proposal 1): "\x93NUMPY", version, length, then a Python dictionary as text, such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }. This reads those three keys in any order and
// nothing else: no structured types, no objects, no Fortran order. NumPy under Python 2 wrote sizes as long integers,
// (60000L, 784L).

#include <stdlib.h>
#include <string.h>

#include "array.h"

enum { longest_header = 1 << 16 };

static const char *skip_blanks(const char *text) {
    while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r') text++;
    return text;
}

// The text behind "'key':", or NULL.
static const char *value_of(const char *header, const char *key) {
    const size_t length = strlen(key);
    for (const char *at = header; *at; at++) {
        if ((*at != '\'' && *at != '"') || strncmp(at + 1, key, length) != 0 || at[1 + length] != *at) continue;
        const char *behind = skip_blanks(at + length + 2);
        if (*behind == ':') return skip_blanks(behind + 1);
    }
    return NULL;
}

// Length of a Python value: a string with its quotes, a list to the bracket that closes it.
static size_t value_length(const char *value) {
    const size_t all = strlen(value);
    size_t depth = 0;
    if (*value == '\'' || *value == '"') {
        const char *end = strchr(value + 1, *value);
        return end ? (size_t)(end - value) + 1 : all;
    }
    for (size_t i = 0; i < all; i++) {
        if (value[i] == '[' || value[i] == '(') depth++;
        if ((value[i] == ']' || value[i] == ')') && depth && !--depth) return i + 1;
        if (!depth && (value[i] == ',' || value[i] == '}')) return i;
    }
    return all;
}

/// Where an element type that is not read comes from, and what to do in Python before saving.
typedef struct origin {
    const char *code; ///< how the type begins behind its byte order
    const char *about;
} origin;

static const char *find_origin(const char *type, bool is_list) {
    static const origin origins[] = {
        {"V2'", "probably bfloat16 of ml_dtypes; save it with numpy.save(file, array.astype('float32'))"},
        {"V1'", "probably an 8-bit float or 4-bit integer of ml_dtypes; save it with numpy.save(file, "
                "array.astype('float32'))"},
        {"V", "raw bytes; save the numbers that they stand for, as float32"},
        {"f1'", "probably float8_e5m2 of ml_dtypes; save it with numpy.save(file, array.astype('float32'))"},
        {"f", "longer than float64; save it with numpy.save(file, array.astype('float32'))"},
        {"c", "complex numbers; save numpy.abs(array) or its real and imaginary parts, as float32"},
        {"O", "Python objects; save it with numpy.save(file, array.astype('float32')), if they are numbers"},
        {"M", "dates; save numbers, such as (array - array.min()) / numpy.timedelta64(1, 'D')"},
        {"m", "spans of time; save numbers, such as array / numpy.timedelta64(1, 's')"},
    };
    if (is_list)
        return "a structured array; save numpy.lib.recfunctions.structured_to_unstructured(array, dtype='float32')";
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        if (strncmp(type, origins[i].code, strlen(origins[i].code)) == 0) return origins[i].about;
    }
    return "save it with numpy.save(file, array.astype('float32'))";
}

static weir_status read_type(weir__array *array, const char *header, const char *name, weir_error *error) {
    static const struct {
        const char *code;
        weir__element element;
    } types[] = {{"u1", WEIR__U8},  {"i1", WEIR__I8},  {"b1", WEIR__BOOL}, {"u2", WEIR__U16},
                 {"i2", WEIR__I16}, {"u4", WEIR__U32}, {"i4", WEIR__I32},  {"u8", WEIR__U64},
                 {"i8", WEIR__I64}, {"f2", WEIR__F16}, {"f4", WEIR__F32},  {"f8", WEIR__F64}};
    const char *value = value_of(header, "descr");
    char text[80];
    if (!value) return weir__fail(error, WEIR_FORMAT, "%s: NPY header has no 'descr'", name);
    const size_t length = value_length(value);
    // '<' little-endian, '>' big-endian, '|' and '=' (never written for more than a byte) mean nothing here.
    const bool quoted = *value == '\'' || *value == '"', known = quoted && length == 5 && strchr("<>|=", value[1]);
    for (size_t i = 0; known && i < sizeof types / sizeof *types; i++) {
        if (strncmp(value + 2, types[i].code, 2) != 0) continue;
        array->element = types[i].element;
        array->big_endian = value[1] == '>';
        return WEIR_OK;
    }
    if (quoted && length > 4 && strchr("<>|=", value[1]) && (value[2] == 'U' || value[2] == 'S')) {
        char *end = NULL;
        const unsigned long long letters = strtoull(value + 3, &end, 10);
        array->element = WEIR__TEXT;
        array->wide = value[2] == 'U';
        array->big_endian = value[1] == '>';
        array->letters = letters < SIZE_MAX / 8 ? (size_t)letters : SIZE_MAX / 8;
        if (end == value + length - 1) return WEIR_OK;
    }
    const char *type = value + (quoted ? 1 + (length > 2 && strchr("<>|=", value[1])) : 0);
    return weir__fail(error, WEIR_UNSUPPORTED, "%s: NPY 'descr' %s is not supported: %s", name,
                      weir__show(text, sizeof text, value, length), find_origin(type, *value == '['));
}

static weir_status read_shape(weir__array *array, const char *header, const char *name, weir_error *error) {
    const char *at = value_of(header, "shape");
    if (!at || *at != '(') return weir__fail(error, WEIR_FORMAT, "%s: NPY header has no 'shape' tuple", name);
    at = skip_blanks(at + 1);
    while (*at != ')') {
        char *end = NULL;
        const unsigned long long size = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        if (!end || size >= SIZE_MAX / 2) return weir__fail(error, WEIR_FORMAT, "%s: NPY 'shape' is malformed", name);
        if (array->rank == weir__array_ranks)
            return weir__fail(error, WEIR_UNSUPPORTED, "%s: NPY 'shape' has more than %d dimensions", name,
                              weir__array_ranks);
        array->sizes[array->rank++] = (size_t)size;
        at = skip_blanks(end + (*end == 'L'));
        if (*at == ',') {
            at = skip_blanks(at + 1);
        } else if (*at != ')') {
            return weir__fail(error, WEIR_FORMAT, "%s: NPY 'shape' is malformed", name);
        }
    }
    return WEIR_OK;
}

weir_status weir__npy_header(weir__array *array, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    char *header = NULL;
    uint8_t start[8], length[4] = {0};
    *array = (weir__array){0};
    TRY(weir__stream_read(stream, start, sizeof start, "the NPY magic", error));
    TRY_THAT(start[6] >= 1 && start[6] <= 3, WEIR_VERSION, "%s: NPY version %d.%d; versions 1 to 3 are supported",
             stream->name, start[6], start[7]);
    TRY(weir__stream_read(stream, length, start[6] == 1 ? 2 : 4, "the NPY header length", error));
    const size_t size = (size_t)length[3] << 24 | (size_t)length[2] << 16 | (size_t)length[1] << 8 | length[0];
    TRY_THAT(size <= longest_header, WEIR_FORMAT, "%s: NPY header length %zu; at most %d are expected", stream->name,
             size, longest_header);
    TRY(weir__new(&header, size + 1, 1, "an NPY header", error));
    TRY(weir__stream_read(stream, header, size, "the NPY header", error));
    TRY(read_type(array, header, stream->name, error));
    TRY(read_shape(array, header, stream->name, error));
    const char *fortran = value_of(header, "fortran_order");
    TRY_THAT(fortran && (strncmp(fortran, "False", 5) == 0 || strncmp(fortran, "True", 4) == 0), WEIR_FORMAT,
             "%s: NPY header has no 'fortran_order' True or False", stream->name);
    TRY_THAT(*fortran == 'F', WEIR_UNSUPPORTED,
             "%s: NPY array is in Fortran order; save it with numpy.save(file, numpy.ascontiguousarray(array))",
             stream->name);
done:
    weir__free(header);
    return status;
}
