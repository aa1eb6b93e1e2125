#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# jax 0.10.2: the gradient of clip, maximum and minimum at a bound is one half.
#
# jnp.clip(x, 0, 1) has gradient 0.5 at x = 0 and at x = 1, and jnp.maximum(x, 0) has 0.5 at x = 0, where jax.nn.relu has
# 0. Gates that are stretched and clipped (hard concrete, hard sigmoid, straight-through on clipped values) stand
# exactly on these bounds all the time, also at initial values such as 0. Expected: 1 or 0, as for relu (PyTorch's
# clamp gives 1). A reference gradient by jax.grad of a clipped gate differs there from the one of PyTorch.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax, jax.numpy as jnp
seen = {
    "clip(x, 0, 1) at 0": jax.grad(lambda x: jnp.clip(x, 0.0, 1.0))(0.0),
    "clip(x, 0, 1) at 1": jax.grad(lambda x: jnp.clip(x, 0.0, 1.0))(1.0),
    "maximum(x, 0) at 0": jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0),
    "relu(x) at 0": jax.grad(jax.nn.relu)(0.0),
    "relu6(x) at 6": jax.grad(jax.nn.relu6)(6.0),
}
for name, slope in seen.items():
    print(f"{name}: {float(slope)}")
assert [float(s) for s in list(seen.values())[:4]] == [0.5, 0.5, 0.5, 0.0]
PYTHON
