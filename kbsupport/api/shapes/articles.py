"""Articles on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kbsupport.api.paging import Paging
from kbsupport.api.shapes.base import LONGEST_QUESTION, Name, Page, Shown, Words
from kbsupport.api.shapes.questions import PassageOut
from kbsupport.model import Audience

_MOST_FOUND = 50


class ArticlesAsked(Paging):
    """Which articles are wanted."""

    audience: Audience = Field(
        default=Audience.PUBLIC, description="`internal` is for staff, and shows drafts, too."
    )
    tier: Name | None = Field(default=None, description="Staff only: as a customer of this tier.")


class ArticleAsked(Paging):
    """Which articles may be shown."""

    audience: Audience = Audience.PUBLIC


class SearchAsked(Paging):
    """What is looked for."""

    q: Words = Field(description=f"At most {LONGEST_QUESTION} signs.", examples=["reset password"])
    limit: int = Field(default=5, ge=1, le=_MOST_FOUND)
    audience: Audience = Audience.PUBLIC
    tier: Name | None = Field(default=None, description="Staff only: as a customer of this tier.")


class ArticleListed(Shown):
    """An article without its text."""

    id: str
    title: str
    topic: str | None
    tags: list[str]
    language: str | None
    product: str | None
    url: str | None
    updated: str | None
    audience: Audience | None = Field(default=None, description="Staff only.")
    tiers: list[str] | None = Field(default=None, description="Staff only.")
    published: bool | None = Field(default=None, description="Staff only.")


class ArticleOut(ArticleListed):
    """An article; the offsets of citations count into its text."""

    text: str
    seen_questions: list[str] | None = Field(default=None, description="Staff only.")
    author: str | None = Field(default=None, description="Staff only.")
    extra: dict[str, Any] | None = Field(default=None, description="Staff only.")


class ArticlePage(Page):
    """Some articles, by id."""

    items: list[ArticleListed]


class HitOut(ArticleListed):
    """An article that was found; scores order articles and are no probabilities."""

    score: float
    term_score: float
    vector_score: float
    passages: list[PassageOut]


class FoundPage(Page):
    """What was found, best first."""

    items: list[HitOut]
