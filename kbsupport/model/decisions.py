"""What is decided for a question, from what, and what goes back."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kbsupport.model.customers import Customer
from kbsupport.model.flat import Flat
from kbsupport.model.questions import Channels, Passage, Question, Unanswered

SCHEMA_VERSION = 1


class Outcome(StrEnum):
    """What happens with a question."""

    RESOLVE = "resolve"
    CLARIFY = "clarify"
    REPLY = "reply"
    ESCALATE = "escalate"


class Reason(StrEnum):
    """Why: the closed list documented in docs/decisions.md."""

    TWO_CLOSE_ARTICLES = "two_close_articles"
    GREETING = "greeting"
    THANKS = "thanks"
    EMPTY_QUESTION = "empty_question"
    ASKS_FOR_PERSON = "asks_for_person"
    NO_PASSAGE = "no_passage"
    NOTHING_TO_QUOTE = "nothing_to_quote"
    FAILED = "failed"
    CERTIFIED_THRESHOLD = "certified_threshold"
    PRIOR_THRESHOLD = "prior_threshold"
    SEVERAL_QUESTIONS = "several_questions"
    MISSING_DETAIL = "missing_detail"
    UNSOUND_NUMBERS = "unsound_numbers"
    LEGAL = "legal"
    SECURITY = "security"
    BILLING_DISPUTE = "billing_dispute"
    COMPLAINT = "complaint"
    SPAM = "spam"
    REFUND = "refund"
    CANCELLATION = "cancellation"
    BUG_REPORT = "bug_report"
    FEATURE_REQUEST = "feature_request"
    URGENT = "urgent"
    INSTRUCTIONS = "instructions"
    UPSET = "upset"
    COMPLEX = "complex"
    TOPIC = "topic"
    INTENT = "intent"
    LANGUAGE = "language"
    UNVERIFIED = "unverified"
    UNCERTIFIED = "uncertified"
    BELOW_THRESHOLD = "below_threshold"
    ANSWER_FAILED = "answer_failed"
    WITH_A_PERSON = "with_a_person"
    ORDER_STATUS = "order_status"
    UPSTREAM = "upstream"
    QUALITY = "quality"
    SHADOW = "shadow"
    SWITCHED_OFF = "switched_off"
    SUSPENDED = "suspended"


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
class Reading(Flat):
    """What libraries and fitted models say of a message; what they leave open is None or 0."""

    language: str | None = None
    language_probability: float = 0.0
    sentiment: float = 0.0
    intent: Intent | None = None
    intent_probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Signals(Flat):
    """What the message itself says.

    `refund`, `billing_dispute`, `legal`, `security` and `cancellation` are wishes and statements
    ("give me my money back"), never a question about the matter ("how do I get a refund?").
    """

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
    not_helped: bool = False
    language: str | None = None
    language_probability: float = 0.0
    sentiment: float = 0.0
    frustration: float = 0.0
    complexity: float = 0.0
    questions: int = 0
    own_case: float = 0.0
    missing: tuple[str, ...] = ()
    intent: Intent = Intent.UNKNOWN
    intent_probability: float = 0.0

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Signals:
        """Read back what `to_dict` gave, for a replay."""
        known = {name: row[name] for name in cls.__slots__ if name in row}
        return cls(**known | {"missing": tuple(row["missing"]), "intent": Intent(row["intent"])})


@dataclass(frozen=True, slots=True)
class Evidence(Flat):
    """Numbers one can read about how well the best article fits the question.

    `leads` says for each channel by how much it beats every other article found; `crowd` is how
    high articles score on average, and `record` what labels have shown of this article so far.
    """

    best_by_terms: str | None = None
    second_by_terms: str | None = None
    best_by_vectors: str | None = None
    second_by_vectors: str | None = None
    rankings_agree: bool = False
    agreement: int = 0
    score: float = 0.0
    lead: float = 0.0
    first_share: float = 0.0
    second_share: float = 0.0
    crowd: float = 0.0
    channels: Channels = Channels()
    leads: Channels = Channels()
    unanswered: Unanswered = Unanswered()
    words: int = 0
    words_covered: int = 0
    words_unknown: int = 0
    coverage: float = 0.0
    record: float = 0.0

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Evidence:
        """Read back what `to_dict` gave, for a replay."""
        known = {name: row[name] for name in cls.__slots__ if name in row}
        return cls(
            **known
            | {
                "channels": Channels(**row["channels"]),
                "leads": Channels(**row["leads"]),
                "unanswered": Unanswered(**row["unanswered"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do and why; `rule` is the sentence that caused it."""

    outcome: Outcome
    reason: Reason
    rule: str
    certified: bool = False
    certificate: str | None = None
    threshold: float | None = None


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

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Answer:
        """Read back what `to_dict` gave."""
        return cls(row["text"], tuple(Citation(**one) for one in row["citations"]))


@dataclass(frozen=True, slots=True)
class Brief:
    """What the person who takes over reads first.

    `tried` is what the customer asked before in the same conversation, and what came of it;
    `suggested` is what the best article says, for the person to use or not.
    """

    question: Question
    customer: Customer
    verdict: Verdict
    passages: tuple[Passage, ...]
    tried: tuple[tuple[str, str], ...] = ()
    suggested: Answer | None = None

    def to_dict(self) -> dict[str, Any]:
        """The brief as it is stored with the ticket."""
        return {
            "question": self.question.text,
            "customer": self.customer.to_dict(),
            "reason": str(self.verdict.reason),
            "rule": self.verdict.rule,
            "passages": [p.to_dict() for p in self.passages],
            "tried": [{"asked": asked, "outcome": outcome} for asked, outcome in self.tried],
            "suggested": self.suggested.to_dict() if self.suggested else None,
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
    conversation_id: str | None = None

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
            "certified": self.verdict.certified,
            "certificate": self.verdict.certificate,
            "answer": self.answer.to_dict() if self.answer else None,
            "passages": [p.to_dict() for p in self.passages],
            "signals": self.signals.to_dict(),
            "evidence": {**self.evidence.to_dict(), "rule": self.verdict.rule},
            "customer": self.customer.shown(),
            "ticket_id": self.ticket_id,
            "conversation_id": self.conversation_id,
            "timings_ms": dict(self.timings_ms),
            "notices": list(self.notices),
            "error": self.error,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Reply:
        """Read back a stored decision, for whoever sends the same message twice."""
        evidence, answer = dict(row["evidence"]), row["answer"]
        verdict = Verdict(
            Outcome(row["outcome"]), Reason(row["reason"]), evidence.pop("rule"),
            certified=row["certified"], certificate=row["certificate"],
        )  # fmt: skip
        return cls(
            id=row["id"],
            decision_id=row["decision_id"],
            verdict=verdict,
            text=row["reply"],
            articles=tuple(row["articles"]),
            probability=row["probability"],
            answer=Answer.from_dict(answer) if answer else None,
            passages=tuple(Passage(**one) for one in row["passages"]),
            signals=Signals.from_dict(row["signals"]),
            evidence=Evidence.from_dict(evidence),
            customer=Customer(**row["customer"]),
            ticket_id=row["ticket_id"],
            timings_ms=row["timings_ms"],
            notices=tuple(row["notices"]),
            error=row["error"],
            conversation_id=row.get("conversation_id"),
        )

    def _repr_html_(self) -> str:
        cited = "".join(
            f"<li>{html.escape(c.title)} ({html.escape(c.article_id)}, {c.start}–{c.end})</li>"
            for c in (self.answer.citations if self.answer else ())
        )
        head = f"<b>{html.escape(self.verdict.outcome)}</b> · {html.escape(self.verdict.reason)}"
        body = html.escape(self.text).replace("\n", "<br>")
        return f"<div><p>{head}</p><blockquote>{body}</blockquote><ul>{cited}</ul></div>"
