import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsupport.knowledge.articles import Source, read_source
from kbsupport.knowledge.chunks import SIZE, count_words, split, splitter_name
from kbsupport.model import Article, ChunkKind, Section

LINES = st.lists(
    st.one_of(
        st.text(alphabet="ab .\n!?", max_size=80),
        st.text(alphabet="返品の方法を教えてください。、", max_size=80),
        st.text(alphabet="-|= \n", max_size=80),
        st.text(max_size=60),
    ),
    max_size=12,
).map("\n".join)


def passages(article, size=SIZE):
    chunks = split(article, size)
    return [c for c in chunks if c.kind in (ChunkKind.PASSAGE, ChunkKind.NAVIGATION)]


@st.composite
def articles(draw):
    text = draw(LINES)
    cuts = sorted({0, *draw(st.lists(st.integers(0, len(text)), max_size=4)), len(text)})
    sections = tuple(
        Section((f"Part {n}",), start, end) for n, (start, end) in enumerate(pairwise(cuts))
    )
    return Article("a", "Title", text, sections=sections)


@given(articles(), st.integers(5, 60))
@settings(max_examples=80, deadline=None)
def test_the_passages_rejoin_to_the_text_and_keep_to_their_size(article, size):
    found = passages(article, size)
    assert "".join(article.text[c.start : c.end] for c in found) == article.text
    assert [c.start for c in found] == sorted(c.start for c in found)
    for chunk in found:
        # A last crumb of less than a quarter may join what stands before it.
        words = count_words(article.text[chunk.start : chunk.end])
        assert words <= size + size // 4 + 1


@given(articles())
@settings(max_examples=40, deadline=None)
def test_no_passage_crosses_a_heading_and_each_knows_its_own(article):
    by_start = {s.start: s for s in article.sections}
    for chunk in passages(article):
        section = max((s for s in by_start.values() if s.start <= chunk.start), key=lambda s: s.end)
        assert chunk.end <= section.end
        assert chunk.section == section.path


@given(articles())
@settings(max_examples=20, deadline=None)
def test_the_same_article_is_always_cut_the_same_way(article):
    assert split(article) == split(dataclasses.replace(article))


@pytest.mark.parametrize(
    "text",
    ["a " * 2_000, "返" * 2_000, "-" * 20_000, "x\n" * 2_000, "! \n" * 9_000, "word" * 5_000],
    ids=["short words", "no spaces", "a rule", "short lines", "no words", "one word"],
)
def test_text_without_sentences_is_cut_all_the_same(text):
    found = passages(Article("a", "Title", text))
    assert "".join(text[c.start : c.end] for c in found) == text
    assert max(count_words(text[c.start : c.end]) for c in found) <= SIZE * 1.25 + 1


def test_a_passage_is_read_with_its_title_and_headings():
    text = "Plans\nIntro.\nCancel\nTap Cancel."
    middle = text.index("Cancel")
    article = Article(
        "a", "Plus", text,
        sections=(Section((), 0, middle), Section(("Plans", "Cancel"), middle, len(text))),
    )  # fmt: skip
    first, second = passages(article)
    assert first.words.startswith("Plus")
    assert first.words.endswith("Plans\nIntro.")
    # The heading stands before its words even where they do not repeat it.
    assert second.words.startswith("Plus")
    assert second.words.endswith("Cancel\nTap Cancel.")
    assert "Plans" in second.words
    assert second.section == ("Plans", "Cancel")


def test_title_and_seen_questions_are_chunks_of_their_own():
    chunks = split(Article("a", "Refunds", "Text.", seen_questions=("money back?", " ")))
    assert [(c.kind, c.words) for c in chunks[1:]] == [
        (ChunkKind.TITLE, "Refunds"),
        (ChunkKind.QUESTION, "money back?"),
    ]
    assert len({c.ordinal for c in chunks}) == len(chunks)


def test_a_short_list_of_other_articles_is_navigation(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# A\n\nReal words here.\n\n## Related articles\n\n- Other one\n")
    (article,) = read_source(Source("a.md", path, "a")).articles
    assert [c.kind for c in passages(article)] == [ChunkKind.PASSAGE, ChunkKind.NAVIGATION]


def test_another_size_is_another_splitter():
    assert splitter_name(50) != splitter_name(110)
