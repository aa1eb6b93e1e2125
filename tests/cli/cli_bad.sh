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
    # The message says why, and how much was wanted.
    grep -q "File too large ([0-9]* bytes are needed)" .err || fail "full disk: $(cat .err)"
    ls full | grep -v -x -e config.yaml -e metrics.jsonl -e metrics.csv && fail "a full disk left pieces of files"
    must 0 "$tool" train --out full --resume
    [ -e full/result.json ] || fail "no result after there was room again"
fi

# A folder that cannot be written, or read, is not called missing. For root no folder is such a one: then as nobody.
nobody=
if [ "$(id -u)" -eq 0 ]; then nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
chmod 755 "$work"
if $nobody test -x "$tool" 2>/dev/null; then
    mkdir locked closed
    chmod 555 locked
    chmod 000 closed
    for arguments in "train digits --out locked/run" "train digits --out locked" "plot runs/small --out locked" \
        "bench gated --n 64 --figure locked" "eval closed" "plot closed" "inspect closed" "predict runs/small closed/x.csv"; do
        # shellcheck disable=SC2086 # several words
        must 1 $nobody "$tool" $arguments
        grep -q "^weir: .*ed.*: Permission denied$" .err || fail "weir $arguments: $(cat .err)"
        [ ! -s .out ] || fail "weir $arguments: printed something before: $(cat .out)"
    done
    rmdir locked closed
else
    echo "a folder that cannot be written is not tried: that needs another user than root, or setpriv"
fi
touch file
run train digits --out file/run | compare folder
cmp $model former || fail "the model changed"

# What each command says of an operand that is something else.
printf '1,2,3\n4,5,6\n' >table.csv
printf '\211PNG\r\n\032\n0000' >picture
printf 'hello\n' >hello
mkdir nothing_in_it
{
    for command in train inspect eval plot "predict runs/small"; do
        for operand in table.csv picture hello empty.yaml nothing_in_it runs/small/model.safetensors \
            runs/small/metrics.jsonl small.yaml nothing ''; do
            case "$command $operand" in
            "inspect runs"* | "inspect small"* | "eval runs"* | "train small"*) continue ;; # these are right
            esac
            # shellcheck disable=SC2086 # several words
            run $command "$operand"
        done
    done
    run train runs/small
    run predict table.csv runs/small
    run predict runs/small runs/small
    run predict runs/small nothing table.csv --csv
    run train mnist-paper --data table.csv
    run train digits --out ''
    run train digits --data ''
} | sed 's|first bytes are .*|first bytes are #|' | compare operands
cmp $model former || fail "the model changed"

# A model that comes through a pipe is not taken for a configuration; a configuration may.
code=0
cat $model | "$tool" inspect /dev/stdin >.out 2>.err || code=$?
[ $code -eq 1 ] || fail "a model through a pipe: status $code"
grep -qx "weir: /dev/stdin: is not a configuration (YAML); a model is read from its file, and not through a pipe" .err ||
    fail "a model through a pipe: $(cat .err)"
cat small.yaml | "$tool" inspect /dev/stdin >.out 2>&1 || fail "a configuration through a pipe: $(cat .out)"

# A command line that is suggested can be copied, whatever the folder is called.
must 0 "$tool" train small.yaml --epochs 1 --out "it's mine"
grep -q "^  weir eval 'it'\\\\''s mine'$" .out || fail "not quoted: $(grep 'weir eval' .out)"
eval "$(sed -n "s|^  weir \(eval .*\)|\"$tool\" \1|p" .out)" >/dev/null || fail "the suggested command fails"

# A training whose loss ends far above that of guessing says so.
must 0 "$tool" train small.yaml --epochs 2 --out diverged --set train.optimizer.kind=sgd --set train.optimizer.rate=300
grep -q "^weir: the training has diverged: .*--set train.optimizer.rate=30$" .err || fail "diverged: $(cat .err)"
must 1 "$tool" eval diverged/checkpoint.safetensors
grep -q "is a checkpoint, not a model; a run's model is model.safetensors" .err || fail "a checkpoint: $(cat .err)"
# Two classes that steps of any size tell apart, once the first ones have missed.
awk 'BEGIN { for (i = 0; i < 90; i++) print i % 2 ? "200,1,1" : "1,200,0" }' >far.csv
cat >far.yaml <<'END'
network: [{kind: input, size: 2}, {kind: affine, size: 2}, {kind: softmax-cross-entropy}]
data: {source: files, train_rows: far.csv, label_column: 2, scale: none}
train: {epochs: 4, batch: 4, optimizer: {rate: 1e9}}
END
must 0 "$tool" train far.yaml --out far
grep -q "^weir: the training has diverged: the first epoch's loss" .err || fail "diverged at first: $(cat .out .err)"
must 0 "$tool" train small.yaml --epochs 2 --out healthy
[ ! -s .err ] || fail "healthy: $(cat .err)"
