"""A change of the knowledge base: labels are replayed, the certificate is renewed or withdrawn."""

import itertools
import json
import shutil

import pytest

from kbsupport.app import open_app
from kbsupport.errors import ConfigError, StoreError
from kbsupport.learning.renewing import Renewal
from kbsupport.learning.seeing import Observer
from kbsupport.model import AUTO_RESOLVE, ESCALATE, Label
from kbsupport.standing import CERTIFICATE
from kbsupport.store import labels as kept
from kbsupport.testing import FakeEmbedder

SUBJECTS = {
    "compost": ("compost", "heap", "peelings", "rotting"),
    "greenhouse": ("greenhouse", "glass", "heater", "ventilation"),
    "hedges": ("hedge", "trimming", "beech", "shears"),
    "lawns": ("lawn", "grass", "mowing", "moss"),
    "ponds": ("pond", "goldfish", "algae", "fountain"),
    "roses": ("roses", "thorns", "petals", "budding"),
    "seeds": ("seeds", "sowing", "seedlings", "germination"),
    "tools": ("spade", "rake", "sharpening", "rust"),
}
UNKNOWN = ("giraffe", "volcano", "trombone", "parliament", "submarine", "cathedral", "penguin")
OPENINGS = ("how do I look after the {}", "tell me about {}", "what is good for {}")
QUESTION = "how do I look after the lawn and the moss?"


def article(first, second, third, fourth):
    return (
        f"# About {first} and {second}\n\n"
        f"Look after the {first} and the {second} every week in spring. "
        f"The {third} is good for the {first}, and {fourth} comes with time.\n"
    )


ARTICLES = {name: article(*words) for name, words in SUBJECTS.items()}


def asked(words):
    pairs = [f"{one} and the {other}" for one, other in itertools.combinations(words, 2)]
    return [opening.format(pair) for pair in pairs for opening in OPENINGS]


def labels():
    known = [
        Label(f"{name}-{number}", text, AUTO_RESOLVE, (name,))
        for name, words in SUBJECTS.items()
        for number, text in enumerate(asked(words))
    ]
    unknown = [Label(f"x-{n}", text, ESCALATE) for n, text in enumerate(asked(UNKNOWN))]
    return [*known, *unknown]


@pytest.fixture(scope="module")
def gardens(tmp_path_factory):
    """Homes over a small garden, each calibrated once in its own way."""
    base = tmp_path_factory.mktemp("gardens")
    articles = base / "help"
    articles.mkdir()
    for name, text in ARTICLES.items():
        (articles / f"{name}.md").write_text(text)

    def calibrated(learn, risk):
        home = base / f"{learn}-{risk}"
        if not home.exists():
            with open_app(home=home) as app:
                app.embedder = FakeEmbedder()
                app.index([articles])
                made = app.calibrate(labels(), risk=risk, confidence=0.9, learn=learn)
                assert made.certificate is not None
        return home

    return calibrated


@pytest.fixture
def garden(gardens, make_app, folder, home):
    """An app over a copy of the calibrated garden."""

    def copied(*, learn=True, risk=0.1, embedder=None):
        shutil.copytree(gardens(learn, risk), home)
        folder(**ARTICLES)
        return make_app(embedder=embedder)

    return copied


def certificate(home):
    path = home / CERTIFICATE
    return json.loads(path.read_text()) if path.exists() else None


def stored(app, role=None):
    with app.database.read() as connection:
        return kept.load_labels(connection, role)


def certified(app):
    reply = app.ask(QUESTION, open_ticket=False)
    return reply.verdict.certified


def test_a_harmless_edit_renews_the_certificate_for_the_new_generation(garden, folder, home):
    app = garden()
    before = certificate(home)
    assert certified(app)
    changes = app.index([folder(ponds=ARTICLES["ponds"] + "\nThank you for reading.\n")])
    after = certificate(home)
    assert changes.replayed.certificate == "renewed"
    assert changes.replayed.id == after["id"] != before["id"]
    assert changes.replayed.labels == len(stored(app)) == len(labels())
    assert (changes.replayed.flips, changes.replayed.became_wrong) == (0, 0)
    assert after["hashes"]["generation"] != before["hashes"]["generation"]
    assert after["hashes"]["judge"] == before["hashes"]["judge"]
    assert after["labels"]["source"] == "labels"
    assert changes.notices == ()
    assert certified(app)


def test_an_article_that_is_taken_away_takes_its_answers_with_it(garden, folder, home):
    app = garden()
    answered = [one for one in stored(app) if one.last["outcome"] == "resolve"]
    mine = [one for one in answered if one.label.accept_ids == ("lawns",)]
    assert mine
    changes = app.index([folder(lawns=None)])
    assert changes.replayed.flips >= len(mine)
    now = {one.id: one.last for one in stored(app)}
    assert not any(now[one.id]["right"] for one in mine)
    back = app.index([folder(lawns=ARTICLES["lawns"])])
    assert back.replayed.became_right >= len(mine)
    assert back.replayed.certificate == "renewed"


def test_articles_that_exchange_their_texts_end_the_certificate(garden, folder, home):
    app = garden()
    former = certificate(home)["id"]
    names = list(ARTICLES)
    moved = {
        name: ARTICLES[other] for name, other in zip(names, names[1:] + names[:1], strict=True)
    }
    changes = app.index([folder(**moved)])
    assert changes.replayed.certificate == "withdrawn"
    assert changes.replayed.id is None
    assert changes.replayed.flips > 0
    assert certificate(home) is None
    (notice,) = changes.notices
    assert former in notice
    assert "kbsupport calibrate FILE --learn" in notice
    assert not certified(app)
    assert app.index([folder(**ARTICLES)]).replayed.certificate == "renewed"
    assert certified(app)


def test_what_is_answered_again_but_should_not_be_has_become_wrong(garden, folder):
    app = garden()
    doubtful = Label("doubtful", "tell me about lawn and grass, please", ESCALATE)
    app.observer.keep([doubtful], kept.THRESHOLD, "later.jsonl", lambda *_: None)
    gone = app.index([folder(lawns=None)])
    assert gone.replayed.labels == len(labels()) + 1
    assert gone.replayed.became_wrong == 0
    back = app.index([folder(lawns=ARTICLES["lawns"])])
    assert back.replayed.became_wrong == 1
    (last,) = [one.last for one in stored(app) if one.label.id == "doubtful"]
    assert (last["outcome"], last["article_id"], last["right"]) == ("resolve", "lawns", False)


def test_a_plain_calibration_kept_no_labels_so_its_certificate_ends(garden, folder, home):
    app = garden(learn=False)
    assert stored(app) == []
    changes = app.index([folder(ponds=ARTICLES["ponds"] + "\nThank you.\n")])
    assert (changes.replayed.labels, changes.replayed.certificate) == (0, "withdrawn")
    assert certificate(home) is None
    (notice,) = changes.notices
    assert "were not kept" in notice
    assert "--learn" in notice


def test_nothing_is_replayed_where_nothing_changed(garden, folder, home):
    app = garden()
    before = certificate(home)
    assert app.index([folder()]).replayed is None
    assert certificate(home) == before


def test_a_draft_that_nobody_can_find_changes_no_behaviour(garden, folder, home):
    app = garden()
    before = certificate(home)
    changes = app.index([folder(later="---\npublished: false\n---\n# Later\n\nSoon.\n")])
    assert changes.added == ("later",)
    assert changes.replayed is None
    assert certificate(home) == before
    assert certified(app)


def test_a_home_without_labels_and_certificate_looks_at_nothing(make_app, folder):
    app = make_app()
    app._observer_of = None  # whoever calls it fails
    changes = app.index([folder(**ARTICLES)])
    assert changes.replayed is None
    assert app.index([folder(lawns=None)]).replayed is None


def test_a_run_killed_after_the_flip_leaves_no_certificate_that_holds(
    garden, folder, home, make_app, monkeypatch
):
    app = garden()
    former = certificate(home)

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Renewal, "published", killed)
        with pytest.raises(KeyboardInterrupt):
            app.index([folder(ponds=ARTICLES["ponds"] + "\nThank you.\n")])
    app = make_app()
    assert app.library.open().generation.id == 2
    assert certificate(home) == former
    reply = app.ask(QUESTION, open_ticket=False)
    assert not reply.verdict.certified
    assert any("the knowledge base has changed" in notice for notice in reply.notices)
    made_up_for = app.index([folder()])
    assert made_up_for.replayed.certificate == "renewed"
    assert certified(app)
    assert app.index([folder()]).replayed is None


def test_labels_that_cannot_be_replayed_keep_no_article_from_customers(
    garden, folder, home, monkeypatch
):
    app = garden()

    def broken(self, labels, progress, step):
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Observer, "see", broken)
        changes = app.index([folder(ponds=ARTICLES["ponds"] + "\nThank you.\n")])
    assert changes.generation == 2
    assert changes.replayed.certificate == "withdrawn"
    assert "the disk is gone" in changes.notices[0]
    assert certificate(home) is None


def test_a_label_that_an_article_now_quotes_proves_nothing_any_more(garden, folder, home):
    app = garden()
    before = certificate(home)["labels"]
    proving = next(one for one in stored(app, kept.THRESHOLD) if one.label.accept_ids == ("lawns",))
    head = f"---\nseen_questions: ['{proving.label.text.upper()}']\n---\n"
    app.index([folder(lawns=head + ARTICLES["lawns"])])
    after = certificate(home)["labels"]
    assert after["count"] == before["count"] - 1
    assert after["left_out"] == before["left_out"] + 1


def test_a_change_of_model_embeds_the_labels_again_before_anybody_asks(garden, folder):
    class Wider(FakeEmbedder):
        name, dimension = "wider", 48

    app = garden(embedder=Wider())
    changes = app.index([folder()])
    assert changes.generation == 2
    assert changes.replayed.labels == len(labels())
    with app.database.read() as connection:
        assert kept.unembedded_labels(connection, "wider") == []
    reply = app.ask(QUESTION, open_ticket=False)
    assert (reply.error, reply.articles[0]) == (None, "lawns")


def test_a_policy_with_other_risks_is_not_renewed_under_the_former_ones(garden, folder, home):
    app = garden(risk=None)
    (home / "policy.toml").write_text("[tiers.standard]\nrisk = 0.01\n")
    changes = app.index([folder(ponds=ARTICLES["ponds"] + "\nThank you.\n")])
    assert changes.replayed.certificate == "withdrawn"
    assert "other risks" in changes.notices[0]


def test_a_check_needs_labels(garden, folder, tmp_path):
    app = garden()
    empty = tmp_path / "none.jsonl"
    empty.write_text("\n")
    with pytest.raises(ConfigError, match="holds no labels"):
        app.index([folder()], check=empty)


def test_a_check_is_made_with_the_certificate_that_would_stand(garden, folder, home, tmp_path):
    app = garden()
    fresh = tmp_path / "fresh.jsonl"
    row = {"id": "F-1", "text": QUESTION, "expected": "auto_resolve", "accept_ids": ["lawns"]}
    fresh.write_text(json.dumps(row) + "\n")
    changes = app.index([folder(ponds=ARTICLES["ponds"] + "\nThanks.\n")], check=fresh)
    assert changes.check.to_dict() == {
        "labels": 1, "resolved": 1, "wrong": 0, "max_wrong": 0, "published": True, "wrong_ones": [],
    }  # fmt: skip
    assert changes.replayed.certificate == "renewed"
    before, live = certificate(home), app.library.open().generation.id
    row["expected"], row["accept_ids"] = "escalate", []
    fresh.write_text(json.dumps(row) + "\n")
    refused = app.index([folder(ponds=ARTICLES["ponds"])], check=fresh)
    assert not refused.check.published
    assert [one.id for one in refused.check.wrong_ones] == ["F-1"]
    assert (refused.replayed, refused.generation) == (None, live)
    assert certificate(home) == before
    assert certified(app)


def test_once_a_certificate_has_ended_no_more_is_answered_than_before(garden, home):
    app = garden()
    proven = [row["threshold"] for row in certificate(home)["tiers"].values() if "threshold" in row]
    assert proven
    assert max(proven) <= app.shelf.standing().judge.threshold
