"""What customers read: a sentence for every reason, in words that mean something to them."""

import re

import pytest

from kbsupport.adapters.readers import PlainReader
from kbsupport.model import Outcome, Reason, Signals, Verdict
from kbsupport.replies import HANDED_OVER, IN_THEIR_LANGUAGE, words

SAID_OTHERWISE = {
    Reason.THANKS, Reason.GREETING, Reason.CERTIFIED_THRESHOLD, Reason.PRIOR_THRESHOLD,
}  # fmt: skip
# What we call things among ourselves is nothing to a customer.
OURS = re.compile(
    r"probabilit|threshold|certif|polic|judge|evidence|escalat|passage|outcome|verdict|signal"
    r"|ticket|intent|topic|spam|instruction|legal|frustrat|verif|_",
    re.IGNORECASE,
)


def said(outcome, reason, signals=None, titles=("Return a lamp", "Return a valve")):
    return words(Verdict(outcome, reason, "a rule"), signals or Signals(), titles)


def everything_said():
    handed = [said(Outcome.ESCALATE, reason) for reason in Reason]
    asked = [
        said(Outcome.CLARIFY, reason, Signals(missing=("order_number", "product", "version")))
        for reason in (Reason.TWO_CLOSE_ARTICLES, Reason.SEVERAL_QUESTIONS, Reason.MISSING_DETAIL)
    ]
    courtesies = [said(Outcome.REPLY, reason) for reason in (Reason.GREETING, Reason.THANKS)]
    return [*handed, *asked, *courtesies]


def test_every_reason_to_hand_over_has_its_sentence():
    assert HANDED_OVER.keys() == set(Reason) - SAID_OTHERWISE


@pytest.mark.parametrize("reason", HANDED_OVER)
def test_whoever_is_handed_over_is_told_that_a_person_will_see_to_it(reason):
    assert re.search(r"\b(person|one)\b", said(Outcome.ESCALATE, reason))


def test_no_customer_reads_a_word_of_ours():
    for text in everything_said():
        assert not OURS.search(text), text
        assert text == text.strip()
        assert text.endswith((".", "?", "!"))


def test_a_rule_is_for_staff_and_never_for_the_customer():
    verdict = Verdict(Outcome.ESCALATE, Reason.SPAM, "the message reads as spam")
    assert "spam" not in words(verdict, Signals(), ())


def test_who_reads_no_english_is_told_in_a_language_of_his_own_first():
    signals = Signals(language="de", language_probability=0.99)
    german, english = said(Outcome.ESCALATE, Reason.LANGUAGE, signals).split("\n\n")
    assert german == IN_THEIR_LANGUAGE["de"]
    assert english == said(Outcome.ESCALATE, Reason.LANGUAGE, Signals(language="ja"))
    assert said(Outcome.ESCALATE, Reason.COMPLAINT, signals) == HANDED_OVER[Reason.COMPLAINT]


@pytest.mark.parametrize(("language", "text"), IN_THEIR_LANGUAGE.items())
def test_each_of_those_sentences_is_in_the_language_it_says(language, text):
    read = PlainReader().read(text).language
    # Danish and Norwegian are so alike in writing that the reader tells neither for sure.
    assert read == (None if language in ("da", "no") else language)


def test_of_several_questions_the_customer_says_which_comes_first():
    text = said(Outcome.CLARIFY, Reason.SEVERAL_QUESTIONS, titles=())
    assert "Which one comes first?" in text


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("order_number",), "your order number"),
        (("product",), "which product it is about"),
        (("order_number", "version"), "your order number and which version you use"),
        (
            ("order_number", "product", "version"),
            "your order number, which product it is about and which version you use",
        ),
    ],
)
def test_a_missing_detail_is_asked_for_by_its_name(missing, named):
    text = said(Outcome.CLARIFY, Reason.MISSING_DETAIL, Signals(missing=missing), titles=())
    assert f"need to know {named}." in text
    assert text.endswith("?")


def test_of_two_close_articles_both_are_named():
    text = said(Outcome.CLARIFY, Reason.TWO_CLOSE_ARTICLES, titles=("One", "Two", "Three"))
    assert "“One” or “Two”" in text
    assert "Three" not in text
