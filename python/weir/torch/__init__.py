# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir in PyTorch."""

from __future__ import annotations

from . import _threads
from .linear import GatedLinear, GatedMLP
from .optim import SGD
from .units import StochasticUnit, estimate
from .upcycle import GatedFeedForward, gate, group_units

_threads.share()

__all__ = ["SGD", "GatedFeedForward", "GatedLinear", "GatedMLP", "StochasticUnit", "estimate", "gate", "group_units"]
