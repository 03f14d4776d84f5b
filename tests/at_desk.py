"""A desk over an empty database, with a rota, a clock that tests move, and tickets to hand over."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kbsupport.desk.desk import Desk, Handover
from kbsupport.desk.reading_rota import parse_rota
from kbsupport.desk.rota import Rota
from kbsupport.model import Author, Identity, Level, State
from kbsupport.store import approvals, audit, conversations, escalations, events, tickets
from kbsupport.store.database import Database

TIERS = ("standard", "premium", "enterprise")
KEY = bytes(32)
# A Monday, an hour after the desk opens.
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

ROTA = """
lead = "lea"
usual = 30

[hours.office]
zone = "UTC"
mon = "09:00-17:00"
tue = "09:00-17:00"
wed = "09:00-17:00"
thu = "09:00-17:00"
fri = "09:00-17:00"

[due.standard]
hours = "office"
first = "2h"
solved = "8h"

[due.enterprise]
hours = "office"
first = "1h"
solved = "4h"

[[specialist]]
id = "lea"
level = "lead"
topics = ["*"]
languages = ["en"]
capacity = 9
hours = "office"

[[specialist]]
id = "ana"
level = "frontline"
topics = ["billing", "delivery"]
languages = ["en"]
capacity = 4
hours = "office"

[[specialist]]
id = "ann"
level = "frontline"
topics = ["billing"]
languages = ["en"]
capacity = 3
hours = "office"

[[specialist]]
id = "bo"
level = "specialist"
topics = ["billing"]
languages = ["en", "nl"]
capacity = 2
hours = "office"
approves = ["refunds"]

[[specialist]]
id = "cy"
level = "expert"
topics = ["*"]
languages = ["en"]
capacity = 2
hours = "office"

[[specialist]]
id = "di"
level = "frontline"
topics = ["billing"]
languages = ["en"]
capacity = 9
hours = "office"
away = true

[[rule]]
tiers = ["enterprise"]
to = "cy"

[approval.refunds]
reasons = ["refund"]
words = ["we will refund"]
"""


def rota(**replaced: str) -> Rota:
    """The rota above; each keyword is a text of it, and what stands there instead."""
    text = ROTA
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    return parse_rota(text, "rota.toml", TIERS)


@dataclass
class Room:
    """A database, a desk over it, and the time there."""

    folder: Path
    rota: Rota = field(default_factory=rota)
    now: datetime = MONDAY

    def __post_init__(self) -> None:
        self.database = Database(self.folder / "kbsupport.db")
        self.desk = Desk(self.database, lambda: self.rota, KEY, TIERS, lambda: self.now)

    def another(self) -> Desk:
        """A second desk over the same file, as another process would have it."""
        database = Database(self.folder / "kbsupport.db")
        return Desk(database, lambda: self.rota, KEY, TIERS, lambda: self.now)

    def ticket(self, *, tier="standard", reason="below_threshold", state=State.NEW, **given):
        """A new ticket with the customer's message."""
        with self.database.write() as connection:
            return self.ticket_in(connection, tier=tier, reason=reason, state=state, **given)

    def ticket_in(
        self, connection, *, tier, reason, state, customer_id="c-1", brief=None, next_action_at=None
    ):
        conversation = conversations.begin(
            connection, None, channel="cli", customer_id=customer_id, identity=Identity.NAMED,
            now=self.now,
        )  # fmt: skip
        conversations.add_message(
            connection, conversation, author=Author.CUSTOMER, text="Help me.", now=self.now
        )
        return tickets.open_ticket(
            connection, conversation_id=conversation, state=state, customer_id=customer_id,
            tier=tier, question="Help me.", reason=reason, decision_id="d-1", brief=brief or {},
            now=self.now, topic="billing", next_action_at=next_action_at,
        )  # fmt: skip

    def handed(self, *, topic="billing", urgent=False, frustration=0.0, level=None, **given):
        """A new ticket that was handed over."""
        ticket = self.ticket(**given)
        handover = Handover(ticket, topic, urgent, frustration, "en", level or Level.FRONTLINE)
        with self.database.write() as connection:
            return self.desk.open(connection, handover, cause=None)

    def claimed(self, by="ana", **given):
        """One that somebody has."""
        return self.desk.claim(self.handed(**given).escalation.id, by)

    def asked(self, by="ana"):
        """An answer on a refund, which waits for a yes."""
        one = self.claimed(by, reason="refund")
        return self.desk.answer(one.id, by, "The money was sent.")

    def look(self, id):
        """An escalation and its ticket, as they are stored."""
        with self.database.read() as connection:
            one = escalations.find_escalation(connection, id)
            return one, tickets.find_ticket(connection, one.ticket_id)

    def said(self, ticket):
        """What was said on a ticket: author, by whom, text, delivery."""
        with self.database.read() as connection:
            found = conversations.messages(connection, ticket.conversation_id)
        return [(str(m.author), m.by, m.text, str(m.delivery)) for m in found]

    def approval(self, id):
        with self.database.read() as connection:
            return approvals.find_approval(connection, id)

    def events(self, ticket_id=None):
        with self.database.read() as connection:
            return events.events(connection, limit=10_000, ticket_id=ticket_id)

    def kinds(self, ticket_id=None):
        return [str(event.type) for event in self.events(ticket_id)]

    def check(self):
        """Nothing falls between: what must hold after whatever was done, or went wrong."""
        with self.database.read() as connection:
            assert tickets.without_next_action(connection) == []
            assert audit.verify(connection, KEY).fault is None
            every = tickets.tickets(connection, limit=10_000)
            for ticket in every:
                one = escalations.open_of(connection, ticket.id)
                assert (one is not None) == ticket.state.with_a_person
                if one is not None:
                    assert (one.state, one.owner) == (ticket.state, ticket.owner)
                    assert one.owner or one.next_action_at
                    waiting = [
                        a for a in approvals.approvals_of(connection, one.id)
                        if a.state == "waiting"
                    ]  # fmt: skip
                    assert len(waiting) == (one.state is State.WAITING_FOR_APPROVAL)
                messages = conversations.messages(connection, ticket.conversation_id)
                assert [m.seq for m in messages] == list(range(1, len(messages) + 1))
            happened = events.events(connection, limit=10_000)
            known = {event.id: event for event in happened}
            for event in happened:
                assert event.cause is None or known[event.cause].ticket_id == event.ticket_id
