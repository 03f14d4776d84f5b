from datetime import UTC, datetime

import pytest

from kbsupport.errors import Conflict
from kbsupport.store import keys

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
