"""Where SQLite and PostgreSQL say the same thing differently: types and statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Float, String, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy import Connection

POSTGRESQL = "postgresql"


class Number(BigInteger):
    """A number that counts for ever: SQLite's INTEGER holds 64 bits, PostgreSQL's only 32."""


@compiles(Number, "sqlite")
def _number(_type: Number, _compiler: Any, **_: Any) -> str:
    # Under any other name the primary key would not be the row's own number.
    return "INTEGER"


# Sorted by its bytes, as SQLite sorts everything, whatever language the server speaks.
BYTEWISE = String().with_variant(String(collation="C"), POSTGRESQL)


class Upsert:
    """An insert that says what to do where the row is there; each dialect has its own kind.

    Built once a dialect: putting a statement together takes longer than running it.
    """

    def __init__(self, build: Callable[[Callable[[Any], Any]], Any]) -> None:
        self._build = build
        self._built: dict[str, Any] = {}

    def on(self, connection: Connection) -> Any:
        """The statement for this connection."""
        name = connection.dialect.name
        built = self._built.get(name)
        if built is None:
            built = self._built[name] = self._build(_insert(name))
        return built

    def of_many(self, connection: Connection) -> Any:
        """The statement for many rows, none of which may come twice."""
        one = self.on(connection)
        if connection.dialect.name != POSTGRESQL:
            return one
        # Only what returns something is sent for many rows at once; alone each waits its turn.
        return one.returning(literal_column("1"))


def _insert(dialect: str) -> Callable[[Any], Any]:
    # The other dialect's package need not be loaded.
    if dialect == POSTGRESQL:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


class HoursBetween(FunctionElement[float]):
    """The hours from one moment to another."""

    inherit_cache = True
    type = Float()
    name = "hours_between"


@compiles(HoursBetween, "sqlite")
def _by_days(element: HoursBetween, compiler: Any, **given: Any) -> str:
    begin, end = (compiler.process(moment, **given) for moment in element.clauses)
    return f"(julianday({end}) - julianday({begin})) * 24"


@compiles(HoursBetween, POSTGRESQL)
def _by_seconds(element: HoursBetween, compiler: Any, **given: Any) -> str:
    begin, end = (compiler.process(moment, **given) for moment in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM {end} - {begin}) AS FLOAT) / 3600"
