# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Threads of weir and of PyTorch in one process: there is one set of them."""
import subprocess
import sys

import pytest

PROGRAM = """
import os
import torch
import weir
import weir.torch as wt
from weir.torch import _threads

def threads():
    return len(os.listdir("/proc/self/task"))

if not _threads.share():
    print("none")
    raise SystemExit
torch.set_num_threads(2)
weir.threads(2)
layer = wt.GatedLinear(1024, 1024, 64)
x, gates = torch.randn(256, 1024), torch.ones(256, 16)
other = torch.randn(1024, 1024)
x @ other
x.exp().sum()
before = threads()
want = layer(x, gates)
assert threads() == before, (threads(), before)
child = os.fork()
if child == 0:
    torch.set_num_threads(1)  # what PyTorch itself computes in a child of threads of GNU OpenMP never ends
    os._exit(0 if torch.equal(layer(x, gates), want) else 1)
assert os.waitpid(child, 0)[1] == 0
print("shared")
"""


def test_weir_runs_in_the_threads_of_pytorch():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    if done.stdout.strip() == "none":
        pytest.skip("this PyTorch has no threads of GNU OpenMP")
    assert done.stdout.strip() == "shared"
