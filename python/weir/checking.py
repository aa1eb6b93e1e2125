# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Anybody's gradient estimator on the problems of the laboratory, beside the gradient by enumeration (lab.check)."""

from __future__ import annotations

import importlib
import math
import time
from typing import Any, Callable, Iterator, List, Optional, Tuple

import numpy as np

from . import arrays
from ._native import call, ffi, lib
from .network import Network
from .records import Record
from .tool import unit_of

_BOUND_Z = 4.0  # standard errors, as in weir estimate exactness
_ROUNDING = 1e-6  # of a mean of floats, beside the length of the gradient
_STATES = 1 << 20  # most that are enumerated

_COLUMNS = ("estimator", "draw", "unbiased", "evals", "bias", "scale", "variance", "var·ev", "z", "result")


class Loss:
    """A loss as an estimator gets it: of outputs [...][units] the loss [...], of the same kind of arrays. It counts how
    often it is evaluated. ``gradient(h)`` is ∂L/∂h of NumPy arrays, for the laboratory's own problems."""

    def __init__(self, units: int, function: Callable[[Any], Any], slopes: Optional[Any]) -> None:
        self.units, self.evaluated = units, 0
        self._function, self._slopes = function, slopes

    def __call__(self, h: Any) -> Any:
        shape = tuple(h.shape)
        if not shape or shape[-1] != self.units:
            raise ValueError(f"the loss takes outputs of shape [...][{self.units}], not {list(shape)}")
        self.evaluated += math.prod(shape[:-1])
        found = self._function(h)
        if tuple(found.shape) != shape[:-1]:
            raise ValueError(f"the loss of outputs {list(shape)} has shape {list(found.shape)}; expected {list(shape[:-1])}")
        return found

    def gradient(self, h: Any) -> Any:
        """∂L/∂h of NumPy outputs [...][units]; it is no evaluation."""
        if self._slopes is None:
            raise ValueError("the gradient of a loss of one's own is not known here; use framework='torch', or write it down")
        return self._slopes * np.asarray(self._function(np.asarray(h, float)))[..., None]


class _Problem:
    """Logits [units], a loss, and what the mean of an estimate ought to be."""

    def __init__(self, draw: str, rule: Optional[str], logits: Any, loss: Optional[Callable[[Any], Any]], torch: Any) -> None:
        self.torch = torch
        unit = unit_of(rule if rule is not None else "rloo" if draw == "bernoulli" else f"rloo:draw={draw}")
        self.draw = lib.weir_unit_draw(unit)
        if loss is None:
            if logits is not None:
                raise ValueError("logits are those of a loss of one's own; give a loss, too")
            self._from_library(unit)
        elif rule is not None:
            raise ValueError("a rule is compared on the laboratory's own problem; leave out the loss")
        else:
            self._from_enumeration(unit, logits, loss)

    def _from_library(self, unit: Any) -> None:
        problem = ffi.new("weir_problem *")
        call(lib.weir_problem_for, problem, unit, -1)
        truth = lib.weir_truth_of(unit, problem)
        if not truth.known:
            raise ValueError("the laboratory does not know the gradient for this draw or rule")
        units = problem.units
        slopes = np.array([problem.factor(problem, i, 1.0) for i in range(units)])
        slopes = np.log(slopes)  # the factors are exponentials
        self.logits = np.array(list(problem.logits)[:units])
        self.gradient, self.mean = np.array(list(truth.gradient)[:units]), np.array(list(truth.mean)[:units])
        if self.torch is None:
            self.loss = Loss(units, lambda h: np.exp(np.asarray(h) @ slopes), slopes)
        else:
            torch = self.torch
            self.loss = Loss(units, lambda h: (h * torch.tensor(slopes, dtype=h.dtype, device=h.device)).sum(-1).exp(), None)

    def _from_enumeration(self, unit: Any, logits: Any, loss: Callable[[Any], Any]) -> None:
        self.logits = np.asarray([] if logits is None else logits, float)
        if self.logits.ndim != 1 or not len(self.logits):
            raise ValueError(f"logits of shape [units] are expected, not {self.logits.shape}")
        self.loss = Loss(len(self.logits), loss, None)
        self.gradient = np.zeros(len(self.logits))
        for chance, outputs, score in self._states(unit):
            given = outputs[None] if self.torch is None else self.torch.tensor(outputs[None])
            self.gradient += chance * float(self.loss(given)[0]) * score
        self.mean = self.gradient

    def _states(self, unit: Any) -> Iterator[Tuple[float, Any, Any]]:
        """Probability, outputs and score of every state of the layer."""
        units, draw = len(self.logits), self.draw
        call(lib.weir_unit_fit, unit, units)
        size = int(lib.weir_unit_variable(unit))
        each = int(draw.outcomes(unit)) if draw.outcomes else 0
        if not each or not draw.score or each ** (units // size) > _STATES:
            raise ValueError(f"draw '{ffi.string(draw.name).decode()}' of {units} units cannot be enumerated here")
        a = ffi.new("float[]", self.logits.tolist())
        h, score = ffi.new("float[]", units), ffi.new("float[]", units)
        for state in range(each ** (units // size)):
            chance, rest = 1.0, state
            for first in range(0, units, size):
                draw.outcome(unit, rest % each, h + first)
                chance *= draw.chance(unit, a + first, h + first)
                rest //= each
            draw.score(unit, units, a, h, score)
            yield chance, np.array(list(h)), np.array(list(score))


class _Tally:
    """Estimates of one call after the other. Standard errors come from the means of calls: rows of one may depend on each
    other."""

    def __init__(self, units: int) -> None:
        self.rows = self.calls = 0
        self.sum, self.square, self.means = np.zeros(units), np.zeros(units), np.zeros(units)

    def add(self, found: Any, about: Any) -> None:
        off = found - about
        self.rows, self.calls = self.rows + len(off), self.calls + 1
        self.sum += off.sum(0)
        self.square += (off**2).sum(0)
        self.means += off.mean(0) ** 2

    def offset(self) -> Any:
        return self.sum / self.rows

    def variance(self) -> float:
        return float((self.square / self.rows - self.offset() ** 2).sum())

    def error(self) -> Any:
        return np.sqrt(np.maximum(self.means / self.calls - self.offset() ** 2, 0) / max(self.calls - 1, 1))


def _gradient(found: Any, logits: Any, torch: Any) -> Any:
    """What an estimator returned, or left in logits.grad, as a NumPy array of the shape of logits."""
    if torch is None:
        gradient = np.asarray(found, float)
    else:
        if found is None:
            found = logits.grad
            if found is None:
                raise ValueError("the estimator returned nothing, and no gradient of the logits came from its backward pass")
        elif tuple(found.shape) != tuple(logits.shape):
            if tuple(found.shape) not in ((), (len(logits),)) or not found.requires_grad:
                raise ValueError(
                    f"the estimator returned shape {list(found.shape)}: expected a gradient {list(logits.shape)}, or a loss per "
                    "row, or their sum, that autograd can differentiate with respect to the logits"
                )
            (found,) = torch.autograd.grad(found.sum(), logits)
        gradient = found.detach().to("cpu", torch.float64).numpy()
    if gradient.shape != tuple(logits.shape):
        raise ValueError(f"the estimator returned shape {list(gradient.shape)}; expected a gradient {list(logits.shape)}")
    return gradient


def _draw_all(estimate: Callable[..., Any], problem: _Problem, tally: _Tally, draws: int, batch: int, seed: int) -> None:
    torch, logits = problem.torch, np.tile(problem.logits, (batch, 1))
    generator = np.random.get_state()
    try:
        np.random.seed(seed)
        if torch is not None:
            torch.manual_seed(seed)
        while tally.rows < draws:
            given: Any = logits.copy()
            if torch is not None:
                given = torch.tensor(logits, dtype=torch.get_default_dtype(), requires_grad=True)
            tally.add(_gradient(estimate(given, problem.loss), given, torch), problem.mean)
    finally:
        np.random.set_state(generator)


def check_estimate(
    estimate: Callable[[Any, Loss], Any],
    *,
    draw: str = "bernoulli",
    evaluations: Optional[float] = None,
    unbiased: bool = True,
    rule: Optional[str] = None,
    logits: Any = None,
    loss: Optional[Callable[[Any], Any]] = None,
    draws: float = 1e5,
    batch: int = 100,
    framework: str = "numpy",
    seed: int = 1,
    name: Optional[str] = None,
    quiet: bool = False,
) -> Record:
    """See ``weir.lab.check``."""
    if isinstance(estimate, Network) or not callable(estimate):
        raise TypeError("an estimator is a function of logits and loss; the gradient of a network is looked at by gradient_check")
    if framework not in ("numpy", "torch"):
        raise ValueError(f"framework is '{framework}'; expected numpy or torch")
    if draws < 20 * batch or batch < 1:
        raise ValueError(f"{draws:g} draws in calls of {batch} rows: expected at least 20 calls of at least one row")
    torch = importlib.import_module("torch") if framework == "torch" else None
    started = time.perf_counter()
    problem = _Problem(draw, rule, logits, loss, torch)
    tally = _Tally(len(problem.logits))
    problem.loss.evaluated = 0
    if torch is None:
        _draw_all(estimate, problem, tally, int(draws), batch, seed)
    else:
        with torch.random.fork_rng():
            _draw_all(estimate, problem, tally, int(draws), batch, seed)
    mean, error = problem.mean + tally.offset(), tally.error()
    length = float(np.linalg.norm(problem.gradient))
    used = problem.loss.evaluated / tally.rows
    claimed = unbiased if rule is None else bool(np.allclose(problem.mean, problem.gradient, rtol=1e-9, atol=1e-12))
    finite = bool(np.isfinite(mean).all() and np.isfinite(tally.variance()))
    judged = unbiased or rule is not None
    z = float(np.max(np.abs(tally.offset()) / np.hypot(error, _ROUNDING * length))) if finite and judged else math.nan
    found = Record(
        rule=name or getattr(estimate, "__name__", type(estimate).__name__),
        draw=ffi.string(problem.draw.name).decode() if problem.draw.name else draw,
        unbiased=claimed,
        evaluations=int(used) if used == int(used) else used,
        draws=tally.rows,
        logits=problem.logits,
        gradient=problem.gradient,
        mean=mean,
        error=error,
        bias=float(np.linalg.norm(mean - problem.gradient)),
        noise=float(np.linalg.norm(error)),
        scale=float(mean @ problem.gradient) / length**2 if length else math.nan,
        variance=tally.variance(),
        z=z,
        result="NOT FINITE"
        if not finite
        else "EVALUATIONS"
        if evaluations is not None and abs(used - evaluations) > 1e-9
        else "NOT JUDGED"
        if not judged
        else "holds"
        if z <= _BOUND_Z
        else "MEAN",
        seconds=time.perf_counter() - started,
    )
    if not quiet:
        print(table([found]))
    return found


def _cells(entry: Record) -> List[str]:
    exact = entry.unbiased and entry.result == "holds"
    numbers = (entry.scale, entry.variance, entry.variance * entry.evaluations)
    return [
        entry.rule,
        entry.draw,
        "yes" if entry.unbiased else "no",
        f"{entry.evaluations:g}",
        "0" if exact else f"{entry.bias:.3g}",
        *(f"{number:.4g}" for number in numbers),
        "" if math.isnan(entry.z) else f"{entry.z:.2g}",
        entry.result,
    ]


def table(records: List[Record], markdown: bool = False) -> str:
    """See ``weir.lab.table``."""
    rows = [list(_COLUMNS), *(_cells(entry) for entry in records)]
    if markdown:
        rows.insert(1, ["---", "---", "---", *["--:"] * 6, "---"])
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    left = (0, 1, 2, len(_COLUMNS) - 1)
    lines = ["  ".join(row[k].ljust(widths[k]) if k in left else row[k].rjust(widths[k]) for k in range(len(row))) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
