# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What the library declares, read from its public headers: the only place where it stands.

The build of a wheel runs ``python _headers.py include/weir weir/_abi.py``, which compiles the declarations into a module
that needs no parser when it is imported. In a checkout the headers themselves are read, whenever weir is imported.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Dict, List, Set

import cffi

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"#\s*define\s+(\w+)(\([^)]*\))?[ \t]*(.*)")
_ITEM = re.compile(r'X\(\s*(\w+)\s*,\s*("(?:[^"\\]|\\.)*")\s*\)')


def _header(path: Path, seen: Set[str], macros: Dict[str, str], out: List[str]) -> None:
    """Appends the declarations of a header to out, those of the headers that it includes before them."""
    if path.name in seen:
        return
    seen.add(path.name)
    lines = _COMMENT.sub("", path.read_text(encoding="utf-8")).replace("\\\n", " ").split("\n")
    within_cplusplus = False
    for line in lines:
        directive = line.strip()
        if directive.startswith("#"):
            if re.match(r"#\s*ifdef\s+__cplusplus", directive):
                within_cplusplus = True
            elif re.match(r"#\s*endif", directive):
                within_cplusplus = False
            included = re.match(r'#\s*include\s+"([^"]+)"', directive)
            if included:
                _header(path.parent / included[1], seen, macros, out)
            defined = _DEFINE.match(directive)
            if defined and defined[2]:
                macros[defined[1]] = defined[3]
            elif defined and re.fullmatch(r"\d+", defined[3]):
                out.append(f"#define {defined[1]} {defined[3]}")
        elif directive and not within_cplusplus:
            out.append(_expand(line, macros))


def _expand(line: str, macros: Dict[str, str]) -> str:
    """LIST(ITEM), where ITEM(name, text) pastes name, becomes one enumerator per item of the list."""
    use = re.fullmatch(r"\s*(\w+)\((\w+)\)\s*", line)
    if not use or use[1] not in macros:
        return re.sub(r"\bWEIR_API\s+", "", line)
    body = macros[use[2]]
    return " ".join(re.sub(r"(\w*)##name", lambda paste: paste[1] + item[1], body) for item in _ITEM.finditer(macros[use[1]]))


def declarations(folder: Path) -> str:
    """Everything that ``weir.h`` in folder declares, without comments and directives."""
    out: List[str] = []
    _header(folder / "weir.h", set(), {}, out)
    return "\n".join(out)


def write(folder: Path, file: Path) -> None:
    """Compiles the declarations of the headers in folder into the Python module ``weir._abi``, in file."""
    ffi = cffi.FFI()
    ffi.cdef(declarations(folder))
    ffi.set_source("weir._abi", None)
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):  # it says what it does
        ffi.emit_python_code(str(file))


def load(folder: Path) -> ModuleType:
    """That module, made from the headers in folder and kept in memory only."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "_abi.py"
        write(folder, file)
        module = ModuleType("weir._abi")
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), module.__dict__)
    return module


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
