#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# libsvm-official 3.37.0: one reader of SVMlight files gives two values for a feature that a row names twice.
#
# The row "1 1:1 1:2 3:2" names feature 1 twice, as tools that count words without merging them write it. Seen:
# svm_read_problem(FILE) keeps the last value (2), and svm_read_problem(FILE, return_scipy=True) adds them (3). xgboost 3.2.0
# adds them, scikit-learn 1.9.1 refuses the file. The readers differ in the width, too: two rows that use features 1 and 3 are
# 3 columns for libsvm and scikit-learn (which guesses that ids begin with 1) and 4 columns for xgboost. Expected: the same
# numbers from two forms of one function.
# Whoever hands such files on merges repeated features first and states the width and the first id.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    libsvm-official==3.37.0 xgboost==3.2.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
printf '1 1:1 1:2 3:2\n0 1:2 3:1\n' >"$work/twice.svm"
printf '1 1:3 3:2\n0 1:2 3:1\n' >"$work/once.svm"
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import warnings

import xgboost
from libsvm.svmutil import svm_read_problem
from sklearn.datasets import load_svmlight_file

warnings.simplefilter("ignore")
last = svm_read_problem("twice.svm")[1][0][1]
added = svm_read_problem("twice.svm", return_scipy=True)[1].toarray()[0, 0]
print("libsvm, feature 1 of the row: dictionary", last, "scipy", added)
assert (last, added) == (2, 3)

boosted = xgboost.DMatrix("twice.svm?format=libsvm")
print("xgboost:", boosted.get_data().toarray().tolist())
assert boosted.get_data().toarray()[0].tolist() == [0, 3, 0, 2]

try:
    load_svmlight_file("twice.svm")
    raise SystemExit("scikit-learn took the file")
except ValueError as error:
    print("scikit-learn:", error)

widths = (svm_read_problem("once.svm", return_scipy=True)[1].shape[1], load_svmlight_file("once.svm")[0].shape[1],
          xgboost.DMatrix("once.svm?format=libsvm").num_col())
print("columns: libsvm, scikit-learn, xgboost", widths)
assert widths == (3, 3, 4)
PYTHON
