// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Adam that makes up for steps without a gradient beside Adam that takes each of them, in double.

#include "testing.h"

#include "core/core.h"
#include "kernels/lazy.h"

enum { STEPS = 1000, BLOCKS = 60, WIDTH = 7 };

typedef struct dense {
    double w, m, v;
} dense;

/// Trains blocks that are touched with probability 1/(1 + block) each, gradients of very different size; returns the
/// greatest difference of a weight, in units of how far it moved.
static double difference(double beta1, double beta2, bool falling) {
    static dense all[BLOCKS][WIDTH];
    static float w[BLOCKS][WIDTH], m[BLOCKS][WIDTH], v[BLOCKS][WIDTH];
    size_t last[BLOCKS] = {0};
    weir_error error;
    weir__history h = {.beta1 = beta1, .beta2 = beta2, .epsilon = 1e-8};
    memset(all, 0, sizeof all);
    memset(w, 0, sizeof w);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    random_state = 11;
    for (size_t t = 1; t <= STEPS; t++) {
        const double rate = 1e-3 * (falling ? 1 + cos(3 * (double)t / STEPS) : 1);
        must(weir__history_push(&h, rate, &error), &error);
        for (size_t b = 0; b < BLOCKS; b++) {
            const bool touched = uniform() * (float)(1 + b) < 1;
            float g[WIDTH] = {0};
            for (size_t i = 0; i < WIDTH && touched; i++) g[i] = (uniform() - 0.5f) * powf(10, -2 * (float)i);
            if (touched) {
                const weir__gap gap = weir__gap_between(&h, last[b], t - 1);
                const bool later = t % 2; // averages with the move that follows
                if (later) weir__gap_cross_weights(&gap, WIDTH, w[b], m[b], v[b]);
                if (!later) weir__gap_cross(&gap, WIDTH, w[b], m[b], v[b]);
                weir__history_move(&h, later ? gap.past1 : 1, later ? gap.past2 : 1, WIDTH, w[b], g, m[b], v[b]);
                last[b] = t;
            }
            for (size_t i = 0; i < WIDTH; i++) {
                dense *d = &all[b][i];
                d->m = beta1 * d->m + (1 - beta1) * (double)g[i];
                d->v = beta2 * d->v + (1 - beta2) * (double)g[i] * (double)g[i];
                const double mean = d->m / (1 - pow(beta1, (double)t)), square = d->v / (1 - pow(beta2, (double)t));
                d->w -= rate * mean / (sqrt(square) + 1e-8);
            }
        }
    }
    double worst = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        const weir__gap gap = weir__gap_between(&h, last[b], STEPS);
        weir__gap_cross(&gap, WIDTH, w[b], m[b], v[b]);
        for (size_t i = 0; i < WIDTH; i++) {
            const double off = fabs((double)w[b][i] - all[b][i].w);
            if (off > worst) worst = off;
            // The averages are the dense ones, too; float rounds 1000 products.
            assert_true(fabs((double)m[b][i] - all[b][i].m) <= 1e-4 * fabs(all[b][i].m) + 1e-12);
            assert_true(fabs((double)v[b][i] - all[b][i].v) <= 1e-3 * all[b][i].v + 1e-24);
        }
    }
    weir__history_free(&h);
    return worst;
}

static void a_thousand_steps(void **state) {
    (void)state;
    static const double betas[][2] = {{0.9, 0.999}, {0.9, 0.99}, {0.8, 0.9}, {0.95, 0.9999}};
    for (size_t i = 0; i < COUNT(betas); i++) {
        for (int falling = 0; falling < 2; falling++) {
            const double off = difference(betas[i][0], betas[i][1], falling);
            print_message("beta1 %g, beta2 %g, %s rate: weights differ by %.2g at most\n", betas[i][0], betas[i][1],
                          falling ? "falling" : "constant", off);
            assert_true(off < 1e-6);
        }
    }
}

/// The series, not the sum step by step, is what long trainings use.
static void series_is_used(void **state) {
    (void)state;
    weir_error error;
    weir__history h = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    for (size_t t = 0; t < 3000; t++) must(weir__history_push(&h, 1e-3, &error), &error);
    assert_true(weir__gap_between(&h, 0, 100).one_by_one);
    assert_false(weir__gap_between(&h, 1500, 1502).one_by_one);
    assert_false(weir__gap_between(&h, 1500, 3000).one_by_one);
    assert_int_equal(weir__gap_between(&h, 1500, 1500).steps, 0);
    // Against the plain sum, for squares from far below ε to far above.
    for (int e = -24; e <= 4; e++) {
        const double square = pow(10, e);
        float w[2] = {0}, m[2] = {0}, v[2] = {0};
        weir__gap gap = weir__gap_between(&h, 1500, 2900);
        for (int way = 0; way < 2; way++) {
            m[way] = (float)sqrt(square);
            v[way] = (float)square;
            gap.one_by_one = way;
            weir__gap_cross(&gap, 1, w + way, m + way, v + way);
        }
        assert_true(fabs((double)w[0] - (double)w[1]) < 2e-6 * fabs((double)w[1]));
    }
    weir__history_free(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thousand_steps), cmocka_unit_test(series_is_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
