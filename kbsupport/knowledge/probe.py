"""Open a generation's Chroma folder in a process of its own: damage may kill whoever opens it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kbsupport.knowledge.vectors import ChromaFault, ChromaIndex, Group

_SECONDS = 30.0
_SAME = 1e-3


def survives(directory: Path, sizes: Mapping[str, int], samples: Mapping[str, Group]) -> bool:
    """True if a child process opens the folder and finds the samples by their own vectors."""
    asked = {
        "directory": str(directory),
        "sizes": dict(sizes),
        "samples": {name: group.vectors.tolist() for name, group in samples.items()},
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kbsupport.knowledge.probe"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    """Exit 0 if everything asked for on stdin is found, 1 if not."""
    asked = json.load(sys.stdin)
    try:
        index = ChromaIndex(Path(asked["directory"]), asked["sizes"], _SECONDS / 2)
        for name, vectors in asked["samples"].items():
            for vector in vectors:
                found = index.nearest(name, np.array(vector, np.float32), 1)
                if not found or found[0][1] < 1 - _SAME:
                    return 1
    except ChromaFault:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
