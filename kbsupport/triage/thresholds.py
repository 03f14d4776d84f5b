"""The loosest threshold that labels prove, by tests chosen before any of them is looked at; pure.

A test is a number: "let so many be resolved". Its threshold is the score that just so many labels
of the threshold part lie above. Given that score, those above it are independent draws of what the
threshold resolves, so the count of wrong ones is binomial, exactly. A plan names one or two such
tests, and each gets its share of the allowed error: whatever the judge, the chance of proving any
of them wrongly is at most 1 - confidence, and one that fails takes nothing from the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kbsupport.errors import ConfigError
from kbsupport.triage.bounds import (
    binomial_tail,
    check_share,
    clopper_pearson_upper,
    labels_needed,
)
from kbsupport.triage.certificate import TierBound

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDS, _SEED = 400, 20_030  # made-up threshold parts that a plan is tried on
_ANYTHING = 0.5  # what it is worth to prove anything; all that could be proven is worth 1 more
_SHARES = (1.0, 0.8, 0.65, 0.5, 0.35, 0.2)  # of the error, for the stricter of two tests
_HOPELESS = 0.01
_LIKELY = 0.8
_MOST_LABELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Aim:
    """So many are to be resolved, and this share of the allowed error is spent on it."""

    resolved: int
    weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tested, from strict to loose."""

    aims: tuple[Aim, ...] = ()

    def __post_init__(self) -> None:
        sizes = [aim.resolved for aim in self.aims]
        if sizes != sorted(set(sizes)) or any(size < 1 for size in sizes):
            raise ConfigError("each aim of a plan resolves more than the one before it")
        weights = [aim.weight for aim in self.aims]
        if not all(0 < weight <= 1 for weight in weights) or math.fsum(weights) > 1 + 1e-9:
            raise ConfigError("the weights of a plan add up to more than 1, or are no shares")

    def to_dict(self) -> dict[str, list[list[float]]]:
        """The plan as it is stored with the judge."""
        return {"aims": [[aim.resolved, aim.weight] for aim in self.aims]}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Plan:
        """Read back what was stored with the judge."""
        return cls(tuple(Aim(int(size), weight) for size, weight in row["aims"]))


def plan(scores: Sequence[float], labels: int, risk: float, confidence: float) -> Plan:
    """Choose what to test; `labels` is the size of the threshold part, `scores` those of the fit.

    Threshold parts are made up from the fit part, wrong as often as the judge itself expects, and
    what would prove most of them is taken.
    """
    check_share("risk", risk)
    check_share("confidence", confidence)
    wrong = _made_up(_numbers(scores), labels)
    could = max(1.0, float((labels - wrong[:, -1]).mean())) if wrong.size else 1.0
    best, worth = Plan(), 0.0
    for share in _SHARES:
        first = _tries(wrong, risk, share * (1 - confidence), could)
        second = _tries(wrong, risk, (1 - share) * (1 - confidence), could)
        made, value = _best(first, second, share)
        if value > worth:
            best, worth = made, value
    return best


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
    floor: float = 0.0,
) -> TierBound:
    """Test the plan on labels that played no part in it; the loosest threshold proven counts.

    `stopped` marks labels that a rule keeps from being resolved, whatever their score; `share` is
    the part of all labels that is used here, so that `missing` counts labels of both parts; below
    `floor` nothing is tested.
    """
    check_share("risk", risk)
    check_share("confidence", confidence)
    probabilities, good = _numbers(scores), np.asarray(right, bool)
    could = np.asarray(answerable, bool)
    held = np.asarray(stopped, bool) if len(stopped) else np.zeros(len(good), bool)
    if not len(could) == len(held) == len(good) == len(probabilities):
        raise ConfigError("scores, right, answerable and stopped must be of one length")
    steps = list(_steps(plan, probabilities[~held], good[~held], floor))
    alpha = 1 - confidence
    proven = [one for one in steps if binomial_tail(one.wrong, one.n, risk) <= one.weight * alpha]
    if not proven:
        return _unproven(steps, risk, alpha, held, share)
    loosest = proven[-1]
    return TierBound(
        risk=risk,
        threshold=loosest.threshold,
        n=loosest.n,
        wrong=loosest.wrong,
        bound=clopper_pearson_upper(loosest.wrong, loosest.n, 1 - loosest.weight * alpha),
        coverage=(loosest.n - loosest.wrong) / max(1, int(could.sum())),
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A test once it was made: where its threshold lies, and what that resolves."""

    threshold: float
    n: int
    wrong: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Tries:
    """Tests of one share of the error: how many each resolves, where it passes, what for."""

    sizes: list[int]
    passed: NDArray[np.float64]
    worth: NDArray[np.float64]


def _numbers(scores: Sequence[float]) -> NDArray[np.float64]:
    check_scores(scores)
    return np.asarray(scores, np.float64)


def _steps(
    plan: Plan, scores: NDArray[np.float64], right: NDArray[np.bool_], floor: float
) -> Iterator[_Step]:
    falling = np.sort(scores)[::-1]
    for aim in plan.aims:
        if aim.resolved < len(falling):
            # Just above the first that is left out. Whoever ties with it is left out as well.
            threshold = max(math.nextafter(float(falling[aim.resolved]), 2.0), floor)
            taken = scores >= threshold
            if threshold <= 1 and taken.any():
                wrong = int((taken & ~right).sum())
                yield _Step(threshold, int(taken.sum()), wrong, aim.weight)


def _unproven(
    steps: Sequence[_Step], risk: float, alpha: float, stopped: NDArray[np.bool_], share: float
) -> TierBound:
    """What is missing, and the threshold that came nearest."""
    labels, clean = len(stopped), labels_needed(0, risk, alpha)
    if not steps:
        missing = max(1, clean + 1 - int((~stopped).sum()))
        return TierBound(risk, None, 0, 0, 1.0, 0.0, math.ceil(missing / share))
    needs = [_labels_for(step, labels, risk, alpha) - labels for step in steps]
    nearest = min(steps, key=lambda step: binomial_tail(step.wrong, step.n, risk))
    missing = math.ceil(max(1, min(needs)) / share)
    bound = clopper_pearson_upper(nearest.wrong, nearest.n, 1 - alpha)
    return TierBound(risk, None, nearest.n, nearest.wrong, bound, 0.0, missing)


def _labels_for(step: _Step, labels: int, risk: float, alpha: float) -> int:
    """How many labels would probably prove this threshold, if it goes on as it did so far."""
    # A judge as wrong as the risk never passes: then say what it takes once it is twice as good.
    rate = min(step.wrong / step.n, risk / 2)
    allowed, needed = 0, labels_needed(0, risk, alpha)
    while needed < _MOST_LABELS and binomial_tail(allowed, needed, rate) < _LIKELY:
        allowed += 1
        needed = labels_needed(allowed, risk, alpha)
    return math.ceil(needed * labels / step.n)


def _made_up(scores: NDArray[np.float64], labels: int) -> NDArray[np.int64]:
    """How many of the best 1, 2, … labels are wrong, in every made-up threshold part."""
    known = len(scores)
    if not known or labels < 1:
        return np.zeros((0, 0), np.int64)
    chance = np.random.default_rng(_SEED)
    # Drawn twice: the fit part is itself a draw, so the true scores differ from it as much again.
    worlds = chance.integers(0, known, (_ROUNDS, known))
    drawn = np.take_along_axis(worlds, chance.integers(0, known, (_ROUNDS, labels)), axis=1)
    falling = np.sort(scores[drawn], axis=1)[:, ::-1]
    return np.cumsum(chance.random(falling.shape) < 1 - falling, axis=1)


def _tries(wrong: NDArray[np.int64], risk: float, alpha: float, could: float) -> _Tries:
    """Each test that could pass: for 0, 1, 2 … wrong ones, the fewest resolved that allow them."""
    labels = wrong.shape[1]
    sizes: list[int] = []
    passed: list[NDArray[np.float64]] = []
    while alpha > 0 and (size := labels_needed(len(sizes), risk, alpha)) < labels:
        here = (wrong[:, size - 1] <= len(sizes)).astype(np.float64)
        sizes.append(size)
        passed.append(here)
        if here.mean() < _HOPELESS:
            break
    table = np.stack(passed) if passed else np.zeros((0, len(wrong)))
    return _Tries(sizes, table, _ANYTHING + np.asarray(sizes) / could)


def _best(first: _Tries, second: _Tries, share: float) -> tuple[Plan, float]:
    """The test, or the two of them, that are worth most on average."""
    if not first.sizes:
        return Plan(), 0.0
    alone = first.passed.mean(axis=1) * first.worth
    best = int(np.argmax(alone))
    single = Plan((Aim(first.sizes[best], share),)), float(alone[best])
    looser = np.asarray(second.sizes)[None, :] > np.asarray(first.sizes)[:, None]
    if not looser.any():
        return single
    # Worth of the looser one where it passes, else of the stricter one where that passes.
    failed = 1 - second.passed
    both = (second.passed.mean(axis=1) * second.worth)[None, :] + first.worth[:, None] * (
        first.passed @ failed.T / failed.shape[1]
    )
    both = np.where(looser, both, -1.0)
    strict, loose = np.unravel_index(int(np.argmax(both)), both.shape)
    if both[strict, loose] <= single[1]:
        return single
    aims = Aim(first.sizes[strict], share), Aim(second.sizes[loose], 1 - share)
    return Plan(aims), float(both[strict, loose])
