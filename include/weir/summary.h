// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file summary.h
/// What repeated runs come to: means and their spread, and differences between settings that were run with the same
/// seeds. Every function may be called by any number of threads.
#ifndef WEIR_SUMMARY_H
#define WEIR_SUMMARY_H

#include <stddef.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Of some values, those that are finite.
typedef struct weir_summary {
    size_t count;          ///< finite ones
    double mean;           ///< NaN of none
    double deviation;      ///< standard deviation of a sample, divisor count − 1 (Welford 1962); NaN of fewer than two
    double least, greatest; ///< NaN of none
} weir_summary;
WEIR_API weir_summary weir_summarise(const double *values, size_t count);

/// Of values[i] − base[i], the pairs of which both are finite: a run beside the run of another setting with the same
/// seed, so that what the seed does to both of them cancels.
typedef struct weir_difference {
    size_t pairs;
    size_t below;     ///< pairs with values[i] < base[i]
    double mean;      ///< NaN without pairs
    double deviation; ///< of the differences, as in weir_summary
    double low, high; ///< 95 % confidence interval of the mean by Student's t with pairs − 1 degrees of freedom (Student
                      ///< 1908); NaN of fewer than two pairs
    double p;         ///< two-sided p-value of Student's paired test of "no difference"; 1 where all differences are 0,
                      ///< 0 where they are equal and not 0, NaN of fewer than two pairs. It holds for one comparison
                      ///< that was chosen beforehand: with k of them, multiply it by k (Bonferroni)
} weir_difference;
WEIR_API weir_difference weir_paired_difference(const double *values, const double *base, size_t count);

#ifdef __cplusplus
}
#endif
#endif
