// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// A list of idle memory, the one that was used last in front; as long as most calls at a time have been.

#include "scratch.h"

#include <stdatomic.h>

#include "../core/core.h"

typedef struct idle_scratch {
    weir__scratch scratch; // first: a borrower has its address
    struct idle_scratch *next;
} idle_scratch;

static atomic_flag busy = ATOMIC_FLAG_INIT; // for a few instructions at a time
static idle_scratch *idle;
static size_t layers;

static void enter(void) {
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
    }
}
static void leave(void) { atomic_flag_clear_explicit(&busy, memory_order_release); }

void weir__scratch_join(void) {
    enter();
    layers++;
    leave();
}

void weir__scratch_leave(void) {
    enter();
    idle_scratch *unused = --layers ? NULL : idle;
    if (unused) idle = NULL;
    leave();
    while (unused) {
        idle_scratch *next = unused->next;
        weir__scratch_free(&unused->scratch);
        weir__free(unused);
        unused = next;
    }
}

weir__scratch *weir__scratch_borrow(weir_error *error) {
    enter();
    idle_scratch *found = idle;
    if (found) idle = found->next;
    leave();
    if (!found && weir__new(&found, 1, sizeof *found, "a work array", error) != WEIR_OK) return NULL;
    return &found->scratch;
}

void weir__scratch_return(weir__scratch *scratch) {
    if (!scratch) return;
    idle_scratch *mine = (idle_scratch *)(void *)scratch;
    enter();
    mine->next = idle;
    idle = mine;
    leave();
}
