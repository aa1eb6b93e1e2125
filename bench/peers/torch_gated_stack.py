#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""A training step of the network of bench/gated-stack.yaml in PyTorch: what bench/gated_stack.sh runs beside weir.

  masked  everything is computed, then multiplied by the gates: straight-through bits of four gaters on one narrow path
  dense   the same width without gates
  active  a dense network of as many multiply-adds as the open blocks and the gaters are (bench/dense-stack.yaml)

A step is forward, backward and plain gradient descent. The network as it is written and by torch.compile, in bfloat16
also in float32: the fastest counts. Prints a JSON line per way with the median "ms" and its form.

    torch_gated_stack.py [--way masked] [--batch 1024] [--units 4096] [--active 405] [--block 64] [--share 0.09375]
        [--dtype float32|bfloat16] [--threads 2] [--steps 5] [--forms eager|compiled|both]

--dtype bfloat16 keeps floats as the master copy and lets torch.autocast round what products read."""
import argparse
import json
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import forms

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in dict(batch=1024, units=4096, active=405, block=64, threads=2, steps=5).items():
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--share", type=float, default=0.09375)
parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
parser.add_argument("--way", choices=("masked", "dense", "active"), action="append")
forms.add_option(parser)
a = parser.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
x = torch.rand(a.batch, 784)
y = torch.randint(0, 10, (a.batch,))


class Stack(nn.Module):
    def __init__(self, units, gated):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(units if k else 784, units) for k in range(4))
        self.logits = nn.Linear(units, 10)
        self.gated = gated
        if gated:
            self.bottleneck = nn.Linear(784, 64)
            self.gaters = nn.ModuleList(nn.Linear(64, units // a.block) for _ in range(4))
            for g in self.gaters:
                nn.init.constant_(g.bias, math.log(a.share / (1 - a.share)))
                g.weight.data.mul_(0.1)

    def forward(self, h):
        if self.gated:
            narrow = torch.tanh(self.bottleneck(h))
        for k, layer in enumerate(self.layers):
            h = F.relu(layer(h))
            if self.gated:
                logit = self.gaters[k](narrow)
                bits = torch.bernoulli(torch.sigmoid(logit.detach().float()))
                h = h * (bits + logit - logit.detach()).to(h.dtype).repeat_interleave(a.block, 1)
        return self.logits(h)


def step(net, optimizer, dtype):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
        loss = F.cross_entropy(net(x).float(), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


for way in a.way or ("masked", "dense", "active"):
    net = Stack(a.active if way == "active" else a.units, way == "masked")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    ways = {f"{name} {dtype}": (form, dtype) for dtype in dict.fromkeys((a.dtype, "float32"))
            for name, form in forms.forms_of(net, a.forms).items()}
    ms, form = forms.least(ways, lambda f: forms.median_ms(lambda: step(f[0], optimizer, f[1]), a.steps))
    print(json.dumps(dict(peer="torch " + torch.__version__, way=way, dtype=a.dtype, batch=a.batch, ms=ms, form=form)),
          flush=True)
