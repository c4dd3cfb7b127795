"""What of the crawl is there, from the local state alone and at any time: also while a crawl is running."""

from typing import Any

from pmc15m.checksum import read_metadata
from pmc15m.crawl.planned import count_articles, damaged_plan, read_plan
from pmc15m.crawl.shard import count_ends, count_journal
from pmc15m.crawl.verify import damaged_shards
from pmc15m.errors import DamageError, UsageError
from pmc15m.workspace import Workspace, copy_of, in_order, read_fingerprint


def status(workspace: Workspace) -> dict[str, Any]:
    """Counts by name: rows of the catalog, planned and finished shards, article versions by status and reason.

    `todo` counts the article versions that are planned for the last selection and not fetched; those of earlier
    selections that were given up are `resting`. A shard that is `damaged` is one more to do, whatever was asked for
    last, until the next crawl has taken it apart; so is a damaged catalog or file of the plan. An article that an
    interrupted crawl fetched anew counts twice until the next one. Raises `UsageError` where there is no catalog.
    """
    counts: dict[str, Any] = {"catalog": count_catalog(workspace)}
    damaged = damaged_shards(workspace)
    finished = set(workspace.shards()) - damaged
    selection = last_selection(workspace)
    resting = arrived = 0
    twice = [path for path in (workspace.catalog, *damaged_plan(workspace)) if read_fingerprint(path) is None]
    todo = len(damaged) + len(twice)
    for file in read_plan(workspace):
        unfinished = [(shard, file) for shard in file.shards if shard not in finished]
        planned = count_articles(unfinished)
        if file.selection != selection:
            resting += planned
            continue
        there = sum(count_journal(workspace, shard) for shard, _ in unfinished)
        arrived += there
        todo += planned - there
    counts |= {"shards": len(finished), "damaged": len(damaged) + len(twice)}
    counts |= {"arrived": arrived, "todo": todo, "resting": resting}
    ends = count_ends(workspace, finished)
    for (state, reason), count in sorted(ends.items(), key=str):
        counts[f"{state} ({reason})" if reason else state] = count
    return counts


def unfinished(workspace: Workspace) -> list[str]:
    """The shards that are damaged, or planned for the last selection and not finished."""
    damaged, selection = damaged_shards(workspace), last_selection(workspace)
    planned = {shard for file in read_plan(workspace) if file.selection == selection for shard in file.shards}
    return in_order(damaged | planned - set(workspace.shards()))


def count_catalog(workspace: Workspace) -> int:
    """How many article versions the catalog has. Raises `UsageError` where there is none, or none to be read."""
    path = workspace.catalog
    if not path.exists() and not copy_of(path).exists():
        raise UsageError(f"there is no catalog in {workspace} yet; run `pmc15m index` or `pmc15m run`")
    try:
        return int(read_metadata(path if read_fingerprint(path) is not None else copy_of(path)).num_rows)
    except (OSError, DamageError):
        raise UsageError(f"{path} cannot be read; `pmc15m index` makes it anew") from None


def last_selection(workspace: Workspace) -> str:
    """The digest of the selection that was crawled last; empty before the first crawl."""
    remembered = workspace.root / "raw" / "selection"
    return remembered.read_text(encoding="ascii", errors="replace").strip() if remembered.exists() else ""
