import sqlite3
from datetime import date

import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.customers import (
    CsvCrm,
    CsvTiers,
    HttpCrm,
    HttpTiers,
    NoCrm,
    SqlCrm,
    SqlTiers,
)
from kbsupport.adapters.upstream import BadAnswer
from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Customer, Identity

TIERS = ("standard", "premium", "enterprise")
QUERY = "SELECT * FROM customer WHERE customer_id = :customer_id"
ADA = {
    "customer_id": "C-1", "name": "Ada", "email": "ada@example.com", "phone": "+32 2 555 01 10",
    "company": "Example", "tier": "premium", "language": "nl", "time_zone": "Europe/Brussels",
    "products": "Hub H2;Drop", "preferred_tone": "formal", "contract_end": "2027-01-31",
    "account_value": "1200.50", "purchases": "3", "contact_by": "mail",
}  # fmt: skip
BEN = {"customer_id": "C-2", "tier": "standard"}
KNOWN = Customer(
    id="C-1", tier="premium", identity=Identity.NAMED, name="Ada", email="ada@example.com",
    phone="+32 2 555 01 10", company="Example", language="nl", time_zone="Europe/Brussels",
    tone="formal", products=("Hub H2", "Drop"), contract_end=date(2027, 1, 31),
    account_value=1200.5, purchases=3, preferences={"contact_by": "mail"},
)  # fmt: skip
NOBODY = ["C-9", "c-1", "", " C-1", ".", "..", "C-1/../C-2", "C-1?x=y", "%43-1", "C-1\0", "\ud800",
          "' OR 1=1 --", "é" * 9, "9" * 5000, "C-1\r\nX: y", "*", "C-%", "null"]  # fmt: skip


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def server():
    row = {**ADA, "products": ["Hub H2", "Drop"], "purchases": 3, "account_value": 1200.5}
    row["preferences"] = {"contact_by": row.pop("contact_by")}
    with Misbehaving({"C-1": row, "C-2": BEN}) as running:
        yield running


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "crm #1.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE customer ({', '.join(ADA)})")
    for row in (ADA, BEN):
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO customer ({', '.join(row)}) VALUES ({marks})", row)
    connection.commit()
    connection.close()
    return path


def write_csv(path, *rows, columns=tuple(ADA)):
    lines = [",".join(columns), *(",".join(row.get(name, "") for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def csv_file(tmp_path):
    return write_csv(tmp_path / "customers.csv", ADA, BEN)


def sql(database, query=QUERY, **options):
    return SqlCrm(query, url=f"sqlite:///{database}", **options)


@pytest.fixture(params=["csv", "sql", "http", "csv tiers", "sql tiers", "http tiers"])
def crm(request, csv_file, database, server):
    kind, _, tiers = request.param.partition(" ")
    url = f"{server.origin}/api/{{customer_id}}"
    if kind == "csv":
        return (CsvTiers if tiers else CsvCrm)(csv_file, tiers=TIERS)
    if kind == "sql":
        return (SqlTiers if tiers else SqlCrm)(QUERY, url=f"sqlite:///{database}", tiers=TIERS)
    return (HttpTiers if tiers else HttpCrm)(url, tiers=TIERS)


def test_a_known_customer_is_known_in_full(crm):
    assert crm.find("C-1") == KNOWN
    assert crm.tier_of("C-1") == "premium"


def test_an_id_and_a_tier_are_enough(crm):
    assert crm.find("C-2") == Customer(id="C-2", tier="standard", identity=Identity.NAMED)


def test_whoever_is_unknown_is_none_however_odd_the_id(crm):
    assert [crm.find(one) for one in NOBODY] == [None] * len(NOBODY)
    assert [crm.tier_of(one) for one in NOBODY] == [None] * len(NOBODY)


def test_without_a_crm_nobody_is_known():
    crm = NoCrm(tiers=TIERS)
    assert [crm.find(one) for one in ("C-1", *NOBODY)] == [None] * (1 + len(NOBODY))
    assert [crm.tier_of(one) for one in ("C-1", *NOBODY)] == [None] * (1 + len(NOBODY))


def test_a_file_gives_everybody_in_its_order(csv_file):
    assert [customer.id for customer in CsvCrm(csv_file).everybody()] == ["C-1", "C-2"]


def test_a_file_that_changes_is_read_again(csv_file):
    crm = CsvCrm(csv_file)
    write_csv(csv_file, BEN, ADA | {"customer_id": "C-3"})
    assert crm.find("C-1") is None
    assert crm.find("C-3").name == "Ada"


def test_a_file_that_breaks_later_is_a_system_that_cannot_be_asked(csv_file):
    crm = CsvCrm(csv_file)
    csv_file.write_text("nothing\n")
    with pytest.raises(UpstreamError, match="line 1: there is no column 'customer_id'"):
        crm.find("C-1")
    csv_file.unlink()
    with pytest.raises(UpstreamError, match="crm is unreachable"):
        crm.find("C-1")
    write_csv(csv_file, ADA)
    assert crm.find("C-1").name == "Ada"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"customer_id,name\nC-1,Ada\n", ["line 1", "no column 'tier'", "customer_id, name"]),
        (b"", ["line 1", "no column 'customer_id'", "there are: none"]),
        (b"customer_id;tier\nC-1;premium\n", ["line 1", "no column 'customer_id'"]),
        (b"customer_id,tier,tier\n", ["line 1", "'tier' stands there twice"]),
        (b"customer_id,tier\nC-1,premium\nC-2,standard\nC-1,standard\n",
         ["line 4, customer_id", "line 2 already"]),
        (b"customer_id,tier\nC-1,gold\n", ["line 2, tier", "'gold'", "standard, premium"]),
        (b"customer_id,tier\n\n ,premium\n", ["line 3, customer_id", "empty"]),
        (b"customer_id,tier\nC-1,\n", ["line 2, tier", "empty"]),
        (b"customer_id,tier,name\nC-1,premium,Andr\xe9\n", ["line 2, name", "not UTF-8"]),
        (b"customer_id,tier,pr\xe9nom\nC-1,premium,Ada\n", ["line 1", "not UTF-8"]),
        ("customer_id,tier\nC-1,premium\n".encode("utf-16"), ["line 1", "not UTF-8"]),
        (b"customer_id,tier,contract_end\nC-1,premium,31/01/2027\n",
         ["line 2, contract_end", "'31/01/2027'", "2026-07-31"]),
        (b"customer_id,tier,account_value\nC-1,premium,much\n", ["line 2, account_value", "much"]),
        (b"customer_id,tier,account_value\nC-1,premium,nan\n", ["line 2, account_value", "nan"]),
        (b"customer_id,tier,purchases\nC-1,premium,2.5\n", ["line 2, purchases", "2.5"]),
        (b"customer_id,tier,purchases\nC-1,premium,-1\n", ["line 2, purchases", "-1"]),
        (b"customer_id,tier,language\nC-1,premium,Dutch\n", ["line 2, language", "Dutch"]),
        (b"customer_id,tier,time_zone\nC-1,premium,../etc\n", ["line 2, time_zone", "../etc"]),
        (b'customer_id,tier,name\nC-1,premium,"Ada\n', ["line 2", "unexpected end"]),
        (b"customer_id,tier\nC-1,premium,Ada\n", ["line 2", "3 cells, but 2 columns"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_file_line_and_column(tmp_path, content, words):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        CsvCrm(path, tiers=TIERS)
    for word in ["bad.csv", *words]:
        assert word in str(caught.value)


def test_every_bad_row_is_named_at_once(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text('customer_id,tier,name\nC-1,gold,"two\nlines"\n,premium,\nC-3,premium,\n')
    with pytest.raises(ConfigError) as caught:
        CsvCrm(path, tiers=TIERS)
    assert "line 2, tier" in str(caught.value)
    assert "line 4, customer_id" in str(caught.value)
    assert "C-3" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.csv cannot be read: No such file"):
        CsvCrm(tmp_path / "none.csv")


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + b'customer_id,tier,name\r\nC-1,Premium,"Ada, B."\r\n')
    found = CsvCrm(path, tiers=TIERS).find("C-1")
    assert (found.tier, found.name) == ("premium", "Ada, B.")


def test_columns_may_have_other_names_and_must_then_be_there(tmp_path):
    path = tmp_path / "ours.csv"
    path.write_text("number,plan,tone\n7,premium,dry\n")
    fields = {"id": "number", "tier": "plan"}
    assert CsvCrm(path, fields=fields).find("7").tier == "premium"
    with pytest.raises(ConfigError, match="no column 'mail'"):
        CsvCrm(path, fields={**fields, "email": "mail"})
    with pytest.raises(ConfigError, match=r"\[crm\] fields: there is no field 'mail'"):
        CsvCrm(path, fields={"mail": "email"})


def test_a_database_whose_name_is_odd_is_opened_and_never_written(database):
    before = database.read_bytes()
    assert sql(database, tiers=TIERS).find("C-1") == KNOWN
    assert database.read_bytes() == before


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "none.db"
    with pytest.raises(UpstreamError, match="crm is unreachable: unable to open database file"):
        SqlCrm(QUERY, url=f"sqlite:///{path}").find("C-1")
    assert not path.exists()


def test_a_row_of_another_customer_is_never_used(database):
    careless = sql(database, "SELECT * FROM customer WHERE customer_id >= :customer_id LIMIT 1")
    assert careless.find("C-1") == KNOWN
    with pytest.raises(BadAnswer, match=r"crm is unreachable.*another customer") as caught:
        careless.find("C-10")
    assert "C-2" not in str(caught.value)


def test_several_rows_for_one_id_are_refused(database):
    with pytest.raises(BadAnswer, match="several rows"):
        sql(database, "SELECT * FROM customer WHERE customer_id <> :customer_id || 'x'").find("C-1")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT customer_id FROM customer WHERE customer_id = :customer_id", "no column 'tier'"),
        ("SELECT customer_id, 'gold' AS tier FROM customer WHERE customer_id = :customer_id",
         "tier: no tier 'gold'"),
        (QUERY.replace("*", "customer_id, tier, x'00' AS name"), "name: .* is not text"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_the_systems_fault_and_names_the_column(
    database, query, words
):
    with pytest.raises(BadAnswer, match=words):
        sql(database, query, tiers=TIERS).find("C-1")


@pytest.mark.parametrize(
    "query", ["SELECT * FROM none WHERE a = :customer_id", "SELECT :customer_id FROM"]
)
def test_a_query_that_fails_is_an_upstream_error_in_one_line(database, query):
    with pytest.raises(UpstreamError, match="crm is unreachable: ") as caught:
        sql(database, query).find("C-1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"query": "DELETE FROM customer WHERE customer_id = :customer_id"}, "must begin with"),
        ({"query": "SELECT 1"}, "one parameter, :customer_id"),
        ({"query": "SELECT :customer_id, :tier"}, "one parameter, :customer_id"),
        ({"url": None}, "needs either url, or url_env"),
        ({"url_env": "CRM_URL"}, "needs either url, or url_env"),
        ({"url": None, "url_env": "NO_SUCH_VARIABLE"}, "the environment has no NO_SUCH_VARIABLE"),
        ({"url": "secret:pass@host"}, "not an address SQLAlchemy knows"),
        ({"url": "nosuch://u:secret@host/db"}, "not an address SQLAlchemy knows"),
    ],
)  # fmt: skip
def test_settings_of_a_database_that_cannot_be_right_are_refused(options, words):
    with pytest.raises(ConfigError, match=words) as caught:
        SqlCrm(**{"query": QUERY, "url": "sqlite:///crm.db", **options})
    assert "secret" not in str(caught.value)


def test_an_address_may_come_from_the_environment(database, monkeypatch):
    monkeypatch.setenv("CRM_URL", f"sqlite:///{database}")
    assert SqlCrm(QUERY, url_env="CRM_URL").find("C-2").tier == "standard"


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("page", "text/html that are not JSON"),
        ("error", "answered 500"),
        ("forbidden", "answered 403"),
        ("redirect", "answered 302, a redirect"),
        ("empty", "0 bytes .* not JSON"),
        ("no_content", "customer_id: is missing"),
        ("array", "customer_id: is missing"),
        ("broken", "not JSON"),
        ("null", "null"),
        ("infinite", "not JSON"),
        ("deep", "not JSON"),
        ("stranger", "another customer"),
        ("huge", "more than 1,000,000 bytes"),
        ("hang", "no (whole )?answer within 0.3 s"),
        ("drip", "no (whole )?answer within 0.3 s"),
        ("drip_head", "no (whole )?answer within 0.3 s"),
        ("cut", "cut the connection"),
        ("silence", "cut the connection"),
    ],
)
def test_a_server_that_misbehaves_is_an_upstream_error_that_names_the_system(server, does, words):
    server.does = does
    crm = HttpCrm(f"{server.origin}/{{customer_id}}", timeout=0.3, retries=0)
    with pytest.raises(UpstreamError, match=f"crm is unreachable: .*{words}") as caught:
        crm.find("C-1")
    assert caught.value.system == "crm"
    assert len(server.seen) == 1


def test_a_server_that_is_not_there_is_an_upstream_error(server):
    with Misbehaving() as gone:
        crm = HttpCrm(f"{gone.origin}/{{customer_id}}", retries=0)
    with pytest.raises(UpstreamError, match="Connection refused"):
        crm.find("C-1")


def test_an_id_cannot_leave_its_place_in_the_address(server):
    crm = HttpCrm(f"{server.origin}/api/{{customer_id}}/card?for={{customer_id}}")
    assert crm.find("a/b?c#d&e=%2e ü") is None
    quoted = "a%2Fb%3Fc%23d%26e%3D%252e%20%C3%BC"
    assert server.seen[0][1] == f"/api/{quoted}/card?for={quoted}"


def test_fields_are_found_by_dotted_paths(server):
    server.rows["7"] = {
        "data": [{"id": 7, "plan": {"name": "Enterprise"}, "mail": ["a@example.com"]}],
        "customer_id": "C-1",
    }
    fields = {"id": "data.0.id", "tier": "data.0.plan.name", "email": "data.0.mail.0"}
    found = HttpCrm(f"{server.origin}/{{customer_id}}", fields=fields, tiers=TIERS).find("7")
    assert (found.id, found.tier, found.email) == ("7", "enterprise", "a@example.com")
    assert found.preferences == {}


def test_secrets_come_from_the_environment_and_go_into_headers(server, monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", "opensesame\n")
    monkeypatch.setenv("CRM_KEY", "k1")
    url = f"{server.origin}/{{customer_id}}"
    HttpCrm(url, token_env="CRM_TOKEN", headers_env={"X-Api-Key": "CRM_KEY"}).find("C-1")
    headers = server.seen[0][2]
    assert headers["Authorization"] == "Bearer opensesame"
    assert headers["X-Api-Key"] == "k1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://127.0.0.1/customers"}, "must have {customer_id}"),
        ({"url": "http://{customer_id}.example.com/"}, "must have {customer_id} in it, after"),
        ({"url": "ftp://127.0.0.1/{customer_id}"}, "must be http"),
        ({"url": "http:///{customer_id}"}, "with a host"),
        ({"token_env": "NO_SUCH_VARIABLE"}, "the environment has no NO_SUCH_VARIABLE"),
        ({"headers_env": {"X-Key": "NO_SUCH"}}, r"headers_env\.X-Key: the environment has no"),
    ],
)
def test_settings_of_a_server_that_cannot_be_right_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        HttpCrm(**{"url": "http://127.0.0.1/{customer_id}", **options})


def test_a_secret_that_no_header_can_hold_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", "open\nsesame")
    with pytest.raises(ConfigError, match="Authorization") as caught:
        HttpCrm("http://127.0.0.1/{customer_id}", token_env="CRM_TOKEN")
    assert "sesame" not in str(caught.value)


def test_an_error_of_tiers_names_tiers(server):
    server.does = "error"
    with pytest.raises(UpstreamError, match="tiers is unreachable"):
        HttpTiers(f"{server.origin}/{{customer_id}}").tier_of("C-1")
