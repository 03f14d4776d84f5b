"""Where a desk is played: the app, a clock that jumps to whatever comes next, and chance."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from kbsupport.errors import UpstreamError
from kbsupport.model import Customer

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.ports import Crm

MONDAY = datetime(2026, 10, 19, tzinfo=UTC)
# The CRM is out of reach on the second Wednesday, for four hours.
_OUTAGE, _LASTS = timedelta(days=9, hours=12), timedelta(hours=4)


@dataclass
class Clock:
    """A moment that the play moves; called, it tells it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Stage:
    """What is to happen, in order; each thing may add others that come later."""

    app: App
    clock: Clock
    chance: random.Random
    _next: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _number: count[int] = field(default_factory=count)

    def at(self, moment: datetime, do: Callable[[], None]) -> None:
        """Let something happen at a moment; of two at once, the one that was planned first."""
        heapq.heappush(self._next, (moment, next(self._number), do))

    def later(self, between: tuple[float, float], do: Callable[[], None]) -> None:
        """Let something happen somewhere between so many minutes from now."""
        self.at(self.clock.now + timedelta(minutes=self.chance.uniform(*between)), do)

    def run(self, end: datetime) -> None:
        """Let everything happen that is due before the end."""
        while self._next and self._next[0][0] < end:
            self.clock.now, _, do = heapq.heappop(self._next)
            do()
        self.clock.now = end


def set_stage(app: App, begin: datetime = MONDAY, seed: int = 7) -> Stage:
    """A stage for an app that nobody has asked anything yet: it lives at another time than we."""
    clock = Clock(begin)
    app.people.clock = clock
    app.people.crm = _Flaky(app.people.crm, clock, begin + _OUTAGE)
    return Stage(app, clock, random.Random(seed))  # noqa: S311 - nothing is secret here


class _Flaky:
    """A CRM that cannot be reached for a while."""

    def __init__(self, crm: Crm, clock: Clock, down: datetime) -> None:
        self._crm, self._clock, self._down = crm, clock, down

    def find(self, customer_id: str) -> Customer | None:
        if self._down <= self._clock.now < self._down + _LASTS:
            raise UpstreamError("the CRM does not answer; see [crm]")
        return self._crm.find(customer_id)
