# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Sparse autoencoders: steps beside Adam in NumPy, sources of rows, codes, reports, files."""

import numpy as np
import pytest

import weir

FORMS = ("topk", "batch-topk", "jumprelu", "gated")


@pytest.fixture
def x():
    g = np.random.default_rng(2)
    directions = g.standard_normal((30, 24))
    return (g.exponential(size=(300, 2))[:, :, None] * directions[g.integers(0, 30, (300, 2))]).sum(1).astype(np.float32)


def make(form="topk", **settings):
    return weir.SparseAutoencoder(24, 120, form, **{"k": 4, "sparsity": 0.05, "threshold": 0.3, "bandwidth": 0.3, **settings})


def dense_topk(p, x, k):
    """Loss and gradients of the dense form, in double precision."""
    E, D, b, c = (p[name].astype(float) for name in ("W_enc", "W_dec", "b_enc", "b_dec"))
    y = x - c
    s = y @ E.T + b
    kept = np.zeros(s.shape, bool)
    np.put_along_axis(kept, np.argsort(-s, axis=1, kind="stable")[:, :k], True, 1)
    kept &= s > 0
    z = np.where(kept, s, 0)
    e = z @ D + c - x
    g = 2 * e / len(x)
    ds = np.where(kept, g @ D.T, 0)
    return (e**2).sum(1).mean(), {"W_enc": ds.T @ y, "W_dec": z.T @ g, "b_enc": ds.sum(0), "b_dec": g.sum(0) - ds.sum(0) @ E}


@pytest.mark.parametrize("unit_norm", (False, True))
def test_steps_are_those_of_adam(x, unit_norm):
    model = make(unit_norm=unit_norm, rate=0.01)
    assert set(model.parameters) == {"W_enc", "W_dec", "b_enc", "b_dec"}
    mean = {name: np.zeros(values.shape) for name, values in model.parameters.items()}
    square = {name: np.zeros(values.shape) for name, values in model.parameters.items()}
    for t in range(1, 6):
        before = {name: values.astype(float) for name, values in model.parameters.items()}
        loss, gradients = dense_topk(before, x, 4)
        told, found = model.gradient(x)
        assert told.reconstruction == pytest.approx(loss, rel=1e-5)
        for name, gradient in gradients.items():
            assert np.abs(gradient).max() > 0
            np.testing.assert_allclose(found[name], gradient, atol=2e-5 * np.abs(gradient).max())
        assert model.step(x).reconstruction == pytest.approx(loss, rel=1e-5)
        if unit_norm:
            D = before["W_dec"]
            gradients["W_dec"] -= (gradients["W_dec"] * D).sum(1, keepdims=True) * D
        for name, gradient in gradients.items():
            mean[name] = 0.9 * mean[name] + 0.1 * gradient
            square[name] = 0.999 * square[name] + 0.001 * gradient**2
            moved = before[name] - 0.01 * (mean[name] / (1 - 0.9**t)) / (np.sqrt(square[name] / (1 - 0.999**t)) + 1e-8)
            if unit_norm and name == "W_dec":
                moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            np.testing.assert_allclose(model.parameters[name], moved, atol=3e-4)
            model.parameters[name][...] = moved  # so that no difference adds up
    assert model.steps == 5


@pytest.mark.parametrize("form", FORMS)
def test_codes(x, form):
    model = make(form).fit(x, batch=100, epochs=5)
    codes = model.encode(x)
    dense = codes.dense()
    assert (codes.value > 0).all() and len(codes) == 300 and dense.shape == (300, 120)
    assert all((np.diff(codes.feature[a:b]) > 0).all() for a, b in zip(codes.start, codes.start[1:]))
    np.testing.assert_allclose(model.decode(codes), dense @ model.parameters["W_dec"] + model.parameters["b_dec"], atol=2e-4)
    assert np.array_equal(model.decode(codes), model.decode(dense))
    assert np.array_equal(model.reconstruct(x), model.decode(codes))
    report = model.report(x, most=3, batch=300)
    error = ((model.decode(codes) - x) ** 2).sum()
    assert report.loss == pytest.approx(error / 300, rel=1e-5)
    assert report.explained_variance == pytest.approx(1 - error / ((x - x.mean(0)) ** 2).sum(), rel=1e-4)
    assert report.open == len(codes.value) / 300
    assert np.array_equal(report.counts(), (dense > 0).sum(0)) and report.dead == ((dense > 0).sum(0) == 0).sum()
    feature = int(codes.feature[0])
    top = report.feature(feature)
    assert top.value == sorted(dense[:, feature][dense[:, feature] > 0].tolist(), reverse=True)[:3]
    assert [dense[row, feature] for row in top.row] == top.value


def test_sources_are_equal(x, tmp_path):
    np.save(tmp_path / "a-0.npy", x[:200])
    np.save(tmp_path / "a-1.npy", x[200:].astype(np.float64))
    sources = [x, str(tmp_path / "a-*.npy"), [tmp_path / "a-0.npy", tmp_path / "a-1.npy"], lambda: iter((x[:100], x[100:]))]
    reports = [make().report(source, batch=100) for source in sources]
    assert all(report == reports[0] for report in reports[1:])
    by_function = make().fit(sources[3], batch=100)
    assert by_function.steps == 3
    seen = []
    make().fit(sources[1], batch=100, steps=5, callback=lambda step, losses: seen.append((step, losses.open)))
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5]
    stopped = make().fit(x, batch=100, epochs=9, callback=lambda step, losses: step < 2)
    assert stopped.steps == 2
    with pytest.raises(FileNotFoundError, match="nothing"):
        make().fit(str(tmp_path / "nothing-*.npy"))
    with pytest.raises(ValueError, match="24"):
        make().step(x[:, :20])
    with pytest.raises(TypeError, match="no setting depth"):
        make(depth=3)
    with pytest.raises(weir.errors.DivergedError, match="step 1"):
        make().step(np.full((3, 24), np.nan, np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_files(x, form, tmp_path):
    model = make(form).fit(x, batch=100)
    model.save(tmp_path / "one", state=True)
    other = weir.SparseAutoencoder.load(tmp_path / "one")
    assert other.settings == model.settings and other.steps == 3
    for _ in range(2):
        model.step(x), other.step(x)
    for name, values in model.parameters.items():
        assert np.array_equal(values, other.parameters[name])


def test_views_outlive_the_autoencoder(x):
    values = make().parameters["W_dec"][3]
    np.testing.assert_allclose(np.linalg.norm(values), 1, rtol=1e-5)


def test_bytes_choose_the_same_features(x):
    plain, whole = make(), make(scores="int8")
    for _ in range(5):
        a, b = plain.step(x), whole.step(x)
        assert b.total == pytest.approx(a.total, rel=1e-3)
    codes, others = plain.encode(x), whole.encode(x)
    assert np.mean(codes.dense() > 0) == np.mean(others.dense() > 0)
