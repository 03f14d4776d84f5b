"""Figures: a value with its denominator, its interval and what it means; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kbsupport.evaluation.scores import exact_intervals
from kbsupport.figures.definitions import DEFINITIONS, NAMES

CONFIDENCE = 0.95
_NORMAL = 1.96
# Of fewer values than this no percentile has an interval of its own.
_LEAST = 6


@dataclass(frozen=True, slots=True)
class _Defined:
    """What the definitions speak of under this key."""

    key: str

    @property
    def name(self) -> str:
        """What it is called where people read."""
        return NAMES[self.key]

    @property
    def definition(self) -> str:
        """What it means."""
        return DEFINITIONS[self.key]


@dataclass(frozen=True, slots=True)
class Figure(_Defined):
    """A share that says of what; of nothing, its value and interval are None.

    `left_out` counts the cases that are too young to be judged.
    """

    numerator: float
    denominator: int
    value: float | None
    interval: tuple[float, float] | None
    note: str = ""
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """One figure of `metrics --json`."""
        low, high = (None, None) if self.interval is None else self.interval
        return {
            "key": self.key, "name": self.name, "value": _rounded(self.value),
            "numerator": self.numerator, "denominator": self.denominator,
            "low": _rounded(low), "high": _rounded(high), "note": self.note,
            "left_out_young": self.left_out,
            "definition": self.definition,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread(_Defined):
    """How long something took, in seconds; `negative` is how many moments contradicted others."""

    n: int
    negative: int
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    longest: float | None = None
    interval: tuple[float, float] | None = None  # of the median

    def to_dict(self) -> dict[str, Any]:
        """One row of `times` in `metrics --json`, in seconds."""
        low, high = (None, None) if self.interval is None else self.interval
        return {
            "key": self.key, "name": self.name, "n": self.n, "p50": self.p50, "p90": self.p90,
            "p95": self.p95, "longest": self.longest, "p50_low": low, "p50_high": high,
            "left_out_negative": self.negative, "definition": self.definition,
        }  # fmt: skip


def share(key: str, count: int, of: int, note: str = "", left_out: int = 0) -> Figure:
    """So many of so many."""
    value, limits = (count / of, exact(count, of)) if of else (None, None)
    return Figure(key, count, of, value, limits, note, left_out)


def exact(count: float, of: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The Clopper-Pearson limits of a share; weighted counts need not be whole."""
    low, high = exact_intervals([count], [of], confidence)  # type: ignore[list-item]
    return float(low[0]), float(high[0])


def spread(key: str, lengths: Sequence[timedelta | float]) -> Spread:
    """Percentiles of lengths; those below nothing are left out and counted.

    A length is negative where a clock was set back between two moments: it measures the clock.
    """
    seconds = [one.total_seconds() if isinstance(one, timedelta) else one for one in lengths]
    kept = sorted(one for one in seconds if one >= 0)
    negative = len(seconds) - len(kept)
    if not kept:
        return Spread(key, 0, negative)
    p50, p90, p95 = (percentile(kept, at) for at in (0.5, 0.9, 0.95))
    return Spread(key, len(kept), negative, p50, p90, p95, kept[-1], _around_median(kept))


def percentile(ordered: Sequence[float], at: float) -> float:
    """The smallest value that at least this share of the others do not exceed."""
    return ordered[max(0, math.ceil(at * len(ordered)) - 1)]


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Where chance leaves the mean, by the normal distribution; None of too few values."""
    n = len(values)
    if n < _LEAST:
        return None
    mean = sum(values) / n
    error = math.sqrt(sum((one - mean) ** 2 for one in values) / (n - 1) / n)
    return mean - _NORMAL * error, mean + _NORMAL * error


def _around_median(ordered: Sequence[float]) -> tuple[float, float] | None:
    n = len(ordered)
    if n < _LEAST:
        return None
    reach = _NORMAL * math.sqrt(n) / 2
    low = max(0, math.floor(n / 2 - reach) - 1)
    high = min(n - 1, math.ceil(n / 2 + reach))
    return ordered[low], ordered[high]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)
