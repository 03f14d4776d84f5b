"""Writers of one process share a transaction: they wait for one disk instead of in line."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kbsupport.errors import KbSupportError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

T = TypeVar("T")
_MOST = 64


class _Job(Generic[T]):
    def __init__(self, write: Callable[[Connection], T]) -> None:
        self.write = write
        self.value: T | None = None
        self.error: KbSupportError | None = None
        self.over = False

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


class Together:
    """Whoever comes first writes for all who wait; each is undone alone if it fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: deque[_Job[Any]] = deque()
        self._first = threading.Lock()

    def write(self, job: Callable[[Connection], T]) -> T:
        """What the job returns, once it is committed; its error, and nothing of it stored."""
        one = _Job(job)
        self._queue.append(one)
        while not one.over:
            with self._first:
                if not one.over:
                    self._write_all()
        return one.result()

    def _write_all(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST))]
        committed = False
        try:
            with self._database.write() as connection:
                for one in batch:
                    self._do(connection, one, alone=len(batch) == 1)
            committed = True
        except KbSupportError as error:
            for one in batch:
                one.error = error
        finally:
            for one in batch:
                if not committed and one.error is None:
                    one.error = StoreError("a write beside this one failed, so it was not stored")
                one.over = True

    def _do(self, connection: Connection, one: _Job[Any], *, alone: bool) -> None:
        if alone:
            one.value = one.write(connection)
            return
        try:
            with connection.begin_nested():
                one.value = one.write(connection)
        except StoreError:
            raise  # nothing can be written, by anybody
        except KbSupportError as error:
            one.error = error
