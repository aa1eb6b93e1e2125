#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Trains a dense network with PyTorch until it is killed: the neighbour of bench/busy.sh."""
import argparse

import torch

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=2)
torch.set_num_threads(parser.parse_args().threads)
network = torch.nn.Sequential(torch.nn.Linear(784, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 10))
optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
x, labels = torch.rand(256, 784), torch.randint(0, 10, (256,))
print("training", flush=True)
while True:
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(x), labels).backward()
    optimizer.step()
