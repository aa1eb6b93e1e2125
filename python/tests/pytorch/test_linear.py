# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""GatedLinear, GatedMLP and SGD beside masked dense layers of PyTorch."""

from __future__ import annotations

import copy
import io
import threading
import warnings

import pytest

torch = pytest.importorskip("torch")

import weir.torch as wt  # noqa: E402
from weir.torch import _layer  # noqa: E402

FORMS = [(24, 40, 8, None), (24, 37, 7, None), (24, 40, None, 6), (24, 40, 8, 6), (5, 9, 1, None), (16, 16, 16, 16)]


def drawn(rows, layer, share=0.5, dtype=torch.float32):
    """An input, gates of either side (None where dense; not only 0 and 1), and a gradient of the output."""
    x = torch.randn(rows, layer.in_features).to(dtype).requires_grad_()
    gates = in_gates = None
    if layer.block:
        gates = torch.randn(rows, layer.blocks) * (torch.rand(rows, layer.blocks) < share)
        gates.requires_grad_()
    if layer.in_block:
        in_gates = (torch.rand(rows, layer.in_blocks) < share).float()
    return x, gates, in_gates, torch.randn(rows, layer.out_features).to(dtype)


def spread(gates, block, width):
    return 1.0 if gates is None else gates.repeat_interleave(block, -1)[..., :width]


def masked(layer, x, gates, in_gates):
    """The layer as one writes it without skipping."""
    x = x * spread(in_gates, layer.in_block, layer.in_features)
    y = x.float() @ layer.matrix().float().T
    if layer.bias is not None:
        y = y + layer.bias.float()
    return (y * spread(gates, layer.block, layer.out_features)).to(x.dtype)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias", [True, False])
def test_forward_and_gradients(form, bias):
    torch.manual_seed(1)
    *sizes, block, in_block = form
    layer = wt.GatedLinear(*sizes, block, in_block=in_block, bias=bias)
    x, gates, in_gates, dy = drawn(11, layer)
    wanted = [t for t in (x, layer.weight, layer.bias, gates) if t is not None]
    y, want = layer(x, gates, in_gates), masked(layer, x, gates, in_gates)
    torch.testing.assert_close(y, want)
    got = torch.autograd.grad(y, wanted, dy)
    expected = list(torch.autograd.grad(want, wanted, dy))
    if gates is not None:
        expected[-1] = expected[-1] * (gates != 0)  # a closed block is not computed
    for g, e in zip(got, expected):
        torch.testing.assert_close(g, e, rtol=1e-4, atol=1e-5)


def test_closed_blocks_are_not_read():
    layer = wt.GatedLinear(6, 8, 4)
    with torch.no_grad():
        layer.weight[4:] = float("nan")
    gates = torch.tensor([[1.0, 0.0], [2.0, 0.0]], requires_grad=True)
    x = torch.randn(2, 6, requires_grad=True)
    y = layer(x, gates)
    y.sum().backward()
    assert torch.isfinite(y).all() and (y[:, 4:] == 0).all()
    assert torch.isfinite(x.grad).all() and torch.isfinite(layer.weight.grad).all()
    assert (layer.weight.grad[4:] == 0).all() and (gates.grad[:, 1] == 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_gradcheck(form):
    """In float32, with wide steps: the layer is linear in each of its arguments, so that these cost no accuracy."""
    torch.manual_seed(2)
    *sizes, block, in_block = form
    layer = wt.GatedLinear(*sizes, block, in_block=in_block)
    x, gates, in_gates, _ = drawn(3, layer)
    if gates is not None:  # closed gates have no gradient: as a function of the open ones
        where = (gates != 0).nonzero(as_tuple=True)
        some = gates.detach()[where].requires_grad_()

        def function(x, weight, bias, some):
            g = torch.zeros(gates.shape).index_put(where, some)
            return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x, g, in_gates))

        inputs = (x, layer.weight, layer.bias, some)
    else:

        def function(x, weight, bias):
            return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x, None, in_gates))

        inputs = (x, layer.weight, layer.bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "not a double precision floating point"
        torch.autograd.gradcheck(function, inputs, eps=0.125, atol=2e-3, rtol=1e-3, fast_mode=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_moves_as_the_gradient_says(form, momentum):
    """Where every block is open in some row, the step in backward is that of torch.optim.SGD."""
    torch.manual_seed(3)
    *sizes, block, in_block = form
    ours = wt.GatedLinear(*sizes, block, in_block=in_block)
    theirs = copy.deepcopy(ours)
    fused = wt.SGD(ours, lr=0.1, momentum=momentum)
    plain = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum)
    for turn in range(4):
        x, gates, in_gates, dy = drawn(40, ours, 0.9)
        for layer, optimizer in ((ours, fused), (theirs, plain)):
            optimizer.zero_grad()
            layer(x, gates, in_gates).backward(dy)
            optimizer.step()
        assert ours.weight.grad is None and ours.bias.grad is None
        for group in (*fused.param_groups, *plain.param_groups):
            group["lr"] *= 0.5  # a scheduler's doing
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.bias, theirs.bias, rtol=1e-4, atol=1e-5)
    for a, b in zip(ours.parameters(), theirs.parameters()):
        if momentum:
            torch.testing.assert_close(fused.state[a]["momentum_buffer"], plain.state[b]["momentum_buffer"], rtol=1e-4,
                                       atol=1e-4)


def test_sgd_leaves_closed_blocks_alone():
    layer = wt.GatedLinear(6, 8, 4)
    optimizer = wt.SGD(layer, lr=0.1, momentum=0.9)
    before = layer.weight.detach().clone()
    x = torch.randn(3, 6)
    layer(x, torch.ones(3, 2)).sum().backward()  # v is not 0 from here on
    middle = layer.weight.detach().clone()
    layer(x, torch.tensor([[1.0, 0.0]] * 3)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, middle)
    assert torch.equal(layer.weight[4:], middle[4:]) and not torch.equal(layer.weight[:4], middle[:4])


def test_sgd_guards_what_autograd_saved():
    """A graph that needs the old weights again is an error, never a gradient of the new ones."""
    layer = wt.GatedLinear(8, 8, 4)
    optimizer = wt.SGD(layer, lr=0.1)
    x, gates = torch.randn(3, 8, requires_grad=True), torch.ones(3, 2)
    y = layer(layer(x, gates), gates)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    y = layer(x, gates).sum()
    y.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    del optimizer
    layer(x, gates).sum().backward()  # nobody moves it any more: the gradient is where one expects it
    assert layer.weight.grad is not None


def test_sgd_state_returns_to_the_bit():
    torch.manual_seed(4)

    def made():
        layer = wt.GatedLinear(8, 8, 4, dtype=torch.bfloat16)
        return layer, wt.SGD(layer, lr=0.1, momentum=0.5)

    def step(layer, seed):
        torch.manual_seed(seed)
        x, gates, _, dy = drawn(5, layer, dtype=torch.bfloat16)
        layer(x, gates).backward(dy)

    first, optimizer = made()
    for seed in range(3):
        step(first, seed)
    file = io.BytesIO()
    torch.save([first.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    second, again = made()
    for target, source in zip((second, again), torch.load(file)):
        target.load_state_dict(source)
    for seed in range(3, 6):
        step(first, seed)
        step(second, seed)
    assert torch.equal(first.weight, second.weight)
    for a, b in zip(first.parameters(), second.parameters()):
        for key in ("momentum_buffer", "low"):
            if key in optimizer.state[a]:
                assert optimizer.state[a][key].dtype == again.state[b][key].dtype
                assert torch.equal(optimizer.state[a][key], again.state[b][key])


def test_sgd_refuses():
    layer = wt.GatedLinear(8, 8, 4)
    with pytest.raises(ValueError, match="momentum 1"):
        wt.SGD(layer, momentum=1)
    with pytest.raises(ValueError, match="weight_decay"):
        wt.SGD(layer, params=[{"params": list(layer.parameters()), "weight_decay": 0.1}])
    with pytest.raises(ValueError, match="different groups"):
        wt.SGD(layer, params=[{"params": [layer.weight]}, {"params": [layer.bias]}])


def test_bfloat16_learns_as_float32():
    """Steps far below a bfloat16's last place add up, in the lower halves; without them nothing would move."""
    layer = wt.GatedLinear(4, 4, 2, bias=False, dtype=torch.bfloat16)
    with torch.no_grad():
        layer.weight.fill_(1)
    optimizer = wt.SGD(layer, lr=2.0**-12)
    x, gates = torch.ones(1, 4, dtype=torch.bfloat16), torch.ones(1, 2)
    for _ in range(64):
        layer(x, gates).backward(torch.full((1, 4), -1.0, dtype=torch.bfloat16))
    assert torch.equal(layer.weight, torch.full((4, 4), 1 + 2.0**-6, dtype=torch.bfloat16))
    with torch.no_grad():
        layer.weight.fill_(1)  # written by somebody else: what the lower halves knew is of no use
    layer(x, gates).backward(torch.full((1, 4), -1.0, dtype=torch.bfloat16))
    assert torch.equal(layer.weight, torch.ones(4, 4, dtype=torch.bfloat16))
    assert (optimizer.state[layer.weight]["low"] == 2**11).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("of", ["weights", "inputs", "both"])
def test_bfloat16(form, of):
    torch.manual_seed(5)
    *sizes, block, in_block = form
    layer = wt.GatedLinear(*sizes, block, in_block=in_block, dtype=torch.float32 if of == "inputs" else torch.bfloat16)
    x, gates, in_gates, dy = drawn(11, layer, dtype=torch.float32 if of == "weights" else torch.bfloat16)
    y, want = layer(x, gates, in_gates), masked(layer, x, gates, in_gates)
    assert y.dtype == x.dtype
    torch.testing.assert_close(y.float(), want.float(), rtol=0.03, atol=0.03)
    wanted = [t for t in (x, layer.weight, layer.bias) if t is not None]
    for g, e in zip(torch.autograd.grad(y, wanted, dy), torch.autograd.grad(want, wanted, dy)):
        assert g.dtype == e.dtype
        torch.testing.assert_close(g.float(), e.float(), rtol=0.05, atol=0.1)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.SparseAdam, torch.optim.Adagrad])
def test_sparse_gradients(optimizer):
    """Of the rows of open blocks; the same numbers, and the same steps as the dense ones where all are open."""
    torch.manual_seed(6)
    layer = wt.GatedLinear(12, 16, 4, sparse=True)
    dense = copy.deepcopy(layer)
    dense.sparse = False
    x, gates, _, dy = drawn(5, layer)
    with torch.no_grad():
        gates[:, 1] = 0
    for one in (layer, dense):
        one(x, gates).backward(dy)
    grad = layer.weight.grad
    assert grad.is_sparse and not ((grad.coalesce().indices() >= 4) & (grad.coalesce().indices() < 8)).any()
    assert torch.equal(grad.to_dense(), dense.weight.grad)
    before = layer.weight.detach().clone()
    optimizer([layer.weight], lr=0.1).step()
    assert torch.equal(layer.weight[4:8], before[4:8]) and not torch.equal(layer.weight, before)
    layer.zero_grad()
    layer(x, torch.zeros_like(gates)).backward(dy)
    assert layer.weight.grad.coalesce().indices().numel() == 0


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop])
def test_ordinary_optimizers(kind):
    """The next pass sees what an optimizer wrote: of tiles as of rows, there is one copy of the weights."""
    torch.manual_seed(7)
    for form in FORMS:
        *sizes, block, in_block = form
        layer = wt.GatedLinear(*sizes, block, in_block=in_block)
        optimizer = kind(layer.parameters(), lr=0.1)
        for _ in range(3):
            x, gates, in_gates, dy = drawn(6, layer)
            torch.testing.assert_close(layer(x, gates, in_gates), masked(layer, x, gates, in_gates), rtol=1e-4, atol=1e-4)
            optimizer.zero_grad()
            layer(x, gates, in_gates).backward(dy)
            optimizer.step()


@pytest.mark.parametrize("form", FORMS)
def test_copies_and_state_dict(form):
    torch.manual_seed(8)
    *sizes, block, in_block = form
    layer = wt.GatedLinear(*sizes, block, in_block=in_block)
    optimizer = wt.SGD(layer, lr=0.1)
    x, gates, in_gates, dy = drawn(6, layer, 0.9)
    layer(x, gates, in_gates).backward(dy)
    state, first = layer.state_dict(), layer.weight.detach().clone()
    assert state["weight"].shape == (layer.out_features, layer.in_features)
    assert torch.equal(state["weight"], layer.matrix())
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    other = wt.GatedLinear(*sizes, block, in_block=in_block)
    other.load_state_dict(state)  # of rows an alias, as ever: before anything moves
    for twin in (other, copy.deepcopy(layer), torch.load(file, weights_only=False)):
        assert torch.equal(twin.weight, first)
        twin.load_state_dict(layer.state_dict())
        assert torch.equal(twin(x, gates, in_gates), layer(x, gates, in_gates))
        assert twin.weight.data_ptr() != layer.weight.data_ptr()
        before = twin.weight.detach().clone()
        layer(x, gates, in_gates).backward(dy)  # moves the first one alone
        assert torch.equal(twin.weight, before) and not torch.equal(layer.weight, before)
        twin(x, gates, in_gates).backward(dy)
        assert twin.weight.grad is not None and torch.equal(twin.weight, before)
    with pytest.raises(RuntimeError, match="size mismatch"):
        layer.load_state_dict({"weight": torch.zeros(3, 3), "bias": torch.zeros(layer.out_features)})
    del optimizer


def test_initial_values_are_those_of_linear():
    for form in FORMS:
        *sizes, block, in_block = form
        torch.manual_seed(9)
        ours = wt.GatedLinear(*sizes, block, in_block=in_block)
        torch.manual_seed(9)
        theirs = torch.nn.Linear(*sizes)
        assert torch.equal(ours.matrix(), theirs.weight) and torch.equal(ours.bias, theirs.bias)


def test_meta_then_cpu():
    layer = wt.GatedLinear(8, 8, 4, device="meta")
    layer.to_empty(device="cpu").reset_parameters()
    assert torch.isfinite(layer(torch.ones(1, 8), torch.ones(1, 2))).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode):
    layer = wt.GatedLinear(8, 8, 4, in_block=2)
    x, gates, in_gates, _ = drawn(6, layer)
    want = layer(x, gates, in_gates)
    with mode():
        got = layer(x, gates, in_gates)
    assert torch.equal(got, want) and not got.requires_grad


def test_shapes():
    layer = wt.GatedLinear(8, 8, 4)
    x, gates = torch.randn(2, 3, 8), (torch.rand(2, 3, 2) < 0.5)
    torch.testing.assert_close(layer(x, gates), masked(layer, x, gates.float(), None))
    torch.testing.assert_close(layer(x[0, 0], gates[0, 0]), masked(layer, x[0, 0], gates[0, 0].float(), None))
    torch.testing.assert_close(layer(x), x @ layer.weight.T + layer.bias)
    turned = torch.randn(8, 5).T  # not contiguous
    ones = torch.ones(5, 2)
    torch.testing.assert_close(layer(turned, ones), layer(turned))
    assert layer(torch.empty(0, 8), torch.empty(0, 2)).shape == (0, 8)
    layer(torch.empty(0, 8, requires_grad=True), torch.empty(0, 2)).sum().backward()
    assert (layer.weight.grad == 0).all()
    both = wt.GatedLinear(8, 8, 4, in_block=2)
    in_gates = torch.ones(5, 4)
    torch.testing.assert_close(both(turned, None, in_gates), both(turned))
    torch.testing.assert_close(both(turned, ones), both(turned))


def test_no_copy():
    """The library reads x and the weights where they are, and writes y where the caller gets it."""
    layer = wt.GatedLinear(64, 64, 16)
    x, gates = torch.randn(32, 64), torch.ones(32, 4)
    seen = []
    real = _layer.floats

    def spy(tensor):
        seen.append(None if tensor is None else tensor.data_ptr())
        return real(tensor)

    _layer.floats = spy
    try:
        y = layer(x, gates)
    finally:
        _layer.floats = real
    for tensor in (x, layer.weight, layer.bias, gates, y):
        assert tensor.data_ptr() in seen


def test_mlp():
    torch.manual_seed(10)
    mlp = wt.GatedMLP(12, 32, 6, 8, activation=torch.nn.functional.gelu)
    x = torch.randn(9, 12, requires_grad=True)
    gates = (torch.randn(9, 4) * (torch.rand(9, 4) < 0.5)).requires_grad_()
    hidden = torch.nn.functional.gelu(x @ mlp.up.matrix().T + mlp.up.bias) * spread(gates, 8, 32)
    want = hidden @ mlp.down.matrix().T + mlp.down.bias
    y = mlp(x, gates)
    torch.testing.assert_close(y, want)
    dy = torch.randn(9, 6)
    inputs = [x, gates, *mlp.parameters()]
    expected = list(torch.autograd.grad(want, inputs, dy))
    expected[1] = expected[1] * (gates != 0)
    for g, e in zip(torch.autograd.grad(y, inputs, dy), expected):
        torch.testing.assert_close(g, e, rtol=1e-4, atol=1e-5)
    plain = wt.GatedMLP(12, 32, 6, 8)
    assert plain(x.view(3, 3, 12), gates.view(3, 3, 4)).shape == (3, 3, 6)


@pytest.mark.parametrize("call, text", [
    (lambda: wt.GatedLinear(0, 4, 2), "expected at least 1"),
    (lambda: wt.GatedLinear(4, 4, 5), "expected 1 to 4, or None"),
    (lambda: wt.GatedLinear(4, 4, 2, in_block=3), "blocks that divide their side"),
    (lambda: wt.GatedLinear(4, 4, 2, dtype=torch.float64), "expected torch.float32 or torch.bfloat16"),
    (lambda: wt.GatedLinear(4, 4, 3, sparse=True), "expected a dense input, and a block that divides"),
    (lambda: wt.GatedLinear(4, 4, 2)(torch.ones(3, 5), torch.ones(3, 2)), r"expected \[..., 4\]"),
    (lambda: wt.GatedLinear(4, 4, 2)(torch.ones(3, 4), torch.ones(3, 3)), r"expected \(3, 2\)"),
    (lambda: wt.GatedLinear(4, 4, 2)(torch.ones(3, 4), torch.ones(3, 2), torch.ones(3, 2)), "in_gates for a side"),
    (lambda: wt.GatedMLP(4, 6, 4, 4), "expected a block that divides them"),
])
def test_bad_input(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_threads():
    """Layers of several threads at the same time: the same bits as one after the other."""
    layers = [wt.GatedLinear(64, 64, 8) for _ in range(4)]
    inputs = [drawn(33, layer) for layer in layers]
    want = [layer(x, gates) for layer, (x, gates, _, _) in zip(layers, inputs)]
    bad = []

    def work(k):
        for _ in range(20):
            x, gates, _, _ = inputs[k]
            if not torch.equal(layers[k](x, gates), want[k]):
                bad.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not bad


def test_no_rows_and_other_types():
    """A batch of no rows has no outputs; a type that the library does not read is named."""
    network = wt.GatedMLP(4, 64, 3, 8)
    assert network(torch.zeros(0, 4), torch.zeros(0, 8)).shape == (0, 3)
    with pytest.raises(TypeError, match="float64"):
        network.double()(torch.zeros(2, 4).double(), torch.ones(2, 8).double())
