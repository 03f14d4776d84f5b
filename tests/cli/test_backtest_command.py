import labelled
import pytest


@pytest.fixture
def file(tmp_path):
    return lambda made: labelled.write(tmp_path / "export.jsonl", made)


FRESH = [
    labelled.row("a", "reset the login of my password", "password"),
    labelled.row("b", "what about the giraffe in the opera", None),
]


def test_the_figures_are_printed(small, file):
    ran = small("proven", "backtest", file(FRESH))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Of 2 tickets 50 % would have been answered at once")


def test_json_holds_the_figures_and_what_flatters_them(small, file):
    ran = small("proven", "backtest", file([*labelled.rows(), *FRESH]), "--json")
    assert ran.json["tickets"] == 98
    familiar = ran.json["familiar"]
    assert familiar["learnt"] + familiar["proved"] == 96
    assert "figures on them flatter" in ran.says_one_line()


def test_labels_of_unknown_articles_are_counted_and_kept(small, file):
    ran = small(
        "proven", "backtest", file([*FRESH, labelled.row("c", "my boat", "boat")]), "--json"
    )
    assert ran.code == 0
    assert (ran.json["answerable"], ran.json["familiar"]["unknown_articles"]) == (2, 1)
    assert "never right" in ran.says_one_line()


def test_a_certificate_that_lapsed_is_noted(small, file, home):
    small("proven", "doctor")
    path = home / "certificate.json"
    path.write_text("{}")
    ran = small("proven", "backtest", file(FRESH), "--json")
    assert "cannot be trusted" in ran.json["notices"][0]


def test_a_report_is_written(small, file, tmp_path):
    page = tmp_path / "report.html"
    ran = small("proven", "backtest", file(FRESH), "--html", page)
    assert ran.code == 0
    text = page.read_text(encoding="utf-8")
    assert "Backtest of export.jsonl" in text
    assert "<svg" in text


def test_a_report_that_cannot_be_written_is_said(small, file, tmp_path):
    ran = small("proven", "backtest", file(FRESH), "--html", tmp_path / "none" / "report.html")
    assert ran.code == 2
    assert "--html" in ran.says_one_line()


def test_an_empty_file_has_no_figures(small, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    ran = small("proven", "backtest", empty)
    assert ran.code == 2
    assert "no labelled ticket" in ran.says_one_line()
