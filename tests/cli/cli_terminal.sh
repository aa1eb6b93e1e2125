# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# On a terminal: a progress bar that fits its width, colours unless NO_COLOR is set, Ctrl-C.
. "$(dirname "$0")/lib.sh"

code=0
"$terminal" true >screen 2>&1 || code=$?
if [ $code -eq 126 ]; then # in a bare chroot, for one
    echo "skipped: the system gives no terminals (is /dev/pts mounted?)"
    exit 77
fi

export TERM=xterm
long="small.yaml --epochs 1000 --set data.train=2000"
code=0
# shellcheck disable=SC2086
"$terminal" --interrupt "left" "$tool" train $long >screen || code=$?
[ $code -eq 1 ] || fail "Ctrl-C: ended with $code: $(cat screen)"
grep -q "epoch [0-9]*/1000 [━╸]*─* *[0-9]* %  loss [0-9.]*  share [0-9.]*  [0-9:]* left" screen || fail "no bar: $(cat screen)"
grep -q "weir: interrupted; to continue: weir train --out runs/small --resume" screen || fail "no message: $(cat screen)"
# Every state of the bar, from carriage return to the next, fits in 80 columns.
tr '\r' '\n' <screen | sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/[━╸─]/x/g; s/[\^]C//' |
    awk 'length($0) > 80 { print; bad = 1 } END { exit bad }' >&2 ||
    fail "a line is wider than the terminal"
grep -q "$(printf '\033\[[0-9]')" screen && fail "colours in spite of NO_COLOR"

# --force removes what was there before training begins: no result of the former run stays beside the new one.
must 0 "$tool" train small.yaml --epochs 1 --force
"$terminal" --interrupt "left" "$tool" train $long --force >screen || true
[ ! -e runs/small/result.json ] || fail "--force kept the former result"

unset NO_COLOR
"$terminal" "$tool" help >screen
grep -q "$(printf '\033\[1mCommands:')" screen || fail "no colours on a terminal"
TERM=dumb "$terminal" "$tool" help >screen
grep -q "$(printf '\033')" screen && fail "colours on a dumb terminal"
"$tool" help >screen
grep -q "$(printf '\033')" screen && fail "colours in a file"
true
