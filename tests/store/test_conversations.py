from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from kbsupport.errors import Conflict, NotAllowed, NotFound
from kbsupport.model import Attachment, Author, Delivery, Identity
from kbsupport.store import conversations
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, 0, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
FILE = Attachment("bill.pdf", "application/pdf", 3, "ab" * 32)


def begin(connection, name="v-1", customer="c", identity=Identity.NAMED):
    return conversations.begin(
        connection, name, channel="cli", customer_id=customer, identity=identity, now=NOW
    )


def say(connection, text="Where is it?", name="v-1", author=Author.CUSTOMER, **given):
    return conversations.add_message(connection, name, author=author, text=text, now=NOW, **given)


def owner(connection, name="v-1"):
    query = text("SELECT customer_id, identity FROM conversation WHERE id = :name")
    return tuple(connection.execute(query, {"name": name}).one())


def write_many(path, process, times, ready):
    database = Database(path)
    ready.wait()
    for number in range(times):
        with database.write() as connection:
            begin(connection)
            say(connection, f"{process} {number}")
    database.close()


def test_a_message_comes_back_as_it_was_said(database):
    with database.write() as connection:
        begin(connection)
        first = say(connection, "It's \udc80broken\0", key="k", attachments=[FILE, FILE])
        second = say(
            connection, "Try this.", author=Author.SPECIALIST, by="ann", decision_id="d",
            delivery=Delivery.PENDING,
        )  # fmt: skip
    with database.read() as connection:
        assert conversations.messages(connection, "v-1") == [first, second]
        assert conversations.message_with_key(connection, "k") == first
        assert conversations.message_with_key(connection, "x") is None
        assert conversations.last_seq(connection, "v-1") == 2
    assert (first.seq, first.text, first.created_at) == (1, "It's ?broken ", NOW)
    assert (first.author, first.by, first.delivery) == (Author.CUSTOMER, None, Delivery.NONE)
    assert first.attachments == (FILE, FILE)
    assert (second.seq, second.author, second.by) == (2, Author.SPECIALIST, "ann")
    assert (second.decision_id, second.delivery) == ("d", Delivery.PENDING)


def test_a_conversation_without_a_name_gets_one_that_nobody_guesses(database):
    with database.write() as connection:
        names = {begin(connection, None) for _ in range(5)}
        assert len(names) == 5
        assert all(name.startswith("v-") and len(name) == 34 for name in names)
        assert begin(connection, "a\udc80\0") == "a? "


def test_a_conversation_goes_on_where_it_was(database):
    with database.write() as connection:
        assert begin(connection) == "v-1"
        say(connection)
        assert begin(connection, identity=Identity.VERIFIED) == "v-1"
        assert say(connection).seq == 2
        assert owner(connection) == ("c", "verified")


@pytest.mark.parametrize("stranger", ["other", None])
def test_a_conversation_of_another_customer_is_not_allowed(database, stranger):
    with database.write() as connection:
        begin(connection)
        with pytest.raises(NotAllowed, match="'v-1' belongs to another customer; begin a new"):
            begin(connection, customer=stranger, identity=Identity.VERIFIED)
        assert owner(connection) == ("c", "named")


def test_a_conversation_that_nobody_named_has_begun_becomes_the_customers(database):
    with database.write() as connection:
        begin(connection, customer=None, identity=Identity.ANONYMOUS)
        begin(connection, customer=None, identity=Identity.ANONYMOUS)
        assert owner(connection) == (None, "anonymous")
        begin(connection)
        assert owner(connection) == ("c", "named")
        with pytest.raises(NotAllowed):
            begin(connection, customer="other")


def test_a_conversation_that_was_never_begun_holds_nothing(database):
    with database.write() as connection:
        assert conversations.last_seq(connection, "v-9") == 0
        assert conversations.messages(connection, "v-9") == []
        with pytest.raises(NotFound, match="no conversation 'v-9'"):
            say(connection, name="v-9")


def test_a_message_sent_twice_is_a_conflict_and_leaves_no_gap(database):
    with database.write() as connection:
        begin(connection)
        begin(connection, "v-2")
        say(connection, key="k")
        for name in ("v-1", "v-2"):
            with pytest.raises(Conflict, match="'k' is stored already"):
                say(connection, name=name, key="k")
        assert say(connection).seq == 2
        assert conversations.messages(connection, "v-2") == []


def test_four_processes_number_a_conversation_without_a_gap(tmp_path, processes):
    path, times = tmp_path / "kbsupport.db", 100
    database = Database(path)
    ready = processes.Barrier(4)
    workers = [processes.Process(target=write_many, args=(path, n, times, ready)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    with database.read() as connection:
        said = conversations.messages(connection, "v-1")
        assert conversations.last_seq(connection, "v-1") == 4 * times
    database.close()
    assert [message.seq for message in said] == list(range(1, 4 * times + 1))
    for process in range(4):
        own = [m.text for m in said if m.text.startswith(f"{process} ")]
        assert own == [f"{process} {number}" for number in range(times)]


def test_what_waits_to_go_out_is_listed_when_its_time_has_come(database):
    with database.write() as connection:
        begin(connection)
        say(connection)
        one, two = (
            say(connection, text, author=Author.ASSISTANT, delivery=Delivery.PENDING)
            for text in ("one", "two")
        )
        assert conversations.pending(connection, NOW) == [one, two]
        assert conversations.pending(connection, NOW, limit=1) == [one]
        again = {"next_attempt_at": LATER}
        assert conversations.note_delivery(connection, one.id, Delivery.PENDING, **again)
        assert conversations.pending(connection, LATER - timedelta(microseconds=1)) == [two]
        assert conversations.pending(connection, LATER) == [one, two]


@pytest.mark.parametrize("end", [Delivery.SENT, Delivery.FAILED])
def test_a_delivery_that_has_ended_is_noted_once(database, end):
    with database.write() as connection:
        begin(connection)
        message = say(connection, author=Author.ASSISTANT, delivery=Delivery.PENDING)
        later = {"next_attempt_at": LATER}
        assert conversations.note_delivery(connection, message.id, Delivery.PENDING, **later)
        assert conversations.note_delivery(connection, message.id, end)
        assert not conversations.note_delivery(connection, message.id, Delivery.PENDING)
        assert not conversations.note_delivery(connection, message.id, end)
        assert conversations.messages(connection, "v-1")[0].delivery is end
        assert conversations.pending(connection, LATER) == []
        assert conversations.attempts(connection, message.id) == 2


def test_what_came_in_is_never_delivered(database):
    with database.write() as connection:
        begin(connection)
        message = say(connection)
        assert not conversations.note_delivery(connection, message.id, Delivery.SENT)
        assert not conversations.note_delivery(connection, 99, Delivery.SENT)
        assert conversations.attempts(connection, message.id) == 0
        assert conversations.attempts(connection, 99) == 0
