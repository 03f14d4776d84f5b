"""Signed tokens: what a key says of one customer or one visitor, for an hour; pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PREFIX = "kbt_"
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Token:
    """Whom it stands for, by which key it was given, and until when it holds."""

    key_id: str
    customer_id: str | None
    conversation_id: str | None
    expires_at: datetime


def sign(secret: bytes, token: Token) -> str:
    """The token as text, sealed."""
    said = [
        token.key_id, token.customer_id, token.conversation_id, int(token.expires_at.timestamp()),
    ]  # fmt: skip
    body = _packed(json.dumps(said, separators=(",", ":")).encode())
    return f"{PREFIX}{body}.{_seal(secret, body)}"


def read(secret: bytes, text: str, now: datetime) -> Token | None:
    """The token if its seal is ours and it still holds; None otherwise."""
    body, _, seal = text.removeprefix(PREFIX).partition(".")
    if len(text) > _LONGEST or not text.isascii():
        return None
    if not hmac.compare_digest(seal, _seal(secret, body)):
        return None
    token = _parsed(body)
    return token if token is not None and now < token.expires_at else None


def _parsed(body: str) -> Token | None:
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        said: Any = json.loads(raw)
        key, customer, conversation, until = said
        return Token(key, customer, conversation, datetime.fromtimestamp(until, UTC))
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError):
        return None


def _seal(secret: bytes, body: str) -> str:
    return _packed(hmac.digest(secret, b"token:" + body.encode(), hashlib.sha256))


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
