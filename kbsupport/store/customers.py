"""Customers as imported: the newest import of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from kbsupport.errors import ConfigError
from kbsupport.model import Customer, Identity, storable
from kbsupport.store.dialects import Upsert
from kbsupport.store.tables import CustomerRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

CUSTOMER: Any = CustomerRow.__table__  # type: ignore[attr-defined]

# Columns of their own, and what is true of a question rather than of a customer.
_APART = ("id", "tier", "identity", "reached")


def _saving(insert: Any) -> Any:
    new = insert(CUSTOMER)
    fresh = {name: new.excluded[name] for name in ("tier", "imported_at", "details")}
    return new.on_conflict_do_update(index_elements=[CUSTOMER.c.id], set_=fresh)


_SAVE = Upsert(_saving)


def save_customers(connection: Connection, customers: Iterable[Customer], now: datetime) -> int:
    """How many were stored; one that is there already is replaced."""
    rows = [_row(customer, now) for customer in customers]
    if rows:
        # The last one holds.
        distinct = {row["id"]: row for row in rows}
        connection.execute(_SAVE.of_many(connection), list(distinct.values()))
    return len(rows)


def find_customer(connection: Connection, id: str) -> Customer | None:
    """A customer by id, named but not verified."""
    row = connection.execute(select(CUSTOMER).where(CUSTOMER.c.id == id)).one_or_none()
    if row is None:
        return None
    details = dict(row.details)
    ends = details.pop("contract_end")
    return Customer(
        id=row.id,
        tier=row.tier,
        identity=Identity.NAMED,
        products=tuple(details.pop("products")),
        contract_end=date.fromisoformat(ends) if ends else None,
        **details,
    )


def _row(customer: Customer, now: datetime) -> dict[str, Any]:
    if not customer.id:
        raise ConfigError("a customer without an id cannot be kept; give every customer one")
    details = {name: value for name, value in customer.to_dict().items() if name not in _APART}
    return {
        "id": storable(customer.id),
        "tier": customer.tier,
        "imported_at": now,
        "details": details,
    }
