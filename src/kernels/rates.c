// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The rates in use, and what lies between the numbers at which they are known.

#include "rates.h"

#include <math.h>
#include <string.h>

#include "../core/core.h"
#include "builtin_rates.h"

const double weir__rated_rows[WEIR_CALIBRATION_ROWS] = {1, 8, 32, 128, 512};
const double weir__rated_blocks[WEIR_CALIBRATION_BLOCKS] = {1, 4, 16, 64};

enum { RATE_COUNT = sizeof(((weir_calibration *)0)->rates) / (sizeof(double)) };

static weir_calibration in_use;
static bool is_in_use;

// ---- which rates ---------------------------------------------------------------------------------------------------

/// OpenBLAS takes kernels of 2004 for a processor that is newer than itself, which are five times slower than those
/// that the built-in rates were measured with: weir's own kernels are then the better ones.
static double blas_factor(void) {
    static const double old_kernels = 0.2;
    return weir_isa_best() >= WEIR_ISA_AVX2 && !strcmp(weir_blas_core(), "Prescott") ? old_kernels : 1;
}

static weir__rates built_in(void) {
    const weir_calibration *c = weir__builtin_rates(weir_isa_current());
    return (weir__rates){c, (double)weir_threads() / c->threads, blas_factor()};
}

weir__rates weir__rates_current(void) {
    if (is_in_use && in_use.isa == weir_isa_current() && in_use.threads == weir_threads()) {
        return (weir__rates){&in_use, 1, 1};
    }
    return built_in();
}

static void multiply(double *values, size_t count, double by) {
    for (size_t k = 0; k < count; k++) values[k] *= by;
}

/// A copy, scale included.
static void copy_of(weir_calibration *to, weir__rates rates) {
    *to = *rates.calibration;
    to->isa = weir_isa_current();
    to->threads = weir_threads();
    multiply((double *)to->rates, RATE_COUNT, rates.scale);
    multiply((double *)to->rates[WEIR_FLOAT32].dense, sizeof to->rates[0].dense / sizeof(double), rates.blas);
    to->pair_seconds /= rates.scale;
    to->float_seconds /= rates.scale;
}

void weir_calibration_default(weir_calibration *calibration) { copy_of(calibration, built_in()); }

void weir_calibration_current(weir_calibration *calibration) { copy_of(calibration, weir__rates_current()); }

static bool are_numbers(const double *values, size_t count) {
    for (size_t k = 0; k < count; k++) {
        if (!(values[k] >= 0 && isfinite(values[k]))) return false;
    }
    return true;
}

weir_status weir_calibration_use(const weir_calibration *calibration, weir_error *error) {
    weir_status status = WEIR_OK;
    if (calibration) {
        const bool good = are_numbers((const double *)calibration->rates, RATE_COUNT) &&
                          are_numbers(&calibration->pair_seconds, 1) && are_numbers(&calibration->float_seconds, 1);
        TRY_THAT(good && calibration->threads >= 1, WEIR_ARGUMENT,
                 "rates that are not finite numbers of at least 0, or of %d threads", calibration->threads);
        in_use = *calibration;
    }
    is_in_use = calibration != NULL;
done:
    return status;
}

// ---- between -------------------------------------------------------------------------------------------------------

/// Where x lies among ascending numbers: between index and index + 1, at the fraction given, in the logarithm.
typedef struct place {
    size_t index;
    double fraction;
} place;

static place place_of(double x, const double *at, size_t count) {
    size_t k = 0;
    if (x <= at[0]) return (place){0, 0};
    if (x >= at[count - 1]) return (place){count - 2, 1};
    while (x > at[k + 1]) k++;
    return (place){k, log(x / at[k]) / log(at[k + 1] / at[k])};
}

/// 0 where either is.
static double between(double a, double b, double fraction) {
    if (fraction <= 0) return a;
    if (fraction >= 1) return b;
    return a > 0 && b > 0 ? a * pow(b / a, fraction) : 0;
}

static double at_rows(const double rates[WEIR_CALIBRATION_ROWS], place rows) {
    return between(rates[rows.index], rates[rows.index + 1], rows.fraction);
}

double weir__rate(const weir__rates *rates, weir_precision precision, weir_way way, weir_operation operation,
                  double block, double rows) {
    const weir_rates *of = &rates->calibration->rates[precision];
    const place row = place_of(rows, weir__rated_rows, WEIR_CALIBRATION_ROWS);
    if (way == WEIR_WAY_DENSE) return rates->scale * rates->blas * at_rows(of->dense[operation], row);
    if (way == WEIR_WAY_STREAM) return rates->scale * at_rows(of->stream[operation], row);
    const place unit = place_of(block, weir__rated_blocks, WEIR_CALIBRATION_BLOCKS);
    const double(*gated)[WEIR_CALIBRATION_ROWS] = of->gated[operation] + unit.index;
    return rates->scale * between(at_rows(gated[0], row), at_rows(gated[1], row), unit.fraction);
}
