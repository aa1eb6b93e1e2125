// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// An update rule with its options and moving averages, and its numbers for one tensor in one step.

#include "optimizer.h"

#include <math.h>
#include <string.h>

static weir_status check(const weir_optimizer_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY_THAT(weir__update_rule_find(o->kind), WEIR_CONFIG, "optimizer.kind is \"%s\"; expected sgd, momentum or adam",
             o->kind ? o->kind : "");
    TRY_THAT(o->rate > 0 && isfinite(o->rate), WEIR_CONFIG, "optimizer.rate is %g; expected a number above 0", o->rate);
    TRY_THAT(o->momentum >= 0 && o->momentum < 1, WEIR_CONFIG, "optimizer.momentum is %g; expected 0 <= momentum < 1",
             o->momentum);
    TRY_THAT(o->beta1 >= 0 && o->beta1 < 1, WEIR_CONFIG, "optimizer.beta1 is %g; expected 0 <= beta1 < 1", o->beta1);
    TRY_THAT(o->beta2 >= 0 && o->beta2 < 1, WEIR_CONFIG, "optimizer.beta2 is %g; expected 0 <= beta2 < 1", o->beta2);
    TRY_THAT(o->epsilon > 0 && isfinite(o->epsilon), WEIR_CONFIG, "optimizer.epsilon is %g; expected a number above 0",
             o->epsilon);
    TRY_THAT(o->decay >= 0 && isfinite(o->decay), WEIR_CONFIG, "optimizer.decay is %g; expected 0 or more", o->decay);
done:
    return status;
}

weir_status weir__optimizer_init(weir__optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    *optimizer = (weir__optimizer){.options = *options, .count = count};
    TRY(check(options, error));
    optimizer->rule = weir__update_rule_find(options->kind);
    optimizer->options.kind = optimizer->rule->name;
    for (size_t i = 0; optimizer->rule->slots[i]; i++) {
        TRY(weir__new(&optimizer->slots[i], count, sizeof(float), "the optimizer's moving averages", error));
    }
done:
    if (status != WEIR_OK) weir__optimizer_free(optimizer);
    return status;
}

void weir__optimizer_free(weir__optimizer *optimizer) {
    for (size_t i = 0; i < WEIR__UPDATE_SLOTS; i++) weir__free(optimizer->slots[i]);
    *optimizer = (weir__optimizer){0};
}

void weir__optimizer_begin(weir__optimizer *optimizer) { optimizer->step++; }

weir__update weir__optimizer_update(const weir__optimizer *optimizer, const weir_tensor *tensor, double rate) {
    const weir_optimizer_options *o = &optimizer->options;
    const weir__update_rule *rule = optimizer->rule;
    const double decay = tensor->decays ? o->decay : 0, t = (double)optimizer->step;
    weir__update update = {
        .rule = rule,
        .move = {.rate = (float)(rate * tensor->rate),
                 .decay = (float)decay,
                 .momentum = (float)o->momentum,
                 .epsilon = (float)o->epsilon,
                 .past1 = (float)o->beta1,
                 .new1 = (float)(1 - o->beta1),
                 .past2 = (float)o->beta2,
                 .new2 = (float)(1 - o->beta2),
                 .correction1 = (float)(1 / (1 - pow(o->beta1, t))),
                 .correction2 = (float)(1 / (1 - pow(o->beta2, t)))},
        .most = (float)(tensor->max_norm * tensor->max_norm),
        .all = decay > 0 && rule->visits_all_for_decay,
    };
    for (size_t k = 0; rule->slots[k]; k++) update.slot[k] = optimizer->slots[k] + tensor->offset;
    return update;
}
