#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What gated kernels are held to: each case with its figure, the least that is wanted, and whether it is reached.
# Square layers of 4096 units, blocks of 64, 6 of 64 gates open unless said, weights cold; ratios of one run, in which
# weir, its own dense product and PyTorch (bench/peers) take turns. All cases are gone through in several rounds, so that
# a bad minute of the machine spoils one figure of each, not all of one: the median counts, least and greatest stand
# beside it. PYTHON names an interpreter that has PyTorch.
#
#     ROUNDS=3 bench/targets.sh [ID …]        F1 T2 F2 T1 L1 L2 U1 G0 T3 P; all of them without an ID
#
# T3 and P are whole training steps: bench/gated_stack.sh, bench/paper_step.sh. A round takes six minutes, G0 five more.
# Ends with status 1 if a figure is missed.
# Build first: cmake --build --preset release, and its target bench_train_step for T3 and P.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=bench/lib.sh
. bench/lib.sh

# case_of OPTIONS…: measures, and leaves the lines of JSON in $work/lines.
case_of() { build/weir bench gated --json "$@" >"$work/lines"; }

# want ID CASE FIGURE LEAST UNIT: notes the figure.
want() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$5" "$4" "$3" >>"$work/figures"
    printf '%-3s %-52s %9.2f %s\n' "$1" "$2" "$3" "$5" >&2
}

# A line for each figure: the median of its rounds, and whether it reaches what is wanted. Status 1 if one does not.
summary() {
    printf '%-3s %-52s %7s %15s %6s\n' id case median 'least-greatest' wanted
    cut -f 1-4 "$work/figures" | awk '!seen[$0]++' >"$work/cases"
    missed=0
    while IFS="$(printf '\t')" read -r id what unit least; do
        sorted=$(awk -F '\t' -v id="$id" -v what="$what" -v unit="$unit" '$1 == id && $2 == what && $3 == unit { print $5 }' \
            "$work/figures" | sort -n)
        figure=$(printf '%s\n' "$sorted" | median)
        verdict=$(awk -v f="$figure" -v l="$least" 'BEGIN { print (f + 0 >= l + 0) ? "pass" : "MISS" }')
        [ "$verdict" = pass ] || missed=1
        range=$(printf '%s\n' "$sorted" | awk 'NR == 1 { l = $1 } END { printf "%.2f-%.2f", l, $1 }')
        printf '%-3s %-52s %7.2f %15s %6.2f %-20s %s\n' "$id" "$what" "$figure" "$range" "$least" "$unit" "$verdict"
    done <"$work/cases"
    return $missed
}

# field NAME: of the only line. least NAME OTHER: the least quotient of all lines.
field() { sed 's/,"peer":.*//' "$work/lines" | sed -n "s/.*\"$1\":\\([-0-9.e+]*\\).*/\\1/p"; }
least() {
    while read -r line; do
        printf '%s\n' "$line" | sed "s/.*\"$1\":\\([-0-9.e+]*\\).*/\\1/" | tr '\n' ' '
        printf '%s\n' "$line" | sed "s/.*\"$2\":\\([-0-9.e+]*\\).*/\\1/"
    done <"$work/lines" | awk 'NR == 1 || $1 / $2 < m { m = $1 / $2 } END { print m }'
}
over() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }
# peer WAY TIME; WAY best: the fastest one.
peer() {
    sed 's/.*"peer":\[//' "$work/lines" | tr '{' '\n' | sed -n "s/.*\"way\":\"\\([a-z]*\\)\".*\"$2\":\\([-0-9.e+]*\\).*/\\1 \\2/p" |
        awk -v way="$1" 'way == "best" || $1 == way { if (!n++ || $2 < m) m = $2 } END { print m }'
}

# forward ID CASE TIMES [EFFICIENCY] OPTIONS…: the forward pass beside PyTorch's dense one.
forward() {
    id=$1 what=$2 times=$3 efficiency=$4
    shift 4
    case_of --pass forward --peer "$@"
    want "$id" "$what" "$(over "$(peer dense forward_ms)" "$(field forward_ms)")" "$times" "x PyTorch dense"
    [ "$efficiency" = - ] || want "$id" "$what" "$(field forward_efficiency)" "$efficiency" "efficiency"
}
train() {
    id=$1 what=$2 times=$3
    shift 3
    case_of --pass train --peer "$@"
    want "$id" "$what" "$(over "$(peer best train_ms)" "$(field train_ms)")" "$times" "x best of PyTorch"
}
stack() {
    case_of --stack 32 --batch 1 --precision bf16 --sides "$2" --pass forward
    want "$1" "batch 1, 32 layers, bf16, $2-sided" "$(over "$(field dense_forward_ms)" "$(field forward_ms)")" "$3" "x own dense"
}

# whole_step PRECISION: the stack beside PyTorch, and beside the dense network of equal work.
whole_step() {
    bench/gated_stack.sh "$1" >"$work/stack"
    stack_ms() { awk -v who="$1" '$1 == who { print $2 }' "$work/stack"; }
    gated=$(stack_ms weir-gated)
    want T3 "$1 step, stack of 4 gated on both sides, batch 1024" "$(over "$(stack_ms peer-masked)" "$gated")" 5 "x PyTorch masked"
    want T3 "$1 step, beside a dense network of equal work" "$(over "$(stack_ms weir-dense)" "$gated")" 0.667 "x own dense"
}
paper_step() {
    want P "fp32 step of mnist-paper, $1" "$(awk -v rule="$1" '$1 ~ "^" rule { print $4 }' "$work/paper")" "$2" "x PyTorch"
}

run() {
    case $1 in
    F1)
        forward F1 "fp32 forward, batch 256" 8 0.75 --batch 256
        forward F1 "fp32 forward, batch 1024" 10 0.85 --batch 1024
        ;;
    T2)
        train T2 "fp32 step, batch 256" 8 --batch 256
        train T2 "fp32 step, batch 1024" 8 --batch 1024
        ;;
    F2)
        forward F2 "bf16 forward, batch 256" 3.5 - --precision bf16 --batch 256
        forward F2 "bf16 forward, batch 1024" 8 - --precision bf16 --batch 1024
        forward F2 "bf16 forward, batch 4096" 10 - --precision bf16 --batch 4096
        ;;
    T1)
        train T1 "bf16 step, batch 256" 5 --precision bf16 --batch 256
        train T1 "bf16 step, batch 1024" 7 --precision bf16 --batch 1024
        ;;
    L1)
        stack L1 one 9.5
        want L1 "batch 1, 32 layers, bf16, one-sided" \
            "$(awk -v b="$(field weight_bytes)" -v t="$(field forward_ms)" -v r="$(field machine_read_gbps)" 'BEGIN { print b / t * 1e-6 / r }')" 0.85 "of memory bandwidth"
        ;;
    L2) stack L2 two 80 ;;
    U1)
        forward U1 "fp32 forward, blocks of 1, batch 256, share 0.1" 2.5 - --block 1 --batch 256 --share 0.1
        forward U1 "fp32 forward, blocks of 1, batch 256, share 0.01" 10 - --block 1 --batch 256 --share 0.01
        forward U1 "fp32 forward, blocks of 1, batch 1, share 0.1" 8 - --block 1 --batch 1 --share 0.1
        ;;
    G0)
        for batch in 1 8 32 128 512 2048; do
            any="--n 1024 --batch $batch --block 1,8,16,32,64,128 --share 0,0.1,0.3,0.5,0.7,0.9,1 --repeats 5 --seconds 0"
            # shellcheck disable=SC2086
            case_of $any --pass forward
            want G0 "any share and block, n = 1024, batch $batch" "$(least dense_forward_ms forward_ms)" 0.95 "x own dense, least"
            # shellcheck disable=SC2086
            case_of $any --pass train
            want G0 "a step of it, batch $batch" "$(least dense_train_ms train_ms)" 0.95 "x own dense, least"
        done
        ;;
    T3)
        whole_step fp32
        whole_step bf16
        ;;
    P)
        bench/paper_step.sh 3 >"$work/paper"
        paper_step sts 5
        paper_step reinforce 5
        paper_step straight-through 4
        ;;
    *)
        echo "targets: unknown ID '$1'; one of F1 T2 F2 T1 L1 L2 U1 G0 T3 P" >&2
        exit 2
        ;;
    esac
}

[ $# -gt 0 ] || set -- F1 T2 F2 T1 L1 L2 U1 G0 T3 P
round=1 rounds=${ROUNDS:-3}
while [ "$round" -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    # The planner goes by rates of this machine and this hour, kept apart from the user's.
    export XDG_CACHE_HOME="$work/cache-$round"
    build/weir bench plan --save >/dev/null
    build/weir bench machine
    for id in "$@"; do run "$id"; done
    round=$((round + 1))
done
summary
