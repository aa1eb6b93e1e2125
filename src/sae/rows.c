// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Row by row: the codes of the pairs found, what they decode to, how far off that is, and from there the gradient of
// each pair. L is the loss of weir/sae.h, n the rows of the batch.

#include <math.h>
#include <string.h>

#include "../core/math.h"
#include "../core/parallel.h"
#include "loops.h"
#include "sae.h"

/// z of a pair, 0 where it is closed.
static float code_of(const weir_sae *sae, size_t feature, float score, double common) {
    switch (sae->form) {
    case WEIR__JUMPRELU:
        return score > sae->values[WEIR__SIDE][feature] && score > 0 ? score : 0;
    case WEIR__GATED: {
        const float y = score - sae->values[WEIR__ENCODER_BIAS][feature];
        const float m = weir__exp(sae->values[WEIR__SCALE][feature]) * y + sae->values[WEIR__SIDE][feature];
        return score > 0 && m > 0 ? m : 0;
    }
    case WEIR__BATCH_TOPK:
        return isnan(common) || (double)score > common ? score : 0;
    case WEIR__TOPK:
    case WEIR__FORM_COUNT:
        break;
    }
    return score;
}

static void take_out_closed(weir__pairs *p) {
    size_t kept = 0, from = 0;
    for (size_t r = 0; r < p->rows; r++) {
        const size_t to = (size_t)p->start[r + 1];
        for (size_t i = from; i < to; i++) {
            if (!(p->value[i] > 0)) continue;
            p->feature[kept] = p->feature[i], p->row[kept] = p->row[i];
            p->score[kept] = p->score[i], p->value[kept++] = p->value[i];
        }
        from = to;
        p->start[r + 1] = (int64_t)kept;
    }
    p->count = kept;
}

void weir__sae_values(weir_sae *sae, weir__sae_purpose purpose) {
    weir__pairs *p = &sae->open;
    const double common = purpose == WEIR__TO_USE ? weir__sae_threshold(sae) : (double)NAN;
    for (size_t i = 0; i < p->count; i++) p->value[i] = code_of(sae, (size_t)p->feature[i], p->score[i], common);
    if (purpose == WEIR__TO_USE) take_out_closed(p);
}

// ---- decoding ------------------------------------------------------------------------------------------------------

typedef struct decoding {
    const weir_sae *sae;
    const weir_sae_codes *codes;
    float *x;
} decoding;

static void decode_rows(const void *context, weir__range rows) {
    const decoding *d = context;
    const size_t width = d->sae->inputs;
    for (size_t r = rows.first; r < rows.last; r++) {
        const size_t first = (size_t)d->codes->start[r], count = (size_t)d->codes->start[r + 1] - first;
        weir__loop_combine(d->x + r * width, d->sae->values[WEIR__DECODER_BIAS], d->sae->values[WEIR__DECODER], width,
                           d->codes->feature + first, d->codes->value + first, count);
    }
}

/// Nanoseconds of a row with so many pairs.
static double row_work(const weir_sae *sae, size_t pairs, size_t rows) {
    return 0.2 * (double)sae->inputs * (1 + (double)pairs / (double)rows);
}

void weir__sae_decode(const weir_sae *sae, float *x, const weir_sae_codes *codes) {
    if (!codes->rows) return;
    weir__parallel_ranges(codes->rows, row_work(sae, (size_t)codes->start[codes->rows], codes->rows), decode_rows,
                          &(decoding){sae, codes, x});
}

// ---- the gradient of pairs -----------------------------------------------------------------------------------------

typedef struct backward {
    weir_sae *sae;
    const float *x;
    size_t rows;
    float dead_factor; ///< dead_coefficient·min(1, dead/dead_k)
} backward;

/// dz, which is in slope, becomes what a pair of "jumprelu" has of the gradient. Returns its penalty.
static double jumprelu_pair(const backward *b, size_t i) {
    weir__pairs *p = &b->sae->open;
    const weir_sae_options *o = &b->sae->options;
    const float theta = b->sae->values[WEIR__SIDE][p->feature[i]], dz = p->slope[i], n = (float)b->rows;
    const bool near = fabsf(p->score[i] - theta) < o->bandwidth / 2;
    p->side_slope[i] = near ? -(theta * dz + o->sparsity / n) / o->bandwidth : 0;
    p->slope[i] = p->bias_slope[i] = p->value[i] > 0 ? dz : 0;
    return p->value[i] > 0 ? (double)o->sparsity : 0;
}

/// Of "gated": dz is in slope, the gradient of relu(s) by way of its own decoding in bias_slope.
static double gated_pair(const backward *b, size_t i) {
    weir__pairs *p = &b->sae->open;
    const float scale = weir__exp(b->sae->values[WEIR__SCALE][p->feature[i]]);
    const float dm = p->value[i] > 0 ? p->slope[i] : 0, sparsity = b->sae->options.sparsity;
    const bool open = p->score[i] > 0;
    p->bias_slope[i] = open ? p->bias_slope[i] + sparsity / (float)b->rows : 0;
    p->side_slope[i] = dm;
    p->slope[i] = dm * scale + p->bias_slope[i];
    return open ? (double)sparsity * (double)p->score[i] : 0;
}

static void backward_rows(const void *context, weir__range rows) {
    const backward *b = context;
    weir_sae *sae = b->sae;
    const size_t width = sae->inputs;
    const float *decoder = sae->values[WEIR__DECODER], *bias = sae->values[WEIR__DECODER_BIAS];
    const float factor = 2 / (float)b->rows;
    weir__pairs *p = &sae->open, *d = &sae->dead;
    for (size_t r = rows.first; r < rows.last; r++) {
        const size_t first = (size_t)p->start[r], count = (size_t)p->start[r + 1] - first;
        const size_t dead = (size_t)d->start[r], dead_count = (size_t)d->start[r + 1] - dead;
        float *error = sae->errors + r * width, *second = sae->errors + (b->rows + r) * width;
        double *loss = sae->row_loss + 3 * r;
        weir__loop_combine(error, bias, decoder, width, p->feature + first, p->value + first, count);
        weir__loop_subtract(error, error, b->x + r * width, width);
        loss[0] = (double)weir__loop_dot(error, error, width), loss[1] = loss[2] = 0;
        if (dead_count) { // ê − (x − x̂)
            memcpy(d->value + dead, d->score + dead, dead_count * sizeof *d->value);
            weir__loop_combine(second, error, decoder, width, d->feature + dead, d->value + dead, dead_count);
            loss[2] = (double)b->dead_factor * (double)weir__loop_dot(second, second, width);
            weir__loop_scale(second, factor * b->dead_factor, width);
            weir__loop_dots(d->slope + dead, second, decoder, width, d->feature + dead, dead_count);
            memcpy(d->bias_slope + dead, d->slope + dead, dead_count * sizeof *d->slope);
        }
        weir__loop_scale(error, factor, width);
        weir__loop_dots(p->slope + first, error, decoder, width, p->feature + first, count);
        if (sae->form == WEIR__GATED) {
            weir__loop_combine(second, bias, decoder, width, p->feature + first, p->score + first, count);
            weir__loop_subtract(second, second, b->x + r * width, width);
            loss[2] = (double)weir__loop_dot(second, second, width);
            weir__loop_scale(second, factor, width);
            weir__loop_dots(p->bias_slope + first, second, decoder, width, p->feature + first, count);
            for (size_t i = first; i < first + count; i++) loss[1] += gated_pair(b, i);
        } else if (sae->form == WEIR__JUMPRELU) {
            for (size_t i = first; i < first + count; i++) loss[1] += jumprelu_pair(b, i);
        } else {
            memcpy(p->bias_slope + first, p->slope + first, count * sizeof *p->slope);
        }
    }
}

void weir__sae_rows_backward(weir_sae *sae, weir_sae_losses *losses, const float *x, size_t rows) {
    const double share = (double)sae->dead_count / (double)sae->dead_k;
    const backward b = {sae, x, rows, (float)((double)sae->options.dead_coefficient * (share < 1 ? share : 1))};
    const size_t pairs = 2 * (sae->open.count + sae->dead.count);
    weir__parallel_ranges(rows, row_work(sae, pairs, rows), backward_rows, &b);
    double sums[3] = {0};
    size_t open = 0;
    for (size_t r = 0; r < rows; r++) {
        for (int k = 0; k < 3; k++) sums[k] += sae->row_loss[3 * r + k];
    }
    for (size_t i = 0; i < sae->open.count; i++) open += sae->open.value[i] > 0;
    const bool gated = sae->form == WEIR__GATED;
    const double n = (double)rows;
    *losses = (weir_sae_losses){
        .reconstruction = sums[0] / n,
        .sparsity = (sums[1] + (gated ? sums[2] : 0)) / n,
        .dead_loss = gated ? 0 : sums[2] / n,
        .open = (double)open / n,
        .dead = sae->dead_count,
        .proposed = sae->proposed,
    };
    losses->total = losses->reconstruction + losses->sparsity + losses->dead_loss;
}
