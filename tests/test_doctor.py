import shutil
from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.access.keys import Wish
from kbsupport.app import open_app
from kbsupport.doctor import examine
from kbsupport.intake import Incoming
from kbsupport.model import Role
from kbsupport.store import bells, hooks

PARTS = ["python", "home", "database", "model", "chroma", "index", "triage",
         "answers", "quality", "desk", "customers", "audit",
         "keys", "doors", "webhooks", "bells"]  # fmt: skip


def ailing(app):
    findings = examine(app)
    assert [f.part for f in findings] == PARTS
    for finding in findings:
        assert finding.words
        assert bool(finding.cure) is not finding.ok
        assert finding.to_dict().keys() == {"part", "ok", "found", "cure"}
    return {f.part: f for f in findings if not f.ok}


def test_a_sound_home_has_nothing_to_complain_of(sample_app):
    assert ailing(sample_app) == {}


def test_a_new_home_only_lacks_an_index(home, real_settings):
    with open_app(home=home, settings=real_settings) as app:
        found = ailing(app)
    assert found.keys() == {"index"}
    assert "kbsupport index PATH" in found["index"].cure


def test_a_home_that_cannot_be_written_is_found_and_the_rest_still_checked(tmp_path):
    (tmp_path / "file").touch()
    with open_app(home=tmp_path / "file" / "home") as app:
        assert ailing(app).keys() == {
            "home", "database", "model", "index", "desk", "customers", "audit",
            "keys", "doors", "webhooks", "bells",
        }  # fmt: skip


def test_an_unknown_embedder_is_found(home):
    with open_app(home=home, settings={"embedder": {"use": "shout"}}) as app:
        assert "onnx" in ailing(app)["model"].words


def test_a_damaged_database_is_found(home, real_settings):
    home.mkdir()
    (home / "kbsupport.db").write_bytes(b"not a database at all" * 500)
    with open_app(home=home, settings=real_settings) as app:
        found = ailing(app)
    assert "damaged" in found["database"].words
    assert "backup" in found["database"].cure


def test_a_damaged_index_is_found_while_answers_go_on(indexed_home, tmp_path, real_settings):
    home = tmp_path / "copy"
    shutil.copytree(indexed_home, home)
    (terms,) = (home / "index").glob("gen-*/terms.npz")
    terms.write_bytes(terms.read_bytes()[:-100])
    with open_app(home=home, settings=real_settings) as app:
        found = ailing(app)
        assert found.keys() == {"index"}
        assert "--rebuild" in found["index"].words
        reply = app.ask("How do I reset my password?")
        assert reply.articles[0] == "account/reset-your-password"
        assert any("exact scan" in notice for notice in reply.notices)


def test_a_model_file_that_was_tampered_with_is_found(home, model_cache):
    cache = home / "models"
    shutil.copytree(model_cache, cache)
    with open_app(home=home, settings={"embedder": {"cache": str(cache)}}) as app:
        assert app.embedder
        for model in cache.glob("*.onnx"):
            model.write_bytes(model.read_bytes()[:-1] + b"!")
        found = ailing(app)["model"]
    assert "bytes have changed; delete it, and the next start makes it anew" in found.words


def test_what_an_alarm_took_back_is_told(proven_app):
    from kbsupport.triage.live import Suspension

    proven_app.loop.switches.suspend(Suspension("too many wrong answers", "2026-11-21"))
    (found,) = [one for one in examine(proven_app) if one.part == "answers"]
    assert not found.ok
    assert "too many wrong answers" in found.words
    proven_app.loop.switches.lift("lead", "it was a test")
    (found,) = [one for one in examine(proven_app) if one.part == "answers"]
    assert (found.ok, found.words) == (True, "on")


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DOORS = {"keys", "doors", "webhooks", "bells"}


@pytest.fixture
def open_house(fake_app):
    """An app with one key, at a moment of the test's own."""
    later(fake_app, timedelta(0))
    fake_app.lobby.keys.add(Wish("backend", Role.ADMIN), "operator")
    return fake_app


def later(app, than_now):
    app.people.clock = lambda: NOW + than_now


def at_the_doors(app):
    return {one.part: one for one in examine(app) if one.part in DOORS}


def test_a_home_that_nobody_comes_into_gets_no_secret_from_being_looked_at(fake_app):
    found = at_the_doors(fake_app)
    assert all(one.ok for one in found.values())
    assert "there is none" in found["keys"].words
    assert not (fake_app.home / "keys.key").exists()


def test_a_key_without_an_end_that_nobody_uses_is_noted_with_the_command_that_ends_it(open_house):
    (key,) = open_house.lobby.keys.all()
    assert at_the_doors(open_house)["keys"].words == "1 keys in use"
    later(open_house, timedelta(days=91))
    found = at_the_doors(open_house)["keys"]
    assert found.ok
    assert f"kbsupport keys revoke {key.id}" in found.words


def test_a_secret_that_others_may_read_or_that_is_gone_is_found(open_house):
    secret = open_house.home / "keys.key"
    secret.chmod(0o640)
    found = at_the_doors(open_house)["keys"]
    assert not found.ok
    assert found.cure.startswith("chmod 600")
    secret.unlink()
    assert "is gone" in at_the_doors(open_house)["keys"].words
    assert not secret.exists()


def test_a_message_that_nobody_decides_is_found(open_house):
    open_house.lobby.intake.receive(Incoming("Is anybody there?", "c-1"))
    assert at_the_doors(open_house)["doors"].ok
    later(open_house, timedelta(seconds=75))
    found = at_the_doors(open_house)["doors"]
    assert (found.ok, "for 75 s" in found.words) == (False, True)
    assert "kbsupport work" in found.cure


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"disabled_at": NOW, "why_disabled": "it answered 410, gone"}, "it answered 410, gone"),
        ({"failing_since": NOW}, "fails since 2026-11-21 12:00"),
    ],
)
def test_a_webhook_that_is_not_told_is_found(open_house, change, said):
    made, _ = open_house.lobby.webhooks.add("https://8.8.8.8/hook", ["ticket.*"], "operator")
    assert at_the_doors(open_house)["webhooks"].words == "1 are told"
    with open_house.database.write() as connection:
        hooks.change_endpoint(connection, made.id, **change)
    found = at_the_doors(open_house)["webhooks"]
    assert not found.ok
    assert found.words.startswith(f"{made.id} ")
    assert said in found.words


def test_a_help_desk_that_rings_and_cannot_be_read_is_found(open_house):
    bell, _ = open_house.lobby.bells.add("request-tracker", "operator")
    found = at_the_doors(open_house)["bells"]
    assert (found.ok, bell.id in found.words) == (False, True)
    with open_house.database.write() as connection:
        bells.ring(connection, bell.system, "7", NOW, NOW)
        bells.note_unread(connection, bell.system, "7", NOW, "rt.example cannot be reached", NOW)
    found = at_the_doors(open_house)["bells"]
    assert "ticket 7 of request-tracker: rt.example cannot be reached" in found.words
    open_house.lobby.bells.end(bell.id, "operator")
