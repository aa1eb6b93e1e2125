#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The C example in README.md is examples/train_blocks.c, byte for byte, and files that README.md and docs/ name exist.
set -eu
cd "$WEIR_SOURCE"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"$work/example.c"
if ! [ -s "$work/example.c" ]; then
    echo "README.md has no C example"
    exit 1
fi
if ! diff examples/train_blocks.c "$work/example.c"; then
    echo "README.md must show examples/train_blocks.c as it is"
    exit 1
fi

failed=0
for page in README.md docs/*.md; do
    for link in $(sed 's/\\]//g' "$page" | grep -oE '\]\([^):]+\)' | sed 's/^](//; s/)$//; s/#.*//'); do
        [ -e "$(dirname "$page")/$link" ] && continue
        echo "$page: $link does not exist"
        failed=1
    done
done
exit $failed
