# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Gradients of an expected loss with respect to logits, for a loss that is any function of NumPy arrays."""

from __future__ import annotations

from typing import Any, Callable, Tuple

import numpy as np

from . import arrays
from ._native import NULL, Held, Keep, call, ffi, lib, new
from .records import Record
from .tool import unit_of

Loss = Callable[[Any, Any], Any]


class Estimator:
    """A rule's gradient of somebody else's loss (weir/estimate.h).

    rule: "rloo:samples=4"; ``weir.units()`` lists them. units: logits per row. max_rows: most rows of a call. seed: of
    all noise. One thread uses an estimator at a time.

        estimator = weir.Estimator("disarm", units=200, max_rows=100)
        gradient, loss = estimator(logits, lambda h, example: ((h - 0.499) ** 2).mean(axis=1))

    The loss gets outputs h [rows][units] (float32, read-only) and example [rows], the row of ``logits`` that each of them
    belongs to, and gives the loss [rows]. Rules with the trait "uses-dh" need its gradient, too: the function then gives
    a pair, loss [rows] and ∂L/∂h [rows][units].
    """

    def __init__(self, rule: str, units: int, max_rows: int = 100, seed: int = 1) -> None:
        self.rule, self.units, self.max_rows = rule, units, max_rows
        self.c = new(
            "weir_estimator **", lib.weir_estimator_create, unit_of(rule), units, max_rows, seed, free=lib.weir_estimator_free
        )

    @property
    def evaluations(self) -> int:
        """Evaluations of the loss per row."""
        return int(lib.weir_estimator_evaluations(self.c))

    @property
    def step(self) -> int:
        """Number of estimates so far, the coordinate of the noise of the next one. May be set."""
        return int(lib.weir_estimator_step(self.c))

    @step.setter
    def step(self, number: int) -> None:
        lib.weir_estimator_step_set(self.c, number)

    def __call__(self, logits: Any, loss: Loss) -> Tuple[Any, Any]:
        """One estimate per row of logits [rows][units]: ∂E[loss]/∂logits [rows][units], and the loss [rows].

        What ``loss`` raises is raised. DivergedError where a loss is not finite.
        """
        given = arrays.floats(logits)
        if given.ndim != 2 or given.shape[1] != self.units:
            raise ValueError(f"logits of shape [rows][{self.units}] are expected, not {given.shape}")
        gradient, losses = np.empty(given.shape, np.float32), np.empty(len(given), np.float32)
        held = Held()
        objective = held.callback("weir_objective", _objective(loss), failed=lib.WEIR_ARGUMENT)
        places = arrays.pointer(gradient), arrays.pointer(losses), arrays.pointer(given)
        call(lib.weir_estimate, self.c, *places, len(given), objective, NULL, held=held)
        kind = arrays.kind_of(logits)
        return kind(gradient), kind(losses)

    def moments(self, logits: Any, loss: Loss, draws: int) -> Record:
        """Mean and variance [units] of at least ``draws`` estimates at one vector of logits [units], and the mean loss."""
        given, held = arrays.floats(logits), Held()
        if given.shape != (self.units,):
            raise ValueError(f"logits of shape [{self.units}] are expected, not {given.shape}")
        mean, variance = np.empty(self.units), np.empty(self.units)
        found, keep = ffi.new("weir_moments *"), Keep()
        found.mean, found.variance = keep.add(ffi.from_buffer("double[]", mean)), keep.add(ffi.from_buffer("double[]", variance))
        objective = held.callback("weir_objective", _objective(loss), failed=lib.WEIR_ARGUMENT)
        call(lib.weir_estimate_moments, self.c, found, arrays.pointer(given), draws, objective, NULL, held=held)
        return Record(mean=mean, variance=variance, loss=found.loss, draws=int(found.draws))


def _objective(loss: Loss) -> Callable[..., int]:
    """A loss of arrays as a ``weir_objective``."""

    def objective(_: Any, rows: int, units: int, example: Any, h: Any, out: Any, dh: Any, __: Any) -> int:
        outputs = np.frombuffer(ffi.buffer(h, rows * units * 4), np.float32).reshape(rows, units)
        outputs.flags.writeable = False
        found = loss(outputs, np.frombuffer(ffi.buffer(example, rows * 4), np.uint32))
        wants = dh != NULL
        if wants and not (isinstance(found, tuple) and len(found) == 2):
            raise TypeError("this rule reads the gradient of the loss: give a pair, loss [rows] and its gradient [rows][units]")
        values = arrays.floats(found[0] if isinstance(found, tuple) else found)
        _put(out, values, (rows,), "the loss")
        if wants:
            _put(dh, arrays.floats(found[1]), (rows, units), "its gradient")
        return 0

    return objective


def _put(place: Any, values: Any, shape: Tuple[int, ...], what: str) -> None:
    if values.shape != shape:
        raise ValueError(f"{what} has shape {values.shape}; expected {shape}")
    ffi.memmove(place, arrays.pointer(values), values.nbytes)
