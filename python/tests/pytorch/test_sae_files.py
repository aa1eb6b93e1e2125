# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Files of sparse autoencoders: by SAELens, sparsify and dictionary-learning themselves where they are installed (in an
environment of their own: pip install sae-lens eai-sparsify dictionary-learning), else names and shapes written by hand."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

import weir  # noqa: E402

IN, FEATURES, K = 24, 120, 5


@pytest.fixture
def x():
    return np.random.default_rng(5).standard_normal((40, IN)).astype(np.float32)


def trained(form, x):
    model = weir.SparseAutoencoder(IN, FEATURES, form, k=K, sparsity=0.1, threshold=0.5, rate=0.01)
    for _ in range(20):
        model.step(x)
    return model


def tensors(seed, **shapes):
    g = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=g) for name, shape in shapes.items()}


def check(model, codes, decoded, x):
    np.testing.assert_allclose(model.encode(x).dense(), codes.detach().numpy(), atol=2e-5)
    np.testing.assert_allclose(model.reconstruct(x), decoded.detach().numpy(), atol=2e-4)
    assert (codes > 0).sum() > 0


@pytest.mark.parametrize("form", ("topk", "batch-topk", "jumprelu", "gated"))
def test_saelens_reads_ours(form, x, tmp_path):
    lens = pytest.importorskip("sae_lens")
    model = trained(form, x)
    model.save(tmp_path / "sae")
    sae = lens.SAE.load_from_disk(str(tmp_path / "sae"))
    rows = torch.from_numpy(x)
    check(model, sae.encode(rows), sae(rows), x)


@pytest.mark.parametrize("name", ("topk", "topk-rescaled", "jumprelu", "gated"))
def test_ours_reads_saelens(name, x, tmp_path):
    lens = pytest.importorskip("sae_lens")
    kind = {"topk": "TopKSAE", "topk-rescaled": "TopKSAE", "jumprelu": "JumpReLUSAE", "gated": "GatedSAE"}[name]
    settings = {"d_in": IN, "d_sae": FEATURES}
    if name.startswith("topk"):
        settings.update(k=K, rescale_acts_by_decoder_norm=name.endswith("rescaled"))
    sae = getattr(lens, kind)(getattr(lens, kind + "Config")(**settings))
    generator = torch.Generator().manual_seed(3)
    for parameter in sae.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    if name == "jumprelu":
        sae.threshold.data = sae.threshold.data.abs()
    sae.save_model(str(tmp_path / "sae"))
    rows = torch.from_numpy(x)
    check(weir.SparseAutoencoder.load(tmp_path / "sae"), sae.encode(rows), sae(rows), x)


def test_saelens_by_hand(x, tmp_path):
    """Old names too: log_threshold, half precision."""
    held = tensors(1, W_enc=(IN, FEATURES), W_dec=(FEATURES, IN), b_enc=(FEATURES,), b_dec=(IN,), log_threshold=(FEATURES,))
    held = {name: values.bfloat16() for name, values in held.items()}
    safetensors_torch.save_file(held, tmp_path / "sae_weights.safetensors")
    (tmp_path / "cfg.json").write_text(json.dumps({"architecture": "jumprelu", "d_in": IN, "d_sae": FEATURES, "dtype": "bfloat16"}))
    model = weir.SparseAutoencoder.load(tmp_path)
    p = {name: values.float() for name, values in held.items()}
    rows = torch.from_numpy(x)
    scores = (rows - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
    codes = torch.relu(scores) * (scores > p["log_threshold"].exp())
    check(model, codes, codes @ p["W_dec"] + p["b_dec"], x)
    assert model.settings.unit_norm is False
    (tmp_path / "cfg.json").write_text(json.dumps({"architecture": "standard", "d_in": IN, "d_sae": FEATURES}))
    with pytest.raises(weir.errors.UnsupportedError, match="standard"):
        weir.SparseAutoencoder.load(tmp_path)


def sparsify_codes(p, rows):
    top = torch.relu((rows - p["b_dec"]) @ p["encoder.weight"].t() + p["encoder.bias"]).topk(K, dim=1)
    return torch.zeros(len(rows), FEATURES).scatter(1, top.indices, top.values)


def test_sparsify_by_hand(x, tmp_path):
    p = tensors(2, **{"encoder.weight": (FEATURES, IN), "encoder.bias": (FEATURES,), "W_dec": (FEATURES, IN), "b_dec": (IN,)})
    safetensors_torch.save_file(p, tmp_path / "sae.safetensors")
    (tmp_path / "cfg.json").write_text(json.dumps({"k": K, "d_in": IN, "activation": "topk", "normalize_decoder": True, "num_latents": 0}))
    rows = torch.from_numpy(x)
    codes = sparsify_codes(p, rows)
    check(weir.SparseAutoencoder.load(tmp_path), codes, codes @ p["W_dec"] + p["b_dec"], x)
    (tmp_path / "cfg.json").write_text(json.dumps({"k": K, "d_in": IN, "activation": "groupmax"}))
    with pytest.raises(weir.errors.UnsupportedError, match="groupmax|activation"):
        weir.SparseAutoencoder.load(tmp_path)


def test_ours_reads_sparsify(x, tmp_path):
    sparsify = pytest.importorskip("sparsify")
    coder = sparsify.SparseCoder(IN, sparsify.SparseCoderConfig(num_latents=FEATURES, k=K))
    torch.nn.init.normal_(coder.encoder.bias)
    torch.nn.init.normal_(coder.b_dec)
    coder.save_to_disk(tmp_path / "coder")
    rows = torch.from_numpy(x)
    top = coder.encode(rows)
    codes = torch.zeros(len(rows), FEATURES).scatter(1, top.top_indices, top.top_acts)
    check(weir.SparseAutoencoder.load(tmp_path / "coder"), codes, codes @ coder.W_dec + coder.b_dec, x)


def test_dictionary_by_hand(x, tmp_path):
    p = tensors(3, **{"encoder.weight": (FEATURES, IN), "encoder.bias": (FEATURES,), "decoder.weight": (IN, FEATURES), "b_dec": (IN,)})
    torch.save({**p, "k": torch.tensor(K), "threshold": torch.tensor(-1.0)}, tmp_path / "ae.pt")
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "AutoEncoderTopK", "k": K}}))
    rows = torch.from_numpy(x)
    codes = sparsify_codes(p, rows)
    check(weir.SparseAutoencoder.load(tmp_path), codes, codes @ p["decoder.weight"].t() + p["b_dec"], x)
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "AutoEncoderNew"}}))
    with pytest.raises(ValueError, match="AutoEncoderNew"):
        weir.SparseAutoencoder.load(tmp_path)


@pytest.mark.parametrize("name", ("AutoEncoderTopK", "BatchTopKSAE", "JumpReluAutoEncoder", "GatedAutoEncoder"))
def test_ours_reads_dictionary_learning(name, x, tmp_path):
    pytest.importorskip("dictionary_learning")
    from dictionary_learning import dictionary
    from dictionary_learning.trainers import batch_top_k, top_k

    where = {"AutoEncoderTopK": top_k, "BatchTopKSAE": batch_top_k}.get(name, dictionary)
    made = getattr(where, name)(IN, FEATURES, *([K] if where is not dictionary else []))
    torch.manual_seed(4)
    for parameter in made.parameters():
        parameter.data = torch.randn_like(parameter) * 0.3
    if name == "JumpReluAutoEncoder":
        made.threshold.data = made.threshold.data.abs()
    if name == "BatchTopKSAE":
        made.threshold.fill_(0.7)
    torch.save(made.state_dict(), tmp_path / "ae.pt")
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": name, "k": K}}))
    rows = torch.from_numpy(x)
    check(weir.SparseAutoencoder.load(tmp_path), made.encode(rows), made(rows), x)


def test_tensors(x):
    model = trained("topk", x)
    rows = torch.from_numpy(x)
    found = model.reconstruct(rows)
    assert isinstance(found, torch.Tensor) and np.array_equal(found.numpy(), model.reconstruct(x))
    assert model.step(rows).open == K
    with pytest.raises(TypeError, match="gradient"):
        model.step(rows.clone().requires_grad_())


def test_gradients_are_those_of_autograd(x):
    model = trained("topk", x)
    p = {name: torch.from_numpy(np.array(values)).requires_grad_() for name, values in model.parameters.items()}
    rows = torch.from_numpy(x)
    scores = (rows - p["b_dec"]) @ p["W_enc"].t() + p["b_enc"]
    top = torch.relu(scores).topk(K, dim=1)
    loss = (torch.zeros_like(scores).scatter(1, top.indices, top.values) @ p["W_dec"] + p["b_dec"] - rows).square().sum(1).mean()
    loss.backward()
    told, found = model.gradient(x)
    assert told.reconstruction == pytest.approx(loss.item(), rel=1e-5)
    for name, values in p.items():
        np.testing.assert_allclose(found[name], values.grad.numpy(), atol=3e-5 * float(values.grad.abs().max()))
