"""What every ticketing adapter must keep to, on the real servers."""

import email
import email.policy
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from misbehaving import let_loopback_through
from real_servers import free_port
from servers.forgetful import Forgetful
from servers.request_tracker import RunningRt

from kbsupport.adapters.django_helpdesk import DjangoHelpdesk
from kbsupport.adapters.request_tracker import RequestTracker
from kbsupport.adapters.ticketing import mark
from kbsupport.errors import ConfigError, NotFound, UpstreamError
from kbsupport.mirror import Mirror
from kbsupport.model import Author, Message, Ref, State, TicketView
from kbsupport.outbox import Outbox
from kbsupport.people import utc_now

UNICODE = "Grüße 返品 🙂 العربية — “quoted” <b>not bold</b> & 50 %"
TEMPLATES = (
    "{{ ticket.queue }} {% now 'Y' %} {% {# {{{ }}} %} {%% {% endverbatim %} #1 ${x} <% 1 %>"
)
LONG = "A line of a very long story.\n" * 8_000

_count = itertools.count(1)


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


class OnRequestTracker:
    def __init__(self, server: RunningRt) -> None:
        self.server = server

    def adapter(self, **options):
        server = self.server
        return RequestTracker(**{
            "url": server.url, "queue": "Support", "user": "kbsupport",
            "password": server.password, "timeout": 30.0, **options,
        })  # fmt: skip

    def not_set_up(self):
        return self.adapter(queue="Bare")

    def title(self, ref):
        return self.server.web.json("GET", f"/ticket/{ref.id}")["Subject"]

    def said(self, ref):
        """What people wrote on the ticket after it was opened: text, and whether it is public."""
        told = self.server.web.json(
            "GET", f"/ticket/{ref.id}/history", params={"fields": "Type", "per_page": 100}
        )
        kinds = {"Correspond": True, "Comment": False}
        return [
            (self._text(item["id"]), kinds[item["Type"]])
            for item in told["items"]
            if item["Type"] in kinds
        ]

    def _text(self, transaction):
        asked = {"fields": "Content"}
        parts = self.server.web.json("GET", f"/transaction/{transaction}/attachments", params=asked)
        return parts["items"][0]["Content"]

    def tickets(self, subject):
        query = f"Subject = '{subject}'"
        return self.server.web.json("GET", "/tickets", params={"query": query})["count"]

    def set_back(self, ref):
        self.server.web.json("PUT", f"/ticket/{ref.id}", body={"Status": "open"})


class OnDjangoHelpdesk:
    def __init__(self, server) -> None:
        self.server = server

    def adapter(self, **options):
        server = self.server
        return DjangoHelpdesk(**{
            "url": server.url, "user": "kbsupport", "password": server.password,
            "timeout": 30.0, **options,
        })  # fmt: skip

    def not_set_up(self):
        return self.adapter(field="another")

    def title(self, ref):
        return self.server.web.json("GET", f"/tickets/{ref.id}/")["title"]

    def said(self, ref):
        told = self.server.web.json("GET", f"/tickets/{ref.id}/")["followup_set"]
        return [(said["comment"], said["public"]) for said in told[1:]]

    def tickets(self, subject):
        told = self.server.web.json("GET", "/tickets/", params={"page_size": 1000})["results"]
        return sum(row["title"] == subject for row in told)

    def set_back(self, ref):
        self.server.web.json("PATCH", f"/tickets/{ref.id}/", body={"status": 2})


@pytest.fixture(params=["request-tracker", "django-helpdesk"])
def there(request):
    if request.param == "request-tracker":
        return OnRequestTracker(request.getfixturevalue("request_tracker_server"))
    return OnDjangoHelpdesk(request.getfixturevalue("helpdesk_server"))


@pytest.fixture
def ticketing(there):
    return there.adapter()


def new(**changes):
    number = next(_count)
    return TicketView(**{
        "subject": f"Where is parcel {number}", "text": "It has not come.",
        "customer_id": f"c-{number}", "email": f"buyer{number}@shop.example", **changes,
    })  # fmt: skip


def message(text="It is on its way."):
    return Message(7, "v-1", 2, Author.SPECIALIST, text, datetime(2026, 5, 4, 9, tzinfo=UTC))


def fresh_key():
    return f"T-{next(_count)}:open"


def mails_to(there, address):
    """The decoded text of every mail that the server sent to this address."""
    found = []
    for path in there.server.outbox.iterdir():
        for raw in path.read_bytes().split(b"\n" + b"-" * 79 + b"\n"):
            mail = email.message_from_bytes(raw.lstrip(), policy=email.policy.default)
            if address in str(mail["To"]):
                found.append(mail.get_body(("plain",)).get_content())
    return found


def test_a_ticket_opened_twice_with_one_key_is_one_ticket(there, ticketing):
    ticket, key = new(), fresh_key()
    first = ticketing.open(ticket, key)
    again = there.adapter().open(ticket, key)
    assert first == again
    assert first.system == ticketing.name
    assert there.tickets(ticket.subject) == 1


def test_tickets_opened_with_two_keys_are_two(ticketing):
    ticket = new()
    assert ticketing.open(ticket, fresh_key()) != ticketing.open(ticket, fresh_key())


def test_a_reply_is_said_once_to_the_customer_and_leaves_the_title_alone(there, ticketing):
    ticket = new()
    ref = ticketing.open(ticket, fresh_key())
    for _ in range(2):
        ticketing.reply(ref, message("It leaves tomorrow."), "reply-1")
    ((text, public),) = there.said(ref)
    assert text.startswith("It leaves tomorrow.")
    assert public
    assert there.title(ref) == ticket.subject
    assert sum("It leaves tomorrow." in mail for mail in mails_to(there, ticket.email)) == 1


def test_a_note_is_said_once_and_never_to_the_customer(there, ticketing):
    ticket = new()
    ref = ticketing.open(ticket, fresh_key())
    for _ in range(2):
        ticketing.note(ref, "Ask the warehouse.", "note-1")
    ((text, public),) = there.said(ref)
    assert text.startswith("Ask the warehouse.")
    assert not public
    assert not any("warehouse" in mail for mail in mails_to(there, ticket.email))


def test_a_call_whose_answer_was_lost_is_made_again_without_a_second_copy(there):
    ticket, key = new(), fresh_key()
    with Forgetful(there.server.url) as between:
        cut_off, whole = there.adapter(url=between.origin), there.adapter()
        with pytest.raises(UpstreamError):
            cut_off.open(ticket, key)
        ref = whole.open(ticket, key)
        for say in (
            lambda over: over.reply(ref, message(), "reply"),
            lambda over: over.note(ref, "Seen.", "note"),
            lambda over: over.set_status(ref, State.ANSWERED, "status"),
        ):
            with pytest.raises(UpstreamError):
                say(cut_off)
            say(whole)
    assert between.forgot == 4
    assert there.tickets(ticket.subject) == 1
    assert [public for _, public in there.said(ref)] == [True, False]
    assert [view.state for view in whole.history(ticket.customer_id)] == ["solved"]


def test_the_same_words_with_another_key_are_said_again(there, ticketing):
    ref = ticketing.open(new(), fresh_key())
    for key in ("one", "two"):
        ticketing.reply(ref, message("Still looking."), key)
    assert len(there.said(ref)) == 2


def test_one_key_on_two_tickets_is_said_on_both(there, ticketing):
    for ref in (ticketing.open(new(), fresh_key()), ticketing.open(new(), fresh_key())):
        ticketing.note(ref, "Seen.", "the same key")
        assert len(there.said(ref)) == 1


def test_a_history_shows_what_was_opened_for_that_customer_and_nobody_elses(ticketing):
    mine = new()
    others = [new(customer_id=f"{mine.customer_id}{more}") for more in ("0", " ", "'", "%")]
    older = ticketing.open(mine, fresh_key())
    for other in others:
        ticketing.open(other, fresh_key())
    newer = ticketing.open(new(customer_id=mine.customer_id, text="Now it came."), fresh_key())
    found = ticketing.history(mine.customer_id)
    assert [view.ref for view in found] == [newer, older]
    assert [view.text.strip() for view in found] == ["Now it came.", mine.text]
    assert {view.customer_id for view in found} == {mine.customer_id}
    assert found[1].subject == mine.subject
    assert all(abs(datetime.now(UTC) - v.created_at) < timedelta(minutes=5) for v in found)


def test_a_customer_who_is_known_by_address_finds_what_they_wrote_there_themselves(ticketing):
    ticket = new(customer_id=None)
    ref = ticketing.open(ticket, fresh_key())
    assert [view.ref for view in ticketing.history(ticket.email)] == [ref]


@pytest.mark.parametrize("nobody", ["c-none", "", "x' OR id > 0 OR Subject = 'x", "a@b' OR 1=1"])
def test_nobody_has_an_empty_history(ticketing, nobody):
    ticketing.open(new(), fresh_key())
    assert list(ticketing.history(nobody)) == []


def test_a_history_is_no_longer_than_was_asked_for(there, ticketing):
    ticket = new()
    refs = [ticketing.open(ticket, fresh_key()) for _ in range(3)]
    found = there.adapter(most=2).history(ticket.customer_id)
    assert [view.ref for view in found] == refs[:0:-1]


@pytest.mark.parametrize(
    ("state", "stages"),
    [
        (State.QUEUED, {"open"}),
        (State.CLARIFYING, {"waiting"}),
        (State.ANSWERED, {"solved"}),
        (State.CLOSED, {"solved", "closed"}),
    ],
)
def test_a_status_that_was_set_is_told_back(ticketing, state, stages):
    ticket = new()
    ref = ticketing.open(ticket, fresh_key())
    ticketing.set_status(ref, State.ANSWERED, "before")
    ticketing.set_status(ref, state, "now")
    (view,) = ticketing.history(ticket.customer_id)
    assert view.state in stages


def test_every_state_of_ours_can_be_told(ticketing):
    ref = ticketing.open(new(), fresh_key())
    for state in State:
        ticketing.set_status(ref, state, f"status {state}")


def test_a_late_repetition_does_not_undo_what_people_did_since(there, ticketing):
    ticket = new()
    ref = ticketing.open(ticket, fresh_key())
    ticketing.set_status(ref, State.ANSWERED, "solved once")
    there.set_back(ref)
    ticketing.set_status(ref, State.ANSWERED, "solved once")
    assert ticketing.history(ticket.customer_id)[0].state == "open"
    ticketing.set_status(ref, State.ANSWERED, "solved again")
    assert ticketing.history(ticket.customer_id)[0].state == "solved"


def test_a_status_does_not_make_a_ticket_forget_whose_it_is_and_how_it_began(ticketing):
    ticket, key = new(), fresh_key()
    ref = ticketing.open(ticket, key)
    for number in range(5):
        ticketing.set_status(ref, State.QUEUED, f"status-{number}")
    assert ticketing.open(ticket, key) == ref
    assert len(ticketing.history(ticket.customer_id)) == 1


@pytest.mark.parametrize("text", [UNICODE, TEMPLATES, LONG], ids=["unicode", "templates", "long"])
def test_every_text_arrives_as_it_was_written(there, ticketing, text):
    ticket = new(text=text)
    ref = ticketing.open(ticket, fresh_key())
    assert ticketing.history(ticket.customer_id)[0].text.strip() == text.strip()
    ticketing.reply(ref, message(text), "reply")
    ticketing.note(ref, text, "note")
    assert [said.startswith(text.strip()) for said, _ in there.said(ref)] == [True, True]
    ticketing.reply(ref, message(text), "reply")
    assert len(there.said(ref)) == 2


@pytest.mark.parametrize("broken", ["", " \n ", "\0", "half a \ud800 pair", "a\x1b[0m bell\x07"])
def test_what_cannot_be_sent_is_still_said(there, ticketing, broken):
    ref = ticketing.open(new(subject=broken, text=broken, customer_id=broken), broken + fresh_key())
    assert there.title(ref)
    for _ in range(2):
        ticketing.reply(ref, message(broken), f"reply {broken}")
        ticketing.note(ref, broken, f"note {broken}")
    assert len(there.said(ref)) == 2


def test_a_subject_is_one_line_of_a_length_that_fits(there, ticketing):
    ref = ticketing.open(new(subject="Help\r\nBcc: all@shop.example " + "x" * 500), fresh_key())
    title = there.title(ref)
    assert title.startswith("Help Bcc: all@shop.example x")
    assert title.endswith("…")
    assert len(title.encode()) == 200
    ref = ticketing.open(new(subject="返品 🙂 " * 50), fresh_key())
    assert there.title(ref).startswith("返品 🙂 返品 🙂 ")
    assert "\ufffd" not in there.title(ref)


def test_a_customer_without_an_address_can_have_a_ticket(ticketing):
    ticket = new(email=None)
    ref = ticketing.open(ticket, fresh_key())
    ticketing.reply(ref, message(), "reply")
    assert [view.ref for view in ticketing.history(ticket.customer_id)] == [ref]


def test_a_wrong_password_says_what_to_check(there):
    wrong = there.adapter(password="not this")
    for call in (
        lambda: wrong.open(new(), fresh_key()),
        lambda: wrong.history("c-1"),
        lambda: wrong.note(Ref(wrong.name, "1"), "x", "k"),
        lambda: wrong.set_status(Ref(wrong.name, "1"), State.CLOSED, "k"),
    ):
        with pytest.raises(ConfigError, match="check user and password"):
            call()


def test_a_server_that_was_not_set_up_is_told_before_anything_is_written(there):
    ticket = new()
    with pytest.raises(ConfigError, match="custom field"):
        there.not_set_up().open(ticket, fresh_key())
    assert there.tickets(ticket.subject) == 0


@pytest.mark.parametrize("number", ["999999", "0", "", "1/../2", "¹", "../queue/1", "-1"])
def test_an_unknown_ticket_is_not_found(ticketing, number):
    ref = Ref(ticketing.name, number)
    for call in (
        lambda: ticketing.reply(ref, message(), "k"),
        lambda: ticketing.note(ref, "x", "k"),
        lambda: ticketing.set_status(ref, State.CLOSED, "k"),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_ticket_of_another_system_is_not_found(ticketing):
    ticketing.open(new(), fresh_key())
    with pytest.raises(NotFound):
        ticketing.note(Ref("another", "1"), "x", "k")


def test_a_server_that_is_down_is_unreachable(there):
    down = there.adapter(url=f"http://127.0.0.1:{free_port()}", timeout=2.0)
    for call in (
        lambda: down.open(new(), fresh_key()),
        lambda: down.history("c-1"),
        lambda: down.reply(Ref(down.name, "1"), message(), "k"),
    ):
        with pytest.raises(UpstreamError, match="unreachable"):
            call()


def test_a_queue_that_does_not_exist_is_a_wrong_setting(request_tracker_server):
    with pytest.raises(ConfigError, match="'Nowhere'"):
        OnRequestTracker(request_tracker_server).adapter(queue="Nowhere").open(new(), fresh_key())


def test_a_ticket_beyond_how_far_is_looked_back_is_not_found_again(helpdesk_server):
    there = OnDjangoHelpdesk(helpdesk_server)
    ticket, key = new(), fresh_key()
    first = there.adapter().open(ticket, key)
    later = [there.adapter().open(new(), fresh_key()) for _ in range(2)]
    assert there.adapter(look_back=3).open(ticket, key) == first
    assert list(there.adapter(look_back=2).history(ticket.customer_id)) == []
    assert there.adapter(look_back=2).open(ticket, key) not in [first, *later]


def test_what_a_customer_wrote_never_counts_as_a_mark(helpdesk_server):
    there = OnDjangoHelpdesk(helpdesk_server)
    victim = new()
    ticketing = there.adapter()
    ticketing.open(victim, fresh_key())
    forged = f"hello\n\nRef. {mark('key', 'later')}\n{mark('customer', victim.customer_id)}"
    ref = ticketing.open(new(text=forged), fresh_key())
    assert ref not in [view.ref for view in ticketing.history(victim.customer_id)]
    assert ticketing.open(new(), "later") != ref


def test_a_ticket_of_ours_is_followed_there_from_question_to_answer(there, ticketing, make_app):
    app = make_app()
    listeners = {"ticketing": Mirror(app.database, ticketing, utc_now, fresh_key())}
    outbox = Outbox(app.database, listeners, utc_now)
    # Nothing is indexed, so a person gets it.
    reply = app.ask(f"Where is parcel {next(_count)}?", conversation_id="v-1", customer="c-mirror")
    for _ in range(2):
        assert outbox.deliver().failed == {}
    ref = app.people.mirrored(reply.ticket_id)
    assert reply.ticket_id in there.title(ref)
    (waiting,) = app.desk.list()
    app.desk.claim(waiting.escalation.id, "lead")
    app.ask("It is a small one.", conversation_id="v-1", customer="c-mirror")
    app.desk.answer(waiting.escalation.id, "lead", "It comes on Friday.")
    for _ in range(2):
        assert outbox.deliver().failed == {}
    said = there.said(ref)
    public = [text for text, shown in said if shown]
    assert sum("It comes on Friday." in text for text in public) == 1
    assert sum("It is a small one." in text for text, shown in said if not shown) == 1
    assert sum("Why a person" in text for text, shown in said if not shown) == 1
