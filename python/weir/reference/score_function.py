# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The score-function family: (L − baseline)·(h − p), p = σ(a). Unbiased, and needs the loss alone."""
import numpy as np

from . import noise as random
from .base import Adam, Average, Coefficient, Drawn, Rule, score, sigmoid, slope


class Reinforce(Rule):
    """(L − L̄)(h − p). Williams 1992; Bengio et al. 2013, section 3, theorem 1 and eq. 10.

    L̄: nothing, a running average of the loss, per unit E[(h − p)²L] / E[(h − p)²] (of least variance), or the mean loss
    of the batch's other rows. Running averages are those of the batches before.
    """

    name = "reinforce"
    takes_draws = True
    defaults = dict(baseline="optimal", decay=0.9)

    def start(self, units):
        self.average = Average(self.decay, units)

    def backward(self, drawn, L, dh):
        s, loss, rows = self.score(drawn.h[0], drawn.a), L[0][:, None], len(L[0])
        if self.baseline == "leave-one-out" and rows > 1:
            return s * (loss - loss.mean()) * rows / (rows - 1)
        baseline = self.average.value() if self.baseline in ("average", "optimal") else 0
        if self.baseline == "optimal":
            self.average.add((s**2 * loss).mean(0), (s**2).mean(0))
        else:
            self.average.add(loss.mean())
        return s * (loss - baseline)


class Nvil(Rule):
    """(L − c − B(a))(h − p) / max(1, √v). Mnih and Gregor 2014, section 2.3.

    c: the running average of the loss. B: a network with one hidden layer of tanh units that learns to predict L − c.
    v: the running average of (L − c − B)², with normalise=yes.
    """

    name = "nvil"
    takes_draws = True
    defaults = dict(hidden=100, rate=0.001, decay=0.9, normalise="no")

    def start(self, units):
        hidden = int(self.hidden)
        scale = np.sqrt(6 / (units + hidden))
        self.w = scale * (2 * random.uniform(random.Noise(0, stream=2**16 - 1), hidden, units) - 1)
        self.b, self.v, self.end = np.zeros(hidden), np.zeros(hidden), np.zeros(1)
        self.adam = Adam(self.rate, self.w.shape, hidden, hidden, 1)
        self.mean, self.variance = Average(self.decay), Average(self.decay)

    def backward(self, drawn, L, dh):
        a, rows = drawn.a, len(drawn.a)
        t = np.tanh(a @ self.w.T + self.b)
        signal = L[0] - self.mean.value() - (t @ self.v + self.end)
        scale = np.sqrt(max(1, self.variance.value(1))) if self.normalise == "yes" else 1
        gradient = signal[:, None] / scale * self.score(drawn.h[0], a)
        behind = -signal[:, None] * self.v * (1 - t**2) / rows  # of the mean of signal²/2
        slopes = [behind.T @ a, behind.sum(0), -signal @ t / rows, [-signal.mean()]]
        self.adam.step([self.w, self.b, self.v, self.end], [np.asarray(s) for s in slopes])
        self.mean.add(L[0].mean())
        self.variance.add((signal**2).mean())
        return gradient


class Rloo(Rule):
    """K samples: 1/(K − 1) Σ_k (L_k − L̄)(h_k − p). Salimans and Knowles 2014; Kool, van Hoof and Welling 2019."""

    name = "rloo"
    takes_draws = True
    defaults = dict(samples=2)

    def sample(self, a, noise):
        return Drawn(a, self.draws(a, noise, int(self.samples)))

    def backward(self, drawn, L, dh):
        scores = np.stack([self.score(h, drawn.a) for h in drawn.h])
        return ((L - L.mean(0))[..., None] * scores).sum(0) / (self.samples - 1)


class Vimco(Rule):
    """K samples in one bound, L = −log (1/K) Σ_k exp(−L_k): Σ_k (L − L_{−k})(h_k − p). Mnih and Rezende 2016.

    L_{−k} is the bound with exp(−L_k) replaced by the geometric or arithmetic mean of the others.
    """

    name = "vimco"
    takes_draws = True
    defaults = dict(samples=5, mean="geometric")

    def sample(self, a, noise):
        return Drawn(a, self.draws(a, noise, int(self.samples)))

    def merge(self, drawn, L):
        bound = -np.logaddexp.reduce(-L, 0) + np.log(len(L))
        weights = np.exp(-L - np.logaddexp.reduce(-L, 0))
        return bound, weights

    def backward(self, drawn, L, dh):
        bound, gradient = self.merge(drawn, L)[0], 0
        for k in range(len(L)):
            others = np.delete(L, k, 0)
            mean = others.mean(0) if self.mean == "geometric" else self.merge(drawn, others)[0]
            without = self.merge(drawn, np.concatenate([others, mean[None]]))[0]
            gradient = gradient + (bound - without)[:, None] * self.score(drawn.h[k], drawn.a)
        return gradient


class MuProp(Rule):
    """[L(h) − L(μ) − m·(h − μ) − c](h − p) + m p(1 − p). Gu, Levine, Sutskever and Mnih 2016, eq. 9 to 11.

    Group 1 is the mean field μ = p, with m = ∂L/∂μ. c: nothing, or the running average of the bracket. In several layers
    the mean field hands on its means: from the second layer on a and the gradient are [2, rows, units], and m passes
    through the slope of the mean field.
    """

    name = "muprop"
    defaults = dict(baseline="none", decay=0.9)

    def start(self, units):
        self.average = Average(self.decay)

    def sample(self, a, noise, layer=0, layers=1):
        own, field = a if layer else (a, a)
        return Drawn(a, np.stack([self.draw(own, noise), sigmoid(field)]), (own, field, layer))

    def merge(self, drawn, L):
        return self.first(L)

    def backward(self, drawn, L, dh):
        (h, mean), m, (a, field, layer) = drawn.h, dh[1], drawn.kept
        bracket = L[0] - L[1] - (m * (h - mean)).sum(1)
        c = self.average.value() if self.baseline == "average" else 0
        self.average.add(bracket.mean())
        gradient = (bracket - c)[:, None] * score(h, a) + m * slope(a)
        return np.stack([gradient, m * slope(field)]) if layer else gradient


class DoubleCv(Rule):
    """rloo with a second control variate from the gradients at the samples. Titsias and Shi 2022, eq. 9 to 11.

    A + αB: A that of rloo, B the same with c_k = mean_{j≠k} ∇L_j·(h_k − p) for L_k, less its mean. α starts at 0.
    """

    name = "double-cv"
    defaults = dict(samples=2, decay=0.99)

    def start(self, units):
        self.coefficient = Coefficient(0, self.decay)

    def sample(self, a, noise):
        return Drawn(a, self.draws(a, noise, int(self.samples)))

    def backward(self, drawn, L, dh):
        h, others = drawn.h, len(L) - 1
        c = ((dh.sum(0) - dh) * (h - sigmoid(drawn.a))).sum(2) / others
        plain, linear = (((x - x.mean(0))[..., None] * h).sum(0) / others for x in (L, c))
        control = linear - slope(drawn.a) * dh.mean(0)
        alpha = -self.coefficient.value()
        self.coefficient.add(plain, control)
        return plain + alpha * control


class Rodeo(Rule):
    """rloo with Stein control variates from a learned surrogate of the loss at the neighbours of each sample.

    Shi, Zhou, Hwang, Titsias and Mackey 2022, eq. 9 to 12. With (A f)(h) = 1/D Σ_i w_i [f(flip_i h) − f(h)], w_i the
    probability of the value that h_i has not, and s = h − p:
      1/K Σ_k {[L_k − mean_{j≠k}(L_j + A f₀(h_j))]·s_k + A[f₁·s](h_k)}.
    f₀ and f₁ of sample k are the outputs of a network with one hidden layer of leaky rectifiers; its inputs are the mean
    loss of the other samples and mean_{j≠k} ∇L_j·(y − h_j). It goes down the slope of the mean of Σ g² by Adam.
    """

    name = "rodeo"
    defaults = dict(samples=2, hidden=100, rate=0.001)

    def start(self, units):
        hidden = int(self.hidden)
        # per hidden unit: weights of both inputs and a bias; then weights to both outputs, and the bias of f₁
        self.inward = random.normal(random.Noise(0, stream=2**16 - 1), hidden, 3).T.copy()
        self.outward, self.end = np.zeros((2, hidden)), np.zeros(1)
        self.adam = Adam(self.rate, self.inward.shape, self.outward.shape, 1)

    def sample(self, a, noise):
        return Drawn(a, self.draws(a, noise, int(self.samples)))

    def inputs(self, h, L, dh):
        """The network's inputs for the sample (at 0) and its neighbours (at i + 1). [groups, rows], [groups, rows, D + 1]"""
        others = len(L) - 1
        slopes = (dh.sum(0) - dh) / others
        here = (slopes * h).sum(2) - ((dh * h).sum((0, 2)) - (dh * h).sum(2)) / others
        along = np.concatenate([here[..., None], here[..., None] + slopes * (1 - 2 * h)], 2)
        return (L.sum(0) - L) / others, along

    def backward(self, drawn, L, dh):
        h, samples, units = drawn.h, len(L), drawn.a.shape[1]
        s, w = score(h, drawn.a), np.where(h > 0.5, sigmoid(-drawn.a), sigmoid(drawn.a))
        loss, along = self.inputs(h, L, dh)
        u = loss[..., None, None] * self.inward[0] + along[..., None] * self.inward[1] + self.inward[2]
        steep = np.where(u > 0, 1, 0.3)
        f0, f1 = (steep * u) @ self.outward[0], (steep * u) @ self.outward[1] + self.end
        stein = (w * (f0[..., 1:] - f0[..., :1])).mean(2)
        spread = (w * (f1[..., 1:] - f1[..., :1])).mean(2, keepdims=True)
        signal = L - ((L + stein).sum(0) - (L + stein)) / (samples - 1)
        gradient = (signal[..., None] * s + spread * s + w * f1[..., 1:] * (1 - 2 * h) / units).mean(0)
        self.learn(2 * gradient, s, w, h, loss, along, u, steep)
        return gradient

    def learn(self, twice, s, w, h, loss, along, u, steep):
        """Down the slope of the mean over rows of Σ g²; twice: 2g."""
        samples, rows, units = h.shape
        scores = (twice * s).sum(2)
        d0 = -((scores.sum(0) - scores) / ((samples - 1) * samples))[..., None] * w / units
        d1 = w * (scores[..., None] + twice * (1 - 2 * h)) / (samples * units)
        d0 = np.concatenate([-d0.sum(2, keepdims=True), d0], 2)
        d1 = np.concatenate([-(w * scores[..., None]).sum(2, keepdims=True) / (samples * units), d1], 2)
        du = steep * (d0[..., None] * self.outward[0] + d1[..., None] * self.outward[1])
        over = (0, 1, 2)
        inward = [(du * loss[..., None, None]).sum(over), (du * along[..., None]).sum(over), du.sum(over)]
        outward = [(steep * u * d[..., None]).sum(over) for d in (d0, d1)]
        slopes = [np.stack(inward) / rows, np.stack(outward) / rows, np.array([d1.sum() / rows])]
        self.adam.step([self.inward, self.outward, self.end], slopes)
