"""Files that come with a message: kept under their sha256, shown to people, never opened by us."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from kbsupport.errors import NotAllowed, NotFound, StoreError
from kbsupport.model import Attachment, Upload

_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Limits:
    """How many files, how large, of which types."""

    files: int
    size: int
    kinds: frozenset[str]


class Attachments:
    """A folder of files, each named by what is in it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self._limits = folder, limits

    def keep(self, uploads: Sequence[Upload]) -> tuple[Attachment, ...]:
        """Store the files, durably, before the message that names them; all of them or none."""
        self._check(uploads)
        return tuple(self._keep(one) for one in uploads)

    def path(self, attachment: Attachment) -> Path:
        """Where a file lies."""
        place = self.folder / attachment.sha256
        if not place.is_file():
            gone = f"the file {attachment.name} is no longer there; it may have been erased"
            raise NotFound(gone)
        return place

    def _check(self, uploads: Sequence[Upload]) -> None:
        limits = self._limits
        if len(uploads) > limits.files:
            raise NotAllowed(f"{len(uploads)} files at once; at most {limits.files} are taken")
        for one in uploads:
            if one.kind.lower() not in limits.kinds:
                known = ", ".join(sorted(limits.kinds))
                raise NotAllowed(f"{one.name!r} is {one.kind or 'of no type'}; taken are {known}")
            if len(one.data) > limits.size:
                most = limits.size // 1_000_000
                raise NotAllowed(f"{one.name!r} is too large; at most {most} MB are taken")

    def _keep(self, upload: Upload) -> Attachment:
        digest = hashlib.sha256(upload.data).hexdigest()
        place = self.folder / digest
        try:
            if not place.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                _write(place, upload.data)
            # Also where it lay there already: whoever put it there may not have come so far.
            _flush(self.folder)
        except OSError as error:
            raise StoreError(f"{place} cannot be written: {error.strerror}") from error
        return Attachment(_plain(upload.name), upload.kind.lower(), len(upload.data), digest)


def _write(place: Path, data: bytes) -> None:
    """The whole file or none; the same one may come twice at once."""
    draft = place.with_suffix(f".{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def _flush(folder: Path) -> None:
    """Let the names in a folder outlast a power cut."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _plain(name: str) -> str:
    """The bare name of a file: no folders, no signs that nobody sees."""
    bare = PureWindowsPath(PurePosixPath(name).name).name
    seen = "".join(sign for sign in bare if sign.isprintable())
    return seen[-_LONGEST_NAME:] or "file"
