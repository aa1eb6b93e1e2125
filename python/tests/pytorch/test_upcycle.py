# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir.torch.gate: feed-forward layers are found, all open they are what they were, planted experts lose nothing."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import weir.torch as wt  # noqa: E402


class Block(nn.Module):
    """A residual feed-forward block in the way of BERT's modules."""

    def __init__(self, width, hidden, function):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, hidden)
        self.function = function
        self.drop = nn.Dropout(0.1)
        self.second = nn.Linear(hidden, width)

    def forward(self, x):
        return x + self.second(self.drop(self.function(self.first(self.norm(x)))))


def rows(count=64, width=12, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def opened(records):
    for record in records:
        record.layer.unit.register_forward_hook(lambda m, i, o: torch.ones_like(o))


@pytest.mark.parametrize("function", [nn.ReLU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU()], ids=str)
def test_all_open_it_is_the_dense_model(function):
    torch.manual_seed(1)
    model = nn.Sequential(Block(12, 48, function), Block(12, 24, type(function)()), nn.Linear(12, 3)).eval()
    x = rows()
    wanted = model(x)
    records = wt.gate(model, [x], block=4, steps=5, tune=0)
    assert [r.name for r in records] == ["0", "1"] and [r.blocks for r in records] == [12, 6]
    assert isinstance(model[0].first, wt.GatedFeedForward) and isinstance(model[0].second, nn.Identity)
    opened(records)
    for record in records:  # what closed blocks lack on average is no longer lacking
        with torch.no_grad():
            record.layer.mlp.down.bias.zero_()
    dense = nn.Sequential(Block(12, 48, function), Block(12, 24, type(function)()), nn.Linear(12, 3)).eval()
    torch.manual_seed(1)
    dense = nn.Sequential(Block(12, 48, function), Block(12, 24, type(function)()), nn.Linear(12, 3)).eval()
    with torch.no_grad():
        dense[0].second.bias.zero_()
        dense[1].second.bias.zero_()
    assert torch.allclose(model(x), dense(x), atol=1e-5)
    assert not torch.allclose(wanted, dense(x), atol=1e-3)


def test_pytorch_encoder_layers():
    torch.manual_seed(2)
    layer = nn.TransformerEncoderLayer(16, 2, 64, batch_first=True, activation="gelu")
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = rows(6 * 5, 16).view(6, 5, 16)
    with torch.no_grad():
        wanted = model(x)
        records = wt.gate(model, [x], block=8, share=0.99, steps=50, tune=50)
        found = model(x)
    assert len(records) == 2
    assert (found - wanted).square().mean() < 0.2 * wanted.var()


def planted(classes=8, width=3):
    """Units of class c read input c alone; their order is stirred."""
    torch.manual_seed(3)
    up, down = nn.Linear(classes, classes * width), nn.Linear(classes * width, classes)
    with torch.no_grad():
        up.weight.zero_(), up.bias.zero_(), down.bias.zero_()
        for unit in range(classes * width):
            up.weight[unit, unit * 5 % (classes * width) // width] = 1 + unit % 3 / 4
        down.weight.copy_(up.weight.t())
    return nn.Sequential(up, nn.ReLU(), down).eval()


def test_planted_experts_lose_nothing():
    model = planted()
    x = torch.eye(8).repeat(40, 1)
    with torch.no_grad():
        wanted = model(x)
        (record,) = wt.gate(model, [x], block=3, share=0.125, narrow=16, steps=600, rate=0.01, tune=100)
    assert record.best == pytest.approx(1, abs=1e-4) and record.gated > 0.9 and record.error < 0.05
    with torch.no_grad():
        assert (model(x) - wanted).square().mean() < 0.05 * wanted.var()
    assert record.layer.share <= 0.14


def test_masked_positions_do_not_count():
    seen = []
    model = planted()
    x = torch.eye(8).repeat(4, 1).view(4, 8, 8)
    keep = torch.ones(4, 8)
    keep[:, 5:] = 0
    (record,) = wt.gate(model, [{"input": x}], mask=lambda batch: keep, block=3, steps=2, tune=0)
    assert record.inputs.shape == (20, 8) and not record.inputs[:, 5:].any()
    assert not seen


def test_groups_are_found():
    activity = torch.zeros(60, 20)
    for unit in range(20):
        activity[torch.arange(60) % 5 == unit * 3 % 5, unit] = 1 + unit / 20
    order = wt.group_units(activity, 4)
    assert sorted(order.tolist()) == list(range(20))
    assert all(len({int(unit) * 3 % 5 for unit in group}) == 1 for group in order.reshape(5, 4))


def test_what_is_wrong_is_named():
    model = planted()
    x = torch.eye(8)
    with pytest.raises(ValueError, match="share 1: expected"):
        wt.gate(model, [x], share=1)
    with pytest.raises(ValueError, match="no feed-forward layer 5; there are 0"):
        wt.gate(model, [x], layers=["5"])
    with pytest.raises(ValueError, match="24 units: expected a block that divides them, not 5"):
        wt.gate(model, [x], block=5)
    with pytest.raises(ValueError, match="no data"):
        wt.gate(model, [])
    with pytest.raises(ValueError, match="was found; there are none"):
        wt.gate(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), [x])

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 8)

        def forward(self, x):
            return self.b(torch.relu(self.a(x)))

    with pytest.raises(ValueError, match="between a and b stands relu in the code of a module"):
        wt.gate(Own(), [x])
