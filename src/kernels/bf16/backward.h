// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file backward.h
/// The input gradient and the weight update of one layer in one pass over its weights: as ../vector/backward.h, in
/// bf16.

/// Whether tiles can be gone through once.
static bool goes_by_tiles(size_t rows, const weir__side *dx, const weir__side *dy, const weir__update *update) {
    return tiles_are_shared(rows, dx, dy) && update->most == 0;
}

/// A range of blocks of x and dx.
static void backward_by_tiles(weir__range blocks, size_t rows, const weir__side *dx, const descent *d) {
    const weir__bf16_side *dy = d->dy;
    const uint16_t *upper = d->update->halves.upper;
    matches m;
    for (size_t ji = blocks.first; ji < blocks.last; ji++) {
        const part_of_block open = open_slots(dx, ji, rows), closed = closed_slots(dx, ji, rows);
        const size_t width = weir__units(dx, ji);
        clear_slots_of_block(dx, ji, rows);
        for (size_t jo = 0; jo < weir__blocks(dy->side); jo++) {
            const part_of_block of_dy = open_slots(dy->side, jo, rows);
            const size_t height = weir__units(dy->side, jo);
            const bool last = jo + 1 == weir__blocks(dy->side);
            const size_t after = weir__tile(dy->side, dx, last ? jo : jo + 1, ji);
            const target next = {{NULL, d->update->halves.lower + after}, width}; // the upper half is fetched for dx
            const place tile = {weir__tile(dy->side, dx, jo, ji), width, height, width};
            if (closed.slots.first < closed.slots.last) {
                match_parts(&m, &of_dy, &closed);
                add_tile_to_dx(dx, ji, dy, jo, upper, &m);
            }
            match_parts(&m, &of_dy, &open);
            const bool any = m.count > 0;
            add_tile_to_dx(dx, ji, dy, jo, upper, &m);
            if (!any && !d->update->all) continue;
            move_tile(d, &tile, (weir__range){0, height}, (weir__range){0, width}, false, &m, &next);
        }
    }
}

static void backward(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const weir__bf16_side *x,
                     float *bias, const weir__update *update, const weir__update *bias_update, float *room) {
    const weir__side *out = dy->side;
    if (!goes_by_tiles(rows, dx, out, update)) {
        input_gradient(rows, dx, dy, update->halves.upper, room);
        weight_update(rows, bias, dy, x, update, bias_update);
        return;
    }
    const descent d = {update, dy, x, false};
    const double work = (double)out->width * (double)dx->route->slots * (double)dx->block;
#pragma omp parallel num_threads(weir_threads()) if (work > weir__small_work)
    {
        const size_t part = (size_t)omp_get_thread_num(), parts = (size_t)omp_get_num_threads();
        begin_tiles();
        backward_by_tiles(weir__blocks_of_part(dx, part, parts), rows, dx, &d);
        if (bias) update_bias(rows, bias_update, bias, weir__blocks_of_part(out, part, parts), 0, 1, out);
        end_tiles();
        finish_streams();
    }
}
