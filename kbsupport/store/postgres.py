"""One PostgreSQL database, used as an SQLite file is: one writer at a time, snapshots to read."""

from __future__ import annotations

import getpass
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError, MissingExtra, StoreError
from kbsupport.model import storable

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine import ExceptionContext

# What a connection insists on, whatever the server's own settings are.
_SESSION = {
    "TimeZone": "UTC",
    "lock_timeout": "30s",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}
_READING = {
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
}
_SHOWN = ("server_version", "synchronous_commit", "fsync")

# Any two numbers do that mean nothing else in this database.
_WRITING, _MIGRATING = 7_226_001, 7_226_002
_LOCK = "SELECT pg_advisory_xact_lock({})"

_SCHEMES = ("postgresql", "postgresql+pg8000")
_OPTIONS = frozenset({"host", "sslmode"})
_TLS = ("prefer", "disable", "require", "verify-full")
_PORT, _PATIENCE = 5432, 10.0
# A server that vanished without a word is noticed after two minutes.
_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
_GONE = ("57P01", "57P02", "57P03")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_INFINITY = re.compile(r'("(?:[^"\\]|\\.)*")|(-?)Infinity')

_AGAIN = "what was not acknowledged was not kept; start it and run the command again"
# By the first letters of PostgreSQL's own code, the longest first: its words may be in any tongue.
_EXPLAINED: Mapping[str, str] = {
    "55P03": "{} is busy: another process has been writing for 30 s; try again",
    "40P01": "{} is busy: two processes waited for each other; try again",
    "57P03": "{} is starting or stopping ({}); try again in a moment",
    "57P": "{} went away; " + _AGAIN,
    "3D000": "{} does not exist; make it with createdb, or mend [store] url",
    "28": "{} refuses this user or password; mend KBSUPPORT_STORE__URL",
    "42501": "{} does not allow that ({}); the user of [store] url has to own its tables",
    "25006": "{} only reads, as a standby does; name the primary server in [store] url",
    "53100": "{}: the server's disk is full; free some space and run the command again",
    "53300": "{} has no connection left; close some or raise its max_connections",
    "54000": "{} takes no id or key of more than 2,700 bytes ({}); give it a shorter one",
    "XX": "{} is damaged ({}); restore it from a backup",
}


class PostgresServer:
    """A database on a server; its writers queue for one lock, as those of a file do."""

    path = None
    has_revision = "SELECT to_regclass('alembic_version') IS NOT NULL"

    def __init__(self, url: str) -> None:
        from sqlalchemy import exc

        _require_driver()
        place = Place(url)
        self.where = place.name
        self.failures = (exc.DBAPIError, exc.TimeoutError)
        self.writer, self.reader = _pool(place, {}), _pool(place, _READING)
        _lock_at_begin(self.writer)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts no other process migrates."""
        with self.reader.begin() as connection:
            connection.exec_driver_sql(_LOCK.format(_MIGRATING))
            yield

    def settings(self) -> dict[str, Any]:
        """What decides whether an acknowledged write survives a crash of the server."""
        with self.reader.begin() as connection:
            return {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in _SHOWN}

    def integrity(self) -> str:
        """'ok' if it answers: only the server's own tools can look at its pages."""
        with self.reader.begin() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM pointer").scalar()
        return "ok"

    def condition(self) -> str:
        """Which server answers, and how it keeps what was acknowledged."""
        self.integrity()
        settings = self.settings()
        kept = ", ".join(f"{name}={settings[name]}" for name in _SHOWN[1:])
        return f"PostgreSQL {settings['server_version'].partition(' ')[0]}, {kept}"

    def checkpoint(self) -> None:
        """Nothing to do: the server folds its log in by itself."""

    def overwrite(self, connection: Connection) -> None:
        """Nothing to do: rows leave their pages when `scrub` writes the tables anew."""

    def scrub(self) -> None:
        """Write every table of ours anew without what is gone, and learn its statistics anew."""
        from sqlalchemy.exc import DBAPIError

        ours = (
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = current_schema() AND tableowner = current_user"
        )
        with self.writer.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("COMMIT")  # the pool has looked whether the server answers
            tables = alone.exec_driver_sql(ours).scalars().all()
            try:
                for table in tables:
                    alone.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")
            except DBAPIError as error:
                if _code(error) != "55P03":
                    raise
                raise StoreError(
                    f"the rows are gone, but another process reads {self.where} and its tables "
                    "may still hold them; let it end and run the command again"
                ) from error

    def explain(self, error: Exception) -> StoreError:
        """What happened, and what to do about it; PostgreSQL's details, which quote, are not."""
        return _explained(self.where, error)


class Place:
    """Where the URL leads; nothing of it is ever said but host and database."""

    def __init__(self, url: str) -> None:
        self.url = _read(url)
        given = {name: str(value) for name, value in self.url.query.items()}
        self.folder = given.get("host") if not self.url.host else None
        self.host = self.url.host or self.folder or "localhost"
        self.port = self.url.port or _PORT
        self.tls = given.get("sslmode", _TLS[0])
        if given.keys() - _OPTIONS or self.tls not in _TLS:
            raise ConfigError(
                f"[store] url takes no options but host=FOLDER and sslmode={'|'.join(_TLS)}"
            )
        self.name = f"PostgreSQL {self.host}:{self.port}/{self.url.database}"

    def connect(self, session: Mapping[str, str]) -> Any:
        """A new connection of the driver."""
        import pg8000

        class Quiet(pg8000.Connection):  # type: ignore[misc]
            """A connection that nobody hears of when it is closed after its server went away."""

            def close(self) -> None:
                with suppress(pg8000.Error):
                    super().close()

        with ExitStack() as undo:
            try:
                dialled = undo.enter_context(self._dial())
                made = Quiet(
                    user=self.url.username or getpass.getuser(),
                    password=self.url.password,
                    database=self.url.database,
                    host=self.host,
                    sock=dialled,
                    ssl_context=False if self.folder else _tls(self.tls),
                    application_name="kbsupport",
                    startup_params=dict(_SESSION) | dict(session),
                )
            except (OSError, pg8000.Error) as error:
                if _code(error) is not None:
                    raise _explained(self.name, error) from error
                why = getattr(error, "strerror", None) or error
                raise StoreError(
                    f"{self.name} cannot be reached ({why}); start it, or mend [store] url"
                ) from error
            _check_encoding(self.name, made)
            undo.pop_all()
        return made

    def _dial(self) -> socket.socket:
        if self.folder:
            near = socket.socket(socket.AF_UNIX)
            try:
                near.connect(f"{self.folder}/.s.PGSQL.{self.port}")
            except OSError:
                near.close()
                raise
            return near
        far = socket.create_connection((self.host, self.port), _PATIENCE)
        far.settimeout(None)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _ALIVE.items():
            if hasattr(socket, name):
                far.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return far


def _check_encoding(where: str, connection: Any) -> None:
    encoding = connection.parameter_statuses.get("server_encoding")
    if encoding not in {"UTF8", b"UTF8"}:
        raise StoreError(f"{where} is not in UTF8; make it with createdb --encoding UTF8")


def _require_driver() -> None:
    try:
        import pg8000  # noqa: F401 - looked for, not used
    except ImportError as error:
        raise MissingExtra("pg8000", "postgres") from error


def _read(url: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        found = None
    if found is None or found.drivername not in _SCHEMES or not found.database:
        # Whatever it is, it may hold a password: it is not quoted, nor the error that quotes it.
        raise ConfigError(
            "[store] url is not postgresql://USER:PASSWORD@HOST/DATABASE; without one "
            "kbsupport keeps everything in an SQLite file in its home"
        ) from None
    return found


def _tls(mode: str) -> Any:
    if mode == "verify-full":
        return ssl.create_default_context()
    # The driver's own words: None tries and goes on without, True insists.
    return {"prefer": None, "disable": False, "require": True}[mode]


def _pool(place: Place, session: Mapping[str, str]) -> Engine:
    from sqlalchemy import create_engine, event

    pool = create_engine(
        "postgresql+pg8000://",
        creator=lambda: place.connect(session),
        json_serializer=_json,
        pool_pre_ping=True,  # a server may have been started anew since the last write
    )

    # Many rows in one statement: each alone would wait for the server.
    pool.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(pool, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # An SQLite file holds NUL, a server refuses it: here it is what `storable` makes of it.
        connection.register_out_adapter(str, lambda text: text.replace("\0", " "))

    @event.listens_for(pool, "handle_error")
    def notice(context: ExceptionContext) -> None:
        if _code(context.original_exception) in _GONE:
            context.is_disconnect = True

    return pool


def _lock_at_begin(pool: Engine) -> None:
    from sqlalchemy import event

    @event.listens_for(pool, "begin")
    def queue(connection: Connection) -> None:
        # In "read committed" the statements after this one see what the last writer left.
        connection.exec_driver_sql(_LOCK.format(_WRITING))


def _json(value: Any) -> str:
    # PostgreSQL cannot look into a value with a NUL or half a pair of surrogates, and knows no
    # infinity; a number beyond all numbers is read as one.
    text = _NUL.sub(r"\1 ", storable(json.dumps(value, ensure_ascii=False)))
    return _INFINITY.sub(lambda one: one[1] or f"{one[2]}1e999", text)


def _explained(where: str, error: BaseException) -> StoreError:
    code, words = _code(error), _told(error).get("M", getattr(error, "orig", error))
    if "QueuePool" in str(words):
        return StoreError(f"{where}: too many look into it at once; try again")
    if code is None:
        return StoreError(f"{where} went away ({words}); {_AGAIN}")
    for begins, told in _EXPLAINED.items():
        if code.startswith(begins):
            return StoreError(told.format(where, words))
    return StoreError(f"{where}: {words}")


def _code(error: BaseException) -> str | None:
    """PostgreSQL's five signs for what happened; None if it could say nothing any more."""
    return _told(error).get("C")


def _told(error: BaseException) -> Mapping[str, str]:
    told = getattr(error, "orig", error).args[:1]
    return told[0] if told and isinstance(told[0], dict) else {}
