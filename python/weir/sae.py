# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Sparse autoencoders: activations of a model, written as a few of many features (docs/sae.md; C: weir/sae.h)."""

from __future__ import annotations

import glob
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Union

import numpy as np

from . import arrays
from ._native import NULL, Keep, call, ffi, lib, new, text
from .records import Record, record

Rows = Any
Source = Union[str, "os.PathLike[str]", Sequence[Any], Callable[[], Iterable[Any]], Any]


def batches_of(source: Source, batch: int, seed: Optional[int] = None) -> Iterator[Any]:
    """Batches of rows of float32 from an array, a shard, several of them, or a function.

    source: an array or tensor [rows][inputs]; the name of an NPY file, or a pattern of names ("activations/*.npy"), or a
    list of names: shards, which are mapped, so that one batch at a time is in memory; or a function whose result is
    iterated over: arrays with any number of rows each, which are passed on as they come, cut to at most ``batch`` rows.
    seed: rows of each array or shard, and the shards, are shuffled; those of a function are not.

    FileNotFoundError where a name stands for no file; ValueError for arrays that are no rows.
    """
    generator = None if seed is None else np.random.default_rng(seed)
    if callable(source):
        for values in source():
            rows = arrays.rows_of(values)[0]
            for first in range(0, len(rows), batch):
                yield rows[first : first + batch]
        return
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], (str, os.PathLike)):
        names = [name for pattern in source for name in _files(os.fspath(pattern))]
        if generator is not None:
            generator.shuffle(names)
        for name in names:
            values = np.load(name, mmap_mode="r")
            if values.ndim != 2 or values.dtype.kind != "f":
                raise ValueError(f"{name}: rows of floats are expected, not {values.dtype} of shape {values.shape}")
            yield from _cut(values, batch, generator)
        return
    rows = arrays.rows_of(source)[0]
    yield from _cut(rows, batch, generator)


def _files(pattern: str) -> List[str]:
    names = sorted(glob.glob(pattern)) if not os.path.exists(pattern) else [pattern]
    if not names:
        raise FileNotFoundError(f"{pattern}: there is no such file")
    return names


def _cut(values: Any, batch: int, generator: Any) -> Iterator[Any]:
    order = None if generator is None else generator.permutation(len(values))
    for first in range(0, len(values), batch):
        # The rows of a batch in the order of the file: what is mapped is read forwards.
        chosen = slice(first, first + batch) if order is None else np.sort(order[first : first + batch])
        yield np.ascontiguousarray(values[chosen], dtype=np.float32)


class Codes:
    """Codes of rows: those of row r are ``feature[start[r]:start[r + 1]]``, ascending, and ``value`` beside them, all > 0."""

    def __init__(self, start: Any, feature: Any, value: Any, features: int) -> None:
        self.start, self.feature, self.value, self.features = start, feature, value, features

    def __len__(self) -> int:
        return len(self.start) - 1

    def dense(self) -> Any:
        """An array [rows][features], 0 where closed."""
        out = np.zeros((len(self), self.features), np.float32)
        rows = np.repeat(np.arange(len(self)), np.diff(self.start))
        out[rows, self.feature] = self.value
        return out

    def scipy(self) -> Any:
        """A ``scipy.sparse.csr_array`` over the same memory."""
        from scipy import sparse

        return sparse.csr_array((self.value, self.feature, self.start), shape=(len(self), self.features))

    @classmethod
    def of(cls, dense: Any) -> "Codes":
        """From an array [rows][features]; zeros are closed."""
        values = arrays.floats(dense)
        rows, feature = np.nonzero(values)
        start = np.zeros(len(values) + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=len(values)), out=start[1:])
        return cls(start, feature.astype(np.int32), values[rows, feature], values.shape[1])


class SparseAutoencoder:
    """x ≈ Σ z_f·W_dec[f] + b_dec with a few features open of many, trained by the library's sparse kernels.

    form: "topk", "batch-topk", "jumprelu" or "gated"; k: open features of a row (of the first two). tied: one matrix for
    both directions. update: "exact" (Adam as everywhere) or "lazy" (features that a batch does not open stay as they
    are). scores: "fp32", or "int8": bounds by products of bytes, the same features open. Other settings as in
    ``weir_sae_options`` (weir/sae.h): centred, unit_norm, rate, beta1, beta2, epsilon, sparsity, threshold, bandwidth,
    dead_coefficient, dead_k, dead_rows, seed.

        model = weir.SparseAutoencoder(384, 32768, k=32)
        model.fit("activations/*.npy", batch=1024, epochs=2)
        codes = model.encode(x)                     # codes.feature, codes.value
        model.report(x).explained_variance
        model.save("runs/sae")                      # a folder that SAELens reads

    NumPy arrays, tensors of PyTorch on the CPU, and whatever else speaks DLPack go in without a copy where they are
    float32; reconstructions come back as the caller's kind. One thread uses an autoencoder at a time.

    Raises ArgumentError for settings out of range, which names them.
    """

    def __init__(self, inputs: int, features: int, form: str = "topk", **settings: Any) -> None:
        keep = Keep()
        options = ffi.new("weir_sae_options *", lib.weir_sae_options_default(inputs, features))
        known = {name for name, _ in ffi.typeof("weir_sae_options").fields} - {"inputs", "features", "form"}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise TypeError(f"no setting {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        keep.fill(options, form=form, **settings)
        self.c = new("weir_sae **", lib.weir_sae_create, options, free=lib.weir_sae_free)

    # ---- what it is --------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Record:
        """What it was made with, or what its file says."""
        return record(lib.weir_sae_settings(self.c))

    @property
    def inputs(self) -> int:
        return int(lib.weir_sae_settings(self.c).inputs)

    @property
    def features(self) -> int:
        return int(lib.weir_sae_settings(self.c).features)

    @property
    def steps(self) -> int:
        """Steps made so far."""
        return int(lib.weir_sae_steps(self.c))

    @property
    def threshold(self) -> float:
        """Of "batch-topk" in use: what a score must be above; NaN before the first step, and for other forms."""
        return float(lib.weir_sae_threshold(self.c))

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        call(lib.weir_sae_set_threshold, self.c, threshold)

    @property
    def rate(self) -> float:
        """Adam's rate, which may be set between steps."""
        return float(lib.weir_sae_settings(self.c).rate)

    @rate.setter
    def rate(self, rate: float) -> None:
        call(lib.weir_sae_set_rate, self.c, rate)

    @property
    def parameters(self) -> Dict[str, Any]:
        """Parameters by SAELens' names, as arrays over the library's memory, which may be written.

        W_enc is [features][inputs] here, transposed against SAELens. Ask anew after a step before writing again.
        """
        found: Dict[str, Any] = {}
        for index in range(6):
            tensor = lib.weir_sae_parameter(self.c, index)
            if tensor.name == NULL:
                break
            name = text(tensor.name) or ""
            shape = (int(tensor.rows), int(tensor.columns)) if name in ("W_enc", "W_dec") else (int(tensor.rows * tensor.columns),)
            found[name] = np.asarray(_Memory(tensor.values, shape, self.c))
        return found

    def __repr__(self) -> str:
        s = self.settings
        return f"SparseAutoencoder({s.inputs}, {s.features}, {s.form!r}, k={s.k}, steps={self.steps})"

    # ---- training ----------------------------------------------------------------------------------------------------

    def _rows(self, x: Rows) -> Any:
        rows = np.ascontiguousarray(arrays.rows_of(x)[0], dtype=np.float32)
        if rows.shape[1] != self.inputs:
            raise ValueError(f"the rows have {rows.shape[1]} values, but the autoencoder reads rows of {self.inputs}")
        return rows

    def centre(self, x: Rows) -> None:
        """b_dec becomes the mean of the rows: before the first step."""
        rows = self._rows(x)
        call(lib.weir_sae_centre, self.c, arrays.pointer(rows), len(rows))

    def step(self, x: Rows) -> Record:
        """One training step on rows [rows][inputs]; the losses before it. DivergedError: the loss is not finite."""
        rows = self._rows(x)
        losses = ffi.new("weir_sae_losses *")
        call(lib.weir_sae_step, self.c, losses, arrays.pointer(rows), len(rows))
        return record(losses)

    def gradient(self, x: Rows) -> Any:
        """The losses of rows, and the gradient of each parameter by its name; nothing moves."""
        rows = self._rows(x)
        losses = ffi.new("weir_sae_losses *")
        gradients = {name: np.empty_like(np.asarray(values)) for name, values in self.parameters.items()}
        pointers = [arrays.pointer(values) for values in gradients.values()]
        call(lib.weir_sae_gradient, self.c, ffi.new("float *[]", pointers), losses, arrays.pointer(rows), len(rows))
        return record(losses), gradients

    def fit(
        self,
        source: Source,
        *,
        batch: int = 1024,
        epochs: int = 1,
        steps: Optional[int] = None,
        warm_up: int = 0,
        centre: bool = True,
        seed: int = 1,
        callback: Optional[Callable[[int, Record], Any]] = None,
    ) -> "SparseAutoencoder":
        """Steps over all batches of a source (``batches_of``), ``epochs`` times or until so many ``steps`` were made.

        warm_up: steps in which the rate rises linearly from 0. centre: b_dec begins at the mean of the first batch, unless
        steps were made before. seed: of the order of rows. callback(step, losses) after each step; it ends the training by
        returning False. The last batch of an array is left out where it is short and not the only one.
        """
        rate, made = self.rate, 0
        try:
            for epoch in range(epochs if steps is None else max(epochs, 1 << 30)):
                before = made
                for rows in batches_of(source, batch, seed + epoch):
                    if len(rows) < batch and made > before:
                        continue
                    if centre and self.steps == 0:
                        self.centre(rows)
                    if warm_up:
                        self.rate = rate * min(1.0, (made + 1) / warm_up)
                    losses = self.step(rows)
                    made += 1
                    if callback is not None and callback(self.steps, losses) is False:
                        return self
                    if steps is not None and made >= steps:
                        return self
                if made == before:
                    raise ValueError("the source has no rows")
        finally:
            self.rate = rate
        return self

    # ---- use ---------------------------------------------------------------------------------------------------------

    def encode(self, x: Rows) -> Codes:
        """The codes of rows, as the form has them in use."""
        rows = self._rows(x)
        codes = ffi.new("weir_sae_codes *")
        call(lib.weir_sae_encode, self.c, codes, arrays.pointer(rows), len(rows))
        start = np.frombuffer(ffi.buffer(codes.start, 8 * (len(rows) + 1)), np.int64).copy()
        count = int(start[-1])
        if not count:
            return Codes(start, np.empty(0, np.int32), np.empty(0, np.float32), self.features)
        feature = np.frombuffer(ffi.buffer(codes.feature, 4 * count), np.int32).copy()
        value = np.frombuffer(ffi.buffer(codes.value, 4 * count), np.float32).copy()
        return Codes(start, feature, value, self.features)

    def decode(self, codes: Union[Codes, Any]) -> Any:
        """Rows [rows][inputs] of codes, or of an array [rows][features]."""
        found = codes if isinstance(codes, Codes) else Codes.of(codes)
        out = np.empty((len(found), self.inputs), np.float32)
        start = np.ascontiguousarray(found.start, np.int64)
        feature, value = np.ascontiguousarray(found.feature, np.int32), np.ascontiguousarray(found.value, np.float32)
        if len(feature) != len(value) or len(start) < 1 or start[-1] > len(feature):
            raise ValueError("start, feature and value of codes do not fit together")
        held = (arrays.pointer(start, "int64_t[]"), arrays.pointer(feature, "int32_t[]"), arrays.pointer(value))
        memory = ffi.new("weir_sae_codes *", (len(found), *held))
        call(lib.weir_sae_decode, self.c, arrays.pointer(out), memory)
        return out

    def reconstruct(self, x: Rows) -> Any:
        """x̂ of rows, of the caller's kind."""
        return arrays.kind_of(x)(self.decode(self.encode(x)))

    def report(self, source: Source, most: int = 0, batch: int = 1024) -> "Report":
        """What it does on the rows of a source (``batches_of``), with the ``most`` greatest activations of each feature."""
        report = new("weir_sae_report **", lib.weir_sae_report_create, self.c, most, free=lib.weir_sae_report_free)
        for values in batches_of(source, batch):
            rows = self._rows(values)
            call(lib.weir_sae_report_add, report, self.c, arrays.pointer(rows), len(rows))
        return Report(report, self.features, most)

    # ---- files -------------------------------------------------------------------------------------------------------

    def save(self, folder: Union[str, "os.PathLike[str]"], state: bool = False) -> None:
        """A folder that SAELens reads; state: with what training needs to go on with the same bits."""
        call(lib.weir_sae_save, self.c, Keep().path(folder), state)

    @classmethod
    def load(cls, folder: Union[str, "os.PathLike[str]"]) -> "SparseAutoencoder":
        """From a folder of SAELens, of sparsify, or of dictionary-learning (ae.pt and config.json; needs PyTorch)."""
        if (Path(folder) / "ae.pt").is_file():
            return _dictionary(Path(folder))
        keep = Keep()
        made = cls.__new__(cls)
        made.c = new("weir_sae **", lib.weir_sae_load, keep.path(folder), free=lib.weir_sae_free)
        return made


class _Memory:
    """Floats of the library as NumPy finds them: an array of them, and every view of it, keeps the owner alive."""

    def __init__(self, values: Any, shape: Any, owner: Any) -> None:
        self._owner = owner
        self.__array_interface__ = {
            "shape": shape,
            "typestr": np.dtype(np.float32).str,
            "data": (int(ffi.cast("uintptr_t", values)), False),
            "version": 3,
        }


class Report(Record):
    """What an autoencoder did on rows: ``rows``, ``loss`` (mean Σ (x̂ − x)²), ``explained_variance``, ``cosine``, ``open``
    (L0), ``features``, ``dead`` (open in no row)."""

    def __init__(self, c: Any, features: int, most: int) -> None:
        super().__init__(record(lib.weir_sae_report_summary(c)))
        object.__setattr__(self, "_c", c)
        object.__setattr__(self, "_most", most)

    def feature(self, feature: int) -> Record:
        """Of one feature: ``count``, rows in which it was open, and its greatest activations, ``row`` and ``value``."""
        count = ffi.new("uint64_t *")
        top = ffi.new("weir_sae_activation[]", max(self._most, 1))
        held = lib.weir_sae_report_feature(self._c, feature, count, top)
        row = [int(top[k].row) for k in range(held)]
        return Record(feature=feature, count=int(count[0]), row=row, value=[float(top[k].value) for k in range(held)])

    def counts(self) -> Any:
        """Rows in which each feature was open."""
        return np.array([self.feature(f).count for f in range(self.features)])


def _dictionary(folder: Path) -> SparseAutoencoder:
    """dictionary-learning 0.1: ae.pt holds tensors by name, config.json the class of the dictionary."""
    import torch

    config = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("trainer", {})
    name = config.get("dict_class")
    forms = {"AutoEncoderTopK": "topk", "BatchTopKSAE": "batch-topk", "JumpReluAutoEncoder": "jumprelu", "GatedAutoEncoder": "gated"}
    if name not in forms:
        raise ValueError(f"{folder / 'config.json'}: \"dict_class\" is {name!r}; expected one of {', '.join(forms)}")
    tensors = torch.load(folder / "ae.pt", map_location="cpu", weights_only=True)
    values = {key: tensor.detach().float().numpy() for key, tensor in tensors.items()}
    form = forms[name]
    names = {
        "topk": {"W_enc": "encoder.weight", "W_dec": "decoder.weight", "b_enc": "encoder.bias", "b_dec": "b_dec"},
        "jumprelu": {"W_enc": "W_enc", "W_dec": "W_dec", "b_enc": "b_enc", "b_dec": "b_dec", "threshold": "threshold"},
        "gated": {"W_enc": "encoder.weight", "W_dec": "decoder.weight", "b_gate": "gate_bias", "b_dec": "decoder_bias",
                  "b_mag": "mag_bias", "r_mag": "r_mag"},
    }  # fmt: skip
    wanted = names["topk" if form == "batch-topk" else form]
    missing = sorted(theirs for theirs in wanted.values() if theirs not in values)
    if missing:
        raise ValueError(f"{folder / 'ae.pt'}: no tensor {', '.join(missing)}")
    found = {ours: values[theirs] for ours, theirs in wanted.items()}
    if form == "jumprelu":  # the only one that has both by inputs first, and W_dec by features
        found["W_enc"] = found["W_enc"].T
    else:
        found["W_dec"] = found["W_dec"].T
    features, inputs = found["W_enc"].shape
    k = int(values["k"]) if "k" in values else int(config.get("k", min(32, features)))
    # Its JumpReLU leaves b_dec out of the input, unless it was read from SAELens.
    model = SparseAutoencoder(inputs, features, form, k=k, centred=form != "jumprelu")
    parameters = model.parameters
    for ours, array in found.items():
        if parameters[ours].shape != array.shape:
            raise ValueError(f"{folder / 'ae.pt'}: {wanted[ours]} has shape {list(array.shape)}, expected {list(parameters[ours].shape)}")
        parameters[ours][...] = array
    threshold = float(values["threshold"]) if form == "batch-topk" and "threshold" in values else -1.0
    if 0 <= threshold < float("inf"):  # −1: not set; inf: a row without a positive activation came by
        model.threshold = threshold
    return model
