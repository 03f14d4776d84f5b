"""Who outside is told what happens here, and what other help desks say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kbsupport.model.desk import Ref


class Dispatched(StrEnum):
    """What became of telling one endpoint of one event."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told what happens; `secrets` are the seeds of its secrets, newest first.

    It is left alone until `not_before`; `failing_since` is when the first of nothing but failures
    came.
    """

    id: str
    url: str
    types: tuple[str, ...]
    created_at: datetime
    after: int
    secrets: tuple[Mapping[str, Any], ...] = ()
    failing_since: datetime | None = None
    not_before: datetime | None = None
    disabled_at: datetime | None = None
    why_disabled: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """One row of `webhooks list --json`, without a secret."""
        return {
            "id": self.id, "url": self.url, "types": list(self.types),
            "created_at": self.created_at.isoformat(), "failing_since": _iso(self.failing_since),
            "disabled_at": _iso(self.disabled_at), "why_disabled": self.why_disabled,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One event on its way to one endpoint."""

    id: int
    endpoint_id: str
    event_id: int
    state: Dispatched
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    error: str | None = None
    done_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """One row of `webhooks deliveries --json`."""
        return {
            "id": self.id, "event_id": self.event_id, "state": str(self.state),
            "attempts": self.attempts, "next_attempt_at": _iso(self.next_attempt_at),
            "last_status": self.last_status, "error": self.error, "done_at": _iso(self.done_at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bell:
    """An address of ours at which another help desk rings."""

    id: str
    system: str
    signed: bool
    created_at: datetime
    ended_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """One row of `webhooks inbound --json`."""
        return {
            "id": self.id, "system": self.system, "signed": self.signed,
            "created_at": self.created_at.isoformat(), "ended_at": _iso(self.ended_at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What its requestor wrote on a ticket of another help desk, by its number there."""

    id: str
    text: str
    opens: bool = False  # the words that the ticket was opened with


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A ticket as another help desk has it: only what others than we did there.

    `closed_by` is the number of what closed it, if it is closed and we did not do it; `marked` if
    it bears a mark of a kbsupport.
    """

    ref: Ref
    subject: str
    email: str | None
    said: tuple[Said, ...]
    closed_by: str | None = None
    marked: bool = False


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
