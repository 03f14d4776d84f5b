"""Run every `console` and `python` block of the README and compare what they print."""

import doctest
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", re.DOTALL | re.MULTILINE)


def run(command: list[str], home: str) -> str:
    """What one command prints, as a reader at a terminal sees it."""
    env = {**os.environ, "KBSUPPORT_HOME": home, "NO_COLOR": "1"}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout


def main() -> int:
    """Exit 1 and show the difference where the README does not tell the truth."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    wrong = blocks = 0
    same = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with tempfile.TemporaryDirectory() as home:
        for kind, text in BLOCK.findall(readme):
            if kind == "python":
                code, _, expected = text.partition("\n# prints\n")
                expected = re.sub(r"^# ?", "", expected, flags=re.MULTILINE)
                pairs = [([sys.executable, "-c", code], expected)]
            else:
                pairs = [(["bash", "-c", line], told) for line, told in COMMAND.findall(text)]
            for command, expected in pairs:
                blocks += 1
                printed = run(command, home)
                if not same.check_output(expected.strip() + "\n", printed.strip() + "\n", flags):
                    wrong += 1
                    print(f"-- {command[-1]}\nexpected:\n{expected}\nprinted:\n{printed}")
    print(f"README: {blocks} commands run, {wrong} differ")
    return 1 if wrong or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
