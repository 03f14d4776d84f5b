import pytest

from kbsupport.store.generations import GENERATION

KEYS = {"added", "changed", "removed", "unchanged", "embedded", "failed", "generation", "seconds"}
RETURNS = "# Returns\n\nYou may return a valve within 45 days.\n"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def counts(changes):
    return [changes[key] for key in ("added", "changed", "removed", "unchanged")]


def test_a_run_says_what_changed_and_the_paths_are_the_whole_knowledge_base(kb, home, folder):
    first = kb("index", folder(returns=RETURNS, hub="# Hub\n\nRed."), "--home", home, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json.keys() >= KEYS
    assert counts(first.json) == [2, 0, 0, 0]
    second = kb("index", folder(returns=RETURNS + "\nNew.", hub=None), "--home", home, "--json")
    assert counts(second.json) == [0, 1, 1, 0]
    assert second.json["generation"] > first.json["generation"]
    third = kb("index", folder(), "--home", home)
    assert "0 added, 0 changed, 0 removed, 1 unchanged; 0 texts embedded" in third.out


def test_a_dry_run_changes_nothing(kb, home, folder):
    kb("index", folder(returns=RETURNS), "--home", home)
    dry = kb("index", folder(hub="# Hub\n\nRed."), "--home", home, "--dry-run")
    assert "would be: 1 added" in dry.out
    assert kb("articles", "list", "--home", home, "--json").lines[0][0]["id"] == "returns"
    assert len(kb("articles", "list", "--home", home, "--json").json) == 1


def test_excluded_ids_are_left_out(kb, home, folder, tmp_path):
    out = tmp_path / "out.txt"
    out.write_text("hub\n\n")
    paths = folder(returns=RETURNS, hub="# Hub\n\nRed.")
    assert kb("index", paths, "--exclude", out, "--home", home, "--json").json["added"] == 1
    missing = kb("index", paths, "--exclude", tmp_path / "none", "--home", home)
    assert missing.code == 2
    assert "none" in missing.says_one_line()


def test_an_unreadable_line_is_reported_and_the_rest_is_indexed(kb, home, tmp_path):
    source = tmp_path / "faq.jsonl"
    good = '{"id": "a", "title": "Returns", "text": "You may return it within 45 days."}\n'
    source.write_text(good + "{broken\n" + good.replace('"a"', '"b"'))
    ran = kb("index", source, "--home", home, "--json")
    assert ran.code == 1
    assert ran.json["added"] == 2
    (failed,) = ran.json["failed"]
    assert failed.keys() == {"path", "line", "reason"}
    assert (failed["path"], failed["line"]) == ("faq.jsonl", 2)
    assert ran.says_one_line().startswith("not read: faq.jsonl:2: ")
    assert kb("articles", "show", "b", "--home", home).code == 0


def test_an_empty_folder_publishes_nothing(kb, home, folder, tmp_path):
    kb("index", folder(returns=RETURNS), "--home", home)
    (tmp_path / "empty").mkdir()
    ran = kb("index", tmp_path / "empty", "--home", home, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "nothing was published" in ran.says_one_line()
    assert kb("articles", "show", "returns", "--home", home).code == 0


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "PATHs"),
        (["--rebuild", "data"], "--rebuild alone"),
        (["no/such/folder"], "no/such/folder does not exist"),
        (["pyproject.toml"], "pyproject.toml is no format"),
    ],
)
def test_wrong_usage_is_one_line_and_2(kb, home, arguments, names, request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    ran = kb("index", *arguments, "--home", home)
    assert (ran.code, ran.out) == (2, "")
    assert names in ran.says_one_line()


def test_a_rebuild_needs_an_index_and_changes_no_answer(kb, home, folder):
    early = kb("index", "--rebuild", "--home", home)
    assert early.code == 3
    assert "kbsupport index PATH" in early.says_one_line()
    kb("index", folder(returns=RETURNS), "--home", home)
    before = kb("ask", "return a valve", "--home", home, "--json").json
    rebuilt = kb("index", "--rebuild", "--home", home, "--json")
    assert rebuilt.code == 0
    assert (rebuilt.json["unchanged"], rebuilt.json["embedded"]) == (1, 0)
    after = kb("ask", "return a valve", "--home", home, "--json").json
    assert after["answer"] == before["answer"]
    assert after["passages"] == before["passages"]


def test_an_index_of_another_model_says_how_to_go_on(kb, home, folder, real_settings):
    from kbsupport.app import open_app

    articles = folder(returns=RETURNS)
    kb("index", articles, "--home", home)
    with open_app(home=home) as app, app.database.write() as connection:
        connection.execute(GENERATION.update().values(embedder="another-model"))
    ran = kb("ask", "return a valve", "--home", home, "--json")
    assert ran.code == 3
    assert "another-model" in ran.says_one_line()
    assert "kbsupport index PATH" in ran.err
    assert (ran.json["outcome"], ran.json["error"]) == ("escalate", ran.json["error"])
    assert ran.json["ticket_id"]
    assert kb("index", articles, "--home", home).code == 0
    assert kb("ask", "return a valve", "--home", home).code == 0


def test_an_article_of_a_title_alone_is_found_but_never_quoted(kb, home, folder):
    kb("index", folder(returns=RETURNS, opening="# Opening hours"), "--home", home)
    decision = kb("ask", "opening hours", "--home", home, "--json").json
    assert decision["article_id"] == "opening"
    assert decision["outcome"] != "resolve"
