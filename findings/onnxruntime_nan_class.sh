#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# onnxruntime 1.32.0: ArgMax and ReduceMax pass over NaN, TopK puts it first.
#
# Seen on x86-64 with AVX2. Of the row 1, NaN, 3, 2, NaN, ReduceMax gives 3 and ArgMax gives class 2, while TopK gives NaN at 1 and 4 first; onnx
# 1.23.2's own reference evaluator gives NaN for ReduceMax and 1 for ArgMax, as numpy does. A diverged classifier that
# was exported with ArgMax goes on giving classes, so a server looks healthy. Expected: NaN, as in the reference.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy, onnx, onnxruntime
from onnx import TensorProto as T, helper as h
from onnx.reference import ReferenceEvaluator
row = numpy.array([[1, numpy.nan, 3, 2, numpy.nan]], numpy.float32)
def run(nodes, outputs, feeds, inputs):
    graph = h.make_graph(nodes, "g", inputs, [h.make_tensor_value_info(n, t, None) for n, t in outputs])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds), ReferenceEvaluator(model).run(None, feeds)
x = h.make_tensor_value_info("x", T.FLOAT, [1, 5])
k = h.make_tensor_value_info("k", T.INT64, [1])
(maximum,), (reference,) = run([h.make_node("ReduceMax", ["x"], ["y"], keepdims=0)], [("y", T.FLOAT)], {"x": row}, [x])
(index,), (reference_index,) = run([h.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], [("y", T.INT64)], {"x": row}, [x])
(_, top), _ = run([h.make_node("TopK", ["x", "k"], ["v", "i"])], [("v", T.FLOAT), ("i", T.INT64)],
                  {"x": row, "k": numpy.array([3])}, [x, k])
print("row", row[0].tolist())
print("onnxruntime: ReduceMax", maximum, "ArgMax", index, "TopK", top[0])
print("reference:   ReduceMax", reference, "ArgMax", reference_index)
assert float(maximum) == 3 and int(index[0]) == 2 and top[0].tolist() == [1, 4, 2]
assert numpy.isnan(reference) and int(reference_index[0]) == 1
PYTHON
