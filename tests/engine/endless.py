"""A command whose units never end by themselves: `python -m tests.engine.endless idle`, or `deaf` to SIGTERM."""

import os
import signal
import sys
from argparse import Namespace
from contextlib import closing

from pmc15m import cli
from pmc15m.engine import map_units
from pmc15m.errors import ExitCode


def endless(unit: str) -> None:
    if unit == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, f"{unit}\n".encode())  # in one piece, whatever the other one writes
    while True:
        signal.pause()


def units(arguments: Namespace) -> ExitCode:
    with closing(map_units(endless, [sys.argv[1]] * 3, workers=2)) as results:
        print(list(results))
    return ExitCode.COMPLETE


if __name__ == "__main__":
    cli._status = units
    sys.exit(cli.main(["status"]))
