import sqlite3
import time
from contextlib import closing

import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.customers import HttpCrm, HttpTiers, SqlCrm, SqlTiers
from kbsupport.adapters.orders import HttpOrders, SqlOrders
from kbsupport.errors import ConfigError, UpstreamError

ROW = {"customer_id": "1", "tier": "premium", "number": "1", "state": "Shipped"}
HTTP = {"crm": HttpCrm, "tiers": HttpTiers, "orders": HttpOrders}
SQL = {"crm": SqlCrm, "tiers": SqlTiers, "orders": SqlOrders}


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture(params=["crm", "tiers", "orders"])
def part(request):
    return request.param


@pytest.fixture
def server():
    with Misbehaving({"1": ROW}) as running:
        yield running


@pytest.fixture
def http(server, part):
    hole = "number" if part == "orders" else "customer_id"
    return lambda **care: HTTP[part](f"{server.origin}/{{{hole}}}", **care)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE kept ({', '.join(ROW)})")
        marks = ", ".join(f":{name}" for name in ROW)
        connection.execute(f"INSERT INTO kept VALUES ({marks})", ROW)
    return path


@pytest.fixture
def sql(database, part):
    key = "number" if part == "orders" else "customer_id"
    query = f"SELECT * FROM kept WHERE {key} = :{key}"
    return lambda **care: SQL[part](query, url=f"sqlite:///{database}", **care)


def test_a_server_that_hangs_costs_a_question_its_time_limit_however_many_retries(http, server):
    server.does = "hang"
    system = http(timeout=0.3, retries=9)
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match=r"answer within 0\.3 s"):
        system.find("1")
    assert time.monotonic() - begun < 0.9


def test_a_database_that_hangs_costs_a_question_its_time_limit(sql, database):
    system = sql(timeout=0.3, retries=9)
    with closing(sqlite3.connect(database)) as another:
        another.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        with pytest.raises(UpstreamError, match=r"no answer within 0\.3 s"):
            system.find("1")
        assert time.monotonic() - begun < 0.9
    assert system.find("1") is not None


def test_what_fails_at_once_is_asked_again_once(http, server):
    server.does = "error"
    with pytest.raises(UpstreamError, match="answered 500"):
        http().find("1")
    assert len(server.seen) == 2


def test_after_five_failures_a_server_is_left_alone(http, server, part):
    server.does = "error"
    system = http(retries=0)
    for number in range(5):
        with pytest.raises(UpstreamError, match="answered 500"):
            system.find(f"{number}")
    server.does = "answer"
    with pytest.raises(UpstreamError, match=f"{part} is unreachable: after 5 failures it is left"):
        system.find("1")
    assert len(server.seen) == 5


def test_a_second_question_within_the_cache_time_asks_nothing(http, server):
    system = http()
    assert system.find("1") == system.find("1") is not None
    assert system.find("2") is system.find("2") is None
    assert len(server.seen) == 2


def test_without_a_cache_time_every_question_asks(http, server):
    system = http(cache_seconds=0)
    assert system.find("1") == system.find("1")
    assert len(server.seen) == 2


def test_what_a_database_said_is_remembered_for_the_cache_time_only(sql, database):
    remembered, asked_anew = sql(), sql(cache_seconds=0)
    first = remembered.find("1")
    assert first == asked_anew.find("1")
    with closing(sqlite3.connect(database)) as another, another:
        another.execute("UPDATE kept SET tier = 'standard', state = 'Delivered'")
    assert remembered.find("1") == first
    assert asked_anew.find("1") != first


@pytest.mark.parametrize("value", [-1, True, "2", 1e9, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["timeout", "retries", "cache_seconds"])
def test_a_number_that_cannot_be_right_is_refused(http, sql, part, name, value):
    for make in (http, sql):
        with pytest.raises(ConfigError, match=rf"\[{part}\] {name} must be .* from .* to "):
            make(**{name: value})
