#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Two builds of weir in turns: is the new one as fast as the old one? No peer is needed. The cases are those of
# bench/targets.sh that are weir's own time: F1 T2 F2 T1 (layers of 4096 units, blocks of 64, 6 of 64 gates open),
# L1 (one row through 32 layers), U1 (blocks of one unit), T3 (steps of a stack of four gated layers, fp32 and bf16),
# P (steps of mnist-paper).
#
#     ROUNDS=7 bench/turns.sh OLD NEW [ID …]      OLD, NEW: build folders with weir and bench_train_step
#
# In each round both builds run each case, in alternating order; the figure is the median of the rounds' quotients
# new / old, least and greatest beside it. Ends with status 1 if a median is above MOST (1.03).
set -eu
[ $# -ge 2 ] || { sed -n '6,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
old=$(cd "$1" && pwd) new=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- F1 T2 U1 L1 T3 P
cd "$(dirname "$0")/.."
for build in "$old" "$new"; do
    for program in weir bench_train_step; do
        [ -x "$build/$program" ] || { echo "bench/turns.sh: $build/$program is not there; build it first" >&2; exit 2; }
    done
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work" # built-in rates for both

# time_of BUILD KEY OPTIONS…: milliseconds of a layer, from the line of JSON.
layer() {
    build=$1 key=$2
    shift 2
    "$build/weir" bench gated --json "$@" | sed "s/.*\"$key\":\\([-0-9.e+]*\\).*/\\1/"
}
step() {
    build=$1
    shift
    "$build/bench_train_step" "$@" | awk 'END { print $2 }'
}
paper="train.optimizer.kind=sgd train.optimizer.rate=0.1 train.optimizer.momentum=0 train.optimizer.schedule=constant"

# turn CASE COMMAND…: COMMAND is run with either build as its second word.
turn() {
    name=$1 command=$2
    shift 2
    if [ $((round % 2)) -eq 1 ]; then
        a=$($command "$old" "$@") b=$($command "$new" "$@")
    else
        b=$($command "$new" "$@") a=$($command "$old" "$@")
    fi
    printf '%s\t%s\t%s\n' "$name" "$a" "$b" >>"$work/times"
}

run() {
    case $1 in
    F1) for rows in 256 1024; do turn "F1 fp32 forward, $rows rows" layer forward_ms --pass forward --batch $rows; done ;;
    T2) for rows in 256 1024; do turn "T2 fp32 step, $rows rows" layer train_ms --pass train --batch $rows; done ;;
    F2) for rows in 256 1024; do
        turn "F2 bf16 forward, $rows rows" layer forward_ms --pass forward --precision bf16 --batch $rows
    done ;;
    T1) for rows in 256 1024; do
        turn "T1 bf16 step, $rows rows" layer train_ms --pass train --precision bf16 --batch $rows
    done ;;
    L1) turn "L1 one row, 32 layers, bf16" layer forward_ms --stack 32 --batch 1 --precision bf16 --sides one --pass forward ;;
    U1) for batch in 256 1; do
        turn "U1 blocks of 1, $batch rows" layer forward_ms --pass forward --block 1 --batch $batch --share 0.1
    done ;;
    T3) for precision in fp32 bf16; do
        turn "T3 $precision stack step" step bench/gated-stack.yaml "precision=$precision" rule=straight-through
    done ;;
    P) for rule in sts reinforce straight-through; do
        # shellcheck disable=SC2086
        turn "P mnist-paper step, $rule" step mnist-paper $paper "rule=$rule"
    done ;;
    *)
        echo "bench/turns.sh: unknown ID '$1'; one of F1 T2 F2 T1 L1 U1 T3 P" >&2
        exit 2
        ;;
    esac
}

round=1
while [ "$round" -le "${ROUNDS:-7}" ]; do
    for id in "$@"; do run "$id"; done
    round=$((round + 1))
done

printf '%-32s %10s %10s %9s %15s\n' case 'old ms' 'new ms' new/old 'least-greatest'
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
slower=0
cut -f 1 "$work/times" | awk '!seen[$0]++' >"$work/cases"
while read -r name; do
    awk -F '\t' -v n="$name" '$1 == n' "$work/times" >"$work/case"
    awk -F '\t' '{ print $3 / $2 }' "$work/case" | sort -n >"$work/quotients"
    quotient=$(median <"$work/quotients")
    verdict=$(awk -v q="$quotient" -v m="${MOST:-1.03}" 'BEGIN { print (q + 0 <= m + 0) ? "" : "SLOWER" }')
    [ -z "$verdict" ] || slower=1
    printf '%-32s %10.3f %10.3f %9.3f %15s %s\n' "$name" "$(cut -f 2 "$work/case" | median)" \
        "$(cut -f 3 "$work/case" | median)" "$quotient" \
        "$(awk 'NR == 1 { l = $1 } END { printf "%.3f-%.3f", l, $1 }' "$work/quotients")" "$verdict"
done <"$work/cases"
exit $slower
