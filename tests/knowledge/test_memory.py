"""What titles, seen questions and past tickets say together about who answers."""

import time

import numpy as np
import pytest

from kbsupport.knowledge.memory import MOST_UNITS, Memory, Unit
from kbsupport.model import AUTO_RESOLVE, ESCALATE, Label, Unanswered, text_hash
from kbsupport.testing import FakeEmbedder

SPOKEN = (
    Unit("Return an item", ("returns",)),
    Unit("how do I send it back", ("returns",)),
    Unit("Change the battery", ("battery",)),
)
PAST = (
    Unit("can I return my lamp", ("returns",), past=True),
    Unit("the battery is empty again", ("battery", "offline"), past=True),
    Unit("where is my parcel right now", (), past=True),
    Unit("my parcel never came", (), past=True),
)
QUESTION = "I want to return a battery"


def vectors(*texts):
    return FakeEmbedder().embed(texts)


def fitted(units):
    return Memory.fit(units, vectors(*(unit.text for unit in units)))


def recall(memory, text=QUESTION, without=None):
    return memory.recall(vectors(text)[0], text, without)


@pytest.fixture(scope="module")
def memory():
    return fitted([*SPOKEN, *PAST])


def test_an_article_is_led_to_by_what_was_said_of_it(memory):
    assert recall(memory, "how do I send it back").leading(1) == ["returns"]
    assert recall(memory, "change battery").leading(1) == ["battery"]
    assert set(recall(memory).leading(9)) == {"returns", "battery", "offline"}


def test_a_text_it_knows_is_as_near_as_can_be(memory):
    _, best, mean, likeness = recall(memory, "Change the battery").of("battery")
    assert (best, likeness) == (pytest.approx(1, abs=1e-5), pytest.approx(1, abs=1e-5))
    assert mean < best


def test_questions_that_nobody_could_answer_are_told_apart_from_articles(memory):
    near = recall(memory, "where is my parcel").unanswered()
    far = recall(memory, "how do I send it back").unanswered()
    assert near.recall > far.recall
    assert near.best > far.best
    assert near.likeness > far.likeness


def test_an_article_never_heard_of_has_nothing_to_say(memory):
    assert recall(memory).of("gone") == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("number", range(len(PAST)))
def test_a_past_ticket_left_out_is_exactly_as_if_it_had_never_been(memory, number):
    text = PAST[number].text
    hidden = recall(memory, text, without=number)
    others = [*SPOKEN, *(unit for place, unit in enumerate(PAST) if place != number)]
    # Its own words must still count as words, as they do in the fitted memory.
    again = refit_without(memory, [*SPOKEN, *PAST], len(SPOKEN) + number)
    for place, article in enumerate(memory.articles):
        known = any(article in unit.articles for unit in others)
        assert hidden.of(article)[0] == pytest.approx(again[place], abs=1e-4)
        assert known or hidden.of(article)[1:] == (0.0, pytest.approx(-1.0), 0.0)
    assert hidden.unanswered().recall == pytest.approx(again[-1], abs=1e-4)


def refit_without(memory, units, gone):
    """Solve anew with the rest alone, and ask that for what was left out."""
    from kbsupport.knowledge import memory as room
    from kbsupport.knowledge.terms import cosines
    from kbsupport.knowledge.words import letters, terms

    def alike(text):
        near = memory.vectors @ vectors(text)[0]
        spoken = cosines(memory.words, terms(text)), cosines(memory.letters, letters(text))
        return room._likeness(near, *spoken)

    kernel = np.stack([alike(unit.text) for unit in units]).astype(np.float64)
    kernel = (kernel + kernel.T) / 2
    kept = [place for place in range(len(units)) if place != gone]
    truth = np.zeros((len(units), len(memory.articles) + 1))
    for row, unit in enumerate(units):
        for article in unit.articles:
            truth[row, memory.articles.index(article)] = 1
        truth[row, -1] = not unit.articles
    inner = kernel[np.ix_(kept, kept)] + room._RIDGE * np.eye(len(kept))
    return kernel[gone, kept] @ np.linalg.solve(inner, truth[kept])


def test_a_past_ticket_left_out_is_not_its_own_neighbour(memory):
    for number, unit in enumerate(PAST):
        hidden, open_ = (recall(memory, unit.text, without) for without in (number, None))
        if unit.articles:
            assert open_.of(unit.articles[0])[1] == pytest.approx(1, abs=1e-5)
            assert hidden.of(unit.articles[0])[1] < 0.99
        else:
            assert hidden.unanswered().best < 0.99 < open_.unanswered().best


def test_what_was_saved_says_the_same(memory, tmp_path):
    memory.save(tmp_path / "memory.npz")
    again = Memory.load(tmp_path / "memory.npz")
    assert again.articles == memory.articles
    for text in (QUESTION, "my parcel", "", "完全に違う"):
        before, after = recall(memory, text), recall(again, text)
        assert [after.of(a) for a in memory.articles] == [before.of(a) for a in memory.articles]
        assert after.unanswered() == before.unanswered()
    for number in range(len(PAST)):
        assert recall(again, without=number).of("returns") == recall(
            memory, without=number
        ).of("returns")  # fmt: skip


def test_without_a_single_unit_there_is_nothing_to_recall(tmp_path):
    nothing = Memory.fit([], np.zeros((0, FakeEmbedder.dimension), np.float32))
    nothing.save(tmp_path / "memory.npz")
    for memory in (nothing, Memory.load(tmp_path / "memory.npz")):
        assert recall(memory).leading(10) == []
        assert recall(memory).of("returns") == (0.0, 0.0, 0.0, 0.0)
        assert recall(memory).unanswered() == Unanswered()


def test_if_nothing_was_answered_there_is_no_article_to_lead_to():
    memory = fitted([Unit("my parcel never came", (), past=True)])
    assert recall(memory).leading(10) == []
    assert recall(memory, "my parcel").unanswered().best > 0


@pytest.mark.parametrize("text", ["", " ", "!!!", "x" * 50_000, "\ud800", "完全に違う"])
def test_every_text_recalls_finite_numbers(memory, text):
    said = recall(memory, text)
    numbers = [*said.unanswered().to_dict().values(), *said.of("returns"), *said.of("battery")]
    assert np.isfinite(numbers).all()


def test_the_same_units_make_the_same_memory(memory):
    again = fitted([*SPOKEN, *PAST])
    assert np.array_equal(again.weights, memory.weights)
    assert np.array_equal(again.left_out, memory.left_out)


# --- kept beside the index


ARTICLE = "---\nseen_questions: how do I send it back\n---\n# Return an item\n\nWithin 45 days.\n"


def keep(app, *labels):
    app.observer.keep(labels, "history", "tickets.jsonl", lambda *_: None)


def files(home):
    return sorted((home / "index").glob("memory-*"))


def test_past_tickets_are_remembered_from_the_next_question_on(fake_app, folder):
    fake_app.index([folder(returns=ARTICLE)])
    before = fake_app.ask("bring the thing home to you").evidence
    assert not fake_app.library.memory().any_history
    keep(fake_app, Label("1", "bring the thing home to you", AUTO_RESOLVE, ("returns",)))
    after = fake_app.ask("bring the thing home to you").evidence
    assert fake_app.library.memory().any_history
    assert after.channels.seen_best > before.channels.seen_best
    assert after.channels.recall > before.channels.recall


def test_one_file_is_kept_and_older_ones_go(fake_app, folder, home):
    fake_app.index([folder(returns=ARTICLE)])
    fake_app.ask("send it back")
    (first,) = files(home)
    keep(fake_app, Label("1", "my parcel", ESCALATE))
    fake_app.ask("send it back")
    (second,) = files(home)
    assert first.name != second.name


@pytest.mark.parametrize("damage", ["cut", "scribble", "empty", "gone"])
def test_a_damaged_file_is_made_anew(make_app, folder, home, damage):
    app = make_app()
    app.index([folder(returns=ARTICLE)])
    keep(app, Label("1", "my parcel", ESCALATE))
    before = app.ask("send it back").evidence
    (path,) = files(home)
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-200], "scribble": b"x" * 99, "empty": b""}[damage])
    reply = make_app().ask("send it back")
    assert (reply.error, reply.notices) == (None, ())
    assert reply.evidence == before
    assert files(home)[0].read_bytes() == whole


def test_a_home_that_cannot_be_written_still_remembers(fake_app, folder, monkeypatch):
    fake_app.index([folder(returns=ARTICLE)])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Memory, "save", full)
    reply = fake_app.ask("how do I send it back")
    assert reply.error is None
    assert reply.evidence.channels.seen_best == pytest.approx(1, abs=1e-5)


def test_of_too_many_the_newest_tickets_stay_and_titles_go_first(fake_app, folder, monkeypatch):
    monkeypatch.setattr("kbsupport.knowledge.remembering.MOST_UNITS", 4)
    fake_app.index([folder(returns=ARTICLE, battery="# Battery\n\nChange it.\n")])
    labels = [Label(str(n), f"ticket number {n} came", ESCALATE) for n in range(3)]
    keep(fake_app, *labels)
    memory = fake_app.library.memory()
    assert len(memory.memory.vectors) == 4
    assert recall(memory.memory, "how do I send it back").of("returns")[1] > 0.99, "it was asked"
    assert memory.past.keys() == {text_hash(label.text) for label in labels}
    keep(fake_app, *(Label(str(n), f"ticket number {n} came", ESCALATE) for n in range(3, 9)))
    memory = fake_app.library.memory()
    assert len(memory.memory.vectors) == 4
    assert memory.past.keys() == {text_hash(f"ticket number {n} came") for n in range(5, 9)}
    assert fake_app.ask("send it back").error is None


def test_as_many_units_as_there_may_be_are_fitted_while_one_waits():
    chance = np.random.default_rng(0)
    number = MOST_UNITS // 3
    units = [Unit(f"question {n} about {n % 7}", (f"a{n % 50}",)) for n in range(number)]
    rows = chance.normal(size=(number, 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    begun = time.monotonic()
    memory = Memory.fit(units, rows)
    assert time.monotonic() - begun < 30
    assert len(memory.articles) == 50
