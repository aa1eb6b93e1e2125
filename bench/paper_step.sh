#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# One training step of the paper's network (mnist-paper, batch 32, plain SGD at rate 0.1, KL weight 0.1, max-norm 2) beside
# a PyTorch program that does the same, in one run, alternating: milliseconds of each round, the medians and their ratio.
#
#     bench/paper_step.sh PEER_SCRIPT DATA_DIR [ROUNDS]
#
# PEER_SCRIPT takes DATA_DIR, --rule st|sts|sbn and --threads N, and prints a JSON line with "ms_per_step". PYTHON names the
# interpreter (python3). Build first: cmake --build --preset release --target bench_train_step
set -eu
peer=$1 data=$2 rounds=${3:-5}
here=$(cd "$(dirname "$0")/.." && pwd)
threads=${OMP_NUM_THREADS:-$(nproc)}
export OMP_NUM_THREADS="$threads"
alike="train.optimizer.kind=sgd train.optimizer.rate=0.1 train.optimizer.momentum=0 train.optimizer.schedule=constant
       train.sparsity.weight=0.1 bottleneck.rate=1 bottleneck.init=1 gater.rate=1
       gater.init=4 gater.bias=0 bottleneck.max_norm=2 gater.max_norm=2 experts.max_norm=2 logits.max_norm=2"

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%-42s %10s %10s %7s\n' rule 'weir ms' 'peer ms' ratio
for pair in straight-through:st sts:sts reinforce:sbn; do
    rule=${pair%:*} name=${pair#*:}
    : >"${TMPDIR:-/tmp}/weir_step.$$"
    : >"${TMPDIR:-/tmp}/peer_step.$$"
    ours=$rule
    [ "$rule" = sts ] && ours=sts:noise=none
    round=0
    while [ "$round" -lt "$rounds" ]; do
        # shellcheck disable=SC2086
        "$here/build/bench_train_step" mnist-paper $alike "rule=$ours" | awk 'END { print $2 }' >>"${TMPDIR:-/tmp}/weir_step.$$"
        "${PYTHON:-python3}" "$peer" "$data" --rule "$name" --threads "$threads" |
            sed 's/.*"ms_per_step": \([0-9.]*\).*/\1/' >>"${TMPDIR:-/tmp}/peer_step.$$"
        round=$((round + 1))
    done
    weir=$(median <"${TMPDIR:-/tmp}/weir_step.$$")
    torch=$(median <"${TMPDIR:-/tmp}/peer_step.$$")
    rm -f "${TMPDIR:-/tmp}/weir_step.$$" "${TMPDIR:-/tmp}/peer_step.$$"
    awk -v r="$ours" -v w="$weir" -v p="$torch" 'BEGIN { printf "%-42s %10.3f %10.3f %7.2f\n", r, w, p, p / w }'
done
