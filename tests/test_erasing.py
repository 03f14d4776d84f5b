import hashlib
import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlmodel import SQLModel

from kbsupport import erasing
from kbsupport.erasing import erase, pseudonym
from kbsupport.errors import Conflict, NotFound, StoreError
from kbsupport.intake import Incoming
from kbsupport.model import (
    ApiKey,
    Attachment,
    Author,
    Customer,
    Delivery,
    EventType,
    Identity,
    Label,
    Level,
    Role,
    Scope,
    State,
)
from kbsupport.store import (
    api_keys,
    approvals,
    articles,
    audit,
    conversations,
    customers,
    decisions,
    escalations,
    events,
    keys,
    labels,
    requests,
    sqlite,
    tickets,
    waiting,
)
from kbsupport.store.database import Database
from kbsupport.store.requests import REQUEST

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
KEY = bytes(range(32))
# What must not be found again, each written somewhere else.
PLANTED = {
    "id": "C-4711-änne", "name": "Änne Grønholm", "email": "aenne@groenholm.example",
    "phone": "+49 171 5550199", "company": "Grønholm Werft", "preference": "Kaffee schwarz",
    "asked": "My kettle ORD-99812345 has burnt the table", "order": "ORD-99812345",
    "more": "It was a gift of my aunt Ottilie", "answered": "Dear Ms Grønholm, we are sorry",
    "noted": "she sounds like a journalist", "draft": "Dear Änne, a new kettle",
    "asked for": "We refund 89.90 to DE02 1203", "why": "refund of 89.90", "refused": "not so fast",
    "brief": "she bought three kettles", "decided": "the kettle of Ms G.", "input": "kettle-burnt",
    "thread": "mail:aenne@groenholm.example:7", "key": "<4711@groenholm.example>",
    "request": "request-by-4711", "label": "Burnt table, who pays me?", "file": "photo of my table",
    "file name": "grønholm-table.jpg", "failure": "could not tell 4711 of it",
}  # fmt: skip
OTHER = {
    name: f"{text} OTHER" if name != "id" else "C-1" for name, text in PLANTED.items()
}  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def database(home):
    made = Database(home / "kbsupport.db")
    yield made
    made.close()


def plant(database, home, texts, *, state=State.CLOSED, decision="d-1", word="one"):
    """One customer with everything that can be stored of them; their ticket's id."""
    (home / "attachments").mkdir(exist_ok=True)
    sha = keep_file(home, texts["file"])
    with database.write() as connection:
        customers.save_customers(connection, [customer(texts)], NOW)
        held = converse(connection, texts, sha, decision)
        ticket = tickets.open_ticket(
            connection, conversation_id=held, state=State.QUEUED, customer_id=texts["id"],
            tier="premium", topic="kettles", question=texts["asked"], reason="refund",
            decision_id=decision, brief={"customer": [texts["brief"]]}, now=NOW,
            next_action_at=NOW,
        )  # fmt: skip
        decide(connection, texts, decision, held)
        escalated(connection, texts, ticket, state)
        told = {"message": 1, "conversation": held, "who": texts["id"], "words": [texts["asked"]]}
        events.record(connection, EventType.TICKET_CREATED, now=NOW, ticket_id=ticket.id, body=told)
        events.record(connection, EventType.MESSAGE_RECEIVED, now=NOW, body=told)
        keys.keep(connection, texts["request"], "h", {"ticket_id": ticket.id, "t": "x"}, NOW)
        keys.keep(connection, f"{texts['request']} 2", "h", {"text": texts["answered"]}, NOW)
        door(connection, texts, held, word)
        known = Label(
            "L-1", texts["label"], "escalate", customer_id=texts["id"], conversation_id="cv-9"
        )
        labels.save_labels(connection, [known], labels.HISTORY, "f", [f"words {word}"])
        articles.save_embeddings(connection, "fake", [f"words {word}"], np.ones((1, 4), np.float32))
        audit.append(
            connection, KEY, actor="ann", action="claim", subject=ticket.id, body={}, now=NOW
        )
    return ticket.id


def door(connection, texts, held, word):
    """A key, a pass, a request that was answered, and a message that waits."""
    key = ApiKey(word, texts["name"], Role.CUSTOMER, frozenset(Scope), NOW, texts["id"])
    api_keys.add_key(connection, key, "h")
    api_keys.keep_entry(connection, word, {"customer_id": texts["id"]}, held, NOW, NOW)
    begun = requests.begin(connection, word, "h", texts["id"], NOW)
    requests.done(connection, begun, 200, json.dumps({"text": texts["answered"]}))
    given = {"product": texts["brief"]}
    waiting.add(connection, held, now=NOW, ready_at=NOW, cause=1, given=given)


def customer(texts):
    return Customer(
        texts["id"], "premium", name=texts["name"], email=texts["email"], phone=texts["phone"],
        company=texts["company"], preferences={"coffee": texts["preference"]},
    )  # fmt: skip


def keep_file(home, text):
    sha = hashlib.sha256(text.encode()).hexdigest()
    (home / "attachments" / sha).write_text(text, encoding="utf-8")
    return sha


def converse(connection, texts, sha, decision):
    held = conversations.begin(
        connection, texts["thread"], channel="mail", customer_id=texts["id"],
        identity=Identity.NAMED, now=NOW,
    )  # fmt: skip
    file = Attachment(texts["file name"], "image/jpeg", 3, sha)
    said = [
        (Author.CUSTOMER, texts["asked"], {"key": texts["key"], "attachments": [file]}),
        (Author.CUSTOMER, texts["more"], {"by": texts["id"]}),
        (Author.SPECIALIST, texts["answered"], {"delivery": Delivery.PENDING}),
        (Author.NOTE, texts["noted"], {"decision_id": decision}),
    ]
    for author, text, more in said:
        conversations.add_message(connection, held, author=author, text=text, now=NOW, **more)
    return held


def decide(connection, texts, decision, held):
    body = {"outcome": "escalate", "reason": "refund", "reply": texts["decided"]}
    asked = {"text": texts["asked"], "customer_id": texts["id"]}
    for number, given in enumerate([{**asked}, {"text": texts["more"]}, {**asked}]):
        decisions.save_decision(
            connection, decision + "x" * number, generation=None, question=given, body=body,
            conversation_id=held if number == 1 else None, inputs={"found": texts["input"]},
        )  # fmt: skip


def escalated(connection, texts, ticket, state):
    made = escalations.open_escalation(
        connection, ticket.id, topic="kettles", tier="premium", level=Level.FRONTLINE,
        language="de", urgent=True, priority=1.0, why_priority="urgent", first_due=NOW, due=NOW,
        next_action_at=NOW, now=NOW,
    )  # fmt: skip
    asked = approvals.ask_approval(
        connection, escalation_id=made.id, ticket_id=ticket.id, why=texts["why"],
        text=texts["asked for"], asked_by="ann", now=NOW,
    )  # fmt: skip
    approvals.decide_approval(
        connection, asked.id, by="bob", approved=False, note=texts["refused"], now=NOW
    )
    values = {"draft": texts["draft"], "state": str(state)}
    escalations.change(connection, made.id, values, states=[State.QUEUED])
    tickets.move(connection, ticket.id, State.CLOSED, now=NOW)
    if state is not State.CLOSED:
        tickets.move(connection, ticket.id, State.QUEUED, now=NOW)


def found_in(home, texts):
    """Which of these stand in which file, in any of the ways a program would write them."""
    return {
        (name, path.name)
        for path in home.rglob("*")
        if path.is_file()
        for name, text in texts.items()
        for form in forms(text)
        if form in path.read_bytes() or form in os.fsencode(path.name)
    }


def forms(text):
    yield from (text.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"))
    yield json.dumps(text)[1:-1].encode()


def dump(database, *but):
    tables = [t for t in SQLModel.metadata.tables if t not in but]
    with database.read() as connection:
        return {
            table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
            for table in tables
        }


def erase_planted(database, home, now=NOW):
    return erase(database, home, KEY, PLANTED["id"], now)


def test_nothing_of_an_erased_customer_is_found_in_any_file_of_the_home(database, home):
    plant(database, home, PLANTED)
    with database.write() as connection:
        events.note_failure(connection, "crm", PLANTED["failure"], NOW)
    assert {name for name, _ in found_in(home, PLANTED)} == set(PLANTED)
    erased = erase_planted(database, home)
    assert found_in(home, PLANTED) == set()
    assert erased.pseudonym == pseudonym(KEY, PLANTED["id"])
    assert erased.counts == {
        "requests": 3, "keys": 2, "waiting": 1, "reviews": 0, "feedback": 0, "labels": 1,
        "decisions": 3, "approvals": 1,
        "escalations": 1, "tickets": 1,
        "files": 1, "messages": 4, "conversations": 1, "customers": 1,
    }  # fmt: skip
    database.close()
    assert found_in(home, PLANTED) == set()


def test_what_is_kept_of_a_ticket_counts_and_names_nobody(database, home):
    number = plant(database, home, PLANTED)
    with database.read() as connection:
        before = tickets.find_ticket(connection, number)
    erase_planted(database, home)
    with database.read() as connection:
        after = tickets.find_ticket(connection, number)
        assert tickets.without_next_action(connection) == []
        (escalation,) = dump(database)["escalation"]
    assert (after.id, after.created_at, after.tier, after.topic, after.state, after.closed_at) == (
        before.id, before.created_at, "premium", "kettles", State.CLOSED, NOW,
    )  # fmt: skip
    assert (after.customer_id, after.question, after.brief) == (None, "", {})
    assert "kettles" in escalation


def test_another_customer_keeps_everything(database, home):
    plant(database, home, OTHER, decision="d-9", word="other")
    before = dump(database)
    shared = keep_file(home, "the same picture for both")
    plant(database, home, PLANTED)
    for texts in (OTHER, PLANTED):
        with database.write() as connection:
            conversations.add_message(
                connection, texts["thread"], author=Author.CUSTOMER, text="hello", now=NOW,
                attachments=[Attachment("same.png", "image/png", 1, shared)],
            )  # fmt: skip
    erase_planted(database, home)
    after = dump(database)
    for table in ("customer", "decision", "label", "embedding", "idempotency"):
        assert after[table] == before[table]
    for table in ("ticket", "escalation", "approval", "event"):
        assert after[table][: len(before[table])] == before[table]
    assert after["message"][:4] == before["message"]
    assert (home / "attachments" / shared).is_file()
    assert {name for name, _ in found_in(home, OTHER)} == set(OTHER) - {"failure", "order"}


def test_the_audit_log_stays_sound_and_holds_a_pseudonym_alone(database, home):
    plant(database, home, PLANTED)
    erased = erase_planted(database, home)
    with database.read() as connection:
        assert audit.verify(connection, KEY) == audit.Verified(2, None)
        last = events.events(connection)[-1]
    assert (last.type, last.body) == (EventType.CUSTOMER_ERASED, {"customer": erased.pseudonym})
    assert dump(database)["audit"][-1][2:5] == ("operator", "customer.erased", erased.pseudonym)
    assert pseudonym(KEY, "C-4712") != erased.pseudonym != pseudonym(b"other", PLANTED["id"])


@pytest.mark.parametrize("state", [s for s in State if s.with_a_person])
def test_a_customer_whose_ticket_is_with_people_stays_whole(database, home, state):
    number = plant(database, home, PLANTED, state=state)
    before = dump(database)
    with pytest.raises(Conflict, match=rf"{number} .*nothing was erased.*ticket close {number}"):
        erase_planted(database, home)
    assert dump(database) == before
    assert {name for name, _ in found_in(home, PLANTED)} == set(PLANTED) - {"failure"}


def test_a_customer_nobody_knows_is_not_found_and_nothing_changes(database, home):
    plant(database, home, PLANTED)
    before = dump(database)
    for unknown in ("C-4711", "", "%", "c-4711-änne"):
        with pytest.raises(NotFound, match="no customer"):
            erase(database, home, KEY, unknown, NOW)
    assert dump(database) == before


def test_a_customer_that_only_another_system_knows_is_erased_too(database, home):
    with database.write() as connection:
        decide(connection, PLANTED, "d-5", None)
    assert erase_planted(database, home).counts["decisions"] == 2


def test_erasing_again_finishes_what_a_kill_interrupted(database, home, monkeypatch):
    plant(database, home, PLANTED)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_scrub", killed)
        with pytest.raises(KeyboardInterrupt):
            erase_planted(database, home)
    assert found_in(home, PLANTED)
    before = dump(database)
    assert set(erase_planted(database, home).counts.values()) == {0}
    assert found_in(home, PLANTED) == set()
    assert dump(database) == before


def test_a_file_that_cannot_be_removed_keeps_everything(database, home):
    plant(database, home, PLANTED)
    before = dump(database)
    (file,) = (home / "attachments").iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(StoreError, match="nothing was erased"):
        erase_planted(database, home)
    assert dump(database) == before


def test_files_that_a_killed_process_left_go_after_a_day(database, home):
    plant(database, home, PLANTED)
    folder = home / "attachments"
    names = {}
    for name, age in (("a" * 64, 2), ("b" * 64 + ".77", 2), ("c" * 64, 0)):
        (folder / name).write_text("left", encoding="utf-8")
        at = (NOW - timedelta(days=age)).timestamp()
        os.utime(folder / name, (at, at))
        names[name] = age
    erase_planted(database, home)
    assert [path.name for path in folder.iterdir()] == ["c" * 64]


def test_whoever_still_reads_the_old_rows_is_named_and_the_next_run_finishes(
    database, home, monkeypatch
):
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.2)
    plant(database, home, PLANTED)
    reader = sqlite3.connect(home / "kbsupport.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    with pytest.raises(StoreError, match=r"rows are gone, but another process reads"):
        erase_planted(database, home)
    reader.close()
    erase_planted(database, home)
    assert found_in(home, PLANTED) == set()


def test_a_customer_with_more_tickets_than_one_statement_takes_is_erased(
    database, home, monkeypatch
):
    monkeypatch.setattr(erasing, "_AT_ONCE", 3)
    for number in range(10):
        texts = PLANTED | {
            "thread": f"{PLANTED['thread']} {number}", "request": f"{PLANTED['request']} {number}",
            "key": f"{PLANTED['key']} {number}",
        }  # fmt: skip
        plant(database, home, texts, decision=f"d-{number}", word=str(number))
    assert erase_planted(database, home).counts["tickets"] == 10
    assert found_in(home, PLANTED) == set()


def test_the_memory_forgets_the_customers_labels(proven_app):
    with proven_app.database.read() as connection:
        known = labels.load_labels(connection, labels.HISTORY)
    with proven_app.database.write() as connection:
        theirs = Label("L", known[0].label.text, "escalate", customer_id="C-7")
        labels.save_labels(connection, [theirs], labels.HISTORY, "f", [known[0].content_hash])
    proven_app.search("anything")
    kept = list((proven_app.home / "index").glob("memory-*"))
    assert len(kept) == 1
    erase(proven_app.database, proven_app.home, KEY, "C-7", NOW)
    assert not any(path.exists() for path in kept)
    with proven_app.database.read() as connection:
        assert labels.count(connection, labels.HISTORY) == len(known) - 1
    assert known[0].label.text.encode() not in b"".join(
        path.read_bytes() for path in proven_app.home.rglob("*") if path.is_file()
    )
    assert proven_app.search("anything").matches


def test_what_was_streamed_to_somebody_else_is_read_and_stops_nothing(proven_app):
    with proven_app.database.write() as connection:
        for name, said in (("theirs", "C-9"), ("others", "C-8")):
            frames = f'data: {{"who": "{said}"}}\n\ndata: [DONE]\n\n'
            requests.done(connection, requests.begin(connection, name, "h", None, NOW), 200, frames)
    proven_app.lobby.intake.receive(Incoming("hello", customer_id="C-9"))
    proven_app.lobby.work.until_done()
    proven_app.people.erase("C-9", "test")
    with proven_app.database.read() as connection:
        rows = connection.execute(REQUEST.select()).all()
    assert [row.key for row in rows] == ["others"]


def test_every_table_is_either_cleaned_or_free_of_customers():
    cleaned = {
        "approval", "conversation", "customer", "decision", "embedding", "escalation", "event",
        "feedback", "idempotency", "label", "message", "opinion", "review", "subscriber", "ticket",
        "api_key", "entry", "request", "waiting",
    }  # fmt: skip
    free = {
        "alarm", "article_version", "artefact", "audit", "chunk", "gap_closed", "generation",
        "member", "pointer", "source", "endpoint", "dispatch",  # addresses and numbers of events
        "bell", "ring",  # numbers of tickets elsewhere
    }  # fmt: skip
    assert set(SQLModel.metadata.tables) == cleaned | free, "say what erasing does with a new table"
