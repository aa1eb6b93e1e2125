# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The functions say what the command-line tool says. WEIR_TOOL: the tool; without it these comparisons are skipped."""

import functools
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

import weir


def tool(*words):
    program = os.environ.get("WEIR_TOOL")
    if not program or not os.path.exists(program):
        pytest.skip("no tool to compare with: WEIR_TOOL")
    return json.loads(subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = {"data.train": 300, "data.valid": 100, "data.test": 100, "train.epochs": 2}
    weir.train("digits", settings=settings, folder=folder, repeats=0)
    return folder


def same_unit(ours, theirs):
    same = ("name", "draw", "summary", "forward", "decided", "expected", "gradient", "source", "cost")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert set(ours.traits) >= set(theirs["traits"]) and list(ours.draws) == theirs["draws"]
    assert ("stochastic" in ours.traits) == ("stochastic" in theirs["traits"])
    assert [parameter.name for parameter in ours.parameters] == [parameter["name"] for parameter in theirs["parameters"]]


def test_units():
    theirs = tool("units", "--json")
    ours = weir.units()
    assert len(ours) == len(theirs)
    for rule, other in zip(ours, theirs):
        same_unit(rule, other)


@pytest.mark.parametrize("rule", ["rloo:draw=one-of,of=8", "straight-through:draw=top-k,k=3", "mixture", "st-gumbel:draw=one-of"])
def test_units_with_a_draw(rule):
    """What is told is told of the unit that was asked for, not of its rule's coin."""
    found = weir.units(rule)
    assert "of" in [parameter.name for parameter in found.parameters]
    assert "Bernoulli" not in found.forward and "threshold" not in found.decided
    same_unit(found, tool("units", "--json", rule))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("rloo:draw=one-of,of=1", "expected a whole number from 2"),
        ("rloo:draw=one-of,of=4.5", "of=4.5"),
        ("rloo:draw=k-subset,of=4,k=9", "from 1 to 4"),
        ("top-k", "is a draw, not a rule: a rule takes it, as in straight-through:draw=top-k"),
    ],
)
def test_impossible_units_are_refused(rule, says):
    with pytest.raises(weir.Error, match=says):
        weir.units(rule)


def test_each_command_has_its_function():
    """The table of docs/quick-start.md names every command of the tool, and functions that are there."""
    program = os.environ.get("WEIR_TOOL")
    if not program or not os.path.exists(program):
        pytest.skip("no tool to compare with: WEIR_TOOL")
    words = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (\w+) ", words.partition("Commands:")[2].partition("Options:")[0], re.M)
    page = pathlib.Path(__file__).parents[2] / "docs" / "quick-start.md"
    rows = dict(re.findall(r"^\| `weir ([\w ]+)` \| (.*) \|$", page.read_text(encoding="utf-8"), re.M))
    assert set(commands) - {"help"} <= set(rows)
    for functions in rows.values():
        for name in re.findall(r"`weir\.(?!torch)([a-zA-Z_.]+)", functions):
            found = functools.reduce(getattr, name.rstrip(".").split("."), weir)
            assert found.__doc__, name


def test_metrics(run):
    found = weir.metrics(run, run)
    assert [entry.epoch for entry in found] == [1, 2, 1, 2] and found[0].run == str(run)
    assert 0 <= found[0].valid_error <= 1 and found[0].train_loss > 0


def test_text_goes_on_as_the_tool_says(tmp_path):
    (tmp_path / "corpus.txt").write_text("".join(f"a gate opens {k % 7} blocks of its läyer\n" for k in range(400)), "utf-8")
    letters = len(set((tmp_path / "corpus.txt").read_text("utf-8")))
    for tokens in ("bytes", "characters"):
        folder = tmp_path / tokens
        settings = {"data.train": 400, "data.valid": 100, "data.test": 100, "train.epochs": 1, "data.tokens": tokens}
        if tokens == "characters":
            settings["network.logits.size"] = letters
        weir.train("text", tmp_path / "corpus.txt", settings=settings, folder=folder, repeats=0)
        once = weir.continue_text(folder, "a gate ", 40, seed=5)
        assert len(once) == 40 and isinstance(once, bytes if tokens == "bytes" else str)
        assert weir.continue_text(folder, "a gate ", 10, temperature=0) == weir.continue_text(folder, b"a gate ", 10, temperature=0, seed=2)
        program = os.environ.get("WEIR_TOOL")
        if program and os.path.exists(program):
            line = [program, "predict", str(folder), "--prompt", "a gate ", "--length", "40", "--seed", "5"]
            theirs = subprocess.run(line, capture_output=True, check=True).stdout[:-1]
            assert theirs == (once if tokens == "bytes" else once.encode("utf-8"))


def test_inspect(run):
    for operand in ("digits", str(run)):
        theirs = tool("inspect", operand, "--json")["layers"]
        ours = weir.inspect(operand)
        for name in ("name", "kind", "inputs", "outputs", "parameters", "multiply_adds_open", "multiply_adds_gater"):
            assert [layer[name] for layer in ours] == pytest.approx([layer[name] for layer in theirs]) or name in ("name", "kind")
        assert [layer.name for layer in ours] == [layer["name"] for layer in theirs]


def test_evaluate(run):
    theirs = tool("eval", str(run), "--json")
    ours = weir.evaluate(run, repeats=1)
    assert ours.test_error == pytest.approx(theirs["error"])
    assert (ours.test_loss, ours.share) == pytest.approx((theirs["loss"], theirs["share"]))
    assert ours.multiply_adds_done == pytest.approx(theirs["multiply_adds_done"])
    assert weir.evaluate(run, part="valid", repeats=0).test_loss != ours.test_loss


def test_predict(run, tmp_path):
    images, _ = weir.digits(20, first=500)
    np.save(tmp_path / "rows.npy", images)
    theirs = tool("predict", str(run), str(tmp_path / "rows.npy"), "--json")
    ours = weir.predict(run, tmp_path / "rows.npy")
    assert [row["class"] for row in ours] == [row["class"] for row in theirs]
    assert np.allclose([row.probabilities for row in ours], [row["probabilities"] for row in theirs], atol=1e-5)
    assert np.array_equal(weir.load(run).predict(images), [row["class"] for row in ours])


def test_the_laboratory():
    names = ["rloo", "disarm", "straight-through"]
    found = weir.lab.exactness(names, draws=2e4)
    assert [entry.result for entry in found] == ["holds"] * 3
    assert weir.lab.toy("disarm", steps=100, seeds=2)[0].bit[0].mark[3] < 0.25
    compared = weir.lab.variance("digits", ["reinforce", "disarm"], draws=3, rows=8)
    assert {entry.rule for entry in compared} == {"reinforce", "disarm"} and sum(entry.best for entry in compared) == 1
    assert weir.lab.throughput("rloo", samples=1)[0].rows_per_second > 1000
    assert "rloo:samples=4" in weir.lab.forms("rloo")


def test_variance_along_a_training():
    """At checkpoints, to the number what ``weir estimate variance`` prints."""
    config = "digits"
    found = weir.lab.variance(config, ["straight-through", "disarm"], draws=10, points=3, epochs=1,
                              settings={"data.train": 320, "data.valid": 50, "data.test": 50})
    assert [(entry.step, entry.rule) for entry in found] == [(s, r) for s in (0, 5, 10) for r in ("straight-through", "disarm")]
    variances = [entry.variance for entry in found if entry.rule == "disarm"]
    assert len(set(variances)) == 3 and all(v > 0 for v in variances)
    assert sum(entry.best for entry in found) == 3


def test_variance_is_that_of_the_tool(tmp_path):
    words = weir.examples()["digits"]
    path = tmp_path / "small.yaml"
    path.write_text(str(weir.Configuration.parse(words, {"data.train": 320, "data.valid": 50, "data.test": 50})))
    program = os.environ.get("WEIR_TOOL")
    if not program or not os.path.exists(program):
        pytest.skip("no tool to compare with: WEIR_TOOL")
    line = [program, "estimate", "variance", str(path), "--rules", "straight-through,disarm", "--draws", "10", "--json"]
    done = subprocess.run([*line, "--points", "3", "--epochs", "1"], capture_output=True, text=True, check=True)
    theirs = [json.loads(each) for each in done.stdout.splitlines()]
    ours = weir.lab.variance(path, ["straight-through", "disarm"], draws=10, points=3, epochs=1)
    assert [(entry.step, entry.rule) for entry in ours] == [(entry["step"], entry["rule"]) for entry in theirs]
    for name in ("variance", "bias", "gradient"):
        assert [entry[name] for entry in ours] == pytest.approx([entry[name] for entry in theirs], rel=1e-6)


def test_estimators_of_somebody_elses_loss():
    estimator = weir.Estimator("exact", units=3)
    logits = np.array([[0.5, -1.0, 2.0]], np.float32)
    weights = np.array([1.0, 2.0, -3.0], np.float32)
    gradient, loss = estimator(logits, lambda h, example: h @ weights)
    p = 1 / (1 + np.exp(-logits))
    assert np.allclose(gradient, p * (1 - p) * weights, atol=1e-6)
    assert estimator.evaluations == 8 and estimator.step == 1
    with pytest.raises(TypeError, match="a pair"):
        weir.Estimator("straight-through", 3)(logits, lambda h, example: h @ weights)
    one, _ = weir.Estimator("straight-through", 3)(logits, lambda h, example: (h @ weights, np.tile(weights, (len(h), 1))))
    assert np.allclose(one, weights)
    moments = weir.Estimator("rloo", 3, seed=2).moments(logits[0], lambda h, example: h @ weights, 20000)
    assert np.allclose(moments.mean, p * (1 - p) * weights, atol=5 * np.sqrt(moments.variance.max() / 20000))


def test_nan_logits_are_refused():
    """A loss that compares its outputs would make a number of them."""
    logits = np.zeros((3, 4), np.float32)
    logits[2, 1] = np.nan
    for rule in ("rloo", "reinforce", "arm"):
        with pytest.raises(weir.errors.DivergedError, match="example 2, unit 1 is NaN"):
            weir.Estimator(rule, units=4)(logits, lambda h, example: (h > 0.5).sum(axis=1))


def test_measurements():
    found = weir.bench.gated(256, block=32, share=0.25, rows=16, repeats=3)
    assert found.error < 1e-5 and found.gated_forward_ms > 0
    assert weir.bench.gated(256, block=32, share=0.25, rows=16, repeats=1, precision="bf16").error < 1e-2
    assert [entry.operation for entry in weir.bench.plan()][0] == "forward"
    assert weir.bench.machine(memory=False).float32_flops > 1e8


def test_tables_of_the_library():
    assert {"input", "affine", "unit", "gated-affine"} <= {kind.name for kind in weir.kinds()}
    assert "train.epochs" in {setting.path for setting in weir.settings()}
    assert "digits" in weir.examples()
    pandas = pytest.importorskip("pandas")
    assert len(pandas.DataFrame(weir.units())) == len(weir.units())


def test_instruction_sets_and_threads():
    before, threads = weir.isa(), weir.threads()
    try:
        assert weir.isa("generic") == "generic" and weir.threads(1) == 1
        with pytest.raises(ValueError, match="expected one of"):
            weir.isa("sse9")
    finally:
        weir.isa(before), weir.threads(threads)
