// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file forward_tiles.h
/// The walk of the forward product between two compact sides whose tiles have several rows each, for either precision
/// (numbers.h): tile by tile, each for all of its rows, by add_tile_of_matches_to_y.

/// A range of blocks of y.
static void run_shared_tiles(const void *context, weir__piece p) {
    const forward_product *f = context;
    const weir__side *y = f->y, *x = side_of(f->x);
    const weir__range blocks = weir__blocks_of_part(y, p.index, p.count);
    matches m;
    begin_tiles();
    for (size_t jo = blocks.first; jo < blocks.last; jo++) {
        const part_of_block parts[2] = {open_slots(y, jo, f->rows), closed_slots(y, jo, f->rows)};
        const size_t units = weir__units(y, jo);
        for (size_t s = parts[0].slots.first; s < parts[1].slots.last; s++) {
            begin_slot(weir__values(y, s), units, f->bias ? f->bias + jo * y->block : NULL);
        }
        const size_t kinds = parts[1].slots.first < parts[1].slots.last ? 2 : 1;
        for (size_t k = 0; k < kinds * weir__blocks(x); k++) {
            const part_of_block of_x = open_slots(x, k / kinds, f->rows);
            for (match_parts(&m, &parts[k % kinds], &of_x); m.count; next_matches(&m)) {
                add_tile_of_matches_to_y(f, jo, k / kinds, &m);
                if (!are_more_matches(&m)) break;
            }
        }
    }
    end_tiles();
}
