"""stdout carries data only; everything else goes to stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import typer

from kbsupport.errors import StoreError

_UTF_8 = ("utf-8", "utf8")


def emit(text: str) -> None:
    """Print data. Whoever closed the pipe has read enough: that is no error."""
    out = sys.stdout
    if out is None:  # started with stdout closed
        return
    # Half a surrogate pair has no UTF-8; spelt \\ud83d it is even valid JSON.
    encoding = out.encoding or "utf-8"
    printable = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        out.write(printable + "\n")
        out.flush()
    except BrokenPipeError:
        mute_stdout()
        raise typer.Exit(0) from None
    except OSError as error:
        mute_stdout()
        raise StoreError(f"stdout cannot be written: {error.strerror}; free some space") from error


def emit_json(value: Any) -> None:
    """Print one JSON object on one line."""
    plain = sys.stdout is not None and (sys.stdout.encoding or "").lower() not in _UTF_8
    emit(json.dumps(value, ensure_ascii=plain, allow_nan=False))


def mute_stdout() -> None:
    """Python would complain again at exit, when it flushes what nobody reads."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: str, *, quiet: bool = False) -> None:
    """Say something to a person who watches."""
    if not quiet and sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


def tell_error(text: str) -> None:
    """Say what went wrong and what to do about it, on one line whatever the cause put in."""
    tell("kbsupport: " + " ".join(text.split()))


def read_stdin() -> bytes:
    """All of stdin; nothing where there is none."""
    if sys.stdin is None or sys.stdin.closed:
        return b""
    return sys.stdin.buffer.read()


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, silence elsewhere."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield show


def plain_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns wide enough for their words; reads well in a terminal and in a log."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
