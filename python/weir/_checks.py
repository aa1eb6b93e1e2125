# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What scikit-learn's users expect an estimator to say of its arguments. scikit-learn itself is not needed."""

from __future__ import annotations

import sys
import warnings
from typing import Any, List, Optional, Type

import numpy as np

from . import arrays


def _of_sklearn(name: str, otherwise: Type[Any]) -> Type[Any]:
    """A class of ``sklearn.exceptions`` where the program uses scikit-learn; else what it derives from."""
    exceptions = sys.modules.get("sklearn.exceptions")
    found: Type[Any] = getattr(exceptions, name, otherwise)
    return found


class NotFittedError(ValueError, AttributeError):
    """The estimator was not fitted yet."""


def not_fitted(estimator: Any) -> Exception:
    """The error of a call that needs ``fit`` before."""
    name = type(estimator).__name__
    kind = _of_sklearn("NotFittedError", NotFittedError)
    error: Exception = kind(f"This {name} instance is not fitted yet. Call 'fit' with appropriate arguments before.")
    return error


def names_of(X: Any) -> Optional[List[str]]:
    """Column names of a table, where all of them are texts; None otherwise."""
    columns = getattr(X, "columns", None)
    if columns is None or not hasattr(X, "to_numpy"):
        return None
    names = list(columns)
    texts = [isinstance(name, str) for name in names]
    if all(texts) and names:
        return names
    if any(texts):
        raise TypeError("Feature names are only supported if all input features have string names.")
    return None


def rows(X: Any, estimator: Any, *, begin: bool) -> Any:
    """X as the library reads it. begin: the first rows that the estimator sees decide how many columns there are."""
    name = type(estimator).__name__
    if hasattr(X, "tocsr") or type(X).__module__.startswith("scipy.sparse"):
        raise TypeError(f"A sparse matrix was passed, but {name} reads dense data: use X.toarray()")
    _columns(X, estimator, begin)
    array = arrays.numbers_of(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array of shape {array.shape} instead. Reshape your data either using "
            "array.reshape(-1, 1) if it has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required by {name}.")
    count, columns = array.shape
    if count < 1:
        raise ValueError(f"Found array with {count} sample(s) (shape={array.shape}) while a minimum of 1 is required by {name}.")
    if columns < 1:
        raise ValueError(f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required by {name}.")
    if not begin and columns != estimator.n_features_in_:
        raise ValueError(f"X has {columns} features, but {name} is expecting {estimator.n_features_in_} features as input.")
    finite(array, "X", of=X)
    with np.errstate(over="ignore"):
        matrix, _ = arrays.rows_of(array)
    if array.dtype == np.float64:
        finite(matrix, "X", " as float32", of=X)
    if begin:
        estimator.n_features_in_ = columns
    return matrix


def finite(array: Any, name: str, how: str = "", of: Any = None) -> None:
    """ValueError where a number is NaN or infinite. of: the table that the array is of, whose columns have names."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    missing = np.isnan(array).any()
    what = "NaN" if missing else f"infinity or a value too large{how}"
    first = np.argwhere(np.isnan(array) if missing else ~np.isfinite(array))[0]
    where = arrays.place(of, *first) if len(first) == 2 else f"row {first[0]}"
    raise ValueError(f"Input {name} contains {what}, first in {where}.")


def _columns(X: Any, estimator: Any, begin: bool) -> None:
    """Keeps the names of columns, or holds new ones to them."""
    names = names_of(X)
    if begin:
        estimator.__dict__.pop("feature_names_in_", None)
        if names is not None:
            estimator.feature_names_in_ = np.array(names, dtype=object)
        return
    known = getattr(estimator, "feature_names_in_", None)
    kind = type(estimator).__name__
    if known is None and names is None:
        return
    if known is None:
        warnings.warn(f"X has feature names, but {kind} was fitted without feature names", UserWarning, stacklevel=4)
    elif names is None:
        warnings.warn(
            f"X does not have valid feature names, but {kind} was fitted with feature names", UserWarning, stacklevel=4
        )
    elif list(known) != names:
        raise ValueError(_differ(list(known), names))


def _differ(known: List[str], names: List[str]) -> str:
    said = ["The feature names should match those that were passed during fit."]
    for what, these in (
        ("Feature names unseen at fit time:", sorted(set(names) - set(known))),
        ("Feature names seen at fit time, yet now missing:", sorted(set(known) - set(names))),
    ):
        if these:
            said += [what, *(f"- {name}" for name in these[:5]), *(["- ..."] if len(these) > 5 else [])]
    if len(said) == 1:
        said.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(said) + "\n"


def answers(y: Any, count: int, estimator: Any, *, several: bool) -> Any:
    """y as an array, one entry (or, with ``several``, one row) per row of X."""
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    if hasattr(y, "tocsr"):
        raise TypeError("A sparse y was passed, but dense data is required.")
    array = arrays.numpy_of(y)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if array.ndim == 2 and array.shape[1] == 1 and not several:
        kind = _of_sklearn("DataConversionWarning", UserWarning)
        words = "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,)."
        warnings.warn(words, kind, stacklevel=4)
        array = array.ravel()
    if array.ndim != 1 and not (several and array.ndim == 2):
        raise ValueError(f"y should be a 1d array, got an array of shape {array.shape} instead.")
    if len(array) != count:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{count}, {len(array)}]")
    finite(array, "y")
    return array
