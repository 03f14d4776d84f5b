"""What only a server does: being named, away, busy, slow or killed; and a whole story on one."""

import hashlib
import sys
from datetime import UTC, datetime

import pytest
from real_servers import cannot_have, free_port
from servers import postgres as servers
from sqlalchemy import make_url, text

from kbsupport.errors import ConfigError, MissingExtra, StoreError
from kbsupport.model import Article, Author, Identity, State
from kbsupport.settings import load
from kbsupport.store import articles, audit, conversations, decisions, postgres, tickets
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = "open-sesame"
QUESTION = "My Grønholm kettle burnt the table and my aunt Ottilie wants a lawyer"


def one_ticket(connection, name):
    """Everything that a question leaves, in one transaction."""
    about = {"channel": "t", "customer_id": None, "identity": Identity.ANONYMOUS, "now": NOW}
    for conversation in (name, "everybody"):
        conversations.begin(connection, conversation, **about)
        conversations.add_message(
            connection, conversation, author=Author.CUSTOMER, text=name, now=NOW
        )
    made = tickets.open_ticket(
        connection, conversation_id=name, state=State.QUEUED, customer_id=None, tier="standard",
        question=name, reason="no_passage", decision_id=name, brief={}, now=NOW, next_action_at=NOW,
    )  # fmt: skip
    audit.append(connection, KEY, actor=name, action="open", subject=made.id, body={}, now=NOW)


def write_many(url, process, times, ready):
    ready.wait()
    database = Database(url)  # all of them are the first
    for number in range(times):
        with database.write() as connection:
            one_ticket(connection, f"{process}-{number}")
    database.close()


def write_until_killed(database, server):
    with database.write() as connection:
        one_ticket(connection, "lost")
        server.kill()
        for _ in range(100):
            connection.execute(text("SELECT pg_sleep(0.05)"))


def as_user(url, name):
    return make_url(url).set(username=name).render_as_string(hide_password=False)


def test_four_processes_migrate_once_and_lose_nothing(postgres_url, processes):
    times = 25
    ready = processes.Barrier(4)
    given = [(postgres_url, process, times, ready) for process in range(4)]
    workers = [processes.Process(target=write_many, args=one) for one in given]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    database = Database(postgres_url)
    with database.read() as connection:
        kept = tickets.tickets(connection, limit=1000)
        said = conversations.messages(connection, "everybody")
        assert audit.verify(connection, KEY) == audit.Verified(4 * times, None)
    database.close()
    assert [int(ticket.id[2:]) for ticket in kept] == list(range(1, 4 * times + 1))
    assert [message.seq for message in said] == list(range(1, 4 * times + 1))
    for process in range(4):
        own = [message.text for message in said if message.text.startswith(f"{process}-")]
        assert own == [f"{process}-{number}" for number in range(times)]


def test_a_server_killed_in_the_middle_keeps_what_was_acknowledged_and_nothing_else():
    if why := servers.missing():
        cannot_have("PostgreSQL", why)
    with servers.cluster() as folder:
        with servers.serving(folder) as server:
            database = Database(server.url)
            with database.write() as connection:
                one_ticket(connection, "kept")
            with pytest.raises(StoreError, match=r"went away \(.+not acknowledged was not kept"):
                write_until_killed(database, server)
            with pytest.raises(StoreError, match=r"cannot be reached \(.+\); start it"):
                Database(server.url)
        with servers.serving(folder):
            with database.write() as connection:  # the same one goes on where it was
                one_ticket(connection, "again")
            with database.read() as connection:
                assert [t.question for t in tickets.tickets(connection)] == ["kept", "again"]
                said = conversations.messages(connection, "everybody")
                assert audit.verify(connection, KEY) == audit.Verified(2, None)
            database.close()
    assert [(message.seq, message.text) for message in said] == [(1, "kept"), (2, "again")]


def test_a_writer_that_waits_too_long_says_so_and_a_reader_never_waits(postgres_url, monkeypatch):
    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "100ms")
    database = Database(postgres_url)
    with database.write() as connection:
        articles.save_version(connection, Article("a", "t", "x"))
        with database.read() as reading:
            assert articles.article_ids(reading) == {}
        with pytest.raises(StoreError, match="is busy: another process"), database.write():
            pass
    with pytest.raises(StoreError, match="only reads"), database.read() as reading:
        articles.save_version(reading, Article("b", "t", "x"))
    with database.write() as connection:
        assert list(articles.article_ids(connection).values()) == ["a"]
    database.close()


def test_whoever_still_reads_keeps_a_table_from_being_written_anew(postgres_url, monkeypatch):
    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "100ms")
    database = Database(postgres_url)
    with database.read() as reading:
        assert articles.article_ids(reading) == {}
        with pytest.raises(StoreError, match="the rows are gone, but another process reads"):
            database.scrub()
    database.scrub()
    database.close()


def test_articles_come_in_the_order_of_their_bytes_whatever_the_server_speaks(postgres_database):
    from kbsupport.store import generations

    names = ["ä", "a", "B", "b", "-a", "A", "a b"]
    with postgres_database.write() as connection:
        stored = [
            (articles.save_version(connection, Article(name, "t", "x")), name) for name in names
        ]
        made = generations.begin(
            connection, embedder="e", dimension=2, splitter="s", members=stored
        )
        found = [article.id for _, article in articles.load_articles(connection, made)]
    assert found == sorted(names, key=str.encode)


def test_what_a_server_cannot_look_into_is_stored_as_what_it_can(postgres_database):
    asked = {"text": "a\0b\udc80 \\u0000 \\\\u0000 Infinity", "n": [float("inf"), -float("inf")]}
    with postgres_database.write() as connection:
        decisions.save_decision(
            connection, "d", generation=None, question=asked, conversation_id="v\0",
            body={"outcome": "escalate", "reason": "no_passage"},
        )  # fmt: skip
        found = decisions.find_decision(connection, "d").question
        inside = text("SELECT question ->> 'text', conversation_id FROM decision")
        assert connection.execute(inside).one() == (found["text"], "v ")
    assert found == asked | {"text": "a b? \\u0000 \\\\u0000 Infinity"}


def test_a_key_too_long_for_a_server_is_said_to_be_so(postgres_database):
    odd = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))
    with (
        pytest.raises(StoreError, match="no id or key of more than 2,700 bytes"),
        postgres_database.write() as connection,
    ):
        one_ticket(connection, odd)


@pytest.mark.parametrize(
    "url",
    [
        "", "kb.db", "mysql://u:{}@h/d", "sqlite:///x?{}", "postgresql+psycopg2://u:{}@h/d",
        "postgresql://u:{}@h", "postgresql://u:{}@h:port/d", "postgresql://u:{}@h/d?x=1",
        "postgresql://u:{}@h/d?sslmode=perhaps", "://{}",
    ],
)  # fmt: skip
def test_a_url_that_leads_nowhere_is_a_wrong_setting_and_not_shown(url):
    with pytest.raises(ConfigError, match=r"\[store\] url") as refused:
        Database(url.format(SECRET))
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_that_is_not_there_is_named_with_a_cure_and_without_its_password(tmp_path):
    for url, named in (
        (f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/kb", "127.0.0.1:"),
        (f"postgresql://u:{SECRET}@/kb?host={tmp_path}", str(tmp_path)),
    ):
        with pytest.raises(StoreError, match=r"cannot be reached \(.+\); start it, or") as refused:
            Database(url)
        assert named in str(refused.value)
        assert SECRET not in str(refused.value)


def test_without_the_driver_the_line_for_pip_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kbsupport\[postgres\]'"):
        Database("postgresql://u@h/d")


def test_a_database_that_cannot_be_used_is_named_with_a_cure(postgres_server, postgres_url):
    away = make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="/nowhere does not exist; make it with createdb"):
        Database(away)
    old = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
    with (
        postgres_server.empty(old) as url,
        pytest.raises(StoreError, match="is not in UTF8; make it with createdb --encoding UTF8"),
    ):
        Database(url)


def test_a_user_who_may_not_is_told_whose_right_is_missing(postgres_server, postgres_url):
    if postgres_server.data is None:
        pytest.skip("no users are made on a server that is not ours")
    with pytest.raises(StoreError, match="refuses this user or password; mend KBSUPPORT_STORE__U"):
        Database(as_user(postgres_url, "nobody_of_that_name"))
    Database(postgres_url).close()
    postgres_server.run("CREATE ROLE kb_reader LOGIN")
    with pytest.raises(StoreError, match="has to own its tables"):
        Database(as_user(postgres_url, "kb_reader"))


def test_the_settings_that_keep_what_was_acknowledged_are_in_force(postgres_database):
    assert postgres_database.settings()["synchronous_commit"] == "on"
    assert postgres_database.condition().startswith("PostgreSQL ")
    assert "synchronous_commit=on" in postgres_database.condition()
    assert postgres_database.integrity() == "ok"
    postgres_database.checkpoint()
    with postgres_database.write() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
    with postgres_database.read() as connection:
        assert connection.exec_driver_sql("SHOW TimeZone").scalar() == "UTC"


def test_the_settings_name_the_server_and_never_its_password(home, monkeypatch):
    from typer.testing import CliRunner

    from kbsupport.cli.main import cli

    url = f"postgresql://kb:{SECRET}@db.example/kb"
    monkeypatch.setenv("KBSUPPORT_STORE__URL", url)
    assert load(home).database == url
    assert load(home, flags={"store": {"url": None}}).database == home / "kbsupport.db"
    for more in ([], ["--json"]):
        shown = CliRunner().invoke(cli, ["--home", str(home), *more, "config", "show"])
        assert "store.url" in shown.output
        assert SECRET not in shown.output
    assert SECRET not in repr(load(home))


def test_a_question_is_answered_by_a_person_and_its_customer_forgotten(
    postgres_server, postgres_url, make_app, small_kb, home
):
    app = make_app(store={"url": postgres_url})
    app.index([small_kb])
    reply = app.ask(QUESTION, customer="c-4711", conversation_id="chat-1", key="k-1")
    assert reply.verdict.outcome == "escalate"
    (waiting,) = app.desk.list()
    app.desk.claim(waiting.escalation.id, "lead")
    app.desk.answer(waiting.escalation.id, "lead", "A new kettle for Ms Grønholm.")
    (message,) = app.people.unread("chat-1")
    assert "A new kettle for Ms Grønholm." in message.text
    app.people.note_read(message)
    assert app.people.ticket(reply.ticket_id).state is State.ANSWERED
    assert app.people.verify().fault is None
    assert app.replay(reply.decision_id).same
    assert not (home / "kbsupport.db").exists()

    done = app.people.erase("c-4711", "lead")
    assert (done.counts["tickets"], done.counts["messages"]) == (1, 3)
    assert app.people.verify().fault is None
    assert app.people.ticket(reply.ticket_id).question == ""
    postgres_server.run("CHECKPOINT")
    for words in (b"Ottilie", b"Ms Gr", b"c-4711"):
        assert [path for path in files(postgres_server, postgres_url) if holds(path, words)] == []
    app.close()
    assert make_app(store={"url": postgres_url}).articles()


def files(server, url):
    """What the server keeps of this database: not its log, which ages out."""
    number = server.run(f"SELECT oid FROM pg_database WHERE datname = '{make_url(url).database}'")
    return [] if server.data is None else sorted((server.data / "base" / str(number)).iterdir())


def holds(path, words):
    return words in path.read_bytes()
