// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file pool.h
/// The threads behind parallel.h, which alone includes this.
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <stdbool.h>

#include "parallel.h"

/// Runs pieces 0 … count − 1 in the calling thread and in as many others of the pool as are at hand, `threads` in all
/// at most; returns when all are done. False, and nothing done: the caller would be alone.
bool weir__pool_run(size_t count, size_t threads, weir__piece_function *function, const void *context);

/// Whether a thread of the pool is looking for work at this moment: handing over then takes a microsecond, and else the
/// time that a sleeping thread takes to wake.
bool weir__pool_is_awake(void);

/// For tests: threads that the pool has, and that are to be refused from now on (as by a limit of the system).
size_t weir__pool_threads(void);
void weir__pool_refuse(bool refuse);

#endif
