#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The proof of the rules, tested: each of these faults in the source of a rule, of the kind that is made by hand, lets
# `weir estimate exactness` fail for that rule, which without the fault holds. A row: source, rule, what stands there
# (basic regular expression of sed), and what a fault makes of it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${CC:=cc}"
units=$WEIR_SOURCE/src/units

fail() {
    echo "mutations: $*"
    [ ! -f "$work/log" ] || cat "$work/log"
    exit 1
}

flags="-std=c17 -O1 -D_POSIX_C_SOURCE=200809L -fopenmp-simd -I$units -I$WEIR_SOURCE/include"
[ -z "${WEIR_SANITIZE:-}" ] || flags="$flags -fsanitize=$WEIR_SANITIZE"
libraries=$(PKG_CONFIG_PATH=$WEIR_BUILD pkg-config --libs --static weir | sed "s|-lweir|$WEIR_BUILD/libweir.a|")
libraries="$libraries $(pkg-config --libs jansson libcurl libcrypto)"
tool=$(cd "$WEIR_SOURCE" && find cli -name '*.c' | sed "s|.*|$WEIR_BUILD/CMakeFiles/weir_cli.dir/&.o|")

count=0
# mutate SOURCE RULE WHAT FAULT
mutate() {
    sed "s/$3/$4/" "$units/$1.c" | sed "s|#include \"\.\./|#include \"$WEIR_SOURCE/src/|" >"$work/$1.c"
    sed "s|#include \"\.\./|#include \"$WEIR_SOURCE/src/|" "$units/$1.c" | cmp -s - "$work/$1.c" &&
        fail "$1.c has no '$3'"
    # shellcheck disable=SC2086
    "$CC" $flags -c "$work/$1.c" -o "$work/$1.o" >"$work/log" 2>&1 || fail "'$4' in $1.c does not compile"
    # shellcheck disable=SC2086
    "$CC" $flags $tool "$work/$1.o" $libraries -pthread -lm -o "$work/weir" >"$work/log" 2>&1 || fail "$1 does not link"
    ! "$work/weir" estimate exactness --rules "$2" --draws 100000 >"$work/log" 2>&1 ||
        fail "'$4' in $1.c passes weir estimate exactness"
    grep -q '^0 of 1 rules hold' "$work/log" || fail "'$4' in $1.c: not judged"
    count=$((count + 1))
}

rules=carms,imle,unordered-set:draw=k-subset,sparse-mixer:draw=gumbel-top-k,minimal-variance-st,reinmax:draw=one-of
"$WEIR_TOOL" estimate exactness --rules "$rules" --draws 100000 >"$work/log" 2>&1 || fail "a rule without a fault fails"
# the weight of independence is left away; the noise is another one; a factor of 2; an expert that is not masked; a sign
mutate carms carms 'share \* ratio(&d, c\[s\], c\[t\], n)' 'share'
mutate imle imle 'weir__variable_gumbel(v, 0, 1, z)' 'weir__variable_gumbel(v, 1, 1, z)'
mutate unordered_set unordered-set:draw=k-subset 'v->da\[i\] += signal' 'v->da[i] += 2 * signal'
mutate sparse_mixer sparse-mixer:draw=gumbel-top-k 'left\[c\] = -FLT_MAX' 'left[c] = v->a[c]'
mutate minimal_variance_st minimal-variance-st 'y\[c\] -= p\[j\] \* factor' 'y[c] += p[j] * factor'
mutate reinmax_one_of reinmax:draw=one-of '2 \* first\[i\] - 0.5f' '2 * first[i] - 1.0f'
[ "$count" -eq 6 ] || fail "only $count faults were tried"
echo "$count faults, each found"
