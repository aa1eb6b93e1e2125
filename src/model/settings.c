// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The table of settings.

#include <math.h>
#include <string.h>

#include "settings.h"

// The largest integer that every platform's size_t and double hold; larger ones are slips of the keyboard.
#define MOST 4294967295.0

static const weir__range any = {-HUGE_VAL, HUGE_VAL, true, true, "a number"};
static const weir__range positive = {0, HUGE_VAL, true, true, "a number > 0"};
static const weir__range not_negative = {0, HUGE_VAL, false, true, "a number >= 0"};
static const weir__range factor = {1, HUGE_VAL, false, true, "a number >= 1"};
static const weir__range inside = {0, 1, true, true, "a number in (0, 1)"};
static const weir__range below_one = {0, 1, false, true, "a number in [0, 1)"};
static const weir__range up_to_one = {0, 1, true, false, "a number in (0, 1]"};
static const weir__range probability = {0, 1, false, false, "a number in [0, 1]"};
static const weir__range size_any = {0, MOST, false, false, "a whole number from 0 to 4294967295"};
static const weir__range size_one = {1, MOST, false, false, "a whole number from 1 to 4294967295"};
static const weir__range batch = {1, 1 << 20, false, false, "a whole number from 1 to 1048576"};
static const weir__range column = {-1, 2147483647, false, false, "a column's number from 0, or -1"};

#define AT(member) offsetof(weir_config, member)

const weir__setting weir__settings[] = {
    {"name", WEIR__TEXT, AT(name), NULL, NULL, "name of the configuration"},
    {"about", WEIR__TEXT, AT(about), NULL, NULL, "what it is for, in one line"},
    {"rule", WEIR__RULE, AT(rule), NULL, NULL,
     "rule of the unit nodes that name none: NAME or NAME:parameter=value,..."},
    {"precision", WEIR__CHOICE, AT(precision), NULL, "fp32|bf16",
     "of products with weights; bf16: half the bytes per weight, sums in fp32"},

    {"data", WEIR__SECTION, 0, NULL, NULL, "where rows and labels come from"},
    {"data.source", WEIR__CHOICE, AT(data.source), NULL, "digits|mnist|files",
     "built-in digits, a folder with MNIST's four files, or files"},
    {"data.path", WEIR__TEXT, AT(data.path), NULL, NULL, "mnist: the folder"},
    {"data.train", WEIR__SIZE, AT(data.train), &size_any, NULL, "training rows; 0: what there is"},
    {"data.valid", WEIR__SIZE, AT(data.valid), &size_any, NULL, "validation rows; 0: what there is"},
    {"data.test", WEIR__SIZE, AT(data.test), &size_any, NULL, "test rows; 0: what there is"},
    {"data.seed", WEIR__SEED, AT(data.seed), NULL, NULL, "seed of the digits, or of the split of files"},
    {"data.train_rows", WEIR__TEXT, AT(data.train_rows), NULL, NULL, "files: training rows"},
    {"data.train_labels", WEIR__TEXT, AT(data.train_labels), NULL, NULL, "files: their labels"},
    {"data.test_rows", WEIR__TEXT, AT(data.test_rows), NULL, NULL, "files: test rows"},
    {"data.test_labels", WEIR__TEXT, AT(data.test_labels), NULL, NULL, "files: their labels"},
    {"data.label_column", WEIR__INTEGER, AT(data.label_column), &column, NULL,
     "files, CSV: column of the label; -1: labels are in files of their own"},
    {"data.binarise", WEIR__CHOICE, AT(data.binarise), NULL, "none|threshold|fixed",
     "values of rows: as they are, 1 above 0.5, or 1 with the value's probability, drawn once"},
    {"data.targets", WEIR__CHOICE, AT(data.targets), NULL, "labels|lower-half|values",
     "what is predicted; lower-half: of each image, from its upper half; values: target_columns or files"},
    {"data.scale", WEIR__CHOICE, AT(data.scale), NULL, "auto|none|1/255|standardise",
     "of values, kept by the model; auto: 1/255 of grey values, else none; standardise: mean 0, deviation 1 per "
     "column"},
    {"data.header", WEIR__CHOICE, AT(data.header), NULL, "auto|yes|no",
     "files, CSV: does the first line name columns; auto: it does without numbers, or counting 0, 1, 2, ..."},
    {"data.skip_columns", WEIR__TEXT, AT(data.skip_columns), NULL, NULL,
     "files, CSV: columns that are not used, from 0, as in 0,3-5"},
    {"data.target_columns", WEIR__TEXT, AT(data.target_columns), NULL, NULL,
     "files, CSV, targets values: columns that are predicted, as in 0,3-5"},
    {"data.train_targets", WEIR__TEXT, AT(data.train_targets), NULL, NULL,
     "files, targets values: rows of targets of the training rows"},
    {"data.test_targets", WEIR__TEXT, AT(data.test_targets), NULL, NULL,
     "files, targets values: rows of targets of the test rows"},

    {"network", WEIR__NODES, 0, NULL, NULL, "the nodes, in order"},

    {"train", WEIR__SECTION, 0, NULL, NULL, "how it is trained"},
    {"train.seed", WEIR__SEED, AT(train.seed), NULL, NULL, "seed of initial parameters, shuffling and noise"},
    {"train.epochs", WEIR__SIZE, AT(train.epochs), &size_any, NULL, "passes over the training rows"},
    {"train.batch", WEIR__SIZE, AT(train.batch), &batch, NULL, "rows per step"},
    {"train.patience", WEIR__SIZE, AT(train.patience), &size_any, NULL,
     "epochs without a better validation error (or likelihood) before the end; 0: never"},
    {"train.test_threshold", WEIR__FLAG, AT(train.test_threshold), NULL, NULL,
     "find the test thresholds that give the target share"},
    {"train.average", WEIR__NUMBER, AT(train.average), &below_one, NULL,
     "weight of the past in a moving average of the parameters, which is judged and saved; 0: none"},
    {"train.checkpoint_seconds", WEIR__NUMBER, AT(train.checkpoint_seconds), &not_negative, NULL,
     "most time between checkpoints inside an epoch; 0: only at its end"},
    {"train.valid_samples", WEIR__SIZE, AT(train.valid_samples), &size_one, NULL,
     "targets: draws per row for the likelihood of the validation rows"},
    {"train.test_samples", WEIR__SIZE, AT(train.test_samples), &size_one, NULL,
     "targets: draws per row for the likelihood of the test rows"},

    {"train.optimizer", WEIR__SECTION, 0, NULL, NULL, "how parameters move"},
    {"train.optimizer.kind", WEIR__CHOICE, AT(train.optimizer.kind), NULL, "sgd|momentum|adam", "the optimizer"},
    {"train.optimizer.rate", WEIR__NUMBER, AT(train.optimizer.rate), &positive, NULL, "learning rate"},
    {"train.optimizer.momentum", WEIR__NUMBER, AT(train.optimizer.momentum), &below_one, NULL, "momentum's factor"},
    {"train.optimizer.beta1", WEIR__NUMBER, AT(train.optimizer.beta1), &below_one, NULL, "adam: of the mean"},
    {"train.optimizer.beta2", WEIR__NUMBER, AT(train.optimizer.beta2), &below_one, NULL, "adam: of the mean square"},
    {"train.optimizer.epsilon", WEIR__NUMBER, AT(train.optimizer.epsilon), &positive, NULL, "adam: in the divisor"},
    {"train.optimizer.decay", WEIR__NUMBER, AT(train.optimizer.decay), &not_negative, NULL, "L2 weight decay"},
    {"train.optimizer.schedule", WEIR__CHOICE, AT(train.optimizer.schedule), NULL, "constant|step|cosine",
     "how the rate changes"},
    {"train.optimizer.step_factor", WEIR__NUMBER, AT(train.optimizer.step_factor), &up_to_one, NULL,
     "step: factor of the rate"},
    {"train.optimizer.step_epochs", WEIR__SIZE, AT(train.optimizer.step_epochs), &size_one, NULL,
     "step: epochs between two factors"},
    {"train.optimizer.final_rate", WEIR__NUMBER, AT(train.optimizer.final_rate), &not_negative, NULL,
     "cosine: the rate at the end"},
    {"train.optimizer.rate_decay", WEIR__NUMBER, AT(train.optimizer.rate_decay), &not_negative, NULL,
     "additionally rate / (1 + rate_decay * epoch)"},

    {"train.sparsity", WEIR__SECTION, 0, NULL, NULL, "how the share of open gates is steered"},
    {"train.sparsity.kind", WEIR__CHOICE, AT(train.sparsity.kind), NULL, "kl|l1|l0|none", "the penalty"},
    {"train.sparsity.target", WEIR__NUMBER, AT(train.sparsity.target), &inside, NULL, "share of gates to be open"},
    {"train.sparsity.train_target", WEIR__NUMBER, AT(train.sparsity.train_target), &below_one, NULL,
     "target of the penalty when it differs; 0: target"},
    {"train.sparsity.weight", WEIR__NUMBER, AT(train.sparsity.weight), &not_negative, NULL,
     "weight of the penalty at the start"},
    {"train.sparsity.adapt", WEIR__NUMBER, AT(train.sparsity.adapt), &factor, NULL,
     "factor of the weight per batch while the share is off; kl: 1 keeps it"},
    {"train.sparsity.tolerance", WEIR__NUMBER, AT(train.sparsity.tolerance), &below_one, NULL,
     "how far the share may be off before the weight changes"},
    {"train.sparsity.bias_push", WEIR__NUMBER, AT(train.sparsity.bias_push), &not_negative, NULL,
     "step of the bias of a unit that is hardly ever open; 0: none"},
    {"train.sparsity.bias_rate", WEIR__NUMBER, AT(train.sparsity.bias_rate), &probability, NULL,
     "opening rate under which the bias is pushed"},
    {"train.sparsity.average", WEIR__NUMBER, AT(train.sparsity.average), &below_one, NULL,
     "weight of the past in the moving average of that rate"},

    {"variants", WEIR__VARIANTS, 0, NULL, NULL, "settings that belong to one rule"},
};
const size_t weir__setting_count = sizeof weir__settings / sizeof *weir__settings;

#undef AT
#define AT(member) offsetof(weir_node, member)

const weir__setting weir__node_settings[] = {
    {"name", WEIR__NAME, AT(name), NULL, NULL, "unique name"},
    {"kind", WEIR__KIND, AT(kind), NULL, NULL, "what it computes"},
    {"from", WEIR__TEXT, AT(from), NULL, NULL,
     "the node that it reads, or several: \"one, two\"; not said: the one before"},
    {"gates", WEIR__TEXT, AT(gates), NULL, NULL, "gated-affine: the unit node that gates it"},
    {"size", WEIR__SIZE, AT(size), &size_one, NULL, "outputs per row"},
    {"block", WEIR__SIZE, AT(block), &size_one, NULL, "gated-affine: hidden units per gate; not said: 1"},
    {"activation", WEIR__CHOICE, AT(activation), NULL, "linear|rectifier|tanh", "gated-affine: not said: linear"},
    {"rule", WEIR__RULE, AT(rule), NULL, NULL, "unit: its rule; not said: the configuration's"},
    {"dropout", WEIR__NUMBER, AT(dropout), &below_one, NULL, "dropout: probability of 0"},
    {"shift", WEIR__SIZE, AT(shift), &size_one, NULL, "shift: most pixels that a square image moves each way"},
    {"closed", WEIR__CHOICE, AT(closed), NULL, "all|none|sample",
     "gated-affine: experts of closed gates that training evaluates; not said: all"},
    {"closed_share", WEIR__NUMBER, AT(closed_share), &up_to_one, NULL, "share of them with closed: sample"},
    {"init", WEIR__NUMBER, AT(init), &positive, NULL, "factor of the initial weights; not said: 1"},
    {"init_inputs", WEIR__SIZE, AT(init_inputs), &size_any, NULL, "non-zero inputs per unit at the start; 0: all"},
    {"bias", WEIR__NUMBER, AT(bias), &any, NULL, "initial bias"},
    {"rate", WEIR__NUMBER, AT(rate), &positive, NULL, "factor of the learning rate; not said: 1"},
    {"max_norm", WEIR__NUMBER, AT(max_norm), &not_negative, NULL,
     "most that the norm of a unit's incoming weights may be; 0: unlimited"},
};
const size_t weir__node_setting_count = sizeof weir__node_settings / sizeof *weir__node_settings;

_Static_assert(sizeof weir__settings / sizeof *weir__settings <= weir__settings_most, "a document has no room");
_Static_assert(sizeof weir__node_settings / sizeof *weir__node_settings <= weir__node_settings_most, "nor a node");

const char *weir__setting_key(const weir__setting *setting) {
    const char *dot = strrchr(setting->path, '.');
    return dot ? dot + 1 : setting->path;
}

bool weir__setting_is_value(const weir__setting *setting) { return setting->type >= WEIR__TEXT; }

static const char *expects(const weir__setting *setting) {
    if (setting->choices) return setting->choices;
    if (setting->range) return setting->range->text;
    switch (setting->type) {
    case WEIR__KIND:
        return "a kind of node";
    case WEIR__RULE:
        return "NAME or NAME:parameter=value,...";
    case WEIR__NAME:
        return "a name";
    case WEIR__SEED:
        return "a whole number";
    case WEIR__FLAG:
        return "true or false";
    default:
        return "text";
    }
}

static weir_setting describe(const weir__setting *setting, bool of_node) {
    return (weir_setting){
        .path = setting->path, .expects = expects(setting), .about = setting->about, .of_node = of_node};
}

size_t weir_setting_count(void) {
    size_t count = weir__node_setting_count;
    for (size_t i = 0; i < weir__setting_count; i++) count += weir__setting_is_value(&weir__settings[i]);
    return count;
}

weir_setting weir_setting_at(size_t index) {
    for (size_t i = 0; i < weir__setting_count; i++) {
        if (weir__setting_is_value(&weir__settings[i]) && index-- == 0) return describe(&weir__settings[i], false);
    }
    if (index < weir__node_setting_count) return describe(&weir__node_settings[index], true);
    return (weir_setting){0};
}
