"""When to try again, what is told and to whom; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from kbsupport.errors import ConfigError
from kbsupport.model import Event, EventType

# After each attempt but the last: the tenth is three days after the first.
RETRIES = tuple(
    timedelta(seconds=s)
    for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)  # fmt: skip
ATTEMPTS = len(RETRIES) + 1
GIVE_UP = timedelta(days=5)
# Up to so much is added to each, so that not all come back at the same moment.
_JITTER = 0.2
_SHORTEST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
_LONGEST_ASKED = timedelta(days=1)
_EVERYTHING = "*"


def wait_after(attempt: int, chance: float, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after the attempt of this number; None if it was the last.

    `asked` is what the other side asked for: never less than that, within a day.
    """
    if attempt >= ATTEMPTS:
        return None
    usual = RETRIES[attempt - 1] * (1 + _JITTER * chance)
    return usual if asked is None else max(usual, min(asked, _LONGEST_ASKED))


def rest(failing_for: timedelta, asked: timedelta | None = None) -> timedelta:
    """How long an endpoint is left alone after a failure: longer, the longer it has failed."""
    usual = min(_LONGEST_REST, max(_SHORTEST_REST, failing_for / 10))
    return usual if asked is None else max(usual, min(asked, _LONGEST_ASKED))


def asked_for(retry_after: str | None, now: datetime) -> timedelta | None:
    """The wait that a Retry-After asks for, in seconds or as a moment; None where it says none."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        # More digits than these only say "for ever".
        return timedelta(seconds=int(retry_after[:9]))
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # a year of ten digits is too long for it
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(timedelta(0), moment - now)


def wants(types: Sequence[str], type: str) -> bool:
    """True if one of these is the type, or the beginning of it before a `*`."""
    return any(
        type.startswith(one[:-1]) if one.endswith(_EVERYTHING) else type == one for one in types
    )


def check_types(types: Sequence[str]) -> tuple[str, ...]:
    """The types as they are kept; a ConfigError for one that nothing will ever be of."""
    for one in types:
        if not any(wants((one,), str(known)) for known in EventType):
            named = ", ".join(str(known) for known in EventType)
            raise ConfigError(f"nothing is ever {one!r}; there are {named}, and ticket.* and *")
    return tuple(dict.fromkeys(types)) or (_EVERYTHING,)


def told(event: Event) -> bytes:
    """What an endpoint reads of an event: ids only; whoever may know more asks for it."""
    return body(
        str(event.type),
        event.at,
        {**event.body, "event_id": event.id, "ticket_id": event.ticket_id, "cause": event.cause},
    )


def body(type: str, at: datetime, data: dict[str, Any]) -> bytes:
    """A message in the form of Standard Webhooks."""
    said = {"type": type, "timestamp": at.isoformat(), "data": data}
    return json.dumps(said, separators=(",", ":")).encode()
