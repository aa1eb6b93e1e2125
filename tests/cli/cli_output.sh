# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# Standard output that cannot be written: full, or closed by its reader.
. "$(dirname "$0")/lib.sh"

if [ -e /dev/full ]; then
    for command in "units" "units --json" "units --markdown" "help" "help train" "--version" "inspect small.yaml"; do
        code=0
        # shellcheck disable=SC2086
        "$tool" $command >/dev/full 2>.err || code=$?
        [ "$code" -eq 1 ] || fail "weir $command on a full disk ended with $code"
        printf 'weir: cannot write to standard output: No space left on device\n' | cmp - .err ||
            fail "weir $command on a full disk said: $(cat .err)"
    done
fi

# A reader that has gone away: status 1, no message, no signal.
{
    sleep 0.2
    code=0
    "$tool" units --json 2>.err || code=$?
    echo "$code" >.code
} | true
[ "$(cat .code)" -eq 1 ] || fail "a closed pipe ended with $(cat .code)"
[ ! -s .err ] || fail "a closed pipe was called an error: $(cat .err)"

# Training goes on without a reader.
{
    sleep 0.2
    code=0
    "$tool" train small.yaml 2>.err || code=$?
    echo "$code" >.code
} | true
[ "$(cat .code)" -eq 1 ] || fail "training into a closed pipe ended with $(cat .code)"
[ "$("$json" runs/small/result.json epochs)" = 2 ] || fail "training stopped when its reader went away"
