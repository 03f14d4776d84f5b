"""What another help desk says: its requestors' words become messages, what it closes is closed.

It only rings: what it says of a ticket is read there, with our credentials, and each thing that was
said is taken in once, however often and in whatever order it rang.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kbsupport.errors import Conflict, KbSupportError
from kbsupport.intake import Incoming
from kbsupport.mirror import find_ref, keep_ref
from kbsupport.model import Identity, Ref, State, Ticket, message_key, storable
from kbsupport.model.webhooks import Elsewhere, Said
from kbsupport.store import bells, conversations, keys, tickets

if TYPE_CHECKING:
    from kbsupport.intake import Received
    from kbsupport.store.database import Database

_LOG = logging.getLogger("kbsupport.inbound")
# Whoever rings may not have stored yet what it rings for.
_FIRST_LOOK = timedelta(seconds=1)
_LEASE = timedelta(seconds=120)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
_TRIES = 30
_AT_ONCE = 50
_PATIENCE = 0.2
_LONGEST_TEXT = 8000
# More of the same ticket often comes in one go.
_JOIN_SECONDS = 0.5
_OURS = re.compile(r"\[(T-\d+)\] ")


@runtime_checkable
class Correspondence(Protocol):
    """A help desk of another make whose tickets can be read with all that was said on them."""

    name: str

    def read(self, ref: Ref) -> Elsewhere:
        """What others than we did on a ticket; NotFound if there is none."""
        ...


class Inbound:
    """Reads the tickets that were rung for; any number of processes may do it at once."""

    def __init__(
        self,
        database: Database,
        help_desk: Callable[[], object],
        receive: Callable[[Incoming], Received],
        close: Callable[[str, str], Any],
        key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._help_desk = database, help_desk
        self._receive, self._close = receive, close
        self._key, self._clock = key, clock
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[int] | None = None

    def ring(self, system: str, number: str) -> None:
        """Let a ticket be read in a moment: durable, and quick whatever the help desk does."""
        now = self._clock()
        with self._database.write() as connection:
            bells.ring(connection, system, storable(number), now, now + _FIRST_LOOK)

    def step(self, now: datetime | None = None, patience: float = _PATIENCE) -> int:
        """Read what is due, in a thread of its own; how many tickets were read to the end."""
        if self._running is None:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "kbsupport-inbound")
            self._running = self._thread.submit(self.read_all, now)
        wait([self._running], timeout=patience)
        if not self._running.done():
            return 0
        running, self._running = self._running, None
        return running.result()

    def close_up(self) -> None:
        """Let what was begun end."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
            self._thread = None

    def read_all(self, now: datetime | None = None) -> int:
        """Read what is due now, the longest waiting first."""
        help_desk = self._help_desk()
        if not isinstance(help_desk, Correspondence):
            return 0  # none is set, or one that cannot be read
        read = 0
        for _ in range(_AT_ONCE):
            moment = now or self._clock()
            with self._database.write() as connection:
                taken = bells.take_ring(connection, help_desk.name, moment, moment + _LEASE)
            if taken is None:
                break
            read += self._read(help_desk, *taken, moment)
        return read

    def _read(
        self,
        help_desk: Correspondence,
        number: str,
        rung_at: datetime,
        attempt: int,
        now: datetime,
    ) -> bool:
        try:
            self.take_in(help_desk.read(Ref(help_desk.name, number)))
        except KbSupportError as error:
            said = " ".join(str(error).split())
            if attempt < _TRIES:
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt - 1, 12))
                with self._database.write() as connection:
                    bells.note_unread(
                        connection, help_desk.name, number, rung_at, said, now + pause
                    )
                return False
            _LOG.error("ticket %s of %s was given up: %s", number, help_desk.name, said)
        with self._database.write() as connection:
            bells.end_ring(connection, help_desk.name, number, rung_at)
        return True

    def take_in(self, found: Elsewhere) -> Ticket | None:
        """Make here what was done there, each thing once; None for a ticket that is none of ours.

        A ticket that was opened from here goes on with its own conversation; any other has one
        whose answers are told on that very ticket, from the first.
        """
        ticket = self._ticket(found)
        if ticket is None and (found.marked or not found.said):
            return None  # another kbsupport made it, or this one has not written down that it did
        own = self._conversation(found.ref)
        conversation = ticket.conversation_id if ticket else own
        customer = ticket.customer_id if ticket else found.email
        if ticket is None:
            with self._database.write() as connection:
                # Known before there is a ticket, so that no second one is ever opened there.
                keep_ref(connection, conversation, found.ref, self._clock())
        # What a ticket of ours was opened with was said here.
        heard = [one for one in found.said if conversation == own or not one.opens]
        for given in self._new(found.ref, heard, conversation, customer):
            ticket = self._take(given) or ticket
        if ticket is not None and found.closed_by is not None:
            self._close_here(found, ticket)
        return ticket

    def _new(
        self, ref: Ref, heard: Sequence[Said], conversation: str, customer: str | None
    ) -> list[Incoming]:
        """What has not been taken in yet; whoever else looks now is told so when it takes it in."""
        found = [
            Incoming(
                _whole(said.text, ref), conversation, customer,
                identity=Identity.NAMED if customer else Identity.ANONYMOUS,  # a mail proves nobody
                channel=ref.system, key=f"{ref.system}/{ref.id}/{said.id}",
                join_seconds=_JOIN_SECONDS,
            )
            for said in heard
        ]  # fmt: skip
        with self._database.read() as connection:
            return [
                one
                for one in found
                if not conversations.message_with_key(connection, _kept_as(one))
            ]

    def _take(self, given: Incoming) -> Ticket | None:
        try:
            return self._receive(given).ticket
        except Conflict:
            return None  # it was taken in before, in another wording

    def _close_here(self, found: Elsewhere, ticket: Ticket) -> None:
        """Close what was closed there, once: reopened here since, it stays open."""
        name = f"closed:{found.ref.system}/{found.ref.id}/{found.closed_by}"
        with self._database.read() as connection:
            known = keys.kept(connection, name, "inbound")
            held = tickets.find_ticket(connection, ticket.id)
        if known is not None or held is None:
            return
        if held.state is not State.CLOSED:
            self._close(ticket.id, found.ref.system)
        with self._database.write() as connection:
            if keys.kept(connection, name, "inbound") is None:
                keys.keep(connection, name, "inbound", {"ticket": ticket.id}, self._clock())

    def _ticket(self, found: Elsewhere) -> Ticket | None:
        """Our ticket of theirs: the one of its conversation, or the one that it was opened for."""
        ours = _OURS.match(found.subject)
        with self._database.read() as connection:
            held = tickets.ticket_of(connection, self._conversation(found.ref))
            if held is not None or ours is None:
                return held
            if find_ref(connection, ours.group(1)) != found.ref:
                return None
            return tickets.find_ticket(connection, ours.group(1))

    def _conversation(self, ref: Ref) -> str:
        """The same for the same ticket; nobody else can guess it, and so come before or between."""
        said = f"conversation:{ref.system}:{ref.id}".encode()
        seal = hmac.new(self._key, said, hashlib.sha256).hexdigest()[:16]
        return f"{ref.system}:{ref.id}:{seal}"


def _kept_as(given: Incoming) -> str:
    sender = given.customer_id or given.conversation_id
    return message_key(given.channel, sender, given.key) or ""


def _whole(text: str, ref: Ref) -> str:
    """The words as they are kept here; the same for the same, or they would come twice."""
    text = text.strip() or "(no text)"
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}… (the rest is in {ref.system}, ticket {ref.id})"
