#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# numpy 2.4.6: Philox(counter=c, key=k) never gives the block of counter c; its first numbers are those of c + 1.
#
# A counter-based generator is a function of key and counter (Salmon et al. 2011): whoever says counter = 0 and reads four
# words expects the first line of Random123's known answers, philox4x64-10 of counter 0 and key 0, which begins with
# 16554d9eca36314c. numpy adds 1 before it draws: that line comes with counter = 2^256 - 1, and counter = 0 gives the block
# of counter 1. The documentation calls it "the counter to use in the Philox state" and does not say so. Whoever carries
# coordinates of noise from one program to another (here: weir, whose words are Random123's) is off by one block.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np

KNOWN = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]  # counter 0, key 0


def philox(counter, key):
    """Philox 4x64-10 by its definition."""
    (c0, c1, c2, c3), (k0, k1), mask = counter, key, 2**64 - 1
    for _ in range(10):
        a, b = c0 * 0xD2E7470EE14C6C93, c2 * 0xCA5A826395121157
        c0, c1, c2, c3 = b >> 64 ^ c1 ^ k0, b & mask, a >> 64 ^ c3 ^ k1, a & mask
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & mask, k1 + 0xBB67AE8584CAA73B & mask
    return [c0, c1, c2, c3]


assert philox((0, 0, 0, 0), (0, 0)) == KNOWN
found = {name: [int(word) for word in np.random.Philox(counter=counter, key=0).random_raw(4)]
         for name, counter in (("0", 0), ("2^256 - 1", 2**256 - 1))}
for name, words in found.items():
    print(f"counter = {name:9}", *(f"{word:016x}" for word in words))
print("counter 0 by definition", *(f"{word:016x}" for word in KNOWN))
assert found["0"] == philox((1, 0, 0, 0), (0, 0)) and found["0"] != KNOWN
assert found["2^256 - 1"] == KNOWN
PYTHON
