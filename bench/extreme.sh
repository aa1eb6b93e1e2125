#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# A training step of extreme classification on rows of Amazon-670K's shape (bench/extreme.c): weir beside PyTorch's step
# over all classes and beside its sampled one, on the same rows, alternating in one run; medians of the rounds.
#
#     bench/extreme.sh [--json]
#
# ROUNDS (3), BLOCK (1), SAMPLED (1000) and PYTHON (python3, with PyTorch) are variables. Build first:
# cmake --build --preset release --target bench_extreme
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=bench/lib.sh
. bench/lib.sh
need bench_extreme
threads_of_all
rounds=${ROUNDS:-3} block=${BLOCK:-1} sampled=${SAMPLED:-1000} python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/bench_extreme --save "$work/rows"
number() { sed "s/.*\"$1\": \([0-9.]*\).*/\1/"; }
peer() { # WAY STEPS WARM-UP
    "$python" bench/peers/torch_extreme.py --rows "$work/rows" --way "$1" --sampled "$sampled" --steps "$2" \
        --warm-up "$3" --threads "$threads" >"$work/out"
    number ms <"$work/out" >>"$work/$1"
    number peak_gb <"$work/out" >>"$work/$1-peak"
}
round=0
while [ "$round" -lt "$rounds" ]; do
    build/bench_extreme --block "$block" --sampled "$sampled" >"$work/out"
    number iteration_ms <"$work/out" >>"$work/weir"
    number peak_gb <"$work/out" >>"$work/weir-peak"
    peer sampled 40 64
    peer full 3 1
    round=$((round + 1))
done
weir=$(median <"$work/weir") full=$(median <"$work/full") some=$(median <"$work/sampled")
if [ "${1:-}" = --json ]; then
    printf '{"iteration_ms": %s, "peak_gb": %s, "torch_full_ms": %s, "torch_sampled_ms": %s, "torch_full_gb": %s, "torch_sampled_gb": %s, "threads": %s}\n' \
        "$weir" "$(median <"$work/weir-peak")" "$full" "$some" "$(median <"$work/full-peak")" \
        "$(median <"$work/sampled-peak")" "$threads"
    exit
fi
printf '%-28s %10s %8s %8s\n' '' 'ms a step' 'peak GB' 'ratio'
printf '%-28s %10s %8s\n' weir "$weir" "$(median <"$work/weir-peak")"
printf '%-28s %10s %8s %8s\n' 'PyTorch, all classes' "$full" "$(median <"$work/full-peak")" \
    "$(awk "BEGIN { printf \"%.1f\", $full / $weir }")"
printf '%-28s %10s %8s %8s\n' 'PyTorch, sampled' "$some" "$(median <"$work/sampled-peak")" \
    "$(awk "BEGIN { printf \"%.1f\", $some / $weir }")"
