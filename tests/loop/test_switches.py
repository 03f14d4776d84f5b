import threading
import time

import pytest
from sqlalchemy import text

from kbsupport.errors import ConfigError
from kbsupport.triage.live import Mode


def test_the_kill_switch_reaches_another_process_within_a_second(loop, make_app):
    other = make_app()
    assert loop.ask().verdict.outcome == "resolve"
    begun = time.monotonic()
    other.loop.switches.set(Mode.OFF, None, "lead")
    reply = loop.ask()
    assert time.monotonic() - begun < 1
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "switched_off")
    assert reply.ticket_id is not None
    other.loop.switches.set(Mode.ON, None, "lead")
    assert loop.ask().verdict.outcome == "resolve"


def test_a_topic_has_a_switch_of_its_own(loop):
    loop.app.loop.switches.set(Mode.OFF, "passwords", "lead")
    assert loop.ask().verdict.reason == "switched_off"
    assert loop.ask("where can i see tax for my invoice").verdict.outcome == "resolve"


def test_a_greeting_is_returned_even_when_answers_are_off(loop):
    loop.app.loop.switches.set(Mode.OFF, None, "lead")
    assert loop.ask("hello").verdict.outcome == "reply"


def test_switches_set_at_once_do_not_undo_one_another(loop, make_app):
    topics = [f"topic-{n}" for n in range(8)]
    apps = [make_app() for _ in topics]
    threads = [
        threading.Thread(target=app.loop.switches.set, args=(Mode.OFF, topic, "lead"))
        for app, topic in zip(apps, topics, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(loop.app.loop.switches.live().topics) == set(topics)


@pytest.mark.parametrize("written", ["", "{", "[]", '{"all": "perhaps"}'])
def test_a_file_that_cannot_be_read_answers_nothing_until_it_is_set_anew(loop, written):
    (loop.app.home / "live.json").write_text(written)
    reply = loop.ask()
    assert reply.verdict.reason == "switched_off"
    assert any("live.json" in notice for notice in reply.notices)
    loop.app.loop.switches.set(Mode.ON, None, "lead")
    assert loop.ask().verdict.outcome == "resolve"


def test_a_decision_that_was_held_back_is_replayed_as_it_was(loop):
    loop.app.loop.switches.set(Mode.SHADOW, None, "lead")
    reply = loop.ask()
    loop.app.loop.switches.set(Mode.ON, None, "lead")
    assert loop.app.replay(reply.decision_id).same
    said = " ".join(loop.app.explain(reply.decision_id).would_change)
    assert "if people had not held answers back" in said


def test_why_a_switch_was_set_is_for_the_audit_log_alone(loop):
    loop.app.loop.switches.set(Mode.OFF, "passwords", "lead", "Ottilie Berg complained")
    (event,) = [one for one in loop.app.people.events() if one.type == "switch.changed"]
    assert event.body == {"by": "lead", "topic": "passwords", "mode": "off"}
    with loop.app.database.read() as connection:
        kept = connection.execute(text("select body from audit where action = 'switch.changed'"))
        assert "Ottilie Berg complained" in str(kept.scalar_one())


def test_nothing_is_lifted_where_nothing_is_suspended(loop):
    with pytest.raises(ConfigError, match="nothing is suspended"):
        loop.app.loop.switches.lift("lead", "all is well")


def test_the_kill_switch_works_whatever_else_is_broken(loop):
    (loop.app.home / "policy.toml").write_text("not TOML at all [")
    loop.app.loop.switches.set(Mode.OFF, None, "lead")
    assert loop.app.loop.switches.live().all is Mode.OFF
