#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# numpy 2.4.6 with ml_dtypes 0.6.0: the mean of 4096 bf16 ones is 0.0625.
#
# numpy.mean sums float16 in float32 and says so; the bf16 of ml_dtypes is summed in bf16, where 256 + 1 is 256. The sum of
# 4096 ones is 256, their mean 0.0625, while the mean in float16 is 1.0 and a product of two bf16 vectors of ones gives 4096.
# A share of open gates or a mean loss computed so from bf16 outputs is wrong without a warning.
# Expected: 1.0, as for float16. Remedy: mean(dtype=numpy.float32).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ml_dtypes==0.6.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import ml_dtypes, numpy
ones = numpy.ones(4096, ml_dtypes.bfloat16)
print("bf16: sum", ones.sum(), "mean", ones.mean(), "product", ones @ ones, "mean in float32", ones.mean(dtype=numpy.float32))
half = numpy.ones(4096, numpy.float16)
print("float16: mean", half.mean())
assert float(ones.sum()) == 256 and float(ones.mean()) == 0.0625 and float(ones @ ones) == 4096
assert float(half.mean()) == 1 and float(ones.mean(dtype=numpy.float32)) == 1
PYTHON
