"""What of the crawl is there, from the local state alone."""

from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pmc15m.crawl.plan import read_plan
from pmc15m.workspace import Workspace


def status(workspace: Workspace) -> dict[str, Any]:
    """Counts: article versions by status, shards finished and planned; `todo` is what the next crawl has to do."""
    counts: dict[str, Any] = {"todo": 0, "catalog": 0}
    if workspace.catalog.exists():
        counts["catalog"] = pq.read_metadata(workspace.catalog).num_rows
    finished = set(workspace.shards())
    planned = [shard for shard, _ in read_plan(workspace).shards()]
    counts |= {"shards": len(finished), "planned_shards": len(planned)}
    counts["todo"] = len(set(planned) - finished)
    for path in workspace.parts("raw"):
        table = pq.read_table(path, columns=["status"], filters=[("role", "=", "article")])
        for entry in pc.value_counts(table.column("status")).to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return counts
