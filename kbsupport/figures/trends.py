"""What changed since the period before, and what chance alone could have done; pure."""

from __future__ import annotations

from dataclasses import dataclass

from kbsupport.evaluation.scores import exact_intervals
from kbsupport.evaluation.wording import percent
from kbsupport.figures.metrics import Metrics
from kbsupport.figures.people import length
from kbsupport.figures.rates import CONFIDENCE

NO_CHANGE = "no clear change"
_NOTHING = "nothing to compare"
_SHARES = (
    "involvement", "answered", "assumed", "recontact_adjusted", "confirmed", "verified",
    "audited_correct", "escalated", "first_in_time", "solved_in_time", "csat",
)  # fmt: skip
_TIMES = ("first_response_people", "resolution_people")


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure of two periods; `change` is up, down, or that chance can explain it."""

    key: str
    name: str
    now: str
    before: str
    change: str

    def to_dict(self) -> dict[str, str]:
        """One row of `trends` in `report daily --json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def trends(now: Metrics, before: Metrics) -> tuple[Trend, ...]:
    """Cases, shares and times of one period against another."""
    made = [
        Trend("cases", "Cases", f"{now.cases:,}", f"{before.cases:,}", _counts(now, before)),
    ]
    for key in _SHARES:
        one, other = now.figures[key], before.figures[key]
        made.append(
            Trend(
                key, one.name, percent(one.value), percent(other.value),
                _changed(one.value, one.interval, other.value, other.interval),
            )
        )  # fmt: skip
    for key in _TIMES:
        lasted, earlier = now.spreads[key], before.spreads[key]
        made.append(
            Trend(
                key, f"{lasted.name} (median)", length(lasted.p50), length(earlier.p50),
                _changed(lasted.p50, lasted.interval, earlier.p50, earlier.interval),
            )
        )  # fmt: skip
    return tuple(made)


def _changed(
    now: float | None,
    interval: tuple[float, float] | None,
    before: float | None,
    other: tuple[float, float] | None,
) -> str:
    if now is None or before is None:
        return _NOTHING
    if interval is None or other is None or _overlap(interval, other):
        return NO_CHANGE
    return _direction(grown=now > before)


def _counts(now: Metrics, before: Metrics) -> str:
    """Were both weeks alike, each case would fall into either with the same chance."""
    together = now.cases + before.cases
    if not together:
        return _NOTHING
    low, high = exact_intervals([now.cases], [together], CONFIDENCE)
    if low[0] <= 1 / 2 <= high[0]:
        return NO_CHANGE
    return _direction(grown=now.cases > before.cases)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _direction(*, grown: bool) -> str:
    return "up" if grown else "down"
