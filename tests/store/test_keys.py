from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.access.keys import Keys, Wish
from kbsupport.errors import Conflict, StoreError
from kbsupport.model import Role
from kbsupport.store import api_keys, keys

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)


def test_what_came_of_a_request_is_given_again(database):
    body = {"ticket_id": "T-1", "shares": [0.1 + 0.2], "text": "👍"}
    with database.write() as connection:
        assert keys.kept(connection, "k", "hash") is None
        keys.keep(connection, "k", "hash", body, NOW)
        keys.keep(connection, "other", "hash", {}, NOW)
    with database.read() as connection:
        assert keys.kept(connection, "k", "hash") == body
        assert keys.kept(connection, "other", "hash") == {}
        assert keys.kept(connection, "K", "hash") is None


def test_the_same_key_with_another_request_is_a_conflict(database):
    with database.write() as connection:
        keys.keep(connection, "k", "hash", {"n": 1}, NOW)
        with pytest.raises(Conflict, match="'k' came with another request before; give each its"):
            keys.kept(connection, "k", "another")


@pytest.mark.parametrize("asked", ["hash", "another"])
def test_a_request_that_is_done_twice_is_undone_the_second_time(database, asked):
    with database.write() as connection:
        keys.keep(connection, "k", "hash", {"n": 1}, NOW)
    words = "'k' was done already"
    with pytest.raises(Conflict, match=words), database.write() as connection:  # noqa: PT012
        keys.keep(connection, "apart", "hash", {}, NOW)
        keys.keep(connection, "k", asked, {"n": 2}, NOW)
    with database.read() as connection:
        assert keys.kept(connection, "k", "hash") == {"n": 1}
        assert keys.kept(connection, "apart", "hash") is None


def test_a_key_that_is_replaced_ends_after_the_grace_or_when_it_would_have(database):
    access = Keys(database, b"k" * 32, b"a" * 32, lambda: NOW)
    soon = NOW + timedelta(minutes=5)
    for grace, expires, ends in ((60, soon, soon), (1, soon, NOW + timedelta(minutes=1))):
        made, _ = access.add(Wish("phone", Role.ADMIN, expires_at=expires), "test")
        new, text = access.rotate(made.id, "test", timedelta(minutes=grace))
        held = {one.id: one for one in access.all()}
        assert (held[made.id].expires_at, held[made.id].revoked_at) == (ends, None)
        assert held[new.id].expires_at == expires
        assert access.admit(text).key_id == new.id


def test_a_key_that_cannot_be_ended_is_not_replaced(database, monkeypatch):
    access = Keys(database, b"k" * 32, b"a" * 32, lambda: NOW)
    made, text = access.add(Wish("phone", Role.ADMIN), "test")

    def broken(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(api_keys, "end_key", broken)
    with pytest.raises(StoreError):
        access.rotate(made.id, "test")
    assert [one.id for one in access.all()] == [made.id]
    assert access.admit(text).key_id == made.id
