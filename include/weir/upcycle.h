// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file upcycle.h
/// From dense to gated: a network that is already trained gets gates, which skip most of its hidden units on any one row
/// ("MoEfication": Zhang, Lin, Liu, Li, Sun and Zhou, ACL Findings 2022, arXiv 2110.01786; "upcycling": Komatsuzaki et al.,
/// ICLR 2023, arXiv 2212.05055).
///
/// Hidden units that work on the same rows come into one block; a small gater learns to tell from a layer's inputs which
/// blocks matter for its outputs; thresholds are fitted. Training the result with a trainer, which skips what is closed,
/// makes up for what is lost.
#ifndef WEIR_UPCYCLE_H
#define WEIR_UPCYCLE_H

#include <stddef.h>
#include <stdint.h>

#include "data.h"
#include "graph.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Groups units by what they do together: order [units] gets a permutation of 0 … units − 1 of which order[j·block …
/// (j + 1)·block) is group j; the last group may be smaller. activity [rows][units] has the units' outputs over some rows;
/// units are compared by the cosine of their columns. Balanced spherical k-means:
/// each round fills groups of fixed size, the nearest pairs of unit and group first, and the best round is kept; the same
/// seed gives the same groups. Units that are 0 on all rows come last. Memory in proportion to units·(rows + groups).
/// WEIR_ARGUMENT: no unit, row or block; WEIR_DATA: an activity is not finite.
WEIR_API weir_status weir_group_units(uint32_t *order, const float *activity, size_t rows, size_t units, size_t block,
                                      uint64_t seed, weir_error *error);

/// How a dense network is gated; from weir_gate_options_default. Strings are not kept.
typedef struct weir_gate_options {
    size_t block;       ///< hidden units per gate (16)
    double share;       ///< of the gates that are to be open, in (0, 1) (0.1)
    size_t narrow;      ///< units of a gater's hidden layer (96)
    const char *layers; ///< names of affine nodes that get gates, "one, two"; NULL: every hidden layer that can
    const char *groups; ///< which units share a gate: "co-activation", "order" (as they stand) or "random"
    size_t rows;        ///< training rows that are looked at for groups and levels (2048)
    size_t steps;       ///< of a gater's training (1000)
    size_t batch;       ///< rows of such a step, and most rows of a batch of the network (256)
    double rate;        ///< learning rate of Adam at the beginning, along a cosine to 0 (0.002)
    uint64_t seed;
} weir_gate_options;
WEIR_API weir_gate_options weir_gate_options_default(void);

/// What became of a layer.
typedef struct weir_gated_layer {
    const char *name;     ///< of the affine node, and of the gated layer in its place; borrowed from the gated graph
    const char *gates;    ///< of its unit node; likewise
    size_t units, blocks;
    double best;     ///< the share of the blocks' squared contributions that the target share of the blocks can carry, over
                     ///< the rows that were looked at
    double gated;    ///< and what those carry that the gater opens
} weir_gated_layer;

/// Called after each layer's grouping and every hundred steps of its gater's training. Non-zero stops: WEIR_INTERRUPTED.
typedef int (*weir_gate_callback)(void *context, const char *layer, size_t step, size_t steps);

/// Makes the gated twin of a dense network, for training (weir_graph_options.training) at its precision, with its scale and
/// names. For each hidden layer, an affine node A with a function f and affine nodes behind it:
/// - units come into blocks (weir_group_units over f(A)), and the
///   rows and columns of weights are permuted with them: with all gates open the network computes what the dense one does;
/// - the contribution of block j on a row is |Σ_u w_u·f(A)_u|², u the units of j and w_u their outgoing weights, all readers
///   together; a gater, affine of `narrow` units, tanh, affine, learns by cross-entropy which (row, block) pairs are among
///   the greatest, a share of all;
/// - gates are units "noisy-rectifier": h = max(0, a) at test time, with a little noise in training. a is scaled and shifted
///   so that h is above 0 for the share, and above 1 for half of it; thresholds are fitted on the validation rows;
/// - what closed blocks lack on average is added to the biases of the affine readers.
/// layers [layer_count] (may be NULL; freed with weir_bytes_free) says what became of each. The dense graph is only read.
///
/// WEIR_NOT_FOUND: no layer can be gated, or not the one that is named, and why; WEIR_CONFIG: an option is outside its
/// range; WEIR_DATA: there are no training or validation rows (or they are a stream); WEIR_SHAPE: rows of another size.
WEIR_API weir_status weir_gate_create(weir_graph **gated, weir_gated_layer **layers, size_t *layer_count,
                                      weir_graph *dense, const weir_data *data, const weir_gate_options *options,
                                      weir_gate_callback callback, void *context, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
