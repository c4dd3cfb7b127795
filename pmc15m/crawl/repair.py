"""Damaged shards become unfinished ones that already hold what is whole; the crawl then does the rest."""

import logging

from pmc15m.crawl.shard import GrowingShard, Row
from pmc15m.crawl.verify import check_shard, damage_path, damaged_shards
from pmc15m.workspace import Workspace, in_order, read_part

log = logging.getLogger(__name__)


def reopen_damaged(workspace: Workspace) -> None:
    """Reopen every shard that `verify` noted, that lost its tar, or whose index cannot be read."""
    for shard in in_order(damaged_shards(workspace)):
        reopen(workspace, shard)


def reopen(workspace: Workspace, shard: str) -> None:
    """Turn a finished shard into an unfinished one. Interrupted at any point, it starts again."""
    damage = check_shard(workspace, shard)
    log.info("crawl: repairing shard %s", shard)
    rows = read_part(workspace.part("raw", shard)).to_pylist() if damage.is_index_good else []
    articles: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        articles.setdefault((row["pmcid"], row["version"]), []).append(row)
    growing = GrowingShard(workspace, shard)
    for key, its_rows in articles.items():
        if key not in damage.articles and key not in growing.articles:
            stored = [row for row in its_rows if row["member"] is not None]
            growing.add_rows(its_rows, (workspace.read(shard, row["offset"], row["size"]) for row in stored))
    growing.close()
    workspace.part("raw", shard).unlink(missing_ok=True)
    workspace.tar(shard).unlink(missing_ok=True)
    damage_path(workspace, shard).unlink(missing_ok=True)
