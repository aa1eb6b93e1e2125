// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A training step. All lists are made in one thread, in an order that follows from the rows alone; strips of weights,
// rows and pieces of products are then shared among threads, each strip and each row to one of them.

#include <math.h>
#include <string.h>

#include "../core/clones.h"
#include "../core/math.h"
#include "../core/parallel.h"
#include "../kernels/blas.h"
#include "extreme.h"

enum { sample_stream = 7003, product_pieces = 8, line = 16 };

/// An array that grows and need not keep what it has.
typedef struct room {
    void *data;
    size_t bytes;
} room;

static weir_status room_for(room *r, size_t count, size_t size, weir_error *error) {
    if (count * size <= r->bytes) return WEIR_OK;
    weir__free(r->data);
    *r = (room){0};
    const size_t bytes = count * size + count * size / 4;
    const weir_status status = weir__new(&r->data, bytes, 1, "a training step", error);
    if (status == WEIR_OK) r->bytes = bytes;
    return status;
}

/// A value of a column in a row of the batch, or a block that is open for a row because of its labels.
typedef struct column_use {
    uint32_t row;
    float value;
} column_use;

struct weir__extreme_scratch {
    uint32_t *column_slot, *block_slot; ///< of each column and block: where it stands in the lists; UINT32_MAX: nowhere
    room columns, column_begin, column_uses;   ///< touched columns, and their uses column by column
    room blocks, block_begin, block_rows;      ///< touched blocks (sampled ones first), and rows whose own they are
    room row_begin, row_blocks, row_pairs;     ///< own blocks of each row, by slot, and their places in block_rows
    room targets;                              ///< slots and places of labels, row by row
    room hidden, hidden_gradient;              ///< [rows][hidden]
    room shared, shared_gradient;              ///< sampled weights [sampled·block][hidden], biases behind them
    room scores, own_scores;                   ///< [rows][sampled·block]; [pairs][block]
    room losses;                               ///< [rows]
    room gradients;                            ///< a strip per lane
    room pasts;                                ///< of touched columns, then of touched blocks
};

void weir__extreme_scratch_free(weir__extreme_scratch *s) {
    if (!s) return;
    weir__free(s->column_slot);
    weir__free(s->block_slot);
    room *const rooms[] = {&s->columns,    &s->column_begin, &s->column_uses, &s->blocks,          &s->block_begin,
                           &s->block_rows, &s->row_begin,    &s->row_blocks,  &s->row_pairs,       &s->targets,
                           &s->hidden,     &s->shared,       &s->scores,      &s->hidden_gradient, &s->shared_gradient,
                           &s->own_scores, &s->losses,       &s->gradients,     &s->pasts};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) weir__free(rooms[i]->data);
    weir__free(s);
}

/// One step and its lists.
typedef struct step {
    weir_extreme *e;
    weir__extreme_scratch *s;
    const weir_sparse *rows;
    const uint32_t *index;
    size_t first, count;
    size_t labelled; ///< rows with labels
    size_t columns, blocks, sampled, pairs; ///< touched columns and blocks; the first `sampled` of these are sampled
    size_t hidden, block, shared;           ///< shared: sampled·block
    float chance;                           ///< of a block to be sampled
    const uint32_t *column, *column_begin, *open, *block_begin, *block_rows, *row_begin, *row_blocks, *row_pairs;
    const column_use *uses;
    float *h, *dh, *weights, *dweights, *scores, *own, *gradients;
    double *losses;
    weir__past *pasts;
} step;

static weir_sparse_row row_of(const step *t, size_t r) {
    return weir_sparse_row_at(t->rows, t->index ? t->index[r] : t->first + r);
}

static uint32_t block_of(const step *t, uint32_t label) { return t->e->place[label] / (uint32_t)t->block; }

// ---- lists ---------------------------------------------------------------------------------------------------------

static weir_status begin_scratch(weir_extreme *e, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!e->scratch) TRY(weir__new(&e->scratch, 1, sizeof *e->scratch, "a training step", error));
    weir__extreme_scratch *s = e->scratch;
    if (!s->column_slot) {
        TRY(weir__new(&s->column_slot, e->columns, sizeof *s->column_slot, "a training step", error));
        memset(s->column_slot, 0xff, e->columns * sizeof *s->column_slot);
    }
    if (!s->block_slot) {
        TRY(weir__new(&s->block_slot, e->blocks, sizeof *s->block_slot, "a training step", error));
        memset(s->block_slot, 0xff, e->blocks * sizeof *s->block_slot);
    }
done:
    return status;
}

static void forget(uint32_t *slots, const uint32_t *list, size_t count) {
    for (size_t i = 0; i < count; i++) slots[list[i]] = UINT32_MAX;
}

/// Touched columns in the order in which they occur, and where each is used.
static weir_status list_columns(step *t, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__extreme_scratch *s = t->s;
    size_t pairs = 0;
    for (size_t r = 0; r < t->count; r++) pairs += row_of(t, r).count;
    TRY(room_for(&s->columns, pairs, sizeof(uint32_t), error));
    TRY(room_for(&s->column_begin, pairs + 2, sizeof(uint32_t), error));
    TRY(room_for(&s->column_uses, pairs, sizeof(column_use), error));
    uint32_t *column = s->columns.data, *begin = s->column_begin.data;
    column_use *uses = s->column_uses.data;
    memset(begin, 0, (pairs + 2) * sizeof *begin);
    for (size_t r = 0; r < t->count; r++) {
        const weir_sparse_row row = row_of(t, r);
        for (size_t j = 0; j < row.count; j++) {
            uint32_t *slot = &s->column_slot[row.columns[j]];
            if (*slot == UINT32_MAX) {
                *slot = (uint32_t)t->columns;
                column[t->columns++] = row.columns[j];
            }
            begin[*slot + 2]++;
        }
    }
    for (size_t i = 0; i < t->columns; i++) begin[i + 2] += begin[i + 1];
    for (size_t r = 0; r < t->count; r++) {
        const weir_sparse_row row = row_of(t, r);
        for (size_t j = 0; j < row.count; j++)
            uses[begin[s->column_slot[row.columns[j]] + 1]++] = (column_use){(uint32_t)r, row.values[j]};
    }
    forget(s->column_slot, column, t->columns);
    t->column = column;
    t->column_begin = begin;
    t->uses = uses;
done:
    return status;
}

static void open_block(step *t, uint32_t *list, uint32_t block) {
    if (t->s->block_slot[block] != UINT32_MAX) return;
    t->s->block_slot[block] = (uint32_t)t->blocks;
    list[t->blocks++] = block;
}

/// Draws blocks without replacement (Floyd: Bentley and Floyd 1987), each with the same chance.
static void sample_blocks(step *t, uint32_t *list, size_t wanted) {
    const weir_extreme *e = t->e;
    const weir_noise noise = {.seed = e->o.seed, .stream = sample_stream, .step = (uint32_t)e->history.count};
    for (size_t j = e->blocks - wanted; j < e->blocks; j++) {
        const uint32_t drawn = weir_random_below(noise, 0, (uint32_t)(j - (e->blocks - wanted)), (uint32_t)j + 1);
        open_block(t, list, t->s->block_slot[drawn] == UINT32_MAX ? drawn : (uint32_t)j);
    }
    t->sampled = t->blocks;
    t->chance = (float)((double)wanted / (double)e->blocks);
}

/// Touched blocks: sampled ones, then those of labels; rows of each, and blocks of each row.
static weir_status list_blocks(step *t, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__extreme_scratch *s = t->s;
    const weir_extreme *e = t->e;
    size_t labels = 0;
    for (size_t r = 0; r < t->count; r++) {
        labels += row_of(t, r).label_count;
        t->labelled += row_of(t, r).label_count > 0;
    }
    const size_t wanted = (e->o.sampled + t->block - 1) / t->block, sampled = wanted < e->blocks ? wanted : e->blocks;
    TRY(room_for(&s->blocks, labels + sampled, sizeof(uint32_t), error));
    TRY(room_for(&s->block_begin, labels + sampled + 2, sizeof(uint32_t), error));
    TRY(room_for(&s->block_rows, labels, sizeof(uint32_t), error));
    TRY(room_for(&s->row_begin, t->count + 1, sizeof(uint32_t), error));
    TRY(room_for(&s->row_blocks, labels, sizeof(uint32_t), error));
    TRY(room_for(&s->row_pairs, labels, sizeof(uint32_t), error));
    uint32_t *open = s->blocks.data, *begin = s->block_begin.data, *block_rows = s->block_rows.data;
    uint32_t *row_begin = s->row_begin.data, *row_blocks = s->row_blocks.data, *row_pairs = s->row_pairs.data;
    memset(begin, 0, (labels + sampled + 2) * sizeof *begin);
    sample_blocks(t, open, sampled);
    row_begin[0] = 0;
    for (size_t r = 0; r < t->count; r++) {
        const weir_sparse_row row = row_of(t, r);
        const size_t from = t->pairs;
        for (size_t j = 0; j < row.label_count; j++) {
            open_block(t, open, block_of(t, row.labels[j]));
            const uint32_t slot = s->block_slot[block_of(t, row.labels[j])];
            size_t k = from;
            while (k < t->pairs && row_blocks[k] != slot) k++;
            if (k < t->pairs) continue; // two labels of one block
            row_blocks[t->pairs++] = slot;
            begin[slot + 2]++;
        }
        row_begin[r + 1] = (uint32_t)t->pairs;
    }
    for (size_t i = 0; i < t->blocks; i++) begin[i + 2] += begin[i + 1];
    for (size_t r = 0; r < t->count; r++) {
        for (size_t k = row_begin[r]; k < row_begin[r + 1]; k++) {
            row_pairs[k] = begin[row_blocks[k] + 1];
            block_rows[begin[row_blocks[k] + 1]++] = (uint32_t)r;
        }
    }
    t->open = open;
    t->block_begin = begin;
    t->block_rows = block_rows;
    t->row_begin = row_begin;
    t->row_blocks = row_blocks;
    t->row_pairs = row_pairs;
done:
    return status;
}

static weir_status take_rooms(step *t, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__extreme_scratch *s = t->s;
    t->shared = t->sampled * t->block;
    const size_t strip = t->e->output.length > t->hidden ? t->e->output.length : t->hidden;
    TRY(room_for(&s->hidden, t->count * t->hidden, sizeof(float), error));
    TRY(room_for(&s->hidden_gradient, t->count * t->hidden, sizeof(float), error));
    TRY(room_for(&s->shared, t->shared * (t->hidden + 1), sizeof(float), error));
    TRY(room_for(&s->shared_gradient, t->shared * (t->hidden + 1), sizeof(float), error));
    TRY(room_for(&s->scores, t->count * t->shared, sizeof(float), error));
    TRY(room_for(&s->own_scores, t->pairs * t->block, sizeof(float), error));
    TRY(room_for(&s->losses, t->count, sizeof(double), error));
    TRY(room_for(&s->gradients, (size_t)weir_threads() * strip, sizeof(float), error));
    TRY(room_for(&s->pasts, t->columns + t->blocks, sizeof(weir__past), error));
    t->pasts = s->pasts.data;
    t->h = s->hidden.data;
    t->dh = s->hidden_gradient.data;
    t->weights = s->shared.data;
    t->dweights = s->shared_gradient.data;
    t->scores = s->scores.data;
    t->own = s->own_scores.data;
    t->losses = s->losses.data;
    t->gradients = s->gradients.data;
done:
    return status;
}

// ---- forward -------------------------------------------------------------------------------------------------------

static void catch_up_columns(const void *context, weir__range columns) {
    const step *t = context;
    for (size_t i = columns.first; i < columns.last; i++) {
        if (i + 1 < columns.last) weir__strip_ask(&t->e->input, t->column[i + 1]);
        t->pasts[i] = weir__strip_catch_up_weights(t->e, &t->e->input, t->column[i]);
    }
}

static float *strip_of(const step *t, size_t slot) {
    return weir__strip(&t->e->output, t->open[slot]);
}

static void catch_up_blocks(const void *context, weir__range blocks) {
    const step *t = context;
    const size_t weights = t->block * t->hidden;
    for (size_t i = blocks.first; i < blocks.last; i++) {
        if (i + 1 < blocks.last) weir__strip_ask(&t->e->output, t->open[i + 1]);
        t->pasts[t->columns + i] = weir__strip_catch_up_weights(t->e, &t->e->output, t->open[i]);
        if (i >= t->sampled) continue;
        memcpy(t->weights + i * weights, strip_of(t, i), weights * sizeof(float));
        memcpy(t->weights + t->shared * t->hidden + i * t->block, strip_of(t, i) + weights, t->block * sizeof(float));
    }
}

/// A range of `count` for a piece, in whole lines of cache.
static weir__range piece_of(size_t count, weir__piece piece) {
    return weir__groups_of_part(count, line, piece.index, piece.count);
}

static void shared_scores(const void *context, weir__piece piece) {
    const step *t = context;
    const weir__range own = piece_of(t->shared, piece);
    if (own.first >= own.last) return;
    const weir__factor h = {t->h, t->hidden, false}, w = {t->weights + own.first * t->hidden, t->hidden, true};
    const float *bias = t->weights + t->shared * t->hidden;
    for (size_t r = 0; r < t->count; r++)
        memcpy(t->scores + r * t->shared + own.first, bias + own.first, (own.last - own.first) * sizeof(float));
    weir__blas_product(t->count, own.last - own.first, t->hidden, 1, &h, &w, 1, t->scores + own.first, t->shared);
}

WEIR__CLONES static float dot(const float *restrict a, const float *restrict b, size_t count) {
    float lanes[line] = {0};
    size_t i = 0;
    for (; i + line <= count; i += line) {
        for (size_t k = 0; k < line; k++) lanes[k] += a[i + k] * b[i + k];
    }
    for (size_t k = 0; i + k < count; k++) lanes[k] += a[i + k] * b[i + k];
    for (size_t half = line / 2; half; half /= 2) {
        for (size_t k = 0; k < half; k++) lanes[k] += lanes[k + half];
    }
    return lanes[0];
}

WEIR__CLONES static void add(float *restrict sum, const float *restrict values, float factor, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += factor * values[i];
}

/// Scores of blocks that are some row's own and are not sampled.
static void own_scores(const void *context, weir__range blocks) {
    const step *t = context;
    for (size_t i = t->sampled + blocks.first; i < t->sampled + blocks.last; i++) {
        const float *w = strip_of(t, i), *bias = w + t->block * t->hidden;
        for (size_t p = t->block_begin[i]; p < t->block_begin[i + 1]; p++) {
            for (size_t c = 0; c < t->block; c++)
                t->own[p * t->block + c] =
                    bias[c] + dot(t->h + t->block_rows[p] * t->hidden, w + c * t->hidden, t->hidden);
        }
    }
}

// ---- the loss ------------------------------------------------------------------------------------------------------

/// Scores of the classes of own block k of row r.
static float *scores_of(const step *t, size_t r, size_t k) {
    const size_t slot = t->row_blocks[k];
    return slot < t->sampled ? t->scores + r * t->shared + slot * t->block : t->own + t->row_pairs[k] * t->block;
}

WEIR__CLONES static float greatest(float most, const float *scores, size_t count) {
#pragma omp simd reduction(max : most)
    for (size_t c = 0; c < count; c++) most = scores[c] > most ? scores[c] : most;
    return most;
}

/// Turns scores into weight·e^(score − most); returns their sum.
WEIR__CLONES static float exponentials(float *restrict scores, size_t count, float most, float weight) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t c = 0; c < count; c++) {
        scores[c] = weight * weir__exp(scores[c] - most);
        sum += scores[c];
    }
    return sum;
}

WEIR__CLONES static void multiply(float *values, size_t count, float factor) {
    for (size_t c = 0; c < count; c++) values[c] *= factor;
}

/// The sum of a block that is the row's own and sampled goes in once, with weight 1.
static double take_back(float *scores, size_t count, float chance) {
    double sum = 0;
    for (size_t c = 0; c < count; c++) {
        sum += (double)(scores[c] * (1 - chance));
        scores[c] *= chance;
    }
    return sum;
}

/// The loss of a row; its scores become their gradients.
static double row_loss(const step *t, size_t r) {
    const weir_sparse_row row = row_of(t, r);
    float *shared = t->scores + r * t->shared;
    if (!row.label_count) {
        memset(shared, 0, t->shared * sizeof *shared);
        return 0;
    }
    double mean = 0, sum = 0;
    float most = -INFINITY;
    for (size_t j = 0; j < row.label_count; j++) {
        const uint32_t place = t->e->place[row.labels[j]], slot = t->s->block_slot[place / t->block];
        size_t k = t->row_begin[r];
        while (t->row_blocks[k] != slot) k++;
        mean += (double)scores_of(t, r, k)[place % t->block];
    }
    mean /= (double)row.label_count;
    most = greatest(most, shared, t->shared);
    for (size_t k = t->row_begin[r]; k < t->row_begin[r + 1]; k++) most = greatest(most, scores_of(t, r, k), t->block);
    sum += (double)exponentials(shared, t->shared, most, 1 / t->chance);
    for (size_t k = t->row_begin[r]; k < t->row_begin[r + 1]; k++) {
        if (t->row_blocks[k] < t->sampled) {
            sum -= take_back(scores_of(t, r, k), t->block, t->chance);
        } else {
            sum += (double)exponentials(scores_of(t, r, k), t->block, most, 1);
        }
    }
    const double scale = 1 / (sum * (double)t->labelled);
    multiply(shared, t->shared, (float)scale);
    for (size_t k = t->row_begin[r]; k < t->row_begin[r + 1]; k++) {
        if (t->row_blocks[k] >= t->sampled) multiply(scores_of(t, r, k), t->block, (float)scale);
    }
    for (size_t j = 0; j < row.label_count; j++) {
        const uint32_t place = t->e->place[row.labels[j]], slot = t->s->block_slot[place / t->block];
        size_t k = t->row_begin[r];
        while (t->row_blocks[k] != slot) k++;
        scores_of(t, r, k)[place % t->block] -= (float)(1 / ((double)row.label_count * (double)t->labelled));
    }
    return (double)most + log(sum) - mean;
}

static void losses(const void *context, weir__range rows) {
    const step *t = context;
    for (size_t r = rows.first; r < rows.last; r++) t->losses[r] = row_loss(t, r);
}

// ---- backward ------------------------------------------------------------------------------------------------------

/// The gradient of the hidden outputs of some rows, 0 where a rectifier is closed.
static void hidden_gradients(const void *context, weir__piece piece) {
    const step *t = context;
    const weir__range rows = piece_of(t->count, piece);
    if (rows.first >= rows.last) return;
    const weir__factor d = {t->scores + rows.first * t->shared, t->shared, false}, w = {t->weights, t->hidden, false};
    float *dh = t->dh + rows.first * t->hidden;
    memset(dh, 0, (rows.last - rows.first) * t->hidden * sizeof *dh);
    if (t->shared)
        weir__blas_product(rows.last - rows.first, t->hidden, t->shared, 1, &d, &w, 0, dh, t->hidden);
    for (size_t r = rows.first; r < rows.last; r++) {
        float *row = t->dh + r * t->hidden;
        for (size_t k = t->row_begin[r]; k < t->row_begin[r + 1]; k++) {
            const size_t slot = t->row_blocks[k];
            if (slot < t->sampled) continue;
            const float *own = t->own + t->row_pairs[k] * t->block, *weights = strip_of(t, slot);
            for (size_t c = 0; c < t->block; c++) add(row, weights + c * t->hidden, own[c], t->hidden);
        }
        for (size_t i = 0; i < t->hidden; i++) row[i] = t->h[r * t->hidden + i] > 0 ? row[i] : 0;
    }
}

/// Moves a strip by its gradient at the step that has begun.
static void move_strip(const step *t, weir__strips *strips, size_t s, weir__past past, const float *gradient) {
    float *w = weir__strip(strips, s);
    weir__history_move(&t->e->history, past.mean, past.square, strips->length, w, gradient, w + strips->length,
                       w + 2 * strips->length);
    strips->upto[s] = (uint32_t)t->e->history.count;
}

/// Where a step ends behind its forward pass: the averages of what it caught up.
static void age_strip(weir__strips *strips, size_t s, weir__past past) {
    float *averages = weir__strip(strips, s) + strips->length;
    multiply(averages, strips->length, past.mean);
    multiply(averages + strips->length, strips->length, past.square);
}

static void settle(const step *t) {
    for (size_t i = 0; i < t->columns; i++) age_strip(&t->e->input, t->column[i], t->pasts[i]);
    for (size_t i = 0; i < t->blocks; i++) age_strip(&t->e->output, t->open[i], t->pasts[t->columns + i]);
}

static void shared_gradients(const void *context, weir__piece piece) {
    const step *t = context;
    const weir__range own = piece_of(t->shared, piece);
    if (own.first >= own.last) return;
    const weir__factor d = {t->scores + own.first, t->shared, true}, h = {t->h, t->hidden, false};
    weir__blas_product(own.last - own.first, t->hidden, t->count, 1, &d, &h, 0, t->dweights + own.first * t->hidden,
                       t->hidden);
    float *bias = t->dweights + t->shared * t->hidden;
    memset(bias + own.first, 0, (own.last - own.first) * sizeof *bias);
    for (size_t r = 0; r < t->count; r++)
        add(bias + own.first, t->scores + r * t->shared + own.first, 1, own.last - own.first);
}

static void move_blocks(const void *context, weir__piece piece) {
    const step *t = context;
    const weir__range blocks = weir__part(t->blocks, piece.index, piece.count);
    const size_t weights = t->block * t->hidden;
    float *g = t->gradients + piece.lane * t->e->output.length;
    for (size_t i = blocks.first; i < blocks.last; i++) {
        if (i + 1 < blocks.last) weir__strip_ask(&t->e->output, t->open[i + 1]);
        if (i < t->sampled) {
            memcpy(g, t->dweights + i * weights, weights * sizeof *g);
            memcpy(g + weights, t->dweights + t->shared * t->hidden + i * t->block, t->block * sizeof *g);
        } else {
            memset(g, 0, t->e->output.length * sizeof *g);
            for (size_t p = t->block_begin[i]; p < t->block_begin[i + 1]; p++) {
                const float *d = t->own + p * t->block;
                for (size_t c = 0; c < t->block; c++)
                    add(g + c * t->hidden, t->h + t->block_rows[p] * t->hidden, d[c], t->hidden);
                add(g + weights, d, 1, t->block);
            }
        }
        move_strip(t, &t->e->output, t->open[i], t->pasts[t->columns + i], g);
    }
}

static void move_columns(const void *context, weir__piece piece) {
    const step *t = context;
    const weir__range columns = weir__part(t->columns, piece.index, piece.count);
    float *g = t->gradients + piece.lane * t->hidden;
    for (size_t i = columns.first; i < columns.last; i++) {
        if (i + 1 < columns.last) weir__strip_ask(&t->e->input, t->column[i + 1]);
        memset(g, 0, t->hidden * sizeof *g);
        for (size_t u = t->column_begin[i]; u < t->column_begin[i + 1]; u++)
            add(g, t->dh + t->uses[u].row * t->hidden, t->uses[u].value, t->hidden);
        move_strip(t, &t->e->input, t->column[i], t->pasts[i], g);
    }
}

static void move_bias(const step *t) {
    float *g = t->gradients;
    memset(g, 0, t->hidden * sizeof *g);
    for (size_t r = 0; r < t->count; r++) add(g, t->dh + r * t->hidden, 1, t->hidden);
    move_strip(t, &t->e->bias, 0, (weir__past){1, 1}, g);
}

static void run_pieces(double work, weir__piece_function *function, const step *t) {
    (weir__pieces_for(work) > 1 ? weir__parallel : weir__in_turn)(product_pieces, function, t);
}

static weir_status forward(step *t, double *loss, weir_error *error) {
    const weir_extreme *e = t->e;
    const double adam = 2 * (double)t->hidden; // nanoseconds per strip of so many weights, most of them from memory
    weir__parallel_ranges(t->columns, adam, catch_up_columns, t);
    weir__parallel_ranges(t->blocks, adam * (double)t->block, catch_up_blocks, t);
    weir__extreme_hidden(e, t->rows, t->index, t->first, t->count, t->h);
    if (t->shared)
        run_pieces(0.03 * (double)t->count * (double)t->shared * (double)t->hidden, shared_scores, t);
    weir__parallel_ranges(t->blocks - t->sampled, 0.1 * (double)t->block * (double)t->hidden, own_scores, t);
    weir__parallel_ranges(t->count, 4 * (double)(t->shared + t->block), losses, t);
    double sum = 0;
    for (size_t r = 0; r < t->count; r++) sum += t->losses[r];
    *loss = t->labelled ? sum / (double)t->labelled : 0;
    if (isfinite(*loss)) return WEIR_OK;
    settle(t);
    return weir__fail(error, WEIR_DIVERGED, "step %zu: the loss is %g; a smaller rate may help", e->history.count + 1,
                      *loss);
}

static weir_status move(step *t, weir_error *error) {
    const weir_status status = weir__history_push(&t->e->history, t->e->o.rate, error);
    if (status != WEIR_OK) {
        settle(t);
        return status;
    }
    const double products = 0.03 * (double)t->count * (double)t->shared * (double)t->hidden;
    run_pieces(products + (double)(t->pairs * t->block * t->hidden), hidden_gradients, t);
    if (t->shared) run_pieces(products, shared_gradients, t);
    run_pieces((double)(t->blocks * t->block * t->hidden), move_blocks, t);
    run_pieces((double)(t->columns * t->hidden), move_columns, t);
    move_bias(t);
    return WEIR_OK;
}

weir_status weir_extreme_train(weir_extreme *e, const weir_sparse *rows, const uint32_t *index, size_t first,
                               size_t count, weir_extreme_step *done, weir_error *error) {
    weir_status status = WEIR_OK;
    step t = {.e = e, .rows = rows, .index = index, .first = first, .count = count};
    double loss = 0;
    t.hidden = e->o.hidden;
    t.block = e->o.block;
    TRY(weir__extreme_fits(e, rows, index ? 0 : first, index ? 0 : count, error));
    for (size_t i = 0; index && i < count; i++)
        TRY_THAT(index[i] < weir_sparse_shape_of(rows).rows, WEIR_ARGUMENT, "row %u of %zu", index[i],
                 weir_sparse_shape_of(rows).rows);
    TRY_THAT(count, WEIR_ARGUMENT, "a step without rows");
    TRY_THAT(e->history.count < UINT32_MAX - 1, WEIR_ARGUMENT, "too many steps");
    TRY(begin_scratch(e, error));
    t.s = e->scratch;
    TRY(list_columns(&t, error));
    status = list_blocks(&t, error);
    if (status == WEIR_OK) status = take_rooms(&t, error);
    if (status == WEIR_OK) status = forward(&t, &loss, error);
    if (status == WEIR_OK) status = move(&t, error);
    if (t.open) forget(t.s->block_slot, t.open, t.blocks);
    if (status == WEIR_OK && done) {
        size_t extra = 0;
        for (size_t p = 0; p < t.pairs; p++) extra += t.row_blocks[p] >= t.sampled;
        *done = (weir_extreme_step){.loss = loss,
                                    .touched_columns = t.columns,
                                    .touched_blocks = t.blocks,
                                    .open = (double)t.shared + (double)(extra * t.block) / (double)count};
    }
done:
    return status;
}
