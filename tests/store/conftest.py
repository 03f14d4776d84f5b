from contextlib import contextmanager

import pytest
from misbehaving import let_loopback_through
from sqlmodel import SQLModel

from kbsupport.store import loop_tables, tables
from kbsupport.store.database import Database

assert loop_tables
assert tables


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    """A PostgreSQL server may be on this machine, and nowhere else."""
    let_loopback_through(monkeypatch)


@pytest.fixture
def sqlite_database(tmp_path):
    """An empty SQLite file."""
    made = Database(tmp_path / "kbsupport.db")
    yield made
    made.close()


@pytest.fixture
def postgres_url(postgres_server):
    """A new database on a server, with nothing in it."""
    with postgres_server.empty() as url:
        yield url


@pytest.fixture(scope="session")
def _on_server(postgres_server):
    """One migrated database on a server: to make one for each test would take too long."""
    with postgres_server.empty() as url:
        made = Database(url)
        yield made
        made.close()


@pytest.fixture
def postgres_database(_on_server):
    """An empty database on a server."""
    with emptied(_on_server):
        yield _on_server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """An empty database of each kind."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    """Where a database of each kind may be made."""
    if request.param == "sqlite":
        return tmp_path / "kbsupport.db"
    return request.getfixturevalue("postgres_url")


@contextmanager
def emptied(database):
    """Without its rows afterwards, and with its numbers at their beginning."""
    yield
    tables = [table.name for table in reversed(SQLModel.metadata.sorted_tables)]
    counters = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
    # Faster than TRUNCATE, which makes new files.
    statements = [
        "ALTER TABLE audit DISABLE TRIGGER USER",
        *(f"DELETE FROM {name}" for name in tables),
        "ALTER TABLE audit ENABLE TRIGGER USER",
        counters,
    ]
    with database.write() as connection:
        connection.exec_driver_sql("; ".join(statements))
