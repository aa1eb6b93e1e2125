// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file machine.h
/// What this machine can do at most: the rates that bound any product (no kernel is faster than its multiply-adds at
/// the rate of the registers, or than its weights at the rate of the memory).
#ifndef WEIR_MACHINE_H
#define WEIR_MACHINE_H

#include <stdbool.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Measured with weir_threads() threads and the current instruction set.
typedef struct weir_machine {
    double float32_flops;  ///< operations per second of multiply-adds on float registers; one multiply-add counts 2
    double bfloat16_flops; ///< the same for bfloat16 by the processor's own instructions; 0 where it has none
    double read_bytes;     ///< bytes per second read in order from memory, beyond all caches; 0: not measured
} weir_machine;

/// Measures: the best of several short runs each. memory: read_bytes, too, which takes 1 GiB for about a second; else
/// it is 0. WEIR_MEMORY.
WEIR_API weir_status weir_machine_measure(weir_machine *machine, bool memory, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
