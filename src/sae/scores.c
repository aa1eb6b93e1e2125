// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The scores of all features, s = E·y + b, tile by tile: what may be open is kept, the tile is forgotten. No array of
// rows × features ever exists. Tiles follow from the shapes alone, and what is kept of them has a total order, so that
// neither threads nor the cut of the work change a bit.

#include <float.h>
#include <math.h>

#include "../core/parallel.h"
#include "../kernels/blas.h"
#include "best.h"
#include "coarse.h"
#include "loops.h"
#include "sae.h"

enum { TILE_ROWS = 256, TILE_FEATURES = 256 };

/// How pairs are kept.
typedef enum keeping {
    BY_ROW,   ///< the k greatest of a row
    BY_BATCH, ///< the k·rows greatest
    ALL       ///< all at the floor or above it
} keeping;

/// What a thread needs, and finds.
typedef struct lane {
    float *tile;                ///< [TILE_ROWS][TILE_FEATURES]
    weir__best *best, *dead;    ///< [TILE_ROWS]; best of BY_BATCH: [1]
    uint64_t *keys, *dead_keys; ///< of these
    uint64_t *places;           ///< of ALL: row·2³² + feature
    float *scores;              ///< of ALL
    size_t count, room;
    bool failed;
} lane;

typedef struct search {
    const weir_sae *sae;
    keeping keeping;
    size_t rows, k, blocks, segments, chunks;
    float floor;
    lane *lanes;
    size_t lane_count;
    // Of BY_ROW and of dead features: what each segment keeps of a row, keys [rows][segments][k].
    uint64_t *keys, *dead_keys;
    uint32_t *counts, *dead_counts; ///< [rows][segments]
    size_t dead_k;
} search;

static bool grow(lane *l) {
    const size_t room = l->room ? 2 * l->room : 4096;
    uint64_t *places = weir__alloc(room, sizeof *places);
    float *scores = weir__alloc(room, sizeof *scores);
    if (!places || !scores) {
        weir__free(places), weir__free(scores);
        return false;
    }
    if (l->count)
        memcpy(places, l->places, l->count * sizeof *places), memcpy(scores, l->scores, l->count * sizeof *scores);
    weir__free(l->places), weir__free(l->scores);
    l->places = places, l->scores = scores, l->room = room;
    return true;
}

static void keep_all(lane *l, size_t row, const uint16_t *hits, size_t count, const float *scores, const float *bias,
                     size_t first) {
    for (size_t h = 0; h < count && !l->failed; h++) {
        if (l->count == l->room && !grow(l)) {
            l->failed = true;
            return;
        }
        l->places[l->count] = (uint64_t)row << 32 | (first + hits[h]);
        l->scores[l->count++] = scores[hits[h]] + bias[first + hits[h]];
    }
}

/// The dead features of a tile, [first, last) of the list.
static size_t first_dead_from(const weir_sae *sae, size_t feature) {
    size_t low = 0, high = sae->dead_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (sae->dead_feature[middle] < feature) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void keep_dead(const search *s, lane *l, size_t rows, size_t first, size_t count) {
    const weir_sae *sae = s->sae;
    const size_t from = first_dead_from(sae, first), to = first_dead_from(sae, first + count);
    for (size_t r = 0; r < rows; r++) {
        const float *scores = l->tile + r * TILE_FEATURES;
        for (size_t d = from; d < to; d++) {
            const uint32_t feature = sae->dead_feature[d];
            weir__best_add(&l->dead[r], scores[feature - first] + sae->values[WEIR__ENCODER_BIAS][feature], feature);
        }
    }
}

static void keep_tile(const search *s, lane *l, size_t row, size_t rows, size_t first, size_t count) {
    const weir_sae *sae = s->sae;
    uint16_t hits[TILE_FEATURES];
    for (size_t r = 0; r < rows; r++) {
        const float *scores = l->tile + r * TILE_FEATURES;
        weir__best *best = s->keeping == BY_BATCH ? l->best : s->keeping == BY_ROW ? &l->best[r] : NULL;
        const size_t found = weir__loop_hits(hits, scores, sae->offset + first, count, best ? best->floor : s->floor);
        if (!best) {
            keep_all(l, row + r, hits, found, scores, sae->values[WEIR__ENCODER_BIAS], first);
            continue;
        }
        const size_t base = s->keeping == BY_BATCH ? (row + r) * sae->features + first : first;
        for (size_t h = 0; h < found; h++)
            weir__best_add(best, scores[hits[h]] + sae->offset[first + hits[h]], (uint32_t)(base + hits[h]));
    }
    if (s->dead_k) keep_dead(s, l, rows, first, count);
}

static void begin_rows(weir__best *best, float floor) {
    for (size_t r = 0; r < TILE_ROWS; r++) best[r].count = 0, best[r].least = 0, best[r].floor = floor;
}

static void hand_over(const search *s, uint64_t *keys, uint32_t *counts, weir__best *best, size_t row, size_t rows,
                      size_t segment) {
    for (size_t r = 0; r < rows; r++) {
        const size_t at = (row + r) * s->segments + segment;
        weir__best_settle(&best[r]);
        counts[at] = (uint32_t)best[r].count;
        if (best[r].count) memcpy(keys + at * best[r].k, best[r].keys, best[r].count * sizeof *keys);
    }
}

static void search_piece(const void *context, weir__piece piece) {
    const search *s = context;
    const weir_sae *sae = s->sae;
    lane *l = &s->lanes[piece.lane];
    const size_t block = piece.index / s->segments, segment = piece.index % s->segments, width = sae->inputs;
    const size_t row = block * TILE_ROWS, rows = s->rows - row < TILE_ROWS ? s->rows - row : TILE_ROWS;
    const weir__range chunks = weir__part(s->chunks, segment, s->segments);
    if (s->keeping == BY_ROW) begin_rows(l->best, s->floor);
    if (s->dead_k) begin_rows(l->dead, -INFINITY);
    for (size_t c = chunks.first; c < chunks.last; c++) {
        const size_t first = c * TILE_FEATURES;
        const size_t count = sae->features - first < TILE_FEATURES ? sae->features - first : TILE_FEATURES;
        const weir__factor y = {sae->centred + row * width, width, false};
        const weir__factor e = {weir__sae_encoder(sae) + first * width, width, true};
        weir__blas_product(rows, count, width, 1, &y, &e, 0, l->tile, TILE_FEATURES);
        keep_tile(s, l, row, rows, first, count);
    }
    if (s->keeping == BY_ROW) hand_over(s, s->keys, s->counts, l->best, row, rows, segment);
    if (s->dead_k) hand_over(s, s->dead_keys, s->dead_counts, l->dead, row, rows, segment);
}

// ---- memory --------------------------------------------------------------------------------------------------------

static void free_search(search *s) {
    for (size_t i = 0; s->lanes && i < s->lane_count; i++) {
        lane *l = &s->lanes[i];
        weir__free(l->tile), weir__free(l->best), weir__free(l->keys), weir__free(l->places), weir__free(l->scores);
        weir__free(l->dead), weir__free(l->dead_keys);
    }
    weir__free(s->lanes), weir__free(s->keys), weir__free(s->counts), weir__free(s->dead_keys),
        weir__free(s->dead_counts);
}

static weir_status make_search(search *s, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t threads = (size_t)weir_threads();
    s->chunks = (s->sae->features + TILE_FEATURES - 1) / TILE_FEATURES;
    s->blocks = (s->rows + TILE_ROWS - 1) / TILE_ROWS;
    s->segments = s->blocks >= 2 * threads ? 1 : (2 * threads + s->blocks - 1) / s->blocks;
    if (s->segments > s->chunks) s->segments = s->chunks;
    s->lane_count = threads;
    TRY(weir__new(&s->lanes, threads, sizeof *s->lanes, "the threads of a search", error));
    for (size_t i = 0; i < threads; i++) {
        lane *l = &s->lanes[i];
        TRY(weir__new(&l->tile, (size_t)TILE_ROWS * TILE_FEATURES, sizeof *l->tile, "a tile of scores", error));
        if (s->keeping == BY_ROW) TRY(weir__bests_make(&l->best, &l->keys, TILE_ROWS, s->k, error));
        if (s->keeping == BY_BATCH) {
            TRY(weir__bests_make(&l->best, &l->keys, 1, s->k, error));
            l->best->floor = s->floor;
        }
        if (s->dead_k) TRY(weir__bests_make(&l->dead, &l->dead_keys, TILE_ROWS, s->dead_k, error));
    }
    if (s->keeping == BY_ROW) {
        TRY(weir__new(&s->keys, s->segments * s->rows * s->k, sizeof *s->keys, "the best features", error));
        TRY(weir__new(&s->counts, s->segments * s->rows, sizeof *s->counts, "the best features", error));
    }
    if (s->dead_k) {
        TRY(weir__new(&s->dead_keys, s->segments * s->rows * s->dead_k, sizeof *s->dead_keys, "dead features", error));
        TRY(weir__new(&s->dead_counts, s->segments * s->rows, sizeof *s->dead_counts, "dead features", error));
    }
done:
    return status;
}

// ---- what was kept ------------------------------------------------------------------------------------------------

/// One list of what all threads found.
static weir_status gather(search *s, lane *all, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__best best = {.k = s->k};
    size_t count = 0;
    for (size_t i = 0; i < s->lane_count; i++) {
        TRY_THAT(!s->lanes[i].failed, WEIR_MEMORY, "out of memory: the open pairs of a batch");
        if (s->keeping == BY_BATCH) weir__best_settle(s->lanes[i].best);
        count += s->keeping == BY_BATCH ? s->lanes[i].best->count : s->lanes[i].count;
    }
    TRY(weir__new(&all->places, count, sizeof *all->places, "open pairs", error));
    TRY(weir__new(&all->scores, count, sizeof *all->scores, "open pairs", error));
    for (size_t i = 0; i < s->lane_count; i++) {
        const lane *l = &s->lanes[i];
        if (s->keeping == BY_BATCH) {
            if (l->best->count) memcpy(all->places + best.count, l->best->keys, l->best->count * sizeof *all->places);
            best.count += l->best->count;
        } else if (l->count) {
            memcpy(all->places + all->count, l->places, l->count * sizeof *all->places);
            memcpy(all->scores + all->count, l->scores, l->count * sizeof *all->scores);
            all->count += l->count;
        }
    }
    if (s->keeping == BY_BATCH) {
        best.keys = all->places;
        weir__best_settle(&best);
        for (size_t i = 0; i < best.count; i++) {
            const uint32_t index = weir__key_index(best.keys[i]), features = (uint32_t)s->sae->features;
            all->scores[i] = weir__key_value(best.keys[i]);
            all->places[i] = (uint64_t)(index / features) << 32 | index % features;
        }
        all->count = best.count;
    }
done:
    return status;
}

// ---- the call ------------------------------------------------------------------------------------------------------

typedef struct centring {
    weir_sae *sae;
    const float *x;
} centring;

static void centre_rows(const void *context, weir__range rows) {
    const centring *c = context;
    const size_t width = c->sae->inputs;
    const float *bias = c->sae->options.centred ? c->sae->values[WEIR__DECODER_BIAS] : NULL;
    for (size_t r = rows.first; r < rows.last; r++)
        weir__loop_subtract(c->sae->centred + r * width, c->x + r * width, bias, width);
}

/// How far below its threshold a score may be and take part; a little more, so that rounding here loses none.
static void set_offsets(weir_sae *sae, weir__sae_purpose purpose, double common) {
    const float *bias = sae->values[WEIR__ENCODER_BIAS], *side = sae->values[WEIR__SIDE];
    const float near = purpose == WEIR__TO_LEARN ? sae->options.bandwidth / 2 : 0;
    for (size_t f = 0; f < sae->features; f++) {
        float least = 0; // above which a score counts
        if (sae->form == WEIR__JUMPRELU) least = side[f] - near;
        if (sae->form == WEIR__BATCH_TOPK && !isnan(common)) least = (float)common;
        sae->offset[f] = bias[f] - least;
        if (least != 0) sae->offset[f] += 1e-6f * (fabsf(bias[f]) + fabsf(least));
    }
}

weir_status weir__sae_find(weir_sae *sae, const float *x, size_t rows, weir__sae_purpose purpose, weir_error *error) {
    weir_status status = WEIR_OK;
    lane all = {0};
    const bool learns = purpose == WEIR__TO_LEARN;
    const double common = learns ? (double)NAN : weir__sae_threshold(sae);
    search s = {.sae = sae, .rows = rows, .k = sae->options.k, .floor = FLT_TRUE_MIN};
    sae->proposed = 0;
    if (sae->form == WEIR__JUMPRELU || sae->form == WEIR__GATED || (sae->form == WEIR__BATCH_TOPK && !isnan(common))) {
        s.keeping = ALL, s.floor = 0;
    } else if (sae->form == WEIR__BATCH_TOPK && learns) {
        s.keeping = BY_BATCH, s.k *= rows;
        TRY_THAT(rows <= UINT32_MAX / sae->features, WEIR_SHAPE,
                 "%zu rows of %zu features; batch-topk takes fewer than 2^32 scores", rows, sae->features);
    }
    s.dead_k = learns && sae->dead_count ? (sae->dead_k < sae->dead_count ? sae->dead_k : sae->dead_count) : 0;
    TRY(weir__sae_reserve(sae, rows, error));
    weir__parallel_ranges(rows, 0.2 * (double)sae->inputs, centre_rows, &(centring){sae, x});
    set_offsets(sae, purpose, common);
    if (sae->int8 && weir__sae_coarse_works()) {
        TRY(weir__sae_coarse_find(sae, rows, s.dead_k, error));
        if (!s.dead_k) TRY(weir__pairs_reserve(&sae->dead, rows, 0, error));
        goto done;
    }
    TRY(make_search(&s, error));
    const double work = 0.02 * (double)rows * (double)sae->features * (double)sae->inputs;
    (weir__pieces_for(work) > 1 ? weir__parallel : weir__in_turn)(s.blocks * s.segments, search_piece, &s);
    if (s.keeping == BY_ROW) {
        TRY(weir__pairs_of_keys(&sae->open, rows, s.segments, s.k, s.keys, s.counts, error));
    } else {
        TRY(gather(&s, &all, error));
        TRY(weir__pairs_of_places(&sae->open, rows, all.places, all.scores, all.count, error));
    }
    if (s.dead_k) {
        TRY(weir__pairs_of_keys(&sae->dead, rows, s.segments, s.dead_k, s.dead_keys, s.dead_counts, error));
    } else {
        TRY(weir__pairs_reserve(&sae->dead, rows, 0, error));
    }
done:
    weir__free(all.places), weir__free(all.scores);
    free_search(&s);
    return status;
}
