#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# weir.reference, the NumPy half of the Python package, equals the library (python/tests/test_reference.py).
# WEIR_PYTHON: a Python with numpy, cffi and pytest.
set -eu
python=${WEIR_PYTHON:-python3}
if [ "$WEIR_SANITIZE" ] && [ "$WEIR_SANITIZE" != OFF ]; then
    echo "skipped: Python does not load a library built for a sanitizer"
    exit 77
fi
if ! "$python" -c 'import numpy, cffi, pytest' 2>/dev/null; then
    echo "skipped: $python lacks numpy, cffi or pytest (WEIR_PYTHON names another one)"
    exit 77
fi
cd "$WEIR_SOURCE"
export WEIR_LIBRARY="$WEIR_BUILD/libweir.so" PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=2
exec "$python" -m pytest -q -p no:cacheprovider python/tests/test_reference.py
