import pytest

from kbsupport.errors import ConfigError, Conflict, NotFound
from kbsupport.model import EventType
from kbsupport.store import feedback


def kept(loop, ticket):
    with loop.app.database.read() as connection:
        return feedback.feedback_of(connection, ticket)


def test_a_rating_is_kept_and_told_with_an_event(loop):
    ticket = loop.answered().ticket_id
    loop.app.loop.hearing.hear(ticket, by="c-1", rating=5, comment="quick")
    (one,) = kept(loop, ticket)
    assert (one.rating, one.comment, one.by) == (5, "quick", "c-1")
    told = loop.app.people.events(ticket_id=ticket)[-1]
    assert (told.type, told.body["bad"]) == (EventType.FEEDBACK_RECEIVED, False)
    assert "quick" not in str(told.body)
    assert loop.app.people.verify().fault is None


@pytest.mark.parametrize(
    "given",
    [
        {"rating": 7},
        {"rating": 0},
        {},
        {"comment": "fine"},
        {"rating": 4, "article_id": "password"},
    ],
)
def test_what_is_no_feedback_is_refused_and_nothing_is_kept(loop, given):
    ticket = loop.answered().ticket_id
    with pytest.raises(ConfigError, match=r"rating|helped"):
        loop.app.loop.hearing.hear(ticket, by="c-1", **given)
    assert kept(loop, ticket) == []


def test_nobody_rates_twice_but_may_speak_of_each_article(loop):
    ticket, hear = loop.answered().ticket_id, loop.app.loop.hearing.hear
    hear(ticket, by="c-1", rating=5)
    with pytest.raises(Conflict, match="rated 5 already"):
        hear(ticket, by="c-1", rating=1)
    hear(ticket, by="c-1", helpful=True, article_id="password")
    hear(ticket, by="c-1", helpful=False, article_id="invoice")
    with pytest.raises(Conflict, match="about password already"):
        hear(ticket, by="c-1", helpful=False, article_id="password")
    assert len(kept(loop, ticket)) == 3


def test_what_is_sent_twice_with_one_key_is_kept_once(loop):
    ticket = loop.answered().ticket_id
    for _ in range(2):
        loop.app.loop.hearing.hear(ticket, by="c-1", rating=5, key="k-1")
    assert len(kept(loop, ticket)) == 1
    with pytest.raises(Conflict, match="another request"):
        loop.app.loop.hearing.hear(ticket, by="c-1", rating=1, key="k-1")


@pytest.mark.parametrize("by", ["c-2", None])
def test_a_ticket_of_somebody_else_looks_like_one_that_there_is_not(loop, by):
    ticket, hear = loop.answered().ticket_id, loop.app.loop.hearing.hear
    said = []
    for one in (ticket, "T-999", "no id"):
        with pytest.raises(NotFound) as refused:
            hear(one, by=by, rating=5)
        said.append(str(refused.value).replace(one, "X"))
    assert len(set(said)) == 1
    assert kept(loop, ticket) == []
