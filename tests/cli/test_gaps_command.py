import json

import pytest

ASKED = ["anvil polish hammer", "anvil polish hammer", "my lawyer says anvil", "hello"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tickets.jsonl"
    rows = [{"id": f"A-{n}", "text": text} for n, text in enumerate(ASKED)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_gaps_are_listed_by_kind(small, file):
    ran = small("plain", "gaps", file)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("4 questions looked at.")
    assert "Missing: no article answers (2 tickets in 1 gap)" in ran.out
    assert "In no gap: 1 ask nothing" in ran.out


def test_json_holds_every_gap_and_its_draft(small, file):
    ran = small("plain", "gaps", file, "--json")
    (gap,) = (one for one in ran.json["gaps"] if one["kind"] == "missing")
    assert gap["tickets"] == ["A-0", "A-1"]
    assert gap["outline"]["questions"] == ["anvil polish hammer"]
    assert ran.json["counts"]["missing"] == {"gaps": 1, "tickets": 2}
    assert ran.json["closed"] == []


def test_a_draft_is_printed(small, file):
    ran = small("plain", "gaps", file, "--draft", "1")
    assert ran.out.startswith("# ")
    assert "Nobody has answered these yet" in ran.out


def test_a_desk_without_tickets_has_no_gaps(small):
    ran = small("plain", "gaps")
    assert ran.code == 0
    assert "No ticket went to a person yet" in ran.out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("{file} --draft 7", 2, "--draft 7: there are 1"),
        ("{file} --draft 0", 2, "--draft"),
        ("--dry-run", 2, "needs --after"),
        ("--draft 1 --after parcel", 2, "do not go together"),
        ("none.jsonl", 2, "does not exist"),
        ("{file} --after rocket", 1, "no article 'rocket'"),
        ("{file} --after parcel", 1, "probably answers none"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(small, file, options, code, said):
    ran = small("plain", "gaps", *options.format(file=file).split())
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.says_one_line()
