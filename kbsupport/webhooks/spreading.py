"""Every event waits for each endpoint that wants to be told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from kbsupport.model import Event
from kbsupport.model.webhooks import Endpoint
from kbsupport.store import hooks
from kbsupport.webhooks.schedule import wants

if TYPE_CHECKING:
    from kbsupport.store.database import Database


class Spreader:
    """A subscriber of the outbox; told twice of an event, it lets it wait once."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._known: tuple[int, Sequence[Endpoint]] = (0, ())

    def __call__(self, event: Event) -> None:
        """Let the event wait for whoever wants it; nothing is sent from here."""
        wanting = [
            one.id
            for one in self._endpoints(event.id)
            if event.id > one.after and wants(one.types, str(event.type))
        ]
        if wanting:
            with self._database.write() as connection:
                hooks.spread(connection, event.id, wanting, self._clock())

    def _endpoints(self, event_id: int) -> Sequence[Endpoint]:
        """Every endpoint that may want this event.

        One that was added since they were read is told only of what happened after that: up to
        the newest event of that moment, they are all.
        """
        if event_id > self._known[0]:
            with self._database.read() as connection:
                self._known = (hooks.newest_event(connection), hooks.endpoints(connection))
        return self._known[1]
