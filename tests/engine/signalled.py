"""What signals make of a command with workers."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def check_signals(
    folder: Path, engine: str, workers: int, unit: str, number: signal.Signals, times: int, *, to_all: bool
) -> None:
    """Send signals to a command, or to its group, while each of its workers has a unit: all end, as promised."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "tests.engine.endless", engine, str(workers), unit, str(fifo)]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **piped, text=True, cwd=ROOT, start_new_session=True) as running:
        ends = []
        try:
            with os.fdopen(os.open(fifo, os.O_RDWR)) as told:
                ends = [os.pidfd_open(int(told.readline())) for _ in range(workers)]
            for _ in range(times):
                (os.killpg if to_all else os.kill)(running.pid, number)
            said, complained = running.communicate(timeout=60)
            assert all(_ended(end) for end in ends)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            for end in ends:
                os.close(end)
    assert (running.returncode, said) == (130, "")
    assert complained in ("", "pmc15m: interrupted; the same command goes on where this one stopped\n")
    assert times > 1 or complained or unit == "busy"


def _ended(process: int) -> bool:
    """Whether a process, by its descriptor, ends within a minute."""
    poll = select.poll()  # unlike select, whatever the number of the descriptor
    poll.register(process, select.POLLIN)
    return bool(poll.poll(60_000))
