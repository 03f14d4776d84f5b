"""Tell staff what waits for them: a log, a program of yours, or a webhook."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from kbsupport.errors import ConfigError, UpstreamError
from kbsupport.model import Notice

_PREFIX = "whsec_"
_FEWEST_BYTES = 24
_TAKEN = range(200, 300)


class LogNotifier:
    """Writes one JSON line for each notice, to a file or to stderr."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = None if path is None else Path(path)

    def notify(self, notice: Notice) -> None:
        """Add a line; UpstreamError where the file cannot be written."""
        said = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(notice)}
        line = json.dumps(said, ensure_ascii=False) + "\n"
        try:
            if self._path is None:
                _to_stderr(line)
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                _append(self._path, line.encode("utf-8", "backslashreplace"))
        except OSError as error:
            where = self._path or "stderr"
            raise UpstreamError("notifier log", f"{where}: {error.strerror}") from error


class CommandNotifier:
    """Runs a program, without a shell, and gives it the notice as JSON on stdin."""

    def __init__(self, command: Sequence[str], timeout_seconds: float = 10.0) -> None:
        # A string would be taken apart into letters, or need a shell to take it apart.
        words = not isinstance(command, str) and all(isinstance(word, str) for word in command)
        if not words or not command:
            raise ConfigError(
                '[notifier] command must be a list, as in ["/usr/bin/tell", "--desk"]'
            )
        _check_timeout(timeout_seconds)
        self._command, self._timeout = tuple(command), timeout_seconds
        self._name = f"notifier command {command[0]}"

    def notify(self, notice: Notice) -> None:
        """Run it; UpstreamError unless it ends with 0 in time."""
        try:
            program = subprocess.Popen(  # noqa: S603 - the program is the operator's own choice
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise UpstreamError(self._name, said) from error
        with program:
            try:
                program.communicate(_body(notice), self._timeout)
            except subprocess.TimeoutExpired as error:
                # Its children too: they would go on with nobody to end them.
                with suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)
                words = f"it did not end within {self._timeout:g} s"
                raise UpstreamError(self._name, words) from error
        if program.returncode:
            raise UpstreamError(self._name, f"it ended with {program.returncode}")


class WebhookNotifier:
    """POSTs the notice as JSON, signed as the Standard Webhooks specification says.

    `secret` names the environment variable that holds the shared secret, "whsec_" and base64.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        timeout_seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        from kbsupport.adapters.web import Web

        _check_timeout(timeout_seconds)
        self._key, self._clock = _key(secret), clock
        server = urlsplit(url)
        base = f"{server.scheme}://{server.netloc}"
        self._web, self._path = Web("notifier", base, timeout=timeout_seconds), url[len(base) :]

    def notify(self, notice: Notice) -> None:
        """Post it; UpstreamError unless the answer is a 2xx. A retry has the same webhook-id."""
        from kbsupport.adapters.web import WebError

        name, at = f"notice-{notice.event_id}", str(int(self._clock()))
        headers = {
            "webhook-id": name,
            "webhook-timestamp": at,
            "webhook-signature": sign(self._key, name, at, _body(notice)),
        }
        try:
            self._web.json("POST", self._path, body=asdict(notice), headers=headers)
        except WebError as error:
            # Whoever took it owes us no words: an empty answer, or one that is no JSON, is a yes.
            if error.status is None or error.status not in _TAKEN:
                raise


def sign(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """The webhook-signature of one message, version 1."""
    said = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()


def _body(notice: Notice) -> bytes:
    # Byte for byte what goes out: a signature is of bytes, and httpx writes JSON in this way.
    said = asdict(notice)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _key(variable: str) -> bytes:
    given = os.environ.get(variable)
    if not given:
        raise ConfigError(
            f"[notifier] secret names the environment variable {variable}, which is not set"
        )
    try:
        key = base64.b64decode(given.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"{variable} is no webhook secret: {_PREFIX} and base64") from error
    if len(key) < _FEWEST_BYTES:
        raise ConfigError(f"{variable} is too short a secret: take {_FEWEST_BYTES} bytes or more")
    return key


def _check_timeout(seconds: float) -> None:
    if not seconds > 0:
        raise ConfigError("[notifier] timeout_seconds must be more than 0")


def _to_stderr(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(line)
        sys.stderr.flush()


def _append(path: Path, line: bytes) -> None:
    # One write of a whole line: of several processes at once none cuts another's in two.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)
