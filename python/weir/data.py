# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Data sets for training: arrays that are read where they lie, or what a configuration names."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import arrays
from ._native import NULL, Keep, call, ffi, lib, new, text
from .network import Configuration, labels_of
from .records import Record

Part = Tuple[Any, Any]
Arrays = Union[Part, Mapping[str, Part]]
PARTS = ("train", "valid", "test")


class Data:
    """A data set in three parts, of arrays: rows [rows][columns], and a label or target values per row.

    train, valid, test: pairs (rows, labels) or, with ``targets``, (rows, targets). Arrays of float32 or uint8 (all parts
    alike), and labels of int32, are not copied: they stay unchanged as long as the data set lives. valid missing: the last
    sixth of the training rows as they stand.

    scale: what rows are scaled by, found from the training rows: "none", "1/255", "standardise" (mean 0, deviation 1 of
    each column) or "auto" (1/255 for grey values, else none). known_scale: a ``weir_scale`` in its place. image: height
    and width. column_names, class_names, target_names: kept in the model.

    Raises DataError, ShapeError and ArgumentError, which name part, row and column.
    """

    def __init__(
        self,
        train: Part,
        valid: Optional[Part] = None,
        test: Optional[Part] = None,
        *,
        targets: bool = False,
        scale: str = "auto",
        known_scale: Any = None,
        image: Optional[Tuple[int, int]] = None,
        column_names: Optional[Sequence[str]] = None,
        class_names: Optional[Sequence[str]] = None,
        target_names: Optional[Sequence[str]] = None,
    ) -> None:
        keep = self._keep = Keep()
        memory = self._arrays = ffi.new("weir_data_arrays *")
        for name, part in zip(PARTS, (train, valid, test)):
            if part is not None:
                self._take(getattr(memory, name), memory, part, targets)
        if image is not None:
            memory.height, memory.width = image
        memory.names = names_of(keep, column_names, class_names, target_names)
        memory.shared = True
        options = ffi.new("weir_data_options *", lib.weir_data_options_default())
        keep.fill(options, scale=scale, targets="values" if targets else "labels")
        if known_scale is not None:
            options.known_scale = known_scale
        self.c = new("weir_data **", lib.weir_data_create, memory, options, free=lib.weir_data_free)

    def _take(self, part: Any, memory: Any, values: Part, targets: bool) -> None:
        keep = self._keep
        rows = keep.add(arrays.rows_of(values[0])[0])
        part.rows, memory.columns = rows.shape
        if rows.dtype == np.uint8:
            part.bytes = keep.add(arrays.pointer(rows, "uint8_t[]"))
        else:
            part.values = keep.add(arrays.pointer(rows))
        if targets:
            wanted = arrays.floats(values[1])
            wanted = keep.add(wanted.reshape(len(wanted), -1))
            if len(wanted) != len(rows):
                raise ValueError(f"{len(rows)} rows, but targets for {len(wanted)}")
            memory.targets = wanted.shape[1]
            part.targets = keep.add(arrays.pointer(wanted))
        else:
            labels = keep.add(labels_of(values[1], len(rows)))
            part.labels = keep.add(arrays.pointer(labels, "int32_t[]"))

    @classmethod
    def of(cls, configuration: Configuration) -> "Data":
        """The data set that a configuration names: the built-in digits, MNIST's folder, files."""
        made = cls.__new__(cls)
        made._keep = Keep()
        options = ffi.addressof(configuration.c, "data")
        made.c = new("weir_data **", lib.weir_data_load, options, free=lib.weir_data_free)
        return made

    def _part(self, name: str) -> Any:
        if name not in PARTS:
            raise ValueError(f"part {name!r}; expected one of {', '.join(PARTS)}")
        return getattr(lib, f"weir_data_{name}")(self.c)

    def part(self, name: str) -> Tuple[Any, Any]:
        """Rows as a network reads them, scaled, float32 [rows][columns], and labels or targets. New arrays."""
        part = self._part(name)
        rows = self._copy(part.rows, part)
        if part.targets != NULL:
            return rows, self._copy(part.targets, part)
        labels = np.empty(part.count, np.int32)
        if part.labels != NULL:
            ffi.memmove(arrays.pointer(labels, "int32_t[]"), part.labels + part.first, labels.nbytes)
        return rows, labels

    def _copy(self, rows: Any, part: Any) -> Any:
        out = np.empty((part.count, lib.weir_rows_shape(rows).columns), np.float32)
        if part.count:
            lib.weir_rows_copy(rows, arrays.pointer(out), NULL, part.first, part.count)
        return out

    @property
    def sizes(self) -> Record:
        """Rows of each part."""
        return Record({name: int(self._part(name).count) for name in PARTS})

    @property
    def columns(self) -> int:
        """Values per row."""
        return int(lib.weir_data_columns(self.c))

    @property
    def classes(self) -> int:
        """Largest label + 1; 0 where targets are predicted."""
        return int(lib.weir_data_classes(self.c))

    @property
    def targets(self) -> int:
        """Target values per row; 0 where labels are predicted."""
        return int(lib.weir_data_targets(self.c))

    @property
    def scale(self) -> str:
        """The scale of the rows, for a person."""
        place = ffi.new("char[]", 128)
        return text(lib.weir_scale_text(lib.weir_data_scale(self.c), place, 128)) or ""

    @property
    def notes(self) -> List[str]:
        """What a person should know before training: guesses, constant columns, labels with gaps."""
        found: List[str] = []
        while (note := text(lib.weir_data_note(self.c, len(found)))) is not None:
            found.append(note)
        return found


def names_of(
    keep: Keep,
    columns: Optional[Sequence[str]] = None,
    classes: Optional[Sequence[str]] = None,
    targets: Optional[Sequence[str]] = None,
) -> Any:
    """``weir_names`` of what has names; NULL where nothing has."""
    given = {lib.WEIR_NAMED_COLUMNS: columns, lib.WEIR_NAMED_CLASSES: classes, lib.WEIR_NAMED_TARGETS: targets}
    if all(names is None for names in given.values()):
        return NULL
    names = keep.add(new("weir_names **", lib.weir_names_create, free=lib.weir_names_free))
    for which, words in given.items():
        if words is not None:
            call(lib.weir_names_set, names, which, keep.texts(words), len(words))
    return names
