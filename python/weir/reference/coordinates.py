# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Rules that compare outcomes: unit by unit, or antithetic draws; and perturbations without back-propagation."""
import itertools
import math

import numpy as np

from . import noise as random
from .base import Drawn, Rule, coin, sigmoid, slope
from .score_function import Rloo


class Leg(Rule):
    """p(1 − p)[L(h; h_i = 1) − L(h; h_i = 0)] for every unit. Titsias and Lázaro-Gredilla 2015, eq. 8.

    Group 0 is the draw, group i + 1 the draw with unit i flipped. Of categorical variables group i + 1 has output i
    chosen, and the losses are weighed as the softmax would move them: π_i [L_i − Σ_c π_c L_c]. De Smet et al. 2023.
    """

    name = "leg"
    takes_draws = True

    def sample(self, a, noise):
        h, units = self.draw(a, noise), a.shape[1]
        size = len(self.outcomes(a)[0][0])
        own = np.arange(units) // size == (np.arange(units) // size)[:, None]  # units of the same variable
        flips = np.eye(units)[:, None, :]
        moved = np.abs(h - flips) if size == 1 else np.where(own[:, None, :], flips, h)
        return Drawn(a, np.concatenate([h[None], moved]), size)

    def merge(self, drawn, L):
        return self.first(L)

    def backward(self, drawn, L, dh):
        change = (L[1:] - L[0]).T
        return self.pull(drawn.a, change if drawn.kept > 1 else (1 - 2 * drawn.h[0]) * change)


class Exact(Rule):
    """Σ_h P(h) L(h) ∂ log P(h)/∂a over all outcomes of a layer; group s has unit i at bit i of s.

    Variables of several outputs have digits in place of bits, the first variable the lowest one.
    """

    name = "exact"
    takes_draws = True

    def sample(self, a, noise):
        values, chances = self.outcomes(a)
        variables = a.shape[1] // len(values[0])
        h, P = [], []
        for digits in itertools.product(range(len(values)), repeat=variables):
            digits = digits[::-1]
            h.append(np.broadcast_to(np.concatenate([values[d] for d in digits]), a.shape))
            P.append(np.prod([chances[d].reshape(len(a), -1)[:, v] for v, d in enumerate(digits)], 0))
        return Drawn(a, np.stack(h), np.stack(P))

    def merge(self, drawn, L):
        return (drawn.kept * L).sum(0), drawn.kept

    def backward(self, drawn, L, dh):
        centred = drawn.kept * (L - (drawn.kept * L).sum(0))
        return (centred[..., None] * np.stack([self.score(h, drawn.a) for h in drawn.h])).sum(0)


class Ar(Rule):
    """Augment-REINFORCE: h = 1[u < p], L·(1 − 2u). Yin and Zhou 2019, section 2.2."""

    name = "ar"

    def sample(self, a, noise):
        u = random.uniform(noise, *a.shape)
        return Drawn(a, coin(u, sigmoid(a))[None], u)

    def backward(self, drawn, L, dh):
        return L[0][:, None] * (1 - 2 * drawn.kept)


def pair(a, noise):
    """One uniform number gives two draws that avoid each other: 1[u > 1 − p] and 1[u < p]."""
    u = random.uniform(noise, *a.shape)
    return np.stack([(u > sigmoid(-a)).astype(float), coin(u, sigmoid(a))]), u


class Arm(Rule):
    """(L(h) − L(h'))(u − ½) of an antithetic pair. Yin and Zhou 2019, theorem 1."""

    name = "arm"

    def sample(self, a, noise):
        return Drawn(a, *pair(a, noise))

    def backward(self, drawn, L, dh):
        return (L[0] - L[1])[:, None] * (drawn.kept - 0.5)


class DisArm(Rule):
    """½(L(h) − L(h'))(h − h')·max(p, 1 − p): the mean of arm's gradient given the pair.

    Dong, Mnih and Tucker 2020, eq. 5; Yin, Ho, Yan, Qian and Zhou 2020 (U2G). T layers (their section 3.2) share T + 1
    groups: group 0 is one draw through all of them, group t + 1 leaves it at layer t, by the antithetic draw, and goes on
    with the same uniform numbers. From the second layer on a and the gradient are [groups, rows, units].
    """

    name = "disarm"

    def sample(self, a, noise, layer=0, layers=1):
        logits = a if layer else np.broadcast_to(a, (layers + 1, *a.shape))
        u = random.uniform(noise, *logits.shape[1:])
        h = (u > sigmoid(-logits)).astype(float)
        h[layer + 1] = coin(u, sigmoid(logits[0]))
        return Drawn(a, h, layer)

    def merge(self, drawn, L):
        return super().merge(drawn, L) if len(L) == 2 else self.first(L)

    def backward(self, drawn, L, dh):
        t, a = drawn.kept, drawn.a[0] if drawn.kept else drawn.a
        gradient = (L[0] - L[t + 1])[:, None] / 2 * (drawn.h[0] - drawn.h[t + 1]) * sigmoid(np.abs(a))
        return np.concatenate([gradient[None], np.zeros_like(drawn.h[1:])]) if t else gradient


class Arms(Rloo):
    """rloo with n samples that avoid each other, times p(1 − p)/(p − J), J = P(h_j = h_k = 1).

    Dimitriev and Zhou 2021, theorem 1. dirichlet: u_k = (1 − e_k/Σe)^{n−1} of exponential e; h = 1[u < p], or where
    p ≥ ½ 1[u > 1 − p]. gaussian: normal z_k of correlation −1/(n − 1), h = 1[z < t], Φ(t) = p.
    """

    name = "arms"
    takes_draws = False
    defaults = dict(samples=3, copula="dirichlet")

    def sample(self, a, noise):
        n = int(self.samples)
        if self.copula == "gaussian":
            z = np.stack([random.normal(noise.other(k), *a.shape) for k in range(n)])
            z = (z - z.mean(0)) * math.sqrt(n / (n - 1))
            return Drawn(a, (z < np.where(a < 0, -1, 1) * self.quantile(a)).astype(float))
        e = -np.log(np.stack([random.uniform(noise.other(k), *a.shape) for k in range(n)]))
        u = (1 - e / e.sum(0)) ** (n - 1)
        return Drawn(a, np.where(a < 0, u < sigmoid(a), u >= sigmoid(-a)).astype(float))

    def quantile(self, a):
        """|t| with Φ(t) = σ(a)."""
        return -np.vectorize(random.NORMAL.inv_cdf, otypes=[float])(sigmoid(-np.abs(a)))

    def joint(self, a):
        """p − J."""
        n, m = int(self.samples), sigmoid(-np.abs(a))
        if self.copula == "dirichlet":
            return m - np.maximum(0, 2 * m ** (1 / (n - 1)) - 1) ** (n - 1)
        if n == 2:
            return m
        # 2 T(t, s) with Owen's function T(t, s) = 1/2π ∫₀ˢ exp(−½t²(1 + x²))/(1 + x²) dx, s = √(n/(n − 2))
        node, weight = np.polynomial.legendre.leggauss(200)
        t, s = self.quantile(a)[..., None], math.sqrt(n / (n - 2))
        x = s * (1 + node) / 2
        return (weight * np.exp(-(t**2) * (1 + x**2) / 2) / (1 + x**2)).sum(-1) * s / (2 * np.pi)

    def backward(self, drawn, L, dh):
        return super().backward(drawn, L, dh) * slope(drawn.a) / self.joint(drawn.a)


def flipped(h, unit):
    """h with one unit of each row flipped; none where its number is the number of units."""
    return np.where(np.arange(h.shape[1]) == np.asarray(unit)[:, None], 1 - h, h)


class BitFlip(Rule):
    """D p_j(1 − p_j)(1 − 2h_j)(L(flip_j h) − L(h)) for one j, uniform over the units. Kunes et al. 2022, section 3."""

    name = "bitflip"

    def sample(self, a, noise):
        rows, units = a.shape
        chosen = [random.below(noise.other(), row, 0, units) for row in range(rows)]
        h = self.draw(a, noise)
        return Drawn(a, np.stack([h, flipped(h, chosen)]))

    def merge(self, drawn, L):
        return self.first(L)

    def backward(self, drawn, L, dh):
        h, other = drawn.h
        return h.shape[1] * slope(drawn.a) * (other - h) * (L[1] - L[0])[:, None]


class Ugc(Rule):
    """A flip for units near the boundary, min(p, 1 − p) < τ, an antithetic pair for the others.

    Kunes et al. 2022, section 4. The unit flipped is drawn among the n near ones, with factor n for D.
    """

    name = "ugc"
    defaults = dict(threshold=0.0)

    def near(self, a):
        t = self.threshold or 1 / (2 * a.shape[1])
        return np.abs(a) > np.float32(math.log((1 - t) / t))

    def sample(self, a, noise):
        h, _ = pair(a, noise)
        chosen = []
        for row, near in enumerate(self.near(a)):
            places = np.flatnonzero(near)
            chosen.append(places[random.below(noise.other(), row, 0, len(places))] if len(places) else a.shape[1])
        return Drawn(a, np.concatenate([h, flipped(h[0], chosen)[None]]))

    def merge(self, drawn, L):
        weights = np.zeros(L.shape)
        weights[:2] = 0.5
        return (L[0] + L[1]) / 2, weights

    def backward(self, drawn, L, dh):
        (h, other, flip), near = drawn.h, self.near(drawn.a)
        antithetic = (L[0] - L[1])[:, None] / 2 * (h - other) * sigmoid(np.abs(drawn.a))
        count = near.sum(1, keepdims=True)
        return np.where(near, count * slope(drawn.a) * (flip - h) * (L[2] - L[0])[:, None], antithetic)


class Spsa(Rule):
    """[L(a + cΔ) − L(a − cΔ)] / (2cΔ), Δ = ±1. Spall 1992. Both points use the same uniform numbers."""

    name = "spsa"
    defaults = dict(step=0.5)

    def sample(self, a, noise):
        u, sign = random.uniform(noise, *a.shape), np.where(random.uniform(noise.other(), *a.shape) < 0.5, -1, 1)
        return Drawn(a, np.stack([coin(u, sigmoid(a + side * self.step * sign)) for side in (1, -1)]), sign)

    def backward(self, drawn, L, dh):
        return (L[0] - L[1])[:, None] / (2 * self.step * drawn.kept)


class NodePerturbation(Rule):
    """[L(a + sξ) − L(a)]·ξ/s, ξ normal. Fiete and Seung 2006, eq. 3. Group 0 is the unperturbed draw."""

    name = "node-perturbation"
    defaults = dict(sd=0.5)

    def sample(self, a, noise):
        u, xi = random.uniform(noise, *a.shape), random.normal(noise.other(), *a.shape)
        return Drawn(a, np.stack([coin(u, sigmoid(a)), coin(u, sigmoid(a + self.sd * xi))]), xi)

    def merge(self, drawn, L):
        return self.first(L)

    def backward(self, drawn, L, dh):
        return (L[1] - L[0])[:, None] * drawn.kept / self.sd


class FiniteDifferences(Rule):
    """[L(a + c e_i) − L(a − c e_i)] / (2c), unit by unit, with common uniform numbers. Groups 2i and 2i + 1 are unit i."""

    name = "finite-differences"
    defaults = dict(step=0.5)

    def sample(self, a, noise):
        u, moves = random.uniform(noise, *a.shape), self.step * np.eye(a.shape[1])
        h = [coin(u, sigmoid(a + side * move)) for move in moves for side in (1, -1)]
        return Drawn(a, np.stack(h))

    def backward(self, drawn, L, dh):
        return (L[0::2] - L[1::2]).T / (2 * self.step)
