"""The loosest threshold that labels prove, tested in an order fixed beforehand; pure.

A judge's wrong rate does not fall evenly as its threshold rises, so a scan that ends at the first
failure may end far too early. Thresholds are tested from strict to loose, each with a share of the
allowed error. One that is proven hands its share on to the next looser one; one that fails does
not, but later thresholds with a share of their own start again. Whatever the judge, the chance of
proving any of them wrongly is at most 1 - confidence (the fallback procedure of Wiens, 2003).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.errors import ConfigError
from kbsupport.triage.bounds import (
    binomial_tail,
    check_share,
    clean_needed,
    clopper_pearson_upper,
    labels_needed,
)
from kbsupport.triage.certificate import TierBound

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP, _AT_LEAST = 1.08, 3.0  # each threshold is expected to resolve so much more than the last
_ROUNDS, _SEED = 200, 20_030  # made-up threshold parts that a plan is tried on
_TRUST = 0.7  # how often they take the judge's word for what is wrong, not the fit labels'
_RESERVES = (0.3, 0.2, 0.1, 0.05)  # error kept back for starting again
_AFFORDABLE = 0.01
_LIKELY = 0.8
_MOST_LABELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Thresholds from strict to loose, and the share of the allowed error each starts with."""

    thresholds: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        check_scores(self.thresholds)
        check_scores(self.weights)
        if len(self.weights) != len(self.thresholds):
            raise ConfigError("a plan needs one weight for each threshold")
        if any(strict <= loose for strict, loose in pairwise(self.thresholds)):
            raise ConfigError("the thresholds of a plan must fall")
        if math.fsum(self.weights) > 1 + 1e-9:
            raise ConfigError("the weights of a plan add up to more than 1")

    def to_dict(self) -> dict[str, list[float]]:
        """The plan as it is stored with the judge."""
        return {"thresholds": list(self.thresholds), "weights": list(self.weights)}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Plan:
        """Read back what was stored with the judge."""
        return cls(tuple(row["thresholds"]), tuple(row["weights"]))


def plan(
    scores: Sequence[float],
    right: Sequence[bool],
    labels: int,
    risk: float,
    confidence: float,
) -> Plan:
    """Choose what to test from the fit part alone; `labels` is the size of the threshold part.

    Threshold parts are made up from the fit part, and the start that would prove most is taken.
    """
    clean = clean_needed(risk, confidence)
    probabilities, good = _arrays(scores, right)
    thresholds = _grid(probabilities, labels, clean)
    if not len(thresholds):
        return Plan((), ())
    n, wrong = _made_up(probabilities, good, thresholds, labels)
    chances = _chances(wrong, n, risk)
    hopeful = np.flatnonzero((chances <= 1 - confidence).any(axis=0))
    # One threshold beyond the last that ever passed: it costs nothing and may surprise.
    count = min(len(thresholds), int(hopeful.max()) + 2) if len(hopeful) else 1
    trial = _Trial(chances[:, :count], (n - wrong)[:, :count], 1 - confidence)
    return Plan(tuple(thresholds[:count].tolist()), _weights(trial, count))


def certify(
    plan: Plan,
    scores: Sequence[float],
    right: Sequence[bool],
    answerable: Sequence[bool],
    risk: float,
    confidence: float,
    *,
    stopped: Sequence[bool] = (),
    share: float = 1.0,
) -> TierBound:
    """Test the plan on labels that played no part in it; the loosest threshold proven counts.

    `stopped` marks labels that a rule keeps from being resolved, whatever their score; `share` is
    the part of all labels that is used here, so that `missing` counts labels of both parts.
    """
    check_share("risk", risk)
    check_share("confidence", confidence)
    probabilities, good = _arrays(scores, right)
    could = np.asarray(answerable, bool)
    held = np.asarray(stopped, bool) if len(stopped) else np.zeros(len(good), bool)
    if not len(could) == len(held) == len(good):
        raise ConfigError("scores, right, answerable and stopped must be of one length")
    steps = _steps(plan, probabilities, good, held)
    loosest = None
    for step, alpha in _proven(plan, steps, risk, 1 - confidence):
        loosest = step, alpha
    if loosest is None:
        return _unproven(steps, risk, 1 - confidence, held, share)
    (threshold, n, wrong), alpha = loosest
    return TierBound(
        risk=risk,
        threshold=threshold,
        n=n,
        wrong=wrong,
        bound=clopper_pearson_upper(wrong, n, 1 - alpha),
        coverage=(n - wrong) / max(1, int(could.sum())),
        missing=None,
    )


def check_scores(scores: Sequence[float]) -> None:
    """Refuse a score that is not a number from 0 to 1: what cannot be compared proves nothing."""
    for place, score in enumerate(scores):
        if not 0 <= score <= 1:  # false for NaN too
            raise ConfigError(
                f"score {place + 1} is {score}; every score must be a number from 0 to 1. "
                "Nothing is certified from these: fit the judge again with `kbsupport calibrate`"
            )


_Step = tuple[float, int, int]


def _arrays(
    scores: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    check_scores(scores)
    if len(scores) != len(right):
        raise ConfigError("scores and right must be of one length")
    return np.asarray(scores, np.float64), np.asarray(right, bool)


def _steps(
    plan: Plan,
    scores: NDArray[np.float64],
    right: NDArray[np.bool_],
    stopped: NDArray[np.bool_],
) -> list[_Step]:
    """Each threshold with how many it resolves, a tie included, and how many of these are wrong."""
    resolved = [(scores >= one) & ~stopped for one in plan.thresholds]
    return [
        (one, int(taken.sum()), int((taken & ~right).sum()))
        for one, taken in zip(plan.thresholds, resolved, strict=True)
    ]


def _proven(
    plan: Plan, steps: Sequence[_Step], risk: float, alpha: float
) -> Iterator[tuple[_Step, float]]:
    handed_on = 0.0
    for step, weight in zip(steps, plan.weights, strict=True):
        _, n, wrong = step
        own = weight * alpha + handed_on
        proven = n > 0 and binomial_tail(wrong, n, risk) <= own
        handed_on = own if proven else 0.0
        if proven:
            yield step, own


def _unproven(
    steps: Sequence[_Step], risk: float, alpha: float, stopped: NDArray[np.bool_], share: float
) -> TierBound:
    """What is missing, and the threshold that came nearest."""
    labels = len(stopped)
    tried = [step for step in steps if step[1] > 0]
    clean = labels_needed(0, risk, alpha)
    least = clean - max((n for _, n, _ in tried), default=0)
    if not tried:
        missing = max(1, clean - int((~stopped).sum()))
        return TierBound(risk, None, 0, 0, 1.0, 0.0, math.ceil(missing / share))
    needs = [_labels_for(step, labels, risk, alpha) - labels for step in tried]
    nearest = min(tried, key=lambda step: binomial_tail(step[2], step[1], risk))
    missing = math.ceil(max(1, least, min(needs)) / share)
    bound = clopper_pearson_upper(nearest[2], nearest[1], 1 - alpha)
    return TierBound(risk, None, nearest[1], nearest[2], bound, 0.0, missing)


def _labels_for(step: _Step, labels: int, risk: float, alpha: float) -> int:
    """How many labels would probably prove this threshold, if it goes on as it did so far."""
    _, n, wrong = step
    # A judge as wrong as the risk never passes: then say what it takes once it is twice as good.
    rate = min(wrong / n, risk / 2)
    allowed, needed = 0, labels_needed(0, risk, alpha)
    while needed < _MOST_LABELS and binomial_tail(allowed, needed, rate) < _LIKELY:
        allowed += 1
        needed = labels_needed(allowed, risk, alpha)
    return math.ceil(needed * labels / n)


def _grid(scores: NDArray[np.float64], labels: int, clean: int) -> NDArray[np.float64]:
    """Thresholds, falling, that are expected to resolve ever more, from the fewest that can do."""
    if not len(scores):
        return np.empty(0)
    falling = np.sort(scores)[::-1]
    counts, count = [], float(clean)
    while count <= labels:
        counts.append(count)
        count = max(count * _STEP, count + _AT_LEAST)
    places = np.asarray(counts) * len(falling) / max(labels, 1)
    between = np.interp(places, np.arange(1, len(falling) + 1), falling)
    return np.unique(between)[::-1]


def _made_up(
    scores: NDArray[np.float64],
    right: NDArray[np.bool_],
    thresholds: NDArray[np.float64],
    labels: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many each threshold resolves, and how many wrongly, in every made-up threshold part."""
    chance = np.random.default_rng(_SEED)
    known, count = len(scores), len(thresholds)
    # Drawn twice: the fit part is itself a draw, so the true scores differ from it as much again.
    worlds = chance.integers(0, known, (_ROUNDS, known))
    drawn = np.take_along_axis(worlds, chance.integers(0, known, (_ROUNDS, labels)), axis=1)
    by_judge = chance.random((_ROUNDS, labels)) < 1 - scores[drawn]
    trusted = chance.random((_ROUNDS, 1)) < _TRUST
    wrong = np.where(trusted, by_judge, ~right[drawn])
    first = np.searchsorted(-thresholds, -scores, side="left")[drawn]
    cells = first + np.arange(_ROUNDS)[:, None] * (count + 1)
    size = _ROUNDS * (count + 1)

    def resolved(which: NDArray[np.int64]) -> NDArray[np.int64]:
        table = np.bincount(which, minlength=size).reshape(_ROUNDS, count + 1)
        return np.cumsum(table[:, :count], axis=1)

    return resolved(cells.ravel()), resolved(cells[wrong])


def _chances(wrong: NDArray[np.int64], n: NDArray[np.int64], risk: float) -> NDArray[np.float64]:
    pairs, where = np.unique(np.stack([wrong.ravel(), n.ravel()]), axis=1, return_inverse=True)
    # Above the risk itself no test passes: its tail need not be summed up.
    tails = [
        binomial_tail(int(w), int(m), risk) if m > 0 and w <= risk * m else 1.0 for w, m in pairs.T
    ]
    return np.asarray(tails)[where].reshape(n.shape)


@dataclass(frozen=True, slots=True)
class _Trial:
    """What every threshold would show in every made-up threshold part."""

    chances: NDArray[np.float64]
    right: NDArray[np.int64]
    alpha: float

    def worth(self, weights: Sequence[float]) -> float:
        """How much these weights prove on average; to prove anything is worth half of it all."""
        rounds, count = self.chances.shape
        handed_on, won = np.zeros(rounds), np.zeros(rounds)
        most = max(1.0, float(self.right.max()))
        for k in range(count):
            own = weights[k] * self.alpha + handed_on
            proven = self.chances[:, k] <= own
            won = np.where(proven, 0.5 + self.right[:, k] / most, won)
            handed_on = np.where(proven, own, 0.0)
        return float(won.mean())


def _weights(trial: _Trial, count: int) -> tuple[float, ...]:
    """All but a reserve on the start that proves most; the reserve as large as is affordable."""
    worths = [trial.worth(_shared(count, start, (), 0)) for start in range(count)]
    start = int(np.argmax(worths))
    ahead = count - 1 - start
    again = sorted({start // 2, start + ahead // 3, start + 2 * ahead // 3} - {start})
    if not again:
        return _shared(count, start, (), 0)
    shared = [_shared(count, start, again, reserve) for reserve in _RESERVES]
    dear = worths[start] - _AFFORDABLE
    return next((weights for weights in shared if trial.worth(weights) >= dear), shared[-1])


def _shared(count: int, start: int, again: Sequence[int], reserve: float) -> tuple[float, ...]:
    weights = [0.0] * count
    weights[start] = 1 - reserve
    for place in again:
        weights[place] = reserve / len(again)
    return tuple(weights)
