// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file calibration.h
/// What plans (plan.h) are made from: how fast each way of a product is on a machine.
///
/// The library has rates built in. Those of this machine are measured when somebody asks for it, and used when somebody
/// says so: no call measures, reads or writes anything unasked. Rates in use decide which way a product is
/// done and with that the last bits of its result. So they are facts that are written down once, not times of
/// the moment: a run repeats, and continues, bit for bit under the rates it began with.
#ifndef WEIR_CALIBRATION_H
#define WEIR_CALIBRATION_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Where rates are known; between these they are interpolated, in the logarithm of both.
enum {
    WEIR_CALIBRATION_ROWS = 5,  ///< 1, 8, 32, 128, 512 rows
    WEIR_CALIBRATION_BLOCKS = 4 ///< blocks of 1, 4, 16, 64 units
};

/// Multiply-adds per second of all threads together, in one precision. 0: that way cannot do it.
typedef struct weir_rates {
    double dense[WEIR_OPERATION_COUNT][WEIR_CALIBRATION_ROWS];
    double stream[WEIR_OPERATION_COUNT][WEIR_CALIBRATION_ROWS];
    double gated[WEIR_OPERATION_COUNT][WEIR_CALIBRATION_BLOCKS][WEIR_CALIBRATION_ROWS]; ///< rows: that a block has open
} weir_rates;

/// All that is known of a machine.
typedef struct weir_calibration {
    char processor[64]; ///< its name; "" in what is built in
    weir_isa isa;
    int threads;
    weir_rates rates[2];  ///< of each weir_precision
    double pair_seconds;  ///< to move a (row, block) pair between compact and dense arrays
    double float_seconds; ///< and each number of it
} weir_calibration;

/// The rates that are built in, for the current instruction set and threads: measured on one machine, taken in
/// proportion to the threads.
WEIR_API void weir_calibration_default(weir_calibration *calibration);

/// Measures this machine with the current instruction set and threads: a few seconds and about 200 MiB; the medians
/// of several rounds, weights from beyond the cache. WEIR_UNSUPPORTED with WEIR_ISA_REFERENCE, WEIR_MEMORY.
WEIR_API weir_status weir_calibration_measure(weir_calibration *calibration, weir_error *error);

/// From now on plans are made from these rates, wherever instruction set and threads are theirs (elsewhere from what is
/// built in); NULL: always from what is built in. The library keeps a copy. WEIR_ARGUMENT for rates that are not finite
/// numbers >= 0. Not while another thread runs a weir function.
WEIR_API weir_status weir_calibration_use(const weir_calibration *calibration, weir_error *error);

/// The rates that plans are now made from.
WEIR_API void weir_calibration_current(weir_calibration *calibration);

/// Where the rates of the current instruction set and threads belong: $XDG_CACHE_HOME/weir/rates-ISA-THREADS.json, or
/// under $HOME/.cache; truncated to size bytes. WEIR_NOT_FOUND where the environment names neither folder.
WEIR_API weir_status weir_calibration_path(char *path, size_t size, weir_error *error);

/// Writes a file of rates, replacing a former one at once; its folder is made. WEIR_IO.
WEIR_API weir_status weir_calibration_save(const weir_calibration *calibration, const char *path, weir_error *error);

/// Reads one. WEIR_NOT_FOUND; WEIR_FORMAT for a file that is broken, or of another processor, instruction set, number
/// of threads or version of weir than these: it is no use here, and to be measured anew. *calibration is then as
/// before.
WEIR_API weir_status weir_calibration_load(weir_calibration *calibration, const char *path, weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
