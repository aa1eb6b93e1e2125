# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Files as strangers write them, through the tool: what the head of a training says of them, the scale that a model keeps
# and predict applies, names of columns, columns that are left out, targets.
. "$(dirname "$0")/lib.sh"

# 240 rows of 16 grey values of three patterns, and the same with an index, names of columns and a column of text.
awk 'BEGIN { for (r = 0; r < 240; r++) { k = r % 3; line = ""; for (c = 0; c < 16; c++)
    line = line (c % 3 == k ? 255 - r * 7 % 90 : r * c % 31) ","; print line k } }' >grey.csv
awk -F, -v OFS=, 'NR == 1 { h = "id,name"; for (c = 1; c <= 16; c++) h = h ",v" c; print h ",class" } { print NR - 1, "row " NR, $0 }' \
    grey.csv >named.csv
cut -d, -f1-16 grey.csv >rows.csv
{
    printf '\000\000\010\002\000\000\000\360\000\000\000\020' # unsigned bytes, 240 x 16
    # shellcheck disable=SC2059
    awk -F, '{ for (c = 1; c <= NF; c++) printf "\\%03o", $c; print "" }' rows.csv | while read -r row; do printf "$row"; done
} >rows.idx
cat >grey.yaml <<END
name: grey
data: {source: files, train_rows: grey.csv, label_column: 16}
network:
  - {kind: input, size: 16}
  - {kind: affine, size: 3}
  - {kind: softmax-cross-entropy}
train: {epochs: 3, batch: 20, optimizer: {kind: adam, rate: 0.02}}
END

# Text and unsigned bytes are one picture: the model reads them alike, and rows divided by 255 as well, which it says.
must 0 "$tool" train grey.yaml
grep -q '^  scale     1/255 (bytes 0 to 255)$' .out || fail "no scale in the head: $(cat .out)"
predict() { "$tool" predict "$@" 2>.err || fail "predict $*: $(cat .err)"; }
predict runs/grey rows.csv >want
predict runs/grey rows.idx | cmp want - || fail "the same picture as IDX gives other answers"
[ ! -s .err ] || fail "a remark without a reason: $(cat .err)"
awk -F, '{ for (c = 1; c <= NF; c++) printf("%s%.9g", c > 1 ? "," : "", $c / 255); print "" }' rows.csv >divided.csv
predict runs/grey divided.csv | cmp want - || fail "rows that are divided already give other answers"
grep -q 'taken as divided by 255 already (--scale says otherwise)' .err || fail "the guess is not said: $(cat .err)"
predict runs/grey divided.csv --scale none | cmp want - || fail "--scale none of divided rows"
predict runs/grey rows.csv --scale none | cmp -s want - && fail "--scale none changes nothing"
predict runs/grey rows.csv --scale 1/255 | cmp want - || fail "--scale 1/255"

# Standardised columns, a constant one among them: the model keeps what it needs.
sed 's/^[^,]*/7/' grey.csv >constant.csv
must 0 "$tool" train grey.yaml --out runs/standard --set data.train_rows=constant.csv --set data.scale=standardise
grep -q '^  scale     standardise (values 0 to 255; 1 constant column becomes 0)$' .out || fail "head: $(cat .out)"
cut -d, -f1-16 constant.csv >constant_rows.csv
predict runs/standard constant_rows.csv >standard
[ "$(cut -f2 standard | uniq | head -9 | tr -d '\n')" = 012012012 ] || fail "standardised rows are not told apart"
sed 's/^7/9000/' constant_rows.csv >odd.csv # a column that was constant counts for nothing
predict runs/standard odd.csv | cmp standard - || fail "a constant column counts"

# A value that stands for a missing one, in a part that the scale was not found on.
for row in $(seq 1 30); do
    awk -F, -v OFS=, -v row="$row" 'NR == row { $3 = 9.97e36 } { print }' grey.csv >fill.csv
    must 0 "$tool" train grey.yaml --out runs/fill --force --epochs 1 --set data.train_rows=fill.csv
    grep -q "9.97e+36" .out || fail "row $row of 9.97e36 is not said: $(cat .out .err)"
    if grep -q "rows: values 0 to 9.97e+36, but in training 0 to 255" .out; then break; fi
    [ "$row" -lt 30 ] || fail "no row of thirty was drawn for a part that is not for training"
done

# Labels in two places: the column would be one of the inputs.
cut -d, -f17 grey.csv >labels.csv
must 1 "$tool" train grey.yaml --out runs/both --set data.train_labels=labels.csv
grep -q "data.label_column is 16, but data.train_labels names .*labels.csv: labels are in a column or in a file" .err ||
    fail "labels in two places: $(cat .err)"
must 0 "$tool" train grey.yaml --out runs/both --set data.train_labels=labels.csv --set data.label_column=-1 \
    --set data.train_rows=rows.csv

# Names of columns, text, an index; other names for the same columns in predict.
must 0 "$tool" train grey.yaml --out runs/named --set data.train_rows=named.csv --set data.label_column=18 \
    --set data.skip_columns=0-1
predict runs/named named.csv --skip-columns 0-1 --label-column 18 | cmp want - || fail "--skip-columns"
predict runs/named named.csv --skip-columns 0-1,18 --header yes | cmp want - || fail "--header yes"

# What is said of data that can hardly be meant.
awk -F, -v OFS=, '{ print NR - 1, 1e6 * NR, 3, 5 }' grey.csv >strange.csv
sed -e 's/size: 16/size: 3/' -e 's/label_column: 16/label_column: 3/' -e 's/size: 3}$/size: 6}/' grey.yaml >strange.yaml
sed -e 's/kind: input, size: 6/kind: input, size: 3/' strange.yaml >stranger.yaml
{
    run train stranger.yaml --out runs/strange --epochs 1 --set data.train_rows=strange.csv | sed -n '1,/^  training/p'
    printf '0,1,2\n5,6,7\n' >counted.csv
    printf '1,?,3,4\n5,6,7,8\n' >missing.csv
    printf '1,l0,3,4\n5,6,7,8\n' >mixed.csv
    run predict runs/strange counted.csv
    run predict runs/strange missing.csv
    run predict runs/strange mixed.csv
    run predict runs/strange mixed.csv --header maybe
    run train grey.yaml --out runs/x --set data.scale=often
    run train grey.yaml --out runs/x --set data.target_columns=1
    run train grey.yaml --out runs/x --set data.skip_columns=a
    run train grey.yaml --out runs/x --set data.scale=standardise --set data.binarise=threshold
} | no_numbers | compare data

# Regression: a plane through targets in a column, in several columns, in a file of its own.
awk 'BEGIN { for (r = 0; r < 240; r++) { x = r % 12 / 6 - 1; y = int(r / 12) / 10 - 1; print x "," y "," 2 * x - y + 0.5 "," x + y } }' >plane.csv
cut -d, -f3 plane.csv >heights.csv
cut -d, -f1-2 plane.csv >places.csv
cat >plane.yaml <<END
name: plane
data: {source: files, train_rows: plane.csv, targets: values, target_columns: 2-3}
network:
  - {kind: input, size: 2}
  - {name: plane, kind: affine, size: 2}
  - {kind: squared-error}
train: {epochs: 40, batch: 20, optimizer: {kind: adam, rate: 0.05}}
END
must 0 "$tool" train plane.yaml
predict runs/plane places.csv | cut -f2- >predicted
tr ',' '\t' <plane.csv | cut -f3-4 | paste predicted - | awk '{ for (k = 1; k < 3; k++) { d = $k - $(k + 2); if (d > 0.02 || d < -0.02) { print; exit 1 } } }' >&2 ||
    fail "the plane is not found"
must 0 "$tool" train plane.yaml --out runs/heights --set data.train_rows=places.csv --set data.target_columns= \
    --set data.train_targets=heights.csv --set plane.size=1
predict runs/heights places.csv | cut -f2 | paste - heights.csv | awk '{ d = $1 - $2; if (d > 0.02 || d < -0.02) { print; exit 1 } }' >&2 ||
    fail "the heights are not found"
must 0 "$tool" eval runs/heights
