"""The order of the queue: each escalation with the priority that it has at a moment; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.desk.priority import MOOD, Priority, priority, worths
from kbsupport.model import Escalation, Ticket

if TYPE_CHECKING:
    from kbsupport.store.escalations import Standing

_NO_TIME, _FRESH = timedelta(0), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """One escalation with the priority that it has now, and its place if it waits."""

    escalation: Escalation
    ticket: Ticket
    position: int | None

    def to_dict(self) -> dict[str, Any]:
        """One row of `desk list --json`."""
        return self.escalation.to_dict() | {
            "position": self.position, "customer_id": self.ticket.customer_id,
            "reason": self.ticket.reason, "question": self.ticket.question,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """Orders escalations at one moment; `tiers` are those there are, the strictest last."""

    tiers: tuple[str, ...]
    now: datetime

    def first(self, *, urgent: bool, tier: str, frustration: float) -> Priority:
        """What an escalation counts when it is opened."""
        return priority(
            urgent=urgent, tier_rank=self._rank(tier), frustration=frustration, waited=_NO_TIME
        )

    def mood(self, one: Escalation) -> float:
        """How upset the customer was: what the first priority holds beside its other parts."""
        calm = self.first(urgent=one.urgent, tier=one.tier, frustration=0.0).value
        return min(1.0, max(0.0, (one.priority / calm - 1.0) / MOOD))

    def worth(self, one: Escalation) -> Priority:
        """What it counts now."""
        return priority(
            urgent=one.urgent, tier_rank=self._rank(one.tier), frustration=self.mood(one),
            waited=self.now - one.opened_at,
        )  # fmt: skip

    def aged(self, one: Escalation) -> Escalation:
        """The escalation with the priority that it has now."""
        worth = self.worth(one)
        return replace(one, priority=worth.value, why_priority=worth.why)

    def place(self, one: Escalation) -> tuple[float, datetime, int]:
        """A key to sort by: the most pressing first, of equals the oldest."""
        return -self.worth(one).value, one.opened_at, int(one.id.rpartition("-")[2])

    def sort(self, waiting: Sequence[Escalation]) -> list[Escalation]:
        """What waits, in the order in which it should be taken."""
        return sorted(waiting, key=self.place)

    def ahead(self, one: Escalation, others: Sequence[Standing]) -> int:
        """How many of the others come before one that is opened now."""
        import numpy as np

        if not others:
            return 0
        first, pressing, tiers, waited = zip(*others, strict=True)
        ranks = {tier: self._rank(tier) for tier in set(tiers)}
        rank, urgent = np.asarray([ranks[t] for t in tiers], float), np.asarray(pressing, float)
        nothing = np.zeros(len(others))
        mood = (np.asarray(first) / worths(urgent, rank, nothing, nothing) - 1.0) / MOOD
        now = worths(urgent, rank, mood, np.asarray(waited, float))
        return int((now >= self.worth(one).value).sum())

    def _rank(self, tier: str) -> int:
        # A tier that is not set any more counts as the strictest.
        return self.tiers.index(tier) if tier in self.tiers else len(self.tiers) - 1


class Line:
    """What waits, as it was read less than a second ago, and what was added since.

    A long queue is not read again for every question of a busy second: what a customer is told of
    their place may lack what other processes did in it.
    """

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        self._rows: list[Standing] = []

    def rows(self, now: datetime, read: Callable[[], Sequence[Standing]]) -> Sequence[Standing]:
        """All that stands in line."""
        if self._read_at is None or abs(now - self._read_at) > _FRESH:
            self._rows, self._read_at = list(read()), now
        return self._rows

    def add(self, standing: Standing) -> None:
        """Put one more at its end."""
        self._rows.append(standing)

    def forget(self) -> None:
        """Read it anew the next time: somebody left it."""
        self._read_at = None
