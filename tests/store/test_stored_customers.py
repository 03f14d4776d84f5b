from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from kbsupport.errors import ConfigError
from kbsupport.model import Customer, Identity
from kbsupport.store.customers import find_customer, save_customers

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
FULL = Customer(
    "c-1", "premium", Identity.NAMED, name="Ann \udc80", email="ann@example.org", phone="1",
    company="Mill", language="de", time_zone="Europe/Berlin", tone="formal",
    products=("Hub", "Lamp"), contract_end=date(2027, 1, 31), account_value=0.1 + 0.2,
    purchases=3, preferences={"channel": "mail"},
)  # fmt: skip
BARE = Customer("c-2", "standard", Identity.NAMED)


def test_a_customer_comes_back_as_imported(database):
    with database.write() as connection:
        assert save_customers(connection, iter([FULL, BARE]), NOW) == 2
    with database.read() as connection:
        # A server can look into JSON only without half a pair of surrogates.
        kept = FULL if database.path else replace(FULL, name="Ann ?")
        assert find_customer(connection, "c-1") == kept
        assert find_customer(connection, "c-2") == BARE
        for unknown in ("c-3", "C-1", ""):
            assert find_customer(connection, unknown) is None


def test_the_newest_import_of_a_customer_holds(database):
    with database.write() as connection:
        save_customers(connection, [FULL, BARE], NOW)
        newer = Customer("c-1", "standard", Identity.NAMED, name="Ann")
        again = Customer("c-1", "enterprise", Identity.NAMED, name="Anna")
        assert save_customers(connection, [newer, again], NOW) == 2
        assert find_customer(connection, "c-1") == again
        assert find_customer(connection, "c-2") == BARE


def test_what_was_verified_once_is_only_named_when_it_is_looked_up(database):
    with database.write() as connection:
        save_customers(connection, [Customer("c", "standard", Identity.VERIFIED)], NOW)
        assert find_customer(connection, "c").identity is Identity.NAMED


def test_an_import_of_nobody_stores_nothing(database):
    with database.write() as connection:
        assert save_customers(connection, [], NOW) == 0


@pytest.mark.parametrize("id", [None, ""])
def test_a_customer_without_an_id_is_refused_and_nobody_is_stored(database, id):
    with database.write() as connection:
        with pytest.raises(ConfigError, match="without an id cannot be kept"):
            save_customers(connection, [FULL, Customer(id, "standard")], NOW)
        assert find_customer(connection, "c-1") is None


def test_ten_thousand_customers_are_stored_at_once(database):
    with database.write() as connection:
        many = [Customer(f"c-{n}", "standard", Identity.NAMED) for n in range(10_000)]
        assert save_customers(connection, many, NOW) == 10_000
        assert find_customer(connection, "c-9999") == many[-1]
