"""What leaves the database: events for subscribers, messages for customers.

Both are stored with the change that they tell of, and go out afterwards: at least once, in order.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kbsupport.errors import KbSupportError
from kbsupport.model import Delivery, EventType
from kbsupport.quality.masking import masked_for_log
from kbsupport.store import conversations, events, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.model import Event, Message
    from kbsupport.store.database import Database

Subscriber = Callable[["Event"], None]
Send = Callable[["Message"], None]

_BATCH = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 3600.0
_DOUBLINGS = 10
_LONGEST_ERROR = 200

# After each attempt but the last: the sixth is a day after the first. The shortest also is how
# long nobody else may take a message that is being sent, and so the time that a channel has.
RETRIES = tuple(timedelta(minutes=m) for m in (5, 15, 60, 300, 1060))
ATTEMPTS = len(RETRIES) + 1
_WAITING = 1000
# A channel that refuses so many in a row is down: the others keep their attempts.
_DOWN = 3
_TOLD = {Delivery.SENT: EventType.MESSAGE_SENT, Delivery.FAILED: EventType.MESSAGE_FAILED}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run told each subscriber, and who could not be told, with the reason."""

    told: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the messages of one run: `later` is tried again, `failed` is not.

    `error` is what the channel said last.
    """

    sent: int = 0
    later: int = 0
    failed: int = 0
    error: str | None = None


def pause(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many failures: doubled each time, at most an hour; pure.

    `chance`, 0…1, takes up to half of it away, so that not all come back at the same moment.
    """
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, _DOUBLINGS))
    return timedelta(seconds=longest * (1 - chance / 2))


class Outbox:
    """Tells subscribers of events and hands messages to a channel; any process may run it."""

    def __init__(
        self,
        database: Database,
        subscribers: Mapping[str, Subscriber],
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._subscribers = database, dict(subscribers)
        self._clock, self._chance = clock, chance

    @property
    def names(self) -> tuple[str, ...]:
        """Who is told."""
        return tuple(self._subscribers)

    def deliver(
        self,
        now: datetime | None = None,
        only: str | None = None,
        seconds: float | None = None,
    ) -> Delivered:
        """Tell each subscriber what is new, until all is told or it fails; none holds up others.

        After so many `seconds` each leaves the rest for the next time.
        """
        told: dict[str, int] = {}
        failed: dict[str, str] = {}
        for name, subscriber in self._subscribers.items():
            if only not in {None, name}:
                continue
            until = None if seconds is None else time.monotonic() + seconds
            told[name], error = self._tell(name, subscriber, now or self._clock(), until)
            if error is not None:
                failed[name] = error
        return Delivered(told, failed)

    def failing(self) -> dict[str, events.Progress]:
        """The subscribers that could not be told, and how far they are: what doctor shows."""
        with self._database.read() as connection:
            found = {name: events.subscriber(connection, name) for name in self._subscribers}
        return {name: progress for name, progress in found.items() if progress.attempts}

    def _tell(
        self, name: str, subscriber: Subscriber, now: datetime, until: float | None
    ) -> tuple[int, str | None]:
        with self._database.read() as connection:
            progress = events.subscriber(connection, name)
        again = progress.next_attempt_at
        # No failure waits longer than that: whatever does was noted before the clock was set back.
        if again is not None and now < again <= now + timedelta(seconds=_LONGEST_PAUSE):
            return 0, progress.error
        place, told = progress.last_event_id, 0
        while True:
            with self._database.read() as connection:
                batch = events.events(connection, place, _BATCH)
            if not batch:
                return told, None
            read, error = _read(subscriber, batch, until)
            told += len(read)
            with self._database.write() as connection:
                if read:
                    place = read[-1].id
                    events.note_read(connection, name, place)
                if error is not None:
                    before = 0 if told else progress.attempts
                    again = now + pause(before + 1, self._chance())
                    events.note_failure(connection, name, error, again)
            if error is not None or len(read) < len(batch):
                return told, error

    def deliver_messages(self, channel: Send, now: datetime | None = None) -> Sent:
        """Send what is due, each conversation in order; a day after the first attempt it failed.

        `channel` sends one message, and has to end within five minutes. A process that is killed
        after sending sends again: a channel that can, tells by `message.id` that it was sent.
        """
        became: Counter[Delivery] = Counter()
        in_a_row, said = 0, None
        while in_a_row < _DOWN:
            moment = now or self._clock()
            taken = self._take(moment)
            if taken is None:
                break
            state, error = self._send(channel, *taken, moment)
            became[state] += 1
            in_a_row = 0 if error is None else in_a_row + 1
            said = error or said
        return Sent(became[Delivery.SENT], became[Delivery.PENDING], became[Delivery.FAILED], said)

    def _take(self, now: datetime) -> tuple[Message, int] | None:
        """The next message that is due and which attempt this is; nobody else gets it meanwhile."""
        with self._database.write() as connection:
            message = _next(connection, now)
            if message is None:
                return None
            attempt = conversations.attempts(connection, message.id) + 1
            # Noted before the attempt: others find the time of the next one and leave it alone,
            # and an attempt that a kill ends is one that failed.
            wait = RETRIES[attempt - 1] if attempt < ATTEMPTS else RETRIES[0]
            conversations.note_delivery(
                connection, message.id, Delivery.PENDING, next_attempt_at=now + wait
            )
            return message, attempt

    def _send(
        self, channel: Send, message: Message, attempt: int, now: datetime
    ) -> tuple[Delivery, str | None]:
        error = "its last attempt was cut short"
        if attempt <= ATTEMPTS:
            try:
                channel(message)
            except Exception as raised:  # noqa: BLE001 - a stranger's channel may raise anything
                error = _words(raised)
            else:
                note_delivered(self._database, message, Delivery.SENT, now)
                return Delivery.SENT, None
            if attempt < ATTEMPTS:
                return Delivery.PENDING, error
        note_delivered(self._database, message, Delivery.FAILED, now)
        return Delivery.FAILED, error


def note_delivered(database: Database, message: Message, became: Delivery, now: datetime) -> None:
    """Write down what became of a message, with the event that tells of it, once."""
    with database.write() as connection:
        if conversations.note_delivery(connection, message.id, became):
            ticket = tickets.ticket_of(connection, message.conversation_id)
            events.record(
                connection, _TOLD[became], now=now, ticket_id=ticket.id if ticket else None,
                body={"message": message.id},
            )  # fmt: skip


def _read(
    subscriber: Subscriber, batch: Sequence[Event], until: float | None
) -> tuple[Sequence[Event], str | None]:
    """The events that it took, and why it did not take the next one if there was time."""
    for place, event in enumerate(batch):
        if place and until is not None and time.monotonic() > until:
            return batch[:place], None
        try:
            subscriber(event)
        except Exception as raised:  # noqa: BLE001 - what a stranger raises is no fault of others
            return batch[:place], _words(raised)
    return batch, None


def _next(connection: Connection, now: datetime) -> Message | None:
    """The oldest message that is due and has none before it in its conversation that is not out."""
    for message in conversations.pending(connection, now, _WAITING):
        before = conversations.messages(connection, message.conversation_id)[: message.seq - 1]
        if all(one.delivery is not Delivery.PENDING for one in before):
            return message
    return None


def _words(error: Exception) -> str:
    """What went wrong, on one line."""
    said = str(error) if isinstance(error, KbSupportError) else f"{type(error).__name__}: {error}"
    # A stranger's code may quote whatever it choked on.
    return masked_for_log(" ".join(said.split())[:_LONGEST_ERROR])
