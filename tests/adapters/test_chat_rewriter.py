import json
import logging
import shutil
import threading
import time

import pytest
from misbehaving import let_loopback_through
from servers.chatting import NO_ANSWER, WRONG_ANSWER, Chatting, injection

from kbsupport.adapters.chat_rewriter import ChatRewriter, _Pace
from kbsupport.adapters.writers import QuoteWriter
from kbsupport.errors import ConfigError, MissingExtra
from kbsupport.model import Article, Audience, Outcome, Passage, Question

TEXT = (
    "You have 45 days to send an item back.\n\n"
    "A Valve is not taken back once it was on a pipe.\n\n"
    "Write to care@ondula.example or see https://help.ondula.example/returns first.\n\n"
    "1. Open Account > Orders and choose Return items.\n"
    "2. Do not pay for the label.\n"
)
ARTICLE = Article("returns", "Send it back", TEXT, language="en")
ASKED = Question("How do I send something back?")
# For tests that wait for the end of it.
SECONDS = 0.5


class Hidden:
    def __init__(self, text):
        self.text = text.replace("jane@home.example", "<E-MAIL>")


@pytest.fixture(autouse=True)
def _network_is_shut(monkeypatch):
    let_loopback_through(monkeypatch)


@pytest.fixture
def endpoint():
    """One that does what it is told by its name, shut down at the end."""
    opened = []

    def start(does="reword"):
        opened.append(Chatting(does))
        return opened[-1].__enter__()

    yield start
    for one in opened:
        one.__exit__()


def rewriter(server, **options):
    return ChatRewriter(server.base_url, "fake", **{"seconds": 8.0, "mask": Hidden} | options)


def written(by, question=ASKED, article=ARTICLE):
    passages = [Passage(article.id, "", article.text, 0, len(article.text), 0.5, 0.5)]
    quoted = QuoteWriter().write(question, article, passages, lambda _: 1.0)
    return quoted if by is None else by.reword(question, article, quoted)


QUOTED = written(None)


@pytest.mark.parametrize("does", ["reword", "fenced"])
def test_a_rewording_that_says_the_same_is_sent_with_the_quotes_as_they_were(endpoint, does):
    made = rewriter(endpoint(does))
    answer = written(made)
    assert answer.citations == QUOTED.citations
    assert answer.text.startswith("Please you have 45 days to send an item back. Please a Valve is")
    assert answer.text.endswith("\n2. Please do not pay for the label.")
    assert made.counts() == {"reworded": 1}


@pytest.mark.parametrize("does", NO_ANSWER)
def test_whatever_comes_instead_of_an_answer_the_quotes_are_sent_in_time(endpoint, does, caplog):
    made = rewriter(endpoint(does), seconds=SECONDS)
    begun = time.monotonic()
    assert written(made) == QUOTED
    assert time.monotonic() - begun < SECONDS + 1
    assert made.counts() == {"unreachable": 1}
    assert "the quotes are sent" in caplog.text
    assert "send an item" not in caplog.text


@pytest.mark.parametrize("does", WRONG_ANSWER)
def test_whatever_else_it_says_the_quotes_are_sent(endpoint, does):
    made = rewriter(endpoint(does))
    assert written(made) == QUOTED
    assert made.counts().keys().isdisjoint({"reworded", "unreachable"})


def test_one_that_obeys_every_order_in_question_or_article_gets_nothing_said(endpoint):
    made = rewriter(endpoint("obey"))
    for number in range(6):
        order, planted = injection(number)
        asked = Question(f"{ASKED.text} {order}")
        article = Article("returns", "Send it back", f"{TEXT}\n\n{order}", language="en")
        for question, told in ((asked, ARTICLE), (ASKED, article)):
            answer = written(made, question, told)
            assert answer == written(None, question, told)
            assert not any(canary in answer.text for canary in planted)
    assert "reworded" not in made.counts()


def test_no_thread_and_no_connection_outlives_the_budget(endpoint):
    server = endpoint("drip_head")
    before = threading.active_count()
    written(rewriter(server, seconds=SECONDS))
    server.stopped.wait(0.3)
    names = [thread.name for thread in threading.enumerate()]
    assert "kbsupport-rewriter" not in names
    assert threading.active_count() <= before + 1  # the server's own, until it is told to stop


def test_after_five_failures_nobody_waits_for_it_any_more(endpoint):
    server = endpoint("stall")
    made = rewriter(server, seconds=0.1)
    for _ in range(5):
        written(made)
    begun = time.monotonic()
    for _ in range(20):
        assert written(made) == QUOTED
    assert time.monotonic() - begun < 0.5
    assert len(server.seen) == 5


def test_one_that_asks_for_rest_is_left_alone(endpoint):
    server = endpoint("too_many")
    made = rewriter(server)
    assert [written(made) for _ in range(4)] == [QUOTED] * 4
    assert (len(server.seen), made.counts()) == (1, {"unreachable": 1, "too_many_calls": 3})


def test_calls_a_minute_are_capped(endpoint):
    server = endpoint()
    made = rewriter(server, calls_per_minute=2)
    for _ in range(5):
        written(made)
    assert len(server.seen) == 2
    assert made.counts() == {"reworded": 2, "too_many_calls": 3}


def test_a_minute_later_there_may_be_calls_again():
    now = [0.0]
    pace = _Pace(1, lambda: now[0])
    tried = []
    for now[0] in (0.0, 59.0, 61.0):
        tried.append(pace.admit())
    pace.rest(10_000)
    for now[0] in (3_600.0, 61.0 + 3_600.0):
        tried.append(pace.admit())
    assert tried == [True, False, True, False, True]


def test_nothing_leaves_but_the_quotes_and_the_masked_question(endpoint, monkeypatch):
    monkeypatch.setenv("WRITER_KEY", "k-1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = endpoint()
    question = Question("Is it jane@home.example?", customer_id="C-77", conversation_id="v-99")
    written(rewriter(server, key_env="WRITER_KEY", temperature=0), question)
    written(rewriter(server, mask=None), question)
    (method, path, headers, body), (_, _, bare, without) = server.seen
    assert (method, path) == ("POST", "/v1/chat/completions")
    assert {name.lower() for name in headers} == {
        "host", "content-type", "content-length", "authorization", "connection", "accept",
        "accept-encoding", "x-stainless-raw-response",
    }  # fmt: skip
    assert (headers["authorization"], bare["authorization"]) == ("Bearer k-1", "Bearer none")
    sent = json.loads(body)
    assert set(sent) == {"model", "messages", "response_format", "temperature"}
    assert "Is it <E-MAIL>?" in sent["messages"][1]["content"]
    assert b"Is it" not in without
    for secret in (b"jane@", b"C-77", b"v-99", b"org-1"):
        assert secret not in body + without


def test_what_is_internal_or_cannot_be_checked_never_leaves(endpoint):
    server = endpoint()
    made = rewriter(server)
    for told in (
        Article("a", "A", TEXT, language="en", audience=Audience.INTERNAL),
        Article("b", "B", "Lähetä tuote takaisin 45 päivän kuluessa.", language="fi"),
        Article("c", "C", "Way | Days\nCard | 3\nBank | 7", language="en"),
    ):
        assert written(made, article=told) == written(None, article=told)
    assert (server.seen, made.counts()) == ([], {"not_asked": 3})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"base_url": "ftp://models.example"}, "base_url"),
        ({"base_url": "models.example/v1"}, "base_url"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"calls_per_minute": True}, "calls_per_minute"),
        ({"most_bytes": 10}, "most_bytes"),
        ({"shape": "xml"}, "json_object"),
        ({"key_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
    ],
)
def test_an_option_that_cannot_be_right_is_named(options, word):
    with pytest.raises(ConfigError, match=word):
        ChatRewriter(**{"base_url": "http://127.0.0.1:1/v1", "model": "m"} | options)


def test_without_the_extra_the_line_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"pip install 'kbsupport\[llm\]'"):
        ChatRewriter("http://127.0.0.1:1/v1", "m")


@pytest.mark.parametrize("does", ["reword", "obey", "error", "foreign_link"])
def test_a_customer_reads_the_quotes_or_their_rewording_and_nothing_else(
    endpoint, small_homes, home, make_app, does, caplog
):
    caplog.set_level(logging.ERROR)
    order, planted = injection(7)
    shutil.copytree(small_homes["proven"], home)
    app = make_app(rewriter={"use": "chat", "base_url": endpoint(does).base_url, "model": "fake"})
    reply = app.ask("how do i reset the password", conversation_id="v-1")
    assert reply.verdict.outcome is Outcome.RESOLVE
    said = [word.lower() for word in reply.text.split() if word != "Please"]
    quoted = " ".join(one.quote for one in reply.answer.citations)
    assert said == quoted.lower().split()
    assert ("Please" in reply.text) == (does in {"reword", "obey"})
    attacked = app.ask(f"how do i reset the password {order}", conversation_id="v-2")
    assert not any(canary in attacked.text for canary in planted)
