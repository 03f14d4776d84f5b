"""Who comes first: urgency, tier, mood and age in one number, each named; pure.

Age grows and never ends, and mood fades with it, so that both together stay below 2. A fresh urgent
ticket counts 2.5 times, and so stands before everything else of its tier; after its first hour
that falls, within three hours more, to what any ticket of its age has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

URGENT = 2.5
FIRST = timedelta(hours=1)
FALLING = timedelta(hours=3)
# After this time a ticket has half of what age can give.
HALF_AGE = timedelta(hours=8)
MOOD = 0.25
BOUND = URGENT * 2 * 2
_HOUR = timedelta(hours=1)
_NAMES = ("urgent", "tier", "mood", "age")


@dataclass(frozen=True, slots=True)
class Priority:
    """A number to order a queue by, from 1 to `BOUND`, higher first; `why` names its parts."""

    value: float
    why: str


def priority(*, urgent: bool, tier_rank: int, frustration: float, waited: timedelta) -> Priority:
    """How early a ticket is due its turn; `tier_rank` is 0 for the lowest tier."""
    parts = _parts(urgent=urgent, tier_rank=tier_rank, frustration=frustration, waited=waited)
    value = prod(parts)
    said = " · ".join(f"{name} ×{part:.2f}" for name, part in zip(_NAMES, parts, strict=True))
    return Priority(value, f"{said} = {value:.2f}")


def _parts(
    *, urgent: bool, tier_rank: int, frustration: float, waited: timedelta
) -> tuple[float, float, float, float]:
    # A clock that was set back must not make anybody wait for less than no time.
    waited = max(waited, timedelta(0))
    old = waited / (waited + HALF_AGE)
    return (
        _urgency(waited) if urgent else 1.0,
        2.0 - 0.5 ** max(0, tier_rank),
        1.0 + MOOD * _share(frustration) * (1.0 - old) ** 2,
        1.0 + old,
    )


def worths(urgent: Numbers, rank: Numbers, frustration: Numbers, hours: Numbers) -> Numbers:
    """The same numbers for a whole queue, an array each; `hours` is how long each has waited."""
    import numpy as np

    hours = np.maximum(hours, 0.0)
    old = hours / (hours + HALF_AGE / _HOUR)
    fallen = np.clip((hours - FIRST / _HOUR) / (FALLING / _HOUR), 0.0, 1.0)
    urgency = np.where(urgent > 0, URGENT - (URGENT - 1.0) * fallen, 1.0)
    mood = 1.0 + MOOD * np.clip(frustration, 0.0, 1.0) * (1.0 - old) ** 2
    made: Numbers = urgency * (2.0 - 0.5**rank) * mood * (1.0 + old)
    return made


def _urgency(waited: timedelta) -> float:
    fallen = min(1.0, max(0.0, (waited - FIRST) / FALLING))
    return URGENT - (URGENT - 1.0) * fallen


def _share(number: float) -> float:
    # NaN compares false with everything, and must not become a mood.
    return min(1.0, number) if number > 0 else 0.0
