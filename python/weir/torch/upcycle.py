# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""From dense to gated: the feed-forward layers of a trained PyTorch model get gates."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .._native import call, ffi, lib
from ..records import Record
from .linear import GatedMLP
from .units import StochasticUnit

Batch = Any
Mask = Callable[[Batch], Tensor]

_FUNCTIONS: Dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": functional.gelu,
    "gelu, tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "squared relu": lambda x: torch.relu(x).square(),
    "tanh": torch.tanh,
}
_ATTRIBUTES = ("activation", "activation_fn", "act", "act_fn", "intermediate_act_fn")


class GatedFeedForward(nn.Module):
    r"""A feed-forward layer behind gates: :math:`y = W_2\,(g \odot f(W_1 x + b_1)) + b_2` with its own gater.

    Gates are ``noisy-rectifier``: max(0, a) in evaluation mode, where a, the gater's output, is above ``unit.threshold``;
    with a little noise in training. Made by ``weir.torch.gate``.

    Attributes:
        mlp: the ``GatedMLP``, hidden units in the order of the blocks.
        gater: affine, tanh, affine: a of each block.
        unit: the ``StochasticUnit``.
        order: a buffer ``[hidden]``: the unit of the dense layer at each place.
        share: of the gates that were open in the last pass.
    """

    def __init__(self, up: nn.Linear, down: nn.Linear, function: Callable[[Tensor], Tensor], order: Tensor, block: int,
                 narrow: int) -> None:
        super().__init__()
        inputs, hidden, bias = up.in_features, up.out_features, up.bias is not None
        self.mlp = GatedMLP(inputs, hidden, down.out_features, block, activation=function, bias=True)
        blocks = hidden // block
        self.gater = nn.Sequential(nn.Linear(inputs, narrow), nn.Tanh(), nn.Linear(narrow, blocks))
        self.unit = StochasticUnit("noisy-rectifier:sd=0.1")
        self.register_buffer("order", order)
        self.share = 1.0
        with torch.no_grad():
            self.mlp.up.load_state_dict({"weight": up.weight[order], "bias": up.bias[order] if bias else torch.zeros(hidden)})
            self.mlp.down.load_state_dict({"weight": down.weight[:, order],
                                           "bias": down.bias if down.bias is not None else torch.zeros(down.out_features)})

    def forward(self, x: Tensor) -> Tensor:
        """``x [..., in_features]`` to ``[..., out_features]``."""
        gates = self.unit(self.gater(x))
        self.share = float((gates != 0).float().mean())
        y: Tensor = self.mlp(x, gates)
        return y

    def set_share(self, x: Tensor, share: float) -> None:
        """Sets the threshold so that ``share`` of the gates is open over rows x, at most those that are above 0."""
        with torch.no_grad():
            self.unit.threshold = max(0.0, _quantile(self.gater(x.reshape(-1, x.shape[-1])), 1 - share))


class _Layer(NamedTuple):
    """A pair of linear modules with a function between them, in a model."""

    name: str
    up: str
    down: str
    between: List[str]  # modules that become the identity
    function: str
    attribute: Optional[Tuple[nn.Module, str]]  # or a function that a module has as an attribute


def _quantile(values: Tensor, part: float) -> float:
    """The value under which a part of all lies. (``torch.quantile`` takes no more than 16 million.)"""
    flat = values.flatten()
    return float(flat.kthvalue(min(len(flat), max(1, round(part * len(flat))))).values)


def group_units(activity: Any, block: int, seed: int = 0) -> np.ndarray:
    """Groups units by what they do together (``weir_group_units``).

    activity: [rows][units], their outputs over some rows. Returns a permutation [units] of which each ``block`` in a row
    are a group: balanced spherical k-means over the columns of activity.
    """
    values = np.ascontiguousarray(torch.as_tensor(activity).detach().float().numpy())
    order = np.empty(values.shape[1], np.uint32)
    rows, units = values.shape
    call(lib.weir_group_units, ffi.from_buffer("uint32_t[]", order), ffi.from_buffer("float[]", values), rows, units, block, seed)
    return order.astype(np.int64)


def _run(model: nn.Module, batch: Batch) -> Any:
    if isinstance(batch, Mapping):
        return model(**batch)
    return model(*batch) if isinstance(batch, (tuple, list)) else model(batch)


def _same(one: Any, other: Any) -> bool:
    return (isinstance(one, Tensor) and isinstance(other, Tensor) and one.shape == other.shape
            and torch.allclose(one, other, rtol=1e-4, atol=1e-5))


def find_layers(model: nn.Module, batch: Batch) -> List[_Layer]:
    """The feed-forward layers of a model: pairs of ``nn.Linear`` with a function between them, seen in a pass of a batch.

    A pair counts where the second one reads f of what the first one gives, f one of relu, gelu (of either kind), silu,
    squared relu and tanh, applied by a module between them, or by an attribute of a module such as
    ``nn.TransformerEncoderLayer.activation``.
    """
    names = {module: name for name, module in model.named_modules()}
    seen: List[Tuple[nn.Module, Any, Any]] = []
    hooks = [module.register_forward_hook(lambda m, i, o: seen.append((m, i[0] if i else None, o)))
             for module in names if not list(module.children())]
    training = model.training
    model.eval()
    try:
        _run(model, batch)  # with gradients: nn.TransformerEncoderLayer calls its modules then
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    found = []
    for place, (up, _, hidden) in enumerate(seen):
        if type(up) is not nn.Linear:
            continue
        for later in range(place + 1, len(seen)):
            down, read, _ = seen[later]
            if type(down) is not nn.Linear:
                continue
            if down.in_features == up.out_features:
                layer = _between(model, names, seen, place, later, hidden, read)
                if layer is not None:
                    found.append(layer)
            break
    return found


def _between(model: nn.Module, names: Dict[nn.Module, str], seen: List[Tuple[nn.Module, Any, Any]], first: int, last: int,
             hidden: Tensor, read: Tensor) -> Optional[_Layer]:
    function = next((name for name, f in _FUNCTIONS.items() if _same(f(hidden), read)), None)
    if function is None:
        return None
    up, down = names[seen[first][0]], names[seen[last][0]]
    on_the_way = [(m, o) for m, i, o in seen[first + 1 : last] if _same(i, hidden) or _same(i, read)]
    between = [names[m] for m, _ in on_the_way]
    applied = any(_same(o, read) and not isinstance(m, nn.Dropout) for m, o in on_the_way)
    parent = model.get_submodule(up.rpartition(".")[0])
    attribute = next((name for name in _ATTRIBUTES if callable(getattr(parent, name, None))), None)
    if not applied and attribute is None:
        raise ValueError(f"between {up} and {down} stands {function} in the code of a module; give it as a module, such as nn.GELU()")
    name = up.rpartition(".")[0] or up
    return _Layer(name, up, down, between, function, None if applied else (parent, attribute or ""))


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)


def _identity(x: Tensor) -> Tensor:
    return x


def _inputs(model: nn.Module, layers: Sequence[_Layer], data: Iterable[Batch], mask: Optional[Mask], rows: int) -> List[Tensor]:
    """What each layer reads over the data, [rows][features], at most so many rows; positions that the mask leaves out do not count."""
    kept: List[List[Tensor]] = [[] for _ in layers]
    now: List[Optional[Tensor]] = [None]
    count = 0

    def hook(k: int) -> Any:
        def keep(_: nn.Module, inputs: Any) -> None:
            x = inputs[0].detach()
            wanted = now[0]
            kept[k].append(x[wanted] if wanted is not None else x.reshape(-1, x.shape[-1]))
        return keep

    hooks = [model.get_submodule(layer.up).register_forward_pre_hook(hook(k)) for k, layer in enumerate(layers)]
    training = model.training
    model.eval()
    try:
        for batch in data:
            if count >= rows:
                break
            now[0] = mask(batch).bool() if mask is not None else None
            with torch.no_grad():
                _run(model, batch)
            count += len(kept[0][-1])
    finally:
        model.train(training)
        for handle in hooks:
            handle.remove()
    return [torch.cat(some)[:rows].clone() for some in kept]


class _Teacher(NamedTuple):
    """A dense layer, to be imitated: hidden units and outputs, and what a block contributes."""

    up: nn.Linear
    down: nn.Linear
    function: Callable[[Tensor], Tensor]
    order: Tensor
    block: int
    grams: Tensor  # [blocks][block][block] of outgoing weights

    def hidden(self, x: Tensor) -> Tensor:
        return self.function(self.up(x))

    def worth(self, hidden: Tensor) -> Tensor:
        """|Σ w_u h_u|² of each block, [rows][blocks]."""
        blocks = hidden[:, self.order].view(len(hidden), -1, self.block)
        return torch.einsum("rjb,jbc,rjc->rj", blocks, self.grams, blocks).clamp_min(0)


def _drawn(x: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    return x[torch.randint(len(x), (min(batch, len(x)),), generator=generator)]


def _cosine(optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2


def _imitate(layer: GatedFeedForward, teacher: _Teacher, x: Tensor, level: float, steps: int, batch: int, rate: float,
             generator: torch.Generator) -> None:
    """Trains the gater to tell which (row, block) pairs are among those that contribute most."""
    adam = torch.optim.Adam(layer.gater.parameters(), rate)
    for step in range(steps):
        rows = _drawn(x, batch, generator)
        with torch.no_grad():
            wanted = (teacher.worth(teacher.hidden(rows)) > level).float()
        _cosine(adam, rate, step, steps)
        adam.zero_grad()
        functional.binary_cross_entropy_with_logits(layer.gater(rows), wanted).backward()
        adam.step()


def _set_level(layer: GatedFeedForward, x: Tensor, share: float) -> None:
    """Moves the gater's outputs so that they are above 0 at the share, and above 1 at half of it."""
    last: Any = layer.gater[2]
    with torch.no_grad():
        a = layer.gater(x)
        least, whole = _quantile(a, 1 - share), _quantile(a, 1 - share / 2)
        factor = 1 / max(whole - least, 1e-6)
        last.weight.mul_(factor)
        last.bias.sub_(least).mul_(factor)


def _tune(layer: GatedFeedForward, teacher: _Teacher, x: Tensor, share: float, steps: int, batch: int, rate: float,
          generator: torch.Generator) -> None:
    """Trains the gated layer to give what the dense one gives; a weight on the gates' mean holds the share."""
    adam = torch.optim.Adam(layer.parameters(), rate)
    weight = 0.01
    layer.train()
    for step in range(steps):
        rows = _drawn(x, batch, generator)
        with torch.no_grad():
            wanted = teacher.down(teacher.hidden(rows))
        _cosine(adam, rate, step, steps)
        adam.zero_grad()
        gates = layer.unit(layer.gater(rows))
        loss = functional.mse_loss(layer.mlp(rows, gates), wanted) / wanted.var().clamp_min(1e-12)
        (loss + weight * gates.mean()).backward()
        adam.step()
        weight *= 1.02 if float((gates != 0).float().mean()) > share else 1 / 1.02
    layer.eval()


def _mend_bias(layer: GatedFeedForward, teacher: _Teacher, x: Tensor) -> None:
    """Adds to the outputs' biases what they lack on average."""
    bias: Any = layer.mlp.down.bias
    with torch.no_grad():
        bias.add_((teacher.down(teacher.hidden(x)) - layer(x)).mean(0))


def _gate_one(model: nn.Module, found: _Layer, x: Tensor, o: Record, generator: torch.Generator) -> Record:
    up: Any = model.get_submodule(found.up)
    down: Any = model.get_submodule(found.down)
    function = _FUNCTIONS[found.function]
    if up.out_features % o.block:
        raise ValueError(f"{found.up} has {up.out_features} units: expected a block that divides them, not {o.block}")
    with torch.no_grad():
        activity = function(up(x[: o.rows]))
        if o.groups == "co-activation":
            order = torch.from_numpy(group_units(activity, o.block, o.seed))
        elif o.groups == "random":
            order = torch.randperm(up.out_features, generator=generator)
        else:
            order = torch.arange(up.out_features)
        weights = down.weight[:, order].view(down.out_features, -1, o.block)
        teacher = _Teacher(up, down, function, order, o.block, torch.einsum("ojb,ojc->jbc", weights, weights))
        layer = GatedFeedForward(up, down, function, order, o.block, o.narrow)
        worth = teacher.worth(activity)
    level = _quantile(worth, 1 - o.share)
    _imitate(layer, teacher, x, level, o.steps, o.batch, o.rate, generator)
    _set_level(layer, x, o.share)
    layer.eval()
    with torch.no_grad():
        kept = float(worth[layer.gater(x[: o.rows]) > 0].sum() / worth.sum())
    if o.tune:
        _tune(layer, teacher, x, o.share, o.tune, o.batch, o.rate, generator)
    layer.set_share(x, o.share)
    _mend_bias(layer, teacher, x)
    with torch.no_grad():
        wanted = teacher.down(teacher.hidden(x))
        error = float((layer(x) - wanted).square().mean() / wanted.var(0).mean())
    _replace(model, found.up, layer)
    for name in found.between:
        _replace(model, name, nn.Identity())
    if found.attribute is not None:
        setattr(*found.attribute, _identity)
        if hasattr(found.attribute[0], "activation_relu_or_gelu"):
            found.attribute[0].activation_relu_or_gelu = 0  # type: ignore[assignment]
    _replace(model, found.down, nn.Identity())
    best = float(worth[worth > level].sum() / worth.sum())
    return Record(name=found.name, layer=layer, units=up.out_features, blocks=up.out_features // o.block,
                  function=found.function, best=best, gated=kept, error=error, inputs=x)


def gate(model: nn.Module, data: Iterable[Batch], *, block: int = 16, share: float = 0.25, narrow: int = 48,
         layers: Optional[Sequence[str]] = None, groups: str = "co-activation", mask: Optional[Mask] = None,
         rows: int = 2048, tokens: int = 16384, steps: int = 1000, tune: int = 1000, batch: int = 256, rate: float = 2e-3,
         seed: int = 0) -> List[Record]:
    """Gives gates to the feed-forward layers of a trained model, in place.

    Each pair of ``nn.Linear`` with a function between them (``find_layers``) becomes a ``GatedFeedForward`` in the place
    of the first one; the function and the second one become the identity. As in ``weir gate``: hidden units that are
    active on the same rows come into blocks, a small gater learns from the layer's inputs which blocks contribute most to
    its outputs, and biases make up for what is lost. Then each layer by itself learns to give what the dense one gave, with
    closed blocks skipped: no labels, and no pass backward through the model. Layers are gated one after the other, so that
    a later one sees what the earlier ones give.

    Args:
        model: in float32 on the CPU. Its other parameters stay as they are.
        data: batches that the model is called with, each a tensor, a tuple of arguments or a mapping of named ones. It is
            iterated once per layer, until there are ``tokens`` rows.
        block, share, narrow, groups: hidden units per gate, which divide those of a layer; share of the gates to be open;
            units of a gater's hidden layer; "co-activation", "order" or "random".
        layers: names of the first modules of the pairs that are meant; None: all.
        mask: gives of a batch which positions count, e.g. ``lambda batch: batch["attention_mask"]``.
        rows, tokens: rows that groups are found by, and rows that the gaters are trained on.
        steps, tune: of the gater's imitation and of the layer's tuning. 0: none.
        batch, rate: of these steps, by Adam along a cosine to 0.

    Returns a record per layer: ``name``, ``layer`` (the new module), ``units``, ``blocks``, ``function``, ``best`` (share
    of the squared contributions that the share of the blocks can carry), ``gated`` (that those carry that the gater
    opens), ``error`` (mean squared difference to the dense layer's outputs, over their variance), ``inputs``. Raises
    ValueError: nothing can be gated, a name is none of the layers, an option is outside its range.
    """
    if not 0 < share < 1:
        raise ValueError(f"share {share}: expected a number between 0 and 1")
    if groups not in ("co-activation", "order", "random"):
        raise ValueError(f"groups {groups!r}: expected co-activation, order or random")
    data = data if isinstance(data, Sequence) else list(data)
    if not data:
        raise ValueError("there are no data")
    with torch.enable_grad():
        found = find_layers(model, data[0])
    unknown = set(layers or ()) - {layer.up for layer in found}
    if unknown or not found:
        there = ", ".join(layer.up for layer in found) or "none"
        raise ValueError(f"no feed-forward layer {', '.join(sorted(unknown)) or 'was found'}; there are {there}")
    o = Record(block=block, share=share, narrow=narrow, groups=groups, rows=rows, steps=steps, tune=tune, batch=batch,
               rate=rate, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    done = []
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        for layer in found:
            if layers is None or layer.up in layers:
                (x,) = _inputs(model, [layer], data, mask, tokens)
                done.append(_gate_one(model, layer, x, o, generator))
    return done
