import labelled
import pytest


@pytest.fixture
def file(tmp_path):
    made = [
        labelled.row("a", "reset the login of my password", "password"),
        labelled.row("b", "what about the giraffe in the opera", None),
    ]
    return labelled.write(tmp_path / "export.jsonl", made)


def test_other_costs_are_compared(small, file):
    ran = small("proven", "whatif", file, "--cost", "wrong=60", "--cost", "person=2.5", "--json")
    assert ran.code == 0
    assert ran.json["counts"]["flips"] == 0
    assert ran.json["saves"] == 3.5


def test_another_risk_rests_on_a_proof(small, file):
    ran = small("proven", "whatif", file, "--risk", "0.3")
    assert ran.code == 0
    assert "of 2 tickets" in ran.out
    assert "standard: answers from a probability of" in ran.out


def test_another_policy_is_read(small, file, tmp_path):
    policy = tmp_path / "strict.toml"
    policy.write_text('[tiers.standard]\nrisk = 0.2\n[escalate]\ntopics = ["passwords"]\n')
    ran = small("proven", "whatif", file, "--policy", policy, "--json")
    assert ran.code == 0
    reasons = {flip["id"]: flip["after"]["reason"] for flip in ran.json["flips"]}
    assert reasons["L-a"] == "topic"
    assert ran.json["tiers"].keys() == {"standard"}


@pytest.mark.parametrize(("home_is", "risk"), [("plain", "0.1"), ("proven", "0.001")])
def test_a_risk_that_nothing_proves_is_a_negative_result(small, file, home_is, risk):
    ran = small(home_is, "whatif", file, "--risk", risk)
    assert (ran.code, ran.out) == (1, "")
    assert "calibrate FILE --learn" in ran.says_one_line()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "--risk, --policy or --cost"),
        ("--cost wrong", "write it like wrong=30"),
        ("--cost wrong=much", "write it like wrong=30"),
        ("--cost tears=3", "wrong, person, waiting"),
        ("--cost wrong=-3", "0 or more"),
        ("--cost wrong=nan", "0 or more"),
        ("--risk 0", "strictly between 0 and 1"),
        ("--risk 1", "strictly between 0 and 1"),
        ("--policy none.toml", "there is no policy file"),
        ("--policy {wild}", "when_it_rains"),
    ],
)
def test_what_cannot_be_is_a_usage_error(small, file, tmp_path, options, said):
    wild = tmp_path / "wild.toml"
    wild.write_text("[escalate]\nwhen_it_rains = true\n")
    ran = small("proven", "whatif", file, *options.format(wild=wild).split())
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.says_one_line()
