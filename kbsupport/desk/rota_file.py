"""The rota as its file says now; one that cannot be read leaves the last good one in force."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kbsupport.desk.rota import Rota, default_rota, read_rota
from kbsupport.errors import ConfigError

_LOG = logging.getLogger("kbsupport.desk")


class RotaFile:
    """The file that is set, else the home's, else what ships; read again once it has changed."""

    def __init__(self, chosen: Path | None, own: Path, tiers: Sequence[str]) -> None:
        self._chosen, self._own, self._tiers = chosen, own, tiers
        self._held: tuple[Any, Rota] | None = None

    def read(self) -> Rota:
        """Who takes what; every escalation asks."""
        path = self._chosen or (self._own if self._own.is_file() else None)
        try:
            stamp = None if path is None else (path, *_stamp(path))
            if self._held is None or self._held[0] != stamp:
                read = default_rota() if path is None else read_rota(path, self._tiers)
                self._held = (stamp, read)
        except ConfigError as error:
            # A slip in a file that is being written must not stop those who are being helped.
            if self._held is None:
                raise
            _LOG.error("the rota of before stays in force: %s", " ".join(str(error).split()))
        return self._held[1]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        held = path.stat()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; see [desk] rota") from error
    return held.st_mtime_ns, held.st_size
