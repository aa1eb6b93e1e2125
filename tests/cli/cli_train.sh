# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The main job: train, eval, inspect; what they print, and what they leave.
. "$(dirname "$0")/lib.sh"

run train small.yaml | no_numbers >.train
{
    cat .train
    printf 'files: %s\n\n' "$(ls runs/small | tr '\n' ' ')"
    run train small.yaml
    run eval runs/small | no_numbers
    run eval runs/small/model.safetensors --part valid | no_numbers
    run inspect runs/small | no_numbers
} | compare train

# The run directory.
for field in train_loss valid_error test_error share threshold epochs seconds rows_per_second_train multiply_adds_dense \
    multiply_adds_done multiply_adds_gater predict_ms_dense predict_ms_gated seed version; do
    "$json" runs/small/result.json $field >/dev/null
done
[ "$("$json" runs/small/result.json epochs)" = 2 ] || fail "result.json does not say 2 epochs"
[ "$("$json" --lines runs/small/metrics.jsonl)" = 2 ] || fail "metrics.jsonl has not 2 lines"
grep -q "epochs: 2" runs/small/config.yaml || fail "config.yaml lacks a setting of the command line"

# The complete configuration trains the same network, and JSON is the result file.
must 0 "$tool" train runs/small/config.yaml --out again --json
"$json" .out test_error >/dev/null
numbers_of runs/small/result.json >one
numbers_of again/result.json >two
diff one two >&2 || fail "config.yaml of a run gives another result"
must 0 "$tool" train small.yaml --seed 2 --out other
numbers_of other/result.json >three
cmp -s one three && fail "another seed gives the same result"

# eval repeats what training said; --json is valid.
must 0 "$tool" eval runs/small --json
for field in share multiply_adds_done multiply_adds_dense multiply_adds_gater threshold; do
    close $field "$("$json" .out $field)" "$("$json" runs/small/result.json $field)"
done
close error "$("$json" .out error)" "$("$json" runs/small/result.json test_error)"
must 0 "$tool" inspect runs/small --json
for field in multiply_adds_dense multiply_adds_gater; do
    close $field "$("$json" .out $field)" "$("$json" runs/small/result.json $field)"
done

# In bf16: the run and its model know it, its file holds floats, and eval can do either.
must 0 "$tool" train small.yaml --precision bf16 --out half --json
[ "$("$json" .out precision)" = bf16 ] || fail "train --precision bf16 does not say so"
must 0 "$tool" eval half --json
[ "$("$json" .out precision)" = bf16 ] || fail "eval does not take the precision of the model"
close error "$("$json" .out error)" "$("$json" half/result.json test_error)"
must 0 "$tool" eval half --precision fp32 --json
[ "$("$json" .out precision)" = fp32 ] || fail "eval --precision fp32"
must 0 "$tool" inspect half --json
[ "$("$json" .out precision)" = bf16 ] || fail "inspect does not say the precision"
must 2 "$tool" eval half --precision fp16
must 2 "$tool" train small.yaml --precision fp16 --out never
must 1 "$tool" train small.yaml --out half --resume

# --force begins anew.
must 0 "$tool" train small.yaml --epochs 1 --force
[ "$("$json" --lines runs/small/metrics.jsonl)" = 1 ] || fail "--force kept metrics of the former run"

# The built-in example, shortened.
must 0 "$tool" train digits --epochs 1 --set data.train=500 --set data.valid=200 --set data.test=200 --json
[ "$("$json" .out name)" = digits ] || fail "weir train digits --json"
must 0 "$tool" eval runs/digits
must 0 "$tool" eval runs/small --part train --json
[ "$("$json" .out rows)" = 500 ] || fail "eval --part train does not take the training rows"

# A draw that opens a number of its own is not asked for a share.
must 0 "$tool" train small.yaml --rule straight-through:draw=top-k,k=4 --set train.sparsity.kind=none --out runs/top-k
grep -q 'straight-through:draw=top-k,k=4: the draw says how many open, not target share 0.25' .out || fail "$(cat .out)"
grep -q 'share of gates open, by the draw  *0.2500 ' .out || fail "$(cat .out)"
must 0 "$tool" eval runs/top-k
grep -q 'share of gates open, by the draw' .out || fail "$(cat .out)"
