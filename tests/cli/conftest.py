import io
import json
import shutil
import sys
from dataclasses import dataclass

import pytest

from kbsupport.app import App
from kbsupport.cli.main import run
from kbsupport.testing import FakeEmbedder


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def says_one_line(self):
        """The line on stderr: there is exactly one, and no traceback."""
        assert "Traceback" not in self.err
        (line,) = self.err.splitlines()
        return line


@pytest.fixture
def kb(taught_home, model_cache, monkeypatch, capsysbinary):
    """Run a command line in this process, over the taught sample home unless a home is given."""
    monkeypatch.setenv("KBSUPPORT_EMBEDDER__CACHE", str(model_cache))
    monkeypatch.setenv("KBSUPPORT_HOME", str(taught_home))

    def kb(*arguments, stdin=None):
        given = None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", given)
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as stopped:
            run([str(argument) for argument in arguments])
        said = capsysbinary.readouterr()
        return Ran(stopped.value.code or 0, said.out.decode(), said.err.decode())

    return kb


@pytest.fixture
def batch(tmp_path):
    """Write tickets, or raw lines, to a file."""

    def write(*rows, end=b"\n", head=b""):
        path = tmp_path / "tickets.jsonl"
        lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in rows]
        path.write_bytes(head + end.join(lines) + end)
        return path

    return write


@pytest.fixture
def small(kb, small_homes, home, monkeypatch):
    """Run a command line over the few made-up articles, `plain` or `proven`, without the model."""

    def small(name, *arguments):
        if not home.exists():
            shutil.copytree(small_homes[name], home)
        monkeypatch.setattr(App, "embedder", FakeEmbedder())
        return kb("--home", home, *arguments)

    return small
