"""Which files of the given PATHs are articles, and how each is called."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kbsupport.errors import ArticleError, ConfigError
from kbsupport.model import Failure

FOLDER_FORMATS = frozenset({".md", ".markdown", ".html", ".htm", ".txt", ".pdf", ".docx"})
NAMED_FORMATS = FOLDER_FORMATS | {".jsonl", ".json"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file with articles: its stable name, where it is now, and the id its article would get."""

    name: str
    path: Path
    id_hint: str


def find_sources(paths: Sequence[Path]) -> tuple[tuple[Source, ...], tuple[Failure, ...]]:
    """Every article file of the PATHs, in one order whatever the order of the PATHs."""
    sources: list[Source] = []
    failed: list[Failure] = []
    for path in dict.fromkeys(Path(path) for path in paths):
        for found in _named(path):
            (failed if isinstance(found, Failure) else sources).append(found)  # type: ignore[arg-type]
    sources.sort(key=lambda source: (source.name, source.path.absolute()))
    # PATHs may overlap, and the same article under two ids would answer twice.
    once = {source.path.resolve(): source for source in reversed(sources)}
    failed.sort(key=lambda failure: (failure.path, failure.reason))
    return tuple(_numbered(list(reversed(once.values())))), tuple(dict.fromkeys(failed))


def fingerprint(source: Source) -> str:
    """The SHA-256 of the file's bytes."""
    try:
        with source.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArticleError(source.name, unreadable(error)) from error


def unreadable(error: OSError) -> str:
    """Why the system did not let us read a file."""
    if isinstance(error, FileNotFoundError):
        return "vanished during the run"
    return f"cannot be read: {error.strerror or error}"


def _named(path: Path) -> Iterator[Source | Failure]:
    if path.is_dir():
        yield from _below(path)
        return
    if not path.exists():
        raise ConfigError(f"{path} does not exist; give a folder or a file of articles")
    suffix = path.suffix.lower()
    if suffix not in NAMED_FORMATS or not path.is_file():
        formats = ", ".join(sorted(NAMED_FORMATS))
        raise ConfigError(f"{path} is no format we read; give a folder or one of {formats}")
    yield Source(_shown(path.name), path, _shown(path.stem))


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    below: str  # the path below PATH, "" or with a slash at its end
    above: tuple[Path, ...]  # itself and its parents up to PATH, links resolved


def _below(root: Path) -> Iterator[Source | Failure]:
    real = root.resolve()
    name = _shown(real.name if root.name in ("", "..") else root.name)
    waiting = [_Folder(root, "", (real,))]
    linked: set[Path] = set()
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder.path), key=lambda entry: entry.name)
        except OSError as error:
            # The slash tells the caller that everything below could not be read.
            yield Failure(f"{name}/{folder.below}", None, unreadable(error))
            continue
        for entry in entries:
            if entry.name.startswith((".", "~$")):  # hidden, or the lock file of an open Word
                continue
            found = _look(entry, folder, name, linked)
            if isinstance(found, _Folder):
                waiting.append(found)
            elif found is not None:
                yield found


def _look(
    entry: os.DirEntry[str], folder: _Folder, root: str, linked: set[Path]
) -> Source | Failure | _Folder | None:
    path = Path(entry.path)
    below = folder.below + _shown(entry.name)
    is_article = path.suffix.lower() in FOLDER_FORMATS
    try:
        target = path.resolve(strict=True) if entry.is_symlink() else path
    except (OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
        return Failure(f"{root}/{below}", None, "is a link that leads nowhere or to itself")
    is_folder = target.is_dir()
    if not (is_article or is_folder):
        return None
    if entry.is_symlink() and not target.is_relative_to(folder.above[0]):
        return Failure(f"{root}/{below}", None, "is a link out of the folder and not followed")
    if is_folder:
        return _inner(entry, target, folder, f"{root}/{below}", linked)
    hint = below[: -len(path.suffix)]
    if not target.is_file():
        return Failure(f"{root}/{below}", None, "is not a regular file", hint)
    return Source(f"{root}/{below}", path, hint)


def _inner(
    entry: os.DirEntry[str], target: Path, folder: _Folder, name: str, linked: set[Path]
) -> Failure | _Folder | None:
    below = f"{folder.below}{_shown(entry.name)}/"
    if not entry.is_symlink():
        return _Folder(Path(entry.path), below, (*folder.above, folder.above[-1] / entry.name))
    if target in folder.above:
        return Failure(name, None, "is a link to a folder it is in and not followed")
    if target in linked:  # many links to one folder would multiply
        return None
    linked.add(target)
    return _Folder(Path(entry.path), below, (*folder.above, target))


def _shown(name: str) -> str:
    """A file name that can be printed and stored: not every name on disk is UTF-8."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def _numbered(sources: list[Source]) -> Iterator[Source]:
    seen: Counter[str] = Counter()
    for source in sources:
        seen[source.name] += 1
        count = seen[source.name]
        yield source if count == 1 else replace(source, name=f"{source.name}#{count}")
