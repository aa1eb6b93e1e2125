# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Counter-based random numbers: each is a pure function of its coordinates.

Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The key is the
seed; the counter is (quad, row, step, stream·2¹⁶ + sample). Unit u of a row uses word u % 4 of quad u // 4, so that a
unit's noise depends neither on the other units nor on the rows beside it.

Words, uniform numbers, integers and permutations equal the library's bit for bit. Logistic and normal numbers are
functions of uniform ones, here in double precision: the library's differ from them by at most 10⁻⁶, absolutely or
relatively.
"""
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

MULTIPLIER = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
KEY_STEP = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and √3 − 1, as fractions of 2³²
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
NORMAL = NormalDist()


class Noise(NamedTuple):
    """The coordinates that a whole array of noise has in common. Row r of it has the coordinate first_row + r."""

    seed: int
    step: int = 0
    stream: int = 0
    sample: int = 0
    first_row: int = 0

    def other(self, k=1):
        """Another draw of the same rows and units."""
        return self._replace(sample=(self.sample + k) % 2**16)


def philox(counter, key):
    """Ten rounds of Philox 4x32: counter [..., 4] and key (two words) to four random words [..., 4]."""
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    for turn in range(10):
        k0, k1 = (np.uint64((key[i] + turn * KEY_STEP[i]) % 2**32) for i in range(2))
        first, second = c0 * MULTIPLIER[0], c2 * MULTIPLIER[1]
        c0, c1, c2, c3 = (second >> HALF) ^ c1 ^ k0, second & LOW, (first >> HALF) ^ c3 ^ k1, first & LOW
    return np.stack([c0, c1, c2, c3], -1)


def words(noise, rows, units):
    """Random 32-bit words [len(rows), units]; rows: numbers of rows, counted from noise.first_row."""
    quads = (units + 3) // 4
    counter = np.zeros((len(rows), quads, 4), np.uint64)
    counter[..., 0] = np.arange(quads)
    counter[..., 1] = ((noise.first_row + np.asarray(rows, np.uint64)) % 2**32)[:, None]
    counter[..., 2] = noise.step
    counter[..., 3] = noise.stream * 2**16 + noise.sample
    drawn = philox(counter, (noise.seed % 2**32, noise.seed // 2**32))
    return drawn.reshape(len(rows), 4 * quads)[:, :units]


def uniform(noise, rows, units):
    """(k + ½)·2⁻²³, k the upper 23 bits of a word: never 0 or 1, and as often u as 1 − u. [rows, units]"""
    return ((words(noise, range(rows), units) >> np.uint64(9)) + 0.5) * 2.0**-23


def logistic(noise, rows, units):
    """Standard logistic numbers log(v / (1 − v)) of uniform v. [rows, units]"""
    v = uniform(noise, rows, units)
    return np.log(v / (1 - v))


def normal(noise, rows, units):
    """Standard normal numbers, in pairs from a pair of uniform ones (Box and Muller 1958). [rows, units]"""
    pairs = uniform(noise, rows, units + units % 2).reshape(rows, -1, 2)
    radius, angle = np.sqrt(-2 * np.log(pairs[..., 0])), 2 * np.pi * pairs[..., 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(rows, -1)[:, :units]


def below(noise, row, unit, bound):
    """An integer in 0 … bound − 1."""
    return int(words(noise, [row], unit + 1)[0, unit]) * int(bound) >> 32


def permutation(noise, count):
    """A permutation of 0 … count − 1 (Fisher and Yates), as training uses it for the order of rows."""
    order = np.arange(count)
    drawn = words(noise, [0], count)[0]
    for i in range(count - 1, 0, -1):
        j = int(drawn[i]) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    return order
