#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# pandas 3.1.1: one field more than the header has names moves every value into the column before, without a warning.
#
# Of rows that all have one field more (R's write.table, or a comma at the end that is forgotten in the header only), the
# first field becomes the index, and each value goes by the name of its left neighbour: "a" holds what stands under "b".
# Where only a later row has it, the file is refused; a row with a field too few is filled with NaN.
# Expected: an error that names the line, as for the later row. Remedy: index_col=False (then the last field is cut off).
# weir refuses each of the three by its line.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$work/venv/bin/python" -W error - <<'PYTHON'
import io
import pandas
moved = pandas.read_csv(io.StringIO("a,b\n1,2,3\n4,5,6\n"))
print(moved.to_dict("list"), "index", moved.index.tolist())
short = pandas.read_csv(io.StringIO("a,b,c\n1,2\n4,5,6\n"))
print(short.to_dict("list"))
try:
    pandas.read_csv(io.StringIO("a,b\n1,2\n4,5,6\n"))
    raise SystemExit("a later row with a field more is read")
except pandas.errors.ParserError as error:
    print("ParserError:", error)
assert moved.to_dict("list") == {"a": [2, 5], "b": [3, 6]} and moved.index.tolist() == [1, 4]
assert short["c"].isna().tolist() == [True, False]
PYTHON
