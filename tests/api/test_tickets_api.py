import base64

from fastapi.testclient import TestClient
from test_guarding import refused

from kbsupport.api.web import create
from kbsupport.model import Author

PASSWORD = "how do i reset the password"
NOBODY_KNOWS = "what do you think of the opera and the giraffe in operaland"
PDF = {"name": "../bill.pdf", "kind": "application/pdf", "data": base64.b64encode(b"%PDF").decode()}


def opened(client, header, text=PASSWORD, **more):
    """A new ticket as it is answered."""
    response = client.post("/v1/tickets", json={"text": text} | more, headers=header)
    assert response.status_code == 201, response.text
    return response.json()


def test_a_ticket_is_stored_first_and_answered_afterwards(client, key_for, proven_app):
    mine = key_for("customer")
    response = client.post("/v1/tickets", json={"text": PASSWORD}, headers=mine)
    made = response.json()
    assert (response.status_code, response.headers["location"]) == (
        201,
        f"/v1/tickets/{made['id']}",
    )
    assert (made["state"], made["seq"], made["created_at"][-6:]) == ("new", 1, "+00:00")
    proven_app.lobby.work.until_done()
    assert client.get(f"/v1/tickets/{made['id']}", headers=mine).json()["state"] == "answered"
    said = client.get(f"/v1/tickets/{made['id']}/messages", headers=mine).json()["items"]
    assert [one["author"] for one in said] == ["customer", "assistant"]
    after = client.get(f"/v1/tickets/{made['id']}/messages?after=1", headers=mine).json()
    assert [one["seq"] for one in after["items"]] == [2]


def test_a_customer_reads_of_a_ticket_what_is_theirs_and_staff_the_rest(
    client, key_for, proven_app
):
    mine = key_for("customer")
    made = opened(client, mine, NOBODY_KNOWS)
    proven_app.lobby.work.until_done()
    seen = client.get(f"/v1/tickets/{made['id']}", headers=mine).json()
    assert set(seen) == {
        "id", "conversation_id", "state", "created_at", "question", "language", "closed_at",
    }  # fmt: skip
    whole = client.get(f"/v1/tickets/{made['id']}", headers=key_for("auditor")).json()
    assert (whole["customer_id"], whole["tier"]) == ("C-1", "standard")
    assert whole["brief"]["rule"]


def test_a_message_with_a_key_is_taken_once(client, key_for, proven_app):
    mine = key_for("customer") | {"Idempotency-Key": "once"}
    one = client.post("/v1/tickets", json={"text": PASSWORD}, headers=mine)
    two = client.post("/v1/tickets", json={"text": PASSWORD}, headers=mine)
    assert (one.json(), two.status_code) == (two.json(), 201)
    assert (one.headers.get("idempotent-replay"), two.headers["idempotent-replay"]) == (
        None,
        "true",
    )
    refused(client.post("/v1/tickets", json={"text": "other"}, headers=mine), 422)
    with_file = {"text": PASSWORD, "attachments": [PDF]}
    refused(client.post("/v1/tickets", json=with_file, headers=mine), 422)
    ticket = one.json()["id"]
    other = opened(client, key_for("customer"))["id"]
    to_another = f"/v1/tickets/{other}/messages"
    refused(client.post(to_another, json={"text": PASSWORD}, headers=mine), 422)
    assert len(proven_app.people.history(ticket)) == 1


def test_the_same_key_of_somebody_else_is_another_key(client, key_for):
    named = {"Idempotency-Key": "same"}
    one = opened(client, key_for("customer") | named)
    two = opened(client, key_for("customer", customer_id="C-2") | named)
    assert one["id"] != two["id"]


def test_a_conversation_goes_on_with_its_ticket(client, key_for, proven_app):
    mine = key_for("customer")
    made = opened(client, mine)
    proven_app.lobby.work.until_done()
    response = client.post(
        f"/v1/tickets/{made['id']}/messages", json={"text": "It did not help."}, headers=mine
    )
    assert (response.status_code, response.json()["seq"]) == (201, 3)
    again = opened(client, mine, "and my invoice?", conversation_id=made["conversation_id"])
    assert (again["id"], again["seq"]) == (made["id"], 4)
    # A name that they made up is no conversation of theirs, whoever else may have it.
    body = {"text": "a", "conversation_id": "v-of-somebody-else"}
    refused(client.post("/v1/tickets", json=body, headers=mine), 404)


def test_staff_write_for_a_customer_and_customers_only_for_themselves(client, key_for):
    made = opened(client, key_for("admin"), customer_id="C-7", subject="Login")
    mine = key_for("customer", customer_id="C-7")
    seen = client.get(f"/v1/tickets/{made['id']}", headers=mine).json()
    assert seen["question"] == f"Login\n\n{PASSWORD}"
    body = {"text": "a", "customer_id": "C-1"}
    refused(client.post("/v1/tickets", json=body, headers=key_for("customer")), 403)
    refused(client.get("/v1/tickets?customer_id=C-7", headers=key_for("customer")), 403)


def test_lists_give_everything_once_a_page_at_a_time(client, key_for):
    mine, other = key_for("customer"), key_for("customer", customer_id="C-2")
    made = [opened(client, mine, f"question {n}")["id"] for n in range(5)]
    opened(client, other)
    found, cursor = [], ""
    while True:
        page = client.get(f"/v1/tickets?limit=2{cursor}", headers=mine).json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]
    assert len(client.get("/v1/tickets?state=new", headers=key_for()).json()["items"]) == 6
    assert client.get("/v1/tickets?state=closed", headers=key_for()).json()["items"] == []


def test_a_list_that_cannot_be_meant_is_refused(client, key_for):
    admin = key_for()
    for wrong in ("limit=0", "limit=101", "limit=x", "cursor=zz", "cursor=", "state=lost", "who=1"):
        refused(client.get(f"/v1/tickets?{wrong}", headers=admin), 422)
    made = opened(client, admin)
    where = f"/v1/tickets/{made['id']}/messages"
    refused(client.get(f"{where}?after={2**31}", headers=admin), 422)
    far = ("9" * 18).encode().hex()
    assert client.get(f"{where}?cursor={far}", headers=admin).json()["items"] == []


def test_a_file_comes_back_as_a_download_to_whoever_may_see_the_ticket(client, key_for):
    mine = key_for("customer")
    made = opened(client, mine, attachments=[PDF])
    (said,) = client.get(f"/v1/tickets/{made['id']}/messages", headers=mine).json()["items"]
    (file,) = said["attachments"]
    where = f"/v1/tickets/{made['id']}/attachments/{file['sha256']}"
    got = client.get(where, headers=mine)
    assert (got.content, got.headers["content-type"]) == (b"%PDF", "application/octet-stream")
    assert got.headers["content-disposition"] == 'attachment; filename="bill.pdf"'
    assert got.headers["x-content-type-options"] == "nosniff"
    refused(client.get(where, headers=key_for("customer", customer_id="C-2")), 404)
    refused(client.get(where[:-1], headers=mine), 404)
    # Who knows what is in a file knows its hash, and must not get it by another ticket.
    other = opened(client, mine)
    refused(client.get(where.replace(made["id"], other["id"]), headers=mine), 404)


WRONG_FILES = (
    ([PDF | {"kind": "text/html"}], 422),
    ([PDF | {"data": "%%%"}], 422),
    ([PDF | {"data": 7}], 422),
    ([PDF] * 6, 422),
    ([PDF | {"data": "A" * 13_400_000}], 413),
    ([PDF | {"path": "/etc/passwd"}], 422),
)


def test_a_file_that_is_not_taken_is_refused_with_the_reason(client, key_for, proven_app):
    mine = key_for("customer")
    for files, status in WRONG_FILES:
        body = {"text": PASSWORD, "attachments": files}
        refused(client.post("/v1/tickets", json=body, headers=mine), status)
    assert proven_app.people.tickets(all_states=True) == []


def test_feedback_is_kept_from_whoever_has_the_ticket(client, key_for, proven_app):
    mine = key_for("customer")
    made = opened(client, mine)
    proven_app.lobby.work.until_done()
    where = f"/v1/tickets/{made['id']}/feedback"
    given = client.post(where, json={"rating": 5, "comment": "thanks"}, headers=mine)
    assert (given.status_code, given.json()["rating"]) == (201, 5)
    for wrong in ({}, {"rating": 6}, {"rating": 4, "article_id": "password"}, {"rating": "5"}):
        refused(client.post(where, json=wrong, headers=mine), 422)
    other = key_for("customer", customer_id="C-2")
    refused(client.post(where, json={"rating": 1}, headers=other), 404)


def test_a_ticket_is_closed_and_reopened_by_its_customer(client, key_for, proven_app):
    mine = key_for("customer")
    made = opened(client, mine)
    where = f"/v1/tickets/{made['id']}"
    refused(client.post(f"{where}/close", headers=mine), 409)
    proven_app.lobby.work.until_done()
    assert client.post(f"{where}/close", headers=mine).json()["state"] == "closed"
    assert client.post(f"{where}/reopen", headers=mine).json()["state"] == "queued"
    told = [one.body.get("by") for one in proven_app.people.events(ticket_id=made["id"])]
    assert "customer" in told
    assert not any("C-1" in str(by) for by in told)


def test_notes_among_colleagues_are_never_shown_to_customers(client, key_for, proven_app):
    mine, lead = key_for("customer"), key_for("lead")
    made = opened(client, mine, NOBODY_KNOWS)
    proven_app.lobby.work.until_done()
    client.post("/v1/escalations/E-1/claim", headers=lead)
    note = {"note": "the customer is rude"}
    assert client.post("/v1/escalations/E-1/hand-back", json=note, headers=lead).status_code == 200
    where = f"/v1/tickets/{made['id']}/messages"
    assert "rude" in client.get(where, headers=lead).text
    assert "rude" not in client.get(where, headers=mine).text
    where = f"/v1/conversations/{made['conversation_id']}/messages"
    assert "rude" in client.get(where, headers=lead).text
    assert "rude" not in client.get(where, headers=mine).text


def test_what_a_person_wrote_is_read_once_the_customer_fetched_it(client, key_for, proven_app):
    mine, lead = key_for("customer"), key_for("lead")
    made = opened(client, mine, NOBODY_KNOWS)
    proven_app.lobby.work.until_done()
    client.post("/v1/escalations/E-1/claim", headers=lead)
    said = {"text": "The opera begins at eight; the giraffe stays at home."}
    assert client.post("/v1/escalations/E-1/answer", json=said, headers=lead).status_code == 200
    where = f"/v1/tickets/{made['id']}/messages"
    assert client.get(where, headers=lead).json()["items"][-1]["delivery"] == "pending"
    last = client.get(where, headers=mine).json()["items"][-1]
    assert (last["text"], last["by"]) == (said["text"], proven_app.people.rota().lead.name)
    assert client.get(where, headers=lead).json()["items"][-1]["delivery"] == "sent"
    (sent,) = [m for m in proven_app.people.history(made["id"]) if m.author is Author.SPECIALIST]
    assert sent.delivery == "sent"


def test_what_a_worker_took_in_outlives_it(make_app, small_homes, home, key_for, client):
    made = opened(client, key_for("customer"))
    with TestClient(create(make_app())) as other:
        assert other.get(f"/v1/tickets/{made['id']}", headers=key_for()).status_code == 200
