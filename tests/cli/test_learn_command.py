import labelled
import pytest


@pytest.fixture
def file(tmp_path):
    return lambda made: labelled.write(tmp_path / "solved.jsonl", made)


def test_what_was_learnt_is_said(small, file):
    ran = small("plain", "learn", file(labelled.rows()))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("96 labels are remembered, 64 with their article and 32 that no")


def test_solved_tickets_need_only_text_and_article(small, file):
    rows = [{"text": "my sprinkler drips", "article_id": "garden"}]
    ran = small("plain", "learn", file(rows), "--json")
    assert ran.json == {
        "labels": 1,
        "answered": 1,
        "unanswered": 0,
        "set_aside": {"unknown_articles": 0, "duplicates": 0, "contradictions": 0},
        "ended": None,
        "judge": ran.json["judge"],
    }


def test_labels_left_out_make_it_partial(small, file):
    rows = [*labelled.rows(), labelled.row("lost", "where is my boat", "boat")]
    ran = small("plain", "learn", file(rows), "--json")
    assert ran.code == 1
    assert ran.json["labels"] == 96
    assert "L-lost" in ran.says_one_line()


def test_duplicates_are_noted_and_no_fault(small, file):
    ran = small("plain", "learn", file([*labelled.rows(), *labelled.rows()[:2]]))
    assert ran.code == 0
    assert ran.says_one_line() == "note: 2 labels stand twice and count once"


def test_an_ended_certificate_is_noted(small, file):
    ran = small("proven", "learn", file([labelled.row(1, "antenna bent router", "router")]))
    assert ran.code == 0
    assert "no longer holds" in ran.says_one_line()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ('{"id": "1", "text": "x", "expected": "perhaps"}', "`expected` is 'perhaps'"),
        ('{"id": "1", "text": "x", "expected": "auto_resolve"}', "needs `accept_ids`"),
        ('{"id": "1", "expected": "escalate"}', "`text` is missing"),
    ],
)
@pytest.mark.parametrize("command", ["learn", "calibrate", "backtest"])
def test_a_line_that_is_no_label_is_named(small, file, command, line, said):
    ran = small("plain", command, file([line]))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.says_one_line()
    assert "solved.jsonl:1" in ran.err


@pytest.mark.parametrize("command", ["learn", "calibrate", "backtest"])
def test_a_home_without_index_is_a_missing_part(kb, file, tmp_path, command):
    ran = kb("--home", tmp_path / "new", command, file(labelled.rows()))
    assert (ran.code, ran.out) == (3, "")
    assert "kbsupport index PATH" in ran.says_one_line()


def test_no_label_names_the_folder_it_came_from(small, file, home, tmp_path):
    small("plain", "learn", file([{"text": "my sprinkler drips", "article_id": "garden"}]))
    assert str(tmp_path).encode() not in (home / "kbsupport.db").read_bytes()
