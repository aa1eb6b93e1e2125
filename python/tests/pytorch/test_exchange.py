# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Weights of a model file in modules of PyTorch, and back, to the bit."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

import weir  # noqa: E402
import weir.torch as wt  # noqa: E402


@pytest.mark.parametrize("in_block", [None, 16])
def test_weights_go_both_ways(tmp_path, in_block):
    weir.train("digits", settings={"train.epochs": 1}).network.save(tmp_path / "first.safetensors")
    with safetensors.safe_open(tmp_path / "first.safetensors", "pt") as file:
        metadata = file.metadata()
    weights = safetensors.load_file(tmp_path / "first.safetensors")
    outputs, inputs = weights["experts.weight"].shape
    layer = wt.GatedLinear(inputs, outputs, 16, in_block=in_block)
    layer.load_state_dict({"weight": weights["experts.weight"], "bias": weights["experts.bias"]})
    assert torch.equal(layer.matrix(), weights["experts.weight"])
    moved = {**weights, **{f"experts.{k}": v.clone() for k, v in layer.state_dict().items()}}
    safetensors.save_file(moved, tmp_path / "again.safetensors", metadata)
    images, _ = weir.digits(50, seed=3)
    a, b = (weir.load(tmp_path / f"{name}.safetensors") for name in ("first", "again"))
    assert (a.predict_proba(images) == b.predict_proba(images)).all()
    assert all(torch.equal(weights[k], moved[k]) for k in weights)
