// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// An update rule with its options and moving averages: its numbers for one tensor in one step, and whole steps over
// arrays for those who have no trainer.

#include "optimizer.h"
#include "../config/options.h"
#include "schedule.h"

#include <math.h>
#include <string.h>

weir_status weir__optimizer_init(weir_optimizer *optimizer, const weir_optimizer_options *options, size_t count,
                                 weir_error *error) {
    weir_status status = WEIR_OK;
    *optimizer = (weir_optimizer){.options = *options, .count = count};
    TRY(weir__options_check(&weir__optimizer_fields, options, error));
    optimizer->rule = weir__update_rule_find(options->kind);
    optimizer->options.kind = optimizer->rule->name;
    optimizer->options.schedule = weir__schedule_name(options->schedule);
    for (size_t i = 0; optimizer->rule->slots[i]; i++) {
        TRY(weir__new(&optimizer->slots[i], count, sizeof(float), "the optimizer's moving averages", error));
    }
done:
    if (status != WEIR_OK) weir__optimizer_free(optimizer);
    return status;
}

void weir__optimizer_free(weir_optimizer *optimizer) {
    for (size_t i = 0; i < WEIR__UPDATE_SLOTS; i++) weir__free(optimizer->slots[i]);
    *optimizer = (weir_optimizer){0};
}

void weir__optimizer_begin(weir_optimizer *optimizer) { optimizer->step++; }

weir__update weir__optimizer_update(const weir_optimizer *optimizer, const weir_tensor *tensor, double rate) {
    const weir_optimizer_options *o = &optimizer->options;
    const weir__update_rule *rule = optimizer->rule;
    const double decay = tensor->role == WEIR_ROLE_WEIGHT ? o->decay : 0, t = (double)optimizer->step;
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

// ---- without a trainer ----------------------------------------------------------------------------------------------

weir_status weir_optimizer_create(weir_optimizer **optimizer, const weir_optimizer_options *options, size_t count,
                                  weir_error *error) {
    weir_status status = WEIR_OK;
    weir_optimizer *made = NULL;
    *optimizer = NULL;
    TRY(weir__new(&made, 1, sizeof *made, "an optimizer", error));
    TRY(weir__optimizer_init(made, options, count, error));
    *optimizer = made;
    made = NULL;
done:
    weir__free(made);
    return status;
}

void weir_optimizer_free(weir_optimizer *optimizer) {
    if (!optimizer) return;
    weir__optimizer_free(optimizer);
    weir__free(optimizer);
}

static weir_status check_rate(double rate, weir_error *error) {
    if (rate >= 0 && isfinite(rate)) return WEIR_OK;
    return weir__fail(error, WEIR_ARGUMENT, "a rate of %g; expected a finite number, 0 or more", rate);
}

static void move_tensor(const weir_optimizer *optimizer, const weir_tensor *t, float *values, const float *gradients,
                        double rate) {
    const weir__update update = weir__optimizer_update(optimizer, t, rate);
    const weir__tiling tiling = {t->rows, t->columns, t->block_rows, t->block_columns};
    weir__update_apply(&update, values + t->offset, gradients + t->offset, t->touched, &tiling);
}

weir_status weir_optimizer_step(weir_optimizer *optimizer, float *values, const float *gradients, double rate,
                                weir_error *error) {
    const size_t count = optimizer->count;
    const weir_status status = check_rate(rate, error);
    if (status != WEIR_OK || !count) return status;
    // A column: weir__update_apply cuts rows into pieces, and one long row would be one piece.
    const weir_tensor column = {
        .rows = count, .columns = 1, .block_rows = count, .block_columns = 1, .rate = 1, .role = WEIR_ROLE_WEIGHT};
    weir__optimizer_begin(optimizer);
    move_tensor(optimizer, &column, values, gradients, rate);
    return WEIR_OK;
}

weir_status weir_optimizer_step_parameters(weir_optimizer *optimizer, const weir_parameters *parameters, double rate,
                                           weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(check_rate(rate, error));
    TRY_THAT(parameters->gradients, WEIR_ARGUMENT,
             "these parameters have no gradients; make the graph with training = true");
    TRY_THAT(parameters->count == optimizer->count, WEIR_ARGUMENT, "%zu parameters, but the optimizer was made for %zu",
             parameters->count, optimizer->count);
    weir__optimizer_begin(optimizer);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        move_tensor(optimizer, &parameters->tensors[i], parameters->values, parameters->gradients, rate);
    }
done:
    return status;
}

float *weir_optimizer_average(weir_optimizer *optimizer, size_t index, const char **name) {
    const weir__update_rule *rule = optimizer->rule;
    size_t count = 0;
    while (rule->slots[count]) count++;
    if (name) *name = index < count ? rule->slots[index] : NULL;
    return index < count ? optimizer->slots[index] : NULL;
}

uint64_t weir_optimizer_steps(const weir_optimizer *optimizer) { return optimizer->step; }
void weir_optimizer_steps_set(weir_optimizer *optimizer, uint64_t steps) { optimizer->step = steps; }

size_t weir_optimizer_kind_count(void) {
    size_t count = 0;
    while (weir__update_rule_at(count)) count++;
    return count;
}

const char *weir_optimizer_kind_at(size_t index) {
    const weir__update_rule *rule = weir__update_rule_at(index);
    return rule ? rule->name : NULL;
}
