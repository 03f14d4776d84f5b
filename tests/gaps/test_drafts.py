"""Drafts from people's replies, and articles that contradict each other."""

import pytest

from kbsupport.gaps.conflicts import conflicting
from kbsupport.gaps.outline import outline, sentences, without_persons
from kbsupport.testing import FakeEmbedder

REPLIES = (
    "Dear Mrs Oduya,\nA gift card is valid for three years. Yours, OND-7420085, is not.\nIda",
    "Hi Tom! Gift cards are valid for three years. You can split it over several orders.",
    "A gift card is valid for three years after you bought it. Write to ida@shop.example for more.",
)


def test_what_most_replies_say_comes_first():
    made = outline("gift, card", ["do gift cards expire"], REPLIES)
    assert made.points[0].replies == 3
    assert "valid for three years" in made.points[0].text
    assert "You can split it over several orders." in [point.text for point in made.points]


def test_a_draft_names_nobody():
    said = "\n".join(outline("gift", ["my card OND-7420085 for ida@shop.example"], REPLIES).lines())
    for private in ("Oduya", "OND-", "Tom", "Ida", "ida@", "7420085"):
        assert private not in said
    assert without_persons("call +44 20 7946 0018 about OND-1234567") == "call … about …"


def test_without_replies_the_draft_asks():
    assert outline("gift", ["do they expire"], ()).lines()[-1].startswith("Nobody has answered")


@pytest.mark.parametrize("reply", ["", "Hi!", "Thanks.\nBest regards\nIda", "…" * 10_000])
def test_a_reply_that_says_nothing_gives_no_sentence(reply):
    assert sentences(reply) == []


def test_a_number_that_differs_is_a_contradiction():
    embed = FakeEmbedder().embed
    first = ("a", "You can send an item back within 30 days of delivery. It is free.")
    second = ("b", "You can send an item back within 45 days of delivery. It costs nothing.")
    found = conflicting(first, second, embed)
    assert found is not None
    assert found.conflict.said == (
        "You can send an item back within 30 days of delivery",
        "You can send an item back within 45 days of delivery",
    )
    assert found.concerns(embed(["within how many days can you send an item back"])[0])
    assert conflicting(first, ("c", second[1].replace("45", "30")), embed) is None


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ("It uses 2.4 GHz.", "It cannot use 5 GHz."),
        ("The soup needs 30 minutes.", "A kite flies 45 minutes in strong wind over the sea."),
        ("", "Send an item back within 45 days."),
        ("It is free.", "It costs nothing."),
    ],
)
def test_what_only_looks_like_one_is_none(mine, other):
    assert conflicting(("a", mine), ("b", other), FakeEmbedder().embed) is None
