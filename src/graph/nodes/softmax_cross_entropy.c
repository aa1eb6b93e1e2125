// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// L = −log softmax(x)[label]; outputs are the probabilities of the classes.

#include <math.h>

#include "../../core/math.h"
#include "loss.h"

static void softmax(float *p, const float *x, size_t width) {
    float most = x[0], sum = 0;
    for (size_t i = 1; i < width; i++) most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < width; i++) {
        p[i] = weir__exp(x[i] - most);
        sum += p[i];
    }
    for (size_t i = 0; i < width; i++) p[i] /= sum;
}

static double log_sum_exp(const float *x, size_t width) {
    float most = x[0];
    double sum = 0;
    for (size_t i = 1; i < width; i++) most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < width; i++) sum += exp((double)x[i] - (double)most);
    return (double)most + log(sum);
}

static void softmax_rows(const void *context, weir__range rows) {
    const weir__loss_rows *l = context;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *row = l->x + r * l->width;
        softmax(l->y + r * l->width, row, l->width);
        if (l->loss) l->loss[r] = (float)(log_sum_exp(row, l->width) - (double)row[l->labels[r]]);
    }
}

static void softmax_gradient(const void *context, weir__range rows) {
    const weir__loss_rows *l = context;
    for (size_t k = rows.first * l->width; k < rows.last * l->width; k++) l->dx[k] = l->weight * l->y[k];
    for (size_t r = rows.first; r < rows.last; r++) l->dx[r * l->width + (size_t)l->labels[r]] -= l->weight;
}

static const weir__loss how = {softmax_rows, softmax_gradient, weir__check_labels};

const weir__kind weir__kind_softmax_cross_entropy = {
    .about = {.name = "softmax-cross-entropy",
              .synonyms = {"cross_entropy", "CrossEntropyLoss"},
              .summary = "loss of a classifier; outputs class probabilities",
              .equation = "L = -log softmax(x)[label]",
              .traits = WEIR_KIND_LOSS | WEIR_KIND_LIKELIHOOD,
              .takes = WEIR_TAKES_LABELS},
    .how = &how,
    WEIR__LOSS,
};
