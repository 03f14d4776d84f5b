"""The story of one question, on one screen."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kbsupport.errors import KbSupportError, StoreError
from kbsupport.mind import Mind, Thought
from kbsupport.model import (
    Answer,
    Brief,
    Customer,
    Outcome,
    Question,
    Reason,
    Reply,
    Verdict,
)
from kbsupport.replies import words
from kbsupport.standing import keep_artefacts
from kbsupport.store import decisions
from kbsupport.triage.signals import read_signals

if TYPE_CHECKING:
    from kbsupport.ports import AnswerWriter
    from kbsupport.store.database import Database

_TURNS = 50
_REMEMBERED = 5


class Assistant:
    """Answers a question with its source, asks one thing back, or hands it to a person."""

    def __init__(self, mind: Mind, writer: AnswerWriter, database: Database) -> None:
        self._mind, self._writer, self._database = mind, writer, database

    def ask(self, question: Question, *, open_ticket: bool = True) -> Reply:
        """The whole product: think, then answer, ask back or hand over, and keep it."""
        clock = _Clock()
        question = _storable(question)
        tier = question.tier or self._mind.rules.default_tier
        customer = Customer(question.customer_id, tier)
        earlier = self._earlier(question)
        said = tuple(turn.text for turn in earlier[-_REMEMBERED:])
        thought = Thought(read_signals(question.text, said))
        answer, error = None, None
        try:
            with clock.step("think"):
                asked_back = any(turn.outcome == Outcome.CLARIFY for turn in earlier)
                thought = self._mind.think(question, tier, said, asked_back=asked_back)
            with clock.step("write"):
                answer, thought = self._answer(question, thought)
        except StoreError:
            raise  # nothing can be kept, so nothing may be acknowledged
        except KbSupportError as failure:
            # Whatever fails, the customer gets a person.
            error = str(failure)
            thought = replace(thought, verdict=Verdict(Outcome.ESCALATE, Reason.FAILED, error))
        reply = _compose(question, customer, thought, answer, error)
        return self._keep(question, reply, thought, clock, open_ticket=open_ticket)

    def _earlier(self, question: Question) -> tuple[decisions.Earlier, ...]:
        if question.conversation_id is None:
            return ()
        with self._database.read() as connection:
            return decisions.earlier(connection, question.conversation_id, _TURNS)

    def _answer(self, question: Question, thought: Thought) -> tuple[Answer | None, Thought]:
        found = thought.found
        if thought.verdict.outcome is not Outcome.RESOLVE or found.article is None:
            return None, thought
        passages = [p for p in found.passages if p.article_id == found.article.id]
        relevance = self._mind.library.relevance(question.text, found.article)
        answer = self._writer.write(question, found.article, passages, relevance)
        if answer is None or not answer.citations:
            rule = f"{found.article.id} has nothing to quote"
            verdict = Verdict(Outcome.ESCALATE, Reason.NOTHING_TO_QUOTE, rule)
            return None, replace(thought, verdict=verdict)
        return answer, thought

    def _keep(
        self,
        question: Question,
        reply: Reply,
        thought: Thought,
        clock: _Clock,
        *,
        open_ticket: bool,
    ) -> Reply:
        """Decision and ticket are stored together, before anything is acknowledged."""
        with clock.step("store"), self._database.write() as connection:
            if open_ticket and reply.verdict.outcome is Outcome.ESCALATE:
                ticket = self._open(connection, question, reply)
                reply = replace(reply, ticket_id=ticket, text=_waiting(reply, ticket))
            timed = replace(reply, timings_ms=clock.so_far())
            if thought.used is not None:
                keep_artefacts(connection, thought.used.standing, thought.used.judge)
            decisions.save_decision(
                connection,
                reply.decision_id,
                generation=thought.found.generation,
                question=_asked(question),
                body=timed.to_dict(),
                conversation_id=question.conversation_id,
                inputs=thought.inputs(),
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
    thought: Thought,
    answer: Answer | None,
    error: str | None,
) -> Reply:
    found = thought.found
    return Reply(
        id=question.id,
        decision_id=f"d-{uuid.uuid4().hex}",
        verdict=thought.verdict,
        text=answer.text if answer else words(thought.verdict, thought.signals, found.titles),
        articles=tuple(match.article_id for match in found.matches),
        probability=thought.case.probability if thought.case and found.passages else 0.0,
        answer=answer,
        passages=found.passages,
        signals=thought.signals,
        evidence=thought.evidence,
        customer=customer,
        ticket_id=None,
        timings_ms={},
        notices=found.notices,
        error=error,
    )


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
