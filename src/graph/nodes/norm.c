// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Normalisation of a row by its own deviation: rms-norm (Zhang and Sennrich 2019) and layer-norm (Ba, Kiros and Hinton
// 2016), which also takes the row's mean away and adds a bias.
//
//   n = (x − m)/s, s = √(mean (x − m)² + ε), ε = 10⁻⁵, m the mean of the row or 0;   y = gain ⊙ n (+ bias)
//   ∂L/∂x = (e − mean(e)·[m is the mean] − n·mean(e ⊙ n))/s, e = gain ⊙ ∂L/∂y

#include <math.h>
#include <string.h>

#include "../../core/clones.h"
#include "nodes.h"

typedef struct norm {
    bool centred;
} norm;

/// Of a row in the last pass: m and 1/s.
typedef struct moments {
    float mean, inverse;
} moments;

/// What a normalisation keeps of a pass: 2 floats a row, a moments each.
typedef struct kept {
    weir__buffer rows;
} kept;

typedef struct rows_task {
    size_t width;
    bool centred;
    const float *x, *gain, *bias; // bias: NULL where there is none
    const float *dy;
    moments *rows;
    float *y, *dx;
} rows_task;

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    const norm *how = node->kind->how;
    const size_t width = node->width = node->block = node->from->width;
    weir_status status = WEIR_OK;
    if (node->spec.init_inputs || node->spec.max_norm > 0)
        return weir__fail_node(error, WEIR_ARGUMENT, node, "this kind takes no init_inputs and no max_norm");
    if (node->spec.bias != 0 && !how->centred)
        return weir__fail_node(error, WEIR_ARGUMENT, node, "this kind takes no bias");
    node->facts.learns = node->facts.wants_gradient = true;
    TRY(weir__new(&node->memory.data, 1, sizeof(kept), "a normalisation", error));
    TRY(weir__tensor_declare(graph, node, WEIR_ROLE_GAIN, width, 1, width, 1, false, &node->weight, error));
    if (how->centred)
        TRY(weir__tensor_declare(graph, node, WEIR_ROLE_BIAS, width, 1, width, 1, false, &node->bias, error));
done:
    return status;
}

static void release(weir__node *node) {
    kept *k = node->memory.data;
    if (k) weir__buffer_free(&k->rows);
}

WEIR__INLINE float sum_of(const float *x, size_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < count; k++) sum += x[k];
    return sum;
}

WEIR__INLINE float squares_of(const float *x, float mean, size_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < count; k++) sum += (x[k] - mean) * (x[k] - mean);
    return sum;
}

WEIR__CLONES static void normalise_rows(const void *context, weir__range rows) {
    const float epsilon = 1e-5f;
    const rows_task *t = context;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *x = t->x + r * t->width, width = (float)t->width;
        float *y = t->y + r * t->width;
        const float mean = t->centred ? sum_of(x, t->width) / width : 0;
        const float inverse = 1 / sqrtf(squares_of(x, mean, t->width) / width + epsilon);
        t->rows[r] = (moments){mean, inverse};
        for (size_t k = 0; k < t->width; k++) y[k] = (x[k] - mean) * inverse * t->gain[k];
        for (size_t k = 0; t->bias && k < t->width; k++) y[k] += t->bias[k];
    }
}

WEIR__CLONES static void differentiate_rows(const void *context, weir__range rows) {
    const rows_task *t = context;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *x = t->x + r * t->width, *dy = t->dy + r * t->width;
        const float mean = t->rows[r].mean, inverse = t->rows[r].inverse;
        float *dx = t->dx + r * t->width, sum = 0, along = 0;
#pragma omp simd reduction(+ : sum, along)
        for (size_t k = 0; k < t->width; k++) {
            const float e = t->gain[k] * dy[k];
            sum += e;
            along += e * ((x[k] - mean) * inverse);
        }
        sum = t->centred ? sum / (float)t->width : 0;
        along /= (float)t->width;
        for (size_t k = 0; k < t->width; k++)
            dx[k] = inverse * (t->gain[k] * dy[k] - sum - (x[k] - mean) * inverse * along);
    }
}

/// Gradients of gain and bias: sums over rows, for a range of columns.
typedef struct columns_task {
    rows_task of;
    size_t rows;
    float *dgain, *dbias;
} columns_task;

static void sum_columns(const void *context, weir__range columns) {
    const columns_task *t = context;
    const size_t width = t->of.width, count = columns.last - columns.first;
    memset(t->dgain + columns.first, 0, count * sizeof(float));
    if (t->dbias) memset(t->dbias + columns.first, 0, count * sizeof(float));
    for (size_t r = 0; r < t->rows; r++) {
        const float *x = t->of.x + r * width, *dy = t->of.dy + r * width;
        const moments m = t->of.rows[r];
        for (size_t k = columns.first; k < columns.last; k++) t->dgain[k] += dy[k] * ((x[k] - m.mean) * m.inverse);
        for (size_t k = columns.first; t->dbias && k < columns.last; k++) t->dbias[k] += dy[k];
    }
}

static weir_status begin(weir_graph *graph, weir__node *node, size_t rows, rows_task *t, weir_error *error) {
    kept *k = node->memory.data;
    weir_status status = WEIR_OK;
    *t = (rows_task){.width = node->width, .centred = ((const norm *)node->kind->how)->centred};
    TRY(weir__output_dense(graph, node->from, &t->x, error));
    TRY(weir__buffer_reserve(&k->rows, 2 * rows, error));
    t->rows = (moments *)(void *)k->rows.data;
    t->gain = weir__matrix_values(&graph->matrices[node->weight]);
    t->bias = node->bias == SIZE_MAX ? NULL : weir__matrix_values(&graph->matrices[node->bias]);
    t->dy = node->memory.gradient.data;
done:
    return status;
}

static weir_status forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    rows_task t;
    TRY(weir__output_reserve(graph, node, NULL, error));
    TRY(begin(graph, node, pass->rows, &t, error));
    t.y = node->memory.values.data;
    weir__parallel_ranges(pass->rows, 1.5 * (double)node->width, normalise_rows, &t);
done:
    return status;
}

static weir_status backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    weir_status status = WEIR_OK;
    columns_task c = {0};
    if (!node->pass.gradient_written) return WEIR_OK;
    TRY(begin(graph, node, pass->rows, &c.of, error));
    if (node->from->facts.wants_gradient) {
        TRY(weir__gradient_open(graph, node->from, pass->rows, true, &c.of.dx, error));
        weir__parallel_ranges(pass->rows, 2 * (double)node->width, differentiate_rows, &c.of);
        weir__gradient_close(graph, node->from, pass->rows, true, c.of.dx);
    }
    weir__side dy = weir__output_side(node);
    dy.values = node->memory.gradient.data;
    c.rows = weir__groups_weigh(graph, pass->rows, &dy, false);
    c.dgain = weir__tensor_gradients(graph, node->weight);
    c.dbias = node->bias == SIZE_MAX ? NULL : weir__tensor_gradients(graph, node->bias);
    weir__parallel_ranges(node->width, (double)c.rows, sum_columns, &c);
    if (graph->moving) TRY(weir__affine_move_alone(graph, node, error));
    node->pass.moved = graph->moving != NULL;
done:
    return status;
}

static const norm rms = {.centred = false}, layer = {.centred = true};

const weir__kind weir__kind_rms_norm = {
    .about = {.name = "rms-norm",
              .synonyms = {"rmsnorm"},
              .summary = "each row divided by its root mean square, times a gain per output",
              .equation = "y = gain * x / sqrt(mean(x^2) + 1e-5)"},
    .fields = WEIR__FIELD_PARAMETERS,
    .how = &rms,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
    .release = release,
};

const weir__kind weir__kind_layer_norm = {
    .about = {.name = "layer-norm",
              .synonyms = {"layernorm"},
              .summary = "each row less its mean, divided by its deviation, times a gain per output, plus a bias",
              .equation = "y = gain * (x - mean(x)) / sqrt(var(x) + 1e-5) + bias"},
    .fields = WEIR__FIELD_PARAMETERS,
    .how = &layer,
    .build = build,
    .forward = forward,
    .backward = backward,
    .move = weir__affine_move_alone,
    .release = release,
};
