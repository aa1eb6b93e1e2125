# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""weir in NumPy: rules, their noise, and the forward pass of a model file, as short code to read and to run.

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
from . import categorical, control_variates, coordinates, pathwise, score_function, straight_through
from . import draws as draw_classes
from .base import Draw, Drawn, Rule
from .noise import Noise

__all__ = ["Draw", "Drawn", "Model", "Noise", "Rule", "load", "rules", "unit"]


def _named(kind, *modules):
    found = (value for module in modules for value in vars(module).values() if isinstance(value, type))
    return {one.name: one for one in found if issubclass(one, kind) and one.name}


#: Draws that a unit's text can name, and rules by their names. Some rules for variables of several outputs have the name
#: of one for binary units, which comes first.
draws = {"bernoulli": Draw, **_named(Draw, draw_classes)}
of_variables = _named(Rule, categorical)
rules = {**of_variables, **_named(Rule, pathwise, straight_through, score_function, coordinates, control_variates)}


def _rule(name, draw):
    """The rule of that name for a draw; None: its own."""
    if name not in rules:
        raise ValueError(f"no rule is called '{name}'; there are: {', '.join(rules)}")
    if draw is not None and draw not in draws:
        raise ValueError(f"no draw is called '{draw}'; there are: {', '.join(draws)}")
    if draw is None or rules[name].takes_draws:
        return rules[name]
    if name in of_variables and issubclass(draws[draw], of_variables[name].takes):
        return of_variables[name]
    raise ValueError(f"{name} is not defined here for draw={draw}")


def unit(text):
    """The unit that a text describes as the library and its configurations write it.

    "NAME", or "NAME:parameter=value,…"; with draw=NAME among these, parameters of the draw stand beside those of the
    rule. Raises ValueError for an unknown rule, draw or parameter.
    """
    name, _, rest = text.partition(":")
    values = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
    named = values.pop("draw", None)
    kind = _rule(name, named)
    drawn = draws[named] if named else kind.own
    of_draw = {key: values.pop(key) for key in list(values) if drawn and key in drawn.defaults}

    def read(given, defaults):
        return {k: v if isinstance(defaults.get(k), str) else float(v) for k, v in given.items()}

    rule = kind(**read(values, kind.defaults))
    return rule.use(drawn(**read(of_draw, drawn.defaults))) if drawn else rule


from .model import Model, load  # noqa: E402 (it needs `unit`)
