"""The judge is arithmetic over named numbers: it can be taken apart, stored and repeated."""

import json
import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.errors import JudgeError
from kbsupport.model import CHANNELS, Channels, Evidence, Signals, Unanswered
from kbsupport.standing import read_priors
from kbsupport.triage.judge import FEATURES, Judge, Term, centred, features, logistic

PRIORS = read_priors()
JUDGE = replace(PRIORS.learnt, records={"a": 0.5})
FOUND = Evidence(
    best_by_vectors="a", agreement=4, score=3.0, lead=0.4, first_share=0.6, second_share=0.2,
    crowd=1.5, channels=Channels(**dict.fromkeys(CHANNELS, 0.6)),
    leads=Channels(**dict.fromkeys(CHANNELS, 0.1)),
    unanswered=Unanswered(0.1, 0.2, 0.3, 0.4), words=6, words_covered=4, words_unknown=1,
    coverage=0.7, record=0.5,
)  # fmt: skip
SIGNALS = Signals(questions=1, complexity=0.2)
FINITE = st.floats(-1e6, 1e6)
SHARE = st.floats(0, 1)


def some(noun, floats):
    return st.builds(noun, **dict.fromkeys((f.name for f in fields(noun)), floats))


ANY_EVIDENCE = st.builds(
    Evidence,
    best_by_vectors=st.sampled_from(["a", None]),
    agreement=st.integers(0, 5),
    score=FINITE, lead=FINITE, first_share=SHARE, second_share=SHARE, crowd=FINITE,
    channels=some(Channels, FINITE), leads=some(Channels, FINITE),
    unanswered=some(Unanswered, FINITE),
    words=st.integers(0, 10_000), words_covered=st.integers(0, 100),
    words_unknown=st.integers(0, 100), coverage=SHARE, record=FINITE,
)  # fmt: skip
ANY_SIGNALS = st.builds(
    Signals, questions=st.integers(0, 9), complaint=st.booleans(), bug_report=st.booleans(),
    feature_request=st.booleans(), frustration=SHARE, complexity=SHARE,
)  # fmt: skip


@pytest.mark.parametrize("judge", [PRIORS.fresh, PRIORS.learnt, JUDGE], ids=lambda j: j.name)
def test_its_parts_add_up_to_the_log_odds(judge):
    odds = math.fsum(judge.parts(FOUND, SIGNALS).values())
    assert logistic(odds) == pytest.approx(judge.probability(FOUND, SIGNALS), abs=1e-12)


def test_parts_name_every_feature_and_the_largest_comes_first():
    parts = JUDGE.parts(FOUND, SIGNALS)
    assert parts.keys() == {*JUDGE.terms, "record", "bias"}
    assert parts["record"] == FOUND.record
    sizes = [abs(part) for part in parts.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_where_nothing_was_found_nothing_can_be_right():
    assert JUDGE.probability(Evidence(), SIGNALS) == 0.0
    assert JUDGE.probability(replace(FOUND, best_by_vectors=None), SIGNALS) == 0.0


@given(ANY_EVIDENCE, ANY_SIGNALS)
def test_any_evidence_has_all_features_and_a_probability(evidence, signals):
    given_features = features(evidence, signals)
    assert given_features.keys() == FEATURES.keys()
    assert all(math.isfinite(value) for value in given_features.values())
    for judge in (PRIORS.fresh, PRIORS.learnt):
        assert 0 <= judge.probability(evidence, signals) <= 1


@given(ANY_EVIDENCE, ANY_SIGNALS)
def test_a_judge_that_was_stored_says_the_same_to_the_last_bit(evidence, signals):
    again = Judge.from_dict(json.loads(json.dumps(JUDGE.to_dict())))
    assert again == JUDGE
    assert again.hash == JUDGE.hash
    assert again.probability(evidence, signals) == JUDGE.probability(evidence, signals)
    kept = Evidence.from_dict(json.loads(json.dumps(evidence.to_dict())))
    assert again.probability(kept, signals) == JUDGE.probability(evidence, signals)


def test_the_order_of_its_terms_changes_not_one_bit():
    turned = replace(JUDGE, terms=dict(reversed(JUDGE.terms.items())))
    assert turned.probability(FOUND, SIGNALS) == JUDGE.probability(FOUND, SIGNALS)
    assert turned.hash == JUDGE.hash


def test_another_weight_or_record_or_threshold_is_another_judge():
    name, term = next(iter(JUDGE.terms.items()))
    others = [
        replace(JUDGE, terms={**JUDGE.terms, name: replace(term, weight=term.weight + 1e-6)}),
        replace(JUDGE, records={"a": 0.6}),
        replace(JUDGE, threshold=0.5),
        replace(JUDGE, ranking=replace(JUDGE.ranking, recall=9.0)),
    ]
    assert len({JUDGE.hash, *(other.hash for other in others)}) == 5


def test_a_good_record_makes_it_surer_and_a_bad_one_less_sure():
    good, plain, bad = (
        JUDGE.probability(replace(FOUND, record=record), SIGNALS) for record in (1.0, 0.0, -1.0)
    )
    assert good > plain > bad


def test_one_freak_value_does_not_decide_alone():
    term = Term(mean=0.5, scale=1e-6, weight=1.0)
    assert centred(1e9, term) == -centred(-1e9, term)
    assert abs(centred(1e9, term)) < 10


@pytest.mark.parametrize("odds", [-1e308, -800, -1, 0, 1, 800, 1e308])
def test_the_widest_odds_overflow_nothing(odds):
    assert logistic(odds) + logistic(-odds) == pytest.approx(1)


BROKEN = {
    "nothing": None,
    "a list": [],
    "text": "judge",
    "empty": {},
    "no bias": {k: v for k, v in JUDGE.to_dict().items() if k != "bias"},
    "no threshold": {k: v for k, v in JUDGE.to_dict().items() if k != "threshold"},
    "nan": JUDGE.to_dict() | {"bias": math.nan},
    "infinite": JUDGE.to_dict() | {"threshold": math.inf},
    "true": JUDGE.to_dict() | {"bias": True},
    "text for a number": JUDGE.to_dict() | {"bias": "0.5"},
    "no terms": JUDGE.to_dict() | {"terms": None},
    "half a term": JUDGE.to_dict() | {"terms": {"score": {"mean": 0.0, "scale": 1.0}}},
    "a broken term": JUDGE.to_dict()
    | {"terms": {"score": {"mean": 0.0, "scale": 1.0, "weight": math.nan}}},
    "half a ranking": JUDGE.to_dict() | {"ranking": {"terms": 1.0}},
    "a broken record": JUDGE.to_dict() | {"records": {"a": None}},
    "an unknown feature": JUDGE.to_dict()
    | {"terms": {"charm": {"mean": 0.0, "scale": 1.0, "weight": 1.0}}},
}


@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN)
def test_what_is_no_judge_is_refused_and_the_cure_is_named(row):
    with pytest.raises(JudgeError, match=r"judge\.json cannot be used: .*kbsupport calibrate"):
        Judge.from_dict(row, "judge.json")


def test_an_unknown_feature_is_named():
    with pytest.raises(JudgeError, match="charm"):
        Judge.from_dict(BROKEN["an unknown feature"])
