import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from judgements import COSTS, judged, tickets

from kbsupport.evaluation.backtest import Backtest
from kbsupport.evaluation.markup import escaped
from kbsupport.evaluation.report import write_report
from kbsupport.evaluation.wording import headline
from kbsupport.model import Outcome

HOSTILE = (
    '</title><script>alert("1")</script><img src="http://evil.example/x" onerror=\'a()\'>&amp;'
)
VOID = {"meta", "br", "img", "link", "input", "hr"}
# Elements of a plot may end in "/>", in HTML too.
SELF_CLOSED_IN_SVG = {"g", "path", "use", "rect", "circle"}


class Reader(HTMLParser):
    """What a browser would see: elements, attributes, text; unclosed elements are a fault."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID | SELF_CLOSED_IN_SVG
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def backtest():
    return Backtest(
        [
            *(judged(f"T-{n}", probability=n / 60, day=n, threshold=0.5) for n in range(60)),
            judged("W-1", right=False, text="Where is\nmy parcel?", topic="delivery", day=3),
            judged("E-1", outcome=Outcome.ESCALATE, answerable=False, tier="premium"),
        ],
        COSTS,
    )


@pytest.fixture(scope="module")
def page(backtest):
    return write_report(backtest, "Our tickets")


def test_the_page_begins_with_the_headline_and_lists_what_was_wrong(backtest, page):
    seen = read(page)
    assert "Our tickets" in seen.text
    assert headline(backtest) in seen.text
    assert "Where is\nmy parcel?" in seen.text
    assert "Every wrong answer (1)" in seen.text
    assert {"W-1", "D-W-1", "right", "delivery"} <= set(seen.text)


def test_the_page_needs_nothing_from_anywhere(page):
    seen = read(page)
    assert not {"script", "link", "img", "iframe", "image", "object", "base"} & set(seen.tags)
    for name, value in seen.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "srcset", "action"}
        assert name not in {"href", "xlink:href"} or value.startswith("#")
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    assert re.findall(r"https?://", page) == []
    assert "default-src 'none'" in page


def test_the_page_has_four_plots_that_can_be_read_aloud(page):
    seen = read(page)
    assert seen.tags.count("svg") == seen.tags.count("figcaption") == 4
    labels = [value for name, value in seen.attributes if name == "aria-label"]
    assert len(labels) == 4
    assert labels[0].startswith("Wrong answers against tickets answered at once: ")
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("caption") == seen.tags.count("table")


def test_no_two_ids_in_the_page_are_alike(page):
    ids = [value for name, value in read(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:xlink:href="|url\()#([\w-]+)', page)
    assert used
    assert set(used) <= set(ids)


def test_the_plots_take_their_colours_from_the_page(page):
    assert "#01020" not in page
    assert page.count("var(--good, #2563a8)") > 4


def test_the_same_tickets_give_the_same_bytes(backtest, page):
    again = Backtest(backtest.judged, COSTS)
    assert write_report(again, "Our tickets").encode() == page.encode()
    assert again._repr_html_() == backtest._repr_html_()


def test_nothing_that_strangers_wrote_becomes_markup():
    strange = judged(
        HOSTILE,
        text=HOSTILE,
        right=False,
        tier=HOSTILE,
        topic=HOSTILE,
        kind=HOSTILE,
        language=HOSTILE,
        rule=HOSTILE,
        articles=(HOSTILE,),
        threshold=0.5,
    )
    backtest = Backtest([strange, judged("other", day=20)], COSTS)
    for text in (write_report(backtest, HOSTILE), backtest._repr_html_()):
        seen = read(text)
        assert not {"script", "img"} & set(seen.tags)
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        assert HOSTILE in seen.text


def test_letters_that_no_font_or_page_has_do_no_harm():
    strange = judged(
        tier="企業 $x_1$ \ud800\x00", text="\ud800 \x08 ok", right=False, threshold=0.5
    )
    page = write_report(Backtest([strange], COSTS), "\udfff")
    assert "\x00" not in page
    assert "企業" in page.encode().decode()
    assert escaped("a\x1f\nb") == "a�\nb"


def test_one_ticket_alone_makes_a_page():
    for outcome in Outcome:
        page = write_report(Backtest([judged(outcome=outcome, day=None)], COSTS), "One")
        assert "None of the answers was wrong." in read(page).text


def test_half_a_year_and_more_is_shown_by_month():
    long = [judged(str(n), day=7 * n) for n in range(40)]
    seen = read(write_report(Backtest(long, COSTS), "Long"))
    assert any("2026-07\n" in text or text == "2026-07" for text in seen.text)
    assert not any(text.startswith("W27") for text in seen.text)


@settings(max_examples=8, deadline=None)
@given(tickets(max_size=15))
def test_whatever_the_tickets_the_page_is_whole(judgements):
    backtest = Backtest(judgements, COSTS)
    seen = read(write_report(backtest, "Any"))
    assert headline(backtest) in seen.text
    assert read(backtest._repr_html_()).tags.count("svg") == 1


def test_drawing_leaves_no_trace_in_matplotlib(backtest):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    write_report(backtest, "x")
    assert dict(mpl.rcParams) == before
