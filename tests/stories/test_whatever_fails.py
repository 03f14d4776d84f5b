"""A question is kept whole or not at all, whichever statement or system fails on the way."""

import itertools
import sqlite3

import pytest
from sqlalchemy import event

from kbsupport.errors import StoreError, UpstreamError
from kbsupport.model import Customer

HARD = "Where is my parcel? It was due on Monday."


def failing(database, number):
    """Make the database's statement of this number fail; how many there were, and the cure."""
    seen = itertools.count(1)
    ran = []

    def count(*_):
        ran.append(next(seen))
        if ran[-1] == number:
            raise sqlite3.OperationalError("disk I/O error")

    pools = (database._writer, database._reader)
    for pool in pools:
        event.listen(pool, "before_cursor_execute", count)

    def cure():
        for pool in pools:
            event.remove(pool, "before_cursor_execute", count)

    return ran, cure


def kept(app):
    tables = ("conversation", "message", "ticket", "escalation", "decision", "event", "audit")
    with app.database.read() as connection:
        return [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in tables
        ]


def test_whichever_statement_fails_nothing_is_half_kept_and_the_next_try_is_whole(fake_app):
    fake_app.ask("warm up", open_ticket=False)
    for number in itertools.count(1):
        before = kept(fake_app)
        ran, cure = failing(fake_app.database, number)
        try:
            reply = fake_app.ask(HARD, conversation_id=f"v-{number}", key="m-1")
        except (StoreError, sqlite3.OperationalError):
            reply = None
        finally:
            cure()
        if reply is None:
            assert kept(fake_app) == before, f"statement {number} left something behind"
            again = fake_app.ask(HARD, conversation_id=f"v-{number}", key="m-1")
            assert again.ticket_id
        else:
            assert reply.ticket_id, "a person must have it, whatever failed"
        assert fake_app.people.without_next_action() == []
        if len(ran) < number:
            break
    assert number > 15
    assert fake_app.people.verify().fault is None


class Fails:
    """A CRM that fails the n-th time it is asked."""

    def __init__(self, number):
        self._left = number

    def find(self, customer_id):
        self._left -= 1
        if self._left == 0:
            raise UpstreamError("crm", "it is down")
        return Customer(customer_id, "standard")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_whenever_the_crm_fails_the_question_is_taken_by_the_strictest_rules(fake_app, number):
    fake_app.people.crm = Fails(number)
    replies = [fake_app.ask(HARD, customer="C-1", conversation_id=f"v-{n}") for n in range(1, 4)]
    tiers = [reply.customer.tier for reply in replies]
    assert tiers == ["enterprise" if n == number else "standard" for n in range(1, 4)]
    assert all(reply.ticket_id for reply in replies)
    assert "crm is unreachable" in replies[number - 1].notices[-1]


def test_a_customer_reads_the_truth_when_nothing_can_be_looked_up(fake_app):
    reply = fake_app.ask(HARD, conversation_id="v-1")
    assert (reply.verdict.outcome, reply.verdict.reason) == ("escalate", "failed")
    assert "Something went wrong on our side" in reply.text
    assert reply.ticket_id in reply.text
