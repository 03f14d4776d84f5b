"""docs/benchmarks.md from benchmarks/results/*.json: every figure beside its bar.

python benchmarks/report.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.common import RESULTS, ROOT
from benchmarks.figures import tidy

PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "growth.svg"

Result = dict[str, Any]

HEAD = """# Benchmarks

Made by `make bench` from `benchmarks/results/*.json`, never by hand. A bar is what this project
asks of itself. Ratios are taken with both sides in turn on the same machine; a spread is
minimum–maximum of the single measurements. The data are real help centres and questions that are
not part of this repository; without them a benchmark is skipped and its last result stays.
"""

SECTIONS = {
    "retrieval": "Retrieval: is the right article first?",
    "embedding": "Embedding: the packaged model through onnxruntime",
    "cold_start": "Cold start: whole processes",
    "warm_ask": "Warm: a question in a running process",
    "incremental": "Keeping an index up to date",
    "growth": "Growth",
    "judge": "The judge: does it tell right answers from wrong ones?",
    "certificates": "Certificates: how often one is issued, and is it honest?",
    "gate": "What the triage costs",
    "ideas": "What each idea gives",
    "intake": "The desk: questions taken in",
    "at_once": "The desk: many processes, one database",
    "desk_race": "The desk: many specialists, one escalation",
    "kills": "The desk: killed at any moment",
    "routing": "The desk: is the topic right?",
    "quality": "The check of replies",
    "personal_data": "Personal data: what is found",
    "audits": "Audits: how many answers are wrong, live",
    "drift": "Drift: are these still the same tickets?",
    "review_queue": "The review queue: does it ask for the labels that help most?",
    "gaps": "Gaps: do missing articles come back?",
    "llm_faults": "A language model that fails, lies or obeys anybody",
    "http_asks": "The doors: questions over HTTP",
    "http_tickets": "The doors: tickets over HTTP, decided later",
    "http_kills": "The doors: all workers killed while tickets come in",
    "sockets": "The doors: a thousand open sockets",
    "schemathesis": "The doors: requests made up from the OpenAPI document",
}


def main() -> None:
    """Write the page."""
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json")}
    order = [*SECTIONS, *sorted(results.keys() - SECTIONS.keys())]
    parts = [HEAD, summary([results[name] for name in order if name in results])]
    parts += [section(name, results[name]) for name in order if name in results]
    missing = [name for name in SECTIONS if name not in results]
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(PAGE.relative_to(ROOT))


def summary(results: Sequence[Result]) -> str:
    """One line that says how many bars are reached, and which are not."""
    judged = [one for result in results for one in figures_of(result) if "reached" in one]
    below = [one["what"] for one in judged if not one["reached"]]
    line = f"**{len(judged) - len(below)} of {len(judged)} bars are reached.**"
    return line + (f" Not reached: {'; '.join(below)}.\n" if below else "\n")


def section(name: str, result: Result) -> str:
    """Heading, table of figures, rows, notes, and where it was measured."""
    lines = [f"## {SECTIONS.get(name, name.replace('_', ' ').capitalize())}", ""]
    lines += figure_table(figures_of(result))
    if rows := result.get("rows"):
        lines += ["", *ROWS.get(name, plain_rows)(rows)]
    if name == "growth" and PLOT.exists():
        lines += ["", f"![Build, search, memory and disk by number of chunks]({PLOT.name})"]
    lines += ["", *(f"- {note}" for note in result.get("notes", []))]
    below = [one["what"] for one in figures_of(result) if one.get("reached") is False]
    if below:
        lines.append(f"- Below its bar: {'; '.join(below)}.")
    lines += ["", f"`{result['command']}` · {result['date']} · {place(result['machine'])}", ""]
    return "\n".join(lines)


def figures_of(result: Result) -> list[dict[str, Any]]:
    """The figures of a result in one shape, whoever wrote it."""
    figures = result["figures"]
    if result["name"] == "retrieval":
        return retrieval_figures(figures)
    return [one for one in figures.values() if isinstance(one, dict) and "what" in one]


def retrieval_figures(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The mean over the two help centres beside what was promised."""
    words = {"top1": "top-1", "recall_at_5": "recall@5"}
    return [
        {
            "what": f"{words.get(key, key)}, mean of the two help centres",
            "value": figures["kb_mean"][key],
            "unit": "",
            "at_least": bar,
            "reached": figures["kb_mean"][key] >= bar,
        }
        for key, bar in figures.get("bar", {}).items()
        if key in figures.get("kb_mean", {})
    ]


def figure_table(figures: Iterable[dict[str, Any]]) -> list[str]:
    """Figure, value, spread, bar, verdict."""
    lines = []
    for one in figures:
        unit = f" {one['unit']}" if one["unit"] else ""
        value = f"{number(one['value'])}{unit}"
        said = {True: "reached", False: "**not reached**", None: ""}[one.get("reached")]
        lines.append([one["what"], value, spread_of(one, unit), bar_of(one, unit), said])
    return table(["figure", "value", "spread", "bar", ""], lines) if lines else []


def spread_of(one: dict[str, Any], unit: str) -> str:
    """From the least to the most, and of how many."""
    found = one.get("spread")
    if not found:
        return ""
    return f"{number(found['min'])}–{number(found['max'])}{unit} (n = {found['n']})"


def bar_of(one: dict[str, Any], unit: str) -> str:
    """What it should be at most or at least."""
    if "at_most" in one:
        return f"≤ {number(one['at_most'])}{unit}"
    return f"≥ {number(one['at_least'])}{unit}" if "at_least" in one else ""


def retrieval_rows(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Top-1 and recall@5 of every ranking, then the differences with their intervals."""
    lines = []
    for metric, words in (("top1", "top-1"), ("recall_at_5", "recall@5")):
        rankings = list(rows[0][metric])
        values = [
            [row["set"], row["questions"], *(f"{row[metric][r]:.3f}" for r in rankings)]
            for row in rows
        ]
        lines += [f"{words}:", "", *table(["set", "questions", *rankings], values), ""]
    gaps = [
        [row["set"], *(gap(row[f"top1_minus_{base}"]) for base in ("best_single", "plain_sum"))]
        for row in rows
    ]
    lines += ["top-1 of kbsupport minus that of another, with the 95 % interval:", ""]
    return [*lines, *table(["set", "the better single one", "plain sum"], gaps)]


def gap(found: dict[str, Any]) -> str:
    """A difference, its interval, and against whom."""
    low, high = found["interval_95"]
    return f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}] ({found['against']})"


def plain_rows(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as a table; columns without a value anywhere are left out."""
    every = dict.fromkeys(name for row in rows for name in row)
    names = [name for name in every if any(row.get(name) not in (None, [], "") for row in rows)]
    values = [[number(row.get(name)) for name in names] for row in rows]
    return table([name.replace("_", " ") for name in names], values)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A Markdown table; all columns but the first to the right."""
    ruler = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(str(cell) for cell in line)} |" for line in (head, ruler, *rows)]


def number(value: Any) -> str:
    """Thousands apart, no needless digits; nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if isinstance(value, int) or value >= 1000 else f"{tidy(value):g}"


def place(machine: dict[str, Any]) -> str:
    """The machine, without its name."""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']:g} GB,"
        f" Python {machine['python']}, {machine['os']}"
    )


ROWS: dict[str, Callable[[Sequence[dict[str, Any]]], list[str]]] = {"retrieval": retrieval_rows}


if __name__ == "__main__":
    main()
