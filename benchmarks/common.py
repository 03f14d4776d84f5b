"""What benchmarks share: the machine, the data that is not ours, how a result is written."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def machine() -> dict[str, Any]:
    """Name the CPU, how many cores this process may use, the memory, and the Python and system."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
        "os": platform.platform(terse=True),
    }


def data_folder() -> Path | None:
    """Find the shared data that nobody here wrote, or None where it is absent."""
    folder = Path(os.environ.get("KBSUPPORT_BENCH_DATA") or ROOT / ".." / "shared" / "data")
    return folder.resolve() if folder.is_dir() else None


def write_result(
    name: str,
    figures: dict[str, Any],
    command: str,
    notes: Sequence[str] = (),
    rows: Iterable[dict[str, Any]] = (),
) -> Path:
    """Write `benchmarks/results/NAME.json`, from which docs/benchmarks.md is made."""
    result = {
        "name": name,
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "figures": figures,
        "notes": list(notes),
        "rows": list(rows),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def spread(values: Iterable[float]) -> dict[str, float]:
    """Minimum, median, maximum and how many."""
    found = sorted(values)
    return {
        "min": found[0],
        "median": statistics.median(found),
        "max": found[-1],
        "n": len(found),
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.machine()
    name = re.search(r"^model name\s*: (.*)", text, re.MULTILINE)
    return name[1].strip() if name else platform.machine()
