"""How the desk is doing: what waits, how old it is, and what was answered in time; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kbsupport.model import Escalation, Event, EventType, State

NO_TOPIC = "no topic"


@dataclass(frozen=True, slots=True)
class Tally:
    """What one specialist, or one topic, has open and has answered."""

    open: int = 0
    answered: int = 0
    first_in_time: int = 0
    in_time: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As `desk stats --json` shows it; `in_time_share` is null while nothing was answered."""
        share = round(self.in_time / self.answered, 4) if self.answered else None
        return {
            "open": self.open, "answered": self.answered,
            "first_in_time": self.first_in_time, "in_time": self.in_time,
            "in_time_share": share,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stats:
    """The desk in figures, at a moment."""

    at: datetime
    waiting: int
    assigned: int
    waiting_for_approval: int
    overdue: int
    oldest: Escalation | None
    opened: int
    handed_back: int
    total: Tally
    specialists: Mapping[str, Tally] = field(default_factory=dict)
    topics: Mapping[str, Tally] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """`desk stats --json`."""
        old = self.oldest
        since = old.opened_at.isoformat() if old else None
        return {
            "at": self.at.isoformat(), "waiting": self.waiting, "assigned": self.assigned,
            "waiting_for_approval": self.waiting_for_approval, "overdue": self.overdue,
            "oldest": {"id": old.id, "since": since} if old else None,
            "opened": self.opened, "handed_back": self.handed_back, **self.total.to_dict(),
            "specialists": {name: one.to_dict() for name, one in self.specialists.items()},
            "topics": {name: one.to_dict() for name, one in self.topics.items()},
        }  # fmt: skip


def tally(
    happened: Iterable[Event],
    waiting: Sequence[Escalation],
    at_work: Sequence[Escalation],
    now: datetime,
) -> Stats:
    """The figures of what is open, and of what the events tell of the rest."""
    kinds: Counter[EventType] = Counter()
    answers = []
    for event in happened:
        # The assistant answers tickets too; only a person's answer has an escalation.
        if "escalation" in event.body:
            kinds[event.type] += 1
            if event.type is EventType.TICKET_ANSWERED:
                answers.append(event.body)
    everything = [*waiting, *at_work]
    states = Counter(one.state for one in everything)
    return Stats(
        at=now,
        waiting=states[State.QUEUED],
        assigned=states[State.ASSIGNED],
        waiting_for_approval=states[State.WAITING_FOR_APPROVAL],
        overdue=sum(min(one.first_due, one.due) <= now for one in everything),
        oldest=min(waiting, key=lambda one: one.opened_at, default=None),
        opened=kinds[EventType.TICKET_ESCALATED],
        handed_back=kinds[EventType.TICKET_HANDED_BACK],
        total=_one(answers, len(at_work)),
        specialists=_by(answers, "by", Counter(one.owner or "" for one in at_work)),
        topics=_by(answers, "topic", Counter(one.topic or NO_TOPIC for one in everything)),
    )


def _by(answers: Sequence[Mapping[str, Any]], key: str, work: Counter[str]) -> dict[str, Tally]:
    names = sorted({str(body.get(key) or NO_TOPIC) for body in answers} | set(work))
    return {
        name: _one([b for b in answers if str(b.get(key) or NO_TOPIC) == name], work[name])
        for name in names
    }


def _one(answers: Sequence[Mapping[str, Any]], at_work: int) -> Tally:
    return Tally(
        open=at_work,
        answered=len(answers),
        first_in_time=sum(bool(body.get("first_in_time")) for body in answers),
        in_time=sum(bool(body.get("in_time")) for body in answers),
    )
