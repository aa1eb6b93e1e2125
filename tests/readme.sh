#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The C example in README.md is examples/train_blocks.c, byte for byte, and what README.md and docs/ name exists: files,
# and in backquotes functions, types and constants.
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

names=0
for page in README.md docs/*.md; do
    for name in $(grep -oE '`(weir|WEIR)_[A-Za-z0-9_]*[A-Za-z0-9]`' "$page" | tr -d '`' | sort -u); do
        names=$((names + 1))
        grep -rqw "$name" include src cli cmake && continue
        echo "$page: $name is nowhere in include, src, cli or cmake"
        failed=1
    done
    for file in $(grep -oE '\b(src|cli|include|tests|bench|examples)/[a-z0-9_/.-]*\.(c|h|sh|yaml)\b' "$page" | sort -u); do
        names=$((names + 1))
        [ -e "$file" ] && continue
        echo "$page: there is no file $file"
        failed=1
    done
done
if [ "$names" -lt 40 ]; then
    echo "only $names names found in README.md and docs/: is the pattern still right?"
    failed=1
fi
exit $failed
