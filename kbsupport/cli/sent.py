"""Files named on a command line, to go with a message."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path

from kbsupport.errors import ConfigError
from kbsupport.model import Upload


def uploads(paths: Iterable[Path]) -> tuple[Upload, ...]:
    """The files, read."""
    return tuple(_upload(path) for path in paths)


def _upload(path: Path) -> Upload:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--attach {path} cannot be read: {error.strerror}") from error
    kind, _ = mimetypes.guess_type(path.name)
    return Upload(path.name, kind or "", data)
