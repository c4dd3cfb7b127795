"""Where an export's files lie, in every format, and whether they are those that were written.

What readers look for lies where they look: `data/<split>-NNNNN-of-NNNNN.tar` or `.parquet`, or pictures below a folder
a split. Side tables lie in a hidden folder, which no reader of folders opens.
"""

import contextlib
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmc15m.errors import DamageError, UsageError
from pmc15m.export.shards import SPLITS, Shard, read_shards
from pmc15m.mirror import mirror_of
from pmc15m.objects import is_address
from pmc15m.workspace import (
    Workspace,
    atomic,
    copy_of,
    is_leftover,
    note_path,
    opened,
    read_facts,
    read_fingerprint,
    remove,
)

HIDDEN = ".pmc15m"
_ROWS = re.compile(r"([a-z]+)-([0-9]+)")
_SUFFIXES = {"webdataset": ".tar", "hf": ".parquet", "interleaved": ".parquet"}  # of formats with a file a shard


def describe(path: Path) -> dict[str, Any]:
    """The size of a file in bytes, and its sha256; of a folder those of all files, and of their names and digests."""
    if path.is_dir():
        files = {str(file.relative_to(path)): describe(file) for file in _files(path)}
        listed = json.dumps(files, sort_keys=True).encode()
        return {"size": sum(file["size"] for file in files.values()), "sha256": hashlib.sha256(listed).hexdigest()}
    with opened(path) as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path)) if path.is_dir() else path.stat().st_size


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of one export; each format of a recipe has its own."""

    folder: Path
    format: str

    @classmethod
    def of(cls, workspace: Workspace, name: str, kind: str, out: str = "") -> "Layout":
        """Where an export of that name lies in a workspace, or the folder `out`. Raises `UsageError`."""
        if is_address(out):
            raise UsageError(
                "an export is written into a folder with --out, or into the workspace, also one in a store"
            )
        layout = cls(Path(out) if out else workspace.root / "export" / name, kind)
        if layout.is_foldered and mirror_of(layout.folder) is not None:
            raise UsageError(f"{kind} has a file a picture, and is not written into a store; give a folder with --out")
        return layout

    def refuse_to_mix(self, workspace: Workspace) -> None:
        """Raise `UsageError` where a folder that somebody chose holds anything but an export."""
        if self.folder.resolve().is_relative_to(workspace.root.resolve()):
            raise UsageError("--out is a folder outside of the workspace; what it has inside is named with --name")
        if self.folder.is_file() or (
            self.folder.is_dir() and not self.plan.parent.is_dir() and any(self.folder.iterdir())
        ):
            raise UsageError(f"{self.folder} holds something else than an export; give --out a folder of its own")

    @property
    def plan(self) -> Path:
        return self.folder / HIDDEN / "plan.parquet"

    @property
    def asked(self) -> Path:
        """The list of figures that was ordered, as it was given."""
        return self.folder / HIDDEN / "asked.txt"

    @property
    def summary(self) -> Path:
        return self.folder / "export.json"

    @property
    def is_foldered(self) -> bool:
        """Whether every picture is a file of its own."""
        return self.format not in _SUFFIXES

    def data(self, shard: Shard) -> Path:
        """The training shard: a file, or a folder of pictures."""
        if self.is_foldered:
            return self.folder / shard.split / shard.name
        return self.folder / "data" / f"{shard.split}-{shard.name}-of-{shard.count:05d}{_SUFFIXES[self.format]}"

    def rows(self, shard: Shard) -> Path:
        """Every planned pair of the shard with its outcome."""
        return self.folder / HIDDEN / f"{shard.split}-{shard.name}.parquet"

    def planned(self, shard: Shard) -> Path:
        """The pairs of a shard that is to be written."""
        return self.plan.parent / f"{shard.split}-{shard.name}.planned.parquet"

    def before(self, rows: Path, release: str) -> Path:
        """Where a side table of the last release, which has that id, waits until the next one is out."""
        return rows.with_name(f"{rows.stem}.before-{release}.parquet")

    @property
    def manifest(self) -> Path:
        """The parts of the last release."""
        return self.folder / "manifest.json"

    @property
    def changes(self) -> Path:
        """What the last release changed; kept twice (`workspace.copy_of`), as it cannot be made again."""
        return self.folder / "CHANGES.parquet"

    def read_manifest(self) -> dict[str, Any]:
        """The manifest of the last release; empty where there is none, or a damaged one."""
        try:
            found: dict[str, Any] = json.loads(self.manifest.read_text(encoding="utf-8"))
            return found if release_id(found["parts"]) == found["release"] else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def keep_before(self, shard: str, rows: Path) -> None:
        """Keep a side table of the last release that is about to be replaced or removed."""
        last = self.read_manifest()
        if any(part["shard"] == shard for part in last.get("parts", {}).values()) and rows.exists():
            kept = self.before(rows, last["release"])
            if not kept.exists():
                with atomic(kept) as temporary:
                    shutil.copyfile(rows, temporary)

    @property
    def sizes(self) -> Path:
        """Samples a shard, as open_clip reads it."""
        return self.folder / "data" / "sizes.json"

    def shards(self) -> list[Shard]:
        """The shards that the plan asks for; where it cannot be read, those that are there."""
        with contextlib.suppress(DamageError, FileNotFoundError):
            return read_shards(self.plan)
        paths = sorted(self.plan.parent.glob("*.parquet"))
        found = [match.groups() for path in paths if (match := _ROWS.fullmatch(path.stem))]
        counts = Counter(split for split, _ in found)
        return [Shard(split, name, counts[split], "") for split, name in found]

    def is_current(self, shard: Shard) -> bool:
        """Whether a shard was written as it is planned and is there, as far as its size tells."""
        facts, data = read_facts(self.rows(shard)), self.data(shard)
        if facts is None or facts["fingerprint"] != shard.made_from or not data.exists():
            return False
        return bool(_size(data) == facts["data"]["size"])

    def is_ready(self, shard: Shard) -> bool:
        """Whether a shard is current, or can be written."""
        return self.is_current(shard) or read_fingerprint(self.planned(shard)) == read_fingerprint(self.plan)

    def is_summarised(self, made_from: str) -> bool:
        """Whether the summary was written for this plan, and what it names is there, as far as sizes tell."""
        facts = self.read_summary()
        if facts is None or facts["fingerprint"] != made_from or note_path(self.summary).exists():
            return False
        if read_fingerprint(self.changes) is None or read_fingerprint(copy_of(self.changes)) is None:
            return False
        sizes = ((self.folder / name, described["size"]) for name, described in facts["files"].items())
        return all(path.exists() and path.stat().st_size == size for path, size in sizes)

    def read_summary(self) -> dict[str, Any] | None:
        """The facts of the summary; None where there is none, or not as it was written."""
        try:
            text = self.summary.read_text(encoding="utf-8")
            facts: dict[str, Any] = json.loads(text)
            del facts["sha256"]
            return facts if _summary_text(facts) == text else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_summary(self, facts: Mapping[str, Any], names: Iterable[str]) -> None:
        """Write `export.json`: the facts, sizes and digests of the files `names` beside it, and its own digest."""
        files = {name: describe(self.folder / name) for name in names}
        with atomic(self.summary) as temporary:
            temporary.write_text(_summary_text({**facts, "files": files}), encoding="utf-8")
        note_path(self.summary).unlink(missing_ok=True)

    def complaints_of_data(self, shard: Shard) -> list[str]:
        """What is wrong with a training shard, every byte read."""
        facts, data = read_facts(self.rows(shard)), self.data(shard)
        if not data.exists():
            return [f"{data.name} is missing"]
        if facts is not None and describe(data) != facts.get("data"):
            return [f"{data.name} has other bytes than were written"]
        return []

    def complaints_of_summary(self) -> list[str]:
        """What is wrong with the summary and what it names, every byte read."""
        facts = self.read_summary()
        if facts is None:
            return [f"{self.summary.name} is missing or has other bytes than were written"]
        named = ((self.folder / name, described) for name, described in facts.get("files", {}).items())
        harmed = [path.name for path, described in named if not path.exists() or describe(path) != described]
        return [f"{name} is missing or has other bytes than were written" for name in harmed]

    def remove_others(self, shards: list[Shard]) -> None:
        """Delete shards of an earlier plan, format or layout that this one does not write again."""
        kept = {path for shard in shards for path in (self.data(shard), self.rows(shard), note_path(self.rows(shard)))}
        kept |= {self.planned(shard) for shard in shards if not self.is_current(shard)}
        kept |= {self.plan, note_path(self.plan)}
        release = self.read_manifest().get("release", "")
        remove(self.folder / "plan.parquet")
        for name in (*SPLITS, "data", "rows", HIDDEN):
            for path in (self.folder / name).glob("*"):
                if path in kept or (release and path.stem.endswith(f".before-{release}")):
                    continue
                if name == HIDDEN and path.suffix == ".parquet" and (match := _ROWS.fullmatch(path.stem)):
                    self.keep_before("/".join(match.groups()), path)
                if path.is_dir():
                    shutil.rmtree(path)
                elif is_leftover(path) or path.suffix in {".tar", ".parquet", ".damage", ".json"}:
                    remove(path)


def release_id(parts: Mapping[str, Any]) -> str:
    """What a release is known by: 16 hex digits that depend on every part."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _summary_text(facts: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return json.dumps({**facts, "sha256": digest}, indent=1, ensure_ascii=False) + "\n"
