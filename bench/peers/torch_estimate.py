#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Gradient estimators of binary units in PyTorch: what `weir estimate throughput --peer` runs beside weir.

The objective is the mean of (h - t)^2 over the units of a row. A gradient of the expected objective with respect to the
logits is estimated for every row of a batch, as one writes it in PyTorch: tensor operations on the whole batch, and
autograd where a rule needs the gradient of the objective. Each rule as it is written and by torch.compile: the faster
one counts.

Prints a JSON line per rule: "rule", "rows_per_second" (the median of the repeats), the form, and "mean" and "variance" of
a coordinate, so that one sees that both programs estimate the same thing.

    torch_estimate.py [--units 200] [--rows 100] [--threads 2] [--repeats 7] [--seconds 0.3] [--rules rloo,disarm,...]
        [--forms eager|compiled|both]"""
import argparse
import json
import time

import torch
from torch.nn.functional import logsigmoid

import forms

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, value in dict(units=200, rows=100, threads=2, repeats=7).items():
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--rules", default="")
forms.add_option(parser)
a = parser.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
TARGET = 0.499
logits = torch.zeros(a.rows, a.units)


def loss_of(h):
    return ((h - TARGET) ** 2).mean(-1)


def with_gradient(h):
    h = h.detach().requires_grad_()
    loss = loss_of(h)
    (gradient,) = torch.autograd.grad(loss.sum(), h)
    return loss.detach(), gradient


@torch.no_grad()
def reinforce():
    p = torch.sigmoid(logits)
    h = torch.bernoulli(p)
    return loss_of(h)[:, None] * (h - p)


@torch.no_grad()
def rloo():
    p = torch.sigmoid(logits)
    h = torch.bernoulli(p.expand(2, -1, -1))
    loss = loss_of(h)
    return 0.5 * (loss[0] - loss[1])[:, None] * (h[0] - h[1])


@torch.no_grad()
def arm():
    p = torch.sigmoid(logits)
    u = torch.rand_like(p)
    h = torch.stack([u > 1 - p, u < p]).float()
    loss = loss_of(h)
    return (loss[0] - loss[1])[:, None] * (u - 0.5)


@torch.no_grad()
def disarm():
    p = torch.sigmoid(logits)
    u = torch.rand_like(p)
    h = torch.stack([u > 1 - p, u < p]).float()
    loss = loss_of(h)
    return 0.5 * (loss[0] - loss[1])[:, None] * (h[0] - h[1]) * torch.sigmoid(logits.abs())


def double_cv(alpha=-0.8):
    with torch.no_grad():
        p = torch.sigmoid(logits)
        h = torch.bernoulli(p.expand(2, -1, -1))
    loss, gradient = with_gradient(h)
    with torch.no_grad():
        control = (gradient.flip(0) * (h - p)).sum(-1)
        value = loss + alpha * control
        return 0.5 * (value[0] - value[1])[:, None] * (h[0] - h[1]) - alpha * p * (1 - p) * gradient.mean(0)


def straight_through():
    a_ = logits.detach().requires_grad_()
    p = torch.sigmoid(a_)
    h = torch.bernoulli(p.detach()) + p - p.detach()
    (gradient,) = torch.autograd.grad(loss_of(h).sum(), a_)
    return gradient


def half():
    with torch.no_grad():
        p = torch.sigmoid(logits)
        h = torch.bernoulli(p)
    _, gradient = with_gradient(h)
    return gradient * (h - p).abs() / 2


def st_gumbel():
    a_ = logits.detach().requires_grad_()
    u = torch.rand_like(logits)
    z = a_ + torch.log(u) - torch.log1p(-u)
    y = torch.sigmoid(z)
    h = (z > 0).float() + y - y.detach()
    (gradient,) = torch.autograd.grad(loss_of(h).sum(), a_)
    return gradient


def rebar(temperature=0.5, kappa=1.0):
    a_ = logits.detach().requires_grad_()
    p = torch.sigmoid(a_)
    u, v = torch.rand_like(logits), torch.rand_like(logits)
    z = a_ + torch.log(u) - torch.log1p(-u)
    h = (z > 0).float().detach()
    w = h * (v * p + 1 - p) + (1 - h) * v * (1 - p)
    conditional = a_ + torch.log(w) - torch.log1p(-w)
    hard = loss_of(h)
    soft = loss_of(torch.sigmoid(z / temperature))
    soft_conditional = loss_of(torch.sigmoid(conditional / temperature))
    score = (h * logsigmoid(a_) + (1 - h) * logsigmoid(-a_)).sum(-1)
    surrogate = (hard - kappa * soft_conditional.detach()) * score + kappa * (soft - soft_conditional)
    (gradient,) = torch.autograd.grad(surrogate.sum(), a_)
    return gradient


rules = {
    "reinforce:baseline=none": reinforce,
    "rloo": rloo,
    "arm": arm,
    "disarm": disarm,
    "double-cv": double_cv,
    "rebar:tune=none": rebar,
    "straight-through:derivative=sigmoid": straight_through,
    "half": half,
    "st-gumbel": st_gumbel,
}


def measure(rule):
    for _ in range(20):
        rule()
    speeds = []
    for _ in range(a.repeats):
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < a.seconds / a.repeats:
            for _ in range(10):
                rule()
            calls += 10
        speeds.append(calls * a.rows / (time.perf_counter() - start))
    return sorted(speeds)[len(speeds) // 2]


for name in a.rules.split(",") if a.rules else rules:
    if name not in rules:
        continue
    sample = torch.stack([rules[name]() for _ in range(50)])
    seconds, form = forms.least(forms.forms_of(rules[name], a.forms), lambda rule: 1 / measure(rule))
    print(json.dumps({"rule": name, "rows_per_second": 1 / seconds, "form": form, "mean": sample.mean().item(),
                      "variance": sample.var().item()}), flush=True)
