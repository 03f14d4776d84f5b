"""Who asks: what is known of a customer, how sure we are of it, and what they ordered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from kbsupport.model.flat import Flat


class Identity(StrEnum):
    """How sure a channel is of who writes."""

    ANONYMOUS = "anonymous"
    NAMED = "named"
    VERIFIED = "verified"

    @property
    def level(self) -> int:
        """Higher is surer."""
        return list(Identity).index(self)


@dataclass(frozen=True, slots=True)
class Customer(Flat):
    """Who asked; nobody named is the default tier.

    `reached` is False if the system that knows them could not be asked: then `tier` is the
    strictest there is, and nothing else is known.
    """

    id: str | None
    tier: str
    identity: Identity = Identity.ANONYMOUS
    reached: bool = True
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    language: str | None = None
    time_zone: str | None = None
    tone: str | None = None
    products: tuple[str, ...] = ()
    contract_end: date | None = None
    account_value: float | None = None
    purchases: int | None = None
    preferences: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """What a decision says of them."""
        return {"id": self.id, "tier": self.tier}

    def to_dict(self) -> dict[str, Any]:
        """`customers show --json`, and what a brief holds."""
        ends = self.contract_end.isoformat() if self.contract_end else None
        return {
            "id": self.id, "tier": self.tier, "identity": str(self.identity),
            "reached": self.reached, "name": self.name, "email": self.email, "phone": self.phone,
            "company": self.company, "language": self.language, "time_zone": self.time_zone,
            "tone": self.tone, "products": list(self.products), "contract_end": ends,
            "account_value": self.account_value, "purchases": self.purchases,
            "preferences": dict(self.preferences),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order(Flat):
    """What became of an order, as the system that keeps orders tells it."""

    number: str
    customer_id: str | None
    state: str
    product: str | None = None
    ordered_on: str | None = None
    expected_on: str | None = None
    tracking: str | None = None
