# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Settings: the page of all of them is up to date and misses no field; those without effect are refused or remarked on; a
# run resumes only as what it was; a run directory has one writer; data are found from anywhere, or where one says.
. "$(dirname "$0")/lib.sh"
include=$here/../../include/weir

# The page, and a row for every field of the structs that a person fills in.
must 0 "$tool" help settings --markdown
cmp .out "$here/../../docs/settings.md" ||
    fail "docs/settings.md is not what the tables say; write it anew: weir help settings --markdown > docs/settings.md"
sed -n 's/^| `\([^`]*\)`.*/\1/p' .out | sed 's/.*\.//' | sort -u >rows
# The names that a struct declares: the last word of each declarator, comments and other structs left out.
fields() {
    sed -n "/^typedef struct $2 {/,/^}/p" "$include/$1" | sed '1d;$d' | sed 's,//.*,,' | tr '\n' ' ' | tr ';' '\n' |
        grep -v 'weir_[a-z_]* ' | sed 's/.*const char \*//; s/^ *[a-z0-9_]* //' | tr ',' '\n' | tr -d ' *' | grep . || true
}
for struct in graph.h:weir_node data.h:weir_data_options options.h:weir_train_options options.h:weir_optimizer_options \
    options.h:weir_sparsity_options; do
    fields "${struct%:*}" "${struct#*:}" >fields
    [ "$(wc -l <fields)" -ge 9 ] || fail "$struct: only $(wc -l <fields) fields were found: $(cat fields)"
    while read -r field; do
        grep -qx "$field" rows || fail "$struct: '$field' has no row in docs/settings.md"
    done <fields
done

# Without effect: on the command line an error that says when there is one; in a file a remark. Examples give none.
small="digits --epochs 1 --set data.train=200 --set data.valid=50 --set data.test=50"
refused() {
    # shellcheck disable=SC2086
    must 2 "$tool" train $small --out refused "$@"
    grep -q "has no effect here; it has one with: " .err || fail "$*: $(cat .err)"
    [ ! -e refused ] || fail "$*: a folder was made"
}
refused --set train.optimizer.momentum=0.9
refused --set train.optimizer.step_epochs=3
refused --set data.path=/tmp
refused --set data.train_rows=x.csv
refused --set train.sparsity.bias_rate=0.5
refused --set train.valid_samples=3
refused --set experts.closed=none # its rule skips closed gates
refused --set experts.closed_share=0.5
must 2 "$tool" train mnist-dense --rule sts --out refused
grep -q "rule=sts has no effect here" .err || fail "$(cat .err)"
for example in digits mnist-blocks mnist-dense mnist-lower-half mnist-moe mnist-moe-stacked mnist-paper; do
    must 1 "$tool" train $example --data nowhere --out refused
    ! grep -q "no effect" .err || fail "$example: $(cat .err)"
done
must 2 "$tool" inspect digits --set train.optimizer.momentum=0.9
grep -q "momentum=0.9 has no effect here" .err || fail "inspect: $(cat .err)"
must 2 "$tool" reproduce bengio2013 --set train.optimizer.beta1=0.5 --data nowhere --out refused
grep -q "row .*: train.optimizer.beta1=0.5 has no effect here" .err || fail "reproduce: $(cat .err)"

# Names in the environment that are none, or that this machine lacks.
for variable in WEIR_ISA=nonsense:reference WEIR_PLAN=denes:gated WEIR_RATES=nonsense:builtin; do
    # shellcheck disable=SC2086
    must 1 env "${variable%:*}" "$tool" train $small --out refused
    grep -q "${variable%:*}.*${variable#*:}" .err || fail "$variable: $(cat .err)"
    [ ! -e refused ] || fail "$variable: a folder was made"
done
must 0 env WEIR_ISA= WEIR_PLAN=auto "$tool" inspect digits
# shellcheck disable=SC2086
must 0 "$tool" train $small --out first --set train.optimizer.kind=sgd --set train.optimizer.rate=0.01 \
    --set train.optimizer.schedule=constant
sed 's/beta1: .*/beta1: 0.5/' first/config.yaml >idle.yaml
must 0 "$tool" train idle.yaml --out idle
grep -q "train.optimizer.beta1=0.5 has no effect here" .err || fail "an idle setting of a file: $(cat .err)"

# A configuration from a pipe is read once.
must 0 sh -c "cat first/config.yaml | '$tool' train /dev/stdin --out piped --set train.seed=2"

# Resuming as another run, or on other rows.
resume() { must 1 "$tool" train first/config.yaml --out first --resume --epochs 2 "$@"; }
for change in data.binarise=threshold data.seed=5 data.test=40 train.optimizer.rate=0.02 data.scale=none; do
    resume --set $change
    grep -q "the checkpoint is of another run" .err || fail "$change: $(cat .err)"
done
resume --set train.optimizer.schedule=cosine # which makes train.epochs count
grep -q 'it has "train.optimizer.schedule=constant", this run has "train.optimizer.schedule=cosine"' .err || fail "$(cat .err)"
must 0 "$tool" train first/config.yaml --out first --resume --epochs 2
[ ! -s .err ] || fail "resumed by the same machine: $(cat .err)"
must 0 env WEIR_PLAN=dense "$tool" train first/config.yaml --out first --resume --epochs 2
grep -q "plan auto; this is .*plan dense.*not bit for bit" .err || fail "another plan is not said: $(cat .err)"
must 0 "$tool" train first/config.yaml --out first --resume --epochs 3 --threads 1
grep -q "2 threads.*1 thread,.*not bit for bit" .err || fail "other threads are not said: $(cat .err)"

# A node's shift is part of what the network is.
cat >moved.yaml <<'YAML'
network:
- {kind: input, size: 784}
- {name: moved, kind: shift, shift: 1}
- {kind: affine, size: 10}
- {kind: softmax-cross-entropy}
data: {train: 100, valid: 50, test: 50}
train: {epochs: 1}
YAML
must 0 "$tool" train moved.yaml --out shifted
must 1 "$tool" train moved.yaml --out shifted --resume --epochs 2 --set moved.shift=3
grep -q '"network.moved.shift=1", this run has "network.moved.shift=3"' .err || fail "shift: $(cat .err)"

# One writer: the second is refused, with the process; a killed one leaves nothing locked.
# shellcheck disable=SC2086
"$tool" train digits --epochs 1000 --set data.train=200 --out busy >/dev/null 2>&1 &
pid=$!
tries=0
while [ ! -e busy/checkpoint.safetensors ] && [ $tries -lt 500 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
for second in "--resume" "--force"; do
    must 1 "$tool" train digits --epochs 1000 --set data.train=200 --out busy $second
    grep -q "busy: another training writes there now (process $pid)" .err || fail "$second: $(cat .err)"
done
kill -KILL $pid
wait $pid 2>/dev/null || true
must 0 "$tool" train digits --epochs 1 --set data.train=200 --set data.valid=50 --set data.test=50 --out busy --force
[ ! -e busy/.lock ] || fail "the lock stayed"

# Files: found from anywhere, pointed elsewhere, errors that are errors.
mkdir set
awk 'BEGIN { for (i = 0; i < 60; i++) print i % 2 + i * 0.001 "," i * 0.01 "," i % 2 }' >set/rows.csv
cat >files.yaml <<'YAML'
network: [{kind: input, size: 2}, {kind: affine, size: 2}, {kind: softmax-cross-entropy}]
data: {source: files, train_rows: set/rows.csv, label_column: 2}
train: {epochs: 1}
YAML
must 0 "$tool" train files.yaml --out files
mkdir away
(cd away && "$tool" eval ../files >/dev/null 2>.err) || fail "eval elsewhere: $(cat away/.err)"
(cd away && "$tool" plot ../files --text >/dev/null 2>.err) || fail "plot elsewhere: $(cat away/.err)"
(cd away && "$tool" train --out ../files --resume >/dev/null 2>.err) || fail "resume elsewhere: $(cat away/.err)"
mv set moved
must 1 "$tool" eval files
must 0 "$tool" eval files --data moved
must 0 "$tool" eval files --set data.train_rows=moved/rows.csv
must 0 "$tool" train --out files --resume --data moved
grep -q "moved/rows.csv" files/config.yaml || fail "the run's configuration names the old folder"
must 1 "$tool" eval files --data nowhere
grep -q "nowhere: no such folder" .err || fail "$(cat .err)"
must 1 "$tool" eval files --data files.yaml
must 1 "$tool" eval first --data moved
grep -q "digits are drawn" .err || fail "$(cat .err)"
must 1 "$tool" eval files --set train.seed=3
must 1 "$tool" eval files --set data.scale=standardise
grep -q "data.scale=standardise has no effect here: a trained model keeps the scale" .err || fail "eval: $(cat .err)"

# Options that a model, or a form of output, leaves aside.
must 2 "$tool" eval first --samples 3
grep -q "samples has no effect here" .err || fail "eval --samples: $(cat .err)"
must 2 "$tool" predict files moved/rows.csv --label-column 2 --samples 3
grep -q "samples has no effect here" .err || fail "predict --samples: $(cat .err)"
for form in --csv --json; do
    must 2 "$tool" predict files moved/rows.csv --label-column 2 --top 2 $form
    grep -q "top is of text" .err || fail "predict --top $form: $(cat .err)"
done
must 1 "$tool" plot first --text --data nowhere
