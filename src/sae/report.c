// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What an autoencoder does on data. The variance of x is summed about the decoder's bias, near which its mean lies, so
// that little is lost when one sum is taken from the other.

#include <math.h>
#include <string.h>

#include "loops.h"
#include "sae.h"

struct weir_sae_report {
    size_t inputs, features, most;
    uint64_t rows, open;
    double errors, cosines, squares; ///< Σ (x̂ − x)², Σ cosine, Σ (x − shift)²
    double *sums;                    ///< [inputs] Σ (x − shift)
    float *shift;                    ///< [inputs]
    uint64_t *counts;                ///< [features] rows in which it was open
    weir_sae_activation *top;        ///< [features][most], descending
    weir__buffer decoded;
};

weir_status weir_sae_report_create(weir_sae_report **out, const weir_sae *sae, size_t most, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sae_report *report = NULL;
    *out = NULL;
    TRY_THAT(most <= 1000, WEIR_ARGUMENT, "%zu activations of each feature; at most 1000 are kept", most);
    TRY(weir__new(&report, 1, sizeof *report, "a report", error));
    report->inputs = sae->inputs, report->features = sae->features, report->most = most;
    TRY(weir__new(&report->sums, sae->inputs, sizeof *report->sums, "a report", error));
    TRY(weir__new(&report->shift, sae->inputs, sizeof *report->shift, "a report", error));
    TRY(weir__new(&report->counts, sae->features, sizeof *report->counts, "a report", error));
    TRY(weir__new(&report->top, sae->features * most, sizeof *report->top, "the most active rows", error));
    memcpy(report->shift, sae->values[WEIR__DECODER_BIAS], sae->inputs * sizeof *report->shift);
    *out = report, report = NULL;
done:
    weir_sae_report_free(report);
    return status;
}

void weir_sae_report_free(weir_sae_report *report) {
    if (!report) return;
    weir__free(report->sums), weir__free(report->shift), weir__free(report->counts), weir__free(report->top);
    weir__buffer_free(&report->decoded);
    weir__free(report);
}

static void keep_activation(weir_sae_report *report, size_t feature, uint64_t row, float value) {
    const size_t held = report->counts[feature] < report->most ? (size_t)report->counts[feature] : report->most;
    weir_sae_activation *top = report->top + feature * report->most;
    size_t at = held;
    while (at && top[at - 1].value < value) at--;
    if (at == report->most) return;
    const size_t behind = (held < report->most ? held : report->most - 1) - at;
    memmove(top + at + 1, top + at, behind * sizeof *top);
    top[at] = (weir_sae_activation){row, value};
}

weir_status weir_sae_report_add(weir_sae_report *report, weir_sae *sae, const float *x, size_t rows,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    weir_sae_codes codes;
    const size_t width = report->inputs;
    TRY_THAT(sae->inputs == width && sae->features == report->features, WEIR_SHAPE,
             "the report is for %zu inputs and %zu features, the autoencoder has %zu and %zu", width, report->features,
             sae->inputs, sae->features);
    TRY(weir__buffer_reserve(&report->decoded, rows * width, error));
    TRY(weir_sae_encode(sae, &codes, x, rows, error));
    weir__sae_decode(sae, report->decoded.data, &codes);
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * width, *to = report->decoded.data + r * width;
        double error_squares = 0, both = 0, x_squares = 0, y_squares = 0;
        for (size_t j = 0; j < width; j++) {
            const double a = (double)from[j], b = (double)to[j], about = a - (double)report->shift[j];
            error_squares += (b - a) * (b - a);
            both += a * b, x_squares += a * a, y_squares += b * b;
            report->sums[j] += about, report->squares += about * about;
        }
        report->errors += error_squares;
        report->cosines += x_squares > 0 && y_squares > 0 ? both / sqrt(x_squares * y_squares) : 0;
        for (int64_t i = codes.start[r]; i < codes.start[r + 1]; i++) {
            const size_t feature = (size_t)codes.feature[i];
            if (report->most) keep_activation(report, feature, report->rows, codes.value[i]);
            report->counts[feature]++;
            report->open++;
        }
        report->rows++;
    }
done:
    return status;
}

weir_sae_summary weir_sae_report_summary(const weir_sae_report *report) {
    const double rows = (double)report->rows;
    weir_sae_summary s = {.rows = report->rows, .features = report->features};
    double variance = report->squares;
    for (size_t j = 0; j < report->inputs && report->rows; j++) variance -= report->sums[j] * report->sums[j] / rows;
    for (size_t f = 0; f < report->features; f++) s.dead += report->counts[f] == 0;
    s.loss = report->errors / rows;
    s.cosine = report->cosines / rows;
    s.open = (double)report->open / rows;
    s.explained_variance = variance > 1e-12 * report->squares ? 1 - report->errors / variance : (double)NAN;
    return s;
}

size_t weir_sae_report_feature(const weir_sae_report *report, size_t feature, uint64_t *rows,
                               weir_sae_activation *top) {
    if (rows) *rows = feature < report->features ? report->counts[feature] : 0;
    if (feature >= report->features) return 0;
    const size_t held = report->counts[feature] < report->most ? (size_t)report->counts[feature] : report->most;
    if (top && held) memcpy(top, report->top + feature * report->most, held * sizeof *top);
    return held;
}
