"""Which articles the caller of a route may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kbsupport.api.problems import Problem
from kbsupport.model import Audience, Caller

if TYPE_CHECKING:
    from kbsupport.access.seeing import Readable
    from kbsupport.app import App


def readable(app: App, caller: Caller, audience: Audience, tier: str | None) -> Readable:
    """What was asked for, if they may ask for it; with the internal ones staff read everything."""
    if not caller.staff and (audience is not Audience.PUBLIC or tier is not None):
        raise Problem(403, "what you may read is known from the key: leave it out")
    if tier is not None and tier not in app.settings.customers.tiers:
        raise Problem(422, f"there are the tiers {', '.join(app.settings.customers.tiers)}")
    inside = audience is Audience.INTERNAL
    return app.lobby.readable(caller, audience, tier, everything=inside)
