# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What several files of tests share."""

import numpy as np
import pytest

import weir
from networks import gated_nodes


@pytest.fixture
def nodes():
    return gated_nodes()


@pytest.fixture
def rows():
    return np.random.default_rng(3).standard_normal((50, 20)).astype(np.float32)


@pytest.fixture
def labels():
    return np.random.default_rng(4).integers(0, 3, 50).astype(np.int32)


@pytest.fixture
def network(nodes):
    return weir.Network(nodes, seed=5)


@pytest.fixture(scope="session")
def blobs():
    """Three classes that a network learns in a second."""
    generator = np.random.default_rng(7)
    centres = generator.standard_normal((3, 6)) * 3
    codes = generator.integers(0, 3, 300)
    return (centres[codes] + generator.standard_normal((300, 6))).astype(np.float32), codes.astype(np.int32)
