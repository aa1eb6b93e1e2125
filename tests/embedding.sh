#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Each block of C in docs/embedding.md stands, word for word, in the example that was named last before it, and
# tests/install.sh compiles each of these examples.
set -eu
cd "$WEIR_SOURCE"
awk '
    function text_of(path,   line, text) {
        while ((getline line <path) > 0) text = text line "\n"
        close(path)
        return text
    }
    match($0, /^\[[a-z_]+\.c\]\(\.\.\/examples\/[a-z_]+\.c\)/) { path = "examples/" substr($0, 2, index($0, "]") - 2) }
    /^```c$/ { inside = 1; block = ""; next }
    /^```$/ && inside {
        inside = 0
        blocks++
        if (path == "" || !index(text_of(path), block)) {
            print "docs/embedding.md:" NR ": this block does not stand in " (path == "" ? "any example" : path)
            failed = 1
        }
        if (!index(text_of("tests/install.sh"), path)) {
            print path ": tests/install.sh does not compile it"
            failed = 1
        }
        next
    }
    inside { block = block $0 "\n" }
    END {
        if (blocks < 8) { print "docs/embedding.md: only " blocks + 0 " blocks of C found"; failed = 1 }
        exit failed
    }' docs/embedding.md
