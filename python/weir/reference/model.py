# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The forward pass of a model file.

A model file is a safetensors file: eight bytes with the length of a header in JSON, the header, then the arrays. Weights
are float32 [outputs, inputs], biases [outputs]. The header's `__metadata__` holds the network as it was configured
(weir.config, in YAML), the threshold of each layer of units (weir.thresholds), and the scale of the rows (weir.scale).
"""
import json
import math

import numpy as np

from . import unit
from .base import sigmoid, softmax, softplus
from .noise import Noise


def read(path):
    """The metadata and the arrays of a safetensors file with float32 arrays."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__")
    arrays = {}
    for name, at in header.items():
        first, last = at["data_offsets"]
        arrays[name] = np.frombuffer(data[first:last], "<f4").reshape(at["shape"]).astype(float)
    return metadata, arrays


def read_network(text):
    """The rule and the nodes of a configuration as the library prints it: one "key: value" a line, a "-" per node."""
    rule, nodes, inside = "", [], False
    for line in text.splitlines():
        key, _, value = line.lstrip("- ").partition(":")
        value = value.strip().strip("'\"")
        if not line.startswith((" ", "-")):
            inside = key == "network"
            rule = value if key == "rule" else rule
        elif inside:
            if line.lstrip().startswith("-"):
                nodes.append({})
            nodes[-1][key] = value
    return rule, nodes


def normal_below(x):
    """Φ(x), the normal distribution function."""
    return np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2)) / 2


#: What a node makes of what it reads, x. Dropout and shift do nothing outside training.
FUNCTIONS = {
    "tanh": np.tanh,
    "gelu": lambda x: x * normal_below(x),
    "silu": lambda x: x * sigmoid(x),
    "squared-rectifier": lambda x: np.maximum(0, x) ** 2,
    "rectifier": lambda x: np.maximum(0, x),
    "sigmoid": sigmoid,
    "linear": lambda x: x,
    "dropout": lambda x: x,
    "shift": lambda x: x,
    "softmax-cross-entropy": softmax,
    "bernoulli-cross-entropy": sigmoid,
    "squared-error": lambda x: x,
}


#: The first factor of experts that are pairs of products.
PAIRS = {"glu": sigmoid, "reglu": FUNCTIONS["rectifier"], "geglu": FUNCTIONS["gelu"], "swiglu": FUNCTIONS["silu"]}


def experts(activation, x, block):
    """f(x) of a gated layer; of pairs f(a) u, x has the a of a block and behind it its u."""
    if activation not in PAIRS:
        return FUNCTIONS[activation](x)
    pairs = x.reshape(len(x), -1, 2, block)
    return (PAIRS[activation](pairs[:, :, 0]) * pairs[:, :, 1]).reshape(len(x), -1)


def standing(unit, a):
    """What weighs the average of a closed block: the chance of being open, or softmax(a) over a variable's outputs."""
    of = getattr(unit.opening.__self__, "of", None)
    if of is None:
        return unit.opening(a)[0]
    e = np.exp(a.reshape(len(a), -1, int(of) or a.shape[1]))
    return (e / e.sum(2, keepdims=True)).reshape(a.shape)


def normalise(x, centred):
    """Rows divided by their deviation from the mean, or from 0."""
    x = x - x.mean(1, keepdims=True) if centred else x
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-5)


def loss(kind, x, targets):
    """Loss of each row, from what the loss node reads and from labels [rows] or targets [rows, outputs]."""
    if kind == "softmax-cross-entropy":
        return np.logaddexp.reduce(x, 1) - np.take_along_axis(x, np.asarray(targets)[:, None].astype(int), 1)[:, 0]
    if kind == "bernoulli-cross-entropy":
        return (softplus(x) - targets * x).sum(1)
    return ((x - targets) ** 2).sum(1) / 2


class Model:
    """A network with its parameters: `forward` gives the outputs of every node, `predict` the classes."""

    def __init__(self, path):
        metadata, self.arrays = read(path)
        default, self.nodes = read_network(metadata["weir.config"])
        self.thresholds = json.loads(metadata["weir.thresholds"])
        self.scale = json.loads(metadata.get("weir.scale", '{"kind": "as-read"}'))["kind"]
        for index, node in enumerate(self.nodes):
            node.setdefault("name", f"{node['kind']}{index + 1}")
            if node["kind"] == "unit":
                node["unit"] = unit(node.get("rule", default))

    def scaled(self, rows):
        """Raw values as the network reads them."""
        values = np.asarray(rows, float).reshape(len(rows), -1)
        if self.scale == "1/255" or (self.scale == "as-read" and np.asarray(rows).dtype == np.uint8):
            return values / 255
        if self.scale == "standardise":
            return (values - self.arrays["scale.offset"]) * self.arrays["scale.factor"]
        return values

    def affine(self, name, x):
        return x @ self.arrays[name + ".weight"].T + self.arrays[name + ".bias"]

    def forward(self, inputs, mode="decide", seed=0, step=0, first_row=0):
        """The outputs [rows, size] of every node by its name. mode, for units:

        decide  as at test time: a gate is open where its pre-activation is above the threshold
        expect  the mean, or the noise-free form that stands for it
        open    every gate is 1
        draw    drawn as by a finished network, from seed, step, and the number of the row
        """
        outputs, units, before = {}, {}, None
        for index, node in enumerate(self.nodes):
            kind, name = node["kind"], node["name"]
            reads = [outputs[r.strip()] for r in node["from"].split(",")] if node.get("from") else [before]
            x = reads[0]
            if kind == "unit":
                units[name] = node["unit"], x
            if kind == "input":
                y = np.asarray(inputs, float)
            elif kind == "add":
                y = sum(reads)
            elif kind == "multiply":
                y = np.prod(reads, 0)
            elif kind == "concatenate":
                y = np.concatenate(reads, 1)
            elif kind == "embedding":
                y = self.arrays[name + ".weight"][x.astype(int)].reshape(len(x), -1)
            elif kind in ("rms-norm", "layer-norm"):
                y = normalise(x, kind == "layer-norm") * self.arrays[name + ".weight"] + self.arrays.get(name + ".bias", 0)
            elif kind == "affine":
                y = self.affine(name, x)
            elif kind == "gated-affine":
                gates = np.repeat(outputs[node["gates"]], int(node.get("block") or 1), 1)[:, : int(node["size"])]
                block = min(int(node.get("block") or 1), int(node["size"]))
                y = experts(node.get("activation") or "linear", self.affine(name, x), block)
                y = y * (1 if mode == "open" else gates)
                if name + ".average" in self.arrays and mode in ("decide", "draw"):
                    unit, scores = units[node["gates"]]
                    weights = np.repeat(standing(unit, scores), block, 1)[:, : int(node["size"])]
                    y = np.where(gates == 0, weights * self.arrays[name + ".average"], y)
            elif kind == "unit" and mode == "decide":
                y = node["unit"].decide(x, self.thresholds[name])
            elif kind == "unit" and mode == "draw":
                y = node["unit"].draw(x, Noise(seed, step, stream=4 * index, first_row=first_row))
            elif kind == "unit":
                y = node["unit"].expect(x)
            else:
                y = FUNCTIONS[kind](x)
            outputs[name] = before = y
        return outputs

    def predict(self, rows):
        """The class of each raw row: the greatest output of the last node at test time."""
        return self.forward(self.scaled(rows))[self.nodes[-1]["name"]].argmax(1)


def load(path):
    """The model in a safetensors file that `weir train` or a program has written."""
    return Model(path)
