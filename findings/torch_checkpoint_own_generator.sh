#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# torch 2.15.0: checkpointed layers draw other gates in the backward pass when the gates have a generator of their own.
#
# torch.utils.checkpoint.checkpoint runs a layer twice: once forward, once more for the gradient. It brings back the state
# of the default generator (preserve_rng_state=True), but not that of a torch.Generator handed to torch.bernoulli(...,
# generator=g). Seen with a layer x * gates of 1000 fair gates: the gates that were open in the output and those that passed
# a gradient agree in half of the places, as if they were unrelated, in both forms (use_reentrant False and True), without an
# error or a warning. With the default generator all agree. Expected: the same gates, or a refusal.
# Whoever checkpoints stochastic layers draws the gates outside of the checkpointed function, or from the default generator.
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
import warnings

import torch
from torch.utils.checkpoint import checkpoint

warnings.simplefilter("error", UserWarning)
x = torch.ones(1000, requires_grad=True)


def agreement(generator, reentrant):
    """Share of gates that are as open in the gradient as in the output."""
    def layer(x):
        return x * torch.bernoulli(torch.full_like(x, 0.5), generator=generator)

    x.grad = None
    y = checkpoint(layer, x, use_reentrant=reentrant)
    y.sum().backward()
    return ((y != 0) == (x.grad != 0)).double().mean().item()


for reentrant in (False, True):
    own = agreement(torch.Generator().manual_seed(1), reentrant)
    default = agreement(None, reentrant)
    print(f"use_reentrant={reentrant}: gates of output and gradient agree in {own:.3f} (own generator), {default:.3f} (default)")
    assert 0.4 < own < 0.6 and default == 1
PYTHON
