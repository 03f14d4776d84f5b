"""What is decided for a question, from what, and what goes back."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kbsupport.model.flat import Flat
from kbsupport.model.questions import Customer, Passage, Question

SCHEMA_VERSION = 1


class Outcome(StrEnum):
    """What happens with a question."""

    RESOLVE = "resolve"
    CLARIFY = "clarify"
    REPLY = "reply"
    ESCALATE = "escalate"


class Reason(StrEnum):
    """Why: the closed list documented in docs/decisions.md."""

    RANKINGS_AGREE = "rankings_agree"
    TWO_CLOSE_ARTICLES = "two_close_articles"
    GREETING = "greeting"
    THANKS = "thanks"
    EMPTY_QUESTION = "empty_question"
    ASKS_FOR_PERSON = "asks_for_person"
    NO_PASSAGE = "no_passage"
    RANKINGS_DISAGREE = "rankings_disagree"
    WORDS_NOT_COVERED = "words_not_covered"
    NOTHING_TO_QUOTE = "nothing_to_quote"
    FAILED = "failed"


class Intent(StrEnum):
    """What a message wants."""

    GREETING = "greeting"
    FAQ = "faq"
    ORDER_STATUS = "order_status"
    TECHNICAL_ISSUE = "technical_issue"
    BILLING = "billing"
    ACCOUNT = "account"
    COMPLAINT = "complaint"
    PERSON_REQUEST = "person_request"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signals(Flat):
    """What the message itself says."""

    empty: bool = False
    greeting_only: bool = False
    thanks_only: bool = False
    spam: bool = False
    asks_for_person: bool = False
    complaint: bool = False
    refund: bool = False
    billing_dispute: bool = False
    legal: bool = False
    security: bool = False
    cancellation: bool = False
    bug_report: bool = False
    feature_request: bool = False
    instructions: bool = False
    urgent: bool = False
    language: str | None = None
    language_probability: float = 0.0
    sentiment: float = 0.0
    frustration: float = 0.0
    complexity: float = 0.0
    questions: int = 0
    missing: tuple[str, ...] = ()
    intent: Intent = Intent.UNKNOWN
    intent_probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence(Flat):
    """Numbers one can read about how well the articles found fit the question."""

    best_by_terms: str | None = None
    best_by_vectors: str | None = None
    rankings_agree: bool = False
    term_score: float = 0.0
    term_margin: float = 0.0
    vector_score: float = 0.0
    vector_margin: float = 0.0
    words: int = 0
    words_covered: int = 0
    words_unknown: int = 0
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do and why; `rule` is the sentence that caused it."""

    outcome: Outcome
    reason: Reason
    rule: str


@dataclass(frozen=True, slots=True)
class Citation(Flat):
    """A quote, and exactly where it stands: `article.text[start:end] == quote`."""

    article_id: str
    title: str
    url: str | None
    section: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with the citations it rests on."""

    text: str
    citations: tuple[Citation, ...]

    def to_dict(self) -> dict[str, Any]:
        """`answer` of the decision."""
        return {"text": self.text, "citations": [c.to_dict() for c in self.citations]}


@dataclass(frozen=True, slots=True)
class Brief:
    """What the person who takes over reads first."""

    question: Question
    customer: Customer
    verdict: Verdict
    passages: tuple[Passage, ...]

    def to_dict(self) -> dict[str, Any]:
        """The brief as it is stored with the ticket."""
        return {
            "question": self.question.text,
            "customer": self.customer.to_dict(),
            "reason": str(self.verdict.reason),
            "rule": self.verdict.rule,
            "passages": [p.to_dict() for p in self.passages],
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: an answer, one question back, a greeting, or "a person will"."""

    id: str | int | None
    decision_id: str
    verdict: Verdict
    text: str
    articles: tuple[str, ...]
    probability: float
    answer: Answer | None
    passages: tuple[Passage, ...]
    signals: Signals
    evidence: Evidence
    customer: Customer
    ticket_id: str | None
    timings_ms: Mapping[str, float]
    notices: tuple[str, ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The decision, schema_version 1: every key always there."""
        return {
            "schema_version": SCHEMA_VERSION,
            "id": self.id,
            "decision_id": self.decision_id,
            "outcome": str(self.verdict.outcome),
            "reason": str(self.verdict.reason),
            "reply": self.text,
            "article_id": self.articles[0] if self.articles else None,
            "articles": list(self.articles),
            "probability": self.probability,
            "certified": False,
            "certificate": None,
            "answer": self.answer.to_dict() if self.answer else None,
            "passages": [p.to_dict() for p in self.passages],
            "signals": self.signals.to_dict(),
            "evidence": {**self.evidence.to_dict(), "rule": self.verdict.rule},
            "customer": self.customer.to_dict(),
            "ticket_id": self.ticket_id,
            "timings_ms": dict(self.timings_ms),
            "notices": list(self.notices),
            "error": self.error,
        }

    def _repr_html_(self) -> str:
        cited = "".join(
            f"<li>{html.escape(c.title)} ({html.escape(c.article_id)}, {c.start}–{c.end})</li>"
            for c in (self.answer.citations if self.answer else ())
        )
        head = f"<b>{html.escape(self.verdict.outcome)}</b> · {html.escape(self.verdict.reason)}"
        body = html.escape(self.text).replace("\n", "<br>")
        return f"<div><p>{head}</p><blockquote>{body}</blockquote><ul>{cited}</ul></div>"
