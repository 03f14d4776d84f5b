import threading
from datetime import UTC, datetime

import pytest

from kbsupport.errors import Conflict, StoreError
from kbsupport.store import keys
from kbsupport.store.together import Together

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def both(*jobs):
    """What came of each, all of them waiting before the first may write."""
    found, threads = {}, []

    def run(name, job, together):
        try:
            found[name] = together.write(job)
        except (Conflict, StoreError, ValueError) as error:
            found[name] = error

    def go(together):
        with together._first:
            for name, job in enumerate(jobs):
                threads.append(threading.Thread(target=run, args=(name, job, together)))
                threads[-1].start()
                while len(together._queue) <= name:
                    pass
        for one in threads:
            one.join()
        return [found[name] for name in range(len(jobs))]

    return go


def keeping(name, value=None):
    def job(connection):
        keys.keep(connection, name, "h", {"value": value}, NOW)
        return value

    return job


def test_several_writers_share_one_commit_and_each_gets_its_own(database, monkeypatch):
    together, writes = Together(database), []
    real = database.write
    monkeypatch.setattr(database, "write", lambda: writes.append(1) or real())
    assert both(*(keeping(f"k{n}", n) for n in range(5)))(together) == [0, 1, 2, 3, 4]
    assert len(writes) == 1
    with database.read() as connection:
        assert keys.kept(connection, "k4", "h") == {"value": 4}


def test_one_that_fails_is_undone_alone(database):
    together = Together(database)
    together.write(keeping("taken"))

    def half(connection):
        keys.keep(connection, "half", "h", {}, NOW)
        keys.keep(connection, "taken", "h", {}, NOW)

    first, second, third = both(keeping("a", 1), half, keeping("b", 3))(together)
    assert (first, third) == (1, 3)
    assert isinstance(second, Conflict)
    with database.read() as connection:
        assert keys.kept(connection, "half", "h") is None
        assert keys.kept(connection, "b", "h") is not None
    with pytest.raises(Conflict):
        together.write(keeping("taken"))


@pytest.mark.parametrize("fault", [StoreError("the disk is full"), ValueError("a mistake")])
def test_if_nothing_can_be_written_nobody_is_told_that_it_was(database, fault):
    def broken(connection):
        raise fault

    together = Together(database)
    found = both(keeping("a", 1), broken)(together)
    # Whoever wrote for both meets the fault itself.
    assert {type(one) for one in found} == {StoreError, type(fault)}
    with database.read() as connection:
        assert keys.kept(connection, "a", "h") is None
    assert together.write(keeping("a", 1)) == 1
