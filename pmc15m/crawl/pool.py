"""Threads that fetch articles, and help each other with the pictures of a long one."""

import collections
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Item = TypeVar("Item")
Value = TypeVar("Value")


class Pool(Generic[Job]):
    """`work(job)` in several threads; results come back in order of completion.

    The threads are daemons: one that waits for a dead server does not keep the process from ending.
    """

    def __init__(self, threads: int, work: Callable[[Job], Any]) -> None:
        self.size = threads
        self._work = work
        self._condition = threading.Condition()
        self._jobs: collections.deque[Job] = collections.deque()
        self._calls: collections.deque[_Shared] = collections.deque()
        self._closed = False
        self._results: queue.SimpleQueue[tuple[Job, Any, BaseException | None] | None] = queue.SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._run, name=f"fetch-{number}", daemon=True).start()

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        with self._condition:
            self._jobs.append(job)
            self._condition.notify()

    def result(self, timeout: float | None = None) -> tuple[Job, Any, BaseException | None] | None:
        """The next finished job: its value, or what it raised. None after `wake` or `timeout` seconds."""
        try:
            return self._results.get(timeout=timeout)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """Make `result` return. May be called from a signal handler."""
        self._results.put(None)

    def each(self, function: Callable[[Item], Value], items: Sequence[Item]) -> list[Value]:
        """Apply a function to items from within a job; idle threads help. Values are in the order of the items.

        The caller takes items itself, so this can never wait for a thread that waits for it.
        """
        if len(items) < 2:
            return [function(item) for item in items]
        shared = _Shared(function, items)
        self._ask_for_help(shared)
        shared.take_part()
        return shared.values()

    def _ask_for_help(self, shared: "_Shared") -> None:
        with self._condition:
            self._calls.append(shared)
            self._condition.notify()

    def close(self) -> None:
        """Let idle threads end; jobs that nobody has begun are dropped."""
        with self._condition:
            self._closed = True
            self._jobs.clear()
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not (self._calls or self._jobs or self._closed):
                    self._condition.wait()
                call = self._calls.popleft() if self._calls else None
                if call is None:
                    if self._closed:
                        return
                    job = self._jobs.popleft()
            if call is not None:
                if call.has_more:
                    self._ask_for_help(call)  # whoever helps calls the next helper
                    call.take_part()
                continue
            try:
                self._results.put((job, self._work(job), None))
            except BaseException as error:
                self._results.put((job, None, error))


class _Shared:
    """Items that several threads work through."""

    def __init__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._function = function
        self._items = items
        self._outcomes: list[tuple[Any, BaseException | None] | None] = [None] * len(items)
        self._next = 0
        self._left = len(items)
        self._lock = threading.Lock()
        self._done = threading.Event()

    @property
    def has_more(self) -> bool:
        """Whether there is an item that nobody has begun."""
        return self._next < len(self._items)

    def take_part(self) -> None:
        """Work until no item is left to begin."""
        while True:
            with self._lock:
                position = self._next
                self._next += 1
            if position >= len(self._items):
                return
            try:
                outcome: tuple[Any, BaseException | None] = self._function(self._items[position]), None
            except BaseException as error:
                outcome = None, error
            self._outcomes[position] = outcome
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._done.set()

    def values(self) -> list[Any]:
        """All values, once the last item is finished; the first error, if any, is raised."""
        self._done.wait()
        values = []
        for outcome in self._outcomes:
            assert outcome is not None
            value, error = outcome
            if error is not None:
                raise error
            values.append(value)
        return values
