"""How fast and with how many requests at once the crawler may ask: a token bucket and an adaptive limit.

The limit on concurrent requests halves when the service says "slow down" or stops answering, and grows by one after
many answers in a row (additive increase, multiplicative decrease, as TCP does).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pmc15m.sources.model import Stopped

_GROW_AFTER = 20  # answers in a row, times the present limit
_HALVE_AT_MOST_EVERY_S = 1.0  # what was already on its way must not halve the limit again


class Courtesy:
    """Shared by all threads that ask one service."""

    def __init__(self, requests_per_s: float, connections: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / requests_per_s if requests_per_s > 0 else 0.0
        self._most = connections
        self._clock = clock
        self._condition = threading.Condition()
        self._limit = connections
        self._running = 0
        self._answers = 0
        self._halved = float("-inf")
        self._next_slot = 0.0
        self._stopped = threading.Event()

    @property
    def limit(self) -> int:
        """Concurrent requests that are allowed now."""
        return self._limit

    def stop(self) -> None:
        """Wake every waiting thread; from now on nobody gets a turn."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Sleep; raises `Stopped` at once when the crawl stops."""
        if self._stopped.wait(seconds):
            raise Stopped

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A request's turn: waits until the rate and the limit allow it."""
        with self._condition:
            while self._running >= self._limit and not self._stopped.is_set():
                self._condition.wait()
            self._running += 1
            now = self._clock()
            slot = max(self._next_slot, now)
            self._next_slot = slot + self._interval
        try:
            if slot > now or self._stopped.is_set():
                self.wait(slot - now)
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify()

    def went_well(self) -> None:
        """An answer came as it should: grow, slowly."""
        if self._limit == self._most:
            return
        with self._condition:
            self._answers += 1
            if self._answers >= _GROW_AFTER * self._limit:
                self._answers = 0
                self._limit = min(self._limit + 1, self._most)
                self._condition.notify()

    def went_badly(self) -> None:
        """The service throttles or does not answer: halve."""
        with self._condition:
            self._answers = 0
            now = self._clock()
            if now - self._halved >= _HALVE_AT_MOST_EVERY_S:
                self._halved = now
                self._limit = max(1, self._limit // 2)
