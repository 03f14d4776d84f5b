"""Write docs/reference.md from the commands' own --help; with --check, fail if it is stale."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("reference.md")


def commands() -> list[str]:
    """Every command in the order of the help, groups before what is in them."""
    import typer.main

    from kbsupport.cli.main import cli

    found = [""]
    for name, command in typer.main.get_command(cli).commands.items():
        found.append(name)
        found += [f"{name} {inner}" for inner in getattr(command, "commands", ())]
    return found


def help_of(command: str) -> str:
    """What the command says about itself, without colours, eighty columns wide."""
    plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "kbsupport", *command.split(), "--help"],
        env={**os.environ, **plain}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE).strip()


def main() -> int:
    """Write the page, or compare it."""
    parts = ["# Command reference", "Made from `--help` by `make docs`."]
    for command in commands():
        parts += [f"## kbsupport {command}".rstrip(), f"```text\n{help_of(command)}\n```"]
    page = "\n\n".join(parts) + "\n"
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") != page:
        sys.stderr.write("docs/reference.md is stale; run: make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
