"""Damaged shards become unfinished ones that already hold what is whole; the crawl then does the rest."""

import logging

from pmc15m.crawl.shard import GrowingShard, Row, write_index
from pmc15m.crawl.verify import check_shard, damaged_shards
from pmc15m.engine.stage import Execution
from pmc15m.workspace import Workspace, in_order, note_path, remove

log = logging.getLogger(__name__)


def reopen_damaged(workspace: Workspace, execution: Execution) -> None:
    """Reopen what of this process's shards is noted as damaged, or seen to be."""
    for shard in in_order(damaged_shards(workspace)):
        if execution.takes(shard):
            reopen(workspace, shard)


def reopen(workspace: Workspace, shard: str) -> None:
    """Turn a finished shard into an unfinished one. Interrupted at any point, it starts again."""
    damage = check_shard(workspace, shard)
    log.info("crawl: repairing shard %s", shard)
    if damage.is_tar_good and damage.rows is not None:
        write_index(workspace, shard, damage.rows)
        return
    rows = damage.rows.to_pylist() if damage.rows is not None else []
    articles: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        articles.setdefault((row["pmcid"], row["version"]), []).append(row)
    growing = GrowingShard(workspace, shard)
    for key, its_rows in articles.items():
        if key not in damage.articles and key not in growing.articles:
            stored = [row for row in its_rows if row["member"] is not None]
            places = [(row["offset"], row["size"], row["sha256"]) for row in stored]
            growing.add_rows(its_rows, (workspace.read(shard, *place) for place in places))
    growing.close()
    remove(workspace.part("raw", shard))
    remove(workspace.tar(shard))
    note_path(workspace.tar(shard)).unlink(missing_ok=True)
