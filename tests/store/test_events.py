from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.errors import NotFound
from kbsupport.model import EventType
from kbsupport.store import events
from kbsupport.store.events import Progress

NOW = datetime(2026, 7, 1, 9, 30, 0, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def happen(connection, type=EventType.TICKET_CREATED, **given):
    return events.record(connection, type, now=NOW, **given)


def test_an_event_comes_back_with_what_caused_it(database):
    with database.write() as connection:
        first = happen(connection, ticket_id="t-3", body={"message": 7, "shares": [0.1 + 0.2]})
        second = happen(connection, EventType.CUSTOMER_ERASED, cause=first)
    with database.read() as connection:
        one, two = events.events(connection)
    assert (one.id, one.type, one.at) == (first, EventType.TICKET_CREATED, NOW)
    assert (one.ticket_id, one.cause) == ("T-3", None)
    assert one.body == {"message": 7, "shares": [0.1 + 0.2]}
    assert (two.id, two.ticket_id, two.cause, two.body) == (second, None, first, {})


@pytest.mark.parametrize("type", EventType)
def test_every_type_of_event_can_be_recorded(database, type):
    with database.write() as connection:
        happen(connection, type)
        assert [event.type for event in events.events(connection)] == [type]


def test_events_are_read_on_from_where_one_was_in_order(database):
    with database.write() as connection:
        made = [happen(connection, ticket_id=f"T-{n % 2}") for n in range(6)]

        def read(*given, **more):
            return [event.id for event in events.events(connection, *given, **more)]

        assert read() == made == [1, 2, 3, 4, 5, 6]
        assert read(4) == [5, 6]
        assert read(2, 2) == [3, 4]
        assert read(6) == []
        assert read(ticket_id="T-1") == [2, 4, 6]
        assert read(2, ticket_id="t-1", limit=1) == [4]
        assert read(ticket_id="x") == []


def test_an_event_of_no_ticket_of_ours_is_not_recorded(database):
    with database.write() as connection:
        with pytest.raises(NotFound, match="no ticket 'x'; see: kbsupport ticket list"):
            happen(connection, ticket_id="x")
        assert events.events(connection) == []


def test_an_event_is_undone_with_the_change_that_it_tells_of(database):
    with pytest.raises(ZeroDivisionError), database.write() as connection:  # noqa: PT012
        happen(connection)
        _ = 1 / 0
    with database.read() as connection:
        assert events.events(connection) == []


def test_a_subscriber_begins_at_the_first_event_and_never_goes_back(database):
    with database.write() as connection:
        assert events.subscriber(connection, "mail") == Progress(0, 0, None, None)
        for read, then in ((5, 5), (3, 5), (7, 7)):
            events.note_read(connection, "mail", read)
            assert events.subscriber(connection, "mail") == Progress(then)
        assert events.subscriber(connection, "log") == Progress()


def test_failures_in_a_row_are_counted_until_it_works_again(database):
    with database.write() as connection:
        events.note_failure(connection, "mail", "timed\0 out", NOW)
        assert events.subscriber(connection, "mail") == Progress(0, 1, NOW, "timed  out")
        events.note_read(connection, "mail", 2)
        assert events.subscriber(connection, "mail") == Progress(2)
        events.note_failure(connection, "mail", "timed out", NOW)
        events.note_failure(connection, "mail", "refused", LATER)
        assert events.subscriber(connection, "mail") == Progress(2, 2, LATER, "refused")
        assert events.subscriber(connection, "log") == Progress()
