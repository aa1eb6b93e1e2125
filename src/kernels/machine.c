// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What this machine can do at most: the best of several short runs, since other work on it only takes away.

#include <weir/machine.h>

#include <omp.h>

#include "../core/core.h"
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

static volatile float sink; // keeps the loops from being dropped: what they return ends here

/// Operations per second of all threads together.
static double multiply_add_rate(float (*probe)(size_t, double *)) {
    double best = 0;
    size_t turns = LEAST_TURNS;
    for (int run = 0; run < RUNS;) {
        double all = 0;
        float result = 0;
        const double start = omp_get_wtime();
#pragma omp parallel num_threads(weir_threads()) reduction(+ : all, result)
        {
            double operations = 0;
            result += probe(turns, &operations);
            all += operations;
        }
        const double seconds = omp_get_wtime() - start;
        sink = result;
        if (seconds < run_seconds) {
            turns *= 2; // too short to measure
            continue;
        }
        if (all / seconds > best) best = all / seconds;
        run++;
    }
    return best;
}

static double read_rate(const float *from, float (*probe)(const float *, size_t)) {
    double best = 0;
    const size_t threads = (size_t)weir_threads(), each = floats_read / threads / 4096 * 4096;
    for (int run = 0; run < RUNS; run++) {
        float result = 0;
        const double start = omp_get_wtime();
#pragma omp parallel for num_threads(weir_threads()) schedule(static, 1) reduction(+ : result)
        for (size_t k = 0; k < threads; k++) result += probe(from + k * each, each);
        const double rate = (double)(threads * each * sizeof *from) / (omp_get_wtime() - start);
        sink = result;
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
