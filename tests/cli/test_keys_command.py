import pytest


@pytest.fixture
def keys(kb, home):
    """`kbsupport keys` on an empty home."""

    def run(*arguments, quiet=False):
        return kb("--home", home, *(["--quiet"] if quiet else []), "keys", *arguments)

    return run


def test_there_is_no_key_until_one_is_added_and_it_is_shown_once(keys, home):
    assert keys("list").out.startswith("there is no key")
    made = keys("add", "phone", "--customer", "C-1", "--days", "90")
    text = made.out.strip()
    assert text.startswith("kbs_")
    assert "shown this once" in made.says_one_line()
    (row,) = keys("list", "--json").json
    assert (row["role"], row["customer_id"], row["visitors"]) == ("customer", "C-1", False)
    assert row["scopes"] == ["ask", "tickets:read", "tickets:write"]
    assert row["expires_at"] > row["created_at"]
    secret = text.split("_", 2)[2].encode()
    held = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(secret in one for one in held)


def test_a_key_is_rotated_and_revoked(keys):
    first = keys("add", "console", "--role", "admin", "--json").json
    second = keys("rotate", first["id"], "--grace-hours", "1", "--json").json
    assert second["key"] != first["key"]
    assert keys("revoke", second["id"]).out == f"{second['id']} (console) opens nothing any more\n"
    states = {one["id"]: one for one in keys("list", "--json").json}
    assert states[second["id"]]["revoked_at"]
    assert not states[first["id"]]["revoked_at"]
    assert states[first["id"]]["expires_at"]
    assert "revoked" in keys("list").out


def test_scopes_may_be_given_one_by_one_or_together(keys):
    made = keys(
        "add", "a", "--role", "lead", "--specialist", "lead", "--scope", "ask,desk", "--json"
    )
    assert made.json["scopes"] == ["ask", "desk"]


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        (["x"], 2, "who holds it"),
        (["x", "--role", "king"], 2, "king"),
        (["x", "--role", "admin", "--scope", "everything"], 2, "no scope 'everything'"),
        (["x", "--customer", "C-1", "--scope", "desk"], 2, "cannot be given desk"),
        (["x", "--role", "customer"], 2, "names its customer"),
        (["x", "--role", "admin", "--customer", "C-1"], 2, "no other key does"),
        (["x", "--visitors", "--customer", "C-1"], 2, "belongs to no customer"),
        (["x", "--specialist", "nobody"], 1, "nobody in the rota"),
        (["x", "--role", "lead"], 2, "--specialist"),
        ([" ", "--role", "admin"], 2, "needs a name"),
        (["x", "--role", "admin", "--days", "0"], 2, "--days"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_in_one_line(keys, given, code, word):
    done = keys("add", *given)
    assert done.code == code
    assert word in done.says_one_line()
    assert not done.out


def test_a_key_that_is_not_there_cannot_be_ended(keys):
    for action in ("revoke", "rotate"):
        done = keys(action, "000000000000")
        assert done.code == 1
        assert "000000000000" in done.says_one_line()


def test_work_that_is_done_once_says_what_it_did(kb, home):
    done = kb("--home", home, "work", "--once", "--json")
    assert (done.code, done.json) == (0, {"decided": 0, "told": 0})
