"""Wealth that grows only by luck while nothing has changed: tests that may be looked at always.

A wager starts with 1 and bets at fair odds on what comes next. While the assumption it bets
against holds, it reaches 1/alpha at any time, ever, with a probability of at most alpha (Ville,
1939). One that bets from the beginning loses during a long good time and would then need as long to
recover, so the 1 is spread: a part of it enters at every step, more of it early.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from kbsupport.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.intp]

Steps = TypeVar("Steps", float, "Numbers")

_HORIZON = 500
# Beyond this nothing is more certain, and a float could overflow.
_MOST = 1e200


def entry(step: Steps, at_once: float) -> Steps:
    """The part of the 1 that enters before this step, counted from 0; all parts add up to 1."""
    spread = (1 - at_once) * _HORIZON / ((step + _HORIZON) * (step + _HORIZON + 1))
    part: Steps = spread + at_once * (step == 0)
    return part


def still_kept(steps: Steps, at_once: float) -> Steps:
    """The part that has not entered after so many steps."""
    rest: Steps = (1 - at_once) * _HORIZON / (steps + _HORIZON) + at_once * (steps == 0)
    return rest


def onset(gains: Sequence[float]) -> int:
    """From which step on a bet has gained most, given the logarithm of each step's factor."""
    best, begin, total = -math.inf, 0, 0.0
    start = 0
    for step, gain in enumerate(gains):
        if total <= 0:
            start, total = step, 0.0
        total += gain
        if total > best:
            best, begin = total, start
    return begin


def raised(rate: float, odds: float) -> float:
    """The rate whose odds are so many times as high."""
    return rate * odds / (1 - rate + rate * odds)


def check_alpha(alpha: float) -> None:
    """Refuse a false-alarm rate that is none."""
    if not 0 < alpha < 1:
        raise ConfigError(f"alpha is {alpha}; it must lie strictly between 0 and 1, like 0.05")


# Of a wager on ranks this much enters before the first one.
_AT_ONCE = 0.3
# Bets on a rank: that the odds of this end of the ranks, or of the other, have so multiplied.
_ENDS = {0.02: 4.0, 0.1: 3.0, 0.2: 2.5, 0.35: 2.0, 0.5: 2.0}
EDGES = tuple(sorted({*_ENDS, *(round(1 - end, 2) for end in _ENDS)}))


@lru_cache(maxsize=1)
def factors() -> Numbers:
    """A row for each interval between `EDGES`, a column for each bet: what 1 becomes."""
    import numpy as np

    middles = [(a + b) / 2 for a, b in zip((0.0, *EDGES), (*EDGES, 1.0), strict=True)]
    bets = []
    for end, odds in _ENDS.items():
        rate = raised(end, odds)
        won, lost = rate / end, (1 - rate) / (1 - end)
        bets.append([won if m < end else lost for m in middles])
        bets.append([won if m > 1 - end else lost for m in middles])
    return np.array(bets).T


class Wagers:
    """One wager for each stream of ranks; a stream takes a step only when it has a rank."""

    def __init__(self, streams: int) -> None:
        import numpy as np

        self._np, self._factors = np, factors()
        self._logs = np.log(self._factors)
        self._wealth = np.zeros((streams, self._factors.shape[1]))
        self._steps = np.zeros(streams, int)
        self.highest = np.ones(streams)
        self.history: list[tuple[Places, Places]] = []

    def bet(self, streams: Places, ranks: Numbers) -> None:
        """Let these streams, each at most once, take a step with these ranks."""
        np = self._np
        intervals = np.searchsorted(EDGES, ranks, side="right")
        steps = self._steps[streams]
        wealth = self._wealth[streams] + entry(steps.astype(float), _AT_ONCE)[:, None]
        wealth = np.minimum(wealth * self._factors[intervals], _MOST)
        self._wealth[streams] = wealth
        self._steps[streams] = steps + 1
        total = still_kept(steps + 1.0, _AT_ONCE) + wealth.mean(axis=1)
        self.highest[streams] = np.maximum(self.highest[streams], total)
        self.history.append((streams, intervals))

    def gains(self, stream: int) -> dict[int, float]:
        """What each step brought this stream's best bet, by the number of the step."""
        best = int(self._wealth[stream].argmax())
        found = {}
        for number, (streams, intervals) in enumerate(self.history):
            place = self._np.flatnonzero(streams == stream)
            if len(place):
                found[number] = float(self._logs[intervals[place[0]], best])
        return found
