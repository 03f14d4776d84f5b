"""The nouns of the house: frozen values that flow from room to room."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

SCHEMA_VERSION = 1


class _Flat:
    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as the contract has them."""
        return asdict(cast("Any", self))


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    INTERNAL = "internal"


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


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of an article's text under one heading path; `start` is the heading's own line."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """One help article, whatever its format, cleaned."""

    id: str
    title: str
    text: str
    sections: tuple[Section, ...] = ()
    seen_questions: tuple[str, ...] = ()
    topic: str | None = None
    tags: tuple[str, ...] = ()
    audience: Audience = Audience.PUBLIC
    tiers: tuple[str, ...] = ()
    language: str | None = None
    product: str | None = None
    url: str | None = None
    author: str | None = None
    updated: str | None = None
    published: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The article as `articles show --json` prints it."""
        shown = asdict(self)
        del shown["sections"]
        return shown

    def _repr_html_(self) -> str:
        body = html.escape(self.text).replace("\n", "<br>")
        return f"<h3>{html.escape(self.title)}</h3><p><code>{html.escape(self.id)}</code></p>{body}"


class ChunkKind(StrEnum):
    """A piece of the text, one seen question, the title alone; navigation is kept, not indexed."""

    PASSAGE = "passage"
    NAVIGATION = "navigation"
    QUESTION = "question"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an article as indexed; `words` is what the indexes read."""

    article_id: str
    kind: ChunkKind
    ordinal: int
    section: tuple[str, ...]
    start: int
    end: int
    words: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles a question may see."""

    audience: Audience = Audience.PUBLIC
    tier: str | None = None
    language: str | None = None
    product: str | None = None

    def admits(self, article: Article) -> bool:
        """True if the article may be shown to this question."""
        return (
            article.published
            and (self.audience is Audience.INTERNAL or article.audience is Audience.PUBLIC)
            and (not article.tiers or self.tier in article.tiers)
            and (self.language is None or article.language in (None, self.language))
            and (self.product is None or article.product in (None, self.product))
        )


@dataclass(frozen=True, slots=True)
class Passage(_Flat):
    """A chunk of text found for a question, with its scores."""

    article_id: str
    section: str
    text: str
    start: int
    end: int
    term_score: float
    vector_score: float


@dataclass(frozen=True, slots=True)
class Match:
    """An article found for a question: how it ranks, and by which evidence."""

    article_id: str
    version: int
    score: float
    term_score: float
    vector_score: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """The different words of a question: how many, how many the best article holds, and none."""

    words: int = 0
    held: int = 0
    unknown: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gives: articles in order, the best passages of the first ones, coverage."""

    generation: int | None
    matches: tuple[Match, ...] = ()
    titles: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    article: Article | None = None
    coverage: Coverage = Coverage()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, by whom, and what it may see."""

    text: str
    id: str | int | None = None
    customer_id: str | None = None
    tier: str | None = None
    language: str | None = None
    product: str | None = None
    audience: Audience = Audience.PUBLIC
    conversation_id: str | None = None
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Customer(_Flat):
    """Who asked; nobody named is the default tier."""

    id: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class Citation(_Flat):
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
class Signals(_Flat):
    """What the message itself says."""

    greeting_only: bool = False
    thanks_only: bool = False
    asks_for_person: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Evidence(_Flat):
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


@dataclass(frozen=True, slots=True)
class Failure:
    """An article that could not be read, and why."""

    path: str
    line: int | None
    reason: str
    article_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """One entry of `failed`."""
        return {"path": self.path, "line": self.line, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Changes:
    """What an index run did."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    embedded: int
    failed: tuple[Failure, ...]
    generation: int | None
    seconds: float
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """`index --json`."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
            "unchanged": self.unchanged,
            "embedded": self.embedded,
            "failed": [f.to_dict() for f in self.failed],
            "generation": self.generation,
            "seconds": self.seconds,
            "articles": {
                "added": list(self.added),
                "changed": list(self.changed),
                "removed": list(self.removed),
            },
            "notices": list(self.notices),
        }

    def _repr_html_(self) -> str:
        counts = {**self.to_dict(), "failed": len(self.failed)}
        names = ("added", "changed", "removed", "unchanged", "embedded", "failed")
        rows = "".join(f"<tr><th>{name}</th><td>{counts[name]}</td></tr>" for name in names)
        return f"<table>{rows}</table>"
