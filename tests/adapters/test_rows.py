from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsupport.adapters.rows import (
    CUSTOMER,
    ORDER,
    Row,
    RowFault,
    askable,
    places,
    read_customer,
    read_order,
)
from kbsupport.errors import ConfigError
from kbsupport.model import Customer

LEAST = {"customer_id": "C-1", "tier": "premium"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def flat(**more):
    return Row({**LEAST, **more}, CUSTOMER)


def nested(**more):
    return Row({**LEAST, **more}, CUSTOMER, nested=True)


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [(1001, "1001"), (" C-1 ", "C-1"), (Decimal(7), "7"), (UUID(int=1), str(UUID(int=1))),
     ("a\0b\ud800", "a b?")],
)  # fmt: skip
def test_an_id_may_be_a_number_and_is_kept_as_storable_words(given_value, kept):
    assert read_customer(flat(customer_id=given_value)).id == kept


@pytest.mark.parametrize("value", [True, 1.5, [], {}, b"x"])
def test_what_is_no_text_is_refused_by_the_name_it_has_there(value):
    row = Row({"a": {"nr": value}, "tier": "premium"}, {**CUSTOMER, "id": "a.nr"}, nested=True)
    with pytest.raises(RowFault, match=r"a\.nr: .* is not text") as caught:
        read_customer(row)
    assert caught.value.key == "a.nr"


@pytest.mark.parametrize(
    "value",
    ["2027-01-31", "2027-01-31T23:00:00Z", " 2027-01-31 ", date(2027, 1, 31),
     datetime(2027, 1, 31, 23, tzinfo=UTC)],
)  # fmt: skip
def test_a_date_is_read_in_each_way_systems_write_it(value):
    assert read_customer(flat(contract_end=value)).contract_end == date(2027, 1, 31)


@pytest.mark.parametrize("value", ["", " ", None])
def test_what_is_empty_is_unknown(value):
    found = read_customer(flat(contract_end=value, account_value=value, purchases=value,
                               products=value, name=value, language=value))  # fmt: skip
    assert found == read_customer(flat())
    assert found.purchases is None


@pytest.mark.parametrize(("value", "kept"), [("12.5", 12.5), (12, 12.0), (Decimal("0.1"), 0.1),
                                             (-3, -3.0)])  # fmt: skip
def test_a_number_is_read_in_each_way_systems_write_it(value, kept):
    assert read_customer(flat(account_value=value)).account_value == kept


@pytest.mark.parametrize("value", [True, "inf", float("nan"), "1,200", "12 EUR", [1], 10**400])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(RowFault, match=r"account_value: .* is not a number"):
        read_customer(flat(account_value=value))


@pytest.mark.parametrize("value", ["-1", 2.5, "many", True, "1e300"])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(RowFault, match="purchases"):
        read_customer(flat(purchases=value))


@pytest.mark.parametrize(("value", "kept"), [("en", "en"), ("en-GB", "en"), ("DE_at", "de")])
def test_a_region_does_not_belong_to_a_language(value, kept):
    assert read_customer(flat(language=value)).language == kept


def test_products_are_words_between_semicolons_or_a_list():
    assert read_customer(flat(products="Hub; Drop;;")).products == ("Hub", "Drop")
    assert read_customer(nested(products=["Hub", " ", "Drop"])).products == ("Hub", "Drop")
    with pytest.raises(RowFault, match="products"):
        read_customer(nested(products=[1]))


def test_other_columns_are_preferences_but_other_json_is_nobodys_business():
    assert read_customer(flat(sms="no", note=None)).preferences == {"sms": "no"}
    assert read_customer(nested(sms="no")).preferences == {}
    assert read_customer(nested(preferences={"sms": 1})).preferences == {"sms": "1"}
    with pytest.raises(RowFault, match="preferences"):
        read_customer(nested(preferences={"sms": {"deep": 1}}))


def test_a_tier_is_spelt_as_the_settings_spell_it():
    tiers = ("Standard", "Premium")
    assert read_customer(flat(), tiers).tier == "Premium"
    with pytest.raises(RowFault, match="tier: no tier 'gold'; there are Standard, Premium"):
        read_customer(flat(tier="gold"), tiers)
    assert read_customer(flat(tier="gold")).tier == "gold"


def test_a_long_value_is_not_repeated_in_full():
    with pytest.raises(RowFault) as caught:
        read_customer(flat(purchases="x" * 10_000))
    assert len(str(caught.value)) < 120


def test_an_order_needs_a_number_and_a_state():
    with pytest.raises(RowFault, match="state: is missing or empty"):
        read_order(Row({"number": "1"}, ORDER))
    with pytest.raises(RowFault, match="number: is missing or empty"):
        read_order(Row([], ORDER, nested=True))


def test_a_mapping_names_fields_there_are():
    assert places("crm", CUSTOMER, {"id": "nr"})["id"] == "nr"
    with pytest.raises(ConfigError, match=r"\[crm\] fields: there is no field 'nr'"):
        places("crm", CUSTOMER, {"nr": "id"})
    with pytest.raises(ConfigError, match=r"\[crm\] fields\.id must name where it stands"):
        places("crm", CUSTOMER, {"id": 3})


@given(st.dictionaries(st.sampled_from([*CUSTOMER.values(), "other"]), ANYTHING) | ANYTHING)
def test_whatever_a_system_answers_is_a_customer_or_a_fault(found):
    try:
        customer = read_customer(Row(found, CUSTOMER, nested=True))
    except RowFault:
        return
    assert isinstance(customer, Customer)
    assert askable(customer.id) or len(customer.id) > 200 or customer.id in {".", ".."}
