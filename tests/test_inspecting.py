from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kbsupport.errors import ConfigError, NotFit
from kbsupport.model import Delivery
from kbsupport.store import approvals, conversations

ASKED = "how do i reset the password"


class Writer:
    """Quotes as ever, and adds words of its own."""

    def __init__(self, quotes, added):
        self._quotes, self._added = quotes, added

    def write(self, *given):
        answer = self._quotes.write(*given)
        return answer and replace(answer, text=f"{answer.text} {self._added}")


@pytest.fixture
def desk(plain_app):
    """An app, and an escalation of it that the lead has."""
    reply = plain_app.ask("i want to talk to a human", conversation_id="v-1", customer="c-1")
    (waiting,) = plain_app.desk.list()
    plain_app.desk.claim(waiting.escalation.id, "lead")
    return plain_app, waiting.escalation.id, reply


def sent(app):
    with app.database.read() as connection:
        said = conversations.messages(connection, "v-1")
    return [one.text for one in said if one.delivery is Delivery.PENDING]


@pytest.mark.parametrize(
    "added", ["We guarantee it.", "Ask ann.miller@corp.example.org", "See https://evil.example"]
)
def test_an_answer_with_a_word_beyond_its_quotes_goes_to_a_person(proven_app, added):
    assert proven_app.ask(ASKED).verdict.outcome == "resolve"
    proven_app.writer = Writer(proven_app.writer, added)
    proven_app.__dict__.pop("assistant")
    reply = proven_app.ask(ASKED)
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "quality")
    assert added not in reply.text
    assert reply.ticket_id is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It was paid from DE89 3704 0044 0532 0130 00, as you wished.", ""),
        ("Log in with AKIAIOSFODNN7EXAMPLF and all is well again.", ""),
        ("Please read https://elsewhere.example.org/now and follow it.", "elsewhere.example.org"),
        ("https://a.example.org https://b.example.org", "links"),
        ("x" * 1_000_000, "1000000 signs"),
    ],
)
def test_what_must_not_be_sent_is_held_until_a_person_insists(desk, text, said):
    app, escalation, _ = desk
    with pytest.raises(NotFit, match="--anyway") as held:
        app.people.answer(escalation, "lead", text)
    assert said in str(held.value)
    assert sent(app) == []
    app.people.answer(escalation, "lead", text, anyway=True)
    assert sent(app) == [text]
    assert app.people.verify().fault is None


def test_a_promise_is_warned_of_and_sent(desk):
    app, escalation, _ = desk
    _, checked = app.people.answer(escalation, "lead", "We guarantee that it works by Monday.")
    assert [str(one.fault) for one in checked.findings] == ["promise"]
    assert len(sent(app)) == 1


def test_an_answer_in_another_script_is_warned_of(desk):
    app, escalation, reply = desk
    assert reply.signals.language == "en"
    _, checked = app.people.answer(escalation, "lead", "Пароль можно изменить на странице входа.")
    assert [str(one.fault) for one in checked.findings] == ["language"]


def test_an_empty_answer_is_none(desk):
    app, escalation, _ = desk
    with pytest.raises((NotFit, ConfigError)):
        app.people.answer(escalation, "lead", "   ")
    assert sent(app) == []


@pytest.mark.parametrize("pattern", ["(unclosed", "a(?=b)", "(a)\\\\1"])
def test_a_broken_pattern_of_the_policy_is_named_and_a_person_answers(plain_app, pattern):
    (plain_app.home / "policy.toml").write_text(f'[quality.promises]\nen = ["{pattern}"]\n')
    reply = plain_app.ask(ASKED)
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "failed")
    assert "quality.promises" in reply.error


def test_a_pattern_that_would_take_for_ever_takes_no_time(desk):
    app, escalation, _ = desk
    (app.home / "policy.toml").write_text('[quality.promises]\nen = ["(a+)+$"]\n')
    with pytest.raises(NotFit):
        app.people.answer(escalation, "lead", "a" * 50_000 + "b")


def test_what_a_reviewer_writes_instead_is_checked_too(desk):
    app, escalation, _ = desk
    done = app.desk.answer(escalation, "lead", "It is done.")
    assert done.approval_id is None
    app.people.inspector.pass_edit("A-99", "see https://evil.example.org", anyway=False)
    with app.database.write() as connection:
        asked = approvals.ask_approval(
            connection, escalation_id=escalation, ticket_id=done.ticket_id, why="refund",
            text="We refund it.", asked_by="lead", now=datetime.now(UTC),
        )  # fmt: skip
    with pytest.raises(NotFit, match="evil"):
        app.people.inspector.pass_edit(asked.id, "see https://evil.example.org", anyway=False)
    app.people.inspector.pass_edit(asked.id, "We refund all of it.", anyway=False)
