"""/readyz: what works, what does not, and when no message can be taken."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from kbsupport.api.web import create
from kbsupport.intake import Incoming

OK = "ok"


@pytest.fixture
def look(client):
    """The status and the parts, once the model is there."""

    def look(warm=True):
        for _ in range(200):
            answer = client.get("/readyz")
            found = answer.json()
            if not warm or found["components"].get("model") in {None, OK}:
                break
        return answer.status_code, found

    return look


def test_all_is_ready(look):
    status, found = look()
    assert (status, found["status"], found["oldest_waiting_seconds"]) == (200, "ready", None)
    assert set(found["components"].values()) == {OK}
    assert set(found["components"]) == {"database", "index", "model", "work", "judge"}


def test_without_an_index_people_get_every_question(fake_app):
    with TestClient(create(fake_app)) as client:
        answer = client.get("/readyz")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "degraded")
    assert found["components"]["index"] == "there is none yet"
    assert found["components"]["work"] == OK


@pytest.mark.parametrize(("later", "status"), [(20, "ready"), (40, "degraded")])
def test_messages_that_nobody_decides_are_seen(look, proven_app, later, status):
    now = proven_app.people.clock()
    proven_app.lobby.intake.receive(Incoming("is anybody there?", channel="chat"))
    proven_app.people.clock = lambda: now + timedelta(seconds=later)
    code, found = look()
    assert (code, found["status"]) == (200, status)
    assert later - 2 < found["oldest_waiting_seconds"] <= later
    assert ("kbsupport work" in found["components"]["work"]) == (status == "degraded")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("judge.json", '{"judge": {}, "sha256": ""}', "edited or damaged; see: kbsupport doctor"),
        ("certificate.json", "{", "edited or damaged; see: kbsupport doctor"),
        ("policy.toml", "[", "cannot be used; people get every question"),
    ],
)
def test_what_decides_is_named_if_it_was_edited(look, proven_app, name, content, said):
    (proven_app.home / name).write_text(content, encoding="utf-8")
    status, found = look()
    assert (status, found["status"]) == (200, "degraded")
    assert found["components"]["judge"] == said


def test_no_message_can_be_taken_without_the_database(look, proven_app):
    look()
    (proven_app.home / "kbsupport.db").write_bytes(b"not a database" * 1000)
    status, found = look(warm=False)
    assert (status, found["status"]) == (503, "unready")
    assert found["components"] == {"database": "cannot be read"}
