// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Parameters from another file: of a model of weir, or of any program that writes safetensors. Names, shapes and types
// are checked for all tensors, and all values are read, before the first tensor of the graph is changed.

#include <float.h>
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "../graph/finite.h"
#include "../graph/graph.h"
#include "../store/safetensors.h"
#include <weir/model.h>

enum { NAME = 256 };

// Where the values of each tensor come from.
typedef struct transfer {
    weir_graph *graph;
    const weir__safetensors *file;
    weir_parameters_view p;
    const char *const *map;
    size_t map_count;
    const weir__stored **from; // [tensor_count]; NULL: nowhere
    float *plain;              // [p.count] values as files hold them
} transfer;

// "HERE=THERE" for the tensor, whose name it is or whose node's: the name of the array in out.
static bool applies(const transfer *t, const char *entry, const weir_tensor *tensor, char *out) {
    const size_t here = strcspn(entry, "=");
    const char *there = entry + here + 1, *node = weir_graph_nodes(t->graph, NULL)[tensor->node].name;
    if (strlen(tensor->name) == here && !strncmp(entry, tensor->name, here)) {
        snprintf(out, NAME, "%s", there);
        return true;
    }
    if (strlen(node) != here || strncmp(entry, node, here) != 0) return false;
    const char *part = tensor->name + strlen(node); // ".weight"
    snprintf(out, NAME, "%s%s", there, part);
    return true;
}

static weir_status check_map(const transfer *t, weir_error *error) {
    weir_status status = WEIR_OK;
    char name[NAME];
    for (size_t m = 0; m < t->map_count; m++) {
        const char *entry = t->map[m];
        const size_t here = strcspn(entry, "=");
        bool known = false, found = false;
        TRY_THAT(here > 0 && entry[here] && entry[here + 1], WEIR_ARGUMENT,
                 "map: '%.64s' is not HERE=THERE, a name of the network and one of the file", entry);
        for (size_t i = 0; i < t->p.tensor_count; i++) {
            if (!applies(t, entry, &t->p.tensors[i], name)) continue;
            known = true;
            found |= weir__safetensors_find(t->file, name) != NULL;
        }
        TRY_THAT(known, WEIR_NOT_FOUND, "map: the network has no parameter and no node with parameters called '%.*s'",
                 (int)here, entry);
        TRY_THAT(found, WEIR_NOT_FOUND, "map: %s has no tensor '%s', and none that begins so", weir__safetensors_path(t->file),
                 entry + here + 1);
    }
done:
    return status;
}

// The array of a tensor: that of the last entry of the map that applies, else of its own name.
static const weir__stored *array_for(const transfer *t, const weir_tensor *tensor) {
    char name[NAME], mapped[NAME];
    snprintf(name, sizeof name, "%s", tensor->name);
    for (size_t m = 0; m < t->map_count; m++)
        if (applies(t, t->map[m], tensor, mapped)) memcpy(name, mapped, sizeof name);
    return weir__safetensors_find(t->file, name);
}

// Weights are [outputs][inputs], all others [outputs].
static weir_status check_form(const transfer *t, const weir_tensor *tensor, const weir__stored *array,
                              weir_error *error) {
    char found[128], wanted[128];
    weir__stored form = {.dtype = array->dtype, .rank = weir__role_rank(tensor->role), .shape = {tensor->rows}};
    if (form.rank == 2) form.shape[1] = tensor->columns;
    if (array->rank == form.rank && !memcmp(array->shape, form.shape, form.rank * sizeof *form.shape)) return WEIR_OK;
    weir__stored_form(array, found, sizeof found);
    weir__stored_form(&form, wanted, sizeof wanted);
    return weir__fail(error, WEIR_SHAPE, "%s: tensor \"%.64s\" is %s, but \"%s\" of the network is %s",
                      weir__safetensors_path(t->file), array->name, found, tensor->name, wanted);
}

static weir_status fail_nothing(const transfer *t, weir_error *error) {
    const weir__stored *first = weir__safetensors_at(t->file, 0);
    return weir__fail(error, WEIR_FORMAT,
                      "%s: none of its %zu tensors (\"%.64s\", ...) has the name of one of the network (\"%s\", ...); a map "
                      "says which belong together",
                      weir__safetensors_path(t->file), weir__safetensors_count(t->file), first ? first->name : "",
                      t->p.tensor_count ? t->p.tensors[0].name : "");
}

static weir_status read_all(transfer *t, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t taken = 0;
    for (size_t i = 0; i < t->p.tensor_count; i++) {
        t->from[i] = array_for(t, &t->p.tensors[i]);
        taken += t->from[i] != NULL;
        if (t->from[i]) TRY(check_form(t, &t->p.tensors[i], t->from[i], error));
    }
    if (!taken) return fail_nothing(t, error);
    for (size_t i = 0; i < t->p.tensor_count; i++) {
        const weir_tensor *tensor = &t->p.tensors[i];
        float *plain = t->plain + tensor->offset;
        if (!t->from[i]) continue;
        TRY(weir__safetensors_read_floats(t->file, t->from[i], plain, error));
        TRY_THAT(weir__all_finite(plain, tensor->rows * tensor->columns), WEIR_DATA,
                 "%s: tensor \"%.64s\" has a value that is not finite", weir__safetensors_path(t->file),
                 t->from[i]->name);
    }
done:
    return status;
}

// Thresholds of a model of weir, for the unit nodes that it has, too.
static void take_thresholds(const transfer *t) {
    const char *text = weir__safetensors_metadata(t->file, "weir.thresholds");
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(t->graph, &count);
    for (size_t n = 0; n < count; n++) {
        const json_t *value = json_object_get(list, nodes[n].name);
        if (weir_graph_unit(t->graph, n) && json_is_number(value) && fabs(json_number_value(value)) <= (double)FLT_MAX)
            (void)weir_graph_threshold_set(t->graph, n, (float)json_number_value(value), NULL);
    }
    json_decref(list);
}

static weir_status list_names(const transfer *t, weir_transfer *to, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t arrays = weir__safetensors_count(t->file);
    TRY(weir__new((void *)&to->missing, t->p.tensor_count, sizeof *to->missing, "names", error));
    TRY(weir__new((void *)&to->unused, arrays, sizeof *to->unused, "names", error));
    for (size_t i = 0; i < t->p.tensor_count; i++) {
        to->taken += t->from[i] != NULL;
        if (t->from[i]) continue;
        to->missing[to->missing_count] = weir__copy_string(t->p.tensors[i].name);
        TRY_THAT(to->missing[to->missing_count++], WEIR_MEMORY, "out of memory: names");
    }
    for (size_t a = 0; a < arrays; a++) {
        const weir__stored *array = weir__safetensors_at(t->file, a);
        bool used = false;
        for (size_t i = 0; i < t->p.tensor_count && !used; i++) used = t->from[i] == array;
        if (used) continue;
        to->unused[to->unused_count] = weir__copy_string(array->name);
        TRY_THAT(to->unused[to->unused_count++], WEIR_MEMORY, "out of memory: names");
    }
done:
    return status;
}

weir_status weir_model_transfer(weir_graph *graph, weir_transfer *done, const char *path, const char *const *map,
                                size_t map_count, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__safetensors *file = NULL;
    weir_transfer told = {0};
    transfer t = {.graph = graph, .map = map, .map_count = map_count, .p = weir_graph_parameters_read(graph)};
    if (done) *done = told;
    TRY(weir__safetensors_open(&file, path, error));
    t.file = file;
    TRY(weir__new((void *)&t.from, t.p.tensor_count, sizeof *t.from, "the parameters of a file", error));
    TRY(weir__new(&t.plain, t.p.count, sizeof *t.plain, "the parameters of a file", error));
    TRY(check_map(&t, error));
    TRY(read_all(&t, error));
    TRY(list_names(&t, &told, error));
    for (size_t i = 0; i < t.p.tensor_count; i++)
        if (t.from[i]) TRY(weir_graph_values_set(graph, i, t.plain + t.p.tensors[i].offset, error));
    take_thresholds(&t);
    if (done) {
        *done = told;
        told = (weir_transfer){0};
    }
done:
    weir_transfer_free(&told);
    weir__free((void *)t.from);
    weir__free(t.plain);
    weir__safetensors_close(file);
    return status;
}

void weir_transfer_free(weir_transfer *done) {
    if (!done) return;
    for (size_t i = 0; i < done->missing_count; i++) weir__free(done->missing[i]);
    for (size_t i = 0; i < done->unused_count; i++) weir__free(done->unused[i]);
    weir__free((void *)done->missing);
    weir__free((void *)done->unused);
    *done = (weir_transfer){0};
}
