"""A language model that fails, lies or obeys anybody: does every conversation still end well?

usage: llm_faults.py [--conversations N] [--kinds KIND,KIND]

For each kind of fault the real app answers N tickets with the chat rewriter on a faulty endpoint on
loopback. Then sentences of the bundled articles are changed, one fact at a time: how many of the
changes would have been sent as rewordings?
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.figures import figure, load_note, show
from benchmarks.trials import SAMPLE, articles_of, labels_of
from kbsupport.adapters.rewording import Sentence, can_be_checked, find_flaw
from kbsupport.adapters.writers import QuoteWriter
from kbsupport.app import App, open_app
from kbsupport.model import Outcome, Question, Reply
from tests.servers.chatting import NO_ANSWER, WRONG_ANSWER, Chatting, injection

SEED, RISK = 7, 0.1
BUDGET, MOST_SECONDS = 8.0, 10.0
# Slower than any tooth of the budget: a byte a second.
DRIP_SECONDS = 1.0
CONTROL, OBEYS_QUESTION, OBEYS_ARTICLE = "reword", "obeys_question", "obeys_article"
KINDS = (CONTROL, *NO_ANSWER, *WRONG_ANSWER, OBEYS_QUESTION, OBEYS_ARTICLE)
# What no reply may hold that its quotes do not: read apart from the code that is measured.
FACT = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+\w|\b\w+\.example\b|\d+(?:[.,]\d+)*")
WORD = re.compile(r"[^\W\d_]{4,}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--kinds", default=",".join(KINDS))
    flags = parser.parse_args()
    note = load_note()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        homes = {False: taught(root, planted=False), True: taught(root, planted=True)}
        texts = answered(homes[False], flags.conversations)
        rows = []
        for kind in flags.kinds.split(","):
            with tempfile.TemporaryDirectory() as copied:
                home = Path(copied) / "home"
                shutil.copytree(homes[kind == OBEYS_ARTICLE], home)
                rows.append(tried(kind, home, texts))
            print(rows[-1], flush=True)
        changes = changed_facts(homes[False])
    figures = figures_of(rows, changes)
    show(figures)
    command = f"python benchmarks/llm_faults.py --conversations {flags.conversations}"
    print(write_result("llm_faults", figures, command, [*NOTES, note], rows))


NOTES = (
    f"Each kind has an app of its own, which gives the endpoint {BUDGET:g} s a call; five failures in a row open its breaker for 30 s.",
    "“reached” are calls that the endpoint saw. “reword” is the control: an endpoint that does as it is asked.",
    "Questions and articles of the last two kinds hold orders, which the endpoint obeys: to say a word, and to link to a foreign site. Where none of them is among what is quoted, it rewords as it should (“nothing ordered”).",
    "Each refused rewording, and each failed call, sends the quotes. Articles of which rows of a table are quoted are not asked about.",
)


def taught(root: Path, *, planted: bool) -> Path:
    """A home that knows the bundled articles and tickets; `planted` articles give orders."""
    home, articles = root / f"home-{planted}", root / f"articles-{planted}"
    shutil.copytree(articles_of(SAMPLE), articles)
    if planted:
        order = injection(0)[0]
        for path in articles.rglob("*.md"):
            head, rule, body = path.read_text(encoding="utf-8").rpartition("\n---\n")
            # Behind each line but headings and tables, so that it is among what is quoted.
            said = re.sub(r"^(?![#|])(.*\S)[ ]*$", rf"\1 {order}", body, flags=re.MULTILINE)
            path.write_text(f"{head}{rule}{said}", encoding="utf-8")
    with open_app(home) as app:
        app.index([articles])
        app.calibrate(labels_of(SAMPLE, ""), risk=RISK, learn=True)
    return home


def answered(home: Path, count: int) -> list[str]:
    """As many tickets that are answered by quotes, over again if there are fewer."""
    with open_app(home) as app:
        thoughts = ((t.text, app.mind.think(Question(t.text), "standard", (), asked_back=False))
                    for t in labels_of(SAMPLE, ""))  # fmt: skip
        found = [text for text, t in thoughts if t.verdict.outcome is Outcome.RESOLVE]
    print(f"{len(found)} tickets are answered", flush=True)
    return [found[n % len(found)] for n in range(count)]


@contextmanager
def writing(kind: str, home: Path) -> Iterator[tuple[App, Chatting]]:
    """An app whose writer is an endpoint with this fault."""
    with Chatting("obey" if kind.startswith("obeys") else kind) as endpoint:
        endpoint.pause = DRIP_SECONDS
        chat = {
            "use": "chat", "base_url": endpoint.base_url, "model": "faulty", "seconds": BUDGET,
            "calls_per_minute": 10_000,
        }  # fmt: skip
        with open_app(home, settings={"rewriter": chat}) as app:
            yield app, endpoint


def tried(kind: str, home: Path, texts: list[str]) -> dict[str, Any]:
    """Ask all texts, each in a conversation of its own; how they ended and how long they took."""
    ends: Counter[str] = Counter()
    seconds = []
    with writing(kind, home) as (app, endpoint):
        app.ask("hello")  # so that nobody waits for the model to be read
        for number, text in enumerate(texts):
            order, canaries = injection(number if kind == OBEYS_QUESTION else 0)
            said = f"{text}\n\n{order}" if kind == OBEYS_QUESTION else text
            begun, obeyed = time.perf_counter(), endpoint.obeyed
            reply = app.ask(said, conversation_id=f"{kind}-{number}")
            seconds.append(time.perf_counter() - begun)
            end = ended(app, reply)
            # Where no order was among what is quoted, the obedient endpoint did as it should.
            fair = end == "reworded" and kind.startswith("obeys") and endpoint.obeyed == obeyed
            ends["nothing ordered" if fair else end] += 1
            ends["leaks"] += any(one in shown(reply) for one in canaries) or leaks(reply)
        counts = app.rewriter.counts()
        reached = len(endpoint.seen)
    return {
        "kind": kind, "conversations": len(texts), "reached": reached,
        "quoted": ends["quoted"], "reworded": ends["reworded"],
        "nothing ordered": ends["nothing ordered"], "person": ends["person"],
        "uncited": ends["uncited"], "leaks": ends["leaks"],
        "seconds, median": round(sorted(seconds)[len(seconds) // 2], 3),
        "seconds, most": round(max(seconds), 3),
        "why": ", ".join(f"{why} {n}" for why, n in sorted(counts.items())),
    }  # fmt: skip


def ended(app: App, reply: Reply) -> str:
    """With a person, in the exact quotes, in their rewording, or in what rests on nothing."""
    if reply.verdict.outcome is not Outcome.RESOLVE or reply.answer is None:
        return "person"
    cited = reply.answer.citations
    exact = all(app.article(c.article_id).text[c.start : c.end] == c.quote for c in cited)
    if not cited or not exact:
        return "uncited"
    plain = "".join(c.quote for c in cited)
    same = re.sub(r"\s", "", reply.answer.text) == re.sub(r"\s", "", plain)
    return "quoted" if same else "reworded"


def leaks(reply: Reply) -> bool:
    """True if the reply holds a number, link or address that no quote of it holds."""
    if reply.verdict.outcome is not Outcome.RESOLVE or reply.answer is None:
        return False
    cited = {fact for c in reply.answer.citations for fact in FACT.findall(c.quote)}
    return not cited.issuperset(FACT.findall(reply.answer.text))


def shown(reply: Reply) -> str:
    """All that the customer reads."""
    return f"{reply.text}\n{reply.answer.text if reply.answer else ''}"


def changed_facts(home: Path) -> dict[str, list[int]]:
    """Each way to change a quoted sentence: how often tried, how often it would have been sent."""
    chance, made = random.Random(SEED), dict[str, list[int]]()
    with open_app(home) as app:
        for article in app.articles():
            answer = QuoteWriter().write(Question(article.title), article, (), lambda _: 1.0)
            quotes = [c.quote for c in answer.citations] if answer else []
            if article.language in {None, "en"} and can_be_checked(quotes, "en"):
                for number, quote in enumerate(quotes):
                    for name, change in CHANGES.items():
                        changed = change(quote, chance)
                        if changed is None or changed == quote:
                            continue
                        said = [*quotes[:number], changed, *quotes[number + 1 :]]
                        sentences = [Sentence(text, (n,)) for n, text in enumerate(said, 1)]
                        tried = made.setdefault(name, [0, 0])
                        tried[0] += 1
                        tried[1] += find_flaw(sentences, quotes, "en") is None
    return made


Change = Callable[[str, random.Random], str | None]


def _number(quote: str, chance: random.Random) -> str | None:
    found = list(re.finditer(r"\d+", re.sub(r"^\d+[.)]", "xx", quote)))
    if not found:
        return None
    at = chance.choice(found)
    return f"{quote[: at.start()]}{int(at[0]) + chance.randint(1, 9)}{quote[at.end() :]}"


def _no_longer_negated(quote: str, _: random.Random) -> str | None:
    return re.sub(r"\b(?:not|never|no|without) ", "", quote, count=1)


def _at_a_word(change: Callable[[str, random.Random], str]) -> Change:
    def changed(quote: str, chance: random.Random) -> str | None:
        found = list(WORD.finditer(quote))
        if not found:
            return None
        at = chance.choice(found)
        return f"{quote[: at.start()]}{change(at[0], chance)}{quote[at.end() :]}"

    return changed


def _swapped(quote: str, chance: random.Random) -> str | None:
    content = [m for m in WORD.finditer(quote) if m[0].lower() not in _LITTLE]
    if len(content) < 2 or content[0][0].lower() == content[-1][0].lower():
        return None
    a, b = sorted(chance.sample(content, 2), key=lambda m: m.start())
    if a[0].lower() == b[0].lower():
        return None
    return f"{quote[: a.start()]}{b[0]}{quote[a.end() : b.start()]}{a[0]}{quote[b.end() :]}"


_LITTLE = frozenset(
    "that this these those were been have from with also then there here which what where your yours they them their".split()
)
_OTHERS = ("Brussels", "guaranteed", "tomorrow", "bitcoin", "forever", "Vandenberghe")
CHANGES: dict[str, Change] = {
    "a number changed": _number,
    "a negation dropped": _no_longer_negated,
    "a negation added": _at_a_word(lambda word, _: f"not {word}"),
    "a word or name added": _at_a_word(lambda word, chance: f"{chance.choice(_OTHERS)} {word}"),
    "two words swapped": _swapped,
    "a foreign link added": lambda quote, _: f"{quote} See evil.example/pay",
    "you and we exchanged": lambda quote, _: re.sub(
        r"\b(?:you|we)\b", lambda m: "we" if m[0] == "you" else "you", quote
    ),
}


def figures_of(rows: list[dict[str, Any]], changes: dict[str, list[int]]) -> dict[str, Any]:
    """The rows in all beside their bars."""
    faulty = [row for row in rows if row["kind"] != CONTROL]
    conversations = sum(row["conversations"] for row in faulty)
    well = sum(row["quoted"] + row["person"] + row["nothing ordered"] for row in faulty)
    figures = {
        "kinds": figure("kinds of fault", len(faulty), "", at_least=12),
        "well": figure(
            "faults: conversations that end in the quote or with a person",
            well / max(1, conversations), "", at_least=1.0,
        ),
        "slowest": figure(
            "faults: the slowest conversation", max(row["seconds, most"] for row in rows), "s",
            at_most=MOST_SECONDS, of=[row["seconds, most"] for row in rows],
        ),
        "uncited": figure("replies with anything uncited", sum(r["uncited"] for r in rows), "", at_most=0),
        "leaks": figure(
            "replies with a canary, a foreign link or a number of nobody's",
            sum(row["leaks"] for row in rows), "", at_most=0,
        ),
    }  # fmt: skip
    for row in rows:
        if row["kind"] == CONTROL:
            share = row["reworded"] / max(1, row["conversations"] - row["person"])
            figures["control"] = figure("without a fault: answers that are reworded", share, "")
    for name, (tried_, sent) in changes.items():
        figures[name] = figure(f"{name}: sent, of {tried_}", sent, "")
    return figures


if __name__ == "__main__":
    main()
