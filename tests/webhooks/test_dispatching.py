"""Webhooks out, to real receivers on loopback."""

import json
import threading
from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from webhooks.receiving import Receiver, until

from kbsupport.errors import ConfigError, Conflict, NotFound
from kbsupport.model import EventType
from kbsupport.model.webhooks import Dispatched
from kbsupport.store import hooks
from kbsupport.webhooks.schedule import ATTEMPTS, RETRIES, asked_for, rest, wait_after


def verified(secret, got):
    headers, body = got
    return Webhook(secret).verify(body, headers)


def test_an_endpoint_is_told_signed_and_with_ids_only(outside, receiver):
    endpoint, secret = outside.webhooks.add(receiver.url, ["ticket.*"], "test")
    event = outside.happens(EventType.TICKET_ANSWERED, decision="d-1")
    outside.happens(EventType.MESSAGE_SENT)
    assert outside.step() == 1
    said = verified(secret, receiver.got[0])
    assert said == {
        "type": "ticket.answered",
        "timestamp": event.at.isoformat(),
        "data": {"decision": "d-1", "event_id": event.id, "ticket_id": None, "cause": None},
    }
    assert outside.states(endpoint.id) == [("sent", 1)]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(receiver.got[0][1] + b" ", receiver.got[0][0])


def test_what_happened_before_or_was_told_twice_is_told_once_or_never(outside, receiver):
    outside.happens()
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    event = outside.happens()
    outside.spread(event)
    outside.step()
    outside.step()
    assert [json.loads(body)["data"]["event_id"] for _, body in receiver.got] == [event.id]
    assert len(outside.states(endpoint.id)) == 1


def test_two_secrets_sign_while_one_replaces_the_other(outside, receiver):
    endpoint, old = outside.webhooks.add(receiver.url, [], "test")
    _, new = outside.webhooks.rotate(endpoint.id, "test", timedelta(hours=24))
    outside.happens()
    outside.step()
    assert verified(old, receiver.got[0]) == verified(new, receiver.got[0])
    outside.clock.later(hours=25)
    outside.happens()
    outside.step()
    assert receiver.got[1][0]["webhook-signature"].count("v1,") == 1
    held = outside.webhooks.find(endpoint.id).secrets
    assert not any(new in str(one) or old in str(one) for one in held), "no secret is stored"


def test_a_failure_is_tried_again_with_the_same_id_until_it_is_taken(outside, receiver):
    receiver.says = [(500, {}), (503, {})]
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.step()
    assert outside.step() == 0, "not before its time"
    outside.clock.later(seconds=6)
    outside.step()
    outside.clock.later(minutes=6)
    outside.step()
    assert outside.states(endpoint.id) == [("sent", 3)]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert outside.webhooks.find(endpoint.id).failing_since is None


def test_an_endpoint_that_asks_to_wait_is_left_alone_so_long(outside, receiver):
    receiver.says = [(429, {"Retry-After": "120"})]
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.step()
    outside.happens()
    outside.clock.later(seconds=100)
    assert outside.step() == 0
    outside.clock.later(seconds=21)
    outside.step()
    assert outside.states(endpoint.id) == [("sent", 1), ("sent", 2)]


def test_one_that_is_gone_is_disabled_and_can_be_enabled_again(outside, receiver):
    receiver.says = [(410, {})]
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.happens()
    outside.step()
    found = outside.webhooks.find(endpoint.id)
    assert found.why_disabled == "it answered 410, gone"
    failed = outside.webhooks.deliveries(endpoint.id, state=Dispatched.FAILED)
    assert len(failed) == 2
    missed = outside.happens()
    assert outside.step() == 0
    with pytest.raises(Conflict, match="enable"):
        outside.webhooks.again(endpoint.id, failed[0].id, "test")
    outside.webhooks.enable(endpoint.id, "test")
    assert outside.step() == 0, "what it missed is only sent if somebody asks for it"
    newest = outside.webhooks.deliveries(endpoint.id)[0]
    assert (newest.event_id, newest.error) == (
        missed.id, "the webhook was disabled: it answered 410, gone",
    )  # fmt: skip
    outside.webhooks.again(endpoint.id, newest.id, "test")
    outside.step()
    assert outside.states(endpoint.id)[0] == ("sent", 1)
    assert json.loads(receiver.got[-1][1])["data"]["event_id"] == missed.id


def test_after_the_last_attempt_it_failed_and_after_five_days_of_failures_nothing_is_sent(
    outside, receiver
):
    receiver.says = [(500, {})] * 100
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    for pause in (*RETRIES, timedelta(0)):
        outside.step()
        outside.clock.now += pause
    assert outside.states(endpoint.id) == [("failed", ATTEMPTS)]
    assert outside.webhooks.find(endpoint.id).disabled_at is None
    outside.clock.later(days=3)
    outside.happens()
    outside.step()
    why = outside.webhooks.find(endpoint.id).why_disabled
    assert why == "nothing but failures for 5 days, the last: it answered 500"


def test_a_slow_receiver_holds_up_no_other_and_gets_one_thing_at_a_time(outside, receiver):
    with Receiver(slow=1.0) as slow:
        late, _ = outside.webhooks.add(slow.url, [], "test")
        quick, _ = outside.webhooks.add(receiver.url, [], "test")
        for _ in range(5):
            outside.happens()
        outside.dispatcher.step(outside.clock.now, patience=0.3)
        until(lambda: outside.states(quick.id) == [("sent", 1)] * 5, within=0.9)
        assert ("sent", 1) not in outside.states(late.id)
        outside.dispatcher.step(outside.clock.now, patience=0.0)
        until(lambda: len(slow.got) > 1)
        assert slow.most_at_once == 1


def test_an_endless_answer_and_one_too_slow_end_in_time(outside, receiver):
    receiver.says = [("endless", {})]
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.step()
    assert outside.states(endpoint.id) == [("sent", 1)]
    receiver.slow = 30.0
    outside.happens()
    outside.step()
    last = outside.webhooks.deliveries(endpoint.id)[0]
    assert (last.state, last.error) == (
        Dispatched.WAITING, "the webhook is unreachable: no answer within 2 s",
    )  # fmt: skip


def test_two_processes_tell_an_endpoint_once(outside, receiver):
    from kbsupport.webhooks.dispatching import Dispatcher

    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    for _ in range(20):
        outside.happens()
    other = Dispatcher(
        outside.database, lambda: outside.post, outside.webhooks, b"k" * 32, outside.clock
    )
    both = [threading.Thread(target=one.step, args=(outside.clock.now, 10.0))
            for one in (outside.dispatcher, other)]  # fmt: skip
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    other.close()
    assert outside.states(endpoint.id) == [("sent", 1)] * 20
    assert len(receiver.got) == 20
    assert receiver.most_at_once == 1


def test_an_event_that_was_erased_is_not_told(outside, receiver):
    from sqlalchemy import delete

    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    with outside.database.write() as connection:
        connection.execute(delete(hooks.EVENT))
    outside.step()
    assert outside.states(endpoint.id) == [("failed", 1)]
    assert receiver.got == []


def test_a_test_event_is_sent_at_once_and_says_what_came_back(outside, receiver):
    endpoint, secret = outside.webhooks.add(receiver.url, ["ticket.closed"], "test")
    assert outside.webhooks.test(endpoint.id).good
    assert verified(secret, receiver.got[0])["type"] == "webhook.test"
    receiver.says = [(404, {})]
    assert outside.webhooks.test(endpoint.id).to_dict() == {
        "good": False, "status": 404, "error": None,
    }  # fmt: skip


def test_what_went_wrong_here_is_logged_by_its_kind_and_the_rest_in_its_traceback(
    outside, receiver, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("parameters: ottilie@example.org")

    outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    monkeypatch.setattr(outside.post, "send", broken)
    assert outside.step() == 0
    (said,) = caplog.records
    assert said.getMessage().endswith("was not told: RuntimeError")
    assert said.exc_info is not None


def test_a_date_that_no_calendar_has_beside_a_good_answer_is_nothing(outside, receiver):
    odd = {"Retry-After": f"Wed, 21 Oct {'9' * 11} 07:28:00 GMT"}
    receiver.says = [(503, odd), (200, odd)]
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.step()
    outside.clock.later(seconds=6)
    outside.step()
    assert outside.states(endpoint.id) == [("sent", 2)]


def test_a_removed_endpoint_and_a_type_that_never_comes_are_refused(outside, receiver):
    with pytest.raises(ConfigError, match=r"nothing is ever 'ticket.lost'"):
        outside.webhooks.add(receiver.url, ["ticket.lost"], "test")
    endpoint, _ = outside.webhooks.add(receiver.url, [], "test")
    outside.happens()
    outside.webhooks.remove(endpoint.id, "test")
    assert outside.step() == 0
    with pytest.raises(NotFound):
        outside.webhooks.deliveries(endpoint.id)


def test_waits_grow_for_days_and_what_is_asked_for_is_bounded(outside):
    waits = [wait_after(attempt, 1.0) for attempt in range(1, ATTEMPTS)]
    assert waits == sorted(waits)
    assert sum(RETRIES, timedelta(0)) > timedelta(days=3)
    assert wait_after(ATTEMPTS, 0.0) is None
    assert wait_after(1, 0.0, asked_for("9" * 400, outside.clock.now)) == timedelta(days=1)
    assert asked_for("soon", outside.clock.now) is None
    assert asked_for("Wed, 21 Oct 2015 07:28:00 GMT", outside.clock.now) == timedelta(0)
    assert asked_for("Wed, 21 Oct 99999999999 07:28:00 GMT", outside.clock.now) is None
    assert asked_for(f"Wed, 21 Oct 2015 07:28:00 +{'9' * 20}", outside.clock.now) is None
    assert rest(timedelta(0)) == timedelta(seconds=5)
    assert rest(timedelta(days=2)) == timedelta(minutes=5)
