# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Classifier and Regressor: with scikit-learn's tools where these are there, and without."""

import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import weir


def classifier(**others):
    return weir.Classifier(**{"hidden": 128, "epochs": 30, "random_state": 0, **others})


@pytest.fixture(scope="module")
def line():
    generator = np.random.default_rng(0)
    X = generator.standard_normal((300, 5)) * [1, 10, 100, 1, 1] + [0, 5, 0, 0, 1000]
    return X, 50 + 3 * X[:, 0] - X[:, 1] + generator.standard_normal(300) * 0.1


def test_it_learns_and_skips(blobs):
    X, y = blobs
    model = classifier(target=0.25).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.share_ == pytest.approx(0.25, abs=0.1)
    found = model.measure(X, y, repeats=1)
    assert found.multiply_adds_done < 0.4 * found.multiply_adds_dense
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert len(model.history_) == model.n_epochs_ == 30


@pytest.mark.parametrize(
    "names", [np.array(["ash", "elm", "oak"]), np.array([-5, 7, 1000]), np.array([(1, 2), 3.5, "x"], object), [True, False, True]]
)
def test_classes_of_any_type(blobs, names):
    X, y = blobs
    wanted = np.asarray(names)[y] if not isinstance(names, np.ndarray) or names.dtype != object else _pick(names, y)
    model = classifier().fit(X, wanted)
    assert {repr(name) for name in model.classes_.tolist()} == {repr(name) for name in wanted.tolist()}
    assert np.mean([a == b for a, b in zip(model.predict(X).tolist(), wanted.tolist())]) > 0.9


def _pick(names, y):
    picked = np.empty(len(y), object)
    picked[:] = [names[k] for k in y]
    return picked


def test_names_of_classes_and_columns_are_in_the_model(blobs, tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = blobs
    table = pandas.DataFrame(X, columns=list("abcdef"))
    species = pandas.Series(np.array(["ash", "elm", "oak"])[y], index=range(1000, 1300))
    model = classifier().fit(table, species)
    model.save(tmp_path / "model.safetensors")
    read = weir.load(tmp_path / "model.safetensors")
    assert read.classes == ["ash", "elm", "oak"] and read.column_names == list("abcdef")
    assert list(model.feature_names_in_) == list("abcdef")
    assert np.array_equal(read.predict(X), model.predict(table))
    with pytest.raises(ValueError, match="same order"):
        model.predict(table[list("fedcba")])
    with pytest.raises(ValueError, match="unseen at fit time"):
        model.predict(table.rename(columns={"a": "z"}))


def test_the_scale_is_in_the_model(line, tmp_path):
    X, y = line
    model = weir.Regressor(hidden=64, epochs=60, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    model.save(tmp_path / "model.safetensors")
    read = weir.load(tmp_path / "model.safetensors")
    assert np.allclose(read.predict(X), model.predict(X), rtol=1e-5)  # raw rows in, units of y out
    assert read.evaluate(X, targets=y).r2 == pytest.approx(model.score(X, y), abs=1e-4)


def test_several_targets(line):
    X, y = line
    both = np.stack([y, -2 * y], axis=1)
    model = weir.Regressor(hidden=64, epochs=60, random_state=0).fit(X, both)
    assert model.predict(X).shape == (300, 2) and model.score(X, both) > 0.9


@pytest.mark.parametrize("kind", [weir.Classifier, weir.Regressor])
def test_fits_repeat_to_the_bit(blobs, kind):
    X, y = blobs
    one, two = (kind(hidden=32, epochs=3, random_state=3).fit(X, y) for _ in range(2))
    assert np.array_equal(one.predict(X), two.predict(X))
    assert all(np.array_equal(one.network_[name], two.network_[name]) for name in one.network_)


@pytest.mark.parametrize("kind", [weir.Classifier, weir.Regressor])
def test_pickled_in_the_middle(blobs, kind):
    X, y = blobs
    model = kind(hidden=128, random_state=0, progress=lambda epoch: None)
    for _ in range(5):
        model.partial_fit(X, y, **({"classes": [0, 1, 2]} if kind is weir.Classifier else {}))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    before = again.score(X, y)
    for _ in range(20):
        again.partial_fit(X, y)
    assert again.score(X, y) > max(before, 0.8)


def test_partial_fit_learns(blobs):
    X, y = blobs
    model = classifier()
    for _ in range(40):
        for first in range(0, 300, 100):
            model.partial_fit(X[first : first + 100], y[first : first + 100], classes=[0, 1, 2])
    assert model.score(X, y) > 0.95
    with pytest.raises(ValueError, match="none of"):
        model.partial_fit(X[:2], [0, 9])
    with pytest.raises(ValueError, match="not the same as on the first call"):
        model.partial_fit(X[:2], [0, 1], classes=[0, 1])


def test_what_is_held_out_decides(blobs):
    X, y = blobs
    model = classifier(epochs=200, patience=10, validation_fraction=0.2).fit(X, y)
    assert model.n_epochs_ < 200 and model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="validation_fraction"):
        weir.Classifier(patience=3).fit(X, y)


@pytest.mark.parametrize("rule", ["straight-through", "sts", "noisy-rectifier:sd=0.3", "hard-concrete", "reinforce"])
def test_rules_reach_the_target(blobs, rule):
    X, y = blobs
    model = classifier(rule=rule, target=0.5).fit(X, y)
    model.predict(X)
    assert model.share_ == pytest.approx(0.5, abs=0.15) and model.score(X, y) > 0.8


def test_without_gates_and_with_nodes_of_ones_own(blobs):
    X, y = blobs
    assert classifier(target=None).fit(X, y).score(X, y) > 0.95
    own = [{"kind": "affine", "size": 16}, {"kind": "tanh"}]
    assert weir.Classifier(network=own, target=None, epochs=10, random_state=0).fit(X, y).score(X, y) > 0.95
    assert weir.Classifier(hidden=(32, 32), target=0.5, block=8, epochs=10, random_state=0).fit(X, y).score(X, y) > 0.9


def test_parameters():
    model = weir.Classifier(target=0.1, settings={"train.average": 0.9})
    assert model.get_params()["target"] == 0.1
    assert repr(model) == "Classifier(target=0.1, settings={'train.average': 0.9})"
    assert model.set_params(block=4) is model and model.block == 4
    with pytest.raises(ValueError, match="Invalid parameter 'blocks'"):
        model.set_params(blocks=4)
    with pytest.raises((ValueError, AttributeError), match="not fitted yet"):
        model.predict([[1.0]])
    with pytest.raises(weir.errors.NotFoundError, match="did you mean"):
        weir.Classifier(rule="stz").fit([[0.0], [1.0]], [0, 1])


def test_tensors_in_tensors_out(blobs):
    torch = pytest.importorskip("torch")
    X, y = blobs
    model = classifier().fit(torch.from_numpy(X), torch.from_numpy(y))
    found = model.predict(torch.from_numpy(X))
    assert isinstance(found, torch.Tensor) and isinstance(model.predict_proba(torch.from_numpy(X)), torch.Tensor)
    assert np.array_equal(found.numpy(), model.predict(X))


def test_scikit_learn_is_not_needed():
    """Fitted and asked in a process in which scikit-learn and pandas cannot be imported."""
    words = (
        "import sys; sys.modules['sklearn'] = sys.modules['pandas'] = sys.modules['tqdm'] = None\n"
        "import numpy as np, weir\n"
        "X = np.random.default_rng(0).standard_normal((60, 3)); y = (X[:, 0] > 0)\n"
        "assert weir.Classifier(epochs=20, random_state=0).fit(X, y).score(X, y) > 0.9\n"
        "assert weir.Regressor(epochs=20, random_state=0).fit(X, X[:, 0]).score(X, X[:, 0]) > 0.5\n"
        "try: weir.Classifier().predict(X)\n"
        "except (ValueError, AttributeError) as error: assert 'not fitted' in str(error)\n"
        "try: weir.Classifier(progress=True, epochs=1).fit(X, y)\n"
        "except ImportError as error: assert 'pip install tqdm' in str(error)\n"
    )
    subprocess.run([sys.executable, "-c", words], check=True)


@pytest.mark.parametrize("kind", [weir.Classifier, weir.Regressor])
@pytest.mark.filterwarnings("ignore")
def test_check_estimator(kind):
    """scikit-learn's own checks, all of them."""
    sklearn = pytest.importorskip("sklearn", minversion="1.6")
    from sklearn.utils.estimator_checks import check_estimator

    done = check_estimator(kind(hidden=64), on_fail=None, on_skip=None)
    failed = [f"{check['check_name']}: {check['exception']}" for check in done if check["status"] == "failed"]
    counts = Counter(check["status"] for check in done)
    print(f"\nscikit-learn {sklearn.__version__}, check_estimator({kind.__name__}): {dict(counts)}")
    assert failed == [] and counts["passed"] > 45


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_tools(blobs):
    pytest.importorskip("sklearn", minversion="1.6")
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import VotingClassifier
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = blobs
    model = classifier()
    assert is_classifier(model) and not is_regressor(model) and is_regressor(weir.Regressor())
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9
    assert make_pipeline(StandardScaler(), model).fit(X, y).score(X, y) > 0.9
    search = GridSearchCV(model, {"target": [0.25, 0.5]}, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.9
    assert CalibratedClassifierCV(model, cv=2).fit(X, y).predict_proba(X).shape == (300, 3)
    assert VotingClassifier([("a", model), ("b", clone(model))], voting="soft").fit(X, y).score(X, y) > 0.9
    assert permutation_importance(model.fit(X, y), X, y, n_repeats=2, random_state=0).importances_mean.shape == (6,)
    assert MultiOutputRegressor(weir.Regressor(hidden=32, epochs=5)).fit(X, X[:, :2]).predict(X).shape == (300, 2)


def test_frames_by_name_in_a_loaded_model(tmp_path):
    """A model that keeps column names finds them in frames of another order, and says which are missing."""
    pandas = pytest.importorskip("pandas")
    X = np.random.default_rng(3).normal(size=(120, 4)).astype(np.float32)
    table = pandas.DataFrame(X, columns=list("abcd"))
    model = weir.Classifier(hidden=16, block=8, epochs=2, random_state=0).fit(table, (X[:, 0] > 0).astype(int))
    model.save(tmp_path / "model.safetensors")
    network = weir.load(tmp_path / "model.safetensors")
    wanted = network.predict_proba(X)
    np.testing.assert_array_equal(np.asarray(network.predict_proba(table[list("dcba")])), wanted)
    with pytest.raises(ValueError, match="b, d"):
        network.predict(table.rename(columns={"b": "x", "d": "y"}))


@pytest.mark.parametrize("labels", [["ash", "elm", "oak"], [-5, 7, 1000], ["1", "2", "0"], [1.0, 2.0, 3.0]])
def test_a_loaded_model_speaks_of_classes_by_name(blobs, tmp_path, labels):
    """As the estimator does: predictions are labels, and labels are judged."""
    X, y = blobs
    names = np.array(labels)[y]
    model = classifier().fit(X, names)
    model.save(tmp_path / "model.safetensors")
    network = weir.load(tmp_path / "model.safetensors")
    assert [str(name) for name in network.predict(X).tolist()] == [str(name) for name in model.predict(X).tolist()]
    wanted = 1 - model.score(X, names)
    for judged in (network.measure(X, names, repeats=0).test_error, network.evaluate(X, names).error,
                   model.measure(X, names, repeats=0).test_error):
        assert judged == pytest.approx(wanted)
    with pytest.raises(ValueError, match="'beech'.*(no|none) "):
        network.evaluate(X, np.full(300, "beech"))
    with pytest.raises(ValueError, match="'beech', which is none of"):
        model.measure(X, np.array(["beech"] * 300, object))
    assert network.trainable().forward(X[:50], names[:50]) > 0


def test_numbers_are_of_classes_where_names_are_none(blobs, tmp_path):
    X, y = blobs
    network = classifier().fit(X, np.array(["ash", "elm", "oak"])[y]).network_
    assert network.evaluate(X, y).error == network.evaluate(X, np.array(["ash", "elm", "oak"])[y]).error
    plain = classifier().fit(X, y).network_
    with pytest.raises(ValueError, match="not 'ash': this model keeps no names"):
        plain.evaluate(X, np.array(["ash"] * 300))


@pytest.mark.parametrize("missing", [None, float("nan"), "pandas"])
def test_a_missing_label_is_no_class(blobs, missing):
    X, y = blobs
    missing = pytest.importorskip("pandas").NA if missing == "pandas" else missing
    labels = np.array(["ash", "elm", "oak"], object)[y]
    labels[[4, 9]] = missing
    with pytest.raises(ValueError, match="2 of 300 rows have no label .*row 4"):
        classifier().fit(X, labels)
    nodes = [{"kind": "input", "size": 6}, {"kind": "affine", "size": 3}, {"kind": "softmax-cross-entropy"}]
    with pytest.raises(ValueError, match="2 of 300 rows have no label"):
        weir.train({"network": nodes}, (X, labels), repeats=0)


@pytest.mark.parametrize("rule", ["noisy-rectifier:sd=0.3", "straight-through:draw=top-k,k=2", "rloo:draw=one-of"])
def test_the_share_is_known_before_the_first_prediction(blobs, rule):
    X, y = blobs
    model = classifier(rule=rule, epochs=3).fit(X, y)
    before = model.share_
    model.predict(X)
    assert before == pytest.approx(model.share_) and 0 < before < 1
    model.partial_fit(X, y)
    assert 0 < model.share_ < 1


def test_small_tables_of_values_are_not_learned_by_heart():
    """By default a regressor holds rows out, and keeps the epoch that is best on them."""
    sklearn = pytest.importorskip("sklearn.datasets")
    X, y = sklearn.load_diabetes(return_X_y=True)
    model = weir.Regressor(random_state=0).fit(X[::2], y[::2])
    by_heart = weir.Regressor(random_state=0, validation_fraction=0).fit(X[::2], y[::2])
    print(f"\nR2 on the other half: {model.score(X[1::2], y[1::2]):.2f}; with nothing held out "
          f"{by_heart.score(X[1::2], y[1::2]):.2f}")
    assert model.score(X[1::2], y[1::2]) > by_heart.score(X[1::2], y[1::2]) + 0.1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rate": -1.0}, "^rate: expected a number > 0, found '-1.0'"),
        ({"target": 2.0}, r"^target: expected a number in \(0, 1\)"),
        ({"optimizer": "adamm"}, "^optimizer: .*did you mean 'adam'"),
        ({"schedule": "cos"}, "^schedule: expected one of constant"),
        ({"precision": "fp16"}, "^precision: expected one of fp32"),
        ({"epochs": 2.5}, "^epochs: expected a whole number"),
        ({"decay": "much"}, "^decay='much': expected a number"),
        ({"validation_fraction": 1.5}, "^validation_fraction=1.5: expected a number from 0 to below 1"),
        ({"patience": -1}, "^patience=-1: expected a whole number"),
        ({"bottleneck": 0}, "^bottleneck=0: expected a whole number"),
        ({"hidden": 8}, "^block=16: expected at most the 8 hidden units"),
        ({"network": [{"kind": "afine", "size": 3}]}, r"^network\[0\].kind: .*did you mean 'affine'"),
        ({"settings": {"train.epoch": 3}}, "'train.epoch'; did you mean 'train.epochs'"),
        ({"settings": {"train.optimizer.momentum": 0.5}}, "train.optimizer.momentum=0.5 has no effect here"),
    ],
)
def test_errors_name_the_parameter(wrong, says):
    with pytest.raises(ValueError, match=says):
        weir.Classifier(**wrong).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"hidden": 64.0}, {"block": 0}, {"batch": 0}])
def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*expected a whole number, at least 1"):
        weir.Classifier(**wrong).fit(np.eye(4), [0, 1, 0, 1])
