# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Build backend: scikit-build-core's, with the version of the public header, and with the library's sources, which lie
above this folder, in a source distribution."""

import re
import shutil
from pathlib import Path

from scikit_build_core.build import *  # noqa: F403 - every other hook as it is
from scikit_build_core.build import build_sdist as _build_sdist

_HERE = Path(__file__).resolve().parent
_SOURCES = ("CMakeLists.txt", "LICENSE", "cmake", "include", "src", "examples")


def build_sdist(sdist_directory, config_settings=None):
    """A source distribution that builds without the checkout: the library's sources are in ``library/``."""
    library = _HERE / "library"
    if library.exists():  # made from a source distribution
        return _build_sdist(sdist_directory, config_settings)
    try:
        library.mkdir()
        for name in _SOURCES:
            source = _HERE.parent / name
            if source.is_dir():
                shutil.copytree(source, library / name)
            else:
                shutil.copy(source, library / name)
        return _build_sdist(sdist_directory, config_settings)
    finally:
        shutil.rmtree(library, ignore_errors=True)


def dynamic_metadata(field, settings=None, *rest):
    """The version, from the one place where it stands."""
    if field != "version":
        raise ValueError(f"only the version is dynamic, not {field}")
    library = _HERE / "library"
    header = (library if library.exists() else _HERE.parent) / "include" / "weir" / "system.h"
    return ".".join(re.findall(r"^#define WEIR_VERSION_\w+ (\d+)$", header.read_text(encoding="utf-8"), re.MULTILINE))
