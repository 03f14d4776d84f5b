"""Questions about the same thing come together; one alone, and many that are the same, too."""

import numpy as np
import pytest

from kbsupport.gaps.asked import Asked, Looked
from kbsupport.gaps.clusters import clusters, likeness
from kbsupport.gaps.kinds import Aside, Kind, kind_of
from kbsupport.gaps.naming import Tongue, central, name_of
from kbsupport.model import Label, Outcome, Reason
from kbsupport.testing import FakeEmbedder

EMBED = FakeEmbedder()


def looked(text, number=0, *, reply=None, scores=None, **more):
    given = {
        "asked": Asked(Label(f"Q-{number}", text, "escalate"), (reply,) if reply else ()),
        "vector": EMBED.embed([text])[0],
        "outcome": Outcome.ESCALATE,
        "reason": Reason.BELOW_THRESHOLD,
        "probability": 0.1,
        "scores": scores or {"a": 1.0, "b": 0.0},
        "reply": EMBED.embed([reply])[0] if reply else None,
    }
    return Looked(**given | more)


def leaning(texts, article):
    return [looked(text, scores={article: 2.0, "other": 0.0}) for text in texts]


KITES = ["string for my kite", "my kite lost its string", "kite string torn"]
SOUP = ["soup too salty today", "why is the soup salty", "salty soup again"]


def test_questions_about_the_same_thing_come_together():
    found = clusters([*leaning(KITES, "toys"), *leaning(SOUP, "food")])
    assert found == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("count", [0, 1])
def test_no_question_and_one_make_no_cluster(count):
    assert clusters([looked("a kite")] * count) == []


def test_the_same_question_many_times_is_one_cluster():
    assert clusters([looked("my kite", n) for n in range(5)]) == [[0, 1, 2, 3, 4]]


def test_what_people_wrote_back_says_more_than_the_question():
    asked = ["is it broken", "what now", "help me please", "no idea"]
    kite, soup = "the kite needs a new string", "too much salt went into this soup"
    members = [looked(a, n, reply=[kite, soup][n % 2]) for n, a in enumerate(asked)]
    assert clusters(members) == [[0, 2], [1, 3]]


def test_likeness_is_symmetric_and_finite_without_any_article():
    alike = likeness([looked(text, n, scores={"": 0.0}) for n, text in enumerate([*KITES, ""])])
    assert np.isfinite(alike).all()
    assert (alike == alike.T).all()


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ({}, Kind.MISSING),
        ({"probability": 0.3}, Kind.NOT_FOUND),
        ({"probability": 0.9, "reply": "it is new"}, Kind.MISSING),
        ({"rests": "a"}, Kind.NOT_FOUND),
        ({"reason": Reason.LEGAL, "probability": 0.9}, Kind.POLICY),
        ({"own_case": 0.6}, Kind.POLICY),
        ({"reason": Reason.SEVERAL_QUESTIONS, "outcome": Outcome.CLARIFY}, Aside.SEVERAL),
        ({"reason": Reason.SPAM}, Aside.NO_QUESTION),
        ({"instructions": True}, Aside.NO_QUESTION),
        ({"reason": Reason.THANKS, "outcome": Outcome.REPLY}, Aside.NO_QUESTION),
        ({"reason": Reason.CERTIFIED_THRESHOLD, "outcome": Outcome.RESOLVE}, Aside.ANSWERED),
    ],
)
def test_the_kind_follows_stated_rules(what, kind):
    assert kind_of(looked("my kite", **what)) is kind


def test_a_name_holds_what_these_tickets_share_and_others_do_not():
    tongue = Tongue.of([*KITES, *SOUP, "where is my parcel", "my parcel is late"])
    assert name_of(KITES, tongue).split(", ")[:2] == ["kite", "string"]
    assert name_of(["12345", ""], tongue) == "no words in common"


def test_the_central_question_comes_first_and_each_once():
    members = [looked(text, n) for n, text in enumerate([*KITES, KITES[0].upper(), "zebra"])]
    found = [one.asked.text for one in central(members)]
    assert len(found) == 4
    assert found[-1] == "zebra"
