"""Run every benchmark, one process each, then write docs/benchmarks.md.

python benchmarks/run_all.py [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.common import ROOT

NAMES = (
    "retrieval", "embedding", "cold_start", "warm_ask", "incremental", "growth",
    "judge", "certificates", "gate", "ideas", "intake", "at_once", "desk_race", "kills", "routing",
    "quality", "personal_data", "audits", "drift", "review_queue", "gaps", "llm_faults",
    "http_asks", "http_tickets", "http_kills", "sockets", "schemathesis_all",
)  # fmt: skip


def run(name: str) -> int:
    """Run one script with what it prints going straight to the terminal."""
    script = Path(__file__).with_name(f"{name}.py")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, str(script)], check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}
    ).returncode


def main() -> int:
    """Run all, or those named; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names
    if unknown := set(names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    failed = []
    for number, name in enumerate(names, 1):
        print(f"== {number} of {len(names)}: {name}", flush=True)
        begin = time.monotonic()
        if run(name) != 0:
            failed.append(name)
        print(f"== {name}: {time.monotonic() - begin:.0f} s\n", flush=True)
    written = run("report")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or written else 0


if __name__ == "__main__":
    sys.exit(main())
