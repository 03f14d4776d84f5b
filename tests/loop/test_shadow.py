from kbsupport.knowledge.rests import Source, rests_on
from kbsupport.loop.shadow import Silent, by_topic
from kbsupport.triage.live import Mode

TEXT = "To reset the password, open the page password and choose forgotten. Then wait a minute."
SOURCES = {
    "password": Source("password", "About the password", TEXT, "https://help.example/password"),
    "garden": Source("garden", "About the garden", "Water the lawn in the evening, not at noon."),
}


def found(answer):
    made = rests_on(answer, SOURCES)
    return None if made is None else made.article_id


def test_an_answer_rests_on_what_it_links_to_names_or_quotes():
    assert found("Please read https://help.example/password") == "password"
    assert found("It is all in garden, I think.") == "garden"
    assert found("Hello! Open the page password and choose forgotten. Bye") == "password"


def test_other_words_rest_on_nothing_one_can_see():
    assert found("You have to ask for a new one.") is None
    assert found("The gardener waters it.") is None
    assert found("") is None


def silent(n, *, topic="a", theirs="x", **more):
    return Silent(f"T-{n}", topic, "x", would_resolve=True, answered=True, theirs=theirs, **more)


def test_a_topic_may_go_live_once_what_people_did_proves_it():
    enough = by_topic([silent(n) for n in range(59)], 0.05)
    assert [row.may_go_live for row in enough] == [True]
    fewer = by_topic([silent(n) for n in range(58)], 0.05)
    assert [row.proposal for row in fewer] == ["1 more that agree would prove it"]
    assert not by_topic([silent(n, theirs="y" if n < 5 else "x") for n in range(80)], 0.05)[
        0
    ].may_go_live


def test_many_topics_are_proven_together():
    rows = by_topic([silent(n, topic=t) for t in "abcd" for n in range(59)], 0.05)
    assert not any(row.may_go_live for row in rows)


def test_a_reviewers_word_counts_before_what_an_answer_looks_like():
    assert silent(1, theirs=None).wrong is None
    assert silent(1, theirs=None, confirmed=True).wrong is False
    assert silent(1, theirs="x", confirmed=False).wrong is True


def test_silence_beside_people_is_held_against_what_they_sent(loop):
    loop.app.loop.switches.set(Mode.SHADOW, None, "lead")
    reply = loop.ask(conversation_id="v-1")
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "shadow")
    assert "reset the password" not in reply.text.lower()
    loop.ask("i demand to speak to a human about the password", conversation_id="v-2")
    (row,) = [r for r in loop.app.loop.shadow() if r.topic == "passwords"]
    assert (row.would_resolve, row.compared) == (1, 0)
    loop.by_a_person(reply, "See password: open the page password and choose forgotten.")
    (row,) = [r for r in loop.app.loop.shadow() if r.topic == "passwords"]
    assert (row.tickets, row.would_resolve, row.compared, row.wrong) == (2, 1, 1, 0)
