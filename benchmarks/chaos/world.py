"""A source, a workspace that nothing disturbs and one that everything may, and the commands that are run in them."""

import csv
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.chaos.compare import differences, failed_articles, lost_articles, stored_bytes
from pmc15m.demo import Bucket, Server
from pmc15m.demo.layout import add_inventory
from pmc15m.errors import ExitCode

_SETTINGS = (
    *("crawl.articles_per_shard=4", "crawl.min_free_bytes=0", "network.requests_per_s=0", "network.connections=8"),
    *(
        "network.backoff_s=0.02",
        "network.backoff_max_s=0.2",
        "network.read_timeout_s=0.5",
        "network.object_deadline_s=3",
    ),
    *("curate.val_share=0.2", "curate.test_share=0.2", "export.pairs_per_shard=12"),
    "crawl.max_removed_share=0.45",  # half an inventory is refused, a few withdrawals are not
)
_FLAGS = [flag for setting in _SETTINGS for flag in ("--set", setting)]
ANOTHER_EXPORT = ("export", "--recipe", "pmc15m", "--format", "hf")
_TELL_ME = "give what you want with --config FILE"  # where nothing says any more what the workspace was made with
_WHAT_TO_DO = "export it again with `pmc15m export`"  # where nothing says any more how an export was made
PATIENCE_S = 240.0  # for a command that takes 10 on an idle machine: a machine may be busy, a hang has no end
_FIRST_DAY = datetime(2026, 10, 4, 1, 0, tzinfo=UTC)  # after those of the generated bucket


class Violation(Exception):
    """What must not be: a line each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    name: str
    code: int
    said: str  # on stderr
    printed: str

    @property
    def last_line(self) -> str:
        return next(reversed(self.said.split("\n")[:-1]), "")


class World:
    """One round's bucket and workspaces, below `root`."""

    def __init__(self, root: Path, server: Server, pmc: Path, whole: Path, seed: int) -> None:
        self.root, self.server, self.rng = root, server, random.Random(seed)
        self.bucket = server.bucket = Bucket.open(pmc)
        server.faults, server.seed = (), seed
        server.counts.clear()
        server.requests.clear()
        self.undisturbed, self.disturbed = root / "undisturbed", root / "disturbed"
        shutil.copytree(whole, self.undisturbed)
        self.withdrawn: dict[str, dict[str, bytes]] = {}  # article version → its objects
        self.odd = 0  # articles put
        self.is_retried = False  # what failed was fetched again, into later shards
        self._days = (_FIRST_DAY + timedelta(days=number) for number in itertools.count())
        self._numbers = itertools.count()

    def start(self, *arguments: str, where: Path | None = None, workers: int = 1) -> "Process":
        """Start a command in the disturbed workspace, or another."""
        return Process(self, arguments, where or self.disturbed, workers, next(self._numbers))

    def run(self, *arguments: str, where: Path | None = None) -> Outcome:
        """Run a command to its end. Raises `Violation` for a traceback, and where there is no end."""
        return self.start(*arguments, where=where).end()

    def next_day(self) -> datetime:
        """The date of the next inventory."""
        return next(self._days)

    def list_anew(self) -> None:
        """Let the source list what it has today, and the undisturbed workspace take it."""
        add_inventory(self.bucket, self.next_day())
        self.follow()

    def follow(self) -> None:
        """Bring the undisturbed workspace up to date."""
        faults, self.server.faults = self.server.faults, ()
        make_whole(lambda *arguments: self.run(*arguments, where=self.undisturbed))
        self.server.faults = faults

    def settle(self) -> None:
        """One undisturbed `run` and `verify`, and `run` again where that found damage; then both must be equal."""
        self.server.faults = ()
        if _TELL_ME in (first := self.run("run")).said:
            first = self.run("run", "--config", str(self.undisturbed / "config.toml"), "--confirm")
        self._accept(first)
        if self._undisturbed("verify").code:
            if _WHAT_TO_DO in self._undisturbed("run").said:
                self._undisturbed(*ANOTHER_EXPORT)
            if (again := self._undisturbed("verify")).code:
                raise Violation(f"not mended by `run`:\n{again.said}")
        if lost := lost_articles(self.undisturbed, self.disturbed):
            raise Violation("\n".join(lost))
        if failed_articles(self.disturbed) - failed_articles(self.undisturbed):
            self.is_retried = True
            self._undisturbed("crawl", "--retry-failed")
            self._undisturbed("run")
        self._look_for_withdrawn()
        self._undisturbed(*ANOTHER_EXPORT)
        if lines := differences(self.undisturbed, self.disturbed):
            raise Violation("\n".join(lines))
        states = [self.run("status", where=where) for where in (self.undisturbed, self.disturbed)]
        if states[0].code != states[1].code:
            told = [f"{state.code}: {state.printed}{state.said}" for state in states]
            raise Violation(f"status ends with {told[1]} instead of {told[0]}")
        sizes = [stored_bytes(where) for where in (self.undisturbed, self.disturbed)]
        if sizes[1] > sizes[0] and not self.is_retried:
            raise Violation(
                f"the raw shards take {sizes[1]:,} bytes instead of {sizes[0]:,}: something was copied anew"
            )

    def _undisturbed(self, *arguments: str) -> Outcome:
        return self._accept(self.run(*arguments))

    def _accept(self, outcome: Outcome) -> Outcome:
        if outcome.code not in (ExitCode.COMPLETE, ExitCode.INCOMPLETE):
            raise Violation(f"undisturbed `{outcome.name}` ends with {outcome.code}: {outcome.last_line}")
        return outcome

    def _look_for_withdrawn(self) -> None:
        """A withdrawn article is in no export, or `status` names the export."""
        gone = {version.partition(".")[0] for version in self.withdrawn}
        gone -= {key.split("/")[1].partition(".")[0] for key in self.bucket.keys("metadata/")}
        for attribution in sorted(self.disturbed.glob("export/*/attribution.csv")):
            with attribution.open(newline="", encoding="utf-8") as file:
                there = {row["pmcid"] for row in csv.DictReader(file)} & gone
            name = attribution.parent.name
            if there and name not in self.run("status").printed:
                raise Violation(f"the export {name} holds {min(there)}, which was withdrawn, and status says nothing")


def make_whole(run: Callable[..., Outcome]) -> None:
    """What a workspace holds that nothing disturbs: all stages, and a second export. Raises `Violation`."""
    for arguments in (("run",), ANOTHER_EXPORT):
        outcome = run(*arguments)
        if outcome.code not in (ExitCode.COMPLETE, ExitCode.INCOMPLETE):
            raise Violation(f"nothing disturbed it, and `{outcome.name}` ends with {outcome.code}: {outcome.last_line}")


class Process:
    """A command under way, in a session of its own."""

    def __init__(self, world: World, arguments: tuple[str, ...], where: Path, workers: int, number: int) -> None:
        self.name = " ".join(arguments)
        self._said = world.root / f"{number:03d}-{where.name}-{arguments[0]}.err"
        self._printed = self._said.with_suffix(".out")
        flags = ["--workspace", str(where), "--source", world.server.url, "--workers", str(workers), *_FLAGS]
        command = [sys.executable, "-m", "pmc15m.cli", arguments[0], *flags, *arguments[1:]]
        with self._said.open("w") as said, self._printed.open("w") as printed:
            self._process = subprocess.Popen(command, stdout=printed, stderr=said, start_new_session=True)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def workers(self) -> list[int]:
        """The ids of the processes that it has started and that still run."""
        return [process for process in _of_session(self._process.pid) if process != self._process.pid]

    def signal(self, number: signal.Signals, target: str) -> None:
        """Send a signal to the `parent`, to the `group`, or to one `worker` (the parent while there is none)."""
        workers = self.workers() if target == "worker" else []
        try:
            if target == "group":
                os.killpg(self._process.pid, number)
            else:
                os.kill(workers[0] if workers else self._process.pid, number)
        except ProcessLookupError:
            pass  # it has ended in this moment

    def end(self, *, is_disturbed: bool = False) -> Outcome:
        """Wait for the end. Raises `Violation` where there is none, for what stays behind, and for a traceback."""
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._kill()
            raise Violation(f"`{self.name}` hangs") from None
        until = time.monotonic() + 20
        while (left := self.workers()) and time.monotonic() < until:
            time.sleep(0.05)
        if left:
            self._kill()
            raise Violation(f"`{self.name}` has ended, {len(left)} of its processes have not")
        said = self._said.read_text(errors="replace")
        if "Traceback" in said and not is_disturbed:
            raise Violation(f"`{self.name}` ends with {code} and a traceback: {said.splitlines()[-1]}")
        return Outcome(self.name, code, said, self._printed.read_text(errors="replace"))

    def _kill(self) -> None:
        for process in _of_session(self._process.pid):
            os.kill(process, signal.SIGKILL)
        self._process.wait()


def _of_session(leader: int) -> list[int]:
    """The running processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdecimal() else []
        except OSError:  # it has ended
            continue
        if fields and int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return found
