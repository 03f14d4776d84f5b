"""Run whole processes one at a time: seconds on the clock and peak memory of each."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT

KBSUPPORT = str(Path(sys.executable).with_name("kbsupport"))


@dataclass(frozen=True, slots=True)
class Run:
    """How long a process took from start to end, the most memory it held, what it printed."""

    seconds: float
    megabytes: float
    stdout: str


def timed(command: Sequence[str]) -> Run:
    """Run to the end; anything but exit code 0 ends the benchmark with what it said."""
    offline = {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ | offline)
        # wait4 tells this child's own peak; RUSAGE_CHILDREN would give the largest of all so far.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{err.read()[-2000:]}")
        # Linux counts in KiB.
        return Run(seconds, usage.ru_maxrss * 1024 / 1e6, out.read())


def disk_bytes(folder: Path, *, but: str = "") -> int:
    """What a folder takes on the disk, without one of its subfolders."""
    return sum(
        path.stat().st_blocks * 512
        for path in folder.rglob("*")
        if path.is_file() and (not but or folder / but not in path.parents)
    )
