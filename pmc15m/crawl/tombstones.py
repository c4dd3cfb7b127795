"""Rows of finished shards that no longer count: superseded by a later shard, or removed at the source."""

from pmc15m.workspace import Workspace


def settle(workspace: Workspace) -> None:
    """Mark what no longer counts."""
