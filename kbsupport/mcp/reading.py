"""Which articles a caller may read, and under which address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kbsupport.errors import NotFound, NotIndexed
from kbsupport.model import Article, Audience, Caller, Filter, Question, storable
from kbsupport.store import articles, generations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.app import App

_PAGE = 100
_LISTED = ("id", "title", "topic", "language", "url", "updated")


def uri_of(article_id: str) -> str:
    """Where an article can be read; its id may hold slashes."""
    return f"kb://article/{quote(article_id, safe='/')}"


@dataclass(frozen=True, slots=True)
class View:
    """One caller's view of the articles."""

    app: App
    audience: Audience
    tier: str

    def titled(self, ids: Sequence[str]) -> dict[str, Article]:
        """These articles, by id, as far as the caller may read them."""
        with self.app.database.read() as connection:
            live = _live(connection)
            found = (articles.find_article(connection, live, one) for one in ids)
            return {one.id: one for one in found if one is not None and self._admits(one)}

    def article(self, article_id: str) -> Article:
        """One article; one that the caller may not read looks like one that there is not."""
        found = self.titled([storable(article_id)])
        if not found:
            raise NotFound("no such article, or none that you may read")
        return next(iter(found.values()))

    def page(self, after: str) -> dict[str, Any]:
        """Articles by id from the one after this, and where the next ones are."""
        with self.app.database.read() as connection:
            rows = self._walk(connection, _live(connection), storable(after))
            held = [one for one, _ in zip(rows, range(_PAGE + 1), strict=False)]
        shown = [
            {"uri": uri_of(one.id)} | {name: one.to_dict()[name] for name in _LISTED}
            for one in held[:_PAGE]
        ]
        more = len(held) > _PAGE
        follow = f"kb://articles/after/{quote(held[_PAGE - 1].id, safe='/')}" if more else None
        return {"articles": shown, "next": follow}

    def _walk(self, connection: Connection, live: int, after: str) -> Iterator[Article]:
        rows = articles.page(connection, live, after, _PAGE)
        while rows:
            yield from (one for one in rows if self._admits(one))
            rows = articles.page(connection, live, rows[-1].id, _PAGE)

    def _admits(self, article: Article) -> bool:
        return article.published and Filter(self.audience, self.tier).admits(article)


class Shelf:
    """Gives each caller their view; internal articles are for staff, and only if that is set."""

    def __init__(self, app: App, *, internal: bool) -> None:
        self._app, self._internal = app, internal

    def view(self, caller: Caller) -> View:
        """What this caller may read."""
        inside = self._internal and caller.staff
        return View(self._app, Audience.INTERNAL if inside else Audience.PUBLIC, self._tier(caller))

    def _tier(self, caller: Caller) -> str:
        if caller.customer_id is None:
            return self._app.settings.customers.tiers[0]
        asked = Question("", customer_id=caller.customer_id, identity=caller.identity)
        return self._app.people.reception.who_asks(asked)[0].tier


def _live(connection: Connection) -> int:
    live = generations.live(connection)
    if live is None:
        raise NotIndexed("there is no index; run: kbsupport index")
    return live.id
