// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Writes safetensors files: a JSON header padded with spaces to a multiple of 8 bytes, then the values.
// https://huggingface.co/docs/safetensors. The values are written as they lie in memory: little-endian machines only.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "../core/core.h"
#include "safetensors.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian"
#endif

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
#define DTYPE(name, bytes) {#name, bytes},
    WEIR__DTYPE_LIST(DTYPE)
#undef DTYPE
};

const char *const weir__memory_name = "memory";

const char *weir__dtype_name(weir__dtype dtype) { return dtypes[dtype].name; }
size_t weir__dtype_size(weir__dtype dtype) { return dtypes[dtype].bytes; }

size_t weir__stored_values(const weir__stored *array) {
    size_t values = 1;
    for (size_t i = 0; i < array->rank; i++) values *= array->shape[i];
    return values;
}

static size_t bytes_of(const weir__stored *array) {
    return weir__stored_values(array) * weir__dtype_size(array->dtype);
}

// Adds value under a key that must be new, and owns value from here on. A text that is not UTF-8 made value NULL.
static weir_status add(json_t *object, const char *key, json_t *value, weir_error *error) {
    if (json_object_get(object, key)) {
        json_decref(value);
        return weir__fail(error, WEIR_ARGUMENT, "two entries are named \"%s\"", key);
    }
    if (json_object_set_new(object, key, value)) {
        return weir__fail(error, WEIR_ARGUMENT, "entry \"%s\": its name or text is not UTF-8, or memory is short", key);
    }
    return WEIR_OK;
}

static json_t *describe(const weir__stored *array, size_t begin) {
    json_t *shape = json_array();
    for (size_t i = 0; i < array->rank; i++) json_array_append_new(shape, json_integer((json_int_t)array->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", weir__dtype_name(array->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + bytes_of(array)));
}

// Arrays in the order of the file: order[0 … count).
static void order_by_width(const weir__stored *arrays, size_t count, size_t *order) {
    size_t placed = 0;
    for (size_t width = 8; width; width /= 2) {
        for (size_t i = 0; i < count; i++) {
            if (weir__dtype_size(arrays[i].dtype) == width) order[placed++] = i;
        }
    }
}

static weir_status make_header(char **text, const weir__stored *arrays, const size_t *order, size_t count,
                               const weir__metadata *metadata, size_t metadata_count, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t begin = 0;
    json_t *pairs = NULL, *header = json_object();
    *text = NULL;
    if (metadata_count) {
        pairs = json_object();
        for (size_t i = 0; i < metadata_count; i++) {
            TRY(add(pairs, metadata[i].key, json_string(metadata[i].value), error));
        }
        TRY(add(header, "__metadata__", json_incref(pairs), error));
    }
    for (size_t i = 0; i < count; i++) {
        const weir__stored *array = &arrays[order[i]];
        TRY(add(header, array->name, describe(array, begin), error));
        begin += bytes_of(array);
    }
    *text = json_dumps(header, JSON_COMPACT);
    TRY_THAT(*text, WEIR_MEMORY, "out of memory: a file header");
done:
    json_decref(pairs);
    json_decref(header);
    return status;
}

// Where the bytes go: a file, or memory that has room for all of them; neither: they are counted.
typedef struct sink {
    weir__file *file;
    char *memory;
    size_t used;
} sink;

static void put(sink *to, const void *bytes, size_t count) {
    if (to->memory && count) memcpy(to->memory + to->used, bytes, count);
    if (to->file) (void)weir__file_put(bytes, count, to->file);
    to->used += count;
}

static uint64_t padded_length(const char *header) { return (strlen(header) + 7) / 8 * 8; }

static void put_all(sink *to, const char *header, const weir__stored *arrays, const size_t *order, size_t count) {
    const uint64_t padded = padded_length(header);
    put(to, &padded, sizeof padded);
    put(to, header, strlen(header));
    for (size_t i = strlen(header); i < padded; i++) put(to, " ", 1);
    for (size_t i = 0; i < count; i++) put(to, arrays[order[i]].data, bytes_of(&arrays[order[i]]));
}

// What precedes the values: order[count] and the header, both to be freed with free_plan.
typedef struct plan {
    size_t *order;
    char *header;
} plan;

static void free_plan(plan *p) {
    json_free_t release = NULL;
    json_get_alloc_funcs(NULL, &release);
    release(p->header);
    weir__free(p->order);
}

static weir_status make_plan(plan *p, const char *name, const weir__stored *arrays, size_t count,
                             const weir__metadata *metadata, size_t metadata_count, weir_error *error) {
    weir_status status = weir__new(&p->order, count, sizeof *p->order, "the order of a file", error);
    if (status != WEIR_OK) return status;
    order_by_width(arrays, count, p->order);
    status = make_header(&p->header, arrays, p->order, count, metadata, metadata_count, error);
    return status == WEIR_OK ? WEIR_OK : weir__fail_in(error, status, name);
}

weir_status weir__safetensors_write(const char *path, const weir__stored *arrays, size_t count,
                                    const weir__metadata *metadata, size_t metadata_count, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__file file = {0};
    plan p = {0};
    TRY(make_plan(&p, path, arrays, count, metadata, metadata_count, error));
    TRY(weir__file_begin(&file, path, error));
    put_all(&(sink){.file = &file}, p.header, arrays, p.order, count);
    TRY(weir__file_commit(&file, error));
done:
    weir__file_abandon(&file);
    free_plan(&p);
    return status;
}

weir_status weir__safetensors_print(void **bytes, size_t *size, const weir__stored *arrays, size_t count,
                                    const weir__metadata *metadata, size_t metadata_count, weir_error *error) {
    weir_status status = WEIR_OK;
    plan p = {0};
    sink measured = {0}, filled = {0};
    TRY(make_plan(&p, weir__memory_name, arrays, count, metadata, metadata_count, error));
    put_all(&measured, p.header, arrays, p.order, count);
    TRY(weir__new(&filled.memory, measured.used, 1, "a model in memory", error));
    put_all(&filled, p.header, arrays, p.order, count);
    *bytes = filled.memory;
    *size = filled.used;
done:
    free_plan(&p);
    return status;
}
