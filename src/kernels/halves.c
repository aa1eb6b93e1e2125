// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Floats to bf16 numbers and halves, and back.

#include "halves.h"

#include "../core/clones.h"

WEIR__CLONES void weir__bf16_round(size_t count, uint16_t *restrict to, const float *restrict from) {
    for (size_t k = 0; k < count; k++) to[k] = weir__bf16_of(from[k]);
}

/// One array. The same place of both halves must not be a multiple of a page apart: a load from one would wait for a
/// store to the other, whose address looks alike.
weir_status weir__halves_new(weir__halves *halves, size_t count, bool lower, const char *what, weir_error *error) {
    enum { LINE = 32, PAGE = 2048, APART = PAGE / 2 + LINE }; // numbers
    const size_t pages = count / PAGE + 1;
    *halves = (weir__halves){NULL, NULL};
    if (count > SIZE_MAX / 8) return weir__fail(error, WEIR_MEMORY, "out of memory for %s", what);
    const weir_status status =
        weir__new(&halves->upper, lower ? pages * PAGE + APART + count : count, sizeof *halves->upper, what, error);
    if (status == WEIR_OK && lower) halves->lower = halves->upper + pages * PAGE + APART;
    return status;
}

void weir__halves_free(weir__halves *halves) {
    weir__free(halves->upper);
    *halves = (weir__halves){NULL, NULL};
}

WEIR__CLONES static void split(size_t count, uint16_t *restrict upper, uint16_t *restrict lower,
                               const float *restrict from) {
    for (size_t k = 0; k < count; k++) {
        upper[k] = weir__bf16_upper(from[k]);
        lower[k] = weir__bf16_lower(from[k]);
    }
}

WEIR__CLONES static void round_weights(size_t count, uint16_t *restrict upper, const float *restrict from) {
    for (size_t k = 0; k < count; k++) upper[k] = weir__bf16_upper(from[k]);
}

void weir__halves_split(size_t count, const weir__halves *to, const float *from) {
    if (to->lower) {
        split(count, to->upper, to->lower, from);
    } else {
        round_weights(count, to->upper, from);
    }
}

WEIR__CLONES void weir__halves_join(size_t count, float *restrict to, const uint16_t *restrict upper,
                                    const uint16_t *restrict lower) {
    for (size_t k = 0; k < count; k++) to[k] = weir__bf16_joined(upper[k], lower[k]);
}
