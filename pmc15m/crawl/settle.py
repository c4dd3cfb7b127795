"""Rows of finished shards that no longer count: replaced by a later shard, or withdrawn at the source.

What was withdrawn and is listed again as it was is taken back where it lies, unless another version took its place:
then the crawl asks again which one is preferred.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pmc15m.crawl.ledger import KEY, Ledger, article_key, pmcid_numbers
from pmc15m.crawl.select import locked_database
from pmc15m.crawl.shard import write_index
from pmc15m.crawl.stream import stream
from pmc15m.sources.model import ArticleStatus, Reason
from pmc15m.workspace import Workspace, read_part, shard_name

Verdict = tuple[ArticleStatus, str | None]


def settle(workspace: Workspace, ledger: Ledger, *, keep_all: bool) -> bool:
    """Mark articles of which a later shard has a newer copy as superseded, and withdrawn ones as removed.

    With `keep_all` each version of an article stands for itself, else one is in the place of all.
    An article that was excluded has nothing to be removed, and keeps its reason.
    Whether anything was marked. An index that is rewritten has another fingerprint, so what the later stages made from
    it is stale by itself.
    """
    marks: dict[int, dict[int, Verdict | None]] = {}  # null: as its objects say
    outdated = ledger.outdated()
    for shard, key in zip(outdated.shards.tolist(), outdated.keys.tolist(), strict=True):
        marks.setdefault(shard, {})[key] = (ArticleStatus.SUPERSEDED, None)
    current = ledger.last()
    is_removed = current.kinds_where(ArticleStatus.REMOVED.value)
    is_without = is_removed | current.kinds_where(ArticleStatus.EXCLUDED.value)
    found, at = current.find(_withdrawn(workspace))
    for position in at[found].tolist():
        if not is_without[current.outcomes[position]]:
            verdict = (ArticleStatus.REMOVED, Reason.WITHDRAWN)
            marks.setdefault(int(current.shards[position]), {})[int(current.keys[position])] = verdict
    is_back = _is_listed(workspace, current, is_removed[current.outcomes])
    if not keep_all:
        articles = pmcid_numbers(current.keys)
        is_back &= ~np.isin(articles, articles[~is_without[current.outcomes]])
    for position in np.flatnonzero(is_back).tolist():
        marks.setdefault(int(current.shards[position]), {})[int(current.keys[position])] = None
    return sum(_mark(workspace, shard_name(shard), verdicts) for shard, verdicts in sorted(marks.items())) > 0


def _withdrawn(workspace: Workspace) -> npt.NDArray[np.int64]:
    with locked_database() as database:
        database.register("rows", stream(workspace.catalog, ["pmcid", "version", "state"]))
        found = database.sql(f"SELECT {KEY} AS key FROM rows WHERE state = 'removed'")
        keys: npt.NDArray[np.int64] = found.fetchnumpy()["key"]
    return keys


def _is_listed(workspace: Workspace, ledger: Ledger, asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the asked entries the catalog lists with the token that they have."""
    if not asked.any():
        return asked
    with locked_database() as database:
        database.register("rows", stream(workspace.catalog, ["pmcid", "version", "change_token", "state"]))
        database.register("asked", pa.table({"key": ledger.keys[asked], "token": ledger.tokens[asked]}))
        listed = f"SELECT {KEY} AS key, hash(change_token) AS token FROM rows WHERE state <> 'removed'"
        found = database.sql(f"SELECT key FROM ({listed}) SEMI JOIN asked USING (key, token)").fetchnumpy()["key"]
    return asked & np.isin(ledger.keys, found)


def _mark(workspace: Workspace, shard: str, verdicts: Mapping[int, Verdict | None]) -> bool:
    """Write verdicts into the article rows of a shard; whether there was any to write."""
    table = read_part(workspace.part("raw", shard)).replace_schema_metadata(None)
    rows = table.select(["pmcid", "version", "role", "status", "reason"]).to_pylist()
    articles: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        articles.setdefault(article_key(row["pmcid"], row["version"]), []).append(row)
    is_marked = False
    for key, verdict in verdicts.items():
        head, *objects = articles[key]
        if (found := verdict or _verdict_of(objects)) is not None:
            head["status"], head["reason"] = found
            is_marked = True
    if is_marked:
        for name in ("status", "reason"):
            values = pa.array([row[name] for row in rows], pa.string())
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
        write_index(workspace, shard, table)
    return is_marked


def _verdict_of(objects: Sequence[Mapping[str, Any]]) -> Verdict | None:
    """What an article was before it was withdrawn; null where it has no XML, so that this cannot be known."""
    if not any(row["role"] == "xml" and row["status"] == "ok" for row in objects):
        return None
    failures = [row["reason"] for row in objects if row["status"] == "failed"]
    return (ArticleStatus.PARTIAL, failures[0]) if failures else (ArticleStatus.COMPLETE, None)
