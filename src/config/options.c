// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The tables of the options of training. Defaults are the published settings where the paper has them, common ones
// elsewhere.

#include "options.h"
#include "../kernels/update.h"

static const weir__interval batch = {1, 1 << 20, false, false, "a whole number from 1 to 1048576"};

#define AT(member) offsetof(weir_optimizer_options, member)

static const weir__field optimizer_fields[] = {
    {"train.optimizer", WEIR__SECTION, 0, .about = "how parameters move"},
    {"train.optimizer.kind", WEIR__CHOICE, AT(kind), .choices = WEIR__UPDATE_NAMES, .initial = "sgd",
     .numbers = WEIR__ALWAYS, .about = "the optimizer"},
    {"train.optimizer.rate", WEIR__NUMBER, AT(rate), &weir__positive, .initial = "0.1", .numbers = WEIR__ALWAYS,
     .about = "learning rate"},
    {"train.optimizer.momentum", WEIR__NUMBER, AT(momentum), &weir__below_one, .initial = "0.5",
     .applies = "train.optimizer.kind=momentum", .numbers = WEIR__ALWAYS, .about = "momentum's factor"},
    {"train.optimizer.beta1", WEIR__NUMBER, AT(beta1), &weir__below_one, .initial = "0.9",
     .applies = "train.optimizer.kind=adam", .numbers = WEIR__ALWAYS, .about = "adam: of the mean"},
    {"train.optimizer.beta2", WEIR__NUMBER, AT(beta2), &weir__below_one, .initial = "0.999",
     .applies = "train.optimizer.kind=adam", .numbers = WEIR__ALWAYS, .about = "adam: of the mean square"},
    {"train.optimizer.epsilon", WEIR__NUMBER, AT(epsilon), &weir__positive, .initial = "1e-08",
     .applies = "train.optimizer.kind=adam", .numbers = WEIR__ALWAYS, .about = "adam: in the divisor"},
    {"train.optimizer.decay", WEIR__NUMBER, AT(decay), &weir__not_negative, .initial = "0", .numbers = WEIR__ALWAYS,
     .about = "L2 weight decay"},
    {"train.optimizer.schedule", WEIR__CHOICE, AT(schedule), .choices = "constant|step|cosine", .initial = "constant",
     .numbers = WEIR__ALWAYS, .about = "how the rate changes"},
    {"train.optimizer.step_factor", WEIR__NUMBER, AT(step_factor), &weir__up_to_one, .initial = "0.5",
     .applies = "train.optimizer.schedule=step", .numbers = WEIR__ALWAYS, .about = "step: factor of the rate"},
    {"train.optimizer.step_epochs", WEIR__SIZE, AT(step_epochs), &weir__size_from_1, .initial = "10",
     .applies = "train.optimizer.schedule=step", .numbers = WEIR__ALWAYS, .about = "step: epochs between two factors"},
    {"train.optimizer.final_rate", WEIR__NUMBER, AT(final_rate), &weir__not_negative, .initial = "0",
     .applies = "train.optimizer.schedule=cosine", .numbers = WEIR__ALWAYS, .about = "cosine: the rate at the end"},
    {"train.optimizer.rate_decay", WEIR__NUMBER, AT(rate_decay), &weir__not_negative, .initial = "0",
     .numbers = WEIR__ALWAYS, .about = "additionally rate / (1 + rate_decay * epoch)"},
};
const weir__fields weir__optimizer_fields = {optimizer_fields, sizeof optimizer_fields / sizeof *optimizer_fields};

#undef AT
#define AT(member) offsetof(weir_sparsity_options, member)

static const weir__field sparsity_fields[] = {
    {"train.sparsity", WEIR__SECTION, 0, .about = "how the share of open gates is steered"},
    {"train.sparsity.kind", WEIR__CHOICE, AT(kind), .choices = "kl|l1|l0|load-l1|switch|z|prior|none",
     .initial = "kl", .applies = WEIR__FACT_GATES " or train.sparsity.kind=prior|none", .numbers = WEIR__ALWAYS,
     .about = "the penalty; prior: the divergence of all random units, as in a variational autoencoder"},
    {"train.sparsity.target", WEIR__NUMBER, AT(target), &weir__inside_one, .initial = "0.1",
     .applies = WEIR__FACT_GATES " or train.sparsity.kind=prior", .numbers = WEIR__ALWAYS,
     .about = "share of gates to be open; prior: probability of a bit to be 1"},
    {"train.sparsity.train_target", WEIR__NUMBER, AT(train_target), &weir__below_one, .initial = "0",
     .applies = WEIR__FACT_GATES, .numbers = WEIR__ALWAYS, .about = "target of the penalty when it differs; 0: target"},
    {"train.sparsity.weight", WEIR__NUMBER, AT(weight), &weir__not_negative, .initial = "0.1",
     .applies = WEIR__FACT_GATES " and train.sparsity.kind=kl|l1|l0|load-l1|switch|z or train.sparsity.kind=prior",
     .numbers = WEIR__ALWAYS, .about = "weight of the penalty at the start"},
    {"train.sparsity.adapt", WEIR__NUMBER, AT(adapt), &weir__factor, .initial = "1",
     .applies = WEIR__FACT_GATES " and train.sparsity.kind=kl|l1|l0|load-l1", .numbers = WEIR__ALWAYS,
     .about = "factor of the weight per batch while the share is off; kl: 1 keeps it"},
    {"train.sparsity.tolerance", WEIR__NUMBER, AT(tolerance), &weir__below_one, .initial = "0.01",
     .applies = WEIR__FACT_GATES " and train.sparsity.kind=kl|l1|l0|load-l1 and train.sparsity.adapt>1",
     .numbers = WEIR__ALWAYS, .about = "how far the share may be off before the weight changes"},
    {"train.sparsity.bias_push", WEIR__NUMBER, AT(bias_push), &weir__not_negative, .initial = "0",
     .applies = WEIR__FACT_GATES, .numbers = WEIR__ALWAYS,
     .about = "step of the bias of a unit that is hardly ever open; 0: none"},
    {"train.sparsity.bias_balance", WEIR__NUMBER, AT(bias_balance), &weir__not_negative, .initial = "0",
     .applies = WEIR__FACT_GATES, .numbers = WEIR__ALWAYS,
     .about = "step of a unit's bias towards the target share, up or down; 0: none"},
    {"train.sparsity.bias_quantile", WEIR__NUMBER, AT(bias_quantile), &weir__probability, .initial = "0",
     .applies = WEIR__FACT_GATES, .numbers = WEIR__ALWAYS,
     .about = "part of the way, each batch, of a unit's bias to where the batch opens the target share; 0: none"},
    {"train.sparsity.bias_rate", WEIR__NUMBER, AT(bias_rate), &weir__probability, .initial = "0.01",
     .applies = WEIR__FACT_GATES " and train.sparsity.bias_push>0", .numbers = WEIR__ALWAYS,
     .about = "opening rate under which the bias is pushed"},
    {"train.sparsity.average", WEIR__NUMBER, AT(average), &weir__below_one, .initial = "0.99",
     .applies = WEIR__FACT_GATES " and train.sparsity.bias_push>0", .numbers = WEIR__ALWAYS,
     .about = "weight of the past in the moving average of that rate"},
};
const weir__fields weir__sparsity_fields = {sparsity_fields, sizeof sparsity_fields / sizeof *sparsity_fields};

#undef AT
#define AT(member) offsetof(weir_train_options, member)

static const weir__field train_fields[] = {
    {"train", WEIR__SECTION, 0, .about = "how it is trained"},
    {"train.seed", WEIR__SEED, AT(seed), .initial = "1", .numbers = WEIR__ALWAYS,
     .about = "seed of initial parameters, shuffling and noise"},
    {"train.epochs", WEIR__SIZE, AT(epochs), &weir__size_from_1, .initial = "10",
     .numbers = "train.optimizer.schedule=cosine", .about = "passes over the training rows"},
    {"train.batch", WEIR__SIZE, AT(batch), &batch, .initial = "32", .numbers = WEIR__ALWAYS, .about = "rows per step"},
    {"train.patience", WEIR__SIZE, AT(patience), &weir__size_from_0, .initial = "0",
     .about = "epochs without a better validation error (or likelihood) before the end; 0: never"},
    {"train.test_threshold", WEIR__FLAG, AT(test_threshold), .initial = "true", .applies = WEIR__FACT_GATES,
     .numbers = WEIR__ALWAYS, .about = "find the test thresholds that give the target share"},
    {"train.average", WEIR__NUMBER, AT(average), &weir__below_one, .initial = "0", .numbers = WEIR__ALWAYS,
     .about = "weight of the past in a moving average of the parameters, which is judged and saved; 0: none"},
    {"train.checkpoint_seconds", WEIR__NUMBER, AT(checkpoint_seconds), &weir__not_negative, .initial = "30",
     .about = "most time between checkpoints inside an epoch; 0: only at its end"},
    {"train.log_steps", WEIR__SIZE, AT(log_steps), &weir__size_from_0, .initial = "0",
     .about = "a line of steps.jsonl and steps.csv after so many steps; 0: none"},
    {"train.valid_samples", WEIR__SIZE, AT(valid_samples), &weir__size_from_1, .initial = "10",
     .applies = WEIR__FACT_TARGETS, .numbers = WEIR__ALWAYS,
     .about = "targets: draws per row for the likelihood of the validation rows"},
    {"train.test_samples", WEIR__SIZE, AT(test_samples), &weir__size_from_1, .initial = "100",
     .applies = WEIR__FACT_TARGETS, .about = "targets: draws per row for the likelihood of the test rows"},
};
const weir__fields weir__train_fields = {train_fields, sizeof train_fields / sizeof *train_fields};

weir_status weir__options_check(const weir__fields *fields, const void *options, weir_error *error) {
    for (size_t i = 0; i < fields->count; i++) {
        const weir__field *field = &fields->at[i];
        const weir_status status = weir__field_is_value(field) ? weir__field_check(field, options, error) : WEIR_OK;
        if (status != WEIR_OK) return weir__fail_in(error, WEIR_CONFIG, field->path);
    }
    return WEIR_OK;
}

weir_optimizer_options weir_optimizer_options_default(void) {
    weir_optimizer_options options = {0};
    weir__fields_initial(&weir__optimizer_fields, &options);
    return options;
}

weir_train_options weir_train_options_default(void) {
    weir_train_options options = {.optimizer = weir_optimizer_options_default()};
    weir__fields_initial(&weir__sparsity_fields, &options.sparsity);
    weir__fields_initial(&weir__train_fields, &options);
    return options;
}
