"""Moving the overdue on: what is due for an escalation, decided purely, and one sweep over all.

Four steps, each once and each with its own moment: whoever should have answered is reminded when
the first answer was due; somebody else is asked; the next level is; at the last deadline, the lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kbsupport.desk.approving import knows, reaches, who_may_decide
from kbsupport.desk.hours import add_working
from kbsupport.desk.rota import Need, Rota, choose
from kbsupport.desk.turns import Turn
from kbsupport.errors import Conflict, NotFound
from kbsupport.model import Escalation, EventType, Level, Specialist, State, Ticket
from kbsupport.store import approvals, conversations, escalations, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MANY = 10_000
# What was handed back and not answered, asked back and never explained, or written and not
# decided: people look at it.
_WITH_THE_ASSISTANT = frozenset(state for state in State if not state.with_a_person)


class Action(StrEnum):
    """What is done about an overdue escalation, in this order."""

    REMIND = "remind"
    REASSIGN = "reassign"
    RAISE = "raise"
    LEAD = "lead"

    @property
    def number(self) -> int:
        """What an escalation counts to when this was done."""
        return list(Action).index(self) + 1


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about one overdue escalation; `to` are those who are told of it."""

    action: Action
    number: int
    state: State
    level: Level
    owner: str | None
    wanted: str | None
    to: tuple[str, ...]
    next_action_at: datetime

    def values(self) -> dict[str, Any]:
        """What becomes of the escalation's row."""
        return {
            "step": self.number, "state": str(self.state), "level": str(self.level),
            "owner": self.owner, "wanted": self.wanted, "next_action_at": self.next_action_at,
        }  # fmt: skip

    def told(self, before: Escalation) -> dict[str, Any]:
        """What the event says of it."""
        return {
            "escalation": before.id, "action": str(self.action), "step": self.number,
            "level": str(self.level), "from": before.owner, "to": list(self.to),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: ids of escalations, of tickets taken back, and what is still to send."""

    reminded: tuple[str, ...] = ()
    reassigned: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    to_lead: tuple[str, ...] = ()
    requeued: tuple[str, ...] = ()
    undelivered: int = 0

    def lines(self) -> tuple[str, ...]:
        """The same in words, one line each."""
        said = (
            ("reminded", self.reminded), ("asked somebody else", self.reassigned),
            ("raised a level", self.raised), ("to the lead", self.to_lead),
            ("unanswered by the assistant, queued for people", self.requeued),
        )  # fmt: skip
        lines = [f"{words}: {', '.join(ids)}" for words, ids in said if ids]
        if self.undelivered:
            lines.append(f"messages still to send: {self.undelivered}")
        return tuple(lines) or ("nothing is overdue",)

    def to_dict(self) -> dict[str, Any]:
        """`desk sweep --json`."""
        return {
            "reminded": list(self.reminded), "reassigned": list(self.reassigned),
            "raised": list(self.raised), "to_lead": list(self.to_lead),
            "requeued": list(self.requeued), "undelivered": self.undelivered,
        }  # fmt: skip


def level_above(rota: Rota, topic: str | None, level: Level, without: frozenset[str]) -> Level:
    """The next level at which somebody but these and the lead fits; else the lead's."""
    while level is not Level.LEAD:
        level = level.next
        if level is not Level.LEAD and _others(rota, topic, level, without):
            return level
    return Level.LEAD


def moment_of(number: int, escalation: Escalation, rota: Rota, now: datetime) -> datetime:
    """When the step of this number is to be taken."""
    due = rota.due_for(escalation.tier)
    hours = rota.hours[due.hours]
    first_due, last_due = escalation.first_due, escalation.due
    if escalation.opened_at > now:
        # The clock was set back since: what was promised from a moment to come begins now.
        first_due, last_due = rota.deadlines(escalation.tier, now)
    if number <= Action.REMIND.number:
        return first_due
    if number < Action.LEAD.number:
        third = (due.solved - due.first) / 3
        return min(add_working(hours, first_due, third * (number - 1)), last_due)
    return add_working(hours, last_due, due.solved * (number - Action.LEAD.number))


def next_moment(escalation: Escalation, rota: Rota, now: datetime) -> datetime:
    """When the next step that can help is taken, if nothing happens before.

    Whoever was told just now gets time to act, however late the sweep is.
    """
    due = rota.due_for(escalation.tier)
    soonest = add_working(rota.hours[due.hours], now, due.first / 4)
    number = max(_next_action(escalation, rota).number, escalation.step + 1)
    return max(moment_of(number, escalation, rota, now), soonest)


def next_step(
    escalation: Escalation,
    rota: Rota,
    now: datetime,
    loads: Mapping[str, int] | None = None,
    reviewers: tuple[str, ...] = (),
) -> Step:
    """What to do about an escalation that is overdue; `reviewers` are those an approval waits for.

    A step that cannot help is passed over: there is nobody else to ask, or no level above. Once it
    is with the lead, the lead is reminded again after each further term.
    """
    action = _next_action(escalation, rota)
    moved, to = escalation, reviewers
    approving = escalation.state is State.WAITING_FOR_APPROVAL
    if action is Action.LEAD:
        lead = rota.lead.id
        moved, to = replace(escalation, level=Level.LEAD, wanted=lead), (lead,)
        # An answer that is written stays with its author; only the yes is asked of the lead.
        if not approving and escalation.owner != lead:
            moved = replace(moved, state=State.QUEUED, owner=None)
    elif action is not Action.REMIND:
        moved, to = _to_others(action, escalation, rota, now, loads or {})
    elif not approving:
        to = _whose(escalation, rota, now)
    moved = replace(moved, step=max(action.number, escalation.step + 1))
    return Step(
        action, moved.step, moved.state, moved.level, moved.owner, moved.wanted, to,
        next_moment(moved, rota, now),
    )  # fmt: skip


def _next_action(escalation: Escalation, rota: Rota) -> Action:
    """The first step that was not taken and can help; the lead can, as often as it takes."""
    ways = [Action.REMIND]
    if escalation.state is not State.WAITING_FOR_APPROVAL and escalation.owner != rota.lead.id:
        topic, level, without = escalation.topic, escalation.level, _had(escalation)
        if _others(rota, topic, level, without):
            ways.append(Action.REASSIGN)
        if level_above(rota, topic, level, without) is not Level.LEAD:
            ways.append(Action.RAISE)
    return next((way for way in ways if way.number > escalation.step), Action.LEAD)


def _to_others(
    action: Action, escalation: Escalation, rota: Rota, now: datetime, loads: Mapping[str, int]
) -> tuple[Escalation, tuple[str, ...]]:
    topic, level, without = escalation.topic, escalation.level, _had(escalation)
    if action is Action.RAISE:
        level = level_above(rota, topic, level, without)
    # By skill alone: the rule that names a person had its time, and that person did not answer.
    others = _others(rota, topic, level, without)
    pool = replace(rota, rules=(), specialists=tuple(others))
    need = Need(topic, escalation.tier, escalation.language, level)
    chosen = choose(pool, need, loads, now).specialist
    wanted = chosen.id if chosen else None
    moved = replace(escalation, state=State.QUEUED, level=level, owner=None, wanted=wanted)
    return moved, (chosen.id,) if chosen else tuple(person.id for person in others)


def _others(
    rota: Rota, topic: str | None, level: Level, without: frozenset[str]
) -> list[Specialist]:
    return [
        person
        for person in rota.specialists
        if person != rota.lead
        and not person.away
        and person.id not in without
        and knows(person, topic)
        and reaches(person, level)
    ]


def _had(escalation: Escalation) -> frozenset[str]:
    """Who had it or was asked, and did not answer."""
    return frozenset(filter(None, (escalation.owner, escalation.wanted)))


def _whose(escalation: Escalation, rota: Rota, now: datetime) -> tuple[str, ...]:
    one = escalation.owner or escalation.wanted
    if one is not None:
        return (one,)
    able = _others(rota, escalation.topic, escalation.level, frozenset())
    return tuple(p.id for p in able if rota.on_shift(p, now)) or (rota.lead.id,)


class Sweep:
    """One sweep: each overdue escalation gets its step in a transaction of its own.

    Killed in between, it has done some and left the others for the next one; two at once share
    them, for a step is taken only from the version that was seen.
    """

    def __init__(
        self,
        rota: Rota,
        now: datetime,
        read: Callable[[], AbstractContextManager[Connection]],
        turn: Callable[[], AbstractContextManager[Turn]],
        requeue: Callable[[Turn, Ticket], object],
    ) -> None:
        self._rota, self._now = rota, now
        self._read, self._turn, self._requeue = read, turn, requeue

    def run(self) -> Swept:
        """Move on everything that is overdue now."""
        now = self._now
        with self._read() as connection:
            late = escalations.overdue(connection, now, _MANY)
            held = [*escalations.waiting(connection, _MANY), *escalations.at_work(connection)]
            back = tickets.past(connection, _WITH_THE_ASSISTANT, now, _MANY)
        for one in held:
            if one.next_action_at > next_moment(one, self._rota, now):
                self._pull_back(one)
        done = [(one.id, self._take(one)) for one in late]
        again = [ticket.id for ticket in back if self._take_back(ticket)]
        with self._read() as connection:
            unsent = len(conversations.pending(connection, now, _MANY))

        def by(action: Action) -> tuple[str, ...]:
            return tuple(one for one, taken in done if taken is action)

        return Swept(
            by(Action.REMIND), by(Action.REASSIGN), by(Action.RAISE), by(Action.LEAD),
            tuple(again), unsent,
        )  # fmt: skip

    def _take(self, one: Escalation) -> Action | None:
        """What was done about it; None if somebody was faster."""
        try:
            with self._turn() as turn:
                loads = escalations.loads(turn.connection)
                step = next_step(one, self._rota, self._now, loads, self._reviewers(turn, one))
                moved = escalations.change(
                    turn.connection, one.id, step.values(), states={one.state},
                    expected=one.version,
                )  # fmt: skip
                turn.follow_if_moved(moved)
                turn.tell(EventType.TICKET_OVERDUE, one.ticket_id, step.told(one))
        except (Conflict, NotFound):
            return None  # claimed, answered, erased or swept in the meantime: not overdue as seen
        return step.action

    def _reviewers(self, turn: Turn, one: Escalation) -> tuple[str, ...]:
        if one.state is not State.WAITING_FOR_APPROVAL:
            return ()
        asked = approvals.approvals_of(turn.connection, one.id)[-1]
        return who_may_decide(self._rota, turn.ticket(one.ticket_id), one, asked)

    def _pull_back(self, one: Escalation) -> None:
        """Undo what a clock did that ran ahead: nothing that is open waits longer than it may."""
        sooner = {"next_action_at": next_moment(one, self._rota, self._now)}
        with suppress(Conflict, NotFound), self._turn() as turn:
            escalations.change(
                turn.connection, one.id, sooner, states={one.state}, expected=one.version
            )

    def _take_back(self, ticket: Ticket) -> bool:
        try:
            with self._turn() as turn:
                self._requeue(turn, ticket)
        except Conflict:
            return False  # the assistant or a person has just gone on with it
        return True
