# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The library as cffi sees it (ABI mode), and the few helpers through which all of weir calls it.

``ffi`` and ``lib`` are cffi's; every function of ``include/weir`` is ``lib.weir_…``, every enumerator ``lib.WEIR_…``.
cffi releases the GIL during each call. The library is looked for in ``WEIR_LIBRARY`` (a path), then inside the package,
then in ``build/`` of the checkout that the package lies in.

    graph = new("weir_graph **", lib.weir_graph_create, nodes, count, options, free=lib.weir_graph_free)
    call(lib.weir_graph_forward, graph, batch)
"""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional

from . import errors

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent
_HEADERS = _CHECKOUT / "include" / "weir"

_OF_HEADERS = (_HEADERS / "weir.h").is_file()

if _OF_HEADERS:
    from . import _headers

    ffi: Any = _headers.load(_HEADERS).ffi
else:
    ffi = importlib.import_module("weir._abi").ffi


def _library() -> Path:
    """Where the library is."""
    asked = os.environ.get("WEIR_LIBRARY")
    if asked:
        if not Path(asked).is_file():
            raise ImportError(f"WEIR_LIBRARY={asked}: there is no such file")
        return Path(asked).resolve()
    for place in (_PACKAGE / "lib" / "libweir.so", _CHECKOUT / "build" / "libweir.so"):
        if place.is_file():
            return place
    raise ImportError(
        f"libweir.so is neither in {_PACKAGE / 'lib'} nor in {_CHECKOUT / 'build'}: build it "
        "(make), or name it in the environment variable WEIR_LIBRARY"
    )


def _open() -> Any:
    """Opens the library and holds its version to that of the declarations."""
    path = _library()
    try:
        opened = ffi.dlopen(str(path), ffi.RTLD_NOW | ffi.RTLD_LOCAL)
    except OSError as error:
        raise ImportError(f"{path} cannot be loaded: {error}") from None
    if _OF_HEADERS and path.stat().st_mtime < max(header.stat().st_mtime for header in _HEADERS.glob("*.h")):
        raise ImportError(f"{path} is older than the headers in {_HEADERS}, which it may not agree with: build it anew (make)")
    found = ffi.string(opened.weir_version()).decode()
    declared = f"{opened.WEIR_VERSION_MAJOR}.{opened.WEIR_VERSION_MINOR}."
    if not found.startswith(declared):
        raise ImportError(f"{path} is version {found}, but this package is for {declared}x")
    return opened


# Structs of functions that take pointers to these structs: cffi 2.1 fails an assertion, and ends the process, where it
# comes upon such a function type first by way of a function of the library.
for _name in ("weir_unit", "weir_rule", "weir_draw", "weir_kind"):
    ffi.sizeof(_name)
lib: Any = _open()
NULL: Any = ffi.NULL
OK = 0

# ---- errors --------------------------------------------------------------------------------------------------------


class _Local(threading.local):
    def __init__(self) -> None:
        self.error = ffi.new("weir_error *")


_local = _Local()
_BY_NUMBER = {
    number: errors.BY_STATUS[ffi.string(lib.weir_status_name(number)).decode()]
    for number in range(1, lib.WEIR_STATUS_COUNT)
}


def failure(status: int, text: str = "") -> errors.Error:
    """The exception of a status, with the library's fixed text where there is no other."""
    return _BY_NUMBER[status](text or ffi.string(lib.weir_status_text(status)).decode())


def call(function: Callable[..., int], *arguments: Any, held: Optional["Held"] = None) -> None:
    """Calls a function that returns a ``weir_status`` and takes a ``weir_error`` last, which is added here.

    Raises the status's exception with the library's text; before that, what a callback of ``held`` has raised.
    """
    error = _local.error
    error.status = 0
    status = function(*arguments, error)
    if held is not None and held.exception is not None:
        exception, held.exception = held.exception, None
        raise exception
    if status:
        text = ffi.string(error.text).decode("utf-8", "replace") if error.status == status else ""
        raise failure(status, text)


def new(kind: str, function: Callable[..., int], *arguments: Any, free: Any, held: Optional["Held"] = None) -> Any:
    """Calls a function that makes an object of type ``kind`` ("weir_graph **") in its first argument.

    The object is freed with ``free`` when Python no longer knows it.
    """
    place = ffi.new(kind)
    call(function, place, *arguments, held=held)
    return ffi.gc(place[0], free)


class Held:
    """Callbacks of one call into the library, or of one object. What they raise is held until the call is over.

    An exception must not pass through C: a callback that has raised, and each one after it, returns ``failed`` instead,
    by which the library ends the call; ``call`` then raises the exception. So does Ctrl-C, which Python notices in a
    callback. The callbacks live as long as this object.
    """

    def __init__(self) -> None:
        self.exception: Optional[BaseException] = None
        self._alive: List[Any] = []

    def callback(self, kind: str, function: Callable[..., Any], failed: Any) -> Any:
        """``function`` as a C function pointer of type ``kind`` ("weir_train_callback")."""

        def guarded(*arguments: Any) -> Any:
            if self.exception is not None:
                return failed
            try:
                return function(*arguments)
            except BaseException as exception:
                self.exception = exception
                return failed

        pointer = ffi.callback(kind, guarded)
        self._alive.append(pointer)
        return pointer


# ---- text and arrays of text ---------------------------------------------------------------------------------------


def text(pointer: Any) -> Optional[str]:
    """A C string, which is copied; None for NULL."""
    return None if pointer == NULL else ffi.string(pointer).decode("utf-8", "replace")


def owned_text(pointer: Any) -> Optional[str]:
    """A C string of which the caller is the owner: copied, then freed with ``weir_text_free``."""
    try:
        return text(pointer)
    finally:
        lib.weir_text_free(pointer)


class Keep:
    """C memory that must live as long as this object: strings and arrays that structs point to."""

    def __init__(self) -> None:
        self._alive: List[Any] = []

    def add(self, thing: Any) -> Any:
        """Keeps any object."""
        self._alive.append(thing)
        return thing

    def text(self, words: Optional[str]) -> Any:
        """A C string; NULL for None."""
        return NULL if words is None else self.add(ffi.new("char[]", words.encode("utf-8")))

    def path(self, path: "os.PathLike[str] | str") -> Any:
        """The name of a file as a C string."""
        return self.add(ffi.new("char[]", os.fsencode(path)))

    def texts(self, words: Iterable[str]) -> Any:
        """``const char *[]``; NULL where there are no words."""
        pointers = [self.text(word) for word in words]
        return self.add(ffi.new("const char *[]", pointers)) if pointers else NULL

    def fill(self, struct: Any, **fields: Any) -> Any:
        """Sets fields of a struct, strings as C strings that are kept; returns the struct."""
        for name, value in fields.items():
            setattr(struct, name, self.text(value) if isinstance(value, str) else value)
        return struct
