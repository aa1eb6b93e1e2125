# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# weir bench on layers of a few units: what it prints and its fields; no time is judged.
. "$(dirname "$0")/lib.sh"

quick='--repeats 5 --seconds 0 --warm --threads 2'
small="$quick --n 64 --block 16 --share 0.25 --batch 8"

{
    # shellcheck disable=SC2086
    {
        run bench gated $small
        run bench gated $small --sides one,two --stack 3 --pass forward --plan
        run bench gated $quick --inputs 40 --outputs 24 --block 1,7 --share 0,1 --batch 3 --pass train
    } | sed -E -e 's/[0-9]+(\.[0-9]+)? (GFLOP|GB|us|ms)/# \2/g' -e 's/(generic|avx2|avx512[a-z0-9]*|amx)/ISA/g' -e 's/no bf16|bf16 # GFLOP.s/BF16/' \
        -e 's/(one|two) (forward|backward|train ) .*/\1 \2 .../' -e 's/by the way [a-z]+(, [a-z ]+)?:/by the way ...:/' -e 's/: ([a-z]+ # [a-z]+,? ?)+/: ... /'
} | compare bench

# fields of FILE NAME…: each line has each of them as a number.
fields() {
    while read -r line; do
        printf '%s\n' "$line" >one.json
        for name in "$@"; do
            "$json" one.json "$name" | grep -Eqx -- '-?[0-9.e+-]+' || fail "no number \"$name\" in $line"
        done
    done <lines.json
}

# shellcheck disable=SC2086
must 0 "$tool" bench gated $small --batch 1,8 --share 0.25,0.5 --sides one,two --json
cp .out lines.json
[ "$(wc -l <lines.json)" -eq 8 ] || fail "not a line per case: $(cat lines.json)"
fields inputs outputs block share batch stack sides threads forward_ms backward_ms train_ms dense_forward_ms dense_backward_ms \
    dense_train_ms floor_ms forward_floor_ms backward_floor_ms train_floor_ms route_ms open_share done_share multiply_adds \
    weight_bytes error samples machine_float32_gflops machine_bfloat16_gflops machine_read_gbps
sed -n 1p lines.json >one.json
[ "$("$json" one.json precision)" = fp32 ] || fail "precision: $(cat one.json)"
[ "$("$json" one.json inputs)" = 64 ] || fail "inputs: $(cat one.json)"
[ "$("$json" one.json batch)" = 1 ] || fail "batch: $(cat one.json)"
case $("$json" one.json plan_forward) in gated | dense | stream) ;; *) fail "plan_forward: $(cat one.json)" ;; esac

# What was done: all of it at share 1, nothing at share 0, α² where both sides are gated.
# shellcheck disable=SC2086
must 0 "$tool" bench gated $quick --n 32 --block 8 --batch 4 --share 0,1 --sides one,two --pass forward --json
cp .out lines.json
grep -c '"multiply_adds":4096.0' lines.json | grep -qx 2 || fail "share 1: $(cat lines.json)"
grep -c '"multiply_adds":0.0' lines.json | grep -qx 2 || fail "share 0: $(cat lines.json)"
grep -q '"backward_ms":null' lines.json || fail "a pass that was not asked for has a time: $(cat lines.json)"

# A figure: one panel per batch, one curve per block size.
if command -v gnuplot >/dev/null; then
    # shellcheck disable=SC2086
    must 0 "$tool" bench gated $quick --n 32 --block 4,8 --batch 1,4 --share 0.25,0.5,1 --pass forward --figure drawn
    for name in 'Forward, 1 row' 'Forward, 4 rows' 'blocks of 4' 'blocks of 8' dense floor; do
        grep -q "$name" drawn/gated.svg || fail "the figure does not say \"$name\""
    done
    [ -s drawn/gated.png ] && grep -qx drawn/gated.png .out || fail "no PNG: $(cat .out)"
fi

must 0 "$tool" bench machine --json
cp .out lines.json
fields threads machine_float32_gflops machine_bfloat16_gflops machine_read_gbps

# Plans and the rates behind them. Rates that were asked for must be there, and be of use; others are passed over.
plan='bench plan --n 64 --block 16 --batch 8 --share 0.25 --threads 2'
# shellcheck disable=SC2086
must 0 "$tool" $plan
grep -qx 'rates: built in' .out || fail "where rates come from: $(cat .out)"
isa=$(sed -n 's/^\([a-z0-9]*\), 2 threads.*/\1/p' .out)
grep -Eq '^ +forward, fp32 +dense( +[0-9.e+]+){5}$' .out || fail "no rates: $(cat .out)"
for operation in forward 'input gradient' 'weight gradient' 'weight update'; do
    grep -Eq "^$operation by the way [a-z]+(, [a-z ]+)?: gated .* \(8 rows, 64 / 16 share 0.25 <- 64, fp32, .*, 2 threads\)\$" .out ||
        fail "no plan of the $operation: $(cat .out)"
done
# shellcheck disable=SC2086
WEIR_RATES=nowhere.json must 1 "$tool" $plan
grep -q 'nowhere.json' .err || fail "$(cat .err)"
mkdir -p cache/weir
echo '{}' >"cache/weir/rates-$isa-2.json"
# shellcheck disable=SC2086
WEIR_RATES='' XDG_CACHE_HOME=$work/cache must 0 "$tool" $plan
grep -q '^rates: built in; not used: .*/weir/rates-.*-2.json: "format"' .out || fail "a broken file of rates: $(cat .out)"

# A peer: any program that prints lines of JSON. It gets the case, and its medians and ratios are printed.
cat >peer.sh <<'END'
echo "$@" >>called
echo "a remark"
echo '{"way": "dense", "forward_ms": 12.5, "train_ms": 40}'
echo '{"way": "masked", "forward_ms": 13.25}'
END
# shellcheck disable=SC2086
must 0 "$tool" bench gated $small --peer peer.sh --python sh --rounds 2
[ "$(wc -l <called)" -eq 2 ] || fail "the peer was not called twice: $(cat called)"
grep -qx -- '--n=64 --block=16 --share=0.25 --batch=8 --repeats=3 --dtype=float32 --threads=2' called || fail "$(cat called)"
[ "$(grep -c 'peer dense' .out)" -eq 3 ] && [ "$(grep -c 'peer masked' .out)" -eq 1 ] || fail "peer lines: $(cat .out)"
# shellcheck disable=SC2086
must 0 "$tool" bench gated $small --peer=peer.sh --python sh --sides two --stack 2 --json
grep -q '"peer":\[{"way":"dense","forward_ms":12.5,"train_ms":40.0},{"way":"masked","forward_ms":13.25,"train_ms":null}\]' .out ||
    fail "$(cat .out)"
grep -q -- '--stack=2 --sides=two$' called || fail "$(cat called)"
echo 'exit 3' >peer.sh
# shellcheck disable=SC2086
must 1 "$tool" bench gated $small --peer peer.sh --python sh
grep -q "sh peer.sh failed" .err || fail "$(cat .err)"
# shellcheck disable=SC2086
must 1 "$tool" bench gated $small --peer peer.sh --python no-such-interpreter
