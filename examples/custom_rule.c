// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT
//
// A rule of one's own: gates that are open with probability clip((a + 1)/2), and the slope of that probability in place
// of the derivative that the coin does not have. The laboratory judges it; then a network trains with it.
#include <math.h>
#include <stdio.h>
#include <weir/weir.h>

static float chance(float a) { return fminf(1, fmaxf(0, (a + 1) / 2)); }

static void sample(const weir_unit *unit, const weir_unit_batch *b) {
    (void)unit;
    for (size_t r = 0; r < b->rows; r++) {
        float *h = b->h + r * b->units; // uniform numbers first
        weir_random_uniform(h, b->noise, (uint32_t)r, b->units);
        for (size_t i = 0; i < b->units; i++) h[i] = h[i] < chance(b->a[r * b->units + i]);
    }
}
static void expect(const weir_unit *unit, const weir_unit_batch *b) {
    (void)unit;
    for (size_t k = 0; k < b->rows * b->units; k++) b->h[k] = chance(b->a[k]);
}
static void decide(const weir_unit *unit, const weir_unit_batch *b) {
    (void)unit;
    for (size_t k = 0; k < b->rows * b->units; k++) b->h[k] = b->a[k] > b->threshold;
}
static void opening(const weir_unit *unit, size_t count, const float *a, float *q, float *dq) {
    (void)unit;
    for (size_t k = 0; k < count; k++) q[k] = chance(a[k]);
    for (size_t k = 0; dq && k < count; k++) dq[k] = fabsf(a[k]) < 1 ? 0.5f : 0;
}
static void backward(const weir_unit *unit, const weir_unit_batch *b) {
    (void)unit;
    for (size_t k = 0; k < b->rows * b->units; k++) b->da[k] = fabsf(b->a[k]) < 1 ? b->dh[k] / 2 : 0;
}
/// What draw and rule are held to, in double: outputs 1 and 0 with their chances, and the weight of ∂L/∂h.
static void define(const weir_unit *unit, double a, weir_outcome visit, void *context) {
    const double p = fmin(1, fmax(0, (a + 1) / 2));
    (void)unit;
    visit(context, p, 1, 0);
    visit(context, 1 - p, 0, 0);
}
static double weight(const weir_unit *unit, double a, double h) {
    (void)unit, (void)h;
    return fabs(a) < 1 ? 0.5 : 0;
}

static const weir_draw hard_coin = {.decided = "h = 1",
                                    .expected = "h = max(0, min(1, (a + 1)/2))",
                                    .sample = sample,
                                    .expect = expect,
                                    .decide = decide,
                                    .opening = opening,
                                    .define = define};
static const weir_rule hard_sigmoid = {
    .name = "hard-sigmoid",
    .summary = "straight-through with a hard sigmoid",
    .forward = "h ~ Bernoulli(clip((a + 1)/2))",
    .gradient = "1[|a| < 1]·½·∂L/∂h",
    .source = "this example",
    .traits = WEIR_TRAIT_STOCHASTIC | WEIR_TRAIT_BINARY | WEIR_TRAIT_SPARSE | WEIR_TRAIT_USES_DH,
    .evaluations = 1,
    .gradients = 1,
    .draw = &hard_coin,
    .backward = backward,
    .weight = weight,
};

int main(void) {
    static const weir_rule *const rules[] = {&hard_sigmoid};
    static const weir_node network[] = {
        {.kind = "input", .name = "image", .size = 784},
        {.kind = "affine", .size = 16},
        {.kind = "unit", .name = "gates", .rule = "hard-sigmoid"},
        {.kind = "gated-affine",
         .from = "image",
         .gates = "gates",
         .size = 256,
         .block = 16,
         .activation = "rectifier"},
        {.kind = "affine", .size = 10},
        {.kind = "softmax-cross-entropy"},
    };
    weir_error error = {0};
    weir_unit unit = {.rule = &hard_sigmoid};
    weir_verdict verdict;
    if (weir_lab_exactness(&verdict, &unit, 1, 1e5, NULL, NULL, &error)) return fprintf(stderr, "%s\n", error.text), 1;
    printf("%s %s; bias %.2f\n", hard_sigmoid.name, weir_verdict_text(&verdict), verdict.bias);

    weir_data_options digits = weir_data_options_default();
    weir_graph_options options = weir_graph_options_default(32);
    weir_train_options train = weir_train_options_default();
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    options.rules = rules; // its names come before those of the library
    options.rule_count = 1;
    options.training = true;
    train.epochs = 2;
    if (weir_data_load(&data, &digits, &error) || weir_graph_create(&graph, network, 6, &options, &error) ||
        weir_trainer_create(&trainer, graph, data, &train, &error) ||
        weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    weir_part part = weir_data_test(data);
    weir_evaluation test;
    if (weir_evaluate(graph, &test, NULL, &part, WEIR_MODE_DECIDE, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    printf("test error %.1f %%, share of gates open %.2f\n", 100 * test.error, test.share);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
}
