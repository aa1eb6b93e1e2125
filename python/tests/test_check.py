# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""lab.check: estimators of one's own, right and wrong ones, beside the gradient by enumeration."""

import numpy as np
import pytest

import weir
from weir import lab


def coins(logits):
    p = 1 / (1 + np.exp(-logits))
    return p, (np.random.random(p.shape) < p).astype(float)


def score_function(logits, loss):
    p, h = coins(logits)
    return loss(h)[:, None] * (h - p)


def leave_one_out(logits, loss):
    p, h = coins(np.stack([logits, logits]))
    f = loss(h)
    return 0.5 * (f[0] - f[1])[:, None] * (h[0] - h[1])


def half(logits, loss):
    p, h = coins(logits)
    return loss.gradient(h) * np.abs(h - p) / 2


def judged(estimate, **options):
    return lab.check(estimate, **{"draws": 20000, "quiet": True, **options})


def test_right_ones_hold_with_the_laboratorys_variance(capsys):
    found = lab.check(score_function, evaluations=1, draws=20000)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["estimator", "draw", "unbiased", "evals", "bias", "scale", "variance", "var·ev", "z", "result"]
    assert printed[1].split()[:5] == ["score_function", "bernoulli", "yes", "1", "0"] and printed[1].endswith("holds")
    assert found.gradient == pytest.approx([0.29906266, -0.25536991, 0.09158297, 0.63884361], abs=1e-7)
    assert found.variance == pytest.approx(6.660, rel=0.1) and found.draws == 20000
    assert found.scale == pytest.approx(1, abs=0.1)
    found = judged(leave_one_out, evaluations=2, name="RLOO")
    assert (found.rule, found.result, found.evaluations) == ("RLOO", "holds", 2)
    assert found.variance == pytest.approx(2.092, rel=0.1)
    assert capsys.readouterr().out == ""


def test_wrong_ones_do_not():
    assert judged(lambda logits, loss: 1.3 * leave_one_out(logits, loss)).result == "MEAN"
    found = judged(lambda logits, loss: 0.5 * leave_one_out(logits, loss))
    assert found.result == "MEAN" and found.scale == pytest.approx(0.5, abs=0.05) and found.z > 10
    assert judged(lambda logits, loss: 0 * score_function(logits, loss)).result == "MEAN"
    assert judged(half).result == "MEAN"
    assert judged(half, unbiased=False).result == "NOT JUDGED"
    assert judged(leave_one_out, evaluations=1).result == "EVALUATIONS"
    assert judged(lambda logits, loss: np.nan * leave_one_out(logits, loss)).result == "NOT FINITE"
    assert np.isnan(judged(half, unbiased=False).z)


def test_the_mean_of_a_rule():
    found = judged(half, rule="half")
    assert (found.result, found.unbiased) == ("holds", False)
    assert found.bias == pytest.approx(0.053, abs=0.02) and found.variance == pytest.approx(0.2778, rel=0.1)
    assert judged(half, rule="straight-through").result == "MEAN"
    assert judged(leave_one_out, rule="rloo:samples=2").unbiased


def test_dependent_rows_are_no_independent_ones():
    """One draw for all rows of a call: the mean of a call is no better than one estimate, which the error must say."""

    def shared(logits, loss):
        return np.repeat(score_function(logits[:1], loss), len(logits), 0)

    found, own = judged(shared), judged(score_function)
    assert found.noise > 5 * own.noise and found.result == "holds"


def test_other_draws():
    def one_of(logits, loss):
        rows, units = logits.shape
        a = logits.reshape(rows, -1, 3)
        p = np.exp(a) / np.exp(a).sum(-1, keepdims=True)
        chosen = (np.random.random((*p.shape[:2], 1)) > p.cumsum(-1)).sum(-1)
        h = np.eye(3)[chosen]
        return loss(h.reshape(rows, units))[:, None] * (h - p).reshape(rows, units)

    found = judged(one_of, draw="one-of,of=3")
    assert found.result == "holds" and found.draw == "one-of" and len(found.mean) == 6


@pytest.mark.parametrize("draw,units", [("bernoulli", 3), ("one-of,of=3", 6), ("k-subset,of=4,k=2", 4), ("gumbel-top-k,of=4,k=2", 4)])
def test_enumeration_agrees_with_differences(draw, units):
    """A loss of one's own: the exact gradient is that of Σ P(h)·L(h), P by formulas of the test's own."""
    logits = np.linspace(-1, 1.5, units)

    def loss(h):
        return ((h - np.linspace(0, 0.7, units)) ** 2).sum(-1) ** 2

    def mean(a):
        import itertools

        total = 0.0
        for bits in itertools.product([0, 1], repeat=units):
            h, w = np.array(bits), np.exp(a)
            if draw == "bernoulli":
                chance = np.prod(np.where(h == 1, 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(a))))
            elif draw.startswith("one-of"):
                if any(h[k : k + 3].sum() != 1 for k in (0, 3)):
                    continue
                chance = np.prod([(w[k : k + 3] * h[k : k + 3]).sum() / w[k : k + 3].sum() for k in (0, 3)])
            elif h.sum() != 2:
                continue
            elif draw.startswith("k-subset"):
                chance = np.prod(w[h == 1]) / sum(w[i] * w[j] for i, j in itertools.combinations(range(units), 2))
            else:
                chance = sum(w[i] / w.sum() * w[j] / (w.sum() - w[i]) for i, j in itertools.permutations(np.flatnonzero(h)))
            total += chance * float(loss(h[None].astype(float))[0])
        return total

    found = judged(lambda a, f: 0 * a, draw=draw, logits=logits, loss=loss, draws=2000)
    steps = 1e-5 * np.eye(units)
    assert found.gradient == pytest.approx([(mean(logits + s) - mean(logits - s)) / 2e-5 for s in steps], abs=1e-5)
    assert found.result == "MEAN"


def test_tables():
    found = [judged(score_function), judged(half, unbiased=False)]
    lines = lab.table(found, markdown=True).splitlines()
    assert len(lines) == 4 and lines[1].startswith("| --- |") and lines[3].startswith("| half | bernoulli | no |")


def test_mistakes_have_messages(network):
    with pytest.raises(TypeError, match="gradient_check"):
        lab.check(network)
    with pytest.raises(ValueError, match="framework is 'jax'; expected numpy or torch"):
        judged(half, framework="jax")
    with pytest.raises(ValueError, match=r"expected a gradient \[100, 4\]"):
        judged(lambda logits, loss: loss(logits))
    with pytest.raises(ValueError, match=r"outputs of shape \[...\]\[4\], not \[100, 2\]"):
        judged(lambda logits, loss: loss(logits[:, :2]))
    with pytest.raises(ValueError, match="at least 20 calls"):
        judged(half, draws=1000)
    with pytest.raises(ValueError, match="give a loss, too"):
        judged(half, logits=[0.0])
    with pytest.raises(ValueError, match="leave out the loss"):
        judged(half, logits=[0.0], loss=lambda h: h.sum(-1), rule="half")
    with pytest.raises(ValueError, match="cannot be enumerated"):
        judged(half, logits=np.zeros(40), loss=lambda h: h.sum(-1))
    with pytest.raises(weir.errors.NotFoundError, match="one-off"):
        judged(half, draw="one-off")


def test_the_callers_random_numbers_stay():
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    judged(score_function, draws=2000)
    assert np.random.random(3) == pytest.approx(expected, abs=0)


# ---- PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_torch_by_autograd(torch):
    def surrogate(logits, loss):
        coin = torch.distributions.Bernoulli(logits=logits)
        h = coin.sample()
        return loss(h) * coin.log_prob(h).sum(-1)

    def backward(logits, loss):
        surrogate(logits, loss).sum().backward()

    options = {"framework": "torch", "draws": 5000, "evaluations": 1}
    one = judged(surrogate, **options)
    assert one.result == "holds" and one.variance == pytest.approx(6.66, rel=0.2)
    for other in (backward, lambda logits, loss: surrogate(logits, loss).sum()):
        assert judged(other, **options).mean == pytest.approx(one.mean, abs=1e-12)

    def straight_through(logits, loss):
        p = torch.sigmoid(logits)
        return loss(torch.bernoulli(p) - p.detach() + p)

    assert judged(straight_through, rule="straight-through:derivative=sigmoid", **options).result == "holds"


def test_torch_mistakes_and_own_losses(torch):
    with pytest.raises(ValueError, match="autograd can differentiate"):
        judged(lambda logits, loss: loss(logits).detach(), framework="torch")
    with pytest.raises(ValueError, match="no gradient of the logits"):
        judged(lambda logits, loss: None, framework="torch")
    before = torch.random.get_rng_state()
    found = judged(
        lambda logits, loss: 0 * logits, framework="torch", logits=[0.0, 1.0], loss=lambda h: ((h - 0.3) ** 2).sum(-1), draws=2000
    )
    p = 1 / (1 + np.exp(-np.array([0.0, 1.0])))
    assert found.gradient == pytest.approx(p * (1 - p) * 0.4, abs=1e-6)
    assert torch.equal(before, torch.random.get_rng_state())
