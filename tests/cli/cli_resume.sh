# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Training that is interrupted (Ctrl-C, SIGTERM) or killed at any moment and resumed ends like an uninterrupted one.
. "$(dirname "$0")/lib.sh"

job="small.yaml --epochs 4 --set data.train=8000 --set train.batch=8 --set train.checkpoint_seconds=0.02"
# shellcheck disable=SC2086
must 0 "$tool" train $job --out whole
numbers_of whole/result.json >whole.numbers
same() {
    numbers_of "$1/result.json" >"$1.numbers"
    diff whole.numbers "$1.numbers" >&2 || fail "$1: the result differs from that of the uninterrupted run"
    [ "$("$json" --lines "$1/metrics.jsonl")" = 4 ] || fail "$1: metrics.jsonl has not 4 lines"
    cmp whole/model.safetensors "$1/model.safetensors" || fail "$1: the model differs"
}

# wait_for FILE PID: until the file is there, or the process has ended.
wait_for() {
    tries=0
    while [ ! -e "$1" ] && kill -0 "$2" 2>/dev/null && [ $tries -lt 200 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
}

# SIGTERM and SIGINT: an orderly end, status 1, and a message that says how to go on.
for signal in TERM INT; do
    # shellcheck disable=SC2086
    "$tool" train $job --out $signal >.out 2>.err &
    pid=$!
    wait_for $signal/checkpoint.safetensors $pid
    kill -$signal $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 1 ] || fail "SIG$signal: ended with $code"
    printf 'weir: interrupted; to continue: weir train --out %s --resume\n' $signal | cmp - .err || fail "$(cat .err)"
    [ ! -e $signal/result.json ] || fail "SIG$signal came too late"
    must 0 "$tool" train --out $signal --resume
    same $signal
done

# SIGKILL again and again, from before the first checkpoint on.
# shellcheck disable=SC2086
"$tool" train $job --out killed >.out 2>.err &
pid=$!
wait_for killed/config.yaml $pid
kill -KILL $pid
wait $pid 2>/dev/null || true
stops=0
for delay in 0.1 0.2 0.3 0.4 0.5; do
    [ ! -e killed/result.json ] || break
    "$tool" train --out killed --resume >.out 2>.err &
    pid=$!
    sleep $delay
    kill -KILL $pid 2>/dev/null && stops=$((stops + 1))
    wait $pid 2>/dev/null || true
done
[ $stops -ge 1 ] || fail "never killed"
: >"killed/checkpoint.safetensors.$pid-3.tmp" # as of a writer that was killed in the middle
must 0 "$tool" train --out killed --resume
ls killed | grep '\.tmp$' && fail "what a killed training was writing is still there"
same killed

# A run that is finished: resuming trains no more and gives the same result. Other settings are refused.
must 0 "$tool" train --out killed --resume
same killed
must 1 "$tool" train killed/config.yaml --out killed --resume --seed 7
grep -q "seed" .err || fail "the message does not name the setting: $(cat .err)"
must 1 "$tool" train --out nothing --resume
