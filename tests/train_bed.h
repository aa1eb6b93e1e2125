// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file train_bed.h
/// What the tests of training share: small networks on the built-in digits.
#ifndef WEIR_TRAIN_BED_H
#define WEIR_TRAIN_BED_H

#include "testing.h"

#include <weir/model.h>
#include <weir/weir.h>

static inline weir_data *bed_digits(size_t train, size_t valid, size_t test) {
    weir_error error = {0};
    weir_data *data = NULL;
    weir_data_options options = weir_data_options_default();
    options.source = "digits";
    options.train = train;
    options.valid = valid;
    options.test = test;
    must(weir_data_load(&data, &options, &error), &error);
    return data;
}

enum { bed_nodes_most = 12 };

/// One gated layer of 48 experts in 24 blocks of 2, gates by a bottleneck of 12 tanh units.
static inline size_t bed_network(weir_node *nodes, const char *rule) {
    const weir_node network[] = {
        {.name = "pixels", .kind = "input", .size = 784},
        {.name = "narrow", .kind = "affine", .size = 12, .max_norm = 2},
        {.name = "squashed", .kind = "tanh"},
        {.name = "logits", .kind = "affine", .size = 24, .max_norm = 2},
        {.name = "gates", .kind = "unit", .rule = rule},
        {.name = "experts",
         .kind = "gated-affine",
         .from = "pixels",
         .gates = "gates",
         .size = 48,
         .block = 2,
         .activation = "rectifier",
         .max_norm = 2},
        {.name = "scores", .kind = "affine", .from = "experts", .size = 10},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    memcpy(nodes, network, sizeof network);
    return sizeof network / sizeof *network;
}

/// Two gated layers, the second fed by the first one's compact output, and dropout.
static inline size_t bed_two_layers(weir_node *nodes, const char *rule) {
    const weir_node network[] = {
        {.name = "pixels", .kind = "input", .size = 784},
        {.name = "dropped", .kind = "dropout", .dropout = 0.1},
        {.name = "logits1", .kind = "affine", .size = 10, .max_norm = 2},
        {.name = "gates1", .kind = "unit", .rule = rule},
        {.name = "experts1",
         .kind = "gated-affine",
         .from = "dropped",
         .gates = "gates1",
         .size = 40,
         .block = 4,
         .activation = "rectifier",
         .max_norm = 2},
        {.name = "logits2", .kind = "affine", .size = 12, .max_norm = 2},
        {.name = "gates2", .kind = "unit", .rule = rule},
        {.name = "experts2",
         .kind = "gated-affine",
         .from = "experts1",
         .gates = "gates2",
         .size = 34,
         .block = 3,
         .activation = "tanh",
         .max_norm = 1.5},
        {.name = "scores", .kind = "affine", .size = 10},
        {.name = "loss", .kind = "softmax-cross-entropy"},
    };
    memcpy(nodes, network, sizeof network);
    return sizeof network / sizeof *network;
}

static inline weir_graph *bed_graph(const weir_node *nodes, size_t count, size_t max_rows) {
    weir_error error = {0};
    weir_graph *graph = NULL;
    weir_graph_options options = weir_graph_options_default(max_rows);
    options.seed = 3;
    must(weir_graph_create(&graph, nodes, count, &options, &error), &error);
    return graph;
}

#endif
