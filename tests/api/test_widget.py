import http.server
import json
import re
import shutil
import threading
from contextlib import contextmanager

import pytest
from misbehaving import let_loopback_through
from playwright.sync_api import expect
from real_servers import free_port
from serving import in_thread

from kbsupport.access.keys import Wish
from kbsupport.model import Role

ASK = "how do i reset the password"
ANSWER = "open the page password and choose"
PERSON = "i want to speak to a person"
HOSTILE = "<img src=x onerror='window.hurt = 1'><script>window.hurt = 1</script>"


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def key(proven_app):
    """A key that stands in a page."""
    return proven_app.lobby.keys.add(Wish("page", Role.CUSTOMER, visitors=True), "test")[1]


@pytest.fixture
def doors(proven_app):
    with in_thread(proven_app) as made:
        yield made


@pytest.fixture
def tab(chromium):
    """An empty page whose errors are failures."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    page, wrong = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def open_chat(tab, doors, key):
    tab.goto(f"{doors.origin}/chat")
    tab.get_by_label("Key").fill(key)
    tab.get_by_role("button", name="Open the chat").click()
    return tab.get_by_label("Your message")


def say(box, text):
    box.fill(text)
    box.press("Enter")


def answered_by_a_person(app, text):
    lead = app.people.rota().lead.id
    (one,) = app.desk.list()
    app.desk.claim(one.escalation.id, lead)
    app.people.answer(one.escalation.id, lead, text, anyway=True)


def bubbles(tab):
    """What was said, in the order in which it is shown."""
    return tab.locator("kbsupport-chat .text").all_inner_texts()


def test_a_question_is_answered_on_the_page_with_its_source(tab, doors, key):
    box = open_chat(tab, doors, key)
    say(box, ASK)
    expect(tab.get_by_text(ANSWER)).to_be_visible()
    expect(tab.get_by_text("Source: About the password")).to_have_count(1)
    expect(tab.get_by_role("group", name="Did this help?")).to_be_visible()
    expect(box).to_be_focused()
    assert tab.get_by_role("log").get_attribute("aria-live") == "polite"
    assert "kbs_" not in tab.url
    # Everything on the page is the server's own, and no script stands in it.
    policy = tab.request.get(f"{doors.origin}/chat").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy


def test_whether_it_helped_is_kept(tab, doors, key, proven_app):
    say(open_chat(tab, doors, key), ASK)
    tab.get_by_role("button", name="Yes, it helped").click()
    expect(tab.get_by_text("Thank you.")).to_be_visible()
    tab.wait_for_timeout(300)
    heard = [one for one in proven_app.people.events() if one.type == "feedback.received"]
    assert [one.body["helpful"] for one in heard] == [True]


def test_a_person_joins_and_their_answer_appears(tab, doors, key, proven_app):
    say(open_chat(tab, doors, key), PERSON)
    expect(tab.get_by_text("A person will answer here.")).to_be_visible()
    answered_by_a_person(proven_app, "We did it for you by hand; log in again.")
    expect(tab.get_by_text("We did it for you by hand")).to_be_visible()
    lead = proven_app.people.rota().lead.name
    expect(tab.get_by_text(f"{lead} joined the chat.")).to_be_visible()


def test_after_a_restart_nothing_is_lost_and_nothing_comes_twice(
    tab, proven_app, make_app, home, key
):
    port = free_port()
    with in_thread(proven_app, port=port) as doors:
        box = open_chat(tab, doors, key)
        say(box, ASK)
        expect(tab.get_by_text(ANSWER)).to_be_visible()
    expect(tab.get_by_text("No connection.")).to_be_visible()
    say(box, PERSON)
    tab.wait_for_timeout(300)
    with in_thread(make_app(at=home), port=port):
        expect(tab.get_by_text("A person will answer here.")).to_be_visible()
        expect(tab.get_by_text("No connection.")).to_be_hidden()
        before = bubbles(tab)
        assert [text for text in before if text in {ASK, PERSON}] == [ASK, PERSON]
        assert len(before) == 4
        # The same tab, loaded anew, finds its conversation again.
        tab.reload()
        expect(tab.locator("kbsupport-chat .text")).to_have_count(4)
        assert bubbles(tab) == before


def test_on_a_phone_it_covers_the_page_and_everything_can_be_reached(tab, doors, key):
    tab.set_viewport_size({"width": 320, "height": 568})
    tab.emulate_media(color_scheme="dark", reduced_motion="reduce")
    box = open_chat(tab, doors, key)
    say(box, "x" * 300)
    expect(tab.get_by_role("dialog")).to_be_in_viewport(ratio=1)
    found = tab.get_by_role("dialog").bounding_box()
    assert (found["x"], found["y"], found["width"], found["height"]) == (0, 0, 320, 568)
    for name in ("Send", "Close the chat"):
        expect(tab.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(box).to_be_in_viewport(ratio=1)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    log = tab.get_by_role("log")
    assert log.evaluate("log => log.scrollWidth <= log.clientWidth")


def test_it_can_be_used_with_the_keyboard_alone(tab, doors, key):
    tab.goto(f"{doors.origin}/chat")
    tab.keyboard.press("Tab")
    tab.keyboard.type(key)
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("Your message")).to_be_focused()
    tab.keyboard.type("two")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.type("lines")
    tab.keyboard.press("Enter")
    expect(tab.locator("kbsupport-chat .customer .text")).to_have_text("two\nlines")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    opener = tab.get_by_role("button", name="Open Support chat")
    expect(opener).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_be_visible()


def test_hostile_words_are_words(tab, doors, key, proven_app):
    say(open_chat(tab, doors, key), HOSTILE)
    say(tab.get_by_label("Your message"), PERSON)
    expect(tab.get_by_text("A person will answer here.")).to_be_visible()
    answered_by_a_person(proven_app, HOSTILE)
    expect(tab.locator(".specialist .text")).to_have_text(HOSTILE)
    assert tab.locator("kbsupport-chat img").count() == 0
    assert tab.evaluate("window.hurt") is None


def test_hostile_frames_are_words_and_no_links(tab, doors, key):
    said = {
        "type": "message", "seq": 1, "author": "specialist", "name": HOSTILE, "text": HOSTILE,
        "at": "now", "citations": [
            {"title": HOSTILE, "url": "javascript:window.hurt = 1"},
            {"title": "data", "url": "data:text/html,<script>hurt</script>"},
            {"title": "good", "url": "https://help.example/a?b=<c>"},
        ],
    }  # fmt: skip
    state = {"type": "state", "seq": 1, "state": "assigned", "typing": False, "name": HOSTILE}

    def server(socket):
        for frame in (said, state, {"type": "joined", "name": HOSTILE}, {"type": "constructor"}):
            socket.send(json.dumps(frame))

    tab.route_web_socket(re.compile("/v1/chat"), server)
    open_chat(tab, doors, key)
    expect(tab.locator(".specialist .text")).to_have_text(HOSTILE)
    link = tab.locator("kbsupport-chat a")
    expect(link).to_have_count(1)
    assert link.get_attribute("rel") == "noopener nofollow"
    assert tab.locator("kbsupport-chat img").count() == 0
    assert tab.evaluate("window.hurt") is None


@contextmanager
def a_page_elsewhere(script, port, token=None):
    """A page of another origin that holds the chat, and the address where it gets tokens."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = f"<!doctype html><title>Shop</title><h1>Shop</h1>{script}"
            body = json.dumps({"token": token}) if self.path == "/my/token" else page
            kind = "application/json" if self.path == "/my/token" else "text/html"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{port}/"
        server.shutdown()
        thread.join()


def test_a_page_of_another_origin_holds_it_only_if_it_may(
    tab, chromium, small_homes, home, make_app
):
    shutil.copytree(small_homes["proven"], home)
    allowed, foreign = free_port(), free_port()
    app = make_app(serve={"origins": [f"http://127.0.0.1:{allowed}"]})
    visitors = app.lobby.keys.add(Wish("page", Role.CUSTOMER, visitors=True), "test")[1]
    shop = app.lobby.keys.add(Wish("shop", Role.ADMIN), "test")[1]
    caller = app.lobby.keys.admit(shop)
    token = app.lobby.keys.token(caller, 5, customer_id="C-7", conversation_id=None)
    with in_thread(app) as doors:
        script = f"<script src='{doors.origin}/chat.js' data-open {{}} async></script>"
        by_key, by_token = (
            script.format(one) for one in (f"data-key={visitors}", "data-token-url=/my/token")
        )
        with a_page_elsewhere(by_key, foreign) as address:
            tab.goto(address)
            say(tab.get_by_label("Your message"), ASK)
            expect(tab.get_by_text("No connection.")).to_be_visible()
        with a_page_elsewhere(by_token, allowed, token) as address:
            tab.goto(address)
            say(tab.get_by_label("Your message"), ASK)
            expect(tab.get_by_text(ANSWER)).to_be_visible()
        (ticket,) = app.people.tickets(all_states=True)
        assert ticket.customer_id == "C-7"


def test_a_message_too_long_for_a_frame_stays_in_the_box_and_is_refused_with_words(tab, doors, key):
    box = open_chat(tab, doors, key)
    say(box, "漢" * 6000)
    expect(tab.get_by_text("This is too long for one message.")).to_be_visible()
    expect(box).to_have_value("漢" * 6000)
    say(box, ASK)
    expect(tab.get_by_text(ANSWER)).to_be_visible()


class Sockets:
    """The server's side of a tab's sockets: `does` says what comes of a message."""

    def __init__(self, tab, does):
        self.does, self.opened, self.got = does, 0, []
        tab.route_web_socket(re.compile(r"/v1/chat\?"), self._begin)

    def _begin(self, socket):
        self.opened += 1
        socket.on_message(lambda text: self._hear(socket, json.loads(text)))
        socket.send(json.dumps({"type": "state", "seq": 0, "state": None, "typing": False}))

    def _hear(self, socket, said):
        self.got.append(said["id"])
        if answer := self.does(said):
            socket.send(json.dumps(answer))


def kept(tab):
    """What the tab remembers."""
    script = "JSON.parse(Object.entries(sessionStorage).find(([k]) => k.includes('http'))[1])"
    return tab.evaluate(script)


def test_a_message_that_is_refused_is_over_and_said_to_be(tab, doors, key):
    sockets = Sockets(tab, lambda said: {"type": "error", "code": "bad_frame", "id": said["id"]})
    say(open_chat(tab, doors, key), "hello")
    expect(tab.locator("kbsupport-chat .failed")).to_contain_text("Not sent")
    assert kept(tab)["waiting"] == []
    assert len(sockets.got) == 1


def pass_time(tab, milliseconds):
    """On the page's clock; the network needs time that really passes, or is given up each time."""
    tab.clock.run_for(milliseconds)
    tab.wait_for_timeout(100)


def test_a_line_that_died_without_a_word_is_dialled_again(tab, doors, key):
    tab.clock.install()
    sockets = Sockets(tab, lambda _: None)
    say(open_chat(tab, doors, key), "is anybody there?")
    expect(tab.locator("kbsupport-chat .waiting")).to_have_count(1)
    sockets.does = lambda said: {"type": "ack", "id": said["id"], "seq": 1}
    while sockets.opened < 2:
        pass_time(tab, 1_000)
    expect(tab.locator("kbsupport-chat .waiting")).to_have_count(0)
    assert len(sockets.got) == 2
    assert len(set(sockets.got)) == 1, "it is the same message"
    tab.evaluate("dispatchEvent(new Event('online'))")
    while sockets.opened < 3:
        pass_time(tab, 100)


def test_a_renewal_that_fails_is_tried_again_and_an_odd_pause_is_no_haste(tab, doors, key):
    asked, answers = [], [{"status": 503, "headers": {"Retry-After": "Mon, 1 Jan 2035"}}] * 2

    def server(route):
        asked.append(route.request.url)
        route.fulfill(**answers.pop()) if answers else route.continue_()

    tab.route("**/v1/chat/tickets", server)
    tab.clock.install()
    open_chat(tab, doors, key)
    expect(tab.get_by_text("No connection.")).to_be_visible()
    assert len(asked) == 1
    while len(asked) < 3:
        pass_time(tab, 500)
    expect(tab.get_by_text("No connection.")).to_be_hidden()
    answers.append({"status": 500})
    for pause, status in (("30:01", 500), ("01:01", 200)):
        with tab.expect_response("**/v1/chat/tickets") as renewed:
            tab.clock.fast_forward(pause)
        assert renewed.value.status == status


def test_what_one_customer_did_not_send_is_neither_shown_nor_sent_to_the_next(
    tab, small_homes, home, make_app
):
    shutil.copytree(small_homes["proven"], home)
    port, secret = free_port(), "my number is 4711"
    app = make_app(serve={"origins": [f"http://127.0.0.1:{port}"]})
    shop = app.lobby.keys.admit(app.lobby.keys.add(Wish("shop", Role.ADMIN), "test")[1])

    def token_of(customer):
        return app.lobby.keys.token(shop, 5, customer_id=customer, conversation_id=None)

    def page(customer):
        script = f"<script src='{doors.origin}/chat.js' data-open data-token-url=/my/token>"
        return a_page_elsewhere(f"{script}</script>", port, token_of(customer))

    shown = tab.locator("kbsupport-chat .text")
    with in_thread(app) as doors:
        tab.add_init_script(
            """const Real = WebSocket;
            WebSocket = name !== 'up' ? class { close() {} } : class extends Real {
              constructor(...given) { super(...given); window.line = this; } };"""
        )
        with page("C-7") as address:
            tab.goto(address)
            say(tab.get_by_label("Your message"), secret)
            tab.reload()
            expect(shown).to_have_text([secret])
        with page("C-8") as address:
            tab.evaluate("window.name = 'up'")
            tab.goto(address)
            say(tab.get_by_label("Your message"), ASK)
            expect(tab.get_by_text(ANSWER)).to_be_visible()
            expect(tab.get_by_text(secret)).to_have_count(0)
            # Now the page speaks for a third one, whose conversation this is not.
            tab.route("**/my/token", lambda route: route.fulfill(json={"token": token_of("C-9")}))
            tab.evaluate("line.onclose({code: 4401})")
            expect(tab.get_by_text("A new conversation begins here.")).to_be_visible()
            expect(shown).to_have_count(0)
        (ticket,) = app.people.tickets(all_states=True)
        assert (ticket.customer_id, ticket.question) == ("C-8", ASK)
