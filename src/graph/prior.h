// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file prior.h
/// Priors of a graph's random units: what makes a network with latent variables a variational autoencoder.
#ifndef WEIR_GRAPH_PRIOR_H
#define WEIR_GRAPH_PRIOR_H

#include "node.h"

/// Gives every random unit node the prior of src/units/prior.h: s for bits, in (0, 1). WEIR_CONFIG, with the node,
/// where its draw has none, or its rule bounds the likelihood by itself; also when there is no random unit.
weir_status weir__graph_prior_set(weir_graph *graph, double s, weir_error *error);
/// Whether there are nodes with a prior.
bool weir__graph_has_prior(const weir_graph *graph);
/// Of the last pass, whose units were drawn: divergence[rows] of each row, and ratio[rows] = log q(h)/prior(h), summed
/// over the nodes with a prior.
weir_status weir__graph_prior(weir_graph *graph, double *divergence, double *ratio, weir_error *error);

#endif
