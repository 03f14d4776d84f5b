import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.model import CHANNELS, Channels, Coverage, Evidence, Found, Match, Unanswered
from kbsupport.triage.evidence import weigh


def match(name, score=1.0, **channels):
    return Match(name, 1, score, Channels(**channels))


def test_nothing_found_weighs_nothing_but_what_nobody_could_answer():
    assert weigh(Found(generation=1), {}) == Evidence()
    near = Unanswered(recall=0.4, best=0.9)
    assert weigh(Found(generation=1, unanswered=near), {"a": 1.0}) == Evidence(unanswered=near)


def test_each_ranking_has_its_own_first_and_second():
    found = Found(1, (match("a", terms=0.5, vector_best=0.6), match("b", terms=0.2, vector_best=1)))
    evidence = weigh(found, {})
    assert (evidence.best_by_terms, evidence.second_by_terms) == ("a", "b")
    assert (evidence.best_by_vectors, evidence.second_by_vectors) == ("b", "a")
    assert not evidence.rankings_agree


def test_a_lead_is_over_the_strongest_rival_of_that_channel():
    matches = (
        match("a", 3.0, terms=0.5, vector_best=0.9, recall=0.1),
        match("b", 2.5, terms=0.2, vector_best=0.7, recall=0.6),
        match("c", 1.0, terms=0.4, vector_best=0.1),
    )
    evidence = weigh(Found(1, matches), {})
    assert evidence.channels == matches[0].channels
    assert evidence.leads == Channels(terms=0.1, vector_best=0.2, recall=-0.5)
    assert (evidence.score, evidence.lead) == (3.0, 0.5)
    assert evidence.crowd == pytest.approx(6.5 / 3)


def test_a_single_match_leads_by_all_it_has_and_has_the_whole_share():
    only = match("a", 2.0, terms=0.5, vector_best=0.6)
    evidence = weigh(Found(1, (only,)), {})
    assert evidence.leads == only.channels
    assert (evidence.lead, evidence.first_share, evidence.second_share) == (2.0, 1.0, 0.0)
    assert evidence.rankings_agree
    assert evidence.second_by_terms is evidence.second_by_vectors is None


def test_no_word_in_common_is_no_first_by_terms():
    evidence = weigh(Found(1, (match("a", vector_best=0.6), match("b", vector_best=0.5))), {})
    assert evidence.best_by_terms is evidence.second_by_terms is None
    assert evidence.best_by_vectors == "a"
    assert not evidence.rankings_agree


def test_an_article_that_all_ways_of_looking_put_first_has_their_agreement():
    high = dict.fromkeys(CHANNELS, 0.9)
    low = dict.fromkeys(CHANNELS, 0.1)
    assert weigh(Found(1, (match("a", 2, **high), match("b", 1, **low))), {}).agreement == 5
    assert weigh(Found(1, (match("b", 2, **low), match("a", 1, **high))), {}).agreement == 0


def test_coverage_is_passed_on():
    found = Found(1, (match("a", terms=0.5),), coverage=Coverage(5, 3, 1, 2 / 3))
    evidence = weigh(found, {})
    assert (evidence.words, evidence.words_covered, evidence.words_unknown) == (5, 3, 1)
    assert evidence.coverage == 0.666667


def test_the_record_is_that_of_the_best_article():
    found = Found(1, (match("a", 2), match("b", 1)))
    assert weigh(found, {"a": -0.5, "b": 3.0}).record == -0.5
    assert weigh(found, {"b": 3.0}).record == 0.0


def test_evidence_comes_back_from_what_is_stored_of_it():
    found = Found(
        1, (match("a", 2, terms=0.3), match("b", 1)), coverage=Coverage(4, 2, 1, 0.5),
        unanswered=Unanswered(0.1, 0.2, 0.3, 0.4),
    )  # fmt: skip
    evidence = weigh(found, {"a": 0.25})
    assert Evidence.from_dict({**evidence.to_dict(), "rule": "a sentence"}) == evidence


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=10))
def test_shares_are_a_whole_and_fall_with_the_score(scores):
    scores.sort(reverse=True)
    matches = tuple(match(str(n), score) for n, score in enumerate(scores))
    evidence = weigh(Found(1, matches), {})
    assert 0 <= evidence.second_share <= evidence.first_share <= 1
    assert evidence.first_share >= 1 / len(scores) - 1e-6
    assert evidence.first_share + evidence.second_share <= 1 + 2e-6
    assert all(math.isfinite(value) for value in evidence.leads.values())
