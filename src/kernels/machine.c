// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What this machine can do at most: the best of several short runs, since other work on it only takes away.

#include <weir/machine.h>

#include <stdatomic.h>

#include "../core/core.h"
#include "../core/parallel.h"
#include "probe.h"

enum { RUNS = 5, LEAST_TURNS = 1 << 14 };
static const size_t floats_read = (size_t)1 << 28; // 1 GiB: more than any cache
static const double run_seconds = 0.02;

static const weir__probes *probes(void) {
#if defined(__x86_64__)
    if (weir_isa_current() >= WEIR_ISA_AVX512) return &weir__probes_avx512;
    if (weir_isa_current() >= WEIR_ISA_AVX2) return &weir__probes_avx2;
#endif
    return &weir__probes_generic;
}

static _Atomic float sink; // keeps the loops from being dropped: what they return ends here

typedef struct multiply_adds {
    float (*probe)(size_t, double *);
    size_t turns;
    double *operations;
} multiply_adds;

static void probe_multiply_adds(const void *context, weir__piece piece) {
    const multiply_adds *m = context;
    double operations = 0;
    sink = m->probe(m->turns, &operations);
    if (piece.index == 0) *m->operations = operations; // of each piece
}

/// Operations per second of all threads together.
static double multiply_add_rate(float (*probe)(size_t, double *)) {
    const size_t threads = (size_t)weir_threads();
    double best = 0;
    size_t turns = LEAST_TURNS;
    for (int run = 0; run < RUNS;) {
        double each = 0;
        const double start = weir__seconds();
        weir__parallel(threads, probe_multiply_adds, &(multiply_adds){probe, turns, &each});
        const double seconds = weir__seconds() - start;
        if (seconds < run_seconds) {
            turns *= 2; // too short to measure
            continue;
        }
        const double rate = (double)threads * each / seconds;
        if (rate > best) best = rate;
        run++;
    }
    return best;
}

typedef struct reading {
    const float *from;
    size_t each;
    float (*probe)(const float *, size_t);
} reading;

static void probe_reading(const void *context, weir__piece piece) {
    const reading *r = context;
    sink = r->probe(r->from + piece.index * r->each, r->each);
}

static double read_rate(const float *from, float (*probe)(const float *, size_t)) {
    double best = 0;
    const size_t threads = (size_t)weir_threads(), each = floats_read / threads / 4096 * 4096;
    for (int run = 0; run < RUNS; run++) {
        const double start = weir__seconds();
        weir__parallel(threads, probe_reading, &(reading){from, each, probe});
        const double rate = (double)(threads * each * sizeof *from) / (weir__seconds() - start);
        if (rate > best) best = rate;
    }
    return best;
}

weir_status weir_machine_measure(weir_machine *machine, bool memory, weir_error *error) {
    float *floats = NULL;
    weir_status status = WEIR_OK;
    *machine = (weir_machine){0};
    if (memory) TRY(weir__new(&floats, floats_read, sizeof *floats, "measuring the memory", error));
    if (memory) machine->read_bytes = read_rate(floats, probes()->read);
    machine->float32_flops = multiply_add_rate(probes()->multiply_add);
#if defined(__x86_64__)
    if (weir_isa_current() >= WEIR_ISA_AVX512BF16) {
        const bool tiles = weir_isa_current() >= WEIR_ISA_AMX;
        machine->bfloat16_flops = multiply_add_rate(tiles ? weir__probe_bf16_amx : weir__probe_bf16_avx512bf16);
    }
#endif
done:
    weir__free(floats);
    return status;
}
