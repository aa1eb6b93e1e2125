// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// While one graph has the parameters, its thread makes and spoils forms of them as it likes. With several, nobody
// changes a parameter, and a form is made under a lock by who wants it first; a flag tells those who come later, who
// then read without the lock what no one writes again.

#include "shared.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../core/core.h"
#include "tensor.h"

struct weir__shared {
    atomic_size_t graphs;
    pthread_mutex_t lock; // of those who make a form
    atomic_bool *made;    // [tensor][layout], since there are several graphs
    weir__matrix *matrices;
    float *values;
    size_t tensors;
};

static void free_all(weir__shared *s) {
    for (size_t k = 0; s->matrices && k < s->tensors; k++) weir__matrix_free(&s->matrices[k]);
    pthread_mutex_destroy(&s->lock);
    weir__free(s->made);
    weir__free(s->matrices);
    weir__free(s->values);
    weir__free(s);
}

weir_status weir__shared_new(weir_graph *graph, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__shared *s = NULL;
    TRY(weir__new(&s, 1, sizeof *s, "parameters", error));
    atomic_init(&s->graphs, 1);
    s->tensors = graph->tensor_count;
    if (pthread_mutex_init(&s->lock, NULL)) {
        weir__free(s);
        return weir__fail(error, WEIR_MEMORY, "out of memory: a lock");
    }
    graph->shared = s; // whose part it is to free it, from here on
    TRY(weir__new(&s->made, s->tensors * WEIR__LAYOUTS, sizeof *s->made, "tensors", error));
    TRY(weir__new(&s->matrices, s->tensors, sizeof *s->matrices, "tensors", error));
    TRY(weir__new(&s->values, graph->parameter_count, sizeof *s->values, "parameters", error));
    for (size_t k = 0; k < s->tensors; k++) {
        const weir__tiling tiling = weir__tensor_tiling(&graph->tensors[k]);
        weir__matrix_wrap(&s->matrices[k], &tiling, s->values + graph->tensors[k].offset);
    }
    graph->values = s->values;
    graph->matrices = s->matrices;
done:
    return status;
}

void weir__shared_join(weir_graph *graph, weir_graph *other) {
    weir__shared *s = other->shared;
    if (atomic_load(&s->graphs) == 1) {
        // Floats are current from now on: nobody will make them so.
        for (size_t k = 0; k < s->tensors; k++) (void)weir__matrix_values(&s->matrices[k]);
        for (size_t k = 0; k < s->tensors * WEIR__LAYOUTS; k++) atomic_store(&s->made[k], false);
    }
    atomic_fetch_add(&s->graphs, 1);
    graph->shared = s;
    graph->values = s->values;
    graph->matrices = s->matrices;
}

void weir__shared_leave(weir_graph *graph) {
    weir__shared *s = graph->shared;
    if (s && atomic_fetch_sub(&s->graphs, 1) == 1) free_all(s);
}

weir_status weir__shared_check_alone(const weir_graph *graph, weir_error *error) {
    const size_t graphs = atomic_load(&graph->shared->graphs);
    if (graphs == 1) return WEIR_OK;
    return weir__fail(error, WEIR_ARGUMENT,
                      "%zu graphs share these parameters, which none of them may change; free the other ones before",
                      graphs);
}

weir_status weir__shared_read(weir_graph *graph, size_t tensor, weir__weights *weights, weir__layout layout,
                              weir_error *error) {
    weir__shared *s = graph->shared;
    weir__matrix *matrix = &s->matrices[tensor];
    atomic_bool *made = &s->made[tensor * WEIR__LAYOUTS + layout];
    if (atomic_load(&s->graphs) == 1 || atomic_load(made)) return weir__matrix_read(matrix, weights, layout, error);
    pthread_mutex_lock(&s->lock);
    const weir_status status = weir__matrix_read(matrix, weights, layout, error);
    if (status == WEIR_OK) atomic_store(made, true);
    pthread_mutex_unlock(&s->lock);
    return status;
}
