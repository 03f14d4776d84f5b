"""Files of customers: taken from a body as text, given back as a download and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse

from kbsupport.api.problems import Problem
from kbsupport.errors import NotFound
from kbsupport.model import Attachment, Upload

if TYPE_CHECKING:
    from kbsupport.api.house import House
    from kbsupport.api.shapes.tickets import FileIn


def uploads(house: House, files: Sequence[FileIn]) -> tuple[Upload, ...]:
    """The files as they will be kept; a Problem says which rule one of them breaks."""
    desk = house.settings.desk
    made = tuple(Upload(one.name, one.kind.lower(), one.data) for one in files)
    if len(made) > desk.most_files:
        raise Problem(422, f"at most {desk.most_files} files come with a message")
    if any(one.kind not in desk.kinds for one in made):
        raise Problem(422, f"files are taken of these kinds: {', '.join(sorted(desk.kinds))}")
    if any(len(one.data) > desk.most_megabytes * 1e6 for one in made):
        raise Problem(413, f"a file has {desk.most_megabytes:g} MB at most")
    return made


def download(house: House, kept: Sequence[Attachment], sha256: str) -> FileResponse:
    """One of these files, as bytes that no browser opens by itself."""
    found = next((one for one in kept if one.sha256 == sha256), None)
    if found is None:
        raise NotFound("no such file with this ticket")
    where = house.app.people.attachments.path(found)
    return FileResponse(where, media_type="application/octet-stream", filename=found.name)
