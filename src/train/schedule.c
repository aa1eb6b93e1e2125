// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Learning rates over time. With e epochs done, part of the next in t, E epochs in all:
//   constant  rate
//   step      rate·step_factor^⌊e / step_epochs⌋
//   cosine    final_rate + (rate − final_rate)·(1 + cos(π·(e + t)/E))/2   (Loshchilov and Hutter, ICLR 2017, eq. 5,
//             without restarts)
// and each divided by 1 + rate_decay·e.

#include <math.h>
#include <string.h>

#include "../config/options.h"
#include "schedule.h"

static const double pi = 3.14159265358979323846;

static double constant(const weir_optimizer_options *o, size_t epoch, double part, size_t epochs) {
    (void)epoch, (void)part, (void)epochs;
    return o->rate;
}

static double step(const weir_optimizer_options *o, size_t epoch, double part, size_t epochs) {
    (void)part, (void)epochs;
    return o->rate * pow(o->step_factor, (double)(epoch / o->step_epochs));
}

static double cosine(const weir_optimizer_options *o, size_t epoch, double part, size_t epochs) {
    const double done = epochs ? fmin(((double)epoch + part) / (double)epochs, 1) : 1;
    return o->final_rate + (o->rate - o->final_rate) * (1 + cos(pi * done)) / 2;
}

static const struct {
    const char *name;
    weir__schedule rate;
} schedules[] = {{"constant", constant}, {"step", step}, {"cosine", cosine}};

enum { schedule_count = sizeof schedules / sizeof *schedules };

static size_t index_of(const char *name) {
    size_t i = 0;
    while (i < schedule_count && !(name && !strcmp(schedules[i].name, name))) i++;
    return i;
}

weir__schedule weir__schedule_find(const char *name) {
    const size_t i = index_of(name);
    return i < schedule_count ? schedules[i].rate : NULL;
}

const char *weir__schedule_name(const char *name) {
    const size_t i = index_of(name);
    return i < schedule_count ? schedules[i].name : NULL;
}

double weir__schedule_rate(const weir_optimizer_options *o, size_t epoch, double part, size_t epochs) {
    return weir__schedule_find(o->schedule)(o, epoch, part, epochs) / (1 + o->rate_decay * (double)epoch);
}

weir_status weir_schedule_rate(double *rate, const weir_optimizer_options *options, size_t epoch, double part,
                               size_t epochs, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__options_check(&weir__optimizer_fields, options, error));
    TRY_THAT(part >= 0 && part < 1, WEIR_ARGUMENT, "a part of %g of an epoch; expected 0 <= part < 1", part);
    *rate = weir__schedule_rate(options, epoch, part, epochs);
done:
    return status;
}
