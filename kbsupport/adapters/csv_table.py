"""A CSV file as a table by id: read whole, checked whole, and read again when it changes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from kbsupport.adapters.rows import Row, RowFault
from kbsupport.errors import ConfigError, UpstreamError

T = TypeVar("T")

_MOST_NAMED = 100
# What `surrogateescape` makes of a byte that is not UTF-8.
_BROKEN = re.compile("[\udc80-\udcff]")
_NOT_UTF8 = "is not UTF-8; save the file as UTF-8"


class CsvTable(Generic[T]):
    """Rows by their key; what is wrong in the file is a ConfigError that names every bad row."""

    def __init__(
        self,
        part: str,
        path: str | Path,
        *,
        places: Mapping[str, str],
        needed: Collection[str],
        key: str,
        read: Callable[[Row], T],
    ) -> None:
        self._part, self._path = part, Path(path).expanduser()
        self._places, self._needed, self._key, self._read = places, needed, key, read
        self._held = self._load()

    def all(self) -> tuple[T, ...]:
        """Every row, in the order of the file."""
        return tuple(self._fresh().values())

    def find(self, key: str) -> T | None:
        """The row with this key, whatever its case."""
        return self._fresh().get(key.casefold())

    def _fresh(self) -> Mapping[str, T]:
        stamp, rows = self._held
        try:
            if self._stamp() == stamp:
                return rows
            self._held = self._load()
        except (OSError, ConfigError) as error:
            # It was right when we began: now it is a system that is broken, not a setting.
            raise UpstreamError(self._part, str(error)) from error
        return self._held[1]

    def _stamp(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> tuple[tuple[int, int, int], dict[str, T]]:
        try:
            stamp, content = self._stamp(), self._path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}") from error
        rows: dict[str, T] = {}
        lines: dict[str, int] = {}
        faults: list[str] = []
        for line, found in self._rows(content):
            try:
                row = Row(_checked(found), self._places)
                key = row.needed(self._key)
                if key.casefold() in rows:
                    first = lines[key.casefold()]
                    raise row.fault(self._key, f"{key!r} stands in line {first} already")
                rows[key.casefold()], lines[key.casefold()] = self._read(row), line
            except RowFault as fault:
                faults.append(f"line {line}, {fault}")
        if faults:
            raise ConfigError(f"{self._path}: {_listed(faults)}")
        return stamp, rows

    def _rows(self, content: bytes) -> Iterator[tuple[int, list[tuple[str, str]]]]:
        """Each row with the line it begins in, as pairs of column and cell."""
        text = content.decode("utf-8-sig", "surrogateescape")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            self._check(header)
            before = lines.line_num
            for cells in lines:
                line, before = before + 1, lines.line_num
                if not cells:
                    continue
                if len(cells) != len(header):
                    said = f"line {line}: {len(cells)} cells, but {len(header)} columns"
                    raise ConfigError(f"{self._path}: {said}; put quotes around a comma")
                yield line, list(zip(header, cells, strict=True))
        except csv.Error as error:
            raise ConfigError(f"{self._path}: line {lines.line_num}: {error}") from error

    def _check(self, header: Sequence[str]) -> None:
        where = f"{self._path}: line 1"
        for name in header:
            if _BROKEN.search(name):
                raise ConfigError(f"{where}: {name!a} {_NOT_UTF8}")
            if header.count(name) > 1:
                raise ConfigError(f"{where}: the column {name!r} stands there twice")
        for name in self._needed:
            if name not in header:
                there = ", ".join(header) or "none"
                raise ConfigError(f"{where}: there is no column {name!r}; there are: {there}")


def _checked(found: Sequence[tuple[str, str]]) -> dict[str, str]:
    for name, cell in found:
        if _BROKEN.search(cell):
            raise RowFault(name, _NOT_UTF8)
    return dict(found)


def _listed(faults: Sequence[str]) -> str:
    more = len(faults) - _MOST_NAMED
    return "; ".join(faults[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
