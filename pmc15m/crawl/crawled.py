"""What the last crawl that ended has left behind: where nothing has changed since, there is nothing to do.

To find that out from the rows of all raw indexes takes 40 s and 850 MB for all of PMC; their footers say it as well.
"""

from pathlib import Path

from pmc15m.config import Config
from pmc15m.crawl.plan import selection_of
from pmc15m.crawl.planned import plan_paths
from pmc15m.footers import one_moment
from pmc15m.workspace import Workspace, atomic, fingerprint, read_fingerprint

VERSION = 1  # raised with every change of the code that changes what is fetched, or how what was fetched is judged


def is_crawled(workspace: Workspace, config: Config, *, is_cloud: bool) -> bool:
    """Whether all that a crawl decides by is as the last one left it that had nothing left to do."""
    try:
        return _path(workspace).read_text(encoding="ascii") == _state(workspace, config, is_cloud=is_cloud)
    except (OSError, UnicodeDecodeError):
        return False


def note_crawled(workspace: Workspace, config: Config, *, is_cloud: bool) -> None:
    """Note that nothing is left to do."""
    with atomic(_path(workspace)) as temporary:
        temporary.write_text(_state(workspace, config, is_cloud=is_cloud), encoding="ascii")


def _path(workspace: Workspace) -> Path:
    return workspace.catalog.with_name("crawled")


@one_moment()
def _state(workspace: Workspace, config: Config, *, is_cloud: bool) -> str:
    files = [workspace.catalog, *plan_paths(workspace), *workspace.parts("raw")]
    asked = {"is_cloud": is_cloud, "max_bytes": config.crawl.max_bytes}
    made_from = [f"{path.stem} {read_fingerprint(path)}" for path in files]
    return fingerprint("crawl", VERSION, asked, [selection_of(config), *made_from])
