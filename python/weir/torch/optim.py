# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Gradient descent whose step of gated layers is part of their backward pass."""

from __future__ import annotations

import itertools
import weakref
from typing import Any, Callable, Dict, Iterable, Optional

import torch
from torch import Tensor, nn

from ._layer import Step
from ._ops import STEPPERS
from .linear import GatedLinear

_OWN = ("momentum_buffer", "low", "master")  # state that keeps its type, whatever that of the parameter is


_numbers = itertools.count(1)


class _Stepper:
    """What a layer asks for its step in backward. It keeps neither the optimizer nor the parameters alive."""

    def __init__(self, optimizer: "SGD", layer: GatedLinear, group: int) -> None:
        self.optimizer = weakref.ref(optimizer)
        self.layer = weakref.ref(layer)
        self.group = group

    def __call__(self) -> Optional[Step]:
        """The step to make now; None: the optimizer is gone, and the gradient goes to ``.grad`` as ever."""
        optimizer, layer = self.optimizer(), self.layer()
        if optimizer is None or layer is None:
            return None
        group = optimizer.param_groups[self.group]
        momentum = float(group["momentum"])
        weight, bias = layer.weight, layer.bias
        state = optimizer.state
        low = master = None
        if weight.dtype == torch.bfloat16:
            low = _kept(weight, state[weight], "low", lambda: torch.zeros(weight.shape, dtype=torch.int16))
            if bias is not None:
                master = _kept(bias, state[bias], "master", bias.detach().float)
        return Step(float(group["lr"]), momentum, bias.detach() if master is None and bias is not None else master,
                    _velocity(weight, state[weight], momentum),
                    None if bias is None else _velocity(bias, state[bias], momentum), low)

    def done(self) -> None:
        """The parameters have moved: autograd refuses to use what it has saved of them for another backward pass."""
        optimizer, layer = self.optimizer(), self.layer()
        if optimizer is None or layer is None:
            return
        for parameter in (layer.weight, layer.bias):
            if parameter is None:
                continue
            state = optimizer.state[parameter]
            if "master" in state:
                parameter.detach().copy_(state["master"])
            torch.autograd.graph.increment_version(parameter)
            if parameter.dtype == torch.bfloat16:
                state["version"] = parameter._version


def _kept(parameter: Tensor, state: Dict[str, Any], key: str, fresh: Callable[[], Tensor]) -> Tensor:
    """What a parameter in bfloat16 learns in; made anew where somebody else has written it since our last step."""
    if key not in state or state.get("version") not in (None, parameter._version):
        state[key] = fresh()
    kept: Tensor = state[key]
    return kept


def _velocity(parameter: Tensor, state: Dict[str, Any], momentum: float) -> Optional[Tensor]:
    if momentum <= 0:
        return None
    if state.get("momentum_buffer") is None:
        state["momentum_buffer"] = torch.zeros(parameter.shape, dtype=torch.float32)
    velocity: Tensor = state["momentum_buffer"]
    return velocity


class SGD(torch.optim.SGD):
    r"""``torch.optim.SGD`` in which the gated layers of a model move during ``backward()``: no gradient is stored.

    :math:`v \leftarrow \mu v + \nabla W,\; W \leftarrow W - \eta v`. For the parameters of each ``GatedLinear`` of the
    model that is done block by block while the gradient is in registers, and only for blocks that some row has open:
    weights between other blocks stay as they are, and so does their v. All other parameters move in ``step()``, as ever.

        optimizer = weir.torch.SGD(model, lr=0.1, momentum=0.9)
        optimizer.zero_grad(); loss_fn(model(x), y).backward(); optimizer.step()

    Args:
        model: whose parameters are optimized.
        lr: learning rate η. Schedulers may change it.
        momentum: μ in [0, 1).
        params: groups of parameters, as every optimizer takes them; None: ``model.parameters()``. Weight and bias of a
            gated layer belong to the same group.

    What follows from moving in ``backward()``: each backward pass is a step of the gated layers (gradients do not add up
    over several), their gradient can be neither clipped nor looked at (``.grad`` stays None), and one graph goes
    backward once: autograd raises an error where a second pass would need weights that have moved. Weights in bfloat16
    learn as float32: what they are short of it is in the optimizer's state. Where that is not wanted, take any optimizer of
    ``torch.optim``: the layers then have their gradients in ``.grad``.
    """

    def __init__(self, model: nn.Module, lr: float = 1e-3, momentum: float = 0.0, *,
                 params: Optional[Iterable[Any]] = None) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum {momentum}: expected 0 <= momentum < 1")
        super().__init__(model.parameters() if params is None else params, lr=lr, momentum=momentum)
        where = {p: k for k, group in enumerate(self.param_groups) for p in group["params"]}
        for name, layer in model.named_modules():
            if not isinstance(layer, GatedLinear) or layer.weight not in where:
                continue
            group = where[layer.weight]
            if layer.bias is not None and where.get(layer.bias) != group:
                raise ValueError(f"{name or 'the layer'}: weight and bias are in different groups of parameters")
            for key in ("dampening", "weight_decay", "nesterov", "maximize"):
                if self.param_groups[group][key]:
                    raise ValueError(f"{key} in the group of {name or 'the layer'}: a step in backward has none")
            layer._stepper = _Stepper(self, layer, group)
            layer._stepper_number = next(_numbers)
            STEPPERS[layer._stepper_number] = layer._stepper

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Loads what ``state_dict()`` gave, to the bit: momentum of bfloat16 parameters stays float32."""
        super().load_state_dict(state_dict)
        parameters = [p for group in self.param_groups for p in group["params"]]
        numbers = [k for group in state_dict["param_groups"] for k in group["params"]]
        for number, parameter in zip(numbers, parameters):
            for key in _OWN:
                value = state_dict["state"].get(number, {}).get(key)
                if isinstance(value, Tensor):
                    self.state[parameter][key] = value.clone()
            if "version" in self.state.get(parameter, {}):
                self.state[parameter]["version"] = None
