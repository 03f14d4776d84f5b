"""The desk: where what was handed over waits, and where people take, answer and hand it back.

Every change is one transaction: state of ticket and escalation, the message, the event, the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.desk.approving import check_decider, why_not, yes_needed
from kbsupport.desk.briefs import DeskBrief, compose
from kbsupport.desk.queueing import Line, Listed, Order
from kbsupport.desk.rota import Need, Rota, choose, expected_wait, ruled
from kbsupport.desk.stats import Stats, tally
from kbsupport.desk.sweeping import Sweep, Swept, level_above
from kbsupport.desk.turns import Answered, Turn, all_events
from kbsupport.errors import ConfigError, Conflict, NotAllowed
from kbsupport.model import MOVES, Approval, Escalation, EventType, Level, State, Ticket, storable
from kbsupport.store import approvals, conversations, customers, escalations, keys, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

_ALL = 1_000_000
_OTHERS = 20


@dataclass(frozen=True, slots=True)
class Handover:
    """A ticket that people take over, and what the triage knows of it."""

    ticket: Ticket
    topic: str | None
    urgent: bool = False
    frustration: float = 0.0
    language: str | None = None
    level: Level = Level.FRONTLINE


@dataclass(frozen=True, slots=True)
class Opened:
    """An escalation in the queue: its place there, from 1, and how long it will wait."""

    escalation: Escalation
    position: int
    expected_wait: timedelta


class Desk:
    """What people do with escalations, and what happens to those that nobody looks after."""

    def __init__(
        self,
        database: Database,
        rota: Callable[[], Rota],
        audit_key: bytes,
        tiers: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._rota, self._audit_key = database, rota, audit_key
        self._tiers, self._clock = tuple(tiers), clock
        self._last: str | None = None
        self._line = Line()

    def open(self, connection: Connection, handover: Handover, *, cause: int | None) -> Opened:
        """Queue a ticket for people, in the caller's transaction; one they have already stays."""
        turn = Turn(connection, "assistant", self._clock(), self._audit_key)
        return self._open(turn, handover, cause)

    def list(self, by: str | None = None) -> Sequence[Listed]:
        """What waits, the most pressing first, then what people are at; or what concerns one."""
        now, rota = self._clock(), self._rota()
        with self._database.read() as connection:
            waiting = self._order(now).sort(escalations.waiting(connection))
            taken = escalations.at_work(connection, by)
            places = {one.id: place for place, one in enumerate(waiting, 1)}
            if by is not None:
                waiting = [one for one in waiting if why_not(one, rota, by, now) is None]
            rows = []
            for one in (*waiting, *taken):
                ticket = tickets.find_ticket(connection, one.ticket_id)
                if ticket is not None:
                    rows.append(Listed(self._order(now).aged(one), ticket, places.get(one.id)))
        return tuple(rows)

    def claim(self, id: str, by: str) -> Escalation:
        """Take an escalation; of several who try at once, one gets it."""
        with self._turn(by) as turn:
            found = turn.escalation(id)
            refused = why_not(found, self._rota(), by, turn.now)
            if refused is not None:
                raise NotAllowed(f"{by} cannot take {found.id}: {refused}")
            made = escalations.claim(turn.connection, found.id, by, turn.now)
            turn.follow(made, next_action_at=made.next_action_at)
            turn.tell(EventType.TICKET_CLAIMED, made.ticket_id, _of(made))
        return made

    def release(self, id: str, by: str) -> Escalation:
        """Put an escalation back into the queue; the lead may do so with anybody's."""
        freed = {"state": str(State.QUEUED), "owner": None, "wanted": None, "claimed_at": None}
        with self._turn(by) as turn:
            owner = None if by == self._rota().lead.id else by
            made = escalations.change(
                turn.connection, id, freed, states={State.ASSIGNED}, owner=owner
            )
            turn.follow(made, next_action_at=made.next_action_at)
            turn.tell(EventType.TICKET_RELEASED, made.ticket_id, _of(made))
        return made

    def draft(self, id: str, by: str, text: str) -> Escalation:
        """Keep a reply that is not ready."""
        with self._turn(by) as turn:
            made = escalations.change(
                turn.connection, id, {"draft": storable(text)}, states={State.ASSIGNED}, owner=by
            )
            turn.audit("escalation.drafted", made.id, {})
        return made

    def answer(
        self, id: str, by: str, text: str, key: str | None = None, insisted: Sequence[str] = ()
    ) -> Answered:
        """Answer the customer, or ask for the yes that this answer needs; a key does it once.

        `insisted` names the faults in spite of which it is sent.
        """
        _check_words(text, "an answer")
        asked = hashlib.sha256(f"{id.upper()}\0{by}\0{text}".encode("utf-8", "replace"))
        with self._turn(by) as turn:
            named = None if key is None else f"desk.answer:{key}"
            before = keys.kept(turn.connection, named, asked.hexdigest()) if named else None
            if before is not None:
                return Answered(**before)
            done = self._answer(turn, id, text)
            if insisted:
                turn.audit("reply.insisted", done.escalation_id, {"faults": list(insisted)})
            if named:
                keys.keep(turn.connection, named, asked.hexdigest(), done.to_dict(), turn.now)
        return done

    def approve(
        self, approval_id: str, by: str, text: str | None = None, note: str | None = None
    ) -> Approval:
        """Agree to an answer and send it; with a text, that is sent instead."""
        if text is not None:
            _check_words(text, "an answer")
        with self._turn(by) as turn:
            made = self._decide(turn, approval_id, approved=True, note=note, text=text)
            given = turn.tell(EventType.APPROVAL_GIVEN, made.ticket_id, _asked(made))
            state = State.WAITING_FOR_APPROVAL
            self._send(turn, made.escalation_id, made.text, made.asked_by, state, given)
        return made

    def reject(self, approval_id: str, by: str, note: str) -> Approval:
        """Refuse an answer; whoever wrote it has it again, with the note."""
        _check_words(note, "a rejection")
        with self._turn(by) as turn:
            made = self._decide(turn, approval_id, approved=False, note=note)
            back = escalations.change(
                turn.connection, made.escalation_id,
                {"state": str(State.ASSIGNED), "draft": made.text},
                states={State.WAITING_FOR_APPROVAL},
            )  # fmt: skip
            ticket = turn.follow(back, next_action_at=back.next_action_at)
            turn.note(ticket, note)
            turn.tell(
                EventType.APPROVAL_REFUSED, made.ticket_id, {**_asked(made), "to": [made.asked_by]}
            )
        return made

    def hand_back(self, id: str, by: str, note: str = "") -> Escalation:
        """Give the conversation back to the assistant, which speaks again from here on."""
        with self._turn(by) as turn:
            over = {"state": str(State.HANDED_BACK)}
            made = escalations.change(turn.connection, id, over, states={State.ASSIGNED}, owner=by)
            # If nothing comes of it by then, `sweep` puts it before people again.
            _, until = self._rota().deadlines(made.tier, turn.now)
            ticket = turn.follow(made, next_action_at=until)
            if note.strip():
                turn.note(ticket, note)
            turn.tell(EventType.TICKET_HANDED_BACK, made.ticket_id, _of(made))
        return made

    def close(self, ticket_id: str, by: str) -> Ticket:
        """Close a ticket, and with it the escalation and the approval that are still open."""
        with self._turn(by) as turn:
            found = escalations.open_of(turn.connection, ticket_id)
            if found is not None:
                turn.call_off(found)
            closed = tickets.move(
                turn.connection, ticket_id, State.CLOSED, now=turn.now, owner=None,
                next_action_at=None,
            )  # fmt: skip
            turn.tell(EventType.TICKET_CLOSED, closed.id, _of(found) if found else {})
        return closed

    def reopen(self, ticket_id: str, by: str) -> Ticket:
        """Queue a ticket that nobody has any more, a level higher if a person answered it."""
        with self._turn(by) as turn:
            ticket = turn.ticket(ticket_id)
            if ticket.state is State.NEW:
                raise Conflict(f"{ticket.id} is new, nothing was decided for it yet; wait a moment")
            self._reopen(turn, ticket)
            return turn.ticket(ticket_id)

    def brief(self, id: str, by: str | None = None) -> DeskBrief:
        """All that a specialist reads first; `by` leaves a trace of who read it."""
        now = self._clock()
        with self._database.write() if by else self._database.read() as connection:
            turn = Turn(connection, by or "", now, self._audit_key)
            found = turn.escalation(id)
            ticket = turn.ticket(found.ticket_id)
            whose = ticket.customer_id
            if by:
                turn.audit("brief.read", found.id, {})
            return compose(
                self._order(now).aged(found),
                ticket,
                history=conversations.messages(connection, ticket.conversation_id),
                approvals=approvals.approvals_of(connection, found.id),
                others=tickets.tickets(connection, None, _OTHERS, whose) if whose else (),
                customer=customers.find_customer(connection, whose) if whose else None,
            )

    def sweep(self, now: datetime | None = None) -> Swept:
        """Move the overdue on: each gets its next step, once, whoever else sweeps."""
        moment = (now or self._clock()).astimezone(UTC)

        def turn() -> AbstractContextManager[Turn]:
            return self._turn("sweep", moment)

        return Sweep(self._rota(), moment, self._database.read, turn, self._reopen).run()

    def stats(self) -> Stats:
        """What waits, how old it is, and what was answered in time."""
        with self._database.read() as connection:
            waiting = escalations.waiting(connection, _ALL)
            taken = escalations.at_work(connection)
            return tally(all_events(connection), waiting, taken, self._clock())

    @contextmanager
    def _turn(self, by: str, now: datetime | None = None) -> Iterator[Turn]:
        self._line.forget()
        with self._database.write() as connection:
            yield Turn(connection, by, now or self._clock(), self._audit_key)

    def _open(self, turn: Turn, handover: Handover, cause: int | None = None) -> Opened:
        rota, ticket, now = self._rota(), handover.ticket, turn.now
        queue = self._line.rows(now, lambda: escalations.in_line(turn.connection, now))
        loads = escalations.loads(turn.connection)
        held = escalations.newest_of(turn.connection, ticket.id)
        level = _level(rota, handover, held)
        need = ruled(rota, Need(handover.topic, ticket.tier, handover.language, level))
        if held is None or not held.state.with_a_person:
            chosen = choose(rota, need, loads, now, self._last).specialist
            self._last = chosen.id if chosen else self._last
            wanted = chosen.id if chosen else need.wanted
            held = self._queue(turn, handover, need.level, wanted, rota)
            told = {**_of(held), "level": str(held.level), "to": [wanted] if wanted else []}
            turn.tell(EventType.TICKET_ESCALATED, ticket.id, told, cause=cause)
            ahead = self._order(now).ahead(held, queue)
            self._line.add(escalations.standing_of(held))
        else:
            # It stands in that queue itself.
            ahead = max(0, self._order(now).ahead(held, queue) - 1)
        return Opened(held, ahead + 1, expected_wait(rota, need, ahead, loads, now))

    def _queue(
        self, turn: Turn, handover: Handover, level: Level, wanted: str | None, rota: Rota
    ) -> Escalation:
        ticket = handover.ticket
        first_due, due = rota.deadlines(ticket.tier, turn.now)
        worth = self._order(turn.now).first(
            urgent=handover.urgent, tier=ticket.tier, frustration=handover.frustration
        )
        made = escalations.open_escalation(
            turn.connection, ticket.id, topic=handover.topic, tier=ticket.tier, level=level,
            language=handover.language, urgent=handover.urgent, priority=worth.value,
            why_priority=worth.why, first_due=first_due, due=due, next_action_at=first_due,
            wanted=wanted, now=turn.now,
        )  # fmt: skip
        # One that the caller has queued already stands where it should.
        if State.QUEUED in MOVES[ticket.state]:
            tickets.move(
                turn.connection, ticket.id, State.QUEUED, now=turn.now, owner=None,
                next_action_at=first_due, topic=handover.topic,
            )  # fmt: skip
        return made

    def _reopen(self, turn: Turn, ticket: Ticket) -> Opened:
        if ticket.state.with_a_person:
            raise Conflict(
                f"{ticket.id} is {ticket.state.replace('_', ' ')}, so there is nothing to reopen; "
                f"see: kbsupport ticket show {ticket.id}"
            )
        before = escalations.newest_of(turn.connection, ticket.id)
        cause = turn.tell(EventType.TICKET_REOPENED, ticket.id, _of(before) if before else {})
        urgent, mood = False, 0.0
        if before is not None:
            urgent, mood = before.urgent, self._order(turn.now).mood(before)
        again = Handover(ticket, ticket.topic, urgent, mood, ticket.language)
        return self._open(turn, again, cause)

    def _answer(self, turn: Turn, id: str, text: str) -> Answered:
        found = turn.escalation(id)
        ticket = turn.ticket(found.ticket_id)
        yes = yes_needed(self._rota(), ticket, found, text, turn.by)
        if yes is None:
            return self._send(turn, found.id, text, turn.by, State.ASSIGNED)
        if not yes.by:
            raise NotAllowed(f"{yes.why}, and the rota has no other reviewer; add one")
        waits = {"state": str(State.WAITING_FOR_APPROVAL), "draft": storable(text)}
        made = escalations.change(
            turn.connection, found.id, waits, states={State.ASSIGNED}, owner=turn.by
        )
        turn.follow(made, next_action_at=made.next_action_at)
        asked = approvals.ask_approval(
            turn.connection, escalation_id=made.id, ticket_id=ticket.id, why=yes.why, text=text,
            asked_by=turn.by, now=turn.now,
        )  # fmt: skip
        turn.tell(EventType.APPROVAL_ASKED, ticket.id, {**_asked(asked), "to": list(yes.by)})
        return Answered(
            made.id, ticket.id, str(made.state), approval_id=asked.id, why=yes.why,
            approver=" or ".join(yes.by),
        )  # fmt: skip

    def _send(
        self, turn: Turn, id: str, text: str, author: str, state: State, cause: int | None = None
    ) -> Answered:
        over = {"state": str(State.ANSWERED), "answered_at": turn.now, "draft": None}
        made = escalations.change(turn.connection, id, over, states={state}, owner=author)
        ticket = turn.follow(made, next_action_at=None)
        said = turn.send(ticket, text, author)
        told = {
            **_of(made), "by": author, "message": said.id, "topic": made.topic,
            "first_in_time": turn.now <= made.first_due, "in_time": turn.now <= made.due,
        }  # fmt: skip
        turn.tell(EventType.TICKET_ANSWERED, ticket.id, told, cause=cause)
        return Answered(made.id, ticket.id, str(made.state), seq=said.seq)

    def _decide(
        self,
        turn: Turn,
        approval_id: str,
        *,
        approved: bool,
        note: str | None,
        text: str | None = None,
    ) -> Approval:
        found = approvals.find_approval(turn.connection, approval_id)
        # One that was decided before is a Conflict, whoever asks; the store says so.
        if found is not None and found.state == "waiting":
            held = turn.escalation(found.escalation_id)
            check_decider(self._rota(), turn.ticket(found.ticket_id), held, found, turn.by)
        return approvals.decide_approval(
            turn.connection, approval_id, by=turn.by, approved=approved, note=note, text=text,
            now=turn.now,
        )  # fmt: skip

    def _order(self, now: datetime) -> Order:
        return Order(self._tiers, now)


def _level(rota: Rota, handover: Handover, before: Escalation | None) -> Level:
    """The level asked for; one higher than whoever answered before, for it did not help."""
    if before is None:
        return handover.level
    at_least = before.level
    if before.answered_at is not None:
        at_least = level_above(rota, handover.topic, at_least, frozenset())
    return max(handover.level, at_least, key=list(Level).index)


def _check_words(text: str, what: str) -> None:
    if not text.strip():
        raise ConfigError(f"{what} without words is none; write a text")


def _of(one: Escalation) -> dict[str, Any]:
    return {"escalation": one.id}


def _asked(one: Approval) -> dict[str, Any]:
    return {"escalation": one.escalation_id, "approval": one.id}
