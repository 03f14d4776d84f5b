"""Webhooks: added, listed, tested, ended, and what each was told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Body, Path, Query, Request, Response

from kbsupport.api.guarding import caller_of, door, house_of, needs
from kbsupport.api.paging import Paging, paged, sliced
from kbsupport.api.problems import Problem
from kbsupport.api.replying import as_json
from kbsupport.api.shapes.webhooks import (
    DeliveriesAsked,
    DeliveryOut,
    DeliveryPage,
    NewWebhookOut,
    RotateSecretIn,
    TestedOut,
    WebhookIn,
    WebhookOut,
    WebhookPage,
)
from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Role, Scope, storable

router = door("webhooks")

WebhookId = Annotated[str, Path(description="A webhook.", examples=["3f9a1c20b7de"])]
DeliveryNumber = Annotated[int, Path(ge=0, lt=2**53, description="A delivery.", examples=[1])]
_ADMINS = frozenset({Role.ADMIN})
_GRACE = 24.0
_REFUSED = (
    "the address may not be called, or a type is never told: it has to be https on port 443 or "
    "8443, at a public address, and not a redirect; see docs/events.md"
)


@router.get("/webhooks", response_model=WebhookPage)
@needs(Scope.ADMIN, _ADMINS)
def list_webhooks(request: Request, asked: Annotated[Paging, Query()]) -> Response:
    """List every webhook, the oldest first."""
    known = house_of(request).app.lobby.webhooks.all()
    return as_json(sliced(known, asked, lambda one: one.to_dict()))


@router.post("/webhooks", status_code=201, response_model=NewWebhookOut)
@needs(Scope.ADMIN, _ADMINS, shown_once="secret")
def add_webhook(request: Request, asked: Annotated[WebhookIn, Body()]) -> Response:
    """Tell an address what happens from now on; its secret is shown this once."""
    webhooks, by = house_of(request).app.lobby.webhooks, caller_of(request).name
    try:
        made, secret = webhooks.add(asked.url, asked.types, by)
    except ConfigError:
        raise Problem(422, _REFUSED) from None
    except UpstreamError:
        raise Problem(422, "the name of the host is not known to this machine") from None
    return as_json(made.to_dict() | {"secret": secret}, 201)


@router.get("/webhooks/{webhook_id}", response_model=WebhookOut)
@needs(Scope.ADMIN, _ADMINS)
def get_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Show a webhook, and why it is disabled if it is."""
    return as_json(house_of(request).app.lobby.webhooks.find(storable(webhook_id)).to_dict())


@router.post("/webhooks/{webhook_id}/remove", response_model=WebhookOut)
@needs(Scope.ADMIN, _ADMINS)
def remove_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Tell an address nothing more, and forget what it was told."""
    webhooks, by = house_of(request).app.lobby.webhooks, caller_of(request).name
    return as_json(webhooks.remove(storable(webhook_id), by).to_dict())


@router.post("/webhooks/{webhook_id}/rotate", status_code=201, response_model=NewWebhookOut)
@needs(Scope.ADMIN, _ADMINS, shown_once="secret")
def rotate_secret(
    request: Request,
    webhook_id: WebhookId,
    asked: Annotated[RotateSecretIn | None, Body()] = None,
) -> Response:
    """Give a webhook a new secret; until the grace is over, the old one signs as well."""
    grace = timedelta(hours=asked.grace_hours if asked else _GRACE)
    webhooks, by = house_of(request).app.lobby.webhooks, caller_of(request).name
    found, secret = webhooks.rotate(storable(webhook_id), by, grace)
    return as_json(found.to_dict() | {"secret": secret}, 201)


@router.post("/webhooks/{webhook_id}/enable", response_model=WebhookOut)
@needs(Scope.ADMIN, _ADMINS)
def enable_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Tell a disabled webhook again, from now on; send again what it missed."""
    webhooks, by = house_of(request).app.lobby.webhooks, caller_of(request).name
    return as_json(webhooks.enable(storable(webhook_id), by).to_dict())


@router.post("/webhooks/{webhook_id}/test", response_model=TestedOut)
@needs(Scope.ADMIN, _ADMINS)
def test_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Send a test event now, and say what came back."""
    webhooks = house_of(request).app.lobby.webhooks
    return as_json(webhooks.test(storable(webhook_id)).to_dict())


@router.get("/webhooks/{webhook_id}/deliveries", response_model=DeliveryPage)
@needs(Scope.ADMIN, _ADMINS)
def list_deliveries(
    request: Request, webhook_id: WebhookId, asked: Annotated[DeliveriesAsked, Query()]
) -> Response:
    """List what a webhook was told or is to be told, the newest first."""
    webhooks = house_of(request).app.lobby.webhooks
    rows = webhooks.deliveries(storable(webhook_id), asked.limit + 1, asked.number, asked.state)
    return as_json(paged(rows, asked, lambda one: one.id, lambda one: one.to_dict()))


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/again", response_model=DeliveryOut)
@needs(Scope.ADMIN, _ADMINS)
def send_again(request: Request, webhook_id: WebhookId, delivery_id: DeliveryNumber) -> Response:
    """Tell a webhook of one event once more."""
    webhooks, by = house_of(request).app.lobby.webhooks, caller_of(request).name
    return as_json(webhooks.again(storable(webhook_id), delivery_id, by).to_dict())
