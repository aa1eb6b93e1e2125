# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Layers whose closed blocks are not computed: forward, backward, and in a step of gradient descent."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import _layer, _ops


def _check(condition: bool, text: str) -> None:
    if not condition:
        raise ValueError(text)


class GatedLinear(nn.Module):
    r"""A linear layer in blocks, each multiplied by a gate: :math:`y = g \odot (x W^\top + b)`, block by block.

    Where a gate is exactly 0 the block is *closed* for that row: it is 0, and neither the forward nor the backward pass
    does a multiply-add or reads a weight for it. The cost follows the share of open gates; with ``in_block``, where the
    input comes in gated blocks too, the product of both shares.

    Args:
        in_features, out_features: units of the input and of the output, at least 1.
        block: units per gate of the output; the last block may be smaller. None: the output is dense.
        in_block: units per gate of the input, which must divide ``in_features`` (and ``block`` must divide
            ``out_features`` then). None: the input is dense.
        bias: whether there is one.
        sparse: the gradient of the weights is a sparse tensor of the rows of open blocks, as that of
            ``nn.Embedding(sparse=True)``: for ``torch.optim.SGD``, ``SparseAdam`` and ``Adagrad``, and batches in which
            most blocks are closed in every row. Needs a dense input, and a block that divides ``out_features``.
        dtype: ``torch.float32`` or ``torch.bfloat16``, of the parameters. Inputs may have either; sums are float32.
        device: "cpu", or "meta" to be materialised there later.

    Attributes:
        weight: a parameter. With a dense input ``[out_features, in_features]``, as that of ``nn.Linear``. With
            ``in_block`` the same numbers in tiles ``[out_blocks, in_blocks, block, in_block]``, the order in which the
            products read them (``matrix()`` gives the other one); ``state_dict`` has ``[out_features, in_features]``
            in either case. Any optimizer may change it, and the next pass sees that: there is no second copy.
        bias: a parameter ``[out_features]``, or None.
        blocks, in_blocks: gates of the output, ⌈out_features / block⌉, and of the input; None where that side is dense.

    Initial values are those of ``nn.Linear`` with the same seed. Several threads may call a layer at the same time, as
    long as none of them moves its weights. A pass works with ``weir_threads()`` threads inside (``WEIR_THREADS``,
    ``weir.threads``), not with those of ``torch.set_num_threads``, and gives the same bits for any number.

    The gradient with respect to a *closed* gate is 0, since the block is not computed. Rules whose gradient does not read
    it lose nothing by that (noisy-rectifier, sts, reinforce, rloo …: "skips" in ``weir units``); for others, such as
    straight-through, it leaves out what a closed block would have changed.
    """

    weight: nn.Parameter
    bias: Optional[nn.Parameter]

    def __init__(self, in_features: int, out_features: int, block: Optional[int], *, in_block: Optional[int] = None,
                 bias: bool = True, sparse: bool = False, device: Any = None, dtype: Optional[torch.dtype] = None) -> None:
        super().__init__()
        dtype = dtype or torch.get_default_dtype()
        _check(in_features >= 1 and out_features >= 1,
               f"a layer of {in_features} inputs and {out_features} outputs: expected at least 1")
        _check(block is None or 1 <= block <= out_features,
               f"blocks of {block} units among {out_features} outputs: expected 1 to {out_features}, or None")
        _check(in_block is None or 1 <= in_block <= in_features,
               f"blocks of {in_block} units among {in_features} inputs: expected 1 to {in_features}, or None")
        _check(in_block is None or (in_features % in_block == 0 and (block is None or out_features % block == 0)),
               f"blocks of {in_block} x {block} units in a layer of {in_features} inputs and {out_features} outputs: with "
               "in_block, expected blocks that divide their side")
        _check(not sparse or (in_block is None and block is not None and out_features % block == 0),
               "sparse=True: expected a dense input, and a block that divides out_features")
        _check(dtype in (torch.float32, torch.bfloat16), f"dtype {dtype}: expected torch.float32 or torch.bfloat16")
        self.in_features, self.out_features = in_features, out_features
        self.block, self.in_block, self.sparse = block, in_block, sparse
        self.blocks: Optional[int] = None if block is None else -(-out_features // block)
        self.in_blocks: Optional[int] = None if in_block is None else in_features // in_block
        shape = _layer.weight_shape(in_features, out_features, in_block or 0, block or 0)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None
        self._stepper: Any = None  # of weir.torch.SGD: moves the weights in backward
        self._stepper_number, self._clock = 0, torch.zeros((), dtype=torch.int64)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weights and bias uniformly within ±1/√in_features, as ``nn.Linear`` does."""
        most = 1 / math.sqrt(self.in_features)
        with torch.no_grad():
            if self.weight.is_meta:
                return
            plain = torch.empty(self.out_features, self.in_features, dtype=self.weight.dtype)
            nn.init.kaiming_uniform_(plain, a=math.sqrt(5))
            self.weight.copy_(self._tiles(plain))
            if self.bias is not None:
                nn.init.uniform_(self.bias, -most, most)

    def matrix(self) -> Tensor:
        """The weights as ``[out_features, in_features]``: the parameter itself, or a copy of its tiles in that order."""
        if self.weight.dim() == 2:
            return self.weight
        return self.weight.permute(0, 2, 1, 3).reshape(self.out_features, self.in_features)

    def _tiles(self, plain: Tensor) -> Tensor:
        if self.weight.dim() == 2:
            return plain
        rows, columns, height, width = self.weight.shape
        return plain.view(rows, height, columns, width).permute(0, 2, 1, 3).contiguous()

    def forward(self, x: Tensor, gates: Optional[Tensor] = None, in_gates: Optional[Tensor] = None) -> Tensor:
        """The layer at ``x [..., in_features]``; returns ``[..., out_features]`` in the type of x, 0 where closed.

        Args:
            gates: ``[..., blocks]``, any floating type or bool: what the blocks are multiplied by. A gradient reaches
                those that are open. None: all are 1, by the dense product.
            in_gates: ``[..., in_blocks]``: blocks of x whose gate is 0 are not read, as if they were 0. They do not
                multiply, and get no gradient: give the gates that x was multiplied by. None: all are open.
        """
        lead, features = x.shape[:-1], self.in_features
        if (x.shape[-1:] != (features,) or (gates is not None and gates.shape != (*lead, self.blocks))
                or (in_gates is not None and in_gates.shape != (*lead, self.in_blocks))):
            self._explain(x, gates, in_gates)
        weight, bias = self.weight, self.bias
        if gates is None and in_gates is None:
            matrix = self.matrix()
            if x.dtype == matrix.dtype:
                return functional.linear(x, matrix, bias)
            return functional.linear(x.float(), matrix.float(), None if bias is None else bias.float()).to(x.dtype)
        if gates is None and self.block is not None:
            gates = torch.ones((*x.shape[:-1], self.blocks or 0))
        if in_gates is None and self.in_block is not None:
            in_gates = torch.ones((*x.shape[:-1], self.in_blocks or 0))
        if len(lead) != 1:
            x = x.reshape(-1, self.in_features)
            gates = gates if gates is None else gates.reshape(-1, gates.shape[-1])
            in_gates = in_gates if in_gates is None else in_gates.reshape(-1, in_gates.shape[-1])
        block, in_block = self.block or 0, self.in_block or 0
        if torch.compiler.is_compiling() and self._stepper_number and torch.is_grad_enabled() and weight.requires_grad:
            y: Tensor = torch.ops.weir.gated_linear_moving(x, weight, bias, gates, in_gates, block, in_block, self._clock,
                                                   self._stepper_number)
        elif torch.compiler.is_compiling():
            y = torch.ops.weir.gated_linear(x, weight, bias, gates, in_gates, block, in_block)
        else:
            y = _ops.GatedLinearFunction.apply(x, weight, bias, gates, in_gates, block, in_block, self.sparse,
                                               self._stepper)
        return y if len(lead) == 1 else y.reshape(*lead, self.out_features)

    def _explain(self, x: Tensor, gates: Optional[Tensor], in_gates: Optional[Tensor]) -> None:
        """Raises what is wrong with the shapes."""
        _check(x.shape[-1:] == (self.in_features,), f"x of shape {tuple(x.shape)}: expected [..., {self.in_features}]")
        for name, given, blocks in (("gates", gates, self.blocks), ("in_gates", in_gates, self.in_blocks)):
            if given is not None:
                _check(blocks is not None, f"{name} for a side of the layer that is dense")
                _check(given.shape == (*x.shape[:-1], blocks),
                       f"{name} of shape {tuple(given.shape)} for x of shape {tuple(x.shape)}: expected "
                       f"{(*x.shape[:-1], blocks)}")

    # state_dict has the weights as [out_features, in_features], whatever their order in memory.

    def _save_to_state_dict(self, destination: Dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.weight.dim() != 2:
            matrix = self.matrix()
            destination[prefix + "weight"] = matrix if keep_vars else matrix.detach()

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *args: Any) -> None:
        found = state_dict.get(prefix + "weight")
        if self.weight.dim() != 2 and isinstance(found, Tensor) and found.shape == (self.out_features, self.in_features):
            state_dict = {**state_dict, prefix + "weight": self._tiles(found.detach())}
        super()._load_from_state_dict(state_dict, prefix, *args)

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_stepper": None, "_stepper_number": 0}  # a copy is not moved by the optimizer of the first one

    def extra_repr(self) -> str:
        text = f"in_features={self.in_features}, out_features={self.out_features}, block={self.block}"
        if self.in_block is not None:
            text += f", in_block={self.in_block}"
        return text + f", bias={self.bias is not None}" + (", sparse=True" if self.sparse else "")


class GatedMLP(nn.Module):
    r"""Two layers around gated hidden units: :math:`y = W_2\,(g \odot f(W_1 x + b_1)) + b_2`, closed blocks skipped.

    A mixture of experts with ``hidden_features / block`` experts of ``block`` units each, in which a row may open any
    number of them. The first layer skips closed blocks of its output, the second one those of its input.

    Args:
        in_features, hidden_features, out_features: units, at least 1.
        block: hidden units per gate; it divides ``hidden_features``.
        activation: f, a function of a tensor, unit by unit; the default is ``torch.relu``.
        bias, device, dtype: as in ``GatedLinear``.
    """

    def __init__(self, in_features: int, hidden_features: int, out_features: int, block: int, *,
                 activation: Callable[[Tensor], Tensor] = torch.relu, bias: bool = True, device: Any = None,
                 dtype: Optional[torch.dtype] = None) -> None:
        super().__init__()
        _check(block >= 1 and hidden_features % block == 0,
               f"blocks of {block} units among {hidden_features} hidden ones: expected a block that divides them")
        self.up = GatedLinear(in_features, hidden_features, block, bias=bias, device=device, dtype=dtype)
        self.down = GatedLinear(hidden_features, out_features, None, in_block=block, bias=bias, device=device, dtype=dtype)
        self.activation = activation

    @property
    def blocks(self) -> int:
        """Gates of the hidden units."""
        return self.up.blocks or 0

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """``x [..., in_features]``, ``gates [..., blocks]``; returns ``[..., out_features]``."""
        is_open = (gates != 0).to(torch.float32)
        hidden = self.activation(self.up(x, is_open))
        scaled = hidden.view(*gates.shape, self.up.block or 1) * gates.unsqueeze(-1).to(hidden.dtype)
        y: Tensor = self.down(scaled.flatten(-2), in_gates=is_open)
        return y
