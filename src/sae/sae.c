// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// An autoencoder's life: options, parameters, steps, codes.

#include "sae.h"

#include <math.h>
#include <string.h>

#include "../core/parallel.h"
#include "coarse.h"
#include "loops.h"

static const char *const form_names[WEIR__FORM_COUNT] = {"topk", "batch-topk", "jumprelu", "gated"};
static const char *const update_names[] = {"lazy", "exact"};
static const char *const score_names[] = {"fp32", "int8", "int8-likely"};
enum { noise_stream = 0xFD20 }; ///< of weir_noise: the first rows of D

static const double threshold_decay = 0.99; ///< of the running mean of "batch-topk"

weir_sae_options weir_sae_options_default(size_t inputs, size_t features) {
    return (weir_sae_options){
        .inputs = inputs,
        .features = features,
        .form = form_names[WEIR__TOPK],
        .k = features < 32 ? features : 32,
        .centred = true,
        .unit_norm = true,
        .update = "exact",
        .scores = "fp32",
        .rate = 1e-3f,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f,
        .sparsity = 1,
        .threshold = 0.01f,
        .bandwidth = 0.05f,
        .dead_coefficient = 1.0f / 32,
        .dead_rows = 1000000,
        .seed = 1,
    };
}

size_t weir__sae_rows(const weir_sae *sae, weir__sae_array array) {
    return array == WEIR__ENCODER || array == WEIR__DECODER ? sae->features : 1;
}
size_t weir__sae_columns(const weir_sae *sae, weir__sae_array array) {
    return array == WEIR__ENCODER || array == WEIR__DECODER || array == WEIR__DECODER_BIAS ? sae->inputs
                                                                                           : sae->features;
}

static const char *name_of(const weir_sae *sae, weir__sae_array array) {
    const bool gated = sae->form == WEIR__GATED;
    switch (array) {
    case WEIR__ENCODER:
        return "W_enc";
    case WEIR__DECODER:
        return "W_dec";
    case WEIR__ENCODER_BIAS:
        return gated ? "b_gate" : "b_enc";
    case WEIR__DECODER_BIAS:
        return "b_dec";
    case WEIR__SIDE:
        return gated ? "b_mag" : "threshold";
    case WEIR__SCALE:
        return "r_mag";
    case WEIR__ARRAY_COUNT:
        break;
    }
    return NULL;
}

weir_sae_tensor weir_sae_parameter(weir_sae *sae, size_t index) {
    weir__sae_coarse_stale(sae);
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        if (!sae->values[a] || index--) continue;
        return (weir_sae_tensor){name_of(sae, a), sae->values[a], weir__sae_rows(sae, a), weir__sae_columns(sae, a)};
    }
    return (weir_sae_tensor){0};
}

// ---- making --------------------------------------------------------------------------------------------------------

static weir_status find_name(size_t *index, const char *const *names, size_t count, const char *name, const char *what,
                             weir_error *error) {
    for (size_t i = 0; i < count && name; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *index = i;
        return WEIR_OK;
    }
    return weir__fail(error, WEIR_ARGUMENT, "unknown %s '%s'%s", what, name ? name : "(null)",
                      weir_suggest(name ? name : "", names, count).text);
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static weir_status check_options(const weir_sae_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t form = 0, update = 0, scores = 0;
    TRY(find_name(&form, form_names, COUNT_OF(form_names), o->form, "form of a sparse autoencoder", error));
    TRY(find_name(&update, update_names, COUNT_OF(update_names), o->update, "update", error));
    TRY(find_name(&scores, score_names, COUNT_OF(score_names), o->scores, "way to find scores", error));
    TRY_THAT(o->inputs && o->features, WEIR_SHAPE, "a sparse autoencoder has inputs and features, not %zu and %zu",
             o->inputs, o->features);
    TRY_THAT(o->features <= INT32_MAX && o->inputs <= INT32_MAX && o->inputs <= SIZE_MAX / 64 / o->features, WEIR_SHAPE,
             "%zu inputs and %zu features are too many", o->inputs, o->features);
    if (form == WEIR__TOPK || form == WEIR__BATCH_TOPK)
        TRY_THAT(o->k >= 1 && o->k <= o->features, WEIR_ARGUMENT, "k is %zu; expected 1 to %zu", o->k, o->features);
    TRY_THAT(!o->tied || form != WEIR__GATED, WEIR_UNSUPPORTED,
             "a tied encoder with the form 'gated', whose encoder must not have norm 1");
    TRY_THAT(!scores || form == WEIR__TOPK, WEIR_UNSUPPORTED, "scores by int8 with the form '%s'; they need 'topk'",
             form_names[form]);
    const struct {
        const char *name;
        float value, least;
        bool above, below_one;
    } numbers[] = {
        {"rate", o->rate, 0, false, false},          {"beta1", o->beta1, 0, false, true},
        {"beta2", o->beta2, 0, false, true},         {"epsilon", o->epsilon, 0, true, false},
        {"sparsity", o->sparsity, 0, false, false},  {"threshold", o->threshold, 0, false, false},
        {"bandwidth", o->bandwidth, 0, true, false}, {"dead_coefficient", o->dead_coefficient, 0, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        const bool good = isfinite(numbers[i].value) && numbers[i].value >= numbers[i].least &&
                          (!numbers[i].above || numbers[i].value > numbers[i].least) &&
                          (!numbers[i].below_one || numbers[i].value < 1);
        TRY_THAT(good, WEIR_ARGUMENT, "%s is %g; expected a number %s 0%s", numbers[i].name, (double)numbers[i].value,
                 numbers[i].above ? "above" : "from",
                 numbers[i].below_one ? " to below 1"
                 : numbers[i].above   ? ""
                                      : " on");
    }
done:
    return status;
}

typedef struct drawing {
    weir_sae *sae;
} drawing;

static void draw_rows(const void *context, weir__range features) {
    weir_sae *sae = ((const drawing *)context)->sae;
    const size_t width = sae->inputs;
    const weir_noise noise = {.seed = sae->options.seed, .stream = noise_stream};
    for (size_t f = features.first; f < features.last; f++) {
        float *row = sae->values[WEIR__DECODER] + f * width;
        weir_random_normal(row, noise, (uint32_t)f, width);
        const float squares = weir__loop_dot(row, row, width);
        weir__loop_scale(row, squares > 0 ? 1 / sqrtf(squares) : 0, width);
        if (sae->values[WEIR__ENCODER]) memcpy(sae->values[WEIR__ENCODER] + f * width, row, width * sizeof *row);
    }
}

weir_status weir_sae_create(weir_sae **out, const weir_sae_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sae *sae = NULL;
    size_t form = 0, update = 0, scores = 0;
    *out = NULL;
    TRY(check_options(options, error));
    TRY(weir__new(&sae, 1, sizeof *sae, "a sparse autoencoder", error));
    TRY(find_name(&form, form_names, COUNT_OF(form_names), options->form, "form", error));
    TRY(find_name(&update, update_names, COUNT_OF(update_names), options->update, "update", error));
    TRY(find_name(&scores, score_names, COUNT_OF(score_names), options->scores, "scores", error));
    sae->options = *options;
    sae->options.form = form_names[form], sae->options.update = update_names[update];
    sae->options.scores = score_names[scores];
    sae->form = (weir__sae_form)form, sae->exact = update == 1, sae->int8 = scores > 0, sae->likely = scores == 2;
    sae->inputs = options->inputs, sae->features = options->features;
    sae->dead_k = options->dead_k ? options->dead_k : (options->inputs + 1) / 2;
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        const bool side = form == WEIR__JUMPRELU || form == WEIR__GATED;
        if ((a == WEIR__ENCODER && options->tied) || (a == WEIR__SIDE && !side) ||
            (a == WEIR__SCALE && form != WEIR__GATED))
            continue;
        TRY(weir__new(&sae->values[a], weir__sae_rows(sae, a) * weir__sae_columns(sae, a), sizeof(float),
                      name_of(sae, a), error));
    }
    TRY(weir__new(&sae->last, sae->features, sizeof *sae->last, "counts of features", error));
    TRY(weir__new(&sae->offset, sae->features, sizeof *sae->offset, "thresholds of features", error));
    TRY(weir__new(&sae->dead_feature, sae->features, sizeof *sae->dead_feature, "dead features", error));
    for (size_t f = 0; f < sae->features && form == WEIR__JUMPRELU; f++)
        sae->values[WEIR__SIDE][f] = options->threshold;
    weir__parallel_ranges(sae->features, 10.0 * (double)sae->inputs, draw_rows, &(drawing){sae});
    *out = sae, sae = NULL;
done:
    weir_sae_free(sae);
    return status;
}

void weir_sae_free(weir_sae *sae) {
    if (!sae) return;
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++)
        weir__free(sae->values[a]), weir__free(sae->mean[a]), weir__free(sae->square[a]);
    weir__free(sae->last), weir__free(sae->offset), weir__free(sae->dead_feature);
    weir__free(sae->centred), weir__free(sae->errors), weir__free(sae->row_loss);
    weir__pairs_free(&sae->open), weir__pairs_free(&sae->dead);
    weir__sae_coarse_free(sae->coarse);
    weir__free(sae);
}

weir_status weir__sae_reserve(weir_sae *sae, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    if (rows <= sae->room) return WEIR_OK;
    TRY_THAT(rows <= INT32_MAX && rows <= SIZE_MAX / 64 / sae->inputs, WEIR_SHAPE, "%zu rows in one batch are too many",
             rows);
    sae->room = 0;
    weir__free(sae->centred), weir__free(sae->errors), weir__free(sae->row_loss);
    sae->centred = NULL, sae->errors = NULL, sae->row_loss = NULL;
    TRY(weir__new(&sae->centred, rows * sae->inputs, sizeof *sae->centred, "a batch", error));
    TRY(weir__new(&sae->errors, 2 * rows * sae->inputs, sizeof *sae->errors, "a batch", error));
    TRY(weir__new(&sae->row_loss, 3 * rows, sizeof *sae->row_loss, "a batch", error));
    sae->room = rows;
done:
    return status;
}

weir_sae_options weir_sae_settings(const weir_sae *sae) { return sae->options; }
uint64_t weir_sae_steps(const weir_sae *sae) { return sae->steps; }

weir_status weir_sae_set_rate(weir_sae *sae, float rate, weir_error *error) {
    if (!isfinite(rate) || rate < 0)
        return weir__fail(error, WEIR_ARGUMENT, "rate is %g; expected a number from 0 on", (double)rate);
    sae->options.rate = rate;
    return WEIR_OK;
}

double weir__sae_threshold(const weir_sae *sae) {
    if (sae->form != WEIR__BATCH_TOPK || !(sae->threshold_weight > 0)) return (double)NAN;
    return sae->threshold_sum / sae->threshold_weight;
}
double weir_sae_threshold(const weir_sae *sae) { return weir__sae_threshold(sae); }

weir_status weir_sae_set_threshold(weir_sae *sae, double threshold, weir_error *error) {
    if (sae->form != WEIR__BATCH_TOPK)
        return weir__fail(error, WEIR_UNSUPPORTED, "the form '%s' has no threshold that all features share",
                          sae->options.form);
    if (!isfinite(threshold) || threshold < 0)
        return weir__fail(error, WEIR_ARGUMENT, "threshold is %g; expected a number from 0 on", threshold);
    sae->threshold_sum = threshold, sae->threshold_weight = 1;
    return WEIR_OK;
}

weir_status weir_sae_centre(weir_sae *sae, const float *x, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    double *sums = NULL;
    TRY_THAT(rows, WEIR_SHAPE, "no rows to take the mean of");
    TRY(weir__new(&sums, sae->inputs, sizeof *sums, "a mean", error));
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < sae->inputs; j++) sums[j] += (double)x[r * sae->inputs + j];
    }
    for (size_t j = 0; j < sae->inputs; j++) {
        sums[j] /= (double)rows;
        TRY_THAT(isfinite((float)sums[j]), WEIR_DATA, "the mean of column %zu is not finite", j);
    }
    for (size_t j = 0; j < sae->inputs; j++) sae->values[WEIR__DECODER_BIAS][j] = (float)sums[j];
done:
    weir__free(sums);
    return status;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

static void find_dead(weir_sae *sae) {
    sae->dead_count = 0;
    if (sae->form == WEIR__GATED || !(sae->options.dead_coefficient > 0)) return;
    for (size_t f = 0; f < sae->features; f++) {
        if (sae->seen - sae->last[f] >= sae->options.dead_rows && sae->seen)
            sae->dead_feature[sae->dead_count++] = (uint32_t)f;
    }
}

/// Forward and the gradient of pairs: nothing has moved.
static weir_status find_slopes(weir_sae *sae, weir_sae_losses *losses, const float *x, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(rows, WEIR_SHAPE, "a step needs rows");
    find_dead(sae);
    TRY(weir__sae_find(sae, x, rows, WEIR__TO_LEARN, error));
    weir__sae_values(sae, WEIR__TO_LEARN);
    weir__sae_rows_backward(sae, losses, x, rows);
    TRY_THAT(isfinite(losses->total), WEIR_DIVERGED,
             "the loss of step %llu is not finite: lower the rate, or look for NaN in the rows",
             (unsigned long long)sae->steps + 1);
done:
    return status;
}

static weir_status make_averages(weir_sae *sae, weir_error *error) {
    weir_status status = WEIR_OK;
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        const size_t count = weir__sae_rows(sae, a) * weir__sae_columns(sae, a);
        if (!sae->values[a]) continue;
        if (!sae->mean[a]) TRY(weir__new(&sae->mean[a], count, sizeof(float), "moving averages", error));
        if (!sae->square[a]) TRY(weir__new(&sae->square[a], count, sizeof(float), "moving averages", error));
    }
done:
    return status;
}

static void count_step(weir_sae *sae, weir_sae_losses *losses, size_t rows) {
    float least = INFINITY;
    for (size_t i = 0; i < sae->open.count; i++) {
        if (sae->open.value[i] > 0 && sae->open.value[i] < least) least = sae->open.value[i];
    }
    if (sae->form == WEIR__BATCH_TOPK && least < INFINITY) {
        sae->threshold_sum = threshold_decay * sae->threshold_sum + (1 - threshold_decay) * (double)least;
        sae->threshold_weight = threshold_decay * sae->threshold_weight + (1 - threshold_decay);
    }
    sae->steps++, sae->seen += rows;
    for (size_t f = 0; f < sae->features; f++) losses->touched += sae->last[f] == sae->seen;
}

weir_status weir_sae_step(weir_sae *sae, weir_sae_losses *losses, const float *x, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sae_losses found = {0};
    TRY(make_averages(sae, error));
    TRY(find_slopes(sae, &found, x, rows, error));
    TRY(weir__sae_features_backward(sae, NULL, rows, error));
    count_step(sae, &found, rows);
    if (losses) *losses = found;
done:
    return status;
}

weir_status weir_sae_gradient(weir_sae *sae, float *const *gradients, weir_sae_losses *losses, const float *x,
                              size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sae_losses found = {0};
    float *by_array[WEIR__ARRAY_COUNT] = {0};
    for (weir__sae_array a = 0; a < WEIR__ARRAY_COUNT; a++) {
        if (sae->values[a]) by_array[a] = *gradients++;
    }
    TRY(find_slopes(sae, &found, x, rows, error));
    TRY(weir__sae_features_backward(sae, by_array, rows, error));
    for (size_t f = 0; f < sae->features && sae->open.count; f++) {
        bool open = false;
        for (uint32_t at = sae->open.by_feature[f]; at < sae->open.by_feature[f + 1]; at++)
            open |= sae->open.value[sae->open.order[at]] > 0;
        found.touched += open;
    }
    if (losses) *losses = found;
done:
    return status;
}

// ---- use -----------------------------------------------------------------------------------------------------------

weir_status weir_sae_encode(weir_sae *sae, weir_sae_codes *codes, const float *x, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < rows * sae->inputs; i++) {
        TRY_THAT(isfinite(x[i]), WEIR_DATA, "row %zu: value %zu is not finite", i / sae->inputs, i % sae->inputs);
    }
    if (rows) {
        TRY(weir__sae_find(sae, x, rows, WEIR__TO_USE, error));
        weir__sae_values(sae, WEIR__TO_USE);
    } else {
        TRY(weir__pairs_reserve(&sae->open, 0, 0, error));
    }
    *codes = (weir_sae_codes){rows, sae->open.start, sae->open.feature, sae->open.value};
done:
    return status;
}

weir_status weir_sae_decode(const weir_sae *sae, float *x, const weir_sae_codes *codes, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(!codes->rows || codes->start[0] >= 0, WEIR_ARGUMENT, "codes begin at %lld", (long long)codes->start[0]);
    for (size_t r = 0; r < codes->rows; r++) {
        TRY_THAT(codes->start[r + 1] >= codes->start[r], WEIR_ARGUMENT, "row %zu of codes ends before it begins", r);
        for (int64_t i = codes->start[r]; i < codes->start[r + 1]; i++)
            TRY_THAT(codes->feature[i] >= 0 && (size_t)codes->feature[i] < sae->features, WEIR_ARGUMENT,
                     "row %zu has feature %ld; there are %zu", r, (long)codes->feature[i], sae->features);
    }
    weir__sae_decode(sae, x, codes);
done:
    return status;
}
