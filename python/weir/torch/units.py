# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Stochastic units, and gradients of expected losses, for autograd."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from . import _units
from ._ops import _float

LossFn = Callable[[Tensor], Tensor]
_is_compiling = torch.compiler.is_compiling


class StochasticUnit(nn.Module):
    r"""A layer of stochastic units: outputs h are drawn from logits, and a rule says how the gradient passes.

    ``weir units`` lists the rules; parameters follow a colon: ``"rloo:samples=4"``. In training mode there are two uses:

    - Rules that read :math:`\partial L/\partial h` (straight-through, reinmax, st-gumbel, noisy-rectifier …) are
      ordinary layers: ``h = unit(logits)``; the gradient of the logits is the rule's.
    - Rules that compare losses (reinforce, rloo, disarm, arm, vimco, rebar …) must see the loss:
      ``loss = unit.loss(logits, loss_fn)``. It works for the first kind of rules as well.

    In evaluation mode ``unit(logits)`` works for every rule.

    Args:
        rule: its text.
        units: size of the last dimension of the logits. Only needed before the first call, and only for rules with a
            state per unit (baselines, control variates): compiled models, optimizers of nothing else.
        test: what ``unit(logits)`` is in evaluation mode: "decide" (h of an open gate where the logit is above the
            threshold, else 0), "expect" (the mean of h), or "draw".
        threshold: of "decide".

    Draws depend on PyTorch's generator (``torch.manual_seed``), never on the number of threads. Annealed rules count
    their training passes in the buffer ``steps``; ``state`` is a buffer, too. Both are in ``state_dict``. (Activation
    checkpointing runs a forward pass twice: with an annealed rule the second one would be another step.)
    """

    steps: Optional[Tensor]
    state: Optional[Tensor]

    def __init__(self, rule: str, *, units: Optional[int] = None, test: str = "decide", threshold: float = 0.0) -> None:
        super().__init__()
        if test not in _units.MODES:
            raise ValueError(f"test {test!r}: expected one of {', '.join(_units.MODES)}")
        found = _units.facts(rule)
        self.rule, self.test, self.threshold = rule, test, float(threshold)
        self._uses_dh, self._uses_loss, self._stateful = found.uses_dh, found.uses_loss, found.stateful
        self._annealed = found.annealed
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64) if found.annealed else None)
        self.register_buffer("state", None)
        if units is not None:
            self._want_state(units)

    def _want_state(self, units: int) -> None:
        if self._stateful and self.state is None:
            self.state = _units.rule(self.rule, units).new_state()

    def _next_step(self) -> Any:
        """The number of this pass, for annealed rules."""
        if self.steps is None:
            return torch.zeros((), dtype=torch.int64) if torch.compiler.is_compiling() else 0
        step = self.steps.clone()
        self.steps += 1
        return step

    def forward(self, logits: Tensor) -> Tensor:
        """h, of the shape and type of ``logits [..., units]``."""
        compiling = _is_compiling()
        if not self.training:
            if compiling:
                decided: Tensor = _OPS.unit_output(logits, _seed(), self.rule, self.test, self.threshold)
                return decided
            seed = _units.new_seed() if self.test == "draw" else 0
            return _typed(_units.rule(self.rule, logits.shape[-1]).output(_float(logits.detach()), self.test, self.threshold, seed), logits)
        learns = logits.requires_grad and torch.is_grad_enabled()
        if self._uses_loss and learns:
            raise TypeError(f"{self.rule} compares losses: call unit.loss(logits, loss_fn), or weir.torch.estimate")
        if compiling:
            h: Tensor = _OPS.unit_sample(logits, _seed(), self._next_step(), self.state, self.rule)[0]
            return h[0]
        found = _units.rule(self.rule, logits.shape[-1])
        if learns:
            drawn: Tensor = _Unit.apply(logits, found, self._next_step() if self._annealed else 0)
            return drawn
        self._want_state(logits.shape[-1])
        return _typed(found.sample(_float(logits), _units.new_seed(), int(self._next_step()), self.state)[0][0], logits)

    def loss(self, logits: Tensor, loss_fn: LossFn) -> Tensor:
        """The loss of each row, with the rule's gradient: ``estimate`` with this unit's rule, state and mode.

        In evaluation mode the loss at ``unit(logits)``, of one group.
        """
        if not self.training:
            return loss_fn(self(logits).unsqueeze(0)).squeeze(0)
        if not torch.compiler.is_compiling():
            self._want_state(logits.shape[-1])
        return _estimate(logits, loss_fn, self.rule, self._uses_dh, self.state, self._next_step())

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "state")
        if isinstance(saved, Tensor) and self.state is None:
            self.state = saved.detach().clone()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        return repr(self.rule) + (f", test={self.test!r}" if self.test != "decide" else "")


def _typed(h: Tensor, like: Tensor) -> Tensor:
    return _as(h, like.dtype)


def _as(h: Tensor, dtype: torch.dtype) -> Tensor:
    return h if h.dtype is dtype else h.to(dtype)


class _Unit(torch.autograd.Function):
    """Draw forward, rule backward, for rules that read ∂L/∂h: they have one group and no state."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, found: _units.Rule, step: Any) -> Tensor:
        a, seed, step, dtype = _float(logits), _units.new_seed(), int(step), logits.dtype
        h, saved = found.sample(a, seed, step, None, one=True)
        if h.dtype is not dtype:
            h = h.to(dtype)
        ctx.how = (found, seed, step, dtype)
        ctx.save_for_backward(a, h, saved)
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dh: Tensor) -> Tuple[Optional[Tensor], ...]:
        found, seed, step, dtype = ctx.how
        a, h, saved = ctx.saved_tensors
        da = found.backward(a, _float(h), saved, None, _float(dh), None, seed, step)
        return da if dtype is da.dtype else da.to(dtype), None, None


class _Attach(torch.autograd.Function):
    """A loss per row whose derivatives are known: da by the logits, weights by the losses that it is merged from."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, losses: Tensor, da: Optional[Tensor], merged: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(da, weights)
        ctx.types = (logits.dtype, losses.dtype)
        return merged.to(losses.dtype) if losses.dtype != merged.dtype else merged.view_as(merged)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        da, weights = ctx.saved_tensors
        dlogits = dlosses = None
        if ctx.needs_input_grad[0]:
            dlogits = _as(grad.unsqueeze(-1) * da, ctx.types[0])
        if ctx.needs_input_grad[1]:
            dlosses = _as(grad * weights, ctx.types[1])
        return dlogits, dlosses, None, None, None


def _estimate(logits: Tensor, loss_fn: LossFn, rule: str, uses_dh: bool, state: Optional[Tensor], step: Any) -> Tensor:
    compiling = torch.compiler.is_compiling()
    learns = torch.is_grad_enabled() and logits.requires_grad
    a = logits.detach()
    if compiling:
        seed: Any = _seed()
        h, saved = _OPS.unit_sample(a, seed, step, state, rule)
    else:
        found, a, seed, step = _units.rule(rule, logits.shape[-1]), _float(a), _units.new_seed(), int(step)
        h, saved = found.sample(a, seed, step, state)
    points = _typed(h, logits)
    wants_dh = learns and uses_dh
    if wants_dh and compiling:
        losses, pull = torch.func.vjp(loss_fn, points)[:2]
    else:
        if wants_dh:
            points.requires_grad_()
        losses = loss_fn(points)
    if not compiling:
        losses = torch.as_tensor(losses)  # a simulator may answer in NumPy, or with counts
        losses = losses if losses.is_floating_point() else losses.to(points.dtype)
    if losses.shape != points.shape[:-1]:
        raise ValueError(
            f"the losses of h of shape {tuple(points.shape)} have shape {tuple(losses.shape)}: expected "
            f"{tuple(points.shape[:-1])}, one of each row"
        )
    dh = None
    if wants_dh and compiling:
        dh = pull(torch.ones_like(losses))[0].detach()
    elif wants_dh:
        if not losses.requires_grad:
            raise ValueError(f"{rule} reads the derivative of the loss with respect to h: this loss has none")
        (dh,) = torch.autograd.grad(losses.sum(), points, retain_graph=True)
    values = losses.detach()
    da = None
    if compiling:
        merged, weights = _OPS.unit_merge(a, h, saved, values, rule)
        if learns:
            if state is None:
                da = _OPS.unit_backward(a, h, saved, dh, values, seed, step, rule)
            else:
                da = _OPS.unit_backward_moving(a, h, saved, state, dh, values, seed, step, rule)
    else:
        values = _float(values)
        if learns:
            merged, weights, da = found.learn(a, h, saved, state, _float(dh), values, seed, step)
        else:
            merged, weights = found.merge(a, h, saved, values)
    loss: Tensor = _Attach.apply(logits, losses, da, merged, weights)
    return loss


def estimate(logits: Tensor, loss_fn: LossFn, rule: str = "disarm") -> Tensor:
    r"""The loss of each row at outputs drawn from the logits, with a rule's gradient of :math:`E[L(h)]`.

        loss = weir.torch.estimate(logits, lambda h: ((decoder(h) - x) ** 2).sum(-1), rule="rloo:samples=4")
        loss.mean().backward()

    Args:
        logits: ``[..., units]``; of Bernoulli units :math:`P(h = 1) = \sigma(	ext{logit})`.
        loss_fn: takes h ``[groups, ..., units]``, all points at which the rule wants the loss, and returns the loss of
            each, ``[groups, ...]``. It is called once. Parameters in it learn as ever: from the mean over the groups, or
            what the rule says of them (vimco: the bound). Rules that read :math:`\partial L/\partial h` differentiate it;
            for the others it may be any function, such as a simulator.
        rule: any rule of ``weir units``, as text. Rules with a state (baselines, control variates) begin anew with each
            call: keep them in a ``StochasticUnit``.

    Returns:
        ``[...]``: the loss of each row. Its gradient with respect to the logits is the rule's estimate; without
        gradients enabled it is the loss alone.

    Raises:
        weir.errors.NotFoundError, weir.errors.ArgumentError: the rule is unknown, or a parameter of it.
        ValueError: losses of another shape, a rule that would evaluate the loss too often, a loss without a derivative
            for a rule that reads it.
    """
    facts = _units.facts(rule)
    if torch.compiler.is_compiling():
        state = _OPS.unit_state(logits.detach(), rule) if facts.stateful else None
        return _estimate(logits, loss_fn, rule, facts.uses_dh, state, torch.zeros((), dtype=torch.int64))
    return _estimate(logits, loss_fn, rule, facts.uses_dh, _units.rule(rule, logits.shape[-1]).new_state(), 0)


_OPS = torch.ops.weir


def _seed() -> Tensor:
    """What draws depend on, as a tensor: a compiled program draws it anew each time."""
    return torch.randint(0, 2**62, (), dtype=torch.int64)
