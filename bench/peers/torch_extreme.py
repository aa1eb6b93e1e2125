#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""A training step of extreme classification in PyTorch, on rows that bench_extreme --save wrote.

full      EmbeddingBag of the columns (sparse gradients), rectifier, a linear layer of all classes, log-softmax; Adam for
          the dense parameters, SparseAdam for the table.
sampled   the output layer is a table, too: the classes of the batch's labels and as many sampled ones as weir opens are
          gathered, scored for all rows of the batch together, and moved by SparseAdam. Sampled classes weigh 1/q.

Prints the median milliseconds of a step as JSON.
"""
import argparse
import json
import resource
import statistics
import struct
import time

import numpy
import torch


def read(path):
    with open(path, "rb") as file:
        magic, _, rows, columns, classes, pairs, labels, _ = struct.unpack("<8s7Q", file.read(64))
    assert magic == b"WEIRCSR1"
    arrays, at = [], 64
    for kind, count in (("<u8", rows + 1), ("<u8", rows + 1), ("<u4", pairs), ("<f4", pairs), ("<u4", labels)):
        arrays.append(numpy.fromfile(path, kind, count, offset=at))
        at = (at + arrays[-1].nbytes + 63) // 64 * 64
    return columns, classes, arrays


def batches(arrays, size, steps):
    begin, label_begin, ids, values, labels = arrays
    for t in range(steps):
        first = t * size % (len(begin) - 1 - size)
        a, b = begin[first], begin[first + size]
        c, d = label_begin[first], label_begin[first + size]
        yield (torch.from_numpy(ids[a:b].astype(numpy.int64)), torch.from_numpy((begin[first:first + size] - a).astype(numpy.int64)),
               torch.from_numpy(values[a:b]), torch.from_numpy(labels[c:d].astype(numpy.int64)),
               torch.from_numpy(numpy.repeat(numpy.arange(size), numpy.diff(label_begin[first:first + size + 1]).astype(int))),
               torch.from_numpy(numpy.diff(label_begin[first:first + size + 1]).astype(numpy.float32)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--way", choices=["full", "sampled"], default="full")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--sampled", type=int, default=912)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    columns, classes, arrays = read(options.rows)
    table = torch.nn.EmbeddingBag(columns, options.hidden, mode="sum", sparse=True)
    bias = torch.nn.Parameter(torch.zeros(options.hidden))
    if options.way == "full":
        output = torch.nn.Linear(options.hidden, classes)
        movers = [torch.optim.SparseAdam(table.parameters()), torch.optim.Adam([bias, *output.parameters()], fused=True)]
    else:
        output = torch.nn.Embedding(classes, options.hidden, sparse=True)
        output_bias = torch.nn.Embedding(classes, 1, sparse=True)
        movers = [torch.optim.SparseAdam([*table.parameters(), *output.parameters(), *output_bias.parameters()]),
                  torch.optim.Adam([bias])]

    def step(ids, offsets, values, labels, label_rows, counts):
        for mover in movers:
            mover.zero_grad(set_to_none=True)
        hidden = torch.relu(table(ids, offsets, per_sample_weights=values) + bias)
        if options.way == "full":
            scores = torch.log_softmax(output(hidden), dim=1)
            loss = -(scores[label_rows, labels] / counts[label_rows]).sum() / options.batch
        else:
            positive = torch.unique(labels)
            drawn = torch.randint(classes, (options.sampled,))
            open_ = torch.unique(torch.cat([positive, drawn]))
            scores = hidden @ output(open_).T + output_bias(open_).T
            weight = torch.zeros(len(open_))
            weight[~torch.isin(open_, positive)] = float(numpy.log(classes / options.sampled))
            total = torch.logsumexp(scores + weight, dim=1)
            at = torch.searchsorted(open_, labels)
            loss = (total.sum() - (scores[label_rows, at] / counts[label_rows]).sum()) / options.batch
        loss.backward()
        for mover in movers:
            mover.step()
        return loss

    seconds = []
    for t, batch in enumerate(batches(arrays, options.batch, options.warm_up + options.steps)):
        begin = time.perf_counter()
        step(*batch)
        if t >= options.warm_up:
            seconds.append(time.perf_counter() - begin)
    print(json.dumps({"way": options.way, "ms": round(1e3 * statistics.median(seconds), 2), "torch": torch.__version__,
                      "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 3)}))


main()
