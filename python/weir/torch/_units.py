# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Rules on tensors, without autograd: what ``units.py`` and the operators stand on. Tensors are float32, contiguous."""

from __future__ import annotations

import struct
import threading
from functools import lru_cache
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .._native import NULL, call, ffi, lib
from ._layer import floats

_MASK = 2**63 - 1
_FLOAT32 = torch.float32
_FLOATS = ffi.typeof("float *")
_cast, _sample, _learn = ffi.cast, lib.weir_unit_sample, lib.weir_unit_learn
_empty, _empty_like = torch.empty, torch.empty_like
_BATCH = ffi.typeof("weir_unit_batch *")
MODES = ("draw", "decide", "expect")


# The fields of a weir_unit_batch in their order, packed at once, which takes a tenth of setting each through cffi.
_FIELDS = struct.Struct("@NNPPPPQIHHIPPfPfNNN")
_pack = _FIELDS.pack_into
_new, _memory = ffi.new, ffi.buffer


def _batch(rows: int, units: int, groups: int, a: int, h: int, saved: int = 0, state: int = 0, seed: int = 0, step: int = 0,
           dh: int = 0, loss: int = 0, da: int = 0, threshold: float = 0.0) -> Any:
    """A ``weir_unit_batch *``; arrays are addresses."""
    batch = _new(_BATCH)
    _pack(_memory(batch), 0, rows, units, a, h, saved, state, seed & _MASK, step, 0, 0, 0, dh, loss, 1.0, da, threshold, groups,
          0, 1)
    return batch


def _check_fields() -> None:
    found = _batch(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13.0)
    read = (found.rows, found.units, found.groups, *(int(ffi.cast("uintptr_t", p)) for p in (
        found.a, found.h, found.saved, found.state)), found.noise.seed, found.noise.step, *(int(ffi.cast("uintptr_t", p)) for p in (
            found.dh, found.loss, found.da)), found.threshold)
    if _FIELDS.size != ffi.sizeof("weir_unit_batch") or read != (*range(1, 13), 13.0) or (found.layer, found.layers) != (0, 1):
        raise ImportError("weir_unit_batch is laid out in another way than weir.torch writes it")


_check_fields()


def _address(tensor: Optional[Tensor]) -> int:
    """Where the numbers of a contiguous float32 tensor are; 0 for None."""
    if tensor is None:
        return 0
    if tensor.dtype is not _FLOAT32:
        raise TypeError(f"weir reads contiguous tensors of torch.float32; this one is of {tensor.dtype}")
    return tensor.data_ptr()


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

    def sample(self, a: Tensor, seed: int, step: int, state: Optional[Tensor],
               one: bool = False) -> Tuple[Tensor, Optional[Tensor]]:
        """Training outputs h of all row groups, [groups, *a.shape], and what is saved. one: of the only one, as a."""
        units, groups = self.units, self.groups
        rows = a.numel() // units
        count = self.saved(rows)
        h = _empty_like(a) if one else _empty((groups, *a.shape), dtype=_FLOAT32)
        if not count and state is None:
            _sample(self.unit, _batch(rows, units, groups, a.data_ptr(), h.data_ptr(), 0, 0, seed, step))
            return h, None
        saved = torch.zeros(count, dtype=_FLOAT32) if count else None  # some rules fill a part of it
        _sample(self.unit, _batch(rows, units, groups, a.data_ptr(), h.data_ptr(), _address(saved), _address(state), seed, step))
        return h, saved

    def output(self, a: Tensor, mode: str, threshold: float, seed: int) -> Tensor:
        """h of a finished network: drawn, decided, or expected."""
        h = torch.empty(a.shape, dtype=_FLOAT32)
        batch = _batch(a.numel() // self.units, self.units, 1, _address(a), h.data_ptr(), seed=seed, threshold=threshold)
        self._modes[mode](self.unit, batch)
        return h

    def merge(self, a: Tensor, h: Tensor, saved: Optional[Tensor], losses: Tensor) -> Tuple[Tensor, Tensor]:
        """The loss of each row from those of its groups, [groups, *a.shape[:-1]], and its derivatives by them."""
        merged = torch.empty(a.shape[:-1], dtype=_FLOAT32)
        weights = torch.empty_like(losses)
        batch = _batch(merged.numel(), self.units, losses.shape[0], _address(a), _address(h), _address(saved), loss=_address(losses))
        lib.weir_unit_merge(self.unit, batch, floats(merged), floats(weights))
        return merged, weights

    def backward(self, a: Tensor, h: Tensor, saved: Optional[Tensor], state: Optional[Tensor], dh: Optional[Tensor],
                 losses: Optional[Tensor], seed: int, step: int) -> Tensor:
        """∂L/∂a of each row, from ∂L/∂h or the losses of the groups, or from both. Moves the state."""
        da = torch.empty_like(a)
        groups = 1 if losses is None else losses.shape[0]
        self._backward(self.unit, _batch(a.numel() // self.units, self.units, groups, _address(a), _address(h), _address(saved),
                                         _address(state), seed, step, _address(dh), _address(losses), da.data_ptr()))
        return da

    def learn(self, a: Tensor, h: Tensor, saved: Optional[Tensor], state: Optional[Tensor], dh: Optional[Tensor], losses: Tensor,
              seed: int, step: int) -> Tuple[Tensor, Tensor, Tensor]:
        """``merge`` and ``backward`` in one call: the merged loss, its derivatives, and ∂L/∂a."""
        da = torch.empty_like(a)
        merged, weights = torch.empty(a.shape[:-1], dtype=_FLOAT32), torch.empty_like(losses)
        batch = _batch(a.numel() // self.units, self.units, losses.shape[0], _address(a), h.data_ptr(), _address(saved),
                       _address(state), seed, step, _address(dh), _address(losses), da.data_ptr())
        call(_learn, self.unit, batch, _cast(_FLOATS, merged.data_ptr()), _cast(_FLOATS, weights.data_ptr()))
        return merged, weights, da


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


class _Place(threading.local):
    """Where a seed is drawn, of each thread."""

    def __init__(self) -> None:
        with torch.inference_mode(False):
            self.seed = torch.zeros((), dtype=torch.int64)


_place = _Place()


def new_seed() -> int:
    """From PyTorch's generator: ``torch.manual_seed`` and activation checkpointing hold for draws as for dropout."""
    return _place.seed.random_().item()  # type: ignore[return-value]
