// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Antithetic pairs of Bernoulli draws, and the DisARM weight of a pair.

#include "antithetic.h"
#include "../core/math.h"

WEIR__CLONES void weir__antithetic_pair(float *restrict h, float *restrict u, const float *restrict a, size_t units) {
    for (size_t i = 0; i < units; i++) {
        float p, q;
        weir__sigmoid_pair(a[i], &p, &q);
        const float number = u[i], zero = p - p; // 0, or NaN
        h[i] = (number > q ? 1.0f : 0.0f) + zero;
        u[i] = (number < p ? 1.0f : 0.0f) + zero;
    }
}

WEIR__CLONES void weir__upper_draw(float *restrict h, const float *restrict u, const float *restrict a, size_t units) {
    for (size_t i = 0; i < units; i++) {
        const float q = weir__sigmoid(-a[i]);
        h[i] = (u[i] > q ? 1.0f : 0.0f) + (q - q);
    }
}

double weir__disarm_variance(double p, double t) {
    const double m = fmin(p, 1 - p), slope = 1 - 2 * t;
    return slope * slope * m * (1 - m) * (1 - m) * (0.5 - m);
}

WEIR__CLONES void weir__disarm(float *restrict da, float half_difference, const float *restrict h,
                               const float *restrict other, const float *restrict a, size_t units) {
    for (size_t i = 0; i < units; i++) {
        const float larger = weir__sigmoid(a[i] < 0 ? -a[i] : a[i]);
        da[i] = half_difference * (h[i] - other[i]) * larger;
    }
}
