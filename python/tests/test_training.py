# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Training from configurations and arrays: runs, resumed runs, data sets, results."""

import json

import numpy as np
import pytest

import weir

SMALL = {"data.train": 300, "data.valid": 100, "data.test": 100}


def test_the_built_in_digits(tmp_path):
    run = weir.train("digits", settings={**SMALL, "train.epochs": 3}, folder=tmp_path / "run", repeats=0)
    assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3]
    assert run.result.test_error < 0.6 and run.result.share == pytest.approx(0.1, abs=0.06)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["train_loss"] for line in lines] == pytest.approx([e.train_loss for e in run.epochs])
    again = weir.evaluate(tmp_path / "run", repeats=0)
    assert again.test_error == run.result.test_error
    rows, labels = run.data.part("test")
    assert weir.load(tmp_path / "run").evaluate(np.round(rows * 255), labels).error == run.result.test_error


def test_a_resumed_run_goes_on_bit_for_bit(tmp_path):
    whole = weir.train("digits", settings={**SMALL, "train.epochs": 3}, repeats=0)
    told = []
    settings = {**SMALL, "train.epochs": 3}
    folder = tmp_path / "run"
    weir.train("digits", settings=settings, folder=folder, repeats=0, progress=lambda e: told.append(e) or e.epoch == 1)
    run = weir.train("digits", settings=settings, folder=folder, repeats=0, resume=True)
    assert run.trainer.remark is None
    assert all(np.array_equal(run.network[name], whole.network[name]) for name in whole.network)


def test_arrays_are_as_good_as_files(tmp_path):
    images, labels = weir.digits(300)
    np.save(tmp_path / "rows.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    base = {
        "network": [{"kind": "input", "size": 784}, {"kind": "affine", "size": 10}, {"kind": "softmax-cross-entropy"}],
        "train": {"epochs": 2},
    }
    rows = images.astype(np.float32)
    found = weir.train(base, {"train": (images, labels), "valid": (images, labels)}, repeats=0).network
    same = weir.train(base, {"train": (rows, labels), "valid": (rows, labels)}, repeats=0).network
    assert all(np.array_equal(found[name], same[name]) for name in found)  # grey values, bytes or not
    files = {"data": {"source": "files", "train_rows": str(tmp_path / "rows.npy"), "train_labels": str(tmp_path / "labels.npy")}}
    assert weir.train({**base, **files}, repeats=0).epochs[-1].train_loss < 2


def test_labels_in_a_file_may_be_texts(blobs, tmp_path):
    X, y = blobs
    np.save(tmp_path / "rows.npy", X)
    nodes = [{"kind": "input", "size": 6}, {"kind": "affine", "size": 3}, {"kind": "softmax-cross-entropy"}]
    found = []
    for names in (np.array(["ash", "elm, red", "öl"])[y], np.array([b"ash", b"elm", b"oak"])[y]):
        np.save(tmp_path / "labels.npy", names)
        data = {"source": "files", "train_rows": str(tmp_path / "rows.npy"), "train_labels": str(tmp_path / "labels.npy")}
        run = weir.train({"network": nodes, "data": data}, repeats=0)
        found.append(run.network.classes)
        assert run.epochs[-1].train_loss < 1
    assert found == [["ash", "elm, red", "öl"], ["ash", "elm", "oak"]]


def test_names_of_columns_may_have_commas(tmp_path):
    lines = ['"width, cm","a ""b"", c",kind'] + [f"{k % 2}.5,{k},{'on' if k % 2 else 'off'}" for k in range(60)]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    data = {"source": "files", "train_rows": str(tmp_path / "table.csv"), "label_column": "kind"}
    nodes = [{"kind": "input", "size": 1}, {"kind": "affine", "size": 2}, {"kind": "softmax-cross-entropy"}]
    run = weir.train({"network": nodes, "data": {**data, "skip_columns": ['a "b", c']}}, repeats=0)
    assert run.network.column_names == ["width, cm"]
    again = weir.Configuration.parse(str(run.network.configuration))
    assert str(again) == str(run.network.configuration)
    with pytest.raises(weir.errors.DataError, match="""a name with a comma stands in quotes of its own: '"width, cm"'"""):
        weir.train({"network": nodes, "data": {**data, "skip_columns": "width, cm"}}, repeats=0)
    with pytest.raises(weir.errors.ConfigError, match="stands in quotes of its own"):
        weir.train({"network": nodes, "data": {**data, "label_column": "width, cm"}}, repeats=0)


def test_labels_of_any_type_get_names(blobs):
    X, y = blobs
    names = np.array(["ash", "oak", "elm"], object)[y]
    nodes = [{"kind": "input", "size": 6}, {"kind": "affine", "size": 3}, {"kind": "softmax-cross-entropy"}]
    run = weir.train({"network": nodes}, {"train": (X, names), "test": (X, names)}, repeats=0)
    assert run.network.classes == ["ash", "elm", "oak"]
    assert run.result.test_error < 0.2


def test_regression_from_arrays(blobs):
    X, _ = blobs
    y = X @ np.arange(6.0)
    nodes = [{"kind": "input", "size": 6}, {"kind": "affine", "size": 1}, {"kind": "squared-error"}]
    train = {"epochs": 20, "optimizer": {"kind": "adam", "rate": 0.05}}
    run = weir.train({"network": nodes, "train": train}, {"train": (X, y), "test": (X, y)}, repeats=0)
    assert run.result.test_r2 > 0.95


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"test": (0, 0)}, "train must be there"),
        ((np.full((5, 6), np.nan, np.float32), np.zeros(5, int)), "row 0, column 0 is nan"),
        ((np.zeros((5, 6), np.float32), np.zeros(4, int)), "5 labels are expected"),
        ((np.zeros((5, 6), np.float32), np.full(5, -1)), "label -1"),
    ],
)
def test_wrong_data_is_told(data, text):
    nodes = [{"kind": "input", "size": 6}, {"kind": "affine", "size": 3}, {"kind": "softmax-cross-entropy"}]
    with pytest.raises(ValueError, match=text):
        weir.train({"network": nodes}, data)


def test_settings_are_those_of_the_tool():
    with pytest.raises(weir.errors.ConfigError, match="train.epoch"):
        weir.train("digits", settings={"train.epoch": 3})
    config = weir.Configuration("digits", ["train.epochs=7"])
    assert "epochs: 7" in str(config)
    assert str(weir.Configuration.parse(str(config))) == str(config)


def test_several_rules_and_seeds():
    settings = {**SMALL, "train.epochs": 1}
    found = weir.compare("digits", ["noisy-rectifier:sd=0.3", "sts"], seeds=2, settings=settings)
    assert [entry.name for entry in found] == ["noisy-rectifier:sd=0.3", "sts"]
    errors = [[run.test_error for run in entry.runs] for entry in found]
    assert [run.seed for run in found[0].runs] == [1, 2] and found[1].runs[0].rule == "sts"
    assert found[0].summary.test_error.mean == pytest.approx(np.mean(errors[0]))
    assert found[1].summary.test_error.deviation == pytest.approx(np.std(errors[1], ddof=1))
    assert found[1].difference.test_error.mean == pytest.approx(np.mean(np.subtract(errors[1], errors[0])))
    alone = weir.train("digits", settings={**settings, "rule": "sts", "train.seed": 2}, repeats=0).result
    assert alone.test_error == errors[1][1]


def test_rules_that_nobody_reads_are_refused():
    nodes = [{"kind": "input", "size": 784}, {"kind": "affine", "size": 8}, {"name": "gates", "kind": "unit", "rule": "sts"},
             {"kind": "affine", "size": 10}, {"kind": "softmax-cross-entropy"}]
    with pytest.raises(weir.errors.ConfigError, match="rule=rloo has no effect here.*network.gates.rule"):
        weir.compare({"network": nodes}, ["rloo", "straight-through"], seeds=1)
    found = weir.compare({"network": nodes, "data": {"train": 100, "valid": 50, "test": 50}, "train": {"epochs": 1}},
                         {"rloo": {"network.gates.rule": "rloo"}}, seeds=1)
    assert found[0].runs[0].epochs == 1


def test_the_bar_needs_tqdm(capsys):
    pytest.importorskip("tqdm")
    weir.train("digits", settings={**SMALL, "train.epochs": 2}, repeats=0, progress=True)
    assert "2/2" in capsys.readouterr().err


def test_a_training_begins_with_another_model(tmp_path):
    settings = {**SMALL, "train.epochs": 1}
    weir.train("digits", settings=settings, folder=tmp_path / "run", repeats=0)
    still = {"train.optimizer.kind": "sgd", "train.optimizer.rate": 1e-30, "train.sparsity.kind": "none"}
    run = weir.train("digits", settings={**settings, **still}, init=tmp_path / "run", repeats=0)
    assert run.transfer.missing == [] and run.transfer.unused == []
    assert run.result.test_error == weir.evaluate(tmp_path / "run", repeats=0).test_error
    with pytest.raises(ValueError, match="exclude each other"):
        weir.train("digits", init=tmp_path / "run", folder=tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="file init"):
        weir.train("digits", map={"a": "b"})
