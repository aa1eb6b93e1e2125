// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Time of the gated products next to dense ones: for each shape, the milliseconds of the dense product by CBLAS, of the
// gated kernels, their rates, and the efficiency (share of pairs · dense time / gated time: 1 when nothing is lost).
//
//   bench_kernels [SECONDS per measurement] [THREADS] [ISA]

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/gated.h"

/// One thread: its own processor time, so that other work on the machine counts less.
static double now(void) {
    struct timespec t;
    clock_gettime(weir_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t random_state = 1;
static float uniform(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (float)(random_state >> 40) * 0x1p-24f;
}

static float *numbers(size_t count) {
    float *values = weir__alloc(count, sizeof *values);
    if (!values) exit(1);
    for (size_t k = 0; k < count; k++) values[k] = uniform() - 0.5f;
    return values;
}

typedef struct shape {
    size_t rows, out, out_block, in, in_block; // block 0: a dense side
    double share;
} shape;

typedef enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } product;

typedef struct run {
    const shape *s;
    product product;
    const weir__gated_kernels *kernels; // NULL: dense
    weir__side y, x;
    float *weights, *bias, *dense_y, *dense_x;
    uint8_t *touched, *bias_touched;
} run;

static void once(const run *r) {
    const shape *s = r->s;
    if (r->kernels) {
        if (r->product == FORWARD) r->kernels->forward(s->rows, &r->y, &r->x, r->weights, r->bias);
        if (r->product == INPUT_GRADIENT) r->kernels->input_gradient(s->rows, &r->x, &r->y, r->weights);
        if (r->product == WEIGHT_GRADIENT) {
            r->kernels->weight_gradient(s->rows, r->weights, r->bias, r->touched, r->bias_touched, &r->y, &r->x);
        }
        return;
    }
    if (r->product == FORWARD) weir__dense_forward(s->rows, s->out, s->in, r->dense_y, r->dense_x, r->weights, r->bias);
    if (r->product == INPUT_GRADIENT) {
        weir__dense_input_gradient(s->rows, s->out, s->in, r->dense_x, r->dense_y, r->weights);
    }
    if (r->product == WEIGHT_GRADIENT) {
        weir__dense_weight_gradient(s->rows, s->out, s->in, r->weights, r->bias, r->dense_y, r->dense_x);
    }
}

/// The least of as many runs as the time allows, at least 5: other work on the machine only adds.
static double least(const run *r, double seconds) {
    double best = 1e30;
    once(r);
    const double end = now() + seconds;
    for (int k = 0; k < 5 || now() < end; k++) {
        const double start = now();
        once(r);
        const double time = now() - start;
        if (time < best) best = time;
    }
    return best;
}

static weir__side make_side(weir__route *route, size_t rows, size_t width, size_t block, double share) {
    if (!block) return (weir__side){NULL, width, width, numbers(rows * width)};
    const size_t blocks = (width + block - 1) / block;
    float *h = numbers(rows * blocks);
    for (size_t k = 0; k < rows * blocks; k++) h[k] = (double)h[k] + 0.5 < share ? 1 : 0;
    const double start = now();
    if (weir__route_build(route, rows, blocks, h, NULL, NULL) != WEIR_OK) exit(1);
    weir__route again = {0};
    double best = now() - start;
    for (int k = 0; k < 20; k++) {
        const double from = now();
        if (weir__route_build(&again, rows, blocks, h, NULL, NULL) != WEIR_OK) exit(1);
        if (now() - from < best) best = now() - from;
    }
    printf("  route of %zu x %zu gates: %.1f us\n", rows, blocks, 1e6 * best);
    weir__route_free(&again);
    weir__free(h);
    return (weir__side){route, width, block, numbers(route->slots * block)};
}

static void measure(const shape *s, const weir__gated_kernels *kernels, double seconds) {
    static const char *const names[] = {"forward", "input gradient", "weight gradient"};
    printf("%zu rows, %zu%s%zu <- %zu%s%zu, share %g\n", s->rows, s->out, s->out_block ? " / " : " dense ",
           s->out_block, s->in, s->in_block ? " / " : " dense ", s->in_block, s->share);
    weir__route out = {0}, in = {0};
    run r = {.s = s,
             .y = make_side(&out, s->rows, s->out, s->out_block, s->share),
             .x = make_side(&in, s->rows, s->in, s->in_block, s->share),
             .weights = numbers(s->out * s->in),
             .bias = numbers(s->out),
             .dense_y = numbers(s->rows * s->out),
             .dense_x = numbers(s->rows * s->in),
             .touched = weir__alloc(s->out * s->in, 1),
             .bias_touched = weir__alloc(s->out, 1)};
    const double all = (double)s->rows * (double)s->out * (double)s->in;
    for (r.product = FORWARD; r.product <= WEIGHT_GRADIENT; r.product++) {
        const double work = (double)(r.product == FORWARD ? weir__gated_forward_work(s->rows, &r.y, &r.x)
                                                          : weir__gated_weight_gradient_work(s->rows, &r.y, &r.x));
        r.kernels = NULL;
        const double dense = least(&r, seconds);
        r.kernels = kernels;
        const double gated = least(&r, seconds);
        printf("  %-16s dense %8.3f ms %6.1f GF/s   gated %8.3f ms %6.1f GF/s   %5.1f x faster, efficiency %.2f\n",
               names[r.product], 1e3 * dense, 2e-9 * all / dense, 1e3 * gated, 2e-9 * work / gated, dense / gated,
               work / all * dense / gated);
    }
    float *const arrays[] = {r.y.values, r.x.values, r.weights, r.bias, r.dense_y, r.dense_x};
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) weir__free(arrays[k]);
    weir__free(r.touched), weir__free(r.bias_touched);
    weir__route_free(&out), weir__route_free(&in);
}

int main(int count, char **words) {
    static const shape shapes[] = {
        {32, 2000, 1, 784, 0, 0.1},     {256, 2000, 1, 784, 0, 0.1},   {32, 10, 0, 2000, 1, 0.1},
        {256, 10, 0, 2000, 1, 0.1},     {1, 2048, 16, 784, 0, 0.1},    {32, 2048, 16, 784, 0, 0.1},
        {256, 2048, 16, 784, 0, 0.1},   {256, 10, 0, 2048, 16, 0.1},   {256, 4096, 64, 1024, 0, 0.1},
        {256, 4096, 64, 4096, 0, 0.1},  {512, 2048, 32, 2048, 0, 0.1}, {256, 2048, 16, 2048, 16, 0.1},
        {256, 4096, 64, 4096, 64, 0.1}, {64, 2000, 1, 2000, 1, 0.1},
    };
    const double seconds = count > 1 ? atof(words[1]) : 0.2;
    if (count > 2) weir_threads_use(atoi(words[2]));
    for (int isa = 0; count > 3 && isa < WEIR_ISA_COUNT; isa++) {
        if (!strcmp(words[3], weir_isa_name((weir_isa)isa)) && weir_isa_use((weir_isa)isa) != WEIR_OK) return 1;
    }
    printf("%s, %d threads\n", weir__gated_current()->name, weir_threads());
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) measure(&shapes[k], weir__gated_current(), seconds);
    return 0;
}
