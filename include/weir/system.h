// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file system.h
/// The version of the library, the processor it runs on, and the threads it may use.
#ifndef WEIR_SYSTEM_H
#define WEIR_SYSTEM_H

#include <stddef.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

/// "0.1.0": the version of the library that runs (not of the header that was compiled against).
WEIR_API const char *weir_version(void);

/// Instruction sets that kernels are compiled for, each including those before it.
typedef enum weir_isa {
    WEIR_ISA_REFERENCE,  ///< plain C loops, every case, the specification of the others
    WEIR_ISA_GENERIC,    ///< the vector code at the compiler's baseline (SSE2 on x86-64)
    WEIR_ISA_AVX2,       ///< AVX2 and FMA
    WEIR_ISA_AVX512,     ///< AVX-512 F, BW, DQ, VL
    WEIR_ISA_AVX512BF16, ///< AVX-512 with its dot product of bf16 pairs
    WEIR_ISA_AMX,        ///< that with products of bf16 tiles (AMX)
    WEIR_ISA_COUNT
} weir_isa;

/// The name as the environment variable WEIR_ISA spells it: "reference", "generic", "avx2", "avx512", "avx512bf16",
/// "amx".
WEIR_API const char *weir_isa_name(weir_isa isa);

/// The best instruction set that both processor and operating system support.
WEIR_API weir_isa weir_isa_best(void);

/// The instruction set in use: the best one, or what WEIR_ISA in the environment asked for at the first
/// call (an unknown or unsupported name there counts for nothing: the tool refuses it, a program may compare it with
/// weir_isa_name), or the last weir_isa_use.
WEIR_API weir_isa weir_isa_current(void);

/// Chooses the instruction set of all later calls in the process. WEIR_UNSUPPORTED above weir_isa_best().
/// Not while another thread runs a weir function.
WEIR_API weir_status weir_isa_use(weir_isa isa);

/// The numbers that products multiply. Sums are float in both, and parameters are kept and moved as floats.
typedef enum weir_precision {
    WEIR_FLOAT32, ///< float
    WEIR_BFLOAT16 ///< weights and inputs of products rounded to bf16 (8 significant bits): half the bytes per weight
} weir_precision;

/// The name as --precision and configurations spell it: "fp32", "bf16".
WEIR_API const char *weir_precision_name(weir_precision precision);
/// The precision of that name. WEIR_ARGUMENT for another name (NULL too), *precision is then as before.
WEIR_API weir_status weir_precision_find(weir_precision *precision, const char *name);

/// Threads that a call may use, 1 to WEIR_THREADS_MOST: what weir_threads_use has set, or else OMP_NUM_THREADS (but no
/// more than OMP_THREAD_LIMIT), or else every processor that the process may use. The caller is one of them; the others
/// are shared by all callers of the process, sleep when there is nothing to do, take no signals, and are only used
/// where that is worth their waking: never for a row of a small network. A machine that is busy with other programs has
/// calls do without them for a while. After fork() the child starts its own.
WEIR_API int weir_threads(void);
#define WEIR_THREADS_MOST 256

/// The kernels that OpenBLAS has chosen for this processor, by its own name for them. It
/// does so when it is loaded, and takes "Prescott", slow ones, for a processor that is newer than itself; the
/// environment variable OPENBLAS_CORETYPE names others ("SkylakeX", "Haswell").
WEIR_API const char *weir_blas_core(void);

/// Sets weir_threads() for the whole process: 0 and less mean every processor, more than WEIR_THREADS_MOST that number.
/// Results have the same bits for any number, unless measured rates (weir/calibration.h) are in use, which hold for one
/// number. Not while another thread runs a weir function.
WEIR_API void weir_threads_use(int threads);

/// Calls work(argument) once in each of at most `threads` threads, of which the calling one is the first, and returns when
/// all calls have returned. flags is 0.
typedef void weir_team(void (*work)(void *argument), void *argument, unsigned threads, unsigned flags);

/// Has the calls of this process run in somebody else's threads instead of the library's own: for a program with OpenMP,
/// whose threads keep a processor busy for milliseconds after each of its loops, waiting for the next, while another
/// library's wait for the processor. GOMP_parallel of the OpenMP library that the program has loaded is such a function.
/// NULL: the library's own threads, as in the beginning, and as in a child after fork(). Results are the same. The
/// function is called from any thread that calls the library, several at a time. Not while another thread runs a weir
/// function.
WEIR_API void weir_team_use(weir_team *team);

/// The median of measurements: of an even count the mean of the two in the middle, of none NaN. Sorts values
/// [count], which hold no NaN.
WEIR_API double weir_median(double *values, size_t count);

#ifdef __cplusplus
}
#endif
#endif
