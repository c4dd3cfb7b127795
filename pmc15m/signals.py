"""Ctrl-C, or a batch system's SIGTERM: the first one ends a command in order, the next one at once.

Python hears of a signal only between steps of its own, and calls into libraries can take long (Ray's start, DuckDB's
sorting); some libraries also put handlers of their own in place, or swallow what ours raises. So a thread waits for the
signal, too, and ends the process where nothing else has done so for some seconds: whatever it was writing is written
anew by the next run, as after a `kill -9`.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from typing import NoReturn

from pmc15m.errors import ExitCode

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 3.5


def heed_signals() -> None:
    """Have the first signal raise `KeyboardInterrupt`, and the next one end the process."""
    for number in _NUMBERS:
        signal.signal(number, _interrupt)


@contextmanager
def insist_on_signals() -> Iterator[None]:
    """Meanwhile, a signal that has not ended the process within seconds does so."""
    waiting, woken = socket.socketpair()
    woken.setblocking(False)
    before = signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_insist, args=(waiting,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        woken.close()  # which ends the thread


def end() -> NoReturn:
    """Without the farewells of libraries, in which another signal could catch them."""
    for child in active_children():
        child.kill()
        with suppress(ProcessLookupError):  # it leads no group
            os.killpg(child.pid or 0, signal.SIGKILL)
    os._exit(ExitCode.INTERRUPTED)


def _interrupt(number: int, frame: object) -> None:
    for again in _NUMBERS:
        signal.signal(again, lambda *_: end())
    raise KeyboardInterrupt


def _insist(waiting: socket.socket) -> None:
    with waiting:
        while number := waiting.recv(1):
            if number[0] in _NUMBERS:
                time.sleep(_PATIENCE_S)
                end()
