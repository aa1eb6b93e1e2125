# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The main job on the built-in digits: train, eval, predict, inspect; what they print, and what they leave.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2086
run train digits --epochs 2 $small | no_numbers >.train
{
    cat .train
    printf 'files: %s\n\n' "$(ls runs/digits | tr '\n' ' ')"
    run train digits --epochs 2
    run eval runs/digits | no_numbers
    run eval runs/digits/model.safetensors --part valid | no_numbers
    run inspect runs/digits | no_numbers
} | compare train

# The run directory.
for field in train_loss valid_error test_error share threshold epochs seconds rows_per_second_train multiply_adds_dense \
    multiply_adds_done multiply_adds_gater predict_ms_dense predict_ms_gated seed version; do
    "$json" runs/digits/result.json $field >/dev/null
done
[ "$("$json" runs/digits/result.json epochs)" = 2 ] || fail "result.json does not say 2 epochs"
[ "$("$json" --lines runs/digits/metrics.jsonl)" = 2 ] || fail "metrics.jsonl has not 2 lines"
grep -q "epochs: 2" runs/digits/config.yaml || fail "config.yaml lacks a setting of the command line"

# The complete configuration trains the same network, and JSON is the result file.
must 0 "$tool" train runs/digits/config.yaml --out again --json
"$json" .out test_error >/dev/null
numbers_of runs/digits/result.json >one
numbers_of again/result.json >two
diff one two >&2 || fail "config.yaml of a run gives another result"
# shellcheck disable=SC2086
must 0 "$tool" train digits --epochs 2 $small --seed 2 --out other
numbers_of other/result.json >three
cmp -s one three && fail "another seed gives the same result"

# eval repeats what training said; --json is valid.
must 0 "$tool" eval runs/digits --json
for field in share multiply_adds_done multiply_adds_dense multiply_adds_gater threshold; do
    close $field "$("$json" .out $field)" "$("$json" runs/digits/result.json $field)"
done
close error "$("$json" .out error)" "$("$json" runs/digits/result.json test_error)"
must 0 "$tool" inspect runs/digits --json
for field in multiply_adds_dense multiply_adds_gater; do
    close $field "$("$json" .out $field)" "$("$json" runs/digits/result.json $field)"
done

# --force begins anew.
# shellcheck disable=SC2086
must 0 "$tool" train digits --epochs 1 $small --force
[ "$("$json" --lines runs/digits/metrics.jsonl)" = 1 ] || fail "--force kept metrics of the former run"
