# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Rules for variables of several outputs: one of C, or k of n, and the gates of mixtures of experts.

Some have the name of a rule for binary units; the draw says which one is meant. Inside, arrays are of variables:
[rows, variables, of]. π = softmax(a), J(y) = diag y − y yᵀ, c the output that is drawn, v = ∂L/∂h.
"""
import numpy as np

from . import noise as random
from .base import Drawn, Rule, sigmoid, softmax
from .draws import GumbelTopK, KSubset, OneOf, TemperedOneOf, Threshold, TopK, top
from .pathwise import Annealed


def pull(y, v, temperature=1.0):
    """J(y) v/τ: the derivative of y = softmax(z/τ) by z, times v."""
    return y * (v - (y * v).sum(-1, keepdims=True)) / temperature


def relaxed(z, v, temperature):
    """J(y) v/τ for y = softmax(z/τ)."""
    return pull(softmax(z / temperature), v, temperature)


class OfVariables(Rule):
    """A rule that is defined per variable: `gradient` is its estimate, from a, h, v and what was kept."""

    own = OneOf  # the draw where none is named
    takes = (OneOf,)  # draws that can take its place

    def use(self, draw):
        self.grouped = draw.grouped
        return super().use(draw)

    def sample(self, a, noise):
        return Drawn(a, self.draw(a, noise)[None], noise)

    def uniform(self, noise, a):
        """A uniform number per output. [rows, variables, of]"""
        return self.grouped(random.uniform(noise, *a.shape))

    def backward(self, drawn, L, dh):
        a, h, v = (self.grouped(x) for x in (drawn.a, drawn.h[0], dh[0]))
        return self.gradient(a, h, v, drawn.kept).reshape(drawn.a.shape)

    def gradient(self, a, h, v, kept):
        raise NotImplementedError

    def perturbed(self, a, noise):
        """a + Gumbel noise. [rows, variables, of]"""
        return self.grouped(a) - np.log(-np.log(self.uniform(noise, a)))

    def given(self, a, h, noise):
        """a + Gumbel noise, given that its greatest is where h is 1. Paulus, Maddison and Krause 2021, eq. 8.

        With E ~ Exp(1): −log(E_c/Σ exp a) there, −log(E_j/exp(a_j) + E_c/Σ exp a) elsewhere.
        """
        e = -np.log(random.uniform(noise, len(a), a[0].size)).reshape(a.shape)
        least = (e * h).sum(-1, keepdims=True) / np.exp(a).sum(-1, keepdims=True)
        return -np.log(np.where(h > 0, 0, e / np.exp(a)) + least)


class StGumbelOneOf(Annealed, OfVariables):
    """h = 1 at the greatest of z = a + Gumbel noise; J(y) v/τ, y = softmax(z/τ). Jang, Gu and Poole 2017, section 2.2."""

    name = "st-gumbel"

    def sample(self, a, noise):
        z = self.perturbed(a, noise)
        return Drawn(a, top(z, 1).reshape(1, *a.shape), (z, self.temperature_at(noise.step)))

    def gradient(self, a, h, v, kept):
        return relaxed(kept[0], v, kept[1])


class ConcreteOneOf(Annealed, OfVariables):
    """h = softmax((a + Gumbel noise)/τ); one of C in a finished network. Maddison et al. 2017; Jang et al. 2017."""

    name = "concrete"

    def sample(self, a, noise):
        t = self.temperature_at(noise.step)
        return Drawn(a, softmax(self.perturbed(a, noise) / t).reshape(1, *a.shape), t)

    def gradient(self, a, h, v, kept):
        return pull(h, v, kept)


class GumbelRaoOneOf(OfVariables):
    """The gradient of st-gumbel, averaged over K relaxations drawn given h. Paulus, Maddison and Krause 2021, eq. 9."""

    name = "gumbel-rao"
    defaults = dict(temperature=0.5, draws=10)

    def gradient(self, a, h, v, noise):
        draws = range(1, int(self.draws_) + 1)
        return np.mean([relaxed(self.given(a, h, noise.other(k)), v, self.temperature) for k in draws], 0)


class GappedStraightThroughOneOf(OfVariables):
    """J(y) v/τ, y = softmax(z/τ), z_c = max a, z_j = min(a_j, max a − gap). Fan, Chi, Rudnicky and Ramadge 2022.

    form=p: the gap is −log(1 − π_c)/π_c.
    """

    name = "gapped-straight-through"
    defaults = dict(temperature=0.7, gap=1.0, form="fixed")

    def gradient(self, a, h, v, kept):
        most, gap = a.max(-1, keepdims=True), self.gap
        if self.form == "p":
            p = (softmax(a) * h).sum(-1, keepdims=True) * (1 - 1e-5)
            gap = np.where(p > 1e-6, -np.log1p(-p) / p, 1)
        return relaxed(np.where(h > 0, most, np.minimum(a, most - gap)), v, self.temperature)


class HalfOneOf(OfVariables):
    """½J v + ½(e_c − π)·(e_c − π)·v: half straight-through, half DARN. Shekhovtsov 2023 (ZGR)."""

    name = "half"

    def gradient(self, a, h, v, kept):
        p = softmax(a)
        return (pull(p, v) + (h - p) * ((h - p) * v).sum(-1, keepdims=True)) / 2


class ReinMaxOneOf(OfVariables):
    """2J(m) v − ½J(π) v, m = ½(softmax(a/τ) + h). Liu, Dong, Liu, Yu and Gao 2023, algorithm 2.

    estimate=rao: J(y) v/ρ in place of J(m) v, averaged over K relaxations y of m given h, at temperature ρ.
    estimate=control-variate: adds scale·(that average − the first of them). Wang and Bui 2026.
    """

    name = "reinmax"
    defaults = dict(temperature=1.0, estimate="plain", relaxation=0.7, draws=32, scale=1.5)

    def gradient(self, a, h, v, noise):
        m = (softmax(a / self.temperature) + h) / 2
        first, added = pull(m, v), 0
        if self.estimate != "plain":
            draws = range(1, int(self.draws_) + 1)
            each = [relaxed(self.given(np.log(m), h, noise.other(k)), v, self.relaxation) for k in draws]
            if self.estimate == "rao":
                first = np.mean(each, 0)
            else:
                added = self.scale * (np.mean(each, 0) - each[0])
        return 2 * first - pull(softmax(a), v) / 2 + added


class DecoupledStraightThroughOneOf(OfVariables):
    """c ~ softmax(a/τ_f), τ_f that of the draw; J(y) v/τ_b, y = softmax(a/τ_b). Shah, Yan, Mozer and Liu 2024."""

    name = "decoupled-straight-through"
    own = TemperedOneOf
    defaults = dict(backward=1.0)

    def gradient(self, a, h, v, kept):
        return relaxed(a, v, self.backward_)


class MinimalVarianceSt(OfVariables):
    """Σ_j v_j [(ε + π_j) C_j − π_j C_c + (j = c) J_c]/(ε + π_j + π_c), C of A C = R J. Hooper and Shekhovtsov 2026.

    A_ij = −π_i π_j/(ε + π_i + π_j), A_ii = (ε + π_i) Σ_j π_j/(ε + π_i + π_j) − π_i²/(ε + 2π_i), R_i = (ε + π_i)/(ε +
    2π_i). At ε = 0, which is exact for losses of second order, A does not see equal values, nor does J.
    """

    name = "minimal-variance-st"
    defaults = dict(linear=0.0)

    def gradient(self, a, h, v, kept):
        p, e, eye = np.maximum(softmax(a), 1e-8), self.linear, np.eye(a.shape[-1])
        own = (p * h).sum(-1, keepdims=True)
        edges = p[..., None, :] / (e + p[..., :, None] + p[..., None, :])
        least = edges.sum(-1) * (e + p) - p * p / (e + 2 * p)
        A = np.where(eye > 0, least[..., None], -p[..., None] * edges)
        J = p[..., None] * (eye - p[..., None, :])
        if e == 0:
            A = A + 1 / a.shape[-1]
        C = np.linalg.solve(A, ((e + p) / (e + 2 * p))[..., None] * J)
        chosen, slope = (np.einsum("rvj,rvji->rvi", h, x)[..., None, :] for x in (C, J))
        weights = (e + p)[..., None] * C - p[..., None] * chosen + h[..., None] * slope
        return np.einsum("rvji,rvj->rvi", weights / (e + p + own)[..., None], v)


class DisarmOneOf(OfVariables):
    """Stick-breaking: c is the first coin that falls, of chance s_c = π_c/Σ_{j≥c} π_j; the last one always does.

    Group 1 has the antithetic coins, 1 − u for u. With respect to their logits φ_c = a_c − log Σ_{j>c} exp a_j:
    ½(L − L')(b_c − b'_c) σ(|φ_c|), 0 after both have fallen. Dong, Mnih and Tucker 2021, section 3.2.
    """

    name = "disarm"

    def coins(self, a, noise):
        """Both sets of coins, their outputs h [2, rows, variables, of], the chances s and Σ_{j≥c} π_j."""
        p, u = softmax(self.grouped(a)), self.uniform(noise, a)
        rest = np.cumsum(p[..., ::-1], -1)[..., ::-1]
        s = p / rest
        b = np.stack([u < s, 1 - u < s])
        b[..., -1] = True
        return b.astype(float), np.eye(p.shape[-1])[b.argmax(-1)], s, rest

    def sample(self, a, noise):
        b, h, s, rest = self.coins(a, noise)
        return Drawn(a, h.reshape(2, *a.shape), (b, h, s, rest))

    def backward(self, drawn, L, dh):
        b, h, s, rest = drawn.kept
        last = h.argmax(-1).max(0)[..., None]
        g = (L[0] - L[1])[:, None, None] / 2 * (b[0] - b[1]) * np.maximum(s, 1 - s)
        g = np.where(np.arange(s.shape[-1]) <= last, g, 0)
        later = np.append(rest[..., 1:], np.ones((*rest.shape[:-1], 1)), -1)  # Σ_{j>c} π_j; the last coin has no g
        before = np.cumsum(g / later, -1) - g / later
        return (g - s * rest * before).reshape(drawn.a.shape)


def set_chance(members, outside):
    """The chance that these weights are the first in draws without replacement; outside: the sum of the others."""
    left, others = outside + sum(members), [members[:i] + members[i + 1 :] for i in range(len(members))]
    return sum(w / left * set_chance(o, outside) for w, o in zip(members, others)) if members else 1.0


class UnorderedSet(OfVariables):
    """S: K distinct outcomes, drawn without replacement; Σ_{s∈S} ∇P_s R(S, s)(L_s − Σ_{t∈S} P_t R'(S, s, t) L_t).

    P_D(S) is the chance that |S| draws from D are S: R(S, s) = P_{D∖s}(S∖s)/P_D(S), R'(S, s, s) = 1, and R'(S, s, t) =
    P_{D∖{s,t}}(S∖{s,t})/P_{D∖s}(S∖s). Each group tries one s of one variable, the others at one common draw. The loss
    is Σ_s P_s R(S, s) L_s, averaged over variables. Kool, van Hoof and Welling 2020, eq. 13.
    """

    name = "unordered-set"
    takes = (OneOf, KSubset)
    defaults = dict(samples=2)

    def sample(self, a, noise):
        (outcomes, chances), common = self.outcomes(a), self.grouped(self.draw(a, noise))
        p, size = np.stack(chances, -1), common.shape[2]
        count = min(int(self.samples), len(outcomes))
        blocks = [self.uniform(noise.other(1 + k), a) for k in range(-(-len(outcomes) // size))]
        perturbed = np.log(p) - np.log(-np.log(np.concatenate(blocks, -1)[..., : len(outcomes)]))
        sets = np.sort(np.argsort(-perturbed, -1)[..., :count], -1)
        tried = np.stack([common] * (p.shape[1] * count))
        for group in range(len(tried)):
            variable = group // count
            tried[group, :, variable] = np.array(outcomes)[sets[:, variable, group % count]]
        return Drawn(a, tried.reshape(-1, *a.shape), (sets, self.ratios(p, sets)))

    def ratios(self, p, sets):
        """P_s R(S, s) and P_t R'(S, s, t), by s, and s and t. Lists over members of [rows, variables]"""
        members = [np.take_along_axis(p, sets[..., k, None], -1)[..., 0] for k in range(sets.shape[-1])]
        inside, every = np.zeros(p.shape), range(len(members))
        np.put_along_axis(inside, sets, 1.0, -1)
        outside = np.where(inside > 0, 0, p).sum(-1)

        def without(*left_out):
            return set_chance([w for k, w in enumerate(members) if k not in left_out], outside)

        own = [members[s] * without(s) / without() for s in every]
        mean = [[members[t] * (1 if s == t else without(s, t) / without(s)) for t in every] for s in every]
        return own, mean

    def merge(self, drawn, L):
        own = np.stack(drawn.kept[1][0], -1)  # [rows, variables, K]
        weights = own.reshape(len(own), -1).T / own.shape[1]
        return (weights * L).sum(0), weights

    def backward(self, drawn, L, dh):
        sets, (own, mean) = drawn.kept
        losses, da = L.T.reshape(sets.shape), np.zeros(self.grouped(drawn.a).shape)
        for s, chance in enumerate(own):
            baseline = sum(mean[s][t] * losses[..., t] for t in range(len(own)))
            signal = chance * (losses[..., s] - baseline)
            for variable in range(sets.shape[1]):
                score = self.grouped(self.score(drawn.h[variable * sets.shape[2] + s], drawn.a))[:, variable]
                da[:, variable] += signal[:, variable, None] * score
        return da.reshape(drawn.a.shape)


class Carms(OfVariables):
    """n draws; 1/n Σ_s 1/(n − 1) Σ_{t≠s} (L_s − L_t) π_{c_s} π_{c_t}/P(c_s, c_t)·(h_s − π). Dimitriev and Zhou 2021.

    Each inverts the distribution function at u_s = (1 − d_s)^(n−1), d flat on the simplex, with the outputs in an order
    in which a random one of all pairs i < j stands at the ends. P: the mean, over the orders, of the copula Φ(p, q) =
    max(0, p^(1/(n−1)) + q^(1/(n−1)) − 1)^(n−1) over the rectangle of both intervals.
    """

    name = "carms"
    defaults = dict(samples=3)

    def intervals(self, p):
        """Lower ends of the outputs' intervals, by order. [orders, rows, variables, of]"""
        size, below, found = p.shape[-1], np.cumsum(p, -1) - p, []
        for i, j in ((i, j) for i in range(size) for j in range(i + 1, size)):
            others = np.arange(size)
            low = below + np.where(others < i, p[..., i, None], 0) - np.where(others > j, p[..., j, None], 0)
            low[..., i], low[..., j] = 0, 1 - p[..., j]
            found.append(low)
        return np.array(found)

    def sample(self, a, noise):
        n, p, size = int(self.samples), softmax(self.grouped(a)), self.grouped(a).shape[2]
        e = np.stack([-np.log(self.uniform(noise.other(1 + s), a)[..., 0]) for s in range(n)])
        u = (1 - e / e.sum(0)) ** (n - 1)
        low = self.intervals(p)
        order = (self.uniform(noise, a)[..., 0] * len(low)).astype(int)
        own = np.take_along_axis(low, order[None, ..., None], 0)[0]
        h = [np.eye(size)[np.where(own <= one[..., None], own + 1, -1).argmax(-1)] for one in u]
        return Drawn(a, np.array(h).reshape(n, *a.shape))

    def copula(self, p, q):
        root = 1 / (self.samples - 1)
        return np.maximum(np.maximum(p, 0) ** root + np.maximum(q, 0) ** root - 1, 0) ** (self.samples - 1)

    def backward(self, drawn, L, dh):
        n, p = int(self.samples), softmax(self.grouped(drawn.a))
        hs, low, da = [self.grouped(h) for h in drawn.h], self.intervals(p), np.zeros(p.shape)
        for s, t in ((s, t) for s in range(n) for t in range(n) if s != t):
            (p1, low1), (p2, low2) = ([(x * h).sum(-1) for x in (p, low)] for h in (hs[s], hs[t]))
            both = self.copula(low1, low2) + self.copula(low1 + p1, low2 + p2)
            both = (both - self.copula(low1, low2 + p2) - self.copula(low1 + p1, low2)).mean(0)
            apart = (hs[s] != hs[t]).any(-1)  # the terms of a pair with one output cancel
            weight = np.where(apart, p1 * p2 / np.where(apart, both, 1), 0) * (L[s] - L[t])[:, None]
            da += weight[..., None] * (hs[s] - p) / (n * (n - 1))
        return da.reshape(drawn.a.shape)


class Imle(OfVariables):
    """(h − the k greatest of z − λ v)/λ, z = a + Gumbel noise, h the k greatest of z. Niepert et al. 2021, eq. 7."""

    name = "imle"
    own, takes = GumbelTopK, (GumbelTopK,)
    defaults = dict(strength=1.0)

    def use(self, draw):
        self.k = int(draw.k)
        return super().use(draw)

    def sample(self, a, noise):
        return Drawn(a, self.draw(a, noise)[None], self.perturbed(a, noise))

    def gradient(self, a, h, v, z):
        return (h - top(z - self.strength * v, self.k)) / self.strength


class LapSum(OfVariables):
    """Hard forward; the derivative of a soft top-k, p_i = F((a_i − b)/τ) with Σ p = k, F that of Laplace.

    With s = F': s∘(v − s·v/Σ s)/τ. Struski, Bednarczyk, Podolak and Tabor 2025, section 3.
    """

    name = "lapsum"
    own, takes = TopK, (TopK,)
    defaults = dict(temperature=1.0)

    def use(self, draw):
        self.k = int(draw.k)
        return super().use(draw)

    def gradient(self, a, h, v, kept):
        low, high = (a.min(-1, keepdims=True) - 90 * self.temperature, a.max(-1, keepdims=True) + 90 * self.temperature)
        for _ in range(60):  # bisection for b
            b = (low + high) / 2
            x = (a - b) / self.temperature
            many = np.where(x < 0, np.exp(-abs(x)) / 2, 1 - np.exp(-abs(x)) / 2).sum(-1, keepdims=True) > self.k
            low, high = np.where(many, b, low), np.where(many, high, b)
        s = np.exp(-abs(x)) / 2
        return s * (v - (s * v).sum(-1, keepdims=True) / s.sum(-1, keepdims=True)) / self.temperature


class Mixer(OfVariables):
    """Gates of a mixture of experts: the draw says which are open, `weigh` what an open one is."""

    own, takes = TopK, (TopK, Threshold, OneOf)

    def use(self, draw):
        super().use(draw)

        def weighed(function):
            return lambda a, *more: self.weigh(self.grouped(a), self.grouped(function(a, *more))).reshape(a.shape)

        self.draw, self.expect, self.decide = weighed(draw.draw), weighed(draw.expect), weighed(draw.decide)
        return self

    def weigh(self, a, h):
        return h * softmax(a)


class Mixture(Mixer):
    """h = w·1[open], w = softmax of a over the open outputs or over all, or σ(a). The gradient is that of w alone.

    Shazeer et al. 2017, eq. 3 to 5; Fedus, Zoph and Shazeer 2022, eq. 2; DeepSeek-AI 2024, eq. 15.
    """

    name = "mixture"
    defaults = dict(weights="open")

    def weigh(self, a, h):
        if self.weights != "open":
            return h * (sigmoid(a) if self.weights == "sigmoid" else softmax(a))
        w = h * np.exp(a - np.where(h > 0, a, a.min()).max(-1, keepdims=True))
        return w / np.where((h > 0).any(-1, keepdims=True), w.sum(-1, keepdims=True), 1)

    def gradient(self, a, h, v, kept):
        if self.weights == "sigmoid":
            return h * (1 - h) * v
        share = h if self.weights == "open" else softmax(a)
        return h * v - share * (h * v).sum(-1, keepdims=True)


class DenseMixer(Mixer):
    """h = π·1[open], and J(π) v over all outputs: closed experts teach the router, too. Yao et al. 2025."""

    name = "dense-mixer"

    def gradient(self, a, h, v, kept):
        return pull(softmax(a), v)


class SparseMixer(Mixer):
    """Experts in the order in which they are drawn: h = Σ_s m π_c e_c, π = softmax of a over those left, m = 1 for the
    greatest of these, else 1 with probability ¼ and ⅓ with ¾; Σ_s (e_c − π) π_c v_c. Liu et al. 2024, section 3.

    A finished network takes open experts in the order of a. Of a mean h all outputs are shares, by the softmax over all.
    """

    name = "sparse-mixer"
    own, takes = OneOf, (OneOf, GumbelTopK)

    def weigh(self, a, h):
        first = np.argsort(np.argsort(-a, -1, kind="stable"), -1)  # 0 at the greatest
        before = first[..., None, :] < first[..., :, None]
        left = np.where(before & (h[..., None, :] > 0), 0, np.exp(a[..., None, :] - a[..., :, None]))
        shares = ((h > 0) & (h < 1)).any(-1, keepdims=True)
        return h * np.where(shares, softmax(a), 1 / left.sum(-1))

    def steps(self, a, h, z):
        """e_c and π of each step."""
        left, open = np.zeros(a.shape), h > 0
        for _ in range(int((h[0, 0] > 0).sum())):
            c = top(np.where(open, z, -np.inf), 1)
            yield c, softmax(np.where(left > 0, -np.inf, a))
            left, open = left + c, open & (c == 0)

    def sample(self, a, noise):
        x, z, u = self.grouped(a), self.perturbed(a, noise), self.uniform(noise.other(), a)
        h = np.zeros(x.shape)
        for step, (c, p) in enumerate(self.steps(x, self.grouped(self.draw(a, noise)), z)):
            m = np.where((top(p, 1) * c > 0) | (u[..., step, None] < 0.25), 1, 1 / 3)
            h += m * p * c
        return Drawn(a, h.reshape(1, *a.shape), z)

    def gradient(self, a, h, v, z):
        return sum((c - p) * (c * p * v).sum(-1, keepdims=True) for c, p in self.steps(a, h, z))
