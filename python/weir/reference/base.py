# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What rules have in common: the draw of a binary unit, and the sigmoid.

Arrays: pre-activations a [rows, units], outputs h [groups, rows, units]. A rule may want the loss at several points of
each row: these are the groups. Losses are L [groups, rows], their gradients dh = ∂L/∂h [groups, rows, units], both of
each row by itself. A gradient of the mean loss over the rows is what `backward` gives, divided by the rows.
"""
import keyword
from typing import Any, NamedTuple

import numpy as np

from . import noise as random


def sigmoid(a):
    """σ(a) = 1/(1 + e⁻ᵃ)."""
    return 1 / (1 + np.exp(-a))


def slope(z, temperature=1):
    """∂σ(z/τ)/∂z."""
    return sigmoid(z / temperature) * sigmoid(-z / temperature) / temperature


def softplus(a):
    """log(1 + eᵃ)."""
    return np.logaddexp(0, a)


def coin(u, p):
    """1 where the uniform number u is below p, else 0."""
    return (u < p).astype(float)


def score(h, a):
    """h − σ(a), without cancellation: ∂ log P(h)/∂a of a binary unit."""
    return np.where(h > 0.5, sigmoid(-a), -sigmoid(a))


class Drawn(NamedTuple):
    """What `sample` gives: the outputs, and whatever the rule keeps for `backward`."""

    a: np.ndarray
    h: np.ndarray
    kept: Any = None


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Draw:
    """How outputs are distributed. Here: h ~ Bernoulli(σ(a)), which most rules draw.

    Parameters are attributes; `defaults` names them. A choice is a word, anything else a number. Where a parameter has
    the name of a method or is a word of Python's own, the attribute ends in an underscore.
    """

    name = ""
    defaults = {}
    closes = True  # whether an output can be exactly 0, so that a threshold closes it at test time

    def __init__(self, **values):
        for key in values:
            if key not in self.defaults:
                raise ValueError(f"{self.name} has no parameter '{key}'; it has: {', '.join(self.defaults) or 'none'}")
        for key, value in {**self.defaults, **values}.items():
            setattr(self, key + "_" * (hasattr(type(self), key) or keyword.iskeyword(key)), value)

    def draw(self, a, noise):
        """Outputs as a finished network draws them. [rows, units]"""
        return coin(random.uniform(noise, *a.shape), sigmoid(a))

    def expect(self, a):
        """The mean of the output, or the noise-free form that stands for it."""
        return sigmoid(a)

    def open(self, a):
        """The output of an open gate at test time."""
        return np.ones_like(a, float)

    def decide(self, a, threshold=0.0):
        """The output at test time: a gate at or under the threshold is closed."""
        return np.where(a > threshold, self.open(a), 0.0) if self.closes else self.open(a)

    def opening(self, a):
        """P(h ≠ 0) and its derivative by a; σ(a) for units that are never 0."""
        return sigmoid(a), slope(a)

    def score(self, h, a):
        """∂ log P(h)/∂a."""
        return score(h, a)

    def pull(self, a, v):
        """(∂E h/∂a)ᵀ v."""
        return slope(a) * v

    def outcomes(self, a):
        """The outcomes of a variable [outputs], and the chance of each [rows, variables]."""
        return [np.zeros(1), np.ones(1)], [sigmoid(-a), sigmoid(a)]


class Rule(Draw):
    """A stochastic unit: a draw, which is its own or another one, and the rule for the gradient through it."""

    takes_draws = False  # whether it is defined here for other draws than its own
    own = None  # the class of its draw, where it is not its own methods

    def use(self, draw):
        """Draws as that one does in place of its own draw."""
        for name in ("draw", "expect", "decide", "opening", "score", "pull", "outcomes"):
            setattr(self, name, getattr(draw, name))
        return self

    def start(self, units):
        """What a layer of so many units keeps from step to step, before the first."""

    def sample(self, a, noise):
        """Outputs in training."""
        return Drawn(a, self.draw(a, noise)[None])

    def backward(self, drawn, L, dh):
        """The estimate of ∂E L/∂a. [rows, units]"""
        raise NotImplementedError

    def merge(self, drawn, L):
        """The loss of each example from those of its groups, and its derivatives by them [groups, rows]."""
        return L.mean(0), np.full(L.shape, 1 / len(L))

    def first(self, L):
        """A merge for rules of which the first group alone is a draw of the network."""
        weights = np.zeros(L.shape)
        weights[0] = 1
        return L[0], weights

    def draws(self, a, noise, groups):
        """Independent draws, one per group."""
        return np.stack([self.draw(a, noise.other(k)) for k in range(groups)])


class Adam:
    """Kingma and Ba 2015, for what rules learn about themselves."""

    def __init__(self, rate, *shapes):
        self.rate, self.turn = rate, 0
        self.mean = [np.zeros(s) for s in shapes]
        self.square = [np.zeros(s) for s in shapes]

    def step(self, values, gradients):
        self.turn += 1
        for value, gradient, mean, square in zip(values, gradients, self.mean, self.square):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            unbiased = mean / (1 - 0.9**self.turn), square / (1 - 0.999**self.turn)
            value -= self.rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)


class Average:
    """A running average that starts from nothing: sums that decay alike, divided by the sum of their weights."""

    def __init__(self, decay, shape=()):
        self.decay, self.sum, self.weight = decay, np.zeros(shape), np.zeros(shape)

    def value(self, otherwise=0.0):
        known = self.weight > 1e-30
        return np.where(known, self.sum / np.where(known, self.weight, 1), otherwise)

    def add(self, value, weight=1.0):
        self.sum = self.decay * self.sum + (1 - self.decay) * value
        self.weight = self.decay * self.weight + (1 - self.decay) * weight


class Coefficient:
    """The factor κ of least variance for an estimate A − κB with E B = 0: E[A·B] / E[B·B], from the batches before.

    The initial κ fades out eight times as fast as the averages forget.
    """

    def __init__(self, initial, decay):
        self.initial, self.decay, self.ab, self.bb, self.weight = initial, decay, 0.0, 0.0, 0.0

    def value(self):
        fading = (1 - self.weight) ** 8
        return self.initial if not self.bb > 1e-30 else fading * self.initial + (1 - fading) * self.ab / self.bb

    def add(self, a, b):
        """A batch's A and B [rows, units]: products are summed over units, averaged over rows."""
        old, new = self.decay, (1 - self.decay) / len(a)
        self.ab, self.bb = old * self.ab + new * (a * b).sum(), old * self.bb + new * (b * b).sum()
        self.weight = old * self.weight + (1 - old)
