// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file waiting.c
/// How threads wait for each other. GNU's OpenMP lets a thread that waits spin for milliseconds, which is best on an
/// idle machine; beside other programs that need the processor it makes a training step up to twenty times slower,
/// because the spinning thread uses up the time slice of the one that it waits for. The runtime reads its settings
/// before main, so the tool sets a short spin and starts itself anew, once. Whoever sets one of these variables is
/// left alone.
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_wait_briefly(char **argv) {
    static const char *const settings[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"};
    // measures the library as another program has it, with the runtime's own waiting
    if (argv[1] != NULL && strcmp(argv[1], "estimate") == 0 && argv[2] != NULL && strcmp(argv[2], "throughput") == 0)
        return;
    for (size_t i = 0; i < CLI_COUNT_OF(settings); i++)
        if (getenv(settings[i]) != NULL) return;
    if (setenv("GOMP_SPINCOUNT", "300", 1) != 0) return;
    execv("/proc/self/exe", argv); // comes back only where there is no /proc: then threads spin, and that is all
}
