#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The documentation builds as a site (scripts/docs): no link leads nowhere, every public function of the headers has its
# place in the reference, and so has every name that the Python package exports.
# WEIR_DOCS_PYTHON: a Python with what docs/site/requirements.txt lists. Without one: PyPI, in CI.
set -eu
cd "$WEIR_SOURCE"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python=${WEIR_DOCS_PYTHON:-build/docs-venv/bin/python}
if ! "$python" -c 'import mkdocs, material, mkdocstrings_handlers.python' 2>/dev/null; then
    if [ "${CI:-}" != true ]; then
        echo "skipped: $python lacks mkdocs, mkdocs-material or mkdocstrings; scripts/docs installs them in build/docs-venv"
        exit 77
    fi
    if ! { "${PYTHON:-python3}" -m venv "$work/venv" &&
        "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r docs/site/requirements.txt; }; then
        echo "skipped: mkdocs cannot be had from PyPI here"
        exit 77
    fi
    python=$work/venv/bin/python
fi
WEIR_DOCS_PYTHON=$python scripts/docs "$work/site"

failed=0
functions=0
for name in $(sed -nE 's/^WEIR_API [^(;]*[ *](weir_[a-z0-9_]+)\(.*/\1/p' include/weir/*.h | sort -u); do
    functions=$((functions + 1))
    grep -rq "id=\"$name\"" "$work"/site/reference/c && continue
    echo "the C reference has no place for $name"
    failed=1
done
names=0
for name in $(sed -n '/^__all__ = \[/,/^\]/p' python/weir/__init__.py | grep -oE '"[A-Za-z]\w+"' | tr -d '"'); do
    names=$((names + 1))
    grep -q "id=\"weir.$name\"" "$work/site/reference/python.html" && continue
    echo "the Python reference has no place for $name"
    failed=1
done
echo "$functions functions, $names names"
[ "$functions" -gt 100 ] && [ "$names" -gt 10 ] || failed=1
if grep -rlE '(src|href)="(https?:)?//[^"]*\.(js|css|woff2?|png)' "$work/site" --include='*.html'; then
    echo "pages load something from elsewhere"
    failed=1
fi
exit $failed
