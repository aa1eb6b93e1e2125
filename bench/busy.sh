#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The library on a busy machine: milliseconds (medians) of forward passes of 1, 32 and 256 rows through a network of
# 450-800-45, and of a training step, by one thread and by all, in turns; the ratio of the two, wanted at most 1.2; and
# the 99th percentile of either over its median, wanted at most 3 for one row. First on the machine as it is, then beside
# 1, 2 and 4 processes that do nothing but run, then beside a PyTorch training of two threads. Through the installed
# library, and with no variable set.
#
#     bench/busy.sh [SECONDS]
#
# SECONDS: of each case, 4 by default. Builds and installs into a temporary folder; needs the build in build/. PYTHON names
# an interpreter that has PyTorch (python3).
set -eu
seconds=${1:-4}
case $seconds in
'' | *[!0-9.]* | 0)
    sed -n '6,15s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
python=$(command -v "${PYTHON:-python3}" || true)
work=$(mktemp -d)
neighbours=
leave() {
    # shellcheck disable=SC2086 # one word per process
    [ -z "$neighbours" ] || kill $neighbours 2>/dev/null || true
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM HUP PIPE

[ -f build/build.ninja ] || { echo "$0: build first: make" >&2; exit 2; }
cmake --build build >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 2; }
cmake --install build --prefix "$work/installed" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 2; }
package=$(find "$work/installed" -name weir.pc)
library=$(find "$work/installed" -name libweir.so)
# shellcheck disable=SC2046 # flags are words
cc -O2 bench/busy.c $(PKG_CONFIG_PATH=$(dirname "$package") pkg-config --cflags --libs weir) \
    "-Wl,-rpath,$(dirname "$library")" -o "$work/busy"

# In an environment of its own: what a variable would change is what is measured here.
plainly() { env -i "PATH=$PATH" "HOME=$HOME" "$@"; }
measure() {
    printf '\n%s\n' "$1"
    plainly "$work/busy" "$seconds"
}
stop_neighbours() {
    for pid in $neighbours; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    neighbours=
}

echo "$(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown), $seconds seconds a case, milliseconds"
measure "as it is"
for count in 1 2 4; do
    while [ "$(echo "$neighbours" | wc -w)" -lt "$count" ]; do
        plainly "$work/busy" --spin &
        neighbours="$neighbours $!"
    done
    measure "beside $count busy process$([ "$count" = 1 ] || echo es)"
done
stop_neighbours

if [ -z "$python" ] || ! "$python" -c 'import torch' 2>/dev/null; then
    printf '\nbeside a PyTorch training: left out, for %s has no torch; PYTHON=... names another interpreter\n' "${PYTHON:-python3}"
    exit 0
fi
plainly "$python" bench/peers/torch_busy.py --threads 2 >"$work/torch" 2>&1 &
neighbours=$!
for _ in $(seq 60); do
    grep -q training "$work/torch" && break
    sleep 1
done
grep -q training "$work/torch" || { echo "PyTorch did not start:" >&2; cat "$work/torch" >&2; exit 1; }
sleep 2
measure "beside a PyTorch training of two threads"
