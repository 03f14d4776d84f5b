"""The database: SQLite with settings that keep what was acknowledged, migrated at open."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# Newest last. A database at another revision than these was written by a newer kbsupport.
REVISIONS = ("0001", "0002", "0003", "0004")

# The patience first: whatever follows may have to wait for another process.
PRAGMAS = {"busy_timeout": 30000, "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

_NO_ROOM = 1 << 16
_PATIENCE, _PAUSE = 30.0, 0.02


class Database:
    """One SQLite file: `read()` never waits for a writer, `write()` takes the lock at once."""

    def __init__(self, path: Path) -> None:
        from sqlalchemy.exc import DatabaseError

        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _pool(path, "BEGIN IMMEDIATE")
            # A deferred BEGIN reads a snapshot: a reader is never held up by a long index run.
            self._reader = _pool(path, "BEGIN")
            self._migrate()
        except OSError as error:
            raise StoreError(
                f"{path.parent} cannot be written: {error.strerror}; choose another --home"
            ) from error
        except DatabaseError as error:
            raise _store_error(path, error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; committed at the end, rolled back on an error."""
        with self._transaction(self._writer) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that reads a snapshot."""
        with self._transaction(self._reader) as connection:
            yield connection

    @contextmanager
    def _transaction(self, pool: Engine) -> Iterator[Connection]:
        from sqlalchemy.exc import DatabaseError

        try:
            with pool.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise _store_error(self.path, error) from error

    def settings(self) -> dict[str, Any]:
        """The PRAGMAs in force on a writing connection."""
        with self.write() as connection:
            return {n: connection.exec_driver_sql(f"PRAGMA {n}").scalar() for n in PRAGMAS}

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file, so that it does not grow for ever."""
        connection = self._writer.raw_connection()
        try:
            cursor = connection.cursor()
            # Whoever is reading is not waited for, and a full disk does not undo what was
            # committed: in either case a later run folds it in.
            cursor.execute("PRAGMA busy_timeout = 0")
            with suppress(sqlite3.Error):
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.invalidate()  # its patience is not what a writer needs
            connection.close()

    def integrity(self) -> str:
        """'ok', or what SQLite found broken."""
        with self.read() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())

    def close(self) -> None:
        """Give the connections back."""
        self._reader.dispose()
        self._writer.dispose()

    def _migrate(self) -> None:
        if self._revision() == REVISIONS[-1]:
            return
        # Two first runs at once: the second waits here and then finds the work done.
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self._revision()
            if found is not None and found not in REVISIONS:
                raise StoreError(
                    f"{self.path} was written by a newer kbsupport (schema {found}); "
                    "upgrade kbsupport or choose another --home"
                )
            if found != REVISIONS[-1]:
                _upgrade(self._writer)

    def _revision(self) -> str | None:
        with self._reader.connect() as connection:
            known = connection.exec_driver_sql(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).scalar()
            if not known:
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _upgrade(pool: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with pool.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _pool(path: Path, begin: str) -> Engine:
    from sqlalchemy import URL, create_engine, event

    # Not f"sqlite:///{path}": there a `?` or `%` in the folder's name would lead elsewhere.
    pool = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(pool, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself, or BEGIN IMMEDIATE comes too late.
        connection.isolation_level = None
        for name, value in PRAGMAS.items():
            _set(connection, name, value)
        found = {n: connection.execute(f"PRAGMA {n}").fetchone()[0] for n in PRAGMAS}
        if found != PRAGMAS:
            raise StoreError(f"{path} refuses its settings: asked {PRAGMAS}, got {found}")

    @event.listens_for(pool, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return pool


def _set(connection: Any, name: str, value: object) -> None:
    # SQLite does not wait to switch a new database to its write-ahead log, however patient it is
    # told to be: of several first runs at once, all but one would fail.
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute(f"PRAGMA {name} = {value}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _store_error(path: Path, error: Exception) -> StoreError:
    words = str(getattr(error, "orig", error))
    if "locked" in words:
        return StoreError(f"{path} is busy: another process has been writing for 30 s; try again")
    # Without room for its shared memory SQLite speaks of I/O, which sends people to the wrong cure.
    if "full" in words or ("I/O" in words and shutil.disk_usage(path.parent).free < _NO_ROOM):
        return StoreError(f"{path}: the disk is full; free some space and run the command again")
    if "readonly" in words or "unable to open" in words:
        return StoreError(f"{path} cannot be written; check its permissions or choose a --home")
    if "malformed" in words or "not a database" in words:
        return StoreError(
            f"{path} is damaged ({words}); restore it from a backup, "
            "or move it away and run: kbsupport index"
        )
    return StoreError(f"{path}: {words}")
