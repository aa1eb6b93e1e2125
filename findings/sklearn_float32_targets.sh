#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# scikit-learn 1.9.1: check_estimator takes float32 predictions of one target and refuses those of several.
#
# A regressor that computes in float32, as neural networks do, passes check_regressors_train. Its predictions of several
# targets fail check_regressor_multioutput: "Multioutput predictions by a regressor are expected to be floating-point
# precision. Got float32 instead", which asks for float64. Expected: float32 is a floating-point precision in both, or in
# neither. Whoever writes such a regressor gives float64 for rows of float64, as weir.Regressor does.
# WEIR_PYTHON may name a Python that has this scikit-learn; else it is installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${WEIR_PYTHON:-python3}
if [ "$("$python" -c 'import sklearn; print(sklearn.__version__)' 2>/dev/null)" != 1.9.1 ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1
    python=$work/venv/bin/python
fi
"$python" - <<'PYTHON'
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import check_regressor_multioutput, check_regressors_train


class Narrow(LinearRegression):
    """Linear regression whose predictions are float32."""

    def predict(self, X):
        return super().predict(X).astype(np.float32)


check_regressors_train("Narrow", Narrow())
print("one target in float32: passes")
try:
    check_regressor_multioutput("Narrow", Narrow())
except AssertionError as error:
    print("several targets in float32:", error)
    assert "floating-point precision" in str(error) and "float32" in str(error)
else:
    raise SystemExit("several targets in float32 pass now")
check_regressor_multioutput("LinearRegression", LinearRegression())
print("several targets in float64: passes")
PYTHON
