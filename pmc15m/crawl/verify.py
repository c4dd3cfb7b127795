"""`verify`: re-read every byte of the raw shards and say what is wrong.

What is wrong with a shard is also noted beside it (`raw/NNNNN.damage`, the keys of its broken articles), so that the
next crawl repairs it: what is whole is kept, the rest is fetched again.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pmc15m.crawl.shard import TAR_END, Row, digest_of, member_name, tar_header, tar_size
from pmc15m.engine.progress import Progress
from pmc15m.errors import ExitCode, UsageError
from pmc15m.workspace import Workspace, atomic, in_order, read_fingerprint, read_part

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with one shard: lines for people; `articles` are those whose bytes are not as they were."""

    shard: str
    complaints: tuple[str, ...]
    articles: tuple[tuple[str, int], ...] = ()
    is_index_good: bool = True


def verify(workspace: Workspace) -> ExitCode:
    """Check every raw shard; INCOMPLETE where something is damaged. Raises `UsageError` without a workspace."""
    if not workspace.root.is_dir():
        raise UsageError(f"there is no workspace {workspace.root}; make one with `pmc15m run --workspace DIR`")
    shards = in_order({*workspace.shards(), *workspace.shards(suffix=".tar")})
    damaged = 0
    with Progress("verify", total=len(shards), unit="shard") as progress:
        for shard in shards:
            damage = check_shard(workspace, shard)
            if damage.complaints:
                damaged += 1
                for complaint in damage.complaints:
                    log.error("verify: shard %s: %s", shard, complaint)
                _note(workspace, damage)
            else:
                damage_path(workspace, shard).unlink(missing_ok=True)
            progress.advance(damaged=damaged)
    if damaged:
        log.error("verify: %d of %d shards are damaged; `pmc15m crawl` repairs them", damaged, len(shards))
        return ExitCode.INCOMPLETE
    log.info("verify: %d shards, every byte as it was fetched", len(shards))
    return ExitCode.COMPLETE


def damage_path(workspace: Workspace, shard: str) -> Path:
    """Where the damage of a shard is noted."""
    return workspace.tar(shard).with_suffix(".damage")


def damaged_shards(workspace: Workspace) -> set[str]:
    """The shards that the last `verify` noted, and those that are seen to be damaged without reading their bytes."""
    return set(workspace.shards(suffix=".damage")) | {
        shard
        for shard in workspace.shards()
        if not workspace.tar(shard).exists() or read_fingerprint(workspace.part("raw", shard)) is None
    }


def check_shard(workspace: Workspace, shard: str) -> Damage:
    """Re-read one shard."""
    path = workspace.part("raw", shard)
    try:
        table = read_part(path)
    except FileNotFoundError:
        return Damage(shard, ("its index is missing",), is_index_good=False)
    except (OSError, pa.ArrowException) as error:
        return Damage(shard, (f"its index cannot be read: {str(error).splitlines()[0]}",), is_index_good=False)
    if digest_of(table.replace_schema_metadata(None)) != read_fingerprint(path):
        return Damage(shard, ("its index has other rows than were written",), is_index_good=False)
    rows = table.to_pylist()
    if not workspace.tar(shard).exists():
        return Damage(shard, ("its tar is missing",), tuple({(row["pmcid"], row["version"]): None for row in rows}))
    complaints, broken = [], dict[tuple[str, int], None]()
    size, expected = workspace.tar(shard).stat().st_size, tar_size(rows) + TAR_END
    if size != expected:
        complaints.append(f"its tar has {size} bytes instead of {expected}")
    for row in rows:
        if row["offset"] is not None and (complaint := _check(workspace, shard, row)) is not None:
            complaints.append(f"{row['member']} {complaint}")
            broken[row["pmcid"], row["version"]] = None
    return Damage(shard, tuple(complaints), tuple(broken))


def _check(workspace: Workspace, shard: str, row: Row) -> str | None:
    header = tar_header(member_name(row), row["size"])
    try:
        whole = workspace.read(shard, row["offset"] - len(header), len(header) + row["size"])
    except OSError as error:
        return f"is not there: {error}"
    if not whole.startswith(header):
        return "has another tar header"
    if hashlib.sha256(memoryview(whole)[len(header) :]).hexdigest() != row["sha256"]:
        return "has other bytes than were fetched"
    return None


def _note(workspace: Workspace, damage: Damage) -> None:
    with atomic(damage_path(workspace, damage.shard)) as temporary:
        temporary.write_text(json.dumps(damage.articles) + "\n", encoding="ascii")
