import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from kbsupport.adapters.writers import QuoteWriter
from kbsupport.knowledge import articles as reading
from kbsupport.knowledge.chunks import SIZE, split
from kbsupport.knowledge.words import words
from kbsupport.model import Article, ChunkKind, Passage, Question, Section

ROOT = Path(__file__).parents[2]
BENCH = Path(os.environ.get("KBSUPPORT_BENCH_DATA") or ROOT.parent / "shared" / "data")
FOLDERS = [
    ROOT / "data" / "articles",
    *(BENCH / name / "articles" for name in ("kb_logingov", "kb_audacity", "kb_mycrypto")),
]
STEP = re.compile(r" *(\d+)[.)]\s")


def relevance(question):
    asked = set(words(question))
    return lambda part: len(asked & set(words(part))) / max(len(asked), 1)


def write(article, question, passages):
    return QuoteWriter().write(Question(question), article, passages, relevance(question))


def passage(article, start, end):
    return Passage(article.id, "", article.text[start:end], start, end, 0.5, 0.5)


def numbered_lists(text):
    """Spans of the steps of each list 1, 2, 3 … that stands without another line between."""
    run = []
    for line in re.finditer(r"[^\n]+", text):
        found = STEP.match(line.group())
        if found and int(found[1]) == len(run) + 1:
            run.append(line.span())
        elif not (run and line.group().startswith(" ")):
            yield run
            run = [line.span()] if found and found[1] == "1" else []
    yield run


def check(article, answer):
    spans = [(one.start, one.end) for one in answer.citations]
    heads = {section.start for section in article.sections if section.path}
    for one in answer.citations:
        assert article.text[one.start : one.end] == one.quote
        assert one.quote == one.quote.strip() != ""
        assert one.quote in answer.text
        assert (one.article_id, one.title, one.url) == (article.id, article.title, article.url)
        assert one.start not in heads, "a heading answers nothing"
    assert spans == sorted(spans), "not in reading order"
    assert all(a[1] <= b[0] for a, b in pairwise(spans)), "quoted twice"
    for steps in numbered_lists(article.text):
        quoted = [any(a < end and start < b for a, b in spans) for start, end in steps]
        assert all(quoted) or not any(quoted), f"half a list: {article.text[slice(*steps[0])]}"
    said = re.sub(r"\s", "", "".join(one.quote for one in answer.citations))
    assert re.sub(r"\s", "", answer.text) == said, "more is said than is quoted"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parent.name)
def test_an_answer_from_any_passage_of_any_article_is_an_exact_quote(folder):
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    sources, _ = reading.find_sources([folder])
    read = [article for source in sources for article in reading.read_source(source).articles]
    assert len(read) > 20
    for article in read:
        for chunk in split(article, SIZE):
            if chunk.kind is ChunkKind.PASSAGE and article.published:
                question = f"how do I {article.title}"
                answer = write(article, question, [passage(article, chunk.start, chunk.end)])
                assert answer, article.id
                check(article, answer)


def article_of(text, *heads):
    starts = [text.index(head) for head in heads]
    ends = [*starts, len(text)][1:]
    sections = tuple(
        Section((head,), start, end) for head, start, end in zip(heads, starts, ends, strict=True)
    )
    return Article("a", "Setting up", text, sections)


def ask(article, question, words_in_passage):
    start = article.text.index(words_in_passage)
    return write(article, question, [passage(article, start, start + len(words_in_passage))])


def test_a_list_is_quoted_whole_with_its_lead_and_what_is_indented_below_its_steps():
    steps = "To set up:\n1. Plug in.\n  Any socket will do.\n\n  Wait.\n2. Tap Add.\n3. Done."
    article = article_of(f"Setting up\n\nHello.\n\n{steps}\n\nSomething else.")
    answer = ask(article, "how do I tap Add", "2. Tap Add.")
    assert [one.quote for one in answer.citations] == [
        line.strip() for line in steps.splitlines() if line
    ]
    check(article, answer)


def test_a_heading_is_never_quoted_even_if_nothing_else_is_there():
    assert ask(article_of("Setting up\n\nFirst\n\nSecond", "First", "Second"), "x", "First") is None
    assert ask(article_of("Setting up", "Setting up"), "x", "Setting up") is None


def test_a_text_that_is_no_more_than_its_title_is_still_the_text():
    assert ask(article_of("Setting up"), "x", "Setting up").text == "Setting up"


def test_lines_without_a_word_are_not_quoted():
    article = article_of("Setting up\n\nTo do:\n \u00a0 \n- Plug in.\n\u00a0\n- Tap Add.")
    answer = ask(article, "x", "- Plug in.")
    assert [one.quote for one in answer.citations] == ["To do:", "- Plug in.", "- Tap Add."]


def test_of_a_long_paragraph_the_sentences_that_matter_are_quoted():
    dull = "Here is a sentence that speaks of nothing in particular at all. " * 6
    article = article_of(f"{dull}The valve closes in five seconds. {dull}".strip())
    answer = ask(article, "how fast does the valve close in seconds", "five seconds")
    assert "The valve closes in five seconds." in answer.text
    assert len(answer.text.split()) < 30
    check(article, answer)


def test_a_table_is_quoted_row_by_row():
    table = "plan | price\nBasic | 0 EUR\nPlus | 5 EUR"
    article = article_of(f"Setting up\n\n{table}\n\nElse.")
    answer = ask(article, "price of Plus", "Plus | 5 EUR")
    assert answer.text == table
    check(article, answer)


def test_the_answer_knows_the_section_it_stands_in():
    article = article_of("Top\n\nHello there.\n\nReturns\n\nWithin 45 days.", "Returns")
    (one,) = ask(article, "returns", "Within 45 days.").citations
    assert one.section == "Returns"
