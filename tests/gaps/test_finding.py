"""Gaps found in what went to people and in files, and what an article bought."""

import json
import shutil
from datetime import UTC, datetime

import labelled
import pytest

from kbsupport.app import open_app
from kbsupport.errors import ConfigError, Conflict, NotFound
from kbsupport.gaps.finding import Gaps
from kbsupport.gaps.kinds import Aside, Kind
from kbsupport.model import Author, Delivery
from kbsupport.store import conversations, labels
from kbsupport.store import gaps as stored
from kbsupport.testing import FakeEmbedder

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ANVIL = (
    "---\nid: anvil\ntopic: anvils\nlanguage: en\n---\n# About the anvil\n\n"
    "To polish the anvil, open the page anvil and choose hammer. The anvil shows polish then.\n\n"
    "## The anvil and hammer\n\nIf the anvil says polish or hammer, press hammer on the anvil.\n"
)
ASKED = (
    "polish anvil hammer please",
    "polish of an anvil with a hammer",
    "how do i polish the anvil with a hammer",
    "polish the anvil and the hammer today",
)


# These go to a person at once; others of them are asked back first.
HANDED = (
    "how do i polish the anvil",
    "my anvil hammer again what now",
    "polish anvil hammer please",
    "polish of an anvil with a hammer",
)


def gaps(app):
    return Gaps(app.observer, lambda: app.learner, lambda: NOW)


@pytest.fixture
def file(tmp_path):
    def write(texts, **more):
        rows = [{"id": f"A-{n}", "text": text} | more for n, text in enumerate(texts)]
        path = tmp_path / "tickets.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def written_home(small_homes, small_kb, tmp_path_factory):
    """The proven home after somebody wrote the article on anvils; copied."""
    base = tmp_path_factory.mktemp("written")
    (base / "anvil.md").write_text(ANVIL, encoding="utf-8")
    shutil.copytree(small_homes["proven"], base / "home")
    with open_app(home=base / "home") as app:
        app.embedder = FakeEmbedder()
        app.index([small_kb, base / "anvil.md"])
    return base / "home"


@pytest.fixture
def written(written_home, home, make_app):
    shutil.copytree(written_home, home)
    return make_app()


def ask_and_answer(app, texts, reply):
    for text in texts:
        ticket = app.ask(text).ticket_id
        with app.database.write() as connection:
            conversation = app.people.ticket(ticket).conversation_id
            conversations.add_message(
                connection, conversation, author=Author.SPECIALIST, text=reply, by="ana",
                now=NOW, delivery=Delivery.SENT,
            )  # fmt: skip


def test_what_no_article_answers_is_missing(plain_app, file):
    found = gaps(plain_app).find(file([*HANDED, "hello"]))
    (gap,) = found.of(Kind.MISSING)
    assert "anvil" in gap.name
    assert set(gap.tickets) <= {"A-0", "A-1", "A-2", "A-3"}
    assert len(gap.tickets) >= 2
    assert gap.outline.points == ()
    assert found.asides[Aside.NO_QUESTION] == 1
    assert found.questions == 5


def test_what_would_be_answered_now_is_no_gap(proven_app, file):
    known = [row["text"] for row in labelled.rows()[:8]]
    assert gaps(proven_app).find(file(known)).asides[Aside.ANSWERED] > 0


def test_labels_in_the_file_change_nothing(proven_app, file):
    bare = gaps(proven_app).find(file(ASKED)).to_dict()
    told = gaps(proven_app).find(file(ASKED, expected="auto_resolve", accept_ids=["parcel"]))
    assert told.to_dict() == bare


def test_tickets_that_people_answered_give_the_draft(plain_app):
    ask_and_answer(plain_app, HANDED, "Dear Mr Oduya,\nPolish every anvil with oil and sand.")
    found = gaps(plain_app).find()
    (gap,) = found.of(Kind.MISSING)
    assert len(gap.tickets) == len(HANDED)
    assert [point.to_dict() for point in gap.outline.points] == [
        {"text": "Polish every anvil with oil and sand.", "replies": 4}
    ]
    assert "people answered 4 with what no article says" in gap.why


def test_answers_that_stand_in_an_article_were_there_and_not_found(plain_app):
    quote = "To track the parcel, open the page parcel and choose courier. The parcel shows track"
    ask_and_answer(plain_app, ["boat boat boat", "lawnmower anvil"], quote)
    (gap,) = gaps(plain_app).find().of(Kind.NOT_FOUND)
    assert gap.tickets == ("T-1", "T-2")
    assert gap.why.startswith("people answered 2 with parcel")


def test_what_a_rule_keeps_for_people_is_policy(proven_app, file):
    asked = ["my lawyer will sue you over the parcel", "I take you to court, says my lawyer"]
    (gap,) = gaps(proven_app).find(file(asked)).of(Kind.POLICY)
    assert len(gap.tickets) == 2
    assert gap.why.startswith("the policy says legal")


@pytest.mark.parametrize("texts", [["anvil polish"], ["", "  "], ["anvil polish", ""]])
def test_one_question_or_none_is_no_gap(proven_app, file, texts):
    found = gaps(proven_app).find(file(texts))
    assert found.gaps == ()
    assert found.questions == sum(bool(text.strip()) for text in texts)


def test_the_same_question_again_and_again_is_one_gap(proven_app, file):
    (gap,) = gaps(proven_app).find(file(["anvil polish"] * 5)).gaps
    assert len(gap.tickets) == 5
    assert gap.questions == ("anvil polish",)


def test_tickets_with_the_same_id_are_all_counted(plain_app, file):
    path = file(["anvil polish"] * 2)
    path.write_text(path.read_text().replace("A-1", "A-0"), encoding="utf-8")
    (gap,) = gaps(plain_app).find(path).of(Kind.MISSING)
    assert gap.tickets == ("A-0", "A-0#2")


def test_a_desk_without_tickets_has_no_gaps(plain_app):
    found = gaps(plain_app).find()
    assert (found.questions, found.gaps) == (0, ())
    assert "No ticket went to a person yet" in found.lines(5)[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "holds no tickets"),
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"id": "a"}', "`text` is missing"),
        ('{"id": "a", "text": "b", "reply": 3}', "`reply` must be a text"),
    ],
)
def test_a_file_that_holds_no_tickets_is_refused(plain_app, tmp_path, line, said):
    path = tmp_path / "bad.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        gaps(plain_app).find(path)


def test_an_article_is_shown_what_it_bought(written, file):
    made = gaps(written).after("anvil", file(ASKED))
    bought = made.bought
    assert set(bought.tickets) <= {"A-0", "A-1", "A-2", "A-3"}
    assert bought.before == 0
    assert bought.led >= 2
    assert bought.after == len(bought.newly)
    assert bought.sure[1] > bought.sure[0]
    with written.database.read() as connection:
        known = {one.label.id: one.label for one in labels.load_labels(connection)}
        (kept,) = stored.closed_gaps(connection)
    assert known[bought.golden.id].accept_ids == ("anvil",)
    assert (kept.article_id, kept.at) == ("anvil", NOW)
    assert gaps(written).find(file(ASKED)).closed[0].tickets == len(bought.tickets)


def test_what_is_answered_now_is_said_with_its_risk(written, file):
    bought = gaps(written).after("anvil", file(ASKED), keep=False).bought
    said = "\n".join(bought.lines())
    if bought.newly:
        mean = sum(1 for _ in bought.newly)
        assert 0 <= bought.wrong <= 1
        assert f"Of the {mean} answered now" in said
    else:
        assert bought.wrong is None


def test_the_golden_question_is_learnt_once(written, file):
    first = gaps(written).after("anvil", file(ASKED))
    again = gaps(written).after("anvil", file(ASKED))
    assert (first.bought.kept, again.bought.kept) == (True, False)


def test_a_dry_run_keeps_nothing(written, file):
    gaps(written).after("anvil", file(ASKED), keep=False)
    with written.database.read() as connection:
        assert stored.closed_gaps(connection) == []
        assert "anvil" not in {
            a for one in labels.load_labels(connection) for a in one.label.accept_ids
        }


def test_an_article_that_closes_nothing_says_so(written, file):
    with pytest.raises(NotFound, match="no article 'rocket'"):
        gaps(written).after("rocket", file(ASKED))
    with pytest.raises(NotFound, match="probably answers none"):
        gaps(written).after("camera", file(ASKED))
    with pytest.raises(NotFound, match="probably answers none"):
        gaps(written).after("anvil")


def test_a_draft_article_has_bought_nothing_yet(proven_app, small_kb, tmp_path, file):
    draft = ANVIL.replace("---\nid", "---\npublished: false\nid", 1)
    (tmp_path / "anvil.md").write_text(draft, encoding="utf-8")
    proven_app.index([small_kb, tmp_path / "anvil.md"])
    with pytest.raises(Conflict, match="is a draft"):
        gaps(proven_app).after("anvil", file(ASKED))
