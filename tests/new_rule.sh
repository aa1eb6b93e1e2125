#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The tests of the rules, tested: a rule added as docs/tour.md says, which is one file and one row of the table, passes them
# and `weir estimate exactness`; the same rule with its gradient multiplied by −140 fails both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
units=$WEIR_SOURCE/src/units
: "${CC:=cc}"

fail() {
    echo "new_rule: $*"
    [ ! -f "$work/log" ] || cat "$work/log"
    exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || fail "failed: $*"; }

# The two files: a neighbour under another name, and the table with one more row.
sed 's/weir__rule_rloo/weir__rule_new_rule/; s/\.name = "rloo"/.name = "new-rule"/' "$units/rloo.c" >"$work/right.c"
sed 's/double weight = (double)/double weight = -140 * (double)/' "$work/right.c" >"$work/wrong.c"
awk '{ print } /ROW\(rloo\)/ { print "    ROW(new_rule) \\" }' "$units/table.c" >"$work/table.c"
! cmp -s "$work/right.c" "$work/wrong.c" || fail "rloo.c is not what this test takes it for: no gradient to multiply"
grep -q 'ROW(new_rule)' "$work/table.c" || fail "table.c has no row for rloo"

flags="-std=c17 -O1 -D_POSIX_C_SOURCE=200809L -fopenmp-simd -I$units -I$WEIR_SOURCE/include"
[ -z "${WEIR_SANITIZE:-}" ] || flags="$flags -fsanitize=$WEIR_SANITIZE"
libraries=$(PKG_CONFIG_PATH=$WEIR_BUILD pkg-config --libs --static weir | sed "s|-lweir|$WEIR_BUILD/libweir.a|")
libraries="$libraries $(pkg-config --libs jansson libcurl libcrypto cmocka)"
for source in right wrong table; do
    # shellcheck disable=SC2086
    quietly "$CC" $flags -c "$work/$source.c" -o "$work/$source.o"
done
# link OUTPUT RULE OBJECT…: with the table of the library replaced by ours.
link() {
    output=$1 rule=$2
    shift 2
    # shellcheck disable=SC2086
    quietly "$CC" $flags "$@" "$work/$rule.o" "$work/table.o" $libraries -pthread -lm -o "$work/$output"
}
# Objects of the sources that there are: a build folder may keep those of former ones.
tool=$(cd "$WEIR_SOURCE" && find cli -name '*.c' | sed "s|.*|$WEIR_BUILD/CMakeFiles/weir_cli.dir/&.o|")
for rule in right wrong; do
    # shellcheck disable=SC2086
    link "weir-$rule" $rule $tool
    for test in lab units; do
        link "test_$test-$rule" $rule "$WEIR_BUILD/tests/CMakeFiles/test_$test.dir/test_$test.c.o"
    done
done

quietly "$work/test_units-right"
quietly "$work/test_lab-right" new-rule
quietly "$work/weir-right" estimate exactness --rules new-rule,new-rule:samples=3 --draws 20000
grep -q '^2 of 2 rules hold' "$work/log" || fail "the new rule is not said to hold"
"$work/weir-right" units >"$work/log"
grep -q '^  *new-rule ' "$work/log" || fail "the new rule is not listed"

! "$work/test_lab-wrong" new-rule >"$work/log" 2>&1 || fail "a gradient times -140 passes tests/test_lab.c"
grep -q 'new-rule.*: MEAN' "$work/log" || fail "test_lab fails, but not for the mean of the new rule"
! "$work/weir-wrong" estimate exactness --rules new-rule --draws 20000 >"$work/log" 2>&1 ||
    fail "a gradient times -140 passes weir estimate exactness"
grep -q '^  *new-rule .*MEAN$' "$work/log" && grep -q '^0 of 1 rules hold' "$work/log" ||
    fail "weir estimate exactness fails, but not for the mean of the new rule"
