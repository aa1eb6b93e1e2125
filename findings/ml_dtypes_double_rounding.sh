#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# ml_dtypes 0.6.0: float64 to bf16 rounds twice.
#
# The cast goes by way of float32. 1 + 2^-8 + 2^-40 lies above the middle between the bf16 numbers 1 and 1 + 2^-7, so the
# nearest one is 1.0078125; the first rounding drops 2^-40, the second takes the tie to the even 1.0. A reference
# computed in float64 and rounded to bf16 so can be one unit off. Expected: the nearest bf16 number.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ml_dtypes==0.6.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import ml_dtypes, numpy
value = numpy.float64(1 + 2**-8 + 2**-40)
cast = float(value.astype(ml_dtypes.bfloat16))
print(f"1 + 2^-8 + 2^-40 becomes {cast!r}; the nearest bf16 number is {1 + 2**-7!r}")
assert cast == 1.0 and abs(value - (1 + 2**-7)) < abs(value - 1.0)
PYTHON
