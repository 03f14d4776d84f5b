"""Keep what one turn of a conversation came to: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.desk.desk import Handover
from kbsupport.errors import Conflict
from kbsupport.mind import Thought
from kbsupport.model import (
    Answer,
    Attachment,
    Author,
    Brief,
    Customer,
    Delivery,
    EventType,
    Outcome,
    Question,
    Reply,
    Review,
    State,
    Ticket,
    message_key,
)
from kbsupport.standing import keep_artefacts
from kbsupport.store import audit, conversations, decisions, events, reviews, tickets, waiting
from kbsupport.thread import Thread, read_thread

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.desk.desk import Desk
    from kbsupport.replies import Replies
    from kbsupport.store.database import Database

# Which answers are audited is settled while they are kept, so that none can slip through.
Draw = Callable[[Reply, str | None], Review | None]

_BECOMES = {
    Outcome.RESOLVE: State.ANSWERED,
    Outcome.REPLY: State.ANSWERED,
    Outcome.CLARIFY: State.CLARIFYING,
    Outcome.ESCALATE: State.QUEUED,
}
_TOLD = {
    State.ANSWERED: EventType.TICKET_ANSWERED,
    State.CLARIFYING: EventType.TICKET_CLARIFYING,
}
# A customer who was asked something back and never wrote again is looked at then.
_PATIENCE = timedelta(days=7)
_ASSISTANT = "assistant"


class Overtaken(Conflict):
    """Another message of the conversation was kept meanwhile: think again, with it."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__(f"{conversation_id} got another message meanwhile; send yours again")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, what was thought of it, and what goes back."""

    question: Question
    customer: Customer
    thread: Thread
    thought: Thought
    reply: Reply
    suggested: Answer | None = None
    attachments: tuple[Attachment, ...] = ()


class Keeper:
    """The one place that writes what the assistant did."""

    def __init__(
        self,
        database: Database,
        desk: Callable[[], Desk],
        replies: Replies,
        audit_key: Callable[[], bytes],
        clock: Callable[[], datetime],
        draw: Draw,
    ) -> None:
        self._database, self._desk, self._replies = database, desk, replies
        self._audit_key, self._clock, self._draw = audit_key, clock, draw
        self._artefacts: dict[str, str] = {}

    def thread(self, question: Question) -> Thread:
        """What came before."""
        if question.conversation_id is None:
            return Thread()
        with self._database.read() as connection:
            return read_thread(connection, question.conversation_id)

    def repeated(self, question: Question) -> Reply | None:
        """What a message with this key was answered before."""
        if question.key is None:
            return None
        with self._database.read() as connection:
            message = conversations.message_with_key(connection, str(_key(question)))
            if message is None or message.decision_id is None:
                return None
            if message.text != question.text:
                raise Conflict(
                    f"the key {question.key!r} was used for another message; give each its own"
                )
            found = decisions.find_decision(connection, message.decision_id)
        return None if found is None else Reply.from_dict(found.body)

    def keep(self, turn: Turn, timed: Callable[[Reply], Reply], *, open_ticket: bool) -> Reply:
        """Store decision, messages, ticket, escalation, events and audit together."""
        with self._database.write() as connection:
            reply = turn.reply
            if self._opens(turn, open_ticket=open_ticket):
                reply = self._converse(connection, turn)
            case, used = turn.thought.case, turn.thought.used
            drawn = self._draw(reply, case.topic if case else None) if open_ticket else None
            if drawn is not None:
                reviews.ask_review(connection, drawn)
            if used is not None and used.hashes != self._artefacts:
                keep_artefacts(connection, used.standing, used.judge)
            decisions.save_decision(
                connection,
                reply.decision_id,
                generation=turn.thought.found.generation,
                question=_asked(turn.question),
                body=timed(reply).to_dict(),
                conversation_id=turn.question.conversation_id,
                inputs=turn.thought.inputs(),
                now=self._clock(),
            )
        if used is not None:
            self._artefacts = used.hashes  # they are kept: what was written was committed
        return reply

    def pass_on(self, turn: Turn, timed: Callable[[Reply], Reply]) -> Reply:
        """Add a message to a ticket that people have; the assistant says nothing of its own."""
        ticket = turn.thread.ticket
        assert ticket is not None
        now = self._clock()
        with self._database.write() as connection:
            conversation = self._receive(connection, turn, now)
            held = tickets.find_ticket(connection, ticket.id)
            if held is None or not held.state.with_a_person:
                raise Overtaken(conversation)  # they handed it back meanwhile
            if turn.question.kept is None:  # of a message that waited its keeper has told
                told = {"decision": turn.reply.decision_id}
                events.record(
                    connection, EventType.MESSAGE_RECEIVED, now=now, ticket_id=ticket.id, body=told
                )
            reply = replace(turn.reply, ticket_id=ticket.id)
            decisions.save_decision(
                connection,
                reply.decision_id,
                generation=None,
                question=_asked(turn.question),
                body=timed(reply).to_dict(),
                conversation_id=turn.question.conversation_id,
                now=now,
            )
        return reply

    def _opens(self, turn: Turn, *, open_ticket: bool) -> bool:
        """Whoever asks once and is answered needs no ticket, unless they may send it again."""
        escalated = turn.reply.verdict.outcome is Outcome.ESCALATE
        comes_again = turn.question.conversation_id is not None or turn.question.key is not None
        return open_ticket and (escalated or comes_again)

    def _converse(self, connection: Connection, turn: Turn) -> Reply:
        now = self._clock()
        conversation = self._receive(connection, turn, now)
        ticket, created = self._ticket(connection, turn, conversation, now)
        reply = replace(turn.reply, ticket_id=ticket.id, conversation_id=conversation)
        cause = self._tell(connection, ticket, reply, now, turn.question, created=created)
        if reply.verdict.outcome is Outcome.ESCALATE:
            reply = self._hand_over(connection, turn, ticket, reply, cause)
        conversations.add_message(
            connection, conversation, author=Author.ASSISTANT, text=reply.text, now=now,
            decision_id=reply.decision_id, delivery=Delivery.SENT,
        )  # fmt: skip
        if reply.verdict.outcome is not Outcome.ESCALATE:  # of that the desk has told
            audit.append(
                connection, self._audit_key(), actor=_ASSISTANT, action=str(reply.verdict.outcome),
                subject=ticket.id, body={"decision": reply.decision_id}, now=now,
            )  # fmt: skip
        return reply

    def _receive(self, connection: Connection, turn: Turn, now: datetime) -> str:
        question = turn.question
        conversation = conversations.begin(
            connection, question.conversation_id, channel=question.channel,
            customer_id=turn.customer.id, identity=turn.customer.identity, now=now,
        )  # fmt: skip
        if conversations.last_seq(connection, conversation) != turn.thread.seq:
            raise Overtaken(conversation)
        if question.kept is not None:
            decided = conversations.note_decided(connection, conversation, turn.reply.decision_id)
            if decided != len(question.kept.messages):
                raise Overtaken(conversation)
            waiting.end(connection, conversation)
            return conversation
        conversations.add_message(
            connection, conversation, author=Author.CUSTOMER, text=question.text, now=now,
            by=turn.customer.id, decision_id=turn.reply.decision_id, key=_key(question),
            attachments=turn.attachments,
        )  # fmt: skip
        return conversation

    def _ticket(
        self, connection: Connection, turn: Turn, conversation: str, now: datetime
    ) -> tuple[Ticket, bool]:
        reply, held = turn.reply, turn.thread.ticket
        state = _BECOMES[reply.verdict.outcome]
        what: dict[str, Any] = {
            "reason": str(reply.verdict.reason),
            "decision_id": reply.decision_id,
            "brief": _brief(turn).to_dict(),
            "next_action_at": None if state is State.ANSWERED else now + _PATIENCE,
        }
        if held is None:
            case = turn.thought.case
            # The desk queues what it is given, and knows by when somebody must have looked.
            begins = State.NEW if state is State.QUEUED else state
            ticket = tickets.open_ticket(
                connection, conversation_id=conversation, state=begins, now=now,
                customer_id=turn.customer.id, tier=turn.customer.tier,
                question=turn.question.text, topic=case.topic if case else None,
                language=turn.reply.signals.language, **what,
            )  # fmt: skip
            return ticket, True
        if held.state is State.CLOSED and state is not State.QUEUED:
            tickets.expect(connection, held.id, None)
            return held, False  # thanks for a closed ticket do not open it again
        if held.state is State.NEW:  # until now nobody knew more of it than its words
            case = turn.thought.case
            what |= {
                "topic": case.topic if case else None, "tier": turn.customer.tier,
                "language": turn.reply.signals.language, "question": turn.question.text,
            }  # fmt: skip
        try:
            moved = tickets.move(
                connection, held.id, state, now=now, owner=None, expected=held.version, **what
            )
        except Conflict as error:  # a person took it while this was thought of
            raise Overtaken(conversation) from error
        return moved, False

    def _tell(
        self,
        connection: Connection,
        ticket: Ticket,
        reply: Reply,
        now: datetime,
        reply_to: Question,
        *,
        created: bool,
    ) -> int | None:
        """The events of this turn, each caused by the one before; the last one's id."""
        told = {"decision": reply.decision_id}
        kept = reply_to.kept
        types = [] if kept else [EventType.MESSAGE_RECEIVED]
        if created:
            types.append(EventType.TICKET_CREATED)
        if ticket.state in _TOLD:
            types.append(_TOLD[ticket.state])
        cause = kept.cause if kept else None
        for one in types:
            cause = events.record(
                connection, one, now=now, ticket_id=ticket.id, cause=cause, body=told
            )
        return cause

    def _hand_over(
        self, connection: Connection, turn: Turn, ticket: Ticket, reply: Reply, cause: int | None
    ) -> Reply:
        signals = reply.signals
        handover = Handover(
            ticket=ticket,
            topic=ticket.topic,
            urgent=signals.urgent,
            frustration=signals.frustration,
            language=turn.customer.language or signals.language,
        )
        opened = self._desk().open(connection, handover, cause=cause)
        text = self._replies.waiting(
            reply.text,
            ticket=ticket.id,
            # Where the line is longer than the deadline, the customer is told the truth.
            by=max(opened.escalation.first_due, self._clock() + opened.expected_wait),
            position=opened.position,
            zone=turn.customer.time_zone,
            language=self._replies.language_for(signals, turn.customer, turn.question.language),
            tier=turn.customer.tier,
        )
        return replace(reply, text=text)


def _key(question: Question) -> str | None:
    """The sender's own name for a message: two senders may use the same one."""
    sender = question.customer_id or question.conversation_id
    return message_key(question.channel, sender, question.key)


def _brief(turn: Turn) -> Brief:
    reply = turn.reply
    tried = tuple((one.text, one.outcome) for one in turn.thread.turns)
    return Brief(turn.question, turn.customer, reply.verdict, reply.passages, tried, turn.suggested)


def _asked(question: Question) -> dict[str, Any]:
    """Everything the decision was asked with, so that it can be asked again."""
    return {
        "text": question.text,
        "customer_id": question.customer_id,
        "tier": question.tier,
        "language": question.language,
        "product": question.product,
        "audience": str(question.audience),
        "conversation_id": question.conversation_id,
        "channel": question.channel,
        "asked_at": question.asked_at.isoformat(),
    }
