# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Draws that a rule can have in place of its own: a slope of one's own, one of C outputs, k of n outputs.

Outputs that are drawn together are a variable: `of` neighbouring units, or all units of the layer. Arrays are as in
base.py; inside, variables [rows, variables, of].
"""

import itertools
import math

import numpy as np

from . import noise as random
from .base import Draw, coin, softmax
from .pathwise import below, density


class HardSigmoid(Draw):
    """h ~ Bernoulli(q), q = clip((s·a + 1)/2, 0, 1). Courbariaux, Bengio and David 2015; Chung et al. 2017."""

    name = "hard-sigmoid"
    defaults = dict(slope=1.0)

    def rising(self, a):
        q = self.expect(a)
        return (q > 0) & (q < 1)

    def draw(self, a, noise):
        return coin(random.uniform(noise, *a.shape), self.expect(a))

    def expect(self, a):
        return np.clip((self.slope * a + 1) / 2, 0, 1)

    def opening(self, a):
        return self.expect(a), np.where(self.rising(a), self.slope / 2, 0)

    def score(self, h, a):
        chance = np.where(self.rising(a), np.where(h > 0.5, self.expect(a), 1 - self.expect(a)), 1)
        return np.where(self.rising(a), self.slope / 2 * np.where(h > 0.5, 1, -1) / chance, 0)

    def pull(self, a, v):
        return np.where(self.rising(a), self.slope / 2 * v, 0)

    def outcomes(self, a):
        q = self.expect(a)[..., None]
        return [np.zeros(1), np.ones(1)], [1 - q, q]


class Variables(Draw):
    """Draws of several outputs together. No threshold closes them: what is decided is which of them are 1."""

    defaults = dict(of=0)

    def grouped(self, a):
        return a.reshape(len(a), -1, int(self.of) or a.shape[1])

    def over(self, function, a, *more):
        """A function of variables, over a layer."""
        return function(self.grouped(a), *(self.grouped(x) for x in more)).reshape(a.shape)

    def expect(self, a):
        return self.over(self.mean, a)

    def opening(self, a):
        q = self.expect(a)
        return q, q * (1 - q)

    def score(self, h, a):
        """h − E h: what ∂ log P/∂a is wherever P(h) ∝ exp(a·h)."""
        return h - self.expect(a)

    def pull(self, a, v):
        """(∂E h/∂a)ᵀ v. The Jacobian is the covariance of the outputs, wherever P(h) ∝ exp(a·h)."""
        return self.over(lambda x, w: np.einsum("rvij,rvj->rvi", self.covariance(x), w), a, v)


class OneOf(Variables):
    """Categorical: the c-th of C outputs is 1 with the chance softmax(a)_c. Williams 1992; Jang et al. 2017.

    One uniform number per variable, at the coordinate of its place among the variables of the row.
    """

    name = "one-of"

    def mean(self, a):
        return softmax(a)

    def covariance(self, a):
        p = self.mean(a)
        return np.eye(a.shape[-1]) * p[..., None] - p[..., None] * p[..., None, :]

    def draw(self, a, noise):
        reached = np.cumsum(self.mean(self.grouped(a)), -1)
        u = random.uniform(noise, len(a), reached.shape[1])[..., None]
        chosen = np.minimum((u >= reached).sum(-1), reached.shape[2] - 1)
        return np.eye(reached.shape[2])[chosen].reshape(a.shape)

    def decide(self, a, threshold=0.0):
        return self.over(lambda x: np.eye(x.shape[-1])[x.argmax(-1)], a)

    def outcomes(self, a):
        p = self.mean(self.grouped(a))
        return list(np.eye(p.shape[2])), list(np.moveaxis(p, 2, 0))


class TemperedOneOf(OneOf):
    """one-of with softmax(a/τ). Jang, Gu and Poole 2017, section 2."""

    name = "tempered-one-of"
    defaults = dict(of=0, temperature=1.0)

    def mean(self, a):
        return softmax(a / self.temperature)

    def opening(self, a):
        q, dq = super().opening(a)
        return q, dq / self.temperature

    def score(self, h, a):
        return super().score(h, a) / self.temperature

    def pull(self, a, v):
        return super().pull(a, v) / self.temperature


def top(a, k):
    """1 at the k greatest, of equal ones at the first."""
    order = np.argsort(-a, -1, kind="stable")
    h = np.zeros(a.shape)
    np.put_along_axis(h, order[..., :k], 1.0, -1)
    return h


class Chosen(Variables):
    """Outputs that a function of the scores opens, `chosen`. Not random, but for noise that is added to the scores."""

    def noisy(self, a, noise):
        return a

    def draw(self, a, noise):
        return self.over(self.chosen, self.noisy(a, noise))

    def decide(self, a, threshold=0.0):
        return self.over(self.chosen, a)

    def expect(self, a):
        return self.decide(a)

    def opening(self, a):
        return self.decide(a), np.zeros(a.shape)


class Threshold(Chosen):
    """Scores above 0 are 1; where there is none, nothing is, or with least=one the greatest. Wang et al. 2024."""

    name = "threshold"
    defaults = dict(of=0, least="none")

    def chosen(self, a):
        above = (a > 0).astype(float)
        return np.where(above.any(-1, keepdims=True), above, top(a, 1)) if self.least == "one" else above


class TopK(Chosen):
    """The k greatest of n scores are 1. Not random. Shazeer et al. 2017, eq. 5."""

    name = "top-k"
    defaults = dict(of=0, k=2)

    def chosen(self, a):
        return top(a, int(self.k))

    def subsets(self, n):
        """All subsets of k outputs, as 0 and 1, in the order of their members."""
        return [np.isin(np.arange(n), members).astype(float) for members in itertools.combinations(range(n), int(self.k))]


def polynomials(w, k):
    """e_0 … e_k of the last axis: e_j is the sum over all subsets of j of the product of their members."""
    e = np.zeros((*w.shape[:-1], k + 1))
    e[..., 0] = 1
    for i in range(w.shape[-1]):
        e[..., 1:] = e[..., 1:] + w[..., i, None] * e[..., :-1]
    return e


class KSubset(TopK):
    """k of n outputs are 1, P(h) ∝ exp(a·h): coins that are known to fall k times. Ahmed et al. 2023 (SIMPLE).

    With w = eᵃ, E h_i = w_i e_{k−1}(w without i)/e_k(w). A draw goes through the outputs, of which r are still to be 1:
    P(h_i = 1) = w_i e_{r−1}(w after i)/e_r(w from i on).
    """

    name = "k-subset"

    def weights(self, a):
        return np.exp(a - np.sort(a, -1)[..., -int(self.k), None])

    def mean(self, a):
        w, k = self.weights(a), int(self.k)
        without = [polynomials(np.delete(w, i, -1), k)[..., k - 1] for i in range(w.shape[-1])]
        return w * np.stack(without, -1) / polynomials(w, k)[..., k, None]

    def covariance(self, a):
        w, k, n, mean = self.weights(a), int(self.k), a.shape[-1], self.mean(a)
        both = np.zeros((*a.shape, n))  # E h_i h_j
        for i, j in itertools.permutations(range(n), 2):
            if k > 1:
                both[..., i, j] = w[..., i] * w[..., j] * polynomials(np.delete(w, [i, j], -1), k)[..., k - 2]
        both /= polynomials(w, k)[..., k, None, None]
        return both + np.eye(n) * mean[..., None] - mean[..., None] * mean[..., None, :]

    def draw(self, a, noise):
        w, k = self.weights(self.grouped(a)), int(self.k)
        u = self.grouped(random.uniform(noise, *a.shape))
        h, left = np.zeros(w.shape), np.full(w.shape[:-1], k)
        for i in range(w.shape[-1]):
            after = polynomials(w[..., i + 1 :], k)
            chosen = np.take_along_axis(after, np.maximum(left - 1, 0)[..., None], -1)[..., 0] * w[..., i] * (left > 0)
            other = np.take_along_axis(after, left[..., None], -1)[..., 0]
            h[..., i] = u[..., i] * (chosen + other) < chosen
            left = left - h[..., i].astype(int)
        return h.reshape(a.shape)

    def expect(self, a):
        return self.over(self.mean, a)

    def opening(self, a):
        return Variables.opening(self, a)

    def outcomes(self, a):
        w, k = self.weights(self.grouped(a)), int(self.k)
        sets = self.subsets(w.shape[2])
        return sets, [np.where(h > 0, w, 1).prod(-1) / polynomials(w, k)[..., k] for h in sets]


class GumbelTopK(KSubset):
    """The k greatest of a + Gumbel noise: k of n drawn from softmax(a) without replacement. Kool et al. 2019.

    In one order of a set S the chance is Π_j w_j/(W − those before j); that of S is the sum over its orders.
    """

    name = "gumbel-top-k"

    def noisy(self, a, noise):
        return a - np.log(-np.log(random.uniform(noise, *a.shape)))

    def draw(self, a, noise):
        return TopK.draw(self, a, noise)

    def set_score(self, a, members):
        """P(S) [rows, variables], and P(S)·∂ log P(S)/∂a, for one set of members."""
        w = np.exp(a - a.max(-1, keepdims=True))
        total, slope = np.zeros(a.shape[:-1]), np.zeros(a.shape)
        for order in itertools.permutations(members):
            left, chance, log_slope = w.copy(), np.ones(a.shape[:-1]), np.zeros(a.shape)
            for j in order:
                share = left / left.sum(-1, keepdims=True)
                chance = chance * share[..., j]
                log_slope -= share
                log_slope[..., j] += 1
                left[..., j] = 0
            total, slope = total + chance, slope + chance[..., None] * log_slope
        return total, slope

    def score(self, h, a):
        x, sets = self.grouped(a), self.grouped(h)
        found = np.zeros(x.shape)
        for wanted in self.subsets(x.shape[2]):
            chance, slope = self.set_score(x, np.flatnonzero(wanted))
            found = np.where((sets == wanted).all(-1)[..., None], slope / chance[..., None], found)
        return found.reshape(a.shape)

    def outcomes(self, a):
        sets = self.subsets(self.grouped(a).shape[2])
        return sets, [self.set_score(self.grouped(a), np.flatnonzero(h))[0] for h in sets]

    def mean(self, a):
        return sum(self.set_score(a, np.flatnonzero(h))[0][..., None] * h for h in self.subsets(a.shape[-1]))


class NoisyTopK(TopK):
    """The k greatest of a + sd·z, z normal; what is decided stands for the mean. Shazeer et al. 2017, eq. 4 and 5.

    P(h_i = 1): Φ((a_i − the k-th greatest of the others)/sd), their noise left out (eq. 8 and 9).
    """

    name = "noisy-top-k"
    defaults = dict(of=0, k=2, sd=1.0)

    def noisy(self, a, noise):
        return a + self.sd * random.normal(noise, *a.shape)

    def opening(self, a):
        x, k = self.grouped(a), int(self.k)
        if k == x.shape[2]:
            return np.ones(a.shape), np.zeros(a.shape)
        ordered, inside = np.sort(x, -1), top(x, k)
        rival = np.where(inside > 0, ordered[..., -k - 1, None], ordered[..., -k, None])
        z = np.clip((x - rival) / self.sd, -12, 12)
        return below(z).reshape(a.shape), density(z).reshape(a.shape) / self.sd


class StatisticalTopK(TopK):
    """Those above mean + deviation·quantile(1 − k/n): about k, without a sort. You et al. 2025 (Spark Transformer)."""

    name = "statistical-top-k"

    def chosen(self, a):
        n, k = a.shape[-1], int(self.k)
        edge = -math.inf if k >= n else random.NORMAL.inv_cdf(1 - k / n)
        return (a > a.mean(-1, keepdims=True) + a.std(-1, keepdims=True) * edge).astype(float)
