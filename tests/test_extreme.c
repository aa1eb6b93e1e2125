// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Extreme classification beside the plain computation in double: the whole softmax, dense Adam, the sampled loss and
// its mean over all samples, predictions, rankings, any number of threads.

#include "testing.h"

#include "core/core.h"
#include <weir/extreme.h>
#include <weir/system.h>

enum { ROWS = 12, COLUMNS = 30, CLASSES = 23, HIDDEN = 17, BLOCK = 4 };

static weir_error error;

/// Rows with one to five columns and one to three labels; row 3 has no label, row 5 no column.
static weir_sparse *make_rows(void) {
    uint64_t begin[ROWS + 1] = {0}, label_begin[ROWS + 1] = {0};
    uint32_t columns[ROWS * 5], labels[ROWS * 3];
    float values[ROWS * 5];
    random_state = 3;
    for (size_t r = 0; r < ROWS; r++) {
        const size_t count = r == 5 ? 0 : 1 + next_random() % 5, many = r == 3 ? 0 : 1 + next_random() % 3;
        for (size_t j = 0; j < count; j++) {
            columns[begin[r] + j] = (uint32_t)((next_random() % 6) * 5 + j);
            values[begin[r] + j] = uniform() - 0.4f;
        }
        for (size_t j = 0; j < many; j++) labels[label_begin[r] + j] = next_random() % CLASSES;
        begin[r + 1] = begin[r] + count;
        label_begin[r + 1] = label_begin[r] + many;
    }
    weir_sparse *rows = NULL;
    must(weir_sparse_create(&rows, ROWS, COLUMNS, CLASSES, begin, columns, values, label_begin, labels, "sum", &error),
         &error);
    return rows;
}

/// Everything in double and dense.
typedef struct plain {
    double w[COLUMNS][HIDDEN], b[HIDDEN], v[CLASSES][HIDDEN], c[CLASSES];
} plain;
enum { NUMBERS = sizeof(plain) / sizeof(double) };

static void take(plain *p, weir_extreme *e) {
    float weights[HIDDEN], bias;
    for (size_t j = 0; j < COLUMNS; j++) {
        weir_extreme_column(e, j, weights);
        for (size_t i = 0; i < HIDDEN; i++) p->w[j][i] = (double)weights[i];
    }
    for (size_t c = 0; c < CLASSES; c++) {
        weir_extreme_class(e, c, weights, &bias);
        for (size_t i = 0; i < HIDDEN; i++) p->v[c][i] = (double)weights[i];
        p->c[c] = (double)bias;
    }
}

/// Loss and gradient over rows first … first + count − 1, all classes computed.
static double loss_of(const plain *p, plain *g, const weir_sparse *rows, size_t first, size_t count) {
    double loss = 0;
    size_t labelled = 0;
    if (g) memset(g, 0, sizeof *g);
    for (size_t r = first; r < first + count; r++) labelled += weir_sparse_row_at(rows, r).label_count > 0;
    for (size_t r = first; r < first + count; r++) {
        const weir_sparse_row row = weir_sparse_row_at(rows, r);
        double h[HIDDEN], z[CLASSES], dh[HIDDEN] = {0}, sum = 0, mean = 0;
        if (!row.label_count) continue;
        for (size_t i = 0; i < HIDDEN; i++) {
            h[i] = p->b[i];
            for (size_t j = 0; j < row.count; j++) h[i] += (double)row.values[j] * p->w[row.columns[j]][i];
            h[i] = h[i] > 0 ? h[i] : 0;
        }
        for (size_t c = 0; c < CLASSES; c++) {
            z[c] = p->c[c];
            for (size_t i = 0; i < HIDDEN; i++) z[c] += h[i] * p->v[c][i];
            sum += exp(z[c]);
        }
        for (size_t j = 0; j < row.label_count; j++) mean += z[row.labels[j]] / (double)row.label_count;
        loss += (log(sum) - mean) / (double)labelled;
        for (size_t c = 0; c < CLASSES && g; c++) {
            double d = exp(z[c]) / sum;
            for (size_t j = 0; j < row.label_count; j++) d -= row.labels[j] == c ? 1 / (double)row.label_count : 0;
            d /= (double)labelled;
            g->c[c] += d;
            for (size_t i = 0; i < HIDDEN; i++) {
                g->v[c][i] += d * h[i];
                dh[i] += d * p->v[c][i];
            }
        }
        for (size_t i = 0; i < HIDDEN && g; i++) {
            if (!(h[i] > 0)) continue;
            g->b[i] += dh[i];
            for (size_t j = 0; j < row.count; j++) g->w[row.columns[j]][i] += (double)row.values[j] * dh[i];
        }
    }
    return loss;
}

static weir_extreme *make(const weir_extreme_options *options) {
    weir_extreme *e = NULL;
    must(weir_extreme_create(&e, COLUMNS, CLASSES, options, &error), &error);
    return e;
}

static weir_extreme_options small(void) {
    weir_extreme_options o = weir_extreme_options_default();
    o.hidden = HIDDEN;
    o.block = BLOCK;
    o.rate = 0.02;
    o.seed = 4;
    return o;
}

/// With all blocks sampled, steps are those of the whole softmax and of an Adam that moves everything.
static void steps_are_the_dense_ones(void **state) {
    (void)state;
    enum { STEPS = 400 };
    static plain p, g, mean, square, got;
    weir_sparse *rows = make_rows();
    uint32_t order[CLASSES];
    for (uint32_t c = 0; c < CLASSES; c++) order[c] = c * 7 % CLASSES;
    weir_extreme_options o = small();
    o.sampled = CLASSES;
    o.order = order;
    weir_extreme *e = make(&o);
    take(&p, e);
    memset(&mean, 0, sizeof mean);
    memset(&square, 0, sizeof square);
    double *w = (double *)&p, *m = (double *)&mean, *v = (double *)&square;
    const double *d = (const double *)&g;
    for (size_t t = 1; t <= STEPS; t++) {
        weir_extreme_step step;
        const size_t first = t % 7, count = 1 + t % 5; // row 3 alone has nothing to learn
        const double loss = loss_of(&p, &g, rows, first, count);
        must(weir_extreme_train(e, rows, NULL, first, count, &step, &error), &error);
        assert_true(fabs(step.loss - loss) < 2e-3 * (1 + fabs(loss)));
        for (size_t i = 0; i < NUMBERS; i++) {
            m[i] = 0.9 * m[i] + 0.1 * d[i];
            v[i] = 0.999 * v[i] + 0.001 * d[i] * d[i];
            w[i] -= o.rate * m[i] / (1 - pow(0.9, (double)t)) / (sqrt(v[i] / (1 - pow(0.999, (double)t))) + 1e-8);
        }
    }
    got = p;
    take(&got, e);
    double worst = 0;
    for (size_t i = 0; i < NUMBERS; i++) worst = fmax(worst, fabs(((double *)&got)[i] - w[i]));
    print_message("after %d steps weights differ by %.2g at most\n", STEPS, worst);
    assert_true(worst < 1e-3); // float and double part slowly: signs of small gradients decide Adam's moves
    double exact;
    must(weir_extreme_loss(e, rows, 0, ROWS, &exact, &error), &error);
    take(&p, e);
    assert_true(fabs(exact - loss_of(&p, NULL, rows, 0, ROWS)) < 0.05 * exact);
    weir_extreme_free(e);
    weir_sparse_free(rows);
}

/// The mean of e^loss over samples is that of the whole softmax: Z has an unbiased estimate.
static void estimate_is_unbiased_for_z(void **state) {
    (void)state;
    enum { DRAWS = 4000 };
    weir_sparse *rows = make_rows();
    weir_extreme_options o = small();
    double mean = 0, exact;
    o.sampled = 2 * BLOCK;
    o.rate = 0; // each step draws other blocks, and nothing moves
    weir_extreme *e = make(&o);
    must(weir_extreme_loss(e, rows, 0, 1, &exact, &error), &error);
    for (size_t t = 0; t < DRAWS; t++) {
        weir_extreme_step step;
        must(weir_extreme_train(e, rows, NULL, 0, 1, &step, &error), &error);
        assert_true(step.open >= 2 * BLOCK && step.open <= 2 * BLOCK + 3 * BLOCK);
        mean += exp(step.loss) / DRAWS;
    }
    print_message("mean of e^loss %.4f, exact %.4f\n", mean, exp(exact));
    assert_true(fabs(mean / exp(exact) - 1) < 0.02);
    weir_extreme_free(e);
    weir_sparse_free(rows);
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    static plain p[3];
    weir_sparse *rows = make_rows();
    const int before = weir_threads();
    for (int threads = 1; threads <= 3; threads++) {
        weir_threads_use(threads);
        weir_extreme_options o = small();
        o.sampled = 2 * BLOCK;
        weir_extreme *e = make(&o);
        for (size_t t = 0; t < 30; t++) must(weir_extreme_train(e, rows, NULL, 0, ROWS, NULL, &error), &error);
        memset(&p[threads - 1], 0, sizeof *p);
        take(&p[threads - 1], e);
        weir_extreme_free(e);
    }
    weir_threads_use(before);
    assert_memory_equal(&p[0], &p[1], sizeof *p);
    assert_memory_equal(&p[0], &p[2], sizeof *p);
    weir_sparse_free(rows);
}

static void learns_and_predicts(void **state) {
    (void)state;
    weir_sparse *rows = make_rows();
    weir_extreme_options o = small();
    o.sampled = 2 * BLOCK;
    weir_extreme *e = make(&o);
    double first, last, propensities[CLASSES];
    must(weir_extreme_loss(e, rows, 0, ROWS, &first, &error), &error);
    for (size_t t = 0; t < 1500; t++) must(weir_extreme_train(e, rows, NULL, 0, ROWS, NULL, &error), &error);
    must(weir_extreme_loss(e, rows, 0, ROWS, &last, &error), &error);
    assert_true(last < first / 2);
    static uint32_t classes[ROWS * CLASSES];
    static float scores[ROWS * CLASSES];
    must(weir_extreme_predict(e, rows, 0, ROWS, CLASSES, classes, scores, &error), &error);
    for (size_t r = 0; r < ROWS; r++) {
        bool seen[CLASSES] = {false};
        for (size_t k = 0; k < CLASSES; k++) {
            assert_false(seen[classes[r * CLASSES + k]]);
            seen[classes[r * CLASSES + k]] = true;
            if (k) assert_true(scores[r * CLASSES + k] <= scores[r * CLASSES + k - 1]);
        }
    }
    weir_ranking at1, at3;
    must(weir_extreme_propensities(propensities, rows, 0.55, 1.5, &error), &error);
    must(weir_extreme_ranking(&at1, rows, 0, ROWS, classes, 1, CLASSES, propensities, &error), &error);
    must(weir_extreme_ranking(&at3, rows, 0, ROWS, classes, 3, CLASSES, propensities, &error), &error);
    assert_true(at1.precision > 0.85 && at1.precision <= 1);
    assert_true(fabs(at1.precision - at1.ndcg) < 1e-12);
    assert_true(at3.precision < 1 && at3.ndcg > at3.precision);
    assert_true(at3.scored_precision > 0 && at3.scored_precision <= 1 + 1e-12);
    weir_extreme_free(e);
    weir_sparse_free(rows);
}

/// By hand: labels {0, 2}, predictions 2, 1, 0.
static void rankings(void **state) {
    (void)state;
    const uint64_t begin[] = {0, 0}, label_begin[] = {0, 2};
    const uint32_t labels[] = {0, 2}, classes[] = {2, 1, 0, 9}, none[] = {0};
    const float nothing[] = {0};
    const double propensities[] = {0.5, 1, 0.25};
    weir_sparse *rows = NULL;
    weir_ranking r;
    must(weir_sparse_create(&rows, 1, 1, 3, begin, none, nothing, label_begin, labels, NULL, &error), &error);
    must(weir_extreme_ranking(&r, rows, 0, 1, classes, 3, 4, propensities, &error), &error);
    assert_true(fabs(r.precision - 2.0 / 3) < 1e-12);
    assert_true(fabs(r.ndcg - (1 + 0.5) / (1 + 1 / log2(3))) < 1e-12);
    assert_true(fabs(r.scored_precision - 1) < 1e-12); // (4 + 2) of (4 + 2)
    assert_true(fabs(r.scored_ndcg - (4 + 2 / 2.0) / (4 + 2 / log2(3))) < 1e-12);
    must(weir_extreme_ranking(&r, rows, 0, 1, classes, 1, 4, propensities, &error), &error);
    assert_true(fabs(r.precision - 1) < 1e-12 && fabs(r.scored_precision - 1) < 1e-12);
    weir_sparse_free(rows);
}

static void refused(void **state) {
    (void)state;
    weir_extreme *e = NULL;
    weir_extreme_options o = small();
    const uint32_t twice[CLASSES] = {0};
    o.order = twice;
    assert_int_equal(weir_extreme_create(&e, COLUMNS, CLASSES, &o, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "order[1] is 0"));
    assert_null(e);
    o = small();
    o.lazy = "later";
    assert_int_equal(weir_extreme_create(&e, COLUMNS, CLASSES, &o, &error), WEIR_CONFIG);
    o = small();
    o.beta1 = 0.9999;
    assert_int_equal(weir_extreme_create(&e, COLUMNS, CLASSES, &o, &error), WEIR_CONFIG);
    o = small();
    must(weir_extreme_create(&e, COLUMNS - 1, CLASSES, &o, &error), &error);
    weir_sparse *rows = make_rows();
    assert_int_equal(weir_extreme_train(e, rows, NULL, 0, ROWS, NULL, &error), WEIR_SHAPE);
    weir_extreme_free(e);
    e = make(&o);
    assert_int_equal(weir_extreme_train(e, rows, NULL, 0, ROWS + 1, NULL, &error), WEIR_ARGUMENT);
    const uint32_t beyond[] = {ROWS};
    assert_int_equal(weir_extreme_train(e, rows, beyond, 0, 1, NULL, &error), WEIR_ARGUMENT);
    for (long allowed = 0;; allowed++) {
        weir__alloc_fail_after(allowed);
        const weir_status status = weir_extreme_train(e, rows, NULL, 0, ROWS, NULL, &error);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) break;
        assert_int_equal(status, WEIR_MEMORY);
        assert_true(allowed < 100);
    }
    weir_extreme_free(e);
    weir_sparse_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_the_dense_ones), cmocka_unit_test(estimate_is_unbiased_for_z),
        cmocka_unit_test(same_bits_for_any_threads), cmocka_unit_test(learns_and_predicts),
        cmocka_unit_test(rankings),                 cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
