#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# optax 0.2.8: one infinite gradient makes clip_by_global_norm wipe out all others.
#
# Gradients (inf, 1, 2) come back as (NaN, 0, 0): the norm is infinite, all entries are divided by it, and inf / inf is NaN. One
# parameter is lost for ever and the others quietly stand still, where one expects either a bounded step or an error.
# PyTorch's clip_grad_norm_ has error_if_nonfinite for this. Remedy: optax.apply_if_finite around the optimizer.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check optax==0.2.8 jax==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import jax.numpy as jnp, numpy, optax
gradients = jnp.array([jnp.inf, 1.0, 2.0])
clipped = numpy.asarray(optax.clip_by_global_norm(1.0).update(gradients, optax.EmptyState())[0])
print("gradients", gradients.tolist(), "clipped", clipped.tolist())
assert numpy.isnan(clipped[0]) and clipped[1:].tolist() == [0.0, 0.0]
PYTHON
