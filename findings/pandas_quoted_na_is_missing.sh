#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# pandas 3.1.1: a text in quotes is a missing value where it is "NA", "None", "null" or "nan", and "none" is none.
#
# DataFrame.to_csv writes a class called "NA" or "None" as a text, in quotes with QUOTE_NONNUMERIC, which RFC 4180's
# readers take for text; read_csv with the same quoting gives NaN. A table of labels does not survive the two calls: rows
# lose their class, or dropna() loses the rows. Letter case counts: "none" and "-" stay texts.
# Expected: quotes make a text (as in R's read.csv, whose na.strings are not looked for in quoted fields of characters).
# Remedy: keep_default_na=False, na_values=[""]. weir reads a quoted label as a text, and refuses an unquoted NA by line.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
import csv, io
import pandas
frame = pandas.DataFrame({"x": range(6), "kind": ["NA", "None", "null", "nan", "none", "-"]})
text = frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
print(text)
back = pandas.read_csv(io.StringIO(text), quoting=csv.QUOTE_NONNUMERIC)["kind"].tolist()
kept = pandas.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])["kind"].tolist()
print("read_csv:", back)
print("keep_default_na=False:", kept)
assert [value != value for value in back] == [True, True, True, True, False, False]
assert kept == frame["kind"].tolist()
PYTHON
