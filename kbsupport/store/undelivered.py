"""Messages of ours that reached nobody: events are only ever added, so each is looked at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, select

from kbsupport.model import EventType
from kbsupport.store.events import EVENT

if TYPE_CHECKING:
    from kbsupport.store.database import Database

_FAILED = EVENT.c.type == str(EventType.MESSAGE_FAILED)
_AFTER = bindparam("after", type_=EVENT.c.id.type)
_SINCE = select(
    func.coalesce(func.max(EVENT.c.id), _AFTER),
    func.coalesce(func.sum(case((_FAILED, 1), else_=0)), 0),
).where(EVENT.c.id > _AFTER)


class Undelivered:
    """Counts them, and remembers how far it has counted."""

    def __init__(self, database: Database) -> None:
        self._database, self._lock = database, threading.Lock()
        self._after = self._failed = 0

    def count(self) -> int:
        """How many there have ever been."""
        with self._lock:
            with self._database.read() as connection:
                newest, more = connection.execute(_SINCE, {"after": self._after}).one()
            self._after, self._failed = int(newest), self._failed + int(more)
            return self._failed
