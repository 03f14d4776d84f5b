"""Curves over all thresholds: risk against coverage, promise against truth, money; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kbsupport.evaluation.judged import Judged, money, money_by_a_person, money_if_resolved
from kbsupport.evaluation.scores import Rate, equal_bins, exact_intervals, rate
from kbsupport.model import Outcome
from kbsupport.model.flat import Flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kbsupport.triage.policy import Costs

# More points than this no eye tells apart, and a page with all of them is slow to open.
_POINTS_SHOWN = 200
# Sums of money differ in the last bits by the order of adding; such a difference is none.
_PENNY = 1e-9

Point = TypeVar("Point")


@dataclass(frozen=True, slots=True)
class RiskPoint(Flat):
    """What taking every ticket from this probability upwards would mean.

    `share`: of all tickets, how many are taken; `coverage`: of the answerable, how many are taken
    and right; `risk`: of the taken, how many are wrong, with its exact interval `low`, `high`.
    """

    threshold: float
    taken: int
    wrong: int
    share: float
    coverage: float
    risk: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Tickets of like probability: what was promised on average, and how many were right."""

    lowest: float
    highest: float
    promised: float
    right: Rate

    def to_dict(self) -> dict[str, Any]:
        """`lowest`, `highest`, `promised`, `right`."""
        return {
            "lowest": self.lowest,
            "highest": self.highest,
            "promised": round(self.promised, 6),
            "right": self.right.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class CostPoint(Flat):
    """Money per ticket if every ticket that a threshold decides had this one."""

    threshold: float
    resolved: int
    wrong: int
    money: float


@dataclass(frozen=True, slots=True)
class CostCurve:
    """Money per ticket against the threshold, and where the present one stands.

    `nobody`: if no ticket passed a threshold; `present`: as decided; `thresholds`: the present
    ones by tier. The curve moves the tickets that a threshold decided; what a rule decided stays
    as it is. Where no verdict names a threshold, all but greetings and thanks move.
    """

    points: tuple[CostPoint, ...]
    nobody: float
    present: float
    thresholds: Mapping[str, tuple[float, ...]]

    @property
    def best(self) -> CostPoint | None:
        """The cheapest threshold, the highest of equals; None if resolving nothing is cheaper."""
        if not self.points:
            return None
        least = min(point.money for point in self.points)
        if least >= self.nobody - _PENNY:
            return None
        return next(point for point in self.points if point.money <= least + _PENNY)

    def to_dict(self) -> dict[str, Any]:
        """`points` (at most 200), `nobody`, `present`, `best`, `thresholds`."""
        best = self.best
        return {
            "points": [point.to_dict() for point in thinned(self.points)],
            "nobody": self.nobody,
            "present": self.present,
            "best": best.to_dict() if best else None,
            "thresholds": {tier: list(values) for tier, values in self.thresholds.items()},
        }


def risk_coverage(judged: Sequence[Judged], confidence: float = 0.95) -> tuple[RiskPoint, ...]:
    """One point for each probability that occurs, highest first: a threshold cannot split ties."""
    order, values, ends = _falling([one.probability for one in judged])
    right = np.array([one.right for one in judged], dtype=bool)[order]
    answerable = max(sum(one.label.answerable for one in judged), 1)
    taken, rightly = ends + 1, np.cumsum(right)[ends]
    wrong = taken - rightly
    low, high = exact_intervals(wrong.tolist(), taken.tolist(), confidence)
    return tuple(
        RiskPoint(
            threshold=float(values[end]),
            taken=int(taken[n]),
            wrong=int(wrong[n]),
            share=float(taken[n] / len(judged)),
            coverage=float(rightly[n] / answerable),
            risk=float(wrong[n] / taken[n]),
            low=float(low[n]),
            high=float(high[n]),
        )
        for n, end in enumerate(ends)
    )


def coverage_at(points: Sequence[RiskPoint], risk: float) -> float:
    """The largest share of the answerable that is rightly taken while at most `risk` is wrong."""
    fits = [point.coverage for point in points if point.wrong <= risk * point.taken]
    return fits[-1] if fits else 0.0


def reliability(judged: Sequence[Judged], confidence: float = 0.95) -> tuple[Bin, ...]:
    """Ten bins of equal count by rising probability: what was promised, and what was right."""
    bins = []
    for places in equal_bins([one.probability for one in judged]):
        inside = [judged[place] for place in places]
        promised = [one.probability for one in inside]
        right = rate(sum(one.right for one in inside), len(inside), confidence)
        bins.append(Bin(min(promised), max(promised), float(np.mean(promised)), right))
    return tuple(bins)


def cost_curve(judged: Sequence[Judged], costs: Costs) -> CostCurve:
    """Money per ticket at each probability that occurs, highest first."""
    moving = [one for one in judged if one.verdict.threshold is not None]
    if not moving:
        moving = [one for one in judged if one.verdict.outcome is not Outcome.REPLY]
    present = sum(money(one, costs) for one in judged)
    fixed = present - sum(money(one, costs) for one in moving)
    nobody = fixed + len(moving) * money_by_a_person(costs)
    return CostCurve(
        points=_cost_points(moving, costs, nobody, len(judged)),
        nobody=round(nobody / len(judged), 9),
        present=round(present / len(judged), 9),
        thresholds=_thresholds(judged),
    )


def thinned(points: Sequence[Point], most: int = _POINTS_SHOWN) -> tuple[Point, ...]:
    """At most so many of the points, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return tuple(points)
    chosen = np.linspace(0, len(points) - 1, most).round().astype(int)
    return tuple(points[place] for place in chosen)


def _falling(
    probabilities: Sequence[float],
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
    """The order from high to low, the values in it, and the last place of each run of equals."""
    score = np.asarray(probabilities, dtype=float)
    order = np.argsort(-score, kind="stable")
    values = score[order]
    return order, values, np.flatnonzero(np.append(np.diff(values) != 0, [True]))


def _cost_points(
    moving: Sequence[Judged], costs: Costs, nobody: float, tickets: int
) -> tuple[CostPoint, ...]:
    if not moving:
        return ()
    order, values, ends = _falling([one.probability for one in moving])
    ranked = [moving[place] for place in order]
    spent = np.cumsum([money_if_resolved(one, costs) - money_by_a_person(costs) for one in ranked])
    wrong = np.cumsum([not one.right for one in ranked])
    return tuple(
        CostPoint(
            threshold=float(values[end]),
            resolved=int(end) + 1,
            wrong=int(wrong[end]),
            money=round(float(nobody + spent[end]) / tickets, 9),
        )
        for end in ends
    )


def _thresholds(judged: Sequence[Judged]) -> dict[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {}
    for one in judged:
        if one.verdict.threshold is not None:
            found.setdefault(one.tier, set()).add(one.verdict.threshold)
    return {tier: tuple(sorted(found[tier])) for tier in sorted(found)}
