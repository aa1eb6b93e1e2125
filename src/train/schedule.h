// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#ifndef WEIR_SCHEDULE_H
#define WEIR_SCHEDULE_H

#include <weir/optimizer.h>

#include "../core/core.h"

/// Learning rate after `epoch` whole epochs and `part` (in [0, 1)) of the next, of `epochs` in all.
typedef double (*weir__schedule)(const weir_optimizer_options *options, size_t epoch, double part, size_t epochs);

/// The schedule of that name, or NULL.
weir__schedule weir__schedule_find(const char *name);

/// The name itself, as a constant that outlives the caller's; NULL if there is no such schedule.
const char *weir__schedule_name(const char *name);

/// The scheduled rate, rate_decay included. The options must have been checked.
double weir__schedule_rate(const weir_optimizer_options *options, size_t epoch, double part, size_t epochs);

#endif
