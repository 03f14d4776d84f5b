"""How good is a ranking, and is the difference to another one more than chance; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Place = int | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference, and the range in which chance leaves it."""

    difference: float
    low: float
    high: float


def place_of(ranked: Sequence[str], accept_ids: Collection[str]) -> Place:
    """Find the place, from 0, of the first accepted article; None if there is none."""
    return next((n for n, article_id in enumerate(ranked) if article_id in accept_ids), None)


def top1(places: Sequence[Place]) -> float:
    """Tell the share of questions whose first article is right."""
    return recall_at(places, 1)


def recall_at(places: Sequence[Place], count: int) -> float:
    """Tell the share of questions with a right article among the first `count`."""
    return sum(hits(places, count)) / len(places) if places else 0.0


def hits(places: Sequence[Place], count: int) -> list[float]:
    """1 for each question with a right article among the first `count`, else 0."""
    return [float(place is not None and place < count) for place in places]


def mean_reciprocal_rank(places: Sequence[Place]) -> float:
    """Average 1/rank of the first right article; a question without one counts 0."""
    return sum(1 / (p + 1) for p in places if p is not None) / len(places) if places else 0.0


def paired_interval(
    sets: Sequence[tuple[Sequence[float], Sequence[float]]],
    *,
    rounds: int = 5_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """First minus second, averaged over sets of equal weight, by a paired bootstrap.

    Each round draws questions with replacement within each set; both rankings get the same ones.
    """
    chance = np.random.default_rng(seed)
    gaps = [np.subtract(first, second) for first, second in sets]
    if not gaps or any(len(gap) == 0 for gap in gaps):
        raise ValueError("a paired interval needs at least one question in every set")
    drawn = np.mean([_resample(gap, chance, rounds) for gap in gaps], axis=0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(np.mean([gap.mean() for gap in gaps])), float(low), float(high))


def auroc(scores: Sequence[float], right: Sequence[bool]) -> float:
    """Estimate the chance that a right one scores above a wrong one; a tie counts half."""
    good = np.sort([score for score, ok in zip(scores, right, strict=True) if ok])
    bad = [score for score, ok in zip(scores, right, strict=True) if not ok]
    if not len(good) or not bad:
        raise ValueError("auroc needs right ones and wrong ones")
    above = len(good) - np.searchsorted(good, bad, side="right")
    ties = np.searchsorted(good, bad, side="right") - np.searchsorted(good, bad, side="left")
    return float((above + ties / 2).sum() / (len(good) * len(bad)))


def _resample(
    gap: NDArray[np.float64], chance: np.random.Generator, rounds: int
) -> NDArray[np.float64]:
    means = np.empty(rounds)
    for number in range(rounds):
        means[number] = gap[chance.integers(0, len(gap), len(gap))].mean()
    return means
