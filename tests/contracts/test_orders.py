import csv
import sqlite3
from pathlib import Path

import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.orders import CsvOrders, HttpOrders, NoOrders, SqlOrders
from kbsupport.adapters.upstream import BadAnswer
from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.evaluation.labels import read_labels
from kbsupport.model import Order

DATA = Path(__file__).parents[2] / "data"
QUERY = "SELECT * FROM orders WHERE number = :number COLLATE NOCASE"
SHIPPED = {
    "number": "OND-1", "customer_id": "C-1", "state": "Shipped", "product": "Drop",
    "ordered_on": "2026-07-02", "expected_on": "2026-07-09T12:00:00", "tracking": "LYS-1",
}  # fmt: skip
BARE = {"number": "OND-2", "state": "Received"}
KNOWN = Order("OND-1", "C-1", "Shipped", "Drop", "2026-07-02", "2026-07-09", "LYS-1")
NO_ORDER = ["OND-9", "OND-1 ", "", ".", "..", "OND-1\0", "\ud800", "' OR 1=1 --", "9" * 5000]


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def server():
    with Misbehaving({"OND-1": SHIPPED, "ond-1": SHIPPED, "OND-2": BARE}) as running:
        yield running


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, list(SHIPPED))
        rows.writeheader()
        rows.writerows([SHIPPED, BARE])
    return path


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE orders ({', '.join(SHIPPED)})")
    for row in (SHIPPED, BARE):
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO orders ({', '.join(row)}) VALUES ({marks})", row)
    connection.commit()
    connection.close()
    return path


@pytest.fixture(params=["csv", "sql", "http"])
def orders(request, csv_file, database, server):
    if request.param == "csv":
        return CsvOrders(csv_file)
    if request.param == "sql":
        return SqlOrders(QUERY, url=f"sqlite:///{database}")
    return HttpOrders(f"{server.origin}/orders/{{number}}")


def test_a_known_order_is_told_in_full_whatever_the_case_of_its_number(orders):
    assert orders.find("OND-1") == KNOWN
    assert orders.find("ond-1") == KNOWN


def test_a_number_and_a_state_are_enough(orders):
    assert orders.find("OND-2") == Order("OND-2", None, "Received")


def test_an_order_that_is_unknown_is_none_however_odd_its_number(orders):
    assert [orders.find(number) for number in NO_ORDER] == [None] * len(NO_ORDER)


def test_without_orders_none_is_known():
    assert [NoOrders().find(number) for number in ("OND-1", *NO_ORDER)] == [None] * 10


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("number\nOND-1\n", "line 1: there is no column 'state'"),
        ("number,state\nOND-1,\n", "line 2, state: is missing or empty"),
        ("number,state\nOND-1,Shipped\nond-1,Shipped\n", "line 3, number: .* line 2 already"),
        ("number,state,ordered_on\nOND-1,Shipped,yesterday\n", "line 2, ordered_on: 'yesterday'"),
    ],
)
def test_a_bad_file_is_refused_by_file_line_and_column(tmp_path, content, words):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match=rf"bad\.csv: {words}"):
        CsvOrders(path)


def test_a_row_of_another_order_is_never_used(database, server):
    careless = "SELECT * FROM orders WHERE number >= :number LIMIT 1"
    with pytest.raises(BadAnswer, match=r"orders is unreachable.*another order"):
        SqlOrders(careless, url=f"sqlite:///{database}").find("OND-10")
    server.does = "stranger"
    with pytest.raises(BadAnswer, match=r"orders is unreachable.*another order"):
        HttpOrders(f"{server.origin}/{{number}}").find("OND-1")


@pytest.mark.parametrize("does", ["page", "error", "redirect", "empty", "broken", "cut", "hang"])
def test_a_server_that_misbehaves_is_an_upstream_error(server, does):
    server.does = does
    with pytest.raises(UpstreamError, match="orders is unreachable"):
        HttpOrders(f"{server.origin}/{{number}}", timeout=0.2).find("OND-1")


def test_fields_may_stand_elsewhere(server):
    server.rows["7"] = {"order": {"no": 7, "status": {"name": "Packing"}}}
    fields = {"number": "order.no", "state": "order.status.name"}
    found = HttpOrders(f"{server.origin}/{{number}}", fields=fields).find("7")
    assert found == Order("7", None, "Packing")
    with pytest.raises(ConfigError, match=r"\[orders\] fields: there is no field 'status'"):
        HttpOrders(f"{server.origin}/{{number}}", fields={"status": "order.status"})


def test_the_bundled_orders_belong_to_bundled_customers_and_to_the_tickets_that_name_them():
    from kbsupport.adapters.customers import CsvCrm

    customers = {one.id for one in CsvCrm(DATA / "customers.csv").everybody()}
    orders = CsvOrders(DATA / "orders.csv")
    with (DATA / "orders.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert orders.find(row["number"]).customer_id in customers | {None}
    named = 0
    for label in read_labels(DATA / "tickets.jsonl"):
        for word in label.text.split():
            found = orders.find(word.strip(",.()")) if "OND-" in word else None
            if found is not None:
                assert found.customer_id == label.customer_id
                named += 1
    assert named >= 20
