// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Version, instruction set and threads.
//
// __builtin_cpu_supports asks the processor (cpuid) and the operating system (xgetbv): a set whose registers are not
// saved on a task switch is not reported.

#define _GNU_SOURCE // syscall, sched_getaffinity

#include <cblas.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "core.h"
#include "parallel.h"

#define TEXT_OF(value)      #value
#define VERSION_OF(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

static const char *const isa_names[WEIR_ISA_COUNT] = {
    [WEIR_ISA_REFERENCE] = "reference", [WEIR_ISA_GENERIC] = "generic",       [WEIR_ISA_AVX2] = "avx2",
    [WEIR_ISA_AVX512] = "avx512",       [WEIR_ISA_AVX512BF16] = "avx512bf16", [WEIR_ISA_AMX] = "amx",
};

static const char *const precision_names[] = {
    [WEIR_FLOAT32] = "fp32",
    [WEIR_BFLOAT16] = "bf16",
};

static atomic_int isa_in_use = -1;     // -1: not asked yet
static atomic_int threads_in_use;      // 0: not asked yet
static _Thread_local int threads_here; // of the calling thread; 0: as the process has it

const char *weir_version(void) { return VERSION_OF(WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, WEIR_VERSION_PATCH); }

const char *weir_isa_name(weir_isa isa) { return (unsigned)isa < WEIR_ISA_COUNT ? isa_names[isa] : "unknown"; }

const char *weir_precision_name(weir_precision precision) {
    return (unsigned)precision <= WEIR_BFLOAT16 ? precision_names[precision] : "unknown";
}

weir_status weir_precision_find(weir_precision *precision, const char *name) {
    for (int k = WEIR_FLOAT32; name && k <= WEIR_BFLOAT16; k++) {
        if (strcmp(name, precision_names[k])) continue;
        *precision = (weir_precision)k;
        return WEIR_OK;
    }
    return WEIR_ARGUMENT;
}

#if defined(__x86_64__)
/// Whether there are tiles of bf16 numbers, and the operating system saves them on a task switch. A process on Linux
/// must ask for that: its signal frames grow by 8 KiB.
static bool has_tiles(void) {
    uint32_t a = 0, b = 0, c = 0, d = 0, saved = 0, high = 0;
    const uint32_t tiles = 1u << 24 | 1u << 22, states = 3u << 17; // AMX-TILE, AMX-BF16; XTILECFG, XTILEDATA
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tiles) != tiles) return false;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if ((saved & states) != states) return false;
#if defined(__linux__)
    enum { ARCH_ASK = 0x1023, TILE_DATA = 18 }; // ARCH_REQ_XCOMP_PERM, since Linux 5.16
    return syscall(SYS_arch_prctl, ARCH_ASK, TILE_DATA) == 0;
#else
    return true;
#endif
}
#endif

static weir_isa find_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return WEIR_ISA_GENERIC;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
        return WEIR_ISA_AVX2;
    }
    if (!__builtin_cpu_supports("avx512bf16")) return WEIR_ISA_AVX512;
    return has_tiles() ? WEIR_ISA_AMX : WEIR_ISA_AVX512BF16;
#else
    return WEIR_ISA_GENERIC;
#endif
}

// Found once: each cpuid of a virtual machine is a call of its host, and takes microseconds.
weir_isa weir_isa_best(void) {
    static atomic_int known = -1;
    int best = atomic_load_explicit(&known, memory_order_relaxed);
    if (best < 0) {
        best = (int)find_best(); // several threads may get here: all of them find the same
        atomic_store_explicit(&known, best, memory_order_relaxed);
    }
    return (weir_isa)best;
}

static weir_isa isa_at_start(void) {
    const weir_isa best = weir_isa_best();
    const char *wanted = getenv("WEIR_ISA");
    for (int isa = 0; wanted && isa <= (int)best; isa++) {
        if (strcmp(wanted, isa_names[isa]) == 0) return (weir_isa)isa;
    }
    return best;
}

weir_isa weir_isa_current(void) {
    int isa = atomic_load_explicit(&isa_in_use, memory_order_relaxed);
    if (isa < 0) {
        isa = (int)isa_at_start(); // several threads may get here: all of them find the same
        atomic_store_explicit(&isa_in_use, isa, memory_order_relaxed);
    }
    return (weir_isa)isa;
}

weir_status weir_isa_use(weir_isa isa) {
    if ((unsigned)isa >= WEIR_ISA_COUNT) return WEIR_ARGUMENT;
    if (isa > weir_isa_best()) return WEIR_UNSUPPORTED;
    atomic_store_explicit(&isa_in_use, (int)isa, memory_order_relaxed);
    return WEIR_OK;
}

void weir__processor_name(char *name, size_t size) {
    uint32_t words[13] = {0}; // the last one ends the text
#if defined(__x86_64__)
    uint32_t *at = words;
    for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++, at += 4) {
        if (!__get_cpuid(leaf, &at[0], &at[1], &at[2], &at[3])) words[0] = 0;
    }
#endif
    const char *text = (const char *)words;
    while (*text == ' ') text++;
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ') length--;
    snprintf(name, size, "%.*s", length ? (int)length : 7, length ? text : "unknown");
}

const char *weir_blas_core(void) { return openblas_get_corename(); }

static int at_most(int threads) { return threads < WEIR_THREADS_MOST ? threads : WEIR_THREADS_MOST; }

/// Processors that this process may use.
static int processors(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return at_most(CPU_COUNT(&set));
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : at_most((int)(online < WEIR_THREADS_MOST ? online : WEIR_THREADS_MOST));
}

/// The number that a variable of OpenMP's begins with, as in 8 or 8,4; 0 if that is none.
static int number_in(const char *variable) {
    const char *text = getenv(variable);
    char *end = NULL;
    const long number = text ? strtol(text, &end, 10) : 0;
    if (number < 1 || !end || (*end && *end != ',')) return 0;
    return at_most(number < WEIR_THREADS_MOST ? (int)number : WEIR_THREADS_MOST);
}

static int threads_at_start(void) {
    const int wanted = number_in("OMP_NUM_THREADS"), limit = number_in("OMP_THREAD_LIMIT");
    const int threads = wanted ? wanted : processors();
    return limit && limit < threads ? limit : threads;
}

int weir_threads(void) {
    if (threads_here) return threads_here;
    int threads = atomic_load_explicit(&threads_in_use, memory_order_relaxed);
    if (!threads) {
        threads = threads_at_start(); // several threads may get here: all of them find the same
        atomic_store_explicit(&threads_in_use, threads, memory_order_relaxed);
    }
    return threads;
}

void weir_threads_use(int threads) {
    atomic_store_explicit(&threads_in_use, threads > 0 ? at_most(threads) : processors(), memory_order_relaxed);
}

int weir__threads_begin(int threads) {
    const int former = threads_here;
    if (threads > 0) threads_here = at_most(threads);
    return former;
}

void weir__threads_end(int former) { threads_here = former; }
