// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Scores of all classes, chunk by chunk: the best ones, the exact loss, and what rankings are worth.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/parallel.h"
#include "../kernels/blas.h"
#include "extreme.h"

enum { chunk_classes = 1024, group_rows = 64, most_rows = 1024 };

/// Sees the scores [count] of the classes at places first … of one row.
typedef void visitor(void *context, size_t row, const float *scores, size_t first, size_t count);

typedef struct walk {
    weir_extreme *e;
    size_t rows, chunk; ///< chunk: classes, in whole blocks
    const float *hidden;
    float *lanes; ///< [threads][lane_size]: weights and biases of a chunk, scores of a group of rows
    size_t lane_size;
    visitor *visit;
    void *context;
    size_t first_row;
} walk;

static void catch_up_all(const void *context, weir__range blocks) {
    const walk *w = context;
    for (size_t b = blocks.first; b < blocks.last; b++) weir__strip_catch_up(w->e, &w->e->output, b);
}

/// Weights [count][hidden] and biases [count] of the blocks of a chunk, each kind in one piece.
static void gather(const walk *w, float *weights, size_t place, size_t count) {
    const weir_extreme *e = w->e;
    const size_t block = e->o.block, hidden = e->o.hidden;
    float *biases = weights + w->chunk * hidden;
    for (size_t c = 0; c < count; c += block) {
        const size_t some = count - c < block ? count - c : block;
        const float *strip = weir__strip(&e->output, (place + c) / block);
        memcpy(weights + c * hidden, strip, some * hidden * sizeof *weights);
        memcpy(biases + c, strip + block * hidden, some * sizeof *weights);
    }
}

static void walk_group(const void *context, weir__piece piece) {
    const walk *w = context;
    const weir_extreme *e = w->e;
    const size_t hidden = e->o.hidden, first = piece.index * group_rows;
    const size_t rows = w->rows - first < group_rows ? w->rows - first : group_rows;
    float *weights = w->lanes + piece.lane * w->lane_size, *biases = weights + w->chunk * hidden;
    float *scores = biases + w->chunk;
    for (size_t place = 0; place < e->classes; place += w->chunk) {
        const size_t count = e->classes - place < w->chunk ? e->classes - place : w->chunk;
        gather(w, weights, place, count);
        for (size_t r = 0; r < rows; r++) memcpy(scores + r * count, biases, count * sizeof *scores);
        const weir__factor h = {w->hidden + first * hidden, hidden, false}, v = {weights, hidden, true};
        weir__blas_product(rows, count, hidden, 1, &h, &v, 1, scores, count);
        for (size_t r = 0; r < rows; r++)
            w->visit(w->context, w->first_row + first + r, scores + r * count, place, count);
    }
}

static void catch_up_columns(weir_extreme *e, const weir_sparse *rows, size_t first, size_t count) {
    for (size_t r = first; r < first + count; r++) {
        const weir_sparse_row row = weir_sparse_row_at(rows, r);
        for (size_t j = 0; j < row.count; j++) weir__strip_catch_up(e, &e->input, row.columns[j]);
    }
}

/// Visits all classes of all rows, those of one row in one thread and in the order of places. Rows count from 0.
static weir_status walk_scores(weir_extreme *e, const weir_sparse *rows, size_t first, size_t count, visitor *visit,
                               void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    float *hidden = NULL;
    const size_t block = e->o.block;
    walk w = {.e = e, .visit = visit, .context = context, .chunk = (chunk_classes + block - 1) / block * block};
    w.lane_size = w.chunk * (e->o.hidden + 1) + group_rows * w.chunk;
    TRY(weir__extreme_fits(e, rows, first, count, error));
    TRY(weir__new(&w.lanes, (size_t)weir_threads() * w.lane_size, sizeof(float), "scores of classes", error));
    TRY(weir__new(&hidden, most_rows * e->o.hidden, sizeof(float), "hidden outputs", error));
    w.hidden = hidden;
    weir__parallel_ranges(e->blocks, (double)e->output.length, catch_up_all, &w);
    for (; w.first_row < count; w.first_row += w.rows) {
        w.rows = count - w.first_row < most_rows ? count - w.first_row : most_rows;
        catch_up_columns(e, rows, first + w.first_row, w.rows);
        weir__extreme_hidden(e, rows, NULL, first + w.first_row, w.rows, hidden);
        weir__parallel((w.rows + group_rows - 1) / group_rows, walk_group, &w);
    }
done:
    weir__free(hidden);
    weir__free(w.lanes);
    return status;
}

// ---- the best classes ----------------------------------------------------------------------------------------------

typedef struct best {
    const uint32_t *class_at;
    size_t k;
    uint32_t *classes; ///< [rows][k]
    float *scores;     ///< [rows][k]
} best;

static void keep_best(void *context, size_t row, const float *scores, size_t first, size_t count) {
    const best *b = context;
    uint32_t *classes = b->classes + row * b->k;
    float *kept = b->scores + row * b->k;
    for (size_t c = 0; c < count; c++) {
        const float score = scores[c];
        if (score < kept[b->k - 1]) continue;
        const uint32_t number = b->class_at[first + c];
        size_t at = b->k;
        while (at && (score > kept[at - 1] || (score >= kept[at - 1] && number < classes[at - 1]))) at--;
        if (at == b->k) continue;
        memmove(classes + at + 1, classes + at, (b->k - 1 - at) * sizeof *classes);
        memmove(kept + at + 1, kept + at, (b->k - 1 - at) * sizeof *kept);
        classes[at] = number;
        kept[at] = score;
    }
}

weir_status weir_extreme_predict(weir_extreme *e, const weir_sparse *rows, size_t first, size_t count, size_t k,
                                 uint32_t *classes, float *scores, weir_error *error) {
    weir_status status = WEIR_OK;
    float *own = NULL;
    TRY_THAT(k && k <= e->classes, WEIR_ARGUMENT, "the %zu best of %zu classes", k, e->classes);
    TRY(weir__extreme_fits(e, rows, first, count, error));
    if (!scores) TRY(weir__new(&own, count * k, sizeof *own, "scores of classes", error));
    best b = {e->class_at, k, classes, scores ? scores : own};
    for (size_t i = 0; i < count * k; i++) {
        b.classes[i] = UINT32_MAX;
        b.scores[i] = -INFINITY;
    }
    TRY(walk_scores(e, rows, first, count, keep_best, &b, error));
done:
    weir__free(own);
    return status;
}

// ---- the exact loss ------------------------------------------------------------------------------------------------

/// log Σ e^z of a row so far is most + log sum.
typedef struct total {
    double sum;
    float most;
} total;

static void add_exponentials(void *context, size_t row, const float *scores, size_t first, size_t count) {
    total *t = (total *)context + row;
    float most = t->most;
    (void)first;
    for (size_t c = 0; c < count; c++) most = scores[c] > most ? scores[c] : most;
    double sum = t->sum > 0 ? t->sum * exp((double)t->most - (double)most) : 0;
    for (size_t c = 0; c < count; c++) sum += (double)expf(scores[c] - most);
    *t = (total){sum, most};
}

static double score_of(const weir_extreme *e, const float *hidden, uint32_t label) {
    const size_t place = e->place[label], block = e->o.block;
    const float *strip = weir__strip(&e->output, place / block);
    double sum = (double)strip[block * e->o.hidden + place % block];
    for (size_t i = 0; i < e->o.hidden; i++)
        sum += (double)hidden[i] * (double)strip[place % block * e->o.hidden + i];
    return sum;
}

weir_status weir_extreme_loss(weir_extreme *e, const weir_sparse *rows, size_t first, size_t count, double *loss,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    total *totals = NULL;
    float *hidden = NULL;
    size_t labelled = 0;
    double sum = 0;
    TRY(weir__new(&totals, count, sizeof *totals, "losses", error));
    TRY(weir__new(&hidden, e->o.hidden, sizeof *hidden, "hidden outputs", error));
    for (size_t r = 0; r < count; r++) totals[r] = (total){0, -INFINITY};
    TRY(walk_scores(e, rows, first, count, add_exponentials, totals, error));
    for (size_t r = 0; r < count; r++) {
        const weir_sparse_row row = weir_sparse_row_at(rows, first + r);
        if (!row.label_count) continue;
        double mean = 0;
        weir__extreme_hidden(e, rows, NULL, first + r, 1, hidden);
        for (size_t j = 0; j < row.label_count; j++) mean += score_of(e, hidden, row.labels[j]);
        sum += (double)totals[r].most + log(totals[r].sum) - mean / (double)row.label_count;
        labelled++;
    }
    *loss = labelled ? sum / (double)labelled : 0;
done:
    weir__free(hidden);
    weir__free(totals);
    return status;
}

// ---- rankings ------------------------------------------------------------------------------------------------------

static bool holds(const weir_sparse_row *row, uint32_t label) {
    size_t low = 0, high = row->label_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (row->labels[middle] < label) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < row->label_count && row->labels[low] == label;
}

static int falling(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

weir_status weir_extreme_ranking(weir_ranking *ranking, const weir_sparse *rows, size_t first, size_t count,
                                 const uint32_t *classes, size_t k, size_t stride, const double *propensities,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    double *gains = NULL, precision = 0, ndcg = 0, got[2] = {0}, best_of[2] = {0};
    size_t labelled = 0;
    *ranking = (weir_ranking){0};
    TRY_THAT(k && k <= stride, WEIR_ARGUMENT, "the first %zu of %zu predictions", k, stride);
    TRY(weir__new(&gains, weir_sparse_shape_of(rows).classes, sizeof *gains, "gains of labels", error));
    for (size_t r = 0; r < count; r++) {
        const weir_sparse_row row = weir_sparse_row_at(rows, first + r);
        double hits = 0, gain = 0, ideal = 0;
        if (!row.label_count) continue;
        labelled++;
        for (size_t i = 0; i < k; i++) {
            const uint32_t number = classes[r * stride + i];
            if (i < row.label_count) ideal += 1 / log2((double)i + 2);
            if (!holds(&row, number)) continue;
            hits += 1;
            gain += 1 / log2((double)i + 2);
            if (!propensities) continue;
            got[0] += 1 / propensities[number];
            got[1] += 1 / propensities[number] / log2((double)i + 2);
        }
        precision += hits / (double)k;
        ndcg += gain / ideal;
        if (!propensities) continue;
        for (size_t j = 0; j < row.label_count; j++) gains[j] = 1 / propensities[row.labels[j]];
        qsort(gains, row.label_count, sizeof *gains, falling);
        for (size_t i = 0; i < k && i < row.label_count; i++) {
            best_of[0] += gains[i];
            best_of[1] += gains[i] / log2((double)i + 2);
        }
    }
    TRY_THAT(labelled, WEIR_DATA, "none of %zu rows has a label", count);
    *ranking = (weir_ranking){.precision = precision / (double)labelled,
                              .ndcg = ndcg / (double)labelled,
                              .scored_precision = best_of[0] > 0 ? got[0] / best_of[0] : 0,
                              .scored_ndcg = best_of[1] > 0 ? got[1] / best_of[1] : 0};
done:
    weir__free(gains);
    return status;
}

weir_status weir_extreme_propensities(double *propensities, const weir_sparse *rows, double a, double b,
                                      weir_error *error) {
    const weir_sparse_shape shape = weir_sparse_shape_of(rows);
    if (!(a > 0 && b >= 0)) return weir__fail(error, WEIR_ARGUMENT, "propensities of A = %g and B = %g", a, b);
    for (size_t c = 0; c < shape.classes; c++) propensities[c] = 0;
    for (size_t r = 0; r < shape.rows; r++) {
        const weir_sparse_row row = weir_sparse_row_at(rows, r);
        for (size_t j = 0; j < row.label_count; j++) propensities[row.labels[j]] += 1;
    }
    const double c = (log((double)shape.rows) - 1) * pow(b + 1, a);
    for (size_t l = 0; l < shape.classes; l++)
        propensities[l] = 1 / (1 + (c > 0 ? c : 0) * pow(propensities[l] + b, -a));
    return WEIR_OK;
}
