import pytest


@pytest.fixture
def asked(small):
    return small("proven", "ask", "how do i reset the password", "--json").json


def test_a_decision_is_made_again(small, asked):
    ran = small("proven", "replay", asked["decision_id"])
    assert (ran.code, ran.err) == (0, "")
    assert "decided again, and the same" in ran.out
    assert asked["evidence"]["rule"] in ran.out


def test_the_search_is_made_again(small, asked):
    ran = small("proven", "replay", asked["decision_id"], "--search", "--json")
    assert ran.code == 0
    assert ran.json["same"]
    assert ran.json["searched"]
    assert ran.json["probability"] == {
        "stored": asked["probability"],
        "again": asked["probability"],
    }
    assert ran.json["verdict"]["again"]["certificate"] == asked["certificate"]


def test_what_is_gone_is_said(small, asked, small_kb):
    for name in ("garden", "router", "camera"):
        small("proven", "index", small_kb / f"{name}.md")
    ran = small("proven", "replay", asked["decision_id"], "--search")
    assert ran.code == 1
    assert "gone: generation 1 cannot be searched" in ran.out


def test_a_decision_is_explained(small, asked):
    ran = small("proven", "explain", asked["decision_id"])
    assert (ran.code, ran.err) == (0, "")
    assert "It was answered from password" in ran.out
    assert "What would have led elsewhere:" in ran.out
    row = small("proven", "explain", asked["decision_id"], "--json").json
    assert row["reason"] == asked["reason"]
    assert row["parts"][0].keys() == {"name", "value", "adds", "words"}


@pytest.mark.parametrize("command", ["replay", "explain"])
def test_an_unknown_decision_is_a_negative_result(small, command):
    ran = small("proven", command, "d-none")
    assert (ran.code, ran.out) == (1, "")
    assert "decision_id" in ran.says_one_line()


@pytest.mark.parametrize(
    "command", ["learn", "calibrate", "backtest", "whatif", "replay", "explain"]
)
def test_every_command_has_help_with_examples(small, command):
    ran = small("plain", command, "--help")
    assert ran.code == 0
    assert f"kbsupport {command}" in ran.out
