#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir.torch beside PyTorch, in one process and in turns: a gated layer, stochastic units, the overhead of a call.

    PYTHONPATH=python bench/python.py [layer] [units] [overhead] [--batch 256 --batch 1024] [--repeats 5] [--json FILE]

layer: forward, both gradients and a step of gradient descent of one layer (4096 x 4096, blocks of 64 units, gates of each
row and block on their own, 6/64 open; one forward pass gives dense rows and takes dense gradients). Beside GatedLinear
with weir.torch.SGD: the C library's own calls on the same arrays, and the ways that PyTorch has: "masked" computes
everything and multiplies by the gates, "loop" goes block by block over lists of rows made beforehand, "grouped_mm" is one
product of gathered rows; each also under torch.compile. Every round runs each way once; medians.

units: rows per second of the gradient of an expected loss, 200 units x 100 rows, in eager mode, the loss in PyTorch.

overhead: microseconds of a call on small tensors beside an operator and an autograd.Function that do nothing.
"""
import argparse
import json
import os
import platform
import statistics
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

import weir
import weir.torch as wt
from weir import arrays
from weir._native import call, ffi, lib
from weir.torch import _layer

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", nargs="*", default=[], help="layer, units, overhead; all where none is named")
parser.add_argument("--batch", type=int, action="append")
parser.add_argument("--n", type=int, default=4096)
parser.add_argument("--block", type=int, default=64)
parser.add_argument("--share", type=float, default=6 / 64)
parser.add_argument("--repeats", type=int, default=5)
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
parser.add_argument("--json", help="a file for the figures")
a = parser.parse_args()
torch.set_num_threads(a.threads)
results = {"torch": torch.__version__, "weir": weir.__version__, "python": platform.python_version(), "threads": a.threads,
           "command": " ".join(sys.argv), "load": os.getloadavg()[0]}


def rounds(ways, repeats):
    """Medians in seconds: each round runs every way once, after one run each for warmth. A way that fails is left out.

    Every other round goes backward, so that no way always finds the caches that a certain other one leaves."""
    times, failed = {name: [] for name in ways}, {}
    order = list(ways.items())
    for turn in range(repeats + 1):
        order.reverse()
        for name, way in order:
            if name in failed:
                continue
            try:
                start = time.perf_counter()
                way()
                passed = time.perf_counter() - start
            except Exception as error:  # an operator that this build lacks
                failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
                continue
            if turn:
                times[name].append(passed)
    return {name: statistics.median(t) for name, t in times.items() if t}, failed


def library_step(weight, bias, x, gates, dy, y, dx):
    """The C library's own step on the same arrays: what GatedLinear may not cost more than."""
    shape = _layer.shape_of(weight, a.block, 0)
    engine = _layer._Engine(shape, x.shape[0])
    engine.use(weight, bias)
    step = ffi.new("weir_layer_step *", {"rate": 1e-6})
    px, py, pg, pdy, pdx = (_layer.floats(t) for t in (x, y, gates, dy, dx))
    rows = x.shape[0]

    def run():
        call(lib.weir_batch_use, engine.x, rows, px, pdx)
        call(lib.weir_batch_begin, engine.y, rows, pg)
        call(lib.weir_layer_forward, engine.layer, engine.y, engine.x)
        lib.weir_batch_get(engine.y, py)
        call(lib.weir_batch_put_gradient, engine.y, pdy)
        call(lib.weir_layer_backward, engine.layer, engine.x, engine.y, True, step)

    run.alive = (weight, bias, x, gates, dy, y, dx)  # the library has their addresses
    return run


def bench_layer():
    blocks = a.n // a.block
    for batch in a.batch or [256, 1024]:
        torch.manual_seed(0)
        layer = wt.GatedLinear(a.n, a.n, a.block)
        optimizer = wt.SGD(layer, lr=1e-6)
        linear = torch.nn.Linear(a.n, a.n)
        descent = torch.optim.SGD(linear.parameters(), lr=1e-6)
        x = torch.randn(batch, a.n, requires_grad=True)
        gates = (torch.rand(batch, blocks) < a.share).float()
        dy = torch.randn(batch, a.n)
        mask = gates.repeat_interleave(a.block, 1)
        rows = [gates[:, j].nonzero().squeeze(1) for j in range(blocks)]
        where = torch.cat([r * blocks + j for j, r in enumerate(rows)])
        sorted_rows = torch.cat(rows)
        ends = torch.tensor([len(r) for r in rows]).cumsum(0).to(torch.int32)

        def spread(parts):
            return torch.zeros(batch * blocks, a.block).index_copy(0, where, parts).view(batch, a.n)

        def dense():
            return linear(x)

        def masked():
            return linear(x) * mask

        def loop():
            parts = zip(rows, linear.weight.view(blocks, a.block, a.n).unbind(0), linear.bias.view(blocks, a.block).unbind(0))
            return spread(torch.cat([F.linear(x[r], w, b) for r, w, b in parts]))

        def grouped_mm():
            w = linear.weight.view(blocks, a.block, a.n).transpose(1, 2)
            product = F.grouped_mm(x.index_select(0, sorted_rows), w, offs=ends)
            return spread(product + linear.bias.view(blocks, a.block)[where % blocks])

        def training(forward):
            def run():
                x.grad = None
                descent.zero_grad()
                forward().backward(dy)
                descent.step()

            return run

        def ours():
            x.grad = None
            layer(x, gates).backward(dy)
            optimizer.step()

        ways = {"GatedLinear": ours,
                "C library": library_step(layer.weight.detach(), layer.bias.detach(), x.detach(), gates, dy,
                                          torch.empty(batch, a.n), torch.empty(batch, a.n))}
        for forward in (dense, masked, loop, grouped_mm):
            ways[forward.__name__] = training(forward)
            if not a.no_compile:
                ways[forward.__name__ + ", compiled"] = training(torch.compile(forward))
        want, got = masked(), layer(x, gates)
        with torch.no_grad():
            layer.weight.copy_(linear.weight), layer.bias.copy_(linear.bias)
            assert torch.allclose(layer(x, gates), want, atol=1e-3), "the ways disagree"
        del want, got
        medians, failed = rounds(ways, a.repeats)
        best = min((t, n) for n, t in medians.items() if n not in ("GatedLinear", "C library"))
        print(f"\nlayer {a.n} x {a.n}, blocks of {a.block}, share {gates.mean():.4f}, batch {batch}, forward + backward + update")
        for name, seconds in sorted(medians.items(), key=lambda item: item[1]):
            print(f"  {name:22} {1e3 * seconds:9.2f} ms   {seconds / medians['GatedLinear']:6.2f}")
        for name, text in failed.items():
            print(f"  {name:22} {text}")
        print(f"  best way of PyTorch ({best[1]}) / GatedLinear: {best[0] / medians['GatedLinear']:.2f};"
              f"  GatedLinear / C library: {medians['GatedLinear'] / medians['C library']:.3f}", flush=True)
        results[f"layer, batch {batch}"] = {"ms": {n: 1e3 * t for n, t in medians.items()}, "failed": failed}


def bench_units():
    rows, units = 100, 200
    logits = torch.zeros(rows, units, requires_grad=True)

    def loss_of(h):
        return ((h - 0.499) ** 2).mean(-1)

    def gradient(loss):
        return torch.autograd.grad(loss.sum(), logits)[0]

    def straight_through():
        p = torch.sigmoid(logits)
        return gradient(loss_of(torch.bernoulli(p.detach()) + p - p.detach()))

    def reinmax():  # Liu et al. 2023, as published, for two outcomes
        p = torch.sigmoid(logits)
        h = torch.bernoulli(p.detach())
        half = (h + p.detach()) / 2
        q = torch.sigmoid((torch.logit(half) - logits).detach() + logits)
        soft = 2 * q - 0.5 * p
        return gradient(loss_of(soft - soft.detach() + h))

    def rloo():
        with torch.no_grad():
            p = torch.sigmoid(logits)
            h = torch.bernoulli(p.expand(2, -1, -1))
        losses = loss_of(h)
        advantage = (losses - losses.flip(0)).detach()
        score = -F.binary_cross_entropy_with_logits(logits.expand(2, -1, -1), h, reduction="none").sum(-1)
        return gradient((advantage * score).mean(0))

    layers = {n: wt.StochasticUnit(n) for n in ("straight-through:derivative=sigmoid", "reinmax", "rloo")}
    st, rm, lo = layers.values()
    pairs = {"straight-through": (lambda: gradient(loss_of(st(logits))), straight_through),
             "reinmax": (lambda: gradient(loss_of(rm(logits))), reinmax),
             "rloo": (lambda: gradient(lo.loss(logits, loss_of)), rloo)}
    print(f"\nunits: {units} units x {rows} rows, rows per second (the loss and its derivative are PyTorch's in both)")
    dh = torch.randn(rows, units)

    def of_h(unit_of):
        h = unit_of()
        return torch.autograd.grad(h, logits, dh)

    def plain_st():
        p = torch.sigmoid(logits)
        return torch.bernoulli(p.detach()) + p - p.detach()

    pairs["straight-through alone"] = (lambda: of_h(lambda: st(logits)), lambda: of_h(plain_st))
    for name, (ours, theirs) in pairs.items():
        def many(f):
            return lambda: [f() for _ in range(50)]

        medians, failed = rounds({"weir": many(ours), "torch": many(theirs)}, 2 * a.repeats)
        assert not failed, failed
        speeds = {k: 50 * rows / t for k, t in medians.items()}
        print(f"  {name:24} weir {speeds['weir']:12.0f}   torch {speeds['torch']:12.0f}   "
              f"{speeds['weir'] / speeds['torch']:.2f}", flush=True)
        results[f"units, {name}"] = speeds


@torch.library.custom_op("weir_bench::nothing", mutates_args=())
def nothing(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


nothing.register_fake(lambda x: torch.empty_like(x))
nothing.register_autograd(lambda ctx, grad: grad)


class Nothing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.empty_like(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


def bench_overhead():
    layer, unit = wt.GatedLinear(8, 8, 4), wt.StochasticUnit("straight-through")
    x, gates = torch.randn(2, 8, requires_grad=True), torch.ones(2, 2)
    one = torch.randn(2, 8, requires_grad=True)
    weight, bias = layer.weight, layer.bias
    batch = ffi.new("weir_batch **")
    call(lib.weir_batch_create, batch, 8, 4, 2)
    where = _layer.floats(gates)
    calls = {"an empty torch.library operator": lambda: nothing(one),
             "an empty autograd.Function": lambda: Nothing.apply(one),
             "a call of the library (cffi)": lambda: lib.weir_batch_put(batch[0], where),
             "StochasticUnit": lambda: unit(one),
             "GatedLinear 8 x 8": lambda: layer(x, gates),
             "torch.ops.weir.gated_linear": lambda: torch.ops.weir.gated_linear(x, weight, bias, gates, None, 4, 0)}
    network = weir.Network([{"kind": "input", "size": 20}, {"kind": "affine", "size": 3},
                            {"kind": "softmax-cross-entropy"}], training=False, max_rows=32, threads=1)
    row, few, out = (np.ones(shape, np.float32) for shape in ((1, 20), (32, 20), (32, 3)))
    error, shared = ffi.new("weir_error *"), ffi.new("weir_rows **")
    call(lib.weir_rows_share, shared, arrays.pointer(few), ffi.NULL, 32, 20)
    to, read = arrays.pointer(out), arrays.pointer(row)
    calls |= {"Network.predict_proba, 1 row": lambda: network.predict_proba(row),
              "  the library alone": lambda: lib.weir_predict_row(network.c, ffi.NULL, to, read, error),
              "Network.predict_proba, 32 rows": lambda: network.predict_proba(few),
              "  the library alone, 32 rows": lambda: lib.weir_predict(network.c, ffi.NULL, to, shared[0], 0, 32, error)}
    call(lib.weir_batch_begin, batch[0], 2, where)
    medians, _ = rounds({n: (lambda f=f: [f() for _ in range(500)]) for n, f in calls.items()}, 2 * a.repeats)
    print("\noverhead: microseconds of a forward call that may go backward, on tensors of 2 x 8")
    for name, seconds in medians.items():
        print(f"  {name:34} {1e6 * seconds / 500:8.2f}", flush=True)
    results["overhead"] = {n: 1e6 * t / 500 for n, t in medians.items()}
    lib.weir_batch_free(batch[0])
    lib.weir_rows_free(shared[0])


print(f"torch {torch.__version__}, weir {weir.__version__}, {a.threads} threads, load {os.getloadavg()[0]:.1f}")
for name in a.what or ["overhead", "units", "layer"]:
    {"layer": bench_layer, "units": bench_units, "overhead": bench_overhead}[name]()
if a.json:
    with open(a.json, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
