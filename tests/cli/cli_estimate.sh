# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The laboratory: every rule holds in a short run, the tables do not depend on threads, and what is printed.
. "$(dirname "$0")/lib.sh"

must 0 "$tool" estimate exactness --draws 1e5 --json
cp .out lines.json
while read -r line; do
    printf '%s\n' "$line" >one.json
    for name in rule unbiased pass judged bias variance evaluations backward_passes variance_times_evaluations draws; do
        [ -n "$("$json" one.json "$name")" ] || fail "no \"$name\" in $line"
    done
    case $line in *'"pass":true'*) ;; *) fail "a rule does not hold: $line" ;; esac
    case $line in *'"unbiased":true'*'"z_max":null'*) fail "an unbiased rule is not judged: $line" ;; esac
done <lines.json

# Every rule of the library takes part.
"$tool" units --json >rules.json
for rule in $(sed -n 's/^    "name": "\(.*\)",$/\1/p' rules.json); do
    grep -Eq "^\{\"rule\":\"$rule[\":]" lines.json || fail "$rule is not in the table"
done

{
    run estimate exactness --draws 4000 --rules rloo,half,leg
    run estimate exactness --draws 4000 --rules disarm,reinmax:temperature=1.3 --markdown
    run estimate toy --steps 200 --seeds 20 --rules exact,disarm
} | sed -E 's/each, .*/each, .../' | compare estimate

# A network and data of the user's own.
must 0 "$tool" estimate variance small.yaml --rules rloo,disarm,half,vimco --draws 20 --points 2 --json
cp .out lines.json
[ "$(wc -l <lines.json)" -eq 8 ] || fail "not a line per rule and point: $(cat lines.json)"
while read -r line; do
    printf '%s\n' "$line" >one.json
    for name in step evaluations milliseconds bias bias_noise variance gradient error_at_equal_time draws; do
        "$json" one.json "$name" | grep -Eqx -- '-?[0-9.e+-]+' || fail "no number \"$name\" in $line"
    done
done <lines.json
grep '"rule":"disarm"' lines.json | head -1 >one.json
[ "$("$json" one.json evaluations)" = 2 ] || fail "evaluations: $(cat one.json)"
[ "$("$json" one.json step)" = 0 ] || fail "step: $(cat one.json)"
must 0 "$tool" train small.yaml --out trained
sed -i 's/kind: unit/kind: sigmoid/; s/from: image, gates: gates, size: 250, block: 16, activation: rectifier/size: 20/; s/gated-affine/affine/' small.yaml
{
    run estimate variance trained --rules disarm,half --draws 10 | sed -E 's/-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?/#/g; s/ +/ /g; s/< #/#/; /^So many/d; /^The best/d; s/Use [a-z]+/Use RULE/'
    run estimate variance trained --rules half
    run estimate variance trained --draws 9
    run estimate variance small.yaml
    run estimate variance nothing
    run estimate variance
} | compare estimate_variance

# Rows per second beside another program.
cat >peer.sh <<END
echo a remark
echo '{"rule": "rloo", "rows_per_second": 1000}'
echo '{"rule": "none of ours", "rows_per_second": 1}'
END
must 0 "$tool" estimate throughput --rules rloo,half --python sh --peer=peer.sh --json
cp .out lines.json
grep '"rloo"' lines.json >one.json
[ "$("$json" one.json peer_rows_per_second)" = 1000.0 ] || fail "the peer's rate: $(cat one.json)"
"$json" one.json ratio | grep -Eqx '[0-9.e+]+' || fail "no ratio: $(cat one.json)"
grep '"half"' lines.json | grep -q '"ratio":null' || fail "a ratio without a peer: $(cat lines.json)"
echo 'exit 3' >peer.sh
must 1 "$tool" estimate throughput --rules rloo --python sh --peer=peer.sh
must 1 "$tool" estimate throughput --rules rloo --python /nonexistent --peer=peer.sh
must 1 "$tool" estimate throughput --rules rloo --peer=nowhere.py

for n in 1 2 3; do
    must 0 "$tool" estimate exactness --draws 4000 --rules reinforce,double-cv,gumbel-rao --threads $n --json
    cp .out "threads$n"
done
if ! cmp threads1 threads2 || ! cmp threads1 threads3; then fail "the table depends on the number of threads"; fi

if command -v gnuplot >/dev/null; then
    must 0 "$tool" estimate toy --steps 100 --seeds 5 --rules rloo,disarm --out figures
    for name in toy-one-bit toy-200-objective toy-200-variance; do
        grep -q '<svg' "figures/$name.svg" || fail "no figure $name: $(ls figures)"
    done
fi
