"""Questions and decisions on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kbsupport.api.shapes.base import Body, Name, Shown, Words
from kbsupport.model import Audience, Outcome, Reason


class AskIn(Body):
    """A question."""

    text: Words = Field(examples=["How do I reset my password?"])
    id: str | int | None = Field(default=None, description="Comes back as it was given.")
    language: Name | None = Field(default=None, examples=["en"])
    product: Name | None = None
    customer_id: Name | None = Field(default=None, description="Staff only: for whom.")
    tier: Name | None = Field(default=None, description="Staff only.")
    audience: Audience = Audience.PUBLIC


class CitationOut(Shown):
    """Where an answer stands, to the letter."""

    article_id: str
    title: str
    url: str | None
    section: str
    start: int
    end: int
    quote: str


class AnswerOut(Shown):
    """An answer with its sources."""

    text: str
    citations: list[CitationOut]


class PassageOut(Shown):
    """A piece of an article that was found."""

    article_id: str
    section: str
    text: str
    start: int
    end: int
    term_score: float
    vector_score: float


class DecisionOut(Shown):
    """A decision, with all it was made from."""

    schema_version: Literal[1]
    id: str | int | None
    decision_id: str
    outcome: Outcome
    reason: Reason
    reply: str
    article_id: str | None
    articles: list[str]
    probability: float
    certified: bool
    certificate: str | None
    answer: AnswerOut | None
    passages: list[PassageOut]
    signals: dict[str, Any]
    evidence: dict[str, Any]
    customer: dict[str, str | None]
    ticket_id: str | None
    conversation_id: str | None
    timings_ms: dict[str, float]
    notices: list[str]
    error: str | None
