# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Regression from the columns of a CSV file, through gated blocks: train, resume, eval, predict and plot speak of how far
# values are off, of no classes and of no likelihood.
. "$(dirname "$0")/lib.sh"

# y = |x0| + x1·[x2 > 0], z = 3·x0: two targets of five columns.
awk 'BEGIN { srand(7); print "x0,x1,x2,y,z"
    for (r = 0; r < 1500; r++) {
        a = 2 * rand() - 1; b = 2 * rand() - 1; c = 2 * rand() - 1
        printf "%.6f,%.6f,%.6f,%.6f,%.6f\n", a, b, c, (a < 0 ? -a : a) + (c > 0 ? b : 0), 3 * a
    } }' >table.csv
cat >fit.yaml <<END2
name: fit
rule: straight-through
data: {source: files, train_rows: table.csv, targets: values, target_columns: "3,4", train: 1000, valid: 250, test: 250}
network:
  - {name: x, kind: input, size: 3}
  - {kind: affine, size: 8}
  - {name: gates, kind: unit}
  - {kind: gated-affine, from: x, gates: gates, size: 64, block: 8, activation: rectifier}
  - {kind: affine, size: 2}
  - {kind: squared-error}
train:
  epochs: 30
  batch: 25
  optimizer: {kind: adam, rate: 0.01}
  sparsity: {target: 0.5}
END2

must 0 "$tool" train fit.yaml
grep -q '^epoch .* rmse .*share' .out || fail "train: no column rmse: $(cat .out)"
! grep -Eq 'nll|likelihood|^ *error' .out || fail "train speaks of likelihoods or errors: $(cat .out)"
grep -q '"valid_error":null.*"valid_rmse":[0-9.]*' runs/fit/metrics.jsonl || fail "metrics.jsonl has no valid_rmse"
for field in train_loss valid_rmse test_rmse test_r2 test_loss; do
    [ "$("$json" runs/fit/result.json $field)" != null ] || fail "$field is not known"
done
[ "$("$json" runs/fit/result.json test_error)" = null ] || fail "result.json speaks of an error"
! grep -q nll runs/fit/result.json runs/fit/metrics.jsonl || fail "result.json or metrics.jsonl has a likelihood"
# Half the squared error of two targets is the loss; nothing learned would be an R2 of 0.
"$json" runs/fit/result.json test_r2 | awk '{ exit !($1 > 0.95 && $1 < 1) }' || fail "R2 $("$json" runs/fit/result.json test_r2)"
echo "$("$json" runs/fit/result.json test_rmse) $("$json" runs/fit/result.json test_loss)" |
    awk '{ d = $1 * $1 - $2; exit !(d * d < 1e-8 * $2 * $2) }' || fail "rmse and loss do not agree"

must 0 "$tool" eval runs/fit --json
close rmse "$("$json" .out rmse)" "$("$json" runs/fit/result.json test_rmse)"
close r2 "$("$json" .out r2)" "$("$json" runs/fit/result.json test_r2)"
must 0 "$tool" eval runs/fit
grep -q '^ *root mean square error' .out && grep -q '^ *share of variance explained, R2' .out || fail "eval: $(cat .out)"
! grep -Eq '^ *error|likelihood' .out || fail "eval speaks of errors: $(cat .out)"

# Values, in the units of the targets; classes nowhere.
cut -d, -f1-3 table.csv | head -n 101 >rows.csv
must 0 "$tool" predict runs/fit rows.csv --csv
[ "$(head -n 1 .out)" = file,row,y_y,y_z ] || fail "predict: $(head -n 1 .out)"
tail -n +2 .out | cut -d, -f3,4 >predicted
head -n 101 table.csv | tail -n +2 | cut -d, -f4,5 | paste -d, predicted - |
    awk -F, '{ s += ($1 - $3)^2 + ($2 - $4)^2; n += 2 } END { exit !(n == 200 && sqrt(s / n) < 0.25) }' ||
    fail "predict is far off"
must 0 "$tool" predict runs/fit rows.csv --limit 1 --json
grep -q '"values": *{"y": ' .out || fail "predict --json: $(cat .out)"
! grep -q class .out || fail "predict --json speaks of classes"
must 2 "$tool" predict runs/fit rows.csv --top 2

must 0 "$tool" plot runs/fit --text
grep -q 'root mean square error' .out || fail "plot: $(cat .out)"

# Interrupted and continued: the numbers of one run.
must 0 "$tool" train fit.yaml --epochs 2 --out short
must 0 "$tool" train fit.yaml --epochs 4 --out short --resume
must 0 "$tool" train fit.yaml --epochs 4 --out long
close resumed "$("$json" short/result.json test_rmse)" "$("$json" long/result.json test_rmse)"
