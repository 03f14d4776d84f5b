from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from kbsupport.model import Author, Identity, Level, State
from kbsupport.store import conversations, escalations, sqlite, tickets
from kbsupport.store.database import REVISIONS, Database

THEN = datetime(2026, 6, 30, 8, 0, 0, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
HELD = (
    "INSERT INTO ticket (created_at, state, customer_id, tier, question, reason, decision_id,"
    " brief) VALUES ('2026-06-30 08:00:00.000001', 'queued', ?, 'premium', ?, 'no_passage',"
    """ ?, '{"passages": [0.5]}')"""
)


@pytest.fixture
def migrated(tmp_path):
    """A database of before the desk, with two tickets, as we open it now."""
    path = tmp_path / "kbsupport.db"
    config = Config()
    config.set_main_option("script_location", str(Path(sqlite.__file__).parent / "migrations"))
    old = sqlite._pool(path, sqlite._take_the_lock)
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with old.begin() as connection:
        connection.exec_driver_sql(HELD, ("c-1", "Where is it?", "d-1"))
        connection.exec_driver_sql(HELD, (None, "Why :it's late?", "d-2"))
    old.dispose()
    made = Database(path)
    yield made
    made.close()


def test_a_ticket_that_waited_before_there_was_a_desk_is_still_shown(migrated):
    with migrated.read() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        one, two = tickets.tickets(connection, [State.QUEUED])
        assert tickets.find_ticket(connection, "T-1") == one
    assert found == REVISIONS[-1]
    assert (one.id, one.state, one.created_at) == ("T-1", State.QUEUED, THEN)
    assert (one.customer_id, one.tier, one.question) == ("c-1", "premium", "Where is it?")
    assert (one.reason, one.decision_id, one.brief) == ("no_passage", "d-1", {"passages": [0.5]})
    assert (one.version, one.owner, one.closed_at) == (1, None, None)
    assert (two.id, two.customer_id) == ("T-2", None)


def test_a_ticket_of_before_has_a_conversation_that_begins_with_its_question(migrated):
    with migrated.write() as connection:
        for ticket in tickets.tickets(connection):
            assert tickets.ticket_of(connection, ticket.conversation_id) == ticket
            (message,) = conversations.messages(connection, ticket.conversation_id)
            assert (message.seq, message.author) == (1, Author.CUSTOMER)
            assert (message.text, message.created_at) == (ticket.question, THEN)
            assert message.decision_id == ticket.decision_id
            again = conversations.begin(
                connection, ticket.conversation_id, channel="cli",
                customer_id=ticket.customer_id, identity=Identity.NAMED, now=NOW,
            )  # fmt: skip
            added = conversations.add_message(
                connection, again, author=Author.SPECIALIST, text="Tomorrow.", by="ann", now=NOW
            )
            assert added.seq == 2


def test_a_ticket_of_before_is_due_at_once_and_can_be_handed_over(migrated):
    with migrated.write() as connection:
        assert tickets.without_next_action(connection) == []
        assert {t.next_action_at for t in tickets.tickets(connection)} == {THEN}
        made = escalations.open_of(connection, "T-1")
        assert (made.level, made.next_action_at) == (Level.FRONTLINE, THEN)
        escalations.claim(connection, made.id, "ann", NOW)
        assert tickets.move(connection, "T-1", State.ASSIGNED, now=NOW).version == 2


def test_a_database_of_before_gets_the_log_that_nobody_changes(migrated):
    with migrated.read() as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
        made = connection.exec_driver_sql(query).scalars().all()
    assert made == ["audit_no_DELETE", "audit_no_UPDATE"]
