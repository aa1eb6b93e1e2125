# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What a person gets wrong, and what a disk does: one clear message each, and never a lost model.
. "$(dirname "$0")/lib.sh"

printf 'name: mine\nnetwrok:\n  - kind: input\n' >wrong.yaml
printf 'name: [mine\n' >broken.yaml
: >empty.yaml
{
    run train mnist-paper
    run train mnist-paper --data nowhere
    run train digit
    run train wrong.yaml
    run train broken.yaml
    run train empty.yaml
    run train digits --set train.epoch=3
    run train digits --set train.sparsity.target=1.5
    run train digits --set train.batch=0
    run train digits --rule straight-trough
    run train small.yaml --set network.nothing.size=3
    run inspect nothing
} | compare settings
[ ! -e runs ] || fail "a wrong setting left a run directory"

# Models that are truncated, hostile, or none.
must 0 "$tool" train small.yaml --epochs 1
model=runs/small/model.safetensors
head -c 5 $model >short.safetensors
head -c 200 $model >header.safetensors
head -c "$(($(wc -c <$model) - 1000))" $model >data.safetensors
printf '\377\377\377\377\377\377\377\177{}' >huge.safetensors
printf '\002\000\000\000\000\000\000\000{}' >bare.safetensors
printf '\102\000\000\000\000\000\000\000{"a":{"dtype":"F32","shape":[99999999999,9],"data_offsets":[0,8]}}' >lies.safetensors
{
    for file in short header data huge bare lies; do
        run eval $file.safetensors
        run inspect $file.safetensors
    done
} | sed -E -e 's/length: [0-9]+ bytes/length: # bytes/' -e "s/file's [0-9]{3,} bytes/file's # bytes/" | compare models

# No room on the disk: files may not grow beyond a limit. The message says so, and the former model survives.
cp $model former
if ( ulimit -f 100 ) 2>/dev/null; then
    code=0
    (
        trap '' XFSZ
        ulimit -f 100
        exec "$tool" train small.yaml --out full
    ) >.out 2>.err || code=$?
    [ $code -eq 1 ] || fail "full disk: ended with $code"
    grep -q "^weir: .*full/" .err || fail "full disk: $(cat .err)"
    ls full | grep -v -e config.yaml -e metrics.jsonl && fail "a full disk left pieces of files"
    must 0 "$tool" train --out full --resume
    [ -e full/result.json ] || fail "no result after there was room again"
fi

# A folder that cannot be written (for root it always can).
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked
    chmod 555 locked
    must 1 "$tool" train digits --out locked/run
    grep -q "locked/run" .err || fail "locked folder: $(cat .err)"
fi
touch file
run train digits --out file/run | compare folder
cmp $model former || fail "the model changed"
