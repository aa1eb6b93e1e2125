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

#include "product.h"
#include "side.h"

/// A matrix in both layouts. tiles == plain where they are the same.
typedef struct matrix {
    float *tiles, *plain; // plain NULL: not wanted yet
    bool tiles_stale, plain_stale;
} matrix;

struct weir_layer {
    weir_layer_options shape; // weights and bias NULL
    matrix weights, velocity;
    float *bias, *bias_velocity;
    float *gradient, *bias_gradient; // of the last step
    uint8_t *touched, *bias_touched; // tiles and blocks of outputs that the last step moved
    weir__buffer scratch;
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

/// Copies plain into tiles, or back.
static void convert(const weir_layer *layer, float *tiles, float *plain, bool to_tiles) {
    const weir__side out = output_form(layer), in = input_form(layer);
    const size_t strips = blocks_in(&out), columns = blocks_in(&in);
#pragma omp parallel for num_threads(weir_threads()) schedule(static)
    for (size_t jo = 0; jo < strips; jo++) {
        for (size_t ji = 0; ji < columns; ji++) {
            const size_t width = weir__units(&in, ji);
            float *tile = tiles + weir__tile(&out, &in, jo, ji);
            for (size_t o = 0; o < weir__units(&out, jo); o++) {
                float *row = plain + (jo * out.block + o) * in.width + ji * in.block;
                memcpy(to_tiles ? tile + o * width : row, to_tiles ? row : tile + o * width, width * sizeof *row);
            }
        }
    }
}

static void refresh_tiles(const weir_layer *layer, matrix *m) {
    if (m->tiles_stale) convert(layer, m->tiles, m->plain, true);
    m->tiles_stale = false;
}

static weir_status want_plain(const weir_layer *layer, matrix *m, weir_error *error) {
    if (!m->plain) {
        const weir_status status =
            weir__new(&m->plain, weight_count(layer), sizeof *m->plain, "the plain copy of a layer's weights", error);
        if (status != WEIR_OK) return status;
        m->plain_stale = true;
    }
    if (m->plain_stale) convert(layer, m->tiles, m->plain, false);
    m->plain_stale = false;
    return WEIR_OK;
}

static weir_status new_matrix(const weir_layer *layer, matrix *m, const char *what, weir_error *error) {
    const weir_status status = weir__new(&m->tiles, weight_count(layer), sizeof *m->tiles, what, error);
    if (status == WEIR_OK && is_plain(layer)) m->plain = m->tiles;
    return status;
}

static void free_matrix(matrix *m) {
    if (m->plain != m->tiles) weir__free(m->plain);
    weir__free(m->tiles);
}

/// A step moved one form: the other, where it is another one, is behind.
static void moved(matrix *m, bool tiles) {
    if (m->plain == m->tiles) return;
    if (tiles) {
        m->plain_stale = m->plain != NULL;
    } else {
        m->tiles_stale = true;
    }
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
    TRY_THAT((unsigned)o->precision < WEIR_BFLOAT16 + 1, WEIR_ARGUMENT, "precision %d is unknown", (int)o->precision);
    TRY_THAT(o->precision == WEIR_FLOAT32, WEIR_UNSUPPORTED, "precision %s is not supported",
             weir_precision_name(o->precision));
done:
    return status;
}

/// Uniform within ±1/√inputs.
static void draw_weights(weir_layer *layer, float *plain) {
    const size_t inputs = layer->shape.inputs, outputs = layer->shape.outputs;
    const float most = 1 / sqrtf((float)inputs);
#pragma omp parallel for num_threads(weir_threads()) schedule(static)
    for (size_t o = 0; o < outputs; o++) {
        float *row = plain + o * inputs;
        weir_random_uniform(row, (weir_noise){.seed = layer->shape.seed}, (uint32_t)o, inputs);
        for (size_t i = 0; i < inputs; i++) row[i] = (2 * row[i] - 1) * most;
    }
}

static weir_status first_weights(weir_layer *layer, const weir_layer_options *options, weir_error *error) {
    float *drawn = NULL;
    if (!options->weights) {
        const weir_status status =
            weir__new(&drawn, weight_count(layer), sizeof *drawn, "a layer's first weights", error);
        if (status != WEIR_OK) return status;
        draw_weights(layer, drawn);
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
    made->shape = *options;
    made->shape.weights = made->shape.bias = NULL;
    TRY(new_matrix(made, &made->weights, "a layer's weights", error));
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
    free_matrix(&layer->weights);
    free_matrix(&layer->velocity);
    float *const arrays[] = {layer->bias, layer->bias_velocity, layer->gradient, layer->bias_gradient};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) weir__free(arrays[k]);
    weir__free(layer->touched);
    weir__free(layer->bias_touched);
    weir__buffer_free(&layer->scratch);
    weir__free(layer);
}

void weir_layer_set_weights(weir_layer *layer, const float *weights, const float *bias) {
    matrix *m = &layer->weights;
    if (bias) memcpy(layer->bias, bias, layer->shape.outputs * sizeof *bias);
    if (!weights) return;
    convert(layer, m->tiles, (float *)(uintptr_t)weights, true); // which reads them only
    m->tiles_stale = false;
    m->plain_stale = m->plain && m->plain != m->tiles;
}

void weir_layer_get_weights(const weir_layer *layer, float *weights, float *bias) {
    const matrix *m = &layer->weights;
    if (bias) memcpy(bias, layer->bias, layer->shape.outputs * sizeof *bias);
    if (!weights) return;
    if (m->tiles_stale) {
        memcpy(weights, m->plain, weight_count(layer) * sizeof *weights);
    } else {
        convert(layer, m->tiles, weights, false);
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

/// The weights in the layout that the products of dense, or of other batches read.
static weir_status weights_for(weir_layer *layer, bool dense, weir__weights *weights, weir_error *error) {
    if (dense) {
        const weir_status status = want_plain(layer, &layer->weights, error);
        if (status != WEIR_OK) return status;
    } else {
        refresh_tiles(layer, &layer->weights);
    }
    weights->values = dense ? layer->weights.plain : layer->weights.tiles;
    return WEIR_OK;
}

weir_status weir_layer_forward(weir_layer *layer, weir_batch *y, const weir_batch *x, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_batches(layer, y, x, error));
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    weir__weights weights = {0};
    TRY(weights_for(layer, is_dense(y, x), &weights, error));
    TRY(weir__product_forward(NULL, x->rows, &to, &from, &weights, layer->bias, &layer->scratch, error));
done:
    return status;
}

// ---- the step ------------------------------------------------------------------------------------------------------

static weir_status want_step_memory(weir_layer *layer, const weir_layer_step *step, bool dense, weir_error *error) {
    const weir__side out = output_form(layer), in = input_form(layer);
    const size_t strips = blocks_in(&out);
    weir_status status = WEIR_OK;
    if (!layer->bias_touched) {
        TRY(weir__new(&layer->bias_gradient, out.width, sizeof(float), "a layer's gradient", error));
        TRY(weir__new(&layer->touched, strips * blocks_in(&in), 1, "a layer's gradient", error));
        TRY(weir__new(&layer->bias_touched, strips, 1, "a layer's gradient", error));
    }
    if (!layer->gradient && !(dense && step->momentum == 0)) {
        TRY(weir__new(&layer->gradient, weight_count(layer), sizeof(float), "a layer's gradient", error));
    }
    if (step->momentum > 0 && !layer->velocity.tiles) {
        TRY(weir__new(&layer->bias_velocity, out.width, sizeof(float), "a layer's momentum", error));
        TRY(new_matrix(layer, &layer->velocity, "a layer's momentum", error));
    }
    if (dense && layer->velocity.tiles) TRY(want_plain(layer, &layer->velocity, error));
done:
    return status;
}

/// count weights from w on, with their gradient g and, where there is momentum, their v.
static void descend(const weir_layer_step *step, size_t count, float *restrict w, const float *restrict g,
                    float *restrict v) {
    const float rate = step->rate, momentum = step->momentum;
    if (momentum > 0) {
#pragma omp simd
        for (size_t k = 0; k < count; k++) {
            v[k] = momentum * v[k] + g[k];
            w[k] -= rate * v[k];
        }
    } else {
#pragma omp simd
        for (size_t k = 0; k < count; k++) w[k] -= rate * g[k];
    }
}

static weir_status gated_step(weir_layer *layer, const weir_layer_step *step, size_t rows, const weir__side *dy,
                              const weir__side *x, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir__side out = output_form(layer), in = input_form(layer);
    const size_t strips = blocks_in(&out), columns = blocks_in(&in);
    refresh_tiles(layer, &layer->weights);
    refresh_tiles(layer, &layer->velocity);
    TRY(weir__product_weight_gradient(NULL, rows, layer->gradient, layer->bias_gradient, layer->touched,
                                      layer->bias_touched, dy, x, &layer->scratch, error));
    float *v = layer->velocity.tiles;
#pragma omp parallel for num_threads(weir_threads()) schedule(dynamic, 4)
    for (size_t tile = 0; tile < strips * columns; tile++) {
        const size_t jo = tile / columns, ji = tile % columns, at = weir__tile(&out, &in, jo, ji);
        if (!layer->touched[tile]) continue;
        descend(step, weir__units(&out, jo) * weir__units(&in, ji), layer->weights.tiles + at, layer->gradient + at,
                v ? v + at : NULL);
    }
    for (size_t jo = 0; jo < strips; jo++) {
        const size_t at = jo * out.block;
        if (dy->route && !layer->bias_touched[jo]) continue;
        descend(step, weir__units(&out, jo), layer->bias + at, layer->bias_gradient + at,
                layer->bias_velocity ? layer->bias_velocity + at : NULL);
    }
    moved(&layer->weights, true);
    moved(&layer->velocity, true);
done:
    return status;
}

static void dense_step(weir_layer *layer, const weir_layer_step *step, size_t rows, const float *dy, const float *x) {
    const size_t out = layer->shape.outputs, in = layer->shape.inputs;
    if (step->momentum > 0) {
        weir__dense_weight_gradient(rows, out, in, layer->gradient, layer->bias_gradient, dy, x);
#pragma omp parallel for num_threads(weir_threads()) schedule(static)
        for (size_t o = 0; o < out; o++) {
            descend(step, in, layer->weights.plain + o * in, layer->gradient + o * in, layer->velocity.plain + o * in);
        }
    } else {
        weir__dense_descend(rows, out, in, layer->weights.plain, -step->rate, dy, x);
        weir__sum_columns(rows, out, layer->bias_gradient, dy);
    }
    descend(step, out, layer->bias, layer->bias_gradient, layer->bias_velocity);
    moved(&layer->weights, false);
    moved(&layer->velocity, false);
}

weir_status weir_layer_backward(weir_layer *layer, weir_batch *x, const weir_batch *y, bool input_gradient,
                                const weir_layer_step *step, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_batches(layer, y, x, error));
    const bool dense = is_dense(y, x);
    TRY_THAT(y->has_gradient || !y->rows, WEIR_ARGUMENT, "the batch of outputs has no gradient");
    TRY_THAT(!step || (isfinite(step->rate) && step->momentum >= 0 && step->momentum < 1), WEIR_ARGUMENT,
             "a step of rate %g and momentum %g; expected a finite rate and 0 <= momentum < 1", (double)step->rate,
             (double)step->momentum);
    weir__weights weights = {0};
    TRY(weights_for(layer, dense, &weights, error));
    if (step) TRY(want_step_memory(layer, step, dense, error));
    if (input_gradient) TRY(weir__batch_want_gradient(x, error));
    if (!x->rows) goto done;
    const weir__side dy = weir__batch_gradient(y), dx = weir__batch_gradient(x), from = weir__batch_values(x);
    if (input_gradient) {
        TRY(weir__product_input_gradient(NULL, x->rows, &dx, &dy, &weights, &layer->scratch, error));
    }
    if (step && dense) dense_step(layer, step, x->rows, dy.values, from.values);
    if (step && !dense) TRY(gated_step(layer, step, x->rows, &dy, &from, error));
done:
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

weir_status weir_layer_count(const weir_layer *layer, const weir_batch *y, const weir_batch *x, weir_layer_work *work,
                             weir_error *error) {
    weir_status status = WEIR_OK;
    *work = (weir_layer_work){0};
    TRY(check_batches(layer, y, x, error));
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    uint64_t needed = 0;
    TRY(count_needed(&to, &from, x->rows, &needed, error));
    *work = (weir_layer_work){
        .products = weir__gated_forward_work(x->rows, &to, &from),
        .dense = (uint64_t)x->rows * weight_count(layer),
        .weights = weight_count(layer),
        .weights_needed = needed,
        .forward_bytes = needed * sizeof(float),
        .input_gradient_bytes = needed * sizeof(float),
        .step_bytes = needed * 2 * sizeof(float) * (layer->velocity.tiles ? 2 : 1),
    };
done:
    return status;
}

weir_status weir_layer_plan(const weir_layer *layer, weir_operation operation, const weir_batch *y, const weir_batch *x,
                            weir_plan *plan, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_batches(layer, y, x, error));
    TRY_THAT((unsigned)operation < WEIR_OPERATION_COUNT, WEIR_ARGUMENT, "operation %d is unknown", (int)operation);
    const weir__side to = weir__batch_values(y), from = weir__batch_values(x);
    *plan = weir__plan_of(operation, x->rows, &to, &from);
done:
    return status;
}
