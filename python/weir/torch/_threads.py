# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Passes run in the threads of PyTorch's OpenMP library.

A thread of GNU OpenMP spins for some four milliseconds after each parallel loop, waiting for the next one. Threads of weir
would share a processor with it meanwhile: a layer of 4096 x 4096 after any operator of PyTorch took 1.3 times as long.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from cffi import FFI

from .._native import ffi, lib

_openmp = FFI()
_openmp.cdef("void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned);")
_alive: Any = None  # the library whose function is in use


def share() -> bool:
    """Whether there was such a library: otherwise weir goes on with threads of its own."""
    global _alive
    try:
        _alive = _openmp.dlopen(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        function = _alive.GOMP_parallel
    except (OSError, AttributeError):  # built with other threads, or laid out in another way
        return False
    lib.weir_team_use(ffi.cast("weir_team *", int(_openmp.cast("uintptr_t", function))))
    return True
