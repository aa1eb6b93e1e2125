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
