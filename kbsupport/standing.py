"""What decides right now: judge, policy and certificate, read from the home and checked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import CertificateError, JudgeError, StoreError
from kbsupport.quality.rules import Rules, default_rules, parse_rules
from kbsupport.triage.certificate import Certificate
from kbsupport.triage.intent import IntentModel
from kbsupport.triage.judge import Judge
from kbsupport.triage.live import ALL_ON, Live
from kbsupport.triage.policy import SHIPPED, Policy, parse_policy, read_text, shipped_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

JUDGE, CERTIFICATE, INTENTS = "judge.json", "certificate.json", "intents.json"
LIVE = "live.json"
# What tickets were like when the certificate was made.
REFERENCE = "reference.json"
POLICY = "policy.toml"
PRIOR = Path(__file__).parent / "triage" / "prior.json"


@dataclass(frozen=True, slots=True)
class Priors:
    """The judges that ship: for a knowledge base without past tickets, and for one with some."""

    fresh: Judge
    learnt: Judge

    def for_history(self, *, any_history: bool) -> Judge:
        """The one that knows the evidence there is."""
        return self.learnt if any_history else self.fresh


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides right now; `judge` is None until labels have fitted one."""

    priors: Priors
    judge: Judge | None
    policy: Policy
    policy_text: str
    certificate: Certificate | None
    intents: IntentModel | None
    notices: tuple[str, ...] = ()
    live: Live = ALL_ON
    quality: Rules = field(default_factory=default_rules)

    def judge_for(self, *, any_history: bool) -> Judge:
        """The fitted judge, else the prior one."""
        return self.judge or self.priors.for_history(any_history=any_history)

    def valid_certificate(self, hashes: Mapping[str, str]) -> tuple[Certificate | None, str | None]:
        """The certificate if it holds for this system, else why it does not."""
        if self.certificate is None:
            return None, None
        differs = self.certificate.holds_for(hashes)
        if differs is None:
            return self.certificate, None
        said = f"{self.certificate.id} no longer holds: {differs}; run `kbsupport calibrate` again"
        return None, said


class Shelf:
    """The files of a home that say what decides; read again whenever one of them changes."""

    def __init__(self, home: Path, policy: Path | None = None, prior: Path | None = None) -> None:
        self.home = home
        self._policy, self._prior = policy, prior or PRIOR
        self._seen: tuple[Any, ...] | None = None
        self._standing: Standing | None = None

    def standing(self) -> Standing:
        """What decides right now."""
        seen = tuple(_stamp(path) for path in self._files())
        if self._standing is None or seen != self._seen:
            self._standing, self._seen = self._read(), seen
        return self._standing

    def live(self) -> Live:
        """How people have set the switches; read alone, whatever else is broken."""
        try:
            row = _json(self.home / LIVE)
        except (ValueError, StoreError):  # whoever meant to stop it must not be overheard
            return Live.unreadable()
        return ALL_ON if row is None else Live.from_dict(row)

    def reference(self) -> dict[str, Any] | None:
        """What was kept of the tickets that the certificate was made from; None without it."""
        try:
            row = _json(self.home / REFERENCE)
        except ValueError:
            return None
        return row if isinstance(row, dict) else None

    def write(self, name: str, content: Mapping[str, Any] | None) -> None:
        """Replace a file of the home at once and for good; None removes it."""
        path = self.home / name
        try:
            if content is None:
                path.unlink(missing_ok=True)
                return
            aside = path.with_name(f"{name}.{os.getpid()}")
            with aside.open("w", encoding="utf-8") as file:
                file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error

    def _files(self) -> tuple[Path, ...]:
        own = self.home / POLICY
        return (*(self.home / n for n in (JUDGE, CERTIFICATE, INTENTS, LIVE)), self._policy or own)

    def _read(self) -> Standing:
        notices = []
        judge = certificate = intents = None
        try:
            judge = _judge(self.home / JUDGE)
        except JudgeError as error:
            notices.append(str(error))
        try:
            row = _json(self.home / CERTIFICATE)
            if row is not None:
                certificate = Certificate.from_dict(row, CERTIFICATE)
        except (CertificateError, ValueError) as error:
            broken = isinstance(error, ValueError)
            notices.append(str(CertificateError(CERTIFICATE, "not JSON") if broken else error))
        with contextlib.suppress(KeyError, TypeError, ValueError):
            row = _json(self.home / INTENTS)
            intents = None if row is None else IntentModel.from_dict(row)
        live = self.live()
        if live.broken:
            notices.append(live.broken)
        text, where = self._policy_text()
        return Standing(
            priors=read_priors(self._prior),
            judge=judge,
            policy=parse_policy(text, where),
            policy_text=text,
            certificate=certificate,
            intents=intents,
            notices=tuple(notices),
            live=live,
            quality=parse_rules(tomllib.loads(text).get("quality", {}), where),
        )

    def _policy_text(self) -> tuple[str, str]:
        if self._policy is not None:
            return read_text(self._policy), str(self._policy)
        own = self.home / POLICY
        return (read_text(own), str(own)) if own.exists() else ("", SHIPPED)


def read_priors(path: Path = PRIOR) -> Priors:
    """The judges that ship, or those of another file."""
    row = _json(path)
    if not isinstance(row, dict) or not {"fresh", "learnt"} <= row.keys():
        raise JudgeError(str(path), "it does not hold the judges `fresh` and `learnt`")
    return Priors(*(Judge.from_dict(row[name], str(path)) for name in ("fresh", "learnt")))


def judge_and_history(judge: Judge, history: str) -> str:
    """A judge is another one once what it remembers has changed."""
    return hashlib.sha256(f"{judge.hash} {history}".encode()).hexdigest()


def keep_artefacts(connection: Connection, standing: Standing, judge: Judge) -> None:
    """Store what decides by its hash, so that a replay finds it after any change."""
    from kbsupport.store import artefacts

    artefacts.keep(connection, "judge", judge.hash, judge.to_dict())
    artefacts.keep(connection, "policy", standing.policy.hash, _policy_body(standing))
    if standing.certificate is not None:
        made = standing.certificate
        artefacts.keep(connection, "certificate", made.sha256, made.to_dict())


def _policy_body(standing: Standing) -> dict[str, str]:
    # With what it was laid over: a later version may ship another one.
    return {"text": standing.policy_text, "shipped": shipped_text()}


def _judge(path: Path) -> Judge | None:
    try:
        row = _json(path)
    except ValueError as error:
        raise JudgeError(path.name, "it is not JSON") from error
    if row is None:
        return None
    judge = Judge.from_dict(row.get("judge"), path.name) if isinstance(row, dict) else None
    if judge is None or row.get("sha256") != judge.hash:
        raise JudgeError(path.name, "its content does not match its sha256: it was edited")
    return judge


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
