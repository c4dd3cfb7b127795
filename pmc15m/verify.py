"""`verify`: re-read every byte of a workspace, and note what is damaged, so that the next run mends it."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pmc15m.checksum import Check
from pmc15m.crawl import verify as crawl
from pmc15m.curate import groupings
from pmc15m.engine.progress import Progress
from pmc15m.errors import ExitCode
from pmc15m.export import state as export
from pmc15m.schema import TABLES
from pmc15m.workspace import Workspace, note_damage, note_path

log = logging.getLogger(__name__)


def verify(workspace: Workspace) -> ExitCode:
    """Check raw shards, catalog, plan, tables and exports; INCOMPLETE where something is damaged.

    A workspace that cannot be written is read all the same. Raises `UsageError` without a workspace.
    """
    workspace.require_data()
    can_note = os.access(workspace.root, os.W_OK)
    everything = checks(workspace)
    damaged = 0
    with Progress("verify", total=len(everything), unit="file") as progress:
        for check in everything:
            complaints = check.complaints()
            for complaint in complaints:
                log.error("verify: %s: %s", check.name, complaint)
            damaged += bool(complaints)
            if can_note and complaints and check.path.parent.is_dir():
                note_damage(check.path)
            elif can_note and not complaints:
                note_path(check.path).unlink(missing_ok=True)
            progress.advance(damaged=damaged)
    for path in _strays(workspace):
        log.warning("verify: %s is none of ours, and is left alone", path)
    if damaged:
        log.error("verify: %d of %d files are damaged; `pmc15m run` mends them", damaged, len(everything))
        return ExitCode.INCOMPLETE
    log.info("verify: %d files, every byte as it was written", len(everything))
    return ExitCode.COMPLETE


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of a workspace, in order; a raw shard with its index counts as one file."""
    return [*crawl.checks(workspace), *_tables(workspace), *groupings.checks(workspace), *export.checks(workspace)]


def _tables(workspace: Workspace) -> Iterator[Check]:
    raw = set(workspace.shards())
    for table in TABLES:
        for shard in workspace.shards(table):
            if not raw or shard in raw:
                path = workspace.part(table, shard)
                yield Check.of_file(str(path.relative_to(workspace.root)), path)


def _strays(workspace: Workspace) -> Iterator[Path]:
    """Files that lie where shards lie and belong to none."""
    raw = set(workspace.shards())
    for table in ("raw", *TABLES):
        for path in sorted((workspace.root / table).glob("*.parquet")):
            if path.stem not in (raw or workspace.shards(table)):
                yield path
