"""Customers on the wire."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from kbsupport.api.shapes.base import Shown
from kbsupport.model import Identity


class CustomerOut(Shown):
    """What is known of a customer; what stands after `contract_end` is shown to staff only."""

    id: str = Field(examples=["C-1001"])
    tier: str
    name: str | None
    email: str | None
    phone: str | None
    company: str | None
    language: str | None
    time_zone: str | None
    products: list[str]
    contract_end: date | None
    identity: Identity | None = None
    reached: bool | None = None
    tone: str | None = None
    account_value: float | None = None
    purchases: int | None = None
    preferences: dict[str, str] | None = None
