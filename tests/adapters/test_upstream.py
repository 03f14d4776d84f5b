import threading
import time

import pytest

from kbsupport.adapters.upstream import BadAnswer, Counts, Guarded
from kbsupport.errors import ConfigError, UpstreamError


class Clock:
    """A clock that only moves when somebody sleeps or tells it to."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class System:
    """Answers what it is asked, unless it is told to fail so many times or with something else."""

    def __init__(self):
        self.asked = []
        self.fails = 0
        self.trouble = UpstreamError("crm", "no")

    def __call__(self, key):
        self.asked.append(key)
        if self.fails:
            self.fails -= 1
            raise self.trouble
        return f"<{key}>"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def system():
    return System()


@pytest.fixture
def guarded(clock):
    def make(**options):
        return Guarded("crm", **{"clock": clock, "sleep": clock.sleep, "cache_seconds": 0.0,
                                 "chance": lambda: 1.0, "retries": 0, **options})  # fmt: skip

    return make


def fail(guard, system, times):
    for number in range(times):
        system.fails = 1
        with pytest.raises(UpstreamError):
            guard.call(f"f{number}", system)


def test_a_call_gives_what_the_function_gives(guarded, system):
    guard = guarded()
    assert guard.call("C-1", system) == "<C-1>"
    assert guard.call("C-2", lambda _: None) is None
    assert guard.counts() == Counts(asked=2, answered=2)


def test_a_failure_is_tried_again_after_a_pause_that_grows(guarded, system, clock):
    guard = guarded(retries=3, timeout=10)
    system.fails = 3
    assert guard.call("C-1", system) == "<C-1>"
    assert clock.slept == [0.1, 0.2, 0.4]
    assert guard.counts() == Counts(asked=1, answered=1, retried=3)


def test_chance_shortens_a_pause_by_up_to_half(guarded, system, clock):
    guard = guarded(retries=1, chance=lambda: 0.0)
    system.fails = 1
    guard.call("C-1", system)
    assert clock.slept == [0.05]


def test_after_the_last_retry_the_failure_is_told(guarded, system):
    guard = guarded(retries=2)
    system.fails = 9
    with pytest.raises(UpstreamError, match="crm is unreachable: no"):
        guard.call("C-1", system)
    assert len(system.asked) == 3
    assert guard.counts() == Counts(asked=1, failed=1, retried=2)


def test_no_retry_begins_after_the_time_limit(guarded, system, clock):
    guard = guarded(retries=9, timeout=0.25)
    system.fails = 9
    with pytest.raises(UpstreamError):
        guard.call("C-1", system)
    assert clock.slept == [0.1]


@pytest.mark.parametrize("trouble", [BadAnswer("crm", "of another"), ConfigError("x"), KeyError()])
def test_only_what_may_pass_is_tried_again(guarded, system, trouble):
    guard = guarded(retries=3)
    system.fails, system.trouble = 1, trouble
    with pytest.raises(type(trouble)):
        guard.call("C-1", system)
    assert len(system.asked) == 1
    assert guard.counts().failed == 1


def test_five_failures_open_the_breaker_for_thirty_seconds(guarded, system, clock):
    guard = guarded()
    fail(guard, system, 5)
    assert guard.counts().open
    clock.now += 29.9
    with pytest.raises(UpstreamError, match="after 5 failures it is left alone, 30 s at a time"):
        guard.call("C-1", system)
    assert len(system.asked) == 5
    assert guard.counts() == Counts(asked=6, failed=5, refused=1, open=True)


def test_a_success_between_failures_keeps_the_breaker_closed(guarded, system):
    guard = guarded()
    fail(guard, system, 4)
    guard.call("C-1", system)
    fail(guard, system, 4)
    assert not guard.counts().open


def test_answers_that_cannot_be_used_do_not_open_the_breaker(guarded, system):
    guard = guarded()
    system.trouble = BadAnswer("crm", "of another")
    fail(guard, system, 9)
    assert not guard.counts().open


def test_after_thirty_seconds_one_probe_decides(guarded, system, clock):
    guard = guarded()
    fail(guard, system, 5)
    clock.now += 30
    fail(guard, system, 1)
    assert len(system.asked) == 6
    with pytest.raises(UpstreamError, match="left alone"):
        guard.call("C-1", system)
    clock.now += 30
    assert guard.call("C-1", system) == "<C-1>"
    assert guard.call("C-2", system) == "<C-2>"
    assert not guard.counts().open


def test_while_the_probe_is_under_way_nobody_else_asks(guarded, system, clock):
    guard = guarded(timeout=20)
    fail(guard, system, 5)
    clock.now += 30
    begun, go = threading.Event(), threading.Event()

    def slow(key):
        begun.set()
        assert go.wait(10)
        return key

    found = []
    probe = threading.Thread(target=lambda: found.append(guard.call("probe", slow)))
    probe.start()
    assert begun.wait(10)
    with pytest.raises(UpstreamError, match="left alone"):
        guard.call("C-1", system)
    go.set()
    probe.join()
    assert found == ["probe"]
    assert guard.call("C-1", system) == "<C-1>"


def test_an_answer_is_remembered_for_a_while_and_so_is_none(guarded, system, clock):
    guard = guarded(cache_seconds=5.0)
    nobody = []
    for _ in range(3):
        assert guard.call("C-1", system) == "<C-1>"
        assert guard.call("C-2", nobody.append) is None
    clock.now += 5
    guard.call("C-1", system)
    assert (system.asked, nobody) == (["C-1", "C-1"], ["C-2"])
    assert guard.counts() == Counts(asked=7, cached=4, answered=3)


def test_a_failure_is_not_remembered_and_what_is_remembered_outlives_a_failure(guarded, system):
    guard = guarded(cache_seconds=60.0)
    guard.call("C-1", system)
    fail(guard, system, 5)
    assert guard.counts().open
    assert guard.call("C-1", system) == "<C-1>"


def test_the_oldest_answers_make_room_and_all_can_be_forgotten(guarded, system):
    guard = guarded(cache_seconds=60.0, cache_size=2)
    for key in ("a", "b", "c", "a"):
        guard.call(key, system)
    assert system.asked == ["a", "b", "c", "a"]
    guard.forget()
    guard.call("a", system)
    assert system.asked[-1] == "a"
    assert len(system.asked) == 5


def test_a_call_that_hangs_is_left_alone_at_the_time_limit():
    go = threading.Event()
    guard = Guarded("crm", timeout=0.05, retries=2)
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match=r"crm is unreachable: no answer within 0\.05 s"):
        guard.call("C-1", lambda _: go.wait(10))
    assert time.monotonic() - begun < 2
    assert guard.counts().late == 1
    go.set()


def test_calls_that_hang_do_not_pile_up():
    go, begun = threading.Event(), []

    def hang(key):
        begun.append(key)
        go.wait(10)

    guard = Guarded("crm", timeout=0.05, retries=0, at_once=2)
    for key in range(4):
        with pytest.raises(UpstreamError):
            guard.call(key, hang)
    assert begun == [0, 1]
    assert guard.counts() == Counts(asked=4, failed=2, refused=2, late=2)
    go.set()


def test_many_threads_share_one_guard(system):
    guard = Guarded("crm", timeout=20, retries=0, cache_seconds=0.0, at_once=4)
    found, at_once, most, lock = [], [0], [0], threading.Lock()

    def busy(key):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.001)
        with lock:
            at_once[0] -= 1
        return key

    def ask(start):
        found.extend(guard.call(start + step, busy) for step in range(25))

    threads = [threading.Thread(target=ask, args=(100 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(100 * n + step for n in range(8) for step in range(25))
    assert most[0] <= 4
    assert guard.counts() == Counts(asked=200, answered=200)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"retries": -1}, {"at_once": 0}])
def test_limits_that_cannot_be_are_refused(options):
    with pytest.raises(ConfigError, match=r"\[crm\]"):
        Guarded("crm", **options)
