// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// L = ½ Σ (x − t)²; the output is x.

#include <string.h>

#include "loss.h"

static void squared_rows(const void *context, weir__range rows) {
    const weir__loss_rows *l = context;
    const size_t first = rows.first * l->width, count = rows.last * l->width - first;
    memcpy(l->y + first, l->x + first, count * sizeof *l->y);
    for (size_t r = rows.first; l->loss && r < rows.last; r++) {
        double sum = 0;
        for (size_t k = r * l->width; k < (r + 1) * l->width; k++) {
            const double difference = (double)l->x[k] - (double)l->targets[k];
            sum += difference * difference;
        }
        l->loss[r] = (float)(sum / 2);
    }
}

static const weir__loss how = {squared_rows, weir__loss_difference, NULL};

const weir__kind weir__kind_squared_error = {
    .about = {.name = "squared-error",
              .synonyms = {"mse_loss", "MSELoss"},
              .summary = "half the squared distance",
              .equation = "L = sum (x - t)^2 / 2",
              .traits = WEIR_KIND_LOSS,
              .takes = WEIR_TAKES_TARGETS},
    .how = &how,
    WEIR__LOSS,
};
