# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The laboratory of gradient estimators: are they right, and at what cost (weir/lab.h)."""

from __future__ import annotations

import time
from typing import Any, Callable, List, Optional, Sequence, Union

import numpy as np

from . import arrays, checking
from ._native import NULL, Held, Keep, call, ffi, lib, new, text
from .checking import Loss, check_estimate
from .data import Data
from .network import Configuration, Network, Settings, labels_of, targets_of, unit_text
from .records import Record, record
from .tool import unit_of, units
from .training import Trainer

Rules = Union[None, str, Sequence[str]]


def _texts(rules: Rules) -> List[str]:
    if rules is None:
        return [entry.name for entry in units()]
    return [rules] if isinstance(rules, str) else list(rules)


def _units(rules: Sequence[str]) -> Any:
    made = ffi.new("weir_unit[]", len(rules))
    for k, rule in enumerate(rules):
        made[k] = unit_of(rule)[0]
    return made


def _told(progress: Any) -> Any:
    """A function of the share that is done, as a callback that lets Ctrl-C through."""
    held = Held()
    watch = (lambda _, share: 0) if progress is None else (lambda _, share: 1 if progress(share) else 0)
    return held, held.callback("weir_lab_progress", watch, failed=1)


def exactness(rules: Rules = None, draws: float = 1e6, *, progress: Any = None) -> List[Record]:
    """Draws each rule on losses whose exact gradient is known, and holds it to what it claims: a record per rule.

    rules: "rloo:samples=4" or several; None: all. A record has ``result`` ("holds", or what does not) and the fields of
    ``weir_verdict``: bias, variance, z, evaluations, … progress: a function of the share that is done.
    """
    names = _texts(rules)
    verdicts, made = ffi.new("weir_verdict[]", len(names)), _units(names)
    held, told = _told(progress)
    call(lib.weir_lab_exactness, verdicts, made, len(names), draws, told, NULL, held=held)
    found = []
    for k, name in enumerate(names):
        entry = Record(rule=name, result=text(lib.weir_verdict_text(ffi.addressof(verdicts, k))))
        entry.update(record(verdicts[k], "known"))
        found.append(entry)
    return found


def toy(rules: Rules = None, *, steps: int = 10000, seeds: int = 200, progress: Any = None) -> List[Record]:
    """The two small trainings of the literature (``weir_toy``): one bit by Adam, 200 units by RMSprop; a record per rule."""
    names = _texts(rules)
    toys, made = ffi.new("weir_toy[]", len(names)), _units(names)
    held, told = _told(progress)
    call(lib.weir_lab_toy, toys, made, len(names), steps, seeds, told, NULL, held=held)
    return [Record({"rule": name, **record(toys[k])}) for k, name in enumerate(names)]


def variance(
    config: Any,
    rules: Rules = None,
    *,
    data: Optional[Data] = None,
    network: Optional[Network] = None,
    draws: int = 100,
    rows: Optional[int] = None,
    points: int = 1,
    epochs: int = 1,
    settings: Settings = None,
    progress: Any = None,
) -> List[Record]:
    """Bias, variance and time of rules on the network and data of a configuration (``weir_comparison_measure``), where it
    is or, as ``weir estimate variance`` does, along a training.

    config: a file, the name of a built-in example, a mapping. network: whose parameters are those of the (first) point
    measured; None: fresh ones. It is not changed. rows: of the batch, by default that of training.

    points: more than 1: the network is trained for ``epochs`` with its own rule, and all rules are measured at so many
    steps that lie evenly, the first and the last among them, on one batch.

    A record per point and rule that the network can have: ``step``, bias, variance, milliseconds, … (``weir_measured``).
    ``gradient`` is the length of the reference, ``best`` marks the least error at equal time. For a table of one number:
    ``pandas.DataFrame(records).pivot(index="step", columns="rule", values="variance")``.
    """
    configuration = config if isinstance(config, Configuration) else Configuration(config, settings)
    names = _texts(rules)
    data = data or Data.of(configuration)
    most = max(256, configuration.c.train.batch)
    if network is None:
        network = Network.of(configuration, max_rows=most)
    elif points > 1:
        network = network.trainable(most)
    inputs, wanted = data.part("train")
    count = min(rows or configuration.c.train.batch, len(inputs))
    keep, options = Keep(), ffi.new("weir_graph_options *", lib.weir_graph_options_default(count))
    comparison = new(
        "weir_comparison **",
        lib.weir_comparison_create,
        configuration.c.network,
        configuration.c.network_count,
        keep.texts(names),
        len(names),
        options,
        free=lib.weir_comparison_free,
    )
    trainer = Trainer(network, data, configuration) if points > 1 else None
    found: List[Record] = []
    step, batches = 0, len(inputs) // count
    for point in range(points):
        while trainer is not None and step < epochs * batches * point // (points - 1):
            which = _order(configuration, len(inputs), step // batches)[step % batches * count :][:count]
            _learn(trainer, inputs[which], wanted[which])
            step += 1
        for entry in _measured(comparison, names, network, inputs[:count], wanted[:count], draws, point, progress):
            found.append(Record({"step": step, **entry}))
    return found


def _order(configuration: Configuration, rows: int, epoch: int) -> Any:
    """The order of the training rows in an epoch, as ``weir estimate variance`` has it."""
    noise = ffi.new("weir_noise *", {"seed": configuration.c.train.seed, "step": epoch, "stream": 99})
    order = np.empty(rows, np.uint32)
    lib.weir_random_permutation(arrays.pointer(order, "uint32_t[]"), noise[0], rows)
    return order


def _learn(trainer: Trainer, inputs: Any, wanted: Any) -> None:
    """A step on rows that are scaled already."""
    network, given = trainer.network, arrays.pointer(inputs)
    with network._lock:
        if network.takes == "targets":
            call(lib.weir_trainer_step_targets, trainer.c, given, arrays.pointer(arrays.floats(wanted)), len(inputs))
        else:
            call(lib.weir_trainer_step, trainer.c, given, arrays.pointer(wanted, "int32_t[]"), len(inputs))


def _measured(
    comparison: Any, names: List[str], network: Network, inputs: Any, wanted: Any, draws: int, point: int, progress: Any
) -> List[Record]:
    """All rules on one batch, where the network is."""
    keep, count = Keep(), len(inputs)
    batch = ffi.new("weir_pass *", {"rows": count, "inputs": keep.add(arrays.pointer(keep.add(inputs)))})
    if network.takes == "targets":
        batch.targets = keep.add(arrays.pointer(keep.add(targets_of(wanted, count, network.outputs))))
    else:
        batch.labels = keep.add(arrays.pointer(keep.add(labels_of(wanted, count)), "int32_t[]"))
    measured, norm = ffi.new("weir_measured[]", len(names)), ffi.new("double *")
    held, told = _told(progress)
    with network._lock:
        call(
            lib.weir_comparison_measure, comparison, measured, norm, network.c, batch, draws, point, told, NULL, held=held
        )
    best = int(lib.weir_measured_best(measured, len(names), False))
    found = [Record({"rule": name, **record(measured[k])}) for k, name in enumerate(names)]
    for k, entry in enumerate(found):
        entry["gradient"], entry["best"] = norm[0], k == best
    return [entry for entry in found if entry.left_out is None]


def throughput(rules: Rules = None, *, units: int = 200, rows: int = 100, samples: int = 7, seconds: float = 0.04) -> List[Record]:
    """Rows per second of ``weir_estimate`` on the mean of (h − 0.499)², evaluated in C: the median of several samples."""
    found = []
    target = ffi.new("double *", 0.499)
    logits, gradient = np.zeros((rows, units), np.float32), np.empty((rows, units), np.float32)
    given, out = arrays.pointer(logits), arrays.pointer(gradient)
    objective = ffi.callback("weir_objective", lib.weir_problem_quadratic)
    for name in _texts(rules):
        estimator = new("weir_estimator **", lib.weir_estimator_create, unit_of(name), units, rows, 1, free=lib.weir_estimator_free)
        speeds = []
        for _ in range(samples):
            started, calls = time.perf_counter(), 0
            while calls == 0 or time.perf_counter() - started < seconds:
                call(lib.weir_estimate, estimator, out, NULL, given, rows, objective, target)
                calls += 1
            speeds.append(calls * rows / (time.perf_counter() - started))
        found.append(Record(rule=name, units=units, rows=rows, rows_per_second=float(np.median(speeds))))
    return found


def check(
    estimate: Callable[[Any, Loss], Any],
    *,
    draw: str = "bernoulli",
    evaluations: Optional[float] = None,
    unbiased: bool = True,
    rule: Optional[str] = None,
    logits: Any = None,
    loss: Optional[Callable[[Any], Any]] = None,
    draws: float = 1e5,
    batch: int = 100,
    framework: str = "numpy",
    seed: int = 1,
    name: Optional[str] = None,
    quiet: bool = False,
) -> Record:
    """Draws anybody's gradient estimator on a loss whose exact gradient is known, as ``exactness`` draws weir's rules;
    prints its row of that table (not if quiet), and returns it.

    estimate: ``estimate(logits, loss)``, called with logits [batch][units], all rows alike, and a loss that takes outputs
    [...][units] to losses [...]. It returns an estimate of ∂E L/∂logits for each row [batch][units]. With framework
    "torch" both are of tensors, and it may also return the loss per row [batch], or their sum, for autograd to
    differentiate, or nothing after a backward pass that left logits.grad.

        def score_function(logits, loss):
            p = 1 / (1 + np.exp(-logits))
            h = (np.random.random(p.shape) < p).astype(float)
            return loss(h)[:, None] * (h - p)

        weir.lab.check(score_function, evaluations=1)

    draw: how outputs are distributed, as in rules' "draw=...": "bernoulli", "one-of,of=4", "k-subset,of=5,k=2", …; the
    problem is that of ``weir estimate exactness``. evaluations: of the loss per row, as the estimator claims; they are
    counted. unbiased: whether it claims to be; False: it is measured and not judged. rule: it claims the mean of this rule
    of weir instead, biased or not: "reinmax:temperature=1.3". loss, with logits [units]: a loss of one's own, of at most
    2²⁰ states. draws: estimates in all. seed: of ``np.random`` and torch. name: in the table.

    A record: rule (the name), draw, unbiased, evaluations (counted), draws, logits, gradient (exact), mean, error (of the
    mean; rows of a call may depend on each other), bias (distance of mean and gradient), noise (what chance may make of
    it), scale (of the mean along the gradient: 1 is right), variance (total of one estimate), z (greatest distance of a
    mean from the one that is claimed, in standard errors), result: "holds" (z ≤ 4), "MEAN", "EVALUATIONS", "NOT FINITE",
    "NOT JUDGED"; seconds.
    """
    return check_estimate(
        estimate,
        draw=draw,
        evaluations=evaluations,
        unbiased=unbiased,
        rule=rule,
        logits=logits,
        loss=loss,
        draws=draws,
        batch=batch,
        framework=framework,
        seed=seed,
        name=name,
        quiet=quiet,
    )


def table(records: List[Record], markdown: bool = False) -> str:
    """Rows of ``check`` as a table, in text or Markdown."""
    return checking.table(records, markdown)


def gradient_check(network: Network, rows: Any, labels: Any = None, *, targets: Any = None, directions: int = 4, seed: int = 1) -> Record:
    """Compares the network's gradient with central differences (``weir_gradient_check``): ``error`` is the greatest relative
    one over the tensors checked, ``worst`` the tensor. Under 0.003 for smooth networks, 0.01 with rectifiers."""
    matrix, _ = arrays.rows_of(rows, network.columns)
    keep = Keep()
    batch = ffi.new("weir_pass *", {"mode": lib.WEIR_MODE_SAMPLE, "rows": len(matrix), "seed": seed})
    batch.inputs = keep.add(arrays.pointer(keep.add(network._scaled(matrix))))
    if labels is not None:
        batch.labels = keep.add(arrays.pointer(keep.add(network._numbers(labels, matrix)), "int32_t[]"))
    if targets is not None:
        batch.targets = keep.add(arrays.pointer(keep.add(targets_of(targets, len(matrix), network.outputs))))
    report = ffi.new("weir_gradient_report *")
    with network._lock:
        call(lib.weir_gradient_check, network.c, report, batch, directions)
    return record(report)


def forms(rule: str) -> List[str]:
    """The forms of a rule that compute something of their own, as texts of rules: "rloo:samples=4"."""
    descriptor = unit_of(rule).rule
    found, unit = [], ffi.new("weir_unit *")
    for index in range(lib.weir_rule_forms(descriptor)):
        call(lib.weir_rule_form, descriptor, unit, NULL, index)
        found.append(unit_text(unit))
    return found
