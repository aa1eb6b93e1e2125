// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file builtin_rates.h
/// Rates measured beforehand.
#ifndef WEIR_BUILTIN_RATES_H
#define WEIR_BUILTIN_RATES_H

#include <weir/calibration.h>

/// Those of an instruction set, or of the nearest one below it.
const weir_calibration *weir__builtin_rates(weir_isa isa);

#endif
