"""The parts that look after people: customers, and the specialists who take over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport import plugins
from kbsupport.errors import ConfigError, NotFound, UpstreamError
from kbsupport.model import (
    Author,
    Checked,
    Customer,
    Delivery,
    Event,
    Message,
    Question,
    Ref,
    Reply,
    Review,
    State,
    Ticket,
)
from kbsupport.settings import PartSettings
from kbsupport.store import audit, conversations, customers, escalations, events, tickets

if TYPE_CHECKING:
    from kbsupport.attachments import Attachments
    from kbsupport.desk.briefs import DeskBrief
    from kbsupport.desk.desk import Desk
    from kbsupport.desk.rota import Rota
    from kbsupport.desk.rota_file import RotaFile
    from kbsupport.desk.sweeping import Swept
    from kbsupport.desk.turns import Answered
    from kbsupport.erasing import Erased
    from kbsupport.inspecting import Inspector
    from kbsupport.keeping import Keeper
    from kbsupport.order_desk import OrderDesk
    from kbsupport.outbox import Outbox
    from kbsupport.ports import Crm, Notifier, Reader, Ticketing
    from kbsupport.reception import Reception
    from kbsupport.replies import Replies
    from kbsupport.settings import Loaded
    from kbsupport.standing import Shelf
    from kbsupport.store.audit import Verified
    from kbsupport.store.database import Database

_OPEN = frozenset(State) - {State.CLOSED, State.ANSWERED}


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class People:
    """Builds each part when it is first touched; `database` is the app's."""

    def __init__(
        self,
        loaded: Loaded,
        database: Callable[[], Database],
        shelf: Callable[[], Shelf],
        reader: Callable[[], Reader],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings, self._home = loaded.settings, loaded.home
        self._database, self.clock = database, clock
        self._shelf, self._reader = shelf, reader

    @cached_property
    def crm(self) -> Crm:
        """Who knows the customers."""
        if self._settings.crm.use == "imported":
            from kbsupport.reception import Imported

            return Imported(self._database())
        made: Crm = self._built("crm", self._settings.crm)
        return made

    @cached_property
    def reception(self) -> Reception:
        """Whoever finds out who asks."""
        from kbsupport.reception import Reception

        section = self._settings.tiers
        tiers = None if section.use == "crm" else self._built("tier", section)
        return Reception(self.crm, tiers, self._settings.customers.tiers)

    @cached_property
    def orders(self) -> OrderDesk:
        """Whoever tells what became of an order."""
        from kbsupport.order_desk import OrderDesk

        section = self._settings.orders
        known = None if section.use == "none" else self._built("order", section)
        return OrderDesk(known, section.number)

    @cached_property
    def replies(self) -> Replies:
        """What customers read."""
        from kbsupport.replies import Replies

        made = Replies(self._settings.desk.replies)
        # A line that cannot be read is said at once, not when it would have been sent.
        made.check(self._settings.customers.tiers)
        return made

    @cached_property
    def audit_key(self) -> bytes:
        """What seals the audit log; it lies beside the database, never in it."""
        from kbsupport.store.audit import read_key

        return read_key(self._home / "audit.key")

    @cached_property
    def desk(self) -> Desk:
        """Where escalations wait for people."""
        from kbsupport.desk.desk import Desk

        tiers = self._settings.customers.tiers
        return Desk(self._database(), self.rota, self.audit_key, tiers, self.clock)

    @cached_property
    def keeper(self) -> Keeper:
        """Whoever writes down what the assistant did."""
        from kbsupport.keeping import Keeper

        return Keeper(
            self._database(), lambda: self.desk, self.replies, lambda: self.audit_key, self.clock,
            self._draw,
        )  # fmt: skip

    def _draw(self, reply: Reply, topic: str | None) -> Review | None:
        from kbsupport.loop.reviewing import draw

        share = self._settings.review.audit_share
        return draw(reply, topic, share, self.audit_key, self.clock())

    @cached_property
    def inspector(self) -> Inspector:
        """Whoever looks at a reply before it is sent."""
        from kbsupport.inspecting import Inspector

        settings = self._settings
        return Inspector(
            self._database, lambda: self._shelf().standing().quality, self._reader(),
            settings.orders.number, verbatim=settings.writer.use == "quote",
        )  # fmt: skip

    def answer(
        self,
        escalation_id: str,
        by: str,
        text: str,
        key: str | None = None,
        *,
        anyway: bool = False,
    ) -> tuple[Answered, Checked]:
        """Answer as a specialist: what should not be sent is NotFit, unless they insist."""
        with self._database().read() as connection:
            held = escalations.find_escalation(connection, escalation_id)
        if held is None:
            raise NotFound(f"no escalation {escalation_id!r}; see: kbsupport desk list")
        ticket = self.ticket(held.ticket_id)
        checked = self.inspector.pass_person(ticket, text, anyway=anyway)
        return self.desk.answer(escalation_id, by, text, key, _insisted(checked)), checked

    @cached_property
    def attachments(self) -> Attachments:
        """Where files of customers lie."""
        from kbsupport.attachments import Attachments, Limits

        desk = self._settings.desk
        limits = Limits(desk.most_files, int(desk.most_megabytes * 1e6), frozenset(desk.kinds))
        return Attachments(self._home / "attachments", limits)

    @cached_property
    def notifier(self) -> Notifier:
        """Whoever tells staff."""
        made: Notifier = self._built("notifier", self._settings.notifier)
        return made

    @cached_property
    def outbox(self) -> Outbox:
        """Whoever tells what happened: staff, and the other help desk if there is one."""
        from kbsupport.loop.proposing import Proposer
        from kbsupport.outbox import Outbox
        from kbsupport.webhooks.spreading import Spreader

        listeners: dict[str, Callable[[Event], None]] = {
            "notifier": self._notify,
            "review": Proposer(self._database(), self.clock),
            "webhooks": Spreader(self._database(), self.clock),
        }
        if self.ticketing is not None:
            from kbsupport.mirror import Mirror

            ours = hashlib.sha256(self.audit_key).hexdigest()[:12]
            listeners["ticketing"] = Mirror(self._database(), self.ticketing, self.clock, ours)
        return Outbox(self._database(), listeners, self.clock)

    @cached_property
    def ticketing(self) -> Ticketing | None:
        """The other help desk, where one is kept in step."""
        section = self._settings.ticketing
        made: Ticketing | None = (
            None if section.use == "none" else self._built("ticketing", section)
        )
        return made

    def brief(self, escalation_id: str, by: str | None = None) -> DeskBrief:
        """All that is known of an escalation, with what the other help desk knows of its customer.

        A help desk that cannot be asked is named in the brief, and keeps nobody from reading it.
        """
        found = self.desk.brief(escalation_id, by)
        if self.ticketing is None or found.ticket.customer_id is None:
            return found
        try:
            return replace(found, elsewhere=tuple(self.ticketing.history(found.ticket.customer_id)))
        except UpstreamError as error:
            return replace(found, unasked=str(error))

    def mirrored(self, ticket_id: str) -> Ref | None:
        """Where a ticket is in the other help desk; None while it is not there."""
        from kbsupport.mirror import find_ref

        with self._database().read() as connection:
            return find_ref(connection, ticket_id)

    @cached_property
    def _rota(self) -> RotaFile:
        from kbsupport.desk.rota_file import RotaFile

        tiers = self._settings.customers.tiers
        return RotaFile(self._settings.desk.rota, self._home / "specialists.toml", tiers)

    def rota(self) -> Rota:
        """Who takes what, as the file says now."""
        return self._rota.read()

    def find(self, customer_id: str) -> Customer:
        """What the CRM knows of a customer."""
        found = self.crm.find(customer_id)
        if found is None:
            where = self._settings.crm.use
            cure = "see: kbsupport customers import --help" if where == "imported" else ""
            raise NotFound(
                f"no customer {customer_id!r} is known to [crm] {where}; {cure}".rstrip("; ")
            )
        return found

    def bring_in(self, path: Path) -> int:
        """Import customers from a CSV file, all of them or none."""
        tiers = self._settings.customers.tiers
        known = plugins.build("crm", "csv", path=str(path), tiers=tiers).everybody()
        with self._database().write() as connection:
            return customers.save_customers(connection, known, self.clock())

    def tickets(self, *, all_states: bool = False) -> list[Ticket]:
        """The open tickets, the oldest first."""
        with self._database().read() as connection:
            return tickets.tickets(connection, None if all_states else _OPEN)

    def ticket(self, ticket_id: str) -> Ticket:
        """One ticket."""
        with self._database().read() as connection:
            found = tickets.find_ticket(connection, ticket_id)
        if found is None:
            raise NotFound(f"no ticket {ticket_id!r}; see: kbsupport ticket list")
        return found

    def history(self, ticket_id: str) -> Sequence[Message]:
        """All that was said on a ticket."""
        ticket = self.ticket(ticket_id)
        with self._database().read() as connection:
            return conversations.messages(connection, ticket.conversation_id)

    def unread(self, conversation_id: str) -> list[Message]:
        """What specialists wrote and the customer has not read yet, as it should be shown."""
        with self._database().read() as connection:
            new = [
                message
                for message in conversations.messages(connection, conversation_id)
                if message.author is Author.SPECIALIST and message.delivery is Delivery.PENDING
            ]
            ticket = tickets.ticket_of(connection, conversation_id) if new else None
        return [self._framed(message, ticket) if ticket else message for message in new]

    def _framed(self, message: Message, ticket: Ticket) -> Message:
        """The specialist's words, untouched, between a greeting and a signature."""
        customer = Customer(ticket.customer_id, ticket.tier)
        with suppress(UpstreamError):  # without the CRM nobody is greeted by name
            customer = (ticket.customer_id and self.crm.find(ticket.customer_id)) or customer
        author = self.rota().find(message.by)
        framed = self.replies.outgoing(
            message.text, customer=customer, ticket=ticket.id,
            signed=author.name if author else message.by, language=ticket.language,
        )  # fmt: skip
        return replace(message, text=framed)

    def note_read(self, message: Message) -> None:
        """The customer has it: noted after it was shown, so that it may come twice, never not."""
        from kbsupport.outbox import note_delivered

        note_delivered(self._database(), message, Delivery.SENT, self.clock())

    def without_next_action(self) -> list[str]:
        """Open tickets that nobody has and nothing will happen with: there should be none."""
        with self._database().read() as connection:
            return tickets.without_next_action(connection)

    def verify(self, anchor: Path | None = None, write_anchor: Path | None = None) -> Verified:
        """Whether the audit log is as it was written; an anchor that is replaced is held to it."""
        held = audit.read_anchor(anchor) if anchor else None
        if anchor is not None and held is None:
            raise ConfigError(
                f"{anchor} does not exist; make one: kbsupport audit verify --write-anchor"
            )
        replaced = audit.read_anchor(write_anchor) if write_anchor else None
        with self._database().read() as connection:
            for one in (held, replaced) if replaced else (held,):
                checked = audit.verify(connection, self.audit_key, one)
                if checked.fault is not None:
                    return checked
            end = audit.head(connection)
        if write_anchor is not None:
            audit.write_anchor(write_anchor, end)
        return checked

    def sweep(self, now: datetime | None = None) -> Swept:
        """Move the overdue on, and tell everybody who listens what happened."""
        swept = self.desk.sweep(now)
        self.outbox.deliver(now)
        return swept

    def unheard(self) -> tuple[str, ...]:
        """Who could not be told what happened, and why; it is kept and told later."""
        failing = self.outbox.failing().items()
        return tuple(f"the {name} could not be told: {held.error}" for name, held in failing)

    def erase(self, customer_id: str, by: str) -> Erased:
        """Take a customer out of everything that is kept here."""
        from kbsupport.erasing import erase

        return erase(self._database(), self._home, self.audit_key, customer_id, self.clock(), by=by)

    def events(self, after: int = 0, limit: int = 100, ticket_id: str | None = None) -> list[Event]:
        """What happened, in order."""
        with self._database().read() as connection:
            return events.events(connection, after, limit, ticket_id)

    def attach(self, question: Question) -> Any:
        """The question's files, kept."""
        return self.attachments.keep(question.uploads) if question.uploads else ()

    def _notify(self, event: Event) -> None:
        from kbsupport.notices import notice_for

        held = None
        if event.ticket_id is not None:
            with self._database().read() as connection:
                held = escalations.newest_of(connection, event.ticket_id)
        notice = notice_for(event, held, self.rota().lead.id)
        if notice is not None:
            self.notifier.notify(notice)

    def _built(self, port: str, section: PartSettings) -> Any:
        options = section.options()
        if port in {"crm", "tier"}:
            options.setdefault("tiers", self._settings.customers.tiers)
        if port == "notifier" and section.use == "log":
            options.setdefault("path", self._home / "notices.jsonl")
        return plugins.build(port, section.use, **options)


def _insisted(checked: Checked) -> tuple[str, ...]:
    """What a person sent in spite of the check: kept in the audit log."""
    return tuple(str(one.fault) for one in checked.findings if one.blocks)
