"""Reviews: labels that people confirm, audits that bound the wrong rate, and the alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, Conflict, NotFound
from kbsupport.loop.scale import AUDIT
from kbsupport.model import (
    AUTO_RESOLVE,
    ESCALATE,
    Alarm,
    EventType,
    Label,
    Opinion,
    Outcome,
    Proposal,
    Reply,
    Review,
    ReviewKind,
    ReviewState,
)
from kbsupport.store import audit, decisions, events, labels, reviews
from kbsupport.triage.live import Suspension
from kbsupport.watch.bounds import Bound, LiveBound, alarm
from kbsupport.watch.drawing import drawn

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.loop.switches import Switches
    from kbsupport.standing import Shelf
    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView
    from kbsupport.triage.certificate import Certificate

ALPHA = 0.05
_SETTLED = (ReviewState.AGREED, ReviewState.LEARNT)
_AUDIT = "drawn at random from the answers that were sent"


@dataclass(frozen=True, slots=True)
class _Ours:
    """The audits that one promise is held to: all of a certificate, or those of a tier or topic."""

    certificate: str
    risk: float
    tests: int
    tiers: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    @classmethod
    def of(cls, held: Certificate, said: Review) -> _Ours:
        """Whom the promise that this audit is about was made to."""
        proven = [bound for bound in held.tiers.values() if bound.threshold is not None]
        if held.risk is not None and held.by is None:
            return cls(held.id, held.risk, 1)
        mine = held.bound_for(said.tier or "", said.topic)
        risk = mine.risk if mine is not None else max(bound.risk for bound in proven)
        by_topic = held.by == "topic"
        return cls(
            held.id, risk, max(1, len(proven)),
            tiers=() if by_topic or said.tier is None else (said.tier,),
            topics=(said.topic,) if by_topic and said.topic is not None else (),
        )  # fmt: skip

    def hold(self, one: Review) -> bool:
        """Say whether this audit is one of them."""
        return (not self.tiers or one.tier in self.tiers) and (
            not self.topics or one.topic in self.topics
        )

    def same(self, one: Alarm) -> bool:
        """Say whether this alarm tells of the same promise."""
        said = (tuple(one.body.get("tiers", ())), tuple(one.body.get("topics", ())))
        return one.certificate == self.certificate and said == (self.tiers, self.topics)


@dataclass(frozen=True, slots=True)
class Audited:
    """What random audits say of the answers under one certificate."""

    certificate: str | None
    drawn: int
    judged: int
    bound: Bound

    def to_dict(self) -> dict[str, Any]:
        """`review bound --json`."""
        return {
            "certificate": self.certificate, "drawn": self.drawn, "judged": self.judged,
            **self.bound.to_dict(),
        }  # fmt: skip

    def line(self) -> str:
        """The same in a sentence."""
        under = f"under {self.certificate}" if self.certificate else "without a certificate"
        if not self.bound.n:
            return f"no answer {under} was audited yet ({self.drawn} drawn)"
        return (
            f"{self.bound.wrong} of {self.bound.n} audited answers {under} were wrong; the true "
            f"share lies between {self.bound.lower:.1%} and {self.bound.upper:.1%} "
            f"({self.bound.confidence:.0%} sure, at every look)"
        )


class Reviews:
    """The queue of what people should look at again, and what follows from what they say."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        switches: Switches,
        audit_key: bytes,
        lead: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._shelf, self._switches = database, shelf, switches
        self._audit_key, self._lead, self._clock = audit_key, lead, clock

    def queue(self, kind: ReviewKind | None = None, limit: int = 1000) -> list[Review]:
        """What waits for an opinion: what is disputed, then the most useful first."""
        with self._database.read() as connection:
            return reviews.reviews(connection, kind=kind, limit=limit)

    def show(self, review_id: str) -> tuple[Review, DecisionView | None]:
        """A review, and the decision it is about; None once that was erased."""
        with self._database.read() as connection:
            found = reviews.find_review(connection, review_id)
            return found, decisions.find_decision(connection, found.decision_id)

    def label(
        self, review_id: str, by: str, accept_ids: Sequence[str], note: str | None = None
    ) -> Review:
        """Say which articles would have answered; none says that a person had to."""
        says = Proposal(AUTO_RESOLVE if accept_ids else ESCALATE, tuple(accept_ids))
        with self._database.write() as connection:
            return self._say(connection, self._open(connection, review_id), by, says, note)

    def judge(
        self, review_id: str, by: str, *, right: bool, accept_ids: Sequence[str] = (),
        note: str | None = None,
    ) -> tuple[Review, Alarm | None]:  # fmt: skip
        """Say of an audited answer whether it was right; too many wrong ones raise the alarm."""
        with self._database.write() as connection:
            found = self._open(connection, review_id)
            if found.kind is not ReviewKind.AUDIT:
                raise ConfigError(
                    f"{found.id} is no audit; say which article answers: kbsupport review label"
                )
            says = found.proposed
            if not right:
                says = Proposal(AUTO_RESOLVE if accept_ids else ESCALATE, tuple(accept_ids))
            told = self._say(connection, found, by, says, note, right=right)
            raised = self._alarm(connection, told)
        if raised is not None:
            # In the file only once it is in the database: an alarm without a row could not end.
            tiers, topics = (tuple(raised.body[name]) for name in ("tiers", "topics"))
            self._switches.suspend(Suspension(raised.said, raised.at.isoformat(), tiers, topics))
        return told, raised

    def confirmed(self) -> list[tuple[Review, Label]]:
        """What was agreed on and not learnt yet, as labels; what was erased since is left out."""
        with self._database.read() as connection:
            agreed = reviews.reviews(connection, [ReviewState.AGREED])
            return [
                (one, label)
                for one in agreed
                if (label := _label(one, decisions.find_decision(connection, one.decision_id)))
            ]

    def learnt(self, done: Sequence[Review]) -> None:
        """Note that these were learnt."""
        with self._database.write() as connection:
            reviews.move(connection, [one.id for one in done], ReviewState.LEARNT, self._clock())

    def audited(self, certificate: str | None) -> Audited:
        """What audits say so far of the answers under this certificate, or under none."""
        with self._database.read() as connection:
            return self._audited(reviews.audits_of(connection, certificate), certificate)

    def alarms(self) -> list[Alarm]:
        """Every alarm there was."""
        with self._database.read() as connection:
            return reviews.alarms(connection)

    def _say(
        self,
        connection: Connection,
        found: Review,
        by: str,
        says: Proposal,
        note: str | None,
        *,
        right: bool | None = None,
    ) -> Review:
        now = self._clock()
        opinion = Opinion(by, now, says, right, note)
        state = self._state(found, opinion)
        if found.state is ReviewState.LEARNT and state is ReviewState.DISPUTED:
            self._unlearn(connection, found)
        reviews.say(connection, found, opinion, state)
        audit.append(
            connection, self._audit_key, actor=by, action="review.said", subject=found.id,
            body={"state": str(state), "right": right, **says.to_dict()}, now=now,
        )  # fmt: skip
        return reviews.find_review(connection, found.id)

    def _state(self, found: Review, opinion: Opinion) -> ReviewState:
        """Two who disagree need a third; the lead's word settles it."""
        same = all((one.says, one.right) == (opinion.says, opinion.right) for one in found.opinions)
        if same and found.state is ReviewState.LEARNT:
            return ReviewState.LEARNT
        if same or opinion.by == self._lead():
            return ReviewState.AGREED
        return ReviewState.DISPUTED

    def _unlearn(self, connection: Connection, found: Review) -> None:
        stored = decisions.find_decision(connection, found.decision_id)
        if stored is not None:
            labels.forget_label(connection, stored.question["text"])

    def _open(self, connection: Connection, review_id: str) -> Review:
        found = reviews.find_review(connection, review_id)
        if found.state is ReviewState.GONE:
            raise NotFound(f"what {found.id} was about has been erased")
        if found.state in _SETTLED and any(one.by == self._lead() for one in found.opinions):
            raise Conflict(f"{found.id} was settled by {self._lead()}")
        return found

    def _alarm(self, connection: Connection, said: Review) -> Alarm | None:
        """Whether the audits of this certificate still allow what it says."""
        held = self._shelf.standing().certificate
        if said.certificate is None or held is None or held.id != said.certificate:
            return None
        ours = _Ours.of(held, said)
        audits = [one for one in reviews.audits_of(connection, held.id) if ours.hold(one)]
        found = alarm(_flags(audits), ours.risk, ALPHA / ours.tests)
        standing = reviews.alarms(connection, standing_only=True)
        if found is None or any(ours.same(one) for one in standing):
            return None
        now = self._clock()
        words = f"{held.id}: {found.said}"
        body = {
            "n": found.n, "wrong": found.wrong, "since": found.since, "at": found.at,
            "tiers": list(ours.tiers), "topics": list(ours.topics),
        }  # fmt: skip
        raised = reviews.raise_alarm(
            connection, kind="audit", certificate=held.id, said=words, body=body, now=now
        )
        events.record(
            connection, EventType.ALARM_RAISED, now=now,
            body={"alarm": raised.id, "kind": "audit", "to": [self._lead()]},
        )  # fmt: skip
        return raised

    def _audited(self, audits: Sequence[Review], certificate: str | None) -> Audited:
        flags = _flags(audits)
        bound = LiveBound(1 - ALPHA).after(flags)
        return Audited(certificate, len(audits), bound.n, bound)


def draw(reply: Reply, topic: str | None, share: float, key: bytes, now: datetime) -> Review | None:
    """The audit of an answer that is being sent, if it is drawn."""
    if reply.verdict.outcome is not Outcome.RESOLVE or not drawn(reply.decision_id, share, key):
        return None
    best = (reply.articles[0],) if reply.articles else ()
    return Review(
        id="",
        kind=ReviewKind.AUDIT,
        decision_id=reply.decision_id,
        ticket_id=reply.ticket_id,
        asked_at=now,
        why=_AUDIT,
        worth=AUDIT,
        proposed=Proposal(AUTO_RESOLVE, best),
        state=ReviewState.OPEN,
        tier=reply.customer.tier,
        topic=topic,
        drawn_with=share,
        certificate=reply.verdict.certificate,
    )


def _flags(audits: Sequence[Review]) -> list[bool | None]:
    """Of each audit that was judged whether the answer was wrong; None where it was erased."""
    flags: list[bool | None] = []
    for one in audits:
        if one.state is ReviewState.GONE:
            flags.append(None)
        elif one.settled is not None and one.settled.right is not None:
            flags.append(not one.settled.right)
    return flags


def _label(review: Review, stored: DecisionView | None) -> Label | None:
    said = review.settled
    if stored is None or said is None:
        return None
    asked = stored.question
    return Label(
        id=review.id,
        text=asked["text"],
        expected=said.says.expected,
        accept_ids=said.says.accept_ids,
        topic=review.topic,
        tier=asked.get("tier") or review.tier,
        language=asked.get("language"),
        product=asked.get("product"),
        customer_id=asked.get("customer_id"),
        conversation_id=asked.get("conversation_id"),
        created_at=stored.created_at,
    )
