#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# One training step of the paper's network (mnist-paper, batch 32, plain SGD at rate 0.1, KL weight 0.1, max-norm 2) beside
# a PyTorch program that does the same, in one run, alternating: milliseconds of each (medians) and their ratio.
#
#     bench/paper_step.sh [ROUNDS]
#
# PYTHON names the interpreter (python3). Build first: cmake --build --preset release --target bench_train_step
set -eu
rounds=${1:-5}
cd "$(dirname "$0")/.."
# shellcheck source=bench/lib.sh
. bench/lib.sh
need bench_train_step
threads_of_all
alike="train.optimizer.kind=sgd train.optimizer.rate=0.1 train.optimizer.momentum=0 train.optimizer.schedule=constant
       train.sparsity.weight=0.1 bottleneck.rate=1 bottleneck.init=1 gater.rate=1
       gater.init=4 gater.bias=0 bottleneck.max_norm=2 gater.max_norm=2 experts.max_norm=2 logits.max_norm=2"

printf '%-42s %10s %10s %7s\n' rule 'weir ms' 'peer ms' ratio
for pair in straight-through:st sts:sts reinforce:sbn; do
    rule=${pair%:*} name=${pair#*:}
    : >"$work/weir"
    : >"$work/peer"
    ours=$rule
    [ "$rule" = sts ] && ours=sts:noise=none
    round=0
    while [ "$round" -lt "$rounds" ]; do
        # shellcheck disable=SC2086
        build/bench_train_step mnist-paper $alike "rule=$ours" | awk 'END { print $2 }' >>"$work/weir"
        "${PYTHON:-python3}" bench/peers/torch_paper_net.py --rule "$name" --threads "$threads" |
            sed 's/.*"ms_per_step": \([0-9.]*\).*/\1/' >>"$work/peer"
        round=$((round + 1))
    done
    weir=$(median <"$work/weir") torch=$(median <"$work/peer")
    awk -v r="$ours" -v w="$weir" -v p="$torch" 'BEGIN { printf "%-42s %10.3f %10.3f %7.2f\n", r, w, p, p / w }'
done
