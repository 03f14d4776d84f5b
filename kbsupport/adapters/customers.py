"""Where customers are known: nowhere, in a CSV file, a database, or behind a web address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from kbsupport.adapters.csv_table import CsvTable
from kbsupport.adapters.lookups import Asking, Care, HttpLookup, SqlLookup
from kbsupport.adapters.rows import CUSTOMER, Row, RowFault, needed_places, places, read_customer
from kbsupport.adapters.upstream import BadAnswer
from kbsupport.model import Customer

_NEEDED = ("id", "tier")


class NoCrm:
    """Knows nobody."""

    def __init__(self, *, tiers: Sequence[str] = ()) -> None:
        del tiers

    def find(self, customer_id: str) -> Customer | None:
        """None."""
        del customer_id
        return None

    def tier_of(self, customer_id: str) -> str | None:
        """None."""
        del customer_id
        return None


class _Tiered:
    """A CRM also tells what a customer pays for."""

    _part: ClassVar[str] = "crm"

    def find(self, customer_id: str) -> Customer | None:
        raise NotImplementedError

    def tier_of(self, customer_id: str) -> str | None:
        """The tier; None if they are unknown here."""
        found = self.find(customer_id)
        return None if found is None else found.tier


class CsvCrm(_Tiered):
    """A file with one customer a line; columns that it does not know are preferences."""

    def __init__(
        self,
        path: str | Path,
        *,
        fields: Mapping[str, str] | None = None,
        tiers: Sequence[str] = (),
    ) -> None:
        where = places(self._part, CUSTOMER, fields)
        self._table = CsvTable(
            self._part,
            path,
            places=where,
            needed=needed_places(where, _NEEDED, fields),
            key="id",
            read=partial(read_customer, tiers=tiers),
        )

    def find(self, customer_id: str) -> Customer | None:
        """The customer of exactly this id."""
        found = self._table.find(customer_id)
        return found if found is not None and found.id == customer_id else None

    def everybody(self) -> tuple[Customer, ...]:
        """All of them, in the order of the file."""
        return self._table.all()


class SqlCrm(Asking, _Tiered):
    """A query with :customer_id, on any database that SQLAlchemy can reach."""

    def __init__(
        self,
        query: str,
        *,
        url: str | None = None,
        url_env: str | None = None,
        fields: Mapping[str, str] | None = None,
        tiers: Sequence[str] = (),
        **care: Any,
    ) -> None:
        self._places = places(self._part, CUSTOMER, fields)
        self._tiers = tiers
        self._lookup = SqlLookup(
            self._part,
            query,
            "customer_id",
            url=url,
            url_env=url_env,
            needed=needed_places(self._places, _NEEDED, fields),
            care=Care(**care),
        )

    def find(self, customer_id: str) -> Customer | None:
        """The customer of the one row that the query gives."""
        found = self._lookup.find(customer_id)
        if found is None:
            return None
        return _theirs(self._part, customer_id, Row(found, self._places), self._tiers)


class HttpCrm(Asking, _Tiered):
    """A URL with {customer_id} that answers a JSON object; `fields` are dotted paths into it."""

    def __init__(
        self,
        url: str,
        *,
        fields: Mapping[str, str] | None = None,
        token_env: str | None = None,
        headers_env: Mapping[str, str] | None = None,
        tiers: Sequence[str] = (),
        **care: Any,
    ) -> None:
        self._places = places(self._part, CUSTOMER, fields)
        self._tiers = tiers
        self._lookup = HttpLookup(
            self._part,
            url,
            "customer_id",
            token_env=token_env,
            headers_env=headers_env,
            care=Care(**care),
        )

    def find(self, customer_id: str) -> Customer | None:
        """The customer that the server answers; None for a 404."""
        found = self._lookup.find(customer_id)
        if found is None:
            return None
        row = Row(found, self._places, nested=True)
        return _theirs(self._part, customer_id, row, self._tiers)


class CsvTiers(CsvCrm):
    """The same file, where it is not the CRM that knows what a customer pays for."""

    _part = "tiers"


class SqlTiers(SqlCrm):
    """The same query, where it is not the CRM that knows what a customer pays for."""

    _part = "tiers"


class HttpTiers(HttpCrm):
    """The same address, where it is not the CRM that knows what a customer pays for."""

    _part = "tiers"


def _theirs(part: str, asked: str, row: Row, tiers: Sequence[str]) -> Customer:
    """The customer of a row, if it is the one who was asked for."""
    try:
        # Whose row it is comes first: a stranger's must not even be complained about by value.
        if row.needed("id") != asked:
            raise BadAnswer(part, "it answered with the row of another customer")
        return read_customer(row, tiers)
    except RowFault as fault:
        raise BadAnswer(part, str(fault)) from fault
