// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_tiles.h
/// The outputs of some units of a block for some of its slots, dense x, in tile registers.
///
/// Weights are the left factor, read where they lie; inputs are the right one: a piece of each row, the rows of 16
/// slots beside each other. So the larger factor, which each call reads once and from memory, is not copied, and each
/// thread copies the inputs of its blocks only. Sums of all tiles wait in the second-level cache between two pieces;
/// those are the same for any number of rows, so that no bit depends on where the work is cut.
#ifndef WEIR_FORWARD_TILES_H
#define WEIR_FORWARD_TILES_H

#include "panel_tiles.h"

enum {
    INPUTS_AT_ONCE = 512, // 32 rows of weights are 32 KiB: of the first-level cache
    SLOTS_AT_ONCE = 256,  // their inputs: 256 KiB
    UNITS_AT_ONCE = 256,  // sums: 256 KiB
    INPUT_STEPS = INPUTS_AT_ONCE / TILE_DEPTH,
    SUMS_ROOM = SLOTS_AT_ONCE * UNITS_AT_ONCE,
    INPUTS_ROOM = SLOTS_AT_ONCE * INPUTS_AT_ONCE / 2, // floats
};
_Static_assert(SUMS_ROOM + INPUTS_ROOM <= WEIR__BF16_ROOM, "a thread's room holds sums and inputs");

/// At most UNITS_AT_ONCE units by SLOTS_AT_ONCE slots.
typedef struct tile_task {
    const uint16_t *weights; ///< of the first unit
    size_t width, units, slots;
    const uint16_t *const *x; ///< row of each slot
    float *sums;              ///< [pairs of unit tiles][slot tiles][2] tiles
    uint16_t *inputs;         ///< [slot tiles][INPUT_STEPS] tiles
    size_t ahead;             ///< numbers from the weights to those that are wanted after them
} tile_task;

INLINE float *sums_of(const tile_task *t, size_t unit, size_t slot) {
    const size_t tiles = (t->slots + TILE_EDGE - 1) / TILE_EDGE;
    return t->sums + (unit / TILE_EDGE * tiles + slot / TILE_EDGE) * TILE_FLOATS;
}

/// Adds what inputs first … first + count give to two tiles of units by all slots.
static void add_inputs(const tile_task *t, size_t unit, size_t first, size_t count, tile_fetch *next) {
    _Alignas(64) uint16_t copy[2][INPUT_STEPS * TILE_NUMBERS];
    const size_t some = least_of(t->units - unit, 2 * TILE_EDGE), rows = some > TILE_EDGE ? 2 : 1;
    const uint16_t *strip = t->weights + unit * t->width + first;
    tile_product p = {.c_stride = TILE_EDGE, .steps = steps_of(count), .fresh = first == 0};
    weights_on_the_left(&p, copy[0], INPUT_STEPS * TILE_NUMBERS, strip, t->width, some, count);
    for (size_t s = 0; s < t->slots; s += 2 * TILE_EDGE) {
        const size_t columns = t->slots - s > TILE_EDGE ? 2 : 1;
        for (size_t h = 0; h < columns; h++) {
            p.b[h] = t->inputs + (s / TILE_EDGE + h) * INPUT_STEPS * TILE_NUMBERS;
            for (size_t i = 0; i < rows; i++) p.c[i][h] = sums_of(t, unit + i * TILE_EDGE, s + h * TILE_EDGE);
        }
        multiply_tiles(rows, columns, &p, next);
    }
}

/// What is wanted after inputs first … first + count: the next ones of the same units, or the first ones of as many
/// units further on.
static tile_fetch fetch_after(const tile_task *t, size_t first, size_t count) {
    const size_t next = first + count, slot_tiles = (t->slots + TILE_EDGE - 1) / TILE_EDGE, steps = steps_of(count);
    const size_t pairs_of_units = (t->units + 2 * TILE_EDGE - 1) / (2 * TILE_EDGE),
                 pairs_of_slots = (slot_tiles + 1) / 2;
    const size_t wanted = least_of(next < t->width ? t->width - next : t->ahead ? t->width : 0, INPUTS_AT_ONCE);
    return prefetch_rows(t->weights + (next < t->width ? next : t->ahead), t->width * sizeof *t->weights, t->units,
                         (wanted * sizeof *t->weights + 63) / 64,
                         (slot_tiles + pairs_of_units * pairs_of_slots) * steps);
}

/// Copies a piece of the inputs of 16 slots into tiles, while those of the next ones, or of the next piece, are
/// prefetched.
static void pack_inputs(const tile_task *t, size_t slot, size_t first, size_t count, tile_fetch *weights) {
    const bool more = slot + TILE_EDGE < t->slots;
    const size_t next_slot = more ? slot + TILE_EDGE : 0, next_first = more ? first : first + count;
    const size_t next_slots = next_first < t->width ? least_of(t->slots - next_slot, TILE_EDGE) : 0;
    uint16_t *to = t->inputs + slot / TILE_EDGE * INPUT_STEPS * TILE_NUMBERS;
    for (size_t k = 0; k < count; k += TILE_DEPTH, to += TILE_NUMBERS) {
        for (size_t n = 0; n < next_slots; n++) __builtin_prefetch(t->x[next_slot + n] + next_first + k, 0, 3);
        right_tile(to, t->x + slot, t->slots - slot, first + k, count - k);
        fetch_some(weights);
    }
}

static void do_task(const tile_task *t) {
    for (size_t first = 0; first < t->width; first += INPUTS_AT_ONCE) {
        const size_t count = least_of(t->width - first, INPUTS_AT_ONCE);
        tile_fetch next = fetch_after(t, first, count);
        for (size_t s = 0; s < t->slots; s += TILE_EDGE) pack_inputs(t, s, first, count, &next);
        for (size_t u = 0; u < t->units; u += 2 * TILE_EDGE) add_inputs(t, u, first, count, &next);
    }
}

/// Adds to the outputs of units and slots of a block. strip: the block's weights. room: WEIR__BF16_ROOM floats.
static void add_tiles_of_units(const weir__side *y, weir__range units, weir__range slots, const weir__bf16_side *x,
                               const uint16_t *strip, float *room) {
    const size_t width = x->side->width;
    if (!width) return;
    for (size_t u = units.first; u < units.last; u += UNITS_AT_ONCE) {
        for (size_t s = slots.first; s < slots.last; s += SLOTS_AT_ONCE) {
            float *to[SLOTS_AT_ONCE];
            const uint16_t *from[SLOTS_AT_ONCE];
            const tile_task t = {
                .weights = strip + u * width,
                .width = width,
                .units = least_of(units.last - u, UNITS_AT_ONCE),
                .slots = least_of(slots.last - s, SLOTS_AT_ONCE),
                .x = from,
                .sums = room,
                .inputs = (uint16_t *)(void *)(room + SUMS_ROOM),
                .ahead = s + SLOTS_AT_ONCE < slots.last ? 0 : least_of(units.last - u, UNITS_AT_ONCE) * width,
            };
            for (size_t k = 0; k < t.slots; k++) {
                to[k] = weir__values(y, s + k) + u;
                from[k] = half_values(x, weir__row(y, s + k));
            }
            do_task(&t);
            for (size_t unit = 0; unit < t.units; unit += TILE_EDGE) {
                for (size_t k = 0; k < t.slots; k += TILE_EDGE) {
                    move_exchanged(to + k, t.slots - k, sums_of(&t, unit, k), unit, t.units - unit, false);
                }
            }
        }
    }
}

#endif
