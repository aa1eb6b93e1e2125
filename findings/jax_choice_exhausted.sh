#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# jax 0.10.2: drawing without replacement returns items of probability zero.
#
# jax.random.choice(key, 4, (2,), replace=False, p=[1, 0, 0, 0]) returns item 0 and an item whose probability is 0,
# silently; numpy.random.Generator.choice refuses the same call (ValueError: Fewer non-zero entries in p than size).
# Whoever draws k experts of n by masked probabilities opens closed experts. Expected: an error, or a mark.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax, jax.numpy as jnp, numpy
p = jnp.array([1.0, 0.0, 0.0, 0.0])
drawn = jax.random.choice(jax.random.key(0), 4, (2,), replace=False, p=p)
print("jax draws items", drawn.tolist(), "of probabilities", p[drawn].tolist())
assert float(p[drawn].min()) == 0.0
try:
    numpy.random.default_rng(0).choice(4, 2, replace=False, p=numpy.array(p, float))
    raise SystemExit("numpy accepts it now")
except ValueError as error:
    print("numpy:", error)
PYTHON
