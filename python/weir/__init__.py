# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir: neural networks with stochastic neurons and conditional computation, from Python."""

from __future__ import annotations

from . import errors
from ._native import lib as _lib
from ._native import text as _text
from .errors import Error

__version__: str = _text(_lib.weir_version()) or ""

__all__ = ["Error", "errors", "__version__"]
