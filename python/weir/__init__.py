# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir: neural networks with stochastic neurons and conditional computation, from Python.

Gates are exactly 0 for most of a network on any one example, and kernels then really skip that work. Arrays that speak
DLPack or the buffer protocol go in without a copy; the caller's kind of array comes out. The GIL is released while the
library works.

- ``Classifier``, ``Regressor``: scikit-learn's interface, for tables.
- ``SparseAutoencoder``: activations of a model as a few of many features.
- ``Network``, ``load``, ``train``, ``compare``: networks of nodes, model files, configurations, several of them side by side.
- ``units``, ``kinds``, ``settings``, ``inspect``, ``evaluate``, ``predict``, ``continue_text``, ``metrics``, ``lab``, ``bench``:
  what the tool does, as functions that return records (``pandas.DataFrame(records)``).
- ``errors``: one exception per status of the library, each also a built-in one (ValueError, KeyError, …).
"""

from __future__ import annotations

from . import bench, errors, lab
from ._native import lib as _lib
from ._native import text as _text
from .comparing import compare
from .data import Data
from .errors import Error
from .estimate import Estimator
from .estimators import Classifier, Regressor
from .network import Configuration, Network, load
from .records import Record
from .sae import SparseAutoencoder
from .tool import continue_text, digits, evaluate, examples, inspect, isa, kinds, metrics, predict, settings, threads, units
from .training import Trainer, Training, train

__version__: str = _text(_lib.weir_version()) or ""

__all__ = [
    "Classifier",
    "Configuration",
    "Data",
    "Error",
    "Estimator",
    "Network",
    "Record",
    "Regressor",
    "SparseAutoencoder",
    "Trainer",
    "Training",
    "__version__",
    "bench",
    "compare",
    "continue_text",
    "digits",
    "errors",
    "evaluate",
    "examples",
    "inspect",
    "isa",
    "kinds",
    "lab",
    "load",
    "metrics",
    "predict",
    "settings",
    "threads",
    "train",
    "units",
]
