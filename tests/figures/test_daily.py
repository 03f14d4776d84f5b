import csv
import json
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kbsupport.figures.cases import cases_of
from kbsupport.figures.daily import compose
from kbsupport.figures.definitions import DEFINITIONS, NAMES
from kbsupport.figures.metrics import measure
from kbsupport.figures.page import write_page
from kbsupport.figures.tables import daily_tables, write_tables
from kbsupport.figures.wording import lines, markdown
from kbsupport.model import Alarm
from kbsupport.store.gaps import ClosedGap

DOCS = Path(__file__).parents[2] / "docs" / "figures.md"
DAY = timedelta(days=1)
VOID = {"meta", "br", "rect", "line", "hr"}


class Balanced(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def checked(page):
    reader = Balanced()
    reader.feed(page)
    assert reader.open == []
    return reader.tags


def report(made, **given):
    day = (made.tickets[-1].began if made.tickets else made.now).date()
    made.now = made.now.replace(year=2026, month=12, day=20)
    return compose(made.facts(**given), day)


def test_a_day_without_tickets_says_so_everywhere(made, tmp_path):
    found = compose(made.facts(), made.now.date())
    said = f"No case began on {made.now.date()}."
    assert said in markdown(found)
    assert said in write_page(found)
    assert checked(write_page(found))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["today"]["cases"] == 0
    for path in write_tables(daily_tables(found), tmp_path):
        assert path.read_text(encoding="utf-8").splitlines()
    assert "No case began in this period." in "\n".join(lines(found.week))


def test_a_week_like_the_one_before_shows_no_clear_change(made):
    for week in (0, 7):
        for number in range(20):
            made.case(
                "resolve" if number % 2 else "escalate", customer=f"c-{week}-{number}",
                at=made.now - (20 - week) * DAY,
            )  # fmt: skip
    assert {one.change for one in report(made).trends} <= {"no clear change", "nothing to compare"}


def test_a_clear_change_is_named_and_becomes_something_to_do(made):
    for week, answered in ((0, 60), (7, 6)):
        for number in range(60):
            made.case(
                "resolve" if number < answered else "escalate", customer=f"c-{week}-{number}",
                at=made.now - (20 - week) * DAY,
            )  # fmt: skip
    found = report(made)
    changes = {one.key: one.change for one in found.trends}
    assert (changes["answered"], changes["escalated"], changes["cases"]) == (
        "down", "up", "no clear change",
    )  # fmt: skip
    assert any("Answered alone" in one.what for one in found.advice)


def test_the_urgent_comes_first_and_names_its_numbers(made):
    made.case("escalate")
    alarm = Alarm(1, made.now, "audit", None, "more answers are wrong than was certified", {})
    found = report(made, alarms=(alarm,), open_reviews=3)
    assert found.advice[0].urgent
    assert "more answers are wrong" in found.advice[0].why
    assert any("3 reviews are open" in one.why for one in found.advice)


def test_gaps_that_were_closed_are_listed_with_what_it_bought(made):
    made.case("escalate")
    gap = ClosedGap(
        made.now, "alerts/sms", {"tickets": ["T-1", "T-2"]}, {"resolved": 0}, {"resolved": 2}
    )
    found = report(made, gaps=(gap,))
    assert "| alerts/sms | 2 | 0 | 2 |" in markdown(found)


def test_what_strangers_wrote_is_harmless_in_every_format(made, tmp_path):
    made.case("resolve", topic="<script>alert(1)</script>", channel="=1+1|x")
    found = report(made)
    page = write_page(found)
    assert "script" not in checked(page)
    assert "=1+1\\|x" in markdown(found)
    write_tables(daily_tables(found), tmp_path)
    with (tmp_path / "groups.csv").open(encoding="utf-8", newline="") as file:
        groups = {row["group"] for row in csv.DictReader(file)}
    assert "'=1+1|x" in groups


def test_the_page_needs_nothing_from_anywhere(made):
    made.handed_over(made.case("escalate", state="answered"))
    made.case("resolve", customer="c-2")
    page = write_page(report(made))
    tags = checked(page)
    assert tags.count("svg") == 6
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "http" not in page.replace("http-equiv", "")


def test_every_share_in_json_says_what_it_counts(made):
    made.case("resolve")
    facts = made.facts()
    found = measure(facts, cases_of(facts), facts.since, facts.now).to_dict()
    for one in (*found["funnel"], *found["outcomes"], *found["csat"], *found["sla"]):
        assert one["definition"] == DEFINITIONS[one["key"]]
        assert one["denominator"] >= 0
        assert (one["value"] is None) == (one["denominator"] == 0 or one["low"] is None)


def test_groups_and_filters_count_the_same_cases(made):
    for customer, (tier, channel) in enumerate(
        [("standard", "chat"), ("premium", "chat"), ("premium", "mail")]
    ):
        made.case("resolve", tier=tier, channel=channel, customer=f"c-{customer}")
    facts = made.facts()
    cases = cases_of(facts)
    every = measure(facts, cases, facts.since, facts.now)
    premium = measure(facts, cases, facts.since, facts.now, where={"tier": ["premium"]})
    assert {(one.by, one.name): one.cases for one in every.groups}["tier", "premium"] == 2
    assert premium.cases == 2
    assert premium.to_dict()["where"] == {"tier": ["premium"]}


@pytest.mark.parametrize("key", NAMES)
def test_every_figure_is_defined_once_in_the_docs_and_in_the_same_words(key):
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    assert text.count(f"**{NAMES[key]}** | {DEFINITIONS[key]}") == 1
