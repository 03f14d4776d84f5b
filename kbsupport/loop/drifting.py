"""Drift: are the tickets of now still like those that the certificate was made from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kbsupport.loop.scale import asked_by_alarm
from kbsupport.model import (
    AUTO_RESOLVE,
    ESCALATE,
    Alarm,
    EventType,
    Evidence,
    Outcome,
    Proposal,
    Review,
    ReviewKind,
    ReviewState,
    Signals,
)
from kbsupport.store import decisions, events, reviews
from kbsupport.triage.live import Suspension
from kbsupport.watch.asking import wanted
from kbsupport.watch.drift import Drift, drift, gone
from kbsupport.watch.reference import Observed, Reference, observed

if TYPE_CHECKING:
    from collections.abc import Callable

    from kbsupport.loop.switches import Switches
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView
    from kbsupport.triage.certificate import Certificate

ALPHA = 0.05
# Enough to prove something, few enough for an afternoon.
_ASKED = 30
# How the reason of each label begins that an alarm asks for.
CHANGED = "tickets have changed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the recent tickets found, and what was done about it."""

    certificate: str | None
    said: str
    found: Drift | None = None
    alarm: Alarm | None = None
    asked: int = 0

    def to_dict(self) -> dict[str, Any]:
        """`drift --json`."""
        found = self.found
        return {
            "certificate": self.certificate, "said": self.said,
            "alarm": self.alarm.to_dict() if self.alarm else None,
            "drifted": bool(found and found.alarm), "p": found.p if found else None,
            "alpha": ALPHA, "tickets": found.tickets if found else 0,
            "changed": [one.said for one in found.changed] if found else [],
            "labels_asked": self.asked,
        }  # fmt: skip


class Drifting:
    """Looks at the tickets since the certificate, and takes back what they no longer allow."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        switches: Switches,
        lead: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._shelf, self._switches = database, shelf, switches
        self._lead, self._clock = lead, clock

    def look(self) -> Looked:
        """Compare; where the assumption is gone, suspend that part and ask for labels of it."""
        held = self._shelf.standing().certificate
        kept = self._shelf.reference()
        if held is None:
            return Looked(None, "there is no certificate, so nothing can drift away from it")
        if kept is None or kept.get("certificate") != held.id:
            return Looked(held.id, f"nothing was kept of what {held.id} was made from")
        since = datetime.fromisoformat(held.created_at)
        with self._database.read() as connection:
            rows = decisions.decided_since(connection, since)
        recent = [row for row in map(_observed, _first_ones(rows)) if row is not None]
        found = drift(Reference.from_dict(kept), recent, ALPHA)
        if not found.alarm:
            return Looked(held.id, found.said, found)
        return self._raise(held, found, recent, {row.id: row for row in rows})

    def _raise(
        self,
        held: Certificate,
        found: Drift,
        recent: Sequence[Observed],
        rows: dict[str, DecisionView],
    ) -> Looked:
        groups = gone(found, held.by or "tier", tuple(held.tiers))
        now, said = self._clock(), f"{held.id}: {found.said}"
        threshold = min(
            (b.threshold for b in held.tiers.values() if b.threshold is not None), default=None
        )
        with self._database.write() as connection:
            standing = reviews.alarms(connection, standing_only=True)
            if any(one.kind == "drift" and one.certificate == held.id for one in standing):
                return Looked(held.id, said, found)
            body = {"p": found.p, "tickets": found.tickets, "groups": sorted(groups)}
            raised = reviews.raise_alarm(
                connection, kind="drift", certificate=held.id, said=said, body=body, now=now
            )
            asked = sum(
                reviews.ask_review(connection, _review(rows[one.key], one.worth, one.why, now))
                for one in wanted(recent, found, threshold, _ASKED)
            )
            events.record(
                connection, EventType.ALARM_RAISED, now=now,
                body={"alarm": raised.id, "kind": "drift", "to": [self._lead()]},
            )  # fmt: skip
        every = set(held.tiers) <= groups
        part = () if every else tuple(sorted(groups))
        suspended = Suspension(said, now.isoformat())
        by_topic = held.by == "topic"
        self._switches.suspend(
            replace(suspended, topics=part) if by_topic else replace(suspended, tiers=part)
        )
        return Looked(held.id, said, found, raised, asked)


def _first_ones(rows: Sequence[DecisionView]) -> list[DecisionView]:
    """What follows in a conversation is like its beginning, so only that one counts."""
    begun: set[str] = set()
    first = []
    for row in rows:
        of = row.question.get("conversation_id")
        if of is None or of not in begun:
            first.append(row)
            begun.add(of or row.id)
    return first


def _observed(row: DecisionView) -> Observed | None:
    if row.inputs is None:
        return None
    case, body = row.inputs["case"], row.body
    evidence = {name: value for name, value in body["evidence"].items() if name != "rule"}
    return observed(
        row.id,
        Evidence.from_dict(evidence),
        Signals.from_dict(body["signals"]),
        probability=case["probability"],
        tier=case["tier"],
        article=case["order"][0] if case["order"] else None,
        topic=case["topic"],
    )


def _review(row: DecisionView, worth: float, why: str, now: datetime) -> Review:
    answered = row.body["outcome"] == Outcome.RESOLVE
    best = row.body["article_id"]
    proposed = Proposal(AUTO_RESOLVE, (best,)) if answered and best else Proposal(ESCALATE)
    return Review(
        id="",
        kind=ReviewKind.LABEL,
        decision_id=row.id,
        ticket_id=row.body["ticket_id"],
        asked_at=now,
        why=f"{CHANGED}: {why}",
        worth=asked_by_alarm(worth),
        proposed=proposed,
        state=ReviewState.OPEN,
        tier=row.body["customer"]["tier"],
        topic=(row.inputs or {}).get("case", {}).get("topic"),
    )
