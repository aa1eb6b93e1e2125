// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file extreme.h
/// Extreme classification: sparse rows in, a hidden layer of rectifiers, and hundreds of thousands of classes out, of
/// which a training step computes some blocks.
///
///     h = max(0, b + Σⱼ xⱼ·Wⱼ)        the columns that a row has, and no others
///     z = V·h + c                     for classes of open blocks
///     L = log Ẑ − mean of z over the row's labels
///
/// Classes stand in blocks. Open for a row are the blocks of its labels, and blocks that are sampled once per step for
/// all rows, without replacement and with equal chances. Ẑ = Σ e^z over the row's own blocks + Σ e^z / q over sampled
/// blocks that are not its own, q the chance to be sampled, has the mean Z = Σ e^z over all classes (Horvitz and Thompson
/// 1952; for a softmax: Bengio and Senécal 2003). The gradient of log Ẑ is that of log Z in the limit of many samples;
/// its bias falls with their number and is 0 when all blocks are sampled.
///
/// Steps move what they touched: rows of W of columns that occurred, and blocks that were open. Adam's moves that
/// untouched weights would have made meanwhile are made up for when they are needed next, as if each step had moved
/// everything (lazy "exact"), or left out (lazy "stand").
#ifndef WEIR_EXTREME_H
#define WEIR_EXTREME_H

#include <stddef.h>
#include <stdint.h>

#include "sparse.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// From weir_extreme_options_default.
typedef struct weir_extreme_options {
    size_t hidden;        ///< hidden units, 1 to 4096
    size_t block;         ///< classes per block, 1 to 1024
    size_t sampled;       ///< classes that are sampled per step, at least; 0: none
    double rate;          ///< Adam's, constant
    double beta1, beta2;  ///< in (0, 1)
    double epsilon;       ///< above 0
    const char *lazy;     ///< "exact" or "stand"
    const uint32_t *order; ///< [classes]: which class stands where in the blocks, each class once (classes that go
                           ///< together belong beside each other); copied. NULL: in their own order
    uint64_t seed;        ///< of initial weights and of sampling
} weir_extreme_options;
WEIR_API weir_extreme_options weir_extreme_options_default(void);

/// A network with its optimizer. Opaque; one thread uses it at a time, which shares work with weir_threads() threads.
/// Results have the same bits for any number of threads. Free with weir_extreme_free (NULL is fine).
typedef struct weir_extreme weir_extreme;

/// W and V are normal with deviation 1/√(columns per row is not known: 8) and 1/√hidden, biases 0. WEIR_CONFIG names the
/// option that is wrong.
WEIR_API weir_status weir_extreme_create(weir_extreme **extreme, size_t columns, size_t classes,
                                         const weir_extreme_options *options, weir_error *error);
WEIR_API void weir_extreme_free(weir_extreme *extreme);

/// What a training step did.
typedef struct weir_extreme_step {
    double loss;            ///< mean over rows of log Ẑ − mean z of labels; rows without labels count nothing
    size_t touched_columns; ///< of W
    size_t touched_blocks;  ///< of V
    double open;            ///< classes computed per row, in the mean
} weir_extreme_step;

/// One step over rows[index[0 … count)] (NULL: rows first, first + 1, …). step may be NULL. WEIR_SHAPE: rows of more
/// columns or classes than the network has; WEIR_DIVERGED: the loss is not finite, parameters are then as they were
/// before the step, but for what was made up for.
WEIR_API weir_status weir_extreme_train(weir_extreme *extreme, const weir_sparse *rows, const uint32_t *index,
                                        size_t first, size_t count, weir_extreme_step *step, weir_error *error);

/// The k classes of the greatest z of each of rows first … first + count − 1 among all classes, best first (equal ones by
/// the lower class): classes [count][k] and, unless NULL, scores [count][k]. 1 ≤ k ≤ classes.
WEIR_API weir_status weir_extreme_predict(weir_extreme *extreme, const weir_sparse *rows, size_t first, size_t count,
                                          size_t k, uint32_t *classes, float *scores, weir_error *error);

/// Mean over rows first … first + count − 1 of log Z − mean z of labels, all classes summed: the loss that a step
/// estimates.
WEIR_API weir_status weir_extreme_loss(weir_extreme *extreme, const weir_sparse *rows, size_t first, size_t count,
                                       double *loss, weir_error *error);

/// How good rankings are: of predictions classes [count][k] for rows first … first + count − 1. Rows without labels are
/// left out. With y the labels of a row:
/// - precision: |first k predictions ∩ y| / k (Bhatia et al., the Extreme Classification Repository)
/// - ndcg: Σᵢ [prediction i ∈ y]/log₂(i + 1) over its greatest value, Σ over min(k, |y|) places
/// - propensity-scored precision and ndcg: each hit divided by the propensity of its class, over the greatest value that
///   any ranking of the row reaches, summed over rows before they are divided (Jain, Prabhu and Varma, KDD 2016)
typedef struct weir_ranking {
    double precision, ndcg, scored_precision, scored_ndcg;
} weir_ranking;
/// propensities [classes], in (0, 1], or NULL: the scored ones are then 0.
WEIR_API weir_status weir_extreme_ranking(weir_ranking *ranking, const weir_sparse *rows, size_t first, size_t count,
                                          const uint32_t *classes, size_t k, size_t stride, const double *propensities,
                                          weir_error *error);
/// Propensities of classes [classes] after their number of rows in `rows`: 1/(1 + C·(n + B)^−A), C = (log N − 1)(B + 1)^A,
/// N rows; usual are A = 0.55, B = 1.5 (Jain, Prabhu and Varma 2016, equation 4).
WEIR_API weir_status weir_extreme_propensities(double *propensities, const weir_sparse *rows, double a, double b,
                                               weir_error *error);

/// Copies of the parameters, as they are once every step has been made up for: weights of one column [hidden], of one
/// class [hidden], its bias. For tests and for whoever stores them.
WEIR_API void weir_extreme_column(weir_extreme *extreme, size_t column, float *weights);
WEIR_API void weir_extreme_class(weir_extreme *extreme, size_t number, float *weights, float *bias);

#ifdef __cplusplus
}
#endif
#endif
