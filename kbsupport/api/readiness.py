"""What a worker can do right now, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kbsupport.errors import KbSupportError
from kbsupport.store import generations, waiting

if TYPE_CHECKING:
    from kbsupport.app import App

_OK = "ok"
# Nobody decided for so long what people wrote: whoever should do so is not there.
_TOO_LONG = 30.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Part by part: ok, or what is wrong; `taking` is False while no message can be kept."""

    components: Mapping[str, str]
    taking: bool
    oldest: float | None

    @property
    def ready(self) -> bool:
        """True while messages can be taken: the rest is made up for by people."""
        return self.taking

    def to_dict(self) -> dict[str, Any]:
        """`/readyz`."""
        fine = all(said == _OK for said in self.components.values())
        status = "unready" if not self.taking else "ready" if fine else "degraded"
        return {
            "status": status, "components": dict(self.components),
            "oldest_waiting_seconds": self.oldest,
        }  # fmt: skip


def look(app: App, *, warm: bool, failed: str | None) -> Readiness:
    """Ask every part that a request needs."""
    parts: dict[str, str] = {}
    oldest: float | None = None
    try:
        with app.database.read() as connection:
            live = generations.live(connection)
            since = waiting.oldest(connection)
        parts["database"] = _OK
    except KbSupportError:
        return Readiness({"database": "cannot be read"}, taking=False, oldest=None)
    parts["index"] = _OK if live is not None else "there is none yet"
    parts["model"] = failed or (_OK if warm else "is being loaded")
    if since is not None:
        oldest = round((app.people.clock() - since).total_seconds(), 3)
    late = oldest is not None and oldest > _TOO_LONG
    parts["work"] = "messages wait too long; is `kbsupport work` running?" if late else _OK
    try:
        flaws = app.shelf.standing().notices
        parts["judge"] = "edited or damaged; see: kbsupport doctor" if flaws else _OK
    except KbSupportError:
        parts["judge"] = "cannot be used; people get every question"
    return Readiness(parts, taking=True, oldest=oldest)
