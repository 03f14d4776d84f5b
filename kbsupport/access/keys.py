"""Keys: given once, kept as a keyed hash, ended within a second of being revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kbsupport.access import tokens
from kbsupport.access.tokens import Token
from kbsupport.errors import ConfigError, NotFound, StoreError
from kbsupport.model import MOST, USUAL, ApiKey, Caller, Role, Scope
from kbsupport.store import api_keys, audit

if TYPE_CHECKING:
    from kbsupport.store.database import Database

PREFIX = "kbs_"
_LONGEST = 200
# How long a worker believes what it read of a key: a revoked one is dead everywhere after this.
_BELIEVED = 1.0
_REMEMBERED = 10_000
_USED_EVERY = 60.0
_ENTRY_SECONDS = 60
# What an unknown id is compared with, so that it takes as long as a known one.
_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Wish:
    """A key as somebody wants it."""

    name: str
    role: Role
    scopes: Collection[Scope] | None = None
    customer_id: str | None = None
    specialist_id: str | None = None
    visitors: bool = False
    expires_at: datetime | None = None


class Keys:
    """Makes keys, tokens and passes, and tells whose they are."""

    def __init__(
        self,
        database: Database,
        secret: bytes,
        audit_key: bytes,
        clock: Callable[[], datetime],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._secret, self._audit_key = database, secret, audit_key
        self._clock, self._now = clock, now
        self._held: OrderedDict[str, tuple[float, tuple[ApiKey, str] | None]] = OrderedDict()
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, wish: Wish, by: str) -> tuple[ApiKey, str]:
        """A new key and its text, which is never shown again."""
        key = ApiKey(
            id=secrets.token_hex(6), name=wish.name.strip(), role=wish.role,
            scopes=_allowed(wish), created_at=self._clock(), customer_id=wish.customer_id,
            specialist_id=wish.specialist_id, visitors=wish.visitors, expires_at=wish.expires_at,
        )  # fmt: skip
        return key, self._keep(key, by, "key.added")

    def rotate(self, id: str, by: str, grace: timedelta = timedelta(0)) -> tuple[ApiKey, str]:
        """The same key with a new id and secret; the old one ends after the grace, or before."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._database.write() as connection:
            found = api_keys.find_key(connection, id)
            if found is None or not found[0].valid_at(now):
                raise NotFound(f"no key {id!r} is in use; see: kbsupport keys list")
            key = replace(found[0], id=secrets.token_hex(6), created_at=now, last_used_at=None)
            api_keys.add_key(connection, key, self._hash(secret))
            about = {"role": str(key.role), "scopes": sorted(key.scopes)}
            self._audit(connection, by, "key.rotated", key.id, about)
            ended = api_keys.end_key(connection, id, now + grace, now)
            until = ended.revoked_at or ended.expires_at or now
            self._audit(connection, by, "key.ended", id, {"at": until.isoformat()})
        with self._lock:
            self._held.pop(id, None)
        return key, f"{PREFIX}{key.id}_{secret}"

    def revoke(self, id: str, by: str) -> ApiKey:
        """End a key, and every token that was given with it."""
        return self._end(id, by, self._clock())

    def all(self) -> list[ApiKey]:
        """Every key there is or was."""
        with self._database.read() as connection:
            return api_keys.all_keys(connection)

    def token(
        self, by: Caller, minutes: float, *, customer_id: str | None, conversation_id: str | None
    ) -> str:
        """A token that stands for one customer, or for the visitor of one conversation."""
        until = self.until(minutes)
        return tokens.sign(self._secret, Token(by.key_id, customer_id, conversation_id, until))

    def until(self, minutes: float) -> datetime:
        """When a token ends that is given now."""
        return self._clock() + timedelta(minutes=minutes)

    def at_hand(self, text: str) -> bool:
        """True if `admit` would ask the database nothing."""
        named, now = text.removeprefix(PREFIX).partition("_")[0], self._now()
        if not text.startswith(PREFIX):
            return False
        with self._lock:
            held = self._held.get(named)
            return held is not None and now < held[0] and now < self._used.get(named, 0.0)

    def admit(self, text: str) -> Caller | None:
        """Whose key or token this is; None for whatever opens nothing."""
        if text.startswith(tokens.PREFIX):
            return self._admit_token(text)
        named, _, secret = text.removeprefix(PREFIX).partition("_")
        ours = text.startswith(PREFIX) and text.isascii() and len(text) <= _LONGEST
        found = self._find(named if ours else "")
        fits = hmac.compare_digest(self._hash(secret), found[1] if found else _NOBODY)
        if found is None or not fits or not found[0].valid_at(self._clock()):
            return None
        key = found[0]
        self._note_used(key)
        return Caller(
            key.id, key.role, key.scopes, customer_id=key.customer_id,
            specialist_id=key.specialist_id, visitors=key.visitors,
        )  # fmt: skip

    def entry(self, caller: Caller, conversation_id: str | None) -> str:
        """A pass that opens one socket once, within a minute."""
        text, now = secrets.token_urlsafe(32), self._clock()
        until = now + timedelta(seconds=_ENTRY_SECONDS)
        with self._database.write() as connection:
            api_keys.keep_entry(
                connection, self._hash(text), _flat(caller), conversation_id, until, now
            )
        return text

    def enter(self, text: str) -> tuple[Caller, str | None] | None:
        """Whose pass it was, and for which conversation; it opens nothing again."""
        with self._database.write() as connection:
            found = api_keys.use_entry(connection, self._hash(text), self._clock())
        if found is None:
            return None
        caller = _caller(found[0])
        return (caller, found[1]) if self.still(caller) else None

    def still(self, caller: Caller) -> bool:
        """True while the key and the token that a caller came in with have not ended."""
        found, now = self._find(caller.key_id), self._clock()
        lasts = caller.expires_at is None or now < caller.expires_at
        return lasts and found is not None and found[0].valid_at(now)

    def _admit_token(self, text: str) -> Caller | None:
        token = tokens.read(self._secret, text, self._clock())
        found = self._find(token.key_id) if token else None
        if token is None or found is None or not found[0].valid_at(self._clock()):
            return None
        usual, key = USUAL[Role.CUSTOMER], found[0]
        # A page's key hands on what it opens; a backend's opens nothing of the kind itself.
        return Caller(
            key.id, Role.CUSTOMER, usual & key.scopes if key.visitors else usual,
            customer_id=token.customer_id, conversation_id=token.conversation_id, by_token=True,
            expires_at=token.expires_at,
        )  # fmt: skip

    def _keep(self, key: ApiKey, by: str, action: str) -> str:
        secret = secrets.token_urlsafe(32)
        about = {"role": str(key.role), "scopes": sorted(key.scopes)}
        with self._database.write() as connection:
            api_keys.add_key(connection, key, self._hash(secret))
            self._audit(connection, by, action, key.id, about)
        return f"{PREFIX}{key.id}_{secret}"

    def _end(self, id: str, by: str, at: datetime) -> ApiKey:
        with self._database.write() as connection:
            ended = api_keys.end_key(connection, id, at, self._clock())
            self._audit(connection, by, "key.ended", id, {"at": at.isoformat()})
        with self._lock:
            self._held.pop(id, None)
        return ended

    def _audit(
        self, connection: Any, by: str, action: str, id: str, body: Mapping[str, Any]
    ) -> None:
        audit.append(
            connection, self._audit_key, actor=by, action=action, subject=f"key:{id}", body=body,
            now=self._clock(),
        )  # fmt: skip

    def _find(self, id: str) -> tuple[ApiKey, str] | None:
        now = self._now()
        with self._lock:
            held = self._held.get(id)
            if held is not None and now < held[0]:
                return held[1]
        with self._database.read() as connection:
            found = api_keys.find_key(connection, id) if id else None
        with self._lock:
            self._held[id] = (now + _BELIEVED, found)
            self._held.move_to_end(id)
            while len(self._held) > _REMEMBERED:
                self._held.popitem(last=False)
        return found

    def _note_used(self, key: ApiKey) -> None:
        now = self._now()
        with self._lock:
            if now < self._used.get(key.id, 0.0):
                return
            self._used[key.id] = now + _USED_EVERY
        # When it was used last is worth no failure of what it is used for.
        with suppress(StoreError), self._database.write() as connection:
            api_keys.note_used(connection, key.id, self._clock())

    def _hash(self, secret: str) -> str:
        said = b"key:" + secret.encode("utf-8", "replace")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


def _allowed(wish: Wish) -> frozenset[Scope]:
    scopes = frozenset(USUAL[wish.role] if wish.scopes is None else wish.scopes)
    beyond = scopes - MOST[wish.role]
    if beyond:
        named = ", ".join(sorted(beyond))
        raise ConfigError(f"a {wish.role} cannot be given {named}; choose another --role")
    if not wish.name.strip():
        raise ConfigError("a key needs a name by which you will know it again: --name")
    if not scopes:
        raise ConfigError("a key without a scope opens nothing; give it one: --scope ask")
    if (wish.role is Role.CUSTOMER) != (wish.visitors or wish.customer_id is not None):
        raise ConfigError(
            "a customer's key names its customer (--customer ID) or is for a web page "
            "(--visitors); no other key does"
        )
    if wish.visitors and wish.customer_id is not None:
        raise ConfigError("a key for visitors of a page belongs to no customer; leave one out")
    if (wish.role in {Role.SPECIALIST, Role.LEAD}) != (wish.specialist_id is not None):
        raise ConfigError(
            "the key of a specialist or lead names who they are in the rota (--specialist ID); "
            "no other key does"
        )
    return scopes


def _flat(caller: Caller) -> dict[str, Any]:
    return {
        "key_id": caller.key_id, "role": str(caller.role), "scopes": sorted(caller.scopes),
        "customer_id": caller.customer_id, "conversation_id": caller.conversation_id,
        "specialist_id": caller.specialist_id, "visitors": caller.visitors,
        "by_token": caller.by_token,
        "expires_at": caller.expires_at.isoformat() if caller.expires_at else None,
    }  # fmt: skip


def _caller(flat: Mapping[str, Any]) -> Caller:
    scopes, until = frozenset(Scope(one) for one in flat["scopes"]), flat["expires_at"]
    ends = datetime.fromisoformat(until) if until else None
    return Caller(**{**flat, "role": Role(flat["role"]), "scopes": scopes, "expires_at": ends})
