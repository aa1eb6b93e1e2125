# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# fetch, where there is no server: what a download says is tested with the library.
. "$(dirname "$0")/lib.sh"

must 1 "$tool" fetch mnist --mirror http://127.0.0.1:1/ --out here
grep -q "^weir: .*127.0.0.1" .err || fail "the message does not name the server: $(cat .err)"
must 1 "$tool" fetch mnist --mirror nonsense --out here
