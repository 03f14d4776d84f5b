"""Articles: listed, read, searched."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.paging import paged
from kbsupport.api.reading import readable
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.articles import (
    ArticleAsked,
    ArticleOut,
    ArticlePage,
    ArticlesAsked,
    FoundPage,
    SearchAsked,
)
from kbsupport.model import Article, Caller, Match, Passage, Scope

router = door("articles")

ArticleId = Annotated[str, Path(description="An article.", examples=["billing/failed-payment"])]
_BRIEF = ("id", "title", "topic", "tags", "language", "product", "url", "updated")
_STAFF = ("audience", "tiers", "published")
_INSIDE = ("seen_questions", "author", "extra")


@router.get("/articles", response_model=ArticlePage)
@needs(Scope.ASK)
def list_articles(request: Request, asked: Annotated[ArticlesAsked, Query()]) -> Response:
    """List the articles that the caller may read, by id."""
    caller = caller_of(request)
    reader = readable(house_of(request).app, caller, asked.audience, asked.tier)
    rows = reader.page(asked.place, asked.limit + 1)
    return as_json(paged(rows, asked, lambda one: one.id, lambda one: _listed(caller, one)))


@router.get("/articles/search", response_model=FoundPage)
@needs(Scope.ASK, thinks=True)
def search_articles(request: Request, asked: Annotated[SearchAsked, Query()]) -> Response:
    """Find articles for a text, best first; nothing is decided or kept."""
    caller, app = caller_of(request), house_of(request).app
    reader = readable(app, caller, asked.audience, asked.tier)
    found = app.search(asked.q, tier=reader.by.tier, audience=reader.by.audience)
    begin = asked.number or 0
    matches = found.matches[begin : begin + asked.limit + 1]
    known = reader.titled([one.article_id for one in matches])
    numbered = [
        (place, one) for place, one in enumerate(matches, begin + 1) if one.article_id in known
    ]
    return as_json(
        paged(
            numbered, asked, lambda one: one[0],
            lambda one: _hit(caller, known[one[1].article_id], one[1], found.passages),
        )
    )  # fmt: skip


@router.get("/articles/{article_id:path}", response_model=ArticleOut)
@needs(Scope.ASK)
def get_article(
    request: Request, article_id: ArticleId, asked: Annotated[ArticleAsked, Query()]
) -> Response:
    """Show one article as it is indexed."""
    caller = caller_of(request)
    found = readable(house_of(request).app, caller, asked.audience, None).find(article_id)
    shown = found.to_dict()
    inside = {name: shown[name] for name in _INSIDE} if caller.staff else {}
    return as_json(_listed(caller, found) | {"text": found.text} | inside)


def _listed(caller: Caller, article: Article) -> dict[str, Any]:
    shown = article.to_dict()
    return {name: shown[name] for name in (*_BRIEF, *(_STAFF if caller.staff else ()))}


def _hit(
    caller: Caller, article: Article, match: Match, passages: tuple[Passage, ...]
) -> dict[str, Any]:
    return _listed(caller, article) | {
        "score": match.score, "term_score": match.term_score, "vector_score": match.vector_score,
        "passages": [one.to_dict() for one in passages if one.article_id == article.id],
    }  # fmt: skip
