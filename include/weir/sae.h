// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file sae.h
/// Sparse autoencoders: activations x of a model, written as a few of many features, x ≈ Σ z_f·D_f + c. The scores of
/// all features are one dense product; what comes after it, in training as in use, touches the open features of a row
/// and no others.
///
///     weir_sae_options options = weir_sae_options_default(384, 32768);
///     options.k = 32;
///     weir_sae_create(&sae, &options, &error);
///     weir_sae_centre(sae, x, rows, &error);              // the decoder's bias begins at the mean
///     while (…) weir_sae_step(sae, &losses, x, rows, &error);
///     weir_sae_encode(sae, &codes, x, rows, &error);      // codes.feature, codes.value of row r: from codes.start[r]
///     on weir_sae_save(sae, "runs/sae", false, &error);      // a folder that SAELens reads
///
/// With centred inputs y = x − c (y = x where options.centred is false), scores s_f = E_f·y + b_f, and an open
/// feature's code z_f > 0:
/// - "topk": z = s of the k greatest scores of a row, where they are positive. Makhzani and Frey, "k-sparse
///   autoencoders", 2013; Gao et al., "Scaling and evaluating sparse autoencoders", 2024.
/// - "batch-topk": the k·rows greatest positive scores of a training batch; in use s where s > θ, one θ for all
/// features:
///   the running mean of the least code of a batch (decay 0.99), with its bias corrected, batches without a code
///   left out. Bussmann, Leask and Nanda, "BatchTopK sparse autoencoders", 2024.
/// - "jumprelu": z = s where s > θ_f. θ learns by straight-through estimates with a rectangle K of width ε: ∂z/∂θ =
///   −θ/ε·K((s − θ)/ε), ∂[s > θ]/∂θ = −1/ε·K((s − θ)/ε); the penalty is sparsity·(open features of a row).
///   Rajamanoharan et al., "Jumping ahead", 2024, with θ itself as the parameter, held at 0 or above.
/// - "gated": z = relu(exp(r_f)·E_f·y + m_f) where s > 0; the penalty is sparsity·Σ relu(s), and relu(s), decoded by a
///   decoder and a c that take no gradient from it, shall give x, too. Rajamanoharan et al., "Improving dictionary
///   learning with gated sparse autoencoders", 2024.
///
/// The loss of a batch is the mean over its rows of Σ_j (x̂_j − x_j)², plus the penalties above, plus the loss of dead
/// features: dead_coefficient·min(1, dead/dead_k)·mean Σ_j (ê_j − (x_j − x̂_j))², where ê decodes the dead_k greatest
/// scores (of any sign) among features that have not been open for dead_rows rows, without c, and x̂ takes no gradient
/// (Gao et al., appendix A.2). Of these, "gated" has no loss of dead features.
#ifndef WEIR_SAE_H
#define WEIR_SAE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A sparse autoencoder, its moving averages, and room for a batch. One thread uses it at a time; its calls use
/// weir_threads() threads inside, and their results are the same bits for any number of these.
typedef struct weir_sae weir_sae;

/// From weir_sae_options_default. Strings belong to the caller and are read by the call alone.
typedef struct weir_sae_options {
    size_t inputs, features; ///< values of a row, 1 …; features, 1 … 2³¹ − 1
    const char *form;        ///< "topk", "batch-topk", "jumprelu", "gated"
    size_t k;                ///< "topk", "batch-topk": open features of a row, 1 … features
    bool tied;               ///< E is D: one matrix, whose gradient is the sum of both. Not "gated"
    bool centred;            ///< c is subtracted before encoding
    bool unit_norm; ///< the rows of D have norm 1: their gradient is taken at right angles to them, and after each move
                    ///< they are scaled back
    const char *update; ///< Adam's: "lazy" moves the rows that a batch opens and nothing else; "exact" moves all, as
                        ///< the moving averages of closed ones still ask for. Biases and θ move each step in both. The
                        ///< bias correction counts steps of the whole
    const char *scores; ///< "topk", how scores are found: "fp32"; "int8": products of whole numbers, 8 bits each, bound
                        ///< each score from above and below, and those that may be among the k greatest are computed in
                        ///< fp32, so that the same features open (weir_sae_losses.proposed); "int8-likely": bounds of six
                        ///< standard deviations of such rounding in place of certain ones, fewer to compute
    float rate, beta1, beta2, epsilon; ///< of Adam
    float sparsity;                    ///< "jumprelu", "gated": of the penalty, ≥ 0
    float threshold, bandwidth;        ///< "jumprelu": θ at the beginning, ≥ 0; ε > 0
    float dead_coefficient;            ///< of the loss of dead features, ≥ 0; 0: there is none
    size_t dead_k;                     ///< 0: inputs / 2
    uint64_t dead_rows;                ///< rows without being open after which a feature is dead
    uint64_t seed;                     ///< of the rows of D, which are normal, scaled to norm 1; E begins as D
} weir_sae_options;

/// "topk", k 32, free, centred, unit norm, "exact", "fp32", rate 1e-3, beta 0.9 and 0.999, epsilon 1e-8, sparsity 1,
/// threshold 0.01, bandwidth 0.05, dead_coefficient 1/32 after 1,000,000 rows, seed 1.
WEIR_API weir_sae_options weir_sae_options_default(size_t inputs, size_t features);

/// WEIR_ARGUMENT for an unknown name or a number out of its range, WEIR_SHAPE for sizes beyond memory, WEIR_UNSUPPORTED
/// for what a form does not have; WEIR_MEMORY. Memory: 4 bytes for each weight and 8 more for its moving averages,
/// which the first step makes. *sae is NULL after a failure.
WEIR_API weir_status weir_sae_create(weir_sae **sae, const weir_sae_options *options, weir_error *error);
/// Frees it; NULL is fine.
WEIR_API void weir_sae_free(weir_sae *sae);
/// What it was made with, or what its file says; strings are static.
WEIR_API weir_sae_options weir_sae_settings(const weir_sae *sae);
/// Steps made so far.
WEIR_API uint64_t weir_sae_steps(const weir_sae *sae);
/// Adam's rate from now on: for schedules. WEIR_ARGUMENT unless it is finite and ≥ 0.
WEIR_API weir_status weir_sae_set_rate(weir_sae *sae, float rate, weir_error *error);

/// One array of parameters; it lives as long as the autoencoder. To write into it, ask for it
/// again after any call that uses the autoencoder.
typedef struct weir_sae_tensor {
    const char *name; ///< as SAELens calls it; NULL: there is none at this index
    float *values;    ///< [rows][columns], row-major
    size_t rows, columns;
} weir_sae_tensor;
/// Parameters by index, from 0: "W_enc" (here [features][inputs]; a tied one has none), "W_dec" [features][inputs],
/// "b_enc" [features] ("b_gate" of "gated"), "b_dec" [1][inputs], then "threshold" [features] of "jumprelu", or "b_mag"
/// and "r_mag" [features] of "gated".
WEIR_API weir_sae_tensor weir_sae_parameter(weir_sae *sae, size_t index);
/// "batch-topk" in use: θ, NaN before the first step. For other forms NaN.
WEIR_API double weir_sae_threshold(const weir_sae *sae);
/// Sets it. WEIR_UNSUPPORTED for another form, WEIR_ARGUMENT unless it is finite and ≥ 0.
WEIR_API weir_status weir_sae_set_threshold(weir_sae *sae, double threshold, weir_error *error);

/// c becomes the mean of x [rows][inputs]. WEIR_SHAPE for no rows, WEIR_DATA where the mean is not finite.
WEIR_API weir_status weir_sae_centre(weir_sae *sae, const float *x, size_t rows, weir_error *error);

/// What a step found, before it moved anything.
typedef struct weir_sae_losses {
    double total;          ///< all of the following
    double reconstruction; ///< mean over rows of Σ_j (x̂_j − x_j)²
    double sparsity;       ///< the penalty, with its coefficient; of "gated" with the loss of relu(s)
    double dead_loss;      ///< the loss of dead features, with its coefficient
    double open;           ///< mean open features of a row (L0)
    size_t touched;        ///< features that were open in some row
    size_t dead;           ///< features that are dead
    double proposed;       ///< scores "int8": mean features of a row whose score was computed in fp32; else 0
} weir_sae_losses;

/// One training step on x [rows][inputs], rows ≥ 1: scores, codes, gradient, update. O(rows·inputs·features) for the
/// scores, O(rows·k·inputs) for the rest, and O(features·inputs) for an "exact" update. losses may be NULL.
/// WEIR_DIVERGED where the loss is not finite (x holds NaN, or the rate was too large): nothing has moved. WEIR_SHAPE
/// for no rows or too many (rows·features < 2³² for "batch-topk"), WEIR_MEMORY.
WEIR_API weir_status weir_sae_step(weir_sae *sae, weir_sae_losses *losses, const float *x, size_t rows,
                                   weir_error *error);

/// The gradient of the loss on x as weir_sae_step takes it, without its projection: gradients[i] has the shape of
/// parameter i and is written as a whole; NULL: not wanted. Moves nothing, and does not count rows as seen. Errors as
/// weir_sae_step.
WEIR_API weir_status weir_sae_gradient(weir_sae *sae, float *const *gradients, weir_sae_losses *losses, const float *x,
                                       size_t rows, weir_error *error);

/// Codes of a batch, row by row, features ascending within a row: those of row r are start[r] … start[r+1] − 1.
typedef struct weir_sae_codes {
    size_t rows;
    const int64_t *start;   ///< [rows + 1]
    const int32_t *feature; ///< [start[rows]]
    const float *value;     ///< [start[rows]], > 0
} weir_sae_codes;

/// The codes of x [rows][inputs], as the form has them in use; they live until the next call with this autoencoder.
/// WEIR_DATA where x is not finite, WEIR_SHAPE for too many rows, WEIR_MEMORY.
WEIR_API weir_status weir_sae_encode(weir_sae *sae, weir_sae_codes *codes, const float *x, size_t rows,
                                     weir_error *error);
/// x̂ [rows][inputs] of codes from anywhere. WEIR_ARGUMENT for a feature that does not exist or starts that fall.
WEIR_API weir_status weir_sae_decode(const weir_sae *sae, float *x, const weir_sae_codes *codes, weir_error *error);

// ---- report --------------------------------------------------------------------------------------------------------

/// What an autoencoder does on data, row by row: gathered from batches of any size. One thread uses it at a time.
typedef struct weir_sae_report weir_sae_report;

/// One row in which a feature is open.
typedef struct weir_sae_activation {
    uint64_t row; ///< counted from the first row of the first batch
    float value;
} weir_sae_activation;

typedef struct weir_sae_summary {
    uint64_t rows;
    double loss;               ///< mean over rows of Σ_j (x̂_j − x_j)²
    double explained_variance; ///< 1 − Σ (x̂ − x)² / Σ (x − mean of x)², sums over rows and inputs; NaN for constant x
    double cosine;             ///< mean over rows of the cosine of x̂ and x; rows of zeros count as 0
    double open;               ///< mean open features of a row (L0)
    size_t features, dead; ///< dead: open in no row
} weir_sae_summary;

/// most: how many activations of a feature are kept, 0 … 1000. WEIR_ARGUMENT, WEIR_MEMORY.
WEIR_API weir_status weir_sae_report_create(weir_sae_report **report, const weir_sae *sae, size_t most,
                                            weir_error *error);
WEIR_API void weir_sae_report_free(weir_sae_report *report);
/// Adds a batch; errors as weir_sae_encode. sae: what it was created for.
WEIR_API weir_status weir_sae_report_add(weir_sae_report *report, weir_sae *sae, const float *x, size_t rows,
                                         weir_error *error);
WEIR_API weir_sae_summary weir_sae_report_summary(const weir_sae_report *report);
/// Rows in which a feature was open, and its greatest activations there (of equal ones those of earlier rows),
/// descending, in top [most]; returns how many there are. top may be NULL. 0 for a feature that does not exist.
WEIR_API size_t weir_sae_report_feature(const weir_sae_report *report, size_t feature, uint64_t *rows,
                                        weir_sae_activation *top);

// ---- files ---------------------------------------------------------------------------------------------------------

/// Writes a folder as SAELens 6 reads it: sae_weights.safetensors (W_enc [inputs][features], W_dec, b_enc, b_dec, …)
/// and cfg.json; "batch-topk" as SAELens saves it, too: architecture "jumprelu", with θ in each threshold. What SAELens
/// does not know stands in cfg.json under metadata.weir. state: with weir_state.safetensors, the moving averages and
/// counts, so that training goes on with the same bits. Files are replaced one by one, whole. WEIR_IO, WEIR_MEMORY.
WEIR_API weir_status weir_sae_save(const weir_sae *sae, const char *folder, bool state, weir_error *error);
/// Reads such a folder, with its state where it has one, or one of sparsify (sae.safetensors and cfg.json). SAELens'
/// rescale_acts_by_decoder_norm is folded into the weights; log_threshold is read; architectures other than topk,
/// jumprelu, gated and batchtopk, activations that are normalised or reshaped, and transcoders are WEIR_UNSUPPORTED.
/// Options that files do not have are the default ones. WEIR_NOT_FOUND, WEIR_IO, WEIR_FORMAT with file and name in the
/// text. *sae is NULL after a failure.
WEIR_API weir_status weir_sae_load(weir_sae **sae, const char *folder, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
