# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Charts as text, whole, from metrics that were written by hand; figures through gnuplot where there is one.
. "$(dirname "$0")/lib.sh"

mkdir one two broken none
i=1
for loss in 0.9 0.4 0.25 0.18 0.14 0.12 0.11 0.1; do
    echo "{\"epoch\": $i, \"train_loss\": $loss, \"valid_error\": 0.0$((9 - i)), \"train_share\": 0.1$i, \"valid_share\": 0.1}" >>one/metrics.jsonl
    echo "{\"epoch\": $i, \"train_loss\": 0.3, \"valid_error\": 0.05, \"train_share\": null, \"valid_share\": null}" >>two/metrics.jsonl
    i=$((i + 1))
done
echo '{"epoch": 1, "train_loss"' >broken/metrics.jsonl
: >none/metrics.jsonl
{
    run plot one --text
    run plot one two --text
    LC_ALL=C run plot one two --text
    run plot broken --text
    run plot none --text
    code=0
    PATH=/nowhere "$tool" plot one >.out 2>.err || code=$?
    tell "weir plot one (without gnuplot)" $code
} | compare plot

must 0 "$tool" train small.yaml
must 0 "$tool" plot runs/small --text
grep -q "share of gates open" .out || fail "no chart of the share"
mean=$(sed -n 's/.*how often the 16 gates are open: mean \([0-9.]*\) %, [0-9]* never, [0-9]* always$/\1/p' .out)
must 0 "$tool" eval runs/small --json
echo "$mean $("$json" .out share)" | awk '{ exit !($1 - 100 * $2 < 0.006 && 100 * $2 - $1 < 0.006 && $1 > 0) }' ||
    fail "the gates are open in $mean % of the rows, the share is $("$json" .out share)"
# The load of the gates: eval says of the test rows what the charts show, inspect says it of the validation rows, and
# metrics.jsonl what the best epoch's was.
must 0 "$tool" plot runs/small --text
grep -q "load of gates: greatest .* entropy .* never open, overlap " .out || fail "no chart of the load"
entropy=$(sed -n 's/.*load of gates: greatest .* entropy \([0-9.]*\), .*/\1/p' .out)
must 0 "$tool" eval runs/small
grep -q "^  gates *16 .* $entropy " .out || fail "eval has another entropy than $entropy"
must 0 "$tool" eval runs/small --json
echo "$("$json" .out share) $("$json" .out load.gates.open.0) $("$json" .out load.gates.gates)" |
    awk '{ exit !($2 >= 0 && $2 <= 1 && $3 == 16) }' || fail "no load of gates in eval --json"
must 0 "$tool" inspect runs/small --load
grep -q "gates: % of the validation rows that open each gate" .out || fail "inspect draws no load"
must 0 "$tool" inspect runs/small --load --json
best=$(grep '"best":true' runs/small/metrics.jsonl | tail -n 1 | sed 's/.*"valid_entropy":\([0-9.]*\).*/\1/')
echo "$best $("$json" .out load.gates.entropy)" | awk '{ exit !($1 - $2 < 1e-6 && $2 - $1 < 1e-6 && $1 > 0) }' ||
    fail "inspect has another entropy than the best epoch's $best: $("$json" .out load.gates.entropy)"
must 2 "$tool" inspect digits --load
must 2 "$tool" inspect runs/small --data .

command -v gnuplot >/dev/null 2>&1 || exit 0
must 0 "$tool" plot runs/small --svg --png --out figures
must 0 "$tool" plot runs/small one --svg --png --out figures
grep -v "^weir: one holds no model" .err && fail "gnuplot complains"
for name in learning share gates load classes; do
    head -c 4 figures/$name.png | grep -aq PNG || fail "$name.png is no PNG"
    grep -q "</svg>" figures/$name.svg || fail "$name.svg is not complete"
done

# Values that an axis has no place for: an error of exactly 0, a single epoch, huge and missing ones.
mkdir zero huge
echo '{"epoch": 1, "train_loss": 0, "valid_error": 0, "train_share": 0, "valid_share": 0}' >zero/metrics.jsonl
for epoch in 1 2 3; do
    echo "{\"epoch\": $epoch, \"train_loss\": 9e${epoch}0, \"valid_error\": null, \"train_share\": null, \"valid_share\": 1e-300}"
done >huge/metrics.jsonl
for runs in zero huge "zero huge" "zero one"; do
    # shellcheck disable=SC2086 # several words
    must 0 "$tool" plot $runs --svg --png --out odd
    grep -v "^weir: .* holds no model" .err && fail "plot $runs: gnuplot complains"
    grep -q "</svg>" odd/learning.svg || fail "plot $runs: no figure"
done
must 0 "$tool" plot zero huge --text

# The disk is full: gnuplot says nothing, weir does.
code=0
(
    ulimit -f 4
    exec "$tool" plot runs/small --out cut
) >.out 2>.err || code=$?
[ "$code" -eq 1 ] && grep -q "^weir: \(cut/\|gnuplot failed\)" .err || fail "a cut figure: $code $(cat .err)"
