"""Webhooks on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictFloat

from kbsupport.api.paging import Paging
from kbsupport.api.shapes.base import Body, Page, Said, Shown
from kbsupport.model.webhooks import Dispatched

_MOST_TYPES, _MONTH = 50, 720
_TYPE = Annotated[str, Field(pattern=r"^[a-z_.]*\*?$", min_length=1, max_length=100)]


class WebhookIn(Body):
    """An address that wants to be told."""

    url: Said = Field(max_length=2000, examples=["https://hooks.example.com/kbsupport"])
    types: list[_TYPE] = Field(
        default=["*"], max_length=_MOST_TYPES, examples=[["ticket.*", "message.sent"]],
        description="Types of events, or their beginning before a *.",
    )  # fmt: skip


class RotateSecretIn(Body):
    """How long the old secret signs beside the new one."""

    grace_hours: StrictFloat = Field(default=24.0, ge=0, le=_MONTH)


class WebhookOut(Shown):
    """A webhook without its secret."""

    id: str
    url: str
    types: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    why_disabled: str | None


class NewWebhookOut(WebhookOut):
    """A webhook with its secret, shown this once: repeated, the answer leaves it out."""

    secret: str | None = Field(examples=["whsec_…"])


class WebhookPage(Page):
    """Every webhook there is."""

    items: list[WebhookOut]


class DeliveriesAsked(Paging):
    """Which deliveries are wanted."""

    state: Dispatched | None = None


class DeliveryOut(Shown):
    """One event on its way to one webhook."""

    id: int
    event_id: int
    state: Dispatched
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    error: str | None
    done_at: datetime | None


class DeliveryPage(Page):
    """What a webhook was told or is to be told, the newest first."""

    items: list[DeliveryOut]


class TestedOut(Shown):
    """What a webhook answered to a test event."""

    good: bool
    status: int | None
    error: str | None


class RungOut(Shown):
    """That a bell was heard."""

    status: Literal["heard", "known"]
