"""Ctrl-C and SIGTERM take effect between two articles, never in the middle of writing one."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType


class Interruption:
    """While it is entered, the first signal is noted and `wake` is called; a second one acts as it always does."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._noted = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def raise_if_noted(self) -> None:
        """Raise `KeyboardInterrupt` if a signal came."""
        if self._noted:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
        self._restore()
        self._wake()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
