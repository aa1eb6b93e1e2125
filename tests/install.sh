#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Installs into a folder of its own and uses what is there as a stranger would: the symbols of the shared library,
# each header by itself, the C example by pkg-config (shared and static) and by CMake (shared and static), the man page,
# the completion. The folder is moved first: nothing may depend on where it was installed.
set -eu
if [ -n "${WEIR_SANITIZE:-}" ]; then
    echo "skipped: a library with sanitizers is not one to install"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
example=$WEIR_SOURCE/examples/train_blocks.c
: "${CC:=cc}" "${CMAKE:=cmake}"
warnings='-std=c17 -Wall -Wextra -Wpedantic -Wundef -Wstrict-prototypes -Werror'

fail() {
    echo "install: $*"
    exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }; }

quietly "$CMAKE" --install "$WEIR_BUILD" --prefix "$work/first"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
library=$(find "$prefix" -name libweir.so)
[ -n "$library" ] || fail "no libweir.so"
libdir=$(dirname "$library")
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"

echo "- the shared library exports what the headers declare, and nothing else"
nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' | sort -u >"$work/exported"
grep -hoE '^WEIR_API [^;(]*\(' "$prefix"/include/weir/*.h | sed 's/($//; s/.*[ *]//' | sort -u >"$work/declared"
[ -s "$work/declared" ] || fail "the headers declare nothing"
grep -vE '^weir_[a-z0-9]' "$work/exported" && fail "exported, but not public"
comm -23 "$work/exported" "$work/declared" | grep . && fail "exported, but not declared in a header"
comm -13 "$work/exported" "$work/declared" | grep . && fail "declared in a header, but not exported"

echo "- another minor version is another library (weir.h): soname, file and CMake package say so"
version=$(pkg-config --modversion weir)
minor=${version%.*}
[ "${version%%.*}" = 0 ] || fail "from 1.0 on the soname is MAJOR alone: this test and weir.h need new words"
[ "$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')" = "libweir.so.$minor" ] ||
    fail "the soname is not libweir.so.$minor"
[ "$(readlink -f "$library")" = "$(readlink -f "$libdir/libweir.so.$minor")" ] || fail "no libweir.so.$minor"
[ -f "$libdir/libweir.so.$version" ] || fail "no libweir.so.$version"
# CMake's own answers, for the version itself, a later patch, the next minor version and the one before.
accepts() {
    printf 'set(PACKAGE_FIND_VERSION %s)\nset(PACKAGE_FIND_VERSION_MAJOR %s)\nset(PACKAGE_FIND_VERSION_MINOR %s)\n' \
        "$1.$2.$3" "$1" "$2" >"$work/asked.cmake"
    printf 'include(%s)\nif(PACKAGE_VERSION_COMPATIBLE AND NOT PACKAGE_VERSION_UNSUITABLE)\nmessage(yes)\nendif()\n' \
        "$libdir/cmake/weir/weir-config-version.cmake" >>"$work/asked.cmake"
    [ "$("$CMAKE" -P "$work/asked.cmake" 2>&1)" = yes ]
}
accepts 0 "${minor#0.}" "${version##*.}" || fail "the CMake package does not accept its own version"
! accepts 0 "${minor#0.}" $((${version##*.} + 1)) || fail "the CMake package accepts a request for a later patch"
! accepts 0 $((${minor#0.} + 1)) 0 || fail "the CMake package accepts the next minor version"
! accepts 0 $((${minor#0.} - 1)) 0 || fail "the CMake package accepts the minor version before"

echo "- each opaque type says how many threads may use it; each free takes NULL"
awk 'FNR == 1 { comment = "" }
    /^\/\/\// { comment = comment $0; next }
    /^typedef struct [a-z_]+ [a-z_]+;/ && comment !~ /thread/ { print FILENAME ": " $0; bad = 1 }
    { comment = "" }
    END { exit bad }' "$prefix"/include/weir/*.h || fail "no word about threads"
{
    printf '#include <weir/weir.h>\nint main(void) {\n'
    grep -E '^weir_.*_free$' "$work/declared" | sed 's/.*/    &(NULL);/'
    printf '}\n'
} >"$work/free.c"
[ "$(grep -c 'NULL' "$work/free.c")" -ge 10 ] || fail "too few ..._free"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings "$work/free.c" $(pkg-config --cflags --libs weir) -o "$work/free"
quietly "$work/free"

echo "- the library brings what computing needs, and nothing that downloads"
if command -v ldd >/dev/null; then
    ldd "$library" | awk '{ print $1 }' >"$work/needed"
    grep -E 'lib(curl|crypto|ssl|ldap|krb5|gnutls)' "$work/needed" && fail "these are the tool's alone"
    [ "$(wc -l <"$work/needed")" -le 12 ] || { cat "$work/needed"; fail "the library loads more than 12 objects"; }
fi

echo "- the library neither prints nor ends the process"
nm -u "$libdir/libweir.a" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u |
    grep -xE '(__)?v?printf(_chk)?|puts|putchar|perror|stdout|stderr|_?exit|_Exit|quick_exit|abort' &&
    fail "the library must not use these"

echo "- each header stands by itself"
for header in "$prefix"/include/weir/*.h; do
    printf '#include <weir/%s>\ntypedef int not_empty;\n' "$(basename "$header")" >"$work/header.c"
    # shellcheck disable=SC2086
    quietly "$CC" $warnings -I"$prefix/include" -fsyntax-only "$work/header.c"
    if command -v c++ >/dev/null; then
        quietly c++ -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only -x c++ "$work/header.c"
    fi
done

# An example must train, and say so.
run() {
    "$1" >"$work/output" 2>&1 || { cat "$work/output"; fail "$1 failed"; }
    grep -Eq '^test error [0-9.]+ %, share of gates open 0\.[0-9]+$' "$work/output" ||
        { cat "$work/output"; fail "$1 printed something else"; }
    sed 's/^/  /' "$work/output"
}

echo "- the example, by pkg-config"
[ "$(pkg-config --modversion weir)" = "$(sed -n 's/^#define WEIR_VERSION_[A-Z]* //p' \
    "$prefix/include/weir/system.h" | paste -sd .)" ] || fail "weir.pc has another version than the headers"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$example" $(pkg-config --cflags --libs weir) -o "$work/shared"
run "$work/shared"
mv "$work/output" "$work/output.shared"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$example" $(pkg-config --cflags --libs --static weir | sed 's/-lweir/-l:libweir.a/') \
    -o "$work/static"
(unset LD_LIBRARY_PATH && run "$work/static")
cmp -s "$work/output.shared" "$work/output" || fail "shared and static library differ"

echo "- the estimator of a black box"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/estimate.c" $(pkg-config --cflags --libs weir) -o "$work/estimate"
"$work/estimate" >"$work/output" || fail "estimate failed"
grep -Eq '^loss 0\.0[0-9]+ after 300 steps of 2 evaluations a row; switches 1010010001010010$' "$work/output" ||
    { cat "$work/output"; fail "estimate printed something else"; }
sed 's/^/  /' "$work/output"

# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/gated_layer.c" $(pkg-config --cflags --libs weir) -o "$work/gated_layer"
"$work/gated_layer" >"$work/output" || fail "gated_layer failed"
grep -Eqx '6\.2 % of the dense multiply-adds, loss 70\.[0-9]+, then 30\.[0-9]+' "$work/output" ||
    { cat "$work/output"; fail "gated_layer printed something else"; }
sed 's/^/  /' "$work/output"

echo "- a loss of one's own"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/custom_loss.c" $(pkg-config --cflags --libs weir) -lm \
    -o "$work/custom_loss"
run "$work/custom_loss"
awk '{ exit !($3 < 8) }' "$work/output" || fail "custom_loss has learned nothing"

echo "- arrays and a stream"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/train_arrays.c" $(pkg-config --cflags --libs weir) -o "$work/train_arrays"
"$work/train_arrays" "$work/model.safetensors" >"$work/output" || fail "train_arrays failed"
[ "$(grep -Ec '^(arrays|stream): error [0-9]\.[0-9] %, share of gates open 0\.[0-9]+$' "$work/output")" -eq 2 ] ||
    { cat "$work/output"; fail "train_arrays printed something else"; }
sed 's/^/  /' "$work/output"

echo "- extreme classification from sparse rows"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/extreme.c" $(pkg-config --cflags --libs weir) -o "$work/extreme"
awk 'BEGIN { print 60, 6, 6; for (i = 0; i < 60; i++) print i % 6 " " i % 6 ":1" }' >"$work/rows"
"$work/extreme" "$work/rows" "$work/rows" 80 all | tail -n 1 | grep -q ' 100.00 33.33 20.00 ' ||
    fail "extreme does not learn which column is which class"

echo "- its model from memory, one context per thread; a network within somebody's gradient"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 -pthread "$WEIR_SOURCE/examples/serve.c" $(pkg-config --cflags --libs weir) -o "$work/serve"
"$work/serve" "$work/model.safetensors" >"$work/output" || fail "serve failed"
grep -Eqx '8000 rows in 4 threads: p50 [0-9]+\.[0-9] us, p99 [0-9]+\.[0-9] us' "$work/output" ||
    { cat "$work/output"; fail "serve printed something else"; }
[ "$(grep -c . "$WEIR_SOURCE/examples/serve.c")" -le 60 ] || fail "serve.c has become long"
! "$work/serve" "$work/serve" 2>"$work/output" || fail "serve takes a file that is no model"
grep -q '^memory: ' "$work/output" || fail "serve does not say what is wrong with its model"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/autograd.c" $(pkg-config --cflags --libs weir) -lm -o "$work/autograd"
"$work/autograd" >"$work/output" || fail "autograd failed"
grep -Eqx 'loss 0\.[0-9]+, then 0\.00[0-9]+; scale 0\.50, then [1-9]\.[0-9]+' "$work/output" ||
    { cat "$work/output"; fail "autograd printed something else"; }
sed 's/^/  /' "$work/output"

echo "- a rule of one's own, judged and trained"
# shellcheck disable=SC2046,SC2086
quietly "$CC" $warnings -O2 "$WEIR_SOURCE/examples/custom_rule.c" $(pkg-config --cflags --libs weir) -lm -o "$work/custom_rule"
"$work/custom_rule" >"$work/output" || { cat "$work/output"; fail "custom_rule failed"; }
grep -Eqx 'hard-sigmoid holds; bias 0\.[0-9]+' "$work/output" &&
    grep -Eqx 'test error ([0-9]|[12][0-9])\.[0-9] %, share of gates open 0\.[0-9]+' "$work/output" ||
    { cat "$work/output"; fail "custom_rule printed something else"; }
sed 's/^/  /' "$work/output"

echo "- the example, by find_package"
mkdir "$work/consumer"
cat >"$work/consumer/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(weir $(pkg-config --modversion weir) REQUIRED COMPONENTS static)
add_executable(shared $example)
target_link_libraries(shared PRIVATE weir::weir)
add_executable(static $example)
target_link_libraries(static PRIVATE weir::static)
CMAKE
quietly "$CMAKE" -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$prefix"
quietly "$CMAKE" --build "$work/consumer/build"
ldd "$work/consumer/build/shared" | grep -q libweir.so || fail "weir::weir is not the shared library"
ldd "$work/consumer/build/static" | grep -q libweir.so && fail "weir::static is not the static library"

echo "- tool, man page, completion"
[ "$("$prefix/bin/weir" --version)" = "weir $(pkg-config --modversion weir)" ] || fail "weir --version"
[ -s "$prefix/share/man/man1/weir.1" ] || fail "no man page"
if command -v mandoc >/dev/null; then quietly mandoc -T lint -W warning "$prefix/share/man/man1/weir.1"; fi
# The commands and options of the man page are those of the tool.
for command in $("$prefix/bin/weir" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    echo "$command"
    [ "$command" = help ] || "$prefix/bin/weir" "$command" --help | sed -n "s/^  *--\([a-z-]*\).*/$command --\1/p"
done | grep -v -- ' --help$' | sort >"$work/tool"
awk '$1 == ".It" && $2 == "Ic" { print command = $3 }
     $1 == ".It" && $2 == "Fl" && command != "help" { print command " --" $4 }' \
    "$prefix/share/man/man1/weir.1" | sort >"$work/page"
diff "$work/tool" "$work/page" || fail "tool (<) and man page (>) differ"
if command -v bash >/dev/null; then
    quietly bash "$WEIR_SOURCE/tests/completion.bash" "$prefix"
fi
echo "- done"
