"""What no article may answer waits in a ticket, with all a person needs."""

import json

import pytest
import shapes

from kbsupport.errors import NotFound, UnknownTier
from kbsupport.model import Audience


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I want to talk to a human", "asks_for_person"),
        ("", "empty_question"),
        ("Who won the football match yesterday evening in Madrid?", "below_threshold"),
    ],
)
def test_what_is_not_answered_waits_with_what_was_found(sample_app, text, reason):
    reply = sample_app.ask(text, customer="C-7", tier="premium")
    decision = reply.to_dict()
    shapes.check(decision)
    assert (decision["outcome"], decision["reason"]) == ("escalate", reason)
    assert decision["answer"] is None
    ticket = sample_app.people.ticket(reply.ticket_id).to_dict()
    assert ticket["question"] == text
    assert ticket["reason"] == reason
    assert (ticket["customer_id"], ticket["tier"]) == ("C-7", "premium")
    assert ticket["brief"]["passages"] == decision["passages"]
    assert reply.ticket_id in decision["reply"]


def test_thanks_and_greetings_need_nobody_and_count_as_no_answer(sample_app):
    before = len(sample_app.people.tickets())
    for text, reason in (("thanks, it works now!", "thanks"), ("hello there", "greeting")):
        decision = sample_app.ask(text).to_dict()
        shapes.check(decision)
        assert (decision["outcome"], decision["reason"]) == ("reply", reason)
        assert decision["answer"] is None
    assert len(sample_app.people.tickets()) == before


def test_no_field_of_a_public_decision_speaks_of_an_internal_article(sample_app):
    hidden = [a for a in sample_app.articles() if a.audience is Audience.INTERNAL]
    assert len(hidden) == 8
    for article in hidden:
        for text in (article.title, article.text[:500], *article.seen_questions):
            for tier in ("standard", "enterprise"):
                decision = sample_app.ask(text, tier=tier).to_dict()
                said = json.dumps(decision["articles"])
                printed = json.dumps({**decision, "signals": None})
                assert not any(json.dumps(other.id) in said for other in hidden)
                assert not any(json.dumps(other.id) in printed for other in hidden)
        inside = sample_app.ask(article.title, audience="internal", tier="enterprise")
        assert article.id in inside.articles


def test_an_article_for_some_tiers_is_hidden_from_the_others(sample_app):
    special = [a for a in sample_app.articles() if a.tiers == ("enterprise",) and a.published]
    assert special
    for article in special:
        assert article.id in sample_app.ask(article.title, tier="enterprise").articles
        for tier in (None, "standard", "premium"):
            assert article.id not in str(sample_app.ask(article.title, tier=tier).to_dict())


def test_an_unindexed_home_takes_the_question_all_the_same(real_app):
    reply = real_app.ask("where is my parcel?")
    shapes.check(reply.to_dict())
    assert reply.error == "nothing is indexed yet; run: kbsupport index PATH"
    assert real_app.people.ticket(reply.ticket_id).question == "where is my parcel?"


def test_a_tier_or_ticket_that_does_not_exist_is_said(sample_app):
    with pytest.raises(UnknownTier, match="standard, premium, enterprise"):
        sample_app.ask("hi", tier="gold")
    with pytest.raises(NotFound, match="T-0"):
        sample_app.people.ticket("T-0")
