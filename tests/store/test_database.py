import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from kbsupport.errors import StoreError
from kbsupport.model import Article, Audience, Label, Section, State
from kbsupport.store import artefacts, articles, decisions, generations, labels, tickets
from kbsupport.store.database import PRAGMAS, REVISIONS, Database

MIGRATIONS = Path(articles.__file__).parent / "migrations" / "versions"
ARTICLE = Article(
    "a", "Title", "Text.", sections=(Section(("Title",), 0, 5),), seen_questions=("q?",),
    tags=("t",), audience=Audience.INTERNAL, tiers=("premium",), language="de", product="p",
    url="u", author="w", updated="2026-01-01", extra={"owner": ["x"]}, source="help/a.md",
)  # fmt: skip
BODY = {"outcome": "escalate", "reason": "no_passage"}


def count_up(path, process, times, ready):
    database = Database(path)
    ready.wait()
    for number in range(times):
        with database.write() as connection:
            seen = connection.exec_driver_sql("SELECT held FROM counter").scalar()
            connection.execute(text("UPDATE counter SET held = :held"), {"held": seen + 1})
            name = f"{process}-{number}"
            decisions.save_decision(connection, name, generation=None, question={}, body=BODY)
            tickets.open_ticket(
                connection, conversation_id=name, state=State.QUEUED, customer_id=None,
                tier="standard", question=name, reason="no_passage", decision_id=name, brief={},
                now=datetime.now(UTC),
            )  # fmt: skip
    database.close()


def open_at_once(path, ready, failures):
    ready.wait()
    try:
        Database(path).close()
    except BaseException as error:
        failures.put(repr(error))
        raise


def test_the_settings_that_keep_what_was_acknowledged_are_in_force(sqlite_database):
    database = sqlite_database
    assert database.settings() == PRAGMAS
    assert PRAGMAS["journal_mode"] == "wal"
    assert PRAGMAS["synchronous"] == 2
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    assert database.integrity() == "ok"
    assert database.condition() == "wal, synchronous=2, intact"


def test_four_processes_lose_no_update_and_no_decision(tmp_path, processes):
    path, times = tmp_path / "kbsupport.db", 100
    database = Database(path)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (held INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    ready = processes.Barrier(4)
    workers = [processes.Process(target=count_up, args=(path, n, times, ready)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT held FROM counter").scalar() == 4 * times
        assert connection.exec_driver_sql("SELECT count(*) FROM decision").scalar() == 4 * times
        numbers = connection.exec_driver_sql("SELECT id FROM ticket ORDER BY id").scalars().all()
    assert numbers == list(range(1, 4 * times + 1))
    database.close()


def test_four_first_runs_at_once_make_one_database(tmp_path, processes):
    ready, failures = processes.Barrier(4), processes.Queue()
    path = tmp_path / "kbsupport.db"
    workers = [
        processes.Process(target=open_at_once, args=(path, ready, failures)) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures.empty(), failures.get()
    assert [worker.exitcode for worker in workers] == [0] * 4


def test_a_failed_transaction_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError), database.write() as connection:  # noqa: PT012
        articles.save_version(connection, ARTICLE)
        _ = 1 / 0
    with database.read() as connection:
        assert articles.article_ids(connection) == {}


def test_a_reader_sees_one_moment_and_never_waits_for_a_writer(database):
    with database.read() as reading:
        assert articles.article_ids(reading) == {}
        with database.write() as writing:
            articles.save_version(writing, ARTICLE)
        assert articles.article_ids(reading) == {}
    with database.read() as reading:
        assert list(articles.article_ids(reading).values()) == ["a"]


def test_an_article_comes_back_as_it_went_in(database):
    with database.write() as connection:
        version = articles.save_version(connection, ARTICLE)
        assert articles.find_version(connection, ARTICLE) == version
        made = generations.begin(
            connection, embedder="e", dimension=2, splitter="s", members=[(version, "help/a.md")]
        )
        assert list(articles.load_articles(connection, made)) == [(version, ARTICLE)]


def test_a_newer_schema_is_refused_and_left_alone(where):
    database = Database(where)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer kbsupport.*upgrade"):
        Database(where)
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == "9999"
    database.close()


@pytest.mark.parametrize("damage", ["not a database", "cut", "scribbled header"])
def test_a_damaged_file_is_named_with_a_cure(tmp_path, damage):
    path = tmp_path / "kbsupport.db"
    Database(path).close()
    content = path.read_bytes()
    broken = {
        "not a database": b"hello " * 1000,
        "cut": content[: len(content) // 2],
        "scribbled header": b"\xff" * 100 + content[100:],
    }[damage]
    path.write_bytes(broken)
    with pytest.raises(StoreError, match=r"kbsupport\.db .*damaged.*backup"):  # noqa: PT012
        database = Database(path)
        with database.write() as connection:
            articles.save_version(connection, ARTICLE)
        raise StoreError(f"kbsupport.db damaged backup: {database.integrity()}")


def at_revision(path, revision):
    """An engine over a database as an older kbsupport left it."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    old = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS.parent))
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return old


def test_a_database_of_the_first_revision_is_migrated_with_its_data(tmp_path):
    path = tmp_path / "kbsupport.db"
    old = at_revision(path, "0001")
    with old.begin() as connection:
        version = articles.save_version(connection, ARTICLE)
    old.dispose()

    database = Database(path)
    with database.write() as connection:
        assert articles.load_article(connection, version).text == ARTICLE.text
        decisions.save_decision(connection, "d", generation=None, question={}, body=BODY)
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == REVISIONS[-1]
    database.close()


def test_a_home_that_has_decided_before_there_were_labels_goes_on_with_its_decisions(tmp_path):
    path = tmp_path / "kbsupport.db"
    old = at_revision(path, "0002")
    with old.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO decision (id, created_at, outcome, reason, question, body) VALUES "
            "('d-old', '2026-06-30 08:00:00.000001', 'escalate', 'no_passage',"
            """ '{"text": "Where is it?"}', '{"outcome": "escalate", "reason": "no_passage"}')"""
        )
        connection.exec_driver_sql(
            "INSERT INTO ticket (created_at, state, customer_id, tier, question, reason,"
            " decision_id, brief) VALUES ('2026-06-30 08:00:00.000001', 'queued', 'c', 'standard',"
            " 'Where is it?', 'no_passage', 'd-old', '{}')"
        )
    old.dispose()

    database = Database(path)
    with database.write() as connection:
        decided = decisions.find_decision(connection, "d-old")
        assert decided.body == BODY
        assert decided.inputs is None
        assert decided.created_at == datetime(2026, 6, 30, 8, 0, 0, 1, tzinfo=UTC)
        assert [t.decision_id for t in tickets.tickets(connection)] == ["d-old"]
        decisions.save_decision(
            connection, "d-new", generation=None, question={"text": "And now?"}, body=BODY,
            conversation_id="c-1", inputs={"chunks": []},
        )  # fmt: skip
        labels.save_labels(
            connection, [Label("t-1", "Where is it?", "escalate")], labels.HISTORY, "f", ["h"]
        )
        artefacts.keep(connection, "judge", "abc", {})
    with database.read() as connection:
        assert [e.text for e in decisions.earlier(connection, "c-1")] == ["And now?"]
        assert labels.count(connection) == 1
    database.close()


def test_the_list_of_revisions_is_the_folder_of_migrations():
    files = sorted(path.name.split("_")[0] for path in MIGRATIONS.glob("0*.py"))
    assert list(REVISIONS) == files


def test_the_migrations_make_what_the_tables_say(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlmodel import SQLModel

    def ours(_object, name, kind, *_):
        return (kind, name) != ("column", "rowid")  # SQLite has it in every table

    with database.read() as connection:
        # What a type holds is shown by what comes back; the dialects name them differently.
        opts = {"include_object": ours, "compare_type": database.path is not None}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_folder_name_with_odd_signs_is_taken_literally(tmp_path):
    path = tmp_path / "50% off?mode=ro #1" / "kbsupport.db"
    Database(path).close()
    assert path.is_file()


def as_nobody(path, warm):
    """Open a database as a user who may not write there."""
    code = (
        "import os; from pathlib import Path; from kbsupport.store.database import Database\n"
        f"Database(Path({str(warm)!r})).close()  # what is imported late is out of reach later\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        f"with Database(Path({str(path)!r})).write(): pass"
    )
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "with a database"])
def test_a_folder_that_cannot_be_written_is_named_with_a_cure(tmp_path, filled):
    folder = tmp_path / "locked"
    folder.mkdir()
    if filled:
        database = Database(folder / "kbsupport.db")
        with database.write() as connection:
            articles.save_version(connection, ARTICLE)
        database.close()
        (folder / "kbsupport.db").chmod(0o444)
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(0o755)
    folder.chmod(0o555)
    done = as_nobody(folder / "kbsupport.db", tmp_path / "warm.db")
    folder.chmod(0o755)
    last = done.stderr.strip().splitlines()[-1]
    assert "StoreError" in last
    assert "cannot be written" in last
    assert "--home" in last


def test_what_sqlite_says_of_a_full_disk_becomes_our_words(sqlite_database):
    database = sqlite_database
    with pytest.raises(StoreError, match="is full"), database.write() as connection:  # noqa: PT012
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        articles.save_version(connection, Article("a", "t", "x" * 100_000))


def test_a_checkpoint_waits_for_no_reader_and_undoes_nothing(sqlite_database):
    database = sqlite_database
    with database.write() as connection:
        articles.save_version(connection, ARTICLE)
    log = database.path.with_name("kbsupport.db-wal")
    with database.read() as reading:
        articles.article_ids(reading)
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE article_version SET title = 'x'")
        begun = time.monotonic()
        database.checkpoint()
        assert time.monotonic() - begun < 5
        assert log.stat().st_size > 0
    database.checkpoint()
    assert log.stat().st_size == 0
    assert database.settings() == PRAGMAS
