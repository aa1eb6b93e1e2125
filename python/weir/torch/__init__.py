# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir in PyTorch."""

from __future__ import annotations

from .linear import GatedLinear, GatedMLP
from .optim import SGD
from .units import StochasticUnit, estimate

__all__ = ["SGD", "GatedLinear", "GatedMLP", "StochasticUnit", "estimate"]
