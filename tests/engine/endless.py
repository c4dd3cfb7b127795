"""A command whose units never end by themselves: `python -m tests.engine.endless ENGINE WORKERS UNIT FIFO`.

A unit writes its process id into FIFO, and then is `idle`, `deaf` to SIGTERM, or `busy` outside Python.
"""

import hashlib
import os
import signal
import sys
from argparse import Namespace
from contextlib import closing

from pmc15m import cli
from pmc15m.engine import map_units
from pmc15m.errors import ExitCode


def endless(unit: tuple[str, str]) -> None:
    kind, fifo = unit
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(fifo, "w") as told:
        told.write(f"{os.getpid()}\n")  # in one piece, whatever the other one writes
    while kind == "busy":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # half an hour
    while True:
        signal.pause()


def units(arguments: Namespace) -> ExitCode:
    from tests.engine.endless import endless  # not of __main__, which Ray's workers do not have

    engine, workers, *unit = sys.argv[1:]
    with closing(map_units(endless, [tuple(unit)] * 3, engine=engine, workers=int(workers))) as results:
        print(list(results))
    return ExitCode.COMPLETE


if __name__ == "__main__":
    cli._verify = units
    sys.exit(cli.main(["verify"]))
