// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Scores of all features by whole numbers of 8 bits, and the k greatest of them all the same.
//
// Ê_f = b_f·e_f and ŷ = a·q, with whole numbers e, q from −127 to 127, give ŝ = Ê_f·ŷ + bias by exact sums of products
// of bytes. By Cauchy and Schwarz |s − ŝ| ≤ ‖E_f − Ê_f‖·‖y‖ + ‖Ê_f‖·‖y − ŷ‖, all of which is known; what sums of floats
// round is added to it. Let L be the k-th greatest of the lower bounds of a row: what has an upper bound below L is not
// among the k greatest. The few that are left are computed in fp32. So the gater here proposes a superset: its recall
// is 1, and what varies is how many it proposes.
//
// Products take a processor with sums of bytes (AVX-512 VNNI); elsewhere scores are found in fp32.

#include "coarse.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "../core/parallel.h"
#include "../kernels/blas.h"
#include "best.h"
#include "loops.h"
#include "sae.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAS_BYTES 1
#else
#define HAS_BYTES 0
#endif

enum { LANES = 16, QUAD = 4, TILE_ROWS = 128, TILE_FEATURES = 256, CANDIDATES = 1024 };

typedef struct weir__sae_coarse weir__sae_coarse;
struct weir__sae_coarse {
    size_t quads, groups; ///< of inputs, four each; of features, LANES each
    uint8_t *features;    ///< [groups][quads][LANES][QUAD] e + 128
    float *scale;         ///< [features] b
    float *off, *norm;    ///< [features] ‖E − Ê‖, ‖Ê‖
    float *slack;         ///< [features] what rounding of the bias may do
    bool stale;           ///< E may have been changed from outside
};

void weir__sae_coarse_free(weir__sae_coarse *c) {
    if (!c) return;
    weir__free(c->features), weir__free(c->scale), weir__free(c->off), weir__free(c->norm), weir__free(c->slack);
    weir__free(c);
}

void weir__sae_coarse_stale(weir_sae *sae) {
    if (sae->coarse) sae->coarse->stale = true;
}

bool weir__sae_coarse_works(void) {
#if HAS_BYTES
    return weir_isa_current() >= WEIR_ISA_AVX512 && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

// ---- rounding ------------------------------------------------------------------------------------------------------

/// What is summed over a row, LANES columns side by side, so that it has one order on every instruction set.
typedef struct row_sums {
    float greatest[LANES], off[LANES], held[LANES];
    int32_t whole[LANES];
} row_sums;

WEIR__INLINE void round_some(row_sums *sums, int8_t *restrict whole, const float *restrict values, size_t count,
                             float unit, float inverse) {
    const float magic = 0x1.8p23f; // adding it rounds to a whole number
    for (size_t k = 0; k < count; k++) {
        const float rounded = (values[k] * inverse + magic) - magic;
        const float held = rounded < -127 ? -127 : rounded > 127 ? 127 : rounded, left = values[k] - unit * held;
        whole[k] = (int8_t)held;
        sums->whole[k] += (int32_t)held;
        sums->off[k] += left * left;
        sums->held[k] += unit * held * (unit * held);
    }
}

/// whole [width] = values / scale, rounded; gives ‖values − scale·whole‖ and ‖scale·whole‖, and Σ whole.
WEIR__CLONES static void round_row(int8_t *restrict whole, const float *restrict values, size_t width, float *scale,
                                   float *off, float *norm, int32_t *sum) {
    row_sums sums = {{0}, {0}, {0}, {0}};
    size_t j = 0;
    for (; j + LANES <= width; j += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            const float size = fabsf(values[j + k]);
            sums.greatest[k] = size > sums.greatest[k] ? size : sums.greatest[k];
        }
    }
    for (size_t k = 0; j + k < width; k++) sums.greatest[k] = fmaxf(sums.greatest[k], fabsf(values[j + k]));
    float greatest = 0, off_squares = 0, squares = 0;
    for (size_t k = 0; k < LANES; k++) greatest = sums.greatest[k] > greatest ? sums.greatest[k] : greatest;
    const float unit = greatest > 0 ? greatest / 127 : 1, inverse = 1 / unit;
    for (j = 0; j + LANES <= width; j += LANES) round_some(&sums, whole + j, values + j, LANES, unit, inverse);
    round_some(&sums, whole + j, values + j, width - j, unit, inverse);
    *sum = 0;
    for (size_t k = 0; k < LANES; k++) off_squares += sums.off[k], squares += sums.held[k], *sum += sums.whole[k];
    *scale = unit;
    *off = sqrtf(off_squares) * 1.0001f, *norm = sqrtf(squares) * 1.0001f;
}

void weir__sae_coarse_update(weir_sae *sae, size_t f) {
    weir__sae_coarse *c = sae->coarse;
    enum { SOME = 512 };
    const size_t width = sae->inputs;
    int8_t few[SOME];
    int8_t *whole = width <= SOME ? few : (int8_t *)weir__alloc(width, 1);
    int32_t sum;
    if (!whole) { // found out by the next search, which rounds all anew
        c->stale = true;
        return;
    }
    round_row(whole, weir__sae_encoder(sae) + f * width, width, &c->scale[f], &c->off[f], &c->norm[f], &sum);
    uint8_t *to = c->features + (f / LANES * c->quads * LANES + f % LANES) * QUAD;
    for (size_t j = 0; j < width; j++) to[j / QUAD * LANES * QUAD + j % QUAD] = (uint8_t)(whole[j] + 128);
    if (whole != few) weir__free(whole);
}

static void update_range(const void *context, weir__range features) {
    weir_sae *sae = *(weir_sae *const *)context;
    for (size_t f = features.first; f < features.last; f++) weir__sae_coarse_update(sae, f);
}

static weir_status make_coarse(weir_sae *sae, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__sae_coarse *c = NULL;
    TRY(weir__new(&c, 1, sizeof *c, "whole weights", error));
    c->quads = (sae->inputs + QUAD - 1) / QUAD, c->groups = (sae->features + LANES - 1) / LANES;
    TRY(weir__new(&c->features, c->groups * c->quads * LANES, QUAD, "whole weights", error));
    TRY(weir__new(&c->scale, sae->features, sizeof *c->scale, "whole weights", error));
    TRY(weir__new(&c->off, sae->features, sizeof *c->off, "whole weights", error));
    TRY(weir__new(&c->norm, sae->features, sizeof *c->norm, "whole weights", error));
    TRY(weir__new(&c->slack, sae->features, sizeof *c->slack, "whole weights", error));
    c->stale = true;
    sae->coarse = c, c = NULL;
done:
    weir__sae_coarse_free(c);
    return status;
}

// ---- products of bytes ---------------------------------------------------------------------------------------------

#if HAS_BYTES
enum { ROWS_AT_ONCE = 6, GROUPS_AT_ONCE = 4 };

// Sums stay in registers only where their loops are unrolled, whatever the optimisation level.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE_VNNI static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define VNNI        static __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

/// dots [rows][TILE_FEATURES] of `rows` rows of quads and `groups` groups of features; both are constants where called.
INLINE_VNNI void multiply_some(int32_t *dots, const int8_t *rows, const uint8_t *features, size_t quads,
                               const int count, const int groups) {
    __m512i sums[ROWS_AT_ONCE][GROUPS_AT_ONCE];
    UNROLL
    for (int r = 0; r < count; r++) {
        UNROLL
        for (int g = 0; g < groups; g++) sums[r][g] = _mm512_setzero_si512();
    }
    for (size_t q = 0; q < quads; q++) {
        __m512i e[GROUPS_AT_ONCE];
        UNROLL
        for (int g = 0; g < groups; g++) e[g] = _mm512_loadu_si512(features + ((size_t)g * quads + q) * LANES * QUAD);
        UNROLL
        for (int r = 0; r < count; r++) {
            int32_t four;
            memcpy(&four, rows + ((size_t)r * quads + q) * QUAD, sizeof four);
            const __m512i y = _mm512_set1_epi32(four);
            UNROLL
            for (int g = 0; g < groups; g++) sums[r][g] = _mm512_dpbusd_epi32(sums[r][g], e[g], y);
        }
    }
    UNROLL
    for (int r = 0; r < count; r++) {
        UNROLL
        for (int g = 0; g < groups; g++)
            _mm512_storeu_si512(dots + (size_t)r * TILE_FEATURES + (size_t)g * LANES, sums[r][g]);
    }
}

VNNI void multiply_bytes(int32_t *dots, const int8_t *rows, size_t count, const uint8_t *features, size_t groups,
                         size_t quads) {
    for (size_t g = 0; g < groups;) {
        const size_t some = groups - g < GROUPS_AT_ONCE ? 1 : GROUPS_AT_ONCE;
        const uint8_t *from = features + g * quads * LANES * QUAD;
        for (size_t r = 0; r < count;) {
            const size_t few = count - r < ROWS_AT_ONCE ? 1 : ROWS_AT_ONCE;
            int32_t *to = dots + r * TILE_FEATURES + g * LANES;
            const int8_t *at = rows + r * quads * QUAD;
            if (some == GROUPS_AT_ONCE && few == ROWS_AT_ONCE) {
                multiply_some(to, at, from, quads, ROWS_AT_ONCE, GROUPS_AT_ONCE);
            } else if (some == GROUPS_AT_ONCE) {
                multiply_some(to, at, from, quads, 1, GROUPS_AT_ONCE);
            } else if (few == ROWS_AT_ONCE) {
                multiply_some(to, at, from, quads, ROWS_AT_ONCE, 1);
            } else {
                multiply_some(to, at, from, quads, 1, 1);
            }
            r += few;
        }
        g += some;
    }
}
#else
static void multiply_bytes(int32_t *dots, const int8_t *rows, size_t count, const uint8_t *features, size_t groups,
                           size_t quads) { // never called: weir__sae_coarse_works
    (void)dots, (void)rows, (void)count, (void)features, (void)groups, (void)quads;
}
#endif

// ---- bounds --------------------------------------------------------------------------------------------------------

/// What is known of a row of y.
typedef struct row_facts {
    float scale, norm, off; ///< a; ‖y‖, ‖y − ŷ‖, as they enter the bound, the latter with what sums of floats round
    int32_t sum;            ///< Σ q
} row_facts;

/// Upper bounds and lower bounds of some scores, and where the upper one reaches the floor.
WEIR__CLONES static size_t bound_scores(uint16_t *restrict hits, float *restrict upper, float *restrict lower,
                                        const int32_t *restrict dots, const float *restrict scale,
                                        const float *restrict bias, const float *restrict off,
                                        const float *restrict norm, const float *restrict slack, size_t count,
                                        const row_facts *row, float floor) {
    const int32_t past = 128 * row->sum;
    const float a = row->scale, size = row->norm, lost = row->off;
    enum { GROUP = 64 };
    size_t found = 0;
    for (size_t from = 0; from < count; from += GROUP) {
        const size_t to = from + GROUP < count ? from + GROUP : count;
        int any = 0;
        for (size_t f = from; f < to; f++) {
            const float score = a * scale[f] * (float)(dots[f] - past) + bias[f];
            const float error = off[f] * size + norm[f] * lost + slack[f];
            upper[f] = score + error, lower[f] = score - error;
            any |= upper[f] >= floor;
        }
        if (!any) continue;
        for (size_t f = from; f < to; f++) {
            hits[found] = (uint16_t)f;
            found += upper[f] >= floor;
        }
    }
    return found;
}

// ---- the search ----------------------------------------------------------------------------------------------------

typedef struct lane {
    int32_t *dots;        ///< [TILE_ROWS][TILE_FEATURES]
    int8_t *whole;        ///< [TILE_ROWS][quads][QUAD]
    uint64_t *keys;       ///< of the following
    weir__best *lower;    ///< [TILE_ROWS] the k greatest lower bounds
    uint64_t *candidates; ///< [TILE_ROWS][CANDIDATES] upper bounds
    size_t *counts;       ///< [TILE_ROWS]
    bool *overflows;      ///< [TILE_ROWS] there were more
    weir__best exact;     ///< of one row
    int32_t *feature;     ///< [CANDIDATES]
    float *score;         ///< [CANDIDATES]
    uint64_t proposed;
    float *tile;      ///< [TILE_ROWS][TILE_FEATURES] of scores in fp32
    float *dead_rows; ///< [TILE_FEATURES][inputs]
    weir__best *dead; ///< [TILE_ROWS]
    uint64_t *dead_keys;
} lane;

typedef struct search {
    const weir_sae *sae;
    size_t rows, k, dead_k, lane_count, room;
    lane *lanes;
    uint64_t *keys, *dead_keys;
    uint32_t *counts, *dead_counts;
} search;

/// Leaves out the candidates below the floor.
static void sift(lane *l, size_t r) {
    uint64_t *candidates = l->candidates + r * CANDIDATES;
    size_t kept = 0;
    weir__best_settle(&l->lower[r]);
    const float floor = l->lower[r].floor;
    for (size_t i = 0; i < l->counts[r]; i++) {
        if (weir__key_value(candidates[i]) >= floor) candidates[kept++] = candidates[i];
    }
    l->counts[r] = kept;
}

static void propose(const search *s, lane *l, size_t r, const row_facts *row, size_t first, size_t count) {
    const weir_sae *sae = s->sae;
    const weir__sae_coarse *c = sae->coarse;
    uint16_t hits[TILE_FEATURES];
    float upper[TILE_FEATURES], lower[TILE_FEATURES];
    const size_t found = bound_scores(hits, upper, lower, l->dots + r * TILE_FEATURES, c->scale + first,
                                      sae->values[WEIR__ENCODER_BIAS] + first, c->off + first, c->norm + first,
                                      c->slack + first, count, row, l->lower[r].floor);
    if (l->overflows[r]) return;
    for (size_t h = 0; h < found; h++) {
        weir__best_add(&l->lower[r], lower[hits[h]], (uint32_t)(first + hits[h]));
        if (l->counts[r] == CANDIDATES) sift(l, r);
        if (l->counts[r] == CANDIDATES) {
            l->overflows[r] = true;
            return;
        }
        l->candidates[r * CANDIDATES + l->counts[r]++] = weir__key_of(upper[hits[h]], (uint32_t)(first + hits[h]));
    }
}

/// Scores of the candidates [count] in fp32.
static void score(const search *s, lane *l, size_t row, const uint64_t *candidates, size_t count) {
    const weir_sae *sae = s->sae;
    for (size_t i = 0; i < count; i++) l->feature[i] = (int32_t)weir__key_index(candidates[i]);
    weir__loop_dots(l->score, sae->centred + row * sae->inputs, weir__sae_encoder(sae), sae->inputs, l->feature, count);
    for (size_t i = 0; i < count; i++)
        weir__best_add(&l->exact, l->score[i] + sae->values[WEIR__ENCODER_BIAS][l->feature[i]],
                       (uint32_t)l->feature[i]);
    l->proposed += count;
}

/// The k greatest of a row: first of the k with the greatest upper bounds, then of those that may be greater than
/// these.
static void decide(const search *s, lane *l, size_t r, size_t row) {
    uint64_t *candidates = l->candidates + r * CANDIDATES;
    l->exact.count = 0, l->exact.least = 0, l->exact.floor = FLT_TRUE_MIN;
    if (l->overflows[r]) {
        for (size_t first = 0; first < s->sae->features; first += CANDIDATES) {
            const size_t count = s->sae->features - first < CANDIDATES ? s->sae->features - first : CANDIDATES;
            for (size_t i = 0; i < count; i++) candidates[i] = weir__key_of(0, (uint32_t)(first + i));
            score(s, l, row, candidates, count);
        }
    } else {
        sift(l, r);
        const size_t count = l->counts[r], some = count < s->k ? count : s->k;
        if (some < count) weir__keys_select(candidates, count, some);
        score(s, l, row, candidates, some);
        weir__best_settle(&l->exact);
        size_t left = some;
        for (size_t i = some; i < count; i++) {
            if (weir__key_value(candidates[i]) >= l->exact.floor) candidates[left++] = candidates[i];
        }
        score(s, l, row, candidates + some, left - some);
    }
    weir__best_settle(&l->exact);
    s->counts[row] = (uint32_t)l->exact.count;
    if (l->exact.count) memcpy(s->keys + row * s->k, l->exact.keys, l->exact.count * sizeof *s->keys);
}

/// The greatest scores of dead features, whose rows of E are brought together.
static void search_dead(const search *s, lane *l, size_t row, size_t rows) {
    const weir_sae *sae = s->sae;
    const size_t width = sae->inputs;
    for (size_t r = 0; r < rows; r++) l->dead[r].count = 0, l->dead[r].least = 0, l->dead[r].floor = -INFINITY;
    for (size_t first = 0; first < sae->dead_count; first += TILE_FEATURES) {
        const size_t count = sae->dead_count - first < TILE_FEATURES ? sae->dead_count - first : TILE_FEATURES;
        const uint32_t *feature = sae->dead_feature + first;
        for (size_t d = 0; d < count; d++)
            memcpy(l->dead_rows + d * width, weir__sae_encoder(sae) + feature[d] * width, width * sizeof(float));
        weir__blas_product(rows, count, width, 1, &(weir__factor){sae->centred + row * width, width, false},
                           &(weir__factor){l->dead_rows, width, true}, 0, l->tile, TILE_FEATURES);
        for (size_t r = 0; r < rows; r++) {
            for (size_t d = 0; d < count; d++)
                weir__best_add(&l->dead[r],
                               l->tile[r * TILE_FEATURES + d] + sae->values[WEIR__ENCODER_BIAS][feature[d]],
                               feature[d]);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        weir__best_settle(&l->dead[r]);
        s->dead_counts[row + r] = (uint32_t)l->dead[r].count;
        memcpy(s->dead_keys + (row + r) * s->dead_k, l->dead[r].keys, l->dead[r].count * sizeof *s->dead_keys);
    }
}

static bool too_many(const lane *l, size_t rows) {
    size_t overflows = 0;
    for (size_t r = 0; r < rows; r++) overflows += l->overflows[r];
    return overflows > rows / 8;
}

/// Where bounds are too wide to tell features apart: all scores of these rows in fp32, as scores.c has them.
static void search_plainly(const search *s, lane *l, size_t row, size_t rows) {
    const weir_sae *sae = s->sae;
    const size_t width = sae->inputs;
    const float *bias = sae->values[WEIR__ENCODER_BIAS];
    float *tile = l->tile;
    uint16_t hits[TILE_FEATURES];
    for (size_t r = 0; r < rows; r++) l->lower[r].count = 0, l->lower[r].least = 0, l->lower[r].floor = FLT_TRUE_MIN;
    for (size_t first = 0; first < sae->features; first += TILE_FEATURES) {
        const size_t count = sae->features - first < TILE_FEATURES ? sae->features - first : TILE_FEATURES;
        weir__blas_product(rows, count, width, 1, &(weir__factor){sae->centred + row * width, width, false},
                           &(weir__factor){weir__sae_encoder(sae) + first * width, width, true}, 0, tile,
                           TILE_FEATURES);
        for (size_t r = 0; r < rows; r++) {
            const float *scores = tile + r * TILE_FEATURES;
            const size_t found = weir__loop_hits(hits, scores, bias + first, count, l->lower[r].floor);
            for (size_t h = 0; h < found; h++)
                weir__best_add(&l->lower[r], scores[hits[h]] + bias[first + hits[h]], (uint32_t)(first + hits[h]));
        }
    }
    for (size_t r = 0; r < rows; r++) {
        weir__best_settle(&l->lower[r]);
        s->counts[row + r] = (uint32_t)l->lower[r].count;
        memcpy(s->keys + (row + r) * s->k, l->lower[r].keys, l->lower[r].count * sizeof *s->keys);
    }
    l->proposed += rows * sae->features;
}

static void search_piece(const void *context, weir__piece piece) {
    const search *s = context;
    const weir_sae *sae = s->sae;
    const weir__sae_coarse *c = sae->coarse;
    lane *l = &s->lanes[piece.lane];
    row_facts facts[TILE_ROWS];
    const size_t row = piece.index * TILE_ROWS, rows = s->rows - row < TILE_ROWS ? s->rows - row : TILE_ROWS;
    const size_t width = sae->inputs;
    // Cauchy and Schwarz; or six deviations of errors that are independent of what they are multiplied by.
    const float factor = sae->likely && width > 36 ? 6 / sqrtf((float)width) : 1;
    const float rounding = ((float)width + 16) * FLT_EPSILON; // of a sum of `width` products, relative to the norms
    for (size_t r = 0; r < rows; r++) {
        const float *y = sae->centred + (row + r) * width;
        float off, norm;
        int8_t *whole = l->whole + r * c->quads * QUAD;
        memset(whole, 0, c->quads * QUAD);
        round_row(whole, y, width, &facts[r].scale, &off, &norm, &facts[r].sum);
        const float size = (norm + off) * 1.0001f;
        facts[r].norm = size * factor;
        facts[r].off = off * factor + rounding * size;
        l->lower[r].count = 0, l->lower[r].least = 0, l->lower[r].floor = FLT_TRUE_MIN;
        l->counts[r] = 0, l->overflows[r] = false;
    }
    bool plainly = false;
    for (size_t first = 0; first < sae->features && !plainly; first += TILE_FEATURES) {
        const size_t count = sae->features - first < TILE_FEATURES ? sae->features - first : TILE_FEATURES;
        const size_t group = first / LANES, groups = (count + LANES - 1) / LANES;
        multiply_bytes(l->dots, l->whole, rows, c->features + group * c->quads * LANES * QUAD, groups, c->quads);
        for (size_t r = 0; r < rows; r++) propose(s, l, r, &facts[r], first, count);
        plainly = too_many(l, rows);
    }
    if (plainly) search_plainly(s, l, row, rows);
    for (size_t r = 0; r < rows && !plainly; r++) decide(s, l, r, row + r);
    if (s->dead_k) search_dead(s, l, row, rows);
}

static void free_search(search *s) {
    for (size_t i = 0; s->lanes && i < s->lane_count; i++) {
        lane *l = &s->lanes[i];
        weir__free(l->dots), weir__free(l->whole), weir__free(l->lower), weir__free(l->keys), weir__free(l->candidates);
        weir__free(l->counts), weir__free(l->overflows), weir__free(l->exact.keys), weir__free(l->feature);
        weir__free(l->score), weir__free(l->dead_rows), weir__free(l->tile), weir__free(l->dead);
        weir__free(l->dead_keys);
    }
    weir__free(s->lanes), weir__free(s->keys), weir__free(s->counts), weir__free(s->dead_keys),
        weir__free(s->dead_counts);
}

static weir_status make_lane(const search *s, lane *l, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *what = "proposed features";
    const size_t room = 4 * s->k < 128 ? 128 : 4 * s->k;
    TRY(weir__new(&l->dots, (size_t)TILE_ROWS * TILE_FEATURES, sizeof *l->dots, what, error));
    TRY(weir__new(&l->whole, TILE_ROWS * s->sae->coarse->quads, QUAD, what, error));
    TRY(weir__bests_make(&l->lower, &l->keys, TILE_ROWS, s->k, error));
    TRY(weir__new(&l->candidates, (size_t)TILE_ROWS * CANDIDATES, sizeof *l->candidates, what, error));
    TRY(weir__new(&l->counts, TILE_ROWS, sizeof *l->counts, what, error));
    TRY(weir__new(&l->overflows, TILE_ROWS, sizeof *l->overflows, what, error));
    TRY(weir__new(&l->exact.keys, room, sizeof *l->exact.keys, what, error));
    l->exact.room = room, l->exact.k = s->k;
    TRY(weir__new(&l->feature, CANDIDATES, sizeof *l->feature, what, error));
    TRY(weir__new(&l->score, CANDIDATES, sizeof *l->score, what, error));
    TRY(weir__new(&l->tile, (size_t)TILE_ROWS * TILE_FEATURES, sizeof *l->tile, what, error));
    if (s->dead_k) {
        TRY(weir__new(&l->dead_rows, TILE_FEATURES * s->sae->inputs, sizeof *l->dead_rows, what, error));
        TRY(weir__bests_make(&l->dead, &l->dead_keys, TILE_ROWS, s->dead_k, error));
    }
done:
    return status;
}

weir_status weir__sae_coarse_find(weir_sae *sae, size_t rows, size_t dead_k, weir_error *error) {
    weir_status status = WEIR_OK;
    search s = {.sae = sae, .rows = rows, .k = sae->options.k, .dead_k = dead_k, .lane_count = (size_t)weir_threads()};
    if (!sae->coarse) TRY(make_coarse(sae, error));
    if (sae->coarse->stale) {
        sae->coarse->stale = false;
        weir__parallel_ranges(sae->features, 1.0 * (double)sae->inputs, update_range, &sae);
        TRY_THAT(!sae->coarse->stale, WEIR_MEMORY, "out of memory: whole weights");
    }
    for (size_t f = 0; f < sae->features; f++)
        sae->coarse->slack[f] = 0x1p-20f * fabsf(sae->values[WEIR__ENCODER_BIAS][f]);
    TRY(weir__new(&s.lanes, s.lane_count, sizeof *s.lanes, "the threads of a search", error));
    for (size_t i = 0; i < s.lane_count; i++) TRY(make_lane(&s, &s.lanes[i], error));
    TRY(weir__new(&s.keys, rows * s.k, sizeof *s.keys, "the best features", error));
    TRY(weir__new(&s.counts, rows, sizeof *s.counts, "the best features", error));
    if (dead_k) {
        TRY(weir__new(&s.dead_keys, rows * dead_k, sizeof *s.dead_keys, "dead features", error));
        TRY(weir__new(&s.dead_counts, rows, sizeof *s.dead_counts, "dead features", error));
    }
    const double work = 0.005 * (double)rows * (double)sae->features * (double)sae->inputs;
    const size_t blocks = (rows + TILE_ROWS - 1) / TILE_ROWS;
    (weir__pieces_for(work) > 1 ? weir__parallel : weir__in_turn)(blocks, search_piece, &s);
    uint64_t proposed = 0;
    for (size_t i = 0; i < s.lane_count; i++) proposed += s.lanes[i].proposed;
    sae->proposed = (double)proposed / (double)rows;
    TRY(weir__pairs_of_keys(&sae->open, rows, 1, s.k, s.keys, s.counts, error));
    if (dead_k) TRY(weir__pairs_of_keys(&sae->dead, rows, 1, dead_k, s.dead_keys, s.dead_counts, error));
done:
    free_search(&s);
    return status;
}
