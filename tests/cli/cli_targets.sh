# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# A network that predicts the lower halves of digits through random units: train, eval, predict, plot; what is said of
# likelihoods instead of errors, and of data and networks that do not go together.
. "$(dirname "$0")/lib.sh"

cat >half.yaml <<END2
name: half
rule: straight-through:derivative=sigmoid
data: {source: digits, train: 500, valid: 200, test: 200, binarise: fixed, targets: lower-half}
network:
  - {name: upper, kind: input, size: 392}
  - {kind: affine, size: 20}
  - {kind: unit}
  - {kind: affine, size: 16}
  - {kind: unit}
  - {name: lower, kind: affine, size: 392}
  - {name: loss, kind: bernoulli-cross-entropy}
train:
  epochs: 2
  batch: 50
  valid_samples: 3
  test_samples: 20
  optimizer: {kind: momentum, rate: 0.01, momentum: 0.9}
  sparsity: {kind: none}
END2

run train half.yaml | no_numbers >.train
{
    cat .train
    run eval runs/half --samples 7 | no_numbers
    run train half.yaml --out bad --set data.targets=labels
    run train half.yaml --out bad --set data.targets=left
    run train half.yaml --out bad --set data.binarise=half
    run train half.yaml --out bad --set lower.size=391
    run train half.yaml --out bad --set loss.kind=softmax-cross-entropy
    run train half.yaml --out bad --set train.valid_samples=0
    run train small.yaml --out bad --set data.targets=lower-half
} | compare targets

# Fields: a likelihood where a classifier has an error.
for field in train_loss valid_nll test_nll test_loss; do
    [ "$("$json" runs/half/result.json $field)" != null ] || fail "$field is not known"
done
[ "$("$json" runs/half/result.json samples)" = 20 ] || fail "result.json: not 20 samples"
[ "$("$json" runs/half/result.json test_error)" = null ] || fail "result.json speaks of an error"
grep -q '"valid_error":null.*"valid_nll":[0-9.]*' runs/half/metrics.jsonl || fail "metrics.jsonl has no valid_nll"
must 0 "$tool" train small.yaml --epochs 1
! grep -q nll runs/small/metrics.jsonl runs/small/result.json || fail "a classifier got a likelihood"

# eval gives the number of the run again; more draws give a lower one.
must 0 "$tool" eval runs/half --json
close nll "$("$json" .out nll)" "$("$json" runs/half/result.json test_nll)"
must 0 "$tool" eval runs/half --samples 1 --json
close "one draw" "$("$json" .out nll)" "$("$json" .out loss)"
"$json" .out nll >one
must 0 "$tool" eval runs/half --samples 200 --json
paste one - <<END2 | awk '{ exit !($2 < $1) }' || fail "200 draws give no lower bound than one"
$("$json" .out nll)
END2

# The thread count does not change a bit; an interrupted run is the whole run.
must 0 "$tool" train half.yaml --out alone --threads 1
cmp runs/half/model.safetensors alone/model.safetensors || fail "another model with one thread"
[ "$("$json" alone/result.json test_nll)" = "$("$json" runs/half/result.json test_nll)" ] || fail "another likelihood"

# Probabilities of 392 values from whole images, or from their upper halves.
awk 'BEGIN { for (r = 0; r < 3; r++) { for (c = 0; c < 784; c++) printf("%s%d", c ? "," : "", c % 28 / 3 > 3 + r && c % 28 < 20); print "" } }' >images.csv
cut -d, -f1-392 images.csv >upper.csv
must 0 "$tool" predict runs/half images.csv --csv
cp .out whole.csv
awk -F, 'NR == 1 { exit !($1 == "file" && $2 == "row" && $3 == "p0" && NF == 394) }' whole.csv || fail "CSV: $(head -1 whole.csv | cut -c1-60)"
awk -F, 'NR > 1 { for (i = 3; i <= NF; i++) if (!($i > 0 && $i < 1)) exit 1; n++ } END { exit n != 3 }' whole.csv ||
    fail "CSV: not three rows of probabilities"
must 0 "$tool" predict runs/half upper.csv --csv
sed 's/upper.csv/images.csv/' .out | cmp - whole.csv || fail "halves and whole images give different answers"
must 0 "$tool" predict runs/half images.csv --samples 5
awk 'NF != 393 { exit 1 }' .out || fail "text: not a row and 392 probabilities"
must 0 "$tool" predict runs/half images.csv --json --limit 1
[ "$("$json" .out 0.probabilities)" = "392 entries" ] || fail "JSON: $("$json" .out 0.probabilities)"
! grep -q class .out || fail "JSON speaks of a class"
must 2 "$tool" predict runs/half images.csv --top 3
cut -d, -f1-100 images.csv >few.csv
must 1 "$tool" predict runs/half few.csv

# Curves of likelihoods; not together with errors.
must 0 "$tool" plot runs/half --text
grep -q "negative log-likelihood" .out || fail "the chart does not say what it shows"
must 1 "$tool" plot runs/half runs/small --text
