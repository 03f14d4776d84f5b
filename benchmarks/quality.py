"""Does the check of replies let every quote of an article pass, and what does it cost?

500 answers as the assistant writes them, all quotes, from 500 real articles in four languages; then
the same with an address and a telephone number added, so that personal data has to be looked for.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bases import articles, write
from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show
from kbsupport.adapters.readers import PlainReader
from kbsupport.adapters.writers import QuoteWriter
from kbsupport.knowledge.articles import find_sources, read_source
from kbsupport.model import Article, Passage, Question
from kbsupport.model.quality import Checked
from kbsupport.quality.checking import check
from kbsupport.quality.drafts import Draft
from kbsupport.quality.personal import PersonalData, possible
from kbsupport.quality.rules import default_rules

ANSWERS = 500
BAR_MS, BAR_WITH_MS = 10.0, 30.0
SURE = 0.9
PASSAGE = 600
ADDED = "\n\nWrite to desk@lyssa-water.se or call +46 8 5250 0133."


def read_all(folder: Path) -> Iterator[Article]:
    """Every article that can be read, the bundled ones included."""
    write(folder, articles())
    for root in (ROOT / "data" / "articles", folder):
        for source in find_sources([root])[0]:
            yield from read_source(source).articles


def drafts(found: Sequence[Article], count: int) -> list[Draft]:
    """Answers as they are written from a passage somewhere in each article."""
    rng, reader, writer = random.Random(7), PlainReader(), QuoteWriter()
    made: list[Draft] = []
    for article in rng.sample(found, len(found)):
        start = rng.randrange(max(len(article.text) - PASSAGE, 1))
        passage = Passage(
            article.id, "", article.text[start : start + PASSAGE], start, start + PASSAGE, 0.5, 0.5
        )
        words = set(article.title.casefold().split())
        answer = writer.write(
            Question(article.title), article, [passage],
            lambda text, words=words: len(words & set(text.casefold().split())) / max(len(words), 1),
        )  # fmt: skip
        if answer is None:
            continue
        whole = reader.read(article.text)
        read = whole.language if whole.language_probability >= SURE else None
        made.append(
            Draft(
                answer.text,
                answer.citations,
                {article.id: article.text},
                language=article.language or read,
                written=reader.read(answer.text),
                verbatim=True,
            )
        )
        if len(made) == count:
            break
    return made


def checked(
    found: Sequence[Draft], personal: PersonalData | None
) -> tuple[list[Checked], list[float]]:
    """What is said of each, and the milliseconds it took."""
    rules, said, times = default_rules(), [], []
    check(found[0], rules, personal)
    for draft in found:
        begun = time.perf_counter()
        said.append(check(draft, rules, personal))
        times.append((time.perf_counter() - begun) * 1000)
    return said, times


def main() -> None:
    """Measure, print and write."""
    note = load_note()
    with tempfile.TemporaryDirectory() as folder:
        found = drafts(list(read_all(Path(folder))), ANSWERS)
    personal = PersonalData()
    begun = time.perf_counter()
    personal.warm()
    woken = time.perf_counter() - begun
    _, plain = checked(found, None)
    said, quoted = checked(found, personal)
    added = [replace(one, text=one.text + ADDED, verbatim=False) for one in found]
    looked_for, full = checked(added, personal)
    figures = figures_of(found, said, plain, quoted, full)
    caught = sum(any(f.fault == "personal_data" for f in one.findings) for one in looked_for)
    languages = sorted({one.language or "?" for one in found})
    notes = [
        note,
        f"Median length of an answer {statistics.median(len(d.text) for d in found):.0f} signs, the longest {max(len(d.text) for d in found)}; languages {', '.join(languages)}.",
        f"{sum(possible(d.text) for d in found)} of the quotes hold what could be personal data, so that Presidio is asked; to load it took {woken:.1f} s, once a process.",
        f"With an address and a number of nobody's added, {caught} of {len(added)} are caught.",
        "Language and mood of the text are read before and not in these times.",
    ]
    show(figures)
    print(*notes, sep="\n")
    for draft, one in zip(found, said, strict=True):
        if not one.passed:
            print(draft.citations[0].article_id, one.findings)
    print(write_result("quality", figures, "python benchmarks/quality.py", notes))


def figures_of(
    found: Sequence[Draft],
    said: Sequence[Checked],
    plain: Sequence[float],
    quoted: Sequence[float],
    full: Sequence[float],
) -> dict[str, Any]:
    """Each figure beside its bar."""
    return {
        "blocked": figure(
            f"answers blocked wrongly, of {len(found)} that quote an article",
            sum(not one.passed for one in said), "", at_most=0,
        ),
        "warned": figure(
            f"answers warned of, of {len(found)}", sum(bool(one.findings) for one in said), ""
        ),
        "plain": figure(
            "check without personal data, p50", statistics.median(plain), "ms",
            at_most=BAR_MS, of=plain,
        ),
        "quoted": figure(
            "check with personal data, quotes, p50", statistics.median(quoted), "ms",
            at_most=BAR_WITH_MS, of=quoted,
        ),
        "full": figure(
            "check with personal data, each with some in it, p50", statistics.median(full), "ms",
            at_most=BAR_WITH_MS, of=full,
        ),
    }  # fmt: skip


if __name__ == "__main__":
    main()
