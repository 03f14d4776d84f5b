"""What another help desk says comes in and is answered there: real servers ring over HTTP."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from misbehaving import let_loopback_through
from real_servers import free_port, took_part
from servers import django_helpdesk, request_tracker
from webhooks.parts import given, open_doors

from kbsupport.adapters.django_helpdesk import DjangoHelpdesk
from kbsupport.adapters.request_tracker import RequestTracker
from kbsupport.adapters.web import Web
from kbsupport.model import Author, Customer, Ref

PASSWORD = "how do i reset the password"
PERSON = "I want to speak to a human, please."
BUYER, WORD = "buyer@shop.example", "kbsupport-test"
MAIL = Path(request_tracker.__file__).with_name("helpdesk_mail.py")

# As docs/events.md gives it, with an address, and with what lets a customer write at all.
SCRIP = r"""
@ACL = ((map { +{ GroupDomain => 'RT::Queue-Role', GroupType => 'Requestor', Queue => 'Support',
                  Right => $_ } } qw(ShowTicket ReplyToTicket)),
        { GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => 'Support',
          Right => 'CreateTicket' });
@Scrips = ({
    Queue => 'Support', Description => 'Ring kbsupport', Stage => 'TransactionBatch',
    ScripCondition => 'On Transaction', ScripAction => 'User Defined', Template => 'Blank',
    CustomPrepareCode => 'return 1;',
    CustomCommitCode => q{
        require LWP::UserAgent;
        LWP::UserAgent->new(timeout => 3, max_redirect => 0)->post(
            'ADDRESS', 'Content-Type' => 'application/json',
            Content => '{"ticket": ' . $self->TicketObj->id . '}');
        return 1;
    },
});
1;
"""


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


class Crm:
    """Knows where everybody reads mail."""

    def find(self, customer_id):
        return Customer(customer_id, "standard", email=BUYER)


@dataclass
class OnRequestTracker:
    """A customer and a colleague at a Request Tracker that rings."""

    server: object
    buyer: Web
    help_desk: RequestTracker

    def writes(self, text, number=None):
        if number is None:
            body = {"Queue": "Support", "Subject": "Help", "Content": text,
                    "ContentType": "text/plain", "Requestor": BUYER}  # fmt: skip
            return str(self.buyer.json("POST", "/ticket", body=body)["id"])
        body = {"Content": text, "ContentType": "text/plain"}
        self.buyer.json("POST", f"/ticket/{number}/correspond", body=body)
        return number

    def closes(self, number):
        for status in ("open", "resolved"):
            self.server.web.json("PUT", f"/ticket/{number}", body={"Status": status})

    def replies(self, number):
        told = self.server.web.json(
            "GET", f"/ticket/{number}/history", params={"fields": "Type,Creator", "per_page": 100}
        )["items"]
        ours = [one for one in told if one["Creator"]["id"] == "kbsupport"]
        return [
            self.server.web.json(
                "GET", f"/transaction/{one['id']}/attachments", params={"fields": "Content"}
            )["items"][0]["Content"]
            for one in ours
            if one["Type"] == "Correspond"
        ]

    def tickets(self):
        return self.server.web.json("GET", "/tickets", params={"query": "id > 0"})["count"]


@dataclass
class OnDjangoHelpdesk:
    """The same at a django-helpdesk, where the customer writes mails."""

    server: object
    folder: Path
    env: dict
    help_desk: DjangoHelpdesk

    def writes(self, text, number=None):
        subject = "Help" if number is None else f"Re: [support-{number}] Help"
        done = subprocess.run(
            [django_helpdesk.PYTHON, MAIL, self.folder, BUYER, subject], input=text, text=True,
            capture_output=True, check=False, env=os.environ | self.env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def closes(self, number):
        for status in (2, 4):
            body = {"ticket": int(number), "comment": "Done.", "public": True, "new_status": status}
            self.server.web.json("POST", "/followups/", body=body)

    def replies(self, number):
        told = self.server.web.json("GET", f"/tickets/{number}/")["followup_set"]
        return [one["comment"] for one in told if one["user"] and "Ref. key-" in one["comment"]
                and one["public"]]  # fmt: skip

    def tickets(self):
        return self.server.web.json("GET", "/tickets/", params={"page_size": 1})["count"]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def on_request_tracker(request_tracker_folder, proven_app, port):
    # As it will be once it has a port.
    help_desk = RequestTracker(
        url="http://127.0.0.1:1", queue="Support", user="kbsupport", password="x"
    )
    address = _address(proven_app, help_desk, port)
    request_tracker.insert(request_tracker_folder, SCRIP.replace("ADDRESS", address))
    with request_tracker.request_tracker(request_tracker_folder) as server:
        took_part("Request Tracker", server.version)
        help_desk = RequestTracker(
            url=server.url, queue="Support", user="kbsupport", password=server.password,
            timeout=30.0,
        )  # fmt: skip
        given(proven_app, help_desk)
        body = {"Name": BUYER, "EmailAddress": BUYER, "Password": WORD, "Privileged": 1}
        server.web.json("POST", "/user", body=body)
        buyer = Web("buyer", f"{server.url}/REST/2.0", timeout=30, auth=(BUYER, WORD))
        yield OnRequestTracker(server, buyer, help_desk)


@pytest.fixture
def on_django_helpdesk(helpdesk_folder, proven_app, port, monkeypatch):
    help_desk = DjangoHelpdesk(url=f"http://127.0.0.1:{port}", user="kbsupport", password="x")
    address = _address(proven_app, help_desk, port)
    env = {"HELPDESK_NEW_TICKET_WEBHOOK_URLS": address, "HELPDESK_FOLLOWUP_WEBHOOK_URLS": address}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with django_helpdesk.django_helpdesk(helpdesk_folder) as server:
        took_part("django-helpdesk", server.version)
        help_desk = DjangoHelpdesk(
            url=server.url, user="kbsupport", password=server.password, timeout=30.0
        )
        given(proven_app, help_desk)
        yield OnDjangoHelpdesk(server, helpdesk_folder, env, help_desk)


def _address(app, help_desk, port):
    given(app, help_desk)
    _, path = app.lobby.bells.add(help_desk.name, "test")
    return f"http://127.0.0.1:{port}/v1/hooks/{help_desk.name}/{path}"


@pytest.fixture(params=["on_request_tracker", "on_django_helpdesk"])
def there(request):
    return request.getfixturevalue(request.param)


def settled(app, reached, within=30.0):
    """Work as `kbsupport work` does until it came to that."""
    deadline = time.monotonic() + within
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that in time"
        app.lobby.inbound.step(patience=1.0)
        while app.lobby.deciding.one():
            pass
        assert app.people.outbox.deliver().failed == {}
        time.sleep(0.05)


def theirs_of(app, ticket):
    """What the customer said."""
    history = app.people.history(ticket.id)
    return [one.text.strip() for one in history if one.author is Author.CUSTOMER]


def test_tickets_of_theirs_and_of_ours_go_on_on_both_sides_each_thing_once(there, proven_app, port):
    app, before = proven_app, there.tickets()
    app.people.crm = Crm()
    with open_doors(app, port):
        number = there.writes(PASSWORD)
        settled(app, lambda: len(there.replies(number)) == 1)
        [ticket] = app.people.tickets(all_states=True)
        assert (ticket.state, ticket.customer_id) == ("answered", BUYER)
        assert app.people.mirrored(ticket.id) == Ref(there.help_desk.name, number)
        there.writes(PERSON, number)
        settled(app, lambda: len(there.replies(number)) == 2)
        [listed] = app.desk.list()
        lead = app.people.rota().lead.id
        app.desk.claim(listed.escalation.id, lead)
        app.desk.answer(listed.escalation.id, lead, "A person writes to you.")
        settled(app, lambda: len(there.replies(number)) == 3)
        assert "A person writes to you." in there.replies(number)[2]
        there.closes(number)
        settled(app, lambda: app.people.ticket(ticket.id).state == "closed")
        # All that we wrote there rang as well: none of it is news.
        time.sleep(1.2)
        app.lobby.inbound.step(patience=10.0)
        assert theirs_of(app, ticket) == [PASSWORD, PERSON]
        assert len(app.people.tickets(all_states=True)) == 1
        assert there.tickets() == before + 1

        # One that is opened there from here: what its customer replies there comes back.
        opened = app.ask(PERSON, customer="C-9", conversation_id="v-9").ticket_id
        settled(app, lambda: app.people.mirrored(opened) is not None)
        number = app.people.mirrored(opened).id
        there.writes("And hurry, please.", number)
        ours = app.people.ticket(opened)
        settled(app, lambda: theirs_of(app, ours) == [PERSON, "And hurry, please."])
        assert len(app.people.tickets(all_states=True)) == 2
        assert there.tickets() == before + 2
    app.lobby.inbound.close_up()
