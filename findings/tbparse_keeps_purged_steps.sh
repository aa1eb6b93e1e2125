#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# tbparse 0.0.9 with tensorboard 2.21.0: steps that a resumed run has taken back are read a second time.
#
# A run that is resumed from step 5 with SummaryWriter(purge_step=5) writes a session start into a new event file, and
# TensorBoard removes the earlier points from step 5 on. tbparse returns them beside the new ones: two values for a step,
# and steps that the resumed run never reached. Means over "step" are then of both runs.
# Expected: the points that TensorBoard shows. Remedy: drop what is not the last by wall_time (SummaryReader(...,
# extra_columns={"wall_time"})) and steps beyond the last file's. weir writes its event file anew when it resumes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check tbparse==0.0.9 tensorboard==2.21.0 tensorboardX==2.6.5 pandas==3.1.1
"$work/venv/bin/python" -W ignore - "$work/run" <<'PYTHON' 2>/dev/null
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import SummaryWriter
from tbparse import SummaryReader
folder = sys.argv[1]
with SummaryWriter(folder) as writer:
    for step in range(10):
        writer.add_scalar("loss", step, step)
time.sleep(1.1)  # the names of event files hold seconds
with SummaryWriter(folder, purge_step=5) as writer:
    for step in range(5, 8):
        writer.add_scalar("loss", 100 + step, step)
accumulator = EventAccumulator(folder)
accumulator.Reload()
shown = [(event.step, event.value) for event in accumulator.Scalars("loss")]
read = [tuple(row) for row in SummaryReader(folder).scalars[["step", "value"]].values.tolist()]
print("TensorBoard:", shown)
print("tbparse:    ", read)
assert [step for step, _ in shown] == list(range(8)) and shown[5][1] == 105
assert len(read) == 13 and (5, 5) in read and (5, 105) in read and (9, 9) in read
PYTHON
