"""One row or JSON object of another system, to a Customer or an Order of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from kbsupport.errors import ConfigError
from kbsupport.model import Customer, Identity, Order, storable

# Our fields, and where each stands if nobody says otherwise.
CUSTOMER: Mapping[str, str] = {
    "id": "customer_id", "tier": "tier", "name": "name", "email": "email", "phone": "phone",
    "company": "company", "language": "language", "time_zone": "time_zone",
    "tone": "preferred_tone", "products": "products", "contract_end": "contract_end",
    "account_value": "account_value", "purchases": "purchases", "preferences": "preferences",
}  # fmt: skip
ORDER: Mapping[str, str] = {
    "number": "number", "customer_id": "customer_id", "state": "state", "product": "product",
    "ordered_on": "ordered_on", "expected_on": "expected_on", "tracking": "tracking",
}  # fmt: skip
_LONGEST_KEY = 200
_UNCOUNTABLE = 2**53  # from here on a float skips numbers, and soon no database has room
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class RowFault(ValueError):
    """A value that cannot be read; `key` is what its own system calls it."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Row:
    """What another system said of one customer or order, asked by our names."""

    found: Any
    places: Mapping[str, str]
    nested: bool = False

    def value(self, field: str) -> Any:
        """What stands there; None where nothing does."""
        place = self.places[field]
        here = self.found
        for step in place.split(".") if self.nested else [place]:
            if isinstance(here, Mapping):
                here = here.get(step)
            elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
                here = here[int(step)]
            else:
                return None
        return here

    def text(self, field: str) -> str | None:
        """Words, or a number that serves as a name; None where it is empty."""
        found = self.value(field)
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal | UUID | None):
            raise self.fault(field, f"{_shown(found)} is not text")
        return storable(str(found)).strip() or None if found is not None else None

    def needed(self, field: str) -> str:
        """Words that must not be missing."""
        found = self.text(field)
        if found is None:
            raise self.fault(field, "is missing or empty")
        return found

    def day(self, field: str) -> date | None:
        """A date as YYYY-MM-DD; a time of day after it does not count."""
        found = self.value(field)
        if isinstance(found, datetime):
            return found.date()
        if isinstance(found, date):
            return found
        words = self.text(field)
        if words is None:
            return None
        with suppress(ValueError):
            return datetime.fromisoformat(words).date()
        raise self.fault(field, f"{_shown(words)} is not a date such as 2026-07-31")

    def number(self, field: str) -> float | None:
        """Any finite number."""
        found = self.value(field)
        if found is None or (isinstance(found, str) and not found.strip()):
            return None
        with suppress(TypeError, ValueError, OverflowError):
            number = math.nan if isinstance(found, bool) else float(found)
            if math.isfinite(number):
                return number
        raise self.fault(field, f"{_shown(found)} is not a number such as 1200.50")

    def count(self, field: str) -> int | None:
        """A whole number from 0."""
        number = self.number(field)
        if number is None:
            return None
        if 0 <= number < _UNCOUNTABLE and number == int(number):
            return int(number)
        raise self.fault(field, f"{_shown(self.value(field))} is not a count such as 3")

    def several(self, field: str) -> tuple[str, ...]:
        """A list, or words with `;` between them."""
        found = self.value(field)
        if not isinstance(found, list):
            found = (self.text(field) or "").split(";")
        if not all(isinstance(one, str) for one in found):
            raise self.fault(field, f"{_shown(found)} is not a list of words")
        return tuple(word for one in found if (word := storable(one).strip()))

    def fault(self, field: str, reason: str) -> RowFault:
        """A fault of this field, by the name that its own system has for it."""
        return RowFault(self.places[field], reason)


def askable(key: str) -> bool:
    """False for what no system has as an id, so that none need be asked."""
    plain = key == storable(key).strip() and key not in {".", ".."}
    return plain and 0 < len(key) <= _LONGEST_KEY


def places(
    part: str, defaults: Mapping[str, str], fields: Mapping[str, str] | None
) -> Mapping[str, str]:
    """Where each field stands, with what the settings say of it."""
    for field, place in (fields or {}).items():
        if field not in defaults:
            raise ConfigError(
                f"[{part}] fields: there is no field {field!r}; there are {', '.join(defaults)}"
            )
        if not isinstance(place, str) or not place:
            raise ConfigError(f"[{part}] fields.{field} must name where it stands")
    return {**defaults, **(fields or {})}


def needed_places(
    where: Mapping[str, str], always: Sequence[str], fields: Mapping[str, str] | None
) -> list[str]:
    """What must be there: that without which nothing goes, and that which the settings name."""
    return [where[field] for field in dict.fromkeys((*always, *(fields or {})))]


def read_customer(row: Row, tiers: Sequence[str] = ()) -> Customer:
    """The customer that a row speaks of; RowFault names the first value that cannot be read."""
    return Customer(
        id=row.needed("id"),
        tier=_tier(row, tiers),
        identity=Identity.NAMED,
        name=row.text("name"),
        email=row.text("email"),
        phone=row.text("phone"),
        company=row.text("company"),
        language=_language(row),
        time_zone=_time_zone(row),
        tone=row.text("tone"),
        products=row.several("products"),
        contract_end=row.day("contract_end"),
        account_value=row.number("account_value"),
        purchases=row.count("purchases"),
        preferences=_preferences(row),
    )


def read_order(row: Row) -> Order:
    """The order that a row speaks of; RowFault names the first value that cannot be read."""
    ordered, expected = row.day("ordered_on"), row.day("expected_on")
    return Order(
        number=row.needed("number"),
        customer_id=row.text("customer_id"),
        state=row.needed("state"),
        product=row.text("product"),
        ordered_on=ordered.isoformat() if ordered else None,
        expected_on=expected.isoformat() if expected else None,
        tracking=row.text("tracking"),
    )


def _tier(row: Row, tiers: Sequence[str]) -> str:
    there = row.needed("tier")
    if not tiers:
        return there
    ours = {tier.casefold(): tier for tier in tiers}.get(there.casefold())
    if ours is None:
        raise row.fault("tier", f"no tier {_shown(there)}; there are {', '.join(tiers)}")
    return ours


def _language(row: Row) -> str | None:
    words = row.text("language")
    if words is None:
        return None
    code = re.split("[-_]", words.lower())[0]
    if not _LANGUAGE.fullmatch(code):
        raise row.fault("language", f"{_shown(words)} is not a language code such as en")
    return code


def _time_zone(row: Row) -> str | None:
    name = row.text("time_zone")
    if name is None:
        return None
    # KeyError is ZoneInfoNotFoundError; a folder of the database is an OSError.
    with suppress(KeyError, ValueError, OSError):
        return ZoneInfo(name).key
    raise row.fault("time_zone", f"{_shown(name)} is not a time zone such as Europe/Brussels")


def _preferences(row: Row) -> dict[str, str]:
    """What else they like: an object of its own, or every column that has no other meaning."""
    if row.nested:
        found = row.value("preferences")
        if not isinstance(found, Mapping | None):
            raise row.fault("preferences", f"{_shown(found)} is not an object")
        others = dict(found or {})
    else:
        known = {place for field, place in row.places.items() if field != "preferences"}
        others = {key: value for key, value in row.found.items() if key not in known}
    if any(isinstance(value, Mapping | list) for value in others.values()):
        raise row.fault("preferences", "holds more than names and values")
    return {
        storable(key): words
        for key, value in others.items()
        if value is not None and (words := storable(str(value)).strip())
    }


_LONGEST = 40


def _shown(value: Any) -> str:
    """A value as a message may hold it."""
    words = repr(value)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
