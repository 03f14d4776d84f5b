"""One SQLite file, with settings that keep what was acknowledged."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# The patience first: whatever follows may have to wait for another process.
PRAGMAS = {"busy_timeout": 30000, "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

_NO_ROOM = 1 << 16
_PATIENCE, _PAUSE, _SHORT_PAUSE = 30.0, 0.02, 0.001


class SqliteFile:
    """A file: whoever writes takes its lock at once, whoever reads never waits."""

    has_revision = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"

    def __init__(self, path: Path) -> None:
        from sqlalchemy import exc

        self.path, self.where = path, str(path)
        self.failures = (exc.DatabaseError, exc.TimeoutError)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        self.writer = _pool(path, _take_the_lock)
        # A deferred BEGIN reads a snapshot: a reader is never held up by a long index run.
        self.reader = _pool(path, lambda connection: connection.execute("BEGIN"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts no other process is in here, not even one that makes the file."""
        try:
            lock = self.path.with_suffix(".lock").open("w")
        except OSError as error:
            raise self._unwritable(error) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def settings(self) -> dict[str, Any]:
        """The PRAGMAs in force on a writing connection."""
        with self.writer.begin() as connection:
            return {n: connection.exec_driver_sql(f"PRAGMA {n}").scalar() for n in PRAGMAS}

    def integrity(self) -> str:
        """'ok', or what SQLite found broken."""
        with self.reader.begin() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())

    def condition(self) -> str:
        """How it keeps what was acknowledged, and that it is whole; a StoreError if it is not."""
        found = self.integrity()
        if found != "ok":
            raise StoreError(f"{self.where}: {found}")
        settings = self.settings()
        return f"{settings['journal_mode']}, synchronous={settings['synchronous']}, intact"

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file, so that it does not grow for ever."""
        connection = self.writer.raw_connection()
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

    def overwrite(self, connection: Connection) -> None:
        """Overwrite pages as rows leave them, so that a kill leaves little to be cleaned up."""
        connection.exec_driver_sql("PRAGMA secure_delete = ON").scalar()

    def scrub(self) -> None:
        """Let no free page and no page of the log hold what the rows no longer say."""
        with self.writer.begin() as connection:
            connection.exec_driver_sql("COMMIT")  # VACUUM refuses to run within a transaction
            connection.exec_driver_sql("VACUUM")
        log = self.path.with_name(f"{self.path.name}-wal")
        until = time.monotonic() + _PATIENCE
        self.checkpoint()
        while log.exists() and log.stat().st_size:
            if time.monotonic() > until:
                raise StoreError(
                    f"the rows are gone, but another process reads {self.where} and {log.name} "
                    "may still hold them; let it end and run the command again"
                )
            time.sleep(_PAUSE)
            self.checkpoint()

    def explain(self, error: Exception) -> StoreError:
        """What happened, and what to do about it."""
        where, words = self.where, str(getattr(error, "orig", error))
        if "QueuePool" in words:
            return StoreError(f"{where}: too many look into it at once; try again")
        if "locked" in words:
            return StoreError(
                f"{where} is busy: another process has been writing for 30 s; try again"
            )
        # Without room for its shared memory SQLite speaks of I/O, which sends people to the
        # wrong cure.
        if "full" in words or ("I/O" in words and self._no_room()):
            return StoreError(
                f"{where}: the disk is full; free some space and run the command again"
            )
        if "readonly" in words or "unable to open" in words:
            return StoreError(
                f"{where} cannot be written; check its permissions or choose a --home"
            )
        if "malformed" in words or "not a database" in words:
            return StoreError(
                f"{where} is damaged ({words}); restore it from a backup, "
                "or move it away and run: kbsupport index"
            )
        return StoreError(f"{where}: {words}")

    def _no_room(self) -> bool:
        return shutil.disk_usage(self.path.parent).free < _NO_ROOM

    def _unwritable(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.path.parent} cannot be written: {error.strerror}; choose another --home"
        )


def _pool(path: Path, begin: Callable[[sqlite3.Connection], object]) -> Engine:
    from sqlalchemy import URL, create_engine, event
    from sqlalchemy.exc import DatabaseError

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
        try:
            begin(connection.connection.dbapi_connection)  # type: ignore[arg-type]
        except sqlite3.Error as error:
            raise DatabaseError("BEGIN", None, error) from error

    return pool


def _take_the_lock(connection: sqlite3.Connection) -> None:
    """Begin to write, as soon as whoever writes has done so.

    SQLite itself looks again after pauses of up to 100 ms; among busy writers one of them may be
    unlucky for seconds.
    """
    until = time.monotonic() + _PATIENCE
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(_SHORT_PAUSE)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {PRAGMAS['busy_timeout']}")


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
