"""Customers as chance would have them: some are content, some come again, most say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kbsupport.errors import Conflict
from kbsupport.model import (
    AUTO_RESOLVE,
    Label,
    Outcome,
    Proposal,
    Question,
    Reply,
    Review,
    ReviewKind,
    ReviewState,
)
from kbsupport.rehearsal.stage import Stage
from kbsupport.store import reviews

CHANNELS = {"chat": 0.5, "mail": 0.35, "web": 0.15}
# How often, of 1, whoever got an answer does what.
THANK, RATE = 0.2, 0.25
COMPLAIN, COME_AGAIN, RATE_LOW = 0.4, 0.25, 0.35
EXPLAIN, STILL_OPEN = 0.7, 0.12
AUDITED = 0.5
_HELPFUL_INSTEAD = 0.3
_GOOD, _BAD, _BY_PEOPLE = (5, 5, 5, 4, 4, 3), (1, 2, 2, 3), (5, 5, 4, 4, 4, 3, 2)
_SOON, _NEXT_DAYS, _TOMORROW = (4, 120), (1_700, 6_000), (600, 1_800)
_NOT_HELPED = "that did not help, can somebody please look at this"
_STILL = "thanks for looking, but it is still not solved"
_THANKS = "thanks, that helped"
_SATISFIED = 4


@dataclass(frozen=True, slots=True)
class Visit:
    """One customer's conversation about one ticket; `number` counts how often they came."""

    label: Label
    conversation_id: str
    channel: str
    number: int = 1


@dataclass
class Customers:
    """Everybody who asks, and what they do about the replies."""

    stage: Stage
    messages: int = 0
    _visits: dict[str, Visit] = field(default_factory=dict)

    def come(self, label: Label, number: int = 1) -> None:
        """Somebody asks what this ticket asks."""
        chosen = self.stage.chance.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        named = label.conversation_id if number == 1 else None
        visit = Visit(label, named or f"{label.id}-{number}", chosen, number)
        self._react(visit, self._ask(visit, label.text))

    def read(self, ticket_id: str, *, helped: bool) -> None:
        """The answer of a person is read, rated by some, and not enough for others."""
        visit = self._visits.get(ticket_id)
        if visit is None:
            return
        people = self.stage.app.people
        for message in people.unread(visit.conversation_id):
            people.note_read(message)
        if not helped:
            self.stage.later(_SOON, lambda: self._write(visit, _STILL))
        elif self._happens(THANK):
            self.stage.later(_SOON, lambda: self._write(visit, _THANKS))
        if self._happens(RATE):
            ratings = _BY_PEOPLE if helped else _BAD
            self.stage.later(_SOON, lambda: self._rate(visit, ticket_id, ratings))

    def _react(self, visit: Visit, reply: Reply) -> None:
        outcome, ticket = reply.verdict.outcome, str(reply.ticket_id)
        if outcome is Outcome.RESOLVE:
            cited = reply.answer.citations[0].article_id if reply.answer else None
            right = visit.label.accepts(cited)
            self._audit(visit, reply, right=right)
            (self._content if right else self._not_helped)(visit, ticket)
        elif outcome is Outcome.CLARIFY and self._happens(EXPLAIN):
            self.stage.later(_SOON, lambda: self._write(visit, f"I mean this: {visit.label.text}"))

    def _content(self, visit: Visit, ticket: str) -> None:
        if self._happens(THANK):
            self.stage.later(_SOON, lambda: self._write(visit, _THANKS))
        if self._happens(RATE):
            self.stage.later(_SOON, lambda: self._rate(visit, ticket, _GOOD))

    def _not_helped(self, visit: Visit, ticket: str) -> None:
        luck = self.stage.chance.random()
        if luck < COMPLAIN:
            self.stage.later(_SOON, lambda: self._write(visit, _NOT_HELPED))
        elif luck < COMPLAIN + COME_AGAIN and visit.number == 1:
            self.stage.later(_NEXT_DAYS, lambda: self.come(visit.label, visit.number + 1))
        elif self._happens(RATE_LOW):
            self.stage.later(_SOON, lambda: self._rate(visit, ticket, _BAD))

    def _write(self, visit: Visit, text: str) -> None:
        self._ask(visit, text)

    def _ask(self, visit: Visit, text: str) -> Reply:
        self.messages += 1
        label = visit.label
        question = Question(
            text, customer_id=label.customer_id, tier=label.tier, product=label.product,
            channel=visit.channel, conversation_id=visit.conversation_id,
            asked_at=self.stage.clock.now,
        )  # fmt: skip
        reply = self.stage.app.assistant.ask(question)
        if reply.ticket_id is not None:
            self._visits[reply.ticket_id] = visit
        return reply

    def _rate(self, visit: Visit, ticket_id: str, ratings: Sequence[int]) -> None:
        rating, helpful = self.stage.chance.choice(ratings), None
        if self._happens(_HELPFUL_INSTEAD):
            helpful = rating >= _SATISFIED
        hearing = self.stage.app.loop.hearing
        with suppress(Conflict):  # whoever has rated does not rate again
            hearing.hear(
                ticket_id, by=visit.label.customer_id, helpful=helpful,
                rating=rating if helpful is None else None,
            )  # fmt: skip

    def _audit(self, visit: Visit, reply: Reply, *, right: bool) -> None:
        """Some answers are looked at again; the label tells what a person would say."""
        if not self._happens(AUDITED):
            return
        label = visit.label
        proposed = Proposal(AUTO_RESOLVE, reply.articles[:1])
        asked = Review(
            id="", kind=ReviewKind.AUDIT, decision_id=reply.decision_id, ticket_id=reply.ticket_id,
            asked_at=self.stage.clock.now, why="drawn at random", worth=0.0, proposed=proposed,
            state=ReviewState.OPEN, tier=reply.customer.tier, drawn_with=AUDITED,
            certificate=reply.verdict.certificate,
        )  # fmt: skip
        with self.stage.app.database.write() as connection:
            reviews.ask_review(connection, asked)
        accept = () if right else label.accept_ids
        self.stage.later(_TOMORROW, lambda: self._look(reply.decision_id, accept, right=right))

    def _look(self, decision_id: str, accept_ids: Sequence[str], *, right: bool) -> None:
        desk = self.stage.app.loop.reviews
        waiting = (one for one in desk.queue(ReviewKind.AUDIT) if one.decision_id == decision_id)
        for one in waiting:
            desk.judge(one.id, "lead", right=right, accept_ids=accept_ids)

    def _happens(self, often: float) -> bool:
        return self.stage.chance.random() < often
