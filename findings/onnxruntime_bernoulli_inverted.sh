#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# onnxruntime 1.32.0: the operator Bernoulli is 1 with probability 1 - p.
#
# p = 0 gives ones, p = 1 gives zeros, p = 0.1 gives 0.9 of ones, because onnx's function body of the operator asks whether the
# uniform number is greater than p. The reference evaluator of onnx 1.23.2 is right. Every exported stochastic gate is
# inverted. Expected: 1 with probability p. Remedy: export RandomUniformLike and Less instead.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy, onnx, onnxruntime
from onnx import TensorProto as T, helper as h
from onnx.reference import ReferenceEvaluator
shape = [1, 100000]
graph = h.make_graph([h.make_node("Bernoulli", ["p"], ["y"], seed=1.0)], "g", [h.make_tensor_value_info("p", T.FLOAT, shape)],
                     [h.make_tensor_value_info("y", T.FLOAT, None)])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for p in (0.0, 0.1, 1.0):
    feeds = {"p": numpy.full(shape, p, numpy.float32)}
    drawn, reference = float(session.run(None, feeds)[0].mean()), float(numpy.mean(ReferenceEvaluator(model).run(None, feeds)[0]))
    print(f"p = {p}: onnxruntime draws {drawn:.4f} ones, the reference {reference:.4f}")
    assert abs(drawn - (1 - p)) < 0.01 and abs(reference - p) < 0.01
PYTHON
