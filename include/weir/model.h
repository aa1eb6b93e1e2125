// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file model.h
/// Models in safetensors files, and predictions.
///
/// A model file is a safetensors file (Hugging Face's format: 8 bytes little-endian header length, a JSON header, raw
/// little-endian data). Its __metadata__ carries "weir.version", "weir.format" (1) and "weir.config" (the complete
/// configuration as YAML), "weir.thresholds", "weir.share", "weir.scale" and, where columns or classes have names,
/// "weir.names" (lists of texts: "columns", "classes", "targets", "label"). Tensors are float32, plain row-major, named
/// as in weir_tensor.
#ifndef WEIR_MODEL_H
#define WEIR_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "data.h"
#include "graph.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Writes parameters, thresholds and the configuration of a graph to a model file, atomically. config_text NULL: a
/// configuration with the graph's nodes and defaults. WEIR_DATA when a parameter is not finite.
WEIR_API weir_status weir_model_save(weir_graph *graph, const char *path, const char *config_text, double share,
                                     weir_error *error);
/// Builds a graph (not for training) from a model file. config (may be NULL) receives its configuration, freed with
/// weir_config_free. WEIR_FORMAT (not a model, cut, tensors that are missing or have another shape), WEIR_VERSION (from
/// a newer weir), WEIR_DATA (a parameter is not finite). A file's network takes memory in proportion to the file.
WEIR_API weir_status weir_model_load(weir_graph **graph, weir_config *config, const char *path, size_t max_rows,
                                     weir_error *error);

/// weir_model_load, or with path NULL weir_model_load_memory, into a graph with these options: max_rows, threads,
/// batch_invariant and, for a model whose nodes name kinds or rules of the caller's own, `kinds` and `rules`, which live
/// as long as weir_graph_create asks. The other options are not read: precision is the model's. path not NULL: bytes and
/// size are not read.
WEIR_API weir_status weir_model_load_with(weir_graph **graph, weir_config *config, const char *path, const void *bytes,
                                          size_t size, const weir_graph_options *options, weir_error *error);

/// What weir_model_transfer did. Free what is in it with weir_transfer_free.
typedef struct weir_transfer {
    size_t taken;                 ///< tensors of the graph that have values of the file now
    char **missing, **unused;     ///< names of tensors of the graph that the file lacks; of arrays that no tensor took
    size_t missing_count, unused_count;
} weir_transfer;

/// Gives tensors of a graph the values of those arrays of a safetensors file that have their names, whoever wrote it
/// (F64, F32, F16 or BF16; weights as [outputs][inputs], which is PyTorch's order, biases and gains as [outputs]). Other
/// tensors keep what they have. map [map_count] says other names, as "HERE=THERE": HERE is a tensor ("hidden.weight") or
/// a node ("hidden", for all of its tensors), THERE an array or what stands before ".weight" in its name ("0", say). Of a
/// model of weir, thresholds of unit nodes of equal name are taken too. transfer (may be NULL) receives what was done.
///
/// WEIR_SHAPE: an array of that name has another shape; WEIR_FORMAT: no safetensors file, nothing in it has the name of
/// a tensor, or a type that is none of parameters; WEIR_DATA: a value is not finite; WEIR_NOT_FOUND: no file, or a name
/// of map is none here or there. The graph is then as before.
WEIR_API weir_status weir_model_transfer(weir_graph *graph, weir_transfer *transfer, const char *path,
                                         const char *const *map, size_t map_count, weir_error *error);
WEIR_API void weir_transfer_free(weir_transfer *transfer);

/// A model in memory: the bytes that weir_model_save would write, in new memory of *size bytes that becomes the
/// caller's, freed with weir_bytes_free. *bytes is NULL after an error.
WEIR_API weir_status weir_model_save_memory(weir_graph *graph, void **bytes, size_t *size, const char *config_text,
                                            double share, weir_error *error);
WEIR_API void weir_bytes_free(void *bytes);
/// weir_model_load of the size bytes of a model file that lie in memory (at any alignment; NULL with size 0 is refused
/// as an empty file is). They stay the caller's, are only read, and may be freed or changed as soon as the call
/// returns: the graph keeps copies. Errors are those of a file, which they call "memory".
WEIR_API weir_status weir_model_load_memory(weir_graph **graph, weir_config *config, const void *bytes, size_t size,
                                            size_t max_rows, weir_error *error);

/// Predicts rows, which are on the scale of the training rows (weir_rows_scale with weir_graph_scale(graph)): class
/// [count] (arg max) and probabilities [count][outputs]; either may be NULL.
WEIR_API weir_status weir_predict(weir_graph *graph, int32_t *classes, float *probabilities, const weir_rows *rows,
                                  size_t first, size_t count, weir_error *error);

/// Predicts one row of the network's inputs, [columns], on the scale of the training rows (weir_scale_apply):
/// *predicted its class (arg max), probabilities [outputs]; either may be NULL. Closed gates are skipped, the calling
/// thread works alone, and no memory is asked for: not in a context (weir_graph_share), and in any other graph not
/// after the first call. The outputs are those of weir_predict, but for the last bits, which may depend on how many
/// rows there are. WEIR_DATA for a value that is not finite.
WEIR_API weir_status weir_predict_row(weir_graph *graph, int32_t *predicted, float *probabilities, const float *row,
                                      weir_error *error);

/// The mean output of so many draws of the random units (mode DRAW), [count][outputs]: of a network that ends in
/// bernoulli-cross-entropy the probability of each target. The same seed gives a row, by its
/// number in rows, the same draws, whatever first, count and the graph's max_rows.
WEIR_API weir_status weir_predict_samples(weir_graph *graph, float *probabilities, const weir_rows *rows, size_t first,
                                          size_t count, size_t samples, uint64_t seed, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
