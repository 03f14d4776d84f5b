"""The database: an SQLite file or a PostgreSQL server, migrated at open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import StoreError
from kbsupport.store.sqlite import PRAGMAS, SqliteFile

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from kbsupport.store.postgres import PostgresServer

__all__ = ["PRAGMAS", "REVISIONS", "Database"]

# Newest last. A database at another revision than these was written by a newer kbsupport.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")


_PATIENCE = 30.0


class Database:
    """`write()` is alone from its first moment; `read()` sees one moment and never waits for it.

    `where` is the path of an SQLite file, or the URL of a PostgreSQL database.
    """

    def __init__(self, where: Path | str) -> None:
        self._kept = _open(where)
        self._writer, self._reader = self._kept.writer, self._kept.reader
        self._one_by_one = threading.RLock()
        try:
            with self._explained():
                self._migrate()
        except BaseException:
            self.close()
            raise

    @property
    def where(self) -> str:
        """What it is called in messages: never with a password."""
        return self._kept.where

    @property
    def path(self) -> Path | None:
        """The file; None on a server."""
        return self._kept.path

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; committed at the end, rolled back on an error."""
        with self._explained(), self._turn(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that reads a snapshot."""
        with self._explained(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def erasure(self) -> Iterator[Connection]:
        """A `write()` that leaves as little as it can of what it takes away; then `scrub()`."""
        with self.write() as connection:
            self._kept.overwrite(connection)
            yield connection

    def scrub(self) -> None:
        """Let nothing that is kept beside the rows hold what they no longer say."""
        with self._explained():
            self._kept.scrub()

    def settings(self) -> dict[str, Any]:
        """What decides how safely a write is kept, as it is in force."""
        with self._explained():
            return self._kept.settings()

    def condition(self) -> str:
        """That it is sound, in a few words; a StoreError if it is not."""
        with self._explained():
            return self._kept.condition()

    def integrity(self) -> str:
        """'ok', or what was found broken."""
        with self._explained():
            return self._kept.integrity()

    def checkpoint(self) -> None:
        """Fold the log of an SQLite file into it; a server does so by itself."""
        self._kept.checkpoint()

    def close(self) -> None:
        """Give the connections back."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One thread of ours at a time asks for the lock: many at once only wake one another."""
        if not self._one_by_one.acquire(timeout=_PATIENCE):
            raise StoreError(
                f"{self.where} is busy: somebody writes for {_PATIENCE:g} s; try again"
            )
        try:
            yield
        finally:
            self._one_by_one.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._kept.failures as error:
            raise self._kept.explain(error) from error

    def _migrate(self) -> None:
        if self._revision() == REVISIONS[-1]:
            return
        # Two first runs at once: the second waits here and then finds the work done.
        with self._kept.alone():
            found = self._revision()
            if found is not None and found not in REVISIONS:
                raise StoreError(
                    f"{self.where} was written by a newer kbsupport (schema {found}); "
                    "upgrade kbsupport or choose another --home"
                )
            if found != REVISIONS[-1]:
                _upgrade(self._writer)

    def _revision(self) -> str | None:
        with self._reader.connect() as connection:
            if not connection.exec_driver_sql(self._kept.has_revision).scalar():
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _open(where: Path | str) -> SqliteFile | PostgresServer:
    if isinstance(where, Path):
        return SqliteFile(where)
    from kbsupport.store.postgres import PostgresServer

    return PostgresServer(where)


def _upgrade(pool: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with pool.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
