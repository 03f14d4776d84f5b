from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.desk.briefs import compose
from kbsupport.model import (
    Approval,
    Attachment,
    Author,
    Customer,
    Escalation,
    Level,
    Message,
    State,
    Ticket,
)

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PASSAGE = {
    "article_id": "billing/refunds", "section": "How long it takes",
    "text": "A refund arrives within five days.", "start": 10, "end": 44,
    "term_score": 0.8, "vector_score": 0.75,
}  # fmt: skip


def ticket(number=1, **brief):
    return Ticket(
        id=f"T-{number}", conversation_id=f"v-{number}", state=State.QUEUED, created_at=NOW,
        customer_id="c-1", tier="premium", question="Where is my money?\nI wait.",
        reason="refund", decision_id="d-1", brief=brief,
    )  # fmt: skip


def escalation(**changed):
    given = {
        "id": "E-1", "ticket_id": "T-1", "state": State.ASSIGNED, "opened_at": NOW,
        "topic": "billing", "tier": "premium", "level": Level.SPECIALIST, "language": "en",
        "urgent": True, "priority": 3.75, "why_priority": "urgent ×2.50 · tier ×1.50",
        "first_due": NOW + timedelta(hours=1), "due": NOW + timedelta(hours=8),
        "next_action_at": NOW + timedelta(hours=1), "owner": "bo",
    }  # fmt: skip
    return Escalation(**given | changed)


def said(seq, author, text, by=None, attachments=()):
    return Message(seq, "v-1", seq, author, text, NOW, by=by, attachments=attachments)


def approval():
    return Approval(
        "A-1", "E-1", "T-1", "refund", "We send it.", "bo", NOW, "rejected", "cy", NOW, "too much"
    )


def whole():
    photo = Attachment("bill.png", "image/png", 900, "ab")
    history = [
        said(1, Author.CUSTOMER, "Where is my money?", attachments=(photo,)),
        said(2, Author.ASSISTANT, "A person will answer. Your ticket is T-1."),
        said(3, Author.NOTE, "asked the bank", by="bo"),
    ]
    kept = {
        "rule": "a refund is asked for", "passages": [PASSAGE],
        "tried": [{"asked": "How are refunds paid?", "outcome": "resolve"}],
        "customer": Customer("c-1", "premium", company="Umbrella", products=("camera",)).to_dict(),
    }  # fmt: skip
    one = escalation(draft="It is on its way.")
    return compose(
        one, ticket(**kept), history=history, approvals=[approval()], others=[ticket(), ticket(2)]
    )


def test_a_brief_says_all_that_a_specialist_needs():
    text = "\n".join(whole().lines())
    for words in (
        "E-1 · T-1 · assigned, bo has it · premium · billing · specialist · urgent",
        "first answer due 2026-11-20 11:00 UTC, solved by 2026-11-20 18:00 UTC",
        "handed over: refund: a refund is asked for",
        "priority 3.75: urgent ×2.50 · tier ×1.50",
        "c-1 · premium · anonymous", "company: Umbrella", "products: camera",
        "Where is my money?\n  I wait.",
        "searched the articles; the nearest: billing/refunds",
        "resolve for: How are refunds paid?",
        "the assistant wrote: A person will answer.",
        "3 note bo, 2026-11-20 10:00 UTC: asked the bank",
        "[bill.png, image/png, 900 bytes]",
        "billing/refunds > How long it takes (words 0.80, meaning 0.75)",
        "Suggested reply, from billing/refunds > How long it takes:\n  A refund arrives within",
        "Draft:\n  It is on its way.",
        "A-1 rejected: refund; asked by bo, decided by cy\n  note: too much",
        "T-2 queued",
    ):  # fmt: skip
        assert words in text
    assert "T-1 queued" not in text


def test_a_brief_in_json_has_every_key_and_the_place_of_what_it_suggests():
    row = whole().to_dict()
    assert row.keys() == {
        "escalation", "ticket_id", "question", "reason", "rule", "decision_id", "customer",
        "tried", "passages", "history", "suggested", "draft", "approvals", "other_tickets",
        "elsewhere", "unasked",
    }  # fmt: skip
    place = {key: PASSAGE[key] for key in ("article_id", "section", "start", "end")}
    assert row["suggested"] == {"text": PASSAGE["text"], "sources": [place]}
    assert [one["id"] for one in row["other_tickets"]] == ["T-2"]
    assert row["history"][0]["attachments"][0]["name"] == "bill.png"


def test_a_reply_that_was_written_for_the_ticket_is_suggested_before_a_passage():
    cited = [{"article_id": "a", "section": "", "start": 0, "end": 3}]
    kept = {"passages": [PASSAGE], "suggested": {"text": "Written.", "citations": cited}}
    found = compose(escalation(), ticket(**kept), history=[])
    assert found.suggested.to_dict() == {"text": "Written.", "sources": cited}


@pytest.mark.parametrize("kept", [{}, {"passages": [], "customer": None, "rule": None}])
def test_a_ticket_of_which_nothing_is_known_still_has_a_brief(kept):
    found = compose(escalation(owner=None, state=State.QUEUED), ticket(**kept), history=[])
    assert found.suggested is None
    assert found.customer == {"id": "c-1", "tier": "premium"}
    assert "searched the articles and found none" in "\n".join(found.lines())
    assert found.to_dict()["suggested"] is None


def test_what_is_known_now_fills_in_for_a_ticket_that_kept_nothing_of_its_customer():
    now = Customer("c-1", "premium", name="Jo")
    assert compose(escalation(), ticket(), history=[], customer=now).customer["name"] == "Jo"
    kept = {"customer": {"id": "c-1", "name": "Joan"}}
    then = compose(escalation(), ticket(**kept), history=[], customer=now)
    assert then.customer["name"] == "Joan"


def test_a_customer_whose_system_was_down_is_shown_as_such():
    kept = {"customer": Customer("c-1", "enterprise", reached=False).to_dict()}
    lines = compose(escalation(), ticket(**kept), history=[]).lines()
    assert any("could not be asked" in line for line in lines)
