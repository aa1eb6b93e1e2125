// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Which gated kernels run, and what work they do.

#include "side.h"
#include "tables.h"

double weir__small_work = 100000;

weir__caches weir__caches_in_use = {
    .inputs = 1 << 20, .piece = 1 << 18, .band = 1 << 19, .array = 1 << 20, .weights = 1 << 20};

const weir__gated_kernels *weir__gated_kernels_of(weir_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case WEIR_ISA_AMX: // their instructions are of no use to floats
    case WEIR_ISA_AVX512BF16:
    case WEIR_ISA_AVX512:
        return &weir__gated_avx512;
    case WEIR_ISA_AVX2:
        return &weir__gated_avx2;
#endif
    case WEIR_ISA_REFERENCE:
        return &weir__gated_reference;
    default:
        return &weir__gated_generic;
    }
}

const weir__gated_kernels *weir__gated_current(void) { return weir__gated_kernels_of(weir_isa_current()); }

size_t weir__parts_for(double work) {
    static const double multiply_add = 0.05; // nanoseconds
    if (work <= weir__small_work) return 1;
    return weir__small_work > 0 ? weir__pieces_for(work * multiply_add) : (size_t)weir_threads();
}

size_t weir__scratch_floats(void) { return (size_t)weir_threads() * WEIR__THREAD_SCRATCH; }

// ---- work ----------------------------------------------------------------------------------------------------------

/// Units of a row's entries first … last, whose blocks ascend, so that a short block can only be the last entry.
static uint64_t units_of_entries(const weir__side *side, size_t first, size_t last) {
    if (first == last) return 0;
    const size_t final_block = (size_t)side->route->row_block[last - 1];
    return (uint64_t)(last - first - 1) * side->block + weir__units(side, final_block);
}

static uint64_t open_units(const weir__side *side, size_t row) {
    if (!side->route) return side->width;
    const weir__entries entries = weir__entries_of(side, row);
    return units_of_entries(side, entries.first, entries.open);
}

static uint64_t evaluated_units(const weir__side *side, size_t row) {
    if (!side->route) return side->width;
    const size_t open = (size_t)side->route->row_open[row], end = (size_t)side->route->row_start[row + 1];
    return open_units(side, row) + units_of_entries(side, open, end);
}

uint64_t weir__gated_forward_work(size_t rows, const weir__side *y, const weir__side *x) {
    uint64_t work = 0;
    for (size_t r = 0; r < rows; r++) work += evaluated_units(y, r) * open_units(x, r);
    return work;
}

uint64_t weir__gated_input_gradient_work(size_t rows, const weir__side *dx, const weir__side *dy) {
    return weir__gated_forward_work(rows, dx, dy);
}

uint64_t weir__gated_weight_gradient_work(size_t rows, const weir__side *dy, const weir__side *x) {
    uint64_t work = 0;
    for (size_t r = 0; r < rows; r++) work += open_units(dy, r) * open_units(x, r);
    return work;
}
