#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The Python package: python/tests, those that need NumPy alone and, where there are scikit-learn, pandas, tqdm and
# PyTorch, the others. WEIR_PYTHON: a Python with numpy, cffi and pytest; else the first of those in the PATH that has them.
set -eu
if [ "$WEIR_SANITIZE" ] && [ "$WEIR_SANITIZE" != OFF ]; then
    echo "skipped: Python does not load a library built for a sanitizer"
    exit 77
fi
for python in ${WEIR_PYTHON:-python3 /usr/bin/python3}; do
    if "$python" -c 'import numpy, cffi, pytest' 2>/dev/null; then
        cd "$WEIR_SOURCE"
        export WEIR_LIBRARY="$WEIR_BUILD/libweir.so" PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1
        exec "$python" -m pytest -q -rs -s -p no:cacheprovider python/tests
    fi
done
echo "skipped: $python lacks numpy, cffi or pytest (scripts/install-dependencies; WEIR_PYTHON names another Python)"
exit 77
