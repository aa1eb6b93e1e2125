// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// One gated layer: weights in the layout of the gated products, and its three products for a pair of batches. A pair of
// dense batches takes the dense product, for which the matrix of weights has a plain form.

#include "batch.h"

#include <math.h>
#include <string.h>

#include "matrix.h"
#include "scratch.h"
#include "side.h"

struct weir_layer {
    weir_layer_options shape; // weights and bias NULL
    weir__matrix weights, velocity;
    float *bias, *bias_velocity;
    bool borrowed; // all of these are the caller's
};

weir_layer_options weir_layer_options_default(size_t inputs, size_t outputs) {
    return (weir_layer_options){.inputs = inputs, .outputs = outputs, .seed = 1};
}

/// Outputs are rows of the matrix. A dense side is one block.
static weir__tiling tiling_of(const weir_layer_options *shape) {
    return (weir__tiling){.rows = shape->outputs,
                          .columns = shape->inputs,
                          .block_rows = shape->output_block ? shape->output_block : shape->outputs,
                          .block_columns = shape->input_block ? shape->input_block : shape->inputs};
}

static size_t weight_count(const weir_layer *layer) { return layer->shape.inputs * layer->shape.outputs; }

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

/// A layer of that shape without memory for its weights.
static weir_status begin(weir_layer **layer, const weir_layer_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_shape(options, error));
    TRY(weir__new(layer, 1, sizeof **layer, "a layer", error));
    weir__scratch_join();
    (*layer)->shape = *options;
    (*layer)->shape.weights = (*layer)->shape.bias = NULL;
done:
    return status;
}

weir_status weir_layer_create(weir_layer **layer, const weir_layer_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_layer *made = NULL;
    *layer = NULL;
    TRY(begin(&made, options, error));
    const weir__tiling tiling = tiling_of(options);
    TRY(weir__matrix_init(&made->weights, &tiling, options->precision, "a layer's weights", error));
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
    weir__matrix_free(&layer->weights);
    weir__matrix_free(&layer->velocity);
    if (!layer->borrowed) {
        weir__free(layer->bias);
        weir__free(layer->bias_velocity);
    }
    weir__scratch_leave();
    weir__free(layer);
}

weir_status weir_layer_use(weir_layer *layer, const weir_layer_memory *memory, weir_error *error) {
    const bool half = layer->shape.precision == WEIR_BFLOAT16;
    const weir__tiling tiling = tiling_of(&layer->shape);
    weir_status status = WEIR_OK;
    TRY_THAT(layer->borrowed, WEIR_ARGUMENT, "the layer has memory of its own; expected one from weir_layer_borrow");
    TRY_THAT(half ? memory->upper != NULL : memory->weights != NULL, WEIR_ARGUMENT,
             "no memory for a layer's weights; expected %s", half ? "upper" : "weights");
    weir__matrix_free(&layer->weights);
    weir__matrix_free(&layer->velocity);
    if (half) {
        weir__matrix_wrap_halves(&layer->weights, &tiling, (weir__halves){memory->upper, memory->lower});
    } else {
        weir__matrix_wrap(&layer->weights, &tiling, memory->weights);
    }
    if (memory->velocity) weir__matrix_wrap(&layer->velocity, &tiling, memory->velocity);
    layer->bias = memory->bias;
    layer->bias_velocity = memory->bias_velocity;
done:
    return status;
}

weir_status weir_layer_borrow(weir_layer **layer, const weir_layer_options *options, const weir_layer_memory *memory,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    weir_layer *made = NULL;
    *layer = NULL;
    TRY(begin(&made, options, error));
    made->borrowed = true;
    TRY(weir_layer_use(made, memory, error));
    *layer = made;
    made = NULL;
done:
    weir_layer_free(made);
    return status;
}

void weir_layer_set_weights(weir_layer *layer, const float *weights, const float *bias) {
    if (bias && layer->bias) memcpy(layer->bias, bias, layer->shape.outputs * sizeof *bias);
    if (weights) weir__matrix_set(&layer->weights, weights);
}

void weir_layer_get_weights(const weir_layer *layer, float *weights, float *bias) {
    if (bias && layer->bias) memcpy(bias, layer->bias, layer->shape.outputs * sizeof *bias);
    if (bias && !layer->bias) memset(bias, 0, layer->shape.outputs * sizeof *bias);
    if (weights) weir__matrix_get(&layer->weights, weights);
}

// ---- products ------------------------------------------------------------------------------------------------------

static bool is_dense(const weir_batch *y, const weir_batch *x) { return !y->block && !x->block; }

static weir__layout layout_for(const weir_batch *y, const weir_batch *x) {
    return is_dense(y, x) ? WEIR__PLAIN : WEIR__TILES;
}

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
    weir__weights w;
    TRY(weir__matrix_read(&layer->weights, &w, layout_for(y, x), error));
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
static weir_status want_step_memory(weir_layer *layer, const weir_layer_step *step, weir__layout layout,
                                    weir__form *velocity, weir_error *error) {
    const size_t outputs = layer->shape.outputs;
    const weir__tiling tiling = tiling_of(&layer->shape);
    weir_status status = WEIR_OK;
    if (layer->borrowed) {
        TRY_THAT(layer->shape.precision == WEIR_FLOAT32 || weir__matrix_learns(&layer->weights), WEIR_ARGUMENT,
                 "a step of weights in bf16 without their lower halves");
        TRY_THAT(step->momentum <= 0 ||
                     (weir__matrix_exists(&layer->velocity) && (layer->bias_velocity || !layer->bias)),
                 WEIR_ARGUMENT, "a step of momentum %g without memory for it", (double)step->momentum);
    }
    if (step->momentum <= 0) goto done;
    if (!layer->borrowed && !layer->bias_velocity) {
        TRY(weir__new(&layer->bias_velocity, outputs, sizeof(float), "a layer's momentum", error));
    }
    if (!weir__matrix_exists(&layer->velocity)) {
        TRY(weir__matrix_init(&layer->velocity, &tiling, WEIR_FLOAT32, "a layer's momentum", error));
    }
    TRY(weir__matrix_move(&layer->velocity, velocity, layout, error));
done:
    return status;
}

weir_status weir_layer_backward(weir_layer *layer, weir_batch *x, const weir_batch *y, bool input_gradient,
                                const weir_layer_step *step, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__form velocity = {0}, weights = {0};
    weir__weights w;
    weir__scratch *scratch = NULL;
    TRY(check_batches(layer, y, x, error));
    const weir__layout layout = layout_for(y, x);
    TRY_THAT(y->has_gradient || !y->rows, WEIR_ARGUMENT, "the batch of outputs has no gradient");
    TRY_THAT(!step || (isfinite(step->rate) && step->momentum >= 0 && step->momentum < 1), WEIR_ARGUMENT,
             "a step of rate %g and momentum %g; expected a finite rate and 0 <= momentum < 1", (double)step->rate,
             (double)step->momentum);
    TRY(weir__matrix_read(&layer->weights, &w, layout, error));
    if (step) TRY(want_step_memory(layer, step, layout, &velocity, error));
    if (input_gradient) TRY(weir__batch_want_gradient(x, error));
    if (!x->rows) goto done;
    scratch = weir__scratch_borrow(error);
    if (!scratch) return WEIR_MEMORY;
    const weir__side dy = weir__batch_gradient(y), dx = weir__batch_gradient(x), from = weir__batch_values(x);
    if (!step) {
        if (input_gradient) TRY(weir__product_input_gradient(NULL, x->rows, &dx, &dy, &w, scratch, error));
        goto done;
    }
    TRY(weir__matrix_move(&layer->weights, &weights, layout, error));
    const weir__update update = update_of(step, velocity.values, weights.halves);
    const weir__update bias_update = update_of(step, layer->bias_velocity, (weir__halves){NULL, NULL});
    if (input_gradient) {
        TRY(weir__product_backward(x->rows, &dx, &dy, &from, weights.values, layer->bias, &update, &bias_update,
                                   scratch, error));
    } else {
        TRY(weir__product_weight_update(NULL, x->rows, weights.values, layer->bias, &dy, &from, &update, &bias_update,
                                        scratch, error));
    }
done:
    weir__scratch_return(scratch);
    return status;
}

weir_status weir_layer_gradient(weir_layer *layer, float *dweights, float *dbias, const weir_batch *y,
                                const weir_batch *x, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t *touched = NULL;
    weir__scratch *scratch = NULL;
    TRY(check_batches(layer, y, x, error));
    TRY_THAT(y->has_gradient || !y->rows, WEIR_ARGUMENT, "the batch of outputs has no gradient");
    const weir__side dy = weir__batch_gradient(y), from = weir__batch_values(x);
    const size_t strips = weir__blocks(&dy), tiles = strips * weir__blocks(&from);
    scratch = weir__scratch_borrow(error);
    if (!scratch) return WEIR_MEMORY;
    TRY(weir__new(&touched, tiles + strips, sizeof *touched, "a list of tiles", error));
    memset(touched, 1, tiles + strips); // what has no pair is set to 0
    if (!y->rows) {
        memset(dweights, 0, weight_count(layer) * sizeof *dweights);
        if (dbias) memset(dbias, 0, layer->shape.outputs * sizeof *dbias);
        goto done;
    }
    status = weir__product_weight_gradient(NULL, x->rows, dweights, dbias, touched, touched + tiles, &dy, &from,
                                           scratch, error);
done:
    weir__free(touched);
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
        .step_bytes = needed * 2 * sizeof(float) * (weir__matrix_exists(&layer->velocity) ? 2 : 1),
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
    *plan = weir__plan_of(operation, x->rows, &to, &from, weir__precision_of(operation, layer->shape.precision));
    weir_plan_choose(plan); // which names the strategy, too
done:
    return status;
}
