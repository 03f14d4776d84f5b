import pytest
from at_desk import ROTA
from sqlalchemy import text
from test_guarding import refused
from test_tickets_api import NOBODY_KNOWS, opened

REFUND = "We will refund the whole sum to your card today."
CALM = "The opera begins at eight; the giraffe stays at home."


@pytest.fixture
def desk(client, key_for, proven_app):
    """A rota of several people, one ticket of C-1 that waits for them, and their keys."""
    (proven_app.home / "specialists.toml").write_text(
        ROTA.replace('topics = ["billing", "delivery"]', 'topics = ["*"]'), encoding="utf-8"
    )
    people = {"lea": "lead", "ana": "specialist", "bo": "specialist", "di": "specialist"}
    headers = {one: key_for(role, specialist_id=one) for one, role in people.items()}
    headers["customer"] = key_for("customer")
    headers["ticket"] = opened(client, headers["customer"], NOBODY_KNOWS)["id"]
    proven_app.lobby.work.until_done()
    return headers


def post(client, where, header, **body):
    """POST with or without a body."""
    return client.post(f"/v1/{where}", headers=header, **({"json": body} if body else {}))


def test_a_person_takes_over_and_answers(client, desk, proven_app):
    ana = desk["ana"]
    (waits,) = client.get("/v1/escalations?mine=true", headers=ana).json()["items"]
    assert (waits["id"], waits["state"], waits["position"]) == ("E-1", "queued", 1)
    assert post(client, "escalations/E-1/claim", ana).json()["owner"] == "ana"
    refused(post(client, "escalations/E-1/claim", desk["lea"]), 409)
    brief = client.get("/v1/escalations/E-1", headers=ana).json()
    assert (brief["question"], brief["customer"]["id"]) == (NOBODY_KNOWS, "C-1")
    kept = post(client, "escalations/E-1/draft", ana, text="soon")
    assert kept.json()["draft"] == "soon"
    done = post(client, "escalations/E-1/answer", ana, text=CALM).json()
    assert (done["state"], done["checked"]["passed"]) == ("answered", True)
    seen = client.get(f"/v1/tickets/{desk['ticket']}", headers=desk["customer"]).json()
    assert seen["state"] == "answered"
    assert proven_app.people.verify().fault is None


def test_who_read_a_brief_is_kept(client, desk, key_for, proven_app):
    auditor = key_for("auditor")
    assert client.get("/v1/escalations/E-1", headers=auditor).status_code == 200
    refused(post(client, "escalations/E-1/claim", auditor), 403)
    with proven_app.database.read() as connection:
        read = connection.execute(text("select actor from audit where action = 'brief.read'"))
        actors = read.scalars().all()
    (key,) = [one for one in proven_app.lobby.keys.all() if one.role == "auditor"]
    assert actors == [f"key:{key.id}"]


def test_an_answer_with_a_key_is_sent_once(client, desk):
    named = desk["ana"] | {"Idempotency-Key": "answer"}
    post(client, "escalations/E-1/claim", desk["ana"])
    one = post(client, "escalations/E-1/answer", named, text=CALM)
    two = post(client, "escalations/E-1/answer", named, text=CALM)
    assert one.json() == two.json()
    refused(post(client, "escalations/E-1/answer", named, text="other words"), 422)
    refused(post(client, "escalations/E-1/answer", desk["ana"], text=CALM), 409)


def test_what_should_not_be_sent_is_refused_with_the_reason_unless_they_insist(client, desk):
    ana, secret = desk["ana"], "Your card 4111 1111 1111 1111 was charged."
    post(client, "escalations/E-1/claim", ana)
    said = refused(post(client, "escalations/E-1/answer", ana, text=secret), 422)
    assert '"anyway": true' in said["detail"]
    assert "4111" not in said["detail"]
    assert post(client, "escalations/E-1/answer", ana, text=secret, anyway=True).status_code == 200
    refused(post(client, "escalations/E-1/answer", ana, text=" "), 422)


def test_an_answer_that_needs_a_yes_waits_for_it_and_nobody_gives_it_to_themselves(client, desk):
    ana, bo = desk["ana"], desk["bo"]
    post(client, "escalations/E-1/claim", ana)
    asked = post(client, "escalations/E-1/answer", ana, text=REFUND, anyway=True).json()
    assert (asked["state"], asked["approval_id"]) == ("waiting_for_approval", "A-1")
    (waits,) = client.get("/v1/approvals", headers=bo).json()["items"]
    assert (waits["id"], waits["text"]) == ("A-1", REFUND)
    refused(post(client, "approvals/A-1/approve", ana), 403)
    refused(post(client, "approvals/A-1/reject", bo), 422)
    assert post(client, "approvals/A-1/reject", bo, note="too much").json()["state"] == "rejected"
    again = post(client, "escalations/E-1/answer", ana, text=REFUND, anyway=True).json()
    edited = {"text": "The sum is on its way.", "anyway": True}
    made = post(client, f"approvals/{again['approval_id']}/approve", bo, **edited).json()
    assert (made["state"], made["text"]) == ("approved", edited["text"])
    assert client.get("/v1/approvals", headers=bo).json()["items"] == []
    whole = client.get("/v1/approvals?waiting=false", headers=bo).json()["items"]
    assert [one["id"] for one in whole] == ["A-2", "A-1"]
    refused(post(client, "approvals/A-1/approve", bo), 409)


def test_a_conversation_goes_back_to_the_queue_or_to_the_assistant(client, desk):
    ana = desk["ana"]
    post(client, "escalations/E-1/claim", ana)
    refused(post(client, "escalations/E-1/release", desk["bo"]), 403)
    assert post(client, "escalations/E-1/release", ana).json()["state"] == "queued"
    post(client, "escalations/E-1/claim", ana)
    assert post(client, "escalations/E-1/hand-back", ana).json()["state"] == "handed_back"


def test_the_rota_says_who_may_take_what_whatever_the_key_says(client, desk, key_for):
    refused(post(client, "escalations/E-1/claim", desk["di"]), 403)
    refused(post(client, "escalations/E-1/claim", key_for("admin")), 403)
    rota = client.get("/v1/specialists", headers=desk["di"]).json()["items"]
    assert [one["id"] for one in rota] == ["lea", "ana", "ann", "bo", "cy", "di"]
    post(client, "escalations/E-1/claim", desk["ana"])
    loads = client.get("/v1/specialists", headers=key_for()).json()["items"]
    assert {one["id"]: one["load"] for one in loads}["ana"] == 1


def test_an_escalation_that_there_is_not_is_not_found(client, desk):
    for odd in ("E-999", "E-0", "x", "E-9999999999999999999", "%00", "E-1%2F.."):
        refused(client.get(f"/v1/escalations/{odd}", headers=desk["lea"]), 404)
        refused(post(client, f"escalations/{odd}/claim", desk["lea"]), 404)
