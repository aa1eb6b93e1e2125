#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# ml_dtypes 0.6.0: NaN becomes minus zero in 4-bit and 6-bit floats, and zero becomes NaN in e8m0.
#
# float4_e2m1fn, float6_e2m3fn and float6_e3m2fn have no NaN. A cast of NaN gives -0.0 without an error, and without the
# warning that a cast to an integer gives. So a diverged tensor looks like one full of closed entries after it.
# float8_e8m0fnu, the type of block scales, has no zero: 0.0 and negative numbers become NaN, so that a block of zeros
# gets a scale of NaN. Expected: an error or a warning; saturation of large values (which is what happens) for both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ml_dtypes==0.6.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import warnings
import ml_dtypes, numpy
warnings.simplefilter("error")
for name in ("float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn"):
    cast = numpy.array([numpy.nan, 1e9, -1.0], numpy.float32).astype(getattr(ml_dtypes, name)).astype(numpy.float32)
    print(f"{name}: NaN, 1e9, -1 become {cast.tolist()}")
    assert cast[0] == 0 and numpy.signbit(cast[0]) and numpy.isfinite(cast).all() and cast[2] == -1
scales = numpy.array([0.0, -1.0, 3.0], numpy.float32).astype(ml_dtypes.float8_e8m0fnu).astype(numpy.float32)
print("float8_e8m0fnu: 0, -1, 3 become", scales.tolist())
assert numpy.isnan(scales[0]) and numpy.isnan(scales[1]) and scales[2] == 4
PYTHON
