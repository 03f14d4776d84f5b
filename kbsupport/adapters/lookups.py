"""One row of a database, or one JSON object of a server, by its key."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from kbsupport.adapters.rows import askable
from kbsupport.adapters.upstream import BadAnswer, Guarded
from kbsupport.adapters.web import Web
from kbsupport.errors import ConfigError, UpstreamError

if TYPE_CHECKING:
    from sqlalchemy import URL

_LARGEST = 1_000_000
# A customer waits as long as the timeout, and what they pay for may change while it is remembered.
_BOUNDS: tuple[tuple[str, tuple[type, ...], float, float], ...] = (
    ("timeout", (int, float), 0.01, 60),
    ("retries", (int,), 0, 9),
    ("cache_seconds", (int, float), 0, 3600),
)


@dataclass(frozen=True, slots=True)
class Care:
    """How a system is asked: within how many seconds, how often again, remembered how long."""

    timeout: float = 2.0
    retries: int = 1
    cache_seconds: float = 30.0

    def guarded(self, part: str) -> Guarded:
        """What stands between us and that system; a value that cannot be right is a ConfigError."""
        for name, kinds, least, most in _BOUNDS:
            value = getattr(self, name)
            # type, for a bool would be an int; and nan is neither below nor above anything.
            if type(value) not in kinds or not least <= value <= most:
                kind = "a number" if float in kinds else "a whole number"
                raise ConfigError(f"[{part}] {name} must be {kind} from {least} to {most}")
        return Guarded(part, self.timeout, self.retries, cache_seconds=self.cache_seconds)


class SqlLookup:
    """A query with one parameter, only ever read with: whatever it does is rolled back."""

    def __init__(
        self,
        part: str,
        query: str,
        parameter: str,
        *,
        url: str | None = None,
        url_env: str | None = None,
        needed: Collection[str] = (),
        care: Care,
    ) -> None:
        from sqlalchemy import NullPool, create_engine, text
        from sqlalchemy.exc import ArgumentError

        if bool(url) == bool(url_env):
            raise ConfigError(f"[{part}] needs either url, or url_env that names a variable")
        address = url or from_environment(part, "url_env", url_env or "")
        if query.upper().split(maxsplit=1)[:1] not in (["SELECT"], ["WITH"]):
            raise ConfigError(f"[{part}] query must begin with SELECT or WITH")
        self._query = text(query)
        if set(self._query.compile().params) != {parameter}:
            raise ConfigError(f"[{part}] query must have one parameter, :{parameter}")
        self._part, self._parameter, self._needed = part, parameter, needed
        self.guarded = care.guarded(part)
        try:
            # No pool: a connection that hangs is left alone and must not be missed.
            self._database = create_engine(_read_only(address), poolclass=NullPool)
        except (
            ArgumentError,
            ValueError,
        ) as error:  # it may quote the address, which may hold a password
            raise ConfigError(f"[{part}] url is not an address SQLAlchemy knows") from error
        except ImportError as error:
            raise ConfigError(f"[{part}] url needs a driver: pip install {error.name}") from error

    def find(self, key: str) -> Mapping[str, Any] | None:
        """The one row; two of them, or one without a column that is needed, is a BadAnswer."""
        return self.guarded.call(key, self._ask) if askable(key) else None

    def _ask(self, key: str) -> Mapping[str, Any] | None:
        from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

        try:
            with self._database.connect() as connection:
                reading = connection.execution_options(postgresql_readonly=True)
                found = reading.execute(self._query, {self._parameter: key}).mappings()
                rows = [dict(row) for row in found.fetchmany(2)]
        except DataError as error:  # such as letters, where ids are numbers
            raise BadAnswer(self._part, "it cannot look for such an id") from error
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise UpstreamError(self._part, f"{cause}".partition("\n")[0]) from error
        if len(rows) > 1:
            raise BadAnswer(self._part, f"the query finds several rows for one {self._parameter}")
        for name in self._needed if rows else ():
            if name not in rows[0]:
                raise BadAnswer(self._part, f"the query gives no column {name!r}")
        return rows[0] if rows else None


class HttpLookup:
    """A JSON object by a URL with the key in it."""

    def __init__(
        self,
        part: str,
        url: str,
        parameter: str,
        *,
        token_env: str | None = None,
        headers_env: Mapping[str, str] | None = None,
        care: Care,
    ) -> None:
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}"
        self._path, self._hole = url[len(origin) :], f"{{{parameter}}}"
        if self._hole not in self._path:
            raise ConfigError(f"[{part}] url must have {self._hole} in it, after the host")
        headers = {
            name: from_environment(part, f"headers_env.{name}", variable)
            for name, variable in (headers_env or {}).items()
        }
        if token_env is not None:
            headers["Authorization"] = f"Bearer {from_environment(part, 'token_env', token_env)}"
        self.guarded = care.guarded(part)
        # The guard hears no answer after its time limit, so none is listened to for longer.
        self._web = Web(part, origin, timeout=care.timeout, headers=headers, largest=_LARGEST)

    def find(self, key: str) -> Any | None:
        """What is answered; None for a 404."""
        return self.guarded.call(key, self._ask) if askable(key) else None

    def _ask(self, key: str) -> Any | None:
        path = self._path.replace(self._hole, quote(key, safe=""))
        return self._web.json("GET", path, missing_ok=True)


class Asking:
    """A part that asks another system; `guarded` tells how that goes."""

    _lookup: SqlLookup | HttpLookup

    @property
    def guarded(self) -> Guarded:
        """What stands between us and that system."""
        return self._lookup.guarded


def from_environment(part: str, option: str, variable: str) -> str:
    """A secret, by the name of its variable: it never stands in a file of settings."""
    found = os.environ.get(variable, "").strip()
    if not found:
        raise ConfigError(f"[{part}] {option}: the environment has no {variable}")
    return found


def _read_only(address: str) -> URL:
    """The address; a SQLite file is opened for reading, and is not made if it is not there."""
    from sqlalchemy import make_url

    url = make_url(address)
    if url.get_backend_name() != "sqlite" or not url.database or "uri" in url.query:
        return url
    named = url.set(database=f"file:{quote(url.database)}")
    return named.update_query_dict({"mode": "ro", "uri": "true"})
