"""What a caller may see: their own tickets and conversations, and the articles meant for them.

What is not there, what can be no id and what is somebody else's take the same look-up and end in
the same NotFound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.errors import NotFound
from kbsupport.model import Article, Caller, Filter, Identity, Ticket, storable
from kbsupport.store import articles, conversations, generations, tickets
from kbsupport.store.conversations import Conversation

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

_AT_ONCE = 100


def own_ticket(database: Database, caller: Caller, ticket_id: str) -> Ticket:
    """A ticket that this caller may see."""
    with database.read() as connection:
        found = tickets.find_ticket(connection, storable(ticket_id))
    if found is None or not _sees(caller, found.customer_id, found.conversation_id):
        raise NotFound("no such ticket, or not yours")
    return found


def own_conversation(database: Database, caller: Caller, conversation_id: str) -> Conversation:
    """A conversation that this caller may see; a visitor's own is there before its first word."""
    with database.read() as connection:
        found = conversations.find(connection, storable(conversation_id))
    if found is None and caller.conversation_id == conversation_id and not caller.staff:
        return Conversation(conversation_id, "api", None, Identity.ANONYMOUS, 0)
    if found is None or not _sees(caller, found.customer_id, found.id):
        raise NotFound("no such conversation, or not yours")
    return found


def scope_of(caller: Caller) -> dict[str, Any]:
    """Which tickets are a customer's or a visitor's own, for a list of them."""
    if caller.customer_id is not None:
        return {"customer_id": caller.customer_id}
    # Nobody named and no conversation matches nothing, rather than everything.
    return {"conversation_id": caller.conversation_id or "", "nobodys": True}


@dataclass(frozen=True, slots=True)
class Readable:
    """The articles of the live index that somebody may read; `everything` has no exception."""

    database: Database
    by: Filter
    everything: bool = False

    def page(self, after: str, limit: int) -> list[Article]:
        """So many articles, by id, from the one after this."""
        with self.database.read() as connection:
            walked = self._walk(connection, storable(after))
            return [article for article, _ in zip(walked, range(limit), strict=False)]

    def find(self, article_id: str) -> Article:
        """One article; a draft, or another audience's, looks like one that there is not."""
        found = self.titled([storable(article_id)])
        if not found:
            raise NotFound("no such article, or none that you may read")
        return next(iter(found.values()))

    def titled(self, ids: Sequence[str]) -> dict[str, Article]:
        """These articles by id, without those that are not for this reader."""
        with self.database.read() as connection:
            live = generations.live(connection)
            found = [articles.find_article(connection, live.id, one) for one in ids if live]
            return {one.id: one for one in found if one is not None and self._admits(one)}

    def _admits(self, article: Article) -> bool:
        return self.everything or (article.published and self.by.admits(article))

    def _walk(self, connection: Connection, after: str) -> Iterator[Article]:
        live = generations.live(connection)
        while live and (rows := articles.page(connection, live.id, after, _AT_ONCE)):
            yield from (one for one in rows if self._admits(one))
            after = rows[-1].id


def _sees(caller: Caller, customer_id: str | None, conversation_id: str) -> bool:
    if caller.staff:
        return True
    if caller.customer_id is not None:
        return caller.customer_id == customer_id
    # A visitor is nobody: once a customer has taken the conversation over, it is the customer's.
    return customer_id is None and caller.conversation_id == conversation_id
