import json
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsupport.errors import CertificateError, ConfigError
from kbsupport.triage import thresholds
from kbsupport.triage.bounds import (
    binomial_tail,
    clean_needed,
    clopper_pearson_upper,
    labels_needed,
)
from kbsupport.triage.certificate import Certificate, TierBound, issue
from kbsupport.triage.proof import Scored, certify_tiers, plan_tests
from kbsupport.triage.thresholds import Aim, Plan, certify, plan

RISK, CONFIDENCE = 0.05, 0.95
HASHES = {"generation": "g1", "embedder": "e1", "judge": "j1", "policy": "p1"}
LABELS = {"source": "a.jsonl", "from": None, "to": None, "count": 120, "left_out": 3}
NO_SHARE = [0, 1, -0.1, 1.5, math.nan, math.inf]
NO_SCORE = [math.nan, math.inf, -math.inf, -0.01, 1.01]


def labels(chance, count, answerable=0.3, lead=4.0, tail=0.0):
    """Scores of a calibrated judge, what is right, and what could be answered."""
    right = chance.random(count) < answerable
    drawn = chance.normal(size=count) + lead * (right | (chance.random(count) < tail))
    odds = lead * drawn - lead**2 / 2 + math.log(answerable / (1 - answerable))
    return 1 / (1 + np.exp(-odds)), right


def aims(*pairs):
    return Plan(tuple(Aim(size, weight) for size, weight in pairs))


def falling(count, start=0.99, end=0.9):
    """Scores of which no two tie."""
    return np.linspace(start, end, count).tolist()


def tried(scores, right, made=None, risk=RISK, confidence=CONFIDENCE, **more):
    made = made or aims((59, 1.0))
    return certify(made, scores, right, right, risk, confidence, **more)


@pytest.fixture
def remembered(monkeypatch):
    """In thousands of rounds the same few bounds are asked for, and are always the same."""
    for pure in (binomial_tail, clopper_pearson_upper):
        monkeypatch.setattr(thresholds, pure.__name__, cache(pure))


def test_fifty_nine_clean_labels_prove_five_percent():
    assert clean_needed(0.05, 0.95) == 59
    assert clopper_pearson_upper(0, 59, 0.95) <= 0.05 < clopper_pearson_upper(0, 58, 0.95)
    assert labels_needed(1, 0.05, 0.05) == 93


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("wrong", "n"), [(0, 1), (0, 59), (3, 200), (40, 400), (9, 10), (7, 7)])
def test_the_bound_is_that_of_the_textbook(wrong, n, confidence):
    from scipy.stats import beta

    expected = 1.0 if wrong == n else beta.ppf(confidence, wrong + 1, n - wrong)
    assert clopper_pearson_upper(wrong, n, confidence) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.001, 0.999))
def test_a_tail_is_a_chance_and_grows_with_what_is_allowed(wrong, n, rate):
    here, more = binomial_tail(wrong, n, rate), binomial_tail(wrong + 1, n, rate)
    assert 0 <= here <= more + 1e-12
    assert more <= 1


@pytest.mark.parametrize("bad", NO_SHARE)
def test_a_risk_or_confidence_that_is_no_share_is_refused(bad):
    for risk, confidence in ((bad, 0.95), (0.05, bad)):
        with pytest.raises(ConfigError, match="strictly between 0 and 1"):
            plan([0.5], 100, risk, confidence)
        with pytest.raises(ConfigError, match="strictly between 0 and 1"):
            tried([0.95] * 60, [True] * 60, risk=risk, confidence=confidence)


@pytest.mark.parametrize("bad", NO_SCORE)
def test_a_score_that_cannot_be_compared_is_refused(bad):
    scores, right = [0.95] * 60 + [bad], [True] * 61
    with pytest.raises(ConfigError, match=r"score 61 is .*calibrate"):
        tried(scores, right)
    with pytest.raises(ConfigError, match="score 61 is"):
        plan(scores, 100, RISK, CONFIDENCE)


@pytest.mark.parametrize(
    "pairs",
    [
        [(93, 0.5), (59, 0.5)],
        [(59, 0.5), (59, 0.5)],
        [(59, 0.9), (93, 0.2)],
        [(0, 1.0)],
        [(59, 0.0)],
        [(59, math.nan)],
    ],
)
def test_a_plan_that_would_prove_too_much_is_refused(pairs):
    with pytest.raises(ConfigError):
        aims(*pairs)


def test_the_loosest_threshold_proven_counts():
    scores, right = falling(120), [True] * 100 + [False] * 20
    bound = tried(scores, right, aims((80, 0.5), (100, 0.5)))
    assert (bound.n, bound.wrong, bound.missing) == (100, 0, None)
    assert scores[99] > bound.threshold > scores[100]
    assert bound.bound <= RISK
    assert bound.coverage == 1.0


def test_whoever_ties_with_the_first_that_is_left_out_is_left_out():
    bound = tried([0.95] * 60 + [0.9] * 40, [True] * 100, aims((70, 1.0)))
    assert (bound.n, bound.wrong) == (60, 0)
    assert 0.9 < bound.threshold <= 0.95
    assert tried([0.9] * 100, [True] * 100, aims((70, 1.0))).threshold is None


def test_an_aim_that_fails_takes_nothing_from_the_other():
    scores, right = falling(310), [False] + [True] * 309
    both = aims((75, 0.4), (200, 0.6))
    assert tried(scores, right, both).n == 200
    assert tried(scores, right, aims((75, 0.4))).threshold is None


def test_an_aim_beyond_the_labels_proves_nothing():
    assert tried(falling(59), [True] * 59).threshold is None
    assert tried(falling(60), [True] * 60).n == 59


def test_what_a_rule_stops_is_neither_resolved_nor_forgotten():
    scores, right = falling(100), [True] * 80 + [False] * 20
    stopped = [False] * 70 + [True] * 30
    bound = tried(scores, right, stopped=stopped)
    assert (bound.n, bound.wrong) == (59, 0)
    assert bound.coverage == pytest.approx(59 / 80)


def test_ten_labels_prove_nothing_and_say_how_many_are_missing():
    bound = tried(falling(10), [True] * 10)
    assert bound.threshold is None
    assert bound.missing == 50
    assert tried(falling(10), [True] * 10, share=0.5).missing == 100
    assert tried([], []).missing == 60


def test_labels_of_which_many_are_wrong_miss_more():
    rare = tried(falling(100), [False] * 2 + [True] * 98)
    assert rare.missing >= 30
    never = tried(falling(100), [False] * 100)
    assert never.threshold is None
    assert never.missing >= 1


@pytest.mark.parametrize("right", [True, False])
def test_one_class_only_plans_and_never_fails(right):
    made = plan(falling(100, 0.999, 0.98), 100, RISK, CONFIDENCE)
    bound = tried(falling(100, 0.999, 0.98), [right] * 100, made)
    assert (bound.threshold is not None) is right


def test_a_plan_is_made_from_the_fit_part_and_is_the_same_each_time():
    scores, _ = labels(np.random.default_rng(1), 400)
    first, second = (plan(scores.tolist(), 400, RISK, CONFIDENCE) for _ in "ab")
    assert first == second
    assert sum(aim.weight for aim in first.aims) == pytest.approx(1)
    assert Plan.from_dict(json.loads(json.dumps(first.to_dict()))) == first


def test_too_few_labels_leave_nothing_to_test():
    assert plan([0.9] * 20, 30, RISK, CONFIDENCE).aims == ()
    assert plan([], 300, RISK, CONFIDENCE).aims == ()


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(0, 250), st.floats(0.02, 0.4))
def test_whatever_the_scores_are_a_plan_is_made_and_allowed(scores, count, risk):
    made = plan(scores, count, risk, CONFIDENCE)
    assert len(made.aims) <= 2
    assert all(aim.resolved < count for aim in made.aims)


def test_a_good_judge_is_nearly_always_certified():
    chance, coverages = np.random.default_rng(2), []
    for _ in range(40):
        made = plan(labels(chance, 455)[0], 455, RISK, CONFIDENCE)
        coverages.append(tried(*labels(chance, 455), made).coverage)
    assert sum(coverage > 0 for coverage in coverages) >= 36
    assert np.mean(coverages) >= 0.8


@pytest.mark.usefixtures("remembered")
def test_a_judge_on_the_edge_of_the_risk_is_certified_no_more_often_than_promised():
    # Every threshold is wrong in just over 5 %: whatever is proven is wrong.
    chance, rounds = np.random.default_rng(3), 2000
    made = aims((labels_needed(0, RISK, 0.02), 0.4), (labels_needed(3, RISK, 0.03), 0.6))
    wrongly = 0
    for _ in range(rounds):
        scores, right = chance.random(300), chance.random(300) >= RISK + 1e-6
        wrongly += tried(scores, right, made).threshold is not None
    assert wrongly / rounds <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / rounds)
    assert wrongly / rounds >= 0.01, "a test that never passes proves nothing about the test"


@pytest.mark.usefixtures("remembered")
def test_several_tiers_share_the_error_that_is_allowed():
    chance, rounds, wrongly = np.random.default_rng(4), 1000, 0
    risks = {"standard": RISK, "premium": 0.1}
    plans = dict.fromkeys(risks, aims((75, 0.8), (140, 0.2)))
    for _ in range(rounds):
        drawn = {tier: chance.random((150, 2)).tolist() for tier in risks}
        rows = [
            Scored(score, luck >= risks[tier] + 1e-6, True, tier)
            for tier in risks
            for score, luck in drawn[tier]
        ]
        bounds = certify_tiers(plans, rows, risks, CONFIDENCE, "tier")
        wrongly += any(bound.threshold is not None for bound in bounds.values())
    assert wrongly / rounds <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / rounds)


def rows(tier, count, right=True):
    return [Scored(score, right, True, tier) for score in falling(count, 0.9999, 0.999)]


def proven(fit, held, risks, by=None):
    waiting = [row.group for row in held if not row.stopped]
    plans = plan_tests(fit, waiting, risks, CONFIDENCE, by)
    return certify_tiers(plans, held, risks, CONFIDENCE, by)


def test_tiers_of_one_risk_share_one_test_of_all_labels():
    held = rows("standard", 40) + rows("premium", 30)
    bounds = proven(held, held, {"standard": RISK, "premium": RISK})
    assert bounds["standard"] == bounds["premium"]
    assert 59 < bounds["standard"].n < 70, "forty of the one alone would prove nothing"
    assert bounds["standard"].bound <= RISK


def test_tiers_of_other_risks_are_each_proven_for_less():
    held = rows("standard", 200) + rows("premium", 200)
    bounds = proven(held, held, {"standard": RISK, "premium": 0.02})
    standard, premium = bounds["standard"], bounds["premium"]
    assert standard.bound >= clopper_pearson_upper(0, standard.n, 0.975)
    assert premium.bound <= 0.02
    assert premium.threshold >= standard.threshold


def test_by_tier_each_has_only_its_own_labels():
    held = rows("standard", 200) + rows("premium", 20)
    bounds = proven(held, held, {"standard": RISK, "premium": RISK}, by="tier")
    # A tier that cannot pass costs the other nothing.
    alone = proven(rows("standard", 200), rows("standard", 200), {"standard": RISK}, by="tier")
    assert bounds["standard"] == alone["standard"]
    assert bounds["premium"].missing == 40


@pytest.mark.parametrize("by", [None, "tier"])
def test_a_tier_without_a_label_is_not_proven_by_others(by):
    held = rows("standard", 200)
    bounds = proven(held, held, {"standard": RISK, "enterprise": RISK}, by=by)
    assert bounds["standard"].threshold is not None
    assert (bounds["enterprise"].threshold, bounds["enterprise"].missing) == (None, 59)


def test_labels_of_a_tier_without_a_risk_are_refused():
    with pytest.raises(ConfigError, match="no risk is set for gold"):
        proven(rows("gold", 100), rows("gold", 100), {"standard": RISK})


def certificate(**tiers):
    bounds = tiers or {
        "standard": TierBound(0.05, 0.8, 120, 1, clopper_pearson_upper(1, 120, 0.95), 0.9, None),
        "enterprise": TierBound(0.01, None, 120, 1, 1.0, 0.0, 400),
    }
    return issue(
        bounds, risk=None, confidence=0.95, by=None, labels=LABELS, hashes=HASHES,
        created_at="2026-11-21T05:00:00+00:00",
    )  # fmt: skip


def test_a_certificate_is_read_back_as_it_was_issued():
    made = certificate()
    assert made.proves
    assert Certificate.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert certificate() == made, "the same content, the same id and sha256"
    assert made.to_dict()["tiers"]["enterprise"] == {
        "missing": 400, "risk": 0.01, "n": 120, "wrong": 1,
    }  # fmt: skip


EDITS = [
    lambda row: row["tiers"]["standard"].update(threshold=0.1),
    lambda row: row["tiers"]["standard"].update(threshold=math.nan),
    lambda row: row["tiers"]["standard"].update(bound=0.2),
    lambda row: row["tiers"]["standard"].update(n="120"),
    lambda row: row["tiers"]["standard"].update(wrong=500),
    lambda row: row["tiers"]["standard"].pop("n"),
    lambda row: row["tiers"].update(premium=row["tiers"]["standard"]),
    lambda row: row["tiers"].update(premium=7),
    lambda row: row.update(tiers=[]),
    lambda row: row.update(confidence=0.99),
    lambda row: row.update(confidence=1),
    lambda row: row.update(risk=0),
    lambda row: row.update(by="colour"),
    lambda row: row.update(labels={}),
    lambda row: row.update(assumptions="none"),
    lambda row: row.update(comment="checked by hand"),
    lambda row: row.update(sha256="0" * 64),
    lambda row: row["hashes"].update(judge="j2"),
    lambda row: row["hashes"].pop("judge"),
    lambda row: row["labels"].update(count=-1),
    lambda row: row.pop("id"),
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_certificate_is_refused_with_the_cure(edit):
    row = certificate().to_dict()
    edit(row)
    with pytest.raises(CertificateError, match=r"certificate\.json cannot be trusted.*calibrate"):
        Certificate.from_dict(row, "certificate.json")


@pytest.mark.parametrize("row", [None, 7, "text", [], {}])
def test_what_is_no_certificate_is_refused(row):
    with pytest.raises(CertificateError):
        Certificate.from_dict(row)


def test_counts_that_prove_nothing_are_refused_though_they_are_sealed():
    with pytest.raises(CertificateError, match="do not prove"):
        certificate(standard=TierBound(0.05, 0.8, 20, 0, 0.04, 0.9, None))


def test_a_certificate_ends_with_any_part_of_the_system():
    made = certificate()
    assert made.holds_for(HASHES) is None
    assert made.holds_for({**HASHES, "generation": "g2"}) == "the knowledge base has changed"
    both = made.holds_for({**HASHES, "judge": "j2", "policy": "p2"})
    assert both == "another judge is in use; the policy has changed"
    assert made.holds_for({}) is not None


def test_a_tier_never_heard_of_gets_the_strictest_bound():
    made = certificate()
    assert made.bound_for("standard", None).threshold == 0.8
    assert made.bound_for("gold", None) == made.tiers["enterprise"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.3), st.floats(0.02, 0.3))
def test_a_lower_risk_never_resolves_more(seed, one, other):
    scores, right = labels(np.random.default_rng(seed), 200, answerable=0.6, lead=2.5)
    made = aims((60, 0.5), (100, 0.5))
    strict, lax = (tried(scores, right, made, risk=risk) for risk in sorted((one, other)))
    if strict.threshold is not None:
        assert lax.threshold <= strict.threshold
