"""Where orders are known: nowhere, in a CSV file, a database, or behind a web address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kbsupport.adapters.csv_table import CsvTable
from kbsupport.adapters.lookups import Asking, Care, HttpLookup, SqlLookup
from kbsupport.adapters.rows import ORDER, Row, RowFault, needed_places, places, read_order
from kbsupport.adapters.upstream import BadAnswer
from kbsupport.model import Order

_PART = "orders"
_NEEDED = ("number", "state")


class NoOrders:
    """Knows no order."""

    def find(self, number: str) -> Order | None:
        """None."""
        del number
        return None


class CsvOrders:
    """A file with one order a line."""

    def __init__(self, path: str | Path, *, fields: Mapping[str, str] | None = None) -> None:
        where = places(_PART, ORDER, fields)
        self._table = CsvTable(
            _PART,
            path,
            places=where,
            needed=needed_places(where, _NEEDED, fields),
            key="number",
            read=read_order,
        )

    def find(self, number: str) -> Order | None:
        """The order of this number, whatever its case."""
        return self._table.find(number)


class SqlOrders(Asking):
    """A query with :number, on any database that SQLAlchemy can reach."""

    def __init__(
        self,
        query: str,
        *,
        url: str | None = None,
        url_env: str | None = None,
        fields: Mapping[str, str] | None = None,
        **care: Any,
    ) -> None:
        self._places = places(_PART, ORDER, fields)
        self._lookup = SqlLookup(
            _PART,
            query,
            "number",
            url=url,
            url_env=url_env,
            needed=needed_places(self._places, _NEEDED, fields),
            care=Care(**care),
        )

    def find(self, number: str) -> Order | None:
        """The order of the one row that the query gives."""
        found = self._lookup.find(number)
        return None if found is None else _asked_for(number, Row(found, self._places))


class HttpOrders(Asking):
    """A URL with {number} that answers a JSON object; `fields` are dotted paths into it."""

    def __init__(
        self,
        url: str,
        *,
        fields: Mapping[str, str] | None = None,
        token_env: str | None = None,
        headers_env: Mapping[str, str] | None = None,
        **care: Any,
    ) -> None:
        self._places = places(_PART, ORDER, fields)
        self._lookup = HttpLookup(
            _PART,
            url,
            "number",
            token_env=token_env,
            headers_env=headers_env,
            care=Care(**care),
        )

    def find(self, number: str) -> Order | None:
        """The order that the server answers; None for a 404."""
        found = self._lookup.find(number)
        return None if found is None else _asked_for(number, Row(found, self._places, nested=True))


def _asked_for(number: str, row: Row) -> Order:
    """The order of a row, if it is the one that was asked for."""
    try:
        if row.needed("number").casefold() != number.casefold():
            raise BadAnswer(_PART, "it answered with another order")
        return read_order(row)
    except RowFault as fault:
        raise BadAnswer(_PART, str(fault)) from fault
