#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""One gated layer, or a stack of them, in PyTorch: what `weir bench gated --peer` runs beside weir.

Gates are drawn for each row and block on its own. The ways that a PyTorch user has:
  dense   no gates: everything is computed
  masked  everything is computed, then multiplied by the gates
  loop    block by block (one-sided layers of at most 256 blocks): gather the open rows, a small product, put back

Prints a JSON line per way with the medians "forward_ms" and "train_ms" (forward, both gradients, plain gradient descent).
Masks and row lists are made beforehand and not timed.

    torch_gated_layer.py [--n 4096 | --inputs N --outputs M] [--block 64] [--share 0.09375] [--batch 256] [--stack 1]
        [--sides one|two] [--dtype float32|bfloat16] [--threads 2] [--repeats 7] [--cold] [--forward-only]

--cold rotates over at least 1 GiB of weights, so that no cache holds them."""
import argparse
import json
import math
import time

import torch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in dict(n=4096, inputs=0, outputs=0, block=64, batch=256, stack=1, threads=2, repeats=7).items():
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--share", type=float, default=0.09375)
parser.add_argument("--sides", choices=("one", "two"), default="one")
parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
parser.add_argument("--cold", action="store_true")
parser.add_argument("--forward-only", action="store_true")
a = parser.parse_args()
inputs, outputs = a.inputs or a.n, a.outputs or a.n
dtype = getattr(torch, a.dtype)
torch.set_num_threads(a.threads)
torch.manual_seed(0)


def gates(width):
    return torch.rand(a.batch, math.ceil(width / a.block)) < a.share


def mask_of(gate, width):
    return gate.repeat_interleave(a.block, 1)[:, :width].to(dtype)


weight_bytes = a.stack * inputs * outputs * (2 if dtype is torch.bfloat16 else 4)
sets = max(1, math.ceil(2**30 / weight_bytes)) if a.cold else 1
first = torch.randn(outputs, inputs, dtype=torch.float32) / inputs**0.5
weights = [[first.to(dtype).clone().requires_grad_() for _ in range(a.stack)] for _ in range(sets)]
x = torch.randn(a.batch, inputs).to(dtype)
if a.sides == "two":
    x = x * mask_of(gates(inputs), inputs)
x.requires_grad_()
gate = [gates(outputs) for _ in range(a.stack)]
mask = [mask_of(g, outputs) for g in gate]
blocks = gate[0].shape[1]
rows = [[g[:, j].nonzero().squeeze(1) for j in range(blocks)] if blocks <= 256 else [] for g in gate]
where = [torch.cat([r * blocks + j for j, r in enumerate(some)]) if some else None for some in rows]
seed = torch.randn(a.batch, outputs).to(dtype)


def dense(h, w, layer):
    return h @ w.t()


def masked(h, w, layer):
    return (h @ w.t()) * mask[layer]


def loop(h, w, layer):
    parts = [h[r] @ wj.t() for r, wj in zip(rows[layer], w.view(blocks, a.block, inputs).unbind(0))]
    spread = torch.zeros(a.batch * blocks, a.block, dtype=dtype).index_copy(0, where[layer], torch.cat(parts))
    return spread.view(a.batch, outputs)


turn = 0


def forward(way):
    global turn
    turn += 1
    h = x
    for layer, w in enumerate(weights[turn % sets]):
        h = way(h, w, layer)
    return h


def train(way):
    x.grad = None
    for w in weights[(turn + 1) % sets]:
        w.grad = None
    forward(way).backward(seed)
    with torch.no_grad():
        for w in weights[turn % sets]:
            w.add_(w.grad, alpha=-1e-6)
            w.grad = None


def median(call):
    times = []
    for _ in range(a.repeats + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(sorted(times[1:])[a.repeats // 2] * 1e3, 4)


ways = [dense, masked]
if a.sides == "one" and blocks <= 256 and outputs % a.block == 0:
    ways.append(loop)
for way in ways:
    with torch.no_grad():
        line = dict(peer="torch " + torch.__version__, way=way.__name__, forward_ms=median(lambda: forward(way)))
    if not a.forward_only:
        line["train_ms"] = median(lambda: train(way))
    print(json.dumps(line), flush=True)
