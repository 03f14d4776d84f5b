import shutil
from datetime import timedelta
from functools import cache

import labelled
import pytest

from kbsupport.app import open_app
from kbsupport.evaluation.labels import read_labels
from kbsupport.figures.metrics import metrics_of
from kbsupport.rehearsal.play import SETTINGS, play
from kbsupport.rehearsal.stage import set_stage
from kbsupport.testing import FakeEmbedder


@pytest.fixture(scope="module")
def played(small_homes, tmp_path_factory):
    """Four days of a desk over the few articles, each played in a copy of the same home."""
    base = tmp_path_factory.mktemp("played")
    labels = read_labels(labelled.write(base / "labels.jsonl", labelled.rows()[::3]))

    @cache
    def played(name, seed=7):
        shutil.copytree(small_homes["proven"], base / name)
        with open_app(home=base / name, settings=SETTINGS) as app:
            app.embedder = FakeEmbedder()
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
