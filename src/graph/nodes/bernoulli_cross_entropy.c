// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// L = Σ log(1 + e^x) − t·x with targets in [0, 1], x being logits; outputs are σ(x).

#include <math.h>

#include "../../core/math.h"
#include "loss.h"

enum { lanes = 16, lane_factors = 32 };

WEIR__CLONES static void sigmoids(float *restrict y, const float *restrict x, size_t count) {
    for (size_t k = 0; k < count; k++) y[k] = weir__sigmoid(x[k]);
}

/// Σ [max(x, 0) − t·x] + Σ log(1 + e^−|x|) of up to lanes·lane_factors values. The factors 1 + e^−|x| are in [1, 2]:
/// the logarithm of their product is taken at once.
WEIR__CLONES static double bernoulli_piece(const float *restrict x, const float *restrict t, size_t count) {
    double linear[lanes] = {0}, product[lanes], sum = 0, all = 1;
    for (size_t k = 0; k < lanes; k++) product[k] = 1;
    for (size_t first = 0; first < count; first += lanes) {
        const size_t left = count - first < lanes ? count - first : lanes;
        for (size_t k = 0; k < left; k++) {
            const float a = x[first + k];
            linear[k] += (a > 0 ? (double)a : 0) - (double)t[first + k] * (double)a;
            product[k] *= 1 + (double)weir__exp(a < 0 ? a : -a);
        }
    }
    for (size_t k = 0; k < lanes; k++) {
        sum += linear[k];
        all *= product[k];
    }
    return sum + log(all);
}

static void bernoulli_rows(const void *context, weir__range rows) {
    const weir__loss_rows *l = context;
    const size_t width = l->width, piece = lanes * lane_factors;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *row = l->x + r * width;
        double sum = 0;
        sigmoids(l->y + r * width, row, width);
        for (size_t k = 0; l->loss && k < width; k += piece) {
            sum += bernoulli_piece(row + k, l->targets + r * width + k, width - k < piece ? width - k : piece);
        }
        if (l->loss) l->loss[r] = (float)sum;
    }
}

static weir_status check_targets(const weir__node *node, const weir_pass *pass, weir_error *error) {
    const size_t count = pass->targets ? pass->rows * node->width : 0;
    for (size_t k = 0; k < count; k++) {
        if (pass->targets[k] >= 0 && pass->targets[k] <= 1) continue;
        return weir__fail_node(error, WEIR_DATA, node, "target %zu of row %zu is %g: expected 0 to 1", k % node->width,
                               pass->first_row + k / node->width, (double)pass->targets[k]);
    }
    return WEIR_OK;
}

static const weir__loss how = {bernoulli_rows, weir__loss_difference, check_targets};

const weir__kind weir__kind_bernoulli_cross_entropy = {
    .about = {.name = "bernoulli-cross-entropy",
              .synonyms = {"bce", "binary_cross_entropy", "BCEWithLogitsLoss"},
              .summary = "independent yes/no outputs with logits x; outputs probabilities",
              .equation = "L = sum log(1 + exp(x)) - t x",
              .traits = WEIR_KIND_LOSS | WEIR_KIND_LIKELIHOOD,
              .takes = WEIR_TAKES_TARGETS},
    .how = &how,
    WEIR__LOSS,
};
