# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# weir reproduce, on the built-in digits: what it says to wrong calls, the whole table of a small run, runs that are
# ordinary run directories, and that an interrupted or killed experiment goes on to the same numbers.
. "$(dirname "$0")/lib.sh"

small="--set data.source=digits --set data.train=200 --set data.valid=100 --set data.test=100"

# Wrong calls.
{
    run reproduce
    run reproduce bengio2031
    run reproduce bengio2013 --row straight-trough
    run reproduce bengio2013 sigmoid nothing
    run reproduce bengio2013 --seeds 0
    run reproduce bengio2013 --jobs none
    run reproduce bengio2013 --row sigmoid --set train.epoch=3
    run reproduce bengio2013 --row sigmoid --data nowhere
} | compare reproduce_usage
[ ! -e runs ] || fail "a wrong call left a folder"

# Two rows, two seeds, two at a time: lines per epoch and run, in any order; the tables in one.
# shellcheck disable=SC2086
run reproduce bengio2013 sigmoid --row rectifier --out out $small --epochs 2 --seeds 2 --jobs 2 >transcript
sed -E -e '/^(sigmoid|rectifier)/d' -e '/^out\/.*\.(svg|png)$/d' -e '/no figures: gnuplot/d' transcript | no_numbers |
    sed -E -e 's/ [0-9,]{6,} +[0-9,]{6,}( +[0-9#]+){3} / N N step ms ms /' | compare reproduce
[ "$(grep -c '^[a-z]*/[12]: best epoch [12], valid' transcript)" = 4 ] || fail "not a line for each of four runs"
[ "$(grep -c '  loss  *[0-9.]*  valid ' transcript)" = 8 ] || fail "not a line for each of eight epochs"
for row in sigmoid rectifier; do
    for seed in 1 2; do
        [ "$("$json" out/$row/$seed/result.json row)" = $row ] || fail "$row/$seed/result.json does not name its row"
        [ "$("$json" out/$row/$seed/result.json seed)" = $seed ] || fail "$row/$seed/result.json: seed"
        [ -e out/$row/$seed/model.safetensors ] || fail "$row/$seed holds no model"
    done
done
mean=$(for seed in 1 2; do "$json" out/rectifier/$seed/result.json test_error; done | awk '{ s += $1 } END { printf "%.2f", 50 * s }')
grep -q "^| Baseline rectifier .* $mean ± " out/table.md || fail "table.md has not the mean $mean: $(cat out/table.md)"
must 0 "$tool" eval out/rectifier/2
if command -v gnuplot >/dev/null 2>&1; then
    head -c 4 out/validation.png | grep -aq PNG || fail "validation.png is no PNG"
    grep -q "</svg>" out/validation.svg || fail "validation.svg is not complete"
    grep -q "Baseline sigmoid" out/validation.svg || fail "validation.svg does not name the rows"
    # An error of exactly 0 can be drawn.
    cp -r out zero
    for metrics in zero/*/*/metrics.jsonl; do
        sed 's/"valid_error": *[0-9.e-]*/"valid_error":0/' "$metrics" >zeros
        mv zeros "$metrics"
    done
    rm zero/validation.svg
    # shellcheck disable=SC2086
    must 0 "$tool" reproduce bengio2013 sigmoid --row rectifier --out zero $small --epochs 2 --seeds 2 --resume
    [ ! -s .err ] && grep -q "</svg>" zero/validation.svg || fail "an error of 0: $(cat .err)"
fi

# Again: refused without --resume, nothing trained with it; other settings are refused.
# shellcheck disable=SC2086
{
    run reproduce bengio2013 sigmoid --out out $small --epochs 2
    run reproduce bengio2013 sigmoid --out out $small --epochs 3 --resume
} | compare reproduce_again
before=$("$json" out/sigmoid/1/result.json seconds)
# shellcheck disable=SC2086
must 0 "$tool" reproduce bengio2013 sigmoid --out out $small --epochs 2 --seeds 2 --resume
grep -q "^2 of 2 runs are finished already" .out || fail "finished runs are not known: $(cat .out)"
[ "$("$json" out/sigmoid/1/result.json seconds)" = "$before" ] || fail "a finished run was trained again"

# Interrupted, then killed: no process stays, and --resume gives the numbers of the uninterrupted experiment.
job="sigmoid --seeds 2 --jobs 2 --epochs 3 --set data.source=digits --set data.train=3000 --set data.valid=100 --set data.test=100 --set train.batch=8 --set train.checkpoint_seconds=0.02"
# shellcheck disable=SC2086
must 0 "$tool" reproduce bengio2013 $job --out whole
for seed in 1 2; do numbers_of whole/sigmoid/$seed/result.json; done >whole.numbers
trainings() { # processes that train in a folder
    for process in /proc/[0-9]*; do
        { tr '\0' ' ' <"$process/cmdline" | grep -q -e "train .*--out=$1/"; } 2>/dev/null && echo "${process#/proc/}"
    done
    return 0
}
wait_for() { # COMMAND…: until it succeeds, ten seconds at most
    tries=0
    until "$@" || [ $tries -ge 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
}
none_left() { [ -z "$(trainings "$1")" ]; }
for signal in INT KILL; do
    # shellcheck disable=SC2086
    "$tool" reproduce bengio2013 $job --out $signal >.out 2>.err &
    pid=$!
    wait_for test -e $signal/sigmoid/1/checkpoint.safetensors
    kill -$signal $pid
    code=0
    wait $pid 2>/dev/null || code=$?
    wait_for none_left $signal
    none_left $signal || fail "SIG$signal: $(trainings $signal) still train"
    [ ! -e $signal/sigmoid/2/result.json ] || fail "SIG$signal came too late"
    if [ $signal = INT ]; then
        [ $code = 1 ] || fail "SIGINT: ended with $code"
        grep -q "^weir: interrupted; to go on: the same command with --resume$" .err || fail "SIGINT: $(cat .err)"
    fi
    # shellcheck disable=SC2086
    must 0 "$tool" reproduce bengio2013 $job --out $signal --resume
    for seed in 1 2; do numbers_of $signal/sigmoid/$seed/result.json; done | diff whole.numbers - >&2 ||
        fail "SIG$signal: the results differ from those of the uninterrupted experiment"
done

# A training that fails: its log is named, and the others are stopped.
mkdir -p failing/sigmoid
: >failing/sigmoid/1
# shellcheck disable=SC2086
must 1 "$tool" reproduce bengio2013 sigmoid --out failing $small --epochs 1
grep -q "failing/sigmoid/1" .err || fail "the message does not name the folder: $(cat .err)"
# shellcheck disable=SC2086
must 1 "$tool" reproduce bengio2013 sigmoid --out diverging $small --epochs 2 --seeds 1 --set train.optimizer.rate=1e30
grep -q "^weir: the training diverging/sigmoid/1 has failed; the reason is at the end of diverging/sigmoid/1/train.log$" .err ||
    fail "the message does not name the log: $(cat .err)"
grep -q "smaller rate" diverging/sigmoid/1/train.log || fail "train.log does not hold the reason"

# Rows that are measured by likelihoods.
must 0 "$tool" reproduce lower-half concrete disarm --out half --epochs 2 --set data.source=digits --set data.train=200 --set data.valid=100 --set data.test=100 --set train.test_samples=20
grep -Eq "^disarm/1: best epoch [12], valid [0-9.]+ nats, test [0-9.]+ nats of 20 draws$" .out || fail "no likelihood: $(cat .out)"
nll=$("$json" half/disarm/1/result.json test_nll | awk '{ printf "%.2f", $1 }')
grep -q "^| DisARM | [0-9.]* |  | $nll | " half/table.md || fail "table.md has not $nll: $(cat half/table.md)"
grep -q "^| Gumbel-softmax | [0-9.]* | 58.50 | " half/table.md || fail "table.md lacks the published figure"

# Variational autoencoders: the negative ELBO, divergence included; rows of digits drawn anew in each epoch.
few="--set data.source=digits --set data.train=200 --set data.valid=100 --set data.test=100 --set train.test_samples=5"
# shellcheck disable=SC2086
must 0 "$tool" reproduce categorical-vae reinmax-8x4 st-16x12 st-gumbel-64x8 --out cat --epochs 1 $few
grep -Eq "^\| ReinMax, 8 x 4 \| 124.66 \| [0-9]+\.[0-9]+ \| " cat/table.md || fail "categorical-vae: $(cat cat/table.md)"
# shellcheck disable=SC2086
must 0 "$tool" reproduce bernoulli-vae --out ber --extended --epochs 1 $few
[ "$(grep -c '^| .* | 1 | [0-9.]* | 1 |$' ber/table.md)" = 8 ] || fail "bernoulli-vae: $(cat ber/table.md)"
train="train bernoulli-vae/network --set data.source=digits --set data.train=300 --set data.valid=100 --set data.test=50 --set train.test_samples=5"
# shellcheck disable=SC2086
{
    must 0 "$tool" $train --out straight --epochs 3
    must 0 "$tool" $train --out halted --epochs 1
    must 0 "$tool" $train --out halted --epochs 3 --resume
}
numbers_of straight/result.json >straight.numbers
numbers_of halted/result.json | diff straight.numbers - >&2 || fail "a continued run draws other values"
must 0 "$tool" eval straight --json
close "evaluation of a saved model" "$("$json" .out loss)" "$("$json" straight/result.json test_loss)"
