"""Endpoints that are told what happens here: added, listed, ended, and what each of them got."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from kbsupport.errors import Conflict, UpstreamError
from kbsupport.model.webhooks import Dispatch, Dispatched, Endpoint
from kbsupport.store import audit, hooks
from kbsupport.webhooks.schedule import body, check_types
from kbsupport.webhooks.secrets import new_seed, rotated, secret_of, secrets_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database

TEST = "webhook.test"


class Post(Protocol):
    """Sends signed bytes to an address of a stranger."""

    def check(self, url: str) -> None:
        """A ConfigError for an address that may not be called."""
        ...

    def send(
        self, url: str, body: bytes, *, secrets: Sequence[str], id: str, at: datetime
    ) -> tuple[int, str | None]:
        """The status of the answer and its Retry-After; UpstreamError where there was none."""
        ...


@dataclass(frozen=True, slots=True)
class Tested:
    """What an endpoint answered to a test, or why it could not be asked."""

    status: int | None = None
    error: str | None = None

    @property
    def good(self) -> bool:
        """True if it took it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    def to_dict(self) -> dict[str, Any]:
        """`webhooks test --json`."""
        return {"good": self.good, "status": self.status, "error": self.error}


class Webhooks:
    """Looks after endpoints; `key` lies beside the database and makes their secrets."""

    def __init__(
        self,
        database: Database,
        post: Callable[[], Post],
        key: bytes,
        audit_key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._post, self._key = database, post, key
        self._audit_key, self._clock = audit_key, clock

    def add(self, url: str, types: Sequence[str], by: str) -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is never shown again."""
        wanted = check_types(types or ("*",))
        self._post().check(url)
        with self._database.write() as connection:
            made = Endpoint(
                id=secrets.token_hex(6), url=url, types=wanted, created_at=self._clock(),
                after=hooks.newest_event(connection), secrets=(new_seed(),),
            )  # fmt: skip
            hooks.add_endpoint(connection, made)
            self._audit(connection, by, "webhook.added", made.id, {"types": list(wanted)})
        return made, secret_of(self._key, made.id, made.secrets[0]["seed"])

    def all(self) -> list[Endpoint]:
        """Every endpoint."""
        with self._database.read() as connection:
            return hooks.endpoints(connection)

    def find(self, id: str) -> Endpoint:
        """One endpoint."""
        with self._database.read() as connection:
            return hooks.endpoint(connection, id)

    def remove(self, id: str, by: str) -> Endpoint:
        """Tell an endpoint nothing more, and forget what it was told."""
        with self._database.write() as connection:
            found = hooks.endpoint(connection, id)
            hooks.remove_endpoint(connection, id)
            self._audit(connection, by, "webhook.removed", id, {})
        return found

    def rotate(self, id: str, by: str, grace: timedelta) -> tuple[Endpoint, str]:
        """Give an endpoint a new secret; the one before also signs until the grace is over."""
        with self._database.write() as connection:
            found = hooks.endpoint(connection, id)
            seeds = rotated(found.secrets, self._clock(), grace)
            hooks.keep_secrets(connection, id, seeds)
            self._audit(connection, by, "webhook.rotated", id, {})
        return found, secret_of(self._key, id, seeds[0]["seed"])

    def enable(self, id: str, by: str) -> Endpoint:
        """Tell a disabled endpoint again, from now on; what it missed has failed, for `again`."""
        self._post().check(self.find(id).url)
        with self._database.write() as connection:
            found = hooks.endpoint(connection, id)
            if found.disabled_at is not None:
                hooks.change_endpoint(
                    connection, id, disabled_at=None, why_disabled=None, failing_since=None,
                    not_before=None,
                )  # fmt: skip
                self._audit(connection, by, "webhook.enabled", id, {})
            return hooks.endpoint(connection, id)

    def deliveries(
        self, id: str, limit: int = 20, before: int | None = None, state: Dispatched | None = None
    ) -> list[Dispatch]:
        """What an endpoint was told or is to be told, the newest first."""
        with self._database.read() as connection:
            hooks.endpoint(connection, id)
            return hooks.dispatches(connection, id, limit, before, state)

    def again(self, id: str, delivery: int, by: str) -> Dispatch:
        """Tell an endpoint of one event once more."""
        with self._database.write() as connection:
            if hooks.endpoint(connection, id).disabled_at is not None:
                raise Conflict(f"the webhook {id} is disabled: kbsupport webhooks enable {id}")
            found = hooks.again(connection, id, delivery, self._clock())
            self._audit(connection, by, "webhook.again", id, {"delivery": delivery})
        return found

    def test(self, id: str) -> Tested:
        """Send a test event now, and say what came back."""
        found, now = self.find(id), self._clock()
        said = body(TEST, now, {"webhook_id": id})
        try:
            status, _ = self._post().send(
                found.url, said, secrets=self.secrets(found, now),
                id=f"msg_test_{secrets.token_hex(8)}", at=now,
            )  # fmt: skip
        except UpstreamError as error:
            return Tested(error=str(error))
        return Tested(status)

    def secrets(self, endpoint: Endpoint, now: datetime) -> tuple[str, ...]:
        """What is signed with for an endpoint now."""
        return secrets_of(self._key, endpoint.id, endpoint.secrets, now)

    def _audit(
        self, connection: Connection, by: str, action: str, id: str, about: Mapping[str, Any]
    ) -> None:
        audit.append(
            connection, self._audit_key, actor=by, action=action, subject=f"webhook:{id}",
            body=about, now=self._clock(),
        )  # fmt: skip
