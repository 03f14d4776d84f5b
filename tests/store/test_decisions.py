import math
from datetime import UTC, datetime, timedelta

import pytest

from kbsupport.store import artefacts, decisions
from kbsupport.store.decisions import Earlier

BODY = {"outcome": "escalate", "reason": "no_passage"}


def decide(connection, name, conversation=None, outcome="escalate"):
    decisions.save_decision(
        connection, name, generation=None, question={"text": f"says {name}"},
        body=BODY | {"outcome": outcome}, conversation_id=conversation,
    )  # fmt: skip


def test_a_decision_comes_back_as_it_was_kept_to_the_last_bit(database):
    shares = [0.1 + 0.2, 1 / 3, 5e-324, -0.0, math.inf]
    body = BODY | {"evidence": {"shares": shares}, "answer": None}
    inputs = {
        "case": {"probability": 0.1 + 0.2},
        "hashes": {"certificate": None},
        "chunks": [[1, "h"]],
    }
    question = {"text": "Wo ist es? \u2028 👍"}
    with database.write() as connection:
        decisions.save_decision(
            connection, "d", generation=7, question=question, body=body, inputs=inputs
        )
    with database.read() as connection:
        found = decisions.find_decision(connection, "d")
    assert (found.id, found.generation, found.question) == ("d", 7, question)
    assert (found.body, found.inputs) == (body, inputs)
    assert str(found.body["evidence"]["shares"]) == str(shares)
    assert abs(datetime.now(UTC) - found.created_at) < timedelta(minutes=1)


def test_a_decision_nobody_made_is_none(database):
    with database.read() as connection:
        assert decisions.find_decision(connection, "d-unknown") is None


def test_a_decision_without_inputs_holds_no_value_there_rather_than_the_word_null(database):
    with database.write() as connection:
        decide(connection, "d")
        held = connection.exec_driver_sql("SELECT inputs IS NULL FROM decision").scalar()
        assert decisions.find_decision(connection, "d").inputs is None
    assert held == 1


def test_a_decision_costs_one_statement(database):
    from sqlalchemy import event

    said = []
    with database.write() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        decisions.save_decision(
            connection, "d", generation=1, question={"text": "q"}, body=BODY,
            conversation_id="c", inputs={"chunks": []},
        )  # fmt: skip
    assert [statement.split()[0] for statement in said] == ["INSERT"]


def test_a_conversation_is_told_by_its_last_questions_the_oldest_first(database):
    with database.write() as connection:
        for number in range(7):
            decide(connection, f"a{number}", "one", "clarify" if number == 6 else "escalate")
            decide(connection, f"b{number}", "two")
            decide(connection, f"c{number}")
    with database.read() as connection:
        told = decisions.earlier(connection, "one")
        assert [e.text for e in told] == [f"says a{n}" for n in range(2, 7)]
        assert told[-1] == Earlier("says a6", "clarify")
        assert len(decisions.earlier(connection, "one", limit=100)) == 7
        assert decisions.earlier(connection, "one", limit=0) == ()
        assert decisions.earlier(connection, "three") == ()


def test_questions_of_the_same_moment_are_told_in_the_order_they_were_kept(database):
    with database.write() as connection:
        for name in ("z", "m", "a"):
            decide(connection, name, "one")
        connection.exec_driver_sql("UPDATE decision SET created_at = '2026-01-01 00:00:00.000000'")
    with database.read() as connection:
        assert [e.text for e in decisions.earlier(connection, "one")] == [
            "says z", "says m", "says a",
        ]  # fmt: skip


def test_a_conversation_is_found_by_its_index_without_reading_or_sorting_all(sqlite_database):
    database = sqlite_database
    from sqlalchemy import event

    asked = []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
        decisions.earlier(connection, "one")
        (statement, values), *_ = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert [step.detail for step in plan] == [
        "SEARCH decision USING INDEX ix_decision_conversation (conversation_id=?)"
    ]


def test_an_artefact_is_kept_once_and_never_changed(database):
    body = {"coefficients": [0.1 + 0.2, -1e-300], "classes": ["b", "a"]}
    with database.write() as connection:
        artefacts.keep(connection, "judge", "abc", body)
        artefacts.keep(connection, "judge", "abc", {"coefficients": []})
    with database.read() as connection:
        assert artefacts.load(connection, "abc") == body
        assert list(artefacts.load(connection, "abc")) == list(body)
        assert artefacts.load(connection, "xyz") is None
        kept = connection.exec_driver_sql("SELECT count(*) FROM artefact").scalar()
    assert kept == 1


@pytest.mark.parametrize("kind", ["judge", "policy", "certificate"])
def test_artefacts_of_every_kind_are_found_by_their_hash_alone(database, kind):
    with database.write() as connection:
        artefacts.keep(connection, kind, f"hash of {kind}", {"kind": kind})
        assert artefacts.load(connection, f"hash of {kind}") == {"kind": kind}
