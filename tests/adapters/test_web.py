import json
import time

import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.web import Web, WebError
from kbsupport.errors import ConfigError


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def server():
    with Misbehaving({"made": {"id": 7}}) as running:
        yield running


def test_a_body_is_sent_as_json_and_a_form_as_a_form(server):
    web = Web("desk", f"{server.origin}/api/", timeout=2, headers={"X-One": "1"})
    assert web.json("POST", "/made", body={"a": "ü"}, headers={"X-Two": "2"}) == {"id": 7}
    assert web.json("PUT", "/made", form={"a": "ü"}, params={"page": 2}) == {"id": 7}
    (_, path, headers, body), (_, second, form_headers, form) = server.seen
    assert (path, json.loads(body)) == ("/api/made", {"a": "ü"})
    assert (headers["X-One"], headers["X-Two"]) == ("1", "2")
    assert (second, form) == ("/api/made?page=2", b"a=%C3%BC")
    assert form_headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_what_one_answer_sets_does_not_travel_with_the_next_question(server):
    web = Web("desk", server.origin, timeout=2, auth=("kb", "secret"))
    web.json("GET", "/made")
    web.json("GET", "/made")
    headers = server.seen[1][2]
    assert "Cookie" not in headers
    assert headers["Authorization"].startswith("Basic ")


def test_an_error_tells_its_status_and_keeps_what_was_said_apart(server):
    server.does = "forbidden"
    with pytest.raises(WebError) as caught:
        Web("desk", server.origin, timeout=2).json("GET", "/made")
    assert (caught.value.system, caught.value.status) == ("desk", 403)
    assert "no" in caught.value.said
    assert str(caught.value) == "desk is unreachable: it answered 403 Forbidden"


def test_what_is_missing_may_be_none_or_an_error(server):
    web = Web("desk", server.origin, timeout=2)
    assert web.json("GET", "/nothing", missing_ok=True) is None
    with pytest.raises(WebError) as caught:
        web.json("GET", "/nothing")
    assert caught.value.status == 404


def test_no_content_is_an_empty_object(server):
    server.does = "no_content"
    assert Web("desk", server.origin, timeout=2).json("GET", "/made") == {}


@pytest.mark.parametrize("does", ["hang", "drip", "drip_head"])
def test_the_deadline_is_for_the_whole_answer(server, does):
    server.does = does
    begun = time.monotonic()
    with pytest.raises(WebError, match=r"no whole answer within 0\.2 s"):
        Web("desk", server.origin, timeout=0.2).json("GET", "/made")
    assert time.monotonic() - begun < 2


def test_an_answer_without_end_is_cut_off(server):
    server.does = "huge"
    with pytest.raises(WebError, match="more than 2,000,000 bytes"):
        Web("desk", server.origin, timeout=5).json("GET", "/made")


@pytest.mark.parametrize("address", ["", "desk.example", "ftp://desk.example", "https://"])
def test_an_address_that_is_none_is_a_config_error(address):
    with pytest.raises(ConfigError, match=r"\[desk\] its address must be http"):
        Web("desk", address, timeout=1)


def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(server):
    with pytest.raises(ConfigError, match="X-Key") as caught:
        Web("desk", server.origin, timeout=1, headers={"X-Key": "gehe\u00efm\n"})
    assert "gehe" not in str(caught.value)
