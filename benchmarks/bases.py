"""Knowledge bases for benchmarks, copied from the shared data: real articles, as many as needed."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import data_folder

NAMES = ("tau2_banking_kb", "kb_mycrypto", "kb_audacity", "kb_logingov", "abcd_guidelines")
QUESTIONS = ("kb_logingov", "kb_mycrypto", "banking77", "clinc_banking")

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_TITLE = re.compile(r"^(title:.*?)(['\"]?)$", re.MULTILINE)
_COPIES = ("Aldermoor", "Brindleford", "Copperhithe", "Dunmallow", "Eskdale")

Text = tuple[str, str]


def shared_data() -> Path:
    """The shared data; without it the benchmark ends, by name and with exit code 0."""
    folder = data_folder()
    if folder is None:
        print(f"skipped {Path(sys.argv[0]).stem}: no shared data", file=sys.stderr)
        sys.exit(0)
    return folder


def articles(names: tuple[str, ...] = NAMES) -> Iterator[Text]:
    """Id and text of every article; what the source calls internal is marked so."""
    for name in names:
        folder = shared_data() / name
        lines = (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()
        internal = {row["id"] for row in map(json.loads, lines) if row.get("internal")}
        for path in sorted((folder / "articles").glob("*.md")):
            text = path.read_text(encoding="utf-8")
            mark = "---\naudience: internal\n---\n" if path.stem in internal else ""
            yield f"{name}/{path.stem}", mark + text


def with_copies(count: int) -> Iterator[Text]:
    """All articles, then copies that differ in a word of the title and of every paragraph."""
    base = list(articles())
    yield from base
    made = len(base)
    for word in _COPIES:
        for article_id, text in base:
            if made >= count:
                return
            yield f"{article_id}--{word.lower()}", reworded(text, word)
            made += 1


def reworded(text: str, word: str) -> str:
    """The same article about another place, so that no passage equals the first one's."""
    front = _FRONT_MATTER.match(text)
    head = front[0] if front else ""
    paragraphs = re.split(r"(\n\s*\n)", text[len(head) :].strip())
    body = "".join(p if not p.strip() else f"{p} {word}" for p in paragraphs)
    return _TITLE.sub(rf"\1 {word}\2", head) + body + "\n"


def shuffled(texts: Iterator[Text], seed: int = 7) -> list[Text]:
    """The same articles in an order that has nothing to do with their names."""
    found = list(texts)
    random.Random(seed).shuffle(found)
    return found


def write(folder: Path, texts: Iterator[Text] | list[Text]) -> int:
    """Write one Markdown file for each; how many."""
    count = 0
    for article_id, text in texts:
        path = folder / f"{article_id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        count += 1
    return count


def questions(count: int) -> list[str]:
    """Real questions of customers, the same share from each set."""
    found: list[str] = []
    each = -(-count // len(QUESTIONS))
    for name in reversed(QUESTIONS):
        lines = (shared_data() / "bench" / name / "test.jsonl").read_text(encoding="utf-8")
        asked = sorted({json.loads(line)["text"] for line in lines.splitlines()})
        found += random.Random(7).sample(asked, min(each, len(asked)))
    random.Random(7).shuffle(found)
    return found[:count]
