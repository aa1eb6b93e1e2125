// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sae.h
/// What the files of this folder share: the parameters, the pairs of a batch, and the passes over them.
///
/// A step goes through four files: scores.c (one dense product, of which the greatest or positive ones are kept),
/// pairs.c (the open pairs by rows and by features), rows.c (codes, reconstruction, and the gradient of each pair), and
/// features.c (the gradient of each row of weights, and its update). `loops.h` has the inner loops.
#ifndef WEIR_SAE_INTERNAL_H
#define WEIR_SAE_INTERNAL_H

#include <weir/sae.h>

#include "../core/core.h"
#include "pairs.h"

typedef enum weir__sae_form {
    WEIR__TOPK,
    WEIR__BATCH_TOPK,
    WEIR__JUMPRELU,
    WEIR__GATED,
    WEIR__FORM_COUNT
} weir__sae_form;

/// Arrays of parameters. SCALE is r of "gated", SIDE its m, or θ of "jumprelu".
typedef enum weir__sae_array {
    WEIR__ENCODER,
    WEIR__DECODER,
    WEIR__ENCODER_BIAS,
    WEIR__DECODER_BIAS,
    WEIR__SIDE,
    WEIR__SCALE,
    WEIR__ARRAY_COUNT
} weir__sae_array;

struct weir_sae {
    weir_sae_options options;
    weir__sae_form form;
    size_t inputs, features, dead_k;
    bool exact, int8, likely;
    float *values[WEIR__ARRAY_COUNT];                           ///< NULL: there is none
    float *mean[WEIR__ARRAY_COUNT], *square[WEIR__ARRAY_COUNT]; ///< NULL before the first step
    uint64_t steps, seen;                                       ///< updates; rows of all of them
    uint64_t *last;                                             ///< [features] `seen` when it was last open
    double threshold_sum, threshold_weight; ///< "batch-topk": the running mean and what it lacks of 1
    // Of one batch.
    size_t room;            ///< rows that the following have room for
    float *centred;         ///< y [rows][inputs]
    float *errors;          ///< ∂L/∂x̂ [2][rows][inputs]: of the reconstruction, then of a second decoding
    double *row_loss;       ///< [rows][3] reconstruction, penalty, second decoding
    weir__pairs open, dead; ///< dead: pairs of dead features that are to make up for what is missing
    uint32_t *dead_feature; ///< [dead_count] features that are dead, ascending
    size_t dead_count;
    float *offset;                   ///< [features] what is added to E_f·y before it is compared
    struct weir__sae_coarse *coarse; ///< of "int8"; NULL before the first use
    double proposed;
};

static inline const float *weir__sae_encoder(const weir_sae *sae) {
    return sae->values[sae->options.tied ? WEIR__DECODER : WEIR__ENCODER];
}

/// Rows and columns of an array of parameters.
size_t weir__sae_rows(const weir_sae *sae, weir__sae_array array);
size_t weir__sae_columns(const weir_sae *sae, weir__sae_array array);

/// Makes room for a batch.
weir_status weir__sae_reserve(weir_sae *sae, size_t rows, weir_error *error);

/// "batch-topk" in use: θ, NaN when none is known.
double weir__sae_threshold(const weir_sae *sae);

/// What scores.c is asked to find.
typedef enum weir__sae_purpose {
    WEIR__TO_USE,  ///< what is open in use
    WEIR__TO_LEARN ///< what is open in training, what is near θ, and the dead
} weir__sae_purpose;

/// y from x, then sae->open and sae->dead: feature, row, score. Before a step, sae->dead_feature is set.
weir_status weir__sae_find(weir_sae *sae, const float *x, size_t rows, weir__sae_purpose purpose, weir_error *error);

/// z of the pairs found. What is not open is taken out when the codes are for use.
void weir__sae_values(weir_sae *sae, weir__sae_purpose purpose);

/// x̂ of codes.
void weir__sae_decode(const weir_sae *sae, float *x, const weir_sae_codes *codes);

/// Errors, losses, and the slopes of pairs.
void weir__sae_rows_backward(weir_sae *sae, weir_sae_losses *losses, const float *x, size_t rows);

/// Gradients of rows of weights: moves the parameters, or writes the gradients where there is room for them.
weir_status weir__sae_features_backward(weir_sae *sae, float *const *gradients, size_t rows, weir_error *error);

#endif
