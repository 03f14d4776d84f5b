import stat
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from kbsupport.errors import StoreError
from kbsupport.store import audit
from kbsupport.store.audit import Anchor, Verified
from kbsupport.store.database import Database

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
KEY = bytes(range(32))
SOUND = Verified(9, None)


def note(connection, key=KEY, **given):
    row = {
        "actor": "ann", "action": "claim", "subject": "E-1", "body": {"b": [1], "a": None},
        "now": NOW,
    }  # fmt: skip
    audit.append(connection, key, **(row | given))


def unlock(connection):
    """What somebody with the file or the server in their hands can do first."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        return
    for verb in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(f"DROP TRIGGER audit_no_{verb}")


def note_many(path, times, ready):
    database = Database(path)
    ready.wait()
    for _ in range(times):
        with database.write() as connection:
            note(connection)
    database.close()


def make_key(path, ready, keys):
    ready.wait()
    keys.put(audit.read_key(path))


@pytest.fixture
def log(database):
    """A log of nine rows."""
    with database.write() as connection:
        for number in range(9):
            note(connection, subject=f"E-{number + 1}", now=NOW + timedelta(minutes=number))
        assert audit.verify(connection, KEY) == SOUND
    return database


def tampered(log, *statements, key=KEY, anchor=None):
    with log.write() as connection:
        unlock(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)
        return audit.verify(connection, key, anchor)


def test_a_log_that_nobody_touched_is_sound(database):
    with database.write() as connection:
        assert audit.verify(connection, KEY) == Verified(0, None)
        assert audit.head(connection) == Anchor(0, "")
        note(connection, actor="Jörg \u2028 👍", body={})
        note(connection, now=NOW.astimezone(timezone(timedelta(hours=2))))
        anchor = audit.head(connection)
        assert anchor.rows == 2
        note(connection)
        rows = connection.exec_driver_sql("SELECT at, hash FROM audit").all()
    assert rows[1].at == NOW.isoformat()
    assert len({row.hash for row in rows}) == 3
    with database.read() as connection:
        assert audit.verify(connection, KEY, anchor) == Verified(3, None)
        assert audit.verify(connection, KEY, Anchor(0, "")) == Verified(3, None)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit WHERE id = 9"]
)
def test_the_database_refuses_to_change_the_log(log, statement):
    with pytest.raises(StoreError, match="the audit log is append-only"), log.write() as connection:
        connection.exec_driver_sql(statement)
    with log.read() as connection:
        assert audit.verify(connection, KEY) == SOUND


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "2026-07-01T09:30:00+00:00"), ("actor", "eve"), ("action", "close"),
        ("subject", "E-10"), ("body", '{"a": null, "b": [1]}'), ("hash", "0" * 64),
        ("hash", "é"), ("actor", b"ann"), ("body", 1), ("actor", "ann\0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("row", [2, 5, 9])
def test_an_edited_row_is_named(log, column, value, row):
    # A column of a server holds text and nothing else.
    put = value if log.path else str(value)
    with log.write() as connection:
        unlock(connection)
        edit = text(f"UPDATE audit SET {column} = :put WHERE id = {row}")
        connection.execute(edit, {"put": put})
        found = audit.verify(connection, KEY)
    assert found == Verified(
        row - 1, f"row {row} is not as it was written, or was written with another key"
    )


@pytest.mark.parametrize("row", [1, 4, 8])
def test_a_row_that_was_taken_out_is_named(log, row):
    found = tampered(log, f"DELETE FROM audit WHERE id = {row}")
    assert found == Verified(row - 1, f"row {row} is missing")


@pytest.mark.parametrize("row", [1, 4, 8])
def test_taking_a_row_out_and_moving_the_others_up_is_found(log, row):
    found = tampered(
        log,
        f"DELETE FROM audit WHERE id = {row}",
        f"UPDATE audit SET id = id - 1 WHERE id > {row}",
    )
    assert found.rows == row - 1
    assert found.fault.startswith(f"row {row} is not as it was written")


def test_rows_in_another_order_are_found(log):
    found = tampered(
        log,
        "UPDATE audit SET id = 99 WHERE id = 3",
        "UPDATE audit SET id = 3 WHERE id = 6",
        "UPDATE audit SET id = 6 WHERE id = 99",
    )
    assert found.rows == 2
    assert found.fault.startswith("row 3 is not as it was written")


@pytest.mark.parametrize("id", [0, -7])
def test_a_row_before_the_first_is_found(log, id):
    columns = "at, actor, action, subject, body, hash"
    copied = f"INSERT INTO audit (id, {columns}) SELECT {id}, {columns} FROM audit WHERE id = 1"
    assert tampered(log, copied) == Verified(0, f"row {id} was put in")


def test_a_forged_row_at_the_end_is_found(log):
    columns = "at, actor, action, subject, body, hash"
    forged = f"INSERT INTO audit (id, {columns}) SELECT 10, {columns} FROM audit WHERE id = 9"
    found = tampered(log, forged)
    assert found.rows == 9
    assert found.fault.startswith("row 10 is not as it was written")


@pytest.mark.parametrize("left", [0, 1, 7, 8])
def test_a_log_that_was_cut_off_is_found_by_its_anchor(log, left):
    with log.read() as connection:
        anchor = audit.head(connection)
    cut = f"DELETE FROM audit WHERE id > {left}"
    found = tampered(log, cut, anchor=anchor)
    words = f"rows {left + 1} to 9 are missing: the end of the log was cut off"
    assert found == Verified(left, words)


def test_a_log_that_was_cut_off_and_written_on_is_found_by_its_anchor(log):
    with log.write() as connection:
        anchor = audit.head(connection)
        unlock(connection)
        connection.exec_driver_sql("DELETE FROM audit WHERE id > 6")
        for _ in range(9):
            note(connection)
        assert audit.verify(connection, KEY) == Verified(15, None)
        found = audit.verify(connection, KEY, anchor)
    assert found.rows == 8
    assert found.fault == "row 9 is not the one that the anchor names: the log was written anew"


def test_a_log_written_anew_without_the_key_is_found(log):
    with log.write() as connection:
        unlock(connection)
        connection.exec_driver_sql("DELETE FROM audit")
        for _ in range(9):
            note(connection, bytes(32))
        assert audit.verify(connection, bytes(32)) == SOUND
        found = audit.verify(connection, KEY)
    assert found == Verified(0, "row 1 is not as it was written, or was written with another key")


def test_four_processes_write_one_chain(tmp_path, processes):
    path = tmp_path / "kbsupport.db"
    database = Database(path)
    ready = processes.Barrier(4)
    workers = [processes.Process(target=note_many, args=(path, 50, ready)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    with database.read() as connection:
        assert audit.verify(connection, KEY) == Verified(200, None)
    database.close()


def test_a_long_log_is_verified_to_its_last_row(database):
    with database.write() as connection:
        for _ in range(1100):
            note(connection)
    with database.read() as connection:
        assert audit.verify(connection, KEY, audit.head(connection)) == Verified(1100, None)


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "home" / "audit.key"
    key = audit.read_key(path)
    assert len(key) == 32
    assert audit.read_key(path) == key
    assert audit.read_key(tmp_path / "other.key") != key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["audit.key"]


def test_four_first_runs_at_once_agree_on_one_key(tmp_path, processes):
    ready, keys = processes.Barrier(4), processes.Queue()
    path = tmp_path / "audit.key"
    workers = [processes.Process(target=make_key, args=(path, ready, keys)) for _ in range(4)]
    for worker in workers:
        worker.start()
    found = {keys.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert found == {path.read_bytes()}
    assert [file.name for file in tmp_path.iterdir()] == ["audit.key"]


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_key_is_never_used_nor_replaced(tmp_path, content):
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: not 32 bytes; restore it from a backup"):
        audit.read_key(path)
    assert path.read_bytes() == content


def test_an_anchor_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "home" / "audit.anchor"
    assert audit.read_anchor(path) is None
    for anchor in (Anchor(3, "ab"), Anchor(4, "cd")):
        audit.write_anchor(path, anchor)
        assert audit.read_anchor(path) == anchor
    assert [file.name for file in path.parent.iterdir()] == ["audit.anchor"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"rows": 3}', '{"rows": "x", "hash": ""}'])
def test_a_file_that_is_no_anchor_is_an_error_with_the_cure(tmp_path, text):
    path = tmp_path / "audit.anchor"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match="is no anchor of an audit log; restore it from a copy"):
        audit.read_anchor(path)


@pytest.mark.parametrize("use", [audit.read_key, audit.read_anchor, None])
def test_a_place_that_cannot_be_used_is_named(tmp_path, use):
    path = tmp_path / "audit"
    path.mkdir()
    with pytest.raises(StoreError, match=str(path)):
        use(path) if use else audit.write_anchor(path, Anchor(1, "ab"))
    assert [file.name for file in tmp_path.iterdir()] == ["audit"]
