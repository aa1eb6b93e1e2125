# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir in NumPy: every rule, its noise, and the forward pass of a model file, as short code to read and to run.

This is documentation that runs. It is written from the formulas and their papers, needs NumPy alone, and is tested
equal to the library; it is not fast. Random words, uniform numbers and integers have the library's bits. What is
computed from them is in double precision here and in single precision there.

Examples
--------
>>> import numpy as np
>>> from weir import reference
>>> unit = reference.unit("noisy-rectifier:sd=0.3")
>>> unit.decide(np.array([[-1.0, 0.2, 1.5]]), threshold=0.1).round(4)
array([[0.    , 0.3282, 1.5   ]])
"""
from . import control_variates, coordinates, pathwise, score_function, straight_through
from .base import Drawn, Rule
from .noise import Noise

__all__ = ["Drawn", "Model", "Noise", "Rule", "load", "rules", "unit"]


def _rules():
    modules = (pathwise, straight_through, score_function, coordinates, control_variates)
    found = (value for module in modules for value in vars(module).values() if isinstance(value, type))
    return {rule.name: rule for rule in found if issubclass(rule, Rule) and rule.name}


#: Every rule by its name.
rules = _rules()


def unit(text):
    """The rule that a text names, as the library and its configurations write it: "NAME" or "NAME:parameter=value,…".

    Raises ValueError for an unknown rule or parameter.
    """
    name, _, rest = text.partition(":")
    if name not in rules:
        raise ValueError(f"no rule is called '{name}'; there are: {', '.join(rules)}")
    values = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
    defaults = rules[name].defaults
    return rules[name](**{k: v if isinstance(defaults.get(k), str) else float(v) for k, v in values.items()})


from .model import Model, load  # noqa: E402 (it needs `unit`)
