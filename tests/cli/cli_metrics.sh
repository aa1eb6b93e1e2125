#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# What a training writes down: metrics.csv beside metrics.jsonl, records of steps, TensorBoard's event file; an
# interrupted run ends with the records of the uninterrupted one.
. "$(dirname "$0")/lib.sh"

must 0 "$tool" train small.yaml --out plain
[ ! -e plain/steps.jsonl ] && [ ! -e plain/events.out.tfevents.0.weir ] || fail "files that nobody asked for"
[ "$(head -n 1 plain/metrics.csv)" = epoch,train_loss,valid_loss,valid_error,valid_nll,valid_rmse,valid_bits_per_byte,train_share,valid_share,valid_entropy,valid_overlap,valid_dead,penalty,weight,rate,seconds,train_seconds,best ] ||
    fail "metrics.csv: $(head -n 1 plain/metrics.csv)"
[ "$(wc -l <plain/metrics.csv)" = 3 ] || fail "metrics.csv has not a line per epoch"
sed -n 2p plain/metrics.jsonl >second
for field in epoch,1 train_loss,2 valid_error,4 train_share,8 valid_entropy,10 valid_overlap,11 valid_dead,12 rate,15 seconds,16; do
    close "metrics.csv: ${field%,*}" "$(sed -n 3p plain/metrics.csv | cut -d, -f"${field#*,}")" "$("$json" second "${field%,*}")"
done
sed -n 3p plain/metrics.csv | grep -Eq '^2,[^,]+,[^,]+,[^,]+,,,,.*,(true|false)$' || fail "$(sed -n 3p plain/metrics.csv)"

# Every four steps of fifty: 12 records, means since the last one, or since the beginning of the epoch.
long="small.yaml --epochs 3 --set data.train=2000 --set train.batch=40 --set train.checkpoint_seconds=0.001 --log-steps 4"
# shellcheck disable=SC2086
must 0 "$tool" train $long --out whole --tensorboard
[ "$(head -n 1 whole/steps.csv)" = step,epoch,batch,loss,share,rate ] || fail "steps.csv: $(head -n 1 whole/steps.csv)"
[ "$(wc -l <whole/steps.jsonl)" = 37 ] && [ "$(wc -l <whole/steps.csv)" = 38 ] || fail "records: $(wc -l whole/steps.*)"
sed -n 13p whole/steps.jsonl | grep -q '^{"step":52,"epoch":2,"batch":2,"loss":' || fail "$(sed -n 13p whole/steps.jsonl)"
sed -e 1d -e 's/,/ /g' whole/steps.csv >table
sed -e 's/[{}]//g' -e 's/"[a-z]*"://g' -e 's/,/ /g' whole/steps.jsonl | diff - table >&2 || fail "steps.csv is not steps.jsonl"
# The first epoch's mean, from its records: 12 of four steps; the last two steps are in none.
"$tool" train small.yaml --out two --epochs 1 --set data.train=2000 --set train.batch=40 --log-steps 5 >/dev/null
mean=$(sed 1d two/steps.csv | awk -F, '{ s += $4 } END { printf "%.6f", s / NR }')
[ "$mean" = "$("$json" two/metrics.jsonl train_loss | awk '{ printf "%.6f", $1 }')" ] || fail "mean of the records: $mean"

# Interrupted and resumed, twice: no record is missing, doubled or different.
# shellcheck disable=SC2086
"$tool" train $long --out cut --tensorboard >.out 2>.err &
pid=$!
tries=0
until [ "$(cat cut/steps.jsonl 2>/dev/null | wc -l)" -ge 3 ] || [ $tries -ge 2000 ]; do
    tries=$((tries + 1))
    sleep 0.005
done
kill -KILL $pid
wait $pid 2>/dev/null || true
[ ! -e cut/result.json ] || fail "the kill came too late"
printf '{"step":99999,"ep' >>cut/steps.jsonl # what a crash may leave
printf '99999,9' >>cut/steps.csv
must 0 "$tool" train --out cut --resume --tensorboard
for file in steps.jsonl steps.csv; do cmp whole/$file cut/$file || fail "$file of a resumed run differs"; done
for run in whole cut; do sed -E 's/"(train_)?seconds":[^,]*,//g' $run/metrics.jsonl >$run.metrics; done
cmp whole.metrics cut.metrics || fail "metrics.jsonl of a resumed run differs"
[ "$(wc -l <cut/metrics.csv)" = 4 ] || fail "metrics.csv of a resumed run"

# The frame of every event file of TensorFlow begins with these bytes: length 24, and its checksum.
[ "$(od -A n -t x1 -N 12 whole/events.out.tfevents.0.weir | tr -d ' \n')" = 1800000000000000a37f4b22 ] || fail "event file"
if command -v python3 >/dev/null 2>&1; then
    # Decoded by what the formats say, not by what weir does; checksums from a table.
    cat >decode.py <<'END'
import json, struct, sys

table = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    table.append(n)

def masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

crc = 0xFFFFFFFF
for byte in b"123456789":
    crc = table[(crc ^ byte) & 255] ^ crc >> 8
assert crc ^ 0xFFFFFFFF == 0xE3069283, "the check value of CRC-32C"

def fields(data):
    at = 0
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, data[at : at + size]
            at += size

data, at, events = open(sys.argv[1], "rb").read(), 0, []
while at < len(data):
    size, check = struct.unpack_from("<QI", data, at)
    assert check == masked(data[at : at + 8])
    body = data[at + 12 : at + 12 + size]
    assert struct.unpack_from("<I", data, at + 12 + size)[0] == masked(body)
    events.append(dict(fields(body)))
    at += 16 + size
assert events[0][3] == b"brain.Event:2" and 2 not in events[0]
found = {}
for event in events[1:]:
    assert 1.7e9 < struct.unpack("<d", event[1])[0] < 1e11
    value = dict(fields(dict(fields(event[5]))[1]))
    found.setdefault(value[1].decode(), []).append((event[2], struct.unpack("<f", value[2])[0]))
metrics = [json.loads(line) for line in open(sys.argv[2] + "/metrics.jsonl")]
steps = [json.loads(line) for line in open(sys.argv[2] + "/steps.jsonl")]
wanted = {
    "train/loss": [(m["epoch"], m["train_loss"]) for m in metrics],
    "valid/error": [(m["epoch"], m["valid_error"]) for m in metrics],
    "valid/share": [(m["epoch"], m["valid_share"]) for m in metrics],
    "steps/loss": [(s["step"], s["loss"]) for s in steps],
}
for tag, points in wanted.items():
    assert [p[0] for p in found[tag]] == [p[0] for p in points], tag
    assert all(abs(f[1] - p[1]) <= 1e-6 * abs(p[1]) + 1e-9 for f, p in zip(found[tag], points)), tag
print(len(events), "events")
END
    for run in whole cut; do
        must 0 python3 decode.py $run/events.out.tfevents.0.weir $run
    done
else
    echo "the event file is not decoded: that needs python3"
fi
if [ -n "${WEIR_PYTHON:-}" ] && "$WEIR_PYTHON" -c 'import tensorboard' 2>/dev/null; then
    "$WEIR_PYTHON" - whole >.out 2>.err <<'END' || fail "tensorboard: $(cat .err)"
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
assert [e.step for e in accumulator.Scalars("train/loss")] == [1, 2, 3], accumulator.Tags()
assert len(accumulator.Scalars("steps/loss")) == 37
END
else
    echo "TensorBoard itself is not asked: WEIR_PYTHON names no Python that has it"
fi

# --force removes all of it, an epoch without gates has no shares.
must 0 "$tool" train small.yaml --out whole --force
[ ! -e whole/steps.jsonl ] && [ ! -e whole/events.out.tfevents.0.weir ] || fail "--force left files of the former run"
