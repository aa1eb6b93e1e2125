# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Sparse autoencoders by the tool: training on the built-in digits and on a file, going on with the same bits, reports,
# bad input.
. "$(dirname "$0")/lib.sh"

must 0 "$tool" sae train digits --features 300 --k 8 --epochs 2 --batch 400 --rate 0.003 --out one --test digits --json
cp .out one.json
[ "$("$json" one.json steps)" = 20 ] || fail "$(cat one.json)"
awk "BEGIN { exit !($("$json" one.json test.explained_variance) > 0.3 && $("$json" one.json test.open) == 8) }" ||
    fail "nothing was learnt: $(cat one.json)"

# One epoch and then another are not two in a row (the rows come in other orders), but as many steps.
must 0 "$tool" sae train digits --features 300 --k 8 --batch 400 --rate 0.003 --out two --json
must 0 "$tool" sae train digits --batch 400 --out two --continue --json
cp .out two.json
[ "$("$json" two.json steps)" = 20 ] || fail "$(cat two.json)"

# The same command gives the same files, whatever the threads; so do scores by bytes, but for rounding.
must 0 "$tool" sae train digits --features 300 --k 8 --epochs 2 --batch 400 --rate 0.003 --out three --threads 1
cmp one/sae_weights.safetensors three/sae_weights.safetensors || fail "other bits with one thread"
cmp one/weir_state.safetensors three/weir_state.safetensors || fail "other bits with one thread"
must 0 "$tool" sae train digits --features 300 --k 8 --steps 3 --batch 400 --scores int8 --out four --json

i=0
while [ $i -lt 4000 ]; do echo "digit $i" && i=$((i + 1)); done >texts
must 0 "$tool" sae report one digits --show 3 --most 2 --texts texts --json
cp .out report.json
[ "$("$json" report.json rows)" = 4000 ] || fail "$(cat report.json)"
[ "$("$json" report.json top.2.top.1.text)" = "digit $("$json" report.json top.2.top.1.row)" ] || fail "$(cat report.json)"
must 0 "$tool" sae report one digits --show 1 --most 1 --texts texts
grep -q '^  explained variance  0\.' .out || fail "$(cat .out)"
grep -q 'row [0-9]*  digit [0-9]' .out || fail "$(cat .out)"

# A file, the same rows twice as two shards, every form.
cp "$WEIR_SOURCE/examples/digits.npy" a.npy
cp a.npy b.npy
for form in topk batch-topk jumprelu gated; do
    must 0 "$tool" sae train a.npy b.npy --features 64 --k 4 --form $form --batch 10 --out "form-$form" --test a.npy
    must 0 "$tool" sae report "form-$form" a.npy b.npy --show 1
done

{
    run sae
    run sae draw
    run sae train
    run sae train none.npy
    run sae train digits --form relu
    run sae train digits --features 10 --k 11
    run sae train digits --k 4 --form gated --tied
    run sae train digits --scores int8 --form jumprelu
    run sae report one
    run sae report none digits
    run sae report . digits
    run sae report form-topk a.npy --most 2000
    run sae train digits --out form-topk --continue --batch 0
} | compare sae
