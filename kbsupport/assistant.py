"""The story of one question, on one screen."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from kbsupport.errors import Conflict, KbSupportError, StoreError
from kbsupport.keeping import Keeper, Overtaken, Turn
from kbsupport.mind import Mind, Thought
from kbsupport.model import (
    Answer,
    Article,
    Attachment,
    Checked,
    Customer,
    Order,
    Outcome,
    Question,
    Reason,
    Reply,
    Signals,
    State,
    Verdict,
)
from kbsupport.reception import Reception
from kbsupport.thread import Thread

if TYPE_CHECKING:
    from kbsupport.order_desk import OrderDesk
    from kbsupport.ports import AnswerWriter, Rewriter
    from kbsupport.replies import Replies

# Whoever looks at an answer before it is sent.
Inspect = Callable[[Question, Customer, Answer, Article], Checked]

_TRIES = 20
# Whoever tries to decide a message and is killed each time leaves it to people.
_FAILURES = 3


class Assistant:
    """Answers a question with its source, asks one thing back, or hands it to a person."""

    def __init__(
        self,
        mind: Mind,
        writer: AnswerWriter,
        reception: Reception,
        orders: OrderDesk,
        replies: Replies,
        keeper: Keeper,
        attach: Callable[[Question], tuple[Attachment, ...]],
        inspect: Inspect,
        rewriter: Rewriter | None = None,
    ) -> None:
        self._mind, self._writer, self._reception = mind, writer, reception
        self._orders, self._replies, self._keeper, self._attach = orders, replies, keeper, attach
        self._inspect, self._rewriter = inspect, rewriter

    def ask(self, question: Question, *, open_ticket: bool = True) -> Reply:
        """The whole product: think, then answer, ask back or hand over, and keep it."""
        clock = _Clock()
        question = _storable(question)
        before = self._keeper.repeated(question)
        if before is not None:
            return before
        attachments = self._attach(question)
        customer, notices = self._reception.who_asks(question)
        for _ in range(_TRIES):
            thread = self._keeper.thread(question)
            turn = self._turn(question, customer, thread, clock, notices, tickets=open_ticket)
            turn = replace(turn, attachments=attachments)
            try:
                with clock.step("store"):
                    reply = self._keep(turn, clock, open_ticket=open_ticket)
            except Overtaken:
                if question.kept is not None:
                    raise  # what is stored has to be read again, too
                continue  # what was thought did not know the newest message
            return replace(reply, timings_ms=clock.so_far())
        raise Conflict(f"{question.conversation_id} gets too many messages at once; try again")

    def _turn(
        self,
        question: Question,
        customer: Customer,
        thread: Thread,
        clock: _Clock,
        notices: tuple[str, ...],
        *,
        tickets: bool,
    ) -> Turn:
        thought, order = Thought(Signals()), None
        answer, error = None, None
        try:
            if question.kept is not None and question.kept.failures >= _FAILURES:
                error = f"deciding it failed {question.kept.failures} times"
                verdict = Verdict(Outcome.ESCALATE, Reason.FAILED, error)
                thought = replace(thought, verdict=verdict)
            elif thread.with_a_person:
                verdict = Verdict(Outcome.ESCALATE, Reason.WITH_A_PERSON, "a person has the ticket")
                thought = replace(thought, verdict=verdict)
            else:
                with clock.step("think"):
                    thought, order = self._think(question, customer, thread)
            with clock.step("write"):
                answer, thought = self._answer(question, customer, thought, suggest=tickets)
        except StoreError:
            raise  # nothing can be kept, so nothing may be acknowledged
        except KbSupportError as failure:
            # Whatever fails, the customer gets a person.
            error = str(failure)
            thought = replace(thought, verdict=Verdict(Outcome.ESCALATE, Reason.FAILED, error))
        if thought.case is None:  # nobody got as far as reading the message
            thought = replace(thought, signals=self._mind.hear(question.text, thread.said))
        resolved = thought.verdict.outcome is Outcome.RESOLVE
        text = (
            answer.text
            if answer and resolved
            else self._say(question, thought, thread, customer, order, tickets=tickets)
        )
        given = answer if resolved else None
        reply = _compose(question, customer, thought, given, text, error, notices)
        return Turn(question, customer, thread, thought, reply, None if resolved else answer)

    def _think(
        self, question: Question, customer: Customer, thread: Thread
    ) -> tuple[Thought, Order | None]:
        thought = self._mind.think(
            question, customer.tier, thread.said,
            asked_back=thread.asked_back, answered=thread.answered, identity=customer.identity,
        )  # fmt: skip
        if thought.case is not None and thought.case.held is not None:
            return thought, None
        policy = self._mind.shelf.standing().policy
        told = self._orders.look(question, customer, thought.signals, thought.verdict, policy)
        return replace(thought, verdict=told.verdict), told.order

    def _answer(
        self, question: Question, customer: Customer, thought: Thought, *, suggest: bool
    ) -> tuple[Answer | None, Thought]:
        """What the best article says: sent if that was decided, else a suggestion for a person."""
        found, outcome = thought.found, thought.verdict.outcome
        wanted = {Outcome.RESOLVE, Outcome.ESCALATE} if suggest else {Outcome.RESOLVE}
        if found.article is None or outcome not in wanted:
            return None, thought
        passages = [p for p in found.passages if p.article_id == found.article.id]
        relevance = self._mind.library.relevance(question.text, found.article)
        answer = self._writer.write(question, found.article, passages, relevance)
        if answer is None or not answer.citations:
            rule = f"{found.article.id} has nothing to quote"
            verdict = Verdict(Outcome.ESCALATE, Reason.NOTHING_TO_QUOTE, rule)
            answer = None
        elif outcome is Outcome.RESOLVE:
            checked = self._inspect(question, customer, answer, found.article)
            if checked.passed:
                if self._rewriter is not None:
                    answer = self._rewriter.reword(question, found.article, answer)
                return answer, thought
            verdict = Verdict(Outcome.ESCALATE, Reason.QUALITY, checked.said)
        if outcome is Outcome.RESOLVE:
            thought = replace(thought, verdict=verdict)
        return answer, thought

    def _say(
        self,
        question: Question,
        thought: Thought,
        thread: Thread,
        customer: Customer,
        order: Order | None,
        *,
        tickets: bool,
    ) -> str:
        """What is said where no article is quoted; who was greeted before is not greeted again."""
        reason, ticket = thought.verdict.reason, thread.ticket
        whom = replace(customer, name=None) if thread.seq else customer
        told = question.language or (ticket.language if ticket else None)
        spoken = self._replies.language_for(thought.signals, customer, told)
        if reason is Reason.WITH_A_PERSON and ticket is not None and tickets:
            taken = ticket.state is not State.QUEUED
            return self._replies.passed_on(
                ticket.id, taken=taken, language=spoken, tier=customer.tier
            )
        if reason is Reason.ORDER_STATUS and order is not None:
            return self._replies.order(order, customer=whom, language=spoken)
        return self._replies.words(
            thought.verdict, thought.signals, thought.found.titles, customer=whom,
            language=question.language, handed_over=tickets,
        )  # fmt: skip

    def _keep(self, turn: Turn, clock: _Clock, *, open_ticket: bool) -> Reply:
        def timed(reply: Reply) -> Reply:
            return replace(reply, timings_ms=clock.so_far())

        if turn.thread.with_a_person and open_ticket:
            return self._keeper.pass_on(turn, timed)
        return self._keeper.keep(turn, timed, open_ticket=open_ticket)


def _compose(
    question: Question,
    customer: Customer,
    thought: Thought,
    answer: Answer | None,
    text: str,
    error: str | None,
    notices: tuple[str, ...],
) -> Reply:
    found = thought.found
    return Reply(
        id=question.id,
        decision_id=f"d-{uuid.uuid4().hex}",
        verdict=thought.verdict,
        text=text,
        articles=tuple(match.article_id for match in found.matches),
        probability=thought.case.probability if thought.case and found.passages else 0.0,
        answer=answer,
        passages=found.passages,
        signals=thought.signals,
        evidence=thought.evidence,
        customer=customer,
        ticket_id=None,
        timings_ms={},
        notices=(*found.notices, *notices),
        error=error,
        conversation_id=question.conversation_id,
    )


def _storable(question: Question) -> Question:
    """No lone surrogates and no NUL: neither can be stored or embedded; the id is only echoed."""
    kept = ("text", "customer_id", "language", "product", "conversation_id", "key")
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
