"""A generation's folder: built aside, checked, flushed, listed in a manifest, left alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsupport.errors import StoreError
from kbsupport.knowledge.catalog import Catalog, chroma_id
from kbsupport.knowledge.vectors import ChromaFault, Group, build_chroma
from kbsupport.model import Audience

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kbsupport.knowledge.terms import TermIndex

CHROMA = "chroma"
TERMS = "terms.npz"
CATALOG = "catalog.npz"
# Left by whoever found the folder broken, so that the next start does not try it again.
DAMAGED = "damaged"
# What reading a broken .npz may raise.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_SQLITE = "chroma.sqlite3"
_MEGABYTE = 1 << 20
_LITTLE_ROOM = 16 * _MEGABYTE
# Scribbled vectors kill whoever asks for them, so they are read even under an old time, as on a
# failing disk; 10 ms at most, and more than that only where a file was touched.
_ALWAYS_READ = 16 * _MEGABYTE


def build_folder(
    folder: Path, catalog: Catalog, terms: TermIndex, vectors: NDArray[np.float32]
) -> dict[str, Any]:
    """Write and check the folder; the manifest of what it must hold from now on."""
    groups = _groups(catalog, vectors)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ef = build_chroma(folder / CHROMA, groups)
        terms.save(folder / TERMS)
        catalog.save(folder / CATALOG)
        _flush_tree(folder)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(f"cannot write {folder}: {error.strerror or error}") from error
    except ChromaFault as fault:
        # Chroma's words for a full disk name everything but the disk.
        full = shutil.disk_usage(folder).free < _LITTLE_ROOM
        why = f"the disk is full or nearly so: free some space; {fault}" if full else str(fault)
        # Half a folder is of no use, and its room on a full disk is.
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(
            f"the vector index could not be built ({why}); the last good one stays live"
        ) from fault
    return {
        "groups": {name: len(group.ids) for name, group in groups.items() if group.ids},
        "ef_search": ef,
        "files": {str(p.relative_to(folder)): _describe(p) for p in _listed(folder)},
        "chroma_bytes": (folder / CHROMA / _SQLITE).stat().st_size,
    }


def faults(folder: Path, manifest: dict[str, Any]) -> str | None:
    """What differs from the manifest, or None: names and sizes, and bytes if a file was touched."""
    if (folder / DAMAGED).exists():
        return "it was found damaged before"
    for name, expected in manifest["files"].items():
        path = folder / name
        try:
            found = path.stat()
        except OSError:
            return f"{name} is missing"
        if found.st_size != expected["size"]:
            return f"{name} has {found.st_size} bytes instead of {expected['size']}"
        # A published file is never written again, so a new time means a copy, or a scribble.
        touched = found.st_mtime_ns != expected["mtime_ns"]
        deadly = name.endswith(".bin") and found.st_size <= _ALWAYS_READ
        if (touched or deadly) and _sha256(path) != expected["sha256"]:
            return f"{name} has other bytes than were published"
    sqlite = folder / CHROMA / _SQLITE
    if not sqlite.is_file() or sqlite.stat().st_size < manifest["chroma_bytes"]:
        return f"{CHROMA}/{_SQLITE} is missing or cut short"
    return None


def mark_damaged(folder: Path, reason: str) -> None:
    """Leave word for the next start; on a folder that cannot be written it is found out again."""
    try:
        (folder / DAMAGED).write_text(reason + "\n", encoding="utf-8")
    except OSError:
        return


def remove_others(root: Path, keep: Iterable[str]) -> None:
    """Delete the folders of generations that are neither live nor the one before."""
    kept = set(keep)
    for folder in root.glob("gen-*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _groups(catalog: Catalog, vectors: NDArray[np.float32]) -> dict[str, Group]:
    # One collection an audience: a public question never meets an internal vector, and the
    # filter that every question has costs nothing.
    groups = {}
    for audience in Audience:
        rows = catalog.group(audience)
        ids = [chroma_id(catalog.hash_of(row)) for row in rows]
        groups[str(audience)] = Group(ids, vectors[rows])
    return groups


def _listed(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_SQLITE)
    )


def _describe(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_MEGABYTE):
            digest.update(block)
    return digest.hexdigest()


def _flush_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder, folder.parent]:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
