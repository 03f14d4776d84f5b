"""Which articles a caller may read, found in the live index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kbsupport.api.problems import Problem
from kbsupport.errors import NotFound, NotIndexed
from kbsupport.model import Article, Audience, Caller, Filter, Question, storable
from kbsupport.store import articles, generations

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.app import App

_AT_ONCE = 100


class Reader:
    """One caller's view of the articles."""

    def __init__(self, app: App, caller: Caller, audience: Audience, tier: str | None) -> None:
        if not caller.staff and (audience is not Audience.PUBLIC or tier is not None):
            raise Problem(403, "what you may read is known from the key: leave it out")
        if tier is not None and tier not in app.settings.customers.tiers:
            raise Problem(422, f"there are the tiers {', '.join(app.settings.customers.tiers)}")
        self._app, self._everything = app, audience is Audience.INTERNAL
        self.tier = tier or _tier_of(app, caller)
        self.audience = audience
        self._by = Filter(audience, self.tier)

    def page(self, after: str, limit: int) -> list[Article]:
        """So many articles, by id, from the one after this."""
        with self._app.database.read() as connection:
            live = generations.live(connection)
            if live is None:
                return []
            found = self._walk(connection, live.id, after)
            return [article for article, _ in zip(found, range(limit), strict=False)]

    def find(self, article_id: str) -> Article:
        """One article; a draft, or another audience's, looks like one that there is not."""
        with self._app.database.read() as connection:
            live = generations.live(connection)
            wanted = storable(article_id)
            found = articles.find_article(connection, live.id, wanted) if live else None
        if found is None or not self.admits(found):
            raise NotFound("no such article, or none that you may read")
        return found

    def titled(self, ids: list[str]) -> dict[str, Article]:
        """These articles of the live index, by id."""
        with self._app.database.read() as connection:
            live = generations.live(connection)
            if live is None:
                raise NotIndexed("there is no index; run: kbsupport index")
            found = (articles.find_article(connection, live.id, one) for one in ids)
            return {one.id: one for one in found if one is not None and self.admits(one)}

    def admits(self, article: Article) -> bool:
        """True if the caller may read it."""
        return self._everything or (article.published and self._by.admits(article))

    def _walk(self, connection: Connection, generation: int, after: str) -> Iterator[Article]:
        rows = articles.page(connection, generation, after, _AT_ONCE)
        while rows:
            yield from (one for one in rows if self.admits(one))
            rows = articles.page(connection, generation, rows[-1].id, _AT_ONCE)


def _tier_of(app: App, caller: Caller) -> str:
    if caller.customer_id is None:
        return app.settings.customers.tiers[0]
    asked = Question("", customer_id=caller.customer_id, identity=caller.identity)
    return app.people.reception.who_asks(asked)[0].tier
