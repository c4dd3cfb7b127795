"""What `status` said last, kept in `.status`: nothing is read, and Arrow not loaded, where no file was touched since.

The answer follows from the files of the workspace, those that the configuration names, and this program. Of a file
count size, inode and ctime, which nobody can set. An answer is kept where all are older than the look at them, so that
whatever changes later looks different. It is believed where its digest is right, which covers what it was an answer
to. What rots untouched on a disk `verify` finds.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pmc15m.config import Config, as_dict, shareable
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
    named = [Path(path) for path in (config.curate.against, config.export.pairs, config.export.recipe) if path]
    places = list(map(os.path.abspath, [*map(workspace.root.joinpath, _FOLDERS), *_PROGRAM, *named]))
    wanted = repr((asked, as_dict(shareable(config))))
    path = workspace.root / NAME
    with suppress(OSError, ValueError):
        digest, number, text = path.read_text(encoding="utf-8").split("\n", 2)
        if digest == _digest(_look(wanted, places)[0], number, text):
            return text, ExitCode(int(number))
    before_ns = 0
    with suppress(OSError):  # where nothing can be written, nothing is kept
        before_ns = workspace.now_ns()
    looks, newest_ns = _look(wanted, places)
    text, code = answer()
    if newest_ns < before_ns:
        number = str(int(code))
        with suppress(OSError), atomic(path) as temporary:
            temporary.write_text("\n".join([_digest(looks, number, text), number, text]), encoding="utf-8")
    return text, code


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _look(wanted: str, places: Iterable[str]) -> tuple[str, int]:
    """A digest of what is wanted and of how everything looks in some places; the newest ctime there, in ns."""
    sha, newest_ns = hashlib.sha256(wanted.encode()), 0
    for look, ctime_ns in (found for place in places for found in _below(place)):
        sha.update(look.encode("utf-8", "surrogateescape"))
        newest_ns = max(newest_ns, ctime_ns)
    return sha.hexdigest(), newest_ns


def _below(path: str) -> Iterator[tuple[str, int]]:
    """How a file looks, or all that is in a folder, in order, and when it was touched."""
    with suppress(OSError):  # it is not there, went meanwhile, cannot be read, or its link leads nowhere
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            yield f"{path}\0{status.st_size} {status.st_ino} {status.st_ctime_ns}\n", status.st_ctime_ns
        elif not path.endswith("/__pycache__"):
            yield f"{path}\0\n", 0
            for name in sorted(os.listdir(path)):
                yield from _below(f"{path}/{name}")
