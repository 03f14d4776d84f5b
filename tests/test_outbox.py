import time
from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.errors import UpstreamError
from kbsupport.model import Author, Delivery, EventType, Identity, State
from kbsupport.outbox import ATTEMPTS, RETRIES, Outbox, Sent, pause
from kbsupport.store import conversations, events, tickets
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "kbsupport.db")
    yield made
    made.close()


def outbox(database, **subscribers):
    return Outbox(database, subscribers, lambda: NOW, lambda: 0.0)


def happen(database, times=1):
    with database.write() as connection:
        for _ in range(times):
            events.record(connection, EventType.TICKET_CREATED, now=NOW)


def progress(database, name):
    with database.read() as connection:
        return events.subscriber(connection, name)


def down(_):
    raise UpstreamError("crm", "no route")


def test_every_event_reaches_every_subscriber_once_and_in_order(database):
    happen(database, 250)
    one, other = [], []
    box = outbox(database, one=one.append, other=other.append)
    assert box.deliver().told == {"one": 250, "other": 250}
    assert [event.id for event in one] == list(range(1, 251))
    assert one == other
    happen(database)
    assert outbox(database, one=one.append, other=other.append).deliver().told == {
        "one": 1, "other": 1,
    }  # fmt: skip
    assert box.deliver().told == {"one": 0, "other": 0}


def test_a_subscriber_that_fails_holds_nobody_up_and_is_told_from_where_it_failed(database):
    happen(database, 10)
    took, heard = [], []

    def breaks_at_four(event):
        if event.id == 4:
            raise ValueError("not today\nnor tomorrow")
        took.append(event.id)

    found = outbox(database, a=breaks_at_four, b=heard.append).deliver()
    assert (found.told, found.failed) == (
        {"a": 3, "b": 10}, {"a": "ValueError: not today nor tomorrow"},
    )  # fmt: skip
    again = outbox(database, a=lambda event: took.append(event.id)).deliver(
        NOW + timedelta(hours=1)
    )
    assert again.failed == {}
    assert took == list(range(1, 11))


def test_no_event_is_skipped_however_long_a_subscriber_fails(database):
    happen(database, 3)
    box = outbox(database, a=down)
    at = NOW
    for attempt in range(1, 16):
        assert box.deliver(at).failed == {"a": "crm is unreachable: no route"}
        held = progress(database, "a")
        assert (held.last_event_id, held.attempts) == (0, attempt)
        assert timedelta(0) < held.next_attempt_at - at <= timedelta(hours=1)
        at = held.next_attempt_at
    assert list(box.failing()) == ["a"]
    took = []
    assert outbox(database, a=took.append).deliver(at).told == {"a": 3}
    assert box.failing() == {}


def test_a_subscriber_that_failed_is_left_alone_until_its_next_attempt(database):
    happen(database)
    outbox(database, a=down).deliver()
    took = []
    box = outbox(database, a=took.append)
    soon = box.deliver(NOW + timedelta(seconds=4))
    assert (took, soon.failed) == ([], {"a": "crm is unreachable: no route"})
    box.deliver(NOW + timedelta(seconds=5))
    assert [event.id for event in took] == [1]


def test_a_clock_that_was_set_back_delays_nobody(database):
    happen(database)
    outbox(database, a=down).deliver(NOW + timedelta(days=900))
    took = []
    outbox(database, a=took.append).deliver(NOW)
    assert len(took) == 1


def test_a_pause_grows_up_to_an_hour_and_chance_halves_it_at_most():
    pauses = [pause(attempts, 0.0).total_seconds() for attempts in range(1, 5_000)]
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses == sorted(pauses)
    assert max(pauses) == 3600
    assert pause(3, 1.0) == timedelta(seconds=10)


def converse(database, *said, conversation="v-1"):
    with database.write() as connection:
        conversations.begin(
            connection, conversation, channel="mail", customer_id="c",
            identity=Identity.NAMED, now=NOW,
        )  # fmt: skip
        if tickets.ticket_of(connection, conversation) is None:
            tickets.open_ticket(
                connection, conversation_id=conversation, state=State.ANSWERED, customer_id="c",
                tier="standard", question="?", reason="r", decision_id="d", brief={}, now=NOW,
            )  # fmt: skip
        for text in said:
            conversations.add_message(
                connection, conversation, author=Author.SPECIALIST, text=text, now=NOW,
                delivery=Delivery.PENDING,
            )  # fmt: skip


def deliveries(database, conversation="v-1"):
    with database.read() as connection:
        return [m.delivery for m in conversations.messages(connection, conversation)]


def happened(database):
    with database.read() as connection:
        return [(e.type, e.ticket_id, e.body) for e in events.events(connection)]


def test_a_message_is_sent_once_and_marked(database):
    converse(database, "one", "two")
    sent = []
    assert outbox(database).deliver_messages(sent.append) == Sent(sent=2)
    assert [message.text for message in sent] == ["one", "two"]
    assert outbox(database).deliver_messages(sent.append) == Sent()
    assert deliveries(database) == [Delivery.SENT, Delivery.SENT]
    assert happened(database) == [
        (EventType.MESSAGE_SENT, "T-1", {"message": 1}),
        (EventType.MESSAGE_SENT, "T-1", {"message": 2}),
    ]


def test_a_message_that_cannot_be_sent_is_tried_six_times_over_a_day_and_then_failed(database):
    converse(database, "one")
    box, tried, at = outbox(database), [], NOW

    def refuse(_):
        tried.append(at - NOW)
        down(None)

    for minutes in range(25 * 60):
        at = NOW + timedelta(minutes=minutes)
        found = box.deliver_messages(refuse, at)
        if found.failed:
            break
    assert len(tried) == ATTEMPTS == 6
    assert tried[-1] == sum(RETRIES, timedelta()) == timedelta(hours=24)
    assert found == Sent(failed=1, error="crm is unreachable: no route")
    assert deliveries(database) == [Delivery.FAILED]
    assert happened(database) == [(EventType.MESSAGE_FAILED, "T-1", {"message": 1})]
    assert box.deliver_messages(refuse, NOW + timedelta(days=9)) == Sent()


def test_within_a_conversation_no_message_overtakes_another(database):
    converse(database, "first", "second")
    converse(database, "elsewhere", conversation="v-2")
    sent = []

    def breaks_at_first(message):
        if message.text == "first":
            raise UpstreamError("mail")
        sent.append(message.text)

    found = outbox(database).deliver_messages(breaks_at_first, NOW)
    assert (found.sent, found.later, sent) == (1, 1, ["elsewhere"])
    sent.clear()
    outbox(database).deliver_messages(lambda m: sent.append(m.text), NOW + RETRIES[0])
    assert sent == ["first", "second"]


def test_a_channel_that_is_down_costs_the_waiting_no_attempt(database):
    for number in range(20):
        converse(database, "hello", conversation=f"v-{number}")
    assert outbox(database).deliver_messages(down, NOW).later == 3
    sent = []
    assert outbox(database).deliver_messages(sent.append, NOW).sent == 17


def test_a_process_that_was_killed_while_sending_has_made_an_attempt(database):
    converse(database, "one")

    def killed(_):
        raise KeyboardInterrupt

    for number in range(ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            outbox(database).deliver_messages(killed, NOW + number * timedelta(days=1))
        assert outbox(database).deliver_messages(killed, NOW + number * timedelta(days=1)) == Sent()
    found = outbox(database).deliver_messages(killed, NOW + timedelta(days=9))
    assert (found.failed, found.error) == (1, "its last attempt was cut short")


def send_all(path, ready, sent):
    database = Database(path)

    def send(message):
        time.sleep(0.001)
        sent.put(message.id)

    ready.wait()
    Outbox(database, {}, lambda: datetime.now(UTC)).deliver_messages(send)
    database.close()


def test_processes_that_deliver_at_once_send_each_message_once(database, processes):
    for number in range(60):
        converse(database, "hello", conversation=f"v-{number}")
    ready, sent = processes.Barrier(3), processes.Queue()
    racing = [
        processes.Process(target=send_all, args=(database.path, ready, sent)) for _ in range(3)
    ]
    for process in racing:
        process.start()
    found = sorted(sent.get(timeout=60) for _ in range(60))
    for process in racing:
        process.join(60)
    assert found == list(range(1, 61))
    assert sent.empty()


def test_whoever_is_slow_leaves_the_rest_for_the_next_time(database):
    happen(database, 30)
    heard = []

    def slow(event):
        heard.append(event.id)
        time.sleep(0.05)

    box = Outbox(database, {"slow": slow}, lambda: NOW)
    first = box.deliver(seconds=0.2).told["slow"]
    assert 1 <= first < 30
    while box.deliver(seconds=0.2).told["slow"]:
        pass
    assert heard == sorted(heard)
    assert len(heard) == 30
