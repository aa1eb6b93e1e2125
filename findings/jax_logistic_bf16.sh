#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# jax 0.10.2: low-precision logistic and Gumbel noise has no upper tail.
#
# Seen on a million draws in bf16: the greatest logistic number is 4.84 and the least -87.5, the greatest Gumbel number
# 4.84; in float32 they are 12.7, -13.3 and about 14. The distribution is symmetric, so a pre-activation under -4.84 can
# never open a gate of a relaxed or straight-through Bernoulli unit in bf16, where 0.8 % of float32 draws would. The
# same tail makes a class of probability 0.001 come up 0.0006 times in jax.random.categorical with bf16 or float16
# logits (0.6 of what the rounded logits say). Expected: the tails of the type's range, as in float32.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax, jax.numpy as jnp
n, key = 1_000_000, jax.random.key(0)
for kind in (jnp.bfloat16, jnp.float32):
    logistic = jax.random.logistic(key, (n,), kind).astype(jnp.float32)
    gumbel = jax.random.gumbel(key, (n,), kind).astype(jnp.float32)
    beyond = float((logistic > 4.9).mean())
    print(f"{jnp.dtype(kind).name:9} logistic {float(logistic.min()):.2f} ... {float(logistic.max()):.2f},"
          f" above 4.9: {beyond:.5f}; Gumbel at most {float(gumbel.max()):.2f}")
    low = kind == jnp.bfloat16
    assert (float(logistic.max()) < 4.9 and float(logistic.min()) < -80) if low else 0.005 < beyond < 0.010
    assert (float(gumbel.max()) < 4.9) if low else float(gumbel.max()) > 10
logits = jnp.log(jnp.array([0.999, 0.001]))
for kind in (jnp.bfloat16, jnp.float16, jnp.float32):
    rounded = float(jax.nn.softmax(logits.astype(kind).astype(jnp.float32))[1])
    drawn = float(jax.random.categorical(key, logits.astype(kind), shape=(4 * n,)).astype(jnp.float32).mean())
    print(f"{jnp.dtype(kind).name:9} class of probability {rounded:.5f} is drawn {drawn:.5f} times")
    assert 0.5 < drawn / rounded < 0.7 if kind != jnp.float32 else 0.9 < drawn / rounded < 1.1
PYTHON
