"""Secrets of webhooks: made from a key beside the database, so that its rows alone open nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

_PREFIX = "whsec_"


def new_seed() -> dict[str, Any]:
    """What is kept of a secret: nobody can make the secret of it without the key."""
    return {"seed": secrets.token_hex(16), "until": None}


def secret_of(key: bytes, id: str, seed: str) -> str:
    """The secret as the other side is given it."""
    made = hmac.new(key, f"webhook:{id}:{seed}".encode(), hashlib.sha256).digest()
    return _PREFIX + base64.b64encode(made).decode()


def secrets_of(
    key: bytes, id: str, seeds: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[str, ...]:
    """Every secret that is in use now, the newest first."""
    return tuple(secret_of(key, id, one["seed"]) for one in seeds if _in_use(one, now))


def rotated(
    seeds: Sequence[Mapping[str, Any]], now: datetime, grace: timedelta
) -> tuple[Mapping[str, Any], ...]:
    """A new seed before the newest one, which ends after the grace; older ones are gone."""
    if not seeds or grace <= timedelta(0):
        return (new_seed(),)
    return (new_seed(), {**seeds[0], "until": (now + grace).isoformat()})


def _in_use(seed: Mapping[str, Any], now: datetime) -> bool:
    return seed["until"] is None or now < datetime.fromisoformat(seed["until"])
