"""Stored decisions made again, bit for bit, and what keeps them from it."""

import json

import labelled
import pytest

from kbsupport.errors import NotFound, UpstreamError
from kbsupport.model import Outcome, Reason
from kbsupport.store.tables import ArtefactRow, ChunkRow, DecisionRow

QUESTIONS = (
    "how do i reset the password",
    "parcel courier late",
    "what do you think of the giraffe",
    "password or invoice login receipt",
    "thanks!",
    "a person please",
    "is there anything? and what about the garden? and how warm is the boiler?",
)


def edit(app, row, **values):
    with app.database.write() as connection:
        connection.execute(row.__table__.update().values(**values))


def forget(app, row, *which):
    with app.database.write() as connection:
        connection.execute(row.__table__.delete().where(*which))


def stored(app, decision_id, column):
    with app.database.read() as connection:
        table = DecisionRow.__table__
        query = table.select().where(table.c.id == decision_id)
        return getattr(connection.execute(query).one(), column)


@pytest.mark.parametrize("search", [False, True])
def test_every_kind_of_decision_is_replayed_and_the_same(proven_app, search):
    for text in QUESTIONS:
        reply = proven_app.ask(text, tier="premium")
        again = proven_app.replay(reply.decision_id, search=search)
        assert (again.same, again.differs, again.gone) == (True, (), ())
        assert again.probability[0] == again.probability[1]
        assert again.verdict[1]["rule"] == reply.verdict.rule
        assert again.lines()[0].endswith("and the same")


def test_a_certified_decision_is_replayed_after_everything_has_changed(proven_app, home, small_kb):
    reply = proven_app.ask(QUESTIONS[0])
    assert reply.verdict.certified
    (home / "policy.toml").write_text("[escalate]\nsignals = []\n")
    for name in ("certificate.json", "judge.json"):
        (home / name).unlink()
    proven_app.index([small_kb / "garden.md"])
    again = proven_app.replay(reply.decision_id)
    assert again.same
    assert again.verdict[1]["certificate"] == reply.verdict.certificate


def test_the_generation_before_is_still_searched(proven_app, small_kb, tmp_path):
    reply = proven_app.ask(QUESTIONS[0])
    (tmp_path / "more.md").write_text("# Password\n\nReset the password, reset it again.\n")
    proven_app.index([small_kb, tmp_path / "more.md"])
    again = proven_app.replay(reply.decision_id, search=True)
    assert (again.same, again.gone) == (True, ())


def test_a_generation_that_was_pruned_is_said_to_be_gone(proven_app, small_kb):
    reply = proven_app.ask(QUESTIONS[0])
    for kept in ("garden", "router", "camera"):
        proven_app.index([small_kb / f"{kept}.md"])
    again = proven_app.replay(reply.decision_id, search=True)
    assert not again.same
    assert again.differs == ()
    assert "generation 1 cannot be searched: the database no longer holds" in again.gone[0]
    assert proven_app.replay(reply.decision_id).same


def test_past_tickets_that_changed_are_said(proven_app, tmp_path):
    reply = proven_app.ask(QUESTIONS[0])
    labels = [labelled.row(1, "the antenna bends when it rains", "router")]
    proven_app.learn(labelled.write(tmp_path / "more.jsonl", labels))
    again = proven_app.replay(reply.decision_id, search=True)
    assert again.differs == ()
    assert again.gone[0].startswith("the past tickets have changed")


def test_another_model_is_said(proven_app):
    reply = proven_app.ask(QUESTIONS[0])
    proven_app.embedder = type("Other", (), {"name": "other"})()
    again = proven_app.replay(reply.decision_id, search=True)
    assert again.gone == ("the embedding model is other now and was fake",)


def test_a_chunk_whose_text_was_changed_is_noticed(proven_app):
    reply = proven_app.ask(QUESTIONS[0])
    table = ChunkRow.__table__
    edit(proven_app, ChunkRow, end=table.c.end - 9)
    again = proven_app.replay(reply.decision_id, search=True)
    assert again.differs == ("the passages are not those that were shown",)


def test_stored_evidence_that_was_changed_differs(proven_app):
    reply = proven_app.ask(QUESTIONS[0])
    body = stored(proven_app, reply.decision_id, "body")
    body["evidence"]["channels"]["recall"] = 0.0
    edit(proven_app, DecisionRow, body=body)
    again = proven_app.replay(reply.decision_id)
    assert not again.same
    assert again.differs[0].startswith("the probability is ")
    searched = proven_app.replay(reply.decision_id, search=True)
    assert any(said.startswith("recall of the best article") for said in searched.differs)


@pytest.mark.parametrize("kind", ["judge", "policy", "certificate"])
def test_what_decided_and_is_not_kept_any_more_is_named(proven_app, kind):
    reply = proven_app.ask(QUESTIONS[0])
    forget(proven_app, ArtefactRow, ArtefactRow.__table__.c.kind == kind)
    again = proven_app.replay(reply.decision_id)
    assert again.gone[0].startswith(f"the {kind} of the decision is not kept any more")
    assert again.to_dict()["verdict"] is None


@pytest.mark.parametrize("kind", ["judge", "policy", "certificate"])
def test_what_decided_and_was_changed_is_named(proven_app, kind):
    reply = proven_app.ask(QUESTIONS[0])
    table = ArtefactRow.__table__
    with proven_app.database.write() as connection:
        row = connection.execute(table.select().where(table.c.kind == kind)).first()
        changed = json.loads(json.dumps(row.body).replace("0.2", "0.3", 1))
        changed = changed if changed != row.body else row.body | {"text": "version = 9"}
        mine = table.c.hash == row.hash
        connection.execute(table.update().where(mine).values(body=changed))
    again = proven_app.replay(reply.decision_id)
    assert kind in again.gone[0]
    assert not again.same


def test_a_decision_of_an_earlier_version_cannot_be_replayed(proven_app):
    reply = proven_app.ask(QUESTIONS[0])
    inputs = stored(proven_app, reply.decision_id, "inputs")
    edit(proven_app, DecisionRow, inputs=inputs | {"chunks": None})
    assert "without its chunks" in proven_app.replay(reply.decision_id, search=True).gone[0]
    edit(proven_app, DecisionRow, inputs={"case": {}})
    assert "cannot be read" in proven_app.replay(reply.decision_id).gone[0]
    edit(proven_app, DecisionRow, inputs=None)
    again = proven_app.replay(reply.decision_id)
    assert "earlier version" in again.gone[0]
    assert again.lines()[0].endswith("cannot be replayed in full")


def test_an_answer_without_a_quote_is_replayed_up_to_its_verdict(proven_app):
    proven_app.writer = type("Silent", (), {"write": lambda *_: None})()
    reply = proven_app.ask(QUESTIONS[0])
    assert reply.verdict.reason is Reason.NOTHING_TO_QUOTE
    again = proven_app.replay(reply.decision_id, search=True)
    assert again.same
    assert again.verdict[1]["outcome"] == Outcome.RESOLVE
    assert again.notes[0].startswith("replayed up to the verdict")


def test_a_writer_that_failed_is_replayed_up_to_the_verdict(proven_app):
    def fail(*_):
        raise UpstreamError("the writer")

    proven_app.writer = type("Broken", (), {"write": fail})()
    reply = proven_app.ask(QUESTIONS[0])
    assert reply.verdict.reason is Reason.FAILED
    assert proven_app.replay(reply.decision_id).same


def test_a_question_that_failed_before_the_verdict_was_never_decided(fake_app):
    reply = fake_app.ask("hello there, where is it?")
    assert reply.verdict.reason is Reason.FAILED
    assert fake_app.replay(reply.decision_id).gone[0].startswith("nothing was decided")


def test_an_empty_message_was_never_searched(proven_app):
    reply = proven_app.ask("  ")
    again = proven_app.replay(reply.decision_id, search=True)
    assert again.same
    assert again.notes == ("nothing was searched for this message",)


@pytest.mark.parametrize("act", ["replay", "explain"])
def test_an_unknown_decision_is_not_found(proven_app, act):
    with pytest.raises(NotFound, match="decision_id"):
        getattr(proven_app, act)("d-none")


def test_the_search_is_exact_and_needs_no_index_folder(proven_app, home):
    import shutil

    reply = proven_app.ask(QUESTIONS[1])
    proven_app.close()
    shutil.rmtree(home / "index")
    assert proven_app.replay(reply.decision_id, search=True).same


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_decision_is_explained_in_words(proven_app, text):
    reply = proven_app.ask(text)
    explained = proven_app.explain(reply.decision_id)
    row = json.loads(json.dumps(explained.to_dict()))
    assert row["question"] == text
    assert row["rule"] == reply.verdict.rule
    assert row["would_change"]
    page = "\n".join(explained.lines())
    assert reply.verdict.rule in page
    assert "What would have led elsewhere" in page
    if row["article_id"] is not None:
        assert row["evidence"]
        assert row["parts"]
        largest = [abs(part["adds"]) for part in row["parts"]]
        assert largest == sorted(largest, reverse=True)


def test_what_was_never_decided_is_explained_by_its_fault(fake_app):
    reply = fake_app.ask("hello there, where is it?")
    explained = fake_app.explain(reply.decision_id)
    assert explained.parts == ()
    assert "nothing was decided" in explained.lines()[-1]


def test_every_feature_of_the_judge_has_words():
    from kbsupport.learning.explaining import name_in_words
    from kbsupport.triage.judge import FEATURES

    for name in (*FEATURES, "record", "bias"):
        assert " " in name_in_words(name)
        assert "_" not in name_in_words(name)
        assert name_in_words(name) != name.replace("_", " ")
