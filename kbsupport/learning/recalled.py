"""All that a stored decision was decided from, brought back by its hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.errors import CertificateError, ConfigError, JudgeError
from kbsupport.model import Evidence, Signals
from kbsupport.store import artefacts
from kbsupport.triage.certificate import Certificate
from kbsupport.triage.judge import Judge
from kbsupport.triage.policy import Policy, parse_policy
from kbsupport.triage.verdict import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kbsupport.store.database import Database
    from kbsupport.store.decisions import DecisionView


class Gone(Exception):
    """What a replay would need is not there any more, or never was."""

    def __init__(self, *said: str) -> None:
        super().__init__("; ".join(said))
        self.said = said


@dataclass(frozen=True, slots=True)
class Recalled:
    """Who decided, and from what."""

    evidence: Evidence
    signals: Signals
    case: Case
    judge: Judge
    policy: Policy
    certificate: Certificate | None
    hashes: Mapping[str, str]
    chunks: list[list[Any]] | None


def recall(database: Database, stored: DecisionView) -> Recalled:
    """What the decision was made from; Gone says in sentences what of it is not there."""
    inputs, body = stored.inputs, stored.body
    if inputs is None and body["reason"] == "failed":
        raise Gone(f"nothing was decided, because a part failed: {body['evidence']['rule']}")
    if inputs is None:
        raise Gone("the decision was made by an earlier version, which did not store its inputs")
    try:
        evidence = Evidence.from_dict(body["evidence"])
        signals = Signals.from_dict(body["signals"])
        case = Case.from_dict(inputs["case"])
        judge, policy, certificate = (inputs[name] for name in ("judge", "policy", "certificate"))
    except (KeyError, TypeError, ValueError) as error:
        raise Gone(f"what is stored cannot be read by this version ({error})") from error
    with database.read() as connection:
        return Recalled(
            evidence=evidence,
            signals=signals,
            case=case,
            judge=_judge(connection, judge),
            policy=_policy(connection, policy),
            certificate=None if certificate is None else _certificate(connection, certificate),
            hashes=inputs["hashes"],
            chunks=inputs.get("chunks"),
        )


def _judge(connection: Connection, hash: str) -> Judge:
    try:
        judge = Judge.from_dict(_body(connection, "judge", hash))
    except JudgeError as error:
        raise Gone(f"the judge of the decision is damaged: {error}") from error
    if judge.hash != hash:
        raise Gone("the judge of the decision is damaged: its content does not match its hash")
    return judge


def _policy(connection: Connection, hash: str) -> Policy:
    body = _body(connection, "policy", hash)
    try:
        policy = parse_policy(body["text"], "the policy of the decision", body["shipped"])
    except (ConfigError, KeyError, TypeError, AttributeError) as error:
        raise Gone(f"the policy of the decision cannot be read any more: {error}") from error
    if policy.hash != hash:
        raise Gone("the policy of the decision is damaged, or this version reads it otherwise")
    return policy


def _certificate(connection: Connection, hash: str) -> Certificate:
    try:
        certificate = Certificate.from_dict(_body(connection, "certificate", hash))
    except CertificateError as error:
        raise Gone(f"the certificate of the decision is damaged: {error}") from error
    if certificate.sha256 != hash:
        raise Gone("the certificate of the decision is damaged: it is another one")
    return certificate


def _body(connection: Connection, kind: str, hash: str) -> dict[str, Any]:
    body = artefacts.load(connection, hash)
    if body is None:
        raise Gone(f"the {kind} of the decision is not kept any more ({hash[:12]}…)")
    return body
