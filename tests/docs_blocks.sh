#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Every code block of README.md and of the pages in docs/ runs as it stands (docs_blocks.py says how). Those of
# docs/results/ are records of runs that take hours.
set -eu
python=${WEIR_PYTHON:-python3}
if [ "$WEIR_SANITIZE" ] && [ "$WEIR_SANITIZE" != OFF ]; then
    echo "skipped: Python does not load a library built for a sanitizer"
    exit 77
fi
if ! "$python" -c 'import numpy, cffi, pandas, sklearn' 2>/dev/null; then
    echo "skipped: $python lacks numpy, cffi, pandas or scikit-learn (WEIR_PYTHON names another one)"
    exit 77
fi
if [ "$WEIR_BUILD" != "$WEIR_SOURCE/build" ]; then
    echo "skipped: the pages build in build/, and this is another folder"
    exit 77
fi
cd "$WEIR_SOURCE"
export WEIR_LIBRARY="$WEIR_BUILD/libweir.so" PYTHONPATH="$WEIR_SOURCE/python" PYTHONDONTWRITEBYTECODE=1
exec "$python" tests/docs_blocks.py README.md docs/*.md
