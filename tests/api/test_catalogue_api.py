"""Articles, customers, decisions, figures and keys."""

import pytest
from test_guarding import refused
from test_tickets_api import PASSWORD, opened

HIDDEN = {
    "draft": "---\nid: zdraft\npublished: false\n---\n# The password draft\n\nNothing yet.\n",
    "inside": "---\nid: zinside\naudience: internal\n---\n# The password inside\n\nFor staff.\n",
    "gold": "---\nid: zgold\ntiers: [enterprise]\n---\n# The password of gold\n\nFor the few.\n",
}


@pytest.fixture
def shelf(client, proven_app, small_kb, folder):
    """The articles, with a draft, one for staff and one for one tier among them."""
    proven_app.index([small_kb, folder(**HIDDEN)])
    return client


def ids(client, where, header):
    """The ids of a whole list, read a page at a time."""
    found, cursor = [], ""
    while cursor is not None:
        sign = "&" if "?" in where else "?"
        page = client.get(f"/v1/{where}{sign}limit=3{cursor}", headers=header).json()
        found += [one["id"] for one in page["items"]]
        following = page["next_cursor"]
        cursor = None if following is None else f"&cursor={following}"
    return found


def test_customers_read_what_is_published_for_them_and_nothing_else(shelf, key_for, tmp_path):
    customer, staff = key_for("customer"), key_for("specialist")
    mine = ids(shelf, "articles", customer)
    assert len(mine) == len(set(mine)) == 8
    assert ids(shelf, "articles?audience=internal", staff)[-3:] == ["zdraft", "zgold", "zinside"]
    assert ids(shelf, "articles?tier=enterprise", staff)[-1] == "zgold"
    for hidden in ("zdraft", "zinside", "zgold", "nowhere", "..%2Fetc", "%00"):
        refused(shelf.get(f"/v1/articles/{hidden}", headers=customer), 404)
    refused(shelf.get("/v1/articles?audience=internal", headers=customer), 403)
    refused(shelf.get("/v1/articles?tier=enterprise", headers=customer), 403)
    whole = shelf.get("/v1/articles/zinside?audience=internal", headers=staff).json()
    assert whole["text"].endswith("For staff.")
    shown = shelf.get("/v1/articles/password", headers=customer).json()
    assert "seen_questions" not in shown
    assert str(tmp_path) not in shelf.get("/v1/articles/password", headers=staff).text


def test_a_search_finds_what_its_caller_may_read(shelf, key_for):
    customer, staff = key_for("customer"), key_for("specialist")
    found = shelf.get("/v1/articles/search?q=reset the password", headers=customer).json()["items"]
    assert found[0]["id"] == "password"
    assert not {one["id"] for one in found} & {"zdraft", "zinside", "zgold"}
    assert found[0]["passages"][0]["article_id"] == "password"
    inside = shelf.get("/v1/articles/search?q=password inside&audience=internal", headers=staff)
    assert "zinside" in {one["id"] for one in inside.json()["items"]}
    refused(shelf.get("/v1/articles/search", headers=customer), 422)
    refused(shelf.get("/v1/articles/search?q=%00", headers=customer), 422)


def test_a_customer_is_shown_to_themselves_without_what_the_house_thinks_of_them(
    client, key_for, proven_app, tmp_path
):
    file = tmp_path / "customers.csv"
    rows = "customer_id,tier,name,account_value,tone\nC-1,premium,Ada,900,cool\n"
    file.write_text(rows, encoding="utf-8")
    proven_app.people.bring_in(file)
    me = client.get("/v1/customers/me", headers=key_for("customer")).json()
    assert (me["name"], me["tier"]) == ("Ada", "premium")
    assert not {"account_value", "tone"} & set(me)
    whole = client.get("/v1/customers/C-1", headers=key_for("specialist")).json()
    assert whole["account_value"] == 900
    refused(client.get("/v1/customers/C-1", headers=key_for("customer")), 403)
    refused(client.get("/v1/customers/C-9", headers=key_for()), 404)
    refused(client.get("/v1/customers/me", headers=key_for()), 403)


def test_a_decision_is_shown_replayed_and_explained(client, key_for):
    asked = client.post("/v1/ask", json={"text": PASSWORD}, headers=key_for("customer")).json()
    where, auditor = f"/v1/decisions/{asked['decision_id']}", key_for("auditor")
    kept = client.get(where, headers=auditor).json()
    assert (kept["question"]["text"], kept["decision"]["outcome"]) == (PASSWORD, "resolve")
    again = client.post(f"{where}/replay", json={"search": True}, headers=auditor).json()
    assert again["same"], again
    said = client.get(f"{where}/explain", headers=auditor).json()
    assert (said["outcome"], said["article_id"]) == ("resolve", "password")
    for wrong in ("/v1/decisions/d-0", "/v1/decisions/d-0/explain", "/v1/decisions/%00"):
        refused(client.get(wrong, headers=auditor), 404)
    refused(client.get(where, headers=key_for("customer")), 403)


def test_figures_and_reports_are_read_as_data_page_and_markdown(client, key_for, proven_app):
    opened(client, key_for("customer"))
    proven_app.lobby.work.until_done()
    lead = key_for("lead")
    found = client.get("/v1/metrics?channel=api&since=2026-01-01", headers=lead).json()
    assert found["cases"] == 1
    today = proven_app.people.clock().date().isoformat()
    day = client.get(f"/v1/reports/daily?day={today}", headers=lead).json()
    assert (day["day"], day["today"]["cases"]) == (today, 1)
    html = client.get(f"/v1/reports/daily?day={today}&format=html", headers=lead)
    assert html.headers["content-type"].startswith("text/html")
    assert "script" not in html.headers["content-security-policy"]
    text = client.get(f"/v1/reports/daily?day={today}&format=markdown", headers=lead)
    assert text.text.startswith("# ")
    refused(client.get("/v1/metrics?since=2026-02-01&until=2026-01-01", headers=lead), 422)
    refused(client.get("/v1/reports/daily?day=yesterday", headers=lead), 422)
    for far in ("0001-01-01", "9999-12-31"):
        assert client.get(f"/v1/reports/daily?day={far}", headers=lead).status_code == 200
        where = f"/v1/metrics?until={far}T23:59:59-12:00"
        assert client.get(where, headers=lead).status_code == 200
    refused(client.get("/v1/metrics", headers=key_for("specialist")), 403)


def test_a_key_is_given_listed_rotated_and_ended(client, key_for, proven_app):
    admin = key_for()
    wish = {"name": "phone", "role": "customer", "customer_id": "C-3", "days": 1}
    made = client.post("/v1/keys", json=wish, headers=admin).json()
    theirs = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/tickets", headers=theirs).status_code == 200
    listed = client.get("/v1/keys", headers=admin)
    assert made["id"] in {one["id"] for one in listed.json()["items"]}
    assert made["key"] not in listed.text
    fresh = client.post(f"/v1/keys/{made['id']}/rotate", headers=admin).json()
    refused(client.get("/v1/tickets", headers=theirs), 401)
    theirs = {"Authorization": f"Bearer {fresh['key']}"}
    assert client.get("/v1/tickets", headers=theirs).status_code == 200
    ended = client.post(f"/v1/keys/{fresh['id']}/revoke", headers=admin).json()
    assert ended["revoked_at"]
    refused(client.get("/v1/tickets", headers=theirs), 401)
    refused(client.post("/v1/keys/000000000000/revoke", headers=admin), 404)
    refused(client.post(f"/v1/keys/{fresh['id']}/rotate", headers=admin), 404)


WRONG_KEYS = (
    {"role": "customer"},
    {"role": "customer", "customer_id": "C-1", "visitors": True},
    {"role": "specialist"},
    {"role": "specialist", "specialist_id": "nobody"},
    {"role": "auditor", "scopes": ["admin"]},
    {"role": "admin", "customer_id": "C-1"},
    {"role": "god"},
    {"role": "admin", "scopes": []},
    {"role": "admin", "days": -1},
    {"role": "admin", "name": " "},
    {"role": "admin", "hash": "0"},
)


def test_a_key_that_cannot_be_meant_is_not_given(client, key_for, proven_app):
    admin = key_for()
    for wrong in WRONG_KEYS:
        refused(client.post("/v1/keys", json={"name": "test"} | wrong, headers=admin), 422)
    assert len(proven_app.lobby.keys.all()) == 1
