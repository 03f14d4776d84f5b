import csv
import json
from datetime import UTC, datetime

import pytest
from at_desk import Room

from kbsupport.people import People


@pytest.fixture
def room(home, monkeypatch):
    """A desk with something on it."""
    made = Room(home)
    made.now = datetime.now(UTC)
    monkeypatch.setattr(People, "desk", made.desk)
    return made


@pytest.fixture
def worked(kb, room, home):
    one = room.claimed("ana")
    room.desk.answer(one.id, "ana", "It is mended.")
    return lambda *arguments: kb("--home", home, *arguments)


def test_metrics_say_what_became_of_the_cases(worked):
    ran = worked("metrics")
    assert ran.code == 0
    assert "Involvement" in ran.out
    assert "1 case" in ran.out


def test_metrics_as_json_give_each_share_with_its_definition(worked):
    found = worked("metrics", "--json", "--tier", "standard").json
    assert found["cases"] == 1
    assert {"key", "numerator", "denominator", "low", "high", "definition"} <= set(
        found["funnel"][0]
    )
    assert worked("metrics", "--json", "--tier", "premium").json["cases"] == 0


def test_the_report_of_a_day_comes_as_markdown_page_and_tables(worked, tmp_path):
    today = datetime.now(UTC).date().isoformat()
    page, tables = tmp_path / "report.html", tmp_path / "csv"
    ran = worked("report", "daily", "--date", today, "--html", page, "--csv", tables)
    assert ran.code == 0
    assert ran.out.startswith(f"# Support on {today}")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with (tables / "people.csv").open(encoding="utf-8", newline="") as file:
        assert "ana" in {row["id"] for row in csv.DictReader(file)}


def test_a_report_for_a_day_without_tickets_says_so(worked):
    ran = worked("report", "daily", "--date", "2001-01-01")
    assert (ran.code, "No case began on 2001-01-01." in ran.out) == (0, True)
    assert json.loads(worked("report", "daily", "--date", "2001-01-01", "--json").out)["today"][
        "cases"
    ] == 0  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("metrics", "--since", "soon"), "'soon' is no date"),
        (("metrics", "--since", "2026-02-01", "--until", "2026-01-01"), "is not before"),
        (("report", "daily", "--date", "2026-02-30"), "is no day"),
        (("report", "daily", "--html", "/nowhere/at/all.html"), "cannot be written"),
        (("report", "daily", "--csv", "/proc/nowhere"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(worked, arguments, said):
    ran = worked(*arguments, "--quiet")
    assert ran.code == 2
    assert said in ran.says_one_line()
