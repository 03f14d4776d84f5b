"""The story of one question, on one screen."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kbsupport.errors import KbSupportError, StoreError
from kbsupport.model import (
    Answer,
    Brief,
    Customer,
    Evidence,
    Filter,
    Found,
    Outcome,
    Question,
    Reason,
    Reply,
    Signals,
    Verdict,
)
from kbsupport.store import decisions
from kbsupport.triage.evidence import weigh
from kbsupport.triage.signals import read_signals
from kbsupport.triage.verdict import Policy, decide

if TYPE_CHECKING:
    from kbsupport.knowledge.library import Library
    from kbsupport.ports import AnswerWriter
    from kbsupport.store.database import Database

# There is no judge yet, so nothing is known about how likely an answer is right: one half says
# exactly that. A contract key may not be missing, and a similarity would look like a probability.
UNKNOWN = 0.5


class Assistant:
    """Answers a question with its source, asks one thing back, or hands it to a person."""

    def __init__(
        self, library: Library, writer: AnswerWriter, database: Database, policy: Policy
    ) -> None:
        self._library, self._writer = library, writer
        self._database, self._policy = database, policy

    def ask(self, question: Question, *, open_ticket: bool = True) -> Reply:
        """The whole product: look, weigh, decide, then answer, ask back or hand over."""
        clock = _Clock()
        question = _storable(question)
        customer = Customer(question.customer_id, question.tier or self._policy.default_tier)
        signals = read_signals(question.text)
        found, answer, error = Found(generation=None), None, None
        try:
            if not signals.empty:
                found = self._search(question, customer, clock)
            with clock.step("decide"):
                verdict = self._decide(found, signals)
            with clock.step("write"):
                answer, verdict = self._answer(question, found, verdict)
        except StoreError:
            raise  # nothing can be kept, so nothing may be acknowledged
        except KbSupportError as failure:
            # Whatever fails, the customer gets a person.
            error = str(failure)
            verdict = Verdict(Outcome.ESCALATE, Reason.FAILED, error)
        reply = _compose(question, customer, signals, found, verdict, answer, error)
        return self._keep(question, reply, found, clock, open_ticket=open_ticket)

    def _search(self, question: Question, customer: Customer, clock: _Clock) -> Found:
        by = Filter(question.audience, customer.tier, question.language, question.product)
        with clock.step("search"):
            return self._library.search(question.text, by, self._policy.passages)

    def _decide(self, found: Found, signals: Signals) -> Verdict:
        order = tuple(match.article_id for match in found.matches)
        return decide(weigh(found), signals, order, self._policy)

    def _answer(
        self, question: Question, found: Found, verdict: Verdict
    ) -> tuple[Answer | None, Verdict]:
        if verdict.outcome is not Outcome.RESOLVE or found.article is None:
            return None, verdict
        passages = [p for p in found.passages if p.article_id == found.article.id]
        relevance = self._library.relevance(question.text, found.article)
        answer = self._writer.write(question, found.article, passages, relevance)
        if answer is None or not answer.citations:
            rule = f"{found.article.id} has nothing to quote"
            return None, Verdict(Outcome.ESCALATE, Reason.NOTHING_TO_QUOTE, rule)
        return answer, verdict

    def _keep(
        self, question: Question, reply: Reply, found: Found, clock: _Clock, *, open_ticket: bool
    ) -> Reply:
        """Decision and ticket are stored together, before anything is acknowledged."""
        with clock.step("store"), self._database.write() as connection:
            if open_ticket and reply.verdict.outcome is Outcome.ESCALATE:
                ticket = self._open(connection, question, reply)
                reply = replace(reply, ticket_id=ticket, text=_waiting(reply, ticket))
            timed = replace(reply, timings_ms=clock.so_far())
            decisions.save_decision(
                connection,
                reply.decision_id,
                generation=found.generation,
                question=_asked(question),
                body=timed.to_dict(),
            )
        return replace(reply, timings_ms=clock.so_far())

    def _open(self, connection: Any, question: Question, reply: Reply) -> str:
        brief = Brief(question, reply.customer, reply.verdict, reply.passages)
        return decisions.open_ticket(
            connection,
            customer_id=reply.customer.id,
            tier=reply.customer.tier,
            question=question.text,
            reason=str(reply.verdict.reason),
            decision_id=reply.decision_id,
            brief=brief.to_dict(),
        )


def _compose(
    question: Question,
    customer: Customer,
    signals: Signals,
    found: Found,
    verdict: Verdict,
    answer: Answer | None,
    error: str | None,
) -> Reply:
    return Reply(
        id=question.id,
        decision_id=f"d-{uuid.uuid4().hex}",
        verdict=verdict,
        text=answer.text if answer else _words(verdict, found),
        articles=tuple(match.article_id for match in found.matches),
        probability=UNKNOWN if found.passages else 0.0,
        answer=answer,
        passages=found.passages,
        signals=signals,
        evidence=weigh(found) if found.matches else Evidence(),
        customer=customer,
        ticket_id=None,
        timings_ms={},
        notices=found.notices,
        error=error,
    )


def _words(verdict: Verdict, found: Found) -> str:
    """What the customer reads where nothing is quoted."""
    if verdict.outcome is Outcome.CLARIFY:
        first, second = found.titles[:2]
        return (
            f"I found two articles that may help. Is your question about “{first}” or “{second}”?"
        )
    if verdict.reason is Reason.THANKS:
        return "You're welcome. Write again whenever something comes up."
    if verdict.reason is Reason.GREETING:
        return "Hello! What can I help you with?"
    if verdict.reason is Reason.EMPTY_QUESTION:
        return "Your message arrived without any text, so a person will look at it."
    if verdict.reason is Reason.ASKS_FOR_PERSON:
        return "Of course: a person will take over from here."
    return "I can't answer this reliably from our help articles, so a person will look at it."


def _waiting(reply: Reply, ticket: str) -> str:
    return f"{reply.text} Your ticket is {ticket}."


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
        "asked_at": question.asked_at.isoformat(),
    }


def _storable(question: Question) -> Question:
    """No lone surrogates and no NUL: neither can be stored or embedded; the id is only echoed."""
    kept = ("text", "customer_id", "language", "product", "conversation_id")
    given = {key: getattr(question, key) for key in kept}
    clean = {
        key: value.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
        for key, value in given.items()
        if value is not None
    }
    return replace(question, **clean)


class _Clock:
    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] = round((time.perf_counter() - begun) * 1000, 3)

    def so_far(self) -> dict[str, float]:
        total = round((time.perf_counter() - self._started) * 1000, 3)
        return {**self._steps, "total": total}
