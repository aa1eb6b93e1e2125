# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What the command-line tool does, as functions that return records."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from . import arrays
from ._native import NULL, Keep, call, failure, ffi, lib, new, text
from .data import Data
from .network import Configuration, Network, Settings, load, result_record
from .records import Record, bits, chosen, record

Path = Union[str, "os.PathLike[str]"]

_TRAITS = bits("WEIR_TRAIT_", "weir_trait")
_KIND_TRAITS = bits("WEIR_KIND_", "weir_kind_trait")


def unit_of(rule: str) -> Any:
    """A ``weir_unit`` of a text like "rloo:samples=4". NotFoundError names the nearest rule, ArgumentError the value."""
    unit = ffi.new("weir_unit *")
    call(lib.weir_unit_parse, unit, Keep().text(rule))
    return unit


def _unit(unit: Any) -> Record:
    rule, draw = unit.rule, lib.weir_unit_draw(unit)
    found = Record({name: text(getattr(rule, name)) for name in ("name", "summary", "forward", "gradient", "source")})
    if rule.draw == NULL and draw != lib.weir_draw_bernoulli():
        found["forward"] = text(draw.forward)  # the rule's own is of a coin
    found["draw"] = text(draw.name)
    found["draws"] = tuple(
        text(lib.weir_draw_at(k).name) for k in range(lib.weir_draw_count()) if lib.weir_rule_takes(rule, lib.weir_draw_at(k))
    )
    place = ffi.new("char[]", 512)
    lib.weir_unit_decided(unit, place, 512)
    found["decided"], found["expected"] = text(place), text(draw.expected)
    fixed = draw.name != NULL and not draw.traits & lib.WEIR_DRAW_RANDOM
    found["traits"] = chosen(rule.traits & ~(lib.WEIR_TRAIT_STOCHASTIC if fixed else 0), _TRAITS)
    found["evaluations"], found["backward_passes"] = int(rule.evaluations), int(rule.gradients)
    found["cost"] = text(rule.cost) or str(rule.evaluations)
    found["parameters"] = [_parameter(of.parameters[k]) for of in (rule, draw) for k in range(of.parameter_count)]
    return found


def _parameter(parameter: Any) -> Record:
    found = record(parameter)
    if found.choices:
        found["choices"] = tuple(found.choices.split("|"))
        found["initial"] = found.choices[int(found.initial)]
    return found


def units(name: Optional[str] = None) -> Any:
    """The rules of stochastic units, a record each: how one draws (``draw``, ``forward``), what it is at test time
    (``decided``) and without noise (``expected``), how its gradient is estimated (``gradient``, ``source``), ``traits``,
    ``cost``, ``parameters`` of the rule and of its draw, and the ``draws`` that it takes. name: that one alone, with the draw
    that the text names: "rloo:draw=one-of,of=8".
    """
    if name is not None:
        return _unit(unit_of(name))
    found = []
    for index in range(lib.weir_rule_count()):
        unit = ffi.new("weir_unit *")
        call(lib.weir_rule_form, lib.weir_rule_at(index), unit, NULL, 0)
        found.append(_unit(unit))
    return found


def kinds() -> List[Record]:
    """The kinds of nodes, a record each: name, summary, equation, what a loss takes, and other words for it."""
    found = []
    for index in range(lib.weir_kind_count()):
        kind = lib.weir_kind_at(index)
        entry = Record({name: text(getattr(kind, name)) for name in ("name", "summary", "equation")})
        entry["traits"] = chosen(kind.traits, _KIND_TRAITS)
        entry["takes"] = ("nothing", "labels", "targets")[kind.takes]
        entry["synonyms"] = tuple(word for word in map(text, kind.synonyms) if word)
        found.append(entry)
    return found


def settings() -> List[Record]:
    """Every setting of a configuration: path, what it expects, default (``initial``), a line about it."""
    return [record(lib.weir_setting_at(index)) for index in range(lib.weir_setting_count())]


def examples() -> Dict[str, str]:
    """The built-in configurations: name and YAML text."""
    return {
        text(lib.weir_example_name(k)) or "": text(lib.weir_example_text(k)) or "" for k in range(lib.weir_example_count())
    }


def digits(count: int, *, seed: int = 1, first: int = 0) -> Tuple[Any, Any]:
    """Built-in digits: images uint8 [count][784] (28 × 28, ink 255) and labels int32 [count]; a function of seed and place."""
    images, labels = np.empty((count, 784), np.uint8), np.empty(count, np.int32)
    call(lib.weir_digits, arrays.pointer(images, "uint8_t[]"), arrays.pointer(labels, "int32_t[]"), seed, first, count)
    return images, labels


def inspect(model: Union[Path, Network], *, settings: Settings = None, share: Optional[float] = None) -> List[Record]:
    """A record per layer of a model file, a run directory, a configuration or a network, as ``weir inspect`` prints it."""
    if isinstance(model, Network):
        return model.inspect(share)
    if os.path.isdir(model) or os.fspath(model).endswith(".safetensors"):
        return load(model).inspect(share)
    return Network.of(Configuration(model, settings), max_rows=1, training=False).inspect(share)


def evaluate(
    model: Union[Path, Network],
    data: Union[None, Path, Data] = None,
    *,
    part: str = "test",
    settings: Settings = None,
    samples: int = 0,
    repeats: int = 5,
) -> Record:
    """Measures a model on a part of its data set, as ``weir eval``: error, share, multiply-adds, milliseconds.

    data: None: where it was in training; a folder; a data set. settings: changes of the data set, {"data.test_rows": …}.
    samples: of models that predict targets with probabilities, draws per row. The names are those of result.json.
    """
    network = model if isinstance(model, Network) else load(model)
    config = network.configuration
    if not isinstance(data, Data):
        config = config.changed(settings)
        if data is not None:
            call(lib.weir_config_data_folder, config.c, Keep().path(data))
        config.c.data.known_scale = lib.weir_graph_scale(network.c)
        data = Data.of(config)
    rows = data._part(part)
    if not rows.count:
        raise ValueError(f"the data set has no rows in its {part} part")
    result, place = ffi.new("weir_result *", lib.weir_result_empty()), ffi.new("weir_part *", rows)
    with network._lock:
        call(lib.weir_measure, network.c, result, place, 0, repeats)
        train = config.c.train
        call(lib.weir_measure_samples, network.c, result, place, samples or train.test_samples, train.seed)
        return result_record(result)


def predict(
    model: Union[Path, Network],
    *files: Path,
    limit: Optional[int] = None,
    scale: str = "auto",
    header: str = "auto",
    skip_columns: str = "",
) -> List[Record]:
    """Predicts the rows of files (IDX, NPY, CSV, plain or gzip), as ``weir predict``: a record per row.

    A record has file, row, class (a name, where the model has names) and probabilities, or values. scale: "auto": the
    model's, unless the values are evidently on another one; "model", "none", "1/255".
    """
    network = model if isinstance(model, Network) else load(model)
    found: List[Record] = []
    for file in files:
        probabilities = _file(network, file, limit, scale, header, skip_columns)
        names = network.classes
        for row, values in enumerate(probabilities):
            entry = Record(file=os.fspath(file), row=row)
            if network.takes != "targets":
                best = int(values.argmax())
                entry["class"] = names[best] if names else best
                entry["probabilities"] = values
            else:
                entry["values"] = values
            found.append(entry)
    return found


def _file(network: Network, file: Path, limit: Optional[int], scale: str, header: str, skip_columns: str) -> Any:
    keep, table = Keep(), ffi.new("weir_table *")
    options = ffi.new("weir_read_options *", lib.weir_read_options_default())
    keep.fill(options, header=header, skip_columns=skip_columns)
    call(lib.weir_table_read, table, keep.path(file), options)
    table = ffi.gc(table, lib.weir_table_free)
    known = lib.weir_graph_scale(network.c)
    if scale in ("auto", "model") and known != NULL:
        note = ffi.new("char[]", 256)
        if scale == "auto":
            call(lib.weir_rows_scale_like, table.rows, note, known)
        else:
            call(lib.weir_rows_scale, table.rows, known)
    elif scale in ("none", "1/255"):
        made = new("weir_scale **", lib.weir_scale_create, keep.text(scale), 0, free=lib.weir_scale_free)
        call(lib.weir_rows_scale, table.rows, made)
    elif scale not in ("auto", "model"):
        raise ValueError(f"scale {scale!r}; expected auto, model, none or 1/255")
    count = int(lib.weir_rows_shape(table.rows).rows)
    count = count if limit is None else min(limit, count)
    out = np.empty((count, network.outputs), np.float32)
    with network._lock:
        call(lib.weir_predict, network.c, NULL, arrays.pointer(out), table.rows, 0, count)
    return out


def continue_text(
    model: Union[Path, Network], prompt: Union[str, bytes], length: int = 200, *, temperature: float = 1.0, seed: int = 1
) -> Union[str, bytes]:
    """What a model of text (``data.source`` text) writes behind a prompt, as ``weir predict --prompt``: of bytes bytes, of
    characters or words a text.

    Tokens are drawn with their probabilities to the power of 1/temperature (0: the most likely one), a function of seed.
    In front of a prompt shorter than the context stand ends of lines. DataError: the prompt has what is no token.
    """
    network = model if isinstance(model, Network) else load(model)
    options = network.configuration.c.data
    if text(options.source) != "text":
        raise ValueError("this model reads rows, not text: weir.predict")
    of_bytes, names = text(options.tokens) == "bytes", network.classes or []
    if not of_bytes and len(names) < network.outputs:
        raise ValueError(f"the network has {network.outputs} outputs, but there are names of {len(names)} tokens")
    given = prompt.encode("utf-8") if isinstance(prompt, str) else prompt
    row = (_tokens(network, b"\n") * network.columns + _tokens(network, given))[-network.columns :]
    found: List[int] = []
    u, noise = ffi.new("float[1]"), ffi.new("weir_noise *", {"seed": seed})
    for step in range(length):
        p = network.predict_proba(np.array([row], np.float32))[0].astype(np.float64)
        if temperature > 0:
            weights = (p / p.max()) ** (1 / temperature)
            noise.step = step
            lib.weir_random_uniform(u, noise[0], 0, 1)
            token = min(int(np.searchsorted(weights.cumsum(), u[0] * weights.sum(), side="right")), len(p) - 1)
        else:
            token = int(p.argmax())
        found.append(token)
        row = [*row[1:], token]
    return bytes(found) if of_bytes else "".join(names[token] for token in found)


def _tokens(network: Network, words: bytes) -> List[int]:
    """The numbers of the tokens of a text."""
    place, count, keep = ffi.new("int32_t **"), ffi.new("size_t *"), Keep()
    given = keep.add(ffi.from_buffer("char[]", words))
    kind, names = network.configuration.c.data.tokens, lib.weir_graph_names(network.c)
    call(lib.weir_text_tokens, place, count, given, len(words), kind, names)
    try:
        return list(ffi.unpack(place[0], count[0])) if count[0] else []
    finally:
        lib.weir_labels_free(place[0])


def metrics(*runs: Path) -> List[Record]:
    """What ``weir plot`` draws of runs: a record per run and epoch, with ``run`` and the names of metrics.jsonl.

    ``pandas.DataFrame(records).pivot(index="epoch", columns="run", values="valid_error").plot()``
    """
    found = []
    for run in runs:
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as lines:
            for line in lines:
                values = {name: float("nan") if value is None else value for name, value in json.loads(line).items()}
                found.append(Record({"run": os.fspath(run), **values}))
    return found


def threads(number: Optional[int] = None) -> int:
    """Threads that a call may use; with a number, sets it for the process first (0: every processor)."""
    if number is not None:
        lib.weir_threads_use(number)
    return int(lib.weir_threads())


def isa(name: Optional[str] = None) -> str:
    """The instruction set in use; with a name ("avx2"), chooses it for all later calls of the process.

    Chosen when the program runs: the best one of this processor, or what the environment variable WEIR_ISA says.
    UnsupportedError for one that this processor does not have.
    """
    if name is not None:
        names = [text(lib.weir_isa_name(k)) for k in range(lib.WEIR_ISA_COUNT)]
        if name not in names:
            raise ValueError(f"instruction set {name!r}; expected one of {', '.join(filter(None, names))}")
        status = lib.weir_isa_use(names.index(name))
        if status:
            raise failure(status, f"this processor has no {name}")
    return text(lib.weir_isa_name(lib.weir_isa_current())) or ""
