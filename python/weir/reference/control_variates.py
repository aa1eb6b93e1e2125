# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""REBAR and RELAX: the score function with the loss of a relaxed output as its control variate."""
import numpy as np

from . import noise as random
from .base import Adam, Coefficient, Drawn, Rule, score, sigmoid, slope


def relaxed_draw(a, u, v):
    """h = 1[z > 0], z = a + logit u; z̃ as z drawn again given h; ∂z̃/∂a.

    z̃ = a + logit v', v' = v·q for h = 0 and v·p + q for h = 1: uniform numbers that give the same h. The path through
    v' belongs to the derivative: without it REBAR is biased.
    """
    p, q = sigmoid(a), sigmoid(-a)
    z = a + np.log(u / (1 - u))
    one = z > 0
    v = v(one, p, q) if callable(v) else v
    moved = np.where(one, v * p + q, v * q)
    rest = np.where(one, p * (1 - v), 1 - v * q)  # 1 − v'
    dz = 1 + np.where(one, v - 1, -v) * p * q / (moved * rest)
    return one.astype(float), z, a + np.log(moved / rest), dz


class Rebar(Rule):
    """[L(h) − κL(ζ̃)](h − p) + κ ∂L(ζ)/∂a − κ ∂L(ζ̃)/∂a, ζ = σ(z/λ), ζ̃ = σ(z̃/λ).

    Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein 2017, eq. 7. κ is the factor of least variance. tune=both moves
    log λ, too, down the slope of Σ g² between λ and 1.05·λ. noise=coupled: v is what u says given h, so that z̃ = z.
    """

    name = "rebar"
    defaults = {"lambda": 0.5, "kappa": 1.0, "tune": "kappa", "noise": "independent", "decay": 0.99, "rate": 0.01}

    def start(self, units):
        self.log_lambda = np.log([self.lambda_])
        self.coefficient, self.adam = Coefficient(self.kappa, self.decay), Adam(self.rate, 1)

    def scales(self):
        """λ, and with tune=both the other one."""
        return np.exp(self.log_lambda[0]) * np.array([1, 1.05][: 2 if self.tune == "both" else 1])

    def sample(self, a, noise):
        u, v = random.uniform(noise, *a.shape), random.uniform(noise.other(), *a.shape)
        coupled = self.noise == "coupled"
        h, z, given, dz = relaxed_draw(a, u, (lambda one, p, q: np.where(one, (u - q) / p, u / q)) if coupled else v)
        points = [z] if coupled else [z, given]
        return Drawn(a, np.stack([h] + [sigmoid(x / scale) for scale in self.scales() for x in points]), dz)

    def merge(self, drawn, L):
        return self.first(L)

    def control(self, drawn, L, dh, at, scale):
        """B = L(ζ̃)(h − p) − ∂L(ζ)/∂a + ∂L(ζ̃)/∂a, the groups beginning at `at`."""
        last = at + (self.noise != "coupled")
        free, given = (dh[g] * drawn.h[g] * (1 - drawn.h[g]) / scale for g in (at, last))
        return L[last][:, None] * score(drawn.h[0], drawn.a) - free + given * drawn.kept

    def backward(self, drawn, L, dh):
        plain, scale = L[0][:, None] * score(drawn.h[0], drawn.a), self.scales()[0]
        control = self.control(drawn, L, dh, 1, scale)
        kappa = self.kappa if self.tune == "none" else self.coefficient.value()
        gradient = plain - kappa * control
        if self.tune != "none":
            self.coefficient.add(plain, control)
        if self.tune == "both":
            other = self.control(drawn, L, dh, 1 + (len(L) - 1) // 2, scale * 1.05)
            change = 2 * kappa * (gradient * (control - other)).sum() / len(gradient)
            self.adam.step([self.log_lambda], [np.array([change / np.log(1.05)])])
            self.log_lambda[:] = np.clip(self.log_lambda, np.log(0.05), np.log(10))
        return gradient


class Relax(Rule):
    """[L(h) − c(z̃)](h − p) + ∂c(z)/∂a − ∂c(z̃)/∂a, c(z) = κL(ζ) + r(ζ), ζ = σ(z/λ).

    Grathwohl, Choi, Wu, Roeder and Duvenaud 2018, eq. 8 and 9. r(ζ) = Σ_j v_j tanh(w_j·(ζ − ½) + b_j) starts at 0 and
    goes down the slope of the mean of Σ g² by Adam; κ is the factor of least variance for what r leaves.
    """

    name = "relax"
    defaults = {"lambda": 0.5, "hidden": 10, "rate": 0.001, "decay": 0.99}

    def start(self, units):
        hidden, scale = int(self.hidden), np.sqrt(6 / (units + 1))
        self.w = scale * (2 * random.uniform(random.Noise(0, stream=2**16 - 1), hidden, units) - 1)
        self.b, self.v = np.zeros(hidden), np.zeros(hidden)
        self.adam = Adam(self.rate, self.w.shape, hidden, hidden)
        self.coefficient = Coefficient(1, self.decay)

    def sample(self, a, noise):
        u, v = random.uniform(noise, *a.shape), random.uniform(noise.other(), *a.shape)
        h, z, given, dz = relaxed_draw(a, u, v)
        scale = self.lambda_
        return Drawn(a, np.stack([h, sigmoid(z / scale), sigmoid(given / scale)]), dz)

    def merge(self, drawn, L):
        return self.first(L)

    def backward(self, drawn, L, dh):
        (h, zeta, given), scale = drawn.h, self.lambda_
        s = score(h, drawn.a)
        dzeta, dgiven = zeta * (1 - zeta) / scale, given * (1 - given) / scale * drawn.kept  # by a
        t, tt = (np.tanh((x - 0.5) @ self.w.T + self.b) for x in (zeta, given))
        r, slopes, given_slopes = tt @ self.v, (self.v * (1 - t**2)) @ self.w, (self.v * (1 - tt**2)) @ self.w
        plain = (L[0] - r)[:, None] * s + slopes * dzeta - given_slopes * dgiven
        control = L[2][:, None] * s - dh[1] * dzeta + dh[2] * dgiven
        gradient = plain - self.coefficient.value() * control
        self.learn(2 * gradient, s, zeta, given, dzeta, dgiven, t, tt)
        self.coefficient.add(plain, control)
        return gradient

    def learn(self, twice, s, zeta, given, dzeta, dgiven, t, tt):
        """With G = 2g: of −r(ζ̃) Σ G·s + ∇r(ζ)·(G ζ') − ∇r(ζ̃)·(G ζ̃'), by r's parameters, the mean over rows."""
        total, d, e, rows = (twice * s).sum(1)[:, None], twice * dzeta, twice * dgiven, len(s)
        along, given_along = d @ self.w.T, e @ self.w.T
        one, two = 1 - t**2, 1 - tt**2
        # how the sum changes with the pre-activation of a tanh, at ζ and at ζ̃, and with its slope there
        at, at_given = -2 * t * one * along, -total * two + 2 * tt * two * given_along
        dw = self.v[:, None] * (at.T @ (zeta - 0.5) + at_given.T @ (given - 0.5) + one.T @ d - two.T @ e)
        db = self.v * (at + at_given).sum(0)
        dv = (-total * tt + one * along - two * given_along).sum(0)
        self.adam.step([self.w, self.b, self.v], [dw / rows, db / rows, dv / rows])
