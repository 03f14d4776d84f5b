import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kbsupport.access.keys import Keys, Wish
from kbsupport.access.tokens import Token, read, sign
from kbsupport.errors import StoreError
from kbsupport.model import Caller, Role
from kbsupport.store import audit
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
SECRET = bytes(range(32))


class Clock:
    """Moments that the test decides about."""

    def __init__(self):
        self.now, self.ticks = NOW, 100.0

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "kbsupport.db")
    yield made
    made.close()


@pytest.fixture
def keys(database, clock):
    """As one process has them."""
    return Keys(database, SECRET, b"audit" * 8, lambda: clock.now, lambda: clock.ticks)


@pytest.fixture
def elsewhere(database, clock):
    """As another process has them, which remembers for a second what it read."""
    return Keys(database, SECRET, b"audit" * 8, lambda: clock.now, lambda: clock.ticks)


CUSTOMER = Wish("phone", Role.CUSTOMER, customer_id="C-1")


def test_whose_a_key_is_stands_in_the_key_alone(keys, database):
    made, text = keys.add(CUSTOMER, "operator")
    assert keys.admit(text) == Caller(made.id, Role.CUSTOMER, made.scopes, customer_id="C-1")
    with database.read() as connection:
        assert audit.verify(connection, b"audit" * 8).rows == 1


def test_a_revoked_key_and_its_tokens_open_nothing_after_a_second(keys, elsewhere, clock):
    made, text = keys.add(Wish("backend", Role.ADMIN), "operator")
    token = keys.token(keys.admit(text), 60, customer_id="C-2", conversation_id=None)
    assert elsewhere.admit(text)
    assert elsewhere.admit(token).customer_id == "C-2"
    keys.revoke(made.id, "operator")
    assert keys.admit(text) is None
    clock.wait(1.1)
    assert elsewhere.admit(text) is None
    assert elsewhere.admit(token) is None


def test_a_key_ends_at_its_moment_and_a_rotated_one_after_its_grace(keys, clock):
    _, text = keys.add(Wish("short", Role.ADMIN, expires_at=NOW + timedelta(hours=1)), "operator")
    made, old = keys.add(CUSTOMER, "operator")
    _, new = keys.rotate(made.id, "operator", timedelta(hours=2))
    assert keys.admit(text)
    assert keys.admit(old)
    clock.wait(3700)
    assert keys.admit(text) is None
    assert keys.admit(old)
    clock.wait(3700)
    assert keys.admit(old) is None
    assert keys.admit(new).customer_id == "C-1"


def test_when_a_key_was_used_last_is_noted_once_a_minute(keys, clock):
    _, text = keys.add(CUSTOMER, "operator")
    for _ in range(3):
        keys.admit(text)
        clock.wait(5)
    (held,) = keys.all()
    assert held.last_used_at == NOW
    clock.wait(60)
    keys.admit(text)
    (held,) = keys.all()
    assert held.last_used_at == NOW + timedelta(seconds=75)


def test_a_pass_opens_one_socket_once_within_a_minute(keys, elsewhere, clock):
    made, text = keys.add(CUSTOMER, "operator")
    caller = keys.admit(text)
    entry = keys.entry(caller, "v-1")
    assert elsewhere.enter(entry) == (caller, "v-1")
    assert keys.enter(entry) is None
    late = keys.entry(caller, None)
    clock.wait(61)
    assert keys.enter(late) is None
    last = keys.entry(caller, None)
    keys.revoke(made.id, "operator")
    assert keys.enter(last) is None


def test_a_database_alone_opens_nothing(keys, database, clock):
    _, text = keys.add(CUSTOMER, "operator")
    other = Keys(database, b"another secret" * 3, b"audit" * 8, lambda: clock.now)
    assert other.admit(text) is None


@given(some.text(max_size=80))
def test_whatever_is_no_token_is_none(text):
    assert read(SECRET, text, NOW) is None
    assert read(SECRET, f"kbt_{text}", NOW) is None


def test_a_token_that_was_changed_is_none():
    whole = Token("k", "C-1", None, NOW + timedelta(minutes=1))
    text = sign(SECRET, whole)
    assert read(SECRET, text, NOW) == whole
    assert read(SECRET, text, NOW + timedelta(minutes=1)) is None
    body, _, seal = text.removeprefix("kbt_").partition(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    for place, value in ((1, "C-2"), (3, said[3] + 9999)):
        other = [*said[:place], value, *said[place + 1 :]]
        forged = base64.urlsafe_b64encode(json.dumps(other).encode()).decode().rstrip("=")
        assert read(SECRET, f"kbt_{forged}.{seal}", NOW) is None
    for cut in range(len(text)):
        assert read(SECRET, text[:cut], NOW) is None


def test_what_was_opened_with_a_token_lasts_no_longer_than_the_token(keys, clock):
    _, text = keys.add(Wish("shop", Role.ADMIN), "operator")
    token = keys.token(keys.admit(text), 1, customer_id="C-1", conversation_id=None)
    caller = keys.admit(token)
    entered, _ = keys.enter(keys.entry(caller, "c-1"))
    assert entered == caller
    late = keys.entry(caller, "c-1")
    clock.wait(59)
    assert keys.still(entered)
    clock.wait(2)
    assert not keys.still(entered)
    assert keys.enter(late) is None


def test_a_text_that_is_no_key_is_never_believed_to_be_at_hand(keys):
    made, text = keys.add(CUSTOMER, "operator")
    keys.admit(text)
    assert keys.at_hand(text)
    assert not keys.at_hand(f"{made.id}_zzz")


def test_when_a_key_was_used_last_is_worth_no_failure(keys, clock, monkeypatch):
    _, text = keys.add(CUSTOMER, "operator")

    def full(*_given):
        raise StoreError("the disk is full")

    monkeypatch.setattr("kbsupport.store.api_keys.note_used", full)
    assert keys.admit(text) is not None
