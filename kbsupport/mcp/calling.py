"""Who calls: the operator at the other end of our own pipe, or whoever a key says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from kbsupport.errors import NotAllowed
from kbsupport.model import EVERYBODY, Caller, Role, Scope

if TYPE_CHECKING:
    from kbsupport.access.keys import Keys


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller must hold to use a tool or a resource."""

    scope: Scope
    roles: frozenset[Role] = EVERYBODY

    def admits(self, caller: Caller) -> bool:
        """True if this caller may."""
        return self.scope in caller.scopes and caller.role in self.roles


class Admitted(AccessToken):
    """What the SDK carries along with a request whose key is valid."""

    caller: Caller


class Verifier:
    """Asks our own keys; the SDK calls it for every request."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose key this is; None for whatever opens nothing here."""
        caller = await asyncio.to_thread(self._keys.admit, token)
        # A key that stands in a web page, for everybody to read, is for pages.
        if caller is None or caller.visitors:
            return None
        return Admitted(
            token="", client_id=caller.bucket, subject=caller.customer_id,
            scopes=sorted(caller.scopes), caller=caller,
        )  # fmt: skip


def operator(by: str | None) -> Caller:
    """Whoever started this program may what the command line may."""
    return Caller("operator", Role.ADMIN, frozenset(Scope), specialist_id=by)


def caller_by_key() -> Caller:
    """Who made the request that is being answered."""
    found = get_access_token()
    if not isinstance(found, Admitted):
        raise NotAllowed("there is no key with this request")
    return found.caller
