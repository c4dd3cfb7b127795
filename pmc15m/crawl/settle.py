"""Rows of finished shards that no longer count: replaced by a later shard, or withdrawn at the source."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.crawl.ledger import KEY, Ledger, article_key
from pmc15m.crawl.select import locked_database
from pmc15m.crawl.shard import write_index
from pmc15m.crawl.stream import stream
from pmc15m.sources.model import ArticleStatus, Reason
from pmc15m.workspace import Workspace, read_part, shard_name

Verdict = tuple[ArticleStatus, Reason | None]


def settle(workspace: Workspace, ledger: Ledger) -> None:
    """Mark articles of which a later shard has a newer copy as superseded, and withdrawn ones as removed.

    An index that is rewritten has another fingerprint, so what the later stages made from it is stale by itself.
    """
    marks: dict[int, dict[int, Verdict]] = {}
    outdated = ledger.outdated()
    for shard, key in zip(outdated.shards.tolist(), outdated.keys.tolist(), strict=True):
        marks.setdefault(shard, {})[key] = (ArticleStatus.SUPERSEDED, None)
    current = ledger.last()
    is_removed = current.kinds_where(ArticleStatus.REMOVED.value)
    found, at = current.find(_withdrawn(workspace))
    for position in at[found].tolist():
        if not is_removed[current.outcomes[position]]:
            verdict = (ArticleStatus.REMOVED, Reason.WITHDRAWN)
            marks.setdefault(int(current.shards[position]), {})[int(current.keys[position])] = verdict
    for shard, verdicts in sorted(marks.items()):
        _mark(workspace, shard_name(shard), verdicts)


def _withdrawn(workspace: Workspace) -> npt.NDArray[np.int64]:
    with locked_database() as database:
        database.register("rows", stream(workspace.catalog, ["pmcid", "version", "state"]))
        found = database.sql(f"SELECT {KEY} AS key FROM rows WHERE state = 'removed'")
        keys: npt.NDArray[np.int64] = found.fetchnumpy()["key"]
    return keys


def _mark(workspace: Workspace, shard: str, verdicts: Mapping[int, Verdict]) -> None:
    table = read_part(workspace.part("raw", shard)).replace_schema_metadata(None)
    status, reason = table["status"].to_pylist(), table["reason"].to_pylist()
    heads = zip(table["role"].to_pylist(), table["pmcid"].to_pylist(), table["version"].to_pylist(), strict=True)
    for row, (role, pmcid, version) in enumerate(heads):
        verdict = verdicts.get(article_key(pmcid, version)) if role == "article" else None
        if verdict is not None:
            status[row], reason[row] = verdict
    for name, values in (("status", status), ("reason", reason)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    write_index(workspace, shard, table)
