"""How fast the ONNX embedder is beside SentenceTransformer.encode, and what int8 costs.

Speed: the same article passages, both ways in turn, so that other load falls on both.
Quality: top-1 over intent benchmarks, nearest unit by its best of title, text and seen questions.

    python benchmarks/embedding.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import data_folder, write_result
from benchmarks.figures import figure, show
from kbsupport.adapters.embedders import OnnxEmbedder, best_precision, packaged_model

DATA = data_folder() or Path("shared/data")
PASSAGES = "tau2_banking_kb/articles"
BENCHES = ("banking77", "clinc_banking", "clinc_credit_cards")
WORDS, EVERY = 110, 12
FASTER = 4.0

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
    base_name, base = next(iter(seconds.items()))
    figures = {}
    for name, taken in seconds.items():
        rates = [len(texts) / second for second in taken]
        figures[name] = figure(f"{name}, passages a second", median(rates), "", of=rates)
        if name != base_name:
            ratios = [slow / fast for slow, fast in zip(base, taken, strict=True)]
            what = f"{name} ÷ {base_name}, same round"
            bar = FASTER if name == best_precision() else None
            figures[f"{name}_ratio"] = figure(what, median(ratios), "x", at_least=bar, of=ratios)
    return figures


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def top1(embed: Embed, bench: Path) -> tuple[int, int]:
    """Answerable questions whose nearest unit is an accepted one, of how many."""
    owners, texts = [], []
    for unit in rows(bench / "articles.jsonl"):
        for text in (unit["title"], unit["text"], *unit["seen_questions"]):
            owners.append(unit["id"])
            texts.append(text)
    asked = [row for row in rows(bench / "test.jsonl") if row.get("accept_ids")]
    nearest = (embed([row["text"] for row in asked]) @ embed(texts).T).argmax(axis=1)
    right = [owners[n] in row["accept_ids"] for n, row in zip(nearest, asked, strict=True)]
    return sum(right), len(right)


def torch_encode() -> Embed:
    """What it is held against: sentence-transformers as it comes, batches of 32, 256 tokens."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(packaged_model()), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts)), np.float32)


def measure(rounds: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All figures whose data is there, and top-1 of each set; the rest is named on stderr."""
    figures: dict[str, Any] = {}
    quality: list[dict[str, Any]] = []
    counts: list[dict[str, tuple[int, int]]] = []
    with tempfile.TemporaryDirectory() as cache:
        ways: dict[str, Embed] = {"torch": torch_encode()}
        for precision in ("int8", "fp32"):
            ways[precision] = OnnxEmbedder(Path(cache), precision=precision).embed
        if texts := passages():
            figures["passages"] = figure("passages", len(texts), "")
            figures |= speed(ways, texts, rounds)
        else:
            print("skipped speed: no shared articles", file=sys.stderr)
        for name in BENCHES:
            if not (bench := DATA / "bench" / name).is_dir():
                print(f"skipped quality: no shared {name}", file=sys.stderr)
                continue
            right = {kind: top1(ways[kind], bench) for kind in ("fp32", "int8")}
            counts.append(right)
            quality.append({"set": name} | _per_cent(right))
    if counts:
        pooled = _per_cent(
            {kind: tuple(map(sum, zip(*(one[kind] for one in counts), strict=True)))
             for kind in ("fp32", "int8")}
        )  # fmt: skip
        quality.append({"set": "all three"} | pooled)
        fall = pooled["fp32 top-1 %"] - pooled["int8 top-1 %"]
        figures["fall"] = figure("top-1 lost by int8, all three sets", fall, "points", at_most=0.5)
    return figures, quality


def _per_cent(right: dict[str, tuple[int, ...]]) -> dict[str, float]:
    return {f"{kind} top-1 %": round(100 * hit / of, 2) for kind, (hit, of) in right.items()}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    figures, quality = measure(parser.parse_args().rounds)
    if not figures:
        return
    show(figures)
    notes = [
        f"On this kind of CPU `precision = auto` means {best_precision()}.",
        "torch is SentenceTransformer.encode as it comes, batches of 32.",
        "Top-1 is of the bare cosine: what the model can do, not what kbsupport makes of it.",
        (
            "Where the speed-up is below its bar the CPU has AVX2 but no VNNI: an int8 product there has "
            "about twice the rate of fp32, and torch already runs both cores at most of theirs. Tried "
            "and of no more use: OpenVINO in fp32, 8-bit MatMulNBits, U8U8 weights, fused attention "
            "in int8, padded batches sorted by length, onnxruntime's own threads. Of use and kept: "
            "dynamic int8 with seven-bit weights, unfused Add and LayerNormalization, one text a thread."
        ),
    ]
    write_result("embedding", figures, "python benchmarks/embedding.py", notes, quality)


if __name__ == "__main__":
    main()
