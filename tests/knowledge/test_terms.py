import subprocess
import sys

import numpy as np
import pytest

from kbsupport.knowledge.terms import TermIndex
from kbsupport.knowledge.words import letters, pairs, slug_words, stem, terms, words
from kbsupport.model import Article, Section

ARTICLES = [
    Article("billing/refunds", "Refunds", "You get your money back within 14 days.",
            sections=(Section(("Refunds", "How long it takes"), 0, 39),),
            seen_questions=("where is my money",)),
    Article("devices/battery", "Change the battery", "Open the lid and change the battery."),
    Article("plans/cancel", "Cancel your plan", "You can cancel at any time."),
]  # fmt: skip
PASSAGES = [article.text for article in ARTICLES]
QUESTION = "How do I get my money back after cancelling?"


@pytest.fixture(scope="module")
def index():
    return TermIndex.fit(ARTICLES, PASSAGES)


def test_the_article_that_speaks_of_it_scores_best(index):
    assert index.articles("where is my money").argmax() == 0
    assert index.passages("change battery").argmax() == 1
    assert index.heads("cancle my plan").argmax() == 2


def test_every_score_is_a_share(index):
    for scores in (index.articles(QUESTION), index.passages(QUESTION), index.heads(QUESTION)):
        assert len(scores) == len(ARTICLES)
        assert (scores >= 0).all()
        assert (scores <= 1 + 1e-5).all()


def test_a_saved_index_gives_the_same_scores(index, tmp_path):
    index.save(tmp_path / "terms.npz")
    again = TermIndex.load(tmp_path / "terms.npz")
    for name in ("articles", "passages", "heads"):
        assert np.array_equal(getattr(index, name)(QUESTION), getattr(again, name)(QUESTION))
    assert index.coverage(QUESTION, 0) == again.coverage(QUESTION, 0)


def test_saving_twice_gives_the_same_bytes(index, tmp_path):
    index.save(tmp_path / "a")
    TermIndex.fit(ARTICLES, PASSAGES).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("question", ["", "???", "zzzz qqqq", "返品", "\ud800", "🙂"])
def test_unknown_words_score_nothing_and_break_nothing(index, question):
    assert index.articles(question).max() == 0
    assert index.passages(question).max() == 0
    asked, held, unknown, share = index.coverage(question, 0)
    assert (held, share) == (0, 0.0)
    assert unknown == asked


def test_an_empty_corpus_can_be_asked(tmp_path):
    index = TermIndex.fit([], [])
    index.save(tmp_path / "terms.npz")
    again = TermIndex.load(tmp_path / "terms.npz")
    assert len(again.articles(QUESTION)) == len(again.passages(QUESTION)) == 0


def test_a_corpus_without_a_single_word_can_be_asked():
    index = TermIndex.fit([Article("-", "!!!", "???")], ["!!! ???"])
    assert index.articles(QUESTION).tolist() == index.passages(QUESTION).tolist() == [0.0]


def test_coverage_counts_different_words(index):
    asked, held, unknown, share = index.coverage("money money xylophone", 0)
    assert (asked, held, unknown) == (2, 1, 1)
    assert 0 < share < 1


def test_asking_needs_no_scikit_learn(index, tmp_path):
    index.save(tmp_path / "terms.npz")
    code = (
        "import sys; from pathlib import Path; from kbsupport.knowledge.terms import TermIndex\n"
        f"scores = TermIndex.load(Path({str(tmp_path / 'terms.npz')!r})).articles('money back')\n"
        "assert scores.argmax() == 0\n"
        "print([m for m in ('sklearn', 'scipy', 'chromadb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("one", "other"),
    [("batteries", "battery"), ("invoices", "invoice"),
     ("stopped", "stop"), ("boxes", "box"), ("billing", "billed")],
)  # fmt: skip
def test_forms_of_a_word_are_one_word(one, other):
    assert stem(one) == stem(other)


def test_short_words_are_left_alone():
    assert [stem(w) for w in ("is", "bus", "sing", "red", "as")] == [
        "is",
        "bus",
        "sing",
        "red",
        "as",
    ]


def test_pairs_do_not_cross_lines():
    assert terms("my card\nnow") == ["my", "card", "my card", "now"]
    assert pairs(words("one")) == []


def test_a_misspelt_word_shares_letters():
    assert set(letters("batery")) & set(letters("battery"))


def test_a_language_code_in_a_path_says_nothing():
    assert slug_words("en/billing/refund-status") == "billing refund status"


def test_a_pasted_log_is_read_up_to_a_limit():
    assert len(words("a b " * 100_000)) <= 10_000
