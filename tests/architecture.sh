#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Dependencies run downwards only (docs/architecture.md): no file of src/ and no public header includes a header of a
# layer above its own, units and kernels do not know each other, and no two folders of one layer need each other. The
# tool uses public headers alone, and the library neither prints nor ends the process.
set -eu
cd "$WEIR_SOURCE"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -rnE '^[ \t]*#[ \t]*include' src include --include='*.[ch]' >"$work/includes" || true
awk -F: '
    function layer(folder) {
        if (folder in layers) return layers[folder]
        print "tests/architecture.sh: " folder " is in no layer; give it one"
        failed = 1
        return 0
    }
    BEGIN {
        layers["core"] = 0
        layers["kernels"] = layers["units"] = 1
        layers["graph"] = layers["data"] = layers["store"] = 2
        layers["config"] = 3; layers["model"] = layers["sae"] = layers["extreme"] = 4; layers["train"] = 5
        layers["lab"] = layers["upcycle"] = 6
        # Where a public header belongs.
        public["status"] = public["system"] = public["random"] = public["file"] = "core"
        public["units"] = public["estimate"] = "units"
        public["plan"] = public["calibration"] = public["layer"] = public["machine"] = "kernels"
        public["graph"] = public["kind"] = "graph"; public["data"] = public["names"] = public["sparse"] = "data"
        public["config"] = public["options"] = "config"; public["model"] = "model"; public["extreme"] = "extreme"; public["sae"] = "sae"
        public["train"] = public["optimizer"] = public["summary"] = "train"; public["lab"] = "lab"; public["upcycle"] = "upcycle"
    }
    {
        split($1, parts, "/"); from = parts[2]; seen++
        if (from == "weir") { # a public header: what it includes counts for who includes it
            sub(/\.h$/, "", parts[3])
            if (parts[3] == "weir") next # everything public
            from = public[parts[3]]
            sub(/"/, "<weir/"); sub(/"/, ">")
            headers++
        }
        if (match($0, /"(\.\.\/)+[^"]*"/)) {
            path = substr($0, RSTART + 1, RLENGTH - 2); gsub(/^(\.\.\/)+/, "", path)
            split(path, parts, "/"); to = path ~ /\// ? parts[1] : from
            if (!(to in layers)) next # ../NAME.h inside one folder of src
        } else if (match($0, /<weir\/[a-z_]+\.h>/)) {
            header = substr($0, RSTART + 6, RLENGTH - 9)
            if (!(header in public)) {
                print $1 ":" $2 ": <weir/" header ".h> belongs to no layer of the library"
                failed = 1
                next
            }
            to = public[header]
        } else
            next
        edges++
        if (layer(to) > layer(from)) {
            print $1 ":" $2 ": " from " must not include a header of " to ", which stands above it"
            failed = 1
        } else if (to != from && layer(to) == 1 && layer(from) == 1) {
            print $1 ":" $2 ": units and kernels must not include each other"
            failed = 1
        }
        if (to != from) needs[from, to] = $1 ":" $2
    }
    END {
        for (pair in needs) {
            split(pair, ends, SUBSEP)
            if (ends[1] < ends[2] && ((ends[2], ends[1]) in needs)) {
                print ends[1] " and " ends[2] " include each other: " needs[pair] " and " needs[ends[2], ends[1]]
                failed = 1
            }
        }
        if (!seen || !edges || !headers) { print "no #include lines found in src"; failed = 1 }
        exit failed
    }' "$work/includes" >"$work/findings" || true

# The tool: a path in quotes names another folder of cli/, never one of the library. base/ stands below all others,
# plot/ (figures) below the commands that draw, experiment/
# (many trainings) below those that train; commands do not know each other.
grep -rnE '^[ \t]*#[ \t]*include[ \t]*"[^"]*/' cli --include='*.[ch]' |
    awk -F: '
        BEGIN { floor["base"] = 1; floor["plot"] = 2; floor["experiment"] = 3 }
        {
            split($1, parts, "/"); from = parts[2]
            match($0, /"[^"]*"/); path = substr($0, RSTART + 1, RLENGTH - 2)
            split(path, parts, "/"); to = parts[1]
            if (!(to in floor) || ((from in floor) && floor[from] <= floor[to]))
                print $1 ":" $2 ": the folder " from " of the tool must not include \"" path "\""
        }' >>"$work/findings"

# No two files of a folder need each other, directly or by way of others: they share headers, so that this is seen in
# the symbols of what they are compiled to. A file's needs are those symbols that another file of the folder defines.
no_circles() { # FOLDER OBJECTS
    if ! command -v nm >/dev/null || ! command -v tsort >/dev/null || ! [ -d "$2" ]; then
        echo "circles between files of $1 are not looked for: that needs nm, tsort and the objects of a build"
        return
    fi
    for source in $(find "$1" -name '*.c'); do
        nm -P "$2/${source#"$1"/}.o" | awk -v file="$source" '{ print file, $1, $2 }'
    done | awk '
        $3 ~ /^[TDBR]$/ { home[$2] = $1 }
        $3 == "U" { uses[++count] = $1 " " $2 }
        END {
            for (i = 1; i <= count; i++) {
                split(uses[i], use, " ")
                if (use[2] in home) print use[1], home[use[2]]
            }
        }' | sort -u >"$work/needs"
    [ -s "$work/needs" ] || echo "no symbols found in $2" >>"$work/findings"
    tsort "$work/needs" 2>&1 >/dev/null | sed "s|^tsort: [^ ]*: input contains a loop:|files of $1 need each other:|
        s|^tsort: |  |" >>"$work/findings"
}
no_circles cli "$WEIR_BUILD/CMakeFiles/weir_cli.dir/cli"
no_circles src/graph "$WEIR_BUILD/CMakeFiles/weir_objects.dir/src/graph"

# Calls of the library's own code that print or end the process; comments do not count.
for source in $(find src -name '*.[ch]'); do
    sed 's,//.*,,' "$source" |
        grep -nE '(^|[^A-Za-z0-9_.>])(v?printf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort)[ \t]*\(|\bstd(out|err)\b' |
        sed "s|^|$source:|; s|\$|   <- the library neither prints nor ends the process|" >>"$work/findings"
done

# What is to be known of a kind of node stands in its descriptor (weir_kind.traits, takes): outside src/graph/nodes no
# code asks for a kind by its name. A rule may have the name of a kind (dropout); then only a line that speaks of kinds
# is meant.
names_in() { grep -rhoE '\.name = "[a-z0-9-]+"' "$1" --include='*.c' | cut -d'"' -f2 | sort; }
names_in src/graph/nodes >"$work/kinds"
names_in src/units >"$work/rules"
[ -s "$work/kinds" ] || echo "no kinds of nodes found in src/graph/nodes" >>"$work/findings"
while read -r kind; do
    asks='strn?casecmp|strn?cmp|kind'
    grep -qx -e "$kind" "$work/rules" && asks='kind'
    grep -rnE "\"$kind\"" src cli --include='*.[ch]' | grep -v '^src/graph/nodes/' | grep -E "($asks).*\"$kind\"" |
        sed 's|$|   <- asks for a kind of node by its name; see weir_kind.traits|' >>"$work/findings" || true
done <"$work/kinds"

# One way to run in parallel: src/core/parallel.h.
grep -rnE '#[ \t]*pragma[ \t]+omp[ \t]+(parallel|for|sections|task|critical|atomic)|[^A-Za-z_]omp_[a-z_]+\(|pthread_create' src \
    --include='*.[ch]' | grep -vE '^src/(core/pool|kernels/blas)\.c:' |
    sed 's|$|   <- src/core/parallel.h is the one way to run in parallel|' >>"$work/findings" || true

# A comment says what it is about: one that begins "The same" or "Both" means nothing where it is shown alone.
grep -rnE '//[/<]* *(The same|Both|All of)\b' include src cli --include='*.[ch]' >>"$work/findings" || true

cat "$work/findings"
! [ -s "$work/findings" ]
