import pytest

from kbsupport.errors import ConfigError, Conflict, NotFound
from kbsupport.model import ReviewKind, ReviewState
from kbsupport.store import labels

UNKNOWN = "what do you think of the giraffe and the poem in giraffeland"


def proposed(loop):
    loop.app.loop.collect()
    return loop.app.loop.reviews.queue(ReviewKind.LABEL)


def test_an_answer_by_a_person_proposes_the_article_it_rests_on(loop):
    reply = loop.ask("i want to talk to a human about the garden", conversation_id="v-1")
    assert proposed(loop) == []
    loop.by_a_person(reply, "See garden: open the page garden and choose water.")
    assert proposed(loop) == []  # who asks for a person says nothing of the articles
    reply = loop.ask(UNKNOWN, conversation_id="v-2")
    loop.by_a_person(reply, "We like giraffes, and poems even more than that.")
    (one,) = proposed(loop)
    assert (one.proposed.expected, one.state) == ("escalate", ReviewState.OPEN)
    assert proposed(loop) == [one]  # collected again it is the same one


def test_an_answer_that_did_not_help_is_the_most_useful_label(loop):
    failed = loop.answered(n=1).ticket_id
    loop.app.loop.hearing.hear(failed, by="c-1", helpful=False)
    reply = loop.ask(UNKNOWN, conversation_id="v-2")
    loop.by_a_person(reply, "We like giraffes, and poems even more than that.")
    assert [one.ticket_id for one in proposed(loop)] == [failed, reply.ticket_id]


def test_who_comes_again_on_the_same_topic_within_a_week_was_hardly_helped(loop):
    first = loop.answered(n=1)
    assert proposed(loop) == []
    loop.app.ask("where can i see tax for my invoice", customer="c-1", conversation_id="v-2")
    loop.app.ask("the password forgotten went strange", customer="c-2", conversation_id="v-3")
    assert proposed(loop) == []  # another topic, and another customer
    loop.ask("password reset forgotten", conversation_id="v-4")
    (one,) = proposed(loop)
    assert (one.ticket_id, one.proposed.expected) == (first.ticket_id, "escalate")
    assert "came again" in one.why


def test_two_who_disagree_need_the_lead(loop):
    reply = loop.ask(UNKNOWN, conversation_id="v-1")
    loop.by_a_person(reply, "We like giraffes, and poems even more than that.")
    (one,) = proposed(loop)
    say = loop.app.loop.reviews.label
    assert say(one.id, "ana", ("garden",)).state is ReviewState.AGREED
    with pytest.raises(Conflict, match="ana has said"):
        say(one.id, "ana", ())
    assert say(one.id, "bo", ()).state is ReviewState.DISPUTED
    assert loop.app.loop.reviews.confirmed() == []
    settled = say(one.id, "lead", ())
    assert (settled.state, settled.settled.by) == (ReviewState.AGREED, "lead")
    with pytest.raises(Conflict, match="settled by lead"):
        say(one.id, "cy", ("garden",))


def test_what_was_agreed_on_is_learnt_once_and_unlearnt_when_somebody_disagrees(loop):
    reply = loop.ask(UNKNOWN, conversation_id="v-1")
    loop.by_a_person(reply, "We like giraffes, and poems even more than that.")
    (one,) = proposed(loop)
    loop.app.loop.reviews.label(one.id, "ana", ("garden",))

    def learnt():
        with loop.app.database.read() as connection:
            held = labels.load_labels(connection, labels.HISTORY)
        return [row.label.accept_ids for row in held if row.label.text == UNKNOWN]

    before = learnt()
    assert loop.app.loop.learn().labels == 1
    assert learnt() == [("garden",)]
    assert loop.app.loop.learn() is None
    assert loop.app.loop.reviews.label(one.id, "bo", ()).state is ReviewState.DISPUTED
    assert learnt() == []
    assert before in ([], [()])


def test_the_queue_is_ordered_anew_by_what_each_label_would_settle(loop):
    for n, text in enumerate((UNKNOWN, "is there a chess volcano for this dinosaur")):
        reply = loop.ask(text, conversation_id=f"v-{n}")
        loop.by_a_person(reply, "Nobody here knows, but we shall ask our colleagues.")
    assert {one.worth for one in proposed(loop)} == {1.5}
    assert loop.app.loop.reorder() == 2
    first, second = (one.worth for one in proposed(loop))
    assert (first, 2 < second < 3) == (2.9999, True)


def test_a_failed_answer_comes_before_what_the_judge_doubts_an_audit_and_what_a_rule_decided(loop):
    reply = loop.ask("i dispute that you took 12.80 twice from my card", conversation_id="v-1")
    loop.by_a_person(reply, "One of the two was a hold, and it is gone now.")
    by_rule, failed = reply.ticket_id, loop.answered(n=2).ticket_id
    doubtful = []
    for n, text in enumerate((UNKNOWN, "is there a chess volcano for this dinosaur")):
        reply = loop.ask(text, conversation_id=f"v-{n + 3}")
        loop.by_a_person(reply, "Nobody here knows, but we shall ask our colleagues.")
        doubtful.append(reply.ticket_id)
    loop.app.loop.hearing.hear(failed, by="c-1", helpful=False)
    proposed(loop)
    assert loop.app.loop.reorder() == 3
    waiting = loop.app.loop.reviews.queue()
    tickets = [one.ticket_id for one in waiting]
    assert (tickets[0], set(tickets[1:3])) == (failed, set(doubtful))
    assert [(one.ticket_id, one.worth) for one in waiting[3:]] == [(failed, 2.0), (by_rule, 1.5)]
    assert waiting[3].kind is ReviewKind.AUDIT


def test_every_answer_that_is_drawn_is_audited_and_nothing_else(loop):
    loop.answered(n=1)
    loop.ask()  # without a conversation, and without a ticket
    loop.ask(UNKNOWN)
    loop.app.ask("how do i reset the password", open_ticket=False)  # a trial is sent to nobody
    audits = loop.app.loop.reviews.queue(ReviewKind.AUDIT)
    assert [one.drawn_with for one in audits] == [1.0, 1.0]
    assert all(one.certificate for one in audits)


def test_audits_bound_the_wrong_rate(loop):
    assert loop.audits(True, True, False) is None
    held = loop.app.shelf.standing().certificate.id
    found = loop.app.loop.reviews.audited(held)
    assert (found.drawn, found.judged, found.bound.wrong) == (3, 3, 1)
    assert found.bound.lower < 1 / 3 < found.bound.upper
    assert "1 of 3 audited" in found.line()


def test_too_many_wrong_ones_raise_the_alarm_and_nothing_is_answered_alone(loop):
    raised = loop.audits(*[False] * 20)
    assert raised is not None
    reply = loop.ask()
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "suspended")
    with pytest.raises(ConfigError, match="say why"):
        loop.app.loop.switches.lift("lead", " ")
    loop.app.loop.switches.lift("lead", "the article was mended")
    assert loop.ask().verdict.outcome == "resolve"
    assert [one.ended_at is not None for one in loop.app.loop.reviews.alarms()] == [True]
    types = [str(event.type) for event in loop.app.people.events(limit=1000)]
    assert "alarm.raised" in types
    assert "switch.changed" in types
    assert loop.app.people.verify().fault is None


def test_an_audit_of_what_was_erased_since_is_left_out_of_the_bound(loop):
    ticket = loop.answered(n=1).ticket_id
    loop.app.loop.hearing.hear(ticket, by="c-1", rating=2, comment="my aunt Ottilie says no")
    (one,) = loop.app.loop.reviews.queue()
    loop.app.people.erase("c-1", "lead")
    files = [path.read_bytes() for path in loop.app.home.rglob("*") if path.is_file()]
    assert not any(b"Ottilie" in content for content in files)
    with pytest.raises(NotFound, match="erased"):
        loop.app.loop.reviews.judge(one.id, "ana", right=True)
    found = loop.app.loop.reviews.audited(one.certificate)
    assert (found.drawn, found.judged, found.bound.n) == (1, 0, 0)


def test_a_label_is_no_audit_and_an_unknown_review_is_not_found(loop):
    loop.app.loop.hearing.hear(loop.answered(n=1).ticket_id, by="c-1", helpful=False)
    (one,) = proposed(loop)
    with pytest.raises(ConfigError, match="is no audit"):
        loop.app.loop.reviews.judge(one.id, "ana", right=True)
    for name in ("R-99", "", "T-1"):
        with pytest.raises(NotFound, match="no review"):
            loop.app.loop.reviews.label(name, "ana", ())
