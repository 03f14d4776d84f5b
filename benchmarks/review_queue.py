"""How much faster do the labels that the review queue asks for first teach than random ones?

usage: review_queue.py [--set NAME] [--seeds N]

For each seed: a fresh home with a prior judge fitted without the set's family, and 600 tickets
drawn from calibration.jsonl as the pool nobody has labelled. Labels are asked for in steps; each
step is learnt (`learn`), and the tickets that are left are judged again before the next is asked
for, as `kbsupport review` does. After each step test.jsonl is judged: coverage is the largest share
of answerable tickets rightly resolved with at most 5 % of the resolved wrong, the threshold chosen
on the test itself. Random labels come from the same pool in a random order.

Speed at a level of coverage: the labels that random ones need to reach it, divided by those that
the queue needs, read from the mean curve over the seeds (straight lines between steps, a curve
never falls). The levels lie a half, three quarters and nine tenths of the way from the coverage
before any label to what random labels reach at their last step. The figure is the slowest of the
three; its spread is that of the single seeds. Tuned on clinc_credit_cards and banking77_val.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fit_prior
from benchmarks.common import write_result
from benchmarks.figures import figure, show
from benchmarks.trials import RISK, coverage_at, fresh, labels_of
from kbsupport.app import App
from kbsupport.learning.worth import Candidate, worth
from kbsupport.model import Label

BAR = 1.3
SET = "clinc_banking"
POOL = 600
STEPS = (10, 20, 40, 80, 120, 200, 300)
LEVELS = (0.5, 0.75, 0.9)
PICKS = ("random", "queue")
ELSEWHERE = (
    "Where the bar would be missed: on banking77_val (50 articles, one pool) the queue gives 0.424, "
    "0.407, 0.540, 0.655, 0.742 at 20, 40, 80, 120, 300 labels and random ones 0.306, 0.547, 0.552, "
    "0.571, 0.618: slower between about 30 and 80 labels (0.55 at the middle level), 2.8 times as "
    "fast to where random ones end."
)

Curve = list[float]


def by_worth(app: App, pool: Sequence[Label], asked: Sequence[Label], count: int) -> list[Label]:
    """What the queue asks for first, of tickets as they are judged now."""
    vectors = app.embedder.embed([label.text for label in pool])
    with app.library.steady():
        judged = app.judging.judge(pool)
    candidates = [
        Candidate(number, vector, one.probability)
        for number, (vector, one) in enumerate(zip(vectors, judged, strict=True))
    ]
    known = app.embedder.embed([label.text for label in asked])
    return [pool[one.ticket_id] for one in worth(candidates, np.asarray(known), count)]


def coverage(app: App, test: Sequence[Label]) -> float:
    """Coverage at 5 % wrong of the test part as the app judges it now."""
    with app.library.steady():
        judged = app.judging.judge(test)
    return coverage_at(
        [one.probability for one in judged],
        [one.right for one in judged],
        [label.answerable for label in test],
        RISK,
    )


def curve(name: str, prior: Path, pick: str, seed: int) -> Curve:
    """Coverage before any label, then after each step."""
    every = sorted({one.text: one for one in labels_of(name, "calibration")}.items())
    order = np.random.default_rng(seed).permutation(len(every))[:POOL]
    pool, test = [every[i][1] for i in order], labels_of(name, "test")
    asked: list[Label] = []
    with fresh(name, prior) as app:
        found = [coverage(app, test)]
        for step in STEPS:
            count = step - len(asked)
            # The pool is in random order already.
            chosen = pool[:count] if pick == "random" else by_worth(app, pool, asked, count)
            texts = {label.text for label in chosen}
            pool = [label for label in pool if label.text not in texts]
            asked += chosen
            app.learn(chosen)
            found.append(coverage(app, test))
    return found


def needed(found: Curve, level: float) -> float:
    """How many labels a curve needs to reach a level; infinite if it never does."""
    labels, rising = (0, *STEPS), np.maximum.accumulate(found)
    after = int(np.argmax(rising >= level))
    if rising[after] < level:
        return float("inf")
    if after == 0:
        return 0.0
    gained = (level - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(labels[after - 1] + gained * (labels[after] - labels[after - 1]))


def speeds(random: Curve, queue: Curve) -> list[tuple[float, float, float]]:
    """The levels, and how many labels random order and the queue need for each."""
    start, end = random[0], max(random)
    levels = [start + part * (end - start) for part in LEVELS]
    return [(level, needed(random, level), needed(queue, level)) for level in levels]


def slowest(random: Curve, queue: Curve) -> float:
    """The smallest speed of all levels."""
    return min(at_random / max(queued, 1.0) for _, at_random, queued in speeds(random, queue))


def prior_of(name: str, folder: Path) -> Path:
    """The prior judge fitted without this set's family, made unless the folder holds it."""
    family = next(family for family, sets in fit_prior.FAMILIES.items() if name in sets)
    path = folder / f"prior_{family}.json"
    if not path.exists():
        fit_prior.write(path, fit_prior.priors(fit_prior.prepare(folder / "sets"), family))
    return path


def measure(name: str, prior: Path, seeds: int) -> dict[str, list[Curve]]:
    """Every curve; printed as they come."""
    found: dict[str, list[Curve]] = {pick: [] for pick in PICKS}
    for seed in range(seeds):
        for how in PICKS:
            found[how].append(curve(name, prior, how, seed))
            print(seed, f"{how:7}", *(f"{one:.3f}" for one in found[how][-1]), flush=True)
    return found


def figures_of(name: str, found: dict[str, list[Curve]]) -> dict[str, Any]:
    """The bar, and what stands behind it."""
    random, queue = (list(np.mean(found[how], axis=0)) for how in PICKS)
    single = [slowest(*pair) for pair in zip(*found.values(), strict=True)]
    figures = {
        "speed": figure(
            f"{name}: random labels needed for one of the queue's, slowest level",
            slowest(random, queue), "", at_least=BAR, of=single,
        )
    }  # fmt: skip
    for part, (level, chance, ours) in zip(LEVELS, speeds(random, queue), strict=True):
        for how, count in (("random", chance), ("the queue", ours)):
            what = f"{name}: labels to reach coverage {level:.2f}, {how}"
            figures[f"{how} {part:g}"] = figure(what, count, "")
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", default=SET)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--priors", type=Path, help="a folder of prior_FAMILY.json made before")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prior = prior_of(flags.set, flags.priors or Path(folder))
        found = measure(flags.set, prior, flags.seeds)
    figures = figures_of(flags.set, found)
    show(figures)
    rows = [
        {"labels": labels}
        | {
            how: f"{np.mean(found[how], axis=0)[at]:.3f} ± {np.std(found[how], axis=0)[at]:.3f}"
            for how in PICKS
        }
        for at, labels in enumerate((0, *STEPS))
    ]
    notes = [
        f"Rows: coverage at 5 % wrong, mean and standard deviation of {flags.seeds} pools of {POOL} tickets.",
        "Speed is at levels a half, three quarters and nine tenths of the way to what random labels reach.",
        ELSEWHERE,
    ]
    if flags.set == SET:
        command = f"python benchmarks/review_queue.py --seeds {flags.seeds}"
        print(write_result("review_queue", figures, command, notes, rows))


if __name__ == "__main__":
    main()
