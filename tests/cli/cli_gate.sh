# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# gate: a dense network gets gates and is trained on; what it prints and leaves; what it refuses.
. "$(dirname "$0")/lib.sh"

cat >dense.yaml <<END
name: dense
data: {source: digits, train: 800, valid: 200, test: 200}
network:
  - {name: image, kind: input, size: 784}
  - {name: hidden, kind: affine, size: 96}
  - {kind: rectifier}
  - {name: logits, kind: affine, size: 10}
  - {name: loss, kind: softmax-cross-entropy}
train: {epochs: 6, optimizer: {kind: adam, rate: 0.002}, sparsity: {kind: none}}
END
must 0 "$tool" train dense.yaml
# Numbers of any kind, and the widths that they give to columns.
no_digits() { sed -E -e '/^(epoch|  (hidden|dense|gated|trained))/s/[0-9][0-9,.]*/#/g' -e 's/  best$//' -e 's/ +/ /g'; }
{
    run gate runs/dense --share 0.25 --block 8 --steps 200 --epochs 2 | no_digits
    printf 'files: %s\n\n' "$(ls runs/dense-gated | tr '\n' ' ')"
    run gate runs/dense
    run gate runs/dense-gated --out other
    run gate runs/dense --layers logits --out other
    run gate runs/dense --share 1.5
    run gate runs/dense --groups none
    run gate runs/dense --set train.epocs=3
    run gate runs/dense --map hidden=fc
    run gate dense.yaml
    run gate
} | compare gate
[ ! -e other ] || rmdir other || fail "a refused network leaves files"

# The frontier: the dense network, and four shares before and after; after it the run is one like others.
"$json" --lines runs/dense-gated/metrics.jsonl >.lines
[ "$(cat .lines)" = 2 ] || fail "metrics.jsonl has $(cat .lines) lines"
must 0 "$tool" eval runs/dense-gated --json
awk -v share="$("$json" .out share)" 'BEGIN { exit !(share > 0.2 && share < 0.28) }' || fail "the share of the model"
must 0 "$tool" gate runs/dense --share 0.25 --block 8 --steps 100 --epochs 0 --out plain --json
[ "$(grep -c '"when": "dense"' .out)" = 1 ] && [ "$(grep -c '"when": "gated"' .out)" = 4 ] || fail "--json: $(cat .out)"
cmp .out plain/frontier.json || fail "--json prints another frontier than the file has"
must 0 "$tool" train plain/config.yaml --init plain --epochs 1 --out on

# A file of another program: names and all parameters must be there.
must 0 "$tool" gate runs/dense/model.safetensors --config dense.yaml --share 0.25 --steps 50 --epochs 0 --out foreign
sed 's/name: hidden/name: first/' dense.yaml >renamed.yaml
must 1 "$tool" gate runs/dense --config renamed.yaml --out foreign2
must 0 "$tool" gate runs/dense/model.safetensors --config renamed.yaml --map first=hidden --share 0.25 --steps 50 --epochs 0 --out foreign2
