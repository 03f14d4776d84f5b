"""Which articles a caller may read, and under which address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kbsupport.model import Audience, Caller

if TYPE_CHECKING:
    from kbsupport.access.seeing import Readable
    from kbsupport.app import App

_PAGE = 100
_LISTED = ("id", "title", "topic", "language", "url", "updated")


def uri_of(article_id: str) -> str:
    """Where an article can be read; its id may hold slashes."""
    return f"kb://article/{quote(article_id, safe='/')}"


def page_of(view: Readable, after: str) -> dict[str, Any]:
    """Articles by id from the one after this, and where the next ones are."""
    held = view.page(after, _PAGE + 1)
    shown = [
        {"uri": uri_of(one.id)} | {name: one.to_dict()[name] for name in _LISTED}
        for one in held[:_PAGE]
    ]
    more = len(held) > _PAGE
    follow = f"kb://articles/after/{quote(held[_PAGE - 1].id, safe='/')}" if more else None
    return {"articles": shown, "next": follow}


class Shelf:
    """Gives each caller their view; internal articles are for staff, and only if that is set."""

    def __init__(self, app: App, *, internal: bool) -> None:
        self._app, self._internal = app, internal

    def view(self, caller: Caller) -> Readable:
        """What this caller may read: no draft, whoever asks."""
        inside = self._internal and caller.staff
        audience = Audience.INTERNAL if inside else Audience.PUBLIC
        return self._app.lobby.readable(caller, audience, everything=False)
