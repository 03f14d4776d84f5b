"""Few labels move a judge little, many make it their own, and nothing is left to chance."""

import random
from dataclasses import replace

import numpy as np
import pytest

from kbsupport.model import CHANNELS, Channels, Evidence, Found, Match, Signals
from kbsupport.standing import read_priors
from kbsupport.triage.fitting import (
    Example,
    Ranked,
    cross_fitted,
    fit_judge,
    fit_ranking,
    ranked,
    spoken,
)

PRIOR = read_priors().fresh
ODD = "coverage"  # the one number that tells right from wrong in the labels below


def example(number, right, article=None):
    """Evidence in which only the coverage says anything, and says it backwards."""
    evidence = Evidence(
        best_by_vectors="a", words=6, first_share=0.5, coverage=0.2 if right else 0.9,
        channels=Channels(vector_best=0.5 + number % 7 / 100),
    )  # fmt: skip
    return Example(evidence, Signals(), article, right)


def examples(number, article=None):
    return [example(n, n % 2 == 0, article) for n in range(number)]


def known(judge):
    """The judge with `coverage` among what it weighs, where it may weigh nothing yet."""
    term = replace(judge.terms[ODD], mean=0.5, scale=0.3)
    return replace(judge, terms={**judge.terms, ODD: term})


START = known(PRIOR)


def distance(one, other):
    return sum(abs(one.terms[n].weight - other.terms[n].weight) for n in one.terms)


def test_without_labels_the_prior_judge_stays_as_it_was():
    fitted = fit_judge([], START)
    assert fitted.terms == START.terms
    assert fitted.bias == pytest.approx(START.bias, abs=1e-6)
    assert fitted.records == {}


def test_a_handful_of_labels_hardly_moves_it_and_many_make_it_their_own():
    few, many = fit_judge(examples(6), START), fit_judge(examples(2_000), START)
    assert distance(few, START) < distance(many, START) / 10
    assert many.terms[ODD].weight < START.terms[ODD].weight
    right, wrong = (spoken(many, example(0, right)) for right in (True, False))
    assert right > 0.9
    assert wrong < 0.1


def test_a_stronger_pull_moves_it_less():
    moved = [distance(fit_judge(examples(200), START, pull), START) for pull in (1, 100, 10_000)]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > moved[-1]


def test_only_weights_move_and_never_what_they_are_measured_in():
    fitted = fit_judge(examples(200), START)
    for name, term in fitted.terms.items():
        assert (term.mean, term.scale) == (START.terms[name].mean, START.terms[name].scale)
    assert fitted.ranking == START.ranking
    assert fitted.threshold == START.threshold


def test_the_same_labels_make_the_same_judge():
    assert fit_judge(examples(300), START).hash == fit_judge(examples(300), START).hash


def test_one_class_alone_pulls_everything_towards_it_and_breaks_nothing():
    for right in (True, False):
        fitted = fit_judge([example(n, right) for n in range(300)], START)
        assert (spoken(fitted, example(0, right)) > 0.5) is right


def test_an_article_that_was_often_wrong_has_a_worse_record_than_one_that_was_right():
    rows = [example(n, True, "good") for n in range(40)]
    rows += [replace(example(n, True, "bad"), right=False) for n in range(40)]
    fitted = fit_judge(rows, START)
    assert fitted.records["good"] > 0 > fitted.records["bad"]
    assert spoken(fitted, example(0, True, "good")) > spoken(fitted, example(0, True, "bad"))
    unheard = example(0, True, "never seen")
    assert spoken(fitted, unheard) == spoken(fitted, replace(unheard, article=None))


def test_what_a_label_weighs_counts():
    rows = examples(200)
    heavy = [replace(row, weight=5.0 if row.right else 1.0) for row in rows]
    plain, biased = fit_judge(rows, START), fit_judge(heavy, START)
    middle = replace(example(0, True), evidence=replace(example(0, True).evidence, coverage=0.55))
    assert spoken(biased, middle) > spoken(plain, middle)


def test_cross_fitting_never_asks_a_judge_that_has_seen_the_answer():
    rows = examples(100)
    given = cross_fitted(rows, START)
    # What a label itself says cannot move its own number.
    turned = [replace(rows[0], right=not rows[0].right), *rows[1:]]
    assert cross_fitted(turned, START)[0] == given[0]
    assert cross_fitted(turned, START)[1:] != given[1:]


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_fewer_labels_than_folds_are_cross_fitted_all_the_same(number):
    given = cross_fitted(examples(number), START)
    assert len(given) == number
    assert all(0 < probability < 1 for probability in given)


# --- the order of articles


def question(chance, telling):
    """Ten articles of which the first is right, and only one channel says so."""
    rows = np.array([[chance.random() for _ in CHANNELS] for _ in range(10)])
    rows[0, CHANNELS.index(telling)] += 1.0
    return Ranked(rows, np.arange(10) == 0)


def firsts(rows, weights):
    return sum(int((one.channels @ np.array(weights.values())).argmax()) == 0 for one in rows)


def test_what_tells_articles_apart_gets_the_weight():
    chance = random.Random(1)
    rows = [question(chance, "spelling") for _ in range(300)]
    fitted = fit_ranking(rows, PRIOR.ranking)
    assert fitted.spelling > PRIOR.ranking.spelling
    assert firsts(rows, fitted) > firsts(rows, PRIOR.ranking)


def test_no_way_of_looking_ever_counts_against_an_article():
    chance = random.Random(2)
    # The right article is the worst by every channel: a fit left free would turn all weights round.
    rows = []
    for _ in range(200):
        channels = np.array([[chance.random() for _ in CHANNELS] for _ in range(10)])
        channels[0] -= 2.0
        rows.append(Ranked(channels, np.arange(10) == 0))
    assert all(weight >= 0 for weight in fit_ranking(rows, PRIOR.ranking).values())


def test_without_labels_the_order_stays_as_it_was():
    fitted = fit_ranking([], PRIOR.ranking)
    assert fitted.values() == pytest.approx(PRIOR.ranking.values(), abs=1e-5)


def test_a_label_whose_article_was_not_found_teaches_no_order():
    matches = tuple(Match(name, 1, 1.0, Channels(terms=0.5)) for name in ("a", "b"))
    found = Found(1, matches)
    assert ranked(found, lambda _: False) is None
    assert ranked(found, lambda _: True) is None, "nor one that every article answers"
    assert ranked(Found(None), lambda _: True) is None
    one = ranked(found, lambda name: name == "b", 2.0)
    assert one is not None
    assert (one.right.tolist(), one.weight, one.channels.shape) == (
        [False, True], 2.0, (2, len(CHANNELS)),
    )  # fmt: skip
