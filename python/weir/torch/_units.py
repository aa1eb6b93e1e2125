# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Rules on tensors, without autograd: what ``units.py`` and the operators stand on. Tensors are float32, contiguous."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .._native import NULL, call, ffi, lib
from ._layer import floats

_MASK = 2**63 - 1
_BATCH = ffi.typeof("weir_unit_batch *")
MODES = ("draw", "decide", "expect")


class Rule:
    """A rule with its parameters and its draw, for layers of so many units. Immutable; made by ``rule()``."""

    def __init__(self, name: str, units: int) -> None:
        self.unit = parsed(name)
        call(lib.weir_unit_fit, self.unit, units)
        self.text, self.units = name, units
        rule = self.unit.rule
        self.groups = int(lib.weir_unit_groups(self.unit, units, 1))  # evaluations of the loss per row; 0: too many
        self.state_size = int(lib.weir_unit_state(self.unit, units))  # floats kept from step to step
        draw = lib.weir_unit_draw(self.unit)
        self._weigh = rule.weigh  # of outputs of the draw; NULL: as they are
        self._sample = rule.sample if rule.sample != NULL else self._finished(draw.sample)
        self._modes: Dict[str, Any] = {
            "draw": self._finished(draw.sample), "decide": self._finished(draw.decide), "expect": self._finished(draw.expect)
        }
        self._backward = rule.backward
        self._start = rule.start
        self.saved_each: Optional[int] = rule.saved if rule.saved_count == NULL else None  # None: not per row and unit
        self.saved: Callable[[int], int] = lru_cache(64)(self._saved)

    def _finished(self, function: Any) -> Callable[[Any, Any], None]:
        """Outputs by a function of the draw, weighed as the rule says."""
        weigh = self._weigh
        if weigh == NULL:
            return function  # type: ignore[no-any-return]

        def weighed(unit: Any, batch: Any) -> None:
            function(unit, batch)
            weigh(unit, batch)

        return weighed

    def _saved(self, rows: int) -> int:
        """Floats that ``sample`` leaves for ``backward``."""
        if not 0 < self.groups <= 2**30 // max(1, rows * self.units):
            raise ValueError(f"{self.text} evaluates the loss too often for {self.units} units and {rows} rows; give it "
                             "fewer, or take another rule")
        return int(lib.weir_unit_saved(self.unit, rows, self.units))

    def new_state(self) -> Optional[Tensor]:
        """The state of a fresh rule; None where it has none."""
        if not self.state_size:
            return None
        state = torch.zeros(self.state_size, dtype=torch.float32)
        self._start(self.unit, self.units, floats(state))
        return state

    def _batch(self, a: Tensor, seed: int, step: int, groups: int, state: Optional[Tensor]) -> Any:
        units = self.units
        noise = {"seed": seed & _MASK, "step": step}
        return ffi.new(_BATCH, {"units": units, "rows": a.numel() // units, "a": floats(a), "state": floats(state),
                                "noise": noise, "row_weight": 1.0, "groups": groups, "layers": 1})

    def sample(self, a: Tensor, seed: int, step: int, state: Optional[Tensor],
               one: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
        """Training outputs h of all row groups, [groups, *a.shape], and what is saved. one: of the only one, as a."""
        groups, count = self.groups, self.saved(a.numel() // self.units)
        h = torch.empty_like(a) if one else torch.empty((groups, *a.shape), dtype=torch.float32)
        saved = torch.zeros(count, dtype=torch.float32) if count else None  # some rules fill a part of it
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


def parsed(name: str) -> Any:
    """The ``weir_unit *`` of a text such as "rloo:samples=4"."""
    unit = ffi.new("weir_unit *")
    call(lib.weir_unit_parse, unit, name.encode())
    return unit


@lru_cache(256)
def rule(name: str, units: int) -> Rule:
    """The rule of a text, for so many units."""
    return Rule(name, units)


class Facts(NamedTuple):
    """What is true of a rule whatever the number of units."""

    uses_dh: bool
    uses_loss: bool
    annealed: bool
    stateful: bool


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def facts(name: str) -> Facts:
    """Of a rule; a constant for a tracer."""
    found = parsed(name).rule
    has = [bool(found.traits & t) for t in (lib.WEIR_TRAIT_USES_DH, lib.WEIR_TRAIT_USES_LOSS, lib.WEIR_TRAIT_ANNEALED)]
    return Facts(has[0], has[1], has[2], bool(found.state > 0 or found.state_count != NULL))


def new_seed() -> int:
    """From PyTorch's generator: ``torch.manual_seed`` and activation checkpointing hold for draws as for dropout."""
    return int(torch.empty((), dtype=torch.int64).random_().item())
