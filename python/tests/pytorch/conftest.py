# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""PyTorch's threads wait by spinning, which makes tests on a busy machine a hundred times slower: one thread each."""

import pytest


@pytest.fixture(autouse=True)
def one_thread_of_torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
