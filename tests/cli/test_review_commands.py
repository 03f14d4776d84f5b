import pytest

from kbsupport.errors import ModelError
from kbsupport.testing import FakeEmbedder

ASKED = "how do i reset the password"


@pytest.fixture
def kbs(small, monkeypatch):
    """Run a command over the few proven articles, where every answer is audited."""
    monkeypatch.setenv("KBSUPPORT_REVIEW__AUDIT_SHARE", "1")
    return lambda *arguments: small("proven", *arguments)


def answered(kbs):
    row = kbs("ask", ASKED, "--conversation", "v-1", "--customer", "c-1", "--json").json
    assert row["outcome"] == "resolve"
    return row


def test_an_audit_from_the_queue_to_the_bound(kbs):
    assert kbs("review").out == "nothing waits for a review\n"
    answered(kbs)
    assert "R-1  audit  open   2.00   password  how do i reset the password" in kbs("review").out
    assert "Sent:\n" in kbs("review", "show", "R-1").out
    ran = kbs("review", "audit", "R-1", "--as", "ana")
    assert (ran.code, "--right or --wrong" in ran.says_one_line()) == (2, True)
    assert kbs("review", "audit", "R-1", "--right", "--as", "ana").out == "R-1 is agreed\n"
    assert kbs("review", "bound").out.startswith("0 of 1 audited answers under c-")
    assert kbs("review", "bound", "--json").json["judged"] == 1
    assert kbs("review", "list", "--audits", "--json").json == []
    assert kbs("review", "alarms").out == "there was no alarm\n"


def test_feedback_becomes_a_label_that_is_learnt(kbs):
    ticket = answered(kbs)["ticket_id"]
    given = ("feedback", ticket, "--not-helpful", "--customer", "c-1")
    assert kbs(*given).out == f"kept with {ticket}\n"
    ran = kbs(*given)
    assert (ran.code, "already" in ran.says_one_line()) == (1, True)
    rows = kbs("review", "--json").json
    assert [(row["kind"], row["question"]) for row in rows] == [("label", ASKED), ("audit", ASKED)]
    ran = kbs("review", "label", rows[0]["id"], "--article", "nothing", "--as", "ana")
    assert "no article 'nothing'" in ran.says_one_line()
    ran = kbs("review", "label", rows[0]["id"], "--article", "invoice", "--nobody", "--as", "ana")
    assert ran.code == 2
    kbs("review", "label", rows[0]["id"], "--article", "invoice", "--as", "ana")
    assert kbs("review", "learn", "--json").json["labels"] == 1
    assert kbs("review", "learn").out == "nothing new was agreed on\n"


def test_the_queue_is_weighed_unless_somebody_says_otherwise_or_the_model_fails(kbs, monkeypatch):
    for n, text in enumerate(("a giraffe in a poem", "a chess volcano for this dinosaur")):
        kbs("ask", text, "--conversation", f"v-{n}")
        kbs("desk", "claim", f"E-{n + 1}", "--as", "lead")
        kbs("desk", "answer", f"E-{n + 1}", "Nobody here knows it.", "--as", "lead")

    def worths(*more):
        return [row["worth"] for row in kbs("review", *more, "--json").json]

    def broken(*_):
        raise ModelError("the model is gone")

    assert worths("list", "--no-weigh") == [1.5, 1.5]
    with monkeypatch.context() as patched:
        patched.setattr(FakeEmbedder, "embed", broken)
        ran = kbs("review")
    assert (ran.code, ran.out.count("1.50")) == (0, 2)
    assert ran.says_one_line() == "not weighed anew: the model is gone"
    first, second = worths()
    assert (first, 2 < second < 3) == (2.9999, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--rating", "7"), "a rating of 7 is none"),
        ((), "needs a rating"),
        (("--rating", "3", "--article", "password"), "a rating is about the ticket"),
    ],
)
def test_bad_feedback_says_what_to_give(kbs, given, said):
    ticket = answered(kbs)["ticket_id"]
    ran = kbs("feedback", ticket, "--customer", "c-1", *given)
    assert (ran.code, said in ran.says_one_line()) == (2, True)


def test_the_switches_say_how_they_stand(kbs):
    assert kbs("switch", "show").out == "answers are on\n"
    assert kbs("switch", "off").out == "answers are off: people get every question\n"
    assert kbs("ask", ASKED, "--json").json["reason"] == "switched_off"
    assert kbs("switch", "shadow").out == "answers are in shadow mode\n"
    assert kbs("shadow", "report").out.startswith("nothing was decided in shadow mode")
    kbs("ask", ASKED)
    assert kbs("shadow", "report", "--json").json[0]["would_resolve"] == 1
    assert kbs("switch", "on", "passwords", "--as", "lead").out == (
        "answers are in shadow mode\n  passwords: on\n"
    )
    assert kbs("ask", ASKED, "--json").json["outcome"] == "resolve"
    ran = kbs("switch", "off", "password")
    assert "no article has the topic 'password'; there are" in ran.says_one_line()
    ran = kbs("switch", "lift", "--as", "lead", "--why", "x")
    assert (ran.code, "nothing is suspended" in ran.says_one_line()) == (2, True)
