# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Networks: made of nodes or read from a model file, run over arrays, evaluated, saved."""

from __future__ import annotations

import json
import os
import re
import threading
import weakref
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _checks, arrays, errors
from ._native import NULL, Keep, call, ffi, lib, new, owned_text, text
from .arrays import Floats
from .records import Record, record

Node = Mapping[str, Any]
Settings = Union[None, Mapping[str, Any], Sequence[str]]

MODES = ("sample", "decide", "expect", "open", "draw")
PRECISIONS = ("fp32", "bf16")

_NAME = "configuration"  # of a text that has no file, in messages

_live: "weakref.WeakSet[Network]" = weakref.WeakSet()


def _after_fork() -> None:
    """A thread of the parent that held a network's lock is not there in the child."""
    for network in list(_live):
        network._lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


def setting_texts(settings: Settings) -> List[str]:
    """Settings as the tool's ``--set`` takes them: {"train.epochs": 3} or ["train.epochs=3"]."""
    if settings is None:
        return []
    if isinstance(settings, Mapping):
        return [f"{key}={_plain(value)}" for key, value in settings.items()]
    return [str(setting) for setting in settings]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Configuration:
    """A complete configuration of the library (``weir_config``): data, network, training.

    source: a YAML file, the name of a built-in example ("digits"), or a mapping of the same form. settings: changes, as
    the tool's ``--set`` takes them. Raises ConfigError, which names place, key and what was expected, also for a change
    without effect; NotFoundError.
    """

    c: Any

    def __init__(self, source: Union[str, "os.PathLike[str]", Mapping[str, Any]], settings: Settings = None) -> None:
        keep, changes = Keep(), setting_texts(settings)
        if isinstance(source, Mapping):
            try:
                self.c = Configuration.parse(json.dumps(source, ensure_ascii=False, default=_number), changes).c
            except errors.Error as error:  # the line is one of JSON, which nobody has written
                raise type(error)(re.sub(rf"^{_NAME}:\d+: ", "", error.text)) from None
        else:
            place = ffi.new("weir_config *")
            call(lib.weir_config_load, place, keep.path(source), keep.texts(changes), len(changes))
            self.c = ffi.gc(place, lib.weir_config_free)
        if changes:
            lines = ffi.new("char **")
            call(lib.weir_config_idle, self.c, lines, keep.texts(changes), len(changes))
            idle = owned_text(lines[0])
            if idle:
                raise errors.ConfigError(idle)

    @classmethod
    def empty(cls) -> "Configuration":
        """One that ``weir_model_load`` is to fill."""
        made = cls.__new__(cls)
        made.c = ffi.gc(ffi.new("weir_config *"), lib.weir_config_free)
        return made

    @classmethod
    def parse(cls, words: str, settings: Settings = None) -> "Configuration":
        """A configuration of YAML text."""
        made, keep, changes = cls.empty(), Keep(), setting_texts(settings)
        place = (keep.text(words), keep.text(_NAME), keep.texts(changes), len(changes))
        call(lib.weir_config_parse, made.c, *place)
        return made

    def changed(self, settings: Settings) -> "Configuration":
        """A copy with changes."""
        return Configuration.parse(str(self), settings)

    @property
    def target(self) -> float:
        """Share of the gates that training is to open."""
        return float(self.c.train.sparsity.target)

    @property
    def precision(self) -> int:
        """Of products, as a ``weir_precision``."""
        return _precision(text(self.c.precision) or "fp32")

    def __str__(self) -> str:
        """The whole configuration as YAML, every default filled in."""
        place = ffi.new("char **")
        call(lib.weir_config_print, self.c, place)
        try:
            return text(place[0]) or ""
        finally:
            lib.weir_text_free(place[0])


def _number(value: Any) -> Any:
    """NumPy's numbers in a mapping."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is no value of a setting")


def rows_over(matrix: arrays.Matrix, scale: Any = NULL) -> Any:
    """``weir_rows`` over an array that is not copied; scaled, where there is a scale. Keep the array while it lives."""
    of_bytes = matrix.dtype == np.uint8
    memory = arrays.pointer(matrix, "uint8_t[]" if of_bytes else "float[]")
    rows = new(
        "weir_rows **",
        lib.weir_rows_share,
        NULL if of_bytes else memory,
        memory if of_bytes else NULL,
        *matrix.shape,
        free=lib.weir_rows_free,
    )
    if scale != NULL:
        call(lib.weir_rows_scale, rows, scale)
    return rows


class Network:
    """A network over batches of rows.

    nodes: a list of mappings, as under ``network:`` in a configuration. Each has a ``kind`` ("input", "affine", "unit",
    "gated-affine", …; ``weir.kinds()`` lists them) and what its kind reads (``name``, ``from``, ``gates``, ``size``,
    ``block``, ``rule``, …; ``weir.settings()``).

    seed: of the initial parameters. max_rows: most rows of one pass; more are cut into several. training: whether
    ``backward`` works and a trainer can have it. precision: "fp32", or "bf16": products round both factors to 8
    significant bits. threads: 0 means what ``weir.threads()`` says. batch_invariant: each row has the bits that it has
    alone, whatever other rows are in its batch; not with training.

    Methods take one array of rows, [rows][columns], and may be called by several threads: they take turns. The GIL is
    released while the library works. Raises ConfigError, ShapeError, NotFoundError, which name the node.
    """

    c: Any
    _lock: Any

    def __init__(
        self,
        nodes: Iterable[Node],
        *,
        seed: int = 1,
        max_rows: int = 256,
        training: bool = True,
        precision: str = "fp32",
        threads: int = 0,
        batch_invariant: bool = False,
    ) -> None:
        config = Configuration({"network": [dict(node) for node in nodes], "precision": precision})
        self._make(config, seed, max_rows, training, threads, batch_invariant)

    def _make(
        self, config: Configuration, seed: int, max_rows: int, training: bool, threads: int, batch_invariant: bool
    ) -> None:
        options = ffi.new("weir_graph_options *", lib.weir_graph_options_default(max_rows))
        options.seed, options.training, options.threads = seed, training, threads
        options.batch_invariant, options.precision = batch_invariant, config.precision
        found = config.c.network, config.c.network_count
        self._begin(new("weir_graph **", lib.weir_graph_create, *found, options, free=lib.weir_graph_free), max_rows, config)

    def _begin(self, graph: Any, max_rows: int, config: Configuration) -> None:
        self.c = graph
        self.configuration = config
        self.max_rows = max_rows
        count = ffi.new("size_t *")
        nodes = lib.weir_graph_nodes(graph, count)
        self._last = int(count[0]) - 1
        self.columns = int(nodes[0].size)
        self.outputs = int(nodes[self._last].size)
        self._takes = lib.weir_graph_kind(graph, self._last).takes
        self._lock = threading.RLock()
        self._single = ffi.new("int32_t *")
        _live.add(self)

    @classmethod
    def _of(cls, graph: Any, max_rows: int, config: Configuration) -> "Network":
        """A network over a graph that somebody has made of a configuration."""
        made = cls.__new__(cls)
        made._begin(graph, max_rows, config)
        return made

    @classmethod
    def of(
        cls, configuration: Configuration, *, max_rows: int = 256, training: bool = True, threads: int = 0
    ) -> "Network":
        """The network of a configuration, with fresh parameters by its seed (``train.seed``)."""
        made = cls.__new__(cls)
        made._make(configuration, configuration.c.train.seed, max_rows, training, threads, False)
        return made

    def trainable(self, max_rows: Optional[int] = None) -> "Network":
        """A network of its own for training that begins where this one is: values, thresholds, scale, names."""
        made = Network.of(self.configuration, max_rows=max_rows or self.max_rows)
        with self._lock:
            call(lib.weir_graph_values_copy, made.c, self.c)
            for index in self._gates():
                call(lib.weir_graph_threshold_set, made.c, index, lib.weir_graph_threshold(self.c, index))
            call(lib.weir_graph_scale_set, made.c, lib.weir_graph_scale(self.c))
            call(lib.weir_graph_names_set, made.c, lib.weir_graph_names(self.c))
        return made

    # ---- what it is ----------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> List[Record]:
        """The nodes, complete: what was not said is filled in. Units have their rule and threshold."""
        count = ffi.new("size_t *")
        nodes = lib.weir_graph_nodes(self.c, count)
        return [self._node(index, nodes[index]) for index in range(count[0])]

    def _node(self, index: int, node: Any) -> Record:
        said = Record({name: value for name, value in record(node).items() if value not in (None, 0, 0.0)})
        unit = lib.weir_graph_unit(self.c, index)
        if unit != NULL:
            said["rule"] = unit_text(unit)
            said["threshold"] = float(lib.weir_graph_threshold(self.c, index))
        return said

    @property
    def classes(self) -> Optional[List[str]]:
        """What its classes are called, where the model keeps names; else None."""
        return self._names(lib.WEIR_NAMED_CLASSES)

    @property
    def column_names(self) -> Optional[List[str]]:
        """What the values of a row are called, where the model keeps names; else None."""
        return self._names(lib.WEIR_NAMED_COLUMNS)

    def _rows(self, rows: Any) -> Tuple[arrays.Matrix, arrays.Kind]:
        """The caller's rows as the library reads them. Columns of a frame are found by the names that the model keeps."""
        theirs = _checks.names_of(rows) if hasattr(rows, "columns") else None
        ours = self.column_names if theirs is not None else None
        if theirs is not None and ours is not None and theirs != ours:
            missing = [name for name in ours if name not in theirs]
            if missing:
                raise ValueError(f"the model reads columns that these rows have not: {', '.join(missing)}")
            rows = rows[ours]
        return arrays.rows_of(rows, self.columns)

    def _names(self, which: int) -> Optional[List[str]]:
        names = lib.weir_graph_names(self.c)
        count = lib.weir_names_count(names, which)
        return [text(lib.weir_names_at(names, which, k)) or "" for k in range(count)] or None

    @property
    def takes(self) -> str:
        """What its loss compares outputs with: "labels", "targets", or "nothing" where it ends in no loss."""
        return ("nothing", "labels", "targets")[self._takes]

    @property
    def precision(self) -> str:
        """Of its products: "fp32" or "bf16". May be set."""
        return text(lib.weir_precision_name(lib.weir_graph_precision(self.c))) or ""

    @precision.setter
    def precision(self, name: str) -> None:
        with self._lock:
            call(lib.weir_graph_precision_use, self.c, _precision(name))

    def _gates(self) -> List[int]:
        """The unit nodes that gate something."""
        gates = {lib.weir_graph_gates(self.c, index) for index in range(self._last + 1)}
        return sorted(index for index in gates if index <= self._last)

    @property
    def thresholds(self) -> Dict[str, float]:
        """Thresholds of the gates by the names of their nodes: open where the pre-activation is above it."""
        nodes = lib.weir_graph_nodes(self.c, NULL)
        return {text(nodes[k].name) or "": float(lib.weir_graph_threshold(self.c, k)) for k in self._gates()}

    def set_threshold(self, node: str, threshold: float) -> None:
        """Sets the threshold of a unit node. NotFoundError, ArgumentError."""
        with self._lock:
            call(lib.weir_graph_threshold_set, self.c, self._index(node), threshold)

    def _index(self, node: str) -> int:
        index = int(lib.weir_graph_find(self.c, node.encode("utf-8")))
        if index > self._last:
            raise KeyError(f"no node {node!r}; there are {', '.join(entry.name for entry in self.nodes)}")
        return index

    def inspect(self, share: Optional[float] = None) -> List[Record]:
        """A record per node, as ``weir inspect --json`` prints it: sizes, parameters, multiply-adds per row.

        share: of the gates that are open, for the multiply-adds; by default what the network was made for.
        """
        share = self.configuration.target if share is None else share
        layers = []
        for index, node in enumerate(self.nodes):
            work = lib.weir_graph_work(self.c, index, share)
            read = lib.weir_graph_reads(self.c, index, 0)
            layer = Record(name=node.name, kind=node.kind, outputs=node.get("size", 0))
            layer["inputs"] = int(lib.weir_graph_nodes(self.c, NULL)[read].size) if read <= self._last else 0
            layer["parameters"] = sum(t.rows * t.columns for t in self._tensors() if t.node == index)
            layer["multiply_adds_dense"] = 0.0 if work.gater else work.dense
            layer["multiply_adds_open"] = 0.0 if work.gater else work.open
            layer["multiply_adds_gater"] = work.open if work.gater else 0.0
            for name in ("rule", "threshold", "block", "gates"):
                if name in node:
                    layer[name] = node[name]
            layers.append(layer)
        return layers

    # ---- parameters ----------------------------------------------------------------------------------------------

    def _tensors(self) -> List[Any]:
        view = lib.weir_graph_parameters_read(self.c)
        return [view.tensors[k] for k in range(view.tensor_count)]

    def __iter__(self) -> Iterator[str]:
        return iter([text(tensor.name) or "" for tensor in self._tensors()])

    def keys(self) -> List[str]:
        """Names of the parameters, as in model files: "experts.weight"."""
        return list(self)

    def _tensor(self, name: str) -> Tuple[int, Any]:
        for index, tensor in enumerate(self._tensors()):
            if text(tensor.name) == name:
                return index, tensor
        raise KeyError(f"no parameter {name!r}; there are {', '.join(self)}")

    def __getitem__(self, name: str) -> Floats:
        """A copy of a parameter: weights [outputs][inputs], biases [outputs]."""
        return self._copy(name, lib.weir_graph_values_get)

    def _copy(self, name: str, get: Any) -> Floats:
        with self._lock:
            index, tensor = self._tensor(name)
            plain = np.empty((tensor.rows, tensor.columns), np.float32)
            call(get, self.c, arrays.pointer(plain), index)
            return plain[:, 0] if tensor.role in (lib.WEIR_ROLE_BIAS, lib.WEIR_ROLE_GAIN, lib.WEIR_ROLE_AVERAGE) else plain

    def __setitem__(self, name: str, values: Any) -> None:
        """Replaces a parameter. ShapeError for another shape."""
        plain = arrays.floats(values)
        with self._lock:
            index, tensor = self._tensor(name)
            single = tensor.role in (lib.WEIR_ROLE_BIAS, lib.WEIR_ROLE_GAIN, lib.WEIR_ROLE_AVERAGE)
            shape = (tensor.rows,) if single else (tensor.rows, tensor.columns)
            if plain.shape != shape:
                raise ValueError(f"{name} has shape {shape}, not {plain.shape}")
            call(lib.weir_graph_values_set, self.c, index, arrays.pointer(plain))

    def transfer(self, path: "Union[str, os.PathLike[str]]", map: Optional[Mapping[str, str]] = None) -> Record:
        """Takes the parameters of a model, run directory or any safetensors file whose names agree; others stay.

        map: other names, {here: there}, of parameters or of nodes, as {"hidden": "fc1"}. Gives a record with the lists
        ``taken``, ``missing`` (parameters that the file lacks) and ``unused`` (arrays that no parameter took). Nothing is
        changed where something does not fit: ShapeError, NotFoundError, FormatError, DataError.
        """
        keep, done = Keep(), ffi.new("weir_transfer *")
        pairs = [f"{here}={there}" for here, there in (map or {}).items()]
        if os.path.isdir(path):
            path = os.path.join(path, "model.safetensors")
        with self._lock:
            call(lib.weir_model_transfer, self.c, done, keep.path(path), keep.texts(pairs), len(pairs))
        try:
            missing = [text(done.missing[k]) or "" for k in range(done.missing_count)]
            unused = [text(done.unused[k]) or "" for k in range(done.unused_count)]
        finally:
            lib.weir_transfer_free(done)
        return Record(taken=[name for name in self if name not in missing], missing=missing, unused=unused)

    def gradient(self, name: str) -> Floats:
        """A copy of the gradient of a parameter, as the last ``backward`` left it."""
        return self._copy(name, lib.weir_graph_gradients_get)

    # ---- passes --------------------------------------------------------------------------------------------------

    def _scale(self) -> Any:
        return lib.weir_graph_scale(self.c)

    def _scaled(self, matrix: arrays.Matrix) -> Floats:
        """Rows on the scale of the training rows: the same array where the model changes nothing."""
        scale = self._scale()
        if matrix.dtype == np.float32 and (scale == NULL or text(scale.kind) in ("none", "as-read")):
            return matrix  # type: ignore[return-value]
        out = np.empty(matrix.shape, np.float32)
        lib.weir_rows_copy(rows_over(matrix, scale), arrays.pointer(out), NULL, 0, matrix.shape[0])
        return out

    def __call__(self, rows: Any, *, mode: str = "decide", node: Optional[str] = None, seed: int = 0, step: int = 0) -> Any:
        """Outputs of the last node, or of another one, [rows][size], of the kind of ``rows``.

        mode: how units get their outputs. "decide": deterministic, gates closed at or under their threshold. "sample":
        drawn as in training, "draw": as by a finished network, functions of seed, step and the row's number. "expect":
        their mean. "open": every gate is 1. Rows are raw values, which the model's scale is applied to.

        For a loss node the outputs are what it compares: class probabilities, σ, or values.
        """
        matrix, kind = self._rows(rows)
        which = self._last if node is None else self._index(node)
        width = int(lib.weir_graph_nodes(self.c, NULL)[which].size)
        inputs = self._scaled(matrix)
        out = np.empty((len(inputs), width), np.float32)
        batch = ffi.new("weir_pass *", {"mode": _mode(mode), "seed": seed, "step": step})
        with self._lock:
            for first in range(0, len(inputs), self.max_rows):
                some = inputs[first : first + self.max_rows]
                batch.rows, batch.first_row, batch.inputs = len(some), first, arrays.pointer(some)
                call(lib.weir_graph_forward, self.c, batch)
                values = lib.weir_graph_output(self.c, which)
                if values == NULL:
                    raise ValueError(f"node {node!r} has no outputs in mode {mode!r}")
                ffi.memmove(arrays.pointer(out[first : first + self.max_rows]), values, len(some) * width * 4)
        return kind(out)

    def predict_proba(self, rows: Any) -> Any:
        """What the network predicts for each row: the probability of each class, σ, or values, [rows][outputs]."""
        matrix, kind = self._rows(rows)
        out = np.empty((matrix.shape[0], self.outputs), np.float32)
        self._predict(matrix, NULL, ffi.from_buffer("float[]", out))
        return kind(out)

    def predict(self, rows: Any) -> Any:
        """The most probable class of each row, [rows]: its name, where the model keeps names, as the text or the whole
        number that the label was; else its number, int32. Of a network that predicts values, these: [rows][outputs], or
        [rows] of a single one.
        """
        matrix, kind = self._rows(rows)
        if self._takes == lib.WEIR_TAKES_TARGETS:
            values = np.empty((matrix.shape[0], self.outputs), np.float32)
            self._predict(matrix, NULL, ffi.from_buffer("float[]", values))
            return kind(values[:, 0] if self.outputs == 1 else values)
        out = np.empty(matrix.shape[0], np.int32)
        self._predict(matrix, ffi.from_buffer("int32_t[]", out), NULL)
        names = self.classes
        if names is None:
            return kind(out)
        whole = all(_WHOLE.fullmatch(name) for name in names)
        return kind(np.array(names, dtype=np.int64)[out]) if whole else np.array(names)[out]

    def _predict(self, matrix: arrays.Matrix, classes: Any, probabilities: Any) -> None:
        count = matrix.shape[0]
        if count == 1:
            row = ffi.from_buffer("float[]", self._scaled(matrix))
            with self._lock:
                call(lib.weir_predict_row, self.c, classes, probabilities, row)
        elif count:
            rows = rows_over(matrix, self._scale())
            with self._lock:
                call(lib.weir_predict, self.c, classes, probabilities, rows, 0, count)

    def predict_samples(self, rows: Any, samples: int, seed: int = 0) -> Any:
        """The mean prediction of so many draws of the random units, [rows][outputs]."""
        matrix, kind = self._rows(rows)
        out = np.empty((matrix.shape[0], self.outputs), np.float32)
        shared = rows_over(matrix, self._scale())
        with self._lock:
            call(lib.weir_predict_samples, self.c, arrays.pointer(out), shared, 0, len(out), samples, seed)
        return kind(out)

    def forward(self, rows: Any, labels: Any = None, *, targets: Any = None, seed: int = 0, step: int = 0) -> float:
        """One pass of a training, mode "sample": the mean loss. ``backward`` then has its gradient. At most max_rows."""
        matrix, _ = self._rows(rows)
        batch = ffi.new("weir_pass *", {"mode": lib.WEIR_MODE_SAMPLE, "seed": seed, "step": step, "rows": len(matrix)})
        keep = Keep()
        batch.inputs = keep.add(arrays.pointer(keep.add(self._scaled(matrix))))
        if labels is not None:
            batch.labels = keep.add(arrays.pointer(keep.add(self._numbers(labels, matrix)), "int32_t[]"))
        if targets is not None:
            batch.targets = keep.add(arrays.pointer(keep.add(targets_of(targets, len(matrix), self.outputs))))
        with self._lock:
            call(lib.weir_graph_forward, self.c, batch)
            self._pass = (batch, keep)
            return float(lib.weir_graph_mean_loss(self.c))

    def backward(self) -> None:
        """Gradients of the mean loss of the last ``forward`` with respect to all parameters: see ``gradient``."""
        with self._lock:
            call(lib.weir_graph_backward, self.c, self._pass[0])

    def evaluate(self, rows: Any, labels: Any = None, *, targets: Any = None, mode: str = "decide") -> Record:
        """Runs all rows: loss, error (share of wrong classes) or rmse and r2, share of open gates, work.

        labels: numbers of classes, or their names where the model keeps names. What is not known is NaN. ``counters`` has multiply-adds of this run alone, ``weir_counters`` of weir/graph.h.
        """
        matrix, _ = self._rows(rows)
        keep = Keep()
        part = self._part(keep, matrix, self._numbers(labels, matrix), targets)
        found = ffi.new("weir_evaluation *")
        with self._lock:
            call(lib.weir_evaluate, self.c, found, NULL, part, _mode(mode))
        return record(found)

    def _numbers(self, labels: Any, matrix: arrays.Matrix) -> Any:
        """Labels of rows, which may be names, as numbers of classes; None where there are none."""
        return None if labels is None else labels_of(labels, len(matrix), self.classes)

    def _part(self, keep: Keep, matrix: arrays.Matrix, labels: Any, targets: Any) -> Any:
        part = ffi.new("weir_part *", {"count": len(matrix)})
        part.rows = keep.add(rows_over(keep.add(matrix), self._scale()))
        if labels is not None:
            part.labels = keep.add(arrays.pointer(keep.add(labels), "int32_t[]"))
        if targets is not None:
            part.targets = keep.add(rows_over(keep.add(targets_of(targets, len(matrix), self.outputs))))
        return part

    def measure(self, rows: Any, labels: Any = None, *, targets: Any = None, repeats: int = 5, batch: int = 0) -> Record:
        """As ``weir eval``: error, share, multiply-adds per row, and milliseconds of all rows, gated and dense.

        labels are those of ``evaluate``. The two alternate ``repeats`` times; medians. The names are those of ``result.json``.
        """
        matrix, _ = self._rows(rows)
        return self._measure(matrix, self._numbers(labels, matrix), targets, repeats, batch)

    def _measure(self, matrix: arrays.Matrix, labels: Any, targets: Any, repeats: int, batch: int = 0) -> Record:
        """labels are numbers of classes, int32."""
        keep = Keep()
        part = self._part(keep, matrix, labels, targets)
        result = ffi.new("weir_result *", lib.weir_result_empty())
        with self._lock:
            call(lib.weir_measure, self.c, result, part, batch, repeats)
            return result_record(result)

    def fit_thresholds(self, rows: Any, target: float) -> None:
        """Sets the threshold of each gate node so that ``target`` of its gates are open over these rows."""
        matrix, _ = self._rows(rows)
        keep = Keep()
        part = self._part(keep, matrix, None, None)
        with self._lock:
            call(lib.weir_fit_thresholds, self.c, part, target)

    @property
    def counters(self) -> Record:
        """Work of all passes since ``reset_counters``: multiply-adds, rows, gates (``weir_counters``)."""
        return record(lib.weir_graph_counters(self.c))

    def reset_counters(self) -> None:
        """Begins to count anew."""
        lib.weir_graph_counters_reset(self.c)

    @property
    def share(self) -> float:
        """Share of the gates that were open in all passes since ``reset_counters``; NaN without gates."""
        counters = lib.weir_graph_counters(self.c)
        return counters.gates_open / counters.gates if counters.gates else float("nan")

    def context(self, max_rows: Optional[int] = None) -> "Network":
        """A network over the same parameters with arrays of its own: one per thread, all run at the same time.

        While there are contexts, nobody changes the parameters: training and item assignment raise ArgumentError.
        """
        rows = max_rows or self.max_rows
        with self._lock:
            graph = new("weir_graph **", lib.weir_graph_share, self.c, rows, free=lib.weir_graph_free)
        return Network._of(graph, rows, self.configuration)

    # ---- files ---------------------------------------------------------------------------------------------------

    def save(self, path: "Union[str, os.PathLike[str]]") -> None:
        """Writes a model file (safetensors), whole or not at all, that ``weir.load`` and the tool read."""
        keep = Keep()
        with self._lock:
            config = keep.text(str(self.configuration))
            call(lib.weir_model_save, self.c, keep.path(path), config, self.configuration.target)

    def to_bytes(self) -> bytes:
        """The bytes of the model file."""
        keep, place, size = Keep(), ffi.new("void **"), ffi.new("size_t *")
        with self._lock:
            config = keep.text(str(self.configuration))
            call(lib.weir_model_save_memory, self.c, place, size, config, self.configuration.target)
        try:
            return bytes(ffi.buffer(place[0], size[0]))
        finally:
            lib.weir_bytes_free(place[0])

    @classmethod
    def from_bytes(cls, model: Any, max_rows: int = 256) -> "Network":
        """The network of a model file's bytes (what speaks the buffer protocol), not for training."""
        config, memory = Configuration.empty(), ffi.from_buffer(model)
        graph = new(
            "weir_graph **", lib.weir_model_load_memory, config.c, memory, len(memory), max_rows, free=lib.weir_graph_free
        )
        return cls._of(graph, max_rows, config)

    def __reduce__(self) -> Any:
        """Pickled as a model file. What only training needs (moving averages) is left out."""
        return Network.from_bytes, (self.to_bytes(), self.max_rows)

    def __repr__(self) -> str:
        return f"<weir.Network {self.columns} to {self.outputs}, {', '.join(node.kind for node in self.nodes)}>"


def load(path: "Union[str, os.PathLike[str]]", *, max_rows: int = 256) -> Network:
    """The network of a model file, or of a run directory (its best epoch). Not for training.

    Raises NotFoundError, FormatError (which says what the file is), VersionError.
    """
    keep = Keep()
    if os.path.isdir(path):
        path = os.path.join(path, "model.safetensors")
    config = Configuration.empty()
    graph = new("weir_graph **", lib.weir_model_load, config.c, keep.path(path), max_rows, free=lib.weir_graph_free)
    return Network._of(graph, max_rows, config)


# ---- small helpers -------------------------------------------------------------------------------------------------


_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")  # that an int64 holds, as Python writes it


def _numbers_of(labels: Any, names: Sequence[str]) -> Any:
    """The numbers of classes that labels name. Whole numbers are names where names are whole numbers."""
    if labels.dtype.kind in "iu" and not any(_WHOLE.fullmatch(name) for name in names):
        return labels
    classes, codes = arrays.encode(labels)
    places = {name: k for k, name in enumerate(names)}
    unknown = [label for label in classes.tolist() if str(label) not in places]
    if unknown:
        some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise ValueError(f"the label {unknown[0]!r} is no class of the model, which has {some}")
    return np.array([places[str(label)] for label in classes.tolist()], np.int32)[codes]


def labels_of(labels: Any, count: int, names: Optional[Sequence[str]] = None) -> Any:
    """Labels as the library reads them: int32 [rows], no copy where they are already. names: of the model's classes."""
    found = np.ascontiguousarray(arrays.numpy_of(labels))
    if names is not None:
        found = _numbers_of(found, names)
    if found.dtype != np.int32:
        if found.dtype.kind not in "iufb":
            raise ValueError(
                f"labels are whole numbers from 0 on, not {found.ravel().tolist()[0]!r}: "
                "this model keeps no names of classes"
                if found.size
                else "labels are whole numbers from 0 on"
            )
        whole = found.astype(np.int32)
        if not np.array_equal(whole, found):
            raise ValueError("labels are whole numbers from 0 on; weir.Classifier takes classes of any type")
        found = whole
    if found.shape != (count,):
        raise ValueError(f"{count} labels are expected, one per row; these have shape {found.shape}")
    return found


def targets_of(targets: Any, count: int, outputs: int) -> Floats:
    """Targets as the library reads them: float32 [rows][outputs]."""
    found = arrays.floats(targets)
    if found.ndim == 1 and outputs == 1:
        found = found.reshape(-1, 1)
    if found.shape != (count, outputs):
        raise ValueError(f"targets of shape {(count, outputs)} are expected; these have {found.shape}")
    return found


def unit_text(unit: Any) -> str:
    """A unit's rule with what differs from its defaults: "rloo:samples=4"."""
    size = lib.weir_unit_print(unit, NULL, 0) + 1
    place = ffi.new("char[]", size)
    lib.weir_unit_print(unit, place, size)
    return text(place) or ""


def result_record(result: Any) -> Record:
    """``weir_result`` with the names of result.json: gates are one mapping of names to thresholds."""
    found = record(result, "gate_count", "gates", "thresholds")
    found["thresholds"] = {text(result.gates[k]): float(result.thresholds[k]) for k in range(result.gate_count)}
    return found


def _mode(name: str) -> int:
    if name not in MODES:
        raise ValueError(f"mode {name!r}; expected one of {', '.join(MODES)}")
    return MODES.index(name)


def _precision(name: str) -> int:
    place = ffi.new("weir_precision *")
    if lib.weir_precision_find(place, name.encode()) != lib.WEIR_OK:
        raise ValueError(f"precision {name!r}; expected one of {', '.join(PRECISIONS)}")
    return int(place[0])
