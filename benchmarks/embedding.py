"""How fast the ONNX embedder is beside SentenceTransformer.encode, and what int8 costs.

Speed: the same article passages, both ways in turn, so that other load falls on both.
Quality: top-1 over intent benchmarks, nearest unit by its best of title, text and seen questions.

    python benchmarks/embedding.py [--out benchmarks/results/embedding.json] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsupport.adapters.embedders import (
    OnnxEmbedder,
    best_precision,
    packaged_model,
    usable_cpus,
)

DATA = Path(os.environ.get("KBSUPPORT_BENCH_DATA", "../shared/data"))
PASSAGES = "tau2_banking_kb/articles"
BENCHES = ("banking77", "clinc_banking", "clinc_credit_cards")
WORDS, EVERY = 110, 12

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def passages() -> list[str]:
    """Stretches of the articles of at most 110 words, cut at headings like the index does."""
    found = []
    for path in sorted((DATA / PASSAGES).glob("*.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for section in re.split(r"^(?=#)", text, flags=re.MULTILINE):
            words = section.split()
            found += [" ".join(words[i : i + WORDS]) for i in range(0, len(words), WORDS)]
    return found[::EVERY]


def speed(ways: dict[str, Embed], texts: list[str], rounds: int) -> dict[str, Any]:
    """Texts a second for each way, and each way's ratio to the first within the same round."""
    for embed in ways.values():
        embed(texts[:8])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, embed in ways.items():
            begin = time.perf_counter()
            embed(texts)
            seconds[name].append(time.perf_counter() - begin)
    base = next(iter(seconds.values()))
    return {
        name: {
            "texts_per_second": round(len(texts) / statistics.median(taken), 1),
            "best_texts_per_second": round(len(texts) / min(taken), 1),
            "ratio": spread([slow / fast for slow, fast in zip(base, taken, strict=True)]),
        }
        for name, taken in seconds.items()
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum, rounded."""
    figures = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value, 2) for name, value in figures.items()}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def top1(embed: Embed, bench: Path) -> float:
    """Per cent of answerable questions whose nearest unit is an accepted one."""
    owners, texts = [], []
    for unit in rows(bench / "articles.jsonl"):
        for text in (unit["title"], unit["text"], *unit["seen_questions"]):
            owners.append(unit["id"])
            texts.append(text)
    asked = [row for row in rows(bench / "test.jsonl") if row.get("accept_ids")]
    nearest = (embed([row["text"] for row in asked]) @ embed(texts).T).argmax(axis=1)
    right = [owners[n] in row["accept_ids"] for n, row in zip(nearest, asked, strict=True)]
    return round(100 * sum(right) / len(right), 2)


def machine() -> str:
    """The CPU's name, how many of them, and which instructions for small integers it has."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return f"{platform.machine()}, {usable_cpus()} CPUs"
    name = re.search(r"^model name\s*: (.*)", text, re.MULTILINE)
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    flags = [flag for flag in known if f" {flag} " in text.replace("\n", " ")]
    return f"{name[1] if name else platform.machine()}, {usable_cpus()} CPUs, {' '.join(flags)}"


def torch_encode() -> Embed:
    """What it is held against: sentence-transformers as it comes, batches of 32, 256 tokens."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(packaged_model()), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts)), np.float32)


def measure(rounds: int) -> dict[str, Any]:
    """All figures whose data is there; the rest is named on stderr."""
    figures: dict[str, Any] = {"precision_auto": best_precision()}
    with tempfile.TemporaryDirectory() as cache:
        ways: dict[str, Embed] = {"torch": torch_encode()}
        for precision in ("int8", "fp32"):
            ways[precision] = OnnxEmbedder(Path(cache), precision=precision).embed
        if texts := passages():
            figures["passages"] = len(texts)
            figures["speed"] = speed(ways, texts, rounds)
        else:
            print(f"skipped speed: no {DATA / PASSAGES}", file=sys.stderr)
        quality: dict[str, dict[str, float]] = {}
        for name in BENCHES:
            if not (bench := DATA / "bench" / name).is_dir():
                print(f"skipped quality: no {bench}", file=sys.stderr)
                continue
            quality[name] = {kind: top1(ways[kind], bench) for kind in ("fp32", "int8")}
        figures["top1_per_cent"] = quality
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/embedding.json"))
    parser.add_argument("--rounds", type=int, default=7)
    flags = parser.parse_args()
    date = datetime.now(UTC).date().isoformat()
    report = {"machine": machine(), "date": date, "figures": measure(flags.rounds)}
    text = json.dumps(report, indent=2) + "\n"
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    flags.out.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
