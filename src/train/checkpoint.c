// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// checkpoint.safetensors: all that a run's future depends on, so that it continues bit for bit. Arrays, plain
// row-major, by prefix and tensor or node name:
//   parameters/T  best/T  average/T  the optimizer's own (velocity/T, mean/T, square/T)
//   gates/thresholds  gates/best_thresholds   one per gate node
//   unit/N  a unit's running averages   open/N  moving averages of being open   (N: node)
// Metadata: weir.version, weir.format, weir.kind ("checkpoint"), weir.config (the caller's text), weir.run
// (identity.c), weir.machine (machine.c) and weir.state (JSON: the place, λ of each gate node, the optimizer's step,
// all epochs). JSON numbers have 17 digits, which give a double back exactly.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../graph/graph.h"
#include "../store/safetensors.h"
#include "trainer.h"

static const char *const format = "2"; // 1 had another text of what a run is

// Arrays to be written or read: where each lies in memory, and with memory for their names.
typedef struct entry {
    weir__stored array;
    char *name;
    float *values;             // of a tensor: the flat array
    const weir_tensor *tensor; // NULL: a plain array
    float *copy;               // of a tensor in tiles, in plain order
} entry;

typedef struct list {
    entry *entries;
    size_t count, room;
} list;

static weir_status list_init(list *l, size_t room, weir_error *error) {
    *l = (list){.room = room};
    return weir__new(&l->entries, room, sizeof *l->entries, "the list of a checkpoint", error);
}

static void list_free(list *l) {
    for (size_t i = 0; i < l->count; i++) {
        weir__free(l->entries[i].name);
        weir__free(l->entries[i].copy);
    }
    weir__free(l->entries);
    *l = (list){0};
}

// An array of floats that lies in memory as in the file.
static weir_status add_floats(list *l, const char *prefix, const char *name, float *data, size_t count,
                              weir_error *error) {
    entry *e = &l->entries[l->count];
    const weir_status status = weir__path_in(&e->name, prefix, name, error);
    if (status != WEIR_OK) return status;
    e->values = data;
    e->array = (weir__stored){.name = e->name, .dtype = WEIR__DTYPE_F32, .rank = 1, .shape = {count}, .data = data};
    l->count++;
    return WEIR_OK;
}

static bool is_plain(const weir_tensor *t) { return t->block_columns >= t->columns; }

// All tensors of a flat array.
static weir_status add_flat(list *l, const char *prefix, const weir_parameters *p, float *flat, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < p->tensor_count; i++) {
        const weir_tensor *t = &p->tensors[i];
        entry *e = &l->entries[l->count];
        TRY(add_floats(l, prefix, t->name, flat + t->offset, t->rows, error));
        e->tensor = t, e->values = flat;
        if (weir__role_rank(t->role) == 2) e->array.rank = 2, e->array.shape[1] = t->columns;
        if (is_plain(t)) continue;
        TRY(weir__new(&e->copy, t->rows * t->columns, sizeof(float), "a tensor of a checkpoint", error));
        e->array.data = e->copy;
    }
done:
    return status;
}

static size_t arrays_at_most(weir_trainer *trainer, const weir_parameters *p) {
    size_t nodes = 0;
    weir_graph_nodes(trainer->graph, &nodes);
    return p->tensor_count * (3 + WEIR__UPDATE_SLOTS) + 2 * nodes + 2;
}

// All that a checkpoint holds; parameters->values are written or read, and thresholds [gate_count].
static weir_status list_all(list *l, weir_trainer *trainer, const weir_parameters *p, float *thresholds,
                            weir_error *error) {
    weir_status status = WEIR_OK;
    size_t nodes = 0;
    const weir_node *specs = weir_graph_nodes(trainer->graph, &nodes);
    const weir_optimizer *o = &trainer->optimizer;
    TRY(list_init(l, arrays_at_most(trainer, p), error));
    TRY(add_flat(l, "parameters", p, p->values, error));
    if (trainer->place.best_epoch) TRY(add_flat(l, "best", p, trainer->best_values, error));
    if (trainer->average.values) TRY(add_flat(l, "average", p, trainer->average.values, error));
    for (size_t k = 0; o->rule->slots[k]; k++) TRY(add_flat(l, o->rule->slots[k], p, o->slots[k], error));
    if (trainer->gate_count) {
        TRY(add_floats(l, "gates", "thresholds", thresholds, trainer->gate_count, error));
        TRY(add_floats(l, "gates", "best_thresholds", trainer->best_thresholds, trainer->gate_count, error));
    }
    for (size_t i = 0; i < nodes; i++) {
        size_t count = 0;
        float *state = weir_graph_unit_state(trainer->graph, i, &count);
        if (state) TRY(add_floats(l, "unit", specs[i].name, state, count, error));
    }
    for (size_t i = 0; i < trainer->sparsity.count; i++) {
        const weir__gate_control *gate = &trainer->sparsity.gates[i];
        TRY(add_floats(l, "open", specs[gate->node].name, gate->average, gate->units, error));
    }
done:
    return status;
}

// ---- the place as JSON ---------------------------------------------------------------------------------------------

#define PLACE_INTEGERS(X)                                                                                              \
    X(step, step)                                                                                                      \
    X(epoch, epoch)                                                                                                    \
    X(batch, batch)                                                                                                    \
    X(rows, rows)                                                                                                      \
    X(gates, gates.gates)                                                                                              \
    X(gates_open, gates.open)                                                                                          \
    X(best_epoch, best_epoch)                                                                                          \
    X(stale, stale)

// Of runs that record steps; a checkpoint that is older than these has none.
#define PLACE_LOGGED(X)                                                                                                \
    X(logged_rows, logged_rows)                                                                                        \
    X(logged_gates, logged_gates.gates)                                                                                \
    X(logged_open, logged_gates.open)

#define PLACE_REALS(X)                                                                                                 \
    X(loss)                                                                                                            \
    X(penalty)                                                                                                         \
    X(seconds)                                                                                                         \
    X(train_seconds)                                                                                                   \
    X(best_error)

static char *state_print(const weir_trainer *trainer) {
    const weir__place *place = &trainer->place;
    json_t *root = json_object(), *epochs = json_array(), *weights = json_array();
    int failed = 0;
#define SET_INTEGER(name, field) failed |= json_object_set_new(root, #name, json_integer((json_int_t)place->field));
    PLACE_INTEGERS(SET_INTEGER)
    PLACE_LOGGED(SET_INTEGER)
#undef SET_INTEGER
#define SET_REAL(name) failed |= json_object_set_new(root, #name, weir__json_real(place->name));
    PLACE_REALS(SET_REAL)
    SET_REAL(logged_loss)
#undef SET_REAL
    failed |= json_object_set_new(root, "updates", json_integer((json_int_t)trainer->optimizer.step));
    for (size_t i = 0; i < trainer->sparsity.count; i++) {
        failed |= json_array_append_new(weights, weir__json_real(trainer->sparsity.gates[i].weight));
    }
    for (size_t i = 0; i < trainer->epoch_count; i++) {
        failed |= json_array_append_new(epochs, weir__epoch_to_json(&trainer->epochs[i]));
    }
    failed |= json_object_set_new(root, "weights", weights);
    failed |= json_object_set_new(root, "epochs", epochs);
    char *text = failed ? NULL : json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(root);
    return text;
}

static weir_status read_count(uint64_t *count, const json_t *root, const char *name, weir_error *error) {
    const json_t *field = json_object_get(root, name);
    if (!json_is_integer(field) || json_integer_value(field) < 0) {
        return weir__fail(error, WEIR_FORMAT, "weir.state lacks the count \"%s\"", name);
    }
    *count = (uint64_t)json_integer_value(field);
    return WEIR_OK;
}

static weir_status read_real(double *value, const json_t *json, const char *name, weir_error *error) {
    if (!json_is_number(json)) return weir__fail(error, WEIR_FORMAT, "weir.state lacks the number \"%s\"", name);
    *value = json_number_value(json);
    return WEIR_OK;
}

static weir_status read_place(weir__place *place, const json_t *root, weir_error *error) {
    weir_status status = WEIR_OK;
    uint64_t count = 0;
#define READ_INTEGER(name, field)                                                                                      \
    TRY(read_count(&count, root, #name, error));                                                                       \
    place->field = count;
    PLACE_INTEGERS(READ_INTEGER)
    const json_t *logged = json_object_get(root, "logged_loss");
    if (logged) {
        PLACE_LOGGED(READ_INTEGER)
        TRY(read_real(&place->logged_loss, logged, "logged_loss", error));
    }
#undef READ_INTEGER
#define READ_REAL(name) TRY(read_real(&place->name, json_object_get(root, #name), #name, error));
    PLACE_REALS(READ_REAL)
#undef READ_REAL
done:
    return status;
}

static weir_status state_read(weir_trainer *trainer, const char *text, weir_error *error) {
    weir_status status = WEIR_OK;
    json_error_t why;
    uint64_t updates = 0;
    json_t *root = json_loads(text, 0, &why);
    TRY_THAT(json_is_object(root), WEIR_FORMAT, "weir.state is no JSON object: %s", root ? "another type" : why.text);
    TRY(read_place(&trainer->place, root, error));
    const weir__place *place = &trainer->place;
    const bool known = trainer->batches > 0;
    TRY_THAT((!known || place->batch <= trainer->batches) &&
                 place->step >= place->epoch * trainer->batches + place->batch && place->best_epoch <= place->epoch,
             WEIR_FORMAT, "weir.state names a place that this run cannot be at");
    TRY(read_count(&updates, root, "updates", error));
    trainer->optimizer.step = updates;
    const json_t *weights = json_object_get(root, "weights"), *epochs = json_object_get(root, "epochs");
    TRY_THAT(json_array_size(weights) == trainer->sparsity.count && json_array_size(epochs) == place->epoch,
             WEIR_FORMAT, "weir.state has another number of gates or epochs");
    for (size_t i = 0; i < trainer->sparsity.count; i++) {
        TRY(read_real(&trainer->sparsity.gates[i].weight, json_array_get(weights, i), "weights", error));
    }
    trainer->epoch_count = 0;
    for (size_t i = 0; i < place->epoch; i++) {
        weir_epoch epoch;
        TRY(weir__epoch_from_json(&epoch, json_array_get(epochs, i), error));
        TRY(weir__epochs_add(trainer, &epoch, error));
    }
done:
    json_decref(root);
    return status;
}

// What the run is costs a look at all rows: once, and only for runs that have checkpoints.
static weir_status identify(weir_trainer *trainer, weir_error *error) {
    return trainer->identity ? WEIR_OK : weir__identity_print(&trainer->identity, trainer, error);
}

// ---- writing -------------------------------------------------------------------------------------------------------

static weir_status all_finite(const float *values, size_t count, weir_error *error) {
    bool finite = true;
    for (size_t i = 0; i < count; i++) finite &= fabsf(values[i]) < INFINITY;
    if (finite) return WEIR_OK;
    return weir__fail(error, WEIR_DIVERGED,
                      "a parameter is not finite, so no checkpoint is written over the last good one; try a lower "
                      "optimizer.rate or a max_norm");
}

weir_status weir__checkpoint_save(weir_trainer *trainer, const char *folder, const char *config_text,
                                  weir_error *error) {
    weir_status status = WEIR_OK;
    list l = {0};
    char *path = NULL, *state = NULL;
    float *thresholds = NULL;
    weir__stored *arrays = NULL;
    const weir_parameters_view p = weir_graph_parameters_read(trainer->graph);
    TRY(all_finite(p.values, p.count, error));
    TRY(identify(trainer, error));
    TRY(weir__path_in(&path, folder, "checkpoint.safetensors", error));
    TRY(weir__new(&thresholds, trainer->gate_count, sizeof *thresholds, "thresholds", error));
    for (size_t i = 0; i < trainer->gate_count; i++) {
        thresholds[i] = weir_graph_threshold(trainer->graph, trainer->gates[i]);
    }
    // What is listed is only read here.
    const weir_parameters listed = {
        .values = (float *)(uintptr_t)p.values, .count = p.count, .tensors = p.tensors, .tensor_count = p.tensor_count};
    TRY(list_all(&l, trainer, &listed, thresholds, error));
    TRY(weir__new(&arrays, l.count, sizeof *arrays, "the list of a checkpoint", error));
    for (size_t i = 0; i < l.count; i++) {
        const entry *e = &l.entries[i];
        if (e->copy) weir__tensor_unpack(e->tensor, e->copy, e->values);
        arrays[i] = e->array;
    }
    state = state_print(trainer);
    TRY_THAT(state, WEIR_MEMORY, "out of memory: the state of a checkpoint");
    const weir__machine_text machine = weir__machine_now();
    const weir__metadata metadata[] = {
        {"weir.version", weir_version()}, {"weir.format", format},
        {"weir.kind", "checkpoint"},      {"weir.config", config_text ? config_text : ""},
        {"weir.run", trainer->identity},  {"weir.state", state},
        {"weir.machine", machine.text},
    };
    TRY(weir__safetensors_write(path, arrays, l.count, metadata, sizeof metadata / sizeof *metadata, error));
done:
    // A folder that has gone is not "nothing there to continue".
    if (status == WEIR_NOT_FOUND) {
        status = WEIR_IO;
        if (error) error->status = WEIR_IO;
    }
    list_free(&l);
    weir__free(arrays);
    weir__free(path);
    weir__free(thresholds);
    free(state);
    return status;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static weir_status read_all(const weir__safetensors *file, weir_trainer *trainer, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_parameters p = weir_graph_parameters(trainer->graph);
    list l = {0};
    float *thresholds = NULL;
    TRY(weir__new(&thresholds, trainer->gate_count, sizeof *thresholds, "thresholds", error));
    TRY(list_all(&l, trainer, &p, thresholds, error));
    for (size_t i = 0; i < l.count; i++) {
        const entry *e = &l.entries[i];
        TRY(weir__safetensors_read(file, &e->array, e->copy ? e->copy : (float *)(uintptr_t)e->array.data, error));
        if (e->copy) weir__tensor_pack(e->tensor, e->values, e->copy);
    }
    for (size_t i = 0; i < trainer->gate_count; i++)
        (void)weir_graph_threshold_set(trainer->graph, trainer->gates[i], thresholds[i], NULL);
done:
    list_free(&l);
    weir__free(thresholds);
    return status;
}

// The metadata of a checkpoint that this version can read and that belongs to this run.
static weir_status check_kind(const weir__safetensors *file, const weir_trainer *trainer, weir_error *error) {
    const char *kind = weir__safetensors_metadata(file, "weir.kind"),
               *version = weir__safetensors_metadata(file, "weir.format"),
               *run = weir__safetensors_metadata(file, "weir.run");
    if (!kind || strcmp(kind, "checkpoint") || !version || !run || !weir__safetensors_metadata(file, "weir.state")) {
        return weir__fail(error, WEIR_FORMAT, "this is no checkpoint of weir; is it a model?");
    }
    if (strcmp(version, format)) {
        return weir__fail(error, WEIR_VERSION,
                          "checkpoint format %.16s, but this version of weir reads %s; use the "
                          "version that wrote it",
                          version, format);
    }
    return weir__identity_compare(run, trainer->identity, error);
}

weir_status weir__checkpoint_load(weir_trainer *trainer, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    char *path = NULL;
    weir__safetensors *file = NULL;
    TRY(weir__path_in(&path, folder, "checkpoint.safetensors", error));
    TRY(weir__safetensors_open(&file, path, error));
    TRY(identify(trainer, error));
    status = check_kind(file, trainer, error);
    if (status == WEIR_OK) status = state_read(trainer, weir__safetensors_metadata(file, "weir.state"), error);
    if (status != WEIR_OK) {
        status = weir__fail_in(error, status, path);
        goto done;
    }
    TRY(weir__machine_compare(trainer, weir__safetensors_metadata(file, "weir.machine"), error));
    TRY(read_all(file, trainer, error));
done:
    weir__safetensors_close(file);
    weir__free(path);
    return status;
}
