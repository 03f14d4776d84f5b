"""PostgreSQL from Debian's packages in a folder of its own, reached through a UNIX socket."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from real_servers import running
from sqlalchemy import make_url

from kbsupport.store.postgres import Place

BINARIES = Path("/usr/lib/postgresql")
OWNER = "postgres"  # the server refuses to run as root; the package makes this user
PORT = 5432
# No test pulls the plug: killed processes leave to the system what they have written.
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=60")


@dataclass(frozen=True)
class RunningPostgres:
    url: str  # of a database that is always there, as a user who may do everything
    version: str
    data: Path | None = None  # where the server is not ours we see no files

    @contextmanager
    def empty(self, options: str = "ENCODING 'UTF8'") -> Iterator[str]:
        """The URL of a new database, which is gone afterwards."""
        name = f"kbsupport_test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> Any:
        """Run one statement; what its first row says."""
        connection = Place(self.url).connect({})
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
        finally:
            connection.close()

    def kill(self) -> None:
        """End it at once, with whatever it was doing."""
        held = self.data / "postmaster.pid"
        os.kill(int(held.read_text().split()[0]), signal.SIGQUIT)
        while held.exists():
            time.sleep(0.02)


def missing() -> str | None:
    return None if _newest() else "the package postgresql is not installed"


@contextmanager
def given(url: str) -> Iterator[RunningPostgres]:
    """A server that is there already, where databases may be made."""
    version = RunningPostgres(url, "").run("SHOW server_version")
    yield RunningPostgres(url, version.partition(" ")[0])


@contextmanager
def postgres(options: Sequence[str] = FAST) -> Iterator[RunningPostgres]:
    """A new server, gone afterwards."""
    with cluster() as folder, serving(folder, options) as server:
        yield server


@contextmanager
def cluster() -> Iterator[Path]:
    """The folder of a server that can be started again; gone afterwards."""
    # The path of a socket has to be short, and another user must be able to go there.
    folder = Path(tempfile.mkdtemp(prefix="kbpg-", dir="/tmp"))
    try:
        user = _user()
        if user:
            shutil.chown(folder, user, user)
        # Sorted as people sort: whatever needs the order of bytes has to ask for it.
        sorting = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]
        done = subprocess.run(
            [_newest() / "initdb", "-D", folder / "data", "-U", OWNER, "-A", "trust", "-E", "UTF8",
             "-N", *sorting],
            user=user, group=user, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(folder: Path, options: Sequence[str] = FAST) -> Iterator[RunningPostgres]:
    """The server of this folder, until it is killed or no longer needed."""
    found, data = _newest(), folder / "data"
    given = (*options, "listen_addresses=", f"unix_socket_directories={folder}", f"port={PORT}")
    command = [found / "postgres", "-D", data, *(word for one in given for word in ("-c", one))]
    ready = [found / "pg_isready", "-q", "-h", folder, "-p", str(PORT)]
    with running(
        command,
        log=folder / "log",
        env={},
        answers=lambda: subprocess.run(ready, check=False).returncode == 0,
        user=_user(),
    ):
        told = subprocess.run(
            [found / "postgres", "-V"], capture_output=True, text=True, check=True
        )
        url = f"postgresql://{OWNER}@/postgres?host={folder}"
        server = RunningPostgres(url, told.stdout.split()[2], data)
        yield server
        if (data / "postmaster.pid").exists():
            server.kill()  # nobody needs what is in there


def _newest() -> Path | None:
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def _user() -> str | None:
    """Who runs the server: somebody else where we are root."""
    return OWNER if os.geteuid() == 0 else None
