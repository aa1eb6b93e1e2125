// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// One copier for every pair of forms: a run is what lies together in both orders, a row of a tile.

#include "matrix.h"

#include <string.h>

#include "../core/parallel.h"

// ---- copies --------------------------------------------------------------------------------------------------------

/// A form to be read.
typedef struct source {
    const float *values;
    const uint16_t *upper, *lower;
} source;

static source source_of(const weir__form *form) {
    return (source){form->values, form->halves.upper, form->halves.lower};
}

static void copy_run(const weir__form *to, size_t at, const source *from, size_t from_at, size_t count) {
    if (to->values && from->values) {
        memcpy(to->values + at, from->values + from_at, count * sizeof *to->values);
    } else if (to->values) {
        weir__halves_join(count, to->values + at, from->upper + from_at, from->lower + from_at);
    } else if (from->values) {
        const weir__halves halves = weir__halves_at(&to->halves, at);
        weir__halves_split(count, &halves, from->values + from_at);
    } else {
        memcpy(to->halves.upper + at, from->upper + from_at, count * sizeof *to->halves.upper);
        if (to->halves.lower) {
            memcpy(to->halves.lower + at, from->lower + from_at, count * sizeof *to->halves.lower);
        }
    }
}

/// A copy of a whole matrix.
typedef struct copying {
    const weir__tiling *tiling;
    const weir__form *to;
    const source *from;
    bool to_tiles;
} copying;

static void copy_in_order(const void *context, weir__range numbers) {
    const copying *c = context;
    copy_run(c->to, numbers.first, c->from, numbers.first, numbers.last - numbers.first);
}

/// Rows from tiles to plain order, or back.
static void copy_across(const void *context, weir__range rows) {
    const copying *c = context;
    const weir__tiling *t = c->tiling;
    for (size_t r = rows.first; r < rows.last; r++) {
        for (size_t column = 0; column < t->columns; column += t->block_columns) {
            const size_t tile = weir__tiling_at(t, r, column), plain = r * t->columns + column;
            copy_run(c->to, c->to_tiles ? tile : plain, c->from, c->to_tiles ? plain : tile,
                     weir__tiling_width(t, column));
        }
    }
}

static void copy(const weir__tiling *t, const weir__form *to, weir__layout to_layout, const source *from,
                 weir__layout from_layout) {
    const copying c = {t, to, from, to_layout == WEIR__TILES};
    if (to_layout == from_layout || weir__tiling_is_plain(t)) {
        weir__parallel_ranges(weir__tiling_count(t), 0.25, copy_in_order, &c);
    } else {
        weir__parallel_ranges(t->rows, 0.25 * (double)t->columns, copy_across, &c);
    }
}

void weir__tiling_unpack(const weir__tiling *tiling, float *plain, const float *tiles) {
    const weir__form to = {.values = plain};
    const source from = {.values = tiles};
    copy(tiling, &to, WEIR__PLAIN, &from, WEIR__TILES);
}

void weir__tiling_pack(const weir__tiling *tiling, float *tiles, const float *plain) {
    const weir__form to = {.values = tiles};
    const source from = {.values = plain};
    copy(tiling, &to, WEIR__TILES, &from, WEIR__PLAIN);
}

// ---- forms ---------------------------------------------------------------------------------------------------------

static bool is_there(const weir__form *form) { return form->values || form->halves.upper; }

/// Whether the floats can be made from it.
static bool is_whole(const weir__form *form) { return form->values || form->halves.lower; }

static void free_form(weir__form *form) {
    if (!form->borrowed) {
        weir__free(form->values);
        weir__halves_free(&form->halves);
    }
    *form = (weir__form){0};
}

static weir_status new_form(weir__form *form, const weir__matrix *m, weir_precision precision, bool learns,
                            const char *what, weir_error *error) {
    const size_t count = weir__tiling_count(&m->tiling);
    *form = (weir__form){0};
    if (precision == WEIR_BFLOAT16) return weir__halves_new(&form->halves, count, learns, what, error);
    return weir__new(&form->values, count, sizeof *form->values, what, error);
}

/// The layout that a form is kept in.
static weir__layout kept(const weir__matrix *m, weir__layout layout) {
    return weir__tiling_is_plain(&m->tiling) ? WEIR__TILES : layout;
}

/// Makes a form current, from one of its own precision if it can be.
static void refresh(weir__matrix *m, weir_precision precision, weir__layout layout) {
    weir__form *form = &m->forms[precision][layout];
    for (unsigned k = 1; k < 4 && !form->current; k++) {
        const unsigned other = k / 2 ? 1 - precision : precision, across = k % 2 ? 1 - layout : layout;
        const weir__form *from = &m->forms[other][across];
        if (!from->current || (is_whole(form) && !is_whole(from))) continue;
        const source old = source_of(from);
        copy(&m->tiling, form, layout, &old, (weir__layout)across);
        form->current = true;
    }
}

static void make_others_stale(weir__matrix *m, weir__form *form) {
    for (size_t p = 0; p <= WEIR_BFLOAT16; p++) {
        for (size_t l = 0; l < WEIR__LAYOUTS; l++) m->forms[p][l].current = &m->forms[p][l] == form;
    }
}

/// A form of the products' precision, made if need be; whole: one that can be moved.
static weir_status want(weir__matrix *m, weir__layout layout, bool whole, weir__form **form, weir_error *error) {
    weir__form *found = &m->forms[m->precision][kept(m, layout)];
    if (!is_there(found) || (whole && !is_whole(found))) {
        weir__form made;
        const weir_status status = new_form(&made, m, m->precision, whole, "a second copy of a layer's weights", error);
        if (status != WEIR_OK) return status;
        free_form(found);
        *found = made;
    }
    refresh(m, m->precision, kept(m, layout));
    *form = found;
    return WEIR_OK;
}

// ---- matrices ------------------------------------------------------------------------------------------------------

weir_status weir__matrix_init(weir__matrix *matrix, const weir__tiling *tiling, weir_precision precision,
                              const char *what, weir_error *error) {
    weir__form *form = &matrix->forms[precision][WEIR__TILES];
    *matrix = (weir__matrix){.tiling = *tiling, .precision = precision};
    const weir_status status = new_form(form, matrix, precision, true, what, error);
    form->current = true;
    if (status != WEIR_OK) *matrix = (weir__matrix){0};
    return status;
}

void weir__matrix_wrap(weir__matrix *matrix, const weir__tiling *tiling, float *tiles) {
    *matrix = (weir__matrix){.tiling = *tiling};
    matrix->forms[WEIR_FLOAT32][WEIR__TILES] = (weir__form){.values = tiles, .current = true, .borrowed = true};
}

void weir__matrix_wrap_halves(weir__matrix *matrix, const weir__tiling *tiling, weir__halves tiles) {
    *matrix = (weir__matrix){.tiling = *tiling, .precision = WEIR_BFLOAT16};
    matrix->forms[WEIR_BFLOAT16][WEIR__TILES] = (weir__form){.halves = tiles, .current = true, .borrowed = true};
}

void weir__matrix_free(weir__matrix *matrix) {
    for (size_t p = 0; p <= WEIR_BFLOAT16; p++) {
        for (size_t l = 0; l < WEIR__LAYOUTS; l++) free_form(&matrix->forms[p][l]);
    }
    *matrix = (weir__matrix){0};
}

weir_status weir__matrix_precision_use(weir__matrix *matrix, weir_precision precision, bool learns, weir_error *error) {
    weir__form *halves = matrix->forms[WEIR_BFLOAT16], *plain = &matrix->forms[WEIR_FLOAT32][WEIR__PLAIN];
    weir_status status = WEIR_OK;
    if (precision == matrix->precision) return status;
    (void)weir__matrix_values(matrix);
    if (precision == WEIR_BFLOAT16) {
        status = new_form(halves, matrix, precision, learns, "weights in bf16", error);
        if (status == WEIR_OK) free_form(plain);
    } else {
        for (size_t l = 0; l < WEIR__LAYOUTS; l++) free_form(&halves[l]);
    }
    if (status == WEIR_OK) matrix->precision = precision;
    return status;
}

const float *weir__matrix_values(weir__matrix *matrix) {
    refresh(matrix, WEIR_FLOAT32, WEIR__TILES);
    return matrix->forms[WEIR_FLOAT32][WEIR__TILES].values;
}

float *weir__matrix_edit(weir__matrix *matrix) {
    weir__form *floats = &matrix->forms[WEIR_FLOAT32][WEIR__TILES];
    refresh(matrix, WEIR_FLOAT32, WEIR__TILES);
    make_others_stale(matrix, floats);
    return floats->values;
}

weir_status weir__matrix_read(weir__matrix *matrix, weir__weights *weights, weir__layout layout, weir_error *error) {
    weir__form *form = NULL;
    const weir_status status = want(matrix, layout, false, &form, error);
    if (status == WEIR_OK) *weights = (weir__weights){form->values, form->halves.upper};
    return status;
}

weir_status weir__matrix_move(weir__matrix *matrix, weir__form *form, weir__layout layout, weir_error *error) {
    weir__form *own = NULL;
    const weir_status status = want(matrix, layout, true, &own, error);
    if (status != WEIR_OK) return status;
    make_others_stale(matrix, own);
    *form = *own;
    return status;
}

void weir__matrix_set(weir__matrix *matrix, const float *plain) {
    weir__form *floats = &matrix->forms[WEIR_FLOAT32][WEIR__TILES];
    weir__form *form = is_there(floats) ? floats : &matrix->forms[WEIR_BFLOAT16][WEIR__TILES];
    const source from = {.values = plain};
    copy(&matrix->tiling, form, WEIR__TILES, &from, WEIR__PLAIN);
    make_others_stale(matrix, form);
}

void weir__matrix_get(const weir__matrix *matrix, float *plain) {
    const weir__form to = {.values = plain}, *from = NULL;
    weir__layout layout = WEIR__TILES;
    for (size_t k = 0; k < 4 && !from; k++) {
        const weir__form *form = &matrix->forms[k / 2][k % 2];
        if (!form->current || !is_whole(form)) continue;
        from = form;
        layout = (weir__layout)(k % 2);
    }
    if (!from) return; // never: one form is whole and current
    const source old = source_of(from);
    copy(&matrix->tiling, &to, WEIR__PLAIN, &old, layout);
}
