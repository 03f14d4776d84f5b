from hypothesis import given
from hypothesis import strategies as st

from kbsupport.model import Evidence, Outcome, Reason, Signals
from kbsupport.triage.verdict import Policy, decide

POLICY = Policy(passages=8, coverage=0.5, default_tier="standard")
NOTHING_SAID = Signals()
IDS = st.sampled_from(["a", "b", "c"])
SHARE = st.floats(0, 1)

evidences = st.builds(
    Evidence,
    best_by_terms=st.none() | IDS,
    best_by_vectors=st.none() | IDS,
    rankings_agree=st.booleans(),
    coverage=SHARE,
)
signals = st.builds(Signals, st.booleans(), st.booleans(), st.booleans(), st.booleans())
orders = st.lists(IDS, unique=True).map(tuple)
policies = st.builds(Policy, st.integers(1, 50), SHARE, st.just("standard"))


def evidence(terms="a", vectors="a", coverage=0.8):
    return Evidence(terms, vectors, rankings_agree=terms == vectors, coverage=coverage)


@given(evidences, signals, orders, policies)
def test_there_is_always_one_verdict_with_its_reason(found, said, order, policy):
    verdict = decide(found, said, order, policy)
    assert verdict == decide(found, said, order, policy)
    assert isinstance(verdict.outcome, Outcome)
    assert isinstance(verdict.reason, Reason)
    assert verdict.rule


@given(evidences, signals, orders, policies)
def test_nothing_is_answered_that_was_not_found_covered_and_agreed_on(found, said, order, policy):
    if decide(found, said, order, policy).outcome is Outcome.RESOLVE:
        assert found.best_by_terms == order[0]
        assert found.rankings_agree
        assert found.coverage >= policy.coverage
        assert not any(said.to_dict().values())


@given(evidences, signals, orders, policies)
def test_asking_back_needs_two_articles(found, said, order, policy):
    if decide(found, said, order, policy).outcome is Outcome.CLARIFY:
        assert len(order) >= 2


@given(evidences, orders, policies, policies)
def test_a_stricter_policy_never_answers_more(found, order, one, other):
    lax, strict = sorted((one, other), key=lambda policy: policy.coverage)
    if decide(found, NOTHING_SAID, order, strict).outcome is Outcome.RESOLVE:
        assert decide(found, NOTHING_SAID, order, lax).outcome is Outcome.RESOLVE


def test_a_wish_for_a_person_beats_every_evidence():
    verdict = decide(evidence(), Signals(asks_for_person=True, thanks_only=True), ("a",), POLICY)
    assert (verdict.outcome, verdict.reason) == (Outcome.ESCALATE, Reason.ASKS_FOR_PERSON)


def test_two_articles_that_each_lead_one_ranking_are_asked_about():
    verdict = decide(evidence("a", "b"), NOTHING_SAID, ("b", "a", "c"), POLICY)
    assert (verdict.outcome, verdict.reason) == (Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES)


def test_rankings_that_name_a_third_are_not_trusted():
    verdict = decide(evidence("a", "c"), NOTHING_SAID, ("b", "a", "c"), POLICY)
    assert (verdict.outcome, verdict.reason) == (Outcome.ESCALATE, Reason.RANKINGS_DISAGREE)


def test_an_article_that_speaks_of_something_else_is_not_quoted():
    verdict = decide(evidence(coverage=0.49), NOTHING_SAID, ("a",), POLICY)
    assert (verdict.outcome, verdict.reason) == (Outcome.ESCALATE, Reason.WORDS_NOT_COVERED)
    assert "0.49" in verdict.rule


def test_nothing_found_is_for_a_person():
    verdict = decide(Evidence(), NOTHING_SAID, (), POLICY)
    assert (verdict.outcome, verdict.reason) == (Outcome.ESCALATE, Reason.NO_PASSAGE)
