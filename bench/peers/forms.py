# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What the programs of this folder share: a function as it is written and as torch.compile makes it, of which the faster
one counts."""
import sys
import time

import torch


def add_option(parser):
    parser.add_argument("--forms", choices=("eager", "compiled", "both"), default="both",
                        help="measure functions as they are written, through torch.compile, or both: the least counts")


def forms_of(function, wanted="both"):
    """The forms of a function, by name."""
    forms = {}
    if wanted in ("eager", "both"):
        forms["eager"] = function
    if wanted in ("compiled", "both"):
        torch._dynamo.config.recompile_limit = 64
        forms["compiled"] = torch.compile(function)
    return forms


def median_ms(call, repeats):
    """Median milliseconds of a call, after two that do not count: the first one may compile."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(sorted(times[2:])[repeats // 2] * 1e3, 4)


def least(forms, measure):
    """(milliseconds, name) of the form that measure finds fastest. A form that cannot be compiled is said and left out."""
    found = []
    for name, form in forms.items():
        try:
            found.append((measure(form), name))
        except Exception as error:  # whatever the compiler raises
            if not name.startswith("compiled"):
                raise
            print(f"{sys.argv[0]}: {name}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
    return min(found)
