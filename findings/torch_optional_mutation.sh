#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# PyTorch 2.15.0: an operator whose only mutated argument is an Optional[Tensor] passes opcheck with None, and does not compile.
#
# torch.library.custom_op takes mutates_args=("state",) for an Optional[Tensor]. Called with None the operator is right in
# eager mode, and torch.library.opcheck says SUCCESS to all four tests, dynamic AOT dispatch among them. Under
# torch.compile the inductor ends with "AssertionError: <built-in function getitem> is not an OpOverload"; with a tensor
# instead of None the same program compiles. Expected: it compiles, or opcheck sees it. A way around: two operators, one
# without the argument.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy==2.4.6
cd "$work" # an operator's source is looked for
cat > seen.py <<'PYTHON'
from typing import Optional
import torch
from torch import Tensor


@torch.library.custom_op("finding::count", mutates_args=("state",))
def count(x: Tensor, state: Optional[Tensor]) -> Tensor:
    if state is not None:
        state.add_(1)
    return x + 1


count.register_fake(lambda x, state: torch.empty_like(x))
x, op = torch.zeros(3), torch.ops.finding.count.default
print("opcheck with None:", torch.library.opcheck(op, (x, None)))
assert set(torch.library.opcheck(op, (x, None)).values()) == {"SUCCESS"}
state = torch.zeros(1)
print("compiled with a tensor:", torch.compile(lambda x: op(x, state) * 2, fullgraph=True)(x), state)
try:
    torch.compile(lambda x: op(x, None) * 2, fullgraph=True)(x)
except Exception as error:
    print("compiled with None:", str(error).splitlines()[0:2])
    assert "is not an OpOverload" in str(error)
else:
    raise SystemExit("it compiles now")
PYTHON
"$work/venv/bin/python" seen.py
