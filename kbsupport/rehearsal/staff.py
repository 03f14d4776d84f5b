"""Specialists as chance would have them: they claim while on shift, answer, agree and refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kbsupport.errors import Conflict, NotAllowed
from kbsupport.model import Specialist, Ticket
from kbsupport.rehearsal.stage import Stage

# How much longer one takes than usual, and how often another's answer does not help.
PACE = {"devices-1": 3.0}
MISSES = {"frontline-1": 0.4}
USUALLY_MISSES, REFUSED = 0.08, 0.15
_MINUTES = (10.0, 90.0)
_AT_ONCE = 2
_MONEY = frozenset({"refund", "billing_dispute"})
_REFUND = "We have refunded the amount in question; it takes up to five working days."
_SOLVED = "We looked into it and have put it right. Please write back if anything is missing."


@dataclass
class Staff:
    """Everybody on the rota; `read` is what the customer does once an answer is there."""

    stage: Stage
    read: Callable[..., None]
    _ready: dict[str, datetime] = field(default_factory=dict)
    _wanted: dict[str, list[str]] = field(default_factory=dict)

    def work(self) -> None:
        """What everybody on shift does in half an hour; then whatever is overdue moves on."""
        people, now = self.stage.app.people, self.stage.clock.now
        rota = people.rota()
        on_shift = [one for one in rota.specialists if rota.on_shift(one, now)]
        if on_shift:
            self._agree({one.id for one in on_shift})
            self._answer({one.id for one in on_shift})
            self._claim(on_shift)
        if now.minute == 0:
            people.sweep(now)

    def _claim(self, on_shift: list[Specialist]) -> None:
        desk, now = self.stage.app.desk, self.stage.clock.now
        load = Counter(one.escalation.owner for one in desk.list())
        for person in on_shift:
            room = min(_AT_ONCE, person.capacity - load[person.id])
            waiting = [o.escalation for o in desk.list(person.id) if o.escalation.owner is None]
            theirs = [one for one in waiting if one.wanted in {None, person.id}]
            for one in theirs[: max(0, room)]:
                desk.claim(one.id, person.id)
                minutes = self.stage.chance.uniform(*_MINUTES) * PACE.get(person.id, 1.0)
                self._ready[one.id] = now + timedelta(minutes=minutes)

    def _answer(self, on_shift: set[str]) -> None:
        desk, now = self.stage.app.desk, self.stage.clock.now
        for row in desk.list():
            one = row.escalation
            owner = one.owner or ""
            if owner not in on_shift or one.state != "assigned":
                continue
            if self._ready.get(one.id, now) > now:
                continue
            done = desk.answer(one.id, owner, _text(row.ticket))
            if done.approval_id is not None:
                self._wanted[done.approval_id] = (done.approver or "").split(" or ")
            else:
                self._sent(one.ticket_id, owner)

    def _agree(self, on_shift: set[str]) -> None:
        """A reviewer who is there says yes or no to what was asked before."""
        desk = self.stage.app.desk
        for approval, wanted in list(self._wanted.items()):
            able = [one for one in wanted if one in on_shift]
            if not able:
                continue
            del self._wanted[approval]
            try:
                if self.stage.chance.random() < REFUSED:
                    desk.reject(approval, able[0], "name no date that we cannot keep")
                    continue
                agreed = desk.approve(approval, able[0])
            except (Conflict, NotAllowed):
                continue  # the lead was faster, or it is the reviewer's own
            self._sent(agreed.ticket_id, agreed.asked_by)

    def _sent(self, ticket_id: str, by: str) -> None:
        helped = self.stage.chance.random() >= MISSES.get(by, USUALLY_MISSES)
        self.stage.later((5, 90), lambda: self.read(ticket_id, helped=helped))


def _text(ticket: Ticket) -> str:
    return _REFUND if ticket.reason in _MONEY else _SOLVED
