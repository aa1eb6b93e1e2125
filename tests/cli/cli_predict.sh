# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Prediction: the same rows as IDX, NPY and CSV, plain and gzip, from files and standard input, give the same answers.
. "$(dirname "$0")/lib.sh"

must 0 "$tool" train small.yaml --epochs 4

# 300 rows of 784 bytes, more than one batch: a box whose place, size and grey depend on the row.
rows=300
awk -v rows=$rows 'BEGIN { for (r = 0; r < rows; r++) for (c = 0; c < 784; c++) {
    x = c % 28 - 4 - r % 20; y = int(c / 28) - 3 - r * 3 % 17
    v = x * x <= (1 + r % 4) ^ 2 && y >= 0 && y <= 3 + r % 11 ? 255 - r * 13 % 120 : 0
    printf("%s%d", c ? "," : "", v); if (c == 783) print "" } }' >bytes.csv
awk -F, '{ for (c = 1; c <= NF; c++) printf("%s%.9g", c > 1 ? "," : "", $c / 255); print "" }' bytes.csv >rows.csv
{
    printf '\000\000\010\003\000\000\001\054\000\000\000\034\000\000\000\034' # unsigned bytes, 300 × 28 × 28
    # shellcheck disable=SC2059
    awk -F, '{ for (c = 1; c <= NF; c++) printf "\\%03o", $c; print "" }' bytes.csv | while read -r row; do printf "$row"; done
} >rows.idx
{
    header="{'descr': '|u1', 'fortran_order': False, 'shape': (300, 784), }"
    printf '\223NUMPY\001\000\166\000%-117s\n' "$header"
    tail -c +17 rows.idx
} >rows.npy
[ "$(wc -c <rows.idx)" -eq $((16 + 784 * rows)) ] || fail "the test made a wrong IDX file"
[ "$(wc -c <rows.npy)" -eq $((128 + 784 * rows)) ] || fail "the test made a wrong NPY file"
gzip -k rows.idx rows.npy rows.csv

predict() { "$tool" predict runs/small "$@" 2>.err || fail "predict $*: $(cat .err)"; }
predict rows.idx >want
[ "$(wc -l <want)" -eq $rows ] || fail "not one line per row"
for file in rows.npy rows.idx.gz rows.npy.gz rows.csv rows.csv.gz; do
    predict $file >got
    cmp want got || fail "$file and rows.idx give different answers"
    predict - <$file >got
    cmp want got || fail "$file on standard input gives different answers"
done
[ "$(cut -f3 want | sort -u | wc -l)" -gt 100 ] || fail "the rows are too much alike for this test"
head -1 want | grep -Eq "^0	[0-9]	[01]\.[0-9]{4}$" || fail "unexpected form: $(head -1 want)"
head -4 rows.csv >few.csv

# The rows of the second batch, alone.
tail -44 rows.csv >last.csv
predict last.csv >got
tail -44 want | paste got - | awk '{ d = $3 - $6; if ($2 != $5 || d > 2e-4 || d < -2e-4) { print; exit 1 } }' >&2 ||
    fail "rows of the second batch get other answers when they are alone"

# JSON and CSV say the same.
predict rows.idx --json >all.json
[ "$("$json" all.json)" = "$rows entries" ] || fail "JSON: $("$json" all.json)"
[ "$("$json" all.json 299.row)" = 299 ] || fail "JSON: rows are not counted"
[ "$("$json" all.json 299.file)" = rows.idx ] || fail "JSON: no file"
sed -n 's/.*"row": \([0-9]*\), "class": \([0-9]*\), "probabilities": \[\(.*\)\].*/\1,\2,\3/p' all.json >json.csv
predict rows.idx --csv >all.csv
[ "$(wc -l <all.csv)" -eq $((rows + 1)) ] || fail "CSV has not one line per row"
tail -n +2 all.csv | awk -F, '{ s = 0; best = 4; for (k = 4; k <= NF; k++) { s += $k; if ($k > $best) best = k }
    if (!(s > 0.999 && s < 1.001) || NF != 13 || best - 4 != $3) { print "bad line: " $0; exit 1 } }' >&2 ||
    fail "CSV: probabilities do not add up"
tail -n +2 all.csv | cut -d, -f3 >classes.csv
cut -f2 want | cmp - classes.csv || fail "CSV and text differ"
tail -n +2 all.csv | cut -d, -f2- | paste -d, - json.csv | awk -F, '{ for (k = 1; k <= 12; k++) {
    d = $k - $(k + 12); if (NF != 24 || d > 1e-6 || d < -1e-6) { print "differs: " $0; exit 1 } } }' >&2 ||
    fail "CSV and JSON differ"

# Options, several files, and what goes wrong.
predict rows.idx --limit 3 >got
head -3 want | cmp - got || fail "--limit"
[ "$(predict rows.idx --limit 1 --top 3 | tr '\t' '\n' | wc -l)" -eq 7 ] || fail "--top 3 gives not 3 pairs"
predict few.csv rows.idx --limit 1 | cut -f1,2 | tr '\t\n' '  ' | grep -q "^few.csv 0 rows.idx 0 $" || fail "several files"
sed 's/^/7,/' rows.csv >labelled.csv
predict labelled.csv --label-column 0 | cmp - want || fail "--label-column"
: >empty.csv
head -c 5000 rows.idx >cut.idx
cut -d, -f1-783 rows.csv >narrow.csv
sed '2s/^[^,]*/nan/' few.csv >nan.csv
{
    run predict runs/small missing.csv
    run predict runs/small empty.csv
    run predict runs/small cut.idx
    run predict runs/small narrow.csv
    run predict runs/small nan.csv
    run predict runs/small labelled.csv
    run predict runs/small runs
    run predict rows.csv rows.csv
    run predict runs/small few.csv narrow.csv --json | sed 's/"class.*/.../'
} | compare predict
