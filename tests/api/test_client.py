import httpx
import pytest

from kbsupport.client import ApiProblem, Client
from kbsupport.errors import UpstreamError
from kbsupport.model import Author, Outcome, State

ASK = "how do i reset the password"


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
    assert 1.5 <= slept[2] <= 3
    assert len(slept) == 4


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
