# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""StochasticUnit and estimate beside exact enumeration and autograd."""

from __future__ import annotations

import copy
import io
import itertools

import pytest

torch = pytest.importorskip("torch")

import weir.torch as wt  # noqa: E402
from weir.torch._units import parsed  # noqa: E402
from weir import errors  # noqa: E402
from weir._native import lib, text  # noqa: E402

NAMES = [text(lib.weir_rule_at(k).name) for k in range(lib.weir_rule_count())]
TRAITS = {name: lib.weir_rule_find(name.encode()).traits for name in NAMES}
OF_LOSSES = [n for n in NAMES if TRAITS[n] & lib.WEIR_TRAIT_USES_LOSS]
OF_GRADIENTS = [n for n in NAMES if not TRAITS[n] & lib.WEIR_TRAIT_USES_LOSS]
BOUND = lib.WEIR_TRAIT_BOUND  # of several samples: another objective
EXACT = [n for n in NAMES if TRAITS[n] & lib.WEIR_TRAIT_UNBIASED and TRAITS[n] & lib.WEIR_TRAIT_BINARY and not TRAITS[n] & BOUND
         and lib.weir_unit_variable(parsed(n)) == 1]


def loss_of(weights):
    return lambda h: ((h * weights).sum(-1) - 0.7) ** 2


def exact(logits, loss_fn):
    """∂E L/∂logits of Bernoulli units, from all outcomes."""
    a = logits.detach().double().requires_grad_()
    p = torch.sigmoid(a)
    h = torch.tensor(list(itertools.product((0.0, 1.0), repeat=a.numel())), dtype=torch.float64)
    chance = (h * p + (1 - h) * (1 - p)).prod(-1)
    (gradient,) = torch.autograd.grad((chance * loss_fn(h)).sum(), a)
    return gradient.float()


@pytest.mark.parametrize("name", EXACT)
def test_unbiased_rules_are_exact_on_average(name):
    """Within 5 standard errors of the mean over rows that are draws of one vector of logits."""
    torch.manual_seed(1)
    row, weights = torch.tensor([0.3, -0.8, 1.1]), torch.tensor([1.0, -2.0, 0.5])
    logits = row.repeat(4000, 1).requires_grad_()
    unit = wt.StochasticUnit(name)
    unit.loss(logits, loss_of(weights)).sum().backward()
    mean, error = logits.grad.mean(0), logits.grad.std(0) / 4000**0.5
    assert ((mean - exact(row, loss_of(weights.double()))).abs() <= 5 * error + 1e-5).all()


@pytest.mark.parametrize("name", NAMES)
def test_loss_teaches_what_is_in_it(name):
    """The parameters of the loss get the gradient that autograd has for the merged loss; the logits get one, too."""
    torch.manual_seed(2)
    logits, weights = torch.randn(5, 4, requires_grad=True), torch.randn(4, requires_grad=True)
    seen = []

    def loss_fn(h):
        assert h.shape[1:] == (5, 4)
        seen.append(loss_of(weights)(h))
        return seen[-1]

    loss = wt.estimate(logits, loss_fn, rule=name)
    assert loss.shape == (5,) and len(seen) == 1
    loss.sum().backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad != 0).any() and (weights.grad != 0).any()
    if len(seen[0]) == 1:
        torch.testing.assert_close(loss, seen[0].mean(0))


@pytest.mark.parametrize("name", OF_LOSSES)
def test_nan_logits_give_no_plausible_loss(name):
    """Also where the loss compares its outputs, for which NaN is as good as closed: NaN in that row, or an error."""
    logits = torch.zeros(3, 4)
    logits[1, 2] = float("nan")
    slope = torch.ones(4, requires_grad=True)  # what rules that read a derivative differentiate
    try:
        loss = wt.estimate(logits.requires_grad_(), lambda h: (torch.where(h > 0.5, h, 0 * slope)).nansum(-1), rule=name)
    except errors.DivergedError:
        return
    assert torch.isnan(loss).tolist() == [False, True, False]


def test_bound_of_vimco():
    """log-mean-exp of the samples, and its derivative."""
    logits, weights = torch.zeros(3, 2, requires_grad=True), torch.randn(2, requires_grad=True)
    seen = []
    loss = wt.estimate(logits, lambda h: seen.append(loss_of(weights)(h)) or seen[-1], rule="vimco:samples=4")
    bound = -(torch.logsumexp(-seen[0], 0) - torch.log(torch.tensor(4.0)))
    torch.testing.assert_close(loss, bound)
    (ours,) = torch.autograd.grad(loss.sum(), weights, retain_graph=True)
    (theirs,) = torch.autograd.grad(bound.sum(), weights)
    torch.testing.assert_close(ours, theirs)


def test_weights_of_rows_reach_the_logits():
    """What follows the loss scales the gradient of its row, as of any function."""
    logits = torch.randn(4, 3, requires_grad=True)
    scale = torch.tensor([0.0, 1.0, 2.0, -3.0])
    gradients = []
    for factor in (torch.ones(4), scale):
        torch.manual_seed(3)
        (g,) = torch.autograd.grad((factor * wt.estimate(logits, loss_of(torch.ones(3)), "rloo")).sum(), logits)
        gradients.append(g)
    torch.testing.assert_close(gradients[1], scale[:, None] * gradients[0])


def test_a_black_box():
    """A loss that PyTorch cannot differentiate: NumPy. A rule that would read its derivative says so."""

    def simulator(h):
        return torch.from_numpy((h.numpy().sum(-1) - 1) ** 2)

    logits = torch.zeros(64, 3, requires_grad=True)
    wt.estimate(logits, simulator, rule="disarm").mean().backward()
    assert (logits.grad != 0).any()
    with pytest.raises(ValueError, match="this loss has none"):
        wt.estimate(logits, lambda h: simulator(h.detach()), rule="rebar")


@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_layers(name):
    """Rules that read ∂L/∂h are layers: the gradient is that of ``loss`` with the same draws."""
    torch.manual_seed(4)
    unit, weights = wt.StochasticUnit(name), torch.randn(6)
    a = torch.randn(5, 6, requires_grad=True)
    torch.manual_seed(5)
    h = unit(a)
    (as_layer,) = torch.autograd.grad(loss_of(weights)(h).sum(), a)
    torch.manual_seed(5)
    if unit.steps is not None:
        unit.steps.zero_()
    (as_loss,) = torch.autograd.grad(unit.loss(a, loss_of(weights)).sum(), a)
    torch.testing.assert_close(as_layer, as_loss)


def test_straight_through_and_reinmax():
    """Beside their formulas: σ'(a)·dh, and 2·σ'((logit of (σ + h)/2))-weighted dh less half of it."""
    a, dh = torch.randn(50, 40, requires_grad=True), torch.randn(50, 40)
    p = torch.sigmoid(a.detach())
    h = wt.StochasticUnit("straight-through:derivative=sigmoid")(a)
    assert ((h == 0) | (h == 1)).all() and abs(h.mean() - p.mean()) < 0.05
    torch.testing.assert_close(torch.autograd.grad(h, a, dh)[0], p * (1 - p) * dh)
    h = wt.StochasticUnit("reinmax")(a)
    q = (p + h.detach()) / 2
    torch.testing.assert_close(torch.autograd.grad(h, a, dh)[0], (2 * q * (1 - q) - p * (1 - p) / 2) * dh)


def test_modes():
    a = torch.tensor([[-2.0, 0.5, 3.0]])
    unit = wt.StochasticUnit("rloo", threshold=1.0).eval()
    assert torch.equal(unit(a), torch.tensor([[0.0, 0.0, 1.0]]))
    torch.testing.assert_close(wt.StochasticUnit("rloo", test="expect").eval()(a), torch.sigmoid(a))
    drawn = wt.StochasticUnit("rloo", test="draw").eval()(a.repeat(4000, 1))
    assert ((drawn.mean(0) - torch.sigmoid(a[0])).abs() < 0.05).all()
    assert unit.loss(a, loss_of(torch.ones(3))).shape == (1,)


def test_draws_follow_the_generator():
    unit, a = wt.StochasticUnit("gumbel-rao"), torch.randn(20, 30, requires_grad=True)
    torch.manual_seed(6)
    first, second = unit(a), unit(a)
    assert not torch.equal(first, second)
    torch.manual_seed(6)
    assert torch.equal(unit(a), first)
    from torch.utils.checkpoint import checkpoint

    dh = torch.randn(20, 30)
    torch.manual_seed(7)
    (plain,) = torch.autograd.grad(unit(a * 2), a, dh)
    torch.manual_seed(7)
    h = checkpoint(lambda z: unit(z * 2), a, use_reentrant=False)
    torch.manual_seed(99)
    (again,) = torch.autograd.grad(h, a, dh)
    torch.testing.assert_close(plain, again, rtol=1e-3, atol=1e-4)


def test_state_is_kept_and_copied():
    """Baselines move with each loss, go through state_dict, and are not shared by a copy."""
    unit = wt.StochasticUnit("reinforce")
    a = torch.randn(5, 3, requires_grad=True)
    unit.loss(a, lambda h: h.sum(-1) + 10)
    first = unit.state.clone()
    twin = copy.deepcopy(unit)
    unit.loss(a, lambda h: h.sum(-1) + 10)
    assert not torch.equal(unit.state, first) and torch.equal(twin.state, first)
    file = io.BytesIO()
    torch.save(unit.state_dict(), file)
    file.seek(0)
    fresh = wt.StochasticUnit("reinforce")
    fresh.load_state_dict(torch.load(file))
    assert torch.equal(fresh.state, unit.state)
    with torch.no_grad():
        unit.loss(a, lambda h: h.sum(-1))
    assert torch.equal(fresh.state, unit.state)  # nothing learns: nothing moves
    with pytest.raises(errors.DivergedError, match="not finite"):
        unit.loss(a, lambda h: h.sum(-1) * float("nan"))
    assert torch.isfinite(unit.state).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", ["straight-through", "rloo", "reinforce", "slope-annealed"])
def test_without_gradients(mode, name):
    unit = wt.StochasticUnit(name)
    with mode():
        a = torch.randn(5, 3)
        assert unit(a).shape == a.shape
        assert unit.loss(a, loss_of(torch.ones(3))).shape == (5,)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_and_shapes(name):
    a = torch.randn(2, 5, 3, dtype=torch.bfloat16, requires_grad=True)
    unit = wt.StochasticUnit(name)
    loss = unit.loss(a, lambda h: (h * h).sum(-1))
    assert loss.shape == (2, 5) and loss.dtype == torch.bfloat16
    loss.sum().backward()
    assert a.grad.dtype == torch.bfloat16 and torch.isfinite(a.grad).all()
    assert unit.eval()(a).dtype == torch.bfloat16


def test_bad_input():
    a = torch.randn(5, 3, requires_grad=True)
    with pytest.raises(errors.NotFoundError, match="rloo"):
        wt.StochasticUnit("rlo")
    with pytest.raises(errors.ArgumentError, match="samples"):
        wt.StochasticUnit("rloo:samples=1")
    with pytest.raises(ValueError, match="expected one of draw, decide, expect"):
        wt.StochasticUnit("rloo", test="mean")
    with pytest.raises(TypeError, match=r"unit.loss\(logits, loss_fn\)"):
        wt.StochasticUnit("rloo")(a)
    with pytest.raises(ValueError, match=r"expected \(2, 5\), one of each row"):
        wt.estimate(a, lambda h: h.sum(), "rloo")
    with pytest.raises(ValueError, match="too often"):
        wt.estimate(torch.zeros(2, 100, requires_grad=True), lambda h: h.sum(-1), "exact")


def test_black_boxes_may_count():
    """A loss of integers, and one that a simulator gives as a NumPy array, are losses like others."""
    logits = torch.zeros(32, 6, requires_grad=True)
    wt.estimate(logits, lambda h: (h != 1).sum(-1), rule="rloo:samples=4").sum().backward()
    assert logits.grad is not None and bool((logits.grad != 0).any())
    losses = wt.estimate(logits, lambda h: h.numpy().sum(-1), rule="rloo:samples=4")
    assert losses.shape == (32,)
