// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Learns which of 16 switches to set, from a score alone: a black box that weir knows nothing about. The logits of
// independent Bernoulli switches go downhill along gradients of the expected loss, estimated from two evaluations of
// the box per row and step.
#include <stdio.h>
#include <weir/weir.h>

enum { switches = 16, rows = 32, steps = 300 };

/// The black box: half the mismatches with a secret pattern, plus a penalty for two neighbours that are both set.
static weir_status score(void *context, size_t count, size_t units, const uint32_t *example, const float *h,
                         float *loss, float *dh, weir_error *error) {
    const char *secret = context;
    (void)example;
    (void)error;
    if (dh) return WEIR_UNSUPPORTED; // a black box has no gradient; rules that need only the loss never ask for it
    for (size_t r = 0; r < count; r++) {
        const float *row = h + r * units;
        loss[r] = 0;
        for (size_t i = 0; i < units; i++) {
            loss[r] += 0.5f * (row[i] != (float)(secret[i] - '0'));
            if (i > 0) loss[r] += 0.25f * row[i] * row[i - 1];
        }
    }
    return WEIR_OK;
}

int main(void) {
    char secret[] = "1010010001010010";
    float logits[switches] = {0}, repeated[rows * switches], gradient[rows * switches], loss[rows], mean = 0;
    weir_unit unit;
    weir_estimator *estimator = NULL;
    weir_error error = {0};
    if (weir_unit_parse(&unit, "rloo", &error) || weir_estimator_create(&estimator, &unit, switches, rows, 1, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    for (int step = 0; step < steps; step++) {
        for (int k = 0; k < rows * switches; k++) repeated[k] = logits[k % switches];
        if (weir_estimate(estimator, gradient, loss, repeated, rows, score, secret, &error))
            return fprintf(stderr, "%s\n", error.text), 1;
        mean = 0;
        for (int r = 0; r < rows; r++) mean += loss[r] / rows;
        for (int k = 0; k < rows * switches; k++) logits[k % switches] -= 2.0f * gradient[k] / rows;
    }
    printf("loss %.3f after %d steps of %zu evaluations a row; switches ", (double)mean, steps,
           weir_estimator_evaluations(estimator));
    for (int i = 0; i < switches; i++) putchar(logits[i] > 0 ? '1' : '0');
    putchar('\n');
    weir_estimator_free(estimator);
}
