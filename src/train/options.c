// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Default training options: the published settings where the paper has them, common ones elsewhere.

#include <weir/train.h>

weir_optimizer_options weir_optimizer_options_default(void) {
    return (weir_optimizer_options){
        .kind = "sgd",
        .rate = 0.1,
        .momentum = 0.5,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .decay = 0,
        .schedule = "constant",
        .step_factor = 0.5,
        .step_epochs = 10,
        .final_rate = 0,
        .rate_decay = 0,
    };
}

weir_train_options weir_train_options_default(void) {
    return (weir_train_options){
        .seed = 1,
        .epochs = 10,
        .batch = 32,
        .patience = 0,
        .test_threshold = true,
        .average = 0,
        .checkpoint_seconds = 30,
        .valid_samples = 10,
        .test_samples = 100,
        .optimizer = weir_optimizer_options_default(),
        .sparsity =
            {
                .kind = "kl",
                .target = 0.1,
                .train_target = 0,
                .weight = 0.1,
                .adapt = 1,
                .tolerance = 0.01,
                .bias_push = 0,
                .bias_rate = 0.01,
                .average = 0.99,
            },
    };
}
