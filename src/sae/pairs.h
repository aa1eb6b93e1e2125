// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file pairs.h
/// The open pairs of a batch.
#ifndef WEIR_SAE_PAIRS_H
#define WEIR_SAE_PAIRS_H

#include "../core/core.h"

/// Pairs (row, feature) of a batch, by rows; features ascend within a row.
typedef struct weir__pairs {
    size_t rows, count, room;
    int64_t *start;               ///< [rows + 1]
    int32_t *feature;             ///< [count]
    int32_t *row;                 ///< [count]
    float *score;                 ///< [count] s
    float *value;                 ///< [count] z, 0 where the pair is closed but takes part in a gradient
    float *slope;                 ///< [count] ∂L/∂(E_f·y)
    float *bias_slope;            ///< [count] ∂L/∂b_f
    float *side_slope;            ///< [count] ∂L/∂θ_f, ∂L/∂m_f
    uint32_t *by_feature, *order; ///< those of feature f: order[by_feature[f]] … order[by_feature[f + 1] − 1], rows
                                  ///< ascending; [features + 1], [room]
    size_t start_room, order_room;
} weir__pairs;

/// Empties it, with room for `room` pairs of `rows` rows.
weir_status weir__pairs_reserve(weir__pairs *pairs, size_t rows, size_t room, weir_error *error);

/// Pairs of keys (best.h): of each row, of keys [rows][segments][k] of which counts [rows][segments] are there, the k
/// greatest. Sets feature, row and score; reorders the keys.
weir_status weir__pairs_of_keys(weir__pairs *pairs, size_t rows, size_t segments, size_t k, uint64_t *keys,
                                const uint32_t *counts, weir_error *error);

/// Pairs of places, row·2³² + feature, in any order, and their scores.
weir_status weir__pairs_of_places(weir__pairs *pairs, size_t rows, const uint64_t *places, const float *scores,
                                  size_t count, weir_error *error);

/// Fills by_feature and order.
weir_status weir__pairs_transpose(weir__pairs *pairs, size_t features, weir_error *error);
void weir__pairs_free(weir__pairs *pairs);

#endif
