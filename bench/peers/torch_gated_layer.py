#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""One gated layer, or a stack of them, in PyTorch: what `weir bench gated --peer` runs beside weir.

Gates are drawn for each row and block on its own. The ways that a PyTorch user has:
  dense   no gates: everything is computed
  masked  everything is computed, then multiplied by the gates
  loop    block by block (one-sided layers of at most 256 blocks): gather the open rows, a small product with a view of
          the weights, put back

Each way as it is written and by torch.compile, in bfloat16 also in float32, which some processors multiply faster: the
fastest of these counts. Prints a JSON line per way with the medians "forward_ms" and "train_ms" (forward, both gradients,
plain gradient descent) and their forms. Masks and row lists are made beforehand and not timed.

    torch_gated_layer.py [--n 4096 | --inputs N --outputs M] [--block 64] [--share 0.09375] [--batch 256] [--stack 1]
        [--sides one|two] [--dtype float32|bfloat16] [--threads 2] [--repeats 7] [--cold] [--forward-only]
        [--forms eager|compiled|both]

--cold rotates over at least 1 GiB of weights, so that no cache holds them."""
import argparse
import json
import math

import torch

import forms

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in dict(n=4096, inputs=0, outputs=0, block=64, batch=256, stack=1, threads=2, repeats=7).items():
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--share", type=float, default=0.09375)
parser.add_argument("--sides", choices=("one", "two"), default="one")
parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
parser.add_argument("--cold", action="store_true")
parser.add_argument("--forward-only", action="store_true")
forms.add_option(parser)
a = parser.parse_args()
inputs, outputs = a.inputs or a.n, a.outputs or a.n
torch.set_num_threads(a.threads)


def gates(width):
    return torch.rand(a.batch, math.ceil(width / a.block)) < a.share


def dense(h, w, gated):
    return h @ w.t()


def masked(h, w, gated):
    return (h @ w.t()) * gated


def loop(h, w, gated):
    rows, where = gated
    blocks = len(rows)
    parts = [h[r] @ wj.t() for r, wj in zip(rows, w.view(blocks, a.block, inputs).unbind(0))]
    spread = torch.zeros(a.batch * blocks, a.block, dtype=h.dtype).index_copy(0, where, torch.cat(parts))
    return spread.view(a.batch, outputs)


def lists(gate):
    """Of each block the rows that it is open for, and where their outputs go."""
    blocks = gate.shape[1]
    rows = [gate[:, j].nonzero().squeeze(1) for j in range(blocks)]
    return rows, torch.cat([r * blocks + j for j, r in enumerate(rows)])


class Case:
    """Inputs, weights and gates of one precision."""

    def __init__(self, dtype):
        torch.manual_seed(0)
        weight_bytes = a.stack * inputs * outputs * dtype.itemsize
        self.sets = max(1, math.ceil(2**30 / weight_bytes)) if a.cold else 1
        first = torch.randn(outputs, inputs) / inputs**0.5
        self.weights = [[first.to(dtype).clone().requires_grad_() for _ in range(a.stack)] for _ in range(self.sets)]
        self.x = torch.randn(a.batch, inputs).to(dtype)
        if a.sides == "two":
            self.x = self.x * gates(inputs).repeat_interleave(a.block, 1)[:, :inputs].to(dtype)
        self.x.requires_grad_()
        drawn = [gates(outputs) for _ in range(a.stack)]
        self.gated = {dense: [None] * a.stack,
                      masked: [g.repeat_interleave(a.block, 1)[:, :outputs].to(dtype) for g in drawn]}
        if a.sides == "one" and drawn[0].shape[1] <= 256 and outputs % a.block == 0:
            self.gated[loop] = [lists(g) for g in drawn]
        self.seed = torch.randn(a.batch, outputs).to(dtype)
        self.turn = 0

    def forward(self, way, form):
        self.turn += 1
        h = self.x
        for w, gated in zip(self.weights[self.turn % self.sets], self.gated[way]):
            h = form(h, w, gated)
        return h

    def infer(self, way, form):
        with torch.no_grad():
            self.forward(way, form)

    def train(self, way, form):
        self.x.grad = None
        self.forward(way, form).backward(self.seed)
        with torch.no_grad():
            for w in self.weights[self.turn % self.sets]:
                w.add_(w.grad, alpha=-1e-6)
                w.grad = None


# One precision at a time: weights of a cold case fill a gigabyte.
found = {}
for dtype in dict.fromkeys((getattr(torch, a.dtype), torch.float32)):
    case = Case(dtype)
    for way in case.gated:
        of_way = {f"{name} {dtype}".replace("torch.", ""): form for name, form in forms.forms_of(way, a.forms).items()}
        for key, run in dict(forward=case.infer, train=case.train).items():
            if key == "train" and a.forward_only:
                continue
            took = forms.least(of_way, lambda form: forms.median_ms(lambda: run(way, form), a.repeats))
            found[way.__name__, key] = min(found.get((way.__name__, key), took), took)
    del case
for way in (dense, masked, loop):
    line = dict(peer="torch " + torch.__version__, way=way.__name__)
    for key in ("forward", "train"):
        if (way.__name__, key) in found:
            line[key + "_ms"], line[key + "_form"] = found[way.__name__, key]
    if len(line) > 2:
        print(json.dumps(line), flush=True)
