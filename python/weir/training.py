# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Training: a configuration from a file or a mapping, data from arrays or from where the configuration says."""

from __future__ import annotations

import os
from typing import Any, Callable, List, Mapping, Optional, Union

import numpy as np

from . import arrays
from ._native import NULL, Held, Keep, call, ffi, lib, new, text
from .arrays import encode
from .data import PARTS, Arrays, Data
from .errors import InterruptedError
from .network import Configuration, Network, Settings, result_record, targets_of
from .records import Record, record

Progress = Union[bool, Callable[[Record], Any]]


class Trainer:
    """A network, a data set and an optimizer in the middle of a training. One thread uses a trainer at a time.

    The network is one made for training with max_rows at least the batch; how it is trained stands in the configuration,
    by default the network's own. Raises ConfigError, which names the setting that is wrong.
    """

    def __init__(self, network: Network, data: Data, configuration: Optional[Configuration] = None) -> None:
        self.network = network
        self.data = data
        self.configuration = configuration or network.configuration
        options = ffi.addressof(self.configuration.c, "train")
        with network._lock:
            self.c = new("weir_trainer **", lib.weir_trainer_create, network.c, data.c, options, free=lib.weir_trainer_free)

    def run(
        self, folder: "Union[None, str, os.PathLike[str]]" = None, *, progress: Progress = False, resume: bool = False
    ) -> bool:
        """Trains to the end; the network then has the best parameters and thresholds.

        folder: where model.safetensors (best epoch), checkpoint.safetensors, metrics.jsonl and config.yaml go. resume:
        goes on from that checkpoint, bit for bit on the same machine. progress: True shows a bar (tqdm); a function gets
        a record per epoch, and ends the training by returning True. Returns whether it came to its end. Ctrl-C, and
        whatever a function raises, leave a checkpoint and are raised. DivergedError, FileError.
        """
        keep, held = Keep(), Held()
        words = str(self.configuration)
        if folder is not None:
            call(lib.weir_trainer_hold, self.c, keep.path(folder))
            if resume:
                call(lib.weir_trainer_resume, self.c, keep.path(folder))
            path = keep.path(os.path.join(folder, "config.yaml"))
            call(lib.weir_file_write, path, words.encode("utf-8"), len(words.encode("utf-8")))
        place = NULL if folder is None else keep.path(folder)
        with _watching(progress, self.configuration.c.train.epochs) as watch:
            told = held.callback("weir_train_callback", watch, failed=1)
            with self.network._lock:
                try:
                    call(lib.weir_trainer_run, self.c, place, keep.text(words), told, NULL, held=held)
                except InterruptedError:
                    return False
        return True

    def step(self, rows: Any, labels: Any = None, *, targets: Any = None) -> None:
        """One batch, at most max_rows of the network: forward, backward, update. Rows are raw values; labels are numbers of
        classes, or their names where the network has names."""
        matrix, _ = arrays.rows_of(rows, self.network.columns)
        self._step(matrix, self.network._numbers(labels, matrix), targets)

    def _step(self, matrix: arrays.Matrix, labels: Any, targets: Any) -> None:
        """labels are numbers of classes, int32."""
        inputs = self.network._scaled(matrix)
        count = len(inputs)
        with self.network._lock:
            if targets is not None:
                wanted = targets_of(targets, count, self.network.outputs)
                call(lib.weir_trainer_step_targets, self.c, arrays.pointer(inputs), arrays.pointer(wanted), count)
            else:
                call(lib.weir_trainer_step, self.c, arrays.pointer(inputs), arrays.pointer(labels, "int32_t[]"), count)

    @property
    def epochs(self) -> List[Record]:
        """A record per finished epoch, with the names of metrics.jsonl."""
        count, best = ffi.new("size_t *"), ffi.new("size_t *")
        found = lib.weir_trainer_epochs(self.c, count, best)
        return [record(found[k]) for k in range(count[0])]

    @property
    def best_epoch(self) -> int:
        """The number of the best epoch, from 1; 0: none yet."""
        count, best = ffi.new("size_t *"), ffi.new("size_t *")
        lib.weir_trainer_epochs(self.c, count, best)
        return int(best[0])

    @property
    def remark(self) -> Optional[str]:
        """Why a resumed training does not go on bit for bit; None where it does."""
        return text(lib.weir_trainer_remark(self.c))

    def result(self, part: str = "test", repeats: int = 5) -> Record:
        """What the run came to: the record of result.json. repeats 0: times are left out."""
        result = ffi.new("weir_result *", lib.weir_result_empty())
        result.name = self.configuration.c.name
        rows = self.data._part(part)
        lib.weir_trainer_result(self.c, result)
        with self.network._lock:
            if rows.count:
                train = self.configuration.c.train
                call(lib.weir_measure, self.network.c, result, ffi.new("weir_part *", rows), 0, repeats)
                call(lib.weir_measure_samples, self.network.c, result, ffi.new("weir_part *", rows), train.test_samples, train.seed)
            return result_record(result)


class _watching:
    """The callback of a training: a bar, or a function per epoch; nothing but Ctrl-C otherwise."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        self._told = progress if callable(progress) else None
        self._bar: Any = None
        if progress is True:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                raise ImportError("progress=True draws with tqdm, which is not installed: pip install tqdm") from None
            self._bar = tqdm(total=epochs, unit="epoch")

    def __enter__(self) -> Callable[[Any, Any], int]:
        return self._call

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()

    def _call(self, _: Any, progress: Any) -> int:
        if progress.finished == NULL:
            return 0
        epoch = record(progress.finished)
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{epoch.train_loss:.4f}", share=f"{epoch.valid_share:.3f}", refresh=False)
            self._bar.update(epoch.epoch - self._bar.n)
        return 1 if self._told is not None and self._told(epoch) else 0


class Training(Record):
    """What ``train`` gives: ``network``, ``result`` (the record of result.json), ``epochs``, ``data``, ``trainer``."""


def train(
    config: "Union[str, os.PathLike[str], Mapping[str, Any], Configuration]",
    data: "Union[None, str, os.PathLike[str], Data, Arrays]" = None,
    *,
    settings: Settings = None,
    folder: "Union[None, str, os.PathLike[str]]" = None,
    resume: bool = False,
    progress: Progress = False,
    repeats: int = 5,
    init: "Union[None, str, os.PathLike[str]]" = None,
    map: Optional[Mapping[str, str]] = None,
) -> Training:
    """Trains the network of a configuration, as ``weir train`` does.

    config: a YAML file, the name of a built-in example ("digits", "mnist-blocks"), or a mapping of the same form.
    data: None: what the configuration says; a folder that its files lie in; arrays (rows, labels) or, by the part,
    {"train": (rows, labels), "valid": …, "test": …}; a ``weir.Data``. Labels may be of any type: classes that are not
    whole numbers from 0 on get names. Where the network predicts values, arrays are (rows, targets). Arrays (rows, labels)
    are for training and validation: without a "test" part the test error is NaN.
    settings: changes, as {"train.epochs": 3}. folder, resume, progress: see ``Trainer.run``. repeats: of the timing of the
    test part; 0: none. init, map: a model or safetensors file that the parameters begin with, as ``Network.transfer``
    takes them; ``Training.transfer`` then says which. Returns a ``Training``.
    """
    if init is not None and resume:
        raise ValueError("resume and init exclude each other: a checkpoint has all parameters")
    if map is not None and init is None:
        raise ValueError("map says names of the file init, which is missing")
    configuration = config if isinstance(config, Configuration) else Configuration(config, settings)
    if isinstance(data, (str, os.PathLike)):
        call(lib.weir_config_data_folder, configuration.c, Keep().path(data))
        data = None
    if data is None:
        data = Data.of(configuration)
        call(lib.weir_config_absolute, configuration.c)
    network = Network.of(configuration, max_rows=max(256, configuration.c.train.batch))
    if not isinstance(data, Data):
        data = _arrays(data, network, configuration)
    taken = network.transfer(init, map) if init is not None else None
    trainer = Trainer(network, data, configuration)
    trainer.run(folder, progress=progress, resume=resume)
    result = trainer.result(repeats=repeats)
    done = Training(network=network, result=result, epochs=trainer.epochs, data=data, trainer=trainer)
    if taken is not None:
        done["transfer"] = taken
    return done


def _arrays(given: Arrays, network: Network, configuration: Configuration) -> Data:
    """A data set of a caller's arrays, for what the network predicts."""
    parts = dict(given) if isinstance(given, Mapping) else {"train": given}
    unknown = set(parts) - set(PARTS)
    if unknown or "train" not in parts:
        raise ValueError(f"data has the parts train, valid and test, of which train must be there; not {sorted(parts)}")
    names = None
    targets = network.takes == "targets"
    if not targets:
        labels = {name: arrays.numpy_of(part[1]) for name, part in parts.items()}
        if any(found.dtype.kind not in "iu" for found in labels.values()):
            classes, _ = encode(np.concatenate([found.astype(object) for found in labels.values()]))
            names = [str(name) for name in classes]
            places = {name: k for k, name in enumerate(classes.tolist())}
            parts = {name: (part[0], np.array([places[y] for y in labels[name].tolist()], np.int32)) for name, part in parts.items()}
    scale = text(configuration.c.data.scale) or "auto"
    return Data(parts["train"], parts.get("valid"), parts.get("test"), targets=targets, scale=scale, class_names=names)
