#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The environment makes no difference to results, and none to whether the tool ends: every variable of the OpenMP
# standard and of its runtimes, hostile values included; one CPU; few threads. The tool keeps its name, and SIGTERM ends
# it.
. "$(dirname "$0")/lib.sh"
unset OMP_NUM_THREADS OMP_WAIT_POLICY

train() { # NAME VARIABLE=VALUE…: the parameters that a short training ends with
    name=$1
    shift
    rm -rf run
    code=0
    timeout 300 env "$@" "$tool" train digits --out run --set data.train=500 --set data.valid=50 --set data.test=50 \
        --set train.epochs=1 >out 2>err </dev/null || code=$?
    if [ "$code" != 0 ]; then
        cat out err >&2
        fail "$name: status $code"
    fi
    cksum <run/model.safetensors
}

wanted=$(train "nothing set" A=1)
while read -r setting; do
    # shellcheck disable=SC2086 # several settings in a line
    got=$(train "$setting" $setting)
    [ "$got" = "$wanted" ] || fail "$setting: other parameters than without it"
done <<'LIST'
OMP_NUM_THREADS=1
OMP_NUM_THREADS=3
OMP_NUM_THREADS=4,2
OMP_NUM_THREADS=0
OMP_NUM_THREADS=-1
OMP_NUM_THREADS=many
OMP_NUM_THREADS=99999999999999999999
OMP_THREAD_LIMIT=1
OMP_THREAD_LIMIT=0
OMP_DYNAMIC=true
OMP_DYNAMIC=true OMP_NUM_THREADS=64
OMP_NESTED=true OMP_MAX_ACTIVE_LEVELS=9
OMP_PROC_BIND=true
OMP_PROC_BIND=close OMP_PLACES={0}
OMP_PROC_BIND=spread,close OMP_PLACES=cores
OMP_PLACES=nowhere
OMP_WAIT_POLICY=active
OMP_WAIT_POLICY=never
OMP_SCHEDULE=dynamic,0
OMP_STACKSIZE=1
OMP_STACKSIZE=64G
OMP_CANCELLATION=true
OMP_DISPLAY_ENV=true
OMP_TARGET_OFFLOAD=mandatory
OMP_TOOL=enabled OMP_TOOL_LIBRARIES=/nonexistent
GOMP_SPINCOUNT=infinity
GOMP_CPU_AFFINITY=0
KMP_BLOCKTIME=infinite
OPENBLAS_NUM_THREADS=1
OPENBLAS_NUM_THREADS=99999
GOTO_NUM_THREADS=-3
LIST

# What becomes of a number that cannot be used is said.
for setting in OMP_NUM_THREADS=many OMP_NUM_THREADS=0 OMP_NUM_THREADS=-1 OMP_NUM_THREADS=999999 OMP_THREAD_LIMIT=257 \
    OMP_NUM_THREADS=4,2 OMP_NUM_THREADS=256 OMP_THREAD_LIMIT=1; do
    env "OMP_DYNAMIC=false" "$setting" "$tool" units 2>err >out || fail "units with $setting: $(cat err)"
    case $setting in
    *=many | *=0 | *=-1) grep -qx "weir: $setting is left aside: expected a number from 1; threads: [0-9]*" err ;;
    *=999999 | *=257) grep -qx "weir: $setting: weir uses at most 256 threads" err ;;
    *) [ ! -s err ] ;;
    esac || fail "$setting: $(cat err)"
done

if command -v taskset >/dev/null; then
    rm -rf run
    timeout 300 taskset -c 0 "$tool" train digits --out run --set data.train=500 --set data.valid=50 \
        --set data.test=50 --set train.epochs=1 >out 2>err </dev/null || fail "one processor: $(cat err)"
    [ "$(cksum <run/model.safetensors)" = "$wanted" ] || fail "one processor: other parameters"
fi

# Its name, and SIGTERM, in the middle of a training.
"$tool" train digits --out long --set train.epochs=1000 >out 2>err </dev/null &
pid=$!
for _ in $(seq 600); do
    [ -s long/metrics.jsonl ] && break
    sleep 0.1
done
name=$(cat "/proc/$pid/comm" 2>/dev/null || echo weir)
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
[ "$name" = weir ] || fail "the process is called $name"
[ "$code" != 0 ] || fail "SIGTERM: status 0"
ps -p "$pid" >/dev/null 2>&1 && fail "SIGTERM: it runs on"

# Kernels of OpenBLAS for an old processor: products by weir's own are as good.
if [ "$(uname -m)" = x86_64 ]; then
    OPENBLAS_CORETYPE=Prescott "$tool" train digits --out old --set train.epochs=1 >out 2>err </dev/null ||
        fail "old kernels: $(cat err)"
fi
