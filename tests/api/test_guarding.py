import json
import shutil
import time

import pytest
from fastapi.testclient import TestClient

from kbsupport.access.keys import Wish
from kbsupport.api.guarding import door
from kbsupport.api.limits import Buckets
from kbsupport.api.web import create
from kbsupport.model import Role, Scope

ASK = "how do i reset the password"
KIND = {"Content-Type": "application/json"}


def refused(response, status):
    """A problem as RFC 9457 wants it, that says nothing of what is inside."""
    assert (response.status_code, response.headers["content-type"]) == (
        status, "application/problem+json",
    )  # fmt: skip
    found = response.json()
    assert found["status"] == status
    assert found["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return found


def test_a_route_that_does_not_say_who_may_use_it_cannot_be_made():
    router = door("tests")

    def forgotten():
        """Nothing was declared."""

    with pytest.raises(TypeError, match="does not say who may use it"):
        router.get("/forgotten")(forgotten)


def test_a_question_is_answered_with_its_source(client, key_for):
    found = client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer")).json()
    assert (found["outcome"], found["customer"]["id"]) == ("resolve", "C-1")
    assert found["answer"]["citations"][0]["quote"] in found["reply"]
    assert found["ticket_id"] is None


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic a2JzX3g=", "Bearer kbs_000000000000_", "Bearer kbs__",
     "Bearer kbt_bm8.bm8", "Bearer kbt_" + "A" * 5000, "Bearer " + "k" * 9000],
)  # fmt: skip
def test_what_is_no_key_opens_nothing(client, header):
    refused(client.post("/v1/ask", json={"text": ASK}, headers={"Authorization": header}), 401)


def test_whoever_guesses_keys_has_to_wait(client):
    answers = [client.get("/v1/ask-nothing").status_code]
    for guess in range(25):
        header = {"Authorization": f"Bearer kbs_{guess:012x}_guess"}
        answers.append(client.post("/v1/ask", json={"text": ASK}, headers=header).status_code)
    assert answers[:2] == [404, 401]
    assert answers[-1] == 429


def test_a_key_in_the_address_is_no_key(client, key_for):
    text = key_for()["Authorization"].removeprefix("Bearer ")
    refused(client.post(f"/v1/ask?key={text}&access_token={text}", json={"text": ASK}), 401)


def test_a_revoked_key_is_dead_at_once_here_and_a_second_later_elsewhere(
    proven_app, client, key_for
):
    header = key_for("customer")
    assert client.post("/v1/ask", json={"text": ASK}, headers=header).status_code == 200
    (made,) = proven_app.lobby.keys.all()
    proven_app.lobby.keys.revoke(made.id, "test")
    refused(client.post("/v1/ask", json={"text": ASK}, headers=header), 401)


def test_a_scope_that_a_key_lacks_is_refused(client, key_for):
    header = key_for("customer", scopes=["tickets:read"])
    refused(client.post("/v1/ask", json={"text": ASK}, headers=header), 403)


def test_a_customer_cannot_say_who_they_are(client, key_for):
    for wrong in ({"customer_id": "C-2"}, {"audience": "internal"}):
        body = {"text": ASK} | wrong
        refused(client.post("/v1/ask", json=body, headers=key_for("customer")), 403)
    body = {"text": ASK, "role": "admin"}
    refused(client.post("/v1/ask", json=body, headers=key_for("customer")), 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 10_000 + b"]" * 10_000, 400),
        (b'{"text": NaN}', 400),
        (b'{"text": 1e400}', 422),
        (b'{"text": "a", "text": "b"}', 400),
        (b'{"text": "\\u0000"}', 422),
        (b'{"text": "\\ud83d"}', 422),
        (b'{"text": "\xff"}', 400),
        (b"text=a", 400),
        (b"", 422),
        (b"null", 422),
        (b'{"text": "' + b"a" * 9000 + b'"}', 422),
        (b'{"text": "' + b"a" * 2_000_000 + b'"}', 413),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused_with_a_reason(client, key_for, body, status):
    refused(client.post("/v1/ask", content=body, headers=key_for() | KIND), status)


@pytest.mark.parametrize(
    "kind", [{"Content-Type": "text/plain"}, KIND | {"Content-Encoding": "gzip"}, {}]
)
def test_only_plain_json_is_taken(client, key_for, kind):
    refused(client.post("/v1/ask", content=b'{"text": "a"}', headers=key_for() | kind), 415)


def test_a_body_that_does_not_say_how_long_it_is_is_taken_up_to_the_same_bound(client, key_for):
    def parts(count):
        yield b'{"text": "'
        for _ in range(count):
            yield b"a" * 50_000
        yield b'"}'

    header = key_for() | KIND
    refused(client.post("/v1/ask", content=parts(100), headers=header), 413)
    refused(client.post("/v1/ask", content=parts(1), headers=header), 422)


def test_a_request_with_a_key_is_done_once(client, key_for):
    header = key_for("customer") | {"Idempotency-Key": "first"}
    one = client.post("/v1/ask", json={"text": ASK}, headers=header)
    two = client.post("/v1/ask", json={"text": ASK}, headers=header)
    assert one.json() == two.json()
    assert "idempotent-replay" not in one.headers
    assert two.headers["idempotent-replay"] == "true"
    refused(client.post("/v1/ask", json={"text": "other"}, headers=header), 422)


def test_somebody_elses_key_for_a_request_is_another_key(client, key_for):
    named = {"Idempotency-Key": "same"}
    one = client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer") | named)
    two = client.post("/v1/ask", json={"text": ASK}, headers=key_for("customer") | named)
    assert one.json()["decision_id"] != two.json()["decision_id"]


@pytest.mark.parametrize("name", ["", "k" * 256, "h\xe9", "a\tb"])
def test_an_idempotency_key_that_cannot_be_kept_is_refused(client, key_for, name):
    header = key_for() | {"Idempotency-Key": name.encode("latin-1")}
    refused(client.post("/v1/ask", json={"text": ASK}, headers=header), 400)


def test_too_many_calls_have_to_wait_and_are_told_how_long(make_app, small_homes, home):
    shutil.copytree(small_homes["proven"], home)
    app = make_app(serve={"calls_a_minute": 3})
    keys = app.lobby.keys
    usual = keys.add(Wish("usual", Role.ADMIN), "test")[1]
    priority = keys.add(Wish("first", Role.ADMIN, [Scope.ASK, Scope.PRIORITY]), "test")[1]
    doors = create(app)
    # However slow the machine is: no time passes between the calls.
    doors.state.house.buckets = Buckets(clock=lambda: 0.0)
    with TestClient(doors) as web:

        def asks(text):
            header = {"Authorization": f"Bearer {text}"}
            return web.post("/v1/ask", json={"text": ASK}, headers=header)

        answers = [asks(usual) for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) == 20
        assert {asks(priority).status_code for _ in range(5)} == {200}


def test_a_request_id_of_a_caller_is_kept_if_it_can_stand_in_a_log(client):
    assert client.get("/healthz", headers={"X-Request-Id": "a-1"}).headers["x-request-id"] == "a-1"
    odd = client.get("/healthz", headers={"X-Request-Id": "a b"}).headers["x-request-id"]
    assert odd != "a b"


def test_health_is_told_to_everybody_and_names_no_file(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["components"]["database"] == "ok"


def test_an_index_that_is_made_while_the_doors_are_open_is_found(make_app, small_kb, monkeypatch):
    monkeypatch.setattr("kbsupport.api.house._AGAIN_AFTER", 0.05)
    app = make_app()
    with TestClient(create(app)) as web:
        assert web.get("/readyz").json()["components"]["index"] == "there is none yet"
        app.index([small_kb])
        for _ in range(100):
            if web.get("/readyz").json()["components"]["model"] == "ok":
                break
            time.sleep(0.05)
        assert web.get("/readyz").json()["status"] == "ready"


def test_the_openapi_document_names_scope_and_problem(client):
    found = client.get("/openapi.json").json()
    asked = found["paths"]["/v1/ask"]["post"]
    assert (asked["security"], asked["x-scope"]) == ([{"key": []}], "ask")
    assert "ProblemOut" in json.dumps(asked["responses"]["401"])
    assert "ProblemOut" in found["components"]["schemas"]
