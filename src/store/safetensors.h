// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file safetensors.h
/// Files of named arrays in Hugging Face's safetensors format: 8 bytes header length (little-endian), a JSON header,
/// raw little-endian data without holes. Models and checkpoints are such files.
#ifndef WEIR_SAFETENSORS_H
#define WEIR_SAFETENSORS_H

#include <stddef.h>

#include <weir/status.h>

/// Types of the values: name in the file, bytes per value. The others of the format (F8_E4M3, C64, …) are not read.
#define WEIR__DTYPE_LIST(X)                                                                                            \
    X(F64, 8)                                                                                                          \
    X(I64, 8)                                                                                                          \
    X(U64, 8)                                                                                                          \
    X(F32, 4)                                                                                                          \
    X(I32, 4)                                                                                                          \
    X(U32, 4)                                                                                                          \
    X(F16, 2)                                                                                                          \
    X(BF16, 2)                                                                                                         \
    X(I16, 2)                                                                                                          \
    X(U16, 2)                                                                                                          \
    X(I8, 1)                                                                                                           \
    X(U8, 1)                                                                                                           \
    X(BOOL, 1)

typedef enum weir__dtype {
#define WEIR__DTYPE_ENUM(name, bytes) WEIR__DTYPE_##name,
    WEIR__DTYPE_LIST(WEIR__DTYPE_ENUM)
#undef WEIR__DTYPE_ENUM
        WEIR__DTYPE_COUNT
} weir__dtype;

#define WEIR__RANK_MAX 4 ///< most dimensions of an array

/// One array: its row-major values are described by the first rank numbers of shape (rank 0: one value).
typedef struct weir__stored {
    const char *name;
    weir__dtype dtype;
    size_t rank;
    size_t shape[WEIR__RANK_MAX];
    const void *data; ///< what weir__safetensors_write writes; NULL in what a reader returns
} weir__stored;

/// One entry of the file's __metadata__. Both UTF-8.
typedef struct weir__metadata {
    const char *key, *value;
} weir__metadata;

/// Writes a file that appears under its name only when complete; the former one survives any failure. The same arrays
/// give the same bytes. Arrays of wider values lie before those of narrower ones, else in the given order, so that
/// every value is aligned. WEIR_ARGUMENT for a doubled name or a text that is not UTF-8; WEIR_IO, WEIR_MEMORY.
weir_status weir__safetensors_write(const char *path, const weir__stored *arrays, size_t count,
                                    const weir__metadata *metadata, size_t metadata_count, weir_error *error);

/// What errors call bytes that have no path.
extern const char *const weir__memory_name;
/// The bytes of such a file in memory, freed with weir__free; both outputs are as before after an error.
weir_status weir__safetensors_print(void **bytes, size_t *size, const weir__stored *arrays, size_t count,
                                    const weir__metadata *metadata, size_t metadata_count, weir_error *error);

/// An open file, its header checked as a whole. Read by one thread at a time.
typedef struct weir__safetensors weir__safetensors;

/// Opens a file and checks everything but the values: WEIR_NOT_FOUND, WEIR_IO, WEIR_FORMAT with file and field in the
/// text. Memory is in proportion to the header, whose length is bounded; values are read only by
/// weir__safetensors_read.
weir_status weir__safetensors_open(weir__safetensors **file, const char *path, weir_error *error);
/// Opens the bytes of such a file in memory, which stay the caller's, must not change and must outlive *file.
weir_status weir__safetensors_open_memory(weir__safetensors **file, const void *bytes, size_t size, weir_error *error);
void weir__safetensors_close(weir__safetensors *file);

/// Arrays in the order of their data: count, and the one at index (NULL beyond).
size_t weir__safetensors_count(const weir__safetensors *file);
const weir__stored *weir__safetensors_at(const weir__safetensors *file, size_t index);
/// The array of that name, or NULL.
const weir__stored *weir__safetensors_find(const weir__safetensors *file, const char *name);
/// The metadata value of that key, or NULL. Lives as long as the file is open.
const char *weir__safetensors_metadata(const weir__safetensors *file, const char *key);
/// The path that it was opened by, or weir__memory_name, for errors.
const char *weir__safetensors_path(const weir__safetensors *file);

/// Reads the values of wanted->name to out; WEIR_FORMAT when there is no array of that name with exactly the dtype and
/// shape of *wanted (its data is not looked at).
weir_status weir__safetensors_read(const weir__safetensors *file, const weir__stored *wanted, void *out,
                                   weir_error *error);

/// Reads the values of an array of this file, of any floating type, as floats [weir__stored_values]. WEIR_FORMAT names
/// an array of another type.
weir_status weir__safetensors_read_floats(const weir__safetensors *file, const weir__stored *array, float *out,
                                          weir_error *error);

/// "F32 [10, 2000]", in text [size].
void weir__stored_form(const weir__stored *array, char *text, size_t size);

/// Number of values of an array: the product of its shape. Must not overflow (it cannot for an array of a reader).
size_t weir__stored_values(const weir__stored *array);
/// "F32", and bytes per value.
const char *weir__dtype_name(weir__dtype dtype);
size_t weir__dtype_size(weir__dtype dtype);

#endif
