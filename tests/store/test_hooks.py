"""Endpoints, what waits for them, and tickets that were rung for, on both kinds of database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from kbsupport.errors import NotFound
from kbsupport.model import EventType
from kbsupport.model.webhooks import Bell, Dispatched, Endpoint
from kbsupport.store import bells, events, hooks

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
SOON, MUCH_LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=40)


@pytest.fixture
def told(database):
    """A database with one endpoint and two events that wait for it."""
    with database.write() as connection:
        for name in ("one", "two"):
            hooks.add_endpoint(connection, Endpoint(name, "https://a/", ("*",), NOW, 0))
        numbers = [events.record(connection, EventType.TICKET_CLOSED, now=NOW) for _ in range(2)]
        for number in numbers:
            assert hooks.spread(connection, number, ["one"], NOW) == 1
        assert hooks.spread(connection, numbers[0], ["one", "nobody"], NOW) == 0
    return database


def test_an_endpoint_is_told_by_one_at_a_time_and_the_oldest_first(told):
    with told.write() as connection:
        assert hooks.due(connection, NOW) == ["one"]
        assert hooks.due(connection, NOW - timedelta(seconds=1)) == []
        assert hooks.lease(connection, "one", NOW, SOON).id == "one"
        assert hooks.lease(connection, "one", NOW, SOON) is None
        assert hooks.due(connection, NOW) == []
        first = hooks.take(connection, "one", NOW)
        hooks.begin_attempt(connection, first.id, SOON)
        second = hooks.take(connection, "one", NOW)
        assert first.event_id < second.event_id
        hooks.note_sent(connection, first.id, 204, NOW)
        hooks.note_failed(connection, second.id, status=500, error="no", again=None, now=NOW)
        found = hooks.dispatches(connection, "one", 10)
        assert [one.state for one in found] == [Dispatched.FAILED, Dispatched.SENT]
        assert hooks.forget_done(connection, MUCH_LATER) == 2


def test_a_disabled_endpoint_is_told_nothing_and_keeps_nothing_waiting(told):
    with told.write() as connection:
        assert hooks.disable(connection, "one", "gone", NOW)
        assert not hooks.disable(connection, "one", "again", NOW)
        assert hooks.due(connection, SOON) == []
        assert hooks.spread(connection, 2, ["one"], NOW) == 0
        states = connection.execute(select(hooks.DISPATCH.c.state)).scalars().all()
        assert set(states) == {"failed"}
        hooks.remove_endpoint(connection, "one")
        with pytest.raises(NotFound, match="webhooks list"):
            hooks.endpoint(connection, "one")


def test_a_ticket_is_read_by_one_and_one_that_rings_meanwhile_is_read_again(database):
    with database.write() as connection:
        for number in ("7", "8", "7"):
            bells.ring(connection, "desk", number, NOW, NOW)
        number, rung, attempt = bells.take_ring(connection, "desk", NOW, SOON)
        assert (number, rung, attempt) == ("7", NOW, 1)
        assert bells.take_ring(connection, "desk", NOW, SOON)[0] == "8"
        assert bells.take_ring(connection, "desk", NOW, SOON) is None
        later = NOW + timedelta(seconds=1)
        bells.ring(connection, "desk", "7", later, later)
        assert not bells.end_ring(connection, "desk", "7", rung)
        assert bells.take_ring(connection, "desk", later, SOON)[0] == "7"
        assert bells.end_ring(connection, "desk", "7", later)
        bells.note_unread(connection, "desk", "8", later, "rung for at another time", SOON)
        bells.note_unread(connection, "desk", "8", NOW, "down", later)
        assert bells.take_ring(connection, "desk", later, SOON) == ("8", NOW, 2)
        assert bells.take_ring(connection, "other", SOON, SOON) is None


def test_a_bell_is_kept_as_a_hash_and_ends_once(database):
    with database.write() as connection:
        bells.add_bell(connection, Bell("b", "desk", signed=False, created_at=NOW), "hash")
        assert bells.find_bell(connection, "b")[1] == "hash"
        bells.end_bell(connection, "b", NOW)
        assert bells.bells(connection)[0].ended_at == NOW
        with pytest.raises(NotFound, match="bells"):
            bells.end_bell(connection, "b", NOW)
