// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// One gated layer: weights in the layout of the gated products, and its three products for a pair of batches.
//
// Weights between a dense input and blocks of outputs lie as a plain matrix does. Input blocks cut it into tiles, which
// the dense product cannot read: it gets a plain copy when it is first asked for, and whichever form a step has moved
// is copied into the other before that is read.

#include "batch.h"

#include <math.h>
#include <string.h>

#include "bf16/bf16.h"
#include "product.h"
#include "scratch.h"
#include "side.h"

/// A matrix in one layout: floats, or, for products in bf16, halves instead.
typedef struct layout {
    float *values;
    weir__halves halves;
    bool stale; // the other layout has moved since
} layout;

/// A matrix in both layouts. Where these are the same, tiles alone is used.
typedef struct matrix {
    layout tiles, plain; // plain empty: not wanted yet
} matrix;

struct weir_layer {
    weir_layer_options shape; // weights and bias NULL
    matrix weights, velocity;
    float *bias, *bias_velocity;
};

weir_layer_options weir_layer_options_default(size_t inputs, size_t outputs) {
    return (weir_layer_options){.inputs = inputs, .outputs = outputs, .seed = 1};
}

// ---- two layouts ---------------------------------------------------------------------------------------------------

static weir__side form_of(size_t width, size_t block) {
    return (weir__side){.width = width, .block = block ? block : width};
}
static weir__side output_form(const weir_layer *layer) {
    return form_of(layer->shape.outputs, layer->shape.output_block);
}
static weir__side input_form(const weir_layer *layer) { return form_of(layer->shape.inputs, layer->shape.input_block); }

static size_t blocks_in(const weir__side *form) { return (form->width + form->block - 1) / form->block; }

static bool is_plain(const weir_layer *layer) {
    const weir__side in = input_form(layer);
    return blocks_in(&in) == 1;
}

static size_t weight_count(const weir_layer *layer) { return layer->shape.inputs * layer->shape.outputs; }

typedef struct conversion {
    weir__side out, in;
    char *tiles, *plain;
    size_t size; // bytes of a number
    bool to_tiles;
} conversion;

static void convert_strips(const void *context, weir__range strips) {
    const conversion *c = context;
    for (size_t jo = strips.first; jo < strips.last; jo++) {
        for (size_t ji = 0; ji < blocks_in(&c->in); ji++) {
            const size_t width = weir__units(&c->in, ji);
            for (size_t o = 0; o < weir__units(&c->out, jo); o++) {
                char *tile = c->tiles + (weir__tile(&c->out, &c->in, jo, ji) + o * width) * c->size;
                char *row = c->plain + ((jo * c->out.block + o) * c->in.width + ji * c->in.block) * c->size;
                memcpy(c->to_tiles ? tile : row, c->to_tiles ? row : tile, width * c->size);
            }
        }
    }
}

/// Copies plain into tiles, or back. Numbers are of `size` bytes.
static void convert(const weir_layer *layer, void *tiles, void *plain, size_t size, bool to_tiles) {
    const conversion c = {output_form(layer), input_form(layer), tiles, plain, size, to_tiles};
    weir__parallel_ranges(blocks_in(&c.out), (double)c.out.block * (double)c.in.width, convert_strips, &c);
}

/// The same for whatever the layouts have.
static void convert_layouts(const weir_layer *layer, const layout *tiles, const layout *plain, bool to_tiles) {
    if (tiles->values) {
        convert(layer, tiles->values, plain->values, sizeof *tiles->values, to_tiles);
    } else {
        convert(layer, tiles->halves.upper, plain->halves.upper, sizeof *tiles->halves.upper, to_tiles);
        convert(layer, tiles->halves.lower, plain->halves.lower, sizeof *tiles->halves.lower, to_tiles);
    }
}

static bool is_there(const layout *l) { return l->values || l->halves.upper; }

static void free_layout(layout *l) {
    weir__free(l->values);
    weir__halves_free(&l->halves);
    *l = (layout){0};
}

static weir_status new_layout(const weir_layer *layer, layout *l, bool in_halves, const char *what, weir_error *error) {
    const size_t count = weight_count(layer);
    weir_status status = WEIR_OK;
    if (in_halves) {
        TRY(weir__halves_new(&l->halves, count, true, what, error));
    } else {
        TRY(weir__new(&l->values, count, sizeof *l->values, what, error));
    }
done:
    if (status != WEIR_OK) free_layout(l);
    return status;
}

/// The layout that dense products, or those of blocks read, up to date; made when it is first wanted. NULL: no memory.
static layout *want_layout(const weir_layer *layer, matrix *m, bool dense, weir_error *error) {
    layout *wanted = dense && !is_plain(layer) ? &m->plain : &m->tiles;
    if (!is_there(wanted)) {
        if (new_layout(layer, wanted, m->tiles.halves.upper, "a second copy of a layer's weights", error) != WEIR_OK)
            return NULL;
        wanted->stale = true;
    }
    if (wanted->stale) {
        convert_layouts(layer, &m->tiles, &m->plain, !dense);
        wanted->stale = false;
    }
    return wanted;
}

/// A layout has changed.
static void moved(const weir_layer *layer, matrix *m, layout *l) {
    (l == &m->tiles ? &m->plain : &m->tiles)->stale = !is_plain(layer);
}

// ---- making --------------------------------------------------------------------------------------------------------

static weir_status check_shape(const weir_layer_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(o->inputs >= 1 && o->outputs >= 1, WEIR_SHAPE,
             "a layer of %zu inputs and %zu outputs: expected at least 1", o->inputs, o->outputs);
    TRY_THAT(o->input_block <= o->inputs, WEIR_SHAPE, "input blocks of %zu units: expected 0 (dense) to %zu",
             o->input_block, o->inputs);
    TRY_THAT(o->output_block <= o->outputs, WEIR_SHAPE, "output blocks of %zu units: expected 0 (dense) to %zu",
             o->output_block, o->outputs);
    TRY_THAT(o->inputs <= INT32_MAX && o->outputs <= INT32_MAX && o->inputs <= SIZE_MAX / sizeof(float) / o->outputs,
             WEIR_SHAPE, "a layer of %zu inputs and %zu outputs is too large", o->inputs, o->outputs);
    TRY_THAT(o->precision == WEIR_FLOAT32 || o->precision == WEIR_BFLOAT16, WEIR_ARGUMENT, "precision %d is unknown",
             (int)o->precision);
done:
    return status;
}

typedef struct first_draw {
    size_t inputs;
    uint64_t seed;
    float *plain;
} first_draw;

/// Uniform within ±1/√inputs.
static void draw_rows(const void *context, weir__range outputs) {
    const first_draw *d = context;
    const float most = 1 / sqrtf((float)d->inputs);
    for (size_t o = outputs.first; o < outputs.last; o++) {
        float *row = d->plain + o * d->inputs;
        weir_random_uniform(row, (weir_noise){.seed = d->seed}, (uint32_t)o, d->inputs);
        for (size_t i = 0; i < d->inputs; i++) row[i] = (2 * row[i] - 1) * most;
    }
}

static weir_status first_weights(weir_layer *layer, const weir_layer_options *options, weir_error *error) {
    float *drawn = NULL;
    if (!options->weights) {
        const weir_status status =
            weir__new(&drawn, weight_count(layer), sizeof *drawn, "a layer's first weights", error);
        if (status != WEIR_OK) return status;
        const first_draw d = {layer->shape.inputs, layer->shape.seed, drawn};
        weir__parallel_ranges(layer->shape.outputs, (double)d.inputs, draw_rows, &d);
    }
    weir_layer_set_weights(layer, drawn ? drawn : options->weights, options->bias);
    weir__free(drawn);
    return WEIR_OK;
}

weir_status weir_layer_create(weir_layer **layer, const weir_layer_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_layer *made = NULL;
    *layer = NULL;
    TRY(check_shape(options, error));
    TRY(weir__new(&made, 1, sizeof *made, "a layer", error));
    weir__scratch_join();
    made->shape = *options;
    made->shape.weights = made->shape.bias = NULL;
    TRY(new_layout(made, &made->weights.tiles, options->precision == WEIR_BFLOAT16, "a layer's weights", error));
    TRY(weir__new(&made->bias, options->outputs, sizeof *made->bias, "a layer's bias", error));
    TRY(first_weights(made, options, error));
    *layer = made;
    made = NULL;
done:
    weir_layer_free(made);
    return status;
}

void weir_layer_free(weir_layer *layer) {
    if (!layer) return;
    layout *const layouts[] = {&layer->weights.tiles, &layer->weights.plain, &layer->velocity.tiles,
                               &layer->velocity.plain};
    for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) free_layout(layouts[k]);
    weir__free(layer->bias);
    weir__free(layer->bias_velocity);
    weir__scratch_leave();
    weir__free(layer);
}

/// A row of a tile of the layer's weights from floats, or back.
static void take_row(const layout *l, size_t at, float *row, size_t count, bool to_layer) {
    if (l->values) {
        memcpy(to_layer ? l->values + at : row, to_layer ? row : l->values + at, count * sizeof *row);
        return;
    }
    const weir__halves halves = weir__halves_at(&l->halves, at);
    if (to_layer) {
        weir__bf16_split_alone(count, &halves, row);
    } else {
        weir__bf16_join_alone(count, row, &halves);
    }
}

typedef struct weight_exchange {
    const layout *layout;
    const weir__side *out, *in;
    float *plain;
    bool to_layer;
} weight_exchange;

static void exchange_rows(const void *context, weir__range outputs) {
    const weight_exchange *e = context;
    const weir__side *out = e->out, *in = e->in;
    for (size_t o = outputs.first; o < outputs.last; o++) {
        const size_t jo = o / out->block, inside = o % out->block;
        for (size_t ji = 0; ji < blocks_in(in); ji++) {
            const size_t width = weir__units(in, ji), at = weir__tile(out, in, jo, ji) + inside * width;
            take_row(e->layout, at, e->plain + o * in->width + ji * in->block, width, e->to_layer);
        }
    }
}

/// Plain floats into a layout of the layer's weights, whose tiles are of the given forms, or back.
static void exchange(const layout *l, const weir__side *out, const weir__side *in, float *plain, bool to_layer) {
    const weight_exchange e = {l, out, in, plain, to_layer};
    weir__parallel_ranges(out->width, (double)in->width, exchange_rows, &e);
}

void weir_layer_set_weights(weir_layer *layer, const float *weights, const float *bias) {
    const weir__side out = output_form(layer), in = input_form(layer);
    matrix *m = &layer->weights;
    if (bias) memcpy(layer->bias, bias, layer->shape.outputs * sizeof *bias);
    if (!weights) return;
    exchange(&m->tiles, &out, &in, (float *)(uintptr_t)weights, true); // which reads them only
    m->tiles.stale = false;
    moved(layer, m, &m->tiles);
}

void weir_layer_get_weights(const weir_layer *layer, float *weights, float *bias) {
    const weir__side out = output_form(layer), in = input_form(layer), plain = form_of(in.width, 0);
    const matrix *m = &layer->weights;
    if (bias) memcpy(bias, layer->bias, layer->shape.outputs * sizeof *bias);
    if (!weights) return;
    if (m->tiles.stale) {
        exchange(&m->plain, &out, &plain, weights, false);
    } else {
        exchange(&m->tiles, &out, &in, weights, false);
    }
}

// ---- products ------------------------------------------------------------------------------------------------------

static bool is_dense(const weir_batch *y, const weir_batch *x) { return !y->block && !x->block; }

static weir_status check_batches(const weir_layer *layer, const weir_batch *y, const weir_batch *x, weir_error *error) {
    const weir_layer_options *o = &layer->shape;
    weir_status status = WEIR_OK;
    TRY_THAT(x->width == o->inputs && y->width == o->outputs, WEIR_SHAPE,
             "batches of %zu and %zu units; the layer takes %zu and gives %zu", x->width, y->width, o->inputs,
             o->outputs);
    TRY_THAT(is_dense(y, x) || (x->block == o->input_block && y->block == o->output_block), WEIR_SHAPE,
             "batches with blocks of %zu and %zu units; expected %zu and %zu as in the layer, or both dense (0)",
             x->block, y->block, o->input_block, o->output_block);
    TRY_THAT(x->rows == y->rows, WEIR_SHAPE, "the batches have begun with %zu and %zu rows; expected the same", x->rows,
             y->rows);
done:
    return status;
}

weir_status weir_layer_forward(weir_layer *layer, weir_batch *y, const weir_batch *x, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_batches(layer, y, x, error));
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    const layout *weights = want_layout(layer, &layer->weights, is_dense(y, x), error);
    if (!weights) return WEIR_MEMORY;
    const weir__weights w = {weights->values, weights->halves.upper};
    weir__scratch *scratch = weir__scratch_borrow(error);
    if (!scratch) return WEIR_MEMORY;
    status = weir__product_forward(NULL, x->rows, &to, &from, &w, layer->bias, scratch, error);
    weir__scratch_return(scratch);
done:
    return status;
}

// ---- the step ------------------------------------------------------------------------------------------------------

static weir__update update_of(const weir_layer_step *step, float *velocity, weir__halves halves) {
    const bool momentum = step->momentum > 0;
    return (weir__update){.rule = momentum ? &weir__momentum : &weir__sgd,
                          .move = {.rate = step->rate, .momentum = step->momentum},
                          .slot = {momentum ? velocity : NULL},
                          .halves = halves};
}

/// What a step needs beside the weights.
static weir_status want_step_memory(weir_layer *layer, const weir_layer_step *step, bool dense, layout **velocity,
                                    weir_error *error) {
    const size_t outputs = layer->shape.outputs;
    weir_status status = WEIR_OK;
    if (step->momentum <= 0) goto done;
    if (!layer->bias_velocity) {
        TRY(weir__new(&layer->bias_velocity, outputs, sizeof(float), "a layer's momentum", error));
    }
    if (!is_there(&layer->velocity.tiles)) {
        TRY(new_layout(layer, &layer->velocity.tiles, false, "a layer's momentum", error));
    }
    *velocity = want_layout(layer, &layer->velocity, dense, error);
    if (!*velocity) status = WEIR_MEMORY;
done:
    return status;
}

weir_status weir_layer_backward(weir_layer *layer, weir_batch *x, const weir_batch *y, bool input_gradient,
                                const weir_layer_step *step, weir_error *error) {
    weir_status status = WEIR_OK;
    layout *velocity = NULL;
    weir__scratch *scratch = NULL;
    TRY(check_batches(layer, y, x, error));
    const bool dense = is_dense(y, x);
    TRY_THAT(y->has_gradient || !y->rows, WEIR_ARGUMENT, "the batch of outputs has no gradient");
    TRY_THAT(!step || (isfinite(step->rate) && step->momentum >= 0 && step->momentum < 1), WEIR_ARGUMENT,
             "a step of rate %g and momentum %g; expected a finite rate and 0 <= momentum < 1", (double)step->rate,
             (double)step->momentum);
    layout *weights = want_layout(layer, &layer->weights, dense, error);
    if (!weights) return WEIR_MEMORY;
    if (step) TRY(want_step_memory(layer, step, dense, &velocity, error));
    if (input_gradient) TRY(weir__batch_want_gradient(x, error));
    if (!x->rows) goto done;
    scratch = weir__scratch_borrow(error);
    if (!scratch) return WEIR_MEMORY;
    const weir__side dy = weir__batch_gradient(y), dx = weir__batch_gradient(x), from = weir__batch_values(x);
    const weir__weights w = {weights->values, weights->halves.upper};
    if (!step) {
        if (input_gradient) TRY(weir__product_input_gradient(NULL, x->rows, &dx, &dy, &w, scratch, error));
        goto done;
    }
    const weir__update update = update_of(step, velocity ? velocity->values : NULL, weights->halves);
    const weir__update bias_update = update_of(step, layer->bias_velocity, (weir__halves){NULL, NULL});
    if (input_gradient) {
        TRY(weir__product_backward(x->rows, &dx, &dy, &from, weights->values, layer->bias, &update, &bias_update,
                                   scratch, error));
    } else {
        TRY(weir__product_weight_update(NULL, x->rows, weights->values, layer->bias, &dy, &from, &update, &bias_update,
                                        scratch, error));
    }
    moved(layer, &layer->weights, weights);
    if (velocity) moved(layer, &layer->velocity, velocity);
done:
    weir__scratch_return(scratch);
    return status;
}

// ---- what it costs -------------------------------------------------------------------------------------------------

/// Weights of tiles that some row has open on both sides.
static weir_status count_needed(const weir__side *y, const weir__side *x, size_t rows, uint64_t *count,
                                weir_error *error) {
    const size_t columns = weir__blocks(x);
    uint8_t *seen = NULL;
    weir_status status = WEIR_OK;
    *count = 0;
    TRY(weir__new(&seen, columns, 1, "a list of blocks", error));
    for (size_t jo = 0; jo < weir__blocks(y); jo++) {
        memset(seen, 0, columns);
        for (size_t s = weir__first(y, jo); s < weir__open(y, jo, rows); s++) {
            const size_t row = weir__row(y, s);
            const weir__entries entries = weir__entries_of(x, row);
            for (size_t e = entries.first; e < entries.open; e++) seen[weir__entry_block(x, e)] = 1;
        }
        for (size_t ji = 0; ji < columns; ji++) *count += seen[ji] ? weir__units(y, jo) * weir__units(x, ji) : 0;
    }
done:
    weir__free(seen);
    return status;
}

weir_status weir_layer_count(const weir_layer *layer, weir_layer_work *work, const weir_batch *y, const weir_batch *x,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    *work = (weir_layer_work){0};
    TRY(check_batches(layer, y, x, error));
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    const bool half = layer->shape.precision == WEIR_BFLOAT16;
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    uint64_t needed = 0;
    TRY(count_needed(&to, &from, x->rows, &needed, error));
    *work = (weir_layer_work){
        .products = weir__gated_forward_work(x->rows, &to, &from),
        .dense = (uint64_t)x->rows * weight_count(layer),
        .weights = weight_count(layer),
        .weights_needed = needed,
        .forward_bytes = needed * size,
        .input_gradient_bytes = needed * size,
        .step_bytes = needed * 2 * sizeof(float) * (is_there(&layer->velocity.tiles) ? 2 : 1),
    };
done:
    return status;
}

weir_status weir_layer_plan(const weir_layer *layer, weir_plan *plan, weir_operation operation, const weir_batch *y,
                            const weir_batch *x, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_batches(layer, y, x, error));
    TRY_THAT((unsigned)operation < WEIR_OPERATION_COUNT, WEIR_ARGUMENT, "operation %d is unknown", (int)operation);
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    const weir__weights w = {layer->weights.tiles.values, layer->weights.tiles.halves.upper};
    *plan = weir__plan_of(operation, x->rows, &to, &from, weir__precision_of(operation, &w));
done:
    return status;
}
