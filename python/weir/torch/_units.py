# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Rules on tensors, without autograd: what ``units.py`` and the operators stand on. Tensors are float32, contiguous."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .._native import NULL, call, ffi, lib, text
from ._layer import floats

_MASK = 2**63 - 1
MODES = ("draw", "decide", "expect")


class Rule:
    """A rule with its parameters, as ``weir_unit_parse`` reads it. Immutable; one per text, by ``rule()``."""

    def __init__(self, name: str) -> None:
        self.unit = ffi.new("weir_unit *")
        call(lib.weir_unit_parse, self.unit, name.encode())
        self.text = name
        rule = self.unit.rule
        self.name: str = text(rule.name) or ""
        self.uses_dh = bool(rule.traits & lib.WEIR_TRAIT_USES_DH)
        self.uses_loss = bool(rule.traits & lib.WEIR_TRAIT_USES_LOSS)
        self.annealed = bool(rule.traits & lib.WEIR_TRAIT_ANNEALED)
        draw = lib.weir_unit_draw(self.unit)
        self._sample = rule.sample if rule.sample != NULL else draw.sample
        self._modes: Dict[str, Any] = {"draw": draw.sample, "decide": draw.decide, "expect": draw.expect}
        self._backward = rule.backward
        self._start = rule.start
        self.saved_each: Optional[int] = rule.saved if rule.saved_count == NULL else None  # None: not per row and unit
        self.sizes: Callable[[int, int], Tuple[int, int]] = lru_cache(64)(self._sizes)

    def groups(self, units: int) -> int:
        """Row groups: evaluations of the loss per row. 0: too many."""
        return int(lib.weir_unit_groups(self.unit, units, 1))

    def _sizes(self, rows: int, units: int) -> Tuple[int, int]:
        """Row groups, and floats that ``sample`` leaves for ``backward``."""
        groups = self.groups(units)
        if not 0 < groups <= 2**30 // max(1, rows * units):
            raise ValueError(
                f"{self.text} evaluates the loss too often for {units} units and {rows} rows; give it fewer, or take another rule"
            )
        return groups, int(lib.weir_unit_saved(self.unit, rows, units))

    def state_size(self, units: int) -> int:
        """Floats kept from step to step."""
        return int(lib.weir_unit_state(self.unit, units))

    def new_state(self, units: int) -> Optional[Tensor]:
        """The state of a fresh rule; None where it has none."""
        count = self.state_size(units)
        if not count:
            return None
        state = torch.zeros(count, dtype=torch.float32)
        self._start(self.unit, units, floats(state))
        return state

    def _batch(self, a: Tensor, seed: int, step: int, groups: int, state: Optional[Tensor]) -> Any:
        batch = ffi.new("weir_unit_batch *")
        batch.units = a.shape[-1]
        batch.rows = a.numel() // batch.units
        batch.a = floats(a)
        batch.state = floats(state)
        noise = batch.noise
        noise.seed = seed & _MASK
        noise.step = step
        batch.row_weight = 1.0
        batch.groups = groups
        batch.layers = 1
        return batch

    def sample(self, a: Tensor, seed: int, step: int, state: Optional[Tensor]) -> Tuple[Tensor, Optional[Tensor]]:
        """Training outputs h of all row groups, [groups, *a.shape], and what is saved."""
        units = a.shape[-1]
        groups, count = self.sizes(a.numel() // units, units)
        h = torch.empty((groups, *a.shape), dtype=torch.float32)
        saved = torch.empty(count, dtype=torch.float32) if count else None
        batch = self._batch(a, seed, step, groups, state)
        batch.h = floats(h)
        batch.saved = floats(saved)
        self._sample(self.unit, batch)
        return h, saved

    def output(self, a: Tensor, mode: str, threshold: float, seed: int) -> Tensor:
        """h of a finished network: drawn, decided, or expected."""
        h = torch.empty(a.shape, dtype=torch.float32)
        batch = self._batch(a, seed, 0, 1, None)
        batch.h = floats(h)
        batch.threshold = threshold
        self._modes[mode](self.unit, batch)
        return h

    def merge(self, a: Tensor, h: Tensor, saved: Optional[Tensor], losses: Tensor) -> Tuple[Tensor, Tensor]:
        """The loss of each row from those of its groups, [groups, *a.shape[:-1]], and its derivatives by them."""
        merged = torch.empty(a.shape[:-1], dtype=torch.float32)
        weights = torch.empty_like(losses)
        batch = self._batch(a, 0, 0, losses.shape[0], None)
        batch.h, batch.saved, batch.loss = floats(h), floats(saved), floats(losses)
        lib.weir_unit_merge(self.unit, batch, floats(merged), floats(weights))
        return merged, weights

    def backward(self, a: Tensor, h: Tensor, saved: Optional[Tensor], state: Optional[Tensor], dh: Optional[Tensor],
                 losses: Optional[Tensor], seed: int, step: int) -> Tensor:
        """∂L/∂a of each row, from ∂L/∂h or the losses of the groups, or from both. Moves the state."""
        da = torch.empty_like(a)
        groups = 1 if losses is None else losses.shape[0]
        batch = self._batch(a, seed, step, groups, state)
        batch.h, batch.saved, batch.dh, batch.loss = floats(h), floats(saved), floats(dh), floats(losses)
        batch.da = floats(da)
        self._backward(self.unit, batch)
        return da


@lru_cache(256)
def rule(name: str) -> Rule:
    """The rule of a text such as "rloo:samples=4"."""
    return Rule(name)


class Facts(NamedTuple):
    """What a compiled program must know of a rule while it is traced."""

    uses_dh: bool
    stateful: bool


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def facts(name: str, units: int) -> Facts:
    """Of a rule, for so many units; a constant for a tracer."""
    found = rule(name)
    return Facts(found.uses_dh, found.state_size(units) > 0)


def new_seed() -> int:
    """From PyTorch's generator: ``torch.manual_seed`` and activation checkpointing hold for draws as for dropout."""
    return int(torch.empty((), dtype=torch.int64).random_().item())
