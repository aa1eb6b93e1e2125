// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The body of IDX and NPY arrays, in chunks: memory grows with what the stream really holds, whatever its header says.

#include <math.h>
#include <string.h>

#include "array.h"
#include "rows.h"

enum { chunk_elements = 4096, widest = 8 };

static size_t element_size(weir__element element) {
    switch (element) {
    case WEIR__U8:
    case WEIR__I8:
    case WEIR__BOOL:
        return 1;
    case WEIR__U16:
    case WEIR__I16:
    case WEIR__F16:
        return 2;
    case WEIR__U32:
    case WEIR__I32:
    case WEIR__F32:
        return 4;
    case WEIR__U64:
    case WEIR__I64:
    case WEIR__F64:
    case WEIR__TEXT:
        break;
    }
    return widest;
}

// IEEE 754 binary16: 1 sign bit, 5 of the exponent, 10 of the fraction.
static double half_as_double(uint64_t bits) {
    const double sign = bits >> 15 ? -1 : 1, fraction = (double)(bits & 0x3FF);
    const int exponent = (int)(bits >> 10 & 0x1F);
    if (exponent == 0x1F) return fraction > 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static double as_double(const uint8_t *raw, const weir__array *array, size_t size) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits |= (uint64_t)raw[array->big_endian ? size - 1 - i : i] << (8 * i);
    switch (array->element) {
    case WEIR__I8:
        return (int8_t)bits;
    case WEIR__I16:
        return (int16_t)bits;
    case WEIR__I32:
        return (int32_t)bits;
    case WEIR__I64:
        return (double)(int64_t)bits;
    case WEIR__F16:
        return half_as_double(bits);
    case WEIR__F32: {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    case WEIR__F64: {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    case WEIR__U8:
    case WEIR__BOOL:
    case WEIR__U16:
    case WEIR__U32:
    case WEIR__U64:
    case WEIR__TEXT:
        break;
    }
    return (double)bits;
}

static bool is_integer(weir__element element) { return element < WEIR__F16; }

static bool is_byte(weir__element element) { return element == WEIR__U8 || element == WEIR__BOOL; }

// rows × columns of the array, with the limits that keep all later products of sizes from overflowing.
static weir_status find_shape(weir_shape *shape, const weir__array *array, bool vector, const char *name,
                              weir_error *error) {
    if (array->rank < (vector ? 1 : 2))
        return weir__fail(error, WEIR_SHAPE, "%s: has %zu dimension%s; rows need [rows][columns] or more", name,
                          array->rank, array->rank == 1 ? "" : "s");
    if (!array->sizes[0]) return weir__fail(error, WEIR_DATA, "%s: holds no rows", name);
    size_t columns = 1;
    for (size_t i = 1; i < array->rank; i++) {
        const size_t size = array->sizes[i];
        if (!size) return weir__fail(error, WEIR_DATA, "%s: size %zu in its header is 0", name, i + 1);
        if (columns > UINT32_MAX / size)
            return weir__fail(error, WEIR_FORMAT, "%s: the sizes in its header give more than 2^32 values per row",
                              name);
        columns *= size;
    }
    if (array->sizes[0] > UINT32_MAX || columns > (SIZE_MAX >> 8) / array->sizes[0])
        return weir__fail(error, WEIR_FORMAT, "%s: the sizes in its header (%zu rows of %zu values) are absurd", name,
                          array->sizes[0], columns);
    const bool image = array->rank == 3;
    *shape = (weir_shape){.rows = array->sizes[0],
                          .columns = columns,
                          .height = image ? array->sizes[1] : 1,
                          .width = image ? array->sizes[2] : columns};
    return WEIR_OK;
}

// Takes count elements; the error names the row in which the stream ends.
static weir_status take(weir__stream *stream, uint8_t *raw, size_t count, const weir__array *array, size_t before,
                        size_t columns, weir_error *error) {
    const size_t size = element_size(array->element);
    size_t got = 0;
    const weir_status status = weir__stream_take(stream, raw, count * size, &got, error);
    if (status != WEIR_OK || got == count * size) return status;
    return weir__fail(error, WEIR_FORMAT, "%s: ends in row %zu, but its header says %zu rows", stream->name,
                      (before + got / size) / columns, array->sizes[0]);
}

// One call per chunk: raw elements to the array's end, in the form in which it keeps them.
static weir_status append(weir__growing *to, const uint8_t *raw, size_t count, const weir__array *array, size_t columns,
                          const char *name, weir_error *error) {
    const size_t size = element_size(array->element);
    if (is_byte(array->element)) {
        memcpy((uint8_t *)to->data + to->count, raw, count);
        to->count += count;
        return WEIR_OK;
    }
    float *out = (float *)to->data + to->count;
    for (size_t i = 0; i < count; i++) {
        const double value = as_double(raw + i * size, array, size);
        out[i] = (float)value;
        if (!isfinite(out[i])) {
            const size_t at = to->count + i;
            return weir__fail(error, WEIR_DATA, "%s: row %zu, column %zu is %g; values must be finite floats", name,
                              at / columns, at % columns, value);
        }
    }
    to->count += count;
    return WEIR_OK;
}

static weir_status refuse_text(const weir__array *array, const char *name, weir_error *error) {
    if (array->element != WEIR__TEXT) return WEIR_OK;
    return weir__fail(error, WEIR_UNSUPPORTED,
                      "%s: is an array of text, which labels alone may be; save it with numpy.save(file, "
                      "array.astype('float32')), if it is numbers",
                      name);
}

weir_status weir__array_numbers(double *out, size_t count, const weir__array *array, weir__stream *stream,
                                weir_error *error) {
    if (array->element == WEIR__TEXT) return refuse_text(array, stream->name, error);
    uint8_t raw[chunk_elements * widest];
    const size_t size = element_size(array->element);
    for (size_t done = 0; done < count;) {
        const size_t left = count - done, some = left < chunk_elements ? left : chunk_elements;
        size_t got = 0;
        const weir_status status = weir__stream_take(stream, raw, some * size, &got, error);
        if (status != WEIR_OK) return status;
        if (got < some * size)
            return weir__fail(error, WEIR_FORMAT, "%s: ends before the %zu numbers of its header", stream->name,
                              array->sizes[0]);
        for (size_t i = 0; i < some; i++) out[done + i] = as_double(raw + i * size, array, size);
        done += some;
    }
    return WEIR_OK;
}

weir_status weir__array_rows(weir_rows **rows, const weir__array *array, weir__stream *stream, bool vector,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    weir_shape shape;
    weir__growing values = {.size = is_byte(array->element) ? 1 : sizeof(float)};
    uint8_t raw[chunk_elements * widest];
    *rows = NULL;
    TRY(refuse_text(array, stream->name, error));
    TRY(find_shape(&shape, array, vector, stream->name, error));
    values.limit = shape.rows * shape.columns;
    while (values.count < values.limit) {
        const size_t left = values.limit - values.count, count = left < chunk_elements ? left : chunk_elements;
        TRY(take(stream, raw, count, array, values.count, shape.columns, error));
        TRY(weir__grow(&values, count, "rows", error));
        TRY(append(&values, raw, count, array, shape.columns, stream->name, error));
    }
    TRY(weir__stream_expect_end(stream, error));
    if (is_byte(array->element)) {
        const float scale = array->element == WEIR__U8 ? 1.0F / 255 : 1;
        status = weir__rows_adopt(rows, shape, values.data, scale, NULL, error);
    } else {
        status = weir__rows_adopt(rows, shape, NULL, 1, values.data, error);
    }
    values.data = NULL;
done:
    weir__free(values.data);
    return status;
}

weir_status weir__array_labels(int32_t **labels, size_t *count, const weir__array *array, weir__stream *stream,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    weir__growing values = {.size = sizeof **labels};
    uint8_t raw[chunk_elements * widest];
    const size_t size = element_size(array->element);
    *labels = NULL;
    *count = 0;
    TRY_THAT(array->rank == 1 || (array->rank == 2 && array->sizes[1] == 1), WEIR_SHAPE,
             "%s: has %zu dimensions; labels have one", stream->name, array->rank);
    TRY_THAT(is_integer(array->element), WEIR_UNSUPPORTED,
             "%s: holds floats; labels are integers: save them with numpy.save(file, labels.astype('int64'))",
             stream->name);
    TRY_THAT(array->sizes[0], WEIR_DATA, "%s: holds no labels", stream->name);
    TRY_THAT(array->sizes[0] <= UINT32_MAX, WEIR_FORMAT, "%s: the size in its header (%zu labels) is absurd",
             stream->name, array->sizes[0]);
    values.limit = array->sizes[0];
    while (values.count < values.limit) {
        const size_t left = values.limit - values.count, chunk = left < chunk_elements ? left : chunk_elements;
        TRY(take(stream, raw, chunk, array, values.count, 1, error));
        TRY(weir__grow(&values, chunk, "labels", error));
        for (size_t i = 0; i < chunk; i++, values.count++) {
            const double value = as_double(raw + i * size, array, size);
            TRY_THAT(value >= 0 && value < INT32_MAX, WEIR_DATA,
                     "%s: label %zu is %.0f; labels are 0 or more, below %d", stream->name, values.count, value,
                     INT32_MAX);
            ((int32_t *)values.data)[values.count] = (int32_t)value;
        }
    }
    TRY(weir__stream_expect_end(stream, error));
    *labels = values.data;
    *count = values.count;
    values.data = NULL;
done:
    weir__free(values.data);
    return status;
}

// ---- Texts ---------------------------------------------------------------------------------------------------------

enum { most_letters = 1 << 16 };

// A number of Unicode in UTF-8 (RFC 3629), at most 4 bytes; 0: it is none.
static size_t put_letter(char *to, uint32_t letter) {
    if (letter < 0x80) return *to = (char)letter, 1;
    if (letter >= 0xd800 && letter < 0xe000) return 0;
    const size_t length = letter < 0x800 ? 2 : letter < 0x10000 ? 3 : letter < 0x110000 ? 4 : 0;
    for (size_t i = length; i-- > 1; letter >>= 6) to[i] = (char)(0x80 | (letter & 0x3f));
    if (length) to[0] = (char)(((0xf00U >> length) & 0xff) | letter);
    return length;
}

// One entry in UTF-8, without the zeros that fill it up. False: letters that are none, or zeros within.
static bool put_text(char *to, size_t *length, const uint8_t *raw, const weir__array *array) {
    const size_t size = array->wide ? 4 : 1;
    size_t letters = array->letters;
    while (letters && !memcmp(raw + (letters - 1) * size, "\0\0\0", size)) letters--;
    *length = 0;
    for (size_t i = 0; i < letters; i++) {
        const uint8_t *at = raw + i * size;
        uint32_t letter = *at;
        for (size_t b = 0; array->wide && b < 4; b++)
            letter = (b ? letter << 8 : 0) | at[array->big_endian ? b : 3 - b];
        if (!letter) return false;
        if (!array->wide) to[*length] = (char)letter;
        const size_t put = array->wide ? put_letter(to + *length, letter) : 1;
        if (!put) return false;
        *length += put;
    }
    return true;
}

weir_status weir__array_texts(weir__labels *labels, const weir__array *array, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t *raw = NULL;
    char *text = NULL;
    labels->of_array = true;
    TRY_THAT(array->rank == 1 || (array->rank == 2 && array->sizes[1] == 1), WEIR_SHAPE,
             "%s: has %zu dimensions; labels have one", stream->name, array->rank);
    TRY_THAT(array->sizes[0], WEIR_DATA, "%s: holds no labels", stream->name);
    TRY_THAT(array->letters <= most_letters, WEIR_UNSUPPORTED, "%s: texts of %zu letters; labels have at most %d",
             stream->name, array->letters, most_letters);
    const size_t size = array->letters * (array->wide ? 4 : 1);
    TRY(weir__new(&raw, size + 1, 1, "a label", error));
    TRY(weir__new(&text, 4 * array->letters + 1, 1, "a label", error));
    for (size_t i = 0; i < array->sizes[0]; i++) {
        size_t length = 0;
        TRY(weir__stream_read(stream, raw, size, "the labels", error));
        TRY_THAT(put_text(text, &length, raw, array), WEIR_DATA, "%s: label %zu is no text", stream->name, i);
        text[length] = 0;
        const weir__field field = {.begin = text, .end = text + length, .quoted = true};
        TRY(weir__labels_add(labels, &field, i, error));
    }
    TRY(weir__stream_expect_end(stream, error));
done:
    weir__free(raw);
    weir__free(text);
    return status;
}
