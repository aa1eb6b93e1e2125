#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# safetensors 0.8.0: transposed and Fortran-ordered numpy arrays are saved with wrong values, silently.
#
# save_file takes the bytes as they lie in memory and the shape of the view. A (2, 3) array in Fortran order comes back
# permuted; version 0.7.0 copied it right. Weights that are turned by .T on their way into a file (PyTorch's [out][in]
# against [in][out]) are affected. Expected: the values, or an error, as the torch half raises. Remedy:
# numpy.ascontiguousarray before saving.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import os, tempfile
import numpy
from safetensors.numpy import load_file, save_file
a = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "x.safetensors")
    save_file({"plain": a, "fortran": numpy.asfortranarray(a), "turned": a.T}, path)
    back = load_file(path)
for name, meant in (("plain", a), ("fortran", a), ("turned", a.T)):
    print(f"{name}: saved {meant.tolist()}, loaded {back[name].tolist()}")
assert (back["plain"] == a).all()
assert back["fortran"].shape == (2, 3) and not (back["fortran"] == a).all()
assert back["turned"].shape == (3, 2) and not (back["turned"] == a.T).all()
PYTHON
