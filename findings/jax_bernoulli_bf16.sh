#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# jax 0.10.2: Bernoulli draws from bf16 probabilities open rare gates several times too often.
#
# jax.random.bernoulli draws its uniform numbers in the type of p. A bf16 uniform number has 128 values, 0 among
# them, so that every probability under 1/128 acts as 1/128. Seen on a million draws: p = 0.001 opens 0.0077 of the
# gates in bf16 (7.7 times too many), 0.0020 in float16 (twice) and 0.0010 in float32. A p of 0.3 is right within 2 %.
# Expected: a share within the sampling error of p. Whoever keeps gate probabilities in bf16 casts them to float32 first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax, jax.numpy as jnp
n, key = 1_000_000, jax.random.key(0)
shares = {}
for kind in (jnp.bfloat16, jnp.float16, jnp.float32):
    for p in (0.001, 0.3):
        share = float(jax.random.bernoulli(key, jnp.full((n,), p, kind)).astype(jnp.float32).mean())
        shares[jnp.dtype(kind).name, p] = share
        print(f"{jnp.dtype(kind).name:9} p = {p}: share of ones {share:.5f}")
assert 0.0070 < shares["bfloat16", 0.001] < 0.0085
assert 0.0015 < shares["float16", 0.001] < 0.0025
assert 0.0009 < shares["float32", 0.001] < 0.0011
assert all(abs(shares[k, 0.3] - 0.3) < 0.006 for k in ("bfloat16", "float16", "float32"))
PYTHON
