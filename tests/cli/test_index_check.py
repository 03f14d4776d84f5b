"""`index --check`: a knowledge base's own CI publishes only what answers its labels well."""

import json

import pytest

from kbsupport.standing import PRIOR

CARD = "# Change your payment card\n\nOpen Billing, choose Payment method and enter the new card.\n"
CHANGED = CARD + "\nThe new card is charged from the next invoice on.\n"
HUB = "# The hub is offline\n\nPull the plug of the hub, wait ten seconds and plug it in again.\n"
QUESTION = "How do I change the payment card for my plan?"
RIGHT = {"id": "T-1", "text": QUESTION, "expected": "auto_resolve", "accept_ids": ["card"]}
WRONG = {"id": "T-2", "text": QUESTION + " Please!", "expected": "escalate"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home whose prior judge is bold enough to answer from two articles."""
    priors = json.loads(PRIOR.read_text())
    bold = {name: {**judge, "threshold": 0.05} for name, judge in priors.items()}
    path = tmp_path / "prior.json"
    path.write_text(json.dumps(bold))
    monkeypatch.setenv("KBSUPPORT_TRIAGE__PRIOR", str(path))
    return tmp_path / "home"


@pytest.fixture
def live(kb, home, folder):
    """A generation that answers, and what it says."""
    assert kb("index", folder(card=CARD, hub=HUB), "--home", home).code == 0
    decision = kb("ask", QUESTION, "--home", home, "--json").json
    assert (decision["outcome"], decision["article_id"]) == ("resolve", "card")
    return decision["answer"]


def generations(home):
    return sorted(path.name for path in (home / "index").glob("gen-*"))


def test_what_answers_its_labels_well_is_published(kb, home, live, folder, batch):
    ran = kb("index", folder(card=CHANGED), "--check", batch(RIGHT), "--home", home, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["check"] == {
        "labels": 1, "resolved": 1, "wrong": 0, "max_wrong": 0, "published": True, "wrong_ones": [],
    }  # fmt: skip
    assert (ran.json["changed"], ran.json["generation"], ran.json["replayed"]) == (1, 2, None)


def test_what_would_answer_one_wrongly_is_refused_and_the_live_one_answers_on(
    kb, home, live, folder, batch
):
    tickets = batch(RIGHT, WRONG)
    before = generations(home)
    ran = kb("index", folder(card=CHANGED), "--check", tickets, "--home", home, "--json")
    assert ran.code == 1
    assert ran.json["check"] == {
        "labels": 2, "resolved": 2, "wrong": 1, "max_wrong": 0, "published": False,
        "wrong_ones": [{"id": "T-2", "article_id": "card", "accept_ids": []}],
    }  # fmt: skip
    assert ran.json["generation"] == 1
    named, refused = ran.err.splitlines()
    assert named == "wrong: T-2: answered with card; right would be none: a person should answer"
    assert refused.startswith("not published: 1 labels would be answered wrongly, 0 may be")
    assert generations(home) == before
    assert kb("ask", QUESTION, "--home", home, "--json").json["answer"] == live
    assert "charged" not in kb("articles", "show", "card", "--home", home).out
    told = kb("index", folder(), "--check", tickets, "--home", home)
    assert told.out.startswith("would be: 0 added, 1 changed, 0 removed, 1 unchanged")
    assert "nothing published" in told.out
    assert "2 labels checked: 2 answered, 1 of them wrongly, 0 may be" in told.out


def test_so_many_may_be_wrong_as_are_allowed(kb, home, live, folder, batch):
    tickets, paths = batch(RIGHT, WRONG), folder(card=CHANGED)
    ran = kb("index", paths, "--check", tickets, "--max-wrong", 1, "--home", home, "--json")
    assert ran.code == 0
    assert (ran.json["check"]["published"], ran.json["check"]["wrong"]) == (True, 1)
    assert "charged" in kb("articles", "show", "card", "--home", home).out


def test_an_article_under_another_id_makes_its_labels_wrong(kb, home, live, folder, batch):
    paths = folder(card=None, **{"payment-card": CARD})
    ran = kb("index", paths, "--check", batch(RIGHT), "--home", home, "--json")
    assert ran.code == 1
    (wrong,) = ran.json["check"]["wrong_ones"]
    assert wrong == {"id": "T-1", "article_id": "payment-card", "accept_ids": ["card"]}
    assert kb("ask", QUESTION, "--home", home, "--json").json["article_id"] == "card"


def test_a_refused_generation_can_be_mended_and_published(kb, home, live, folder, batch):
    tickets = batch(RIGHT)
    renamed = folder(card=None, **{"payment-card": CARD})
    assert kb("index", renamed, "--check", tickets, "--home", home).code == 1
    mended = folder(card=CHANGED, **{"payment-card": None})
    ran = kb("index", mended, "--check", tickets, "--home", home, "--json")
    assert ran.code == 0
    assert ran.json["check"]["published"] is True
    after = kb("ask", QUESTION, "--home", home, "--json").json
    assert (after["outcome"], after["article_id"], after["error"]) == ("resolve", "card", None)


def test_an_unchanged_knowledge_base_is_checked_too(kb, home, live, folder, batch):
    good = kb("index", folder(), "--check", batch(RIGHT), "--home", home, "--json")
    assert (good.code, good.json["check"]["published"]) == (0, False)
    bad = kb("index", folder(), "--check", batch(WRONG), "--home", home, "--json")
    assert (bad.code, bad.json["check"]["wrong"], bad.json["generation"]) == (1, 1, 1)


def test_the_first_index_of_all_can_be_refused(kb, home, folder, batch):
    paths = folder(card=CARD, hub=HUB)
    ran = kb("index", paths, "--check", batch(WRONG), "--home", home, "--json")
    assert (ran.code, ran.json["generation"]) == (1, None)
    assert generations(home) == []
    assert kb("ask", QUESTION, "--home", home, "--json").code == 3


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--max-wrong", "1"], "--max-wrong needs --check"),
        (["--check", "tickets.jsonl", "--dry-run"], "--check"),
        (["--check", "tickets.jsonl", "--max-wrong", "-1"], "--max-wrong"),
        (["--check", "none.jsonl"], "none.jsonl does not exist"),
        (["--check", "bad.jsonl"], "bad.jsonl:1: not JSON"),
    ],
)
def test_wrong_usage_is_one_line_and_2_and_publishes_nothing(
    kb, home, folder, tmp_path, monkeypatch, arguments, names
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text("{oops\n")
    (tmp_path / "tickets.jsonl").write_text(json.dumps(RIGHT) + "\n")
    ran = kb("index", folder(card=CARD), *arguments, "--home", home)
    assert (ran.code, ran.out) == (2, "")
    assert names in ran.says_one_line()
    assert generations(home) == []


def test_a_rebuild_checks_nothing(kb, home, batch):
    ran = kb("index", "--rebuild", "--check", batch(RIGHT), "--home", home)
    assert ran.code == 2
    assert "--check" in ran.says_one_line()


def test_the_help_shows_it_in_ci(kb):
    assert "index docs/articles --check tickets.jsonl --max-wrong 0" in kb("index", "--help").out
