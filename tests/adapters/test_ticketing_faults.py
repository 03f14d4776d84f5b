import misbehaving
import pytest
from misbehaving import Misbehaving, let_loopback_through

from kbsupport.adapters.django_helpdesk import DjangoHelpdesk
from kbsupport.adapters.request_tracker import RequestTracker
from kbsupport.adapters.ticketing import STAGES, mark, moment, sendable, subject_line
from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Ref, State, TicketView

TICKET = TicketView(subject="Where is it", text="It has not come.", customer_id="c-1")
FAULTS = [
    "error", "page", "redirect", "empty", "no_content", "broken", "null", "array", "deep", "hang",
    "cut", "silence", "drip", "drip_head",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def server(monkeypatch):
    answering = misbehaving._Answering
    monkeypatch.setattr(answering, "do_OPTIONS", answering.do_GET, raising=False)
    with Misbehaving() as running:
        yield running


def request_tracker(url, **options):
    return RequestTracker(url=url, queue="Support", user="u", password="p", timeout=0.5, **options)


def django_helpdesk(url, **options):
    return DjangoHelpdesk(url=url, user="u", password="p", timeout=0.5, **options)


@pytest.fixture(params=[request_tracker, django_helpdesk], ids=lambda made: made.__name__)
def make(request):
    return request.param


def calls(ticketing):
    ref = Ref(ticketing.name, "1")
    return [
        lambda: ticketing.history("c-1"),
        lambda: ticketing.open(TICKET, "k"),
        lambda: ticketing.note(ref, "x", "k"),
        lambda: ticketing.set_status(ref, State.CLOSED, "k"),
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_it_answers_instead_is_an_outage_and_nothing_is_written(make, server, fault):
    server.does = fault
    for call in calls(make(server.origin)):
        with pytest.raises(UpstreamError):
            call()
    assert {seen[0] for seen in server.seen} <= {"GET", "OPTIONS"}


def test_a_refusal_is_a_setting_to_correct(make, server):
    server.does = "forbidden"
    for call in calls(make(server.origin)):
        with pytest.raises(ConfigError, match="check user and password"):
            call()


def test_who_we_are_has_to_be_said():
    with pytest.raises(ConfigError, match="token"):
        RequestTracker(url="http://127.0.0.1", queue="Support", user="u")
    with pytest.raises(ConfigError, match="password"):
        DjangoHelpdesk(url="http://127.0.0.1", user="u", password="")


def test_a_token_is_sent_instead_of_a_password(server):
    server.does = "error"
    ticketing = RequestTracker(url=server.origin, queue="Support", token="1-23-abc", timeout=0.5)
    with pytest.raises(UpstreamError):
        ticketing.history("c-1")
    assert server.seen[0][2]["Authorization"] == "token 1-23-abc"


def test_every_state_has_a_stage_there():
    assert STAGES.keys() == set(State)


def test_a_mark_says_nothing_and_tells_every_value_apart():
    marks = {mark("key", value) for value in ("", "a", "A", "a ", "'", "\ud800", "x" * 10_000)}
    assert len(marks) == 7
    assert mark("customer", "a") not in marks
    assert all(made.replace("-", "").isalnum() and len(made) == 28 for made in marks)


def test_a_subject_keeps_whole_letters_within_two_hundred_bytes():
    for text in ("x" * 300, "ü" * 300, "返" * 300, "🙂" * 300):
        line = subject_line(text)
        assert line.endswith("…")
        assert 196 <= len(line.encode()) <= 200
    assert subject_line("x" * 200) == "x" * 200
    assert subject_line(" a\r\nb\x00 ") == "a b\ufffd"
    assert subject_line(" \n ") == "(no subject)"


def test_a_text_keeps_its_lines_and_loses_what_cannot_be_sent():
    assert sendable("a\r\n\tb\x07\ud800") == "a\n\tb\ufffd\ufffd"
    assert sendable("\n") == "(no text)"


def test_a_time_without_a_zone_is_utc_and_nonsense_is_none():
    assert moment("2026-05-04T09:00:00Z") == moment("2026-05-04T11:00:00+02:00")
    assert moment("2026-05-04T09:00:00") == moment("2026-05-04T09:00:00Z")
    assert moment("yesterday") is None
    assert moment(None) is None
