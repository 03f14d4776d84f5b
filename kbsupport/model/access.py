"""Who comes in through a door of the house, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kbsupport.model.customers import Identity


class Scope(StrEnum):
    """What a key may be used for; `priority` only raises how often, `tokens` speaks for others."""

    ASK = "ask"
    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    DESK = "desk"
    METRICS = "metrics"
    ADMIN = "admin"
    TOKENS = "tokens"
    PRIORITY = "priority"


class Role(StrEnum):
    """Who holds a key."""

    CUSTOMER = "customer"
    SPECIALIST = "specialist"
    LEAD = "lead"
    ADMIN = "admin"
    AUDITOR = "auditor"


_TICKETS = frozenset({Scope.ASK, Scope.TICKETS_READ, Scope.TICKETS_WRITE})
# What each role gets unless less is asked for.
USUAL: Mapping[Role, frozenset[Scope]] = {
    Role.CUSTOMER: _TICKETS,
    Role.SPECIALIST: _TICKETS | {Scope.DESK},
    Role.LEAD: _TICKETS | {Scope.DESK, Scope.METRICS},
    Role.ADMIN: frozenset(Scope) - {Scope.PRIORITY},
    Role.AUDITOR: frozenset({Scope.TICKETS_READ, Scope.DESK, Scope.METRICS}),
}
# What each role may be given at most.
MOST: Mapping[Role, frozenset[Scope]] = {
    role: usual | {Scope.PRIORITY} | ({Scope.TOKENS} if role is Role.LEAD else frozenset())
    for role, usual in USUAL.items()
}
EVERYBODY = frozenset(Role)
STAFF = frozenset({Role.SPECIALIST, Role.LEAD, Role.ADMIN})
READERS = STAFF | {Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed: everything but its secret, which nobody can read again.

    A `visitors` key may be seen by everybody, as it stands in a web page: it lets strangers ask,
    and begin a conversation; for that they are given a token.
    """

    id: str
    name: str
    role: Role
    scopes: frozenset[Scope]
    created_at: datetime
    customer_id: str | None = None
    specialist_id: str | None = None
    visitors: bool = False
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def valid_at(self, now: datetime) -> bool:
        """True while it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_dict(self) -> dict[str, Any]:
        """One row of `keys list --json`."""
        return {
            "id": self.id, "name": self.name, "role": str(self.role),
            "scopes": sorted(self.scopes), "customer_id": self.customer_id,
            "specialist_id": self.specialist_id, "visitors": self.visitors,
            "created_at": self.created_at.isoformat(), "expires_at": _iso(self.expires_at),
            "revoked_at": _iso(self.revoked_at), "last_used_at": _iso(self.last_used_at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the key or the token says: nothing else is ever asked.

    A customer sees the tickets of `customer_id`; a visitor, who has none, those of the one
    conversation that the token names.
    """

    key_id: str
    role: Role
    scopes: frozenset[Scope]
    customer_id: str | None = None
    conversation_id: str | None = None
    specialist_id: str | None = None
    visitors: bool = False
    by_token: bool = False
    expires_at: datetime | None = None  # of a token; a key says so itself

    @property
    def name(self) -> str:
        """Who did it, for the audit log: a person of the rota, or the key."""
        return self.specialist_id or f"key:{self.key_id}"

    @property
    def staff(self) -> bool:
        """True for whoever works here."""
        return self.role in READERS

    @property
    def identity(self) -> Identity:
        """A key or a token proves who its customer is; a visitor is nobody."""
        return Identity.VERIFIED if self.customer_id else Identity.ANONYMOUS

    @property
    def bucket(self) -> str:
        """Whose calls are counted together: every holder of a token by themselves."""
        return "/".join((self.key_id, self.customer_id or "", self.conversation_id or ""))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
