#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# weir compare: what it refuses, the table and summary.json against the runs' own results, bands in figures, and that an
# interrupted comparison goes on to the same numbers.
. "$(dirname "$0")/lib.sh"

# Rules of the units' own, and no units.
sed -e '/^rule:/d' -e 's/kind: unit/kind: unit, rule: sts/' small.yaml >nodes.yaml
cat >dense.yaml <<END
data: {source: digits}
network: [{kind: input, size: 784}, {kind: affine, size: 10}, {kind: softmax-cross-entropy}]
END

{
    run compare
    run compare small.yaml --rules straight-through,stright
    run compare small.yaml --vary train.epoch=3
    run compare small.yaml --vary train.epochs
    run compare small.yaml --vary train.epochs=
    run compare small.yaml --vary train.epochs=1,2,1
    run compare small.yaml --vary train.epochs=1,2 --vary train.epochs=3
    run compare small.yaml --vary train.epochs=1,2 --epochs 4
    run compare small.yaml --vary train.optimizer.momentum=0.8
    run compare nowhere.yaml --seeds 2
    run compare small.yaml --seeds 0
    run compare nodes.yaml --rules sts,straight-through
    run train nodes.yaml --rule straight-through
    run compare dense.yaml --rules sts,straight-through
} | compare compare_usage
[ ! -e runs ] || fail "a wrong call left a folder"

# Two rules and two rates, two seeds: every run's number is in the table and in summary.json.
job="small.yaml --rules straight-through,rloo:samples=4 --vary train.optimizer.rate=0.1,0.02 --seeds 2 --jobs 2 --epochs 2"
# shellcheck disable=SC2086
must 0 "$tool" compare $job --out out
first=straight-through_rate-0.1
for row in $first straight-through_rate-0.02 rloo:samples=4_rate-0.1 rloo:samples=4_rate-0.02; do
    for seed in 1 2; do
        [ "$("$json" "out/$row/$seed/result.json" seed)" = $seed ] || fail "$row/$seed"
    done
done
mean() { for seed in 1 2; do "$json" "out/$1/$seed/result.json" test_error; done | awk '{ s += $1 } END { print s / 2 }'; }
for r in 0 1 2 3; do
    row=$("$json" out/summary.json "rows.$r.name")
    close "mean of $row" "$("$json" out/summary.json "rows.$r.summary.test_error.mean")" "$(mean "$row")"
done
close "difference" "$("$json" out/summary.json rows.3.difference.mean)" \
    "$(echo "$(mean rloo:samples=4_rate-0.02) $(mean $first)" | awk '{ print $1 - $2 }')"
[ "$("$json" out/summary.json rows.3.settings.1)" = train.optimizer.rate=0.02 ] || fail "settings"
grep -q "^Test error minus that of straight-through, rate 0.1, seed by seed$" .out || fail "no differences: $(cat .out)"
grep -Eq "^  rloo:samples=4, rate 0.02 +[+-][0-9.]+ ± [0-9.]+ +[+-][0-9.]+ to [+-][0-9.]+ +<?[0-9.]+ +[0-2] of 2$" .out ||
    fail "difference: $(cat .out)"
grep -q "^| straight-through, rate 0.1 | .* ± .* | 2 |$" out/table.md || fail "table.md: $(cat out/table.md)"
[ "$("$json" out/$first/1/result.json test_error)" != "$("$json" out/rloo:samples=4_rate-0.1/1/result.json test_error)" ] ||
    fail "the rules give one number"

if command -v gnuplot >/dev/null 2>&1; then
    grep -q "</svg>" out/validation.svg || fail "validation.svg is not complete"
    grep -q "rloo:samples=4, rate 0.02" out/validation.svg || fail "validation.svg does not name the variants"
    [ "$(grep -c "fill-opacity" out/validation.svg)" -ge 4 ] || fail "validation.svg has no bands"
    # weir plot joins the seeds of each variant, too, and of them alone.
    must 0 "$tool" plot out/*/[12] --out plots
    [ "$(grep -c ">rloo:samples=4_rate-0.02  " plots/learning.svg)" = 1 ] && grep -q "band: deviation over seeds" plots/learning.svg ||
        fail "plot does not join seeds"
    [ "$(grep -c "fill-opacity" plots/learning.svg)" -ge 8 ] || fail "learning.svg has no bands"
    must 0 "$tool" plot out/*/1 --out plots
    grep -q "band" plots/learning.svg && fail "a band of one seed"
fi
must 0 "$tool" plot out/*/[12] --text
grep -q "straight-through_rate-0.1" .out || fail "plot --text: $(cat .out)"

# The rules of a node, with event files.
must 0 "$tool" compare nodes.yaml --vary network.gates.rule=sts,straight-through --seeds 1 --epochs 1 --tensorboard --out logs
[ "$(ls logs/*/1/events.out.tfevents.* | wc -l)" = 2 ] || fail "no event files: $(ls logs/*/1)"

# Finished: nothing is trained again, JSON alone on standard output; another set of settings is refused.
# shellcheck disable=SC2086
must 0 "$tool" compare $job --out out --resume --json
grep -q "8 of 8 runs are finished already" .err || fail "finished runs are not known: $(cat .err)"
head -n 1 .out | grep -q '^{$' || fail "--json: $(head -n 3 .out)"
# shellcheck disable=SC2086
must 1 "$tool" compare $job --out out
# shellcheck disable=SC2086
must 1 "$tool" compare $job --out out --resume --set train.batch=7
grep -q "was begun with other settings" .err || fail "other settings: $(cat .err)"

# Interrupted: no training stays behind, and the same command with --resume gives the uninterrupted numbers.
# shellcheck disable=SC2086
long="small.yaml --seeds 2 --epochs 4 --jobs 2 --set data.train=3000 --set train.batch=8 --set train.checkpoint_seconds=0.02"
# shellcheck disable=SC2086
must 0 "$tool" compare $long --out whole
for seed in 1 2; do numbers_of whole/as-it-is/$seed/result.json; done >whole.numbers
# shellcheck disable=SC2086
"$tool" compare $long --out cut >.out 2>.err &
pid=$!
tries=0
until [ -e cut/as-it-is/1/checkpoint.safetensors ] || [ $tries -ge 200 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -INT $pid
code=0
wait $pid || code=$?
[ $code = 1 ] && grep -q "^weir: interrupted; to go on: the same command with --resume$" .err || fail "SIGINT: $code $(cat .err)"
[ ! -e cut/as-it-is/2/result.json ] || fail "SIGINT came too late"
# shellcheck disable=SC2086
must 0 "$tool" compare $long --out cut --resume
for seed in 1 2; do numbers_of cut/as-it-is/$seed/result.json; done | diff whole.numbers - >&2 ||
    fail "the results differ from those of the uninterrupted comparison"

# Relative names of files, from another folder's point of view the same ones.
awk 'BEGIN { srand(3); print "a,b,kind"; for (r = 0; r < 90; r++) { k = r % 2; printf "%.3f,%.3f,%s\n", k + rand(), rand(), k ? "on" : "off" } }' >table.csv
cat >table.yaml <<END
data: {source: files, train_rows: table.csv, label_column: kind}
network: [{kind: input, size: 2}, {kind: affine, size: 2}, {kind: softmax-cross-entropy}]
train: {epochs: 2, batch: 10}
END
must 0 "$tool" compare table.yaml --seeds 2
must 0 "$tool" compare table.yaml --seeds 3 --resume
grep -q "^2 of 3 runs are finished already" .out || fail "files by relative names: $(cat .out)"
must 0 "$tool" predict runs/table-compared/as-it-is/1 table.csv
