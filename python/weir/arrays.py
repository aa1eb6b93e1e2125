# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Arrays in and out: whatever speaks DLPack or the buffer protocol goes in without a copy, the caller's kind comes out.

What the library reads where it lies are C-contiguous arrays of float32 (or uint8, where rows of bytes are meant, and
int32 for labels). Anything else is converted, which copies: another type of numbers, another order in memory, a table of
pandas or polars, a list.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from ._native import ffi

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Kind = Callable[[Array], Any]


def numpy_of(values: Any) -> Array:
    """The same values as a NumPy array: the same memory where ``values`` speaks DLPack or the buffer protocol.

    Tables (what has ``to_numpy``: pandas, polars) and sequences are converted. TypeError for memory that is not the
    processor's, and for a tensor of PyTorch that requires a gradient, which would end here unnoticed.
    """
    if isinstance(values, np.ndarray):
        return np.asarray(values)
    if getattr(values, "requires_grad", False):
        raise TypeError(
            "this tensor requires a gradient, and none would come back from here: pass tensor.detach(), or use weir.torch for "
            "layers that PyTorch differentiates"
        )
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    if hasattr(values, "__dlpack__") and not isinstance(values, np.generic):
        try:
            return np.from_dlpack(values)
        except (BufferError, RuntimeError, TypeError) as error:
            raise TypeError(f"an array of {type(values).__module__} cannot be read in place: {error}") from error
    return np.asarray(values)


def column_names(values: Any) -> Optional[List[Any]]:
    """What the columns of a table are called; None where ``values`` is no table."""
    columns = getattr(values, "columns", None)
    return None if columns is None or not hasattr(values, "to_numpy") else list(columns)


def place(values: Any, row: int, column: int) -> str:
    """A value's place in a table or an array of rows, for a message."""
    names = column_names(values)
    return f"row {row}, column {column if names is None else repr(names[column])}"


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)


def numbers_of(values: Any) -> Array:
    """As ``numpy_of``, of numbers: texts that say numbers are read, and what is none is told with its row and column."""
    found = numpy_of(values)
    if found.dtype.kind in "mM":
        raise TypeError("dates and durations are no numbers: give what is meant, such as days since a date")
    if found.dtype.kind not in "OUSV":
        return found
    try:
        return found.astype(np.float64)
    except (TypeError, ValueError):
        if found.ndim != 2:
            raise
    for column in range(found.shape[1]):
        for row, value in enumerate(found[:, column]):
            try:
                float(value)
            except (TypeError, ValueError) as error:
                if is_missing(value):
                    raise ValueError(f"{place(values, row, column)} has no value ({value}): fill it, or drop the row") from None
                raise type(error)(f"{place(values, row, column)}: {error}") from None
    return found.astype(np.float64)


def encode(labels: Any) -> Tuple[Array, Array]:
    """Classes of any type: the different ones, in order where they have one, and the index of each label (int32).

    ValueError where a label is missing: None, NaN, pandas.NA.
    """
    found = numpy_of(labels)
    if found.dtype.kind == "O":
        missing = [k for k, label in enumerate(found.ravel().tolist()) if is_missing(label)]
        if missing:
            raise ValueError(
                f"{len(missing)} of {found.size} rows have no label ({found.ravel()[missing[0]]}), the first of them row "
                f"{missing[0]}: drop them"
            )
    try:
        classes, codes = np.unique(found, return_inverse=True)
    except TypeError:  # without an order: tuples beside texts, say
        places: Dict[Any, int] = {}
        codes = np.array([places.setdefault(label, len(places)) for label in found.tolist()])
        classes = np.empty(len(places), object)
        classes[:] = list(places)
    return classes, codes.reshape(found.shape).astype(np.int32)


def floats(values: Any) -> Floats:
    """The values as a C-contiguous array of float32: no copy where they are one already."""
    return np.ascontiguousarray(numpy_of(values), dtype=np.float32)


def kind_of(values: Any) -> Kind:
    """What makes a NumPy array one of the caller's kind: a function, for the results of a call with ``values``.

    What speaks DLPack gets an array of its own library, over the memory of the result; everything else NumPy arrays.
    """
    if isinstance(values, np.ndarray) or not hasattr(values, "__dlpack__"):
        return _as_it_is
    if hasattr(values, "__array_namespace__"):
        space: Any = values.__array_namespace__()
    else:
        space = sys.modules.get(type(values).__module__.partition(".")[0])
    made: Optional[Kind] = getattr(space, "from_dlpack", None)
    return made or _as_it_is


def _as_it_is(values: Array) -> Array:
    return values


def pointer(array: Array, kind: str = "float[]") -> Any:
    """The memory of an array as a C pointer, which keeps the array alive. ``kind`` is cffi's: ``"float[]"``."""
    return ffi.from_buffer(kind, array)


Matrix = Union[Floats, npt.NDArray[np.uint8]]


def rows_of(values: Any, columns: Optional[int] = None) -> Tuple[Matrix, Kind]:
    """Rows as the library reads them, [rows][columns], and what makes results of the caller's kind.

    Bytes stay bytes; everything else becomes float32. A vector is one row where ``columns`` is its length. Axes after
    the first are flattened: images [rows][height][width] are rows of height·width values. ValueError for another number
    of columns than ``columns``.
    """
    array = numbers_of(values)
    if array.dtype != np.uint8:
        array = np.asarray(array, dtype=np.float32)
    if array.ndim == 1 and columns is not None and array.shape[0] == columns:
        array = array.reshape(1, columns)
    elif array.ndim < 2:
        raise ValueError(f"rows are expected, an array of two dimensions; this one has shape {array.shape}")
    elif array.ndim > 2:
        array = array.reshape(array.shape[0], -1)
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"the rows have {array.shape[1]} values, but the network reads rows of {columns}")
    return np.ascontiguousarray(array), kind_of(values)
