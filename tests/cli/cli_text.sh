# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Models of text: train and eval speak of bits per byte, predict continues a text, the draws of a seed are the same ones,
# and options of models of rows are refused.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN { for (i = 0; i < 400; i++) printf "a gate opens %d blocks of its layer\n", i % 7 }' >corpus.txt
must 0 "$tool" train text --data corpus.txt --set data.train=400 --set data.valid=100 --set data.test=100 --epochs 1 \
    --out runs/text
"$tool" eval runs/text --json >eval.json || fail "eval"
"$json" eval.json bits_per_byte | awk '{ exit !($1 > 0 && $1 < 12) }' || fail "bits per byte: $(cat eval.json)"

"$tool" predict runs/text --prompt "a gate " --length 30 --seed 5 >one || fail "predict"
"$tool" predict runs/text --prompt "a gate " --length 30 --seed 5 >two || fail "predict, again"
cmp one two || fail "a seed draws one text"
[ "$(wc -c <one)" -ge 30 ] || fail "30 tokens are $(wc -c <one) bytes"
printf 'a gate ' >start.txt
"$tool" predict runs/text start.txt --length 30 --seed 5 | cmp - one || fail "a file is continued as --prompt is"

# Of a long text the end alone is read: 8 GiB of it in front of the prompt, and a pipe, in less memory than that.
head -c 300000 /dev/zero >long.txt
printf 'a gate ' >>long.txt
"$tool" predict runs/text long.txt --length 30 --seed 5 >three || fail "predict a long text"
"$tool" predict runs/text - --length 30 --seed 5 <long.txt | cmp - three || fail "standard input is continued as a file is"
truncate -s 8G huge.txt
printf 'a gate ' >>huge.txt
(
    [ "${WEIR_SANITIZE:-OFF}" != OFF ] || ulimit -v 6000000
    "$tool" predict runs/text huge.txt --length 30 --seed 5
) | cmp - three || fail "a text of 8 GiB"
rm huge.txt

must 2 "$tool" predict runs/text --prompt a --temperature hot
grep -q -e "--temperature needs a number from 0 to 1e6, not 'hot'" .err || fail "$(cat .err)"
must 0 "$tool" train digits --set data.train=200 --set data.valid=20 --set data.test=20 --epochs 1 --out runs/digits
for option in "--limit 3" "--samples 3" "--header no" "--scale none" "--label-column 0" "--skip-columns 0" "--top 2" --csv; do
    must 2 "$tool" predict runs/text --prompt a $option
done
for option in "--prompt a" "--length 3" "--temperature 0.5" "--seed 4"; do
    must 2 "$tool" predict runs/digits corpus.txt $option
done
