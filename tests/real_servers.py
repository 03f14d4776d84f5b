"""Which real servers took part in this run, said at its end: green must not mean skipped."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Read once: tests themselves run without any setting of ours.
ALL_OF_THEM = os.environ.get("KBSUPPORT_ALL_SERVERS") == "1"
POSTGRES = os.environ.get("KBSUPPORT_TEST_POSTGRES")
TOOK_PART: list[str] = []
MISSING: list[str] = []
_SAID = pytest.StashKey[bool]()


def took_part(name: str, version: str) -> None:
    TOOK_PART.append(f"{name} {version}")


def cannot_have(name: str, why: str) -> None:
    """Skip what needs this server; where all of them must be there, fail."""
    MISSING.append(f"{name} ({why})")
    if ALL_OF_THEM:
        pytest.fail(f"{name} did not take part: {why}; run .ci/servers", pytrace=False)
    pytest.skip(f"{name}: {why}; run .ci/servers")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Several processes test side by side: what took part in one is told to the first."""
    del error
    for name, held in (("took_part", TOOK_PART), ("missing", MISSING)):
        held.extend(getattr(node, "workeroutput", {}).get(name, []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told |= {"took_part": TOOK_PART, "missing": MISSING}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not (TOOK_PART or MISSING) or config.stash.get(_SAID, False):
        return
    config.stash[_SAID] = True
    for said, held in (("that took part", TOOK_PART), ("that did not", MISSING)):
        if held or held is TOOK_PART:
            named = ", ".join(dict.fromkeys(held)) or "none"
            terminalreporter.line(f"real servers {said}: {named}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """One PostgreSQL for all tests: the one that is named, else one of our own."""
    from servers import postgres

    why = None if POSTGRES else postgres.missing()
    if why:
        cannot_have("PostgreSQL", why)
    with postgres.given(POSTGRES) if POSTGRES else postgres.postgres() as server:
        took_part("PostgreSQL", server.version)
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless browser for the tests of a file, the system's own.

    While it is there an event loop runs, and tests of other files could start none.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if path is None:
        cannot_have("Chromium", "it is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        took_part("Chromium", browser.version)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    answers: Callable[[], bool],
    within: float = 60.0,
    user: str | None = None,
) -> Iterator[None]:
    """A server in a group of its own, from its first right answer until it is stopped."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env={**os.environ, **env},
            start_new_session=True,
            user=user,
            group=user,
            cwd=None if user is None else "/",
        )
    try:
        deadline = time.monotonic() + within
        while not answers():
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        _stop(started)


def _stop(started: subprocess.Popen) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(started.pid, sign)
            started.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
