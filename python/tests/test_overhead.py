# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What a call from NumPy costs beside the library's own time: at most 10 microseconds."""

import time

import numpy as np
import pytest

import weir
from networks import gated_nodes
from weir import arrays
from weir._native import NULL, ffi, lib

MICROSECONDS = 10.0


def least(function, calls=30, rounds=400):
    """Microseconds of a call: the least of many rounds, for other programs only add to it."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            function()
        found.append((time.perf_counter() - started) / calls)
    return 1e6 * min(found)


@pytest.mark.parametrize("rows", [1, 32])
def test_calls_from_numpy(rows):
    network = weir.Network(gated_nodes(), training=False, max_rows=32, threads=1)
    X, out = np.ones((rows, 20), np.float32), np.empty((rows, 3), np.float32)
    given, place, error = arrays.pointer(X), arrays.pointer(out), ffi.new("weir_error *")
    if rows == 1:
        inside = least(lambda: lib.weir_predict_row(network.c, NULL, place, given, error))
    else:
        shared = ffi.new("weir_rows **")
        lib.weir_rows_share(shared, given, NULL, rows, 20, error)
        inside = least(lambda: lib.weir_predict(network.c, NULL, place, shared[0], 0, rows, error))
        lib.weir_rows_free(shared[0])
    whole = least(lambda: network.predict_proba(X))
    print(f"\npredict_proba of {rows} rows: {whole:.1f} us, of which the library {inside:.1f} us")
    assert whole - inside < MICROSECONDS
