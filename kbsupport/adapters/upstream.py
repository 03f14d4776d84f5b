"""What stands between us and another system: a time limit, retries, a breaker, a short memory."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from kbsupport.errors import ConfigError, UpstreamError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

# What a breaker does, and for how long: five failed calls in a row are no accident.
FAILURES, OPEN_SECONDS = 5, 30.0
_LEFT_ALONE = f"after {FAILURES} failures it is left alone, {OPEN_SECONDS:g} s at a time"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class BadAnswer(UpstreamError):
    """A system that is there gave an answer that cannot be used; asking again would not help."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What has become of all calls so far: `asked` = `cached` + `answered` + `failed` + `refused`.

    `refused` were not made, for the breaker was open or too many were waiting; `late` counts
    attempts that outlasted the time limit.
    """

    asked: int = 0
    cached: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    retried: int = 0
    late: int = 0
    open: bool = False


class Guarded:
    """One system, asked with care; safe to share between threads."""

    def __init__(
        self,
        name: str,
        timeout: float = 2.0,
        retries: int = 1,
        *,
        cache_seconds: float = 30.0,
        cache_size: int = 1000,
        at_once: int = 16,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if timeout <= 0 or retries < 0 or at_once < 1:
            raise ConfigError(f"[{name}] timeout must be above 0, retries not below 0")
        self._name, self._timeout, self._retries = name, timeout, retries
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._cache = _Cache(cache_size, cache_seconds)
        self._breaker = _Breaker()
        self._free = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._counts = Counts()

    def call(self, key: K, function: Callable[[K], T]) -> T:
        """`function(key)`, or what it said a moment ago; UpstreamError within the time limit."""
        self._count("asked")
        with self._lock:
            kept = self._cache.find(key, self._clock())
            probe = None if kept else self._breaker.admit(self._clock())
        if kept:
            self._count("cached")
            return cast("T", kept[0])
        if probe is None:
            self._count("refused")
            raise UpstreamError(self._name, _LEFT_ALONE)
        return self._made(key, function, probe=probe)

    def counts(self) -> Counts:
        """What has become of all calls so far."""
        with self._lock:
            return replace(self._counts, open=self._breaker.is_open)

    def forget(self) -> None:
        """Remember no answer: what was asked of may have changed."""
        with self._lock:
            self._cache.clear()

    def _made(self, key: K, function: Callable[[K], T], *, probe: bool) -> T:
        """A call that the breaker has let through; it learns how it ended, whatever happens."""
        fine: bool | None = False
        try:
            found = self._tried(key, function)
        except _Crowded as error:
            fine = None
            self._count("refused")
            raise UpstreamError(self._name, "too many calls are waiting for it") from error
        except UpstreamError as error:
            fine = isinstance(error, BadAnswer)
            self._count("failed")
            raise
        except BaseException:
            self._count("failed")
            raise
        else:
            fine = True
            self._count("answered")
            with self._lock:
                self._cache.keep(key, found, self._clock())
            return found
        finally:
            with self._lock:
                self._breaker.learn(self._clock(), fine=fine, probe=probe)

    def _tried(self, key: K, function: Callable[[K], T]) -> T:
        until = self._clock() + self._timeout
        pause = _FIRST_PAUSE
        for _ in range(self._retries):
            try:
                return self._once(key, function, until)
            except BadAnswer:
                raise
            except UpstreamError:
                # Half of the pause is chance, so that those who failed together do not return so.
                length = pause * (0.5 + self._chance() / 2)
                if self._clock() + length >= until:
                    raise
            self._sleep(length)
            self._count("retried")
            pause = min(2 * pause, _LONGEST_PAUSE)
        return self._once(key, function, until)

    def _once(self, key: K, function: Callable[[K], T], until: float) -> T:
        """One call in a thread of its own: nothing else can be left alone when it hangs."""
        if not self._free.acquire(timeout=max(0.0, until - self._clock())):
            raise _Crowded
        answer: list[T] = []
        trouble: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                answer.append(function(key))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
                trouble.append(error)
            finally:
                self._free.release()
                done.set()

        try:
            threading.Thread(target=work, name=f"kbsupport-{self._name}", daemon=True).start()
        except RuntimeError as error:  # as many threads as there may be
            self._free.release()
            raise UpstreamError(self._name, str(error)) from error
        if not done.wait(max(0.0, until - self._clock())):
            self._count("late")
            raise UpstreamError(self._name, f"no answer within {self._timeout:g} s")
        if trouble:
            raise trouble[0]
        return answer[0]

    def _count(self, what: str) -> None:
        with self._lock:
            now: Any = {what: getattr(self._counts, what) + 1}
            self._counts = replace(self._counts, **now)


class _Crowded(Exception):
    """As many calls as there may be are still waiting for an answer."""


class _Breaker:
    """Closed; open after failures in a row; then one probe decides. Guarded by its owner's lock."""

    def __init__(self) -> None:
        self._failures = 0
        self._until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._until is not None

    def admit(self, now: float) -> bool | None:
        """False for a call like any other, True for the probe, None if there may be no call."""
        if self._until is None:
            return False
        if self._probing or now < self._until:
            return None
        self._probing = True
        return True

    def learn(self, now: float, *, fine: bool | None, probe: bool) -> None:
        """How a call ended that was let through; None if it was not made after all."""
        if probe:
            self._probing = False
        if fine is None:
            return
        if fine:
            self._failures, self._until = 0, None
            return
        self._failures += 1
        # One that began before the breaker opened says nothing new when it fails after.
        if probe or (self._until is None and self._failures >= FAILURES):
            self._until = now + OPEN_SECONDS


class _Cache:
    """The newest answers, each for a while; also that there was none."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size, self._seconds = size, seconds
        self._held: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def find(self, key: Hashable, now: float) -> tuple[Any] | None:
        held = self._held.get(key)
        return (held[1],) if held is not None and now < held[0] else None

    def keep(self, key: Hashable, value: Any, now: float) -> None:
        if self._seconds <= 0:
            return
        self._held[key] = (now + self._seconds, value)
        self._held.move_to_end(key)
        while len(self._held) > self._size:
            self._held.popitem(last=False)

    def clear(self) -> None:
        self._held.clear()
