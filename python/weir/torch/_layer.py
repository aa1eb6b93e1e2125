# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Gated products on tensors, without autograd: the library reads and writes the memory of tensors where it is.

Everything here works on two-dimensional, contiguous CPU tensors; ``linear.py`` brings others into that form. A call takes
an engine (a layer of the library and its two batches) from a pool, lends it the memory of the tensors, and puts it back:
nothing but the tensors holds numbers between calls.
"""

from __future__ import annotations

import threading
from typing import Any, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .._native import NULL, call, ffi, lib, new

_FLOATS = ffi.typeof("float *")
_HALVES = ffi.typeof("uint16_t *")
_FLOAT32 = torch.float32
_cast = ffi.cast


def floats(tensor: Optional[Tensor]) -> Any:
    """Where the numbers of a contiguous float32 tensor are; NULL for None."""
    if tensor is None:
        return NULL
    if tensor.dtype is not _FLOAT32 or not tensor.is_contiguous():
        raise TypeError(f"weir reads contiguous tensors of torch.float32, or torch.bfloat16 for weights; this one is of {tensor.dtype}")
    return _cast(_FLOATS, tensor.data_ptr())


def halves(tensor: Optional[Tensor]) -> Any:
    """Where those of a contiguous bfloat16 or int16 tensor are; NULL for None."""
    if tensor is None:
        return NULL
    assert tensor.element_size() == 2 and tensor.is_contiguous(), "the library was to read other memory than halves"
    return ffi.cast(_HALVES, tensor.data_ptr())


class Shape(NamedTuple):
    """What products a layer has: sizes, units per gate of either side (0: dense), and whether weights are bfloat16."""

    inputs: int
    outputs: int
    input_block: int
    output_block: int
    half: bool


def weight_shape(inputs: int, outputs: int, input_block: int, output_block: int) -> Tuple[int, ...]:
    """The shape of the weights' memory: [out][in], or with input blocks a grid of tiles."""
    if not input_block:
        return (outputs, inputs)
    rows = output_block or outputs
    return (outputs // rows, inputs // input_block, rows, input_block)


def shape_of(weight: Tensor, block: int, in_block: int) -> Shape:
    """The shape of the layer whose weights these are. block, in_block: 0 for a dense side."""
    half = weight.dtype == torch.bfloat16
    if weight.dim() == 2:
        return Shape(weight.shape[1], weight.shape[0], 0, block, half)
    rows, columns, height, width = weight.shape
    return Shape(columns * width, rows * height, in_block, block, half)


class Step(NamedTuple):
    """One step of gradient descent, done during backward: v = momentum·v + dW, W −= rate·v."""

    rate: float
    momentum: float
    bias: Optional[Tensor]  # float32, moved in place
    velocity: Optional[Tensor]
    bias_velocity: Optional[Tensor]
    low: Optional[Tensor]  # of weights in bfloat16: the int16 halves that learn


class _Engine:
    """A layer over borrowed memory and its two batches. One thread uses it at a time."""

    def __init__(self, shape: Shape, rows: int) -> None:
        self.shape = shape
        self.max_rows = rows
        self.options = ffi.new("weir_layer_options *")
        self.options[0] = lib.weir_layer_options_default(shape.inputs, shape.outputs)
        self.options.input_block = shape.input_block
        self.options.output_block = shape.output_block
        self.options.precision = lib.WEIR_BFLOAT16 if shape.half else lib.WEIR_FLOAT32
        self.memory = ffi.new("weir_layer_memory *")
        self.step = ffi.new("weir_layer_step *")
        self.layer: Any = None
        self.x = new("weir_batch **", lib.weir_batch_create, shape.inputs, shape.input_block, rows, free=lib.weir_batch_free)
        self.y = new("weir_batch **", lib.weir_batch_create, shape.outputs, shape.output_block, rows, free=lib.weir_batch_free)

    def use(self, weight: Tensor, bias: Optional[Tensor], step: Optional[Step] = None) -> None:
        memory = self.memory
        if self.shape.half:
            memory.upper = halves(weight)
            memory.lower = halves(step.low) if step else NULL
        else:
            memory.weights = floats(weight)
        memory.bias = floats(bias)
        memory.velocity = floats(step.velocity) if step else NULL
        memory.bias_velocity = floats(step.bias_velocity) if step else NULL
        if self.layer is None:
            self.layer = new("weir_layer **", lib.weir_layer_borrow, self.options, memory, free=lib.weir_layer_free)
        else:
            call(lib.weir_layer_use, self.layer, memory)

    def take_x(self, x: Tensor, in_gates: Optional[Tensor], dx: Optional[Tensor]) -> None:
        if in_gates is None:
            call(lib.weir_batch_use, self.x, x.shape[0], floats(x), floats(dx))
        else:
            call(lib.weir_batch_begin, self.x, x.shape[0], floats(in_gates))
            lib.weir_batch_put(self.x, floats(x))


_MOST_ENGINES = 32
_idle: List[_Engine] = []
_lock = threading.Lock()


def _take(shape: Shape, rows: int) -> _Engine:
    with _lock:
        for k in range(len(_idle) - 1, -1, -1):
            if _idle[k].shape == shape and _idle[k].max_rows >= rows:
                return _idle.pop(k)
    return _Engine(shape, rows)


def _give(engine: _Engine) -> None:
    with _lock:
        _idle.append(engine)
        if len(_idle) > _MOST_ENGINES:
            del _idle[0]


def forward(x: Tensor, weight: Tensor, bias: Optional[Tensor], gates: Optional[Tensor], in_gates: Optional[Tensor],
            block: int, in_block: int) -> Tensor:
    """y [rows][out] = g ⊙ (x·Wᵀ + bias), 0 where a gate is 0. x, bias and gates are float32."""
    rows = x.shape[0]
    shape = shape_of(weight, block, in_block)
    y = torch.empty((rows, shape.outputs), dtype=torch.float32)
    if not rows:
        return y
    engine = _take(shape, rows)
    engine.use(weight, bias)
    engine.take_x(x, in_gates, None)
    if gates is None:
        call(lib.weir_batch_use, engine.y, rows, floats(y), NULL)
    else:
        call(lib.weir_batch_begin, engine.y, rows, floats(gates))
    call(lib.weir_layer_forward, engine.layer, engine.y, engine.x)
    if gates is not None:
        lib.weir_batch_gate(engine.y, floats(gates))
        lib.weir_batch_get(engine.y, floats(y))
    _give(engine)
    return y


class Gradients(NamedTuple):
    """Of what was wanted; None elsewhere."""

    x: Optional[Tensor]
    weight: Optional[Tensor]
    bias: Optional[Tensor]
    gates: Optional[Tensor]


def backward(dy: Tensor, x: Tensor, weight: Tensor, gates: Optional[Tensor],
             in_gates: Optional[Tensor], y: Optional[Tensor], block: int, in_block: int, need_x: bool, need_weight: bool,
             need_bias: bool, need_gates: bool, step: Optional[Step] = None) -> Gradients:
    """The gradients of ``forward``, or, with a step, those of x and of the gates, and the weight and the step's bias move.

    y is read only where the gradient of the gates is wanted. The gradient of the weights is float32, in their memory's
    shape, and exactly 0 where no row has both blocks open.
    """
    rows = x.shape[0]
    shape = shape_of(weight, block, in_block)
    dx = torch.empty_like(x) if need_x else None
    dweight = torch.empty(weight.shape, dtype=torch.float32) if need_weight or need_bias else None
    dbias = torch.empty(shape.outputs, dtype=torch.float32) if need_bias else None
    dgates = torch.empty_like(gates) if need_gates and gates is not None else None
    if not rows:
        for gradient in (dweight, dbias):
            if gradient is not None:
                gradient.zero_()
        return Gradients(dx, dweight if need_weight else None, dbias, dgates)
    engine = _take(shape, rows)
    engine.use(weight, step.bias if step else None, step)
    engine.take_x(x, in_gates, dx)
    if gates is None:
        call(lib.weir_batch_use, engine.y, rows, floats(dy), floats(dy))
    else:
        call(lib.weir_batch_begin, engine.y, rows, floats(gates))
        if dgates is not None:
            lib.weir_batch_put(engine.y, floats(y))
        call(lib.weir_batch_put_gradient, engine.y, floats(dy))
        lib.weir_batch_gate_backward(engine.y, floats(dgates), floats(gates))
    if step is not None:
        engine.step.rate, engine.step.momentum = step.rate, step.momentum
    if need_x or step is not None:
        call(lib.weir_layer_backward, engine.layer, engine.x, engine.y, need_x, engine.step if step is not None else NULL)
        if dx is not None and in_gates is not None:
            lib.weir_batch_get_gradient(engine.x, floats(dx))
    if dweight is not None:
        call(lib.weir_layer_gradient, engine.layer, floats(dweight), floats(dbias), engine.y, engine.x)
    _give(engine)
    return Gradients(dx, dweight if need_weight else None, dbias, dgates)


def gradient_of_open_rows(dy: Tensor, x: Tensor, weight: Tensor, gates: Tensor, block: int) -> Tensor:
    """The gradient of weights [out][in] as a sparse tensor: of the rows of those blocks that some row has open."""
    rows, blocks = gates.shape
    some = (gates != 0).any(0).nonzero().squeeze(1)
    count = some.numel()
    values = torch.empty((count * block, weight.shape[1]), dtype=torch.float32)
    if count:
        few = gates.index_select(1, some)
        few_dy = dy.view(rows, blocks, block).index_select(1, some).view(rows, count * block)
        engine = _take(Shape(weight.shape[1], count * block, 0, block, False), rows)
        engine.use(values, None)
        engine.take_x(x, None, None)
        call(lib.weir_batch_begin, engine.y, rows, floats(few))
        call(lib.weir_batch_put_gradient, engine.y, floats(few_dy))
        lib.weir_batch_gate_backward(engine.y, NULL, floats(few))
        call(lib.weir_layer_gradient, engine.layer, floats(values), NULL, engine.y, engine.x)
        _give(engine)
    where = (some[:, None] * block + torch.arange(block)).view(1, -1)
    return torch.sparse_coo_tensor(where, values.to(weight.dtype), weight.shape, is_coalesced=True, check_invariants=False)
