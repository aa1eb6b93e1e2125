#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# torch 2.15.0: torch.rand_like(p) < p with bf16 probabilities opens rare gates three times too often.
#
# The common way to write a gate takes its uniform numbers in the type of p. A bf16 uniform number has 8 bits: it is 0 once
# in 512, and the next value is 1/256. Seen on four million draws on a CPU: p = 0.001 opens 0.0030 of the gates in bf16,
# 0.0012 in float16, 0.0010 in float32; the mean of the uniform numbers is 0.498, and p = 0.999 opens all gates, as bf16
# rounds it to 1. torch.bernoulli(p) of the same p is right (0.0010). Expected: a share within the sampling error of p.
# Whoever keeps probabilities in bf16 calls torch.bernoulli, or casts them to float32 first.
# WEIR_PYTHON may name a Python that has this torch; else it is installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${WEIR_PYTHON:-python3}
if [ "$("$python" -c 'import torch; print(torch.__version__.split("+")[0])' 2>/dev/null)" != 2.15.0 ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0
    python=$work/venv/bin/python
fi
"$python" - <<'PYTHON'
import torch

torch.manual_seed(0)
n, share, coin = 4_000_000, {}, {}
for kind in (torch.bfloat16, torch.float16, torch.float32):
    p = torch.full((n,), 0.001, dtype=kind)
    share[kind] = (torch.rand_like(p) < p).double().mean().item()
    coin[kind] = torch.bernoulli(p).double().mean().item()
    print(f"{str(kind):15} p = 0.001: rand_like(p) < p opens {share[kind]:.5f}, bernoulli(p) {coin[kind]:.5f}")
mean = torch.rand(n, dtype=torch.bfloat16).double().mean().item()
print(f"mean of bf16 uniform numbers {mean:.4f}")
assert 0.0027 < share[torch.bfloat16] < 0.0033 and 0.0011 < share[torch.float16] < 0.0014
assert 0.0009 < share[torch.float32] < 0.0011 and all(0.0009 < c < 0.0011 for c in coin.values())
assert 0.4975 < mean < 0.4990
PYTHON
