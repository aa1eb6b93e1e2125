// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Sparse autoencoders against dense masked ones in double precision: losses and gradients of every form, tied and free;
// steps of Adam, lazy and exact; ties; whole numbers against floats; bits for any number of threads; files, and going
// on from them; reports; bad input; memory that runs out.

#include "testing.h"

#include <weir/weir.h>

#include "core/core.h"
#include "scratch_folder.h"

enum { INPUTS = 37, FEATURES = 300, ROWS = 50, ARRAYS = 6 };

// ---- helpers -------------------------------------------------------------------------------------------------------

static float *normal(size_t rows, size_t columns, uint64_t seed) {
    float *values = new_floats(rows * columns);
    for (size_t r = 0; r < rows; r++)
        weir_random_normal(values + r * columns, (weir_noise){.seed = seed}, (uint32_t)r, columns);
    return values;
}

static weir_sae *make(const weir_sae_options *options) {
    weir_error error = {0};
    weir_sae *sae = NULL;
    must(weir_sae_create(&sae, options, &error), &error);
    return sae;
}

/// Other values than the first ones, so that every term of a gradient counts.
static void disturb(weir_sae *sae, uint64_t seed) {
    for (size_t i = 0; i < ARRAYS; i++) {
        const weir_sae_tensor t = weir_sae_parameter(sae, i);
        if (!t.name) break;
        float *noise = normal(t.rows, t.columns, seed + i);
        for (size_t k = 0; k < t.rows * t.columns; k++) {
            t.values[k] += 0.05f * noise[k];
            if (!strcmp(t.name, "threshold")) t.values[k] = fabsf(t.values[k]) + 0.3f;
        }
        free(noise);
    }
}

static const float *values_of(weir_sae *sae, const char *name, float **gradients, float **gradient) {
    for (size_t i = 0; i < ARRAYS; i++) {
        const weir_sae_tensor t = weir_sae_parameter(sae, i);
        if (!t.name || strcmp(t.name, name) != 0) continue;
        if (gradient) *gradient = gradients[i];
        return t.values;
    }
    return NULL;
}

static void compare(const char *what, const float *got, const double *want, size_t count, double bound) {
    double scale = 0;
    for (size_t k = 0; k < count; k++) scale = fmax(scale, fabs(want[k]));
    if (!(scale > 0)) fail_msg("%s: nothing but 0 to compare with", what);
    for (size_t k = 0; k < count; k++) {
        if (!(fabs((double)got[k] - want[k]) <= bound * scale))
            fail_msg("%s[%zu] is %.9g, expected %.9g", what, k, (double)got[k], want[k]);
    }
}

static void near(const char *what, double got, double want, double bound) {
    if (!(fabs(got - want) <= bound * fmax(1e-3, fabs(want)))) fail_msg("%s is %.9g, expected %.9g", what, got, want);
}

// ---- the dense masked autoencoder ----------------------------------------------------------------------------------

typedef struct truth {
    double *encoder, *decoder, *encoder_bias, *decoder_bias, *side, *scale; // gradients
    double reconstruction, sparsity, dead_loss;
    size_t open;
} truth;

static truth new_truth(void) {
    const size_t weights = (size_t)INPUTS * FEATURES;
    return (truth){.encoder = new_doubles(weights),
                   .decoder = new_doubles(weights),
                   .encoder_bias = new_doubles(FEATURES),
                   .decoder_bias = new_doubles(INPUTS),
                   .side = new_doubles(FEATURES),
                   .scale = new_doubles(FEATURES)};
}
static void free_truth(truth *t) {
    free(t->encoder), free(t->decoder), free(t->encoder_bias), free(t->decoder_bias), free(t->side), free(t->scale);
}

static const double *sorted_by;
static int greater_first(const void *a, const void *b) {
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (sorted_by[i] != sorted_by[j]) return sorted_by[i] < sorted_by[j] ? 1 : -1;
    return (i > j) - (i < j);
}
/// mask[i] = 1 of the k greatest of those that are allowed; of equal ones the first.
static void mark_greatest(bool *mask, const double *values, const bool *allowed, size_t count, size_t k) {
    size_t *order = malloc(count * sizeof *order), found = 0;
    assert_non_null(order);
    for (size_t i = 0; i < count; i++) {
        mask[i] = false;
        if (allowed[i]) order[found++] = i;
    }
    sorted_by = values;
    qsort(order, found, sizeof *order, greater_first);
    for (size_t i = 0; i < found && i < k; i++) mask[order[i]] = true;
    free(order);
}

/// dead: [FEATURES], or NULL.
static truth dense(weir_sae *sae, const float *x, size_t rows, const bool *dead) {
    const weir_sae_options o = weir_sae_settings(sae);
    const bool gated = !strcmp(o.form, "gated"), jump = !strcmp(o.form, "jumprelu"),
               batch = !strcmp(o.form, "batch-topk");
    const float *D = values_of(sae, "W_dec", NULL, NULL), *E = o.tied ? D : values_of(sae, "W_enc", NULL, NULL);
    const float *b = values_of(sae, gated ? "b_gate" : "b_enc", NULL, NULL), *c = values_of(sae, "b_dec", NULL, NULL);
    const float *side = values_of(sae, gated ? "b_mag" : "threshold", NULL, NULL),
                *scale = values_of(sae, "r_mag", NULL, NULL);
    const size_t all = rows * FEATURES;
    double *s = new_doubles(all), *z = new_doubles(all), *y = new_doubles(rows * INPUTS),
           *e = new_doubles(rows * INPUTS);
    bool *open = calloc(all, sizeof *open), *positive = calloc(all, sizeof *positive),
         *second = calloc(all, sizeof *second);
    assert_true(open && positive && second);
    truth t = new_truth();
    const double n = (double)rows;
    size_t dead_count = 0;
    for (size_t f = 0; f < FEATURES && dead; f++) dead_count += dead[f];
    const size_t dead_k = o.dead_k ? o.dead_k : (INPUTS + 1) / 2;
    const double factor = dead ? (double)o.dead_coefficient * fmin(1, (double)dead_count / (double)dead_k) : 0;
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < INPUTS; j++)
            y[r * INPUTS + j] = (double)x[r * INPUTS + j] - (o.centred ? (double)c[j] : 0);
        for (size_t f = 0; f < FEATURES; f++) {
            double sum = (double)b[f];
            for (size_t j = 0; j < INPUTS; j++) sum += (double)E[f * INPUTS + j] * y[r * INPUTS + j];
            s[r * FEATURES + f] = sum;
            positive[r * FEATURES + f] = sum > 0;
            if (jump) open[r * FEATURES + f] = sum > (double)side[f];
            if (gated) open[r * FEATURES + f] = sum > 0;
        }
        if (!jump && !gated && !batch)
            mark_greatest(open + r * FEATURES, s + r * FEATURES, positive + r * FEATURES, FEATURES, o.k);
        if (dead) mark_greatest(second + r * FEATURES, s + r * FEATURES, dead, FEATURES, dead_k);
    }
    if (batch) mark_greatest(open, s, positive, all, o.k * rows);
    for (size_t i = 0; i < all; i++) {
        const size_t f = i % FEATURES;
        if (!open[i]) continue;
        z[i] = s[i];
        if (gated) z[i] = fmax(0, exp((double)scale[f]) * (s[i] - (double)b[f]) + (double)side[f]);
        t.open += z[i] > 0;
        if (jump) t.sparsity += (double)o.sparsity / n;
        if (gated) t.sparsity += (double)o.sparsity * s[i] / n;
    }
    for (size_t r = 0; r < rows; r++) {
        const double *zr = z + r * FEATURES, *sr = s + r * FEATURES, *yr = y + r * INPUTS;
        double *er = e + r * INPUTS, other[INPUTS] = {0};
        for (size_t j = 0; j < INPUTS; j++) {
            er[j] = (double)c[j] - (double)x[r * INPUTS + j];
            other[j] = gated ? er[j] : 0;
            for (size_t f = 0; f < FEATURES; f++) {
                er[j] += zr[f] * (double)D[f * INPUTS + j];
                if (gated && open[r * FEATURES + f]) other[j] += sr[f] * (double)D[f * INPUTS + j];
                if (second[r * FEATURES + f]) other[j] += sr[f] * (double)D[f * INPUTS + j];
            }
            if (dead) other[j] += er[j]; // ê − (x − x̂)
            t.reconstruction += er[j] * er[j] / n;
            if (gated) t.sparsity += other[j] * other[j] / n;
            if (dead) t.dead_loss += factor * other[j] * other[j] / n;
        }
        for (size_t f = 0; f < FEATURES; f++) {
            double dz = 0, other_dz = 0, slope = 0, bias_slope = 0;
            const size_t i = r * FEATURES + f;
            for (size_t j = 0; j < INPUTS; j++) {
                dz += 2 / n * er[j] * (double)D[f * INPUTS + j];
                other_dz += 2 / n * other[j] * (double)D[f * INPUTS + j];
                t.decoder[f * INPUTS + j] += 2 / n * er[j] * zr[f];
                if (second[i]) t.decoder[f * INPUTS + j] += factor * 2 / n * other[j] * sr[f];
            }
            if (gated && open[i]) {
                const double dm = zr[f] > 0 ? dz : 0, past = sr[f] - (double)b[f];
                bias_slope = other_dz + (double)o.sparsity / n;
                slope = bias_slope + dm * exp((double)scale[f]);
                t.side[f] += dm;
                t.scale[f] += dm * exp((double)scale[f]) * past;
            } else if (open[i]) {
                slope = bias_slope = dz;
            }
            if (jump && fabs(sr[f] - (double)side[f]) < (double)o.bandwidth / 2)
                t.side[f] -= ((double)side[f] * dz + (double)o.sparsity / n) / (double)o.bandwidth;
            if (second[i]) slope += factor * other_dz, bias_slope += factor * other_dz;
            t.encoder_bias[f] += bias_slope;
            for (size_t j = 0; j < INPUTS; j++) {
                t.encoder[f * INPUTS + j] += slope * yr[j];
                if (o.centred) t.decoder_bias[j] -= slope * (double)E[f * INPUTS + j];
            }
        }
        for (size_t j = 0; j < INPUTS; j++) t.decoder_bias[j] += 2 / n * er[j];
    }
    for (size_t k = 0; k < (size_t)INPUTS * FEATURES && o.tied; k++) t.decoder[k] += t.encoder[k];
    free(s), free(z), free(y), free(e), free(open), free(positive), free(second);
    return t;
}

// ---- losses and gradients ------------------------------------------------------------------------------------------

static void check_gradient(const weir_sae_options *options, bool dead) {
    weir_error error = {0};
    weir_sae_losses got;
    weir_sae *sae = make(options);
    float *x = normal(ROWS, INPUTS, 5), *gradients[ARRAYS] = {0}, *gradient = NULL;
    bool is_dead[FEATURES] = {false};
    disturb(sae, 20);
    if (dead) { // one batch is seen; what it leaves closed is dead
        weir_sae_codes codes;
        must(weir_sae_set_rate(sae, 0, &error), &error);
        must(weir_sae_step(sae, NULL, x, ROWS / 2, &error), &error);
        if (!strcmp(options->form, "topk")) {
            must(weir_sae_encode(sae, &codes, x, ROWS / 2, &error), &error);
            for (size_t f = 0; f < FEATURES; f++) is_dead[f] = true;
            for (int64_t i = 0; i < codes.start[codes.rows]; i++) is_dead[codes.feature[i]] = false;
        }
    }
    for (size_t i = 0; i < ARRAYS; i++) {
        const weir_sae_tensor t = weir_sae_parameter(sae, i);
        if (t.name) gradients[i] = new_floats(t.rows * t.columns);
        for (size_t k = 0; t.name && k < t.rows * t.columns; k++) gradients[i][k] = NAN; // every number is written
    }
    must(weir_sae_gradient(sae, gradients, &got, x, ROWS, &error), &error);
    truth want = dense(sae, x, ROWS, dead ? is_dead : NULL);
    near("reconstruction", got.reconstruction, want.reconstruction, 1e-5);
    near("sparsity", got.sparsity, want.sparsity, 1e-5);
    near("dead loss", got.dead_loss, want.dead_loss, 1e-5);
    near("total", got.total, want.reconstruction + want.sparsity + want.dead_loss, 1e-5);
    near("open", got.open, (double)want.open / ROWS, 1e-12);
    if (dead) assert_true(got.dead > 0 && want.dead_loss > 0);
    const bool gated = !strcmp(options->form, "gated");
    const struct {
        const char *name;
        const double *want;
        size_t count;
    } arrays[] = {
        {"W_enc", want.encoder, (size_t)INPUTS * FEATURES},        {"W_dec", want.decoder, (size_t)INPUTS * FEATURES},
        {gated ? "b_gate" : "b_enc", want.encoder_bias, FEATURES}, {"b_dec", want.decoder_bias, INPUTS},
        {gated ? "b_mag" : "threshold", want.side, FEATURES},      {"r_mag", want.scale, FEATURES}};
    size_t compared = 0;
    for (size_t i = 0; i < COUNT(arrays); i++) {
        if (!values_of(sae, arrays[i].name, gradients, &gradient)) continue;
        compare(arrays[i].name, gradient, arrays[i].want, arrays[i].count, 2e-5);
        compared++;
    }
    assert_true(compared >= 3);
    free_truth(&want);
    for (size_t i = 0; i < ARRAYS; i++) free(gradients[i]);
    free(x);
    weir_sae_free(sae);
}

static weir_sae_options small(const char *form) {
    weir_sae_options o = weir_sae_options_default(INPUTS, FEATURES);
    o.form = form;
    o.k = 7;
    o.bandwidth = 0.2f;
    o.sparsity = 0.3f;
    return o;
}

static void test_gradients(void **state) {
    (void)state;
    static const char *const forms[] = {"topk", "batch-topk", "jumprelu", "gated"};
    for (size_t f = 0; f < COUNT(forms); f++) {
        for (int variant = 0; variant < 4; variant++) {
            weir_sae_options o = small(forms[f]);
            o.tied = variant & 1, o.centred = !(variant & 2);
            if (o.tied && !strcmp(o.form, "gated")) continue;
            check_gradient(&o, false);
        }
    }
}

static void test_dead_gradients(void **state) {
    (void)state;
    for (int tied = 0; tied < 2; tied++) {
        weir_sae_options o = small("topk");
        o.tied = tied, o.dead_rows = 1, o.dead_coefficient = 0.5f, o.k = 2, o.unit_norm = false;
        check_gradient(&o, true);
        o.dead_k = 400; // more than there are
        check_gradient(&o, true);
    }
}

/// Equal scores: the feature with the smaller number is greater.
static void test_ties(void **state) {
    (void)state;
    weir_error error = {0};
    weir_sae_codes codes;
    for (int batch = 0; batch < 2; batch++) {
        weir_sae_options o = small(batch ? "batch-topk" : "topk");
        weir_sae *sae = make(&o);
        float *E = (float *)(uintptr_t)values_of(sae, "W_enc", NULL, NULL), *x = normal(1, INPUTS, 9);
        for (size_t f = 0; f < FEATURES; f++) memcpy(E + f * INPUTS, x, INPUTS * sizeof *E);
        must(weir_sae_encode(sae, &codes, x, 1, &error), &error);
        assert_int_equal(codes.start[1], 7);
        for (int i = 0; i < 7; i++) assert_int_equal(codes.feature[i], i);
        free(x);
        weir_sae_free(sae);
    }
}

// ---- steps ---------------------------------------------------------------------------------------------------------

/// One array of numbers, moved by Adam in double precision.
static void adam(float *w, double *m, double *v, const double *g, size_t count, double t, const weir_sae_options *o) {
    for (size_t k = 0; k < count; k++) {
        m[k] = (double)o->beta1 * m[k] + (1 - (double)o->beta1) * g[k];
        v[k] = (double)o->beta2 * v[k] + (1 - (double)o->beta2) * g[k] * g[k];
        const double mean = m[k] / (1 - pow((double)o->beta1, t)), square = v[k] / (1 - pow((double)o->beta2, t));
        w[k] = (float)((double)w[k] - (double)o->rate * mean / (sqrt(square) + (double)o->epsilon));
    }
}

/// A twin moves by dense gradients; "lazy" passes by features that have none.
static void check_steps(const weir_sae_options *options) {
    enum { STEPS = 6 };
    weir_error error = {0};
    weir_sae *sae = make(options), *twin = make(options);
    const bool lazy = !strcmp(options->update, "lazy");
    const size_t weights = (size_t)INPUTS * FEATURES;
    double *m[4], *v[4];
    const char *const names[4] = {"W_enc", "W_dec", "b_enc", "b_dec"};
    const size_t counts[4] = {weights, weights, FEATURES, INPUTS}, widths[4] = {INPUTS, INPUTS, 1, INPUTS};
    for (int a = 0; a < 4; a++) m[a] = new_doubles(counts[a]), v[a] = new_doubles(counts[a]);
    for (int step = 1; step <= STEPS; step++) {
        float *x = normal(ROWS, INPUTS, 100 + (uint64_t)step);
        truth want = dense(twin, x, ROWS, NULL);
        double *g[4] = {want.encoder, want.decoder, want.encoder_bias, want.decoder_bias};
        float *D = (float *)(uintptr_t)values_of(twin, "W_dec", NULL, NULL);
        for (size_t f = 0; f < FEATURES && options->unit_norm; f++) {
            double along = 0;
            for (size_t j = 0; j < INPUTS; j++) along += g[1][f * INPUTS + j] * (double)D[f * INPUTS + j];
            for (size_t j = 0; j < INPUTS; j++) g[1][f * INPUTS + j] -= along * (double)D[f * INPUTS + j];
        }
        for (int a = 0; a < 4; a++) {
            float *w = (float *)(uintptr_t)values_of(twin, names[a], NULL, NULL);
            if (!w) continue; // tied
            const size_t groups = a == 3 ? 1 : FEATURES;
            for (size_t f = 0; f < groups; f++) {
                const bool closed = lazy && a != 3 && want.encoder_bias[f] == 0;
                const size_t at = f * widths[a];
                if (!closed) adam(w + at, m[a] + at, v[a] + at, g[a] + at, widths[a], step, options);
            }
        }
        for (size_t f = 0; f < FEATURES && options->unit_norm; f++) {
            double squares = 0;
            for (size_t j = 0; j < INPUTS; j++) squares += (double)D[f * INPUTS + j] * (double)D[f * INPUTS + j];
            for (size_t j = 0; j < INPUTS; j++) D[f * INPUTS + j] = (float)((double)D[f * INPUTS + j] / sqrt(squares));
        }
        must(weir_sae_step(sae, NULL, x, ROWS, &error), &error);
        for (size_t i = 0; i < ARRAYS; i++) {
            const weir_sae_tensor got = weir_sae_parameter(sae, i), expected = weir_sae_parameter(twin, i);
            if (!got.name) break;
            double *doubles = new_doubles(got.rows * got.columns);
            for (size_t k = 0; k < got.rows * got.columns; k++) doubles[k] = (double)expected.values[k];
            compare(got.name, got.values, doubles, got.rows * got.columns, 2e-4);
            memcpy(expected.values, got.values, got.rows * got.columns * sizeof(float)); // so that no gate differs
            free(doubles);
        }
        free_truth(&want);
        free(x);
    }
    for (int a = 0; a < 4; a++) free(m[a]), free(v[a]);
    weir_sae_free(sae), weir_sae_free(twin);
}

static void test_steps(void **state) {
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        weir_sae_options o = small("topk");
        o.update = variant & 1 ? "lazy" : "exact", o.unit_norm = !(variant & 2), o.tied = (variant & 4) != 0;
        o.rate = 0.01f;
        check_steps(&o);
    }
}

/// A loss that falls, for every form, from a sum of few directions.
static void test_learns(void **state) {
    (void)state;
    static const char *const forms[] = {"topk", "batch-topk", "jumprelu", "gated"};
    for (size_t f = 0; f < COUNT(forms); f++) {
        weir_error error = {0};
        weir_sae_options o = small(forms[f]);
        o.rate = 0.01f, o.k = 3, o.sparsity = 0.02f, o.threshold = 0.1f;
        weir_sae *sae = make(&o);
        weir_sae_losses losses = {0};
        double first = 0;
        float *directions = normal(20, INPUTS, 7), *x = new_floats((size_t)ROWS * INPUTS);
        random_state = 11;
        for (int step = 0; step < 150; step++) {
            for (size_t r = 0; r < ROWS; r++) {
                const size_t a = next_random() % 20, b = next_random() % 20;
                for (size_t j = 0; j < INPUTS; j++)
                    x[r * INPUTS + j] = directions[a * INPUTS + j] + 0.5f * directions[b * INPUTS + j];
            }
            must(weir_sae_step(sae, &losses, x, ROWS, &error), &error);
            if (!step) first = losses.reconstruction;
        }
        if (!(losses.reconstruction < 0.1 * first)) fail_msg("%s: %g of %g", forms[f], losses.reconstruction, first);
        assert_int_equal(weir_sae_steps(sae), 150);
        const double threshold = weir_sae_threshold(sae);
        assert_true(!strcmp(forms[f], "batch-topk") ? threshold > 0 : isnan(threshold));
        if (!strcmp(forms[f], "batch-topk")) { // its bias is corrected: in use about as many are open as in training
            weir_sae_codes codes;
            must(weir_sae_encode(sae, &codes, x, ROWS, &error), &error);
            const double open = (double)codes.start[ROWS] / ROWS;
            if (!(open > 1 && open < 6)) fail_msg("%g open in use", open);
        }
        free(directions), free(x);
        weir_sae_free(sae);
    }
}

/// Runs steps, then encodes; the bits of all parameters and codes as one number.
static uint64_t fingerprint(const char *form, const char *scores) {
    weir_error error = {0};
    weir_sae_options o = weir_sae_options_default(64, 1500);
    o.form = form, o.scores = scores, o.dead_rows = 600, o.dead_coefficient = 0.1f, o.sparsity = 0.1f,
    o.threshold = 0.3f;
    weir_sae *sae = make(&o);
    float *x = normal(600, 64, 3);
    weir_sae_codes codes;
    uint64_t hash = 1469598103934665603u;
    for (int step = 0; step < 4; step++) must(weir_sae_step(sae, NULL, x, 600, &error), &error);
    for (size_t i = 0; i < ARRAYS; i++) {
        const weir_sae_tensor t = weir_sae_parameter(sae, i);
        for (size_t k = 0; t.name && k < t.rows * t.columns; k++) {
            uint32_t bits;
            memcpy(&bits, &t.values[k], sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
    }
    must(weir_sae_encode(sae, &codes, x, 600, &error), &error);
    assert_true(codes.start[600] > 0);
    for (int64_t i = 0; i < codes.start[600]; i++) hash = (hash ^ (uint32_t)codes.feature[i]) * 1099511628211u;
    free(x);
    weir_sae_free(sae);
    return hash;
}

static void test_threads(void **state) {
    (void)state;
    static const char *const forms[] = {"topk", "batch-topk", "jumprelu", "gated"};
    const int former = weir_threads();
    for (size_t f = 0; f < COUNT(forms); f++) {
        weir_threads_use(1);
        const uint64_t alone = fingerprint(forms[f], "fp32");
        for (int threads = 2; threads <= 5; threads += 3) {
            weir_threads_use(threads);
            if (fingerprint(forms[f], "fp32") != alone) fail_msg("%s: other bits with %d threads", forms[f], threads);
        }
    }
    weir_threads_use(former);
}

/// Rows with another feature, whose least code is the one that the row had but for rounding.
static size_t rows_that_differ(const weir_sae_codes *codes, const int32_t *feature, const float *value) {
    size_t differ = 0;
    for (size_t r = 0; r < codes->rows; r++) {
        const size_t first = (size_t)codes->start[r], count = (size_t)codes->start[r + 1] - first;
        if (!memcmp(codes->feature + first, feature + first, count * sizeof *feature)) continue;
        float least = INFINITY, other = INFINITY;
        for (size_t i = first; i < first + count; i++) {
            least = fminf(least, value[i]);
            other = fminf(other, codes->value[i]);
        }
        near("least code", (double)other, (double)least, 1e-5);
        differ++;
    }
    return differ;
}

/// Whole numbers choose what floats choose, ties and dead features included; rows with more candidates than are kept,
/// too.
static void test_whole_numbers(void **state) {
    (void)state;
    enum { WIDTH = 70, MANY = 3000, BATCH = 150 };
    for (int kind = 0; kind < 5; kind++) { // 4: likely bounds
        weir_error error = {0};
        weir_sae_options o = weir_sae_options_default(WIDTH, MANY);
        o.k = kind == 3 ? 200 : 9, o.dead_rows = 1, o.dead_coefficient = 0.5f, o.rate = 0.01f;
        weir_sae *plain = make(&o), *whole = NULL;
        o.scores = kind == 4 ? "int8-likely" : "int8";
        whole = make(&o);
        float *x = normal(BATCH, WIDTH, 3);
        for (size_t i = 0; kind == 1 && i < (size_t)BATCH * WIDTH; i += WIDTH)
            x[i] *= 300; // the others round to little
        for (int twin = 0; twin < 2 && kind == 2; twin++) {
            float *E = weir_sae_parameter(twin ? whole : plain, 0).values;
            for (size_t f = 0; f < MANY; f++) memcpy(E + f * WIDTH, x, WIDTH * sizeof *E); // all scores are equal
        }
        for (int step = 0; step < 4; step++) {
            weir_sae_losses a, b;
            weir_sae_codes codes;
            if (kind == 2)
                must(weir_sae_set_rate(plain, 0, &error), &error), must(weir_sae_set_rate(whole, 0, &error), &error);
            must(weir_sae_encode(plain, &codes, x, BATCH, &error), &error);
            const size_t count = (size_t)codes.start[BATCH];
            int32_t *chosen = malloc(count * sizeof *chosen);
            float *values = new_floats(count);
            assert_non_null(chosen);
            memcpy(chosen, codes.feature, count * sizeof *chosen);
            memcpy(values, codes.value, count * sizeof *values);
            must(weir_sae_encode(whole, &codes, x, BATCH, &error), &error);
            assert_int_equal(codes.start[BATCH], count);
            size_t others = 0; // of scores that are equal but for rounding
            for (size_t i = 0; i < count; i++) others += codes.feature[i] != chosen[i];
            if (others) others = rows_that_differ(&codes, chosen, values);
            if (others > 1) fail_msg("kind %d, step %d: %zu rows have other features", kind, step, others);
            free(chosen), free(values);
            must(weir_sae_step(plain, &a, x, BATCH, &error), &error);
            must(weir_sae_step(whole, &b, x, BATCH, &error), &error);
            near("loss", b.total, a.total, 1e-4);
            near("dead loss", b.dead_loss, a.dead_loss, 1e-4);
            assert_int_equal(a.touched, b.touched);
            if (step) assert_true((kind == 3 || a.dead > 0) && a.dead == b.dead);
            assert_true(a.proposed == 0 && (b.proposed == 0 || b.proposed >= b.open));
            for (size_t i = 0; i < 4; i++) { // so that rounding does not add up
                const weir_sae_tensor from = weir_sae_parameter(plain, i), to = weir_sae_parameter(whole, i);
                memcpy(to.values, from.values, from.rows * from.columns * sizeof(float));
            }
        }
        free(x);
        weir_sae_free(plain), weir_sae_free(whole);
    }
    const uint64_t alone = fingerprint("topk", "int8");
    const int former = weir_threads();
    weir_threads_use(3);
    assert_true(fingerprint("topk", "int8") == alone);
    weir_threads_use(former);
}

// ---- files ---------------------------------------------------------------------------------------------------------

static void same_parameters(weir_sae *a, weir_sae *b) {
    size_t compared = 0;
    for (size_t i = 0; i < ARRAYS; i++) {
        const weir_sae_tensor left = weir_sae_parameter(a, i), right = weir_sae_parameter(b, i);
        if (!left.name) break;
        assert_string_equal(left.name, right.name);
        assert_memory_equal(left.values, right.values, left.rows * left.columns * sizeof(float));
        compared++;
    }
    assert_true(compared >= 3);
}

static void test_files(void **state) {
    (void)state;
    static const char *const forms[] = {"topk", "batch-topk", "jumprelu", "gated"};
    for (size_t f = 0; f < COUNT(forms); f++) {
        for (int tied = 0; tied < 2; tied++) {
            weir_error error = {0};
            weir_sae_options o = small(forms[f]);
            o.tied = tied, o.seed = UINT64_MAX, o.dead_rows = 40;
            if (tied && !strcmp(o.form, "gated")) continue;
            weir_sae *sae = make(&o), *other = NULL;
            float *x = normal(ROWS, INPUTS, 3);
            must(weir_sae_save(sae, folder, true, &error), &error); // before any step
            must(weir_sae_load(&other, folder, &error), &error);
            same_parameters(sae, other);
            weir_sae_free(other);
            for (int step = 0; step < 3; step++) must(weir_sae_step(sae, NULL, x, ROWS, &error), &error);
            must(weir_sae_save(sae, folder, true, &error), &error);
            must(weir_sae_load(&other, folder, &error), &error);
            assert_int_equal(weir_sae_steps(other), 3);
            const weir_sae_options got = weir_sae_settings(other);
            assert_string_equal(got.form, o.form);
            assert_string_equal(got.update, o.update);
            assert_true(got.k == o.k && got.tied == o.tied && got.seed == o.seed && got.dead_rows == 40);
            assert_true(got.sparsity == o.sparsity && got.bandwidth == o.bandwidth);
            same_parameters(sae, other);
            for (int step = 0; step < 3; step++) {
                must(weir_sae_step(sae, NULL, x, ROWS, &error), &error);
                must(weir_sae_step(other, NULL, x, ROWS, &error), &error);
            }
            same_parameters(sae, other);
            const double threshold = weir_sae_threshold(sae);
            if (!isnan(threshold)) assert_true(weir_sae_threshold(other) == threshold);
            weir_sae_free(other);
            must(weir_sae_save(sae, folder, false, &error), &error);
            must(weir_sae_load(&other, folder, &error), &error);
            assert_int_equal(weir_sae_steps(other), 0);
            same_parameters(sae, other);
            free(x);
            weir_sae_free(sae), weir_sae_free(other);
        }
    }
}

static void test_bad_files(void **state) {
    (void)state;
    weir_error error = {0};
    weir_sae *sae = NULL;
    assert_int_equal(weir_sae_load(&sae, folder, &error), WEIR_NOT_FOUND);
    assert_non_null(strstr(error.text, "sae_weights.safetensors"));
    const weir_sae_options o = small("topk");
    weir_sae *good = make(&o);
    must(weir_sae_save(good, folder, false, &error), &error);
    static const struct {
        const char *text;
        weir_status status;
        const char *says;
    } cases[] = {
        {"{", WEIR_FORMAT, "cfg.json"},
        {"[]", WEIR_FORMAT, "object"},
        {"{}", WEIR_FORMAT, "d_in"},
        {"{\"d_in\":37,\"d_sae\":300}", WEIR_UNSUPPORTED, "architecture"},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"standard\"}", WEIR_UNSUPPORTED, "standard"},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"topk\"}", WEIR_FORMAT, "\"k\""},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"topk\",\"k\":301}", WEIR_ARGUMENT, "k is 301"},
        {"{\"d_in\":38,\"d_sae\":300,\"architecture\":\"topk\",\"k\":3}", WEIR_FORMAT, "W_dec"},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"topk\",\"k\":3,\"normalize_activations\":\"layer_norm\"}",
         WEIR_UNSUPPORTED, "normalize_activations"},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"jumprelu\"}", WEIR_FORMAT, "threshold"},
        {"{\"d_in\":37,\"d_sae\":300,\"architecture\":\"gated\"}", WEIR_FORMAT, "b_gate"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_file(path_of("cfg.json"), cases[i].text, strlen(cases[i].text));
        const weir_status status = weir_sae_load(&sae, folder, &error);
        if (status != cases[i].status || !strstr(error.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_null(sae);
    }
    weir_sae_free(good);
}

// ---- reports -------------------------------------------------------------------------------------------------------

static void test_report(void **state) {
    (void)state;
    enum { MOST = 3 };
    weir_error error = {0};
    const weir_sae_options o = small("topk");
    weir_sae *sae = make(&o);
    disturb(sae, 3);
    weir_sae_report *report = NULL;
    float *x = normal(ROWS, INPUTS, 3), *y = new_floats((size_t)ROWS * INPUTS);
    must(weir_sae_report_create(&report, sae, MOST, &error), &error);
    must(weir_sae_report_add(report, sae, x, 20, &error), &error);
    must(weir_sae_report_add(report, sae, x + 20 * INPUTS, ROWS - 20, &error), &error);
    weir_sae_codes codes;
    must(weir_sae_encode(sae, &codes, x, ROWS, &error), &error);
    must(weir_sae_decode(sae, y, &codes, &error), &error);
    double errors = 0, variance = 0;
    for (size_t j = 0; j < INPUTS; j++) {
        double mean = 0;
        for (size_t r = 0; r < ROWS; r++) mean += (double)x[r * INPUTS + j] / ROWS;
        for (size_t r = 0; r < ROWS; r++) {
            errors += pow((double)y[r * INPUTS + j] - (double)x[r * INPUTS + j], 2);
            variance += pow((double)x[r * INPUTS + j] - mean, 2);
        }
    }
    const weir_sae_summary s = weir_sae_report_summary(report);
    assert_int_equal(s.rows, ROWS);
    near("loss", s.loss, errors / ROWS, 1e-6);
    near("explained variance", s.explained_variance, 1 - errors / variance, 1e-6);
    near("open", s.open, (double)codes.start[ROWS] / ROWS, 1e-12);
    size_t dead = 0, full = 0;
    for (size_t f = 0; f < FEATURES; f++) {
        uint64_t rows = 0, expected = 0;
        weir_sae_activation top[MOST];
        float greatest = 0;
        const size_t held = weir_sae_report_feature(report, f, &rows, top);
        for (size_t r = 0; r < ROWS; r++) {
            for (int64_t i = codes.start[r]; i < codes.start[r + 1]; i++) {
                if ((size_t)codes.feature[i] != f) continue;
                expected++;
                greatest = fmaxf(greatest, codes.value[i]);
                for (size_t k = 0; k < held; k++)
                    if (top[k].row == r)
                        near("value", (double)top[k].value, (double)codes.value[i], 1e-5); // of other batches
            }
        }
        assert_int_equal(rows, expected);
        assert_int_equal(held, rows < MOST ? rows : MOST);
        if (held) near("greatest", (double)top[0].value, (double)greatest, 1e-5);
        for (size_t k = 1; k < held; k++) assert_true(top[k].value <= top[k - 1].value);
        dead += rows == 0, full += held == MOST;
    }
    assert_true(full > 0);
    assert_int_equal(s.dead, dead);
    assert_int_equal(weir_sae_report_feature(report, FEATURES, NULL, NULL), 0);
    free(x), free(y);
    weir_sae_report_free(report);
    weir_sae_free(sae);
}

// ---- bad input, little memory --------------------------------------------------------------------------------------

static void test_bad_options(void **state) {
    (void)state;
    weir_error error = {0};
    weir_sae *sae = NULL;
#define REFUSED(code, says, ...)                                                                                       \
    do {                                                                                                               \
        weir_sae_options o = small("topk");                                                                            \
        __VA_ARGS__;                                                                                                   \
        assert_int_equal(weir_sae_create(&sae, &o, &error), code);                                                     \
        assert_null(sae);                                                                                              \
        if (!strstr(error.text, says)) fail_msg("%s", error.text);                                                     \
    } while (0)
    REFUSED(WEIR_ARGUMENT, "did you mean 'jumprelu'", o.form = "jumprelo");
    REFUSED(WEIR_ARGUMENT, "(null)", o.form = NULL);
    REFUSED(WEIR_ARGUMENT, "k is 0", o.k = 0);
    REFUSED(WEIR_ARGUMENT, "k is 301", o.k = 301);
    REFUSED(WEIR_SHAPE, "inputs", o.inputs = 0);
    REFUSED(WEIR_SHAPE, "too many", o.features = (size_t)1 << 40);
    REFUSED(WEIR_ARGUMENT, "rate", o.rate = -1);
    REFUSED(WEIR_ARGUMENT, "beta2", o.beta2 = 1);
    REFUSED(WEIR_ARGUMENT, "bandwidth", o.bandwidth = 0);
    REFUSED(WEIR_ARGUMENT, "sparsity", o.sparsity = NAN);
    REFUSED(WEIR_ARGUMENT, "update", o.update = "lazily and exactly");
    REFUSED(WEIR_UNSUPPORTED, "tied", (o.form = "gated", o.tied = true));
    REFUSED(WEIR_UNSUPPORTED, "int8", (o.form = "gated", o.scores = "int8"));
}

static void test_not_finite(void **state) {
    (void)state;
    weir_error error = {0};
    const weir_sae_options o = small("topk");
    weir_sae *sae = make(&o), *twin = make(&o);
    weir_sae_codes codes;
    float *x = normal(ROWS, INPUTS, 3);
    x[40 * INPUTS + 3] = NAN;
    assert_int_equal(weir_sae_step(sae, NULL, x, ROWS, &error), WEIR_DIVERGED);
    same_parameters(sae, twin);
    assert_int_equal(weir_sae_encode(sae, &codes, x, ROWS, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "row 40: value 3"));
    assert_int_equal(weir_sae_step(sae, NULL, x, 0, &error), WEIR_SHAPE);
    must(weir_sae_encode(sae, &codes, x, 0, &error), &error);
    assert_int_equal(codes.start[0], 0);
    const int64_t start[] = {0, 1};
    const int32_t feature[] = {FEATURES};
    const float value[] = {1};
    const weir_sae_codes bad = {1, start, feature, value};
    assert_int_equal(weir_sae_decode(sae, x, &bad, &error), WEIR_ARGUMENT);
    free(x);
    weir_sae_free(sae), weir_sae_free(twin);
}

static void test_little_memory(void **state) {
    (void)state;
    static const char *const forms[] = {"topk", "batch-topk", "jumprelu"};
    weir_error error = {0};
    float *x = normal(ROWS, INPUTS, 3);
    for (size_t f = 0; f < COUNT(forms); f++) {
        weir_sae_options o = small(forms[f]);
        o.dead_rows = 1;
        weir_status status = WEIR_MEMORY;
        long failures = 0;
        for (; status != WEIR_OK && failures < 400; failures++) {
            weir_sae *sae = NULL, *other = NULL;
            weir_sae_report *report = NULL;
            weir__alloc_fail_after(failures);
            status = weir_sae_create(&sae, &o, &error);
            if (!status) status = weir_sae_step(sae, NULL, x, ROWS, &error);
            if (!status) status = weir_sae_step(sae, NULL, x, ROWS, &error);
            if (!status) status = weir_sae_save(sae, folder, true, &error);
            if (!status) status = weir_sae_load(&other, folder, &error);
            if (!status) status = weir_sae_report_create(&report, sae, 2, &error);
            if (!status) status = weir_sae_report_add(report, sae, x, ROWS, &error);
            weir__alloc_fail_after(-1);
            if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("%s: %s", weir_status_name(status), error.text);
            weir_sae_report_free(report);
            weir_sae_free(sae), weir_sae_free(other);
        }
        assert_int_equal(status, WEIR_OK);
        assert_true(failures > 20);
    }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_dead_gradients),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test_setup_teardown(test_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_bad_files, make_folder, remove_folder),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test_setup_teardown(test_little_memory, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
