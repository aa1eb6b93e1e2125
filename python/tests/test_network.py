# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Networks: passes, parameters, gradients, files, contexts."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import weir
from networks import gated_nodes


def test_it_is_what_its_weights_say(network, rows):
    """The outputs, from the parameters and the formulas."""
    a = rows @ network["gater.weight"].T + network["gater.bias"]
    gates = (a > 0).astype(np.float32)
    assert np.array_equal(network(rows, node="gates"), gates)
    hidden = np.maximum(rows @ network["experts.weight"].T + network["experts.bias"], 0) * np.repeat(gates, 8, axis=1)
    logits = hidden @ network["logits.weight"].T + network["logits.bias"]
    assert np.allclose(network(rows, node="logits"), logits, atol=1e-5)
    assert np.array_equal(network.predict(rows), logits.argmax(axis=1))
    assert np.allclose(network.predict_proba(rows).sum(axis=1), 1, atol=1e-6)


def test_parameters_are_read_and_replaced(network, rows):
    assert network.keys() == ["gater.weight", "gater.bias", "experts.weight", "experts.bias", "logits.weight", "logits.bias"]
    assert network["experts.weight"].shape == (64, 20) and network["experts.bias"].shape == (64,)
    wanted = np.random.default_rng(0).standard_normal((64, 20)).astype(np.float32)
    network["experts.weight"] = wanted
    assert np.array_equal(network["experts.weight"], wanted)
    with pytest.raises(ValueError, match=r"has shape \(64, 20\)"):
        network["experts.weight"] = wanted.T
    with pytest.raises(KeyError, match="there are gater.weight"):
        network["expert.weight"]


def test_backward_is_the_gradient(rows, labels):
    network = weir.Network(
        [{"kind": "input", "size": 20}, {"name": "hidden", "kind": "affine", "size": 5}, {"kind": "tanh"},
         {"kind": "affine", "size": 3}, {"kind": "softmax-cross-entropy"}]
    )
    network.forward(rows, labels)
    network.backward()
    gradient, weight, step = network.gradient("hidden.weight"), network["hidden.weight"], 1e-2
    losses = []
    for side in (1, -1):
        moved = weight.copy()
        moved[2, 7] += side * step
        network["hidden.weight"] = moved
        losses.append(network.forward(rows, labels))
    assert gradient[2, 7] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=2e-2, abs=1e-4)
    assert weir.lab.gradient_check(network, rows, labels).error < 0.003


def test_modes(network, rows):
    drawn = network(rows, node="gates", mode="sample", seed=1)
    assert set(np.unique(drawn)) == {0, 1}
    assert np.array_equal(drawn, network(rows, node="gates", mode="sample", seed=1))
    assert not np.array_equal(drawn, network(rows, node="gates", mode="sample", seed=2))
    mean = network(rows, node="gates", mode="expect")
    a = network(rows, node="gater")
    assert np.allclose(mean, 1 / (1 + np.exp(-a)), atol=1e-6)
    with pytest.raises(ValueError, match="expected one of sample"):
        network(rows, mode="test")
    with pytest.raises(KeyError, match="there are rows, gater"):
        network(rows, node="gate")


def test_more_rows_than_a_batch(nodes):
    rows = np.random.default_rng(1).standard_normal((1000, 20)).astype(np.float32)
    small, large = weir.Network(nodes, seed=5, max_rows=7), weir.Network(nodes, seed=5, max_rows=1000)
    assert np.allclose(small(rows), large(rows), atol=1e-6)
    assert np.array_equal(small(rows, mode="draw", node="gates"), large(rows, mode="draw", node="gates"))


def test_batch_invariance(nodes, rows):
    network = weir.Network(nodes, seed=5, training=False, batch_invariant=True)
    alone = np.concatenate([network.predict_proba(row[None]) for row in rows])
    assert np.array_equal(network.predict_proba(rows), alone)


@pytest.mark.parametrize("way", ["pickle", "bytes", "file"])
def test_saved_and_loaded_to_the_bit(network, rows, tmp_path, way):
    network.set_threshold("gates", 0.25)
    if way == "pickle":
        again = pickle.loads(pickle.dumps(network))
    elif way == "bytes":
        again = weir.Network.from_bytes(memoryview(network.to_bytes()))
    else:
        network.save(tmp_path / "model.safetensors")
        again = weir.load(tmp_path / "model.safetensors")
    assert again.thresholds == {"gates": 0.25}
    assert all(np.array_equal(again[name], network[name]) for name in network)
    assert np.array_equal(again.predict_proba(rows), network.predict_proba(rows))
    assert np.array_equal(again.trainable().predict_proba(rows), network.predict_proba(rows))


def test_safetensors_reads_what_it_writes(network, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    network.save(tmp_path / "model.safetensors")
    read = safetensors.load_file(tmp_path / "model.safetensors")
    assert all(np.array_equal(read[name], network[name]) for name in network)


def test_contexts_run_at_the_same_time_with_the_same_bits(network, rows):
    wanted = network.predict_proba(rows)

    def predict(_):
        return network.context().predict_proba(rows)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(predict, range(40)):
            assert np.array_equal(found, wanted)
    context = network.context()
    with pytest.raises(weir.errors.ArgumentError):
        network["gater.bias"] = np.zeros(8)
    del context


def test_threads_take_turns_with_one_network(network, rows):
    wanted = network.predict_proba(rows)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: network.predict_proba(rows), range(200)):
            assert np.array_equal(found, wanted)


def test_what_is_counted(network, rows, labels):
    network.reset_counters()
    gates = network(rows, node="gates")
    assert network.share == pytest.approx(gates.mean())
    assert network.counters.rows == 50
    found = network.evaluate(rows, labels)
    assert found.share == pytest.approx(gates.mean())
    assert found.error == pytest.approx(np.mean(network.predict(rows) != labels))
    assert found.counters.forward_done < found.counters.forward_dense
    network.fit_thresholds(rows, 0.25)
    assert network.evaluate(rows, labels).share == pytest.approx(0.25, abs=0.01)


def test_errors_name_what_is_wrong(nodes):
    with pytest.raises(weir.errors.ConfigError, match="^network.0.kind: .*did you mean 'input'"):
        weir.Network([{"kind": "inputt", "size": 3}])
    nodes[3]["gates"] = "gate"
    with pytest.raises(weir.errors.NotFoundError, match="experts"):
        weir.Network(nodes)
    with pytest.raises(ValueError, match="precision 'fp16'; expected one of fp32, bf16"):
        network = weir.Network(gated_nodes())
        network.precision = "fp16"


def test_inspect_adds_up(network):
    layers = weir.inspect(network, share=1.0)
    assert sum(layer.parameters for layer in layers) == sum(network[name].size for name in network)
    experts = layers[3]
    assert (experts.multiply_adds_dense, experts.gates, experts.block) == (64 * 20, "gates", 8)
    assert weir.inspect(network, share=0.25)[3].multiply_adds_open == pytest.approx(64 * 20 / 4)


def test_parameters_are_taken_from_files(network, tmp_path):
    network.save(tmp_path / "whole.safetensors")
    other = weir.Network(gated_nodes(), seed=7)
    assert not np.array_equal(other["logits.weight"], network["logits.weight"])
    taken = other.transfer(tmp_path / "whole.safetensors")
    assert (taken.taken, taken.missing, taken.unused) == (network.keys(), [], [])
    assert all(np.array_equal(other[name], network[name]) for name in network)

    named = weir.Network([{"kind": "input", "size": 64}, {"name": "head", "kind": "affine", "size": 3}])
    before = named["head.bias"]
    taken = named.transfer(tmp_path / "whole.safetensors", {"head.weight": "logits.weight"})
    assert taken.taken == ["head.weight"] and taken.missing == ["head.bias"] and "experts.weight" in taken.unused
    assert np.array_equal(named["head.weight"], network["logits.weight"]) and np.array_equal(named["head.bias"], before)
    with pytest.raises(weir.errors.ShapeError, match="experts.weight"):
        named.transfer(tmp_path / "whole.safetensors", {"head": "experts"})
    with pytest.raises(weir.errors.NotFoundError, match="called 'tail'"):
        named.transfer(tmp_path / "whole.safetensors", {"tail": "logits"})
