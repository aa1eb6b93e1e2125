// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A dense network gets gates: units in blocks, gaters that imitate which blocks matter, thresholds, biases.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/optimizer.h>
#include <weir/train.h>
#include <weir/upcycle.h>

#include "../core/core.h"
#include "../core/parallel.h"
#include "../data/batches.h"
#include "../graph/graph.h"
#include "../graph/twin.h"

static const uint16_t rows_stream = 0xfffc, order_stream = 0xfffb;
static const char gate_rule[] = "noisy-rectifier:sd=0.1";
enum { steps_per_call = 100 };

weir_gate_options weir_gate_options_default(void) {
    return (weir_gate_options){.block = 16,
                               .share = 0.1,
                               .narrow = 96,
                               .groups = "co-activation",
                               .rows = 2048,
                               .steps = 1000,
                               .batch = 256,
                               .rate = 0.002,
                               .seed = 1};
}

// A layer on its way.
typedef struct dense_layer {
    const weir__twin_layer *of;
    const char *name;
    size_t units;
    uint32_t *order;   // [units] the unit at each place of the blocks
    float *grams;      // [blocks][block][block] of outgoing weights
    float level;       // contributions above it are to be open
    double best;
} dense_layer;

typedef struct upcycling {
    const weir_gate_options *o;
    weir_graph *dense, *gated;
    weir_part train;
    weir__twin twin;
    dense_layer *layers;
    uint32_t *looked_at; // [rows] of the training part
    size_t rows;
    float *inputs;       // [batch][columns]
    float *activity;     // [rows][units] of a layer
    float *worth;        // [rows][blocks]
    weir_gate_callback callback;
    void *context;
} upcycling;

static weir_status check_options(const weir_gate_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(o->block >= 1, WEIR_CONFIG, "block is %zu; expected at least 1", o->block);
    TRY_THAT(o->share > 0 && o->share < 1, WEIR_CONFIG, "share is %g; expected a number between 0 and 1", o->share);
    TRY_THAT(o->narrow >= 1, WEIR_CONFIG, "narrow is %zu; expected at least 1", o->narrow);
    TRY_THAT(o->rows >= 16, WEIR_CONFIG, "rows is %zu; expected at least 16", o->rows);
    TRY_THAT(o->steps >= 1 && o->batch >= 1, WEIR_CONFIG, "steps is %zu and batch is %zu; expected at least 1", o->steps,
             o->batch);
    TRY_THAT(o->rate > 0 && isfinite(o->rate), WEIR_CONFIG, "rate is %g; expected a number > 0", o->rate);
    TRY_THAT(!strcmp(o->groups, "co-activation") || !strcmp(o->groups, "order") || !strcmp(o->groups, "random"), WEIR_CONFIG,
             "groups is \"%s\"; expected co-activation, order or random", o->groups);
done:
    return status;
}

static weir_status tell(const upcycling *u, const dense_layer *l, size_t step, weir_error *error) {
    if (!u->callback || !u->callback(u->context, l->name, step, u->o->steps)) return WEIR_OK;
    return weir__fail(error, WEIR_INTERRUPTED, "interrupted while '%s' was given gates", l->name);
}

// ---- tensors by name ------------------------------------------------------------------------------------------------

static size_t tensor_named(weir_graph *graph, const char *node, const char *part) {
    char name[256];
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    snprintf(name, sizeof name, "%s.%s", node, part);
    for (size_t i = 0; i < p.tensor_count; i++)
        if (!strcmp(p.tensors[i].name, name)) return i;
    return SIZE_MAX;
}

// A tensor's values, freed by weir__free.
static weir_status read_tensor(weir_graph *graph, size_t tensor, float **plain, weir_error *error) {
    const weir_tensor *t = &weir_graph_parameters_read(graph).tensors[tensor];
    const weir_status status = weir__new(plain, t->rows * t->columns, sizeof **plain, "a layer's parameters", error);
    return status == WEIR_OK ? weir_graph_values_get(graph, *plain, tensor, error) : status;
}

// ---- passes over rows -----------------------------------------------------------------------------------------------

static weir_status forward(const upcycling *u, weir_graph *graph, const uint32_t *rows, size_t count, weir_error *error) {
    weir_rows_copy(u->train.rows, u->inputs, rows, 0, count);
    const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = count, .inputs = u->inputs};
    return weir_graph_forward(graph, &pass, error);
}

static weir_status output(weir_graph *graph, size_t node, const float **values, weir_error *error) {
    *values = weir_graph_output(graph, node);
    return *values ? WEIR_OK : weir__fail(error, WEIR_MEMORY, "out of memory: outputs of a batch");
}

// Outputs of a node over the rows that are looked at, to [rows][width].
static weir_status collect(const upcycling *u, weir_graph *graph, size_t node, float *to, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t width = weir_graph_nodes(graph, NULL)[node].size;
    for (size_t first = 0; first < u->rows; first += u->o->batch) {
        const size_t count = u->rows - first < u->o->batch ? u->rows - first : u->o->batch;
        const float *values = NULL;
        TRY(forward(u, graph, u->looked_at + first, count, error));
        TRY(output(graph, node, &values, error));
        memcpy(to + first * width, values, count * width * sizeof *to);
    }
done:
    return status;
}

// ---- groups ---------------------------------------------------------------------------------------------------------

// Columns of the outgoing weights of a layer, all readers under each other: calls visit with each reader's weights.
typedef void reader_visit(void *context, const float *weights, size_t outputs, size_t units);
static weir_status over_readers(const upcycling *u, size_t l, reader_visit *visit, void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    float *weights = NULL;
    const weir_node *nodes = weir_graph_nodes(u->dense, &count);
    for (size_t k = 0; k < count; k++) {
        if (u->twin.units_of[k] != l) continue;
        TRY(read_tensor(u->dense, tensor_named(u->dense, nodes[k].name, "weight"), &weights, error));
        visit(context, weights, nodes[k].size, u->layers[l].units);
        weir__free(weights);
        weights = NULL;
    }
done:
    weir__free(weights);
    return status;
}

static weir_status find_groups(upcycling *u, size_t l, weir_error *error) {
    weir_status status = WEIR_OK;
    dense_layer *layer = &u->layers[l];
    const weir_noise noise = {.seed = u->o->seed, .step = (uint32_t)l, .stream = order_stream};
    TRY(collect(u, u->dense, layer->of->function, u->activity, error));
    if (!strcmp(u->o->groups, "co-activation"))
        return weir_group_units(layer->order, u->activity, u->rows, layer->units, u->o->block, u->o->seed, error);
    for (size_t i = 0; i < layer->units; i++) layer->order[i] = (uint32_t)i;
    if (!strcmp(u->o->groups, "random")) weir_random_permutation(layer->order, noise, layer->units);
done:
    return status;
}

// ---- what blocks contribute ------------------------------------------------------------------------------------------

static size_t width_of(const upcycling *u, const dense_layer *l, size_t block) {
    const size_t first = block * u->o->block;
    return l->units - first < u->o->block ? l->units - first : u->o->block;
}

typedef struct gram_sum {
    const upcycling *u;
    dense_layer *layer;
} gram_sum;

static void add_grams(void *context, const float *weights, size_t outputs, size_t units) {
    const gram_sum *s = context;
    const size_t b = s->u->o->block;
    for (size_t j = 0; j < s->layer->of->blocks; j++) {
        float *gram = s->layer->grams + j * b * b;
        const uint32_t *order = s->layer->order + j * b;
        for (size_t o = 0; o < outputs; o++)
            for (size_t i = 0; i < width_of(s->u, s->layer, j); i++)
                for (size_t k = 0; k < width_of(s->u, s->layer, j); k++)
                    gram[i * b + k] += weights[o * units + order[i]] * weights[o * units + order[k]];
    }
}

// |Σ w_u h_u|² of each block, from hidden units [rows][units] as the dense network has them.
typedef struct worth_task {
    const upcycling *u;
    const dense_layer *layer;
    const float *hidden;
    float *worth;
} worth_task;

static void find_worth(const void *context, weir__range rows) {
    const worth_task *t = context;
    const size_t b = t->u->o->block;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *hidden = t->hidden + r * t->layer->units;
        for (size_t j = 0; j < t->layer->of->blocks; j++) {
            const uint32_t *order = t->layer->order + j * b;
            const float *gram = t->layer->grams + j * b * b;
            const size_t width = width_of(t->u, t->layer, j);
            float sum = 0;
            for (size_t i = 0; i < width; i++) {
                float inner = 0;
                if (hidden[order[i]] == 0) continue;
                for (size_t k = 0; k < width; k++) inner += gram[i * b + k] * hidden[order[k]];
                sum += inner * hidden[order[i]];
            }
            t->worth[r * t->layer->of->blocks + j] = sum > 0 ? sum : 0;
        }
    }
}

static void worth_of(const upcycling *u, const dense_layer *l, const float *hidden, size_t rows, float *worth) {
    const worth_task t = {u, l, hidden, worth};
    weir__parallel_ranges(rows, (double)(l->units * u->o->block), find_worth, &t);
}

static int descending(const void *left, const void *right) {
    const float a = *(const float *)left, b = *(const float *)right;
    return a > b ? -1 : a < b;
}

static size_t shared(double share, size_t count) {
    const size_t wanted = (size_t)llround(share * (double)count);
    return wanted < 1 ? 1 : wanted > count - 1 ? count - 1 : wanted;
}

// The level above which the share of all contributions lies, and what part of their sum that is.
static weir_status find_level(upcycling *u, size_t l, weir_error *error) {
    weir_status status = WEIR_OK;
    dense_layer *layer = &u->layers[l];
    const size_t count = u->rows * layer->of->blocks, open = shared(u->o->share, count);
    float *sorted = NULL;
    double all = 0, greatest = 0;
    TRY(over_readers(u, l, add_grams, &(gram_sum){u, layer}, error));
    worth_of(u, layer, u->activity, u->rows, u->worth);
    TRY(weir__new(&sorted, count, sizeof *sorted, "contributions of blocks", error));
    memcpy(sorted, u->worth, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, descending);
    layer->level = sorted[open];
    for (size_t k = 0; k < count; k++) {
        all += (double)sorted[k];
        if (k < open) greatest += (double)sorted[k];
    }
    layer->best = all > 0 ? greatest / all : 1;
done:
    weir__free(sorted);
    return status;
}

// ---- the twin -------------------------------------------------------------------------------------------------------

// Rows of a layer's weights, and columns of its readers', in the order of the blocks.
static weir_status permute(const upcycling *u, size_t node, weir_error *error) {
    weir_status status = WEIR_OK;
    static const char *const parts[] = {"weight", "bias", "gain", "table"};
    const char *name = weir_graph_nodes(u->dense, NULL)[node].name;
    const dense_layer *rows_of = NULL, *columns_of = u->twin.units_of[node] == SIZE_MAX ? NULL : &u->layers[u->twin.units_of[node]];
    float *plain = NULL, *moved = NULL;
    for (size_t l = 0; l < u->twin.layer_count; l++)
        if (u->layers[l].of->affine == node) rows_of = &u->layers[l];
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        const size_t from = tensor_named(u->dense, name, parts[part]), to = tensor_named(u->gated, name, parts[part]);
        if (from == SIZE_MAX || to == SIZE_MAX) continue;
        const weir_tensor *t = &weir_graph_parameters_read(u->dense).tensors[from];
        TRY(read_tensor(u->dense, from, &plain, error));
        TRY(weir__new(&moved, t->rows * t->columns, sizeof *moved, "a layer's parameters", error));
        for (size_t i = 0; i < t->rows; i++)
            for (size_t k = 0; k < t->columns; k++) {
                const size_t row = rows_of ? rows_of->order[i] : i;
                moved[i * t->columns + k] = plain[row * t->columns + (columns_of && t->columns > 1 ? columns_of->order[k] : k)];
            }
        TRY(weir_graph_values_set(u->gated, to, moved, error));
        weir__free(plain);
        weir__free(moved);
        plain = moved = NULL;
    }
done:
    weir__free(plain);
    weir__free(moved);
    return status;
}

static weir_status make_twin(upcycling *u, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    weir_graph_options options = u->dense->options;
    options.training = true;
    options.input_gradients = false;
    options.seed = u->o->seed;
    options.max_rows = u->o->batch > 256 ? u->o->batch : 256;
    TRY(weir_graph_create(&u->gated, u->twin.nodes, u->twin.count, &options, error));
    TRY(weir_graph_scale_set(u->gated, weir_graph_scale(u->dense), error));
    TRY(weir_graph_names_set(u->gated, weir_graph_names(u->dense), error));
    const weir_node *nodes = weir_graph_nodes(u->dense, &count);
    for (size_t k = 0; k < count; k++) {
        TRY(permute(u, k, error));
        const size_t there = weir_graph_find(u->gated, nodes[k].name);
        if (weir_graph_unit(u->dense, k) && there != SIZE_MAX)
            TRY(weir_graph_threshold_set(u->gated, there, weir_graph_threshold(u->dense, k), error));
    }
    for (size_t l = 0; l < u->twin.layer_count; l++)
        TRY(weir_graph_threshold_set(u->gated, u->layers[l].of->gates, INFINITY, error));
done:
    return status;
}

// ---- gaters ---------------------------------------------------------------------------------------------------------

static weir_status copy_gater(const upcycling *u, weir_graph *gater, const dense_layer *l, weir_error *error) {
    weir_status status = WEIR_OK;
    static const char *const nodes[] = {"narrow", "gater"}, *const parts[] = {"weight", "bias"};
    float *plain = NULL;
    for (int i = 0; i < 4; i++) {
        char here[256], there[256];
        snprintf(here, sizeof here, "x-%s", nodes[i / 2]);
        snprintf(there, sizeof there, "%s-%s", l->name, nodes[i / 2]);
        TRY(read_tensor(gater, tensor_named(gater, here, parts[i % 2]), &plain, error));
        TRY(weir_graph_values_set(u->gated, tensor_named(u->gated, there, parts[i % 2]), plain, error));
        weir__free(plain);
        plain = NULL;
    }
done:
    weir__free(plain);
    return status;
}

// One step of imitation on rows that are drawn among the training rows.
static weir_status imitate(const upcycling *u, const dense_layer *l, weir_graph *gater, weir_optimizer *optimizer, double rate,
                           size_t step, uint32_t *drawn, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t rows = u->train.count < u->o->batch ? u->train.count : u->o->batch;
    const weir_noise noise = {.seed = u->o->seed, .step = (uint32_t)step, .stream = rows_stream, .sample = 1};
    const float *hidden = NULL, *read = NULL;
    for (size_t r = 0; r < rows; r++)
        drawn[r] = (uint32_t)u->train.first + weir_random_below(noise, (uint32_t)r, 0, (uint32_t)u->train.count);
    TRY(forward(u, u->dense, drawn, rows, error));
    TRY(output(u->dense, l->of->function, &hidden, error));
    worth_of(u, l, hidden, rows, u->worth);
    for (size_t k = 0; k < rows * l->of->blocks; k++) u->worth[k] = u->worth[k] > l->level;
    if (l->of->reads == 0) {
        read = u->inputs;
    } else {
        TRY(forward(u, u->gated, drawn, rows, error));
        TRY(output(u->gated, l->of->reads, &read, error));
    }
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = rows, .inputs = read, .targets = u->worth, .step = (uint32_t)step};
    const weir_parameters p = weir_graph_parameters(gater);
    TRY(weir_graph_forward(gater, &pass, error));
    TRY(weir_graph_backward(gater, &pass, error));
    TRY(weir_optimizer_step_parameters(optimizer, &p, rate, error));
done:
    return status;
}

static weir_status train_gater(const upcycling *u, const dense_layer *l, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_node nodes[WEIR__GATER_NODES];
    weir_graph *gater = NULL;
    weir_optimizer *optimizer = NULL;
    uint32_t *drawn = NULL;
    weir_optimizer_options adam = weir_optimizer_options_default();
    weir_graph_options options = weir_graph_options_default(u->o->batch);
    adam.kind = "adam";
    adam.schedule = "cosine";
    adam.rate = u->o->rate;
    options.seed = u->o->seed;
    weir__twin_gater(nodes, weir_graph_nodes(u->gated, NULL)[l->of->reads].size, u->o->narrow, l->of->blocks);
    TRY(weir_graph_create(&gater, nodes, WEIR__GATER_NODES, &options, error));
    TRY(weir_optimizer_create(&optimizer, &adam, weir_graph_parameters_read(gater).count, error));
    TRY(weir__new(&drawn, u->o->batch, sizeof *drawn, "the rows of a batch", error));
    for (size_t step = 0; step < u->o->steps; step++) {
        double rate = 0;
        TRY(weir_schedule_rate(&rate, &adam, step, 0, u->o->steps, error));
        TRY(imitate(u, l, gater, optimizer, rate, step, drawn, error));
        if ((step + 1) % steps_per_call == 0) TRY(tell(u, l, step + 1, error));
    }
    TRY(copy_gater(u, gater, l, error));
done:
    weir__free(drawn);
    weir_optimizer_free(optimizer);
    weir_graph_free(gater);
    return status;
}

// Moves a layer's pre-activations so that they are above 0 on the share of all pairs, and above 1 on half of it. gated gets
// the part of the contributions in what is open.
static weir_status set_level(const upcycling *u, const dense_layer *l, double *gated, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t count = u->rows * l->of->blocks;
    const size_t tensors[] = {tensor_named(u->gated, weir_graph_nodes(u->gated, NULL)[l->of->gater].name, "weight"),
                              tensor_named(u->gated, weir_graph_nodes(u->gated, NULL)[l->of->gater].name, "bias")};
    float *a = NULL, *sorted = NULL, *plain = NULL;
    double all = 0, open = 0;
    TRY(weir__new(&a, count, sizeof *a, "pre-activations of gates", error));
    TRY(weir__new(&sorted, count, sizeof *sorted, "pre-activations of gates", error));
    TRY(collect(u, u->gated, l->of->gater, a, error));
    TRY(collect(u, u->dense, l->of->function, u->activity, error));
    worth_of(u, l, u->activity, u->rows, u->worth);
    memcpy(sorted, a, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, descending);
    const float least = sorted[shared(u->o->share, count)], whole = sorted[shared(u->o->share / 2, count)];
    const float factor = 1 / fmaxf(whole - least, 1e-6f);
    for (size_t k = 0; k < count; k++) {
        all += (double)u->worth[k];
        if (a[k] > least) open += (double)u->worth[k];
    }
    *gated = all > 0 ? open / all : 1;
    for (int i = 0; i < 2; i++) {
        const weir_tensor *t = &weir_graph_parameters_read(u->gated).tensors[tensors[i]];
        TRY(read_tensor(u->gated, tensors[i], &plain, error));
        for (size_t k = 0; k < t->rows * t->columns; k++) plain[k] = factor * (i ? plain[k] - least : plain[k]);
        TRY(weir_graph_values_set(u->gated, tensors[i], plain, error));
        weir__free(plain);
        plain = NULL;
    }
    TRY(weir_graph_threshold_set(u->gated, l->of->gates, 0, error));
done:
    weir__free(plain);
    weir__free(a);
    weir__free(sorted);
    return status;
}

// ---- biases ---------------------------------------------------------------------------------------------------------

// Adds to the bias of an affine reader what its outputs lack on average.
static weir_status mend_bias(const upcycling *u, size_t node, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_node *spec = &weir_graph_nodes(u->dense, NULL)[node];
    const size_t there = weir_graph_find(u->gated, spec->name), tensor = tensor_named(u->gated, spec->name, "bias");
    float *wanted = NULL, *found = NULL, *bias = NULL;
    TRY(weir__new(&wanted, u->rows * spec->size, sizeof *wanted, "outputs of a layer", error));
    TRY(weir__new(&found, u->rows * spec->size, sizeof *found, "outputs of a layer", error));
    TRY(collect(u, u->dense, node, wanted, error));
    TRY(collect(u, u->gated, there, found, error));
    TRY(read_tensor(u->gated, tensor, &bias, error));
    for (size_t o = 0; o < spec->size; o++) {
        double lacks = 0;
        for (size_t r = 0; r < u->rows; r++)
            lacks += (double)wanted[r * spec->size + o] - (double)found[r * spec->size + o];
        bias[o] += (float)(lacks / (double)u->rows);
    }
    TRY(weir_graph_values_set(u->gated, tensor, bias, error));
done:
    weir__free(wanted);
    weir__free(found);
    weir__free(bias);
    return status;
}

static weir_status mend_biases(const upcycling *u, weir_error *error) {
    size_t count = 0;
    weir_status status = WEIR_OK;
    (void)weir_graph_nodes(u->dense, &count);
    for (size_t k = 0; k < count && status == WEIR_OK; k++) {
        bool layer = u->twin.units_of[k] == SIZE_MAX; // a gated layer's outputs are behind its function
        for (size_t l = 0; l < u->twin.layer_count; l++) layer |= u->twin.layers[l].affine == k;
        if (!layer) status = mend_bias(u, k, error);
    }
    return status;
}

// ---- all of it ------------------------------------------------------------------------------------------------------

static weir_status begin(upcycling *u, const weir_data *data, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t widest = 0, blocks = 0;
    const weir_node *nodes = weir_graph_nodes(u->dense, NULL);
    u->train = weir_data_train(data);
    TRY_THAT(u->train.count && weir_data_valid(data).count && !weir__data_batches(data), WEIR_DATA,
             "%zu training and %zu validation rows; gates need both, in a data set that is no stream", u->train.count,
             weir_data_valid(data).count);
    TRY_THAT(weir_data_columns(data) == nodes[0].size, WEIR_SHAPE,
             "the network takes rows of %zu values, but the data has %zu", nodes[0].size, weir_data_columns(data));
    TRY_THAT(u->o->batch <= u->dense->options.max_rows, WEIR_CONFIG, "batch is %zu, but the network takes %zu rows at a time",
             u->o->batch, u->dense->options.max_rows);
    TRY(weir__twin_describe(&u->twin, u->dense, u->o->block, u->o->narrow, gate_rule, u->o->layers, error));
    u->rows = u->train.count < u->o->rows ? u->train.count : u->o->rows;
    TRY(weir__new(&u->layers, u->twin.layer_count, sizeof *u->layers, "layers", error));
    for (size_t l = 0; l < u->twin.layer_count; l++) {
        dense_layer *layer = &u->layers[l];
        layer->of = &u->twin.layers[l];
        layer->name = nodes[layer->of->affine].name;
        layer->units = nodes[layer->of->affine].size;
        if (layer->units > widest) widest = layer->units;
        if (layer->of->blocks > blocks) blocks = layer->of->blocks;
        TRY(weir__new(&layer->order, layer->units, sizeof *layer->order, "the order of units", error));
        TRY(weir__new(&layer->grams, layer->of->blocks * u->o->block * u->o->block, sizeof *layer->grams, "weights of blocks",
                      error));
    }
    const size_t most = u->rows > u->o->batch ? u->rows : u->o->batch;
    TRY(weir__new(&u->looked_at, u->rows, sizeof *u->looked_at, "rows", error));
    TRY(weir__new(&u->inputs, u->o->batch * nodes[0].size, sizeof *u->inputs, "a batch of rows", error));
    TRY(weir__new(&u->activity, u->rows * widest, sizeof *u->activity, "the activity of units", error));
    TRY(weir__new(&u->worth, most * blocks, sizeof *u->worth, "contributions of blocks", error));
    const weir_noise noise = {.seed = u->o->seed, .stream = rows_stream};
    for (size_t r = 0; r < u->rows; r++)
        u->looked_at[r] = (uint32_t)u->train.first + weir_random_below(noise, (uint32_t)r, 0, (uint32_t)u->train.count);
done:
    return status;
}

static void release(upcycling *u) {
    for (size_t l = 0; u->layers && l < u->twin.layer_count; l++) {
        weir__free(u->layers[l].order);
        weir__free(u->layers[l].grams);
    }
    weir__free(u->layers);
    weir__free(u->looked_at);
    weir__free(u->inputs);
    weir__free(u->activity);
    weir__free(u->worth);
    weir__twin_free(&u->twin);
    weir_graph_free(u->gated);
}

static weir_status gate_layers(upcycling *u, weir_gated_layer *told, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t l = 0; l < u->twin.layer_count; l++) {
        TRY(find_groups(u, l, error));
        TRY(find_level(u, l, error));
        TRY(tell(u, &u->layers[l], 0, error));
    }
    TRY(make_twin(u, error));
    for (size_t l = 0; l < u->twin.layer_count; l++) {
        const dense_layer *layer = &u->layers[l];
        const weir_node *nodes = weir_graph_nodes(u->gated, NULL);
        TRY(train_gater(u, layer, error));
        told[l] = (weir_gated_layer){.name = nodes[layer->of->gates + 1].name,
                                     .gates = nodes[layer->of->gates].name,
                                     .units = layer->units,
                                     .blocks = layer->of->blocks,
                                     .best = layer->best};
        TRY(set_level(u, layer, &told[l].gated, error));
    }
done:
    return status;
}

weir_status weir_gate_create(weir_graph **gated, weir_gated_layer **layers, size_t *layer_count, weir_graph *dense,
                             const weir_data *data, const weir_gate_options *options, weir_gate_callback callback,
                             void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    upcycling u = {.o = options, .dense = dense, .callback = callback, .context = context};
    weir_gated_layer *told = NULL;
    *gated = NULL;
    if (layers) *layers = NULL;
    TRY(check_options(options, error));
    TRY(begin(&u, data, error));
    TRY(weir__new(&told, u.twin.layer_count, sizeof *told, "layers", error));
    TRY(gate_layers(&u, told, error));
    const weir_part valid = weir_data_valid(data);
    TRY(weir_fit_thresholds(u.gated, &valid, options->share, error));
    TRY(mend_biases(&u, error));
    if (layer_count) *layer_count = u.twin.layer_count;
    if (layers) {
        *layers = told;
        told = NULL;
    }
    *gated = u.gated;
    u.gated = NULL;
done:
    weir__free(told);
    release(&u);
    return status;
}
