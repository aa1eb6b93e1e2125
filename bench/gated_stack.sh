#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# A training step of a stack whose layers are gated on both sides (bench/gated-stack.yaml, 1024 rows), beside PyTorch
# that computes everything and multiplies by the gates, and beside a dense network of as many multiply-adds, of weir and
# of PyTorch. In one run, alternating: the median milliseconds of each.
#
#     bench/gated_stack.sh [fp32|bf16] [ROUNDS]
#
# PYTHON names the interpreter (python3). Build first: cmake --build --preset release --target bench_train_step
set -eu
precision=${1:-fp32} rounds=${2:-3}
cd "$(dirname "$0")/.."
# shellcheck source=bench/lib.sh
. bench/lib.sh
need bench_train_step
threads_of_all
dtype=float32
[ "$precision" = bf16 ] && dtype=bfloat16

weir_step() {
    build/bench_train_step "bench/$1-stack.yaml" "precision=$precision" rule=straight-through |
        awk 'END { print $2 }' >>"$work/weir-$1"
}
peer_step() {
    "${PYTHON:-python3}" bench/peers/torch_gated_stack.py --way "$1" --dtype "$dtype" --threads "$threads" --steps 3 |
        sed 's/.*"ms": \([0-9.]*\).*/\1/' >>"$work/peer-$1"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    weir_step gated
    weir_step dense
    peer_step masked
    peer_step active
    round=$((round + 1))
done
for who in weir-gated weir-dense peer-masked peer-active; do printf '%-12s %10.3f\n' "$who" "$(median <"$work/$who")"; done
