# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# The list of rules as text, JSON and Markdown.
. "$(dirname "$0")/lib.sh"

{
    run units straight-through
    run units straight-trough
    run units --json straight-through
    run units rloo:draw=one-of
    run units straight-through:draw=top-k,k=3
    run units rloo:draw=one-of,of=1
    run units rloo:draw=k-subset,of=4,k=5
    run units top-k
} | compare units

must 0 "$tool" units --json
count=$("$json" .out | cut -d' ' -f1)
[ "$count" -ge 5 ] || fail "only $count rules"
must 0 "$tool" units
[ "$(sed '/^$/q' .out | wc -l)" -eq $((count + 2)) ] || fail "the table has not one line per rule: $(cat .out)"
grep -q '^  decoupled-straight-through:draw=tempered-one-of ' .out || fail "a long name is cut: $(cat .out)"
must 0 "$tool" units --markdown
[ "$(sed '/^## Draws/q' .out | grep -c '^| `')" -eq "$count" ] || fail "the page has not one row per rule: $(cat .out)"
cmp -s .out "$here/../../docs/estimators.md" ||
    fail "docs/estimators.md is not what the rules say; write it anew: weir units --markdown > docs/estimators.md"
