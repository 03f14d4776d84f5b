"""What waits is decided in spite of what goes wrong beside it."""

from datetime import timedelta

import pytest

from kbsupport.errors import ConfigError, NotFound
from kbsupport.intake import Incoming
from kbsupport.model import Caller, Identity, Role, Scope, State
from kbsupport.store import conversations, waiting

PASSWORD = "how do i reset the password"


def take(app, text=PASSWORD, **given):
    return app.lobby.intake.receive(Incoming(text, **given))


def undecided(app, conversation):
    with app.database.read() as connection:
        waits = waiting.count(connection)
        return len(conversations.undecided(connection, conversation)), waits


def test_what_is_written_while_another_process_finds_nothing_to_do_goes_on_waiting(proven_app):
    """One takes longer than its lease, another takes over, and then both find it done."""
    first = take(proven_app, conversation_id="v-1")
    deciding = proven_app.lobby.deciding
    slow = deciding._take(None)
    proven_app.lobby.deciding._clock = later(proven_app, 61)
    quick = deciding._take(None)
    deciding._decide(slow)
    real = deciding._question

    def meanwhile(taken):
        found = real(taken)
        take(proven_app, "and how do i print my invoice", conversation_id="v-1")
        return found

    deciding._question = meanwhile
    deciding._decide(quick)
    deciding._question = real
    assert undecided(proven_app, "v-1") == (1, 1)
    proven_app.lobby.work.until_done()
    assert undecided(proven_app, "v-1") == (0, 0)
    assert len(proven_app.people.history(first.ticket.id)) == 4


def test_whoever_gives_back_takes_nothing_from_whoever_has_it_now(proven_app):
    take(proven_app, conversation_id="v-1")
    deciding = proven_app.lobby.deciding
    slow = deciding._take(None)
    proven_app.lobby.deciding._clock = later(proven_app, 61)
    assert deciding._take(None) is not None
    with proven_app.database.write() as connection:
        waiting.release(connection, slow)
    assert deciding._take(None) is None


def test_what_failed_before_keeps_nobody_else_waiting(proven_app):
    take(proven_app, conversation_id="v-1")
    deciding = proven_app.lobby.deciding
    deciding._take(None)
    proven_app.lobby.deciding._clock = later(proven_app, 61)
    take(proven_app, conversation_id="v-2")
    assert [deciding._take(None).conversation_id for _ in range(2)] == ["v-2", "v-1"]


def test_a_clock_that_was_set_back_leaves_nothing_undecided(proven_app):
    take(proven_app, conversation_id="v-1")
    proven_app.lobby.deciding._take(None)
    proven_app.lobby.deciding._clock = later(proven_app, -7200)
    assert proven_app.lobby.deciding.one()
    assert undecided(proven_app, "v-1") == (0, 0)


@pytest.mark.parametrize("over", ["answered", "closed"])
def test_a_message_on_a_ticket_that_is_done_is_put_before_people_if_nobody_decides_it(
    proven_app, over
):
    ticket = take(proven_app, conversation_id="v-1").ticket.id
    proven_app.lobby.work.until_done()
    if over == "closed":
        proven_app.desk.close(ticket, "customer")
    take(proven_app, "it still does not work", conversation_id="v-1")
    now = proven_app.people.clock()
    assert proven_app.people.sweep(now + timedelta(minutes=29)).requeued == ()
    assert proven_app.people.sweep(now + timedelta(minutes=31)).requeued == (ticket,)
    assert proven_app.people.ticket(ticket).state is State.QUEUED


def test_thanks_for_a_closed_ticket_do_not_come_back_to_people(proven_app):
    ticket = take(proven_app, conversation_id="v-1").ticket.id
    proven_app.lobby.work.until_done()
    proven_app.desk.close(ticket, "customer")
    take(proven_app, "thank you!", conversation_id="v-1")
    proven_app.lobby.work.until_done()
    later_on = proven_app.people.clock() + timedelta(days=1)
    assert proven_app.people.sweep(later_on).requeued == ()
    assert proven_app.people.ticket(ticket).state is State.CLOSED


def test_a_conversation_that_becomes_a_customers_is_no_strangers_any_more(proven_app):
    from kbsupport.access.seeing import own_conversation, own_ticket

    ticket = take(proven_app, conversation_id="v-1").ticket.id
    visitor = Caller("k", Role.CUSTOMER, frozenset(Scope), conversation_id="v-1", by_token=True)
    customer = Caller("k", Role.CUSTOMER, frozenset(Scope), customer_id="C-1")
    assert own_ticket(proven_app.database, visitor, ticket).id == ticket
    take(proven_app, "my card", conversation_id="v-1", customer_id="C-1", identity=Identity.NAMED)
    assert own_ticket(proven_app.database, customer, ticket).customer_id == "C-1"
    for look, name in ((own_ticket, ticket), (own_conversation, "v-1")):
        with pytest.raises(NotFound):
            look(proven_app.database, visitor, name)


def test_what_fails_for_one_conversation_is_tried_again_and_others_are_decided(proven_app):
    take(proven_app, conversation_id="v-1")
    take(proven_app, conversation_id="v-2")
    keeper = proven_app.assistant._keeper
    real = keeper.keep

    def fails(turn, timed, *, open_ticket):
        if turn.question.conversation_id == "v-1":
            raise ConfigError("the rota cannot be read")
        return real(turn, timed, open_ticket=open_ticket)

    keeper.keep = fails
    proven_app.lobby.work.round()
    assert undecided(proven_app, "v-1")[0] == 1
    assert undecided(proven_app, "v-2")[0] == 0
    keeper.keep = real
    proven_app.lobby.deciding._clock = later(proven_app, 61)
    proven_app.lobby.work.round()
    assert undecided(proven_app, "v-1") == (0, 0)


def later(app, seconds):
    real = app.people.clock
    return lambda: real() + timedelta(seconds=seconds)


def test_a_part_of_the_work_that_fails_holds_up_no_other(proven_app):
    ticket = take(proven_app, conversation_id="v-1").ticket.id
    swept = []

    class Broken:
        def deliver(self, **_):
            raise ConfigError("the notifier is set wrong")

    proven_app.people.outbox = Broken()
    proven_app.people.sweep = lambda: swept.append(ticket)
    with pytest.raises(ConfigError, match="set wrong"):
        proven_app.lobby.work.round()
    assert undecided(proven_app, "v-1") == (0, 0)
    assert swept == [ticket]
