"""What `status` said last, kept in `.status`: nothing is read, and Arrow not loaded, where no file was touched since.

The answer follows from the files of the workspace, those that the configuration names, and this program. Of a file
count size, inode and ctime, which nobody can set. An answer is kept where all are older than the look at them, so that
whatever changes later looks different. It is believed where its digest is right, which covers what it was an answer
to. What rots untouched on a disk `verify` finds. Nothing is kept of a workspace where something is missing: a file that
could not be read this once looks no different when it can.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pmc15m.config import RECIPE_NAME, Config, as_dict, shareable
from pmc15m.errors import ExitCode
from pmc15m.tables import TABLES
from pmc15m.workspace import Workspace, atomic

NAME = ".status"
_FOLDERS = ("catalog", "raw", *TABLES, "export")
_PACKAGE = Path(__file__).parent
_PROGRAM = (_PACKAGE, _PACKAGE.with_name("manifests"))

Answer = tuple[str, ExitCode]


def remembered(workspace: Workspace, config: Config, *asked: object, answer: Callable[[], Answer]) -> Answer:
    """What `answer` says, without a call where the same was asked before and nothing has changed since."""
    if config.export.out or not workspace.root.is_dir():  # an export that is not looked at here; nothing at all
        return answer()
    recipe = "" if RECIPE_NAME.fullmatch(config.export.recipe) else config.export.recipe
    named = [Path(path) for path in (config.curate.against, config.export.pairs, recipe) if path]
    places = list(map(os.path.abspath, [*map(workspace.root.joinpath, _FOLDERS), *_PROGRAM, *named]))
    wanted = repr((asked, as_dict(shareable(config))))
    path = workspace.root / NAME
    with suppress(OSError, ValueError):
        digest, text = path.read_text(encoding="utf-8").split("\n", 1)
        if digest == _digest(_look(wanted, places)[0], text):
            return text, ExitCode.COMPLETE
    before_ns = 0
    with suppress(OSError):  # where nothing can be written, nothing is kept
        before_ns = workspace.now_ns()
    looks, newest_ns = _look(wanted, places)
    text, code = answer()
    if newest_ns < before_ns and code is ExitCode.COMPLETE:
        with suppress(OSError, ValueError), atomic(path) as temporary:
            temporary.write_text(f"{_digest(looks, text)}\n{text}", encoding="utf-8")
    return text, code


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _look(wanted: str, places: Iterable[str]) -> tuple[str, int]:
    """A digest of what is wanted and of how everything looks in some places; the newest ctime there, in ns."""
    sha, newest_ns = hashlib.sha256(wanted.encode()), 0
    seen: set[tuple[int, int]] = set()
    for look, ctime_ns in (found for place in places for found in _below(place, seen)):
        sha.update(look.encode("utf-8", "surrogateescape"))
        newest_ns = max(newest_ns, ctime_ns)
    return sha.hexdigest(), newest_ns


def _below(path: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    """How a file looks, or all that is in a folder, in order, and when it was touched; of folders not yet `seen`, for
    links may go in circles."""
    with suppress(OSError):  # it is not there, went meanwhile, cannot be read, or its link leads nowhere
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            yield f"{path}\0{status.st_size} {status.st_ino} {status.st_ctime_ns}\n", status.st_ctime_ns
        elif not path.endswith("/__pycache__") and (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield f"{path}\0\n", 0
            for name in sorted(os.listdir(path)):
                yield from _below(f"{path}/{name}", seen)
