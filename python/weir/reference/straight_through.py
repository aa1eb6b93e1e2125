# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The straight-through family: h is 0 or 1, and the gradient is w·∂L/∂h, w in place of the derivative of the step.

All are biased. They differ in w alone.
"""
import numpy as np

from . import noise as random
from .base import Drawn, Rule, coin, sigmoid, slope, softplus
from .pathwise import Annealed


class StraightThrough(Rule):
    """w = 1, σ'(a), or 1[|a| ≤ 1]. Hinton 2012; Bengio et al. 2013, section 4, eq. 13; Courbariaux et al. 2016.

    derivative=mean: (∂E h/∂a)ᵀ ∂L/∂h of the draw; of subsets that is SIMPLE (Ahmed et al. 2023, eq. 5).
    """

    name = "straight-through"
    takes_draws = True
    defaults = dict(derivative="identity")

    def backward(self, drawn, L, dh):
        a = drawn.a
        if self.derivative == "mean":
            return self.pull(a, dh[0])
        return dh[0] * {"identity": 1, "sigmoid": slope(a), "clipped": np.abs(a) <= 1}[self.derivative]


class Half(Rule):
    """w = ½|h − σ(a)|: the trapezoid rule for ∫ ∂L/∂h dh over [0, 1]. Gregor et al. 2014; Gu et al. 2016, eq. 6."""

    name = "half"

    def backward(self, drawn, L, dh):
        return dh[0] * np.abs(drawn.h[0] - sigmoid(drawn.a)) / 2


class ReinMax(Rule):
    """w = 2m(1 − m) − ½p(1 − p), m = ½(σ(a/τ) + h), p = σ(a). Liu, Dong, Liu, Yu and Gao 2023, algorithm 2.

    At τ = 1 it is `half`.
    """

    name = "reinmax"
    defaults = dict(temperature=1.0)

    def backward(self, drawn, L, dh):
        m = (sigmoid(drawn.a / self.temperature) + drawn.h[0]) / 2
        return dh[0] * (2 * m * (1 - m) - slope(drawn.a) / 2)


class SlopeAnnealed(Rule):
    """w = ½s·1[|s·a| < 1], or s·σ'(s·a), s = min(greatest, start + growth·step). Chung, Ahn and Bengio 2016."""

    name = "slope-annealed"
    defaults = dict(shape="hard", start=1.0, growth=1e-4, greatest=5.0)

    def sample(self, a, noise):
        s = min(self.greatest, self.start_ + self.growth * noise.step)
        w = s * slope(s * a) if self.shape == "sigmoid" else np.where(np.abs(s * a) < 1, s / 2, 0)
        return Drawn(a, self.draw(a, noise)[None], w)

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept


class StGumbel(Annealed):
    """h = 1[a + z > 0] with logistic z, w = ∂σ((a + z)/τ)/∂a with the same z. Jang, Gu and Poole 2017, section 2.2."""

    name = "st-gumbel"

    def sample(self, a, noise):
        z = a + random.logistic(noise, *a.shape)
        return Drawn(a, (z > 0).astype(float)[None], slope(z, self.temperature_at(noise.step)))

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept


class GumbelRao(Rule):
    """The w of st-gumbel, averaged over K relaxations drawn given h. Paulus, Maddison and Krause 2021.

    Given h, |a + z| = log(1 + v·e^(±a)) − log(1 − v), v uniform, the upper sign for h = 1; σ' is even.
    """

    name = "gumbel-rao"
    defaults = dict(temperature=0.5, draws=10)

    def sample(self, a, noise):
        h = self.draw(a, noise)
        toward, w = np.where(h > 0.5, a, -a), np.zeros(a.shape)
        for k in range(int(self.draws_)):
            v = random.uniform(noise.other(k + 1), *a.shape)
            w += slope(softplus(toward + np.log(v)) - np.log(1 - v), self.temperature) / self.draws_
        return Drawn(a, h[None], w)

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept


class GappedStraightThrough(Rule):
    """w = ∂σ(z/τ)/∂z, z = max(a, gap) for h = 1 and min(a, −gap) for h = 0. Fan, Chi, Rudnicky and Ramadge 2022.

    The gap is a constant, or E[a + z | a + z > 0] = log(1 + eᵃ)/σ(a) of st-gumbel (with −a for h = 0).
    """

    name = "gapped-straight-through"
    defaults = dict(temperature=0.7, gap=1.0, form="constant")

    def backward(self, drawn, L, dh):
        toward = np.where(drawn.h[0] > 0.5, drawn.a, -drawn.a)
        gap = softplus(toward) / sigmoid(toward) if self.form == "average" else self.gap
        return dh[0] * slope(np.maximum(toward, gap), self.temperature)


class DecoupledStraightThrough(Rule):
    """h = 1[a/τ_f + z > 0] with logistic z, w = ∂σ(a/τ_b)/∂a, or the same of a + z. Shah, Yan, Mozer and Liu 2024."""

    name = "decoupled-straight-through"
    defaults = dict(forward=1.0, backward=1.0, noise="none")

    def draw(self, a, noise):
        return (a / self.forward + random.logistic(noise, *a.shape) > 0).astype(float)

    def expect(self, a):
        return sigmoid(a / self.forward)

    def opening(self, a):
        return sigmoid(a / self.forward), slope(a, self.forward)

    def sample(self, a, noise):
        z = random.logistic(noise, *a.shape) if self.noise == "logistic" else 0
        return Drawn(a, self.draw(a, noise)[None], slope(a + z, self.backward_))

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept
