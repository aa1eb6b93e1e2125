# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Estimators with scikit-learn's interface. scikit-learn itself is not needed; where it is there, its tools work."""

from __future__ import annotations

import inspect
import os
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _checks, arrays, errors
from ._native import lib
from .arrays import encode
from .data import Data
from .network import Configuration, Network, Node, Settings
from .records import Record
from .tool import unit_of
from .training import Progress, Trainer

Hidden = Union[int, Sequence[int]]

#: Settings of a configuration, and the parameters that they come from.
_PARAMETERS = {
    "precision": "precision",
    "rule": "rule",
    "train.batch": "batch",
    "train.epochs": "epochs",
    "train.optimizer.decay": "decay",
    "train.optimizer.kind": "optimizer",
    "train.optimizer.rate": "rate",
    "train.optimizer.schedule": "schedule",
    "train.patience": "patience",
    "train.seed": "random_state",
    "train.sparsity.target": "target",
}


def _whole(name: str, value: Any, least: int = 1) -> None:
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}={value!r}: expected a whole number, at least {least}")


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r}: expected a number") from None


_ONE_BY_ONE = 32  # rows that are predicted alone: products of many rows add in another order than those of few

class _Estimator:
    """What classifiers and regressors have in common."""

    _estimator_type = ""
    _held_out = 0.0  # what validation_fraction=None means
    n_features_in_: int
    network_: Network
    history_: List[Record]
    n_epochs_: int

    def __init__(
        self,
        hidden: Hidden = 512,
        *,
        target: Optional[float] = 0.25,
        block: int = 16,
        bottleneck: int = 32,
        rule: str = "noisy-rectifier:sd=0.3",
        network: Optional[Sequence[Node]] = None,
        epochs: Optional[int] = None,
        batch: int = 32,
        optimizer: str = "adam",
        rate: float = 0.002,
        schedule: str = "cosine",
        decay: float = 0.0,
        standardise: bool = True,
        validation_fraction: Optional[float] = None,
        patience: int = 0,
        precision: str = "fp32",
        random_state: Any = None,
        progress: Progress = False,
        settings: Settings = None,
    ) -> None:
        self.hidden = hidden
        self.target = target
        self.block = block
        self.bottleneck = bottleneck
        self.rule = rule
        self.network = network
        self.epochs = epochs
        self.batch = batch
        self.optimizer = optimizer
        self.rate = rate
        self.schedule = schedule
        self.decay = decay
        self.standardise = standardise
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.precision = precision
        self.random_state = random_state
        self.progress = progress
        self.settings = settings

    # ---- parameters ----------------------------------------------------------------------------------------------

    @classmethod
    def _parameters(cls) -> Mapping[str, inspect.Parameter]:
        found = inspect.signature(cls.__init__).parameters
        return {name: parameter for name, parameter in found.items() if name != "self"}

    def get_params(self, deep: bool = True) -> Dict[str, Any]:
        """The parameters of the constructor and their values."""
        return {name: getattr(self, name) for name in sorted(self._parameters())}

    def set_params(self, **params: Any) -> "_Estimator":
        """Sets parameters of the constructor. ValueError for a name that it does not have."""
        names = self._parameters()
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {sorted(names)}.")
            setattr(self, name, value)
        return self

    def __repr__(self, **_: Any) -> str:
        others = []
        for name, parameter in self._parameters().items():
            value = getattr(self, name, parameter.default)
            if value is not parameter.default and repr(value) != repr(parameter.default):
                others.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(others)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        tags = Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            input_tags=InputTags(sparse=False, allow_nan=False),
            non_deterministic=False,
        )
        self._more_tags_of(tags)
        return tags

    def _more_tags_of(self, tags: Any) -> None:
        raise NotImplementedError

    def _fitted(self) -> Network:
        if not hasattr(self, "network_"):
            raise _checks.not_fitted(self)
        return self.network_

    # ---- the network ---------------------------------------------------------------------------------------------

    def _loss(self) -> str:
        raise NotImplementedError

    def _nodes(self, columns: int, outputs: int) -> List[Node]:
        """The network: gated blocks of rectifiers behind a narrow gater, or the caller's nodes."""
        nodes: List[Node] = [{"name": "rows", "kind": "input", "size": columns}]
        if self.network is not None:
            nodes += [dict(node) for node in self.network]
        else:
            hidden: Any = self.hidden
            sizes = list(hidden) if np.ndim(hidden) else [hidden]
            for what, values in (("hidden", sizes), ("block", [self.block]), ("bottleneck", [self.bottleneck])):
                for value in values:
                    _whole(what, value)
            small = [size for size in sizes if self.target is not None and size < self.block]
            if small:
                raise ValueError(f"block={self.block!r}: expected at most the {small[0]} hidden units of a layer")
            before = "rows"
            for k, size in enumerate(sizes):
                nodes += self._layer(k, int(size), before)
                before = f"layer{k}"
        return nodes + [{"name": "outputs", "kind": "affine", "size": outputs}, {"name": "loss", "kind": self._loss()}]

    def _layer(self, k: int, size: int, before: str) -> List[Node]:
        if self.target is None:
            return [
                {"name": f"affine{k}", "kind": "affine", "from": before, "size": size},
                {"name": f"layer{k}", "kind": "rectifier"},
            ]
        return [
            {"name": f"bottleneck{k}", "kind": "affine", "from": before, "size": self.bottleneck},
            {"name": f"tanh{k}", "kind": "tanh"},
            {"name": f"gater{k}", "kind": "affine", "size": -(-size // self.block)},
            {"name": f"gates{k}", "kind": "unit"},
            {
                "name": f"layer{k}",
                "kind": "gated-affine",
                "from": before,
                "gates": f"gates{k}",
                "size": size,
                "block": self.block,
                "activation": "rectifier",
            },
        ]

    def _steering(self) -> Dict[str, Any]:
        """How the share of open gates is steered: gates of 0 and 1 by their mean, others by their size; not where the draw
        says how many open."""
        if self.target is None:
            return {"kind": "none"}
        target = _number("target", self.target)
        unit = unit_of(self.rule)
        if lib.weir_unit_variable(unit) != 1:
            return {"kind": "none", "target": target}
        if unit.rule.traits & lib.WEIR_TRAIT_BINARY:
            return {"kind": "kl", "target": target, "weight": 0.1}
        return {"kind": "l1", "target": target, "weight": 1e-3, "adapt": 1.02, "tolerance": 0.01}

    def _configuration(self, columns: int, outputs: int, rows: int, seed: int) -> Configuration:
        _whole("batch", self.batch)
        batch = max(1, min(self.batch, rows))
        steps = -(-rows // batch)
        epochs = self.epochs if self.epochs is not None else max(20, min(200, -(-2000 // steps)))
        nodes = self._nodes(columns, outputs)
        source = {
            "name": type(self).__name__.lower(),
            "rule": self.rule,
            "precision": self.precision,
            "network": nodes,
            "train": {
                "seed": seed,
                "epochs": epochs,
                "batch": batch,
                "patience": self.patience,
                "optimizer": {
                    "kind": self.optimizer,
                    "rate": _number("rate", self.rate),
                    "schedule": self.schedule,
                    "decay": _number("decay", self.decay),
                },
                "sparsity": self._steering(),
            },
        }
        try:
            return Configuration(source, self.settings)
        except errors.ConfigError as error:
            raise errors.ConfigError(self._by_parameter(error.text, nodes)) from None

    def _by_parameter(self, words: str, nodes: Sequence[Node]) -> str:
        """What is said of a setting of the configuration, said of the parameter that it comes from."""
        path, colon, rest = words.partition(": ")
        if path in _PARAMETERS:
            return f"{_PARAMETERS[path]}{colon}{rest}"
        found = re.fullmatch(r"network\.(\d+)(\..*)?", path)
        if found is None:
            return words
        index, field = int(found[1]), found[2] or ""
        if self.network is not None and 1 <= index <= len(self.network):
            return f"network[{index - 1}]{field}{colon}{rest}"
        name = str(nodes[index].get("name", ""))
        return f"{'bottleneck' if name.startswith('bottleneck') else 'hidden' if name.startswith(('layer', 'affine')) else name}{colon}{rest}"

    def _rows_held_out(self, rows: int) -> int:
        fraction = self._held_out if self.validation_fraction is None else _number("validation_fraction", self.validation_fraction)
        if not 0 <= fraction < 1:
            raise ValueError(f"validation_fraction={self.validation_fraction!r}: expected a number from 0 to below 1")
        _whole("patience", self.patience, least=0)
        count = round(fraction * rows)
        if self.patience and not count:
            raise ValueError("patience needs rows that are held out: validation_fraction, for example 0.1")
        if count == rows:
            raise ValueError(f"validation_fraction={fraction!r} of {rows} rows leaves none to learn from")
        return count

    def _seed(self) -> Tuple[int, Any]:
        """The seed of the library, and a generator for the split."""
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            seed = int(state.randint(2**31))
        elif isinstance(state, np.random.Generator):
            seed = int(state.integers(2**31))
        elif state is None:
            seed = int(np.random.default_rng().integers(2**31))
        else:
            seed = int(state)
        return seed, np.random.default_rng(seed)

    def _train(self, X: Any, y: Any, outputs: int, names: Any) -> None:
        """Trains a fresh network on rows and labels or targets as the library reads them."""
        seed, generator = self._seed()
        train, valid = (X, y), (X, y)
        held_out = self._rows_held_out(len(X))
        if held_out:
            order = generator.permutation(len(X))
            train, valid = (X[order[held_out:]], y[order[held_out:]]), (X[order[:held_out]], y[order[:held_out]])
        config = self._configuration(X.shape[1], outputs, len(train[0]), seed)
        network = Network.of(config, max_rows=max(256, config.c.train.batch))
        trainer = Trainer(network, self._data(train, valid, names), config)
        trainer.run(progress=self.progress)
        network.reset_counters()  # share_ is of predictions
        self.network_ = network
        self.history_ = trainer.epochs
        self._share = self.history_[trainer.best_epoch - 1].valid_share
        self.n_epochs_ = len(self.history_)
        self.__dict__.pop("_trainer", None)

    def _data(self, train: Any, valid: Any, names: Any) -> Data:
        scale = "standardise" if self.standardise else "auto"
        columns = getattr(self, "feature_names_in_", None)
        unlike = columns is not None and (len(set(columns)) < len(columns) or "" in columns)
        return Data(
            train,
            valid,
            targets=self._estimator_type == "regressor",
            scale=scale,
            column_names=None if columns is None or unlike else list(columns),
            class_names=names,
        )

    # ---- prediction ----------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Tuple[Any, Any]:
        """The network's outputs, float64 where X is neither float32 nor bytes, and what makes them of X's kind."""
        network = self._fitted()
        matrix = _checks.rows(X, self, begin=False)
        if 1 < matrix.shape[0] <= _ONE_BY_ONE:
            outputs = np.concatenate([network.predict_proba(matrix[i : i + 1]) for i in range(matrix.shape[0])])
        else:
            outputs = network.predict_proba(matrix)
        narrow = arrays.numpy_of(X).dtype in (np.float32, np.uint8)
        return outputs if narrow else outputs.astype(np.float64), arrays.kind_of(X)

    @property
    def share_(self) -> float:
        """Share of the gates that were open in all predictions so far; before the first, that of the rows by which ``fit``
        chose the epoch. NaN without gates."""
        share = self._fitted().share
        return share if share == share else getattr(self, "_share", share)

    def measure(self, X: Any, y: Any, repeats: int = 5) -> Record:
        """As ``weir eval``: error or rmse, share of open gates, multiply-adds and milliseconds, gated and dense."""
        network = self._fitted()
        matrix = _checks.rows(X, self, begin=False)
        return network._measure(matrix, *self._wanted(y, len(matrix)), repeats)

    def _wanted(self, y: Any, count: int) -> Tuple[Any, Any]:
        """Numbers of classes, or target values, as the network is judged by; the other one is None."""
        raise NotImplementedError

    def save(self, path: "Union[str, os.PathLike[str]]") -> None:
        """Writes the network as a model file for ``weir.load`` and the tool. Pickle keeps the whole estimator."""
        self._fitted().save(path)

    def __getstate__(self) -> Dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_trainer"}
        if state.get("progress") not in (True, False):
            state["progress"] = False  # a function of the program that fitted
        return state

    # ---- partial_fit ---------------------------------------------------------------------------------------------

    def _continue(self, X: Any, y: Any, outputs: int, names: Any) -> None:
        """One pass over more rows, in their order, at the rate as it is."""
        trainer: Optional[Trainer] = getattr(self, "_trainer", None)
        if not hasattr(self, "network_"):
            seed, _ = self._seed()
            config = self._configuration(X.shape[1], outputs, max(self.batch, len(X)), seed)
            self.network_ = Network.of(config, max_rows=max(256, config.c.train.batch))
            self.history_, self.n_epochs_ = [], 0
            data = self._data((X, y), (X, y), names)
        elif trainer is None:
            self.network_ = self.network_.trainable(max(256, self.batch))
            data = Data((X, y), (X, y), targets=y.dtype == np.float32, known_scale=lib.weir_graph_scale(self.network_.c))
        if trainer is None:
            trainer = self._trainer = Trainer(self.network_, data)
        values = y.dtype == np.float32
        batch = int(trainer.configuration.c.train.batch)  # that of fit, where this goes on from there
        for first in range(0, len(X), batch):
            some = slice(first, first + batch)
            trainer._step(X[some], None if values else y[some], y[some] if values else None)
        if self.target is not None:
            self.network_.fit_thresholds(X, float(self.target))
            self._share = self.network_.evaluate(X).share
        self.network_.reset_counters()


class Classifier(_Estimator):
    """A classifier of tables: a network of gated blocks, of which a share ``target`` is computed for any one row.

    Parameters
    ----------
    hidden : int or sequence of int
        Hidden units of each layer.
    target : float or None
        Share of the gates to be open, in (0, 1); None: a network without gates.
    block : int
        Hidden units behind one gate, at most those of a layer.
    bottleneck : int
        Width of the narrow layer of the gater, the part that opens gates.
    rule : str
        How gates draw and learn; ``weir.units()`` lists the rules. Some evaluate the loss several times per
        row, which a step then pays for. Rules that open a number of their own (``draw=top-k``) have no use for
        ``target``.
    network : sequence of mappings, optional
        Nodes between rows and outputs in place of those (see ``weir.Network``).
    epochs : int or None
        Passes over the rows. None: 2000 steps, but at least 20 and at most 200 epochs.
    batch : int
        Rows per step.
    optimizer : "sgd", "momentum" or "adam"
    rate : float
        Learning rate.
    schedule : "constant", "step" or "cosine"
        How the rate falls.
    decay : float
        L2 weight decay.
    standardise : bool
        Rows are scaled to mean 0 and deviation 1 per column. The model keeps the scale: predictions take raw rows.
        False: grey values 0 to 255 are divided by 255, others left as they are.
    validation_fraction : float or None
        Share of the rows, drawn at random, that is held out: the best epoch on them is kept, and thresholds of the gates
        are fitted on them. 0: nothing is held out, the training rows are used, and no array is copied. None: 0 for
        classes; 0.1 for values, where small tables are otherwise learned by heart (R² on scikit-learn's 442 diabetes
        patients, 5 folds: 0.42 with 0.1, 0.22 with 0).
    patience : int
        Epochs without a better validation error before the end; 0: never. Needs validation_fraction.
    precision : "fp32" or "bf16"
    random_state : int, numpy RandomState or Generator, or None
        Seed of everything. With an int, fits repeat bit for bit on one machine.
    progress : bool or callable
        True: a bar (tqdm). A function gets a record per epoch, and returns True to end.
    settings : mapping or sequence of "key=value"
        Any other setting of ``weir.settings()``: {"train.sparsity.kind": "kl"}.

    Attributes
    ----------
    classes_ : array
        The classes, of any type.
    network_ : weir.Network
    n_features_in_ : int
        Columns; of tables, feature_names_in_ has their names.
    history_ : list of records
        One per epoch.
    n_epochs_ : int
        Epochs done.

    Notes
    -----
    X is [rows][columns]: float32 and uint8 arrays that are C-contiguous are read where they lie, whatever library they
    are of; anything else is converted. ``predict_proba`` gives an array of the caller's kind.

    Up to 32 rows are predicted one by one, so that each has the bits that it has alone. Of more rows the last bits may
    depend on the others.
    """

    _estimator_type = "classifier"
    classes_: Any

    def _loss(self) -> str:
        return "softmax-cross-entropy"

    def _more_tags_of(self, tags: Any) -> None:
        from sklearn.utils import ClassifierTags

        tags.classifier_tags = ClassifierTags()

    def fit(self, X: Any, y: Any) -> "Classifier":
        """Trains on rows X [rows][columns] with a class per row. ValueError says what is wrong with them."""
        rows = _checks.rows(X, self, begin=True)
        classes, codes = self._classes_of(_checks.answers(y, len(rows), self, several=False))
        self.classes_ = classes
        self._train(rows, codes, len(classes), _names(classes))
        return self

    def _classes_of(self, y: Any) -> Tuple[Any, Any]:
        if y.dtype.kind == "f" and np.any(y != np.round(y)):
            raise ValueError("Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects "
                             "discrete classes on a regression target with continuous values.")
        classes, codes = encode(y)
        if len(classes) < 2:
            raise ValueError(f"{type(self).__name__} needs rows of at least 2 classes, but the data contains only one class: {classes[0]!r}")
        return classes, codes

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "Classifier":
        """One pass over more rows, in their order, at a constant rate. The first call names all classes.

        standardise takes mean and deviation from the rows of the first call.
        """
        begin = not hasattr(self, "network_")
        rows = _checks.rows(X, self, begin=begin)
        y = _checks.answers(y, len(rows), self, several=False)
        if begin:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = encode(np.asarray(classes))[0]
        elif classes is not None and not np.array_equal(encode(np.asarray(classes))[0], self.classes_):
            raise ValueError(f"classes={classes!r} is not the same as on the first call to partial_fit: {self.classes_!r}")
        self._continue(rows, self._codes(y), len(self.classes_), _names(self.classes_))
        return self

    def predict_proba(self, X: Any) -> Any:
        """Probability of each class, [rows][classes], in the order of ``classes_``; float32 where X is, else float64."""
        outputs, kind = self._outputs(X)
        return kind(outputs)

    def predict(self, X: Any) -> Any:
        """The most probable class of each row."""
        outputs, kind = self._outputs(X)
        found = self.classes_[outputs.argmax(axis=1)]
        return kind(found) if found.dtype.kind in "iuf" else found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows whose class is predicted, weighted by ``sample_weight`` [rows]."""
        right = arrays.numpy_of(self.predict(X)) == arrays.numpy_of(y)
        return float(np.average(right, weights=sample_weight))

    def _wanted(self, y: Any, count: int) -> Tuple[Any, Any]:
        return self._codes(_checks.answers(y, count, self, several=False)), None

    def _codes(self, y: Any) -> Any:
        """The place of each label among ``classes_``."""
        places = {name: k for k, name in enumerate(self.classes_.tolist())}
        try:
            return np.array([places[label] for label in y.tolist()], np.int32)
        except KeyError as error:
            raise ValueError(f"y has the class {error.args[0]!r}, which is none of {self.classes_!r}") from None


class Regressor(_Estimator):
    """A regressor of tables: a network of gated blocks, of which a share ``target`` is computed for any one row.

    Parameters and attributes are those of ``weir.Classifier``, without classes. y is [rows] or [rows][targets]. With
    standardise, targets are scaled, too, while the network learns; the last layer then takes the scale in, so that the
    network predicts in the units of y.
    """

    _estimator_type = "regressor"
    _held_out = 0.1

    def _loss(self) -> str:
        return "squared-error"

    def _more_tags_of(self, tags: Any) -> None:
        from sklearn.utils import RegressorTags

        tags.regressor_tags = RegressorTags()
        tags.target_tags.multi_output = True

    def _targets(self, y: Any, count: int) -> Any:
        array = _checks.answers(y, count, self, several=True)
        if array.dtype.kind in "OUS":
            array = array.astype(np.float64)
            _checks.finite(array, "y")
        return array

    def fit(self, X: Any, y: Any) -> "Regressor":
        """Trains on rows X [rows][columns] with y [rows] or [rows][targets]. ValueError says what is wrong with them."""
        rows = _checks.rows(X, self, begin=True)
        y = self._targets(y, len(rows))
        self._single = y.ndim == 1
        scaled = self._scale_targets(y.reshape(len(y), -1))
        self._train(rows, scaled, scaled.shape[1], None)
        self._fold()
        return self

    def _scale_targets(self, y: Any) -> Any:
        wide = y.astype(np.float64)
        self._offset, self._factor = np.zeros(wide.shape[1]), np.ones(wide.shape[1])
        if self.standardise:
            deviation = wide.std(axis=0)
            self._offset, self._factor = wide.mean(axis=0), np.where(deviation > 0, deviation, 1.0)
        return self._scaled_targets(wide)

    def _scaled_targets(self, y: Any) -> Any:
        if not self.standardise:
            return np.ascontiguousarray(y, np.float32)
        return ((y - self._offset) / self._factor).astype(np.float32)

    def _fold(self) -> None:
        """The last layer takes the scale of the targets in: the network predicts in their units."""
        network = self.network_
        self._learned = network["outputs.weight"], network["outputs.bias"]
        weight, bias = self._learned
        network["outputs.weight"] = weight * self._factor[:, None]
        network["outputs.bias"] = bias * self._factor + self._offset

    def partial_fit(self, X: Any, y: Any) -> "Regressor":
        """One pass over more rows, in their order, at a constant rate. The first call decides the scales."""
        begin = not hasattr(self, "network_")
        rows = _checks.rows(X, self, begin=begin)
        y = self._targets(y, len(rows))
        if begin:
            self._single = y.ndim == 1
        wide = y.reshape(len(y), -1)
        if begin:
            scaled = self._scale_targets(wide)
        else:
            scaled = self._scaled_targets(wide)
            self.network_ = self.network_ if hasattr(self, "_trainer") else self.network_.trainable(max(256, self.batch))
            self.network_["outputs.weight"], self.network_["outputs.bias"] = self._learned
        self._continue(rows, scaled, scaled.shape[1], None)
        self._fold()
        return self

    def predict(self, X: Any) -> Any:
        """The values of each row: [rows], or [rows][targets] as y was."""
        outputs, kind = self._outputs(X)
        return kind(outputs[:, 0].copy() if self._single else outputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R²: 1 − Σ(y − prediction)² / Σ(y − mean of y)², of several targets the mean."""
        wanted = arrays.numpy_of(y).astype(np.float64)
        wanted = wanted.reshape(len(wanted), -1)
        found = arrays.numpy_of(self.predict(X)).astype(np.float64).reshape(wanted.shape)
        weight = np.ones(len(wanted)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        mean = np.average(wanted, axis=0, weights=weight)
        missed = (weight[:, None] * (wanted - found) ** 2).sum(axis=0)
        spread = (weight[:, None] * (wanted - mean) ** 2).sum(axis=0)
        return float(np.mean(np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), np.where(missed > 0, 0.0, 1.0))))

    def _wanted(self, y: Any, count: int) -> Tuple[Any, Any]:
        return None, np.ascontiguousarray(self._targets(y, count).reshape(count, -1), np.float32)


def _names(classes: Any) -> Optional[List[str]]:
    """The classes as names for the model file; None where they are 0, 1, 2 … or have no different texts."""
    if classes.dtype.kind in "iu" and np.array_equal(classes, np.arange(len(classes))):
        return None
    names = [str(name) for name in classes.tolist()]
    return names if len(set(names)) == len(names) and all(names) else None
