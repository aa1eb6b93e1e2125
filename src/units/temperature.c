// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "temperature.h"

#include <math.h>

float weir__inverse_temperature(const weir_unit *unit, const weir_unit_batch *batch) {
    const double first = unit->values[weir__temperature_index], decay = unit->values[weir__decay_index];
    if (!(decay > 0)) return (float)(1 / first);
    return (float)(1 / fmax(unit->values[weir__least_index], first * exp(-decay * (double)batch->noise.step)));
}
