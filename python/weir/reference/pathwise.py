# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Units whose gradient is ordinary back-propagation through the drawn output, or nearly."""
import math

import numpy as np

from . import noise as random
from .base import Drawn, Rule, coin, sigmoid, slope, softplus

density = np.vectorize(random.NORMAL.pdf, otypes=[float])  # φ
below = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])  # Φ, accurate in the lower tail


class NoisyRectifier(Rule):
    """h = max(0, a + sd·z), z normal or logistic. Bengio, Léonard and Courville 2013, section 2.1, proposition 1.

    With logistic z and sd = 1, P(h > 0) = σ(a) and E[h] = log(1 + eᵃ). An open gate at test time gives E[h | a, h > 0].
    """

    name = "noisy-rectifier"
    defaults = dict(noise="gaussian", sd=1.0)

    def draw(self, a, noise):
        z = random.normal if self.noise == "gaussian" else random.logistic
        return np.maximum(0, a + self.sd * z(noise, *a.shape))

    def expect(self, a):
        x = a / self.sd
        return self.sd * (x * below(x) + density(x) if self.noise == "gaussian" else softplus(x))

    def open(self, a):
        x = a / self.sd
        return a + self.sd * density(x) / below(x) if self.noise == "gaussian" else self.sd * softplus(x) / sigmoid(x)

    def opening(self, a):
        x = a / self.sd
        return (below(x), density(x) / self.sd) if self.noise == "gaussian" else (sigmoid(x), slope(a, self.sd))

    def backward(self, drawn, L, dh):
        return np.where(drawn.h[0] > 0, dh[0], 0)


class Rectifier(Rule):
    """h = max(0, a): no noise. A gate under 0 is closed whatever the threshold."""

    name = "rectifier"

    def draw(self, a, noise):
        return np.maximum(0, a)

    def expect(self, a):
        return np.maximum(0, a)

    def open(self, a):
        return np.maximum(0, a)

    def opening(self, a):
        return (a > 0).astype(float), np.zeros_like(a)

    def backward(self, drawn, L, dh):
        return np.where(drawn.h[0] > 0, dh[0], 0)


class Beta:
    """Noise z = |log(1/r − 1)|·(B − ½), B ~ Beta(α, β) of mode s. Bengio et al. 2013, appendix A.2.

    B is the quantile of a uniform number, by interpolation in a table of the distribution function: the integral of
    xᵅ(1 − x)ᵝ over the logit of x.
    """

    def __init__(self, target, beta, r):
        alpha = (target * (beta - 2) + 1) / (1 - target)
        self.scale, self.mean = abs(math.log(1 / r - 1)), alpha / (alpha + beta)
        logit = np.linspace(-50, 50, 400_001)
        weight = np.exp(-alpha * softplus(-logit) - beta * softplus(logit) + (alpha + beta) * softplus(0))
        below = np.concatenate([[0], np.cumsum(weight[1:] + weight[:-1])])
        self.x, self.below = sigmoid(logit), below / below[-1]

    def draw(self, noise, rows, units):
        return self.scale * (np.interp(random.uniform(noise, rows, units), self.below, self.x) - 0.5)

    def expected(self):
        return self.scale * (self.mean - 0.5)


class Sts(Rule):
    """Stochastic times smooth: h = b·√p, b ~ Bernoulli(√p), so that E[h] = p = σ(a). Bengio et al. 2013, eq. 2.

    The gradient takes the coin b for a constant: ∂h/∂a = b·½√p(1 − p) = h(1 − h²)/2. With Beta noise p = σ(a + z).
    """

    name = "sts"
    defaults = dict(noise="none", target=0.1, beta=40.1)

    def beta_noise(self):
        return Beta(self.target, self.beta, self.target**2) if self.noise == "beta" else None

    def shifted(self, a):
        return a + self.beta_noise().expected() if self.noise == "beta" else a

    def draw(self, a, noise):
        if self.noise == "beta":
            a = a + self.beta_noise().draw(noise.other(), *a.shape)
        root = np.sqrt(sigmoid(a))
        return coin(random.uniform(noise, *a.shape), root) * root

    def expect(self, a):
        return sigmoid(self.shifted(a))

    def open(self, a):
        return np.sqrt(sigmoid(self.shifted(a)))

    def opening(self, a):
        root = self.open(a)
        return root, root * sigmoid(-self.shifted(a)) / 2

    def backward(self, drawn, L, dh):
        h = drawn.h[0]
        return np.where(h > 0, dh[0] * h * (1 - h**2) / 2, 0)


class Sigmoid(Rule):
    """h = σ(a + z), z none, normal or Beta: the sigmoid baselines of Bengio et al. 2013, section 5. Never closed."""

    name = "sigmoid"
    defaults = dict(noise="none", sd=1.0, target=0.1, beta=40.1)
    closes = False

    def beta_noise(self):
        return Beta(self.target, self.beta, self.target)

    def draw(self, a, noise):
        if self.noise == "gaussian":
            a = a + self.sd * random.normal(noise, *a.shape)
        elif self.noise == "beta":
            a = a + self.beta_noise().draw(noise, *a.shape)
        return sigmoid(a)

    def expect(self, a):
        return sigmoid(a + self.beta_noise().expected() if self.noise == "beta" else a)

    def open(self, a):
        return self.expect(a)

    def opening(self, a):
        h = self.expect(a)
        return h, h * (1 - h)

    def backward(self, drawn, L, dh):
        h = drawn.h[0]
        return dh[0] * h * (1 - h)


class SemanticHashing(Rule):
    """h = σ(a + sd·z) with normal z, rounded at test time. Salakhutdinov and Hinton 2009."""

    name = "semantic-hashing"
    defaults = dict(sd=1.0)

    def draw(self, a, noise):
        return sigmoid(a + self.sd * random.normal(noise, *a.shape))

    def backward(self, drawn, L, dh):
        h = drawn.h[0]
        return dh[0] * h * (1 - h)


class Annealed(Rule):
    """Rules whose temperature falls during training: τ = max(least, temperature·e^(−decay·step)). Jang et al. 2017."""

    defaults = dict(temperature=1.0, decay=0.0, least=0.5)

    def temperature_at(self, step):
        return max(self.least, self.temperature * math.exp(-self.decay * step)) if self.decay else self.temperature


class Concrete(Annealed):
    """h = σ((a + z)/τ), z logistic; 0 or 1 at test time. Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017.

    As a finished network draws it, it is the coin that it stands for.
    """

    name = "concrete"

    def sample(self, a, noise):
        z, t = a + random.logistic(noise, *a.shape), self.temperature_at(noise.step)
        return Drawn(a, sigmoid(z / t)[None], slope(z, t))

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept


class HardConcrete(Rule):
    """h = min(1, max(0, s(ζ − γ) + γ)), s = σ((a + z)/β), z logistic. Louizos, Welling and Kingma 2018, eq. 10 to 13.

    The gradient is that of h, 0 where it is clipped. P(h ≠ 0) = σ(a − β·log(−γ/ζ)).
    """

    name = "hard-concrete"
    defaults = dict(temperature=2 / 3, low=-0.1, high=1.1)

    def stretch(self, s):
        return np.clip(s * (self.high - self.low) + self.low, 0, 1)

    def draw(self, a, noise):
        return self.stretch(sigmoid((a + random.logistic(noise, *a.shape)) / self.temperature))

    def expect(self, a):
        return self.stretch(sigmoid(a))

    def open(self, a):
        return self.stretch(sigmoid(a))

    def opening(self, a):
        shifted = a - self.temperature * math.log(-self.low / self.high)
        return sigmoid(shifted), slope(shifted)

    def backward(self, drawn, L, dh):
        h, width = drawn.h[0], self.high - self.low
        s = (h - self.low) / width
        return np.where((h > 0) & (h < 1), dh[0] * width * s * (1 - s) / self.temperature, 0)


class StochasticGate(Rule):
    """h = clip(a + ½ + sd·z, 0, 1), z normal. Yamada, Lindenbaum, Negahban and Kluger 2020, eq. 4 and 6."""

    name = "stochastic-gate"
    defaults = dict(sd=0.5)

    def draw(self, a, noise):
        return np.clip(a + 0.5 + self.sd * random.normal(noise, *a.shape), 0, 1)

    def expect(self, a):
        return np.clip(a + 0.5, 0, 1)

    def open(self, a):
        return np.clip(a + 0.5, 0, 1)

    def opening(self, a):
        x = (a + 0.5) / self.sd
        return below(x), density(x) / self.sd

    def backward(self, drawn, L, dh):
        return np.where((drawn.h[0] > 0) & (drawn.h[0] < 1), dh[0], 0)


class JumpRelu(Rule):
    """h = a·1[a > θ], w = 1[a > θ] + (θ/ε)·1[|a − θ| < ε/2]: a pseudo-derivative of the jump. Rajamanoharan et al. 2024."""

    name = "jump-relu"
    defaults = dict(jump=0.5, kernel=0.1)

    def draw(self, a, noise):
        return self.open(a)

    def expect(self, a):
        return self.open(a)

    def open(self, a):
        return np.where(a > self.jump, a, 0)

    def opening(self, a):
        return (a > self.jump).astype(float), np.zeros(a.shape)

    def backward(self, drawn, L, dh):
        near = self.kernel > 0 and np.abs(drawn.a - self.jump) < self.kernel / 2
        return dh[0] * ((drawn.a > self.jump) + near * self.jump / (self.kernel or 1))


class ImprovedSemanticHashing(Rule):
    """y = max(0, min(1, 1.2·σ(a + sd·z) − 0.1)), z normal; a share of the rows gives 1[y > ½], the others y.

    Both have the gradient of y. Kaiser and Bengio 2018, section 2.1.
    """

    name = "improved-semantic-hashing"
    defaults = dict(sd=1.0, mix=0.5)

    def saturate(self, p):
        return np.clip(1.2 * p - 0.1, 0, 1)

    def points(self, a, noise):
        z = a + self.sd * random.normal(noise, *a.shape)
        y = self.saturate(sigmoid(z))
        bits = random.uniform(noise.other(), len(a), 1) < self.mix
        return np.where(bits, y > 0.5, y), np.where((y > 0) & (y < 1), 1.2 * slope(z), 0)

    def draw(self, a, noise):
        return self.points(a, noise)[0]

    def sample(self, a, noise):
        h, dy = self.points(a, noise)
        return Drawn(a, h[None], dy)

    def expect(self, a):
        return self.saturate(sigmoid(a))

    def opening(self, a):
        bit, real = a / self.sd, (a + math.log(11)) / self.sd  # y > 0 where σ > 1/12
        q = self.mix * below(bit) + (1 - self.mix) * below(real)
        return q, (self.mix * density(bit) + (1 - self.mix) * density(real)) / self.sd

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept


class Dropout(Rule):
    """h = a·b/(1 − rate), b ~ Bernoulli(1 − rate); a at test time. Hinton et al. 2012; Srivastava et al. 2014."""

    name = "dropout"
    defaults = dict(rate=0.5)
    closes = False

    def draw(self, a, noise):
        return np.where(random.uniform(noise, *a.shape) < self.rate, 0, a / (1 - self.rate))

    def expect(self, a):
        return a

    def open(self, a):
        return a

    def opening(self, a):
        return np.full(a.shape, 1 - self.rate), np.zeros(a.shape)

    def backward(self, drawn, L, dh):
        return np.where(drawn.h[0] == 0, 0, dh[0] / (1 - self.rate))


class ConcreteDropout(Rule):
    """A mask with a learned rate: h = y/p, y = σ((a + z)/τ), z logistic, p = σ(a). Gal, Hron and Kendall 2017.

    1 where nothing is drawn. ∂h/∂a = [y(1 − y)/τ − y(1 − p)]/p.
    """

    name = "concrete-dropout"
    defaults = dict(temperature=0.1)
    closes = False

    def mask(self, a, noise):
        z = a + random.logistic(noise, *a.shape)
        y, p = sigmoid(z / self.temperature), sigmoid(a)
        return y / p, (slope(z, self.temperature) - y * sigmoid(-a)) / p

    def draw(self, a, noise):
        return self.mask(a, noise)[0]

    def sample(self, a, noise):
        h, dh_da = self.mask(a, noise)
        return Drawn(a, h[None], dh_da)

    def expect(self, a):
        return np.ones_like(a, float)

    def backward(self, drawn, L, dh):
        return dh[0] * drawn.kept
