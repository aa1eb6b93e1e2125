# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""One training step of a top-k sparse autoencoder: weir's ways and PyTorch's, all in one run, in turns.

Each way is a process of its own, so that its memory is its own. All begin with the same weights and see the same
batches; a round gives each way one step, and medians are over rounds. Ways:

- weir, weir-lazy: scores in fp32, Adam as PyTorch's, or of open features alone; weir-int8: scores bounded by bytes;
  weir-likely: by six standard deviations of their rounding.
- plain: dense scores, topk, scatter, dense decoding, Adam. plain-compiled: that by torch.compile.
- bag: the same with embedding_bag for the decoding.
- gather: scores without a gradient, then the k rows of either matrix, gathered; Adam. gather-compiled: that by
  torch.compile, but for the scores.
- sparse: gather with sparse gradients of both matrices and SparseAdam.

The decoder is not held to norm 1 in any of them, and no loss of dead features is taken.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

WAYS = "weir,weir-lazy,weir-int8,weir-likely,plain,bag,gather,sparse,plain-compiled,gather-compiled"


def batch_of(o, step):
    """Rows of a batch: sums of few of many directions, or those of a file of activations."""
    if o.data:
        rows = np.load(o.data, mmap_mode="r")
        first = step * o.batch % (len(rows) - o.batch + 1)
        return np.ascontiguousarray(rows[first : first + o.batch], dtype=np.float32)
    directions = np.random.default_rng(1).standard_normal((4096, o.inputs), dtype=np.float32)
    g = np.random.default_rng(1000 + step)
    chosen = (4096 * g.random((o.batch, 16)) ** 2).astype(np.int64)
    parts = g.exponential(size=(o.batch, 16)).astype(np.float32)
    return np.einsum("rk,rkd->rd", parts, directions[chosen]) / 4


def weir_way(o, way):
    import weir

    weir.threads(o.threads)
    model = weir.SparseAutoencoder(
        o.inputs, o.features, k=o.k, unit_norm=False, dead_coefficient=0, rate=o.rate,
        update="lazy" if way == "weir-lazy" else "exact", scores={"weir-int8": "int8", "weir-likely": "int8-likely"}.get(way, "fp32"))  # fmt: skip
    if o.data:
        model.centre(batch_of(o, 0))
    return model.step


def recall(step, x):
    """Share of the true k greatest scores of some rows that the proposals of weir's model held; None for other ways."""
    model = getattr(step, "__self__", None)
    if model is None or model.settings.scores == "fp32":
        return None
    p, x = model.parameters, x[:64]
    scores = (x - p["b_dec"]) @ p["W_enc"].T + p["b_enc"]
    k = int(model.settings.k)
    true = np.zeros(scores.shape, bool)
    np.put_along_axis(true, np.argpartition(-scores, k, axis=1)[:, :k], True, 1)
    return float((model.encode(x).dense() > 0)[true].mean())


def torch_way(o, way):
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(o.threads)
    encoder = torch.from_numpy(np.load(o.weights))
    sparse = way == "sparse"
    E, D = torch.nn.Parameter(encoder), torch.nn.Parameter(encoder.clone())
    b, c = torch.nn.Parameter(torch.zeros(o.features)), torch.nn.Parameter(torch.zeros(o.inputs))
    if o.data:  # the decoder's bias begins at the mean of the first batch
        c.data = torch.from_numpy(batch_of(o, 0).mean(0, dtype=np.float64).astype(np.float32))
    dense = torch.optim.Adam([b, c] if sparse else [E, D, b, c], lr=o.rate)
    optimizers = [dense, torch.optim.SparseAdam([E, D], lr=o.rate)] if sparse else [dense]

    def scatter(x):
        scores = (x - c) @ E.t() + b
        value, index = torch.relu(scores).topk(o.k, dim=1)
        return torch.zeros_like(scores).scatter(1, index, value) @ D + c

    def bag(x):
        value, index = torch.relu((x - c) @ E.t() + b).topk(o.k, dim=1)
        return F.embedding_bag(index, D, per_sample_weights=value, mode="sum") + c

    def chosen(x):
        with torch.no_grad():
            return torch.addmm(b, x - c, E.t()).topk(o.k, dim=1, sorted=False).indices

    def rows(x, index):
        value = torch.relu(torch.einsum("rkd,rd->rk", F.embedding(index, E, sparse=sparse), x - c) + b[index])
        if sparse:  # embedding_bag has no sparse gradient beside weights
            return torch.einsum("rk,rkd->rd", value, F.embedding(index, D, sparse=True)) + c
        return F.embedding_bag(index, D, per_sample_weights=value, mode="sum") + c

    compiled_rows = torch.compile(rows) if way == "gather-compiled" else rows
    forward = {"plain": scatter, "bag": bag}.get(way) or (
        torch.compile(scatter) if way == "plain-compiled" else lambda x: compiled_rows(x, chosen(x)))  # fmt: skip

    def step(x):
        x = torch.from_numpy(x)
        loss = (forward(x) - x).square().sum(1).mean()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        return loss

    return step


def worker(o):
    step = weir_way(o, o.worker) if o.worker.startswith("weir") else torch_way(o, o.worker)
    print("ready", flush=True)
    for line in sys.stdin:
        x = batch_of(o, int(line))
        began = time.perf_counter()
        losses = step(x)
        seconds = time.perf_counter() - began
        loss = losses["reconstruction"] if isinstance(losses, dict) else float(losses.detach())
        proposed = losses["proposed"] if isinstance(losses, dict) else 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = {"seconds": seconds, "loss": loss, "peak_mb": peak, "proposed": proposed, "recall": recall(step, x)}
        print(json.dumps(told), flush=True)


def product(o):
    """Milliseconds of the encoder's product alone, in PyTorch."""
    code = (
        "import torch,time,statistics as s;torch.set_num_threads(%d);x=torch.randn(%d,%d);w=torch.randn(%d,%d);t=[]\n"
        "for _ in range(5):\n b=time.perf_counter();x@w.t();t.append(time.perf_counter()-b)\nprint(1e3*s.median(t))"
    ) % (o.threads, o.batch, o.inputs, o.features, o.inputs)
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ways", default=WAYS)
    parser.add_argument("--inputs", type=int, default=384)
    parser.add_argument("--features", type=int, default=32768)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--warm", type=int, default=2, help="steps before any is timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", help="an NPY file of activations; else rows are drawn")
    parser.add_argument("--json", action="store_true", help="a line of JSON per way")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.worker:
        return worker(o)
    import tempfile

    import weir

    ways = o.ways.split(",")
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "weights.npy")
        np.save(weights, np.asarray(weir.SparseAutoencoder(o.inputs, o.features, k=o.k).parameters["W_enc"]))
        command = [sys.executable, __file__, *sys.argv[1:], "--weights", weights, "--worker"]
        # Threads that wait must not take a processor from the way whose turn it is.
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(o.threads)}
        processes = {way: subprocess.Popen([*command, way], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, text=True, env=environment) for way in ways}  # fmt: skip
        found = {way: [] for way in ways}
        for process in processes.values():
            process.stdout.readline()
        for step in range(o.warm + o.rounds):
            for way, process in list(processes.items()):
                try:
                    process.stdin.write(f"{step}\n")
                    process.stdin.flush()
                    found[way].append(json.loads(process.stdout.readline()))
                except (BrokenPipeError, json.JSONDecodeError):
                    print(f"{way}: failed", file=sys.stderr)
                    del processes[way], found[way]
        for process in processes.values():
            process.stdin.close()
            process.wait()
    lines, one = [], product(o)
    for way, steps in found.items():
        milliseconds = 1e3 * statistics.median(s["seconds"] for s in steps[o.warm :])
        lines.append({
            "way": way, "ms": round(milliseconds, 1), "products": round(milliseconds / one, 2), "loss": steps[-1]["loss"],
            "steps": len(steps), "peak_mb": round(steps[-1]["peak_mb"]), "proposed": round(steps[-1]["proposed"], 1),
            "recall": steps[-1]["recall"],
        })  # fmt: skip
    best = {"plain": next((r["ms"] for r in lines if r["way"] == "plain"), None),
            "torch": min((r["ms"] for r in lines if not r["way"].startswith("weir")), default=None)}  # fmt: skip
    facts = {"inputs": o.inputs, "features": o.features, "k": o.k, "batch": o.batch, "threads": o.threads, "weir": weir.__version__,
             "torch": _version(), "numpy": np.__version__, "python": platform.python_version(), "product_ms": round(one, 1)}  # fmt: skip
    for r in lines:
        r["plain_over_this"] = best["plain"] and round(best["plain"] / r["ms"], 2)
        r["best_torch_over_this"] = best["torch"] and round(best["torch"] / r["ms"], 2)
    if o.json:
        for r in lines:
            print(json.dumps({**r, **facts}))
        return 0
    print(" ".join(f"{name}={value}" for name, value in facts.items()))
    print(f"{'way':16} {'ms':>8} {'products':>8} {'plain/this':>10} {'best/this':>9} {'loss':>12} {'peak MB':>8} {'proposed':>8}")
    for r in lines:
        print(f"{r['way']:16} {r['ms']:8.1f} {r['products']:8.2f} {r['plain_over_this'] or 0:10.2f} {r['best_torch_over_this'] or 0:9.2f} "
              f"{r['loss']:12.5f} {r['peak_mb']:8d} {r['proposed'] or '':>8}")  # fmt: skip
    return 0


def _version():
    try:
        from importlib.metadata import version

        return version("torch")
    except Exception:
        return "none"


if __name__ == "__main__":
    sys.exit(main())
