#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# PyTorch 2.15.0: the backward pass of grouped_mm refuses the gradient that .sum() gives.
#
# torch.nn.functional.grouped_mm multiplies groups of rows by a matrix each. y.sum().backward() hands its backward pass a
# gradient expanded from one number, with strides (0, 0), and that ends with "RuntimeError: Invalid strides/sizes, got
# [0, 0] for strides"; y.mean(), whose gradient is divided first, is fine, as is a contiguous gradient of ones. Expected: as every
# other product of PyTorch, which copies what it cannot read. A way around: (y * 1).sum(), or a loss that is not a plain sum.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.functional import grouped_mm
torch.manual_seed(0)
groups, rows, inputs, outputs = 8, 6, 128, 16
x = torch.randn(groups * rows, inputs, requires_grad=True)
w = torch.randn(groups, inputs, outputs, requires_grad=True)
ends = torch.arange(1, groups + 1, dtype=torch.int32) * rows
want = torch.cat([x[rows * k : rows * (k + 1)] @ w[k] for k in range(groups)])
y = grouped_mm(x, w, offs=ends)
print("forward, greatest difference:", (y - want).abs().max().item())
a, b = (torch.autograd.grad(t, [x, w], torch.ones_like(y), retain_graph=True) for t in (y, want))
print("backward of ones, greatest differences:", [(p - q).abs().max().item() for p, q in zip(a, b)])
assert all(torch.allclose(p, q, rtol=1e-3, atol=1e-3) for p, q in zip(a, b))
y.mean().backward(retain_graph=True)
try:
    y.sum().backward()
except RuntimeError as error:
    print("backward of .sum():", error)
    assert "Invalid strides/sizes" in str(error)
else:
    raise SystemExit(".sum() goes backward now")
PYTHON
