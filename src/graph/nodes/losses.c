// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Losses per row, their mean over the batch, and what they make of their input:
// - softmax-cross-entropy: L = −log softmax(x)[label]; output: class probabilities
// - squared-error: L = ½ Σ (x − t)²; output: x
// - bernoulli-cross-entropy: L = Σ log(1 + e^x) − t·x (targets in [0, 1], x are logits); output: σ(x)
// Gradients are those of the mean: divided by the rows.

#include <math.h>
#include <string.h>

#include "../../core/math.h"
#include "nodes.h"

static weir_status build(weir_graph *graph, weir__node *node, weir_error *error) {
    (void)graph;
    weir__buffer *losses = NULL;
    node->width = node->block = node->from->width;
    const weir_status status = weir__new(&losses, 1, sizeof *losses, "losses", error);
    if (status != WEIR_OK) return status;
    node->memory.data = losses;
    return WEIR_OK;
}

static void release(weir__node *node) {
    if (node->memory.data) weir__buffer_free(node->memory.data);
}

/// Room for the output, the dense input, and the loss of each row (NULL when the pass has nothing to compare with).
static weir_status prepare(weir_graph *graph, weir__node *node, size_t rows, bool has_target, const float **x,
                           float **loss, weir_error *error) {
    weir_status status = weir__output_reserve(graph, node, NULL, error);
    if (status == WEIR_OK) status = weir__output_dense(graph, node->from, x, error);
    if (status != WEIR_OK) return status;
    weir__buffer *losses = node->memory.data;
    status = weir__buffer_reserve(losses, rows, error);
    if (status != WEIR_OK) return status;
    *loss = has_target ? losses->data : NULL;
    graph->row_loss = *loss;
    return WEIR_OK;
}

/// Where the gradient with respect to the input goes; NULL when nothing before the loss learns.
static weir_status open_gradient(weir_graph *graph, weir__node *node, const weir_pass *pass, float **dx,
                                 weir_error *error) {
    *dx = NULL;
    return node->from->facts.wants_gradient ? weir__gradient_open(graph, node->from, pass->rows, true, dx, error)
                                            : WEIR_OK;
}

/// What is made of rows of input: outputs, and losses (NULL: nothing to compare with).
typedef struct row_losses {
    const float *x, *targets;
    const int32_t *labels;
    float *y, *loss;
    size_t width;
} row_losses;

static const double work_of_value = 8; // exponentials in double, in operations

// ---- softmax-cross-entropy -----------------------------------------------------------------------------------------

static void softmax(float *p, const float *x, size_t width) {
    float most = x[0], sum = 0;
    for (size_t i = 1; i < width; i++) most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < width; i++) {
        p[i] = weir__exp(x[i] - most);
        sum += p[i];
    }
    for (size_t i = 0; i < width; i++) p[i] /= sum;
}

static double log_sum_exp(const float *x, size_t width) {
    float most = x[0];
    double sum = 0;
    for (size_t i = 1; i < width; i++) most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < width; i++) sum += exp((double)x[i] - (double)most);
    return (double)most + log(sum);
}

static void softmax_rows(const void *context, weir__range rows) {
    const row_losses *l = context;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *row = l->x + r * l->width;
        softmax(l->y + r * l->width, row, l->width);
        if (l->loss) l->loss[r] = (float)(log_sum_exp(row, l->width) - (double)row[l->labels[r]]);
    }
}

weir_status weir__check_labels(const weir__node *node, const weir_pass *pass, weir_error *error) {
    for (size_t r = 0; pass->labels && r < pass->rows; r++) {
        if (pass->labels[r] < 0 || (size_t)pass->labels[r] >= node->width) {
            return weir__fail_node(error, WEIR_DATA, node, "label %d of row %zu: expected 0 to %zu", pass->labels[r],
                                   pass->first_row + r, node->width - 1);
        }
    }
    return WEIR_OK;
}

static weir_status softmax_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const float *x = NULL;
    float *loss = NULL;
    const size_t width = node->width;
    weir_status status = weir__check_labels(node, pass, error);
    if (status == WEIR_OK) status = prepare(graph, node, pass->rows, pass->labels != NULL, &x, &loss, error);
    if (status != WEIR_OK) return status;
    const row_losses l = {x, NULL, pass->labels, node->memory.values.data, loss, width};
    weir__parallel_ranges(pass->rows, work_of_value * (double)width, softmax_rows, &l);
    return WEIR_OK;
}

static weir_status softmax_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    float *dx = NULL;
    const weir_status status = open_gradient(graph, node, pass, &dx, error);
    if (status != WEIR_OK || !dx) return status;
    const float weight = 1 / (float)graph->examples;
    const float *p = node->memory.values.data;
    for (size_t k = 0; k < pass->rows * node->width; k++) dx[k] = weight * p[k];
    for (size_t r = 0; r < pass->rows; r++) dx[r * node->width + (size_t)pass->labels[r]] -= weight;
    weir__gradient_close(graph, node->from, pass->rows, true, dx);
    return WEIR_OK;
}

const weir__kind weir__kind_softmax_cross_entropy = {
    .about = {.name = "softmax-cross-entropy",
              .synonyms = {"cross_entropy", "CrossEntropyLoss"},
              .summary = "loss of a classifier; outputs class probabilities",
              .equation = "L = -log softmax(x)[label]",
              .traits = WEIR_KIND_LOSS | WEIR_KIND_LIKELIHOOD,
              .takes = WEIR_TAKES_LABELS},
    .build = build,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .release = release,
};

// ---- losses against a row of targets -------------------------------------------------------------------------------

static weir_status squared_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const float *x = NULL, *t = pass->targets;
    float *loss = NULL;
    const size_t width = node->width;
    const weir_status status = prepare(graph, node, pass->rows, t != NULL, &x, &loss, error);
    if (status != WEIR_OK) return status;
    memcpy(node->memory.values.data, x, pass->rows * width * sizeof *x);
    for (size_t r = 0; loss && r < pass->rows; r++) {
        double sum = 0;
        for (size_t k = r * width; k < (r + 1) * width; k++) {
            const double difference = (double)x[k] - (double)t[k];
            sum += difference * difference;
        }
        loss[r] = (float)(sum / 2);
    }
    return WEIR_OK;
}

enum { lanes = 16, lane_factors = 32 };

WEIR__CLONES static void sigmoids(float *restrict y, const float *restrict x, size_t count) {
    for (size_t k = 0; k < count; k++) y[k] = weir__sigmoid(x[k]);
}

/// Σ [max(x, 0) − t·x] + Σ log(1 + e^−|x|) of up to lanes·lane_factors values. The factors 1 + e^−|x| are in [1, 2]:
/// the logarithm of their product is taken at once.
WEIR__CLONES static double bernoulli_piece(const float *restrict x, const float *restrict t, size_t count) {
    double linear[lanes] = {0}, product[lanes], sum = 0, all = 1;
    for (size_t k = 0; k < lanes; k++) product[k] = 1;
    for (size_t first = 0; first < count; first += lanes) {
        const size_t left = count - first < lanes ? count - first : lanes;
        for (size_t k = 0; k < left; k++) {
            const float a = x[first + k];
            linear[k] += (a > 0 ? (double)a : 0) - (double)t[first + k] * (double)a;
            product[k] *= 1 + (double)weir__exp(a < 0 ? a : -a);
        }
    }
    for (size_t k = 0; k < lanes; k++) {
        sum += linear[k];
        all *= product[k];
    }
    return sum + log(all);
}

static void bernoulli_rows(const void *context, weir__range rows) {
    const row_losses *l = context;
    const size_t width = l->width, piece = lanes * lane_factors;
    for (size_t r = rows.first; r < rows.last; r++) {
        const float *row = l->x + r * width;
        double sum = 0;
        sigmoids(l->y + r * width, row, width);
        for (size_t k = 0; l->loss && k < width; k += piece) {
            sum += bernoulli_piece(row + k, l->targets + r * width + k, width - k < piece ? width - k : piece);
        }
        if (l->loss) l->loss[r] = (float)sum;
    }
}

static weir_status check_targets(const weir__node *node, const weir_pass *pass, weir_error *error) {
    const size_t count = pass->targets ? pass->rows * node->width : 0;
    for (size_t k = 0; k < count; k++) {
        if (pass->targets[k] >= 0 && pass->targets[k] <= 1) continue;
        return weir__fail_node(error, WEIR_DATA, node, "target %zu of row %zu is %g: expected 0 to 1", k % node->width,
                               pass->first_row + k / node->width, (double)pass->targets[k]);
    }
    return WEIR_OK;
}

static weir_status bernoulli_forward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    const float *x = NULL, *t = pass->targets;
    float *loss = NULL;
    weir_status status = check_targets(node, pass, error);
    if (status == WEIR_OK) status = prepare(graph, node, pass->rows, t != NULL, &x, &loss, error);
    if (status != WEIR_OK) return status;
    const row_losses l = {x, t, NULL, node->memory.values.data, loss, node->width};
    weir__parallel_ranges(pass->rows, work_of_value * (double)node->width, bernoulli_rows, &l);
    return WEIR_OK;
}

/// Backward of the losses whose ∂L/∂x is output − target.
static weir_status difference_backward(weir_graph *graph, weir__node *node, const weir_pass *pass, weir_error *error) {
    float *dx = NULL;
    const weir_status status = open_gradient(graph, node, pass, &dx, error);
    if (status != WEIR_OK || !dx) return status;
    const float weight = 1 / (float)graph->examples;
    const float *y = node->memory.values.data, *t = pass->targets;
    for (size_t k = 0; k < pass->rows * node->width; k++) dx[k] = weight * (y[k] - t[k]);
    weir__gradient_close(graph, node->from, pass->rows, true, dx);
    return WEIR_OK;
}

const weir__kind weir__kind_squared_error = {
    .about = {.name = "squared-error",
              .synonyms = {"mse_loss", "MSELoss"},
              .summary = "half the squared distance",
              .equation = "L = sum (x - t)^2 / 2",
              .traits = WEIR_KIND_LOSS,
              .takes = WEIR_TAKES_TARGETS},
    .build = build,
    .forward = squared_forward,
    .backward = difference_backward,
    .release = release,
};

const weir__kind weir__kind_bernoulli_cross_entropy = {
    .about = {.name = "bernoulli-cross-entropy",
              .synonyms = {"bce", "binary_cross_entropy", "BCEWithLogitsLoss"},
              .summary = "independent yes/no outputs with logits x; outputs probabilities",
              .equation = "L = sum log(1 + exp(x)) - t x",
              .traits = WEIR_KIND_LOSS | WEIR_KIND_LIKELIHOOD,
              .takes = WEIR_TAKES_TARGETS},
    .build = build,
    .forward = bernoulli_forward,
    .backward = difference_backward,
    .release = release,
};
