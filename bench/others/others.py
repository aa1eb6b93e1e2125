# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What published packages give beside enumeration: prints docs/results/others.md. scripts/others runs it."""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import sys
import types
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, OneHotCategorical, OneHotCategoricalStraightThrough
from torch.utils.flop_counter import FlopCounterMode

import weir
from weir import lab

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

BITS = np.array([0.4, -0.8, 1.2])
WEIGHTS = np.array([1.0, -0.7, 0.5])


def quadratic(h):
    """(h·w − 0.3)² of NumPy arrays or tensors."""
    w = WEIGHTS if isinstance(h, np.ndarray) else torch.tensor(WEIGHTS, dtype=h.dtype)
    return ((h * w).sum(-1) - 0.3) ** 2


def raised(by):
    return lambda h: quadratic(h) + by


def version(package):
    return f"{package} {importlib.metadata.version(package)}"


class Table:
    """Rows of lab.check under one heading; draws is the scale of all of them."""

    def __init__(self, title, about, draws):
        self.title, self.about, self.draws, self.records = title, about, draws, []

    def add(self, name, estimate, **options):
        draws = options.pop("draws", self.draws)
        batch = options.pop("batch", 200)
        print(name, file=sys.stderr, flush=True)
        options = {"framework": "torch", **options}
        try:
            found = lab.check(estimate, name=name, draws=max(draws, 20 * batch), batch=batch, quiet=True, **options)
        except Exception as error:  # what a package raises is its result
            print(f"| {name} | {type(error).__name__}: {str(error).splitlines()[0][:120]} |", file=sys.stderr)
            found = weir.records.Record(
                rule=name, draw=options.get("draw", "bernoulli"), unbiased=options.get("unbiased", True), evaluations=float("nan"),
                bias=float("nan"), scale=float("nan"), variance=float("nan"), z=float("nan"), result=type(error).__name__,
            )
        self.records.append(found)
        return found

    def bits(self, name, estimate, loss=quadratic, **options):
        """On three bits and a quadratic loss."""
        return self.add(name, estimate, logits=BITS, loss=loss, **options)

    def show(self):
        print(f"\n## {self.title}\n\n{self.about}\n\n{lab.table(self.records, markdown=True)}")


# ---- weir's own, by way of the same function


def of_weir(rule, units, batch=200):
    estimator = weir.Estimator(rule, units=units, max_rows=batch)
    slopes = np.asarray(WEIGHTS)

    def estimate(logits, loss):
        def both(h, _):
            value = loss(h.astype(float))
            return value, 2 * ((h @ slopes) - 0.3)[:, None] * slopes

        return estimator(logits.astype(np.float32), both)[0]

    return estimate


# ---- storchastic


def storchastic(make, distribution=lambda logits: Bernoulli(logits=logits), after=lambda h: h):
    import storch

    method = make(storch.method)

    def estimate(logits, loss):
        storch.reset()
        rows = storch.denote_independent(logits, 0, "rows")
        outputs = method(distribution(rows))
        storch.add_cost(storch.deterministic(lambda h: loss(after(h)))(outputs), "cost")
        storch.backward()
        return logits.grad * len(logits)  # it takes the mean over rows

    return estimate


def moving_average(m, decay):
    average = m.baseline.MovingAverageBaseline(exponential_decay=decay)
    return m.ScoreFunction("z", baseline_factory=lambda *_: average)


def show_storchastic(draws):
    t = Table(
        version("storchastic"),
        "Three bits, logits 0.4, −0.8, 1.2, L = (h·w − 0.3)², w = (1, −0.7, 0.5). \"+ 10\": the loss with 10 added, which changes no "
        "gradient. The moving average is used as one sees it used, a row per call; weir's own rules stand last.",
        draws,
    )
    t.bits("ScoreFunction", storchastic(lambda m: m.ScoreFunction("z")), evaluations=1)
    t.bits("ScoreFunction, n = 4", storchastic(lambda m: m.ScoreFunction("z", n_samples=4)), evaluations=4)
    t.bits("leave one out, n = 2", storchastic(lambda m: m.ScoreFunction("z", n_samples=2, baseline_factory="batch_average")))
    t.bits("leave one out, n = 4", storchastic(lambda m: m.ScoreFunction("z", n_samples=4, baseline_factory="batch_average")))
    t.bits("Expect", storchastic(lambda m: m.Expect("z")))
    t.bits("ARM", storchastic(lambda m: m.ARM("z")), evaluations=2)
    t.bits("DisARM", storchastic(lambda m: m.DisARM("z")), evaluations=2)
    for decay in (0.95, 0.5, 0.0):
        t.bits(f"moving average, decay {decay:g}", storchastic(lambda m: moving_average(m, decay)), batch=1, draws=draws / 5)
    t.bits("REBAR", storchastic(lambda m: m.REBAR("z")))
    t.bits("RELAX, own network", storchastic(lambda m: m.RELAX("z", in_dim=(3,))))
    t.bits("RaoBlackwellSF, n = 4", storchastic(lambda m: m.RaoBlackwellSF("z", 4)))
    for by in (0, 10):
        more = f", loss + {by}" if by else ""
        t.bits(f"ScoreFunctionWOR, k = 4{more}", storchastic(lambda m: m.ScoreFunctionWOR("z", 4)), loss=raised(by))
        t.bits(f"... biased=False{more}", storchastic(lambda m: m.ScoreFunctionWOR("z", 4, biased=False)), loss=raised(by))
    t.bits("UnorderedSetEstimator, k = 3", storchastic(lambda m: m.UnorderedSetEstimator("z", 3)))
    t.bits("Infer", storchastic(lambda m: m.Infer("z", Bernoulli)))
    t.bits("GumbelSoftmax", storchastic(lambda m: m.GumbelSoftmax("z")), unbiased=False)
    t.bits("GumbelSoftmax, straight-through", storchastic(lambda m: m.GumbelSoftmax("z", straight_through=True)), unbiased=False)
    for rule in ("reinforce", "rloo:samples=4", "arm", "disarm", "rebar", "muprop"):
        t.bits(f"weir: {rule}", of_weir(rule, 3), framework="numpy", draws=max(draws, 20000))
    t.show()


# ---- straight-through and relaxed units


def through(sample):
    """An estimator that lets autograd differentiate the loss of sample(logits)."""
    return lambda logits, loss: loss(sample(logits))


def by_threes(sample):
    """Variables of three outputs."""
    return through(lambda logits: sample(logits.reshape(len(logits), -1, 3)).reshape(logits.shape))


def show_straight_through(draws):
    import pyro.distributions
    import reinmax
    from relaxit.distributions.DecoupledStraightThroughGumbelSoftmax import DecoupledStraightThroughGumbelSoftmax as Decoupled
    from relaxit.distributions.StochasticTimesSmooth import StochasticTimesSmooth
    from relaxit.distributions.StraightThroughBernoulli import StraightThroughBernoulli
    from vector_quantize_pytorch.vector_quantize_pytorch import gumbel_sample

    t = Table(
        "Straight-through and relaxed units",
        ", ".join(version(p) for p in ("torch", "pyro-ppl", "relaxit", "reinmax", "vector-quantize-pytorch"))
        + ". The problem is that of `weir estimate exactness`. \"holds\": the mean is that of the rule of weir that stands behind "
        "the name; biased they are all. Of a linear loss a unit whose mean is p has no bias.",
        draws,
    )
    one_of = {"draw": "one-of,of=3"}
    t.add("torch: F.gumbel_softmax(hard=True), st-gumbel", by_threes(lambda a: F.gumbel_softmax(a, 1.0, True)), rule="st-gumbel:draw=one-of,of=3")
    t.add(
        "torch: OneHotCategoricalStraightThrough, straight-through",
        by_threes(lambda a: OneHotCategoricalStraightThrough(logits=a).rsample()),
        rule="straight-through:derivative=mean,draw=one-of,of=3",
    )
    t.add(
        "pyro: RelaxedBernoulliStraightThrough, st-gumbel",
        through(lambda a: pyro.distributions.RelaxedBernoulliStraightThrough(torch.tensor(1.0), logits=a).rsample()),
        rule="st-gumbel",
    )
    t.add(
        "relaxit: StraightThroughBernoulli, straight-through",
        through(lambda a: StraightThroughBernoulli(logits=a).rsample()),
        rule="straight-through:derivative=sigmoid",
    )
    t.add(
        "relaxit: StochasticTimesSmooth", through(lambda a: StochasticTimesSmooth(logits=a).rsample()), unbiased=False
    )
    t.bits(
        "relaxit: StochasticTimesSmooth, L = h·w",
        through(lambda a: StochasticTimesSmooth(logits=a).rsample()),
        loss=lambda h: (h * torch.tensor(WEIGHTS, dtype=h.dtype)).sum(-1),
    )
    for tau in (0.5, 1.0, 2.0):
        t.add(
            f"relaxit: Decoupled…, forward temperature {tau:g}",
            by_threes(lambda a: Decoupled(tau, 1.0, logits=a).rsample()),
            unbiased=False,
            **one_of,
        )
    for tau in (1.0, 1.3):
        t.add(f"reinmax, τ = {tau:g}, reinmax", by_threes(lambda a: reinmax.reinmax(a, tau)[0]), rule=f"reinmax:temperature={tau:g},draw=one-of,of=3")

    for tau in (1.0, 0.5):
        t.add(
            f"vector-quantize-pytorch: gumbel_sample, temperature {tau:g}, straight-through",
            by_threes(lambda a: gumbel_sample(a, temperature=tau, stochastic=True, straight_through=True)[1]),
            rule=f"straight-through:derivative=mean,draw=tempered-one-of,of=3,temperature={tau:g}",
        )
    t.show()


# ---- claims that are no rows


def reinmax_differences():
    """Greatest difference, draw by draw, of reinmax from twice ST at m less half of ST at p, and, of two classes, from the rule half."""
    import reinmax

    generator = torch.Generator().manual_seed(3)
    worst = [0.0, 0.0]
    for _ in range(2000):
        classes = int(torch.randint(2, 9, (1,), generator=generator))
        logits = torch.randn(1, classes, generator=generator, dtype=torch.float64, requires_grad=True)
        slope = torch.randn(1, classes, generator=generator, dtype=torch.float64)
        hard, _ = reinmax.reinmax(logits, 1.0)
        (found,) = torch.autograd.grad((hard * slope).sum(), logits)
        p, h = logits.detach().softmax(-1), hard.detach()
        pull = lambda x: x * slope - x * (x * slope).sum()
        wanted = 2 * pull((p + h) / 2) - pull(p) / 2
        worst[0] = max(worst[0], float((found - (wanted - wanted.mean())).abs().max()))
        if classes == 2:
            half = (h[0, 1] - p[0, 1]).abs() / 2 * (slope[0, 1] - slope[0, 0])
            worst[1] = max(worst[1], float((found[0, 1] - half).abs()))
    return worst


def top_k_first(draws):
    """How often relaxit's top-k takes each class first, of probabilities 0.7, 0.2, 0.08, 0.02."""
    from relaxit.distributions.GumbelSoftmaxTopK import GumbelSoftmaxTopK

    p = torch.tensor([0.7, 0.2, 0.08, 0.02])
    found = GumbelSoftmaxTopK(probs=p.expand(draws, 4).clone(), K=torch.tensor(1)).sample().mean(0)
    return p, found, p.softmax(-1)


def all_or_none(draws):
    """Shares of draws in which none, some, all of 8 hard concrete gates at log α = 0 are not 0: relaxit, and independent ones."""
    from relaxit.distributions.HardConcrete import HardConcrete

    one = torch.ones(8)
    gate = HardConcrete(one, torch.tensor(2 / 3), torch.tensor(1.1), torch.tensor(-0.1))
    opened = torch.stack([(gate.sample() != 0).sum() for _ in range(draws)])
    q = float(torch.sigmoid(torch.tensor(-2 / 3) * torch.log(torch.tensor(0.1 / 1.1))))
    shares = [float((opened == k).float().mean()) for k in (0, 8)]
    return shares[0], 1 - sum(shares), shares[1], (1 - q) ** 8, 1 - q**8 - (1 - q) ** 8, q**8


def l0_gate():
    """l0-python's gate at test time and that of Louizos et al. 2018, eq. 13, at log α = 1."""
    import l0

    gate = l0.HardConcrete(1, temperature=2 / 3)
    gate.qz_logits.data.fill_(1.0)
    gate.eval()
    alpha = torch.tensor(1.0)
    return float(gate()), float((torch.sigmoid(alpha) * 1.2 - 0.1).clamp(0, 1))


def multiply_adds(run):
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        run()
    return counter.get_total_flops() // 2


def experts_computed():
    """Multiply-adds for one row of 64 values, two of 4, 16, 64 experts open: as experts grow, and as they would be."""
    import fastfeedforward
    from mixture_of_experts import MoE as Mixture
    from st_moe_pytorch import MoE as Stable

    rows = {}
    one = torch.randn(1, 1, 64)
    for count in (4, 16, 64):
        router = 64 * count
        stable = Stable(dim=64, num_experts=count, gating_top_n=2).eval()
        mixture = Mixture(dim=64, num_experts=count, hidden_dim=256).eval()
        rows.setdefault("st-moe-pytorch", []).append(multiply_adds(lambda: stable(one)) - router)
        rows.setdefault("mixture-of-experts", []).append(multiply_adds(lambda: mixture(one)) - router)
        tree = fastfeedforward.FFF(64, 32, 64, depth=count.bit_length() - 1)
        rows.setdefault("fastfeedforward, training", []).append(multiply_adds(lambda: tree.train()(one[0])))
        rows.setdefault("fastfeedforward, in use", []).append(multiply_adds(lambda: tree.eval()(one[0])))
    return rows


def dense_mixer_experts():
    """Experts that DenseMixer's block evaluates for one token, 2 of 16 open."""
    logging.disable(logging.INFO)  # it logs to standard output, which is the page
    from densemixer.models.olmoe_custom import CustomOlmoeSparseMoeBlock

    called = []
    experts = [lambda x, k=k: called.append(k) or x * (k + 1.0) for k in range(16)]
    block = types.SimpleNamespace(gate=torch.nn.Linear(8, 16), experts=experts, num_experts=16, top_k=2, norm_topk_prob=True)
    CustomOlmoeSparseMoeBlock.forward(block, torch.randn(1, 1, 8))
    return len(set(called))


def leaf_bias():
    """fastfeedforward: eval() less the hard pass of the leaf that it chose, and that leaf's output bias."""
    import fastfeedforward

    torch.manual_seed(1)
    tree = fastfeedforward.FFF(8, 4, 3, depth=2).eval()
    x = torch.randn(50, 8)
    with torch.no_grad():
        used = tree(x)
        leaves = torch.stack([torch.relu(x @ tree.w1s[k] + tree.b1s[k]) @ tree.w2s[k] for k in range(4)], 1)
        without = (leaves - used[:, None]).abs().amax(-1)
        with_bias = (leaves + tree.b2s - used[:, None]).abs().amax(-1)
    return float(without.min(1).values.max()), float(with_bias.min(1).values.max())


def numbers(values):
    return ", ".join(f"{float(v):.3f}" for v in values)


def show_claims(draws):
    worst = reinmax_differences()
    p, found, wrong = top_k_first(draws)
    shares = all_or_none(2000)
    ours, theirs = l0_gate()
    without, with_bias = leaf_bias()
    print("\n## What they do\n")
    print(
        f"- {version('reinmax')}: draw by draw twice ST at m less half of ST at p, m = ½(p + h), to {worst[0]:.1e}; of two "
        f"classes weir's rule `half`, ½|h − p|·∂L/∂h, to {worst[1]:.1e} (doubles, 2000 draws)."
    )
    print(
        f"- {version('relaxit')}, GumbelSoftmaxTopK(probs): of probabilities {numbers(p)} the first choice falls on them with "
        f"{numbers(found)}. The noise is added to probabilities and not to their logarithms: softmax(p) is {numbers(wrong)}."
    )
    print(
        f"- {version('relaxit')}, HardConcrete: of 8 gates none, some, all are open in {numbers(shares[:3])} of the draws; "
        f"independent gates would be in {numbers(shares[3:])}. One noise is drawn for the whole vector."
    )
    print(
        f"- {version('l0-python')}, HardConcrete: the gate in use at log α = 1 and temperature ⅔ is {ours:.4f}; eq. 13 of its paper "
        f"(Louizos, Welling and Kingma 2018) has no temperature and gives {theirs:.4f}."
    )
    print(
        f"- {version('fastfeedforward')}, in use: outputs are those of a leaf without its output bias to {without:.1e}, with it "
        f"to {with_bias:.1e}: it is learned and then left out."
    )
    print(
        f"- {version('densemixer')}: evaluates {dense_mixer_experts()} experts for a token that opens 2 of 16, as its paper says."
    )
    print(
        "\nMultiply-adds of the experts for one row of 64 values, two of 4, 16, 64 experts open (fastfeedforward: one of as many "
        "leaves, training and use):\n\n| package | 4 | 16 | 64 |\n|---|--:|--:|--:|"
    )
    for name, counts in experts_computed().items():
        label = version(name.split(",")[0]) + name[len(name.split(",")[0]) :]
        print(f"| {label} | " + " | ".join(f"{count:,}" for count in counts) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=float, default=4000)
    parser.add_argument("--machine", default="", help="said in the page")
    options = parser.parse_args()
    print("# Other packages beside enumeration\n")
    print(
        "`scripts/others` makes this page: a fresh environment, the packages of "
        "[bench/others/requirements.txt](../../bench/others/requirements.txt) from PyPI, and `weir.lab.check` over what they give. "
        f"Here torch {torch.__version__}, NumPy {np.__version__}, weir {weir.__version__}, {options.draws:g} draws a row{options.machine}."
    )
    print(
        "\n**What to read from it.** storchastic's score function, leave-one-out, ARM, Expect and Rao-Blackwell rows are right. Its "
        "DisARM has mean 0. Its moving average holds the loss that it is subtracted from, a row per call, so that the gradient "
        "shrinks by the decay: ½ halves it, 0 leaves nothing. REBAR on bits is a third too large. Draws without replacement scale "
        "the gradient with the loss: ten added make it ten times as long. `Infer` of bits relaxes them. reinmax is what it says, "
        "relaxit's stochastic times smooth is half of its gradient on a linear loss, and its decoupled units do not depend on the "
        "forward temperature. vector-quantize-pytorch draws at the temperature, where Gumbel-softmax only relaxes at it. This is "
        "of the versions named here, at 4000 draws a row, which see differences of a tenth; what holds may be off by less."
    )
    print(
        "\n`bias` is the distance of the mean from the exact gradient, `scale` the mean's part along it (1 is right), `variance` that "
        "of one estimate in all, `z` the greatest distance of a mean from the one that is claimed, in standard errors; MEAN is beyond 4."
    )
    show_storchastic(options.draws)
    show_straight_through(options.draws)
    show_claims(int(options.draws))


if __name__ == "__main__":
    main()
