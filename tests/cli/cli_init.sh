# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# train --init: parameters of another model, by name and by --map; what is missing, left over, or does not fit is named.
. "$(dirname "$0")/lib.sh"

must 0 "$tool" train small.yaml --out first
sed 's/name: logits/name: head/; s/name: experts/name: blocks/' small.yaml >renamed.yaml
sed 's/size: 250, block/size: 240, block/' small.yaml | sed 's/size: 16}/size: 15}/' >narrow.yaml
{
    run train small.yaml --init first --epochs 1 --out whole | no_numbers | sed "/^epoch/,\$d"
    run train renamed.yaml --init first/model.safetensors --map head=logits --epochs 1 --out part | no_numbers | sed "/^epoch/,\$d"
    run train renamed.yaml --init first --map head=logits,blocks=experts --epochs 1 --out all | no_numbers | sed "/^epoch/,\$d"
    run train narrow.yaml --init first --out narrow
    run train small.yaml --init first --map hidden=logits --out wrong
    run train small.yaml --init first --map logits=nothing --out wrong
    run train small.yaml --init nowhere --out wrong
    run train small.yaml --init small.yaml --out wrong
    run train small.yaml --map logits=head --out wrong
    run train --resume --init first --out whole
} | compare init
[ ! -e wrong ] || fail "a refused --init leaves a run directory"

# A network that begins with all of another's parameters is that network: an epoch at a rate of nearly 0 changes nothing.
must 0 "$tool" train small.yaml --init first --epochs 1 --set train.optimizer.kind=sgd \
    --set train.optimizer.rate=1e-30 --set train.sparsity.kind=none --out still
"$json" first/result.json test_error >one
"$json" still/result.json test_error >two
cmp one two || fail "the parameters of --init are not those of the file"
