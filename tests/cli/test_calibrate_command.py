import json

import labelled
import pytest

CONTRACT = {"id", "created_at", "risk", "confidence", "tiers", "labels", "hashes", "assumptions"}


@pytest.fixture
def file(tmp_path):
    return lambda made: labelled.write(tmp_path / "labels.jsonl", made)


def test_a_certificate_is_printed_and_kept(small, file, home):
    ran = small("plain", "calibrate", file(labelled.rows()), *"--risk .2 --confidence .8".split())
    assert ran.code == 0
    assert ran.out.startswith("certificate c-")
    row = json.loads((home / "certificate.json").read_text())
    assert row.keys() == CONTRACT | {"by", "sha256"}
    assert row["id"] in ran.out
    assert row["labels"]["source"] == "labels.jsonl"
    looser = "standard (5%), premium (2%), enterprise (1%)"
    assert ran.says_one_line() == f"note: a risk of 0.2 is looser than the policy for {looser}"


def test_json_is_the_certificate_and_more(small, file, home):
    line = "--risk .2 --confidence .8 --learn --json"
    ran = small("plain", "calibrate", file(labelled.rows()), *line.split())
    row = json.loads((home / "certificate.json").read_text())
    assert {key: ran.json[key] for key in row} == row
    assert ran.json["missing"] is None
    assert ran.json["taught"] + ran.json["proved"] == 96
    assert ran.json["set_aside"] == {"unknown_articles": 0, "duplicates": 0, "contradictions": 0}


def test_a_few_labels_set_aside_do_no_harm(small, file):
    rows = [*labelled.rows(), labelled.row("lost", "where is my boat", "boat")]
    ran = small("plain", "calibrate", file(rows), *"--risk .2 --confidence .8".split())
    assert ran.code == 0
    assert "L-lost" in ran.err


def test_no_certificate_is_a_negative_result_with_the_cure(small, file, home):
    ran = small("plain", "calibrate", file(labelled.rows()[:10]), "--json")
    assert ran.code == 1
    assert ran.json["id"] is None
    assert ran.json["missing"] > 0
    assert all(bound["missing"] > 0 for bound in ran.json["tiers"].values())
    assert f"label about {ran.json['missing']} more tickets" in ran.says_one_line()
    assert not (home / "certificate.json").exists()


def test_a_certificate_before_is_withdrawn_when_nothing_is_proven(small, file, home):
    ran = small("proven", "calibrate", file(labelled.rows()[:10]), *"--risk .001".split())
    assert ran.code == 1
    assert not (home / "certificate.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--risk 0", "risk is 0"),
        ("--risk 1", "risk is 1"),
        ("--confidence 0", "confidence is 0"),
        ("--confidence 1", "confidence is 1"),
        ("--risk nan", "risk is nan"),
        ("--risk x", "'--risk'"),
        ("--by colour", "tier or topic"),
    ],
)
def test_what_cannot_be_is_a_usage_error(small, file, options, said):
    ran = small("plain", "calibrate", file(labelled.rows()), *options.split())
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.says_one_line()


def test_a_policy_with_an_unknown_rule_is_a_configuration_error(small, file, home):
    small("plain", "doctor")
    (home / "policy.toml").write_text("[escalate]\nwhen_it_rains = true\n")
    labels = file(labelled.rows())
    for line in (["calibrate", labels], ["backtest", labels], ["learn", labels], ["ask", "hi"]):
        ran = small("plain", *line)
        assert (ran.code, ran.out) == (2, ""), line
        assert "when_it_rains" in ran.says_one_line()
    doctor = small("plain", "doctor", "--json").json
    assert [part["part"] for part in doctor["parts"] if not part["ok"]] == ["triage"]


def test_doctor_names_a_certificate_that_was_edited(small, home):
    assert small("proven", "doctor").code == 0
    path = home / "certificate.json"
    path.write_text(path.read_text().replace('"confidence": 0.8', '"confidence": 0.9'))
    ran = small("proven", "doctor")
    assert ran.code == 3
    assert "certificate.json cannot be trusted" in ran.out


def test_an_edited_certificate_never_certifies_a_decision(small, home):
    asked = "ask", "how do i reset the password", "--json"
    assert small("proven", *asked).json["certified"]
    path = home / "certificate.json"
    path.write_text(path.read_text().replace('"wrong": 0', '"wrong": 1'))
    ran = small("proven", *asked)
    assert not ran.json["certified"]
    assert "certificate.json cannot be trusted" in ran.err
