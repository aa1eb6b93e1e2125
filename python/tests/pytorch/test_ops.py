# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The operators: opcheck of each, torch.compile(fullgraph=True) beside eager calls, export."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

import weir.torch as wt  # noqa: E402

OPS = torch.ops.weir


def operands(in_block):
    layer = wt.GatedLinear(12, 16, 4, in_block=in_block)
    in_gates = None if in_block is None else (torch.rand(5, 12 // in_block) < 0.5).float()
    return layer, torch.randn(5, 12, requires_grad=True), torch.rand(5, 4).requires_grad_(), in_gates


def calls():
    """A call of each operator, by name."""
    torch.manual_seed(0)
    for in_block in (None, 3):
        layer, x, gates, in_gates = operands(in_block)
        how = (4, in_block or 0)
        dy = torch.randn(5, 16)
        y = layer(x, gates, in_gates).detach()
        plain = [t if t is None else t.detach() for t in (x, layer.weight, gates, in_gates)]
        yield OPS.gated_linear, (x, layer.weight, layer.bias, gates, in_gates, *how)
        yield OPS.gated_linear, (plain[0], layer.weight, None, *plain[2:], *how)
        yield OPS.gated_linear_backward, (dy, *plain, y, *how, True, True, True, True)
        yield OPS.gated_linear_backward, (dy, *plain, None, *how, False, True, False, False)
    a = torch.randn(6, 4)
    seed, step = torch.tensor(5), torch.tensor(0)
    yield OPS.unit_sample, (a.clone().requires_grad_(), seed, step, None, "straight-through")
    for rule in ("arm", "rloo:samples=3", "exact", "reinforce", "rebar"):
        state = OPS.unit_state(a, rule)
        yield OPS.unit_state, (a, rule)
        state = state if state.numel() else None
        yield OPS.unit_sample, (a, seed, step, state, rule)
        h, saved = OPS.unit_sample(a, seed, step, state, rule)
        losses, dh = torch.rand(h.shape[:2]), torch.rand(h.shape)
        yield OPS.unit_merge, (a, h, saved, losses, rule)
        if state is None:
            yield OPS.unit_backward, (a, h, saved, dh, losses, seed, step, rule)
        else:
            yield OPS.unit_backward_moving, (a, h, saved, state, dh, losses, seed, step, rule)
    yield OPS.unit_output, (a, seed, "rloo", "decide", 0.0)


def test_opcheck():
    count = 0
    for op, arguments in calls():
        results = torch.library.opcheck(op.default, arguments)
        assert set(results.values()) == {"SUCCESS"}, (op, results)
        count += len(results)
    print(f"opcheck: {count} checks of {len(list(calls()))} calls pass")


def test_opcheck_of_steps():
    """Weights move behind a number, so that a check that calls the operator several times is of its declarations."""
    layer, x, gates, _ = operands(None)
    optimizer = wt.SGD(layer, lr=0.1)
    number, clock = layer._stepper_number, layer._clock
    torch.library.opcheck(OPS.gated_linear_moving.default, (x.detach(), layer.weight.detach(), layer.bias.detach(),
                                                            gates.detach(), None, 4, 0, clock, number))
    arguments = (torch.randn(5, 16), x.detach(), gates.detach(), None, None, 4, 0, True, False, clock, clock.clone(), number)
    torch.library.opcheck(OPS.gated_linear_step.default, arguments, test_utils=("test_schema", "test_faketensor"))
    del optimizer


def same(compiled, eager, inputs, dy=None):
    a, b = compiled(), eager()
    torch.testing.assert_close(a, b)
    for g, e in zip(torch.autograd.grad(a, inputs, dy), torch.autograd.grad(b, inputs, dy)):
        torch.testing.assert_close(g, e)


@pytest.mark.parametrize("in_block", [None, 3])
def test_compiled_layer(in_block):
    torch._dynamo.reset()
    layer, x, gates, in_gates = operands(in_block)
    compiled = torch.compile(layer, fullgraph=True)
    for rows in (5, 7, 9):  # from the second size on: dynamic shapes
        x, gates = torch.randn(rows, 12, requires_grad=True), torch.rand(rows, 4).requires_grad_()
        in_gates = None if in_block is None else (torch.rand(rows, 4) < 0.5).float()
        same(lambda: compiled(x, gates, in_gates), lambda: layer(x, gates, in_gates), [x, gates, *layer.parameters()],
             torch.randn(rows, 16))


def test_compiled_network_with_steps_in_backward():
    """The same bits as the eager steps, and no gradient is stored."""
    torch._dynamo.reset()
    torch.manual_seed(1)
    ours = wt.GatedMLP(12, 16, 6, 4)
    theirs = copy.deepcopy(ours)
    optimizers = [wt.SGD(m, lr=0.1, momentum=0.5) for m in (ours, theirs)]
    compiled = torch.compile(ours, fullgraph=True)
    before = ours.up.weight.detach().clone()
    for _ in range(3):
        x, gates = torch.randn(5, 12), (torch.rand(5, 4) < 0.7).float()
        for model, optimizer in zip((compiled, theirs), optimizers):
            model(x, gates).square().sum().backward()
            optimizer.step()
    assert not torch.equal(ours.up.weight, before) and ours.up.weight.grad is None
    for a, b in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(a, b)


def test_compiled_steps_are_guarded():
    torch._dynamo.reset()
    layer = wt.GatedLinear(12, 12, 4)
    optimizer = wt.SGD(layer, lr=0.1)
    compiled = torch.compile(lambda x, g: layer(layer(x, g), g).sum(), fullgraph=True)
    with pytest.raises(RuntimeError, match="have moved since"):
        compiled(torch.randn(5, 12, requires_grad=True), torch.ones(5, 3)).backward()
    del optimizer


@pytest.mark.parametrize("rule", ["straight-through", "st-gumbel", "noisy-rectifier"])
def test_compiled_unit(rule):
    torch._dynamo.reset()
    unit = wt.StochasticUnit(rule)
    compiled = torch.compile(lambda z: unit(z).square().sum(), fullgraph=True)
    a = torch.randn(7, 4, requires_grad=True)
    compiled(a).backward()
    assert torch.isfinite(a.grad).all() and (a.grad != 0).any()
    if unit.steps is not None:
        assert int(unit.steps) == 1


@pytest.mark.parametrize("rule", ["rloo", "reinforce", "rebar", "vimco"])
def test_compiled_loss(rule):
    torch._dynamo.reset()
    unit = wt.StochasticUnit(rule, units=4)
    weights = torch.randn(4, requires_grad=True)
    state = None if unit.state is None else unit.state.clone()
    compiled = torch.compile(lambda z: unit.loss(z, lambda h: ((h * weights).sum(-1) - 1) ** 2).mean(), fullgraph=True)
    a = torch.randn(50, 4, requires_grad=True)
    compiled(a).backward()
    assert (a.grad != 0).any() and (weights.grad != 0).any()
    if state is not None:
        assert not torch.equal(unit.state, state)


def test_compiled_estimate():
    torch._dynamo.reset()
    compiled = torch.compile(lambda z: wt.estimate(z, lambda h: (h.sum(-1) - 1) ** 2, "rloo").mean(), fullgraph=True)
    a = torch.randn(50, 4, requires_grad=True)
    compiled(a).backward()
    assert (a.grad != 0).any()


def test_export():
    layer = wt.GatedLinear(12, 16, 4)
    x, gates = torch.randn(5, 12), torch.rand(5, 4)
    program = torch.export.export(layer, (x, gates))
    assert torch.equal(program.module()(x, gates), layer(x, gates))
