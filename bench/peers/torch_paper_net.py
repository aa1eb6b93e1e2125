#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""A training step of the paper's network (mnist-paper) in PyTorch, as one writes it there: all experts are computed, gates
are a mask. What bench/paper_step.sh runs beside weir. Random rows of MNIST's shape stand in for its digits.

The objective as it is written and by torch.compile: the faster one counts. Prints a JSON line with "ms_per_step" and the
form.

    torch_paper_net.py [--rule st|sts|sbn] [--batch 32] [--steps 200] [--threads 2] [--units 2000] [--gater 400]
        [--block 1] [--forms eager|compiled|both]"""
import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

import forms

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rule", choices=("st", "sts", "sbn"), default="st")
for name, value in dict(batch=32, steps=200, threads=2, units=2000, gater=400, block=1).items():
    parser.add_argument("--" + name, type=int, default=value)
forms.add_option(parser)
a = parser.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
ROWS, WARM = 4096, 20
x = torch.rand(ROWS, 784) * (torch.rand(ROWS, 784) < 0.2)
y = torch.randint(0, 10, (ROWS,))

bottleneck, gater = nn.Linear(784, a.gater), nn.Linear(a.gater, a.units // a.block)
experts, logits = nn.Linear(784, a.units), nn.Linear(a.units, 10)
layers = (bottleneck, gater, experts, logits)
for layer in layers:
    nn.init.xavier_uniform_(layer.weight, 4.0 if layer is gater else 1.0)
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=0.1)
weighted = torch.full((a.units // a.block,), 1e-6)  # averages of (h - p)^2 L and of (h - p)^2
squared = weighted.clone()


def gates(logit, p):
    if a.rule == "sts":
        return torch.bernoulli(p.detach().sqrt()) * p.sqrt()
    bits = torch.bernoulli(p.detach())
    return bits + logit - logit.detach() if a.rule == "st" else bits


def score_function(logit, p, h, losses):
    with torch.no_grad():
        d = h - p
        weighted.lerp_((d * d * losses[:, None]).mean(0), 0.1)
        squared.lerp_((d * d).mean(0), 0.1)
        slope = d * (losses[:, None] - weighted / squared)
    return (slope * logit).sum(1).mean()


def objective(rows, labels):
    logit = gater(torch.tanh(bottleneck(rows)))
    p = torch.sigmoid(logit)
    h = gates(logit, p)
    hidden = experts(rows) * (h.repeat_interleave(a.block, 1) if a.block > 1 else h)
    losses = F.cross_entropy(logits(hidden), labels, reduction="none")
    share = p.mean(0).clamp(1e-6, 1 - 1e-6)
    total = losses.mean() - 0.1 * (0.1 * share.log() + 0.9 * (1 - share).log()).sum()
    if a.rule == "sbn":
        total = total + score_function(logit, p, h, losses.detach())
    return total


def step(form, rows):
    total = form(x[rows], y[rows])
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    with torch.no_grad():
        for layer in layers:
            layer.weight.mul_((2.0 / layer.weight.norm(dim=1, keepdim=True).clamp_min(1e-7)).clamp(max=1.0))


def ms_per_step(form):
    batches = torch.randint(0, ROWS, (a.steps + WARM, a.batch))
    for rows in batches[:WARM]:
        step(form, rows)
    start = time.perf_counter()
    for rows in batches[WARM:]:
        step(form, rows)
    return 1e3 * (time.perf_counter() - start) / a.steps


ms, form = forms.least(forms.forms_of(objective, a.forms), ms_per_step)
print(json.dumps(dict(peer="torch " + torch.__version__, rule=a.rule, batch=a.batch, units=a.units, block=a.block,
                      threads=a.threads, ms_per_step=round(ms, 3), form=form)))
