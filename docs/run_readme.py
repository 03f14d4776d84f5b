"""Run every `console` and `python` block of a page and compare what they print.

python docs/run_readme.py [PAGE…]        README.md and docs/api.md, if none is named
"""

import doctest
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/api.md")
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", re.DOTALL | re.MULTILINE)
_PATIENCE = 15.0
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Terminal:
    """What one reader types: variables stay, and what runs beside the shell ends with it."""

    def __init__(self, home: str) -> None:
        self._env = {**os.environ, "KBSUPPORT_HOME": f"{home}/home", "NO_COLOR": "1"}
        # Which answers are drawn for an audit is chance; no page can show that.
        self._env["KBSUPPORT_REVIEW__AUDIT_SHARE"] = "0"
        self._env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{self._env['PATH']}"
        self._held = f"{home}/variables"
        Path(self._held).touch()
        self._groups: list[int] = []

    def type(self, line: str) -> str:
        """What a line of shell prints."""
        kept = f". {self._held}; set -a; {line}\n{{ export -p; declare -f; }} > {self._held}"
        return self._run(["bash", "-c", kept])

    def run(self, code: str) -> str:
        """What a Python program prints."""
        program = f"{self._held}.py"
        Path(program).write_text(code, encoding="utf-8")
        return self._run(["bash", "-c", f". {self._held}; exec {sys.executable} {program}"])

    def _run(self, command: list[str]) -> str:
        with tempfile.TemporaryFile("w+") as printed:
            # A file, no pipe: what goes on beside would hold it open.
            started = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self._env, stdout=printed, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            self._groups.append(started.pid)
            started.wait()
            printed.seek(0)
            return printed.read()

    def leave(self) -> None:
        """End whatever still runs, and wait until it has: the next page may want its port."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)
                until = time.monotonic() + _PATIENCE
                while time.monotonic() < until:
                    os.killpg(group, 0)
                    time.sleep(0.1)


def check(page: str) -> tuple[int, int]:
    """How many commands were run, and how many printed something else than the page says."""
    wrong = ran = 0
    same = doctest.OutputChecker()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        terminal = Terminal(home)
        for kind, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
            if kind == "python":
                code, _, expected = text.partition("\n# prints\n")
                expected = re.sub(r"^# ?", "", expected, flags=re.MULTILINE)
                pairs = [(code, expected)]
            else:
                pairs = COMMAND.findall(text)
            for typed, expected in pairs:
                ran += 1
                printed = terminal.run(typed) if kind == "python" else terminal.type(typed)
                if not same.check_output(expected.strip() + "\n", printed.strip() + "\n", FLAGS):
                    wrong += 1
                    print(f"-- {typed}\nexpected:\n{expected}\nprinted:\n{printed}")
        terminal.leave()
    return ran, wrong


def main() -> int:
    """Exit 1 and show the difference where a page does not tell the truth."""
    failed = False
    for page in sys.argv[1:] or PAGES:
        ran, wrong = check(page)
        failed |= bool(wrong) or not ran
        print(f"{page}: {ran} commands run, {wrong} differ")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
