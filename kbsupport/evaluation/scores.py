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


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, and the range in which chance leaves the true share."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """The share measured; None of nothing."""
        return self.count / self.of if self.of else None

    def to_dict(self) -> dict[str, float | int | None]:
        """`count`, `of`, `share`, `low`, `high`; of nothing, the last three are null."""
        limits = (self.low, self.high) if self.of else (None, None)
        share, low, high = (None if x is None else round(x, 6) for x in (self.share, *limits))
        return {"count": self.count, "of": self.of, "share": share, "low": low, "high": high}


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


def calibration_error(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Average gap between what was promised and what was right, over ten bins of equal count."""
    score, ok = np.asarray(probabilities, dtype=float), np.asarray(right, dtype=float)
    gaps = [len(b) * abs(score[b].mean() - ok[b].mean()) for b in equal_bins(probabilities)]
    return float(sum(gaps) / len(score))


def equal_bins(probabilities: Sequence[float], bins: int = 10) -> list[NDArray[np.intp]]:
    """Places of the probabilities, lowest first, in bins of equal count; ties keep their order."""
    order = np.argsort(np.asarray(probabilities, dtype=float), kind="stable")
    return np.array_split(order, min(bins, len(order)))


def brier(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Mean squared distance of the probability from what came true; 0 is best."""
    return float(np.mean((np.asarray(probabilities) - np.asarray(right, dtype=float)) ** 2))


def rate(count: int, of: int, confidence: float = 0.95) -> Rate:
    """So many of so many, with the exact (Clopper-Pearson) two-sided interval."""
    low, high = exact_intervals([count], [of], confidence)
    return Rate(count, of, float(low[0]), float(high[0]))


def exact_intervals(
    counts: Sequence[int], totals: Sequence[int], confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clopper-Pearson limits of many shares at once; of nothing, anything may be true."""
    from scipy.special import betaincinv

    count, total = np.asarray(counts, dtype=float), np.asarray(totals, dtype=float)
    tail = (1 - confidence) / 2
    # betaincinv is undefined where all or none are counted; those limits are 0 and 1 by definition.
    low = betaincinv(np.maximum(count, 1), total - np.minimum(count, total) + 1, tail)
    high = betaincinv(count + 1, np.maximum(total - count, 1), 1 - tail)
    return np.where(count == 0, 0.0, low), np.where(count == total, 1.0, high)


def _resample(
    gap: NDArray[np.float64], chance: np.random.Generator, rounds: int
) -> NDArray[np.float64]:
    means = np.empty(rounds)
    for number in range(rounds):
        means[number] = gap[chance.integers(0, len(gap), len(gap))].mean()
    return means
