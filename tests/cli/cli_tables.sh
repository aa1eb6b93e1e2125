#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Tables with names: columns and classes go by their names from training to every later command, whatever their order.
. "$(dirname "$0")/lib.sh"

# Three kinds of flower by length and width, an id, a remark with commas and quotes; a shuffled order of columns.
awk 'BEGIN { srand(5); print "id,length (cm),\"width, cm\",remark,kind"
    split("lily,rose,\"tulip, red\"", names, ","); names[3] = "\"tulip, red\""
    for (r = 0; r < 300; r++) { k = r % 3
        printf "%d,%.3f,%.3f,\"r, \"\"%d\"\"\",%s\n", 5000 + r, 100 * (k == 1) + 10 * rand(), (k == 2) + 0.1 * rand(), r, names[k + 1]
    } }' >flowers.csv
cat >flowers.yaml <<END
name: flowers
rule: straight-through
data: {source: files, train_rows: flowers.csv, label_column: kind, skip_columns: [id, remark], scale: standardise}
network:
  - {kind: input, size: 2, name: x}
  - {kind: affine, size: 4, name: gater}
  - {kind: unit, name: gates}
  - {kind: gated-affine, from: x, gates: gates, size: 16, block: 4, activation: rectifier}
  - {kind: affine, size: 3}
  - {kind: softmax-cross-entropy}
train: {epochs: 15, batch: 10, optimizer: {kind: adam, rate: 0.02}, sparsity: {target: 0.5}}
END
must 0 "$tool" train flowers.yaml
grep -q '^  columns   length (cm), "width, cm"$' .out && grep -q '^  classes   lily, rose, "tulip, red"$' .out ||
    fail "train: $(cat .out)"

# Every column beyond those of the model is left out with a remark, labels are found by their name.
must 0 "$tool" predict runs/flowers flowers.csv --csv
mv .out want.csv
[ "$(head -n 1 want.csv)" = 'file,row,class,label,p_lily,p_rose,"p_tulip, red"' ] || fail "heading: $(head -n 1 want.csv)"
[ "$(sed -n 4p want.csv | cut -d, -f1-6)" = 'flowers.csv,2,"tulip, red","tulip, red"' ] || fail "row: $(sed -n 4p want.csv)"
grep -q '^weir: flowers.csv: accuracy \(100\|99\)\.[0-9]* %: [0-9]* of 300 rows' .err || fail "accuracy: $(cat .err)"
grep -q '2 columns that the model does not know are left out: id, remark$' .err || fail "left out: $(cat .err)"
awk 'NR == 1 { print "kind;width, cm;length (cm)"; next }
    { n = split($0, f, ","); k = $0 ~ /tulip/ ? "tulip, red" : f[n]; print k ";" f[3] ";" f[2] }' flowers.csv >other.csv
must 0 "$tool" predict runs/flowers other.csv --csv
sed 's/^other/flowers/' .out | cmp - want.csv || fail "another order of the columns gives other answers"
cut -d';' -f2,3 other.csv >unlabelled.csv
must 0 "$tool" predict runs/flowers unlabelled.csv --json
"$json" .out '[2].class' >.value 2>/dev/null || true
grep -q '{"file": "unlabelled.csv", "row": 2, "class": "tulip, red", "probabilities": {"lily": [^}]*"tulip, red": ' .out ||
    fail "json: $(sed -n 4p .out)"
grep -q accuracy .err && fail "an accuracy without labels: $(cat .err)"
must 0 "$tool" predict runs/flowers unlabelled.csv --limit 3 --top 2
grep -q "^1	rose	[01]\.[0-9]*	" .out || fail "text: $(cat .out)"
sed '2s/lily//; 3s/rose/NA/' other.csv >some.csv # a label may be missing where rows are to be predicted
must 0 "$tool" predict runs/flowers some.csv
grep -q 'of 298 rows with a label' .err || fail "missing labels: $(cat .err)"

# What cannot be matched is refused, in one line that says where.
refuse() { # FILE, message, further options
    file=$1 message=$2
    shift 2
    must 1 "$tool" predict runs/flowers "$file" "$@"
    [ "$(wc -l <.err)" = 1 ] && grep -qF "$message" .err || fail "$file: $(cat .err)"
}
sed '1s/width, cm/breadth/' other.csv >renamed.csv
refuse renamed.csv 'renamed.csv: lacks 1 of the 2 columns that were trained on: "width, cm"; it has kind, breadth, length (cm)'
sed '1s/kind/length (cm)/' other.csv >doubled.csv
refuse doubled.csv 'columns 0 and 2 are both called "length (cm)"'
sed '5s/^[^;]*/lilly/' other.csv >unknown.csv
refuse unknown.csv "line 5, column 0: label \"lilly\"; none of the classes that were trained: lily, rose, \"tulip, red\"; did you mean 'lily'?"
sed '7s/;[^;]*;/;wide;/' other.csv >text.csv
refuse text.csv 'text.csv: line 7, column 1 (width, cm): "wide" is not a number'
sed '9s/$/;1/' other.csv >ragged.csv
refuse ragged.csv 'ragged.csv: line 9 has 4 values, but line 1 has 3'
refuse other.csv 'has no column "kid" (data.label_column, --label-column)' --label-column kid

# The model's own data, another test file, the classes one by one.
must 0 "$tool" eval runs/flowers --set data.test_rows=other.csv
grep -q '^  test part, 300 rows' .out && grep -q '^  tulip, red   100 ' .out || fail "eval: $(cat .out)"
must 0 "$tool" eval runs/flowers --json
"$json" .out classes.rose.rows >/dev/null || fail "eval --json: $(cat .out)"
must 1 "$tool" eval runs/flowers --set data.test_rows=unknown.csv
grep -q "label \"lilly\"" .err || fail "eval of an unknown label: $(cat .err)"
must 0 "$tool" inspect runs/flowers
grep -q '^Classes: lily, rose, "tulip, red"$' .out && grep -q '^Label:   kind$' .out || fail "inspect: $(cat .out)"
must 0 "$tool" inspect runs/flowers --json
grep -q '"label": "kind"' .out || fail "inspect --json: $(cat .out)"

# A class that training never sees; numbers below 0 as classes.
must 1 "$tool" train flowers.yaml --out runs/unseen --set data.test_rows=unknown.csv
grep -q 'label "lilly"; none of the classes' .err || fail "test rows with another class: $(cat .err)"
awk -F'[;]' 'NR == 1 { print; next } { $1 = NR % 3 - 1; print $1 ";" $2 ";" $3 }' other.csv >signs.csv
must 0 "$tool" train flowers.yaml --out runs/signs --set data.train_rows=signs.csv --set data.skip_columns= --epochs 2
grep -q '^  classes   -1, 0, 1$' .out || fail "numbers below 0: $(cat .out)"
must 2 "$tool" train flowers.yaml --set 'data.skip_columns=3-1' --out runs/wrong
must 1 "$tool" train flowers.yaml --set data.label_column=sort --out runs/wrong
grep -q 'has no column "sort" (data.label_column, --label-column); it has id, length (cm), "width, cm", remark, kind' .err ||
    fail "a wrong name: $(cat .err)"

# A column that holds no label at all is a value to be predicted.
must 1 "$tool" train flowers.yaml --set 'data.label_column=length (cm)' --set data.skip_columns=id,remark,kind --out runs/wrong
grep -q 'a value to be predicted is a target (data.targets values, data.target_columns)' .err || fail "$(cat .err)"

# Regression by names: the truth is found in the file, and compared.
cat >width.yaml <<END
name: width
rule: straight-through
data: {source: files, train_rows: flowers.csv, targets: values, target_columns: '"width, cm"', skip_columns: 'id,remark,kind',
       scale: standardise}
network: [{kind: input, size: 1}, {kind: affine, size: 8}, {kind: tanh}, {kind: affine, size: 1}, {kind: squared-error}]
train: {epochs: 5, batch: 10, optimizer: {kind: adam, rate: 0.01}}
END
must 0 "$tool" train width.yaml
must 0 "$tool" predict runs/width other.csv --csv
[ "$(head -n 1 .out)" = 'file,row,"y_width, cm"' ] || fail "regression: $(head -n 1 .out)"
grep -q '^weir: other.csv: root mean square error 0\.[0-9]* over 300 values, which spread by 0\.' .err ||
    fail "regression: $(cat .err)"

# docs/csv.md runs as typed.
mkdir typed
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$here/../../docs/csv.md" >typed/typed.sh
[ "$(grep -c '^weir ' typed/typed.sh)" -ge 10 ] || fail "docs/csv.md has no commands"
ln -s "$(cd "$(dirname "$tool")" && pwd)/weir" typed/weir
(cd typed && PATH=$PWD:$PATH && set -e && . ./typed.sh) >.out 2>.err || fail "docs/csv.md: $(cat .err)"
grep -q 'weir: flowers.csv: 1 column that the model does not know is left out: id' .err || fail "docs/csv.md: $(cat .err)"
for line in 'columns   length (mm), "width, cm"' 'classes   lily, rose, tulip'; do
    grep -q "^  $line\$" .out || fail "docs/csv.md: no line '$line'"
done
[ -e typed/runs/flowers-compared/summary.json ] && [ -e typed/runs/curves/steps.csv ] || fail "docs/csv.md: files"
