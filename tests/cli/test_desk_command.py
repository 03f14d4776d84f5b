import json

import pytest
from at_desk import Room

from kbsupport.errors import UpstreamError
from kbsupport.model import Ref, TicketView
from kbsupport.people import People

MEMBERS = (
    "list", "claim", "brief", "draft", "answer", "approve", "reject", "hand-back", "release",
    "sweep", "stats",
)  # fmt: skip


@pytest.fixture
def room(home, monkeypatch):
    """A desk with several people, instead of the one that the settings would give."""
    made = Room(home)
    monkeypatch.setattr(People, "desk", made.desk)
    return made


@pytest.fixture
def desk(kb, room, home):
    """Run `kbsupport desk …` there."""
    return lambda *arguments, stdin=None: kb("--home", home, "desk", *arguments, stdin=stdin)


def test_an_empty_desk_says_so(desk):
    ran = desk("list")
    assert (ran.code, ran.out, ran.err) == (0, "nothing waits for a person\n", "")
    assert desk("list", "--json").json == []


def test_the_list_shows_what_waits_and_who_has_what(desk, room):
    room.claimed("ana")
    room.handed(urgent=True)
    lines = desk("list").out.splitlines()
    assert lines[0].split() == [
        "id", "ticket", "state", "priority", "due", "tier", "topic", "who", "question",
    ]  # fmt: skip
    assert lines[1].startswith("E-2  T-2     queued    2.50")
    assert "(ann)" in lines[1]
    assert lines[2].startswith("E-1  T-1     assigned")
    assert "ana" in lines[2]
    rows = desk("list", "--json").json
    assert [(r["id"], r["position"]) for r in rows] == [("E-2", 1), ("E-1", None)]


def test_mine_are_those_i_have_or_may_take(desk, room):
    room.claimed("ana")
    room.handed(topic="security")
    assert [r["id"] for r in desk("list", "--mine", "--as", "ana", "--json").json] == ["E-1"]
    ran = desk("list", "--mine")
    assert ran.code == 2
    assert "--as" in ran.says_one_line()


def test_one_escalation_from_the_queue_to_its_answer(desk, room):
    room.handed(brief={"rule": "a refund is asked for"}, reason="refund")
    assert "E-1 is yours" in desk("claim", "E-1", "--as", "ana").out
    brief = desk("brief", "E-1").out
    assert "handed over: refund: a refund is asked for" in brief
    assert "the draft of E-1 is kept" in desk("draft", "E-1", "Soon.", "--as", "ana").out
    asked = desk("answer", "E-1", "It was sent.", "--as", "ana")
    assert asked.out.startswith("A-1 waits for lea or bo: ")
    no = desk("reject", "A-1", "--as", "bo", "--note", "which sum?")
    assert no.out == "A-1 is rejected; ana has E-1 again\n"
    again = desk("answer", "E-1", "--as", "ana", "-", stdin=b"20 were sent.")
    assert again.out.startswith("A-2 waits")
    yes = desk("approve", "A-2", "20.00 were sent.", "--as", "bo", "--json").json
    assert (yes["state"], yes["text"]) == ("approved", "20.00 were sent.")
    assert room.said(room.look("E-1")[1])[-1][2] == "20.00 were sent."
    assert "1 answered: 1 before the first deadline" in desk("stats").out


def test_who_acts_may_stand_in_the_environment(desk, room, monkeypatch):
    room.handed()
    ran = desk("claim", "E-1")
    assert ran.code == 2
    assert "--as" in ran.says_one_line()
    monkeypatch.setenv("KBSUPPORT_SPECIALIST", "ann")
    assert desk("claim", "E-1", "--json").json["owner"] == "ann"
    assert desk("release", "E-1").out == "E-1 waits in the queue again\n"


def test_an_answer_from_a_file_with_a_key_is_sent_once(desk, room, tmp_path):
    room.claimed()
    file = tmp_path / "reply.txt"
    file.write_text("Done.\n", encoding="utf-8")
    command = ("answer", "E-1", "--file", file, "--as", "ana", "--key", "k", "--json")
    first = desk(*command).json
    assert first["state"] == "answered"
    assert desk(*command).json == first
    ran = desk("answer", "E-1", "again", "--as", "ana")
    assert ran.code == 1
    assert "E-1 is answered" in ran.says_one_line()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("claim", "E-9", "--as", "ana"), 1, "no escalation 'E-9'"),
        (("claim", "E-1", "--as", "eve"), 1, "eve is not on the rota"),
        (("answer", "E-1", "--as", "ana"), 2, "--file"),
        (("answer", "E-1", " ", "--as", "ana"), 2, "write a text"),
        (("answer", "E-1", "x", "--file", "y", "--as", "ana"), 2, "one of them"),
        (("draft", "E-1", "--file", "/no/such", "--as", "ana"), 2, "/no/such cannot be read"),
        (("approve", "A-1", "--as", "bo"), 1, "no approval 'A-1'"),
        (("reject", "A-1", "--as", "bo"), 2, "--note"),
        (("hand-back", "E-1", "--as", "ana"), 1, "claim it first"),
        (("brief", "E-9"), 1, "kbsupport desk list"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_the_cure(desk, room, arguments, code, words):
    room.handed()
    ran = desk(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.says_one_line()


def test_a_conversation_is_handed_back(desk, room):
    room.claimed()
    ran = desk("hand-back", "E-1", "--as", "ana", "--note", "see the article")
    assert ran.out == "T-1 is with the assistant again\n"


def test_a_sweep_says_what_it_did_and_staff_are_told(desk, room, home):
    room.handed()
    assert desk("sweep").out == "nothing is overdue\n"
    room.now = room.look("E-1")[0].first_due
    assert desk("sweep").out == "reminded: E-1\n"
    assert "E-1" in (home / "notices.jsonl").read_text(encoding="utf-8")
    assert desk("sweep", "--json").json["reminded"] == []


def test_stats_show_people_and_topics(desk, room):
    room.claimed("ana")
    room.handed()
    out = desk("stats").out
    assert out.startswith("1 waiting; the oldest, E-2, since 2026-11-23 10:00\n")
    assert "ana         1     0         0" in out
    assert json.loads(desk("stats", "--json").out)["assigned"] == 1


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_has_help_with_examples(desk, member):
    ran = desk(member, "--help")
    assert ran.code == 0
    assert f"kbsupport desk {member}" in ran.out


class Deaf:
    def notify(self, notice):
        raise UpstreamError("pager", f"nobody hears of {notice.ticket_id}")


def test_staff_who_could_not_be_told_are_named_by_the_sweep_and_by_doctor(
    desk, kb, room, home, monkeypatch
):
    room.handed()
    with monkeypatch.context() as broken:
        broken.setattr(People, "notifier", Deaf())
        ran = desk("sweep")
        assert (ran.code, ran.out) == (0, "nothing is overdue\n")
        assert "nobody hears of T-1" in ran.says_one_line()
        assert "the notifier could not be told" in kb("--home", home, "doctor").out


class OtherDesk:
    """A help desk of another make that knows one ticket, or cannot be asked."""

    name = "other"
    down = False

    def history(self, customer_id):
        if self.down:
            raise UpstreamError("other", "it does not answer")
        asked = TicketView("Refund of May", "", customer_id, state="solved", ref=Ref("other", "7"))
        return [asked]


def test_a_brief_tells_what_the_other_help_desk_knows_of_the_customer(desk, room, monkeypatch):
    there = OtherDesk()
    monkeypatch.setattr(People, "ticketing", there)
    room.handed(customer_id="c-1")
    assert "In the other help desk:\n  other 7 solved: Refund of May\n" in desk("brief", "E-1").out
    told = desk("brief", "E-1", "--json").json["elsewhere"]
    assert [(one["system"], one["id"], one["state"]) for one in told] == [("other", "7", "solved")]
    there.down = True
    ran = desk("brief", "E-1")
    assert ran.code == 0
    assert "could not be asked: " in ran.out
