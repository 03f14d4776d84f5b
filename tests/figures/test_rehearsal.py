from datetime import timedelta

import labelled
import pytest

from kbsupport.evaluation.labels import read_labels
from kbsupport.figures.metrics import metrics_of
from kbsupport.rehearsal.play import SETTINGS, play
from kbsupport.rehearsal.stage import set_stage


@pytest.fixture
def played(small_homes, make_app, tmp_path):
    """Four days of a desk over the few articles, from a copy of the same home each time."""
    import shutil

    labels = read_labels(labelled.write(tmp_path / "labels.jsonl", labelled.rows()[::3]))

    def played(name, seed=7):
        home = tmp_path / name
        shutil.copytree(small_homes["proven"], home)
        app = make_app(at=home, **SETTINGS)
        done = play(set_stage(app, seed=seed), labels, days=4)
        now = done.end + timedelta(days=1)
        found = metrics_of(app.database, done.begin, done.end, now)
        assert app.people.without_next_action() == []
        assert app.people.verify().fault is None
        return found

    return played


def test_the_same_seed_plays_the_same_weeks_and_another_one_does_not(played):
    one, two, other = played("one"), played("two"), played("three", seed=8)
    assert one.cases >= 30
    assert {k: f.to_dict() for k, f in one.figures.items()} == {
        k: f.to_dict() for k, f in two.figures.items()
    }
    assert one.days == two.days
    assert one.days != other.days


def test_people_answer_what_they_get_while_somebody_is_there(played):
    found = played("one")
    assert sum(one.answered for one in found.people) > 0
    assert found.figures["csat"].denominator > 0
    assert found.figures["audited_correct"].value is not None
