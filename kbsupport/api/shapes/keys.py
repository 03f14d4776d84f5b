"""Keys on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, StrictBool, StrictFloat

from kbsupport.api.shapes.base import Body, Name, Page, Said, Shown
from kbsupport.model import Role, Scope

_TEN_YEARS = 3650
_MONTH = 720


class KeyIn(Body):
    """A key as somebody wants it.

    A customer's key names its `customer_id` or is for `visitors` of a page; a specialist's or
    lead's names its `specialist_id`; no other key names anybody.
    """

    name: Said = Field(max_length=200, examples=["Mia's console"])
    role: Role
    scopes: list[Scope] | None = Field(
        default=None, min_length=1, max_length=len(Scope), description="The usual ones if left out."
    )
    customer_id: Name | None = None
    specialist_id: Name | None = Field(default=None, examples=["mia"])
    visitors: StrictBool = False
    days: StrictFloat | None = Field(
        default=None, gt=0.001, le=_TEN_YEARS, description="It ends after so long.", examples=[90]
    )


class RotateIn(Body):
    """How long the old key still works."""

    grace_hours: StrictFloat = Field(default=0.0, ge=0, le=_MONTH)


class KeyOut(Shown):
    """A key without its secret."""

    id: str
    name: str
    role: Role
    scopes: list[Scope]
    customer_id: str | None
    specialist_id: str | None
    visitors: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyOut(KeyOut):
    """A new key with its text, which is shown this once: repeated, the answer leaves it out."""

    key: str | None = Field(examples=["kbs_3f9a1c20b7de_…"])


class KeyPage(Page):
    """Every key that was given."""

    items: list[KeyOut]
