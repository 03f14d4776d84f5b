"""What adapters of other help desks share: where a ticket stands, and marks that are written once.

A key becomes a mark, a fingerprint of fixed length and harmless letters. It is stored with what is
written and looked for before anything is written, so a call that was cut off, or whose answer was
lost, can be made again without harm. Two ways to a second copy are left: two callers with one key
at the same moment, and a server that completes a call after we gave it up and looked again.
One sender that waits between its attempts avoids both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum

from kbsupport.adapters.upstream import BadAnswer
from kbsupport.adapters.web import WebError
from kbsupport.errors import ConfigError, NotFound
from kbsupport.model import Ref, State

SUBJECT_BYTES = 200  # RT cuts it there, even through a letter; django-helpdesk refuses more
# A customer's id that is an address; nothing in it means anything to a query.
ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")

LARGEST = 20_000_000  # bytes of a page of tickets with all that was said on them

_MARK_LENGTH = 24

# What JSON, SQL or a mail cannot hold: control characters and halves of surrogate pairs.
_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DENIED = frozenset({401, 403})


class Stage(StrEnum):
    """Where a ticket stands, in the words that every help desk has one for."""

    OPEN = "open"
    WAITING = "waiting"  # for the customer
    SOLVED = "solved"
    CLOSED = "closed"


STAGES: Mapping[State, Stage] = {
    State.NEW: Stage.OPEN,
    State.QUEUED: Stage.OPEN,
    State.ASSIGNED: Stage.OPEN,
    State.WAITING_FOR_APPROVAL: Stage.OPEN,
    State.HANDED_BACK: Stage.OPEN,
    State.CLARIFYING: Stage.WAITING,
    State.ANSWERED: Stage.SOLVED,
    State.CLOSED: Stage.CLOSED,
}


def mark(kind: str, value: str) -> str:
    """The same for the same value, on every machine: `key-…` or `customer-…`."""
    spelt = value.encode("utf-8", "surrogatepass")
    return f"{kind}-{hashlib.sha256(spelt).hexdigest()[:_MARK_LENGTH]}"


def sendable(text: str) -> str:
    """The text as any system can keep it; one that says nothing says that."""
    return _UNSENDABLE.sub("�", text).replace("\r\n", "\n").strip() or "(no text)"


def subject_line(text: str) -> str:
    """One line that a ticket can be called by."""
    line = " ".join(_UNSENDABLE.sub("�", text).split()) or "(no subject)"
    if len(line.encode()) <= SUBJECT_BYTES:
        return line
    room = SUBJECT_BYTES - len("…".encode())
    return line.encode()[:room].decode("utf-8", "ignore") + "…"


def moment(text: str | None) -> datetime | None:
    """A time as the other system writes it, in UTC; None where it wrote none."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def number_of(ref: Ref, name: str) -> str:
    """The ticket's number there; NotFound for a ref that another system gave."""
    if ref.system != name or not (ref.id.isascii() and ref.id.isdigit()):
        raise NotFound(f"{name} has no ticket {ref.id!r} of {ref.system!r}")
    return ref.id


@contextmanager
def asking(name: str, cure: str) -> Iterator[None]:
    """Tells a setting to correct from an answer that cannot be used, and both from an outage."""
    try:
        yield
    except WebError as error:
        if error.status not in _DENIED:
            raise
        raise ConfigError(f"{name} answered {error.status}: {cure}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Whatever stands at that address speaks JSON, but not this system's.
        words = f"its answer has another shape than expected ({error!r}); check the address"
        raise BadAnswer(name, words) from error
