#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Proves that the warning flags are really on: each deliberate mistake, compiled exactly as the library's own files
# are, must be refused, by the warning that is meant for it; a clean file must pass.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The command that compiled one of the library's files, without its input and output.
compile=$(sed -n 's/^ *"command": "\(.*\)",*$/\1/p' "$WEIR_BUILD/compile_commands.json" | grep -- '/src/core/status\.c$' |
    sed 's/ -o [^ ]* -c [^ ]*$//; s/\\"/"/g')
if [ -z "$compile" ]; then
    echo "no command for src/core/status.c in $WEIR_BUILD/compile_commands.json"
    exit 1
fi

failed=0
# try WARNING: compiles the program on standard input; WARNING must be what refuses it. Empty: it must pass.
try() {
    cat >"$work/try.c"
    if (eval "$compile -o $work/try.o -c $work/try.c") 2>"$work/messages"; then
        [ -z "$1" ] && return
        echo "not refused: $1"
    else
        [ -n "$1" ] && grep -Eq -- "-W[A-Za-z=,-]*($1)" "$work/messages" && return
        echo "refused for another reason than ${1:-nothing}:"
        cat "$work/messages"
    fi
    failed=1
}

try '' <<'C'
int clean(int a);
int clean(int a) { return a + 1; }
C
try unused-variable <<'C'
int f(void);
int f(void) { int never; return 0; }
C
try unused-parameter <<'C'
int f(int never);
int f(int never) { return 0; }
C
try shadow <<'C'
int f(int a);
int f(int a) { if (a) { int a = 2; return a; } return 0; }
C
try strict-prototypes <<'C'
int f();
C
try missing-prototypes <<'C'
int f(int a) { return a; }
C
try pointer-arith <<'C'
void *f(void *p);
void *f(void *p) { return p + 1; }
C
try undef <<'C'
#if NO_SUCH_MACRO
#endif
int f(int a);
C
try vla <<'C'
int f(int n);
int f(int n) { int a[n]; a[0] = n; return a[0]; }
C
try format-nonliteral <<'C'
#include <stdio.h>
int f(char *to, const char *format);
int f(char *to, const char *format) { return snprintf(to, 8, format, 1); }
C
try "pedantic|gnu-statement-expression" <<'C'
int f(void);
int f(void) { return ({ 1; }); }
C
try "discarded-qualifiers|discards-qualifiers" <<'C'
char *f(void);
char *f(void) { return "constant"; }
C
exit $failed
