// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Matrices of scipy.sparse.save_npz: the arrays indptr, indices, data, shape and format of a zip archive, in any order
// (SciPy 1.17 writes csr_array and csr_matrix alike but for a mark that does not matter here). A matrix in csc has the
// same arrays, so that the format is read, not assumed.

#include <math.h>
#include <string.h>

#include "array.h"
#include "sparse.h"

enum { chunk = 4096, widest = 8, path_most = 4096 };

/// A matrix while it is read: indptr whole, the rest piece by piece.
typedef struct matrix {
    const char *path;
    weir__stream indices, data;
    char indices_name[path_most], data_name[path_most];
    weir__array index_type, data_type;
    weir__growing begin; ///< doubles: 2⁵³ pairs are more than any file has
    size_t rows, columns;
    double index[chunk], value[chunk];
    size_t at, end; ///< of index and value
    double taken;   ///< pairs
} matrix;

/// name [path_most] is that of the stream, as long as it is open.
static weir_status open_member(weir__stream *stream, char *name, const char *path, const char *member,
                               weir_error *error) {
    const int length = snprintf(name, path_most, "%s:%s", path, member);
    if (length < 0 || length >= path_most)
        return weir__fail(error, WEIR_ARGUMENT, "%s: the path is too long", path);
    return weir__stream_open(stream, name, error);
}

/// The text of the member "format": raw bytes, or four of each letter.
static weir_status check_format(const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream s = {0};
    uint8_t bytes[256];
    char name[path_most], text[8] = "", shown[16];
    size_t got = 0, length = 0;
    TRY(open_member(&s, name, path, "format", error));
    TRY(weir__stream_take(&s, bytes, sizeof bytes, &got, error));
    const size_t header = got > 10 ? 10 + (size_t)bytes[8] + ((size_t)bytes[9] << 8) : got;
    TRY_THAT(header < got && !memcmp(bytes, "\x93NUMPY\x01", 7), WEIR_FORMAT,
             "%s: its array \"format\" is not what scipy.sparse.save_npz writes", path);
    for (size_t i = header; i < got && length + 1 < sizeof text; i++) {
        if (bytes[i]) text[length++] = (char)bytes[i];
    }
    TRY_THAT(!strcmp(text, "csr"), WEIR_UNSUPPORTED,
             "%s: is a matrix in the form \"%s\"; save it with scipy.sparse.save_npz(file, matrix.tocsr())", path,
             weir__show(shown, sizeof shown, text, length));
done:
    weir__stream_close(&s);
    return status;
}

static bool is_whole(weir__element element) {
    return element == WEIR__I32 || element == WEIR__I64 || element == WEIR__U32 || element == WEIR__U64;
}

static weir_status open_array(weir__stream *stream, char *name, weir__array *array, const char *path,
                              const char *member, bool whole, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(open_member(stream, name, path, member, error));
    TRY(weir__npy_header(array, stream, error));
    TRY_THAT(array->rank == 1, WEIR_SHAPE, "%s: has %zu dimensions, where one is expected", stream->name, array->rank);
    TRY_THAT(!whole || is_whole(array->element), WEIR_UNSUPPORTED, "%s: integers of 4 or 8 bytes are expected",
             stream->name);
done:
    return status;
}

/// A whole array of whole numbers.
static weir_status read_wholes(weir__growing *out, const char *path, const char *member, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__stream s = {0};
    weir__array array;
    char name[path_most];
    *out = (weir__growing){.size = sizeof(double)};
    TRY(open_array(&s, name, &array, path, member, true, error));
    TRY_THAT(array.sizes[0] <= (size_t)UINT32_MAX + 1, WEIR_FORMAT, "%s: the size in its header (%zu) is absurd", s.name,
             array.sizes[0]);
    for (out->limit = array.sizes[0]; out->count < out->limit;) {
        const size_t left = out->limit - out->count, count = left < chunk ? left : chunk;
        TRY(weir__grow(out, count, "the rows of a matrix", error));
        TRY(weir__array_numbers((double *)out->data + out->count, count, &array, &s, error));
        out->count += count;
    }
    TRY(weir__stream_expect_end(&s, error));
done:
    weir__stream_close(&s);
    return status;
}

static weir_status open_matrix(matrix *m, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__growing shape = {0};
    m->path = path;
    TRY(check_format(path, error));
    TRY(read_wholes(&shape, path, "shape", error));
    const double *size = shape.data;
    TRY_THAT(shape.count == 2, WEIR_SHAPE, "%s: has %zu dimensions, where rows and columns are expected", path,
             shape.count);
    TRY_THAT(size[0] >= 1 && size[0] < (double)UINT32_MAX && size[1] >= 1 && size[1] < (double)UINT32_MAX, WEIR_DATA,
             "%s: is a matrix [%.0f][%.0f]; rows and columns are 1 or more and below 2^32", path, size[0], size[1]);
    m->rows = (size_t)size[0];
    m->columns = (size_t)size[1];
    TRY(read_wholes(&m->begin, path, "indptr", error));
    TRY_THAT(m->begin.count == m->rows + 1, WEIR_FORMAT, "%s: indptr has %zu numbers; %zu rows need %zu", path,
             m->begin.count, m->rows, m->rows + 1);
    const double *begin = m->begin.data;
    TRY_THAT(begin[0] < 1 && begin[0] > -1, WEIR_DATA, "%s: indptr begins with %.0f, not with 0", path, begin[0]);
    for (size_t i = 0; i < m->rows; i++) {
        TRY_THAT(begin[i + 1] >= begin[i], WEIR_DATA, "%s: row %zu: indptr falls from %.0f to %.0f", path, i, begin[i],
                 begin[i + 1]);
    }
    TRY(open_array(&m->indices, m->indices_name, &m->index_type, path, "indices", true, error));
    TRY(open_array(&m->data, m->data_name, &m->data_type, path, "data", false, error));
    // SciPy itself leaves room behind the last row.
    TRY_THAT((double)m->index_type.sizes[0] >= begin[m->rows] && (double)m->data_type.sizes[0] >= begin[m->rows],
             WEIR_FORMAT, "%s: indptr ends with %.0f, but there are %zu indices and %zu values", path, begin[m->rows],
             m->index_type.sizes[0], m->data_type.sizes[0]);
done:
    weir__free(shape.data);
    return status;
}

static void close_matrix(matrix *m) {
    if (!m) return;
    weir__stream_close(&m->indices);
    weir__stream_close(&m->data);
    weir__free(m->begin.data);
    weir__free(m);
}

/// The next pair of the matrix in index[at] and value[at].
static weir_status need_pair(matrix *m, weir_error *error) {
    weir_status status = WEIR_OK;
    if (m->at < m->end) return WEIR_OK;
    const double left = ((double *)m->begin.data)[m->rows] - m->taken;
    const size_t count = left < chunk ? (size_t)left : chunk;
    TRY(weir__array_numbers(m->index, count, &m->index_type, &m->indices, error));
    TRY(weir__array_numbers(m->value, count, &m->data_type, &m->data, error));
    m->taken += (double)count;
    m->at = 0;
    m->end = count;
done:
    return status;
}

/// Pairs of a row as values, or as labels where `labels` says so.
static weir_status read_row(weir__sparse_builder *b, matrix *m, size_t row, bool labels, weir_error *error) {
    weir_status status = WEIR_OK;
    const double *begin = m->begin.data;
    for (double i = begin[row]; i < begin[row + 1]; i++) {
        TRY(need_pair(m, error));
        const double index = m->index[m->at], value = m->value[m->at++];
        TRY_THAT(index >= 0 && index < (double)m->columns, WEIR_DATA, "%s: row %zu: column %.0f of a matrix with %zu",
                 m->path, row, index, m->columns);
        if (!labels) {
            TRY(weir__sparse_add(b, row, (uint64_t)index, 0, value, error));
        } else if (value < 0 || value > 0) {
            TRY(weir__sparse_label(b, row, (uint64_t)index, error));
        }
    }
done:
    return status;
}

weir_status weir__sparse_read_npz(weir_sparse **sparse, const char *path, const weir_sparse_options *options,
                                  char *note, weir_error *error) {
    weir_status status = WEIR_OK;
    matrix *x = NULL, *y = NULL;
    weir__sparse_builder b = {.name = path, .unit = "row"};
    const bool has_labels = options->labels && *options->labels;
    TRY(weir__sparse_begin(&b, options->duplicates, error));
    TRY_THAT(options->first_column <= 0, WEIR_CONFIG, "%s: columns of a matrix are counted from 0", path);
    TRY(weir__new(&x, 1, sizeof *x, "a matrix", error));
    TRY(open_matrix(x, path, error));
    TRY_THAT(options->columns <= x->columns, WEIR_DATA, "%s: has %zu columns; %zu are wanted", path, x->columns,
             options->columns);
    b.columns = x->columns;
    b.classes = options->classes;
    if (has_labels) {
        TRY(weir__new(&y, 1, sizeof *y, "a matrix", error));
        TRY(open_matrix(y, options->labels, error));
        TRY_THAT(y->rows == x->rows, WEIR_DATA, "%s: has %zu rows, but %s has %zu", options->labels, y->rows, path,
                 x->rows);
        TRY_THAT(options->classes <= y->columns, WEIR_DATA, "%s: has %zu columns; %zu classes are wanted",
                 options->labels, y->columns, options->classes);
        b.classes = y->columns;
    }
    for (size_t i = 0; i < x->rows; i++) {
        TRY(read_row(&b, x, i, false, error));
        if (y) TRY(read_row(&b, y, i, true, error));
        TRY(weir__sparse_row_end(&b, i, error));
    }
    if (b.summed) snprintf(note, WEIR_NOTE, "%zu repeated columns were added to those before them", b.summed);
done:
    close_matrix(x);
    close_matrix(y);
    return weir__sparse_end(&b, sparse, status, error);
}
