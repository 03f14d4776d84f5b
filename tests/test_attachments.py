from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from kbsupport.attachments import Attachments, Limits
from kbsupport.errors import StoreError
from kbsupport.model import Upload

LIMITS = Limits(files=2, size=1_000_000, kinds=frozenset({"text/plain"}))


@pytest.fixture
def attachments(tmp_path):
    return Attachments(tmp_path / "attachments", LIMITS)


def test_the_same_file_kept_twice_at_once_is_whole_and_there_once(attachments):
    together = Barrier(2)

    def keep(upload):
        together.wait()
        return attachments.keep([upload])[0]

    with ThreadPoolExecutor(2) as threads:
        for number in range(20):
            upload = Upload("a.txt", "text/plain", bytes([number]) * 200_000)
            one, two = threads.map(keep, [upload, upload])
            assert one == two
            assert attachments.path(one).read_bytes() == upload.data
    assert len(list(attachments.folder.iterdir())) == 20, "no draft is left"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(attachments, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kbsupport.attachments.os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        attachments.keep([Upload("a.txt", "text/plain", b"a")])
    assert list(attachments.folder.iterdir()) == []
