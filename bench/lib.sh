# shellcheck shell=sh disable=SC2034
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What the scripts of this folder share; they source it from the top folder.

# need TARGET: ends with status 2 unless it is built.
need() {
    [ -x "build/$1" ] && return
    echo "$0: build first: cmake --build --preset release --target $1" >&2
    exit 2
}

# median: of the numbers on standard input, a line each; of an even count the lower one of the two.
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# threads_of_all: sets threads, and has all programs use as many.
threads_of_all() {
    threads=${OMP_NUM_THREADS:-$(nproc)}
    export OMP_NUM_THREADS="$threads"
}

# Everyone multiplies by the kernels of OpenBLAS that the tool chooses for this processor.
core=$(OPENBLAS_VERBOSE=2 build/weir --version 2>&1 | sed -n 's/^Core: //p' | tail -n 1)
[ -z "$core" ] || export OPENBLAS_CORETYPE="$core"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
