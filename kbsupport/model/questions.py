"""What was asked, by whom, and what a search finds for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from kbsupport.model.articles import Article, Audience
from kbsupport.model.flat import Flat


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
class Customer(Flat):
    """Who asked; nobody named is the default tier."""

    id: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class Passage(Flat):
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
