# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The same training with several rules or settings and several seeds, side by side."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from ._native import ffi, lib
from .network import Configuration, Settings, setting_texts
from .records import Record, record
from .training import train

Variants = Union[Sequence[str], Mapping[str, Settings]]

#: What is summarised of each run, with the names of result.json.
FIELDS = ("test_error", "test_loss", "test_rmse", "test_r2", "test_nll", "valid_error", "share", "multiply_adds_done", "seconds")


def compare(
    config: Any,
    variants: Variants,
    data: Any = None,
    *,
    seeds: Union[int, Sequence[int]] = 5,
    settings: Settings = None,
    progress: Optional[Any] = None,
) -> List[Record]:
    """Trains every variant with every seed: a record per variant, the first one being what the others are compared with.

    config, data: as in ``weir.train``. variants: rules ("sts", "rloo:samples=4"), or a mapping of names to settings.
    seeds: how many (1, 2, …), or which. settings: of all runs. progress: a function of each run's record.

    A record has ``name``, ``runs`` (result records), ``summary`` (of each field count, mean, deviation, least, greatest)
    and, but for the first, ``difference``: paired by seed, mean, 95 % interval ``low`` to ``high``, ``p`` of Student's
    paired test, which holds for one comparison chosen beforehand. Errors are those of ``weir.train``.
    """
    named: Dict[str, Settings] = {rule: {"rule": rule} for rule in variants} if not isinstance(variants, Mapping) else dict(variants)
    numbers = list(range(1, seeds + 1)) if isinstance(seeds, int) else list(seeds)
    found: List[Record] = []
    for name, own in named.items():
        runs: List[Record] = []
        for seed in numbers:
            changes = [*setting_texts(settings), *setting_texts(own), f"train.seed={seed}"]
            result = train(Configuration(config, changes), data, repeats=0).result
            runs.append(Record({"name": name, **{key: value for key, value in result.items() if key != "name"}}))
            if progress is not None:
                progress(runs[-1])
        found.append(Record(name=name, runs=runs, summary=_summaries(runs)))
    for entry in found[1:]:
        entry["difference"] = _differences(entry.runs, found[0].runs)
    return found


def _values(runs: Sequence[Record], field: str) -> Any:
    return np.array([run[field] for run in runs], np.float64)


def _summaries(runs: Sequence[Record]) -> Record:
    given = {field: _values(runs, field) for field in FIELDS}
    return Record(
        {
            field: record(lib.weir_summarise(ffi.from_buffer("double[]", values), len(values)))
            for field, values in given.items()
            if np.isfinite(values).any()
        }
    )


def _differences(runs: Sequence[Record], base: Sequence[Record]) -> Record:
    found = Record()
    for field in FIELDS:
        ours, theirs = _values(runs, field), _values(base, field)
        if np.isfinite(ours - theirs).any():
            places = ffi.from_buffer("double[]", ours), ffi.from_buffer("double[]", theirs)
            found[field] = record(lib.weir_paired_difference(*places, len(ours)))
    return found
