import json

import pytest
import shapes

from kbsupport.model import Audience
from kbsupport.store import decisions

PASSWORD = "How do I reset my password?"


def test_a_quote_stands_where_the_citation_says_it_stands(kb):
    asked = kb("ask", PASSWORD, "--json")
    assert asked.code == 0
    assert asked.err == ""
    decision = asked.json
    shown = kb("articles", "show", decision["article_id"], "--json").json
    assert shown.keys() >= {"id", "title", "text", "url"}
    assert decision["outcome"] == "resolve"
    for one in decision["answer"]["citations"]:
        assert shown["text"][one["start"] : one["end"]] == one["quote"]
        assert (one["title"], one["url"]) == (shown["title"], shown["url"])


def test_every_article_that_is_named_can_be_shown(kb):
    listed = {article["id"] for article in kb("articles", "list", "--json").json}
    assert set(kb("ask", PASSWORD, "--json").json["articles"]) <= listed


def test_people_see_the_answer_its_source_and_why(kb):
    page = kb("ask", PASSWORD).out
    assert "Forgot password" in page
    assert "Source: Forgot your password? (account/reset-your-password)" in page
    (verdict,) = [line for line in page.splitlines() if line.startswith("[resolve: ")]
    assert "_threshold; probability " in verdict
    assert page.splitlines()[-1].startswith(("[certified: ", "[not certified: "))


def test_a_certified_answer_names_its_certificate_and_its_threshold():
    from kbsupport.cli.ask import proven
    from kbsupport.model import Outcome, Reason, Verdict

    plain = Verdict(Outcome.RESOLVE, Reason.PRIOR_THRESHOLD, "said", threshold=0.9)
    assert proven(plain).startswith("[not certified: ")
    sure = Verdict(
        Outcome.RESOLVE, Reason.CERTIFIED_THRESHOLD, "said",
        certified=True, certificate="c-1", threshold=0.875,
    )  # fmt: skip
    assert proven(sure) == "[certified: c-1, threshold 0.8750]"


def test_the_same_question_gets_the_same_decision(kb):
    once, again = (shapes.stable(kb("ask", PASSWORD, "--json").json) for _ in range(2))
    assert once == again


def test_a_question_comes_from_stdin(kb):
    asked = kb("ask", "-", "--json", stdin=b"reset my p\xe4ssword \xff password")
    assert asked.code == 0
    assert "account/reset-your-password" in asked.json["articles"]


@pytest.mark.parametrize("stdin", [None, b"", b"\n \n"], ids=["closed", "empty", "blank"])
def test_a_stdin_without_words_is_an_empty_question_for_a_person(kb, stdin):
    asked = kb("ask", "-", "--json", stdin=stdin)
    assert asked.code == 0
    assert asked.json["outcome"] == "escalate"
    assert asked.json["reason"] == "empty_question"
    assert asked.json["ticket_id"]
    shapes.check(asked.json)


def test_what_an_escalation_was_asked_with_waits_in_a_ticket(kb):
    text = "please let me talk to a human being\nabout my bill"
    asked = kb("ask", text, "--tier", "premium", "--customer", "C-1", "--json").json
    assert (asked["outcome"], asked["reason"]) == ("escalate", "asks_for_person")
    assert asked["ticket_id"] in asked["reply"]
    ticket = kb("ticket", "show", asked["ticket_id"], "--json").json
    assert ticket["question"] == text
    assert (ticket["customer_id"], ticket["tier"]) == ("C-1", "premium")
    assert ticket["decision_id"] == asked["decision_id"]
    assert ticket["brief"]["passages"] == asked["passages"]
    assert asked["ticket_id"] in kb("ticket", "list").out


def test_the_stored_decision_is_the_printed_one(kb, sample_app):
    printed = kb("ask", PASSWORD, "--json").json
    with sample_app.database.read() as connection:
        query = decisions.DECISION.select().where(decisions.DECISION.c.id == printed["decision_id"])
        row = connection.execute(query).one()
    assert shapes.stable(row.body) == shapes.stable(printed)
    assert row.question["text"] == PASSWORD


def test_the_number_of_passages_is_as_asked(kb):
    assert len(kb("ask", PASSWORD, "--passages", 1, "--json").json["passages"]) == 1
    assert len(kb("ask", PASSWORD, "--passages", 12, "--json").json["passages"]) == 12


def test_an_enterprise_customer_finds_what_only_enterprise_may_see(kb):
    text = "API rate limit requests per minute"
    assert kb("ask", text, "--tier", "enterprise", "--json").json["article_id"] == "buildings/api"
    assert "buildings/api" not in kb("ask", text, "--json").out


def test_staff_find_internal_articles_and_customers_never_do(kb, sample_app):
    text = "goodwill credit how much may I give"
    hidden = [a for a in sample_app.articles() if a.audience is Audience.INTERNAL]
    inside = kb("ask", text, "--audience", "internal", "--json").json
    assert inside["article_id"] == "orders/goodwill-credit"
    outside = kb("ask", text, "--json").out
    for article in hidden:
        assert article.id not in outside
        assert json.dumps(article.title)[1:-1] not in outside


def test_a_language_leaves_other_languages_out(kb):
    text = "Der Hub ist offline"
    assert kb("ask", text, "--language", "de", "--json").json["article_id"].endswith("-de")
    english = kb("ask", text, "--language", "en", "--json").json
    assert not any(article.endswith("-de") for article in english["articles"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["ask"], "--batch FILE"),
        (["ask", "hi", "--batch", "x"], "--batch FILE"),
        (["ask", "hi", "--tier", "gold"], "standard, premium, enterprise"),
        (["ask", "hi", "--passages", "0"], "--passages"),
        (["ask", "hi", "--audience", "everybody"], "--audience"),
        (["ask", "hi", "--colour"], "--colour"),
        (["ask", "--batch", "no/such/file"], "no/such/file"),
        (["ask", "--batch", "no/such/file", "--tier", "gold"], "gold"),
    ],
)
def test_wrong_usage_is_one_line_and_2(kb, arguments, names):
    asked = kb(*arguments)
    assert asked.code == 2
    assert asked.out == ""
    assert names in asked.says_one_line()


def test_without_an_index_a_person_gets_the_question(kb, tmp_path):
    asked = kb("--home", tmp_path / "new", "ask", "where is my parcel?", "--json")
    assert asked.code == 3
    assert "kbsupport index PATH" in asked.says_one_line()
    decision = asked.json
    shapes.check(decision)
    assert (decision["outcome"], decision["reason"]) == ("escalate", "failed")
    assert "kbsupport index" in decision["error"]
    ticket = kb("--home", tmp_path / "new", "ticket", "show", decision["ticket_id"], "--json").json
    assert ticket["question"] == "where is my parcel?"


@pytest.mark.parametrize("place", ["a file", "/proc"])
def test_a_home_that_cannot_be_written_is_3(kb, tmp_path, place):
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home" if place == "a file" else "/proc/no/home"
    asked = kb("--home", home, "ask", "hi")
    assert asked.code == 3
    assert asked.out == ""
    assert "choose another --home" in asked.says_one_line()


def test_a_home_may_have_any_name(kb, tmp_path):
    home = tmp_path / "what? 100% #1 ünï"
    asked = kb("--home", home, "ask", "I want to talk to a human")
    assert asked.code == 3
    assert (home / "kbsupport.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [home.name]
