#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# l0-python 0.6.2: a gate in use is another one than the paper's, which the package names as its source.
#
# Louizos, Welling and Kingma 2018, eq. 13: at test time z = min(1, max(0, σ(log α)(ζ − γ) + γ)), without a temperature. The
# package's HardConcrete divides log α by it: at log α = 1 and temperature 1/3 the gate is 1 where the paper has 0.777, and
# the mean of the gates in training 0.725 (of a million). Gates that were trained at one value are used at another.
# Expected: eq. 13. Whoever wants it takes σ(qz_logits) by hand.
# WEIR_PYTHON may name a Python that has these packages; else they are installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${WEIR_PYTHON:-python3}
if ! "$python" -c 'import torch; from importlib.metadata import version as v; assert v("l0-python") == "0.6.2"' 2>/dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 l0-python==0.6.2
    python=$work/venv/bin/python
fi
"$python" - <<'PYTHON'
import torch
from l0 import HardConcrete

torch.manual_seed(0)
gate = HardConcrete(1000000, temperature=1 / 3)
gate.qz_logits.data.fill_(1.0)
drawn = gate().mean().item()
used = gate.eval()()[0].item()
paper = min(1.0, torch.sigmoid(torch.tensor(1.0)).item() * 1.2 - 0.1)
print(f"log alpha 1, temperature 1/3: in use {used:.3f}, eq. 13 {paper:.3f}, mean in training {drawn:.3f}")
assert used == 1.0 and abs(paper - 0.777) < 1e-3 and abs(drawn - 0.725) < 0.005
PYTHON
