// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file array.h
/// A binary array in a stream: what IDX and NPY headers describe in their own ways, and the body that follows both.
#ifndef WEIR_DATA_ARRAY_H
#define WEIR_DATA_ARRAY_H

#include <weir/data.h>

#include "labels.h"
#include "stream.h"

enum { weir__array_ranks = 8 };

typedef enum weir__element {
    WEIR__U8,
    WEIR__I8,
    WEIR__BOOL,
    WEIR__U16,
    WEIR__I16,
    WEIR__U32,
    WEIR__I32,
    WEIR__U64,
    WEIR__I64,
    WEIR__F16,
    WEIR__F32,
    WEIR__F64,
    WEIR__TEXT ///< of labels alone
} weir__element;

typedef struct weir__array {
    weir__element element;
    bool big_endian;
    size_t letters; ///< WEIR__TEXT: of each entry, of 4 bytes (Unicode's numbers) or of 1 (UTF-8), filled up with zeros
    bool wide;      ///< of 4
    size_t rank, sizes[weir__array_ranks];
} weir__array;

/// Reads an IDX header (LeCun's MNIST page: 0, 0, type, rank, then rank big-endian 32-bit sizes).
weir_status weir__idx_header(weir__array *array, weir__stream *stream, weir_error *error);
/// Reads an NPY header (NumPy Enhancement Proposal 1, versions 1 to 3, Python 2's included).
weir_status weir__npy_header(weir__array *array, weir__stream *stream, weir_error *error);

/// Takes the next count numbers of the body, 64-bit integers rounded to 53 bits.
weir_status weir__array_numbers(double *out, size_t count, const weir__array *array, weir__stream *stream,
                                weir_error *error);
/// Reads the body as rows: the first size counts rows, the others are flattened; two of them are an image. An array of
/// one dimension is a column where `vector` says so, else refused.
weir_status weir__array_rows(weir_rows **rows, const weir__array *array, weir__stream *stream, bool vector,
                             weir_error *error);
/// Reads the body as labels: integers in one dimension, a second one of size 1 allowed.
weir_status weir__array_labels(int32_t **labels, size_t *count, const weir__array *array, weir__stream *stream,
                               weir_error *error);
/// Reads the body as labels that are texts, in one dimension.
weir_status weir__array_texts(weir__labels *labels, const weir__array *array, weir__stream *stream, weir_error *error);

#endif
