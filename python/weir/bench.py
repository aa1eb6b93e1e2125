# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Measurements on this machine: gated layers beside dense ones, and what the machine can do at most."""

from __future__ import annotations

import time
from typing import Any, List, Optional

import numpy as np

from . import arrays
from ._native import NULL, call, ffi, lib, new, text
from .network import _precision
from .records import Record, record


def machine(memory: bool = True) -> Record:
    """The rates that bound any product (``weir_machine``): operations per second of the registers in fp32 and bf16, and,
    with ``memory`` (1 GiB for about a second), bytes per second from memory."""
    found = ffi.new("weir_machine *")
    call(lib.weir_machine_measure, found, memory)
    return record(found)


def plan(
    inputs: int = 4096,
    outputs: int = 4096,
    *,
    block: int = 64,
    share: float = 0.09375,
    rows: int = 256,
    precision: str = "fp32",
    two_sided: bool = False,
) -> List[Record]:
    """Which way each product of a gated layer is done, and the seconds that are expected of every way: a record each."""
    found = []
    for operation in range(lib.WEIR_OPERATION_COUNT):
        case = ffi.new("weir_plan *", {"operation": operation, "rows": rows, "out": outputs, "out_block": block})
        case.out_share, case.in_share, case.precision = share, share if two_sided else 1.0, _precision(precision)
        setattr(case, "in", inputs)
        case.in_block = block if two_sided else 0
        lib.weir_plan_choose(case)
        words = ffi.new("char[]", 512)
        lib.weir_plan_describe(case, words, 512)
        entry = Record(operation=text(lib.weir_operation_name(operation)), way=text(lib.weir_way_name(case.way)))
        entry["strategy"], entry["why"] = text(case.strategy), text(words)
        for way in range(lib.WEIR_WAY_AUTO + 1, lib.WEIR_WAY_COUNT):
            entry[f"seconds_{text(lib.weir_way_name(way))}"] = case.seconds[way]
        found.append(entry)
    return found


class _Way:
    """One layer with its batches, gated or dense."""

    def __init__(self, inputs: int, outputs: int, block: int, rows: int, precision: int, weights: Any, x: Any) -> None:
        options = ffi.new("weir_layer_options *", lib.weir_layer_options_default(inputs, outputs))
        options.output_block, options.precision = block, precision
        options.weights = given = arrays.pointer(weights)
        self.layer = new("weir_layer **", lib.weir_layer_create, options, free=lib.weir_layer_free)
        self.x = new("weir_batch **", lib.weir_batch_create, inputs, 0, rows, free=lib.weir_batch_free)
        self.y = new("weir_batch **", lib.weir_batch_create, outputs, block, rows, free=lib.weir_batch_free)
        del given
        call(lib.weir_batch_begin, self.x, rows, NULL)
        lib.weir_batch_put(self.x, arrays.pointer(x))
        self.rows, self.step = rows, ffi.new("weir_layer_step *", {"rate": 1e-6})

    def forward(self, gates: Any) -> float:
        """Seconds of a forward pass, route building included."""
        started = time.perf_counter()
        call(lib.weir_batch_begin, self.y, self.rows, gates)
        call(lib.weir_layer_forward, self.layer, self.y, self.x)
        return time.perf_counter() - started

    def backward(self, gradient: Any) -> float:
        """Seconds of the gradient of the input and the update of the weights."""
        call(lib.weir_batch_put_gradient, self.y, gradient)
        started = time.perf_counter()
        call(lib.weir_layer_backward, self.layer, self.x, self.y, True, self.step)
        return time.perf_counter() - started


def gated(
    inputs: int = 4096,
    outputs: Optional[int] = None,
    *,
    block: int = 64,
    share: float = 0.09375,
    rows: int = 256,
    precision: str = "fp32",
    repeats: int = 7,
    seed: int = 1,
) -> Record:
    """Times one gated layer beside the same layer with every gate open, by the dense product, in turns; medians.

    Gates are drawn for each row on their own. The forward product is compared with a masked dense one first: ``error`` is
    the greatest difference over the greatest value. Milliseconds of forward and of backward with update; ``ratio`` is
    dense / gated of both together. The same weights again and again: ``weir bench gated`` rotates over more than a cache.
    """
    outputs = outputs or inputs
    number = _precision(precision)
    generator = np.random.default_rng(seed)
    weights = generator.uniform(-1, 1, (outputs, inputs)).astype(np.float32) * np.float32((3 / inputs) ** 0.5)
    x = generator.uniform(-1, 1, (rows, inputs)).astype(np.float32)
    open_gates = (generator.random((rows, -(-outputs // block))) < share).astype(np.float32)
    gradient, gates = arrays.pointer(generator.uniform(-1, 1, (rows, outputs)).astype(np.float32)), arrays.pointer(open_gates)
    sparse = _Way(inputs, outputs, block, rows, number, weights, x)
    dense = _Way(inputs, outputs, 0, rows, number, weights, x)
    sparse.forward(gates), dense.forward(NULL)
    found, wanted = np.empty((rows, outputs), np.float32), np.empty((rows, outputs), np.float32)
    lib.weir_batch_get(sparse.y, arrays.pointer(found))
    lib.weir_batch_get(dense.y, arrays.pointer(wanted))
    wanted *= np.repeat(open_gates, block, axis=1)[:, :outputs]
    times = np.array(
        [(sparse.forward(gates), sparse.backward(gradient), dense.forward(NULL), dense.backward(gradient)) for _ in range(repeats)]
    )
    middle = 1e3 * np.median(times, axis=0)
    return Record(
        inputs=inputs,
        outputs=outputs,
        block=block,
        share=float(open_gates.mean()),
        rows=rows,
        precision=precision,
        error=float(np.abs(found - wanted).max() / max(np.abs(wanted).max(), 1e-30)),
        gated_forward_ms=float(middle[0]),
        gated_backward_ms=float(middle[1]),
        dense_forward_ms=float(middle[2]),
        dense_backward_ms=float(middle[3]),
        ratio=float((middle[2] + middle[3]) / (middle[0] + middle[1])),
    )
