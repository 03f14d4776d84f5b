import shutil

from kbsupport.app import open_app
from kbsupport.doctor import examine

PARTS = ["python", "home", "database", "model", "chroma", "index", "triage",
         "answers", "quality", "desk", "customers", "audit"]  # fmt: skip


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
