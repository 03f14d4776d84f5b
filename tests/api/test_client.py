import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import httpx
import pytest
from at_desk import ROTA
from misbehaving import let_loopback_through
from serving import in_thread

from kbsupport.client import ApiProblem, Client
from kbsupport.errors import UpstreamError
from kbsupport.model import Author, Outcome, State

ASK = "how do i reset the password"
PERSON = "i want to speak to a human being now"
REFUND = "We will refund the whole sum to your card today."


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def support(client, key_for):
    """A client of the API in this process, for one role after another."""

    def make(role="admin", **wish):
        key = key_for(role, **wish)["Authorization"].removeprefix("Bearer ")
        return Client("http://testserver", key, http=client, sleep=lambda _: None)

    return make


def test_a_question_an_escalation_and_an_answer_through_the_client(support, proven_app):
    customer, lead = support("customer"), support("lead")
    reply = customer.ask(ASK)
    assert (reply.verdict.outcome, reply.customer.id) == (Outcome.RESOLVE, "C-1")
    ticket = customer.open_ticket("i want to speak to a human being now", subject="help")
    assert ticket.state is State.NEW
    proven_app.lobby.work.until_done()
    assert customer.decided(ticket.id).state is State.QUEUED
    (waiting,) = lead.escalations()
    assert lead.brief(waiting["id"])["ticket_id"] == ticket.id
    lead.claim(waiting["id"])
    lead.answer(waiting["id"], "We will call you today.")
    said = list(customer.messages(ticket.id))
    assert [one.author for one in said] == [Author.CUSTOMER, Author.ASSISTANT, Author.SPECIALIST]
    assert customer.say(ticket.id, "thank you") == 4
    customer.feedback(ticket.id, rating=5)
    assert [one.id for one in customer.tickets()] == [ticket.id]
    decision = lead.decision(lead.ticket(ticket.id).more["decision_id"])
    assert lead.replay(decision["id"])["same"]
    assert lead.explain(decision["id"])
    assert next(customer.search(ASK))["id"]
    assert lead.metrics()


def test_people_and_a_page_through_the_client_on_a_real_server(proven_app, key_for):
    (proven_app.home / "specialists.toml").write_text(
        ROTA.replace('topics = ["billing", "delivery"]', 'topics = ["*"]'), encoding="utf-8"
    )
    with in_thread(proven_app) as doors:

        def of(role, **wish):
            key = key_for(role, **wish)["Authorization"].removeprefix("Bearer ")
            return Client(doors.origin, key)

        ana, bo = (of("specialist", specialist_id=one) for one in ("ana", "bo"))
        lea = of("lead", specialist_id="lea")
        with ana, bo, lea, of("admin") as backend:
            with Client(doors.origin, backend.token("C-7", minutes=5)) as customer:
                names = [one["id"] for one in customer.articles()]
                assert [customer.article(one)["id"] for one in names] == names != []
                ticket = customer.open_ticket(PERSON).id
                assert customer.decided(ticket).state is State.QUEUED
                before = [one.id for one in customer.events()]
                (waiting,) = ana.escalations()
                ana.claim(waiting["id"])
                (claimed,) = islice(customer.follow(before[-1]), 1)
                assert (claimed.type, claimed.ticket_id) == ("ticket.claimed", ticket)
                asked = ana.answer(waiting["id"], REFUND, anyway=True)
                assert bo.reject(asked["approval_id"], "too much")["state"] == "rejected"
                asked = ana.answer(waiting["id"], REFUND, anyway=True)
                said = bo.approve(asked["approval_id"], text="It is on its way.", anyway=True)
                assert said["state"] == "approved"
                assert list(customer.messages(ticket))[-1].text == "It is on its way."
                assert customer.close_ticket(ticket).state is State.CLOSED
                assert customer.reopen_ticket(ticket).state is State.QUEUED
            (waiting,) = lea.escalations()
            lea.claim(waiting["id"])
            assert lea.hand_back(waiting["id"], "all is said")["state"] == "handed_back"


def test_what_is_refused_is_said_with_its_reason_and_request(support):
    with pytest.raises(ApiProblem, match=r"404: .*; request \w+") as caught:
        support("customer").ticket("T-99")
    assert caught.value.status == 404
    with pytest.raises(ApiProblem, match=r"body\.text"):
        support().ask("")


def answering(*answers):
    """A server that gives these answers one after another, and the requests it saw."""
    waiting, seen = list(answers), []

    def answer(request):
        seen.append(request)
        next_one = waiting.pop(0)
        if isinstance(next_one, Exception):
            raise next_one
        return next_one

    slept = []
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://x")
    return Client("http://x", "kbs_x", http=http, sleep=slept.append), seen, slept


TICKET = {
    "id": "T-1", "conversation_id": "v-1", "state": "new", "question": "q", "seq": 1,
    "created_at": "2026-11-20T10:00:00+00:00",
}  # fmt: skip


def test_a_write_that_was_cut_is_sent_again_with_the_same_key():
    support, seen, slept = answering(
        httpx.ReadError("cut"), httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(409, headers={"Retry-After": "1"}), httpx.Response(201, json=TICKET),
    )  # fmt: skip
    assert support.open_ticket("q").id == "T-1"
    assert len({one.headers["idempotency-key"] for one in seen}) == 1
    assert 3 < slept[2] < 4
    assert len(slept) == 4


def test_a_wait_that_is_asked_for_is_kept_and_one_too_long_is_told_instead():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    for asked, least in ((soon, 28), ("0", 0.1), ("soon", 0.1), ("nan", 0.1), ("-5", 0.1)):
        support, _, slept = answering(
            httpx.Response(503, headers={"Retry-After": asked}), httpx.Response(200, json=TICKET)
        )
        assert support.ticket("T-1").id == "T-1"
        assert least <= slept[0] < 31
    for status, asked in (
        (503, "3600"),
        (409, "inf"),
        (429, "1 Jan 9999 07:28:00 GMT"),
    ):
        support, _, slept = answering(httpx.Response(status, headers={"Retry-After": asked}))
        with pytest.raises(ApiProblem, match=str(status)):
            support.ticket("T-1")
        assert slept == []


def test_a_token_whose_answer_was_lost_is_made_anew():
    support, seen, _ = answering(
        httpx.ReadError("cut"), httpx.Response(201, json={"token": "kbt_2"})
    )
    assert support.token("C-1") == "kbt_2"
    assert not any("idempotency-key" in one.headers for one in seen)


def told(*numbers):
    """A stream with these events, the last of them cut off in its middle."""
    row = {"type": "ticket.closed", "at": "2026-11-20T10:00:00+00:00", "ticket_id": "T-1",
           "cause": None, "body": {}}  # fmt: skip
    text = "".join(f"id: {n}\ndata: {json.dumps(row | {'id': n})}\n\n" for n in numbers)
    return httpx.Response(
        200, text=f"retry: 1000\n\n{text}"[:-1], headers={"Content-Type": "text/event-stream"}
    )


def test_a_stream_that_is_cut_or_refused_for_a_moment_goes_on_where_it_was():
    support, seen, slept = answering(
        httpx.Response(503, headers={"Retry-After": "2"}), httpx.ConnectError("refused"),
        httpx.Response(502), told(7, 8, 9), httpx.Response(429), told(9, 10),
        httpx.Response(403, json={"detail": "revoked", "request_id": "r"}),
    )  # fmt: skip
    heard = support.follow()
    assert [one.id for one in islice(heard, 3)] == [7, 8, 9]
    with pytest.raises(ApiProblem, match="403: revoked; request r"):
        next(heard)
    begun = [one.headers.get("last-event-id") for one in seen]
    assert begun == [None, None, None, None, "8", "8", "9"]
    assert slept[0] > 2
    assert slept[2] > slept[1], "each pause is longer than the one before"
    assert slept[3] < 0.3, "and short again once it was open"


@pytest.mark.parametrize("name", ["../keys", "a/../../keys", "..", ".", "", "/keys", "a//b"])
def test_an_id_leads_to_nothing_beside_what_was_asked_for(name):
    support, seen, _ = answering()
    for look in (support.article, support.brief, support.ticket, support.decision):
        with pytest.raises(ApiProblem, match="404"):
            look(name)
    assert seen == []


def test_odd_letters_of_an_id_are_letters():
    support, seen, _ = answering(httpx.Response(200, json={}), httpx.Response(200, json={}))
    support.article("billing/100% sure?#é")
    support.brief("E-1?a=b")
    assert [one.url.raw_path.decode() for one in seen] == [
        "/v1/articles/billing/100%25%20sure%3F%23%C3%A9", "/v1/escalations/E-1%3Fa%3Db",
    ]  # fmt: skip


def test_what_waiting_does_not_help_is_not_tried_again():
    support, seen, _ = answering(httpx.Response(409, json={"detail": "no", "request_id": "r"}))
    with pytest.raises(ApiProblem, match="409: no; request r"):
        support.close_ticket("T-1")
    assert len(seen) == 1


def test_a_server_that_stays_away_is_an_upstream_error():
    support, seen, _ = answering(*[httpx.ConnectError("refused")] * 5)
    with pytest.raises(UpstreamError, match="refused"):
        support.ask("q")
    assert len(seen) == 5


def test_an_answer_that_is_no_problem_document_is_still_an_error():
    support, _, _ = answering(httpx.Response(404, text="<html>"))
    with pytest.raises(ApiProblem, match="no reason was given"):
        support.ask("q")


@pytest.mark.parametrize(
    "other",
    [
        httpx.Response(200, text="<html>"), httpx.Response(200, json=["a"]),
        httpx.Response(301, headers={"Location": "https://x/"}), httpx.Response(204),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_kbsupport_says_so(other):
    for call in (lambda support: support.ask("q"), lambda support: next(support.follow())):
        support, _, _ = answering(other)
        with pytest.raises(ApiProblem, match="look at the address"):
            call(support)
