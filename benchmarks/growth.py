"""How build time, query time, memory and disk grow: 1,000, 10,000 and 100,000 chunks.

Made-up articles of made-up words, ten chunks each; the embedder is a stand-in, so that only what
kbsupport and Chroma do is measured. Its vectors lie in clusters, as those of real articles do.
Building and asking are processes of their own, so that each has a peak memory of its own.

    python benchmarks/growth.py [--sizes 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.common import ROOT, write_result
from benchmarks.figures import figure, load_note, show, tidy
from benchmarks.processes import disk_bytes, timed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.knowledge.library import Library

SIZES = (1_000, 10_000, 100_000)
PLOT = ROOT / "docs" / "growth.svg"
SECTIONS, WORDS, WORDS_OF_AN_ARTICLE = 9, 60, 20_000
CLUSTERS, CURRENTS, DIMENSION = 200, 32, 384
QUERIES, WARM_UP = 300, 20
INTERNAL_EVERY = 20


class ClusteredEmbedder:
    """A vector near the centre of the topic that the text names; equal texts, equal vectors."""

    name, dimension = "clustered", DIMENSION

    def __init__(self) -> None:
        import numpy as np

        random = np.random.default_rng(0)
        self._centres = unit(random.normal(size=(CLUSTERS, DIMENSION)))
        # Texts of a topic differ in few directions: real vectors fill far less than 384.
        self._currents = unit(random.normal(size=(CURRENTS, DIMENSION)))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector for each text."""
        import numpy as np

        made = np.empty((len(texts), DIMENSION))
        for row, text in enumerate(texts):
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
            random = np.random.default_rng(seed)
            topic = re.search(r"topic(\d+)", text)
            centre = self._centres[int(topic[1]) if topic else seed % CLUSTERS]
            along = random.normal(size=CURRENTS) @ self._currents / CURRENTS**0.5
            made[row] = centre + 0.8 * along + 0.2 * random.normal(size=DIMENSION) / DIMENSION**0.5
        return unit(made).astype("float32")


def unit(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of length one."""
    import numpy as np

    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Author:
    """Writes articles of made-up words, used as unevenly as words are."""

    def __init__(self, seed: int) -> None:
        import numpy as np

        self._random = np.random.default_rng(seed)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or")]
        self._words = np.array(
            [
                "".join(np.random.default_rng(n).choice(syllables, 2 + n % 3))
                for n in range(WORDS_OF_AN_ARTICLE)
            ]
        )
        shares = 1 / np.arange(1, WORDS_OF_AN_ARTICLE + 1)
        self._shares = shares / shares.sum()

    def words(self, count: int) -> str:
        """So many words."""
        return " ".join(self._random.choice(self._words, count, p=self._shares))

    def article(self, number: int) -> str:
        """A title and nine sections: ten chunks, one JSON line."""
        topic = f"topic{number % CLUSTERS}"
        sections = [f"## Part {n} {self.words(2)}\n\n{self.words(WORDS)}." for n in range(SECTIONS)]
        row = {
            "id": f"article-{number}",
            "title": f"{topic} {number} {self.words(3)}",
            "text": "\n\n".join(sections),
            "audience": "public" if number % INTERNAL_EVERY else "internal",
        }
        return json.dumps(row)

    def question(self) -> str:
        """A question on one of the topics."""
        return f"topic{self._random.integers(CLUSTERS)} {self.words(7)}"


def build(home: Path) -> dict[str, Any]:
    """Index HOME/articles.jsonl."""
    from kbsupport.knowledge.indexing import Indexer
    from kbsupport.store import generations
    from kbsupport.store.database import Database

    database = Database(home / "kbsupport.db")
    begin = time.perf_counter()
    Indexer(database, home / "index", ClusteredEmbedder).sync([home / "articles.jsonl"])
    seconds = time.perf_counter() - begin
    with database.read() as connection:
        live = generations.live(connection)
    assert live is not None
    return {"seconds": seconds, "chunks": live.chunks, "ef_search": live.manifest["ef_search"]}


def ask(home: Path) -> dict[str, Any]:
    """Open the index, ask, and say how long each search took."""
    from kbsupport.knowledge.library import Library
    from kbsupport.store.database import Database

    embedder = ClusteredEmbedder()
    library = Library(Database(home / "kbsupport.db"), home / "index", lambda: embedder)
    begin = time.perf_counter()
    library.open()
    opened = time.perf_counter() - begin
    author = Author(1)
    taken = [search(library, author.question()) for _ in range(QUERIES)][WARM_UP:]
    return {"open": opened, "search_ms": taken, "notices": library.open().notices}


def search(library: Library, question: str) -> float:
    """Milliseconds of one search."""
    from kbsupport.model import Filter
    from kbsupport.standing import read_priors

    weights = read_priors().fresh.ranking
    begin = time.perf_counter()
    library.search(question, library.embed(question), Filter(), 8, weights)
    return (time.perf_counter() - begin) * 1000


def measure(size: int) -> dict[str, Any]:
    """Both processes for one size; a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        author = Author(0)
        with (home / "articles.jsonl").open("w", encoding="utf-8") as file:
            for number in range(size // (SECTIONS + 1)):
                file.write(author.article(number) + "\n")
        this = [sys.executable, str(Path(__file__)), "--home", str(home)]
        building = timed([*this, "--step", "build"])
        built = json.loads(building.stdout)
        asking = timed([*this, "--step", "ask"])
        asked = json.loads(asking.stdout)
        disk = disk_bytes(home / "index") + (home / "kbsupport.db").stat().st_size
    times = sorted(asked["search_ms"])
    row = {
        "chunks": built["chunks"],
        "build_s": built["seconds"],
        "build_mb": building.megabytes,
        "open_s": asked["open"],
        "search_p50_ms": median(times),
        "search_p95_ms": times[int(0.95 * len(times))],
        "search_mb": asking.megabytes,
        "disk_mb": disk / 1e6,
        "ef_search": built["ef_search"],
        "notices": asked["notices"],
    }
    return {name: tidy(v) if isinstance(v, float) else v for name, v in row.items()}


def plot(rows: list[dict[str, Any]]) -> None:
    """Four small pictures, both axes logarithmic: what grows in proportion is a straight line."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "kbsupport", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    panels = {
        "Build (s)": {"build_s": "whole index run"},
        "Search (ms)": {"search_p50_ms": "p50", "search_p95_ms": "p95"},
        "Peak memory (MB)": {"build_mb": "building", "search_mb": "asking"},
        "Disk (MB)": {"disk_mb": "database and index"},
    }
    chunks = [row["chunks"] for row in rows]
    drawing, axes = plt.subplots(1, len(panels), figsize=(11, 2.8), layout="constrained")
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, label in lines.items():
            axis.loglog(chunks, [row[name] for row in rows], marker="o", label=label)
        axis.set(title=title, xlabel="chunks")
        axis.grid(visible=True, which="major", alpha=0.3)
        axis.legend(frameon=False)
    PLOT.parent.mkdir(exist_ok=True)
    drawing.savefig(PLOT, metadata={"Date": None, "Creator": None})


def main() -> None:
    """Measure every size, print, draw and write; or be one of the two processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--step", choices=("build", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.step:
        print(json.dumps({"build": build, "ask": ask}[flags.step](flags.home)))
        return
    began, rows = load_note(), []
    for size in flags.sizes:
        rows.append(measure(size))
        print(json.dumps(rows[-1]), flush=True)
    figures = {}
    for row in rows:
        for key, unit_ in (("build_s", "s"), ("search_p50_ms", "ms"), ("disk_mb", "MB")):
            what = f"{key.rsplit('_', 1)[0].replace('_', ' ')} at {row['chunks']:,} chunks"
            figures[f"{key}_{row['chunks']}"] = figure(what, row[key], unit_)
    show(figures)
    plot(rows)
    ef = {row["chunks"]: row["ef_search"] for row in rows}
    notes = [
        began,
        f"{CLUSTERS} clusters, spread along {CURRENTS} of {DIMENSION} directions, and some noise.",
        "Chroma's ef_search that the check of a new index asked for: "
        + ", ".join(f"{value} at {chunks:,} chunks" for chunks, value in ef.items())
        + ".",
    ]
    write_result("growth", figures, "python benchmarks/growth.py", notes, rows)


if __name__ == "__main__":
    main()
