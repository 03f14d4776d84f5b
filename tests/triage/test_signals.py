import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.triage.signals import read_signals

TICKETS = Path(__file__).parents[2] / "data" / "tickets.jsonl"


COURTESIES = {"empty", "greeting_only", "thanks_only", "asks_for_person"}


def signals(text):
    return {name for name in COURTESIES if getattr(read_signals(text), name)}


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "Thank you so much!!",
        "thx works now 👍",
        "Perfect, thank you. Have a nice weekend!",
        "hi team, it's fixed, many thanks for your quick help",
        "Vielen Dank!",
        "merci beaucoup",
        "👍",
        "❤️🙏",
    ],
)
def test_nothing_but_thanks_is_thanks(text):
    assert signals(text) == {"thanks_only"}


@pytest.mark.parametrize(
    "text",
    [
        "is it fixed? thanks",
        "is it fixed thanks",
        "have you solved this, thanks",
        "thanks, is everything okay",
        "thanks, works now?",
        "thanks for nothing",
        "thanks but it does not work",
        "Thank you, how do I cancel",
        "thanks in advance",
        "refund please 👍",
        "ok",
        "good",
    ],
)
def test_a_question_is_never_taken_for_thanks(text):
    assert signals(text) == set()


@pytest.mark.parametrize("text", ["hello", "Hi there!", "hello?", "Good morning team", "hey hey"])
def test_nothing_but_a_greeting_is_a_greeting(text):
    assert signals(text) == {"greeting_only"}


@pytest.mark.parametrize("text", ["hi, my hub is red", "there", "all", "good", "morning alarm"])
def test_a_greeting_before_something_else_is_none(text):
    assert signals(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "human please",
        "I want to talk to a real person",
        "can i speak directly to your billing manager",
        "please put me through to someone",
        "i'd like to speak to an employee",
        "could you ring me back tomorrow",
        "I am not a robot and want an actual human",
    ],
)
def test_who_asks_for_a_person_is_heard(text):
    assert "asks_for_person" in signals(text)


@pytest.mark.parametrize(
    "text",
    [
        "how do i transfer a device to another person",
        "can I transfer to someone in my family",
        "how many people can use the app",
        "the person at the door did not ring",
        "do agents install the valve",
    ],
)
def test_people_in_a_question_are_not_asked_for(text):
    assert signals(text) == set()


@pytest.mark.parametrize("text", ["", " \n\t", "\0", "\u200b\u200d\ufeff", "\u2028"])
def test_what_nobody_can_see_is_empty(text):
    assert signals(text) == {"empty"}


@pytest.mark.parametrize("text", ["?", "🙂", "返品", "."])
def test_what_can_be_seen_is_not_empty(text):
    assert signals(text) == set()


def test_no_sample_question_is_taken_for_thanks_or_a_wish_for_a_person():
    rows = [json.loads(line) for line in TICKETS.read_text().splitlines()]
    heard = {"thanks_only": 0, "person_request": 0}
    for row in rows:
        found = read_signals(f"{row.get('subject') or ''}\n\n{row['text']}")
        if found.thanks_only or found.greeting_only:
            assert row["kind"] == "thanks_only", row["text"]
            heard["thanks_only"] += 1
        if found.asks_for_person:
            assert row["expected"] == "escalate", row["text"]
            heard["person_request"] += row["kind"] == "person_request"
    # Of 11 and 12: what is missed goes the way of every other question.
    assert heard["thanks_only"] >= 5
    assert heard["person_request"] >= 11


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "phrase", ["thanks again ", "works great ", "all good now ", "talk to a ", "hi all ", "a"]
)
def test_a_long_message_is_read_in_no_time(phrase):
    read_signals(phrase * (100_000 // len(phrase)) + "x")


@given(st.text())
def test_any_text_can_be_read(text):
    found = read_signals(text)
    assert not (found.empty and (found.thanks_only or found.greeting_only))
    assert not (found.thanks_only and "?" in text)
