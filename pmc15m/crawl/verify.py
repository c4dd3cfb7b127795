"""`verify` of what was fetched: re-read every byte of raw shards, catalog and plan, and say what is wrong.

What is wrong is noted, so that the next crawl repairs it: what is whole is kept, the rest is fetched again.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.checksum import Check
from pmc15m.crawl.planned import plan_paths
from pmc15m.crawl.shard import TAR_END, Row, digest_of, member_name, tar_header, tar_size
from pmc15m.errors import DamageError
from pmc15m.footers import one_moment
from pmc15m.workspace import Workspace, copy_of, in_order, opened, read_facts, read_part


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with one shard: lines for people; `articles` are those whose bytes are not as they were."""

    complaints: tuple[str, ...]
    articles: tuple[tuple[str, int], ...] = ()
    rows: pa.Table | None = None  # of the index, if they are those that were written
    is_tar_good: bool = True


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of what was fetched: raw shards, the catalog, the plan."""
    shards = in_order({*workspace.shards(), *workspace.shards(suffix=".tar")})
    twice = [path for path in (workspace.catalog, *plan_paths(workspace)) if path.exists() or copy_of(path).exists()]
    return [
        *(Check(f"shard {name}", workspace.tar(name), partial(_complaints, workspace, name)) for name in shards),
        *(Check.of_file(str(path.relative_to(workspace.root)), path, copy_of(path)) for path in twice),
    ]


def _complaints(workspace: Workspace, shard: str) -> tuple[str, ...]:
    return check_shard(workspace, shard).complaints


@one_moment()
def damaged_shards(workspace: Workspace) -> set[str]:
    """The shards that are noted as damaged, and those that are seen to be without reading their bytes."""
    return set(workspace.shards(suffix=".damage")) | {
        shard for shard in workspace.shards() if not _seems_whole(workspace, shard)
    }


def _seems_whole(workspace: Workspace, shard: str) -> bool:
    facts = read_facts(workspace.part("raw", shard))
    try:
        return facts is not None and os.path.getsize(workspace.tar(shard)) == facts.get("tar_size")
    except OSError:
        return False


def check_shard(workspace: Workspace, shard: str) -> Damage:
    """Re-read one shard."""
    complaints = []
    try:
        table = read_part(workspace.part("raw", shard))
    except FileNotFoundError:
        return Damage(("its index is missing",), is_tar_good=False)
    except DamageError as error:
        complaints.append(f"its index {error.what}")
        table = _salvage(workspace.part("raw", shard))
    if table is None:
        return Damage(tuple(complaints), is_tar_good=False)
    rows = table.to_pylist()
    try:
        with opened(workspace.tar(shard)) as tar:
            harm, broken = _check_tar(tar, rows)
    except FileNotFoundError:
        harm, broken = ["its tar is missing"], [(row["pmcid"], row["version"]) for row in rows]
    return Damage((*complaints, *harm), tuple(dict.fromkeys(broken)), table, is_tar_good=not harm)


def _salvage(path: Path) -> pa.Table | None:
    """The rows of an index whose file is not as it was written, if they are: its fingerprint is a digest of them."""
    try:
        fingerprint = json.loads(pq.read_metadata(path).metadata[b"pmc15m"])["fingerprint"]
        table = pq.ParquetFile(path).read().replace_schema_metadata(None)
        return table if digest_of(table) == fingerprint else None
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def _check_tar(tar: BinaryIO, rows: list[Row]) -> tuple[list[str], list[tuple[str, int]]]:
    """What is wrong with a tar, byte for byte, and the articles whose objects it concerns."""
    complaints, broken = [], []
    size, expected = os.fstat(tar.fileno()).st_size, tar_size(rows) + TAR_END
    if size != expected:
        complaints.append(f"its tar has {size} bytes instead of {expected}")
    elif any(os.pread(tar.fileno(), TAR_END, size - TAR_END)):
        complaints.append("its tar has another end")
    for row in rows:
        if row["offset"] is not None and (complaint := _check_object(tar, row)) is not None:
            complaints.append(f"{row['member']} {complaint}")
            broken.append((row["pmcid"], row["version"]))
    return complaints, broken


def _check_object(tar: BinaryIO, row: Row) -> str | None:
    header = tar_header(member_name(row), row["size"])
    length = tar_size([row])
    whole = memoryview(os.pread(tar.fileno(), length, row["offset"] - len(header)))
    if len(whole) < length:
        return "is not there"
    if whole[: len(header)] != header:
        return "has another tar header"
    if hashlib.sha256(whole[len(header) : len(header) + row["size"]]).hexdigest() != row["sha256"]:
        return "has other bytes than were fetched"
    if any(whole[len(header) + row["size"] :]):
        return "is not padded with zeros"
    return None
