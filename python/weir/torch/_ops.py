# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The gated product as operators of PyTorch, with autograd: ``torch.ops.weir.gated_linear`` and its neighbours.

There are two doors to the same products. Compiled and exported programs see the operators. Eager calls take
``torch.autograd.Function``, which costs half of calling the operator.
"""

from __future__ import annotations

import weakref
from typing import Any, List, Optional, Tuple, overload

import torch
from torch import Tensor

from . import _layer, _units


@overload
def _float(tensor: Tensor) -> Tensor: ...
@overload
def _float(tensor: None) -> None: ...
@overload
def _float(tensor: Optional[Tensor]) -> Optional[Tensor]: ...
def _float(tensor: Optional[Tensor]) -> Optional[Tensor]:
    """As the library reads it: float32, contiguous; the tensor itself where it is that."""
    if tensor is None or (tensor.dtype is torch.float32 and tensor.is_contiguous()):
        return tensor
    return tensor.to(torch.float32).contiguous()


def _weight(weight: Tensor) -> Tensor:
    return weight if weight.is_contiguous() else weight.contiguous()


def _outputs(weight: Tensor) -> int:
    return int(weight.shape[0]) if weight.dim() == 2 else int(weight.shape[0] * weight.shape[2])


# ---- operators -----------------------------------------------------------------------------------------------------


@torch.library.custom_op("weir::gated_linear", mutates_args=(), device_types="cpu")
def gated_linear(x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor],
                 in_gates: Optional[Tensor], block: int, in_block: int) -> Tensor:
    """y = g ⊙ (x·Wᵀ + bias), in the type of x; see ``GatedLinear``."""
    y = _layer.forward(_float(x), _weight(weight), _float(bias), _float(gates), _float(in_gates), block, in_block)
    return y.to(x.dtype)


@gated_linear.register_fake
def _(x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor], in_gates: Optional[Tensor], block: int,
      in_block: int) -> Tensor:
    return x.new_empty((x.shape[0], _outputs(weight)))


@torch.library.custom_op("weir::gated_linear_backward", mutates_args=(), device_types="cpu")
def gated_linear_backward(dy: Tensor, x: Tensor, weight: Tensor, gates: Optional[Tensor], in_gates: Optional[Tensor],
                          y: Optional[Tensor], block: int, in_block: int, need_x: bool, need_weight: bool,
                          need_bias: bool, need_gates: bool) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, weight, bias and gates; empty ones [0] where they are not needed."""
    found = _layer.backward(_float(dy), _float(x), _weight(weight), _float(gates), _float(in_gates), _float(y), block,
                            in_block, need_x, need_weight, need_bias, need_gates)
    none = [x.new_empty(0), weight.new_empty(0), weight.new_empty(0), x.new_empty(0)]
    types = (x.dtype, weight.dtype, weight.dtype, torch.float32 if gates is None else gates.dtype)
    dx, dw, db, dg = (n if g is None else g.to(t) for g, n, t in zip(found, none, types))
    return dx, dw, db, dg


@gated_linear_backward.register_fake
def _(dy: Tensor, x: Tensor, weight: Tensor, gates: Optional[Tensor], in_gates: Optional[Tensor], y: Optional[Tensor],
      block: int, in_block: int, need_x: bool, need_weight: bool, need_bias: bool,
      need_gates: bool) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        torch.empty_like(x, memory_format=torch.contiguous_format) if need_x else x.new_empty(0),
        torch.empty_like(weight, memory_format=torch.contiguous_format) if need_weight else weight.new_empty(0),
        weight.new_empty(_outputs(weight)) if need_bias else weight.new_empty(0),
        torch.empty_like(gates, memory_format=torch.contiguous_format)
        if need_gates and gates is not None else x.new_empty(0),
    )


def _setup(ctx: Any, inputs: Tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, gates, in_gates, block, in_block = inputs
    wanted = gates is not None and ctx.needs_input_grad[3]
    ctx.blocks = (block, in_block)
    ctx.save_for_backward(x, weight, gates, in_gates, output if wanted else None)


def _backward(ctx: Any, dy: Tensor) -> Tuple[Optional[Tensor], ...]:
    x, weight, gates, in_gates, y = ctx.saved_tensors
    need: List[bool] = list(ctx.needs_input_grad[:4])
    found = torch.ops.weir.gated_linear_backward(dy, x, weight, gates, in_gates, y, *ctx.blocks, *need)
    return (*(g if n else None for g, n in zip(found, need)), None, None, None)


gated_linear.register_autograd(_backward, setup_context=_setup)


# ---- steps in backward -------------------------------------------------------------------------------------------

# A compiled backward pass may not move what the forward pass was given to differentiate, so the weights of a layer that
# moves are reached by its number here. Each step ticks the layer's clock, which is declared as changed: no step is left
# out or put elsewhere, and a step for a forward pass that saw an earlier time is an error.
STEPPERS: "weakref.WeakValueDictionary[int, Any]" = weakref.WeakValueDictionary()


@torch.library.custom_op("weir::gated_linear_moving", mutates_args=(), device_types="cpu")
def gated_linear_moving(x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor],
                        in_gates: Optional[Tensor], block: int, in_block: int, clock: Tensor, stepper: int) -> Tensor:
    """``gated_linear`` of a layer whose weights move when the result goes backward."""
    y: Tensor = torch.ops.weir.gated_linear(x, weight, bias, gates, in_gates, block, in_block)
    return y


@gated_linear_moving.register_fake
def _(x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor], in_gates: Optional[Tensor], block: int,
      in_block: int, clock: Tensor, stepper: int) -> Tensor:
    return x.new_empty((x.shape[0], _outputs(weight)))


@torch.library.custom_op("weir::gated_linear_step", mutates_args=("clock",), device_types="cpu")
def gated_linear_step(dy: Tensor, x: Tensor, gates: Optional[Tensor], in_gates: Optional[Tensor], y: Optional[Tensor],
                      block: int, in_block: int, need_x: bool, need_gates: bool, clock: Tensor, time: Tensor,
                      stepper: int) -> Tuple[Tensor, Tensor]:
    """The gradients of x and gates (empty where not needed), and a step of the weights behind the number."""
    if int(clock) != int(time):
        raise RuntimeError("the weights of a gated layer have moved since this forward pass: weir.torch.SGD moves them in "
                           "backward, so that each pass goes backward once, and a layer occurs in it once")
    found = STEPPERS.get(stepper)
    step = found() if found is not None else None
    if found is None or step is None:
        raise RuntimeError("the optimizer that moved this layer when its graph was compiled is gone: compile it again")
    gradients = _layer.backward(_float(dy), _float(x), found.layer().weight.detach(), _float(gates), _float(in_gates),
                                _float(y), block, in_block, need_x, False, False, need_gates, step)
    found.done()
    clock += 1
    dx, dgates = gradients.x, gradients.gates
    return (x.new_empty(0) if dx is None else dx.to(x.dtype),
            x.new_empty(0) if dgates is None or gates is None else dgates.to(gates.dtype))


@gated_linear_step.register_fake
def _(dy: Tensor, x: Tensor, gates: Optional[Tensor], in_gates: Optional[Tensor], y: Optional[Tensor], block: int,
      in_block: int, need_x: bool, need_gates: bool, clock: Tensor, time: Tensor, stepper: int) -> Tuple[Tensor, Tensor]:
    return (
        torch.empty_like(x, memory_format=torch.contiguous_format) if need_x else x.new_empty(0),
        torch.empty_like(gates, memory_format=torch.contiguous_format)
        if need_gates and gates is not None else x.new_empty(0),
    )


def _setup_moving(ctx: Any, inputs: Tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, gates, in_gates, block, in_block, clock, ctx.stepper = inputs
    wanted = gates is not None and ctx.needs_input_grad[3]
    ctx.blocks = (block, in_block)
    ctx.clock = clock
    ctx.save_for_backward(x, gates, in_gates, output if wanted else None, clock.clone())


def _backward_moving(ctx: Any, dy: Tensor) -> Tuple[Optional[Tensor], ...]:
    x, gates, in_gates, y, time = ctx.saved_tensors
    need_x, need_gates = ctx.needs_input_grad[0], ctx.needs_input_grad[3]
    dx, dgates = torch.ops.weir.gated_linear_step(dy, x, gates, in_gates, y, *ctx.blocks, need_x, need_gates, ctx.clock, time,
                                                  ctx.stepper)
    return dx if need_x else None, None, None, dgates if need_gates else None, None, None, None, None, None


gated_linear_moving.register_autograd(_backward_moving, setup_context=_setup_moving)


# ---- eager calls ---------------------------------------------------------------------------------------------------


class GatedLinearFunction(torch.autograd.Function):
    """The operator without an operator's cost. step: what makes the step of a layer's weights during backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor],
                in_gates: Optional[Tensor], block: int, in_block: int, sparse: bool, step: Any) -> Tensor:
        fx, fw, fg, fi = _float(x), _weight(weight), _float(gates), _float(in_gates)
        y = _layer.forward(fx, fw, _float(bias), fg, fi, block, in_block)
        if x.dtype != torch.float32:
            y = y.to(x.dtype)
        ctx.how = (block, in_block, sparse, step)
        ctx.save_for_backward(x, weight, gates, in_gates, y if gates is not None and ctx.needs_input_grad[3] else None)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tuple[Optional[Tensor], ...]:
        x, weight, gates, in_gates, y = ctx.saved_tensors
        block, in_block, sparse, stepper = ctx.how
        need_x, need_weight, need_bias, need_gates = ctx.needs_input_grad[:4]
        dy, fx, fg = _float(dy), _float(x), _float(gates)
        step = None
        if stepper is not None and need_weight:
            step = stepper()
        if step is not None:
            need_weight = need_bias = False
        of_rows = sparse and need_weight
        found = _layer.backward(dy, fx, _weight(weight), fg, _float(in_gates), _float(y), block,
                                in_block, need_x, need_weight and not of_rows, need_bias, need_gates, step)
        if step is not None:
            stepper.done()
        dx, dweight, dbias, dgates = found
        if of_rows and fg is not None:
            dweight = _layer.gradient_of_open_rows(dy, fx, weight, fg, block)
        elif dweight is not None:
            dweight = dweight.to(weight.dtype)
        return (
            dx if dx is None else dx.to(x.dtype),
            dweight,
            dbias if dbias is None else dbias.to(weight.dtype),
            dgates if dgates is None else dgates.to(gates.dtype),
            None, None, None, None, None,
        )


# ---- units ---------------------------------------------------------------------------------------------------------


@torch.library.custom_op("weir::unit_sample", mutates_args=(), device_types="cpu")
def unit_sample(logits: Tensor, seed: Tensor, step: Tensor, state: Optional[Tensor], rule: str) -> Tuple[Tensor, Tensor]:
    """What a rule draws in training, h [groups, *logits.shape], and the floats that it keeps for its gradient."""
    h, saved = _units.rule(rule, logits.shape[-1]).sample(_float(logits), int(seed), int(step), state)
    return h.to(logits.dtype), torch.empty(0) if saved is None else saved


@unit_sample.register_fake
def _(logits: Tensor, seed: Tensor, step: Tensor, state: Optional[Tensor], rule: str) -> Tuple[Tensor, Tensor]:
    found = _units.rule(rule, int(logits.shape[-1]))
    rows = logits.numel() // found.units
    count = found.saved(int(rows)) if found.saved_each is None else found.saved_each * rows * found.units
    return logits.new_empty((found.groups, *logits.shape)), torch.empty(count)


@torch.library.custom_op("weir::unit_backward", mutates_args=("saved",), device_types="cpu")
def unit_backward(logits: Tensor, h: Tensor, saved: Tensor, dh: Optional[Tensor], losses: Optional[Tensor], seed: Tensor,
                  step: Tensor, rule: str) -> Tensor:
    """A rule's gradient of the logits, of each row; of a rule without a state. Some work in the floats saved."""
    da = _units.rule(rule, logits.shape[-1]).backward(_float(logits), _float(h), saved, None, _float(dh), _float(losses), int(seed),
                                    int(step))
    return da.to(logits.dtype)


@unit_backward.register_fake
def _(logits: Tensor, h: Tensor, saved: Tensor, dh: Optional[Tensor], losses: Optional[Tensor], seed: Tensor, step: Tensor,
      rule: str) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


# An operator of its own: in PyTorch 2.15 one whose only mutated argument is an Optional that is None passes opcheck, and
# is an InductorError in a compiled graph (findings/torch_optional_mutation.sh).
@torch.library.custom_op("weir::unit_backward_moving", mutates_args=("saved", "state"), device_types="cpu")
def unit_backward_moving(logits: Tensor, h: Tensor, saved: Tensor, state: Tensor, dh: Optional[Tensor],
                         losses: Optional[Tensor], seed: Tensor, step: Tensor, rule: str) -> Tensor:
    """A rule's gradient of the logits, of each row; moves the rule's state."""
    da = _units.rule(rule, logits.shape[-1]).backward(_float(logits), _float(h), saved, state, _float(dh), _float(losses), int(seed),
                                    int(step))
    return da.to(logits.dtype)


@unit_backward_moving.register_fake
def _(logits: Tensor, h: Tensor, saved: Tensor, state: Tensor, dh: Optional[Tensor], losses: Optional[Tensor], seed: Tensor,
      step: Tensor, rule: str) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


@torch.library.custom_op("weir::unit_state", mutates_args=(), device_types="cpu")
def unit_state(logits: Tensor, rule: str) -> Tensor:
    """The state of a fresh rule for the units of the logits."""
    state = _units.rule(rule, logits.shape[-1]).new_state()
    return torch.empty(0) if state is None else state


@unit_state.register_fake
def _(logits: Tensor, rule: str) -> Tensor:
    return torch.empty(_units.rule(rule, int(logits.shape[-1])).state_size)


@torch.library.custom_op("weir::unit_merge", mutates_args=(), device_types="cpu")
def unit_merge(logits: Tensor, h: Tensor, saved: Tensor, losses: Tensor, rule: str) -> Tuple[Tensor, Tensor]:
    """The loss of each row from those of its groups, and its derivatives by them; float32."""
    return _units.rule(rule, logits.shape[-1]).merge(_float(logits), _float(h), saved, _float(losses))


@unit_merge.register_fake
def _(logits: Tensor, h: Tensor, saved: Tensor, losses: Tensor, rule: str) -> Tuple[Tensor, Tensor]:
    return losses.new_empty(losses.shape[1:], dtype=torch.float32), losses.new_empty(losses.shape, dtype=torch.float32)


@torch.library.custom_op("weir::unit_output", mutates_args=(), device_types="cpu")
def unit_output(logits: Tensor, seed: Tensor, rule: str, mode: str, threshold: float) -> Tensor:
    """h of a finished network: drawn, decided, or expected."""
    return _units.rule(rule, logits.shape[-1]).output(_float(logits), mode, threshold, int(seed)).to(logits.dtype)


@unit_output.register_fake
def _(logits: Tensor, seed: Tensor, rule: str, mode: str, threshold: float) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def _setup_sample(ctx: Any, inputs: Tuple[Any, ...], output: Tuple[Tensor, Tensor]) -> None:
    logits, seed, step, state, ctx.rule = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(logits, seed, step, *output)


def _backward_sample(ctx: Any, dh: Optional[Tensor], _: Any) -> Tuple[Optional[Tensor], ...]:
    """Of rules that read ∂L/∂h alone: they have one group and no state."""
    if dh is None:
        return None, None, None, None, None
    logits, seed, step, h, saved = ctx.saved_tensors
    da = torch.ops.weir.unit_backward(logits, h, saved.clone(), dh.contiguous(), None, seed, step, ctx.rule)
    return da, None, None, None, None


unit_sample.register_autograd(_backward_sample, setup_context=_setup_sample)
