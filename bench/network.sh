#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Whole gated networks beside a dense one of 800 units, in turns: milliseconds and multiply-adds per second of a
# prediction and of a training step (bench/network.c says what the networks are).
#
#     bench/network.sh [--json] [--grid] [--profile] [--optimizer sgd|momentum|adam] [--rounds N]
#
# Without --grid: 450 -> 3200 and 1024 -> 8192 in blocks of 16, a sixteenth open, batch 256. --grid: 256 to 2048
# inputs, blocks of 8 to 64, shares of 1/8 to 1/64, batches of 1 to 512, one axis at a time around 512 inputs, blocks of
# 16, 1/16 and 256 rows, and the corners; hidden units are eight times the inputs. --json: a line per case.
# Build first: cmake --build --preset release --target bench_network
set -eu
cd "$(dirname "$0")/.."
grid=
for argument; do
    shift
    if [ "$argument" = --grid ]; then grid=1; else set -- "$@" "$argument"; fi
done
if [ ! -x build/bench_network ]; then
    echo "$0: build first: cmake --build --preset release --target bench_network" >&2
    exit 2
fi
if [ ! "$grid" ]; then
    exec build/bench_network "$@" 450 3200 16 0.0625 256 1024 8192 16 0.0625 256
fi
cases=
for inputs in 256 512 1024 2048; do cases="$cases $inputs $((8 * inputs)) 16 0.0625 256"; done
for block in 8 32 64; do cases="$cases 512 4096 $block 0.0625 256"; done
for share in 0.125 0.03125 0.015625; do cases="$cases 512 4096 16 $share 256"; done
for batch in 1 8 32 64 128 512; do cases="$cases 512 4096 16 0.0625 $batch"; done
for inputs in 256 2048; do
    for block in 8 64; do
        for share in 0.125 0.015625; do
            for batch in 1 512; do cases="$cases $inputs $((8 * inputs)) $block $share $batch"; done
        done
    done
done
# shellcheck disable=SC2086
exec build/bench_network "$@" $cases
