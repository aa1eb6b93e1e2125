# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Errors: one exception per status of the library, each also the built-in exception that a Python program expects."""

from __future__ import annotations

from typing import Dict, Type


class Error(Exception):
    """A call of the library failed. The text is the library's own: it names the file or field and what was expected.

    ``status`` is the name of the status as ``weir/status.h`` has it, without prefix: ``"FORMAT"``.
    """

    status: str = ""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


class ArgumentError(Error, ValueError):
    """An argument is out of its range, or not possible here."""

    status = "ARGUMENT"


class ShapeError(Error, ValueError):
    """Shapes do not fit together."""

    status = "SHAPE"


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory."""

    status = "MEMORY"


class FileError(Error, OSError):
    """A file could not be read or written."""

    status = "IO"


class NotFoundError(Error, FileNotFoundError, KeyError):
    """Nothing has that name: no such file, rule, parameter, node or setting."""

    status = "NOT_FOUND"


class FormatError(Error, ValueError):
    """A file is malformed, or of another kind than was expected."""

    status = "FORMAT"


class VersionError(Error, ValueError):
    """A file was written by a newer weir."""

    status = "VERSION"


class DataError(Error, ValueError):
    """Data are unusable: a value that is not finite, a label out of range."""

    status = "DATA"


class ConfigError(Error, ValueError):
    """A configuration or an option is wrong."""

    status = "CONFIG"


class DivergedError(Error, ArithmeticError):
    """The loss, or a value in the network, is no longer finite."""

    status = "DIVERGED"


class InterruptedError(Error):  # noqa: A001 - weir.errors.InterruptedError, by the status's own name
    """A callback asked for an end."""

    status = "INTERRUPTED"


class UnsupportedError(Error, NotImplementedError):
    """The library, or this machine, cannot do it."""

    status = "UNSUPPORTED"


BY_STATUS: Dict[str, Type[Error]] = {kind.status: kind for kind in Error.__subclasses__()}
