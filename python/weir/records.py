# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Records: what the library reports, as dictionaries whose entries are attributes, too. ``pandas.DataFrame(records)``."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from ._native import ffi, text


class Record(Dict[str, Any]):
    """A dictionary; ``record.loss`` is ``record["loss"]``. The names are those of the library's headers and JSON."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name}; there are {', '.join(self)}") from None

    def __dir__(self) -> Any:
        return [*super().__dir__(), *self]


def record(struct: Any, *left_out: str) -> Record:
    """A struct of the library, or a pointer to one, as a record: texts, numbers, arrays and structs within."""
    kind = ffi.typeof(struct)
    if kind.kind == "pointer":
        kind = kind.item
    return Record({name: _value(getattr(struct, name), field.type) for name, field in kind.fields if name not in left_out})


def _value(value: Any, kind: Any) -> Any:
    if kind.kind == "struct":
        return record(value)
    if kind.kind == "pointer":
        return text(value) if kind.item.cname == "char" else value
    if kind.kind == "array":
        if kind.item.cname == "char":
            return text(value)
        return [_value(value[k], kind.item) for k in range(len(value))]
    return value


def chosen(traits: int, names: Tuple[Tuple[int, str], ...]) -> Tuple[str, ...]:
    """The names of the bits that are set."""
    return tuple(name for bit, name in names if traits & bit)


def bits(prefix: str, kind: str) -> Tuple[Tuple[int, str], ...]:
    """Bits and names of an enum of the library: ``WEIR_TRAIT_USES_DH`` is "uses-dh"."""
    elements: Dict[int, str] = ffi.typeof(kind).elements
    return tuple((bit, name[len(prefix) :].lower().replace("_", "-")) for bit, name in sorted(elements.items()))
