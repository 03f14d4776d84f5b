"""The page /docs in a real browser."""

import pytest
from misbehaving import let_loopback_through
from playwright.sync_api import expect
from serving import in_thread


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def doors(proven_app):
    with in_thread(proven_app, work=False) as made:
        yield made


@pytest.fixture
def tab(chromium):
    """An empty page on a small dark screen; whatever its console says is a failure."""
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, color_scheme="dark", reduced_motion="reduce"
    )
    page, wrong = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text))
    yield page
    context.close()
    assert wrong == []


def test_every_operation_of_the_document_is_on_the_page(tab, doors):
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    answer = tab.goto(f"{doors.origin}/docs")
    expect(tab.get_by_role("status")).to_have_text(f"{len(shown(doors))} operations")
    found = {one.replace("\n", " ") for one in tab.locator("summary h3").all_inner_texts()}
    assert found == shown(doors)
    assert all(one.startswith(doors.origin) for one in asked), "nothing comes from elsewhere"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy


def test_an_operation_says_who_may_what_to_send_and_what_is_answered(tab, doors):
    tab.goto(f"{doors.origin}/docs#tickets_open_ticket")
    opened = tab.locator("details[open]")
    for said in (
        "Needs a key with the scope tickets:write, of the role admin, customer, lead, specialist.",
        "Idempotency-Key header, string, at least 1, at most 255 signs",
        f'curl -X POST "{doors.origin}/v1/tickets"', "My invoice of March shows the wrong address.",
        "201 Successful Response, application/json", "X-RateLimit-Remaining, X-RateLimit-Reset",
        "Location",
    ):  # fmt: skip
        expect(opened).to_contain_text(said)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320, "a phone shows all of it"
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(15, 18, 22)"


def test_what_is_looked_for_is_found_with_the_keyboard_alone(tab, doors):
    tab.goto(f"{doors.origin}/docs")
    expect(tab.locator("details")).not_to_have_count(0)
    tab.get_by_label("Find").press_sequentially("webhook-signature")
    expect(tab.get_by_role("status")).to_have_text("1 operation")
    expect(tab.get_by_role("heading", level=2)).to_have_text(["hooks"])
    tab.keyboard.press("Tab")  # past the groups
    tab.locator("summary:visible").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Open to everybody.").locator("visible=true")).to_have_count(1)


def shown(doors):
    """Method and path of every operation."""
    _, document = doors.call("/openapi.json")
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
