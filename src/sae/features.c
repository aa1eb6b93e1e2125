// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Feature by feature: the gradient of its rows of E and D, summed over the rows of the batch in which it is open, and
// at once, while both are in the cache, their move. Features that are closed have no gradient; "lazy" passes by them.
//
// Features are cut into pieces by their number alone; each piece sums what y has of the gradient for itself, and the
// sums are added in order, so that threads change no bit.

#include <math.h>
#include <string.h>

#include "../core/parallel.h"
#include "../kernels/update.h"
#include "coarse.h"
#include "loops.h"
#include "sae.h"

enum { PIECES = 64 };

typedef struct learning {
    weir_sae *sae;
    float *const *gradients; ///< NULL: move
    size_t rows;
    weir__move move;
    float *scratch; ///< [lanes][2][inputs]
    float *sums;    ///< [PIECES][inputs] −Σ E_f·(Σ slope): what c has of the gradient by way of y
} learning;

static weir__move move_of(const weir_sae *sae) {
    const weir_sae_options *o = &sae->options;
    const double beta1 = (double)o->beta1, beta2 = (double)o->beta2, t = (double)(sae->steps + 1);
    return (weir__move){
        .rate = o->rate,
        .epsilon = o->epsilon,
        .past1 = o->beta1,
        .past2 = o->beta2,
        .new1 = (float)(1 - beta1),
        .new2 = (float)(1 - beta2),
        .correction1 = (float)(1 / (1 - pow(beta1, t))),
        .correction2 = (float)(1 / (1 - pow(beta2, t))),
    };
}

/// Moves some numbers of an array, or hands their gradient out. Returns Σ w² where it moves.
static float settle(const learning *l, weir__sae_array array, size_t first, size_t count, const float *gradient) {
    weir_sae *sae = l->sae;
    if (l->gradients) {
        float *out = l->gradients[array];
        if (out) memcpy(out + first, gradient, count * sizeof *out);
        return 0;
    }
    float *slots[] = {sae->mean[array] + first, sae->square[array] + first};
    return weir__adam.move(&l->move, count, sae->values[array] + first, gradient, slots);
}

/// What the pairs of a feature add up to.
typedef struct feature_sums {
    float slope, bias, side, scale;
    bool open, touched;
} feature_sums;

static void add_pairs(const learning *l, const weir__pairs *p, size_t feature, const float *errors, float *decoder,
                      float *encoder, feature_sums *sums) {
    const weir_sae *sae = l->sae;
    const size_t width = sae->inputs;
    if (!p->count) return;
    for (uint32_t at = p->by_feature[feature]; at < p->by_feature[feature + 1]; at++) {
        const size_t i = p->order[at], row = (size_t)p->row[i];
        weir__loop_add_both(decoder, p->value[i], errors + row * width, encoder, p->slope[i],
                            sae->centred + row * width, width);
        sums->slope += p->slope[i];
        sums->bias += p->bias_slope[i];
        sums->touched = true;
        if (p != &sae->open) continue;
        sums->open |= p->value[i] > 0;
        if (sae->form == WEIR__JUMPRELU) sums->side += p->side_slope[i];
        if (sae->form == WEIR__GATED) { // ∂m/∂r = exp(r)·E·y
            const float past_bias = sae->values[WEIR__SIDE][feature];
            sums->side += p->side_slope[i];
            if (p->value[i] > 0) sums->scale += p->side_slope[i] * (p->value[i] - past_bias);
        }
    }
}

static void move_rows(const learning *l, size_t f, float *decoder, float *encoder, const feature_sums *sums) {
    weir_sae *sae = l->sae;
    const size_t width = sae->inputs;
    float *row = sae->values[WEIR__DECODER] + f * width;
    const bool unit = sae->options.unit_norm && !l->gradients;
    if (sae->options.tied) weir__loop_add(decoder, 1, encoder, width);
    if (unit && sums->touched) weir__loop_add(decoder, -weir__loop_dot(decoder, row, width), row, width);
    const float squares = settle(l, WEIR__DECODER, f * width, width, decoder);
    if (unit && squares > 0) weir__loop_scale(row, 1 / sqrtf(squares), width);
    if (!sae->options.tied) settle(l, WEIR__ENCODER, f * width, width, encoder);
    settle(l, WEIR__ENCODER_BIAS, f, 1, &sums->bias);
    if (sae->form == WEIR__JUMPRELU || sae->form == WEIR__GATED) {
        settle(l, WEIR__SIDE, f, 1, &sums->side);
        float *side = &sae->values[WEIR__SIDE][f];
        if (sae->form == WEIR__JUMPRELU && !(*side >= 0)) *side = 0;
    }
    if (sae->form == WEIR__GATED) settle(l, WEIR__SCALE, f, 1, &sums->scale);
    if (!l->gradients && sae->coarse) weir__sae_coarse_update(sae, f);
}

static void learn_piece(const void *context, weir__piece piece) {
    const learning *l = context;
    weir_sae *sae = l->sae;
    const size_t width = sae->inputs;
    const weir__range features = weir__part(sae->features, piece.index, piece.count);
    float *decoder = l->scratch + 2 * piece.lane * width, *encoder = decoder + width;
    for (size_t f = features.first; f < features.last; f++) {
        feature_sums sums = {0};
        const bool has_pairs = (sae->open.count && sae->open.by_feature[f] < sae->open.by_feature[f + 1]) ||
                               (sae->dead.count && sae->dead.by_feature[f] < sae->dead.by_feature[f + 1]);
        if (!has_pairs && !sae->exact && !l->gradients) continue;
        memset(decoder, 0, 2 * width * sizeof *decoder);
        add_pairs(l, &sae->open, f, sae->errors, decoder, encoder, &sums);
        add_pairs(l, &sae->dead, f, sae->errors + l->rows * width, decoder, encoder, &sums);
        if (sums.touched)
            weir__loop_add(l->sums + piece.index * width, -sums.slope, weir__sae_encoder(sae) + f * width, width);
        if (sums.open && !l->gradients) sae->last[f] = sae->seen + l->rows;
        move_rows(l, f, decoder, encoder, &sums);
    }
}

/// c, which errors reach by x̂ and, where inputs are centred, by y.
static void learn_centre(const learning *l, float *gradient) {
    weir_sae *sae = l->sae;
    const size_t width = sae->inputs;
    memset(gradient, 0, width * sizeof *gradient);
    for (size_t r = 0; r < l->rows; r++) weir__loop_add(gradient, 1, sae->errors + r * width, width);
    for (size_t p = 0; p < PIECES && sae->options.centred; p++) weir__loop_add(gradient, 1, l->sums + p * width, width);
    settle(l, WEIR__DECODER_BIAS, 0, width, gradient);
}

weir_status weir__sae_features_backward(weir_sae *sae, float *const *gradients, size_t rows, weir_error *error) {
    weir_status status = WEIR_OK;
    learning l = {.sae = sae, .gradients = gradients, .rows = rows, .move = move_of(sae)};
    const size_t width = sae->inputs, lanes = (size_t)weir_threads();
    const double pairs = (double)(sae->open.count + sae->dead.count),
                 moved = sae->exact ? (double)sae->features : pairs;
    TRY(weir__new(&l.scratch, lanes * 2 * width, sizeof *l.scratch, "gradients", error));
    TRY(weir__new(&l.sums, PIECES * width, sizeof *l.sums, "gradients", error));
    if (sae->open.count) TRY(weir__pairs_transpose(&sae->open, sae->features, error));
    if (sae->dead.count) TRY(weir__pairs_transpose(&sae->dead, sae->features, error));
    const double work = 0.3 * (double)width * (pairs + moved);
    (weir__pieces_for(work) > 1 ? weir__parallel : weir__in_turn)(PIECES, learn_piece, &l);
    learn_centre(&l, l.scratch);
done:
    weir__free(l.scratch), weir__free(l.sums);
    return status;
}
