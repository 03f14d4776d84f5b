"""Run every `console` and `python` block of a page and compare what they print.

python docs/run_readme.py [PAGE…]        those of STORIES, if none is named

A command goes on in the next line where it ends with a backslash.
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
# Pages of a story are read at one terminal: each goes on where the one before ended.
STORIES = (
    ("README.md",),
    (
        "docs/api.md", "docs/chat.md", "docs/openai.md", "docs/graphql.md", "docs/mcp.md",
        "docs/events.md",
    ),
)  # fmt: skip
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*?)(?=^\$ |\Z)", re.DOTALL | re.MULTILINE)
_PATIENCE = 15.0
# What takes longer waits for something that will never come.
_LONGEST = 180.0
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
            try:
                started.wait(_LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
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


def check(terminal: Terminal, page: str) -> tuple[int, int]:
    """How many commands were run, and how many printed something else than the page says."""
    wrong = ran = 0
    same = doctest.OutputChecker()
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
    return ran, wrong


def told(story: tuple[str, ...]) -> bool:
    """Run a story from its beginning; False where a page of it does not tell the truth."""
    good = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        terminal = Terminal(home)
        for page in story:
            begun = time.monotonic()
            ran, wrong = check(terminal, page)
            good &= ran > 0 and not wrong
            took = time.monotonic() - begun
            print(f"{page}: {ran} commands run, {wrong} differ, {took:.0f} s", flush=True)
        terminal.leave()
    return good


def until(page: str) -> tuple[str, ...]:
    """The pages of a story up to one of them."""
    story = next((one for one in STORIES if page in one), (page,))
    return story[: story.index(page) + 1]


def main() -> int:
    """Exit 1 and show the difference where a page does not tell the truth."""
    stories = tuple(map(until, sys.argv[1:])) or STORIES
    wrong = [story for story in stories if not told(story)]
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
