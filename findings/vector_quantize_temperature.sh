#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# vector-quantize-pytorch 1.32.0: the temperature of gumbel_sample changes which code is drawn, not only its gradient.
#
# In Gumbel-softmax, and in torch.nn.functional.gumbel_softmax(hard=True), the temperature divides logits and noise alike:
# the class that wins is drawn from softmax(a) whatever it is, and only the relaxed gradient depends on it. Here the logits
# alone are divided: of logits (1, 0, 0) the first class is drawn with 0.576 at temperature 1 and 0.787, that of softmax(2a), at
# 0.5. Expected: 0.576 both times. Whoever anneals the temperature makes the codes themselves certain, and a loss or a
# codebook's statistics change with it. It is the draw tempered-one-of of weir, with the gradient at the same temperature.
# WEIR_PYTHON may name a Python that has these packages; else they are installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${WEIR_PYTHON:-python3}
if ! "$python" -c 'import torch; from importlib.metadata import version as v; assert v("vector-quantize-pytorch") == "1.32.0"' 2>/dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 vector-quantize-pytorch==1.32.0
    python=$work/venv/bin/python
fi
"$python" - <<'PYTHON'
import torch
import torch.nn.functional as F
from vector_quantize_pytorch.vector_quantize_pytorch import gumbel_sample

torch.manual_seed(0)
logits = torch.tensor([1.0, 0.0, 0.0]).expand(200000, 3)
first = {}
for tau in (1.0, 0.5):
    codes = gumbel_sample(logits, temperature=tau, stochastic=True, straight_through=True)[0]
    hard = F.gumbel_softmax(logits, tau, hard=True)
    first[tau] = (codes == 0).double().mean().item(), hard[:, 0].double().mean().item()
    print(f"temperature {tau}: gumbel_sample draws the first class with {first[tau][0]:.3f}, F.gumbel_softmax with {first[tau][1]:.3f}")
assert all(abs(f[1] - 0.576) < 0.006 for f in first.values()) and abs(first[1.0][0] - 0.576) < 0.006
assert abs(first[0.5][0] - 0.787) < 0.006
PYTHON
