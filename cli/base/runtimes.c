// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file runtimes.c
/// Settings of the libraries underneath, which they read before main: the tool sets them and starts itself anew, once.
/// What the environment sets already is left alone.
///
/// OpenMP: GNU's lets a thread that waits spin for milliseconds, which is best on an idle machine; beside other
/// programs that need the processor it makes a training step up to twenty times slower, because the spinning thread
/// uses up the time slice of the one that it waits for. A thousand turns are some microseconds: on an idle machine most
/// threads are wanted again before they sleep, and a step of mnist-paper takes a fifth less time than with three
/// hundred; beside a busy program it takes as long, or a tenth longer.
///
/// OpenBLAS chooses its kernels by the processor's model. For one that is newer than itself it takes those of 2004,
/// which are five times slower.
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wait_briefly(void) {
    static const char *const settings[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"};
    for (size_t i = 0; i < CLI_COUNT_OF(settings); i++)
        if (getenv(settings[i]) != NULL) return false;
    return setenv("GOMP_SPINCOUNT", "1000", 1) == 0;
}

static bool choose_blas_kernels(void) {
    static const char variable[] = "OPENBLAS_CORETYPE";
    const char *core = weir_blas_core();
    if (getenv(variable) != NULL || strcmp(core, "Prescott") != 0 || weir_isa_best() < WEIR_ISA_AVX2) return false;
    return setenv(variable, weir_isa_best() >= WEIR_ISA_AVX512 ? "SkylakeX" : "Haswell", 1) == 0;
}

void cli_set_runtimes(char **argv) {
    const char *command = argv[1] != NULL ? argv[1] : "", *what = argv[1] != NULL && argv[2] != NULL ? argv[2] : "";
    // These measure: the machine is theirs alone, or the library as another program has it.
    const bool spins =
        strcmp(command, "bench") == 0 || (strcmp(command, "estimate") == 0 && strcmp(what, "throughput") == 0);
    const bool waits = !spins && wait_briefly(), chooses = choose_blas_kernels();
    // Comes back only where there is no /proc: then all works, more slowly.
    if (waits || chooses) execv("/proc/self/exe", argv);
}
