import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.model import Evidence, Intent, Outcome, Reason, Signals
from kbsupport.triage.bounds import clopper_pearson_upper
from kbsupport.triage.certificate import TierBound, issue
from kbsupport.triage.policy import SIGNALS, default_policy, parse_policy
from kbsupport.triage.verdict import Case, decide, reaches_number, what_would_change

POLICY = default_policy()
PLAIN = Signals(language="en", language_probability=0.99)
FOUND = Evidence(first_share=0.9, second_share=0.05, coverage=0.8)
CLOSE = Evidence(first_share=0.5, second_share=0.4, coverage=0.8)
CASE = Case(
    tier="standard",
    order=("a", "b"),
    topic="delivery",
    probability=0.9,
    asked_back=False,
    verified=False,
    languages=("en", "de"),
    prior_threshold=0.8,
    require_certificate=False,
)


def proven(threshold, risk=0.05):
    n = 500
    return TierBound(risk, threshold, n, 0, clopper_pearson_upper(0, n, 0.95), 0.9, None)


def certificate(by=None, **tiers):
    return issue(
        tiers, risk=None, confidence=0.95, by=by, created_at="2026-11-21T05:00:00+00:00",
        labels={"source": "a", "from": None, "to": None, "count": 9, "left_out": 0},
        hashes={"generation": "g", "embedder": "e", "judge": "j", "policy": "p"},
    )  # fmt: skip


MISSING = TierBound(0.01, None, 9, 0, 1.0, 0.0, 300)
CERTIFICATE = certificate(standard=proven(0.7), premium=proven(0.95, 0.02), enterprise=MISSING)


def verdict(evidence=FOUND, signals=PLAIN, case=CASE, policy=POLICY, proof=CERTIFICATE):
    return decide(evidence, signals, case, policy, proof)


def ended(*given, **more):
    made = verdict(*given, **more)
    return made.outcome, made.reason


ANY_FLOAT = st.floats()
SHARE = st.floats(0, 1)
WORD = st.sampled_from(["delivery", "billing", "a", "b", "standard", "premium", "gold", ""])


def evidences(floats):
    return st.builds(Evidence, first_share=floats, second_share=floats, coverage=floats)


def signals_of(floats):
    seldom = st.sampled_from([False] * 9 + [True])
    flags = {field.name: seldom for field in fields(Signals) if field.type == "bool"}
    return st.builds(
        Signals,
        **flags,
        language=st.none() | st.sampled_from(["en", "fr"]),
        language_probability=floats,
        sentiment=floats,
        frustration=floats,
        complexity=floats,
        questions=st.integers(0, 3),
        missing=st.just(()) | st.just(("order_number",)),
        intent=st.sampled_from(Intent),
        intent_probability=floats,
    )


def cases(floats):
    return st.builds(
        Case,
        tier=WORD,
        order=st.lists(WORD, unique=True).map(tuple),
        topic=st.none() | WORD,
        probability=floats,
        asked_back=st.booleans(),
        verified=st.booleans(),
        languages=st.just(()) | st.just(("en",)),
        prior_threshold=floats,
        require_certificate=st.booleans(),
    )


policies = st.sampled_from(
    [
        POLICY,
        parse_policy("[escalate]\nsignals = []\ncomplexity = 0.5", "p"),
        parse_policy('[escalate]\ntopics = ["billing"]\nintents = ["faq"]', "p"),
        parse_policy('[automate]\ntopics = ["delivery"]\n[verified]\narticles = ["a"]', "p"),
        parse_policy("[tiers.standard]\nrisk = 0.05\nsentiment = -0.5", "p"),
    ]
)
certificates = st.sampled_from(
    [None, CERTIFICATE, certificate("topic", delivery=proven(0.6), billing=MISSING)]
)
anything = (evidences(ANY_FLOAT), signals_of(ANY_FLOAT), cases(ANY_FLOAT), policies, certificates)
sound = (evidences(SHARE), signals_of(SHARE), cases(SHARE), policies, certificates)


@given(*anything)
def test_whatever_is_given_there_is_one_verdict_and_always_the_same(
    found, said, case, policy, proof
):
    made = decide(found, said, case, policy, proof)
    assert made == decide(found, said, case, policy, proof)
    assert isinstance(made.outcome, Outcome)
    assert isinstance(made.reason, Reason)
    assert made.rule
    assert what_would_change(found, said, case, policy, proof)


@given(*anything)
def test_only_sound_numbers_resolve(found, said, case, policy, proof):
    if decide(found, said, case, policy, proof).outcome is Outcome.RESOLVE:
        for number in (case.probability, case.prior_threshold, found.first_share):
            assert 0 <= number <= 1
        assert math.isfinite(said.frustration)


@given(*sound)
def test_certified_means_that_a_certificate_reaches_so_far(found, said, case, policy, proof):
    made = decide(found, said, case, policy, proof)
    if made.certified:
        assert made.outcome is Outcome.RESOLVE
        assert made.certificate == proof.id
        assert case.probability >= made.threshold
    else:
        assert made.certificate is None
        assert made.outcome is not Outcome.RESOLVE or not case.require_certificate


@given(*sound, SHARE)
def test_a_higher_threshold_never_resolves_more(found, said, case, policy, proof, other):
    low, high = sorted((case.prior_threshold, other))
    strict = decide(found, said, replace(case, prior_threshold=high), policy, proof)
    if strict.outcome is Outcome.RESOLVE:
        lax = decide(found, said, replace(case, prior_threshold=low), policy, proof)
        assert lax.outcome is Outcome.RESOLVE


@given(evidences(SHARE), signals_of(SHARE), cases(SHARE), policies, SHARE, SHARE)
def test_a_certificate_for_less_risk_never_resolves_more(found, said, case, policy, one, other):
    low, high = sorted((one, other))
    case = replace(case, tier="standard", require_certificate=True)
    strict = decide(found, said, case, policy, certificate(standard=proven(high)))
    if strict.outcome is Outcome.RESOLVE:
        lax = decide(found, said, case, policy, certificate(standard=proven(low)))
        assert lax.outcome is Outcome.RESOLVE


@given(*sound, st.sampled_from(sorted(SIGNALS)), WORD)
def test_one_more_rule_never_resolves_more(found, said, case, policy, proof, signal, topic):
    before = decide(found, said, case, policy, proof)
    stricter = replace(policy, signals=(*policy.signals, signal), topics=(*policy.topics, topic))
    if decide(found, said, case, stricter, proof).outcome is Outcome.RESOLVE:
        assert before.outcome is Outcome.RESOLVE


@given(*sound)
def test_what_a_rule_stops_no_probability_resolves(found, said, case, policy, proof):
    sure = replace(case, probability=1.0)
    resolves = decide(found, said, sure, policy, proof).outcome is Outcome.RESOLVE
    if not reaches_number(found, said, case, policy):
        assert not resolves
    elif proof is None and not case.require_certificate:
        assert resolves


@given(*sound)
def test_orders_in_the_message_move_nothing(found, said, case, policy, proof):
    with_them = decide(found, replace(said, instructions=True), case, policy, proof)
    without = decide(found, replace(said, instructions=False), case, policy, proof)
    assert with_them == without


def test_a_certified_threshold_answers_and_says_so():
    made = verdict()
    assert (made.outcome, made.reason) == (Outcome.RESOLVE, Reason.CERTIFIED_THRESHOLD)
    assert (made.certified, made.certificate, made.threshold) == (True, CERTIFICATE.id, 0.7)
    assert made.rule == "probability 0.9000 reaches the certified 0.7000"
    at_it = replace(CASE, probability=0.7)
    assert verdict(case=at_it).certified, "a tie with the threshold is resolved"


def test_each_tier_has_its_own_threshold():
    below = verdict(case=replace(CASE, tier="premium"))
    assert (below.outcome, below.reason) == (Outcome.ESCALATE, Reason.BELOW_THRESHOLD)
    assert below.rule == "probability 0.9000 is below the certified 0.9500"


@pytest.mark.parametrize("tier", ["enterprise", "never heard of"])
def test_without_a_proof_for_the_tier_it_depends_on_what_is_required(tier):
    case = replace(CASE, tier=tier)
    made = verdict(case=case)
    assert (made.outcome, made.reason) == (Outcome.RESOLVE, Reason.PRIOR_THRESHOLD)
    assert (made.certified, made.certificate, made.threshold) == (False, None, 0.8)
    required = verdict(case=replace(case, require_certificate=True))
    assert (required.outcome, required.reason) == (Outcome.ESCALATE, Reason.UNCERTIFIED)
    assert tier in required.rule


def test_by_topic_the_topic_is_looked_up():
    proof = certificate("topic", delivery=proven(0.7))
    required = replace(CASE, require_certificate=True)
    assert verdict(case=required, proof=proof).certified
    for topic in ("billing", None):
        other = replace(required, topic=topic)
        assert ended(case=other, proof=proof) == (Outcome.ESCALATE, Reason.UNCERTIFIED)


def test_no_certificate_and_none_required_is_never_called_certified():
    assert not verdict(proof=None).certified
    required = replace(CASE, require_certificate=True)
    made = verdict(case=required, proof=None)
    assert (made.outcome, made.reason) == (Outcome.ESCALATE, Reason.UNCERTIFIED)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.01, 1.01])
@pytest.mark.parametrize("where", ["probability", "prior_threshold", "first_share", "coverage"])
def test_a_number_that_cannot_be_is_for_a_person(bad, where):
    in_case = where in ("probability", "prior_threshold")
    case = replace(CASE, **{where: bad}) if in_case else CASE
    found = FOUND if in_case else replace(FOUND, **{where: bad})
    made = verdict(found, case=case)
    assert (made.outcome, made.reason) == (Outcome.ESCALATE, Reason.UNSOUND_NUMBERS)
    assert where in made.rule


def test_a_mood_that_is_no_number_is_for_a_person():
    said = replace(PLAIN, frustration=math.nan)
    assert ended(signals=said) == (Outcome.ESCALATE, Reason.UNSOUND_NUMBERS)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Signals(empty=True, asks_for_person=True), (Outcome.ESCALATE, Reason.EMPTY_QUESTION)),
        (Signals(asks_for_person=True, legal=True), (Outcome.ESCALATE, Reason.ASKS_FOR_PERSON)),
        (
            Signals(asks_for_person=True, thanks_only=True),
            (Outcome.ESCALATE, Reason.ASKS_FOR_PERSON),
        ),
        (Signals(thanks_only=True, greeting_only=True), (Outcome.REPLY, Reason.THANKS)),
        (Signals(greeting_only=True), (Outcome.REPLY, Reason.GREETING)),
        (Signals(legal=True), (Outcome.ESCALATE, Reason.LEGAL)),
        (Signals(security=True), (Outcome.ESCALATE, Reason.SECURITY)),
        (Signals(spam=True), (Outcome.ESCALATE, Reason.SPAM)),
        (Signals(billing_dispute=True), (Outcome.ESCALATE, Reason.BILLING_DISPUTE)),
        (Signals(frustration=0.96), (Outcome.ESCALATE, Reason.UPSET)),
        (Signals(questions=2), (Outcome.CLARIFY, Reason.SEVERAL_QUESTIONS)),
        (Signals(missing=("order_number",)), (Outcome.CLARIFY, Reason.MISSING_DETAIL)),
        (
            Signals(language="fr", language_probability=0.95),
            (Outcome.ESCALATE, Reason.LANGUAGE),
        ),
        (
            Signals(language="fr", language_probability=0.5),
            (Outcome.RESOLVE, Reason.CERTIFIED_THRESHOLD),
        ),
        (
            Signals(complaint=True, refund=True, cancellation=True, urgent=True),
            (Outcome.RESOLVE, Reason.CERTIFIED_THRESHOLD),
        ),
    ],
)
def test_the_shipped_rules_in_their_order(said, expected):
    assert ended(signals=said) == expected


def test_every_signal_that_a_policy_can_name_has_its_reason():
    for name, reason in SIGNALS.items():
        policy = replace(POLICY, signals=(name,))
        said = Signals(**{name: True})
        assert ended(signals=said, policy=policy) == (Outcome.ESCALATE, reason)


def test_a_tier_that_pays_more_reaches_a_person_earlier():
    said = replace(PLAIN, frustration=0.85)
    assert ended(signals=said)[1] is Reason.CERTIFIED_THRESHOLD
    assert ended(signals=said, case=replace(CASE, tier="enterprise"))[1] is Reason.UPSET


def test_an_automatable_topic_is_spared_the_mood_but_not_the_law():
    policy = parse_policy('[automate]\ntopics = ["delivery"]', "p")
    furious = replace(PLAIN, frustration=1.0)
    assert ended(signals=furious, policy=policy)[0] is Outcome.RESOLVE
    suing = replace(furious, legal=True)
    assert ended(signals=suing, policy=policy) == (Outcome.ESCALATE, Reason.LEGAL)


def test_topics_and_intents_can_be_left_to_a_person():
    policy = parse_policy('[escalate]\ntopics = ["billing"]\nintents = ["account"]', "p")
    billing = replace(CASE, topic="billing")
    assert ended(case=billing, policy=policy) == (Outcome.ESCALATE, Reason.TOPIC)
    for sure, expected in ((0.7, Reason.INTENT), (0.5, Reason.CERTIFIED_THRESHOLD)):
        said = replace(PLAIN, intent=Intent.ACCOUNT, intent_probability=sure)
        assert ended(signals=said, policy=policy)[1] is expected


def test_what_needs_a_verified_identity_waits_for_it():
    policy = parse_policy('[verified]\ntopics = ["delivery"]\narticles = ["x"]', "p")
    assert ended(policy=policy) == (Outcome.ESCALATE, Reason.UNVERIFIED)
    assert ended(case=replace(CASE, verified=True), policy=policy)[0] is Outcome.RESOLVE
    article = replace(CASE, topic=None, order=("x",))
    assert ended(case=article, policy=policy) == (Outcome.ESCALATE, Reason.UNVERIFIED)


def test_nothing_found_is_for_a_person():
    assert ended(Evidence(), case=replace(CASE, order=())) == (
        Outcome.ESCALATE, Reason.NO_PASSAGE,
    )  # fmt: skip


def test_two_close_articles_are_asked_about_once():
    unsure = replace(CASE, probability=0.5)
    made = verdict(CLOSE, case=unsure)
    assert (made.outcome, made.reason) == (Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES)
    assert "a (0.5000) and b (0.4000) are close" in made.rule
    again = replace(unsure, asked_back=True)
    assert ended(CLOSE, case=again) == (Outcome.ESCALATE, Reason.BELOW_THRESHOLD)
    alone = replace(unsure, order=("a",))
    assert ended(CLOSE, case=alone) == (Outcome.ESCALATE, Reason.BELOW_THRESHOLD)
    assert ended(FOUND, case=unsure) == (Outcome.ESCALATE, Reason.BELOW_THRESHOLD)


@pytest.mark.parametrize("said", [Signals(questions=2), Signals(missing=("version",))])
def test_nothing_is_asked_back_twice(said):
    again = replace(CASE, asked_back=True)
    assert ended(signals=said, case=again)[0] is Outcome.ESCALATE


def changes(**given):
    asked = {"evidence": FOUND, "signals": PLAIN, "case": CASE, "policy": POLICY}
    return what_would_change(**{**asked, "certificate": CERTIFICATE, **given})


def test_it_says_what_probability_was_needed():
    said = changes(case=replace(CASE, probability=0.6))
    assert (
        "with a probability of 0.7000 or more (it was 0.6000), it would have been answered" in said
    )
    said = changes()
    assert "with a probability below 0.7000 (it was 0.9000), it would have gone to a person" in said
    assert "for a customer of the tier premium, it would have gone to a person" in said


def test_it_says_which_signal_or_rule_decided():
    said = changes(signals=replace(PLAIN, legal=True))
    assert said == ("if the message did not read as legal, it would have been answered",)
    policy = parse_policy('[verified]\ntopics = ["delivery"]', "p")
    said = changes(policy=policy)
    assert said == ("if the customer's identity were verified, it would have been answered",)
    case = replace(CASE, require_certificate=True)
    said = changes(case=case, certificate=None)
    assert said == ("if no certificate were required, it would have been answered",)
    said = changes(signals=Signals(language="fr", language_probability=0.95))
    assert said == ("if it were in a language of the articles, it would have been answered",)


def test_it_says_when_no_single_thing_would_have_helped():
    said = changes(signals=replace(PLAIN, legal=True, security=True))
    assert said == ("no single change would have led to another outcome",)
