# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""A network that several files of tests use."""


def gated_nodes(inputs=20, outputs=3, rule="straight-through"):
    """A small gated network."""
    return [
        {"name": "rows", "kind": "input", "size": inputs},
        {"name": "gater", "kind": "affine", "size": 8},
        {"name": "gates", "kind": "unit", "rule": rule},
        {"name": "experts", "kind": "gated-affine", "from": "rows", "gates": "gates", "size": 64, "block": 8,
         "activation": "rectifier"},
        {"name": "logits", "kind": "affine", "size": outputs},
        {"name": "loss", "kind": "softmax-cross-entropy"},
    ]
