// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file rates.h
/// The rates that plans are made from, as the planner asks for them.
#ifndef WEIR_RATES_H
#define WEIR_RATES_H

#include <weir/calibration.h>

/// The numbers at which rates are known.
extern const double weir__rated_rows[WEIR_CALIBRATION_ROWS], weir__rated_blocks[WEIR_CALIBRATION_BLOCKS];

/// The rates in use for the current instruction set and threads. Those that are built in are times `scale`, and those
/// of dense products by CBLAS times `blas`, too.
typedef struct weir__rates {
    const weir_calibration *calibration;
    double scale, blas;
} weir__rates;
weir__rates weir__rates_current(void);

/// Multiply-adds per second of a way; 0: it cannot do it. rows: of the batch; for WEIR_WAY_GATED those that a block has
/// open on average, and block is its units.
double weir__rate(const weir__rates *rates, weir_precision precision, weir_way way, weir_operation operation,
                  double block, double rows);

/// How much is measured: products of width × width weights, rotating over so many layers; the median of so many rounds,
/// at most 7. The width is a multiple of 64.
typedef struct weir__calibration_effort {
    size_t width, layers, rounds;
} weir__calibration_effort;
weir_status weir__calibrate(weir_calibration *calibration, const weir__calibration_effort *effort, weir_error *error);

#endif
