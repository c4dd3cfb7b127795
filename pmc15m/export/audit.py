"""`export --verify`: an export opened again, wherever it lies, and everything in it looked at."""

import logging
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pmc15m.checksum import Check
from pmc15m.curate.splits import LONG_CAPTION
from pmc15m.errors import DamageError, ExitCode, UsageError
from pmc15m.export.layout import Layout
from pmc15m.export.shards import SPLITS, Shard
from pmc15m.export.written import written_pictures
from pmc15m.query import connect
from pmc15m.workspace import Workspace, read_part

log = logging.getLogger(__name__)


def verify_export(folder: Path, workspace: Workspace) -> ExitCode:
    """Read every byte of an export; INCOMPLETE where anything is wrong, and what.

    Counts and checksums, whether every picture is one and as large as told, whether no article, duplicate group or long
    caption is in two splits, and, where there is a workspace, whether no article is in it that was removed or retracted
    since. Raises `UsageError` for what is no export.
    """
    facts = Layout(folder, "").read_summary()
    if facts is None:
        raise UsageError(f"{folder} is no finished export: its export.json is missing or damaged")
    layout = Layout(folder, facts["format"])
    shards = layout.shards()
    complaints = [
        *layout.complaints_of_summary(),
        *Check.of_file(folder.name, layout.plan, layout.changes).complaints(),
        *_strays(layout, shards, facts["files"]),
    ]
    counted: Counter[str] = Counter()
    splits: dict[tuple[str, Any], set[str]] = defaultdict(set)
    articles: set[str] = set()
    for shard in shards:
        complaints += (f"{shard}: {complaint}" for complaint in layout.complaints_of_data(shard))
        try:
            rows = [row for row in read_part(layout.rows(shard)).to_pylist() if row["export_status"] == "success"]
        except (OSError, DamageError) as error:
            complaints.append(f"{shard}: {error}")
            continue
        counted[shard.split] += len(rows)
        articles |= {row["pmcid"] for row in rows}
        for row in rows:
            splits["article", row["pmcid"]].add(shard.split)
            if row["duplicate_group"] is not None:
                splits["duplicate group", row["duplicate_group"]].add(shard.split)
            if row["n_words"] >= LONG_CAPTION:
                splits["caption", row["caption_hash"]].add(shard.split)
        complaints += (f"{shard}: {complaint}" for complaint in _of_pictures(layout, shard, rows))
    if dict(counted) != facts["samples"]:
        complaints.append(f"export.json counts {facts['samples']}, the shards hold {dict(counted)}")
    complaints += (
        f"{what} {name} is in {' and '.join(sorted(of))}" for (what, name), of in splits.items() if len(of) > 1
    )
    complaints += (f"article {pmcid} was {why} since" for pmcid, why in _gone(workspace, articles))
    for complaint in complaints:
        log.error("export: %s", complaint)
    if complaints:
        log.error("export: %d complaints about %s", len(complaints), folder)
        return ExitCode.INCOMPLETE
    log.info("export: %d pairs in %d shards, all as they should be", sum(counted.values()), len(shards))
    if not workspace.shards("articles"):
        log.warning("export: there is no workspace that would tell of articles removed or retracted since")
    return ExitCode.COMPLETE


def _strays(layout: Layout, shards: Iterable[Shard], named: Iterable[str]) -> Iterator[str]:
    """What lies where readers look and was not written by this export."""
    known = {*map(layout.data, shards), *(layout.folder / name for name in named)}
    for folder in ("data", *SPLITS):
        for path in sorted({*(layout.folder / folder).glob("[!.]*")} - known):
            yield f"{folder}/{path.name} is no part of the export, and lies where readers look"


def _of_pictures(layout: Layout, shard: Shard, rows: list[dict[str, Any]]) -> Iterator[str]:
    from pmc15m.pictures.decode import DecodeError, decode  # here, so that `status` answers without loading decoders

    sizes = {row["pair_key"]: (row["export_width"], row["export_height"]) for row in rows}
    seen = set()
    try:
        for key, content in written_pictures(layout, shard):
            seen.add(key)
            decoded = decode(content)
            if isinstance(decoded, DecodeError):
                yield f"the picture of {key} cannot be decoded: {decoded}"
            elif decoded.image.size != sizes.get(key):
                yield f"the picture of {key} is {decoded.image.size}, told as {sizes.get(key)}"
    except (OSError, tarfile.TarError, ValueError) as error:
        yield f"cannot be read: {error}"
    if lacking := sizes.keys() - seen:
        yield f"{len(lacking)} pairs have no picture, {min(lacking)} among them"


def _gone(workspace: Workspace, articles: set[str]) -> list[tuple[str, str]]:
    if not workspace.shards("articles"):
        return []
    with connect(workspace) as connection:
        gone = connection.sql(
            """SELECT DISTINCT pmcid, if(status = 'removed', 'removed', 'retracted') FROM articles
               WHERE status = 'removed' OR is_retracted ORDER BY pmcid"""
        )
        return [(pmcid, why) for pmcid, why in gone.fetchall() if pmcid in articles]
