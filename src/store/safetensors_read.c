// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Reads safetensors files as if an enemy had written them: the header's length is bounded by the file and by a limit,
// every field is checked, and the arrays must cover the data exactly, in order, without holes or overlap. Nothing of
// the values is read before that.

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "../core/core.h"
#include "safetensors.h"

// The format allows 100 MB, but a hostile header of that size makes gigabytes of JSON values. Ours have some
// hundred bytes per array.
static const uint64_t header_most = 4 << 20;

struct weir__safetensors {
    char *path;
    int descriptor;                  // -1: the bytes lie in memory
    const char *bytes;               // in memory, or NULL
    uint64_t size;                   // of all of it
    uint64_t data_begin, data_bytes; // in the file
    json_t *header;                  // owns names and metadata
    json_t *metadata;                // part of header, or NULL
    weir__stored *arrays;            // sorted by begin
    uint64_t *begins;                // [count] offset of each array in the data
    size_t count;
};

void weir__safetensors_close(weir__safetensors *file) {
    if (!file) return;
    if (file->descriptor >= 0) close(file->descriptor);
    json_decref(file->header);
    weir__free(file->arrays);
    weir__free(file->begins);
    weir__free(file->path);
    weir__free(file);
}

// Reads exactly that many bytes: a file that is cut while we read gives an error, not garbage.
static weir_status read_at(const weir__safetensors *file, uint64_t offset, void *out, size_t bytes, weir_error *error) {
    char *at = out;
    if (file->bytes) {
        memcpy(out, file->bytes + offset, bytes); // within its size: the header was checked
        return WEIR_OK;
    }
    while (bytes) {
        const ssize_t got = pread(file->descriptor, at, bytes, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return weir__fail(error, WEIR_IO, "%s: cannot be read: %s", file->path, strerror(errno));
        if (!got) return weir__fail(error, WEIR_FORMAT, "%s: ends too early: it was cut off", file->path);
        at += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return WEIR_OK;
}

static weir_status open_file(weir__safetensors *file, weir_error *error) {
    struct stat about;
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not block us
    if (file->descriptor < 0) {
        const weir_status status = errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO;
        return weir__fail(error, status, "%s: cannot be opened: %s", file->path, strerror(errno));
    }
    if (fstat(file->descriptor, &about) || !S_ISREG(about.st_mode)) {
        return weir__fail(error, WEIR_IO, "%s: is not a regular file", file->path);
    }
    file->size = (uint64_t)about.st_size;
    return WEIR_OK;
}

static weir_status read_header(weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    char *text = NULL;
    const uint64_t size = file->size;
    uint64_t length = 0;
    json_error_t detail;
    TRY_THAT(size >= sizeof length, WEIR_FORMAT, "%s: %llu bytes are too few for a safetensors file", file->path,
             (unsigned long long)size);
    TRY(read_at(file, 0, &length, sizeof length, error));
    TRY_THAT(length <= size - sizeof length, WEIR_FORMAT,
             "%s: header length: %llu bytes are announced, but the file has %llu; it was cut off or is not a "
             "safetensors file",
             file->path, (unsigned long long)length, (unsigned long long)size);
    TRY_THAT(length <= header_most, WEIR_FORMAT, "%s: header length: %llu bytes, at most %llu are accepted", file->path,
             (unsigned long long)length, (unsigned long long)header_most);
    TRY(weir__new(&text, (size_t)length, 1, "a file header", error));
    TRY(read_at(file, sizeof length, text, (size_t)length, error));
    TRY_THAT(length && text[0] == '{', WEIR_FORMAT, "%s: header: does not start with '{'; not a safetensors file",
             file->path);
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &detail);
    TRY_THAT(file->header, WEIR_FORMAT, "%s: header: %s (at byte %d)", file->path, detail.text, 8 + detail.position);
    file->data_begin = sizeof length + length;
    file->data_bytes = size - file->data_begin;
done:
    weir__free(text);
    return status;
}

static weir_status check_metadata(weir__safetensors *file, weir_error *error) {
    const char *key = NULL;
    json_t *value = NULL;
    file->metadata = json_object_get(file->header, "__metadata__");
    if (!file->metadata) return WEIR_OK;
    if (!json_is_object(file->metadata)) {
        return weir__fail(error, WEIR_FORMAT, "%s: __metadata__: expected an object of strings", file->path);
    }
    json_object_foreach(file->metadata, key, value) {
        if (!json_is_string(value)) {
            return weir__fail(error, WEIR_FORMAT, "%s: __metadata__: \"%s\" is not a string", file->path, key);
        }
    }
    return WEIR_OK;
}

// A whole number from 0 to most.
static bool read_number(const json_t *value, uint64_t most, uint64_t *number) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *number = (uint64_t)json_integer_value(value);
    return *number <= most;
}

static bool read_dtype(const json_t *value, weir__dtype *dtype) {
    const char *name = json_string_value(value);
    for (int i = 0; name && i < WEIR__DTYPE_COUNT; i++) {
        *dtype = (weir__dtype)i;
        if (!strcmp(name, weir__dtype_name(*dtype))) return true;
    }
    return false;
}

// *bytes is at most limit: no product can overflow.
static bool read_shape(const json_t *value, uint64_t limit, weir__stored *array, uint64_t *bytes) {
    if (!json_is_array(value) || json_array_size(value) > WEIR__RANK_MAX) return false;
    array->rank = json_array_size(value);
    *bytes = weir__dtype_size(array->dtype);
    for (size_t i = 0; i < array->rank; i++) {
        uint64_t length = 0;
        if (!read_number(json_array_get(value, i), SIZE_MAX, &length)) return false;
        if (length && *bytes > limit / length) return false;
        *bytes *= length;
        array->shape[i] = (size_t)length;
    }
    return *bytes <= limit;
}

// The three fields of an array, further ones passed over as the format's own library does, and that its data range is
// as long as its shape says.
static weir_status read_array(const weir__safetensors *file, const char *name, const json_t *entry, weir__stored *array,
                              uint64_t *begin, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *path = file->path;
    const uint64_t most = file->data_bytes;
    uint64_t end = 0, bytes = 0;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    *array = (weir__stored){.name = name};
    TRY_THAT(json_object_get(entry, "dtype") && json_object_get(entry, "shape") && offsets, WEIR_FORMAT,
             "%s: tensor \"%.64s\": expected an object with dtype, shape and data_offsets", path, name);
    TRY_THAT(read_dtype(json_object_get(entry, "dtype"), &array->dtype), WEIR_FORMAT,
             "%s: tensor \"%.64s\": dtype: expected F64, F32, F16, BF16, BOOL, or whole "
             "numbers of 8 to 64 bits", path, name);
    TRY_THAT(
        read_shape(json_object_get(entry, "shape"), most, array, &bytes), WEIR_FORMAT,
        "%s: tensor \"%.64s\": shape: expected at most %d whole numbers whose product fits in the file's %llu bytes "
        "of data",
        path, name, WEIR__RANK_MAX, (unsigned long long)most);
    TRY_THAT(json_array_size(offsets) == 2 && read_number(json_array_get(offsets, 0), most, begin) &&
                 read_number(json_array_get(offsets, 1), most, &end) && *begin <= end,
             WEIR_FORMAT,
             "%s: tensor \"%.64s\": data_offsets: expected [begin, end] within the file's %llu bytes of data; the file "
             "may be cut off",
             path, name, (unsigned long long)most);
    TRY_THAT(end - *begin == bytes, WEIR_FORMAT,
             "%s: tensor \"%.64s\": data_offsets: %llu bytes, but dtype and shape need %llu", path, name,
             (unsigned long long)(end - *begin), (unsigned long long)bytes);
done:
    return status;
}

typedef struct placed_array {
    uint64_t begin;
    weir__stored array;
} placed_array;

static int by_place(const void *left, const void *right) {
    const placed_array *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    // An empty array lies before the one that starts at the same place.
    const size_t a_values = weir__stored_values(&a->array), b_values = weir__stored_values(&b->array);
    if (a_values != b_values) return a_values < b_values ? -1 : 1;
    return strcmp(a->array.name, b->array.name);
}

static weir_status check_cover(const weir__safetensors *file, weir_error *error) {
    uint64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const weir__stored *array = &file->arrays[i];
        if (file->begins[i] != at) {
            return weir__fail(error, WEIR_FORMAT,
                              "%s: tensor \"%.64s\": data_offsets: begins at %llu, expected %llu (%s)", file->path,
                              array->name, (unsigned long long)file->begins[i], (unsigned long long)at,
                              file->begins[i] < at ? "tensors overlap" : "there is a hole");
        }
        at += weir__stored_values(array) * weir__dtype_size(array->dtype);
    }
    if (at == file->data_bytes) return WEIR_OK;
    return weir__fail(error, WEIR_FORMAT, "%s: the tensors fill %llu bytes, but the file has %llu bytes of data",
                      file->path, (unsigned long long)at, (unsigned long long)file->data_bytes);
}

static weir_status read_arrays(weir__safetensors *file, weir_error *error) {
    weir_status status = WEIR_OK;
    placed_array *placed = NULL;
    const char *name = NULL;
    json_t *entry = NULL;
    const size_t most = json_object_size(file->header);
    TRY(weir__new(&placed, most, sizeof *placed, "the tensors of a file", error));
    TRY(weir__new(&file->arrays, most, sizeof *file->arrays, "the tensors of a file", error));
    TRY(weir__new(&file->begins, most, sizeof *file->begins, "the tensors of a file", error));
    json_object_foreach(file->header, name, entry) {
        if (entry == file->metadata) continue;
        placed_array *to = &placed[file->count];
        TRY(read_array(file, name, entry, &to->array, &to->begin, error));
        file->count++;
    }
    qsort(placed, file->count, sizeof *placed, by_place);
    for (size_t i = 0; i < file->count; i++) {
        file->arrays[i] = placed[i].array;
        file->begins[i] = placed[i].begin;
    }
    TRY(check_cover(file, error));
done:
    weir__free(placed);
    return status;
}

// Bytes NULL: opens the file of that path.
static weir_status open_either(weir__safetensors **file, const char *path, const void *bytes, size_t size,
                               weir_error *error) {
    weir_status status = WEIR_OK;
    weir__safetensors *fresh = NULL;
    *file = NULL;
    TRY(weir__new(&fresh, 1, sizeof *fresh, "a file", error));
    fresh->descriptor = -1;
    fresh->bytes = bytes;
    fresh->size = size;
    fresh->path = weir__copy_string(path);
    TRY_THAT(fresh->path, WEIR_MEMORY, "out of memory: a file name");
    if (!bytes) TRY(open_file(fresh, error));
    TRY(read_header(fresh, error));
    TRY(check_metadata(fresh, error));
    TRY(read_arrays(fresh, error));
    *file = fresh;
    fresh = NULL;
done:
    weir__safetensors_close(fresh);
    return status;
}

weir_status weir__safetensors_open(weir__safetensors **file, const char *path, weir_error *error) {
    return open_either(file, path, NULL, 0, error);
}

weir_status weir__safetensors_open_memory(weir__safetensors **file, const void *bytes, size_t size, weir_error *error) {
    return open_either(file, weir__memory_name, bytes ? bytes : "", bytes ? size : 0, error);
}

size_t weir__safetensors_count(const weir__safetensors *file) { return file->count; }

const weir__stored *weir__safetensors_at(const weir__safetensors *file, size_t index) {
    return index < file->count ? &file->arrays[index] : NULL;
}

const weir__stored *weir__safetensors_find(const weir__safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (!strcmp(file->arrays[i].name, name)) return &file->arrays[i];
    }
    return NULL;
}

const char *weir__safetensors_metadata(const weir__safetensors *file, const char *key) {
    return json_string_value(json_object_get(file->metadata, key));
}

const char *weir__safetensors_path(const weir__safetensors *file) { return file->path; }

// "F32 [10, 2000]"
void weir__stored_form(const weir__stored *array, char *text, size_t size) {
    int used = snprintf(text, size, "%s [", weir__dtype_name(array->dtype));
    for (size_t i = 0; i < array->rank && used >= 0 && (size_t)used < size; i++) {
        used += snprintf(text + used, size - (size_t)used, "%s%zu", i ? ", " : "", array->shape[i]);
    }
    if (used >= 0 && (size_t)used < size) snprintf(text + used, size - (size_t)used, "]");
}

static bool same_form(const weir__stored *a, const weir__stored *b) {
    if (a->dtype != b->dtype || a->rank != b->rank) return false;
    for (size_t i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i]) return false;
    }
    return true;
}

weir_status weir__safetensors_read(const weir__safetensors *file, const weir__stored *wanted, void *out,
                                   weir_error *error) {
    char found_form[128], wanted_form[128];
    const weir__stored *found = weir__safetensors_find(file, wanted->name);
    weir__stored_form(wanted, wanted_form, sizeof wanted_form);
    if (!found) {
        return weir__fail(error, WEIR_FORMAT, "%s: tensor \"%.64s\" is missing, expected %s", file->path, wanted->name,
                          wanted_form);
    }
    if (!same_form(found, wanted)) {
        weir__stored_form(found, found_form, sizeof found_form);
        return weir__fail(error, WEIR_FORMAT, "%s: tensor \"%.64s\" is %s, expected %s", file->path, found->name,
                          found_form, wanted_form);
    }
    const size_t bytes = weir__stored_values(found) * weir__dtype_size(found->dtype);
    return read_at(file, file->data_begin + file->begins[found - file->arrays], out, bytes, error);
}

// A half-precision number (IEEE 754): subnormal ones are multiples of 2^-24.
static float half_value(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    uint32_t bits = sign | (exponent + 112) << 23 | fraction << 13;
    float value = 0;
    if (!exponent) return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    if (exponent == 31) bits = sign | 0x7f800000u | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float brain_value(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

weir_status weir__safetensors_read_floats(const weir__safetensors *file, const weir__stored *array, float *out,
                                          weir_error *error) {
    weir_status status = WEIR_OK;
    enum { PIECE = 4096 };
    uint64_t piece[PIECE]; // as many values of the widest type, and room for those of the others
    const size_t count = weir__stored_values(array), width = weir__dtype_size(array->dtype);
    const uint64_t begin = file->data_begin + file->begins[array - file->arrays];
    TRY_THAT(array->dtype == WEIR__DTYPE_F64 || array->dtype == WEIR__DTYPE_F32 || array->dtype == WEIR__DTYPE_F16 ||
                 array->dtype == WEIR__DTYPE_BF16,
             WEIR_FORMAT, "%s: tensor \"%.64s\" is of %s; parameters are F64, F32, F16 or BF16", file->path, array->name,
             weir__dtype_name(array->dtype));
    for (size_t first = 0; first < count; first += PIECE) {
        const size_t some = count - first < PIECE ? count - first : PIECE;
        TRY(read_at(file, begin + first * width, piece, some * width, error));
        for (size_t i = 0; i < some; i++) {
            double wide = 0;
            uint16_t half = 0;
            if (width == 8) memcpy(&wide, (const char *)piece + 8 * i, 8);
            if (width == 4) memcpy(&out[first + i], (const char *)piece + 4 * i, 4);
            if (width == 2) memcpy(&half, (const char *)piece + 2 * i, 2);
            if (width == 8) out[first + i] = (float)wide;
            if (width == 2) out[first + i] = array->dtype == WEIR__DTYPE_F16 ? half_value(half) : brain_value(half);
        }
    }
done:
    return status;
}
