// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The bf16 products in plain C: the specification of the other tables. One thread, no blocking, every case.

#include "../side.h"
#include "tables.h"

static float value(const weir__bf16_side *side, size_t slot, size_t unit) {
    return weir__bf16_value(side->values[slot * side->stride + unit]);
}

static void forward(size_t rows, const weir__side *y, const weir__bf16_side *x, const uint16_t *weights,
                    const float *bias) {
    for (size_t jo = 0; jo < weir__blocks(y); jo++) {
        for (size_t slot = weir__first(y, jo); slot < weir__evaluated(y, jo, rows); slot++) {
            const size_t row = weir__row(y, slot);
            const weir__entries entries = weir__entries_of(x->side, row);
            for (size_t o = 0; o < weir__units(y, jo); o++) {
                float sum = bias ? bias[jo * y->block + o] : 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t ji = weir__entry_block(x->side, e), width = weir__units(x->side, ji);
                    const uint16_t *from = weights + weir__tile(y, x->side, jo, ji) + o * width;
                    const size_t s = weir__entry_slot(x->side, row, e);
                    for (size_t i = 0; i < width; i++) sum += value(x, s, i) * weir__bf16_value(from[i]);
                }
                weir__values(y, slot)[o] = sum;
            }
        }
    }
}

static void input_gradient(size_t rows, const weir__side *dx, const weir__bf16_side *dy, const uint16_t *weights) {
    for (size_t ji = 0; ji < weir__blocks(dx); ji++) {
        for (size_t slot = weir__first(dx, ji); slot < weir__evaluated(dx, ji, rows); slot++) {
            const size_t row = weir__row(dx, slot), width = weir__units(dx, ji);
            const weir__entries entries = weir__entries_of(dy->side, row);
            for (size_t i = 0; i < width; i++) {
                float sum = 0;
                for (size_t e = entries.first; e < entries.open; e++) {
                    const size_t jo = weir__entry_block(dy->side, e), s = weir__entry_slot(dy->side, row, e);
                    const uint16_t *tile = weights + weir__tile(dy->side, dx, jo, ji);
                    for (size_t o = 0; o < weir__units(dy->side, jo); o++) {
                        sum += value(dy, s, o) * weir__bf16_value(tile[o * width + i]);
                    }
                }
                weir__values(dx, slot)[i] = sum;
            }
        }
    }
}

const weir__bf16_kernels weir__bf16_reference = {
    .name = "reference",
    .forward = forward,
    .input_gradient = input_gradient,
};
