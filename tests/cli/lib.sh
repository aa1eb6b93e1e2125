# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Tests of the tool, read by each cli_*.sh. A test runs commands in an empty folder, writes down everything that they
# print and their exit statuses, and compares the whole with expected/NAME.txt; what depends on the machine is replaced
# first. WEIR_UPDATE=1 writes expected/NAME.txt anew, for a person to look at.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${WEIR_BUILD:-$here/../../build}
tool=${WEIR_TOOL:-$build/weir}
json=$build/json_value
terminal=$build/on_terminal
export WEIR_RATES=builtin LC_ALL=C.UTF-8 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive NO_COLOR=1
unset WEIR_ISA WEIR_PLAN PYTHON

work=$(mktemp -d)
finish() {
    code=$?
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# run ARGUMENTS…: the command, its standard output, its standard error with "! " before each line, its exit status.
run() {
    code=0
    "$tool" "$@" </dev/null >"$work/.out" 2>"$work/.err" || code=$?
    tell "weir $*" "$code"
}
tell() {
    printf '$ %s\n' "$1"
    cat "$work/.out"
    sed 's/^/! /' "$work/.err"
    printf '[%s]\n\n' "$2"
}

# Standard input against expected/NAME.txt.
compare() {
    sed "s|$work|WORK|g" >"$work/.transcript"
    if [ -n "${WEIR_UPDATE:-}" ]; then cp "$work/.transcript" "$here/expected/$1.txt"; fi
    diff -u "$here/expected/$1.txt" "$work/.transcript" >&2 ||
        fail "$1: the output differs; if it is right, WEIR_UPDATE=1 sh tests/cli/$(basename "$0") accepts it"
}

# Replaces numbers with a decimal point, and all of lines with times or counted work.
no_numbers() {
    sed -E -e 's/^( +(milliseconds, all rows|multiply-adds per row|with the gater)).*/\1 #/' \
        -e 's/(part, [0-9,]+ rows) .*/\1 .../' -e 's/  best$//' -e 's/-?[0-9]+\.[0-9]+/#/g' -e 's/ +#/ #/g' -e 's/^(  computer +).*/\1#/'
}

# close NAME ONE OTHER: both numbers are equal but for the last of the nine digits that the tool prints.
close() {
    echo "$2 $3" | awk '{ d = $1 - $2; m = $1 < 0 ? -$1 : $1; exit !(d * d <= 1e-16 * m * m) }' || fail "$1: $2 is not $3"
}

# must STATUS COMMAND…: the command must end with the status; what it prints is shown when it does not.
must() {
    wanted=$1 code=0
    shift
    "$@" </dev/null >"$work/.out" 2>"$work/.err" || code=$?
    [ "$code" -eq "$wanted" ] || {
        cat "$work/.out" "$work/.err" >&2
        fail "exit status $code, not $wanted: $*"
    }
}

# The fields of a result.json that do not depend on time.
numbers_of() {
    for field in train_loss valid_error test_loss test_error share threshold epochs best_epoch multiply_adds_done; do
        "$json" "$1" "$field"
    done
}

# A network and data small enough to train in moments, whatever the built-in examples are.
cat >small.yaml <<END
name: small
about: A small network with gated blocks, for tests
rule: straight-through
data: {source: digits, train: 500, valid: 200, test: 200}
network:
  - {name: image, kind: input, size: 784}
  - {name: gater, kind: affine, size: 16}
  - {name: gates, kind: unit}
  - {name: experts, kind: gated-affine, from: image, gates: gates, size: 250, block: 16, activation: rectifier}
  - {name: logits, kind: affine, size: 10}
  - {name: loss, kind: softmax-cross-entropy}
train:
  epochs: 2
  batch: 32
  optimizer: {kind: adam, rate: 0.002}
  sparsity: {kind: kl, target: 0.25, weight: 0.1}
END
