"""Index the sample articles, ask, and read the answer where it stands."""

import socket

import pytest
import shapes

QUESTIONS = {
    "How do I reset my password?": "account/reset-your-password",
    "can i pay with paypal": "billing/ways-to-pay",
}


@pytest.mark.parametrize(("text", "article"), QUESTIONS.items())
def test_an_answer_is_quoted_from_the_article_it_names(sample_app, text, article):
    reply = sample_app.ask(text)
    decision = reply.to_dict()
    shapes.check(decision, {a.id: a.text for a in sample_app.articles()})
    assert (decision["outcome"], decision["article_id"]) == ("resolve", article)
    assert decision["reason"] in ("certified_threshold", "prior_threshold")
    assert decision["certified"] is (decision["reason"] == "certified_threshold")
    assert decision["reply"] == decision["answer"]["text"]
    assert decision["ticket_id"] is None
    assert article in reply._repr_html_()


def test_between_two_close_articles_the_customer_chooses(real_app, folder):
    words = "Send the {} back to us within 45 days, in its own box.\n"
    real_app.index(
        [folder(**{one: f"# Return a {one}\n\n{words.format(one)}" for one in ("lamp", "valve")})]
    )
    decision = real_app.ask("how do I send it back", conversation_id="v-1").to_dict()
    shapes.check(decision)
    assert (decision["outcome"], decision["reason"]) == ("clarify", "two_close_articles")
    for article in decision["articles"][:2]:
        assert f"“Return a {article}”" in decision["reply"]
    assert real_app.people.ticket(decision["ticket_id"]).state == "clarifying"
    again = real_app.ask("how do I send it back", conversation_id="v-1").to_dict()
    assert again["outcome"] == "escalate", "one question back in a conversation is enough"


def test_the_same_in_python_and_by_name(sample_app, taught_home, real_settings):
    from kbsupport import open_app

    with open_app(home=str(taught_home), settings=real_settings) as app:
        ours = app.ask("How do I reset my password?", customer="C-1").to_dict()
    theirs = sample_app.ask("How do I reset my password?", customer="C-1").to_dict()
    assert shapes.stable(ours) == shapes.stable(theirs)


def test_indexing_and_asking_open_no_socket(real_app, folder, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    real_app.index([folder(returns="# Returns\n\nYou may return a valve within 45 days.")])
    assert real_app.ask("return a valve").articles == ("returns",)


def test_an_embedder_chosen_with_other_options_makes_the_index_outdated(
    indexed_home, real_settings
):
    from kbsupport.app import open_app
    from kbsupport.testing import FakeEmbedder

    with open_app(home=indexed_home, settings=real_settings) as app:
        app.embedder = FakeEmbedder()
        reply = app.ask("How do I reset my password?")
    assert "all-MiniLM-L6-v2" in reply.error
    assert "but fake is set now" in reply.error
    assert "kbsupport index PATH" in reply.error
    assert str(reply.verdict.outcome) == "escalate"


def test_drafts_are_never_found_and_never_shown(sample_app):
    drafts = {a.id for a in sample_app.articles() if not a.published}
    assert drafts
    for text in ("quiet hours at night", "parcel lockers", "matter support", "pause plus"):
        found = sample_app.ask(text, audience="internal", tier="enterprise")
        assert not drafts & set(found.articles)
