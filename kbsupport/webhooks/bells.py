"""Where other help desks ring: addresses of ours that nobody can guess."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kbsupport.errors import ConfigError
from kbsupport.model import storable
from kbsupport.model.webhooks import Bell
from kbsupport.store import audit, bells
from kbsupport.webhooks.secrets import secret_of

if TYPE_CHECKING:
    from kbsupport.store.database import Database

# What an unknown address is compared with, so that it takes as long as a known one.
_NOBODY = "0" * 64
_MOST_DIGITS = 18


class Bells:
    """Addresses of ours at which another help desk rings; `key` lies beside the database."""

    def __init__(
        self, database: Database, key: bytes, audit_key: bytes, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._key = database, key
        self._audit_key, self._clock = audit_key, clock

    def add(self, system: str, by: str, *, signed: bool = False) -> tuple[Bell, str]:
        """A new bell and the last part of its address, which is never shown again."""
        made = Bell(secrets.token_hex(6), storable(system), signed, self._clock())
        secret = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            bells.add_bell(connection, made, self._hash(made.id, secret))
            self._audit(connection, by, "bell.added", made.id, {"system": system})
        return made, f"{made.id}_{secret}"

    def all(self) -> list[Bell]:
        """Every bell there is or was."""
        with self._database.read() as connection:
            return bells.bells(connection)

    def end(self, id: str, by: str) -> None:
        """Let a bell ring no more."""
        with self._database.write() as connection:
            bells.end_bell(connection, id, self._clock())
            self._audit(connection, by, "bell.ended", id, {})

    def find(self, system: str, path: str) -> Bell | None:
        """Whose address it is; None for whatever rings nothing, after the same work."""
        name, _, secret = path.partition("_")
        with self._database.read() as connection:
            found = bells.find_bell(connection, storable(name))
        fits = hmac.compare_digest(self._hash(name, secret), found[1] if found else _NOBODY)
        if found is None or not fits or found[0].ended_at is not None:
            return None
        return found[0] if found[0].system == system else None

    def secret(self, bell: Bell) -> str:
        """What a signed bell's requests are signed with."""
        return secret_of(self._key, bell.id, "bell")

    def _hash(self, id: str, secret: str) -> str:
        said = f"bell:{id}:{secret}".encode("utf-8", "replace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    def _audit(self, connection: Any, by: str, action: str, id: str, body: dict[str, Any]) -> None:
        audit.append(
            connection, self._audit_key, actor=by, action=action, subject=f"bell:{id}", body=body,
            now=self._clock(),
        )  # fmt: skip


def number_in(system: str, body: Any) -> str:
    """Which ticket a help desk rings for; a ConfigError where its words name none."""
    said = body.get("ticket") if isinstance(body, dict) else None
    number = said.get("id") if isinstance(said, dict) else said
    text = str(number) if isinstance(number, int | str) and not isinstance(number, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ConfigError(f'{system} has to send {{"ticket": NUMBER}} or {{"ticket": {{"id": …}}}}')
    return text
