from dataclasses import replace

import pytest

from kbsupport.errors import ConfigError
from kbsupport.model import Intent
from kbsupport.triage.policy import Costs, default_policy, parse_policy, read_policy


def test_the_shipped_policy_bears_less_for_those_who_pay_more():
    policy = default_policy()
    risks = [policy.for_tier(tier).risk for tier in ("standard", "premium", "enterprise")]
    assert risks == [0.05, 0.02, 0.01]
    assert policy.for_tier("never heard of").risk == 0.01
    assert {"legal", "security", "billing_dispute", "spam"} == set(policy.signals)


def test_a_file_says_only_what_it_wants_otherwise(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text('version = 2\n[escalate]\ntopics = ["billing"]\nintents = ["complaint"]\n')
    policy = read_policy(path)
    assert policy.topics == ("billing",)
    assert policy.intents == (Intent.COMPLAINT,)
    assert policy.signals == default_policy().signals
    assert policy.tiers == default_policy().tiers


def test_tiers_are_taken_whole():
    policy = parse_policy("[tiers.gold]\nrisk = 0.03\n", "ours.toml")
    assert list(policy.tiers) == ["gold"]
    assert policy.for_tier("standard").risk == 0.03
    assert policy.for_tier("standard").frustration is None


def test_details_are_asked_for_by_topic():
    policy = parse_policy('[details]\ndelivery = ["order_number"]\n', "ours.toml")
    assert policy.details_for("delivery") == ("order_number",)
    assert policy.details_for("billing") == policy.details_for(None) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules = 1", ["the policy", "'rules'", "escalate"]),
        ("[escalate]\nrule = 1", ["escalate", "'rule'", "signals, topics"]),
        ('[escalate]\nsignals = ["legl"]', ["escalate.signals", "'legl'", "legal"]),
        ('[escalate]\nintents = ["faqs"]', ["escalate.intents", "'faqs'", "order_status"]),
        ('[escalate]\nsignals = "legal"', ["escalate.signals", "must be a list"]),
        ("[escalate]\nsignals = [1]", ["escalate.signals", "must be a list"]),
        ("[escalate]\nintent_probability = nan", ["escalate.intent_probability", "0 to 1"]),
        ("[escalate]\ncomplexity = 2", ["escalate.complexity", "0 to 1"]),
        ("[tiers.standard]\nrisk = 0", ["tiers.standard.risk", "strictly between"]),
        ("[tiers.standard]\nrisk = 1.0", ["tiers.standard.risk", "strictly between"]),
        ("[tiers.standard]\nrisk = nan", ["tiers.standard.risk", "0 to 1"]),
        ("[tiers.standard]\nrisk = inf", ["tiers.standard.risk", "0 to 1"]),
        ("[tiers.standard]\nrisk = true", ["tiers.standard.risk", "True"]),
        ("[tiers.standard]\nrisk = '5 %'", ["tiers.standard.risk", "5 %"]),
        ("[tiers.standard]\nanger = 1", ["tiers.standard", "'anger'", "frustration"]),
        ("[tiers.standard]\nfrustration = 0.5", ["tiers.standard.risk", "is missing"]),
        ("[tiers]\nstandard = 0.05", ["tiers.standard", "must be a table"]),
        ("[tiers.default]\nrisk = 0.05", ["tiers", "names no tier"]),
        ("[clarify]\nquestions = 1", ["clarify.questions", "2 or more"]),
        ("[clarify]\nquestions = 2.5", ["clarify.questions", "whole number"]),
        ("[clarify]\npair = -inf", ["clarify.pair", "0 to 1"]),
        ("[costs]\nwrong = -1", ["costs.wrong", "0 to"]),
        ("[costs]\nwrong = inf", ["costs.wrong", "0 to"]),
        (
            '[details]\ndelivery = ["shoe_size"]',
            ["details.delivery", "'shoe_size'", "order_number"],
        ),
        ("costs = 3", ["costs", "must be a table"]),
        ("version = 0", ["version", "whole number"]),
        ("version = true", ["version", "whole number"]),
        ("version = ", ["not valid TOML"]),
    ],
)
def test_what_it_does_not_know_is_refused_by_file_key_and_cure(text, words):
    with pytest.raises(ConfigError) as refused:
        parse_policy(text, "ours.toml")
    for word in ["ours.toml", *words]:
        assert word in str(refused.value)


def test_a_file_that_cannot_be_read_is_said_so(tmp_path):
    with pytest.raises(ConfigError, match="there is no policy file"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_policy(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"version = \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_policy(tmp_path / "bytes.toml")


def test_the_hash_is_over_what_decides():
    policy = default_policy()
    assert policy.hash == parse_policy("# a remark\n", "ours.toml").hash
    assert policy.hash == replace(policy, costs=Costs(1, 1, 1)).hash
    one, other = ('["legal", "spam"]', '["spam", "legal"]')
    assert _escalating(one).hash == _escalating(other).hash != policy.hash
    assert replace(policy, pair=0.9).hash != policy.hash


def _escalating(signals):
    return parse_policy(f"[escalate]\nsignals = {signals}", "ours.toml")
