from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from misbehaving import let_loopback_through
from serving import Talk, in_thread, served
from websockets.exceptions import ConnectionClosed

from kbsupport.intake import Incoming
from kbsupport.model import Role, Scope

ASK = "how do i reset the password"
PERSON = "i want to speak to a person"
LAST = "You are welcome to write again, we read all of it."


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def doors(proven_app):
    """The doors over a few articles with a certificate, on a real socket."""
    with in_thread(proven_app) as made:
        yield made


@pytest.fixture
def page(doors, key_for):
    """The header of a key that stands in a web page of ours."""
    return key_for("customer", visitors=True) | {"Origin": doors.origin}


def bearer(found):
    return {"Authorization": f"Bearer {found['token']}"}


def test_a_question_is_acknowledged_then_answered_with_its_source(doors, page):
    with doors.chat(doors.enter(page)["ticket"]) as socket:
        talk = Talk(socket)
        assert talk.until("state")["ticket_id"] is None
        talk.say("a", ASK)
        assert talk.until("ack") == {"type": "ack", "id": "a", "seq": 1}
        assert talk.until("answered")["author"] == "assistant"
        said = [frame for frame in talk.heard if frame["type"] == "message"]
        assert [one["author"] for one in said] == ["customer", "assistant"]
        assert said[1]["citations"][0]["title"] == "About the password"
        assert "typing" in [frame["type"] for frame in talk.heard]


def test_a_person_joins_answers_and_closes_and_every_socket_hears_of_it(
    doors, page, proven_app, key_for
):
    entered = doors.enter(page)
    with doors.chat(entered["ticket"]) as first:
        mine = Talk(first)
        mine.until("state")
        mine.say("a", PERSON)
        ticket = mine.until("escalated")["ticket_id"]
        staff = doors.enter(key_for("lead"), entered["conversation_id"])
        other = doors.enter(bearer(entered), entered["conversation_id"])
        with doors.chat(other["ticket"]) as second, doors.chat(staff["ticket"]) as third:
            talks = [mine, Talk(second), Talk(third)]
            for talk in talks[1:]:
                assert talk.until("state")["state"] == "queued"
            desk, lead = proven_app.desk, proven_app.people.rota().lead
            held = desk.list()[0].escalation.id
            desk.claim(held, lead.id)
            proven_app.people.answer(held, lead.id, LAST, anyway=True)
            desk.close(ticket, lead.id)
            for talk in talks:
                talk.until("closed")
                assert talk.seqs() == [1, 2, 3]
                told = [frame for frame in talk.heard if frame["type"] == "joined"]
                assert [one["name"] for one in told] == [lead.name]
                last = [frame for frame in talk.heard if frame["type"] == "message"][-1]
                assert (last["text"], last["name"]) == (LAST, lead.name)


def test_what_a_person_wrote_counts_as_read_once_it_was_sent(doors, page, proven_app):
    with doors.chat(doors.enter(page)["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("a", PERSON)
        ticket = talk.until("escalated")["ticket_id"]
        held, lead = proven_app.desk.list()[0].escalation.id, proven_app.people.rota().lead
        proven_app.desk.claim(held, lead.id)
        proven_app.people.answer(held, lead.id, LAST, anyway=True)
        talk.until("answered")
    sent = [one.type for one in proven_app.people.events(0, 100, ticket)]
    assert sent.count("message.sent") == 1


def test_notes_of_staff_are_never_sent(doors, page, proven_app, key_for):
    entered = doors.enter(page)
    with doors.chat(entered["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("a", PERSON)
        talk.until("escalated")
        held, lead = proven_app.desk.list()[0].escalation.id, proven_app.people.rota().lead
        proven_app.desk.claim(held, lead.id)
        proven_app.desk.hand_back(held, lead.id, "between us: be kind")
        while talk.until("state").get("state") != "handed_back":
            pass
        talk.say("b", ASK)
        talk.until("answered")
    again = doors.enter(bearer(entered), entered["conversation_id"])
    with doors.chat(again["ticket"]) as socket:
        late = Talk(socket)
        late.until("state")
    for one in (talk, late):
        assert one.seqs() == [1, 2, 4, 5]
        assert "between us" not in str(one.heard)


def test_the_same_id_twice_is_stored_once_and_acknowledged_twice(doors, page):
    entered = doors.enter(page)
    with doors.chat(entered["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("a", ASK)
        talk.say("a", ASK)
        talk.until("ack", count=2)
        assert [one["seq"] for one in talk.heard if one["type"] == "ack"] == [1, 1]
        talk.say("a", "something else")
        assert talk.until("error")["code"] == "conflict"
    again = doors.enter(bearer(entered), entered["conversation_id"])
    with doors.chat(again["ticket"]) as socket:
        late = Talk(socket)
        late.say("a", ASK)
        assert late.until("ack")["seq"] == 1


def test_a_burst_of_short_messages_is_one_question(doors, page, proven_app):
    with doors.chat(doors.enter(page)["ticket"]) as socket:
        talk = Talk(socket)
        for number, text in enumerate(("how do i", "reset the", "password")):
            talk.say(f"{number}", text)
        talk.until("answered")
        assert talk.seqs() == [1, 2, 3, 4]
    (ticket,) = proven_app.people.tickets(all_states=True)
    assert ticket.question == "how do i\nreset the\npassword"


def test_many_writers_are_heard_in_order_without_a_gap_by_all_and_by_who_comes_back(
    doors, page, proven_app
):
    entered = doors.enter(page)
    name = entered["conversation_id"]

    def write(talk, letter):
        for number in range(15):
            talk.say(f"{letter}{number}", f"{letter} {number}")

    # A third writes as another worker does: only the database knows.
    def elsewhere():
        for number in range(15):
            given = Incoming(f"c {number}", name, channel="chat", join_seconds=0.6)
            proven_app.lobby.intake.receive(given)

    other = doors.enter(bearer(entered), name)
    with doors.chat(entered["ticket"]) as one, doors.chat(other["ticket"]) as two:
        talks = [Talk(one), Talk(two)]
        for talk in talks:
            talk.until("state")
        with ThreadPoolExecutor(3) as pool:
            done = [pool.submit(write, *pair) for pair in zip(talks, "ab", strict=True)]
            done.append(pool.submit(elsewhere))
            for talk in talks:
                talk.until("message", count=45)
            for written in done:
                written.result()
    for talk in talks:
        assert talk.seqs()[:45] == list(range(1, 46))
    again = doors.enter(bearer(entered), name)
    with doors.chat(again["ticket"], after=40) as socket:
        late = Talk(socket)
        late.until("state")
        assert late.seqs()[:5] == [41, 42, 43, 44, 45]


def test_who_was_away_for_long_gets_all_of_it_in_order(doors, page, proven_app):
    entered = doors.enter(page)
    for number in range(260):
        given = Incoming("word " * 20, entered["conversation_id"], channel="chat", key=f"{number}")
        proven_app.lobby.intake.receive(given)
    with doors.chat(entered["ticket"]) as socket:
        talk = Talk(socket)
        talk.until("state")
        assert talk.seqs()[:260] == list(range(1, 261))


def test_a_revoked_key_closes_its_sockets_within_two_seconds(doors, key_for, proven_app):
    header = key_for("customer")
    (made,) = proven_app.lobby.keys.all()
    with doors.chat(doors.enter(header)["ticket"]) as socket:
        talk = Talk(socket)
        talk.until("state")
        proven_app.lobby.keys.revoke(made.id, "test")
        with pytest.raises(ConnectionClosed) as closed:
            talk.until("never", within=2.5)
    assert closed.value.rcvd.code == 4401
    assert proven_app.people.tickets(all_states=True) == []


def test_a_key_ends_even_while_nobody_can_read_what_happened(doors, key_for, proven_app):
    header = key_for("customer")
    (made,) = proven_app.lobby.keys.all()

    def unknown(_):
        raise ValueError("an event of a newer version")

    with doors.chat(doors.enter(header)["ticket"]) as socket:
        talk = Talk(socket)
        talk.until("state")
        doors.house.hub._happened = unknown
        proven_app.lobby.keys.revoke(made.id, "test")
        with pytest.raises(ConnectionClosed) as closed:
            talk.until("never", within=3)
    assert closed.value.rcvd.code == 4401


def test_a_token_that_ends_closes_what_was_opened_with_it(doors, key_for, proven_app):
    keys = proven_app.lobby.keys
    shop = keys.admit(key_for("admin")["Authorization"].removeprefix("Bearer "))
    token = keys.token(shop, 1, customer_id="C-1", conversation_id=None)
    with doors.chat(doors.enter({"Authorization": f"Bearer {token}"})["ticket"]) as socket:
        talk = Talk(socket)
        talk.until("state")
        now = keys._clock
        keys._clock = lambda: now() + timedelta(seconds=61)
        with pytest.raises(ConnectionClosed) as closed:
            talk.until("never", within=2.5)
    assert closed.value.rcvd.code == 4401


def test_staff_read_along_and_answer_by_rest(doors, page, key_for):
    entered = doors.enter(page)
    assert doors.call("/v1/chat/tickets", {}, **key_for("lead"))[0] == 422
    with doors.chat(entered["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("a", ASK)
        talk.until("answered")
    asked = {"conversation_id": entered["conversation_id"]}
    lacking = key_for("specialist", scopes=[Scope.TICKETS_WRITE])
    assert doors.call("/v1/chat/tickets", asked, **lacking)[0] == 403
    assert doors.call("/v1/chat/tickets", asked, **key_for("auditor"))[0] == 403
    with doors.chat(doors.enter(key_for("lead"), entered["conversation_id"])["ticket"]) as socket:
        talk = Talk(socket)
        talk.say("b", "it is me")
        talk.until("state")
        # Which of the two comes first is chance.
        if not (refused := [frame for frame in talk.heard if frame["type"] == "error"]):
            refused = [talk.until("error")]
        assert (refused[0]["code"], talk.seqs()) == ("not_allowed", [1, 2])


def test_somebody_elses_conversation_looks_like_one_that_is_not_there(doors, page, key_for):
    mine = doors.enter(page)
    named = doors.enter(key_for("customer", customer_id="C-2"))
    for entered in (mine, named):
        with doors.chat(entered["ticket"]) as socket:
            talk = Talk(socket)
            talk.say("a", ASK)
            talk.until("ack")
    callers = [page, bearer(doors.enter(page)), key_for("customer", customer_id="C-1")]
    for header in callers:
        for wanted in (mine["conversation_id"], named["conversation_id"], "v-none", "T-1"):
            status, found = doors.call("/v1/chat/tickets", {"conversation_id": wanted}, **header)
            assert (status, found["detail"]) == (
                404, "there is nothing of that id here, or nothing that you may see",
            )  # fmt: skip


def test_a_restart_says_so_and_nothing_is_lost(proven_app, make_app, home, key_for):
    header = key_for("customer")
    with ExitStack() as held:
        with in_thread(proven_app, work=False) as doors:
            talk = Talk(held.enter_context(doors.chat(doors.enter(header)["ticket"])))
            name = talk.until("state")["conversation_id"]
            talk.say("a", ASK)
            talk.until("ack")
        with pytest.raises(ConnectionClosed) as closed:
            talk.until("never")
    assert closed.value.rcvd.code == 1012
    with (
        in_thread(make_app(at=home), port=doors.port) as again,
        again.chat(again.enter(header, name)["ticket"], after=1) as socket,
    ):
        talk = Talk(socket)
        # It may have been decided before this socket was there.
        assert talk.until("message")["seq"] == 2


def test_each_role_may_or_may_not_chat(doors, key_for):
    assert doors.call("/v1/chat/tickets", {}, **key_for(Role.CUSTOMER))[0] == 200
    assert doors.call("/v1/chat/tickets", {}, **key_for(Role.AUDITOR))[0] == 403
    assert doors.call("/v1/chat/tickets", {})[0] == 401
    readonly = key_for(Role.CUSTOMER, scopes=[Scope.TICKETS_READ])
    assert doors.call("/v1/chat/tickets", {}, **readonly)[0] == 403


def test_several_workers_tell_each_other_and_say_when_they_are_ended(
    proven_app, key_for, home, model_cache, tmp_path
):
    header = key_for("customer")
    cache = {"KBSUPPORT_EMBEDDER__CACHE": str(model_cache)}
    proven_app.lobby.intake.receive(Incoming("first", "v-1", "C-1", channel="chat"))
    proven_app.close()
    with ExitStack() as held:
        with served(home, "--no-work", workers=2, log=tmp_path / "log", **cache) as doors:
            talks = []
            for _ in range(6):
                entered = doors.enter(header, "v-1")
                talks.append(Talk(held.enter_context(doors.chat(entered["ticket"], after=1))))
                talks[-1].until("state")
            for number, talk in enumerate(talks):
                talk.say(f"{number}", f"said by {number}")
            for talk in talks:
                talk.until("message", count=6)
                assert talk.seqs() == [2, 3, 4, 5, 6, 7]
        codes = []
        for talk in talks:
            with pytest.raises(ConnectionClosed) as closed:
                talk.until("never")
            codes.append(closed.value.rcvd.code)
    assert set(codes) == {1012}
