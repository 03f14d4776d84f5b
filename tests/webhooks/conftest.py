from datetime import UTC, datetime, timedelta

import pytest
from misbehaving import let_loopback_through
from webhooks.receiving import Receiver

from kbsupport.adapters.fenced import FencedPost
from kbsupport.model import EventType
from kbsupport.store import events
from kbsupport.store.database import Database
from kbsupport.webhooks.dispatching import Dispatcher
from kbsupport.webhooks.spreading import Spreader
from kbsupport.webhooks.webhooks import Webhooks

KEY = b"k" * 32


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self):
        return self.now

    def later(self, **by):
        self.now += timedelta(**by)


class Outside:
    """Webhooks over a database of their own, told of events as the outbox tells of them."""

    def __init__(self, database):
        self.database, self.clock = database, Clock()
        self.post = FencedPost(allowed=["127.0.0.1"], seconds=2.0)
        self.webhooks = Webhooks(database, lambda: self.post, KEY, KEY, self.clock)
        self.dispatcher = Dispatcher(
            database, lambda: self.post, self.webhooks, KEY, self.clock, chance=lambda: 0.0
        )
        self.spread = Spreader(database, self.clock)

    def happens(self, type=EventType.TICKET_ANSWERED, **body):
        with self.database.write() as connection:
            number = events.record(connection, type, now=self.clock.now, body=body)
        with self.database.read() as connection:
            event = events.events(connection, number - 1, 1)[0]
        self.spread(event)
        return event

    def step(self):
        return self.dispatcher.step(self.clock.now, patience=10.0)

    def states(self, id):
        return [(str(one.state), one.attempts) for one in self.webhooks.deliveries(id)]


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    """Receivers are on this machine, and nowhere else."""
    let_loopback_through(monkeypatch)


@pytest.fixture
def outside(tmp_path):
    database = Database(tmp_path / "kbsupport.db")
    made = Outside(database)
    yield made
    made.dispatcher.close()
    database.close()


@pytest.fixture
def receiver():
    with Receiver() as made:
        yield made
