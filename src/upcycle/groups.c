// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Units in groups of one size by what they do together: spherical k-means whose clusters are filled, not chosen freely.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/upcycle.h>

#include "../core/core.h"
#include "../core/parallel.h"
#include "../kernels/blas.h"

enum { rounds_most = 12 };
static const uint16_t grouping_stream = 0xfffd;

// A unit and a group, and how near they are.
typedef struct near {
    float cosine;
    uint32_t unit, group;
} near;

typedef struct grouping {
    size_t rows, units, groups, block;
    float *columns;   // [units][rows] of length 1, or 0
    float *centres;   // [groups][rows] sums of the members' columns, scaled to length 1
    float *cosines;   // [units][groups]
    near *pairs;      // [units·groups]
    uint32_t *group;  // [units]
    uint32_t *best;   // [units] of the best round
    size_t *members;  // [groups]
} grouping;

static void release(grouping *g) {
    weir__free(g->columns);
    weir__free(g->centres);
    weir__free(g->cosines);
    weir__free(g->pairs);
    weir__free(g->group);
    weir__free(g->best);
    weir__free(g->members);
}

static size_t size_of(const grouping *g, size_t group) {
    const size_t first = group * g->block;
    return g->units - first < g->block ? g->units - first : g->block;
}

static double scale_to_one(float *v, size_t count) {
    double square = 0;
    for (size_t i = 0; i < count; i++) square += (double)v[i] * (double)v[i];
    const float factor = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (size_t i = 0; i < count; i++) v[i] *= factor;
    return sqrt(square);
}

static weir_status take_columns(grouping *g, const float *activity, weir_error *error) {
    for (size_t u = 0; u < g->units; u++) {
        float *column = g->columns + u * g->rows;
        for (size_t r = 0; r < g->rows; r++) {
            column[r] = activity[r * g->units + u];
            if (!isfinite(column[r]))
                return weir__fail(error, WEIR_DATA, "the activity of unit %zu on row %zu is %g", u, r, (double)column[r]);
        }
        (void)scale_to_one(column, g->rows);
    }
    return WEIR_OK;
}

// Cosines of all units with the first `groups` centres.
typedef struct product {
    const grouping *g;
    size_t groups;
} product;

static void multiply(const void *context, weir__range own) {
    const product *p = context;
    const grouping *g = p->g;
    const weir__factor units = {g->columns + own.first * g->rows, g->rows, false};
    const weir__factor centres = {g->centres, g->rows, true};
    weir__blas_product(own.last - own.first, p->groups, g->rows, 1, &units, &centres, 0, g->cosines + own.first * g->groups,
                       g->groups);
}

// Nearest first; equal ones by their numbers, so that the order is the same everywhere.
static int by_nearness(const void *left, const void *right) {
    const near *a = left, *b = right;
    if (a->cosine != b->cosine) return a->cosine > b->cosine ? -1 : 1;
    if (a->unit != b->unit) return a->unit < b->unit ? -1 : 1;
    return a->group < b->group ? -1 : a->group > b->group;
}

// The first groups: each is a unit, drawn among those that are left, with the nearest of the others.
static void begin_groups(grouping *g, uint64_t seed) {
    uint32_t *drawn = g->best;
    weir_random_permutation(drawn, (weir_noise){.seed = seed, .stream = grouping_stream}, g->units);
    memset(g->group, 0xff, g->units * sizeof *g->group);
    size_t next = 0;
    for (size_t j = 0; j < g->groups; j++) {
        while (g->group[drawn[next]] != UINT32_MAX) next++;
        const float *centre = g->columns + (size_t)drawn[next] * g->rows;
        size_t found = 0;
        for (size_t u = 0; u < g->units; u++) {
            float cosine = 2; // the unit itself comes first
            if (g->group[u] != UINT32_MAX) continue;
            if (u != drawn[next]) {
                cosine = 0;
                for (size_t r = 0; r < g->rows; r++) cosine += centre[r] * g->columns[u * g->rows + r];
            }
            g->pairs[found++] = (near){cosine, (uint32_t)u, (uint32_t)j};
        }
        qsort(g->pairs, found, sizeof *g->pairs, by_nearness);
        for (size_t k = 0; k < size_of(g, j); k++) g->group[g->pairs[k].unit] = (uint32_t)j;
    }
}

// Centres of the groups; returns Σ |sum of a group's columns|, which k-means makes greater.
static double find_centres(grouping *g) {
    double all = 0;
    memset(g->centres, 0, g->groups * g->rows * sizeof *g->centres);
    for (size_t u = 0; u < g->units; u++) {
        float *centre = g->centres + g->group[u] * g->rows;
        const float *column = g->columns + u * g->rows;
        for (size_t r = 0; r < g->rows; r++) centre[r] += column[r];
    }
    for (size_t j = 0; j < g->groups; j++) all += scale_to_one(g->centres + j * g->rows, g->rows);
    return all;
}

static void fill_groups(grouping *g) {
    const product p = {g, g->groups};
    weir__parallel_ranges(g->units, (double)(g->groups * g->rows), multiply, &p);
    for (size_t k = 0; k < g->units * g->groups; k++)
        g->pairs[k] = (near){g->cosines[k], (uint32_t)(k / g->groups), (uint32_t)(k % g->groups)};
    qsort(g->pairs, g->units * g->groups, sizeof *g->pairs, by_nearness);
    memset(g->group, 0xff, g->units * sizeof *g->group);
    memset(g->members, 0, g->groups * sizeof *g->members);
    size_t left = g->units;
    for (size_t k = 0; left; k++) {
        const near *pair = &g->pairs[k];
        if (g->group[pair->unit] != UINT32_MAX || g->members[pair->group] == size_of(g, pair->group)) continue;
        g->group[pair->unit] = pair->group;
        g->members[pair->group]++;
        left--;
    }
}

weir_status weir_group_units(uint32_t *order, const float *activity, size_t rows, size_t units, size_t block,
                             uint64_t seed, weir_error *error) {
    weir_status status = WEIR_OK;
    grouping g = {.rows = rows, .units = units, .block = block};
    double most = -1;
    TRY_THAT(rows && units && block && units < UINT32_MAX, WEIR_ARGUMENT,
             "%zu units in groups of %zu by %zu rows; each is at least 1", units, block, rows);
    g.groups = (units + block - 1) / block;
    TRY(weir__new(&g.columns, units * rows, sizeof *g.columns, "activities of units", error));
    TRY(weir__new(&g.centres, g.groups * rows, sizeof *g.centres, "groups of units", error));
    TRY(weir__new(&g.cosines, units * g.groups, sizeof *g.cosines, "groups of units", error));
    TRY(weir__new(&g.pairs, units * g.groups, sizeof *g.pairs, "groups of units", error));
    TRY(weir__new(&g.group, units, sizeof *g.group, "groups of units", error));
    TRY(weir__new(&g.best, units, sizeof *g.best, "groups of units", error));
    TRY(weir__new(&g.members, g.groups, sizeof *g.members, "groups of units", error));
    TRY(take_columns(&g, activity, error));
    begin_groups(&g, seed);
    for (int round = 0; round < rounds_most; round++) {
        const double now = find_centres(&g);
        if (now <= most * (1 + 1e-6)) break;
        most = now;
        memcpy(g.best, g.group, units * sizeof *g.best);
        fill_groups(&g);
    }
    memset(g.members, 0, g.groups * sizeof *g.members);
    for (size_t u = 0; u < units; u++) order[g.best[u] * block + g.members[g.best[u]]++] = (uint32_t)u;
done:
    release(&g);
    return status;
}
